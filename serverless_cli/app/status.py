"""`slx status`: each resource as it is, beside what was applied last. Works without the blueprint; writes nothing."""

from __future__ import annotations

from serverless_cli import diff, local, plan
from serverless_cli.app import reality, stacks
from serverless_cli.app.session import Session, open_session
from serverless_cli.app.settings import Settings
from serverless_cli.fill import fill
from serverless_cli.model import (
    Change,
    Found,
    Observed,
    Outputs,
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
    """The stack that is named, or all of this folder; with `everything`, all of the account and region.

    Raises SlxError (no such stack) for a name without a trace.
    """
    idle = settings.local and local.find(settings.folder) is None
    with open_session(settings) as session:
        if everything:
            states = _all(session)
        elif stack:
            states = (_named(session, stack),)
        else:
            states = tuple(_recorded(session, place) for place in stacks.recorded(session))
    if idle and not states:
        local.stop(settings.folder)
    return states


def _named(session: Session, stack: str) -> StackState:
    place = stacks.named(session, stack)
    return _recorded(session, place) if stacks.record(session, place).entries else lost(session, place)


def lost(session: Session, place: Place) -> StackState:
    """A stack of which nothing is recorded here, found by its marks. Raises SlxError when there are none."""
    found = reality.found(session.aws, place)
    if not found:
        raise stacks.missing(session, place)
    return _lost(session, place, found)


def _all(session: Session) -> tuple[StackState, ...]:
    places = {(place.stack, place.stage): place for place in stacks.recorded(session)}
    found = reality.marks(one for many in reality.search(session.aws, None).values() for one in many)
    here = {key: many for key, many in found.items() if many[0].mark and many[0].mark.region == session.region}
    known = [_recorded(session, place) for place in places.values()]
    unknown = [_lost(session, session.place(*key), tuple(many)) for key, many in here.items() if key not in places]
    return (*known, *unknown)


def _recorded(session: Session, place: Place) -> StackState:
    record = stacks.record(session, place)
    heres = plan.heres(place, KINDS, record)
    observed = reality.observe(session.aws, heres)
    states = tuple(_state(heres[ref], observed[ref], record) for ref in heres)
    outputs = fill(record.outputs, {ref: _handed_out(ref, observed, record) for ref in record.entries})
    return StackState(place, session.target, states, outputs, record.complete)


def _handed_out(ref: Ref, observed: dict[Ref, Observed | None], record: Record) -> Outputs:
    seen = observed.get(ref)
    return seen.outputs if seen else record.entries[ref].outputs


def _lost(session: Session, place: Place, found: tuple[Found, ...]) -> StackState:
    """A stack of which there is no record here: compared with its blueprint if that is at hand."""
    wish = stacks.wish(session.settings, place)
    if wish is None:
        states = tuple(ResourceState(one.ref, one.name, State.IN_SYNC, note="nothing recorded here") for one in found)
        return StackState(place, session.target, states, known=False)
    wish = reality.prepare(wish)
    heres = plan.heres(place, KINDS, Record(), found, wish)
    observed = reality.observe(session.aws, heres)
    wish = reality.prepare(plan.fill_known(wish, observed, KINDS))
    heres = plan.heres(place, KINDS, Record(), found, wish)
    states = tuple(_state(heres[ref], observed[ref], Record()) for ref in heres)
    outputs = fill(wish.outputs, {ref: seen.outputs for ref, seen in observed.items() if seen})
    return StackState(place, session.target, states, outputs, known=False)


def _state(here: Here, seen: Observed | None, record: Record) -> ResourceState:
    kind = KINDS[here.ref.kind]
    if seen is None:
        return ResourceState(here.ref, here.name, State.MISSING)
    entry = record.entries.get(here.ref)
    bare = seen.mark is None and kind.adopts_bare
    if not bare and not ours(kind, own_mark(here.place, here.ref), seen.mark, entry):
        return ResourceState(here.ref, here.name, State.FOREIGN, note=seen.note)
    wish = here.recorded or here.wish
    changes: tuple[Change, ...] = diff.changes(wish, seen.spec, frozenset()) if wish else ()
    if kind.marked and seen.mark is None:
        changes = (*changes, Change(("mark",), None, here.mark))
    state = State.DRIFTED if changes else State.IN_SYNC
    return ResourceState(here.ref, here.name, state, changes, seen.note)
