"""Whether a handler exists, found out without running any of the user's code."""

from __future__ import annotations

import ast
import io
import json
import re
import sys
import threading
import tokenize
import warnings
from collections.abc import Callable, Iterable, Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

from serverless_cli.errors import Doubt, Location, Problem, SlxError
from serverless_cli.packaging.interpreters import Interpreter, interpreter_for, tell
from serverless_cli.packaging.patterns import DEFAULTS
from serverless_cli.packaging.tree import collect

_ENDINGS = {"python": (".py",), "nodejs": (".js", ".mjs", ".cjs"), "ruby": (".rb",)}
_READ = 5 << 20
"""larger modules are not read to find a function in them"""
_COMPILED = (".so", ".pyd")
_PARSING = threading.Lock()
"""Python 3.11 counts the depth of all trees that are being built in one place, and takes two at once for an error."""


def check_handler(
    folder: Path, handler: str, runtime: str, *, find: Callable[[str], Interpreter] = interpreter_for
) -> Problem | None:
    """What is wrong with `handler` (`module.function`), or None; of runtimes that it does not know it says nothing.

    A syntax error is located in the handler's own file; all else is for the blueprint's line. What may be the syntax of
    a newer Python is judged by that Python, if `find` knows one on this machine; else it is a Doubt.
    """
    family = next((name for name in _ENDINGS if runtime.startswith(name)), "")
    if not family:
        return None
    try:
        files = {item.name: item.path for item in collect(folder, DEFAULTS)}
    except SlxError as error:
        return Problem(error.what, error.why, error.hint)
    module, function = _split(handler, family)
    if not module or not function or ".." in handler.split("/"):
        what = "leads out of its folder" if module and function else "has no function"
        return Problem(f"the handler {handler!r} {what}", "it has the form `module.function`", "`app.handler`")
    path = _find(module, files, family)
    if path is None:
        return _no_module(handler, module, folder, files, family)
    if family != "python" or path.endswith(_COMPILED) or Path(files[path]).stat().st_size > _READ:
        return None
    return _check_function(path, files[path], function, runtime, find)


def _split(handler: str, family: str) -> tuple[str, str]:
    """The module as a path without ending, and the function, each as its runtime splits them."""
    if family == "nodejs":  # the first dot after the last slash ends the file's name
        place, slash, name = handler.rpartition("/")
        module, _, function = name.partition(".")
        return place + slash + module, function
    module, _, function = handler.rpartition(".")
    return (module.replace(".", "/") if family == "python" else module), function


def _find(module: str, files: Iterable[str], family: str) -> str | None:
    module = module.removeprefix("./")
    for ending in _ENDINGS[family]:
        for name in (module + ending, *([f"{module}/__init__.py"] if family == "python" else [])):
            if name in files:
                return name
    if family == "python":
        return next((n for n in files if n.startswith(f"{module}.") and n.endswith(_COMPILED)), None)
    return None


def _no_module(handler: str, module: str, folder: Path, files: Iterable[str], family: str) -> Problem:
    file = module + _ENDINGS[family][0]
    if (folder / file).is_file() and file in {path.relative_to(folder).as_posix() for path in folder.rglob("*")}:
        return Problem(f"no file for the handler {handler!r}", f"{file} is there, but left out of the package")
    modules = sorted({name.removesuffix(end).removesuffix("/__init__") for name in files for end in _ENDINGS[family]
                      if name.endswith(end)})  # fmt: skip
    near = _near(module, modules)
    hint = f"did you mean `{near.replace('/', '.') if family == 'python' else near}`?" if near else ""
    return Problem(f"no file for the handler {handler!r}", f"there is no {file} in {folder}", hint)


def _near(name: str, known: Iterable[str]) -> str:
    by_lower = {one.lower(): one for one in known}
    found = get_close_matches(name.lower(), by_lower, n=1)
    return by_lower[found[0]] if found else ""


def _check_function(
    name: str, path: str, function: str, runtime: str, find: Callable[[str], Interpreter]
) -> Problem | None:
    try:
        source = Path(path).read_bytes()
        tree = _parse(source, path)
    except SyntaxError as error:
        ours = _Fault(error.lineno or 1, error.offset or 1, (error.text or "").rstrip("\n"), error.msg)
        return _misspelt(name, path, source, ours, runtime, find=find)
    except (ValueError, RecursionError, MemoryError, OSError) as error:
        return Problem(f"{name} cannot be read as Python", str(error))
    found = dict(_names(tree.body))
    if isinstance(found.get(function), ast.AsyncFunctionDef):
        why = "Lambda calls plain functions and does not wait for coroutines"
        return Problem(f"the handler {function!r} in {name} is async", why, "call `asyncio.run` in a plain function")
    if function in found or "*" in found or "__getattr__" in found:
        return None
    near = _near(function, (one for one, node in found.items() if isinstance(node, ast.FunctionDef)))
    hint = f"did you mean `{near}`?" if near else ""
    if function == "py":
        hint = f"it has the form `module.function`: `{Path(name).stem}.handler`, for one"
    return Problem(f"no function {function!r} in {name}", "nothing of that name is defined at its top level", hint)


class _Fault(NamedTuple):
    """A syntax error and its place."""

    line: int
    column: int
    text: str
    says: str


_JUDGE = """\
import ast, json, sys
try:
    ast.parse(sys.stdin.buffer.read())
except SyntaxError as e:
    print(json.dumps([e.lineno or 1, e.offset or 1, (e.text or "").rstrip("\\n"), e.msg]))
"""


def _misspelt(
    name: str, path: str, source: bytes, ours: _Fault, runtime: str, *, find: Callable[[str], Interpreter]
) -> Problem | None:
    """What our Python does not understand, judged by the runtime's own where that is newer."""
    version = re.fullmatch(r"python3\.(\d+)", runtime)
    if version and int(version[1]) <= sys.version_info.minor:
        return _invalid(name, path, ours)
    its = find(runtime)
    said = tell(its.path, _JUDGE, source) if its.exact else None
    if said is not None:
        return _invalid(name, path, _Fault(*json.loads(said))) if said.strip() else None
    return Doubt(
        f"{name} may not be valid Python",
        f"Python 3.{sys.version_info.minor} says: {ours.says}; {runtime} may know more",
        f"correct that line, or install {runtime} on this machine, which then judges it",
        Location(path, ours.line, ours.column, ours.text),
    )


def _invalid(name: str, path: str, fault: _Fault) -> Problem:
    where = Location(path, fault.line, fault.column, fault.text)
    return Problem(f"{name} is not valid Python", fault.says, "correct that line", where)


def _parse(source: bytes, path: str) -> ast.Module:
    """The module's syntax tree. Raises SyntaxError."""
    encoding, _ = tokenize.detect_encoding(io.BytesIO(source).readline)
    source.decode(encoding)  # `ast.parse` looks away from what stands in comments; an import does not
    with _PARSING, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the user's escapes are the user's
        return ast.parse(source, path)


def _names(body: Iterable[ast.stmt]) -> Iterator[tuple[str, ast.AST]]:
    """What a module's top level defines, conditional parts included; `*` where anything may come in."""
    for node in body:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name, node
            case ast.Import() | ast.ImportFrom():
                yield from ((alias.asname or alias.name.partition(".")[0], node) for alias in node.names)
            case _:
                yield from ((one.id, one) for one in _bound(node))
                yield from _names(_inner(node))


def _bound(node: ast.stmt) -> Iterator[ast.Name]:
    """Names that the statement itself assigns, walrus included; its inner statements are not looked at."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, (ast.stmt, ast.ExceptHandler, ast.match_case)):
            yield from (n for n in ast.walk(child) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store))


def _inner(node: ast.stmt) -> Iterator[ast.stmt]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt):
            yield child
        elif isinstance(child, (ast.ExceptHandler, ast.match_case)):
            yield from child.body
