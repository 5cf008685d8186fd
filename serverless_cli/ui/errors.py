"""Failures for people: what happened, why, where, and what to do about it."""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterable, Iterator

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, ConsoleRenderable, Group
from rich.text import Text

from serverless_cli.errors import BlueprintError, Location, Problem, SlxError
from serverless_cli.secret import hushed
from serverless_cli.ui.layout import Hang
from serverless_cli.ui.text import clean

_ROOM = 200
"""cells of a line that are shown at most: a pipe has no width, and a line of a blueprint may have a million"""
_BEFORE = 60
"""cells of a line that are shown left of the caret at most"""


class Excerpt:
    """The offending line with a caret under the column; long lines are cut around it."""

    def __init__(self, where: Location) -> None:
        self._where = where

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        number = f"{self._where.line:>5} | "
        room = min(max(options.max_width - len(number), 10), _ROOM)
        text = self._where.text.rstrip().replace("\t", " ")
        column = min(max(self._where.column - 1, 0), len(text))
        start = max(0, column - min(_BEFORE, room // 2)) if column >= min(_BEFORE, room - 10) else 0
        shown = Text(clean(text[start:]))
        shown.truncate(room, overflow="ellipsis")
        yield Text.assemble((number, "dim"), shown)
        yield Text.assemble(
            (" " * (len(number) - 2) + "| ", "dim"), " " * cell_len(clean(text[start:column])), ("^", "red")
        )


def _sentence(what: str, why: str) -> str:
    return f"{what}: {why}" if why else what


def problem(one: Problem, style: str = "red", label: str = "") -> Group:
    """`file:line:column: what: why`, the line with a caret, the hint."""
    place = Text(f"{one.where}: ", "bold") if one.where else Text(label, style)
    parts: list[ConsoleRenderable] = [Hang("", Text.assemble(place, clean(_sentence(one.what, one.why))))]
    if one.where and one.where.text.strip():
        parts.append(Excerpt(one.where))
    if one.hint:
        parts.append(hint(one.hint, "  "))
    return Group(*parts)


def hint(text: str, indent: str = "") -> Hang:
    """What to do about it."""
    return Hang(Text(f"{indent}hint: ", "cyan"), Text(clean(text)))


def problems(found: Iterable[Problem], style: str = "red") -> Group:
    """One problem after the other."""
    return Group(*(problem(one, style) for one in found))


def error(it: SlxError) -> Group:
    """A failure of a command; for a blueprint, all that is wrong with it and a count."""
    if isinstance(it, BlueprintError):
        return Group(problems(it.problems), _headline(it.count, ""))
    parts: list[ConsoleRenderable] = [_headline(it.what, it.why)]
    if it.where:
        parts.append(Hang("  at ", Text(str(it.where), "bold")))
        if it.where.text.strip():
            parts.append(Excerpt(it.where))
    if it.hint:
        parts.append(hint(it.hint, "  "))
    return Group(*parts)


def _headline(what: str, why: str) -> Hang:
    return Hang(Text("error: ", "bold red"), Text(clean(_sentence(what, why))))


def trace(it: BaseException) -> Text:
    """Where an error came from, for --debug."""
    return Text(clean(hushed("".join(traceback.format_exception(it)).rstrip(), *credentials())), "dim")


def credentials() -> tuple[str, ...]:
    """What the environment has of AWS's credentials, to be left out of whatever is shown or kept."""
    names = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN")
    return tuple(filter(None, map(os.environ.get, names)))
