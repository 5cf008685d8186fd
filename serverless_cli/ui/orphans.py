"""What carries slx's mark and is recorded nowhere: by stack, with the command that removes it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from rich.console import ConsoleRenderable, Group
from rich.text import Text

from serverless_cli.model import Found, Orphan, Orphans, Place, Stray
from serverless_cli.ui.layout import Hang, Row, Rows, Unbroken
from serverless_cli.ui.plans import label, title
from serverless_cli.ui.text import clean, duration, line, plural


def orphans(it: Orphans, target: Callable[[Place], str], remove: Callable[[Place], str], now: datetime) -> Group:
    """Every stack, then what strays. `target` says where a stack lives, `remove` which command removes it."""
    parts: list[ConsoleRenderable] = []
    for one in it.stacks:
        parts += [*_stack(one, target(one.place), remove(one.place), now), Text()]
    if it.strays:
        parts.append(Text(f"{plural(len(it.strays), 'stray thing')}", "bold"))
        parts.append(Rows(tuple(_stray(one, remove) for one in it.strays)))
    return Group(*parts)


def nothing(it: Orphans) -> Hang:
    """How far the search went that has found none."""
    if not it.looked:
        return Hang("", Text("no orphans: no local target runs for this folder"))
    seen = sum(it.looked.values())
    kinds = plural(len(it.looked), "kind")
    return Hang("", Text(f"no orphans: {plural(seen, 'thing')} of {kinds} carry slx's mark, and all are recorded here"))


def _stack(it: Orphan, target: str, remove: str, now: datetime) -> list[ConsoleRenderable]:
    head = Text.assemble((title(it.place, target), "bold"), f": {plural(len(it.resources), 'resource')}")
    if it.since:
        head.append(f", since {_age(it.since, now)}")
    rows = tuple(Row((Text("?", "yellow"), label(one.ref), Text(clean(one.name)))) for one in it.resources)
    return [Hang("", head), Rows(rows), Unbroken(Text(f"  {clean(remove)}"))]


def _stray(it: Stray, remove: Callable[[Place], str]) -> Row:
    hint = _hint(it.found, remove(it.place) if it.place else "")
    notes = tuple(Text(line(text), "dim") for text in (it.why, hint))
    return Row((Text("?", "yellow"), label(it.found.ref), Text(clean(it.found.name))), notes)


def _hint(found: Found, remove: str) -> str:
    return f"{remove} removes it with its stack" if found.mark and remove else "slx removes nothing without a mark"


def _age(since: datetime, now: datetime) -> str:
    since = since if since.tzinfo else since.replace(tzinfo=UTC)
    return f"{since:%Y-%m-%d} ({duration(max((now - since).total_seconds(), 0))})"
