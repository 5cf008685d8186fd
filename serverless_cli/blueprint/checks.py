"""The `checks:` of a blueprint: each has one probe, what is expected of it, and how long to keep trying."""

from __future__ import annotations

import typing
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Annotated, Any

from serverless_cli.blueprint.convert import BAD, Converter
from serverless_cli.blueprint.nodes import Broken, MappingNode, Node, Sequence, called
from serverless_cli.blueprint.probes import PROBES, IdOf, IsObject, Probe
from serverless_cli.blueprint.problems import listed, shown
from serverless_cli.blueprint.refs import Resolver, Target
from serverless_cli.blueprint.shapes import Keys, Rules, shape
from serverless_cli.errors import Location
from serverless_cli.keys import Doc, Range
from serverless_cli.model import Check
from serverless_cli.records import dataclass
from serverless_cli.resources.base import Attribute

__all__ = ["DEADLINE", "PROBES", "read"]

DEADLINE = Annotated[float, Doc("Seconds to keep trying."), Range(1, 900)]
_DEADLINE_S = 30.0
_BESIDE = ("expect", "deadline_s")
RUN_ID = "${check.id}"
"""stays in the texts of a check as it is: each run puts its own id there"""
_OF_CHECK = Target("check", "check", {"id": Attribute("Another one for each run.", lambda *_: RUN_ID)}, "check")
_EVERYWHERE = ("default",)
"""the buses that are there without being made"""


def read(node: Node | None, resolver: Resolver, folder: Path) -> tuple[Check, ...]:
    """All checks of the section. What is wrong goes to the resolver's problems."""
    items = node.items if isinstance(node, Sequence) else ()
    resolver = replace(resolver, targets={**(resolver.targets or {}), "check": _OF_CHECK})
    found = (_check(item, resolver, folder) for item in items)
    return tuple(check for check in found if check is not None)


def _check(node: Node, resolver: Resolver, folder: Path) -> Check | None:
    problems = resolver.problems
    if not isinstance(node, MappingNode):
        if not isinstance(node, Broken):
            problems.add(f"a check is {called(node)}", node.where, "it wants a mapping such as {get: URL}")
        return None
    named = [key for key in node.items if key in PROBES]
    for key in node.items:
        if key not in PROBES and key not in _BESIDE:
            hint = problems.near(key, (*PROBES, *_BESIDE), otherwise="the probes:")
            problems.add(f"unknown key {shown(key)}", node.at(key), "a check has no such key", hint)
    if len(named) != 1:
        if named:
            problems.add(
                "a check with several probes", node.at(named[1]), f"it has {listed(named)}", "make it two checks"
            )
        elif all(key in _BESIDE for key in node.items):
            problems.add("a check without a probe", node.where, "it does nothing", f"one of {listed(PROBES)}")
        return None
    return _Reader(named[0], node, Converter(problems, resolver, folder, secrets=True), resolver).check()


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads one check, whose probe is known."""

    name: str
    node: MappingNode
    converter: Converter
    resolver: Resolver

    def check(self) -> Check | None:
        probe, node = PROBES[self.name], self.node
        asked = node.items[self.name]
        if probe.short and not isinstance(asked, MappingNode):
            asked = MappingNode(
                asked.source, asked.line, asked.column, {probe.short: asked}, {probe.short: node.places[self.name]}
            )
        before = len(self.resolver.problems)
        arguments: Any = self.converter.value(asked, Keys(Rules(), cls=probe.takes), (self.name,))
        expect: Any = probe.expect() if probe.answers else None
        if "expect" in node.items:
            expect = self.converter.value(node.items["expect"], Keys(Rules(), cls=probe.expect), ("expect",))
        deadline: Any = _DEADLINE_S
        if "deadline_s" in node.items:
            deadline = self.converter.value(node.items["deadline_s"], shape(DEADLINE), ("deadline_s",))
        if not self.converter.whole or BAD in (arguments, expect, deadline):
            return None
        names = {**self._names(arguments, (self.name,)), **self._names(expect, ("expect",))}
        self._one_of(probe, arguments)
        self._unique(probe, arguments)
        self._expects(probe, arguments, expect)
        if len(self.resolver.problems) > before:
            return None
        said = {**_said(arguments), **({"names": names} if names else {})}
        return Check(self.name, said, _said(expect), float(deadline), node.at(self.name))

    def _names(self, keys: Any, path: tuple[str | int, ...]) -> dict[str, str]:
        """What AWS knows the resources by whose ids the keys name. An id that is none is a problem."""
        found: dict[str, str] = {}
        for where, value, rule in _marked(keys, path):
            at = self.converter.at.get(where, self.node.at(self.name))
            if isinstance(rule, IdOf):
                if (name := self._named(value, rule, at)) is not None:
                    found[value] = name
            elif not value.startswith("{"):
                self.resolver.problems.add(f"`{where[-1]}` wants a mapping", at, "it is of names and values")
        return found

    def _named(self, id: str, rule: IdOf, at: Location) -> str | None:
        targets, problems = self.resolver.targets or {}, self.resolver.problems
        if rule.type == "event-bus" and id in _EVERYWHERE:
            return id
        target = targets.get(id)
        if target and target.type == rule.type:
            value = target.value(rule.attribute, self.resolver.place)
            return None if value is None else str(value)
        if target and not target.type:  # its type is unknown: reported already
            return None
        why = f"{shown(id)} is a {target.type}" if target else f"no resource has the id {shown(id)}"
        fitting = [one.id for one in targets.values() if one.type == rule.type]
        hint = problems.near(id, fitting, otherwise="there are:") or f"declare it under `resources:` as a {rule.type}"
        problems.add(f"a check wants a {rule.type}", at, why, hint)
        return None

    def _one_of(self, probe: Probe, arguments: Any) -> None:
        given = [name for name in probe.of if getattr(arguments, name) is not None]
        if probe.of and len(given) != 1:
            why = f"it has {listed(given)}" if given else f"it has neither {' nor '.join(probe.of)}"
            what = f"`{self.name}` wants one of {listed(probe.of)}"
            self.resolver.problems.add(what, self.node.at(self.name), why)

    def _unique(self, probe: Probe, arguments: Any) -> None:
        if probe.unique and not arguments.keep and RUN_ID not in getattr(arguments, probe.unique):
            at = self.converter.at.get((self.name, probe.unique), self.node.at(self.name))
            why = "what the check puts there is removed again, and must not be something of yours, or of another run"
            what = f"`{probe.unique}` of {shown(self.name)} is the same each time"
            self.resolver.problems.add(what, at, why, f"put {RUN_ID} into it, or say `keep: true`")

    def _expects(self, probe: Probe, arguments: Any, expect: Any) -> None:
        answers = probe.answers and not getattr(arguments, "asynchronous", False)
        if not answers and not _said(expect):
            what = f"the check {shown(self.name)} expects nothing"
            why = "that AWS takes it proves nothing yet"
            hint = f"say under `expect:` what becomes of it: {listed(one.name for one in fields(probe.expect))}"
            self.resolver.problems.add(what, self.node.at(self.name), why, hint)


def _marked(keys: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str, IdOf | IsObject]]:
    """The values in keys that name a resource or must be a JSON object, with their paths."""
    if isinstance(keys, tuple):
        for index, one in enumerate(keys):
            yield from _marked(one, (*path, index))
    elif is_dataclass(keys):
        hints = typing.get_type_hints(type(keys), include_extras=True)
        for field in fields(keys):
            value, where = getattr(keys, field.name), (*path, field.name)
            rules = getattr(hints[field.name], "__metadata__", ())
            for rule in rules:
                if isinstance(rule, IdOf | IsObject) and value is not None:
                    yield where, value, rule
            yield from _marked(value, where)


def _said(keys: Any) -> Any:
    """What a keys class holds as plain values, without what nobody said."""
    if isinstance(keys, tuple):
        return tuple(_said(one) for one in keys)
    if not is_dataclass(keys):
        return keys if not isinstance(keys, Mapping) else dict(keys)
    values = {field.name.rstrip("_"): _said(getattr(keys, field.name)) for field in fields(keys)}
    return {name: value for name, value in values.items() if value is not None and value is not False and value != {}}
