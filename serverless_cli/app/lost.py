"""A stack of which nothing is recorded here: what its marks, its names and its blueprint say of it instead."""

from __future__ import annotations

from serverless_cli import plan
from serverless_cli.app import reality, stacks
from serverless_cli.app.session import Session
from serverless_cli.model import Entry, Observed, Place, Record, Ref, Stack
from serverless_cli.remains import ours, own_mark
from serverless_cli.resources import KINDS
from serverless_cli.resources.base import Here


def recalled(session: Session, place: Place) -> Record:
    """What is recorded of a stack; where that is nothing, what would be if `state repair` had run. Writes nothing.

    `blueprint` is empty where none is at hand: then nobody knows the outputs and checks.
    Raises SlxError (no such stack) when there is no trace of it.
    """
    record = stacks.record(session, place)
    if record.entries:
        return record
    wish = stacks.wish(session.settings, place)
    heres, observed = look(session, place, record, wish)
    borrowed = {ref for ref, one in wish.resources.items() if one.existing} if wish else set[Ref]()
    there = {
        ref: seen for ref, seen in observed.items() if seen and (ref in borrowed or mine(heres[ref], seen, record))
    }
    if not there.keys() - borrowed:
        raise stacks.missing(session, place)
    name = f"{place.stack}/{place.stage}"
    session.settings.notify(f"nothing is recorded of {name}: found by its marks; `slx state repair {name}` records it")
    entries = {ref: Entry(ref, heres[ref].name, outputs=seen.outputs) for ref, seen in there.items()}
    if wish is None:
        return Record(entries)
    return Record(entries, wish.outputs, wish.parameters, wish.checks, wish.file)


def look(
    session: Session, place: Place, record: Record, wish: Stack | None
) -> tuple[dict[Ref, Here], dict[Ref, Observed | None]]:
    """All that may be the stack's, by the record, by marks and by the blueprint's names; and how it is."""
    found = stacks.found(session.aws, place).found
    heres = plan.heres(place, KINDS, record, found, wish)
    return heres, reality.observe(session.aws, heres)


def mine(here: Here, seen: Observed | None, record: Record) -> bool | None:
    """Whether what exists is the stack's; None where nothing exists."""
    if seen is None:
        return None
    kind, entry = KINDS[here.ref.kind], record.entries.get(here.ref)
    return seen.bare or ours(kind, own_mark(here.place, here.ref), seen.mark, entry)
