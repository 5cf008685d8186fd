import pytest

from serverless_cli.packaging.patterns import excluded, parse


@pytest.mark.parametrize(
    ("patterns", "path", "expected"),
    [
        pytest.param("*.log", "a.log", True, id="a name at the top"),
        pytest.param("*.log", "a/b/c.log", True, id="a name at any depth"),
        pytest.param("*.log", "a.log.txt", False, id="the whole name must match"),
        pytest.param("/a.log", "a.log", True, id="from the top"),
        pytest.param("/a.log", "b/a.log", False, id="only from the top"),
        pytest.param("a/b.py", "a/b.py", True, id="a path"),
        pytest.param("a/b.py", "x/a/b.py", False, id="a path counts from the top"),
        pytest.param("a/*.py", "a/b.py", True, id="a star in a path"),
        pytest.param("a/*.py", "a/b/c.py", False, id="a star stays within a name"),
        pytest.param("a/**/c.py", "a/c.py", True, id="two stars span no folder"),
        pytest.param("a/**/c.py", "a/b/b/c.py", True, id="two stars span folders"),
        pytest.param("**/c.py", "a/c.py", True, id="two stars at the front"),
        pytest.param("a/**", "a/b/c.py", True, id="two stars at the end"),
        pytest.param("a/**", "a/", False, id="not the folder itself"),
        pytest.param("build/", "build/", True, id="a folder"),
        pytest.param("build/", "a/build/", True, id="a folder at any depth"),
        pytest.param("build/", "build", False, id="a file is no folder"),
        pytest.param("?.py", "a.py", True, id="one letter"),
        pytest.param("[ab].py", "b.py", True, id="a choice"),
        pytest.param("*.PY", "a.py", False, id="case counts"),
        pytest.param("*.py\n!a.py", "a.py", False, id="taken back"),
        pytest.param("!a.py\n*.py", "a.py", True, id="the last match decides"),
        pytest.param("# a.py", "# a.py", False, id="a comment"),
        pytest.param("\\#a", "#a", True, id="no comment"),
        pytest.param("\\!a", "!a", True, id="no taking back"),
        pytest.param("\n \n/\n!\n", "a", False, id="lines that say nothing"),
        pytest.param("a.py  ", "a.py", True, id="spaces at the end"),
    ],
)
def test_patterns(patterns, path, expected):
    found = parse(patterns.splitlines())

    assert excluded(tuple(path.rstrip("/").split("/")), path.endswith("/"), found) is expected
