"""A small language of made-up types, and what tests of the blueprint reader share."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import field
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from serverless_cli.blueprint.parse import parse
from serverless_cli.errors import BlueprintError, Doubt, Location, Problem
from serverless_cli.keys import Doc, FileName, Folder, Json, KeyPattern, LateOk, OneOf, Pattern, Range, SecretOk
from serverless_cli.model import Place, Ref, Resource, Spec, Stack
from serverless_cli.names import NameRule, arn
from serverless_cli.records import dataclass
from serverless_cli.resources.base import Attribute, Declared, Scope, Type, Weaver
from serverless_cli.wiring import Statement, Wiring


def place(stack: str) -> Place:
    return Place(stack, "dev", "eu-central-1", "123456789012")


@dataclass(frozen=True, slots=True, kw_only=True)
class InnerKeys:
    """Something nested."""

    first: Annotated[str, Doc("The first."), LateOk()]
    count: Annotated[int, Range(0, 5)] = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetKeys:
    """The long form of a route."""

    to: Annotated[str, Doc("Where it leads.")]
    payload: Annotated[str | None, LateOk()] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueTrigger:
    queue: str
    batch_size: Annotated[int, Range(1, 10)] = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketTrigger:
    bucket: str
    events: tuple[Literal["created", "removed"], ...] = ("created",)


@dataclass(frozen=True, slots=True, kw_only=True)
class ThingKeys:
    """Every shape that a key can have."""

    size: Annotated[int, Doc("How large it is."), Range(1, 10)] = 1
    label: Annotated[str, Pattern(r"[a-z]+", "small letters"), Range(2, 8), SecretOk()] = "label"
    public: Annotated[bool, Doc("Whether all may see it.")] = False
    ratio: Annotated[float, Range(0, 1)] = 0.5
    mode: Annotated[Literal["fast", "slow"], Doc("How it runs.")] = "fast"
    days: Annotated[int | None, OneOf((1, 3, 7))] = 7
    folder: Folder | None = None
    file: FileName | None = None
    text: Annotated[str, LateOk(), SecretOk()] = ""
    tags: Annotated[Mapping[str, str], KeyPattern(r"[A-Z]+", "capitals"), LateOk(), SecretOk()] = field(
        default_factory=dict
    )
    links: Annotated[tuple[str, ...], LateOk(), SecretOk(), Range(0, 3)] = ()
    policy: Annotated[Json | None, LateOk(), SecretOk()] = None
    frozen: Json | None = None
    inner: InnerKeys | None = None
    routes: Annotated[Mapping[str, str | TargetKeys], Range(1, 2)] = field(default_factory=dict)
    triggers: tuple[QueueTrigger | BucketTrigger, ...] = ()
    definition: FileName | Json | None = None
    from_: Annotated[str | None, Doc("Where it comes from.")] = None


@dataclass(frozen=True, slots=True)
class ThingSpec(Spec):
    keys: ThingKeys


@dataclass(frozen=True, slots=True)
class Link(Wiring):
    by: str
    to: str
    where: Location | None = None


@dataclass(frozen=True, slots=True)
class LinkSpec(Spec):
    to: str


class ThingType(Type[ThingKeys]):
    type_name = "thing"
    doc = "A thing."
    keys = ThingKeys
    name_rule = NameRule(40, r"[a-z0-9-]+", underscore=False)
    attributes: Mapping[str, Attribute] = {
        "name": Attribute("Its name.", lambda _, name: name),
        "arn": Attribute("Its ARN.", lambda where, name: arn(where, "things", name), ours=True),
        "url": Attribute("Its URL."),
    }
    grants: ClassVar = {"read": lambda target: (Statement(("thing:Get",), (target,)),)}

    def problems(self, it: Declared[ThingKeys], scope: Scope) -> Iterable[Problem]:
        if it.keys.label == "wrong":
            yield Problem("wrong label", where=it.line("label"))
        if it.keys.label == "odd":
            yield Doubt("odd label")
        for key, to in it.keys.routes.items():
            if isinstance(to, str) and scope.declared(to) is None:
                yield Problem(f"route {key} leads nowhere", where=it.line("routes", key))

    def expand(self, it: Declared[ThingKeys], scope: Scope) -> Iterable[Resource | Wiring]:
        yield Resource(Ref("thing", it.id), it.name, ThingSpec(it.keys), where=it.where, retain=it.retain)
        for to in it.keys.routes.values():
            yield Link(it.id, to if isinstance(to, str) else to.to, it.line("routes"))


@dataclass(frozen=True, slots=True, kw_only=True)
class StrictKeys:
    """Has a required key."""

    must: Annotated[str, Doc("What it must have.")]
    url: Annotated[str, LateOk()] = ""


@dataclass(frozen=True, slots=True)
class StrictSpec(Spec):
    url: str
    granted: tuple[Statement, ...] = ()


class StrictType(Type[StrictKeys]):
    type_name = "strict-thing"
    doc = "A thing with a required key."
    keys = StrictKeys
    name_rule = NameRule(20, r"[a-z0-9-]+", scope="global", underscore=False)
    attributes: Mapping[str, Attribute] = {"name": Attribute("Its name.", lambda _, name: name)}

    def expand(self, it: Declared[StrictKeys], scope: Scope) -> Iterable[Resource | Wiring]:
        granted = scope.grants(it.keys.must, "read")
        yield Resource(Ref("strict-thing", it.id), it.name, StrictSpec(it.keys.url, granted))


class LinkWeaver(Weaver[Link]):
    takes = Link

    def weave(self, wiring: tuple[Link, ...], every: tuple[Wiring, ...], scope: Scope) -> Iterable[Resource]:
        for one in wiring:
            ends = frozenset({Ref("thing", one.by), Ref("thing", one.to)})
            yield Resource(
                Ref("link", f"{one.by}.{one.to}"), f"{one.by}/{one.to}", LinkSpec(one.to), ends, where=one.where
            )


TYPES: dict[str, Type[Any]] = {one.type_name: one for one in (ThingType(), StrictType())}
WEAVERS: dict[type[Wiring], Weaver[Any]] = {LinkWeaver.takes: LinkWeaver()}


def folder(root: Path) -> Path:
    """A blueprint's folder with something in it, and links that lead in and out."""
    home = root / "home"
    (home / "code").mkdir(parents=True)
    (home / "code" / "app.py").write_text("x = 1\n")
    (root / "outside").mkdir()
    (home / "out").symlink_to(root / "outside")
    (home / "in").symlink_to(home / "code")
    (home / "loop").symlink_to(home / "loop")
    return home


def write(home: Path, text: str | bytes) -> Path:
    path = home / "blueprint.yaml"
    path.write_bytes(textwrap.dedent(text).encode() if isinstance(text, str) else text)
    return path


def read(home: Path, text: str | bytes, **given: Any) -> Stack:
    return parse(write(home, text), place=place, types=TYPES, weavers=WEAVERS, **given)


def thing(stack: Stack, id: str = "a") -> ThingKeys:
    spec = stack.resources[Ref("thing", id)].spec
    assert isinstance(spec, ThingSpec)
    return spec.keys


def refused(home: Path, text: str | bytes, **given: Any) -> tuple[Problem, ...]:
    try:
        read(home, text, **given)
    except BlueprintError as error:
        return error.problems
    raise AssertionError("the blueprint was accepted")


MARK = "§"


def marked(text: str) -> tuple[str, list[tuple[int, int]]]:
    """The text without its marks, and the line and column of each."""
    lines = textwrap.dedent(text).splitlines(keepends=True)
    places = []
    for number, line in enumerate(lines, 1):
        parts = line.split(MARK)
        column = 1
        for part in parts[:-1]:
            column += len(part)
            places.append((number, column))
    return "".join(lines).replace(MARK, ""), places
