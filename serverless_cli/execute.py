"""Runs a plan: every write of `up` and `down` passes here.

A step starts when its own needs have ended: no layers. Steps of one lane never run at once. When a step fails, what
needs it is skipped, and everything else goes on. All decisions and all events are made by the thread that calls `run`;
workers only prepare, write and record.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from queue import Empty, SimpleQueue
from typing import Protocol

from serverless_cli import diff, graph
from serverless_cli.aws.calls import Aws
from serverless_cli.errors import Exit, SlxError
from serverless_cli.events import Ended, Event, Listener, Note, Planned, Started
from serverless_cli.fill import fill, gaps
from serverless_cli.model import NOTHING, Action, Outcome, Outputs, Place, Plan, Ref, Report, Spec, Status, Step
from serverless_cli.records import dataclass
from serverless_cli.remains import Kinds
from serverless_cli.resources.base import Here

IDLE = (Action.KEEP, Action.RETAIN)
_SIGNALS_S = 0.5
"""how long a wait may last before the main thread looks for signals: on Windows a lock cannot be interrupted"""


class Recorder(Protocol):
    """The journal, as far as the executor needs it. Called from several threads at once."""

    def begin(self, step: Step) -> None:
        """Durable before it returns: this step is about to write. A REPLACE may leave nothing, or the new one."""

    def finish(self, step: Step, spec: Spec | None, outputs: Outputs) -> None:
        """What the step left: CREATE, UPDATE, REPLACE and KEEP an entry (a spec of None: as it was); DELETE forgets
        its ref, which need not be known, and `falls`."""

    def fail(self, step: Step, text: str) -> None:
        """The step that was begun has failed; its entry stays, as it is not known how far it came."""


class Lease(Protocol):
    """The lock that the run holds."""

    def check(self) -> None:
        """Raises SlxError if the lock may have been lost; nothing may be written then."""


class Cancel(Protocol):
    """Says that the user wants to stop; a threading.Event is one."""

    def is_set(self) -> bool: ...


class Never:
    """Nobody can stop this run."""

    def is_set(self) -> bool:
        return False


def run(
    plan: Plan,
    *,
    kinds: Kinds,
    aws: Aws,
    journal: Recorder,
    lease: Lease,
    listen: Listener,
    workers: int = 16,
    cancel: Cancel | None = None,
    clock: Callable[[], float] = time.monotonic,
    pool: Executor | None = None,
) -> Report:
    """Runs all steps and says of each what came of it. A failing step is an outcome, not an exception.

    Once `cancel` is set, the lease is lost or the journal takes no intent, no step is started; those that run are
    waited for and recorded.
    Raises SlxError, before any write, for a plan that cannot be run.
    """
    if plan.obstacles:
        first = plan.obstacles[0]
        raise SlxError(first.what, first.why, first.hint, where=first.where)
    if circle := graph.cycle({ref: step.needs for ref, step in plan.steps.items()}):
        raise SlxError("the plan cannot be run", " needs ".join(map(str, circle)), exit_code=Exit.BUG)
    threads = pool or ThreadPoolExecutor(workers, thread_name_prefix="slx")
    finished = False
    try:
        events: SimpleQueue[Future[Outcome] | _Ready] = SimpleQueue()
        worker = _Worker(kinds, aws, journal, lease, plan.place, clock, events.put)
        report = _Run(plan, worker, threads, events, listen=listen, cancel=cancel or Never(), workers=workers).go()
        finished = True
    finally:
        if pool is None:
            threads.shutdown(wait=finished, cancel_futures=True)
    return report


@dataclass(frozen=True, slots=True)
class _Ready:
    """A running step has made what others need of it."""

    ref: Ref
    outputs: Outputs


@dataclass(slots=True)
class _Worker:
    """Carries out single steps; several at once."""

    kinds: Kinds
    aws: Aws
    journal: Recorder
    lease: Lease
    place: Place
    clock: Callable[[], float]
    tell: Callable[[_Ready], None]
    halt: str = ""
    """why nothing more may be written"""

    def amend(self, steps: tuple[Step, ...]) -> None:
        """Corrects the journal where reality is ahead of it."""
        if steps:
            self.check()
        for step in steps:
            self.journal.finish(step, step.spec, step.outputs)

    def check(self) -> None:
        try:
            self.lease.check()
        except Exception:
            self.halt = "the lock was lost"
            raise

    def lane(self, step: Step) -> str:
        return self.kinds[step.ref.kind].lane(here(self.place, step))

    def carry_out(self, step: Step, late: bool) -> Outcome:
        """`late` says that gaps of the spec have just been filled, so that it is to be prepared again."""
        began = self.clock()
        try:
            if late:
                step = self._settle(step)
            outputs = self._write(step)
        except Exception as error:  # noqa: BLE001 - the one place where what a kind raises becomes an outcome
            return Outcome(step, Status.FAILED, error=known(error, step.ref), seconds=self.clock() - began)
        return Outcome(step, Status.DONE, outputs, seconds=self.clock() - began)

    def _settle(self, step: Step) -> Step:
        """The step as it is now that all its values are known; perhaps there is less to do than planned."""
        assert step.spec is not None
        kind = self.kinds[step.ref.kind]
        if open_ := sorted(map(str, gaps(step.spec))):
            raise SlxError(f"{step.ref} cannot be made", f"{', '.join(open_)} has not been handed out")
        spec = kind.prepare(step.spec)
        if step.action is Action.CREATE or step.reality is None:
            return replace(step, spec=spec)
        marks = tuple(change for change in step.changes if change.field == "mark")
        changes = marks + diff.changes(spec, step.reality, kind.create_only, step.recorded)
        if any(change.replaces for change in changes):
            return replace(step, spec=spec, changes=changes)
        action = Action.UPDATE if changes else Action.KEEP
        return replace(step, spec=spec, changes=changes, action=action, reason="", loses_data=False, falls=())

    def _write(self, step: Step) -> Outputs:
        if step.action is Action.KEEP:
            self.journal.finish(step, step.spec, step.outputs)
            return step.outputs
        intent = step
        if step.spec is not None:
            traces = self.kinds[step.ref.kind].traces(step.spec, step.recorded)
            intent = replace(step, traces=tuple(dict.fromkeys((*step.traces, *traces))))
        self.check()
        with self._needed():
            self.journal.begin(intent)
        try:
            outputs = self._call(step)
        except Exception as error:
            # What the step says matters more than a journal that cannot be written any more.
            with suppress(Exception):
                self.journal.fail(step, str(error))
            raise
        self._finish(step, outputs)
        return outputs

    def _finish(self, step: Step, outputs: Outputs) -> None:
        with self._needed():
            self.journal.finish(step, step.spec, outputs)
            if step.falls and step.action is not Action.DELETE:
                first, *rest = step.falls
                self.journal.finish(Step(Action.DELETE, first, "", falls=tuple(rest)), None, NOTHING)

    @contextmanager
    def _needed(self) -> Iterator[None]:
        """No write goes without its intent: when the journal takes none, there is no use in trying other steps."""
        try:
            yield
        except Exception:
            self.halt = "the journal cannot be written"
            raise

    def _call(self, step: Step) -> Outputs:
        kind, there = self.kinds[step.ref.kind], here(self.place, step)
        if step.action is Action.DELETE:
            kind.delete(self.aws, there)
            return NOTHING
        if step.action is Action.UPDATE:
            return kind.update(self.aws, there, step.spec, step.changes)
        if step.action is Action.REPLACE:
            kind.delete(self.aws, replace(there, again=True))
            there = replace(there, outputs=NOTHING)
        there = replace(there, ready=lambda outputs: self.tell(_Ready(step.ref, outputs)))
        return kind.create(self.aws, there, step.spec)


def here(place: Place, step: Step) -> Here:
    """What the verbs get to know for a step. A former ref is the kinds' own again: the mark names that."""
    last = step.reality if step.recorded is None else step.recorded
    fresh = step.action is Action.CREATE and step.reality is None
    return Here(
        step.ref.current, step.name, place, step.outputs, step.spec, last, step.absent, _retain(step), fresh,
        traces=step.traces,
    )  # fmt: skip


def _retain(step: Step) -> bool | None:
    """What the mark is to say: that a thing is not to be retained only where it may have said otherwise before."""
    if step.retain:
        return True
    return False if any(change.field == "mark" for change in step.changes) else None


class _Run:
    """The state of one run; touched by the calling thread alone."""

    def __init__(
        self,
        plan: Plan,
        worker: _Worker,
        pool: Executor,
        events: SimpleQueue[Future[Outcome] | _Ready],
        *,
        listen: Listener,
        cancel: Cancel,
        workers: int,
    ) -> None:
        needs = graph.within({ref: step.needs for ref, step in plan.steps.items()})
        self.plan = plan
        self.worker = worker
        self.pool = pool
        self.listen = listen
        self.cancel = cancel
        self.workers = workers
        self.clock = worker.clock
        self.open = {ref: len(wanted) for ref, wanted in needs.items()}
        self.users: dict[Ref, list[Ref]] = {ref: [] for ref in needs}
        """who waits for a step, in the plan's order, so that two runs of a plan do not differ without reason"""
        for user, wanted in needs.items():
            for need in wanted:
                self.users[need].append(user)
        self.ready = deque(ref for ref, count in self.open.items() if not count)
        self.running: dict[Future[Outcome], tuple[Ref, str]] = {}
        self.events = events
        """what the workers have to say: steps that ended, and those that others need no longer wait for"""
        self.begun_early: set[tuple[Ref, Ref]] = set()
        """a step that was ready, and one that did not wait for its end"""
        self.lanes: dict[str, deque[tuple[Step, bool]]] = {}
        """busy lanes, with those that wait for them"""
        self.causes: dict[Ref, Ref] = {}
        """what failed has to do with these: not run, or, if they are only kept, not known to fit"""
        self.outputs: dict[Ref, Outputs] = {}
        self.outcomes: dict[Ref, Outcome] = {}
        self.stopped = False
        self.began = self.clock()

    def go(self) -> Report:
        self._tell(Planned(self.plan))
        self.worker.amend(self.plan.amend)
        self._start()
        while self.running:
            event = self._next()
            if isinstance(event, _Ready):
                self._release(event)
            else:
                ref, lane = self.running.pop(event)
                # A BaseException (the process is to end) passes through here and ends the run.
                self._end(ref, event.result())
                self._free(lane)
            self._start()
        outcomes = {ref: self.outcomes[ref] for ref in self.plan.steps}
        return Report(self.plan.place, outcomes, self.clock() - self.began)

    def _next(self) -> Future[Outcome] | _Ready:
        while True:
            try:
                return self.events.get(timeout=_SIGNALS_S)
            except Empty:
                continue

    def _start(self) -> None:
        while self.ready and len(self.running) < self.workers:
            ref = self.ready.popleft()
            step = self.plan.steps[ref]
            if step.action in IDLE:
                self._end(ref, Outcome(step, Status.DONE, step.outputs))
            elif ref in self.causes:
                self._end(ref, Outcome(step, Status.SKIPPED, cause=self.causes[ref]))
            elif self._stopping():
                self._end(ref, Outcome(step, Status.CANCELLED))
            else:
                self._launch(step)

    def _launch(self, step: Step) -> None:
        late = step.spec is not None and bool(gaps(step.spec))
        filled = replace(step, spec=fill(step.spec, self.outputs)) if late else step
        try:
            lane = self.worker.lane(filled)
        except Exception as error:  # noqa: BLE001 - a kind's fault ends its step, not the run
            self._end(step.ref, Outcome(step, Status.FAILED, error=known(error, step.ref)))
            return
        if lane in self.lanes:
            self.lanes[lane].append((filled, late))
            return
        if lane:
            self.lanes[lane] = deque()
        self._submit(filled, late, lane)

    def _submit(self, step: Step, late: bool, lane: str) -> None:
        self._tell(Started(step, self.clock() - self.began))
        future = self.pool.submit(self.worker.carry_out, step, late)
        self.running[future] = (step.ref, lane)
        future.add_done_callback(self.events.put)

    def _free(self, lane: str) -> None:
        """The next step of a lane goes at once; when stopping, those that wait come to their end like all others."""
        if lane not in self.lanes:
            return
        if self.lanes[lane] and not self._stopping():
            step, late = self.lanes[lane].popleft()
            self._submit(step, late, lane)
        else:
            self.ready.extend(step.ref for step, _ in self.lanes.pop(lane))

    def _release(self, event: _Ready) -> None:
        """Those to whom the step's being ready is enough need not wait for its end."""
        self.outputs[event.ref] = event.outputs
        for user in self.users[event.ref]:
            if event.ref.kind in self.worker.kinds[user.kind].needs_only_ready:
                self.begun_early.add((event.ref, user))
                self._met(user)

    def _end(self, ref: Ref, outcome: Outcome) -> None:
        self.outcomes[ref] = outcome
        self.outputs[ref] = outcome.outputs
        if outcome.status is Status.FAILED:
            self.causes[ref] = ref
        for user in self.users[ref]:
            early = (ref, user) in self.begun_early
            if ref in self.causes and not (early and not self.open[user]):
                self.causes.setdefault(user, self.causes[ref])
            if not early:
                self._met(user)
        self._tell(Ended(outcome, self.clock() - self.began))

    def _met(self, user: Ref) -> None:
        """One need less; with the last of them the step may start."""
        self.open[user] -= 1
        if not self.open[user]:
            self.ready.append(user)

    def _stopping(self) -> bool:
        if not self.stopped and (self.worker.halt or self.cancel.is_set()):
            self.stopped = True
            why = self.worker.halt or "stopping"
            self._tell(Note(f"{why}: no further step is started, {len(self.running)} running end first"))
        return self.stopped

    def _tell(self, event: Event) -> None:
        # What watches a run must not be able to break it.
        with suppress(Exception):
            self.listen(event)


def known(error: Exception, ref: Ref) -> SlxError:
    """The error as slx tells it; one that is no SlxError is a bug, kept as the cause."""
    if isinstance(error, SlxError):
        return error
    bug = SlxError(
        f"slx failed at {ref}",
        f"{type(error).__name__}: {error}",
        "this is a bug in slx: `--debug` shows where; running the command again continues",
        exit_code=Exit.BUG,
    )
    bug.__cause__ = error
    return bug
