"""`slx logs`: what the functions of a stack wrote, merged by time; with `follow`, as it comes."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime

from serverless_cli.app import stacks
from serverless_cli.app.lost import recalled
from serverless_cli.app.session import open_session
from serverless_cli.app.settings import Settings
from serverless_cli.aws.calls import Aws
from serverless_cli.errors import Exit, SlxError
from serverless_cli.model import Place
from serverless_cli.records import dataclass

LATE_MS = 15_000
"""how late CloudWatch may show what was written: that far back is looked again, and what is known left out"""
PAUSE_S = 1.0
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True, slots=True)
class LogLine:
    """One event of a log; `at_ms` counts from 1970, `source` is the id of what wrote it."""

    at_ms: int
    source: str
    text: str
    id: str = ""


def since_ms(text: str, now_s: float) -> int:
    """The beginning that `10m`, `2h`, `1d` or an ISO time means. Raises SlxError (usage)."""
    if found := re.fullmatch(r"(\d+)([smhd])", text):
        return int((now_s - int(found[1]) * _UNITS[found[2]]) * 1000)
    try:
        return int(datetime.fromisoformat(text).timestamp() * 1000)
    except ValueError:
        hint = "10m, 2h, 1d, or a time such as 2026-01-31T12:00"
        raise SlxError(f"--since cannot be {text!r}", hint=hint, exit_code=Exit.USAGE) from None


@dataclass(frozen=True, slots=True)
class Query:
    """Which lines: of these ids (none: all), since then, those that CloudWatch's filter lets through."""

    names: tuple[str, ...] = ()
    since: str = "10m"
    pattern: str = ""
    follow: bool = False


def logs(
    settings: Settings, stack: str | None, query: Query, emit: Callable[[LogLine], None], cancel: threading.Event
) -> None:
    """Tells `emit` every line, in order of time; to follow goes on until `cancel` is set.

    Raises SlxError: no such stack, nothing of that id writes logs.
    """
    with open_session(settings) as session:
        place = stacks.choose(session, stack)
        entries = recalled(session, place).entries
        wanted = _chosen(
            place, {ref.id: one.name for ref, one in entries.items() if ref.kind == "log-group"}, query.names
        )
        beginning, known = since_ms(query.since, time.time()), set[str]()
        while True:
            lines = _read(session.aws, wanted, beginning, query.pattern)
            # Stable: lines of one source and one millisecond stay in the order in which they were written.
            fresh = sorted((line for line in lines if line.id not in known), key=lambda line: line.at_ms)
            for line in fresh:
                emit(line)
            known.update(line.id for line in fresh)
            if fresh:
                beginning = max(beginning, fresh[-1].at_ms - LATE_MS)
            if not query.follow or cancel.wait(PAUSE_S):
                return


def _chosen(place: Place, groups: Mapping[str, str], names: Iterable[str]) -> Mapping[str, str]:
    if not groups:
        name = f"{place.stack}/{place.stage}"
        hint = f"`slx status {name}` shows what there is"
        raise SlxError(f"nothing in {name} writes logs", hint=hint, exit_code=Exit.USAGE)
    unknown = [name for name in names if name not in groups]
    if unknown:
        hint = f"there are: {', '.join(sorted(groups))}"
        raise SlxError(f"nothing with the id {unknown[0]} writes logs", hint=hint, exit_code=Exit.USAGE)
    return {name: groups[name] for name in names} or groups


def _read(aws: Aws, groups: Mapping[str, str], start_ms: int, pattern: str) -> Iterator[LogLine]:
    only = {"filterPattern": pattern} if pattern else {}

    def one(source: str) -> list[LogLine]:
        events = aws.pages("logs.FilterLogEvents", "events", logGroupName=groups[source], startTime=start_ms, **only)
        return [LogLine(e["timestamp"], source, e["message"].rstrip("\n"), e.get("eventId", "")) for e in events]

    for lines in aws.map(one, groups):
        yield from lines
