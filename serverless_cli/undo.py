"""Takes a run of `up` back: what it made goes, what it changed becomes what it was. Pure.

What was wished before is made out of the run's own plan (the reality that it saw) and of the record from before it;
what the run made is then cleared away as `up` clears away what a blueprint names no more, by the same rules of
ownership and order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field, fields, is_dataclass, replace
from typing import Any

from serverless_cli import diff
from serverless_cli.errors import Problem
from serverless_cli.model import (
    NOTHING,
    Action,
    Change,
    Entry,
    Observed,
    Outcome,
    Plan,
    Record,
    Ref,
    Report,
    Resource,
    Spec,
    Status,
    Step,
)
from serverless_cli.records import dataclass
from serverless_cli.remains import Clearing, Kinds, edges, remnants
from serverless_cli.resources.base import Here
from serverless_cli.resources.ownership import ForeignError
from serverless_cli.secret import Secret

RETAIN = ("mark", "retain")
WRITES = (Action.CREATE, Action.UPDATE, Action.REPLACE, Action.DELETE)


@dataclass(frozen=True, slots=True)
class Former:
    """A stack as it was before a run. `held` are the specs that were read, with what it takes to apply them again,
    by the run's steps; `lost` says why there is none."""

    record: Record = field(default_factory=Record)
    held: Mapping[Ref, Spec] = field(default_factory=dict)
    lost: Mapping[Ref, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Undo:
    """How a run is taken back. `left` is what stays as the run left it, and why.

    `entries` is what the journal says again of each resource once its step has ended.
    """

    plan: Plan
    left: tuple[Problem, ...]
    entries: Mapping[Ref, Entry]


def touched(report: Report) -> dict[Ref, Outcome]:
    """The steps that may have written something on AWS, by their refs in the plan."""
    return {
        ref: one
        for ref, one in report.outcomes.items()
        if one.status in (Status.DONE, Status.FAILED) and one.step.action in WRITES and not _refused(one)
    }


def _refused(one: Outcome) -> bool:
    """Whether a create found somebody else's thing in its place: then it has made nothing."""
    return one.step.action is Action.CREATE and isinstance(one.error, ForeignError)


def heres(report: Report, now: Record) -> dict[Ref, Here]:
    """What must be looked at again before it is decided how to take the run back."""
    found = {}
    for ref, one in touched(report).items():
        step, entry = one.step, now.entries.get(ref)
        outputs = {**step.outputs, **(entry.outputs if entry else NOTHING), **one.outputs}
        # what was only begun is told by its marks, not by what it was to be
        applied = None if step.action is Action.CREATE else step.spec or step.recorded or step.reality
        expected = step.absent or (entry is not None and entry.expected)
        traces = entry.traces if entry else ()
        found[ref] = Here(ref.current, step.name, report.place, outputs, step.spec, applied, expected, traces=traces)
    return found


def undo(
    plan: Plan, report: Report, former: Former, now: Record, observed: Mapping[Ref, Observed | None], *, kinds: Kinds
) -> Undo:
    """The plan that takes the run back. `observed` has what `heres` named, `now` is the record after the run."""
    back = _Back(plan, former, now, observed, kinds, touched(report))
    back.decide()
    clearing = back.clear()
    made = {
        ref: replace(step, falls=clearing.fallen(ref), reason="made by this run", loses_data=False)
        for ref, step in clearing.steps.items()
    }
    restored = {
        ref: replace(step, falls=clearing.fallen(ref)) for ref, step in back.wished.items() if step.action in WRITES
    }
    steps = {**restored, **made}
    refused = [Step(Action.DELETE, ref, one.step.name) for ref, one in report.outcomes.items() if _refused(one)]
    amend = (*clearing.amend, *refused, *back.amend(steps))
    left = (*back.left.values(), *clearing.notes)
    entries = {ref: entry for ref, entry in former.record.entries.items() if ref not in back.left}
    return Undo(Plan(plan.place, steps, amend=amend), left, entries)


@dataclass(slots=True)
class _Back:
    """What the run's steps come to when they are taken back."""

    plan: Plan
    former: Former
    now: Record
    observed: Mapping[Ref, Observed | None]
    kinds: Kinds
    touched: Mapping[Ref, Outcome]
    wished: dict[Ref, Step] = field(default_factory=dict)
    """what was there before, by the ref that it was recorded under"""
    left: dict[Ref, Problem] = field(default_factory=dict)
    """what stays as the run left it"""

    def decide(self) -> None:
        for ref, step in self.plan.steps.items():
            if step.reality is None:
                continue
            was = self._was(step)
            entry = self.former.record.entries.get(was)
            basis = replace(
                step, action=Action.KEEP, ref=was, spec=step.reality, changes=(), falls=(), reason="", loses_data=False
            )
            if entry:
                basis = replace(basis, needs=edges(entry), inside=entry.inside, retain=entry.retain)
            if ref in self.touched:
                basis = self._restore(basis, self.touched[ref].step, ref)
            self.wished[was] = basis

    def _was(self, step: Step) -> Ref:
        """The ref under which the thing was recorded before the run; what got another name was the only one then."""
        entry = self.former.record.entries.get(step.ref.current)
        return step.ref.current if entry and entry.name == step.name else step.ref

    def _restore(self, basis: Step, done: Step, ref: Ref) -> Step:
        """The step that makes a thing again what it was."""
        seen = self.observed.get(ref)
        target = self.former.held.get(ref, basis.reality)
        assert target is not None
        changes = self._changes(done, target, seen)
        anew = seen is None or any(change.replaces for change in changes)
        why = self.former.lost.get(ref, "") or (self._irreversible(done, ref) if anew else "")
        if why and (anew or changes):
            self.left[basis.ref] = Problem(f"{basis.ref} ({done.name}) stays as it is now", why)
            return basis
        if seen is None:
            return replace(basis, action=Action.CREATE, spec=target, absent=True, recorded=None, reality=None)
        action = Action.REPLACE if anew else Action.UPDATE if changes else Action.KEEP
        return replace(
            basis,
            action=action,
            spec=target,
            changes=changes,
            outputs=seen.outputs,
            recorded=done.spec or done.recorded,
            reality=seen.spec,
            reason="as it was before this run",
        )

    def _changes(self, done: Step, target: Spec, seen: Observed | None) -> tuple[Change, ...]:
        """What differs from before, as far as the run had to do with it."""
        if seen is None:
            return ()
        found = diff.changes(target, seen.spec, self.kinds[done.ref.kind].create_only, done.spec)
        if done.action is not Action.UPDATE:
            return found
        mine = [one for one in found if any(_related(one, other) for other in done.changes)]
        retain = [one for one in done.changes if one.path == RETAIN]
        return (*mine, *(replace(one, before=one.after, after=one.before) for one in retain))

    def _irreversible(self, done: Step, ref: Ref) -> str:
        """Why a thing that is gone cannot come back; empty if it can."""
        kind = self.kinds[ref.kind]
        if kind.data:
            return "what it held is gone"
        if kind.renames or kind.volatile:
            return "AWS would give it another address"
        if done.falls or any(one.inside == ref for one in self.former.record.entries.values()):
            return "what was in it went with it"
        return ""

    def clear(self) -> Clearing:
        """The deletions of what the run made, and of nothing else."""
        wish = {
            ref: Resource(ref, step.name, step.spec, step.needs, step.inside)
            for ref, step in self.wished.items()
            if step.spec is not None
        }
        place, left = self.plan.place, {}
        looked: dict[Ref, Observed | None] = {}
        for key, one in remnants(place, self.kinds, self.now, (), wish).items():
            if self._made(one.entry):
                left[key] = replace(one, entry=replace(one.entry, retain=False))
                looked[key] = _unretained(self.observed.get(one.entry.ref))
        clearing = Clearing(place, self.kinds, self.now, looked, self.wished)
        clearing.clear(left)
        return clearing

    def _made(self, entry: Entry) -> bool:
        one = self.touched.get(entry.ref)
        if one is None or one.step.action is not Action.CREATE or one.step.name != entry.name:
            return False
        return entry.inside not in self.left

    def amend(self, steps: Mapping[Ref, Step]) -> Iterator[Step]:
        """What the journal must say again although nothing is done about it on AWS."""
        before = self.former.record.entries
        for ref, entry in before.items():
            if ref not in steps and ref not in self.left and self.now.entries.get(ref) != entry:
                yield recorded(entry)
        for ref, entry in self.now.entries.items():
            if ref != ref.current and ref not in before and ref not in steps:
                yield Step(Action.DELETE, ref, entry.name)


def _unretained(seen: Observed | None) -> Observed | None:
    """What is to outlive its stack is, made a moment ago by a run that failed, nothing to be kept."""
    return replace(seen, mark=replace(seen.mark, retain=None)) if seen and seen.mark else seen


def _related(one: Change, other: Change) -> bool:
    """Whether one of them is, or is in, the field of the other."""
    length = min(len(one.path), len(other.path))
    return one.path[:length] == other.path[:length]


def recorded(entry: Entry) -> Step:
    """The step by which the journal gets an entry as it was."""
    return Step(
        Action.KEEP,
        entry.ref,
        entry.name,
        entry.spec,
        needs=entry.needs,
        outputs=entry.outputs,
        inside=entry.inside,
        absent=entry.expected,
        retain=entry.retain,
        recorded=entry.spec,
        traces=entry.traces,
    )


def veiled(reality: Spec, *others: Spec | None) -> Spec:
    """What was read, with a Secret wherever one of the others (wish, record) has one, and in a private field wherever
    none of them states what is there: it is to be sent to AWS again and must not be told or stored on the way."""
    kept: Spec = _veiled(reality, [one for one in others if one is not None], private=False)
    return kept


def _veiled(value: Any, others: list[Any], *, private: bool) -> Any:
    if any(isinstance(one, Secret) for one in others):
        return Secret(str.__str__(value)) if isinstance(value, str) else value
    if is_dataclass(value) and not isinstance(value, type):
        same = [one for one in others if type(one) is type(value)]
        parts = {
            one.name: _veiled(getattr(value, one.name), _field(same, one.name), private=private or diff.is_private(one))
            for one in fields(value)
        }
        return replace(value, **parts)
    if isinstance(value, Mapping):
        maps = [one for one in others if isinstance(one, Mapping)]
        return {
            key: _veiled(item, [one[key] for one in maps if key in one], private=private) for key, item in value.items()
        }
    if isinstance(value, tuple):
        # Which item belongs to which is not known.
        every = [item for one in others if isinstance(one, tuple) for item in one]
        return tuple(_veiled(item, every, private=private) for item in value)
    if private and isinstance(value, str) and value not in others:
        return Secret(str.__str__(value))
    return value


def _field(specs: list[Any], name: str) -> list[Any]:
    return [getattr(one, name) for one in specs]
