import pytest

from serverless_cli.errors import Location, SlxError
from serverless_cli.packaging.requirements import FILE, checked, read


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return FILE + str(path)


def problem(*texts):
    found = read(texts)
    assert found.lines == ()
    (one,) = found.problems
    return one


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("requests", "requests"),
        ("  Flask_RESTful == 0.3  ", "flask-restful==0.3"),
        ("boto3[crt]>=1.2,<2", "boto3[crt]<2,>=1.2"),
        ('tomli; python_version < "3.11"', 'tomli; python_version < "3.11"'),
        ("six==1.0 --hash=sha256:bb --hash=sha256:aa", "six==1.0 --hash=sha256:aa --hash=sha256:bb"),
    ],
)
def test_requirements_have_one_form(text, expected):
    assert read([text]).lines == (expected,)


def test_order_and_repetition_do_not_matter():
    assert read(["six", "Requests", "six"]) == read(["requests", "six"])


def test_a_file_is_read_with_comments_continued_lines_and_other_files(tmp_path):
    write(tmp_path / "more/base.txt", "idna==3.7\n")
    file = write(
        tmp_path / "requirements.txt",
        "# tools\nsix  # old\n\n-r more/base.txt\nflask \\\n   --hash=sha256:ab \\\n   --hash=sha256:cd\n--only-binary :all:\n",
    )

    found = read([file], root=tmp_path)

    assert found.problems == ()
    assert found.lines == ("flask --hash=sha256:ab --hash=sha256:cd", "idna==3.7", "six")


def test_what_is_wrong_in_a_file_is_located_there(tmp_path):
    file = write(tmp_path / "requirements.txt", "six\n\nnot a requirement\n-e ../mine\n")

    first, second = read([file], [Location("blueprint.yaml", 9, 3)]).problems

    assert (first.where.line, first.where.text) == (3, "not a requirement")
    assert first.where.file == str(tmp_path / "requirements.txt")
    assert first.what == "`not a requirement` is no requirement"
    assert (second.where.line, second.what) == (4, "`-e` has no place in requirements")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("-e .", "editable"),
        ("--editable=git+https://example.com/x", "editable"),
        ("-c constraints.txt", "constraints"),
        ("--index-url https://example.com/simple", "pip config set"),
        ("--extra-index-url=https://example.com", "pip config set"),
        ("-fhttps://example.com", "pip config set"),
        ("--no-binary :all:", "built"),
        ("--pre", "pre-release"),
        ("--frobnicate", "no such option"),
        ("./wheels/six.whl", "a place, not a version"),
        ("https://example.com/six-1.0-py3-none-any.whl", "a place, not a version"),
        ("git+https://example.com/six", "a place, not a version"),
        ("six @ https://example.com/six.whl", "a place, not a version"),
        ("six==1.0 --config-settings=a=b", "--hash"),
        ("six=1.0", "is no requirement"),
        ("six>=one", "is no requirement"),
    ],
)
def test_what_depends_on_the_machine_or_makes_no_sense_is_refused(text, says):
    one = problem(text)

    assert says in f"{one.what} {one.why} {one.hint}"


def test_no_password_is_shown(tmp_path):
    file = write(tmp_path / "r.txt", "--index-url https://ann:geheim@example.com/simple\n")

    found = (problem("https://ann:geheim@example.com/six.whl"), problem(file))

    assert "geheim" not in repr(found)
    assert "…@example.com" in found[1].where.text


def test_a_file_that_includes_itself_is_refused(tmp_path):
    file = write(tmp_path / "a.txt", "-r b.txt\n")
    write(tmp_path / "b.txt", "-r a.txt\n")

    assert problem(file).what == "a.txt includes itself"


def test_a_file_outside_of_the_blueprints_folder_is_refused(tmp_path):
    write(tmp_path / "outside.txt", "six\n")
    file = write(tmp_path / "inside/r.txt", "-r ../outside.txt\n")

    (one,) = read([file], root=tmp_path / "inside").problems

    assert one.what == "outside.txt is outside of the blueprint's folder"


def test_a_file_that_is_not_there_or_no_text_is_named(tmp_path):
    (tmp_path / "r.txt").write_bytes(b"\xff\xfe\xfa")

    assert problem(f"{FILE}{tmp_path}/none.txt").why == "No such file or directory"
    assert problem(f"{FILE}{tmp_path}/r.txt").why == "it is not UTF-8 text"


@pytest.mark.parametrize(
    ("text", "is_loose"),
    [
        ("six", True),
        ("six>=1.0", True),
        ("six==1.*", True),
        ("six==1.0", False),
        ("six===1.0", False),
        ('six==1.0; python_version > "3"', False),
        ("six==1.0 --hash=sha256:ab", False),
        ("six[extra]==1.0", False),
    ],
)
def test_requirements_without_a_version_are_loose(text, is_loose):
    assert bool(read([text]).loose) == is_loose


def test_what_went_wrong_since_is_an_error(tmp_path):
    with pytest.raises(SlxError, match=r"cannot read the requirements in gone\.txt"):
        checked([f"{FILE}{tmp_path}/gone.txt"])
