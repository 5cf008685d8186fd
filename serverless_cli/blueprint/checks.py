"""The `checks:` of a blueprint: each has one probe, what is expected of it, and how long to keep trying."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any

from serverless_cli.blueprint.convert import BAD, Converter
from serverless_cli.blueprint.nodes import Broken, MappingNode, Node, Sequence, called
from serverless_cli.blueprint.problems import listed, shown
from serverless_cli.blueprint.refs import Resolver
from serverless_cli.blueprint.shapes import Keys, Rules, shape
from serverless_cli.keys import Doc, Json, LateOk, Pattern, Range
from serverless_cli.model import Check

Url = Annotated[str, Pattern(r"https?://\S+", "a URL that begins with http:// or https://"), LateOk()]
Headers = Annotated[Mapping[str, str], Doc("Request headers."), LateOk()]


@dataclass(frozen=True, slots=True, kw_only=True)
class AskKeys:
    """A request without a body."""

    url: Annotated[Url, Doc("Where the request goes.")]
    headers: Headers = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SendKeys:
    """A request with a body: `body` is sent as it is, `json` as JSON with its content type."""

    url: Annotated[Url, Doc("Where the request goes.")]
    headers: Headers = field(default_factory=dict)
    body: Annotated[str | None, Doc("Text to send."), LateOk()] = None
    json: Annotated[Json | None, Doc("A value to send as JSON."), LateOk()] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerKeys:
    """What is expected of the answer to a request; without `status`, any that is no error."""

    status: Annotated[int | None, Doc("The status code."), Range(100, 599)] = None
    contains: Annotated[str | None, Doc("Text that is in the body."), LateOk()] = None
    json: Annotated[Json | None, Doc("The body as JSON; a mapping may leave keys out."), LateOk()] = None
    header: Annotated[Mapping[str, str], Doc("Headers of the answer and their values."), LateOk()] = field(
        default_factory=dict
    )


@dataclass(frozen=True, slots=True)
class Probe:
    """One kind of probe: what it takes and what can be expected. `short` is the key that a bare text stands for."""

    doc: str
    takes: type[Any]
    expect: type[Any]
    short: str = ""


PROBES: Mapping[str, Probe] = {
    "get": Probe("Sends a GET request.", AskKeys, AnswerKeys, "url"),
    "head": Probe("Sends a HEAD request.", AskKeys, AnswerKeys, "url"),
    "delete": Probe("Sends a DELETE request.", SendKeys, AnswerKeys, "url"),
    "post": Probe("Sends a POST request.", SendKeys, AnswerKeys, "url"),
    "put": Probe("Sends a PUT request.", SendKeys, AnswerKeys, "url"),
    "patch": Probe("Sends a PATCH request.", SendKeys, AnswerKeys, "url"),
}
"""A new probe is one line here, two keys classes, and its runner."""

DEADLINE = Annotated[float, Doc("Seconds to keep trying."), Range(1, 900)]
_DEADLINE_S = 30.0
_BESIDE = ("expect", "deadline_s")


def read(node: Node | None, resolver: Resolver, folder: Path) -> tuple[Check, ...]:
    """All checks of the section. What is wrong goes to the resolver's problems."""
    items = node.items if isinstance(node, Sequence) else ()
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
    return _probed(named[0], node, Converter(problems, resolver, folder))


def _probed(name: str, node: MappingNode, converter: Converter) -> Check | None:
    probe = PROBES[name]
    asked = node.items[name]
    if probe.short and not isinstance(asked, MappingNode):
        asked = MappingNode(
            asked.source, asked.line, asked.column, {probe.short: asked}, {probe.short: node.places[name]}
        )
    arguments = converter.value(asked, Keys(Rules(), cls=probe.takes), (name,))
    expect: Any = probe.expect()
    if "expect" in node.items:
        expect = converter.value(node.items["expect"], Keys(Rules(), cls=probe.expect), ("expect",))
    deadline: Any = _DEADLINE_S
    if "deadline_s" in node.items:
        deadline = converter.value(node.items["deadline_s"], shape(DEADLINE), ("deadline_s",))
    if BAD in (arguments, expect, deadline):
        return None
    return Check(name, _said(arguments), _said(expect), float(deadline), node.at(name))


def _said(keys: Any) -> dict[str, Any]:
    """What a keys class holds, without what nobody said."""
    values = {field.name.rstrip("_"): getattr(keys, field.name) for field in fields(keys)}
    return {name: value for name, value in values.items() if value is not None and value != {}}
