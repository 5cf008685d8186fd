"""`slx status`: each resource as it is, beside what was applied last. Works without the blueprint; writes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext

from serverless_cli import diff, plan
from serverless_cli.app import reality, stacks
from serverless_cli.app.session import Session, looking
from serverless_cli.app.settings import Settings
from serverless_cli.fill import filled
from serverless_cli.model import (
    Change,
    Found,
    Observed,
    Outputs,
    Overview,
    Place,
    Record,
    Ref,
    ResourceState,
    StackState,
    State,
)
from serverless_cli.remains import ours, own_mark
from serverless_cli.resources import KINDS
from serverless_cli.resources.base import Here


def status(settings: Settings, stack: str | None, *, everything: bool = False) -> tuple[StackState, ...]:
    """The stacks of `overview`."""
    return overview(settings, stack, everything=everything).stacks


def overview(settings: Settings, stack: str | None, *, everything: bool = False) -> Overview:
    """The stack that is named, or all of this folder; with `everything`, all of the account and region.

    Raises SlxError (no such stack) for a name without a trace.
    """

    def look(session: Session) -> nullcontext[Overview]:
        if everything:
            return nullcontext(_all(session))
        return nullcontext(Overview((_named(session, stack),) if stack else _here(session)))

    with looking(settings, look) as seen:
        return seen


def _here(session: Session) -> tuple[StackState, ...]:
    """All stacks of this folder, or of the stage that was asked for; where their records are lost, the one of its
    blueprint."""
    if known := stacks.meant(session):
        return tuple(_recorded(session, place) for place in known)
    place = stacks.described(session)
    found = stacks.found(session.aws, place).found if place else ()
    return (_searched(session, place, Record(), found),) if place and found else ()


def _named(session: Session, stack: str) -> StackState:
    place = stacks.named(session, stack)
    return _recorded(session, place) if stacks.record(session, place).entries else lost(session, place)


def lost(session: Session, place: Place) -> StackState:
    """A stack of which nothing is recorded here, found by its marks. Raises SlxError when there are none."""
    found = stacks.found(session.aws, place).found
    if not found:
        raise stacks.missing(session, place)
    return _searched(session, place, Record(), found)


def _all(session: Session) -> Overview:
    places = {(place.stack, place.stage): place for place in stacks.recorded(session)}
    by_kind = reality.search(session.aws, None)
    here = reality.marks((one for many in by_kind.values() for one in many), session.region)
    known = [_recorded(session, place) for place in places.values()]
    unknown = [
        _searched(session, session.place(*key), Record(), tuple(many))
        for key, many in here.items()
        if key not in places
    ]
    return Overview((*known, *unknown), reality.looked(by_kind))


def _recorded(session: Session, place: Place) -> StackState:
    record = stacks.record(session, place)
    if not record.complete:
        return _searched(session, place, record, stacks.found(session.aws, place).found)
    heres = plan.heres(place, KINDS, record)
    observed = reality.observe(session.aws, heres)
    states = tuple(_state(heres[ref], observed[ref], record) for ref in heres)
    outputs = filled(record.outputs, {ref: _handed_out(ref, observed, record) for ref in record.entries})
    return StackState(place, session.target, states, outputs)


def _handed_out(ref: Ref, observed: Mapping[Ref, Observed | None], record: Record) -> Outputs:
    seen = observed.get(ref)
    return seen.outputs if seen else record.entries[ref].outputs


def _searched(session: Session, place: Place, record: Record, found: tuple[Found, ...]) -> StackState:
    """A stack whose record is lost, or lacks something: what there is of it, what is found, and, if that is at hand,
    what its blueprint wishes for."""
    wish = stacks.wish(session.settings, place)
    if wish is None and not record.entries:
        states = tuple(ResourceState(one.ref, one.name, State.IN_SYNC, note="nothing recorded here") for one in found)
        return StackState(place, session.target, states, known=False)
    wish = wish and reality.prepare(wish)
    heres = plan.heres(place, KINDS, record, found, wish)
    observed = reality.observe(session.aws, heres)
    if wish:
        wish = reality.prepare(plan.fill_known(wish, observed, KINDS))
        heres = plan.heres(place, KINDS, record, found, wish)
    existing = {ref for ref, one in wish.resources.items() if one.existing} if wish else set()
    states = tuple(_state(heres[ref], observed[ref], record) for ref in heres if ref not in existing)
    outputs = filled((wish or record).outputs, {ref: seen.outputs for ref, seen in observed.items() if seen})
    return StackState(place, session.target, states, outputs, known=bool(record.entries), whole=False)


def _state(here: Here, seen: Observed | None, record: Record) -> ResourceState:
    kind = KINDS[here.ref.kind]
    if seen is None:
        return ResourceState(here.ref, here.name, State.MISSING)
    entry = record.entries.get(here.ref)
    if not seen.bare and not ours(kind, own_mark(here.place, here.ref), seen.mark, entry):
        return ResourceState(here.ref, here.name, State.FOREIGN, note=seen.note)
    wish = here.recorded or here.wish
    changes: tuple[Change, ...] = diff.changes(wish, seen.spec, frozenset()) if wish else ()
    if kind.marked and seen.mark is None:
        changes = (*changes, Change(("mark",), None, here.mark))
    elif entry and seen.mark and bool(seen.mark.retain) != entry.retain:
        changes = (*changes, Change(("mark", "retain"), bool(seen.mark.retain), entry.retain))
    state = State.DRIFTED if changes else State.IN_SYNC
    return ResourceState(here.ref, here.name, state, changes, seen.note)
