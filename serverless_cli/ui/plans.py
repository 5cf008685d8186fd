"""What would be done: steps grouped by what happens to them, the dangerous ones last, and one line that sums it up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from rich.console import ConsoleRenderable, Group
from rich.text import Text

from serverless_cli.model import Action, Loss, Place, Plan, Ref, Step
from serverless_cli.ui.changes import change_lines
from serverless_cli.ui.errors import problem
from serverless_cli.ui.layout import Hang, Row, Rows
from serverless_cli.ui.text import clean, counted, line, size
from serverless_cli.ui.values import members, shown

SIGNS = {
    Action.CREATE: ("+", "green"),
    Action.UPDATE: ("~", "yellow"),
    Action.REPLACE: ("-/+", "magenta"),
    Action.DELETE: ("-", "red"),
    Action.RETAIN: ("=", "dim"),
    Action.KEEP: ("=", "dim"),
}
_TITLES = {
    Action.KEEP: "Unchanged",
    Action.RETAIN: "Left as it is",
    Action.CREATE: "Create",
    Action.UPDATE: "Change",
    Action.REPLACE: "Replace",
    Action.DELETE: "Remove",
}
_VERBS = {Action.CREATE: "create", Action.UPDATE: "change", Action.REPLACE: "replace", Action.DELETE: "remove"}


def title(place: Place, target: str) -> str:
    """`website/dev (local)`."""
    return f"{place.stack}/{place.stage} ({target})"


def label(ref: Ref) -> Text:
    """`function hello`."""
    return Text.assemble((line(ref.kind), "cyan"), f" {line(ref.id)}")


def plan(it: Plan, target: str, *, verbose: bool = False) -> Group:
    """The whole plan. `verbose` also shows what stays, what creations are made of, and long lists in full."""
    parts: list[ConsoleRenderable] = []
    for action, heading in _TITLES.items():
        steps = [step for step in it.steps.values() if step.action is action]
        if steps and (verbose or action is not Action.KEEP):
            parts += [Text(heading, "bold"), Rows(tuple(_row(step, verbose) for step in steps)), Text()]
    parts += [problem(replace(note, where=None), "yellow", "note: ") for note in it.notes]
    return Group(*parts, summary(it, target))


def nothing(it: Plan, target: str) -> Group:
    """What is said when everything is as it should be."""
    notes = [problem(replace(note, where=None), "yellow", "note: ") for note in it.notes]
    return Group(*notes, Hang("", Text(f"Nothing to do: {title(it.place, target)} is as the blueprint says.")))


def summary(it: Plan, target: str) -> Hang:
    """`Plan: 7 to create, 1 to change, 0 to remove in website/dev (local)`; replacing is only named when there is."""
    counts = {action: sum(step.action is action for step in it.steps.values()) for action in Action}
    named = [
        f"{counts[action]} to {verb}"
        for action, verb in _VERBS.items()
        if counts[action] or action is not Action.REPLACE
    ]
    if counts[Action.KEEP]:
        named.append(f"{counts[Action.KEEP]} unchanged")
    return Hang(Text("Plan: ", "bold"), Text(f"{', '.join(named)} in {title(it.place, target)}"))


def _row(step: Step, verbose: bool) -> Row:
    sign, style = SIGNS[step.action]
    about = Text(line(step.reason), "dim")
    if step.loses_data:
        about = Text.assemble(("loses its data", "bold red"), "  " if step.reason else "", about)
    notes = change_lines(step.changes, everything=verbose)
    if verbose and step.action is Action.CREATE:
        notes = tuple(Text(f"{name}: {shown(value, 100)}") for name, value in members(step.spec) if value is not None)
    return Row((Text(sign, style), label(step.ref), Text(clean(step.name), "bold"), about), notes)


def losses(found: Mapping[Ref, tuple[Loss, ...]]) -> Group:
    """`3 objects, 12.4 kB in bucket site`, for all that a teardown would throw away."""
    rows = tuple(
        Row((Text("-", "red"), Text.assemble((_amount(many), "bold"), f" in {ref}")))
        for ref, many in found.items()
        if any(loss.count for loss in many)
    )
    return Group(Text(), Text("This would be lost", "bold red"), Rows(rows), Text()) if rows else Group()


def _amount(many: tuple[Loss, ...]) -> str:
    return ", ".join(
        counted(loss.count, loss.what) + (f", {size(loss.bytes)}" if loss.bytes else "") for loss in many if loss.count
    )
