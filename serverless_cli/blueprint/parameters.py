"""The parameters of a blueprint: what is declared, given and remembered becomes one value each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field
from pathlib import Path
from typing import Annotated

from serverless_cli import withheld
from serverless_cli.blueprint.convert import Converter
from serverless_cli.blueprint.nodes import Broken, MappingNode, Node, Scalar, called
from serverless_cli.blueprint.problems import Problems, Unset, listed, shown
from serverless_cli.blueprint.refs import Resolver
from serverless_cli.errors import Location
from serverless_cli.keys import Doc
from serverless_cli.model import Place
from serverless_cli.names import STACK_OR_ID
from serverless_cli.records import dataclass
from serverless_cli.secret import Param, Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterKeys:
    """One parameter."""

    default: Annotated[str | None, Doc("The value when none is given; without it, one must be given.")] = None
    description: Annotated[str, Doc("What the parameter is for.")] = ""
    choices: Annotated[tuple[str, ...], Doc("The only values it takes.")] = ()
    secret: Annotated[bool, Doc("Never printed, logged or stored; has no default.")] = False


@dataclass(slots=True)
class Parameters:
    """`values` has every declared parameter; None where none could be had, which is reported. `kept` are those worth
    remembering with the stack: what was given now or before, defaults left out. `places` is where each is declared."""

    values: dict[str, str | None] = field(default_factory=dict)
    kept: dict[str, str] = field(default_factory=dict)
    places: dict[str, Location] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Given:
    """Values by name: of this run, and those that the stack remembers (an obsolete one of these is no error).

    `environment` is by name in capitals, `_` for `-`, and may have values for other blueprints too.
    """

    now: Mapping[str, str]
    before: Mapping[str, str]
    environment: Mapping[str, str] = field(default_factory=dict)

    def at_last(self, declared: Iterable[str]) -> Given:
        """With what the environment has for the declared parameters, where nothing is given outright."""
        forms = {name: withheld.environment(name) for name in declared}
        said = {name: self.environment[form] for name, form in forms.items() if form in self.environment}
        return Given({**said, **self.now}, self.before)


def read(node: Node | None, given: Given, place: Place, problems: Problems) -> Parameters:
    """All parameters of the `parameters:` section."""
    found = Parameters()
    items = node.items.items() if isinstance(node, MappingNode) else ()
    given = given.at_last(name for name, _ in items)
    for name, child in items:
        assert isinstance(node, MappingNode)
        where = found.places[name] = node.at(name)
        if not STACK_OR_ID.fullmatch(name):
            why = "names are lower-case letters, digits, - and _, and begin with a letter"
            problems.add(f"{shown(name)} cannot be the name of a parameter", where, why)
        keys = _keys(name, child, where, place, problems)
        found.values[name] = None if keys is None else _value(name, keys, given, found, problems)
    for name in given.now:
        if name not in found.values and not isinstance(node, Broken):
            hint = problems.near(name, found.values, otherwise="its parameters:")
            problems.add(f"unknown parameter {shown(name)}", None, "the blueprint declares no such parameter", hint)
    return found


def _keys(name: str, node: Node, where: Location, place: Place, problems: Problems) -> ParameterKeys | None:
    subject = "a parameter's default"
    resolver = Resolver(place, problems, {}, subject=subject)
    match node:
        case MappingNode():
            converter = Converter(problems, resolver, Path())
            keys = converter.keys(ParameterKeys, node, "a parameter", where)
        case Scalar():
            text = None if node.empty else resolver.text(node)
            keys = ParameterKeys(default=text) if node.empty or text is not None else None
        case Broken():
            keys = None
        case _:
            problems.add(
                f"the parameter {shown(name)} is {called(node)}", node.where, "it wants a mapping, or its default"
            )
            keys = None
    if keys and keys.secret and keys.default is not None:
        why = "a secret that stands in the file is none"
        problems.add(f"the secret {shown(name)} has a default", where, why, "leave `default` out")
        return None
    if keys and keys.choices and keys.default is not None and keys.default not in keys.choices:
        why = f"the choices are {listed(keys.choices)}"
        problems.add(f"the default of {shown(name)} is not among its choices", where, why)
        return None
    return keys


def _value(name: str, keys: ParameterKeys, given: Given, found: Parameters, problems: Problems) -> str | None:
    value = given.now.get(name, None if keys.secret else given.before.get(name))
    if value is None:
        if keys.secret:
            return Secret(f"${{param.{name}}}", False, (Param(name),))
        if keys.default is None:
            what = f"the parameter {shown(name)} has no value"
            hint = f"give it with -p {name}=..."
            problems.take(Unset(what, "it has no default", hint, found.places[name]))
        return keys.default
    if keys.choices and value not in keys.choices:
        value = Secret(value) if keys.secret else value
        whence = "" if name in given.now else ", remembered from the last `up`,"
        hint = "" if keys.secret else problems.near(value, keys.choices)
        what = f"the parameter {shown(name)} cannot be {shown(value)}{whence}".rstrip(",")
        problems.add(what, found.places[name], f"the choices are {listed(keys.choices)}", hint)
        return None
    found.kept[name] = Secret(value, True, (Param(name, given=True),)) if keys.secret else value
    return found.kept[name]
