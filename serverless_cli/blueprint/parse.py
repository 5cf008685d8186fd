"""A blueprint's file -> a Stack for one place: every reference checked, every name known, before any call.

All problems are collected and raised at once. The steps build on one another: names before references, references
before keys, keys before what types say about them, and expansion only of what is sound.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from serverless_cli.blueprint import checks, parameters
from serverless_cli.blueprint.declare import ID_LENGTH, Drafts, declare, instead
from serverless_cli.blueprint.expand import Expansion, View
from serverless_cli.blueprint.load import first, load
from serverless_cli.blueprint.nodes import Broken, MappingNode, Node, Scalar, Sequence, called
from serverless_cli.blueprint.output import read_outputs
from serverless_cli.blueprint.parameters import Given, Parameters
from serverless_cli.blueprint.problems import Problems, shown
from serverless_cli.blueprint.refs import Resolver
from serverless_cli.errors import BlueprintError, Location, Problem
from serverless_cli.model import Place, Stack
from serverless_cli.names import STACK_OR_ID, STAGE
from serverless_cli.resources.base import Declared, Type, Weaver
from serverless_cli.wiring import Wiring

SECTIONS: Mapping[str, type[Node]] = {
    "name": Scalar, "description": Scalar, "parameters": MappingNode, "resources": MappingNode,
    "outputs": MappingNode, "checks": Sequence,
}  # fmt: skip
NAME_RULE = f"wanted: lower-case letters, digits, - and _, beginning with a letter, at most {ID_LENGTH}"

_NONE: Mapping[str, str] = MappingProxyType({})


def peek(path: Path) -> str:
    """The stack's name, read without the rest, which may be broken. Raises BlueprintError."""
    name, where = first(path, "name") or ("", Location(str(path), 1, 1))
    if not name:
        raise BlueprintError((Problem("`name` is missing", "a blueprint names its stack", "name: my-stack", where),))
    if not _is_name(name):
        problem = Problem(f"{shown(name)} cannot be the name of a stack", NAME_RULE, instead(name), where)
        raise BlueprintError((problem,))
    return name


def parse(
    path: Path,
    *,
    place: Callable[[str], Place],
    types: Mapping[str, Type[Any]],
    weavers: Mapping[type[Wiring], Weaver[Any]],
    parameters: Mapping[str, str] = _NONE,
    remembered: Mapping[str, str] = _NONE,
    environment: Mapping[str, str] = _NONE,
) -> Stack:
    """Reads and checks a blueprint. `place` makes the place of the stack from its name. `parameters` are those given
    for this run, where an unknown one is an error; `environment` has some by their names in capitals; `remembered` are
    those of the last run, overridden by both.

    Raises BlueprintError with everything that is wrong.
    """
    problems = Problems()
    root = load(path, problems)
    reader = _Reader(root, path.absolute().parent, problems, types)
    return reader.stack(str(path), place, Given(parameters, remembered, environment), weavers)


class _Reader:
    """Carries what all steps share."""

    def __init__(self, root: MappingNode, folder: Path, problems: Problems, types: Mapping[str, Type[Any]]) -> None:
        self._root = root
        self._folder = folder
        self._problems = problems
        self._types = types

    def stack(
        self, file: str, make: Callable[[str], Place], given: Given, weavers: Mapping[type[Wiring], Weaver[Any]]
    ) -> Stack:
        problems, sections = self._problems, self._sections()
        place = make(self._name())
        if not STAGE.fullmatch(place.stage):
            problems.add(f"{shown(place.stage)} cannot be a stage", None, "stages are lower-case letters and digits")
        found = parameters.read(sections.get("parameters"), given, place, problems)
        resolver, view, broken = self._resources(sections.get("resources"), place, found)
        expansion = Expansion(view, resolver)
        expansion.judge(broken)
        outputs = read_outputs(sections.get("outputs"), resolver)
        proofs = checks.read(sections.get("checks"), resolver, self._folder)
        problems.check()
        expansion.grow(weavers)
        expansion.cycles()
        problems.check()
        about = sections.get("description")
        return Stack(
            place,
            expansion.resources,
            about.text.strip() if isinstance(about, Scalar) else "",
            outputs,
            proofs,
            found.kept,
            file,
            (*_unused(found, resolver), *expansion.warnings),
        )

    def _sections(self) -> dict[str, Node]:
        """The top-level values of the right form; empty ones count as left out."""
        sections: dict[str, Node] = {}
        meant: set[str] = set()
        for key, node in self._root.items.items():
            if key not in SECTIONS:
                hint = self._problems.near(key, SECTIONS, otherwise="there are:")
                meant.update(name for name in SECTIONS if hint == f"did you mean `{name}`?")
                self._problems.add(
                    f"unknown key {shown(key)}", self._root.at(key), "a blueprint has no such section", hint
                )
            elif isinstance(node, SECTIONS[key] | Broken):
                if not (isinstance(node, Scalar) and node.empty):
                    sections[key] = node
            elif not (isinstance(node, Scalar) and node.empty):
                form = {Scalar: "text", MappingNode: "a mapping", Sequence: "a list"}[SECTIONS[key]]
                self._problems.add(f"`{key}` wants {form}, not {called(node)}", node.where)
                sections[key] = Broken(node.source, node.line, node.column)
        if not {"resources"} & (sections.keys() | meant):
            why = "a blueprint says what to make"
            self._problems.add("`resources` is missing", self._top, why, "resources: {hello: {type: function, ...}}")
        return sections

    @property
    def _top(self) -> Location:
        return self._root.where

    def _name(self) -> str:
        """The stack's name, or a stand-in when it is wrong."""
        node = self._root.items.get("name")
        if isinstance(node, Scalar) and _is_name(node.text):
            return node.text
        if node is None or (isinstance(node, Scalar) and node.empty):
            where = self._root.at("name") if node else self._top
            self._problems.add("`name` is missing", where, "a blueprint names its stack", "name: my-stack")
        elif isinstance(node, Scalar):
            what = f"{shown(node.text)} cannot be the name of a stack"
            self._problems.add(what, node.where, NAME_RULE, instead(node.text))
        return "stack"

    def _resources(
        self, node: Node | None, place: Place, found: Parameters
    ) -> tuple[Resolver, View, tuple[Declared[Any], ...]]:
        """What references are resolved with, what types may look at, and the resources that are broken."""
        subject = "`type`, `name`, `retain`, `existing` and `depends_on`"
        early = Resolver(place, self._problems, found.values, subject=subject)
        drafts = Drafts(self._types, place, early, self._folder).read(node)
        targets = {draft.id: draft.target for draft in drafts.values()}
        resolver = Resolver(place, self._problems, found.values, targets, used=early.used)
        declared = [declare(draft, resolver, self._folder) for draft in drafts.values()]
        known = {it.id: it for it, whole in filter(None, declared) if whole}
        broken = tuple(it for it, whole in filter(None, declared) if not whole)
        return resolver, View(place, self._types, targets, known), broken


def _is_name(text: str) -> bool:
    return len(text) <= ID_LENGTH and STACK_OR_ID.fullmatch(text) is not None


def _unused(found: Parameters, resolver: Resolver) -> tuple[Problem, ...]:
    return tuple(
        Problem(f"the parameter {shown(name)} is not used", "nothing refers to it", f"${{param.{name}}} would", where)
        for name, where in found.places.items()
        if name not in resolver.used
    )
