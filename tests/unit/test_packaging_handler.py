import sys

import pytest

from serverless_cli.errors import Doubt, Location
from serverless_cli.packaging import check_handler
from serverless_cli.packaging.interpreters import Interpreter

OURS = f"python3.{sys.version_info.minor}"
NEXT = f"python3.{sys.version_info.minor + 1}"
CODE = "def handler(event, context):\n    return {}\n"


def fill(folder, files):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.mark.parametrize(
    ("name", "handler"),
    [
        ("app.py", "app.handler"),
        ("pkg/mod.py", "pkg.mod.handler"),
        ("pkg/mod.py", "pkg/mod.handler"),
        ("pkg/__init__.py", "pkg.handler"),
        ("a/b/__init__.py", "a/b.handler"),
    ],
)
def test_modules_are_found_as_lambda_finds_them(tmp_path, name, handler):
    fill(tmp_path, {name: CODE})

    assert check_handler(tmp_path, handler, "python3.13") is None


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("def handler(e, c): ...", id="a function"),
        pytest.param("@decorated\ndef handler(e, c): ...", id="a decorated function"),
        pytest.param("class handler: ...", id="a class"),
        pytest.param("handler = make()", id="an assignment"),
        pytest.param("handler: Handler = make()", id="an annotated assignment"),
        pytest.param("other = handler = make()", id="a chain of assignments"),
        pytest.param("other, (handler, *rest) = make()", id="unpacking"),
        pytest.param("from lib import handler", id="an import"),
        pytest.param("from lib import main as handler", id="a renamed import"),
        pytest.param("import handler.deep", id="a module"),
        pytest.param("from lib import *", id="a star import, which may bring it"),
        pytest.param("def __getattr__(name): ...", id="a module that makes up its names"),
        pytest.param("if x:\n    pass\nelse:\n    def handler(e, c): ...", id="within if"),
        pytest.param("try:\n    x\nexcept E:\n    def handler(e, c): ...", id="within except"),
        pytest.param("with x:\n    handler = 1", id="within with"),
        pytest.param("with x as handler:\n    pass", id="as a with's target"),
        pytest.param("for handler in x:\n    pass", id="as a loop's variable"),
        pytest.param("match x:\n    case 1:\n        handler = 1", id="within match"),
        pytest.param("if (handler := make()):\n    pass", id="by a walrus"),
        pytest.param("# -*- coding: latin-1 -*-\nhandler = 1", id="in another encoding"),
        pytest.param("handler = '\\d'", id="with an escape that warns"),
    ],
)
def test_a_handler_may_be_defined_in_every_way(tmp_path, code):
    fill(tmp_path, {"app.py": code})

    assert check_handler(tmp_path, "app.handler", OURS) is None


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("", id="an empty file"),
        pytest.param("def outer():\n    def handler(e, c): ...", id="within a function"),
        pytest.param("class A:\n    def handler(self): ...", id="within a class"),
        pytest.param("print(handler)", id="only used"),
        pytest.param("a.handler = 1", id="an attribute"),
        pytest.param("import a.handler", id="part of a module's name"),
    ],
)
def test_a_handler_that_is_not_at_the_top_is_none(tmp_path, code):
    fill(tmp_path, {"app.py": code})

    problem = check_handler(tmp_path, "app.handler", OURS)

    assert problem.what == "no function 'handler' in app.py"


@pytest.mark.parametrize(
    ("handler", "hint"),
    [
        ("app.handlr", "did you mean `handler`?"),
        ("app.Handler", "did you mean `handler`?"),
        ("ap.handler", "did you mean `app`?"),
        ("App.handler", "did you mean `app`?"),
        ("pkg/md.handler", "did you mean `pkg.mod`?"),
        ("entirely.different", ""),
    ],
)
def test_a_near_miss_gets_a_suggestion(tmp_path, handler, hint):
    fill(tmp_path, {"app.py": CODE, "pkg/mod.py": CODE})

    assert check_handler(tmp_path, handler, OURS).hint == hint


@pytest.mark.parametrize("handler", ["app", "", ".handler", "app."])
def test_a_handler_without_its_two_parts_is_refused(tmp_path, handler):
    fill(tmp_path, {"app.py": CODE})

    assert "has no function" in check_handler(tmp_path, handler, OURS).what


@pytest.mark.parametrize("handler", ["../app.handler", "/etc/passwd.handler", "a\0b.handler", "..handler"])
def test_a_handler_lies_inside_its_folder(tmp_path, handler):
    fill(tmp_path, {"app.py": CODE, "code/app.py": CODE})

    assert check_handler(tmp_path / "code", handler, OURS) is not None


def test_a_module_that_is_left_out_of_the_package_is_said_to_be(tmp_path):
    fill(tmp_path, {"app.py": CODE, ".slxignore": "app.py\n"})

    assert "left out" in check_handler(tmp_path, "app.handler", OURS).why


def test_a_syntax_error_is_located_in_the_handlers_file(tmp_path):
    fill(tmp_path, {"app.py": "x = 1\ndef handler(:\n"})

    problem = check_handler(tmp_path, "app.handler", OURS)

    path = str(tmp_path.resolve() / "app.py")
    assert problem.what == "app.py is not valid Python"
    assert problem.where == Location(path, 2, 13, "def handler(:")


def installed(runtime):
    """As if the runtime's own Python were there, which is ours."""
    return Interpreter(sys.executable, runtime.removeprefix("python"), exact=True)


def missing(runtime):
    return Interpreter(sys.executable, OURS.removeprefix("python"), exact=False)


def broken(runtime):
    return Interpreter("/nowhere/python", runtime.removeprefix("python"), exact=True)


@pytest.mark.parametrize("runtime", [NEXT, "python4.0"])
@pytest.mark.parametrize("find", [missing, broken])
def test_what_may_be_the_syntax_of_a_newer_python_is_a_doubt(tmp_path, runtime, find):
    fill(tmp_path, {"app.py": "x = 1\ndef handler(: future"})

    problem = check_handler(tmp_path, "app.handler", runtime, find=find)

    assert isinstance(problem, Doubt)
    assert (problem.where.line, problem.where.column) == (2, 13)
    assert runtime in problem.hint


def test_a_newer_python_that_is_there_judges_its_own_syntax(tmp_path):
    fill(tmp_path, {"app.py": "x = 1\ndef handler(: 'ü'\n"})

    problem = check_handler(tmp_path, "app.handler", NEXT, find=installed)

    assert problem.what == "app.py is not valid Python"
    assert not isinstance(problem, Doubt)
    assert problem.where == Location(str(tmp_path.resolve() / "app.py"), 2, 13, "def handler(: 'ü'")


def test_what_a_newer_python_understands_is_right(tmp_path):
    """The one that is asked is a stand-in that understands all."""
    fill(tmp_path, {"app.py": "def handler(: future", "python": "#!/bin/sh\nexit 0\n"})
    (tmp_path / "python").chmod(0o755)

    found = check_handler(
        tmp_path, "app.handler", NEXT, find=lambda runtime: Interpreter(str(tmp_path / "python"), runtime, exact=True)
    )

    assert found is None


def test_no_other_python_is_asked_about_what_ours_understands(tmp_path):
    def asked(runtime):
        raise AssertionError(runtime)

    fill(tmp_path, {"app.py": CODE})

    assert check_handler(tmp_path, "app.handler", NEXT, find=asked) is None


@pytest.mark.parametrize("text", ["\0", "(" * 5000], ids=["zeros", "endless nesting"])
def test_what_cannot_be_parsed_is_a_problem_and_no_crash(tmp_path, text):
    fill(tmp_path, {"app.py": text})

    assert check_handler(tmp_path, "app.handler", OURS) is not None


def test_an_async_handler_would_never_be_awaited(tmp_path):
    fill(tmp_path, {"app.py": "async def handler(e, c): ..."})

    assert "async" in check_handler(tmp_path, "app.handler", OURS).what


def test_no_code_of_the_user_is_run(tmp_path):
    fill(tmp_path, {"app.py": f"open({str(tmp_path / 'ran')!r}, 'w')\nhandler = 1\n"})

    assert check_handler(tmp_path, "app.handler", OURS) is None
    assert not (tmp_path / "ran").exists()


def test_a_compiled_module_is_taken_at_its_word(tmp_path):
    fill(tmp_path, {"app.cpython-313-x86_64-linux-gnu.so": ""})

    assert check_handler(tmp_path, "app.handler", "python3.13") is None


@pytest.mark.parametrize(
    ("runtime", "name", "handler", "good"),
    [
        ("nodejs22.x", "index.mjs", "index.handler", True),
        ("nodejs22.x", "src/index.js", "src/index.handler", True),
        ("nodejs22.x", "index.js", "index.api.handler", True),
        ("nodejs22.x", "index.py", "index.handler", False),
        ("nodejs22.x", "other.js", "index.handler", False),
        ("ruby3.3", "app.rb", "app.Module::Class.method", False),
        ("ruby3.3", "app.rb", "app.handler", True),
        ("provided.al2023", "bootstrap", "anything at all", True),
        ("java21", "app.jar", "com.example.App::handle", True),
    ],
)
def test_of_other_runtimes_only_the_file_is_looked_for(tmp_path, runtime, name, handler, good):
    fill(tmp_path, {name: ""})

    assert (check_handler(tmp_path, handler, runtime) is None) is good


def test_a_folder_that_cannot_be_packaged_is_the_problem(tmp_path):
    (tmp_path / "link").symlink_to("/etc")

    assert "leads out of its folder" in check_handler(tmp_path, "app.handler", OURS).what
