"""How things are: stacks and their resources, outputs, checks, the proof after a teardown, local targets."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol

from rich.console import ConsoleRenderable, Group
from rich.text import Text

from serverless_cli.model import CheckResult, ResourceState, StackState, State, Sweep
from serverless_cli.secret import Secret
from serverless_cli.ui.changes import change_lines
from serverless_cli.ui.layout import Hang, Row, Rows, Unbroken
from serverless_cli.ui.plans import label, title
from serverless_cli.ui.text import clean, duration, line, plural, size
from serverless_cli.ui.values import HIDDEN

_MARKS = {
    State.IN_SYNC: ("✓", "green"),
    State.DRIFTED: ("~", "yellow"),
    State.MISSING: ("✗", "red"),
    State.FOREIGN: ("✗", "magenta"),
}


def state(it: StackState, *, verbose: bool = False, gap: bool = False) -> Group:
    """One stack: a row per resource, what drifted below it, then the outputs; after a `gap` from the one before."""
    counts = {one: sum(resource.state is one for resource in it.resources) for one in State}
    said = ", ".join(f"{count} {one.value}" for one, count in counts.items() if count) or "nothing"
    head = Text.assemble((title(it.place, it.target), "bold"), f": {said}")
    parts: list[ConsoleRenderable] = [Text(), Hang("", head)] if gap else [Hang("", head)]
    if not it.known:
        parts.append(Hang("  ", Text("found by its marks: nothing is recorded of it here", "yellow")))
    elif not it.whole:
        perhaps = "its record may lack something, as a run is under way or was interrupted: also searched for by marks"
        parts.append(Hang("  ", Text(perhaps, "yellow")))
    parts.append(Rows(tuple(_row(one, verbose) for one in it.resources)))
    if it.outputs:
        parts += [Text(), outputs(it.outputs, indent=2)]
    return Group(*parts)


def _row(it: ResourceState, verbose: bool) -> Row:
    sign, style = _MARKS[it.state]
    name = Text(clean(it.name))
    notes = change_lines(it.changes, drift=True, everything=verbose)
    if it.note:
        notes = (*notes, Text(line(it.note), "dim"))
    return Row((Text(sign, style), label(it.ref), name, Text(it.state.value, style)), notes)


def value(it: str) -> str:
    """An output as text; what is secret is not shown."""
    return HIDDEN if isinstance(it, Secret) else str.__str__(it)


def outputs(values: Mapping[str, str], indent: int = 0) -> Group:
    """`website: http://...`, a line each, never wrapped."""
    return Group(
        *(
            Unbroken(Text.assemble(" " * indent, (name, "bold"), ": ", (line(value(one)), _style(one))))
            for name, one in values.items()
        )
    )


def _style(text: str) -> str:
    return "cyan underline" if text.startswith(("http://", "https://")) else ""


def assignments(values: Mapping[str, str]) -> str:
    """`WEBSITE='http://...'` lines, for `eval` and for .env files."""
    return "".join(f"{variable(name)}={shlex.quote(value(one))}\n" for name, one in values.items())


def variable(name: str) -> str:
    """The name of a shell variable for an output."""
    text = "".join(char if char.isascii() and char.isalnum() else "_" for char in name.upper())
    return f"_{text}" if text[:1].isdigit() else text


def check(it: CheckResult) -> ConsoleRenderable:
    """`✓ get http://... 200 in 0.1s`; for a failed one, what it saw instead; for a skipped one, why."""
    if it.skipped:
        place = f" ({it.check.where})" if it.check.where else ""
        text = Text.assemble(f"{line(_asked(it))} skipped: {clean(it.saw)}", (place, "dim"))
        return Hang(Text("- ", "yellow"), text)
    sign, style = ("✓", "green") if it.ok else ("✗", "bold red")
    text = Text(line(_asked(it)))
    text.append(f" {line(it.saw)}" if it.ok else f": {clean(it.saw)}", "" if it.ok else "red")
    text.append(f" in {duration(it.seconds)}", "dim")
    if it.attempts > 1:
        text.append(f", {it.attempts} attempts", "dim")
    if not it.ok and it.check.where:
        text.append(f" ({it.check.where})", "dim")
    head = Text(f"{sign} ", style)
    return Unbroken(Text.assemble(head, text)) if it.ok else Hang(head, text)


SUBJECTS = (
    "url", "bucket", "queue", "topic", "bus", "stream", "delivery_stream", "state_machine", "function", "table",
)  # fmt: skip
"""what a probe may be aimed at, by the key that says it"""


def _asked(it: CheckResult) -> str:
    """The probe and what it was aimed at, unless what it saw says that already."""
    given = it.check.arguments
    subject = next((str(given[key]) for key in SUBJECTS if isinstance(given.get(key), str)), "")
    return it.check.probe if subject in it.saw else f"{it.check.probe} {subject}"


def sweep(it: Sweep) -> Group:
    """The proof that nothing is left, or what is."""
    if not it.left:
        retained = [plural(count, kind) for kind, count in it.looked.items() if count]
        but = f" but what is retained: {', '.join(retained)}" if retained else ""
        told = f"nothing left{but}; searched {plural(len(it.looked), 'kind')} of resources for its mark"
        if it.unseen:
            told += f"; not searched, as you may not list them: {', '.join(it.unseen)}"
        return Group(Hang(Text("proof: ", "bold green"), Text(told)))
    rows = tuple(Row((Text("✗", "red"), label(one.ref), Text(clean(one.name)))) for one in it.left)
    return Group(Text(f"{plural(len(it.left), 'thing')} still there", "bold red"), Rows(rows))


class Emulator(Protocol):
    """A running local target."""

    @property
    def url(self) -> str: ...

    @property
    def pid(self) -> int: ...

    @property
    def uptime_s(self) -> float: ...

    @property
    def memory_bytes(self) -> int: ...

    @property
    def stacks(self) -> tuple[str, ...]: ...

    @property
    def workspace(self) -> Path: ...


def emulators(found: Iterable[Emulator]) -> Group:
    """Every local target that runs: where, since when, how large, what lives in it."""
    parts: list[ConsoleRenderable] = []
    for one in found:
        about = f"up {duration(one.uptime_s)}, {size(one.memory_bytes)}, process {one.pid}"
        stacks = ", ".join(one.stacks) or "no stacks"
        parts += [
            Unbroken(Text.assemble((one.url, "cyan underline"), f"  {about}")),
            Hang("  ", Text(f"{stacks} in {clean(str(one.workspace))}")),
        ]
    return Group(*parts)


def shelf(found: Iterable[tuple[str, str]]) -> Rows:
    """Names and descriptions of blueprints."""
    return Rows(tuple(Row((Text(name, "bold"), Text(line(description)))) for name, description in found), indent=0)
