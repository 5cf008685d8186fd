"""From declared resources to what a plan is made of: expansion, weaving, needs, and the search for cycles."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from itertools import pairwise
from typing import Any

from serverless_cli import graph
from serverless_cli.blueprint.problems import Problems, shown
from serverless_cli.blueprint.refs import Resolver, Target
from serverless_cli.errors import Doubt, Location, Problem
from serverless_cli.model import Handout, Late, Place, Ref, Resource, Spec
from serverless_cli.records import dataclass
from serverless_cli.resources.base import Declared, Type, Unsure, Weaver, apart
from serverless_cli.wiring import Statement, Wiring

NO_SPEC = Spec()
"""The spec of what exists already: there is no wish about it."""


@dataclass(frozen=True, slots=True)
class View:
    """The Scope of resources/base.py. Asking about a broken resource raises Unsure, so that no error has echoes.

    `own` is a broken one that is judged itself, as far as its keys are right.
    """

    place: Place
    types: Mapping[str, Type[Any]]
    targets: Mapping[str, Target]
    known: Mapping[str, Declared[Any]]
    own: Declared[Any] | None = None

    def declared(self, id: str) -> Declared[Any] | None:
        if self.own and id == self.own.id:
            return self.own
        if id in self.targets and id not in self.known:
            raise Unsure
        return self.known.get(id)

    def every(self) -> Iterable[Declared[Any]]:
        return self.known.values()

    def attribute(self, id: str, attribute: str) -> str:
        value = self.targets[id].value(attribute, self.place)
        if value is None:
            raise Unsure
        return Late((value,)) if isinstance(value, Handout) else value

    def grants(self, id: str, verb: str, prefix: str = "") -> tuple[Statement, ...]:
        found = self.declared(id)
        if found is None:
            return ()
        if prefix:
            part = self.types[found.type].narrow.get(verb)
            return part(self.attribute(id, "arn"), prefix) if part else ()
        make = self.types[found.type].grants.get(verb)
        return make(self.attribute(id, "arn")) if make else ()


class Expansion:
    """Grows the resources of a stack; `resources` has them by ref, in the order of the file."""

    def __init__(self, view: View, resolver: Resolver) -> None:
        self.resources: dict[Ref, Resource] = {}
        self.warnings: list[Problem] = []
        self._wiring: list[Wiring] = []
        self._view = view
        self._resolver = resolver
        self._problems: Problems = resolver.problems

    def judge(self, broken: Iterable[Declared[Any]] = ()) -> None:
        """What the types find wrong with each resource, beyond their keys; with `broken` ones as far as can be said."""
        views = [(it, self._view) for it in self._view.known.values()]
        views += [(it, replace(self._view, own=it)) for it in broken]
        for it, view in views:
            found = () if it.existing else apart(view.types[it.type].problems(it, view))
            for problem in found:
                placed = problem if problem.where else replace(problem, where=it.where)
                if isinstance(placed, Doubt):
                    self.warnings.append(placed)
                else:
                    self._problems.take(placed)

    def grow(self, weavers: Mapping[type[Wiring], Weaver[Any]]) -> None:
        """Expands all resources, then weaves their wiring. Only for a blueprint without problems."""
        for it in self._view.known.values():
            ref = Ref(it.type, it.id)
            if it.existing:
                self._take(Resource(ref, it.name, NO_SPEC, where=it.where, retain=it.retain, existing=True))
                continue
            self.warnings += self._view.types[it.type].warnings(it, self._view)
            for piece in self._view.types[it.type].expand(it, self._view):
                if isinstance(piece, Resource):
                    self._take(piece)
                else:
                    self._wiring.append(piece)
        every = tuple(self._wiring)
        for taken in weavers:
            if mine := tuple(one for one in every if isinstance(one, taken)):
                self._weave(weavers[taken], mine, every)
        places = {id: index for index, id in enumerate(self._view.known)}
        ordered = sorted(self.resources, key=lambda ref: places.get(ref.root, len(places)))
        self.resources = {ref: self.resources[ref] for ref in ordered}
        self._same_names()

    def _weave(self, weaver: Weaver[Any], mine: tuple[Wiring, ...], every: tuple[Wiring, ...]) -> None:
        for problem in weaver.problems(mine, self._view):
            self._problems.take(problem)
        self.warnings += weaver.warnings(mine, self._view)
        for resource in weaver.weave(mine, every, self._view):
            for problem in weaver.flaws(resource):
                self._problems.take(replace(problem, where=resource.where))
            self._take(resource)

    def _take(self, resource: Resource) -> None:
        it = self._view.known.get(resource.ref.root)
        needs = resource.needs | {gap.ref for gap in gaps(resource.spec)}
        if it:
            needs |= {Ref(self._view.known[id].type, id) for id in it.depends_on}
        where = resource.where or (it.where if it else None)
        resource = replace(resource, needs=needs - {resource.ref}, where=where)
        if resource.ref in self.resources:
            self._problems.add(
                f"{resource.ref} would be made twice", where, f"see {self.resources[resource.ref].where}"
            )
        self.resources[resource.ref] = resource

    def _same_names(self) -> None:
        owners: dict[tuple[str, Ref | None, str], Resource] = {}
        for one in self.resources.values():
            other = owners.setdefault((one.ref.kind, one.inside, one.name), one)
            if other is not one:
                line = f" on line {other.where.line}" if other.where else ""
                why = f"both would be the {one.ref.kind} {shown(one.name)}"
                self._problems.add(f"`{one.ref.root}` has the name of `{other.ref.root}`{line}", one.where, why)

    def cycles(self) -> None:
        """Reports every cycle of true needs once, with what makes it."""
        needs = {ref: resource.needs for ref, resource in self.resources.items()}
        while not self._problems.full and (path := graph.cycle(needs)):
            path = path[::-1]  # graphlib's leads from what is needed to who needs it
            self._report(path)
            told = frozenset(path)
            needs = {ref: wanted for ref, wanted in needs.items() if ref not in told}

    def _report(self, path: tuple[Ref, ...]) -> None:
        reasons = [self._reason(user, need) for user, need in pairwise(path)]
        ids = [path[0].root]
        for ref in path[1:]:
            if ref.root != ids[-1]:
                ids.append(ref.root)
        where = next((where for where, _ in reasons if where), self.resources[path[0]].where)
        why = "; ".join(_short(list(dict.fromkeys(reason for _, reason in reasons if reason))))
        what = f"{' → '.join(_short(ids))} is a circle" if len(ids) > 1 else f"`{ids[0]}` needs itself"
        hint = "none of them could be made first; take one of these references out"
        self._problems.add(what, where, why, hint)

    def _reason(self, user: Ref, need: Ref) -> tuple[Location | None, str]:
        """Why `user` needs `need`: the reference, with its place where the file has one."""
        resource = self.resources[user]
        gap = next((gap for gap in gaps(resource.spec) if gap.ref == need), None)
        if gap:
            return self._resolver.uses.get((user.root, need.root)), f"`{user.root}` uses {gap}"
        it = self._view.known.get(user.root)
        if it and need.root in it.depends_on:
            return it.line("depends_on"), f"`{user.root}` says `depends_on: {need.root}`"
        if user.root == need.root:
            return None, ""
        return None, f"`{user.root}` works on `{need.root}`"


def _short(items: list[str]) -> list[str]:
    return items if len(items) <= 9 else [*items[:4], "…", *items[-4:]]


def gaps(value: object) -> Iterator[Handout]:
    """All that AWS must hand out before a value is complete, however deep it is in there."""
    if isinstance(value, Late):
        yield from (part for part in value.parts if isinstance(part, Handout))
    elif isinstance(value, Mapping):
        for child in value.values():
            yield from gaps(child)
    elif isinstance(value, tuple | list | frozenset):
        for child in value:
            yield from gaps(child)
    elif is_dataclass(value):
        for field in fields(value):
            yield from gaps(getattr(value, field.name))
