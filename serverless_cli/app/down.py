"""`slx down`: removes a stack from what exists (journal, names and marks), not from a blueprint, and proves it."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from serverless_cli import execute, local, plan
from serverless_cli.app import reality, stacks
from serverless_cli.app.session import Session, open_session
from serverless_cli.app.settings import Settings
from serverless_cli.app.up import SPECS
from serverless_cli.events import Listener
from serverless_cli.model import Action, Found, Loss, Place, Plan, Ref, Report, Step, Sweep
from serverless_cli.remains import same_stack
from serverless_cli.resources import KINDS
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

    def run(self, listen: Listener, cancel: threading.Event) -> Report:
        """Removes what the plan says."""
        self.journal.start(self.lease.holder)
        return execute.run(
            self.plan,
            kinds=KINDS,
            aws=self.session.aws,
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
        for step in self._late(deleted):
            KINDS[step.ref.kind].delete(self.session.aws, execute.here(self.place, step))
        by_kind = reality.search(self.session.aws, self.place)
        kept = {step.name for step in self.plan.steps.values() if step.action is Action.RETAIN}
        left = [
            one
            for many in by_kind.values()
            for one in many
            if one.mark and same_stack(one.mark, self.place) and one.name not in kept
        ]
        left += [Found(step.ref, step.name, None) for step in self._late(deleted)]
        looked = {kind: len(many) for kind, many in by_kind.items()}
        if not left and not kept:
            self.journal.forget()
            self._stop_if_last()
        return Sweep(tuple({(one.ref, one.name): one for one in left}.values()), looked)

    def _late(self, deleted: list[Step]) -> list[Step]:
        """What is there again although it was deleted: Lambda may write to a log group after its function is gone."""
        aws = self.session.aws.reading()
        heres = {step.ref: execute.here(self.place, step) for step in deleted if KINDS[step.ref.kind].adopts_bare}
        back = reality.observe(aws, heres)
        return [step for step in deleted if back.get(step.ref)]

    def _stop_if_last(self) -> None:
        if self.session.instance and not self.session.store.stacks():
            self.session.settings.notify("stopping the local target: that was its last stack")
            local.stop(self.session.settings.folder)


@contextmanager
def begin(settings: Settings, stack: str | None) -> Iterator[Down]:
    """Finds the stack, looks at what exists of it and counts what would be lost, under its lock.

    Raises SlxError: no such stack, credentials, network, locked.
    """
    with open_session(settings) as session:
        place = stacks.choose(session, stack)
        if not stacks.trace(session, place, stacks.record(session, place)):
            raise stacks.missing(session, place)
        with (
            lock(session.store, session.key(place), command=f"down {place.stack}/{place.stage}") as lease,
            Journal.open(session.store, session.key(place), SPECS) as journal,
        ):
            made = _draft(session, place, journal)
            yield Down(session, place, made, _losses(session, made), journal, lease)


def _draft(session: Session, place: Place, journal: Journal) -> Plan:
    record = journal.record
    found = () if record.complete else reality.found(session.aws, place)
    if not record.complete and (wish := stacks.wish(session.settings, place)):
        record = plan.presumed(wish, record)
    observed = reality.observe(session.aws, plan.heres(place, KINDS, record, found))
    return plan.down(place, record, observed, KINDS, found)


def _losses(session: Session, made: Plan) -> dict[Ref, tuple[Loss, ...]]:
    """What each deletion would throw away, counted; kinds that hold nothing are left out."""
    steps = [step for step in made.writes if KINDS[step.ref.kind].data]

    def count(step: Step) -> tuple[Loss, ...]:
        return tuple(KINDS[step.ref.kind].loss(session.aws, execute.here(made.place, step)))

    with ThreadPoolExecutor(reality.AT_ONCE, "loss") as pool:
        counted = zip(steps, pool.map(count, steps), strict=True)
        return {step.ref: losses for step, losses in counted if losses}
