"""What has to be done: from wish, reality and record to a Plan. Pure: no clock, no network, no disk.

The order of a command: `heres` says what to read; `fill_known` puts into the wish what reality hands out already;
the kinds prepare the wish; `up` or `down` decide.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Any

from serverless_cli import diff, graph, withheld
from serverless_cli.errors import Problem
from serverless_cli.fill import fill, gaps
from serverless_cli.model import (
    NOTHING,
    Action,
    Change,
    Entry,
    Found,
    Mark,
    Observed,
    Outputs,
    Place,
    Plan,
    Record,
    Ref,
    Resource,
    Spec,
    Stack,
    Step,
)
from serverless_cli.remains import (
    Clearing,
    Kinds,
    Remnant,
    edges,
    ours,
    own_mark,
    recorded,
    remnants,
    same_stack,
    whose,
)
from serverless_cli.resources.base import Here, Kind
from serverless_cli.secret import Secret

Reality = Mapping[Ref, Observed | None]
"""What was read, by the refs of `heres`; None for what does not exist."""


def heres(
    place: Place, kinds: Kinds, record: Record, found: Iterable[Found] = (), stack: Stack | None = None
) -> dict[Ref, Here]:
    """All that must be read before planning: the wish, what is recorded, and what was found; `down` has no stack."""
    found = tuple(found)
    wish = stack.resources if stack else {}
    at_hand = {(one.ref, _label(kinds, one)): one.outputs for one in found}
    result: dict[Ref, Here] = {}
    for ref, resource in wish.items():
        entry = recorded(record, resource, kinds[ref.kind]) or Entry(ref, resource.name)
        outputs = entry.outputs or at_hand.get((ref, _label(kinds, resource)), NOTHING)
        spec = None if resource.existing else resource.spec
        result[ref] = Here(ref, resource.name, place, outputs, spec, entry.spec, entry.expected, traces=entry.traces)
    for ref, one in remnants(place, kinds, record, found, wish).items():
        entry = one.entry
        result[ref] = Here(
            ref.current, entry.name, place, entry.outputs, None, entry.spec, entry.expected, traces=entry.traces
        )
    return result


def _label(kinds: Kinds, thing: Found | Resource) -> str:
    """The name, where it tells one thing from another."""
    return "" if kinds[thing.ref.kind].renames else thing.name


def fill_known(stack: Stack, observed: Reality, kinds: Kinds) -> Stack:
    """The stack with all Late values filled that exist already and will stay as they are.

    Left open is what comes from something that is to be created or replaced, or that an update may change.
    Fields that `prepare` fills must not be create-only.
    """
    known: dict[Ref, Outputs] = {}
    anew: set[Ref | None] = set()
    filled = dict(stack.resources)
    for ref in graph.order(_needs(stack)):
        resource, seen = stack.resources[ref], observed[ref]
        spec = fill(resource.spec, known)
        filled[ref] = replace(resource, spec=spec)
        kind = kinds[ref.kind]
        found = diff.changes(spec, seen.spec, kind.create_only) if seen and not resource.existing else ()
        if seen is None or resource.inside in anew or any(change.replaces for change in found):
            anew.add(ref)
        else:
            open_ = kind.volatile if found else frozenset[str]()
            known[ref] = {key: value for key, value in seen.outputs.items() if key not in open_}
    return replace(stack, resources=filled)


def behind(stack: Stack, observed: Reality, record: Record, kinds: Kinds) -> bool:
    """Whether something of the wish exists that the record does not know: then it is an old one."""
    return any(
        observed[ref] is not None and not one.existing and recorded(record, one, kinds[ref.kind]) is None
        for ref, one in stack.resources.items()
    )


def presumed(stack: Stack, record: Record) -> Record:
    """The record with an entry for each resource of the blueprint that it lacks: for `down` after it was lost.

    Such an entry gives edges and `retain`; it does not make an unmarked thing ours.
    """
    guesses = {
        ref: Entry(ref, one.name, needs=edges(one), inside=one.inside, retain=one.retain)
        for ref, one in stack.resources.items()
        if not one.existing
    }
    return replace(record, entries={**guesses, **record.entries})


def up(stack: Stack, observed: Reality, record: Record, kinds: Kinds, found: Iterable[Found] = ()) -> Plan:
    """How to make reality as the stack says. `found` is only needed where the record is not complete.

    `observed` must have every ref of the stack. Steps are in the stack's order, deletions last.
    """
    place, decided = stack.place, _decisions(stack, observed, record, kinds)
    wished = {ref: one for ref, one in decided.items() if isinstance(one, Step)}
    left = remnants(place, kinds, record, found, stack.resources)
    clearing = Clearing(place, kinds, record, observed, wished)
    clearing.clear(left)
    plan = Plan(
        place,
        _with_falls({**wished, **clearing.steps}, clearing),
        (*(one for one in decided.values() if isinstance(one, Problem)), *withheld.wanting(wished.values())),
        (*clearing.notes, *_outlived(wished, kinds)),
        (*clearing.amend, *_healed(stack, wished, record, kinds), *_superseded(stack, left.values(), record)),
    )
    return _deletions_last(plan)


def _decisions(stack: Stack, observed: Reality, record: Record, kinds: Kinds) -> dict[Ref, Step | Problem]:
    decided: dict[Ref, Step | Problem] = {}
    heads = _heads(stack)
    for ref in graph.order(_needs(stack)):
        resource, kind = stack.resources[ref], kinds[ref.kind]
        entry = recorded(record, resource, kind)
        verdict = _refer(stack.place, resource, observed[ref]) if resource.existing else None
        home = decided.get(resource.inside) if resource.inside else None
        anew = isinstance(home, Step) and home.action in (Action.CREATE, Action.REPLACE)
        decided[ref] = verdict or _decide(
            stack.place, resource, observed[ref], entry, kind, anew=anew, head=heads[ref.root]
        )
    return {ref: decided[ref] for ref in stack.resources}


def _heads(stack: Stack) -> dict[str, Resource]:
    """By its id, the resource that the user wrote: the first of those that it stands for."""
    heads: dict[str, Resource] = {}
    for resource in stack.resources.values():
        heads.setdefault(resource.ref.root, resource)
    return heads


def _healed(stack: Stack, wished: Mapping[Ref, Step], record: Record, kinds: Kinds) -> Iterator[Step]:
    """What is as it should be, and the journal does not know so."""
    for ref, step in wished.items():
        resource = stack.resources[ref]
        idle = step.action is Action.KEEP and not resource.existing
        if idle and _outdated(step, recorded(record, resource, kinds[ref.kind])):
            yield step


def _outlived(wished: Mapping[Ref, Step], kinds: Kinds) -> Iterator[Problem]:
    """What is to be known of things that stay, while something that they need was gone."""
    for ref, step in wished.items():
        for need in sorted(step.needs) if step.reality is not None and step.spec is not None else ():
            if need in wished and wished[need].action is Action.CREATE:
                yield from kinds[ref.kind].outlived(step.name, step.spec, need)


def _superseded(stack: Stack, left: Iterable[Remnant], record: Record) -> Iterator[Step]:
    """Entries of things that the wish knows under another ref."""
    others = {one.entry.ref for one in left} | stack.resources.keys()
    for ref, entry in record.entries.items():
        if ref not in others:
            yield Step(Action.DELETE, ref, entry.name)


def down(place: Place, record: Record, observed: Reality, kinds: Kinds, found: Iterable[Found] = ()) -> Plan:
    """How to remove all that is recorded or found and exists and is this stack's, whatever a blueprint says."""
    clearing = Clearing(place, kinds, record, observed)
    clearing.clear(remnants(place, kinds, record, found, {}))
    steps = _with_falls(clearing.steps, clearing)
    return Plan(place, steps, notes=tuple(clearing.notes), amend=tuple(clearing.amend))


def counts(plan: Plan) -> dict[Action, int]:
    """How many steps each action has; every action is there."""
    found = Counter(step.action for step in plan.steps.values())
    return {action: found[action] for action in Action}


def lost(plan: Plan) -> tuple[Step, ...]:
    """The steps that throw away something that holds a user's data."""
    return tuple(step for step in plan.steps.values() if step.loses_data)


def guard(plan: Plan, allow_delete: AbstractSet[str]) -> tuple[Problem, ...]:
    """A problem for each step of `up` that would lose data and that the user has not allowed by its id."""
    return tuple(
        Problem(
            f"{step.ref.kind} {step.name} would be {'deleted' if step.action is Action.DELETE else 'replaced'}, "
            "with all that it holds",
            step.reason,
            f"`--allow-delete {step.ref.root}` if that is meant",
            step.where,
        )
        for step in lost(plan)
        if step.ref.root not in allow_delete
    )


def _needs(stack: Stack) -> dict[Ref, frozenset[Ref]]:
    return {ref: edges(resource) for ref, resource in stack.resources.items()}


def _deletions_last(plan: Plan) -> Plan:
    """The same plan, but nothing is deleted before all else went well: what takes its place may fail to be made, and
    what is deleted cannot always come back."""
    others = frozenset(step.ref for step in plan.writes if step.action is not Action.DELETE)
    late = {
        ref: replace(step, needs=step.needs | others) if step.action is Action.DELETE else step
        for ref, step in plan.steps.items()
    }
    return replace(plan, steps=late)


def _with_falls(steps: Mapping[Ref, Step], clearing: Clearing) -> dict[Ref, Step]:
    homes = set(clearing.falls.values())
    return {ref: replace(one, falls=clearing.fallen(ref)) if ref in homes else one for ref, one in steps.items()}


def _decide(
    place: Place,
    resource: Resource,
    seen: Observed | None,
    entry: Entry | None,
    kind: Kind[Any],
    *,
    anew: bool,
    head: Resource,
) -> Step | Problem:
    """The step for one wish; a Problem where something that is not ours is in the way.

    `anew` says that its container is made (again), so that it is gone by then. `head` is what the user wrote.
    """
    basis = Step(
        Action.CREATE,
        resource.ref,
        resource.name,
        resource.spec,
        needs=edges(resource),
        inside=resource.inside,
        where=resource.where,
        absent=True,
        retain=resource.retain,
        recorded=entry.spec if entry else None,
        traces=entry.traces if entry else (),
    )
    if seen is None:
        return replace(basis, reason="it is recorded but gone" if entry and entry.spec else "")
    own = own_mark(place, resource.ref)
    # What a bare thing serves is in the wish too: ours, about to be ours, or an obstacle itself.
    if not seen.bare and not ours(kind, own, seen.mark, entry):
        return _taken(place, resource, seen.mark, entry, head)
    if anew:
        return replace(basis, reason=f"{resource.inside}, in which it is, is made anew", loses_data=kind.data)
    # A thing without a mark stays ours through the journal alone until the mark is put on.
    absent = seen.mark is None and entry is not None and entry.expected
    found = _changes(resource, seen, kind, own, basis.recorded)
    return _alter(replace(basis, outputs=seen.outputs, reality=seen.spec, absent=absent), found, kind)


def _changes(wish: Resource, seen: Observed, kind: Kind[Any], own: Mark, stated: Spec | None) -> tuple[Change, ...]:
    return (*_mark_changes(wish, seen, kind, own), *diff.changes(wish.spec, seen.spec, kind.create_only, stated))


def _mark_changes(wish: Resource, seen: Observed, kind: Kind[Any], own: Mark) -> Iterator[Change]:
    if kind.marked and seen.mark is None:
        yield Change(("mark",), None, own)
    elif seen.mark and bool(seen.mark.retain) != wish.retain:
        yield Change(("mark", "retain"), bool(seen.mark.retain), wish.retain)


def _alter(step: Step, found: tuple[Change, ...], kind: Kind[Any]) -> Step | Problem:
    fixed = dict.fromkeys(change.field for change in found if change.replaces)
    if not fixed:
        return replace(step, action=Action.UPDATE if found else Action.KEEP, changes=found)
    reason = f"{', '.join(fixed)} cannot be changed in place"
    if step.retain:
        return Problem(
            f"{step.ref.kind} {step.name} would have to be replaced, and it is to be retained",
            reason,
            f"give {step.ref.root} another name with `name:`; the old one then stays as it is",
            step.where,
        )
    return replace(step, action=Action.REPLACE, changes=found, reason=reason, loses_data=kind.data, absent=True)


def _refer(place: Place, resource: Resource, seen: Observed | None) -> Step | Problem:
    what = f"{resource.ref.kind} {resource.name}"
    if seen is None:
        return Problem(f"{what} does not exist", "`existing:` names it", "correct the name, or leave out `existing:`",
                       resource.where)  # fmt: skip
    if seen.mark == own_mark(place, resource.ref):
        hint = "leave out `existing:`; with `retain: true` it outlives the stack"
        return Problem(f"{what} is this stack's own", "an existing resource is one of somebody else", hint,
                       resource.where)  # fmt: skip
    return Step(
        Action.KEEP,
        resource.ref,
        resource.name,
        resource.spec,
        needs=edges(resource),
        outputs=seen.outputs,
        inside=resource.inside,
        where=resource.where,
        reason="exists already",
        reality=seen.spec,
    )


def _taken(place: Place, resource: Resource, mark: Mark | None, entry: Entry | None, head: Resource) -> Problem:
    if mark is None and entry and entry.spec is not None:
        tags = " ".join(f"{key}={value}" for key, value in own_mark(place, resource.ref).tags.items())
        return Problem(
            f"{resource.ref.kind} {resource.name} has no mark of slx any more",
            "somebody took its tags off, or deleted it and made another one of that name",
            f"if it is this stack's, give it the tags {tags}; else {_elsewhere(resource, head)}",
            resource.where,
        )
    what = f"{resource.ref.kind} {resource.name} exists already and is not this stack's"
    hint = _elsewhere(resource, head)
    if resource is head:
        hint += f", or use what is there with `existing: {resource.name}`"
    if mark and same_stack(mark, place):
        what = f"{resource.ref.kind} {resource.name} exists already as `{mark.id}` of this stack"
        hint = f"keep the id `{mark.id}`, or {_elsewhere(resource, head)}"
    return Problem(what, whose(mark), hint, resource.where)


def _elsewhere(resource: Resource, head: Resource) -> str:
    """How it gets another name: that of a role, for one, comes from the id of what the user wrote."""
    root = resource.ref.root
    return f"give {root} another name with `name:`" if head.name in resource.name else f"give {root} another id"


def _outdated(step: Step, entry: Entry | None) -> bool:
    """Whether the journal should hear of a resource that is as it should be."""
    if step.spec is None or gaps(step.spec):
        return False
    if entry is None or entry.ref != step.ref or type(entry.spec) is not type(step.spec):
        return True
    said = (entry.name, entry.needs, entry.inside, entry.retain, dict(entry.outputs))
    return said != (step.name, step.needs, step.inside, step.retain, dict(step.outputs)) or _differ(
        step.spec, entry.spec
    )


def _differ(wish: Spec, entry: Spec | None) -> bool:
    assert entry is not None
    # A record has no secrets, so they say nothing.
    return any(not isinstance(change.after, Secret) for change in diff.changes(wish, entry, frozenset()))
