"""What came of steps: a line for each, and the report at the end with every cause once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.console import ConsoleRenderable, Group
from rich.text import Text

from serverless_cli.errors import Problem
from serverless_cli.model import Action, Outcome, Ref, Report, Status
from serverless_cli.ui.errors import hint
from serverless_cli.ui.layout import Hang, Unbroken
from serverless_cli.ui.plans import label, title
from serverless_cli.ui.text import DASH, clean, duration, enumerated

DONE = {
    Action.CREATE: "created",
    Action.UPDATE: "changed",
    Action.REPLACE: "replaced",
    Action.DELETE: "removed",
    Action.KEEP: "unchanged",
    Action.RETAIN: "retained",
}
MARKS = {
    Status.DONE: ("✓", "green"),
    Status.FAILED: ("✗", "bold red"),
    Status.SKIPPED: (DASH, "yellow"),
    Status.CANCELLED: (DASH, "yellow"),
}
IDLE = (Action.KEEP, Action.RETAIN)
RUN = (Status.DONE, Status.FAILED)
_NAMES = 6
"""names in a list of what was skipped"""


def word(it: Outcome) -> str:
    """`created`, `removed` ...; else the status."""
    return DONE[it.step.action] if it.status is Status.DONE else it.status.value


def outcome_line(it: Outcome, *, mark: bool = False) -> Hang:
    """`created  function hello (website-dev-hello) 1.2s`. Why something failed is left to the report."""
    sign, style = MARKS[it.status]
    text = Text.assemble((f"{word(it):<8} ", style), label(it.step.ref), f" ({clean(it.step.name)})")
    if it.status in RUN and it.step.action not in IDLE:
        text.append(f" {duration(it.seconds)}", "dim")
    return Hang(Text(f"{sign} ", style) if mark else "", text)


def report(it: Report, target: str, again: str) -> Group:
    """What was done; what failed, why, and what was skipped because of it; `again` is the command to go on with."""
    parts: list[ConsoleRenderable] = []
    for failed in it.having(Status.FAILED):
        parts += _failure(failed, it)
    if rest := _loose(it):
        parts.append(Hang(Text(f"{DASH} ", "yellow"), Text(f"not done: {enumerated(map(str, rest), _NAMES)}")))
    parts.append(_summary(it, target))
    if not it.ok and again:
        parts.append(hint("what is done stays, and is not done again; go on with"))
        parts.append(Unbroken(Text(f"  {clean(again)}")))
    return Group(*parts)


def undone(it: Report, left: Iterable[Problem], target: str, again: str) -> Group:
    """What came of a rollback: what could not be undone and why, and how all is now."""
    parts: list[ConsoleRenderable] = []
    for failed in it.having(Status.FAILED):
        parts += _failure(failed, it)
    if rest := _loose(it):
        parts.append(Hang(Text(f"{DASH} ", "yellow"), Text(f"not undone: {enumerated(map(str, rest), _NAMES)}")))
    stays = [Text(f"{clean(one.what)}: {clean(one.why)}") for one in left]
    parts += [Hang(Text(f"{DASH} ", "yellow"), one) for one in stays]
    whole = it.ok and not stays
    head = Text("Undone: ", "bold") if whole else Text("Not all undone: ", "bold red")
    counts = _counts(it)
    if whole and not counts:
        counts = ["this run had made nothing"]
    parts.append(Hang(head, Text(f"{', '.join(counts) or 'nothing'} in {title(it.place, target)}")))
    if whole:
        parts.append(hint("all is as it was before this run; when the cause is gone, run"))
    else:
        parts.append(hint("the rest is as this run left it; `slx down` removes it all, and to go on there is"))
    parts.append(Unbroken(Text(f"  {clean(again)}")))
    return Group(*parts)


def _failure(it: Outcome, whole: Report) -> Iterator[ConsoleRenderable]:
    sign, style = MARKS[Status.FAILED]
    text = label(it.step.ref)
    if it.error:
        text.append(f": {clean(str(it.error))}")
    yield Hang(Text(f"{sign} ", style), text)
    if it.step.where:
        yield Hang("  at ", Text(str(it.step.where)))
    if it.error and it.error.hint:
        yield hint(it.error.hint, "  ")
    if because := [one.step.ref for one in whole.having(Status.SKIPPED) if one.cause == it.step.ref]:
        yield Hang("  ", Text(f"skipped because of it: {enumerated(map(str, because), _NAMES)}", "yellow"))


def _loose(it: Report) -> list[Ref]:
    """What was not begun for no failure of a step: the run was stopped."""
    failed = {one.step.ref for one in it.having(Status.FAILED)}
    idle = (*it.having(Status.CANCELLED), *it.having(Status.SKIPPED))
    return [one.step.ref for one in idle if one.cause not in failed]


def _counts(it: Report) -> list[str]:
    """`3 created`, `1 failed` ..."""
    done = it.having(Status.DONE)
    counts = [(sum(one.step.action is action for one in done), name) for action, name in DONE.items()]
    named = [f"{count} {name}" for count, name in counts if count and name != "unchanged"]
    others = (Status.FAILED, Status.SKIPPED, Status.CANCELLED)
    return named + [f"{len(it.having(status))} {status.value}" for status in others if it.having(status)]


def _summary(it: Report, target: str) -> Hang:
    named = _counts(it)
    head = Text("Done: ", "bold green") if it.ok else Text("Not finished: ", "bold red")
    return Hang(head, Text(f"{', '.join(named) or 'nothing'} in {title(it.place, target)}, {duration(it.seconds)}"))
