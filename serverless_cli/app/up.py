"""`slx up`: from a blueprint to a running stack, under the stack's lock, with every write intended in the journal."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import field
from difflib import get_close_matches
from pathlib import Path

from serverless_cli import execute, plan
from serverless_cli.app import catalog, reality, rollback, stacks
from serverless_cli.app.rollback import Rollback
from serverless_cli.app.session import Session, endpoint, looking, nearby
from serverless_cli.app.settings import Settings
from serverless_cli.blueprint.parse import peek
from serverless_cli.blueprint.problems import Unset
from serverless_cli.errors import BlueprintError, Exit, Problem, SlxError
from serverless_cli.events import Listener
from serverless_cli.fill import fill, filled
from serverless_cli.model import CheckResult, Outputs, Plan, Record, Ref, Report, Stack, Status
from serverless_cli.records import dataclass
from serverless_cli.resources import KINDS, SPECS
from serverless_cli.state.journal import Journal
from serverless_cli.state.lease import Lease
from serverless_cli.state.lock import lock
from serverless_cli.undo import Former


@dataclass(slots=True)
class Up:
    """One `up` whose plan is made and whose lock is held. `blockers` must be empty for `run` to be called."""

    session: Session
    stack: Stack
    plan: Plan
    blockers: tuple[Problem, ...]
    journal: Journal
    lease: Lease
    former: Former | None = None
    """what the run is about to change, kept for a rollback"""
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
            aws=self.session.aws.fenced(self.lease.check),
            journal=self.journal,
            lease=self.lease,
            listen=listen,
            cancel=cancel,
        )
        self.journal.searched()
        self._outputs = {ref: one.outputs for ref, one in report.outcomes.items() if one.status is Status.DONE}
        return report

    def rollback(self, report: Report) -> Rollback:
        """What it takes to undo what the run of this report has made; only where it was asked for beforehand."""
        assert self.former is not None
        return rollback.begin(self.session, self.plan, report, self.former, journal=self.journal, lease=self.lease)

    def outputs(self) -> Mapping[str, str]:
        """The blueprint's outputs, as far as they are known."""
        return filled(self.stack.outputs, self._outputs)

    def check(self, listen: Callable[[CheckResult], None]) -> tuple[CheckResult, ...]:
        """Proves end to end that the stack does what the blueprint promises."""
        from serverless_cli.app import checking  # noqa: PLC0415 - HTTP and mail, for what is up already

        return checking.run(self.session.aws, fill(self.stack.checks, self._outputs), listen)


@contextmanager
def begin(
    settings: Settings,
    blueprint: str | None,
    *,
    allow_delete: frozenset[str] = frozenset(),
    undoing: bool = False,
    command: str = "up",
) -> Iterator[Up]:
    """Reads, checks, looks and plans, and holds the stack's lock until the end of the `with`.

    `command` is what others are told of who has it.
    With `undoing`, what the plan is about to change is kept, so that `rollback` can bring it back.

    Raises BlueprintError before any call; SlxError for credentials, network, a lock that somebody else holds, and an id
    in `allow_delete` that neither the blueprint nor the record knows.
    """
    path = catalog.find(blueprint, settings.folder)
    name, kinds = sketch(path, settings)

    @contextmanager
    def look(session: Session) -> Iterator[Up]:
        place = session.place(name)
        with (
            lock(session.store, session.key(place), command=f"{command} {blueprint or ''}".strip()) as lease,
            Journal.open(session.store, session.key(place), SPECS) as journal,
        ):
            stack, made, problems = draft(session, path, settings, journal.record)
            record = journal.record
            _known(allow_delete, {*stack.resources, *made.steps, *record.entries}, record.former)
            blockers = (*problems, *made.obstacles, *plan.guard(made, allow_delete))
            with rollback.kept(session, made, journal.record) if undoing and not blockers else nullcontext() as former:
                yield Up(session, stack, made, blockers, journal, lease, former)

    with looking(settings, look, kinds) as run:
        yield run


def _known(allowed: frozenset[str], refs: Iterable[Ref], former: Iterable[Ref]) -> None:
    """Raises SlxError (usage) for an id that nobody knows: a typo would be found out once it was to be deleted.

    What was deleted counts as known, so that the same command goes on after a run that has deleted it and failed.
    """
    ids = {ref.root for ref in refs}
    for id in sorted(allowed - ids - {ref.root for ref in former}):
        near = get_close_matches(id, sorted(ids), 1)
        raise SlxError(
            f"--allow-delete names {id}, which is no resource of this stack",
            "neither the blueprint nor what is recorded has that id",
            f"did you mean `{near[0]}`?" if near else f"there are: {', '.join(sorted(ids))}",
            exit_code=Exit.USAGE,
        )


def draft(session: Session, path: Path, settings: Settings, record: Record) -> tuple[Stack, Plan, tuple[Problem, ...]]:
    """The stack for the session's place, the plan that gets it there, and what was seen to be in the way.

    Looking at AWS and packing code go on at once.
    """
    stack = catalog.read(path, settings, session.place(""), record.parameters)
    reading = session.aws.reading()  # what the search has listed is not asked for again
    kinds = frozenset(ref.kind for ref in stack.resources)
    with ThreadPoolExecutor(3, "draft") as pool:
        packed = pool.submit(reality.prepare, stack)
        searched = None if record.complete else pool.submit(reality.found, reading, stack.place, kinds=kinds)
        heres = plan.heres(stack.place, KINDS, record, (), stack)
        problems = pool.submit(reality.preflight, reading, heres)
        observed = reality.observe(reading, heres)
        found = searched.result().found if searched else ()
        if found or plan.behind(stack, observed, record, KINDS):
            # Something is there of which the record does not know: then there may be more, of any kind and name.
            found = stacks.found(reading, stack.place, needed=kinds).found
        ready = packed.result()
        # What turned up only by packing (a bucket for large packages) or a search has not been looked at yet, or not
        # where it was found.
        late = plan.heres(stack.place, KINDS, record, found, ready)
        observed |= reality.observe(
            reading,
            {ref: here for ref, here in late.items() if ref not in observed or here.outputs != heres[ref].outputs},
        )
        ready = reality.prepare(plan.fill_known(ready, observed, KINDS))
        return ready, plan.up(ready, observed, record, KINDS, found), problems.result()


def sketch(path: Path, settings: Settings) -> tuple[str, frozenset[str]]:
    """The stack's name and its kinds, once the blueprint is checked as far as it can be before there is a connection.

    What any target remembers of its parameters counts; where that is in S3, those without a value may be.
    """
    kept: dict[str, str] = {}
    keeper = nearby(settings)
    try:
        name = peek(path)
    except BlueprintError:
        catalog.read(path, settings)  # raises with all that is wrong, not with the name alone
        raise
    if keeper:
        mine = (key for key in keeper.stacks() if (key.stack, key.stage) == (name, settings.stage))
        for key in mine:
            kept.update(Journal.recall(keeper, key, SPECS).parameters)
    try:
        stack = catalog.read(path, settings, remembered=kept)
    except BlueprintError as error:
        if keeper or not all(isinstance(problem, Unset) for problem in error.problems):
            raise
        return name, frozenset()
    return name, frozenset(ref.kind for ref in stack.resources)
