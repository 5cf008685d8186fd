"""Reads a YAML file into nodes with file, line and column. The only import of yaml.

Works on libyaml's events, so that depth, aliases and size are bounded before anything is built.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import yaml

from serverless_cli.blueprint.build import DEPTH, Builder, Stop
from serverless_cli.blueprint.nodes import Broken, MappingNode, Scalar, Source, called
from serverless_cli.blueprint.problems import Problems, shown
from serverless_cli.errors import BlueprintError, Location, Problem

_BYTES = 1_000_000
PARSER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_CONFLICT = re.compile("^<{7} ", re.MULTILINE)

_SAYINGS: tuple[tuple[str, str, str], ...] = (
    ("a tab", "a tab in the indentation", "indent with spaces"),
    ("after a quote", "text after a closing quote", "put all of the value in the quotes"),
    (
        "block scalar",
        "a text that begins beside its `|` or `>`",
        "begin it on the next line; quote a `>` or `|` that is text",
    ),
    (
        "cannot start any token",
        "a character that cannot begin a value",
        "put the value in quotes",
    ),
    (
        "mapping values are not allowed",
        "a `:` where no key can be",
        "check the indentation; a value with `: ` in it needs quotes",
    ),
    (
        "sequence entries are not allowed",
        "a `-` where no list can begin",
        "begin the list on a line of its own, below its key",
    ),
    ("expected ':'", "a key without its `:`", "write `key: value`; a text of several lines needs quotes or `|`"),
    ("is never closed", "a bracket or brace that is never closed", "close it"),
    ("closes nothing", "a bracket or brace that closes nothing", "take it out, or open it before"),
    ("end of stream", "a quote, bracket or brace that is never closed", "close it"),
    ("document indicator", "a quote that is never closed", "close it before the `---` or `...`"),
    (
        "hexdecimal",
        "an escape in double quotes that is not finished",
        "write two, four or eight digits after x, u or U",
    ),
    ("escape", "an unknown escape in double quotes", "write `\\\\` for a backslash, or use single quotes"),
    (
        "expected alphabetic or numeric",
        "`*` and `&` begin an alias or anchor in YAML",
        'put the value in quotes: "*.jpg"',
    ),
    (
        "',' or '",
        "a flow list or mapping that goes wrong here",
        'close it and put commas between entries; inside { } and [ ] a reference needs quotes: "${id.attribute}"',
    ),
    ("expected key", "the indentation does not fit", "indent the keys of one mapping alike"),
    ("node content", "a key or value is missing here", "put texts with special characters in quotes"),
    ("'-' indicator", "the indentation does not fit", "indent the entries of one list alike"),
    ("<block end>", "the indentation does not fit", "indent the keys of one mapping and the entries of one list alike"),
    ("<document start>", "something after the end of the document", "a file is one document"),
    ("%YAML", "a %YAML line that cannot be read", "leave it out"),
    ("incompatible", "a YAML version that is not known", "leave the %YAML line out"),
    ("tag", "a tag that is not known", "slx has no tags: write ${id.attribute} for a reference"),
)


def load(path: Path, problems: Problems, parser: Any = PARSER) -> MappingNode:
    """The top-level mapping. What leaves a readable tree goes into `problems`. `parser` is a loader of PyYAML.

    Raises BlueprintError, with what `problems` holds, when there is no tree to go on with.
    """
    source = read(path)
    builder = Builder(source, problems)
    try:
        for event in _events(source.text, parser):
            builder.feed(event)
    except Stop:
        problems.check()
    except yaml.YAMLError as error:
        problems.take(_syntax(error, source))
        problems.check()
    root = builder.root
    if isinstance(root, MappingNode):
        return root
    if isinstance(root, Broken):
        problems.check()
    if root is None or (isinstance(root, Scalar) and root.empty):
        problems.add("the file is empty", source.at(0, 0), "its top level must be a mapping: lines of `key: value`")
    else:
        why = "its top level must be a mapping: lines of `key: value`"
        problems.add(f"the file is {called(root)}", root.where, why)
    problems.check()
    raise AssertionError(root)


def first(path: Path, key: str) -> tuple[str, Location] | None:
    """The text under a top-level key and its place, read no further, so that a file broken below is no obstacle.

    None when there is no such text. Raises BlueprintError.
    """
    source = read(path)
    depth, key_next, wanted = 0, True, False
    try:
        for event in _events(source.text, PARSER):
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
                if depth > DEPTH:  # libyaml's time grows with the square of it; `load` says what is wrong
                    return None
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
                key_next, wanted = key_next or depth == 1, wanted and depth > 1
            elif depth == 1 and isinstance(event, yaml.ScalarEvent):
                if wanted:
                    mark: Any = event.start_mark
                    return str(event.value), source.at(mark.line, mark.column)
                wanted, key_next = key_next and event.value == key, not key_next
    except yaml.YAMLError as error:
        raise BlueprintError((_syntax(error, source),)) from None
    return None


def _events(text: str, parser: Any) -> Iterator[yaml.Event]:
    """The parser's events. libyaml reads ahead of them, and newer ones give up at a thousand levels before the first
    event is out: the parser in Python goes on from there, so that the place is the one where it gets too deep for us.
    """
    told = 0
    try:
        for told, event in enumerate(yaml.parse(text, Loader=parser), 1):  # noqa: B007 - counted for the other parser
            yield event
    except yaml.YAMLError as error:
        if "nesting depth" not in str(getattr(error, "problem", "")):
            raise
        yield from islice(yaml.parse(text, Loader=yaml.SafeLoader), told, None)


def read(path: Path) -> Source:
    """The file as text. Raises BlueprintError when it is no file, too large, or not UTF-8 text."""
    file = str(path)
    try:
        if not path.is_file():
            what = "is not a file" if path.exists() else "does not exist"
            raise _refusal(f"{file} {what}", hint="give the path of a blueprint, or copy one: slx init website")
        with path.open("rb") as stream:
            raw = stream.read(_BYTES + 1)
    except (OSError, ValueError) as error:
        raise _refusal(f"{shown(file)} cannot be read", getattr(error, "strerror", "") or str(error)) from None
    if len(raw) > _BYTES:
        raise _refusal(f"{file} is too large", f"a blueprint has at most {_BYTES:,} bytes")
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise _refusal(f"{file} is UTF-16 text", "a blueprint is UTF-8 text", "save it as UTF-8")
    try:
        text = raw.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        source = Source.of(file, raw.decode("utf-8", "replace"))
        where = source.spot(len(raw[: error.start].decode("utf-8")))
        problem = Problem("a byte that is not UTF-8", "a blueprint is UTF-8 text", "save it as UTF-8", where)
        raise BlueprintError((problem,)) from None
    source = Source.of(file, text)
    if found := _UNPRINTABLE.search(text):
        what = "a NUL byte" if found[0] == "\0" else f"the control character U+{ord(found[0]):04X}"
        problem = Problem(what, "a blueprint is text", "remove it", source.spot(found.start()))
        raise BlueprintError((problem,))
    return source


def _refusal(what: str, why: str = "", hint: str = "") -> BlueprintError:
    return BlueprintError((Problem(what, why, hint),))


def _syntax(error: yaml.YAMLError, source: Source) -> Problem:
    """What libyaml says, in a user's words."""
    if conflict := _CONFLICT.search(source.text):
        why = "git left both sides in the file"
        return Problem("a merge conflict", why, "keep one side, and take its marks out", source.spot(conflict.start()))
    said = str(getattr(error, "problem", None) or error)
    context = str(getattr(error, "context", None) or "")
    mark, opening = getattr(error, "problem_mark", None), getattr(error, "context_mark", None)
    unclosed = "end of stream" in said or "document indicator" in said
    if mark is not None and "',' or '" in said and not "".join(source.lines[mark.line :])[mark.column :].strip():
        unclosed, said = True, f"{said}: it is never closed"
    if opening is not None and (unclosed or mark is None or "expected ':'" in said):
        mark = opening
    where = source.at(mark.line, mark.column) if mark is not None else source.at(0, 0)
    said = f"{context} {said}".strip()
    said += _seen(where, said)
    for fragment, what, hint in _SAYINGS:
        if fragment in said:
            return Problem(f"the YAML breaks off: {what}", said, hint, where)
    return Problem("this is not YAML", said, "put texts with special characters in quotes", where)


def _seen(where: Location, said: str) -> str:
    """What libyaml leaves out and often is the cause."""
    before, rest = where.text[: where.column - 1], where.text[where.column - 1 :]
    if rest.startswith("\t") and not before.strip():
        return ": a tab"
    if rest.startswith(("]", "}")) and ("expected key" in said or "node content" in said):
        return f": the {rest[0]} closes nothing"
    return ", after a quote" if rest and before.rstrip().endswith(("'", '"')) and not rest[0].isspace() else ""
