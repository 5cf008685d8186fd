"""`slx down`: removes a stack from what exists (journal, names and marks), not from a blueprint, and proves it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import field, replace
from functools import partial
from pathlib import Path

from serverless_cli import execute, local, plan
from serverless_cli.app import backup, reality, stacks
from serverless_cli.app.backup import Backup
from serverless_cli.app.reality import Search
from serverless_cli.app.session import Session, looking
from serverless_cli.app.settings import Settings
from serverless_cli.app.sweep import is_of, remains
from serverless_cli.aws.calls import Aws
from serverless_cli.events import Event, Listener, Started
from serverless_cli.model import Action, Found, Loss, Observed, Place, Plan, Record, Ref, Report, Status, Step, Sweep
from serverless_cli.records import dataclass
from serverless_cli.resources import KINDS, SPECS
from serverless_cli.resources.base import Here
from serverless_cli.state.journal import Journal
from serverless_cli.state.lease import Lease
from serverless_cli.state.lock import lock

Reality = Mapping[Ref, Observed | None]

_AFTER_YOU_S = 0.01
"""what is looked for in the background makes clients, and takes the interpreter from the calls that are waited for,
unless these are on their way by then"""


@dataclass(slots=True)
class Down:
    """One `down` whose plan is made and whose lock is held."""

    session: Session
    place: Place
    plan: Plan
    losses: Mapping[Ref, tuple[Loss, ...]]
    kinds: frozenset[str]
    """those of which anything is recorded, or was found"""
    journal: Journal
    lease: Lease
    unseen: frozenset[str] = frozenset()
    """kinds that could not be searched through: the caller may not list them"""
    rest: Callable[[], Future[tuple[Record, Reality, Search]]] | None = None
    """begins to look for what the plan does not know of yet, where it could be made without"""
    agreed: bool = False
    """whether further parts may be removed without asking anybody, and without a copy"""
    _looking: Future[tuple[Record, Reality, Search]] | None = None
    _strays: tuple[Found, ...] = ()
    _done: list[Step] = field(default_factory=list)
    """the steps of the parts before this one"""

    @property
    def unsaved(self) -> tuple[Step, ...]:
        """The deletions whose loss no backup can prevent."""
        return backup.unsaved(self.plan)

    def backup(self, folder: Path, tell: backup.Tell) -> Backup:
        """Copies what would be lost. Raises SlxError when that cannot be done wholly: then nothing must be removed."""
        return backup.take(self.session.aws, self.plan, folder, tell)

    def run(self, listen: Listener, cancel: threading.Event) -> Report:
        """Removes what the plan says, and meanwhile looks for the rest."""
        self.journal.start(self.lease.holder)

        def heard(event: Event) -> None:
            if isinstance(event, Started):
                self._look_on()
            listen(event)

        report = execute.run(
            self.plan,
            kinds=KINDS,
            aws=self.session.aws.fenced(self.lease.check),
            journal=self.journal,
            lease=self.lease,
            listen=heard,
            cancel=cancel,
        )
        if report.ok:
            self._look_on()
        elif report.having(Status.FAILED):
            self.journal.doubt()  # what stood in the way may be what nobody has looked for
        return report

    def _look_on(self) -> None:
        if self.rest:
            self._looking, self.rest = self.rest(), None

    def further(self) -> bool:
        """Whether there is more of the stack than has been told; plan and losses are then of that.

        It may be what was looked for meanwhile, or what the last `sweep` came upon. Raises SlxError where not all could
        be looked for.
        """
        looking, strays = self._looking, self._strays
        self._looking, self._strays = None, ()
        if looking:
            record, observed, search = looking.result()
            self.unseen |= search.unseen
            return self._go_on(record, observed, search.found)
        return bool(strays) and self._go_on(Record(), {}, strays)

    def _go_on(self, record: Record, observed: Reality, found: Iterable[Found]) -> bool:
        """Whether these make another part; its plan then takes the place of the last one."""
        # What this part has removed, with all that was in it, may have been seen before it went.
        mine = self.plan.steps.keys()
        entries = {ref: one for ref, one in record.entries.items() if ref not in mine and one.inside not in mine}
        new = [one for one in found if not any(is_of(step, one) for step in self.plan.steps.values())]
        made = plan.down(self.place, replace(record, entries=entries), observed, KINDS, new)
        if not made.steps:
            return False
        self._done += self.plan.steps.values()
        self.plan, self.losses = _weighed(self.session, self.session.aws.reading(), made, {})
        self.kinds |= {step.ref.kind for step in made.steps.values()}
        return True

    def sweep(self) -> Sweep:
        """Looks again, by lists and marks and at every name that was deleted; what came back late is removed once more.

        Only an empty result ends the record. Shares no code with the verbs that delete.
        """
        steps = (*self._done, *self.plan.steps.values())
        deleted = [step for step in steps if step.action is Action.DELETE]
        kept = {(step.ref.kind, step.name) for step in steps if step.action is Action.RETAIN}
        aws = self.session.aws.fenced(self.lease.check)
        found = remains(aws, self.place, deleted, kept, kinds=self.kinds, unseen=self.unseen)
        if self.agreed:
            self._strays = tuple(one for one in found.left if not any(is_of(step, one) for step in steps))
        if not found.left and kept:
            self._record_kept(steps)
        elif not found.left:
            self.journal.forget()
            self._stop_if_last()
        return found

    def _record_kept(self, steps: Iterable[Step]) -> None:
        """What is retained is all there is, whether it was recorded before or only found."""
        known = self.journal.record.entries
        for step in steps:
            if step.action is Action.RETAIN and step.ref not in known:
                self.journal.finish(replace(step, action=Action.KEEP), None, step.outputs)
        self.journal.searched()

    def _stop_if_last(self) -> None:
        """A local target that keeps the state itself goes on: its lock is still to be released."""
        if self.session.instance and not self.session.settings.state and not self.session.store.stacks():
            self.session.settings.notify("stopping the local target: that was its last stack")
            local.stop(self.session.settings.folder)


@contextmanager
def begin(settings: Settings, stack: str | None, *, into: Path | None = None, agreed: bool = False) -> Iterator[Down]:
    """Finds the stack, looks at what exists of it and counts what would be lost, under its lock.

    `into` is the folder of a backup to come. `agreed`: nobody is to be asked about the plan, so that what the record
    does not speak of may be looked for while the rest is being removed.
    Raises SlxError: that folder is not empty, no such stack, credentials, network, locked.
    """
    if into:
        backup.room(into)

    @contextmanager
    def look(session: Session) -> Iterator[Down]:
        place = stacks.choose(session, stack)
        if not stacks.trace(session, place):
            raise stacks.missing(session, place)
        with (
            lock(session.store, session.key(place), command=f"down {place.stack}/{place.stage}") as lease,
            Journal.open(session.store, session.key(place), SPECS) as journal,
        ):
            known = plan.heres(place, KINDS, journal.record)
            # A plan that somebody is to agree to, or of which a copy is to be made, has to be whole.
            every, unasked = frozenset(KINDS), agreed and not into
            near = _near(known) if unasked and journal.record.complete else every
            with ThreadPoolExecutor(1, "rest") as pool:
                later = partial(pool.submit, _Rest(session, place, journal.record, known, near).look)
                rest = later if near != every else None
                made, losses, kinds, unseen = _planned(session, place, journal.record, known, near)
                yield Down(session, place, made, losses, kinds, journal, lease, unseen, rest, unasked)

    with looking(settings, look) as begun:
        yield begun


def _near(known: Mapping[Ref, Here]) -> frozenset[str]:
    """The kinds that have to go before those of the record."""
    return frozenset[str]().union(*(KINDS[kind].after for kind in {ref.kind for ref in known}))


@dataclass(frozen=True, slots=True)
class _Rest:
    """What of a stack has not been looked for: kinds that are neither recorded, which the proof will list, nor `near`;
    and what only the blueprint knows of."""

    session: Session
    place: Place
    record: Record
    known: Mapping[Ref, Here]
    near: frozenset[str]

    def look(self) -> tuple[Record, Reality, Search]:
        """The entries that a record of all that would have beside the `known`, what exists of them, and what was found.

        Raises SlxError.
        """
        time.sleep(_AFTER_YOU_S)
        reading = self.session.aws.reading()
        kinds = frozenset(KINDS) - self.near - {ref.kind for ref in self.known}
        search = reality.found(reading, self.place, kinds=kinds, needed=())
        wish = stacks.wish(self.session.settings, self.place)
        record = plan.presumed(wish, self.record) if wish else self.record
        heres = plan.heres(self.place, KINDS, record, search.found)
        late = {ref: here for ref, here in heres.items() if ref not in self.known}
        entries = {ref: entry for ref, entry in record.entries.items() if ref in late}
        return replace(record, entries=entries), reality.existing(reading, late), search


def _planned(
    session: Session, place: Place, record: Record, known: Mapping[Ref, Here], kinds: frozenset[str]
) -> tuple[Plan, Mapping[Ref, tuple[Loss, ...]], frozenset[str], frozenset[str]]:
    """What is to be deleted, with what would make that fail and what else it does; what would be lost by it; the kinds
    of which there is anything; and those that may not be listed. Only what is recorded and `kinds` are looked for."""
    reading, every = session.aws.reading(), kinds == frozenset(KINDS)
    needed = () if record.entries or record.complete else KINDS  # else only a search can tell what there is
    with ThreadPoolExecutor(4, "look") as pool:
        looked = pool.submit(reality.existing, reading, known)  # first, so that the search has to wait for its clients
        # Asked before it is known what will be deleted, and below once more, of all that will be: `reading` remembers.
        counted = pool.submit(_counted, session, known)
        weighed = pool.submit(reality.standing, reading, known.values())
        # The record may be an old one: another machine may have made what it does not know. So it is searched for in
        # any case, at the same time as all that is recorded is looked at.
        search = partial(reality.found, kinds=kinds) if record.complete else stacks.found
        searched = pool.submit(search, reading, place, needed=needed)
        observed = looked.result()
        wish = stacks.wish(session.settings, place) if every else None  # read while AWS answers
        weighed.result()
        result = searched.result()
    found = result.found
    if wish:
        record = plan.presumed(wish, record)
    heres = plan.heres(place, KINDS, record, found)
    late = {ref: here for ref, here in heres.items() if ref not in known or here.outputs != known[ref].outputs}
    observed |= reality.existing(reading, late)
    made = plan.down(place, record, observed, KINDS, found)
    known_losses = {ref: count for ref, count in counted.result().items() if ref not in late}
    return *_weighed(session, reading, made, known_losses), frozenset(ref.kind for ref in heres), result.unseen


Count = Future[tuple[Loss, ...]]


def _weighed(
    session: Session, reading: Aws, made: Plan, counted: Mapping[Ref, Count]
) -> tuple[Plan, Mapping[Ref, tuple[Loss, ...]]]:
    """The plan with what would make it fail and what else it does, and what would be lost by it."""
    gone = {step.ref: execute.here(made.place, step) for step in made.writes}
    more = _counted(session, {ref: here for ref, here in gone.items() if ref not in counted})
    losses = {ref: count.result() for ref, count in {**counted, **more}.items() if ref in gone}
    obstacles, notes = reality.standing(reading, gone.values())
    whole = replace(made, obstacles=obstacles, notes=(*made.notes, *notes))
    return whole, {ref: many for ref, many in losses.items() if many}


def _counted(session: Session, heres: Mapping[Ref, Here]) -> dict[Ref, Count]:
    """What deleting each of these would throw away, as counts that have ended; kinds that hold nothing are left out."""
    mine = {ref: here for ref, here in heres.items() if KINDS[ref.kind].data}

    def count(here: Here) -> tuple[Loss, ...]:
        return tuple(KINDS[here.ref.kind].loss(session.aws, here))

    with ThreadPoolExecutor(reality.AT_ONCE, "loss") as pool:
        return {ref: pool.submit(count, here) for ref, here in mine.items()}
