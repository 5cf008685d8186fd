"""`slx down`: removes a stack from what exists (journal, names and marks), not from a blueprint, and proves it."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from serverless_cli import execute, local, plan
from serverless_cli.app import backup, reality, stacks
from serverless_cli.app.backup import Backup
from serverless_cli.app.session import Session, looking
from serverless_cli.app.settings import Settings
from serverless_cli.app.sweep import remains
from serverless_cli.events import Listener
from serverless_cli.model import Action, Loss, Place, Plan, Ref, Report, Step, Sweep
from serverless_cli.resources import KINDS, SPECS
from serverless_cli.state.journal import Journal
from serverless_cli.state.lease import Lease
from serverless_cli.state.lock import lock


@dataclass(slots=True)
class Down:
    """One `down` whose plan is made and whose lock is held."""

    session: Session
    place: Place
    plan: Plan
    losses: Mapping[Ref, tuple[Loss, ...]]
    journal: Journal
    lease: Lease

    @property
    def unsaved(self) -> tuple[Step, ...]:
        """The deletions whose loss no backup can prevent."""
        return backup.unsaved(self.plan)

    def backup(self, folder: Path, tell: backup.Tell) -> Backup:
        """Copies what would be lost. Raises SlxError when that cannot be done wholly: then nothing must be removed."""
        return backup.take(self.session.aws, self.plan, folder, tell)

    def run(self, listen: Listener, cancel: threading.Event) -> Report:
        """Removes what the plan says."""
        self.journal.start(self.lease.holder)
        return execute.run(
            self.plan,
            kinds=KINDS,
            aws=self.session.aws.fenced(self.lease.check),
            journal=self.journal,
            lease=self.lease,
            listen=listen,
            cancel=cancel,
        )

    def sweep(self) -> Sweep:
        """Looks again, by lists and marks and at every name that was deleted; what came back late is removed once more.

        Only an empty result ends the record. Shares no code with the verbs that delete.
        """
        deleted = [step for step in self.plan.steps.values() if step.action is Action.DELETE]
        kept = {(step.ref.kind, step.name) for step in self.plan.steps.values() if step.action is Action.RETAIN}
        found = remains(self.session.aws.fenced(self.lease.check), self.place, deleted, kept)
        if not found.left and not kept:
            self.journal.forget()
            self._stop_if_last()
        return found

    def _stop_if_last(self) -> None:
        """A local target that keeps the state itself goes on: its lock is still to be released."""
        if self.session.instance and not self.session.settings.state and not self.session.store.stacks():
            self.session.settings.notify("stopping the local target: that was its last stack")
            local.stop(self.session.settings.folder)


@contextmanager
def begin(settings: Settings, stack: str | None, *, into: Path | None = None) -> Iterator[Down]:
    """Finds the stack, looks at what exists of it and counts what would be lost, under its lock.

    `into` is the folder of a backup to come. Raises SlxError: that is not empty, no such stack, credentials, network,
    locked.
    """
    if into:
        backup.room(into)

    @contextmanager
    def look(session: Session) -> Iterator[Down]:
        place = stacks.choose(session, stack)
        if not stacks.trace(session, place, stacks.record(session, place)):
            raise stacks.missing(session, place)
        with (
            lock(session.store, session.key(place), command=f"down {place.stack}/{place.stage}") as lease,
            Journal.open(session.store, session.key(place), SPECS) as journal,
        ):
            made = _planned(session, place, journal)
            with ThreadPoolExecutor(1, "losses") as pool:
                losses = pool.submit(_losses, session, made)
                made = _warned(session, made)
            yield Down(session, place, made, losses.result(), journal, lease)

    with looking(settings, look) as begun:
        yield begun


def _planned(session: Session, place: Place, journal: Journal) -> Plan:
    record, reading = journal.record, session.aws.reading()
    # The record may be an old one: another machine may have made what it does not know. So it is searched for in any
    # case, at the same time as all that is recorded is looked at.
    with ThreadPoolExecutor(1, "search") as pool:
        search = reality.found if record.complete else partial(stacks.found, session)
        searched = pool.submit(search, reading, place)
        if wish := stacks.wish(session.settings, place):
            record = plan.presumed(wish, record)
        known = plan.heres(place, KINDS, record)
        observed = reality.observe(reading, known)
        found = searched.result()
    heres = plan.heres(place, KINDS, record, found)
    late = {ref: here for ref, here in heres.items() if ref not in known or here.outputs != known[ref].outputs}
    observed |= reality.observe(reading, late)
    return plan.down(place, record, observed, KINDS, found)


def _warned(session: Session, made: Plan) -> Plan:
    """The plan with what would make its deletions fail, and what else they do."""
    heres = [execute.here(made.place, step) for step in made.writes]
    obstacles, notes = reality.standing(session.aws.reading(), heres)
    return replace(made, obstacles=obstacles, notes=(*made.notes, *notes))


def _losses(session: Session, made: Plan) -> dict[Ref, tuple[Loss, ...]]:
    """What each deletion would throw away, counted; kinds that hold nothing are left out."""
    steps = [step for step in made.writes if KINDS[step.ref.kind].data]

    def count(step: Step) -> tuple[Loss, ...]:
        return tuple(KINDS[step.ref.kind].loss(session.aws, execute.here(made.place, step)))

    with ThreadPoolExecutor(reality.AT_ONCE, "loss") as pool:
        counted = zip(steps, pool.map(count, steps), strict=True)
        return {step.ref: losses for step, losses in counted if losses}
