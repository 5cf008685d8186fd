"""`slx up --rollback`: what is kept before a run so that it can be taken back, and how that is done.

Taking back is a run like any other: its plan is made by `undo`, carried out by the executor, each write intended in
the journal first, under the same lock. Interrupted or failed, it leaves a half-built stack, which `up` and `down` take.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from serverless_cli import execute, scratch, undo
from serverless_cli.app import reality
from serverless_cli.app.session import Session
from serverless_cli.app.sweep import clear_late, remains
from serverless_cli.errors import Problem, SlxError
from serverless_cli.events import Listener
from serverless_cli.model import Action, Change, Entry, Outputs, Plan, Record, Ref, Report, Spec, Step
from serverless_cli.records import dataclass
from serverless_cli.resources import KINDS
from serverless_cli.state.journal import Journal
from serverless_cli.state.lease import Lease
from serverless_cli.undo import Former, Undo

CHANGING = (Action.UPDATE, Action.REPLACE, Action.DELETE)


@contextmanager
def kept(session: Session, plan: Plan, record: Record) -> Iterator[Former]:
    """What the plan is about to change or to delete, as it is now; files are kept until the end of the `with`.

    Only reads. What cannot be kept is known by then, and no reason not to run.
    """
    with scratch.folder() as name:
        held: dict[Ref, Spec] = {}
        lost: dict[Ref, str] = {}
        for number, step in enumerate(one for one in plan.writes if one.action in CHANGING):
            if step.reality is None or (KINDS[step.ref.kind].data and step.action is not Action.UPDATE):
                continue
            folder = Path(name, str(number))
            try:
                folder.mkdir()
                spec = KINDS[step.ref.kind].hold(
                    session.aws, execute.here(plan.place, step), step.reality, _changes(step), folder
                )
                held[step.ref] = undo.veiled(spec, step.spec, step.recorded)
            except SlxError as error:
                lost[step.ref] = str(error)
            except OSError as error:
                lost[step.ref] = f"it could not be kept in {folder}: {error.strerror or error}"
        yield Former(record, held, lost)


def _changes(step: Step) -> tuple[Change, ...]:
    return step.changes if step.action is Action.UPDATE else ()


@dataclass(slots=True)
class Rollback:
    """A run that is about to be taken back."""

    session: Session
    former: Former
    undo: Undo
    journal: Journal
    lease: Lease

    @property
    def plan(self) -> Plan:
        return self.undo.plan

    @property
    def left(self) -> tuple[Problem, ...]:
        """What stays as the failed run left it, and why."""
        return self.undo.left

    def run(self, listen: Listener, cancel: threading.Event) -> Report:
        """Takes the run back. The record is then what it was before; of a first run nothing is left."""
        report = execute.run(
            self.plan,
            kinds=KINDS,
            aws=self.session.aws.fenced(self.lease.check),
            journal=Restoring(self.journal, self.undo.entries),
            lease=self.lease,
            listen=listen,
            cancel=cancel,
        )
        if report.ok:
            self._settle()
        return report

    def _settle(self) -> None:
        """What Lambda made again goes, too; then the record ends, or describes the stack as it did."""
        deleted = [step for step in self.plan.steps.values() if step.action is Action.DELETE]
        aws = self.session.aws.fenced(self.lease.check)
        clear_late(aws, self.plan.place, deleted)
        if self.former.record.blueprint or self.former.record.entries:
            self.journal.redescribe(self.former.record)
        elif not self.left and not self.journal.record.entries:
            sweep = remains(aws, self.plan.place, deleted)
            if not sweep.left:
                self.journal.forget()


class Restoring:
    """The journal of a rollback: a step that has ended leaves what was recorded before the run."""

    def __init__(self, journal: execute.Recorder, entries: Mapping[Ref, Entry]) -> None:
        self._journal = journal
        self._entries = entries

    def begin(self, step: Step) -> None:
        self._journal.begin(step)

    def fail(self, step: Step, text: str) -> None:
        self._journal.fail(step, text)

    def finish(self, step: Step, spec: Spec | None, outputs: Outputs) -> None:
        """What was read before the run is never recorded as a wish: it may hold what was set by hand."""
        if step.action is Action.KEEP:
            self._journal.finish(step, spec, outputs)
            return
        if step.action is Action.DELETE:
            self._journal.finish(step, None, outputs)
            known = [self._entries[ref] for ref in (step.ref, *step.falls) if ref in self._entries]
            for entry in known:  # it was recorded and gone before the run, too
                self._journal.finish(undo.recorded(entry), entry.spec, entry.outputs)
            return
        former = self._entries.get(step.ref)
        if former:
            self._journal.finish(undo.recorded(former), former.spec, outputs)
        else:
            self._journal.finish(step, None, outputs)


def begin(session: Session, plan: Plan, report: Report, former: Former, *, journal: Journal, lease: Lease) -> Rollback:
    """Looks at what the run has touched, and decides how to take it back. Raises SlxError when AWS cannot be asked,
    or the lock was lost."""
    lease.check()
    now = journal.record
    observed = reality.observe(session.aws, undo.heres(report, now))
    return Rollback(session, former, undo.undo(plan, report, former, now, observed, kinds=KINDS), journal, lease)
