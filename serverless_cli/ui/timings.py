"""`--timings`: where the time of a run went, as a story and as data."""

from __future__ import annotations

from typing import Any

from rich.console import ConsoleRenderable, Group
from rich.text import Text

from serverless_cli.timings import Timings
from serverless_cli.ui.layout import Row, Rows
from serverless_cli.ui.text import plural

_WORTH_S = 0.005
"""pauses between calls that are shorter are not worth a word"""
_MOST = 15
"""operations in the table"""


def timings(it: Timings) -> ConsoleRenderable:
    """Phases, the path of calls that decided how long it took, and the operations that took most."""
    calls = sum(one.count for one in it.sums)
    head = f"{_s(it.seconds)} and {plural(calls, 'call')}, at most {it.at_once} at once"
    parts: list[ConsoleRenderable] = [Text.assemble(("where the time went: ", "bold"), head)]
    parts.append(Rows(tuple(Row((_right(_s(seconds)), Text(name))) for name, seconds in it.phases)))
    if it.path:
        parts += [_title("the critical path: each call began when the one before it had ended"), Rows(_path(it))]
        parts += [_title("calls, by the time that they took together"), Rows(_sums(it))]
    return Group(*parts)


def document(it: Timings) -> dict[str, Any]:
    """The same as a JSON record; times in seconds, `at_s` from the beginning of the command."""
    return {
        "event": "timings",
        "seconds": round(it.seconds, 4),
        "at_once": it.at_once,
        "phases": [{"name": name, "seconds": round(seconds, 4)} for name, seconds in it.phases],
        "path": [
            {
                "operation": one.attempt.operation,
                "at_s": round(one.attempt.started - it.began, 4),
                "seconds": round(one.attempt.seconds, 4),
                "before_s": round(one.before_s, 4),
                "error": one.attempt.error,
            }
            for one in it.path
        ],
        "calls": [
            {
                "operation": one.operation,
                "count": one.count,
                "seconds": round(one.total_s, 4),
                "longest_s": round(one.longest_s, 4),
                "errors": one.errors,
            }
            for one in it.sums
        ],
    }


def _path(it: Timings) -> tuple[Row, ...]:
    rows = []
    for one in it.path:
        if one.before_s >= _WORTH_S:
            rows.append(Row((Text(), _right(_s(one.before_s)), Text("between calls", "dim"))))
        at, name = one.attempt.started - it.began, Text(one.attempt.operation)
        if one.attempt.number > 1:
            name.append(f", attempt {one.attempt.number}", "dim")
        if one.attempt.error:
            name.append(f", {one.attempt.error}", "yellow")
        rows.append(Row((_right(f"at {_s(at)}"), _right(_s(one.attempt.seconds)), name)))
    return tuple(rows)


def _sums(it: Timings) -> tuple[Row, ...]:
    rows = [
        Row(
            (
                _right(f"{one.count} x"),
                _right(_s(one.total_s)),
                Text(one.operation),
                Text(f"longest {_s(one.longest_s)}", "dim") if one.count > 1 else Text(),
                Text(plural(one.errors, "error"), "yellow") if one.errors else Text(),
            )
        )
        for one in it.sums[:_MOST]
    ]
    if rest := it.sums[_MOST:]:
        text = f"{plural(len(rest), 'other operation')}"
        rows.append(
            Row((_right(f"{sum(one.count for one in rest)} x"), _right(_s(sum(o.total_s for o in rest))), Text(text)))
        )
    return tuple(rows)


def _title(text: str) -> Text:
    return Text(text, "bold")


def _right(text: str) -> Text:
    return Text(text.rjust(8))


def _s(seconds: float) -> str:
    """Milliseconds matter here."""
    return f"{seconds * 1000:.0f} ms" if seconds < 0.9995 else f"{seconds:.2f} s"
