"""What a stack has on AWS that nobody wishes for (any more), and the steps that clear it away. Pure.

It is known from the record, or, where that was lost, from a search for the stack's mark.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field, fields, is_dataclass, replace
from typing import Any

from serverless_cli import graph
from serverless_cli.errors import Problem
from serverless_cli.model import Action, Entry, Found, Mark, Observed, Place, Record, Ref, Resource, Step
from serverless_cli.records import dataclass
from serverless_cli.resources.base import Kind

Kinds = Mapping[str, Kind[Any]]


IDENTITY = ("id", "arn", "uuid", "url")
"""outputs that no two resources share; a function's role, for one, may be that of another"""


_PARTS = re.compile("[:/]")


@dataclass(frozen=True, slots=True)
class Remnant:
    """One such thing. `ref` is the one of its step: a former one where the wish has something else in its place.

    `mark` is what a search saw. `recorded` is False when only a search knows of it; its entry is then made up.
    """

    ref: Ref
    entry: Entry
    mark: Mark | None = None
    recorded: bool = True


def edges(thing: Resource | Entry) -> frozenset[Ref]:
    """All that a thing needs; its container is always among that."""
    return thing.needs | {thing.inside} if thing.inside else thing.needs


def ours(kind: Kind[Any], own: Mark, mark: Mark | None, entry: Entry | None) -> bool:
    """Whether something that carries `mark` is the very resource of this stack that `own` names; `entry` is of it."""
    if mark is not None:
        return mark == own
    if not kind.marked:
        return True
    return entry is not None and entry.expected


def own_mark(place: Place, ref: Ref) -> Mark:
    """The mark that a resource of the stack carries."""
    return Mark(place.stack, place.stage, place.region, ref.current.id)


def same_stack(mark: Mark, place: Place) -> bool:
    """Whether a mark names this stack, whatever the id."""
    return (mark.stack, mark.stage, mark.region) == (place.stack, place.stage, place.region)


def moved(resource: Resource, entry: Entry, kind: Kind[Any]) -> bool:
    """Whether what was recorded under the resource's ref is another thing than the one wished for."""
    homes = {resource.inside, entry.inside} - {None}
    return len(homes) > 1 or (resource.name != entry.name and not kind.renames)


def recorded(record: Record, resource: Resource, kind: Kind[Any]) -> Entry | None:
    """The entry of the very thing that is wished for; also where a change of its name was taken back half-way."""
    candidates = (record.entries.get(resource.ref), record.entries.get(resource.ref.former(resource.name)))
    return next((entry for entry in candidates if entry and not moved(resource, entry, kind)), None)


def remnants(
    place: Place, kinds: Kinds, record: Record, found: Iterable[Found], wish: Mapping[Ref, Resource]
) -> dict[Ref, Remnant]:
    """All that is recorded, or found and perhaps this stack's, and not in the wish."""
    left: dict[Ref, Remnant] = {}
    taken = {(one.ref.kind, one.name, one.inside) for one in wish.values()}
    for entry in record.entries.values():
        kind, resource = kinds[entry.ref.kind], wish.get(entry.ref)
        if not kind.renames and (entry.ref.kind, entry.name, entry.inside) in taken:
            continue
        if resource is None:
            left[entry.ref] = Remnant(entry.ref, entry)
        elif moved(resource, entry, kind):
            ref = entry.ref.former(entry.name if entry.name != resource.name else str(entry.inside))
            left[ref] = Remnant(ref, entry)
    names = {(one.ref.kind, one.name) for one in wish.values()}
    names |= {(one.ref.kind, one.name) for one in record.entries.values()}
    for one in found:
        kind = kinds[one.ref.kind]
        if not kind.renames and (one.ref.kind, one.name) in names:
            continue
        if one.mark and not same_stack(one.mark, place):
            continue
        if ref_ := _place_for(one, kind, wish, left):
            left[ref_] = Remnant(ref_, Entry(one.ref, one.name, outputs=one.outputs), one.mark, recorded=False)
    return left


def _place_for(one: Found, kind: Kind[Any], wish: Mapping[Ref, Resource], left: Mapping[Ref, Remnant]) -> Ref | None:
    """The ref under which something found is cleared away; None when wish or record speak of the same thing."""
    if one.ref in wish:
        return None if kind.renames else one.ref.former(one.name)
    if one.ref not in left:
        return one.ref
    other = left[one.ref].entry
    if not kind.renames:
        return one.ref.former(one.name) if one.name != other.name else None
    twin = next((value for key, value in one.outputs.items() if other.outputs.get(key, value) != value), None)
    return one.ref.former(twin) if twin else None


@dataclass(slots=True)
class Clearing:
    """The steps that clear remnants away, beside the steps `wished` for what stays."""

    place: Place
    kinds: Kinds
    record: Record
    observed: Mapping[Ref, Observed | None]
    wished: Mapping[Ref, Step] = field(default_factory=dict)
    steps: dict[Ref, Step] = field(default_factory=dict)
    amend: list[Step] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)
    falls: dict[Ref, Ref] = field(default_factory=dict)
    """what needs no step of its own -> the step that takes it along"""

    def clear(self, left: Mapping[Ref, Remnant]) -> None:
        """Decides on each remnant. What was not read is taken to exist: deleting what is gone does no harm."""
        homes = {ref: frozenset({one.entry.inside} if one.entry.inside else ()) for ref, one in left.items()}
        for ref in graph.order(homes):
            self._decide(left[ref], left)
        for ref, needs in self._needs(left).items():
            self.steps[ref] = replace(self.steps[ref], needs=frozenset(needs))

    def fallen(self, ref: Ref) -> tuple[Ref, ...]:
        """The entries that the journal forgets together with a step."""
        return tuple(one for one, home in self.falls.items() if home == ref and one in self.record.entries)

    def _decide(self, one: Remnant, left: Mapping[Ref, Remnant]) -> None:
        seen = self.observed.get(one.ref)
        if (seen is None and one.ref in self.observed) or self._is_wished(one, seen):
            self._forget(one)
        elif not self._ours(one, seen, left):
            self._forget(one)
            if self.kinds[one.ref.kind].marked:  # of others, it is told what they are in
                self.notes.append(_foreign(one, seen.mark if seen else one.mark))
        elif home := self._home(one.entry):
            self.falls[one.ref] = home
            if one.ref != one.entry.ref:
                self._forget(one)
        else:
            self._add(one, seen)

    def _is_wished(self, one: Remnant, seen: Observed | None) -> bool:
        """Whether what has another name is, by an id that AWS gave it, what stays: then it must not be deleted."""
        step = self.wished.get(one.ref.current)
        outputs = seen.outputs if seen else one.entry.outputs
        own = {key: outputs[key] for key in IDENTITY if key in outputs}
        return step is not None and any(step.outputs.get(key) == value for key, value in own.items())

    def _forget(self, one: Remnant) -> None:
        if one.recorded:
            self.amend.append(Step(Action.DELETE, one.entry.ref, one.entry.name))

    def _ours(self, one: Remnant, seen: Observed | None, left: Mapping[Ref, Remnant]) -> bool:
        kind, entry = self.kinds[one.ref.kind], one.entry
        if not kind.marked and entry.inside and entry.inside in left:
            # What carries no mark is whose that is what it is in: of our name, and perhaps somebody else's by now.
            return self._ours(left[entry.inside], self.observed.get(entry.inside), left)
        mark = seen.mark if seen else one.mark
        known = entry if one.recorded else None
        if known and mark is None and one.ref not in self.observed:
            return True  # nobody has looked whether it has a mark
        if ours(kind, own_mark(self.place, one.ref), mark, known):
            return True
        bare = seen.bare if seen else mark is None and kind.adopts_bare
        return bare and (one.recorded or self._serves(one, left))

    def _serves(self, one: Remnant, left: Mapping[Ref, Remnant]) -> bool:
        """Whether a bare thing belongs to a resource of the same id that is surely ours."""
        own = own_mark(self.place, one.ref)
        marks = ((other.mark, self.observed.get(ref)) for ref, other in left.items())
        return any(own in (mark, seen and seen.mark) for mark, seen in marks)

    def _home(self, entry: Entry) -> Ref | None:
        """The step that takes along what is in the entry's container; None where the container stays."""
        home = entry.inside
        if home is None:
            return None
        if home in self.falls:
            return self.falls[home]
        step = self.wished.get(home) or self.steps.get(home)
        gone = (Action.CREATE, Action.REPLACE, Action.DELETE)
        return home if step and step.action in gone else None

    def _add(self, one: Remnant, seen: Observed | None) -> None:
        entry, mark = one.entry, seen.mark if seen else one.mark
        retain = entry.retain or bool(mark and mark.retain)
        step = Step(
            Action.RETAIN if retain else Action.DELETE,
            one.ref,
            entry.name,
            outputs={**entry.outputs, **(seen.outputs if seen else {})},
            inside=entry.inside,
            reason=self._reason(one, retain),
            absent=entry.expected,
            loses_data=self.kinds[one.ref.kind].data and not retain,
            retain=retain,
            recorded=entry.spec,
            reality=seen.spec if seen else None,
            traces=entry.traces,
        )
        self.steps[one.ref] = step
        if one.recorded and one.ref != entry.ref:
            # Another thing takes its entry's place, and must not inherit its ids.
            kept = replace(step, action=Action.KEEP, spec=entry.spec, needs=entry.needs, loses_data=False)
            self.amend.append(kept)
            self._forget(one)

    def _reason(self, one: Remnant, retain: bool) -> str:
        if retain:
            return "is to be retained"
        if one.ref.current in self.wished:
            return f"{one.ref.current} is {self.wished[one.ref.current].name} now"
        return "no longer in the blueprint" if self.wished else ""

    def _needs(self, left: Mapping[Ref, Remnant]) -> dict[Ref, set[Ref]]:
        """For each deletion, what must have ended before: whatever needed the thing when it was recorded."""
        needs = self._users_first(self._recorded_needs(left), left)
        loose = {one.ref for one in left.values() if not one.recorded} & set(needs)
        for ref in needs:
            needs[ref] |= self._lower(ref, needs if ref in loose else loose)
        if graph.cycle({ref: frozenset(wanted) for ref, wanted in needs.items()}):
            # Entries written at different times need not fit together.
            return {ref: (found - set(needs)) | self._lower(ref, needs) for ref, found in needs.items()}
        return needs

    def _users_first(self, needs: dict[Ref, set[Ref]], left: Mapping[Ref, Remnant]) -> dict[Ref, set[Ref]]:
        """What holds data also waits for those who may still put something in: whose specs name it, or who work under
        a role whose spec does."""
        now = {one.entry.ref: ref for ref, one in left.items() if one.recorded and ref in needs}
        entries = {ref: self.record.entries[ref] for ref in now if ref in self.record.entries}
        users: dict[Ref, set[Ref]] = {}
        for user, entry in entries.items():
            for need in edges(entry):
                users.setdefault(need, set()).add(user)
        wanted = {ref: set(found) for ref, found in needs.items()}
        holders = {entry.name: ref for ref, entry in entries.items() if self.kinds[ref.kind].data}
        for ref, entry in entries.items():
            for name in set(words(entry.spec)) & holders.keys():
                holder = holders[name]
                late = self.kinds[ref.kind].rank >= self.kinds[holder.kind].rank
                writers = self._lower(holder, users.get(ref, set()) if late else {ref})
                wanted[now[holder]] |= {now[one] for one in writers if one != holder}
        return needs if graph.cycle({ref: frozenset(found) for ref, found in wanted.items()}) else wanted

    def _lower(self, ref: Ref, among: Iterable[Ref]) -> set[Ref]:
        rank = self.kinds[ref.kind].rank
        return {other for other in among if self.kinds[other.kind].rank < rank}

    def _recorded_needs(self, left: Mapping[Ref, Remnant]) -> dict[Ref, set[Ref]]:
        needs: dict[Ref, set[Ref]] = {r: set() for r, step in self.steps.items() if step.action is Action.DELETE}
        keys = {one.entry.ref: one.ref for one in left.values() if one.recorded}
        formers: dict[Ref, set[Ref]] = {}
        for ref in needs:
            if ref != ref.current:
                formers.setdefault(ref.current, set()).add(ref)
                needs[ref] |= {ref.current} & self.wished.keys()
        for entry in self.record.entries.values():
            user = keys.get(entry.ref, entry.ref.current)
            if user in self.falls:
                # What falls is not taken away before its needs: a bucket's notification must not hold up a function.
                user = self.falls[user] if self.falls[user] in self.wished else user
            if user not in self.wished and user not in self.steps:
                continue
            for need in edges(entry):
                # Which of the things that had this ref it used is not known, so all of them wait for it.
                for thing in {keys.get(need, need)} | formers.get(need, set()):
                    home = self.falls.get(thing, thing)
                    if home in needs and home != user:
                        needs[home].add(user)
        return needs


def words(value: object) -> Iterator[str]:
    """The parts of all texts in a spec, as ARNs and paths have them."""
    if isinstance(value, str):
        yield from _PARTS.split(value)
    elif isinstance(value, Mapping):
        yield from (word for pair in value.items() for one in pair for word in words(one))
    elif isinstance(value, (tuple, frozenset)):
        yield from (word for one in value for word in words(one))
    elif is_dataclass(value):
        yield from (word for one in fields(value) for word in words(getattr(value, one.name)))


def whose(mark: Mark | None) -> str:
    """In words, whom something belongs to."""
    if mark is None:
        return "it carries no mark of slx"
    return f"it belongs to stack {mark.stack}, stage {mark.stage}, in {mark.region} (as {mark.id})"


def _foreign(one: Remnant, mark: Mark | None) -> Problem:
    hint = "delete it by hand if nobody needs it" if mark is None else ""
    return Problem(f"{one.ref.kind} {one.entry.name} is not this stack's and is left as it is", whose(mark), hint)
