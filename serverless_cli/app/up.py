"""`slx up`: from a blueprint to a running stack, under the stack's lock, with every write intended in the journal."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from serverless_cli import execute, plan
from serverless_cli.app import catalog, checking, reality
from serverless_cli.app.session import Session, endpoint, open_session, store
from serverless_cli.app.settings import Settings
from serverless_cli.blueprint.parse import peek
from serverless_cli.errors import Problem
from serverless_cli.events import Listener
from serverless_cli.fill import fill
from serverless_cli.model import CheckResult, Outputs, Plan, Record, Ref, Report, Stack, Status
from serverless_cli.resources import KINDS
from serverless_cli.state.journal import Journal
from serverless_cli.state.lease import Lease
from serverless_cli.state.lock import lock

SPECS = {name: kind.spec for name, kind in KINDS.items()}


@dataclass(slots=True)
class Up:
    """One `up` whose plan is made and whose lock is held. `blockers` must be empty for `run` to be called."""

    session: Session
    stack: Stack
    plan: Plan
    blockers: tuple[Problem, ...]
    journal: Journal
    lease: Lease
    _outputs: dict[Ref, Outputs] = field(default_factory=dict)

    @property
    def nothing_to_do(self) -> bool:
        return not self.plan.writes

    @property
    def explicit_endpoint(self) -> bool:
        """Some other emulator was named: nobody knows whether it serves sites and runs functions."""
        return endpoint(self.session.settings) is not None

    def run(self, listen: Listener, cancel: threading.Event) -> Report:
        """Carries the plan out. The record is complete and describes the blueprint even if steps fail."""
        self.journal.start(self.lease.holder)
        self.journal.describe(self.stack)
        report = execute.run(
            self.plan,
            kinds=KINDS,
            aws=self.session.aws,
            journal=self.journal,
            lease=self.lease,
            listen=listen,
            cancel=cancel,
        )
        self.journal.searched()
        self._outputs = {ref: one.outputs for ref, one in report.outcomes.items() if one.status is Status.DONE}
        return report

    def outputs(self) -> Mapping[str, str]:
        """The blueprint's outputs, as far as they are known."""
        return fill(self.stack.outputs, self._outputs)

    def check(self, listen: Callable[[CheckResult], None]) -> tuple[CheckResult, ...]:
        """Proves end to end that the stack does what the blueprint promises."""
        return checking.run(self.session.aws, fill(self.stack.checks, self._outputs), listen)


@contextmanager
def begin(settings: Settings, blueprint: str | None, *, allow_delete: frozenset[str] = frozenset()) -> Iterator[Up]:
    """Reads, checks, looks and plans, and holds the stack's lock until the end of the `with`.

    Raises BlueprintError before any call; SlxError for credentials, network, a lock that somebody else holds.
    """
    path = catalog.find(blueprint, settings.folder)
    name = sketch(path, settings).place.stack
    with open_session(settings) as session:
        place = session.place(name)
        with (
            lock(session.store, session.key(place), command=f"up {blueprint or ''}".strip()) as lease,
            Journal.open(session.store, session.key(place), SPECS) as journal,
        ):
            stack, made, problems = draft(session, path, settings, journal.record)
            blockers = (*problems, *made.obstacles, *plan.guard(made, allow_delete))
            yield Up(session, stack, made, blockers, journal, lease)


def draft(session: Session, path: Path, settings: Settings, record: Record) -> tuple[Stack, Plan, tuple[Problem, ...]]:
    """The stack for the session's place, the plan that gets it there, and what was seen to be in the way.

    Looking at AWS and packing code go on at once.
    """
    stack = catalog.read(path, settings, session.place(""), record.parameters)
    with ThreadPoolExecutor(2, "draft") as pool:
        packed = pool.submit(reality.prepare, stack)
        found = () if record.complete else reality.found(session.aws, stack.place)
        heres = plan.heres(stack.place, KINDS, record, found, stack)
        problems = pool.submit(reality.preflight, session.aws, heres)
        observed = reality.observe(session.aws, heres)
        ready = packed.result()
        # What turned up only by packing (a bucket for large packages) has not been looked at yet.
        late = plan.heres(stack.place, KINDS, record, found, ready)
        observed |= reality.observe(session.aws, {ref: here for ref, here in late.items() if ref not in observed})
        ready = reality.prepare(plan.fill_known(ready, observed, KINDS))
        return ready, plan.up(ready, observed, record, KINDS, found), problems.result()


def sketch(path: Path, settings: Settings) -> Stack:
    """The blueprint checked before there is a connection; what any target remembers of its parameters counts."""
    kept: dict[str, str] = {}
    keeper = store(settings)
    name = peek(path)
    for key in keeper.stacks():
        if (key.stack, key.stage) == (name, settings.stage):
            kept.update(Journal.recall(keeper, key, SPECS).parameters)
    return catalog.read(path, settings, remembered=kept)
