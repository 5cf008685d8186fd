"""The state, to look at: a stack's journal and its lock, and what moving and repairing did."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from rich.console import ConsoleRenderable, Group
from rich.text import Text

from serverless_cli.model import Place, Ref
from serverless_cli.state.fold import Known
from serverless_cli.state.history import History, Run
from serverless_cli.state.lease import Holder
from serverless_cli.state.store import StackKey
from serverless_cli.ui.documents import Document, thing
from serverless_cli.ui.documents import place as place_document
from serverless_cli.ui.layout import Hang, Row, Rows
from serverless_cli.ui.plans import label
from serverless_cli.ui.text import clean, line, plural, size
from serverless_cli.ui.values import Json

Things = Iterable[tuple[Ref, str]]


class Repaired(Protocol):
    """What `slx state repair` did."""

    @property
    def place(self) -> Place: ...

    @property
    def where(self) -> str: ...

    @property
    def recorded(self) -> tuple[tuple[Ref, str], ...]: ...

    @property
    def forgotten(self) -> tuple[tuple[Ref, str], ...]: ...

    @property
    def foreign(self) -> tuple[tuple[Ref, str], ...]: ...

    @property
    def complete(self) -> bool: ...

    @property
    def copies(self) -> tuple[str, ...]: ...


def history(it: History) -> Group:
    """The journal of a stack, where it lies, who ran what last, who has the lock."""
    about = f"{plural(it.lines, 'line')}, {size(it.size)}" if it.size else "none"
    if not it.healthy:
        about += "; damaged: the next `up` or `down` heals it"
    elif it.size and not it.whole:
        about += "; perhaps not complete: the next `up` or `down` searches AWS"
    facts = [("state", it.where), ("journal", about), ("last run", _run(it.run)), ("lock", held(it.holder))]
    facts += [("kept copy", copy) for copy in it.copies]
    return Group(
        Hang("", Text(f"{it.key}", "bold")),
        Rows(tuple(Row((Text(name), Text(line(text)))) for name, text in facts)),
        *([Text()] if it.entries else []),
        Rows(tuple(_entry(one) for one in it.entries)),
        *_failures(it.run),
    )


def held(it: Holder | None) -> str:
    """Who has a lock."""
    return str(it) if it else "free"


def _run(it: Run | None) -> str:
    if it is None:
        return "not recorded"
    end = "ended" if it.ended else "did not end, or goes on"
    return f"`slx {it.command}` by {it.who} (pid {it.pid}) since {it.when}: {end}, slx {it.slx}"


def _entry(it: Known) -> Row:
    notes = [text for text, so in (("retained", it.retain), ("begun, not known to be there", _open(it))) if so]
    return Row((Text("•", "dim"), label(it.ref), Text(clean(it.name)), Text(", ".join(notes), "dim")))


def _open(it: Known) -> bool:
    return it.expected and it.spec is None and not it.outputs


def _failures(it: Run | None) -> list[ConsoleRenderable]:
    return [
        Hang(Text("✗ ", "red"), Text(f"{one.action} {one.ref}: {line(one.error)}")) for one in (it.failed if it else ())
    ]


def repaired(it: Repaired) -> Group:
    """What the record says now that it was rebuilt."""
    parts: list[ConsoleRenderable] = [
        Hang("", Text(f"{plural(len(it.recorded), 'resource')} of {it.place.stack}/{it.place.stage} recorded", "bold")),
        _things(it.recorded, "✓", "green"),
    ]
    if it.forgotten:
        parts += [Text(f"{plural(len(it.forgotten), 'resource')} forgotten: gone from AWS, or not this stack's")]
        parts += [_things(it.forgotten, "-", "yellow")]
    if it.foreign:
        parts += [Text("not this stack's, and left as it is"), _things(it.foreign, "✗", "magenta")]
    if not it.complete:
        hint = "no blueprint is at hand: what carries no marks may be missing, and the next command searches again"
        parts.append(Hang("", Text(hint, "yellow")))
    return Group(*parts, *(Hang("", Text(f"the damaged journal is kept as {copy}")) for copy in it.copies))


def _things(found: Things, sign: str, style: str) -> Rows:
    return Rows(tuple(Row((Text(sign, style), label(ref), Text(clean(name)))) for ref, name in found))


# Documents


def key_document(it: StackKey) -> Document:
    """`{target, stack, stage}`."""
    return {"target": it.target, "stack": it.stack, "stage": it.stage}


def history_document(it: History) -> Document:
    """`slx state show --json`: `{target, stack, stage, state, journal, entries, run, lock, copies}`."""
    return {
        **key_document(it.key),
        "state": it.where,
        "journal": {
            "bytes": it.size,
            "lines": it.lines,
            "complete": it.whole,
            "healthy": it.healthy,
            "blueprint": it.blueprint,
        },
        "entries": [{**thing(one.ref, one.name), "retain": one.retain, "begun": _open(one)} for one in it.entries],
        "run": _run_document(it.run),
        "lock": holder_document(it.holder),
        "copies": list(it.copies),
    }


def _run_document(it: Run | None) -> Document | None:
    if it is None:
        return None
    failed: list[Json] = [
        {"kind": one.ref.kind, "id": one.ref.id, "action": one.action, "error": one.error} for one in it.failed
    ]
    return {
        "run": it.id,
        "who": it.who,
        "pid": it.pid,
        "when": it.when,
        "command": it.command,
        "slx": it.slx,
        "ended": it.ended,
        "failed": failed,
    }


def holder_document(it: Holder | None) -> Document | None:
    """`{user, host, pid, command, since, run}`; null for a free lock."""
    if it is None:
        return None
    return {
        "user": it.user,
        "host": it.host,
        "pid": it.pid,
        "command": it.command,
        "since": it.since,
        "run": it.run,
    }


def repaired_document(it: Repaired) -> Document:
    """`slx state repair --json`: the place and `{state, recorded, forgotten, foreign, complete, copies}`."""
    return {
        **place_document(it.place),
        "state": it.where,
        "recorded": [thing(*one) for one in it.recorded],
        "forgotten": [thing(*one) for one in it.forgotten],
        "foreign": [thing(*one) for one in it.foreign],
        "complete": it.complete,
        "copies": list(it.copies),
    }
