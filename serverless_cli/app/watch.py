"""`slx watch`: what changes in the files of a blueprint's folder is brought about at once, without a look at AWS.

What the stack is like is known from the `up` that came before, under whose lock this happens. So a function's new code
is one call, and one more to see that it has arrived. Looked at is only what nobody has yet, and what a push did not
bring to its end.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import field, replace
from pathlib import Path

from serverless_cli import execute, graph, plan
from serverless_cli.app import catalog, reality
from serverless_cli.app import up as making
from serverless_cli.app.settings import Settings
from serverless_cli.app.up import Up
from serverless_cli.errors import SlxError
from serverless_cli.events import Listener
from serverless_cli.model import Action, Observed, Outcome, Plan, Record, Ref, Report, Stack, Status
from serverless_cli.packaging.site import IGNORED
from serverless_cli.records import dataclass
from serverless_cli.remains import moved, own_mark
from serverless_cli.resources import KINDS

EVERY_S = 0.15
"""between two looks at the files; a save is felt as instant"""
_SHARE = 5
"""looking takes at most a fifth of the time, however many files there are"""
_PASSED_OVER = IGNORED | {"__pycache__", "node_modules", ".venv", "venv", ".pytest_cache", ".mypy_cache", ".ruff_cache"}

Look = dict[str, tuple[int, int, int]]
"""of each file what tells that it has changed: time, size, and the file's own number"""


@dataclass(slots=True)
class Watch:
    """A stack that is up, and the files that it is made of."""

    run: Up
    path: Path
    observed: dict[Ref, Observed | None] = field(default_factory=dict)
    """what is known to be there; all else is looked at when it is planned for"""
    _seen: Look = field(default_factory=dict)

    def begin(self, report: Report) -> None:
        """Takes what the `up` that ended with this report has left as what there is, and the files as they are."""
        self._take(report, self.run.stack)
        self._seen = look(self.path.parent)

    def changed(self, cancel: threading.Event, clock: Callable[[], float] = time.monotonic) -> tuple[str, ...]:
        """Waits until files have changed and stay so for a moment; their names. Nothing once `cancel` is set."""
        pause_s = EVERY_S
        while not cancel.wait(pause_s):
            began = clock()
            now = look(self.path.parent)
            pause_s = max(EVERY_S, (clock() - began) * _SHARE)
            if now == self._seen:
                continue
            if cancel.wait(EVERY_S / 3):
                break
            settled = look(self.path.parent)
            if settled != now:  # still being written
                continue
            names = sorted(name for name in self._seen.keys() | now.keys() if self._seen.get(name) != now.get(name))
            self._seen = now
            return tuple(names)
        return ()

    def plan(self) -> tuple[Stack, Plan]:
        """What the files call for now. Raises BlueprintError, and SlxError for what cannot be packed or looked at."""
        session, record = self.run.session, self.run.journal.record
        stack = catalog.read(self.path, session.settings, session.place(""), record.parameters)
        was, now = self.run.stack.place.stack, stack.place.stack
        if now != was:
            hint = f"end this with Ctrl-C; `slx up` makes {now}, and `slx down {was}/{stack.place.stage}` removes {was}"
            raise SlxError(f"the stack's name is {now} now", f"what is watched is {was}", hint)
        ready = reality.prepare(stack)
        known = self._look(ready, record)
        ready = reality.prepare(plan.fill_known(ready, known, KINDS))
        return ready, plan.up(ready, {**self.observed, **known}, record, KINDS)

    def _look(self, stack: Stack, record: Record) -> dict[Ref, Observed | None]:
        """The stack's resources as they are. Looked at is what is new in the files, for somebody else may have one of
        that name; what has another name there; and what the last push did not bring to its end."""
        heres, entries = plan.heres(stack.place, KINDS, record, (), stack), record.entries
        unknown = {ref for ref in heres if self.observed.get(ref) is None}
        renamed = {
            ref
            for ref, one in stack.resources.items()
            if ref not in unknown and ref in entries and moved(one, entries[ref], KINDS[ref.kind])
        }
        seen = reality.observe(self.run.session.aws, {ref: heres[ref] for ref in sorted(unknown | renamed)})
        self.observed |= {ref: seen[ref] for ref in unknown}
        return {ref: self.observed.get(ref) for ref in stack.resources} | {ref: seen[ref] for ref in renamed}

    @staticmethod
    def within(made: Plan, *, creating: bool) -> tuple[Plan, tuple[str, ...]]:
        """The part of a plan that changes things in place, with `creating` also what is new; and, in words, the rest:
        it wants somebody's consent, or waits for what does."""
        words = {Action.DELETE: "deleted", Action.REPLACE: "replaced"}
        words |= {} if creating else {Action.CREATE: "created"}
        beyond = {ref: f"{ref} would be {words[one.action]}" for ref, one in made.steps.items() if one.action in words}
        for ref in graph.order({ref: one.needs for ref, one in made.steps.items()}):
            if ref not in beyond and made.steps[ref].needs & beyond.keys():
                beyond[ref] = f"{ref} waits for that"
        steps = {ref: one for ref, one in made.steps.items() if ref not in beyond}
        currents = {ref.current for ref in beyond}
        amend = tuple(one for one in made.amend if one.ref.current not in currents)
        told = tuple(text for ref, text in beyond.items() if made.steps[ref] in made.writes)
        return replace(made, steps=steps, amend=amend), told

    def push(self, stack: Stack, made: Plan, listen: Listener, cancel: threading.Event) -> Report:
        """Carries out a plan that changes things in place."""
        self.run.journal.describe(stack)
        for step in made.writes:  # what becomes of it is not known unless it ends
            self.observed.pop(step.ref, None)
        report = execute.run(
            made,
            kinds=KINDS,
            aws=self.run.session.aws.fenced(self.run.lease.check),
            journal=self.run.journal,
            lease=self.run.lease,
            listen=listen,
            cancel=cancel,
        )
        self.run.journal.searched()
        self._take(report, stack)
        return report

    def _take(self, report: Report, stack: Stack) -> None:
        for ref, outcome in report.outcomes.items():
            if outcome.status is Status.DONE and outcome.step.action is not Action.DELETE:
                self.observed[ref] = self._left(outcome, stack)

    def _left(self, outcome: Outcome, stack: Stack) -> Observed | None:
        step = outcome.step
        spec = step.reality if step.action is Action.KEEP else step.spec
        resource = stack.resources.get(step.ref)
        ours = KINDS[step.ref.kind].marked and not (resource and resource.existing)
        mark = replace(own_mark(self.run.plan.place, step.ref), retain=step.retain) if ours else None
        return Observed(spec, outcome.outputs, mark) if spec is not None else None


@contextmanager
def begin(settings: Settings, blueprint: str | None) -> Iterator[Watch]:
    """As `up` begins; the stack's lock is held until the end of the `with`. Raises as `up` does."""
    path = catalog.find(blueprint, settings.folder)
    with making.begin(settings, blueprint, command="watch") as run:
        yield Watch(run, path)


def look(folder: Path) -> Look:
    """The files below a folder; what slx passes over, and what cannot be read, is left out."""
    found: Look = {}
    todo = [str(folder)]
    while todo:
        try:
            entries = list(os.scandir(todo.pop()))
        except OSError:
            continue
        for entry in entries:
            if entry.name in _PASSED_OVER:
                continue
            try:
                if entry.is_dir(follow_symlinks=False):
                    todo.append(entry.path)
                    continue
                about = entry.stat()
            except OSError:  # gone meanwhile
                continue
            found[os.path.relpath(entry.path, folder)] = (about.st_mtime_ns, about.st_size, about.st_ino)
    return found
