"""The `resources:` of a blueprint: ids, types and names first, since references need them; then each one's own keys."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from serverless_cli.blueprint.convert import Converter
from serverless_cli.blueprint.nodes import Broken, MappingNode, Node, Scalar, called
from serverless_cli.blueprint.partly import sure
from serverless_cli.blueprint.problems import Problems, shown
from serverless_cli.blueprint.refs import RESERVED, Resolver, Target
from serverless_cli.blueprint.shapes import keys_of
from serverless_cli.errors import Location
from serverless_cli.keys import Doc
from serverless_cli.model import Place
from serverless_cli.names import STACK_OR_ID, physical
from serverless_cli.records import dataclass
from serverless_cli.resources.base import Declared, Type

ID_LENGTH = 64
BESIDE_EXISTING = ("type", "existing", "retain")
_MEANT = {
    "lambda": "function", "s3": "bucket", "api": "http-api", "api-gateway": "http-api", "apigateway": "http-api",
    "dynamodb": "table", "sqs": "queue", "sns": "topic", "eventbridge": "event-bus", "bus": "event-bus",
    "step-functions": "state-machine", "stepfunctions": "state-machine", "kinesis": "stream",
    "firehose": "delivery-stream", "iam": "role", "httpapi": "http-api", "eventbus": "event-bus",
    "statemachine": "state-machine", "deliverystream": "delivery-stream",
}  # fmt: skip
"""AWS's words for what the language calls otherwise"""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommonKeys:
    """What every resource may say, whatever its type."""

    type: Annotated[str, Doc("What kind of resource it is.")]
    name: Annotated[str | None, Doc("Its name on AWS, instead of {stack}-{stage}-{id}.")] = None
    retain: Annotated[bool, Doc("Keep it when the stack is taken down.")] = False
    existing: Annotated[
        str | None, Doc("The name of something that is there already and that slx never creates, changes or deletes.")
    ] = None
    depends_on: Annotated[
        tuple[str, ...] | str, Doc("Ids of resources that must exist before it, where no reference says so.")
    ] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """A resource whose type and name are known, and whose keys are still to be read; None where that failed.

    `whole` is False where something in `common` is wrong.
    """

    id: str
    node: MappingNode | None
    where: Location
    type: Type[Any] | None
    common: CommonKeys | None
    name: str | None
    at: Mapping[tuple[str | int, ...], Location]
    whole: bool = True

    @property
    def target(self) -> Target:
        if self.type is None:
            return Target(self.id, "", None, None)
        return Target(self.id, self.type.type_name, self.type.attributes, self.name, self.existing)

    @property
    def existing(self) -> bool:
        return self.common is not None and self.common.existing is not None

    @property
    def depends_on(self) -> tuple[str, ...]:
        common = self.common
        nothing: str | tuple[str, ...] = ()
        named = sure(lambda: common.depends_on, nothing) if common else nothing
        return (named,) if isinstance(named, str) else named


class Drafts:
    """Reads the heads of all resources; `resolver` knows parameters and the run only."""

    def __init__(self, types: Mapping[str, Type[Any]], place: Place, resolver: Resolver, folder: Path) -> None:
        self._types = types
        self._place = place
        self._resolver = resolver
        self._problems = resolver.problems
        self._folder = folder

    def read(self, node: Node | None) -> dict[str, Draft]:
        """Every resource by its id, in the file's order."""
        if not isinstance(node, MappingNode):
            return {}
        drafts = {id: self._draft(id, child, node.at(id)) for id, child in node.items.items()}
        _same_names(drafts, self._problems)
        for draft in drafts.values():
            self._depends_on(draft, drafts)
        return drafts

    def _draft(self, id: str, node: Node, where: Location) -> Draft:
        sound = self._id(id, where)
        nothing = Draft(id, None, where, None, None, None, {})
        if not isinstance(node, MappingNode):
            if not isinstance(node, Broken):
                self._problems.add(
                    f"the resource {shown(id)} is {called(node)}", where, "it wants a mapping with a `type:`"
                )
            return nothing
        if "type" not in node.items:
            names = ", ".join(self._types)
            self._problems.add("`type` is missing", where, f"the resource {shown(id)} needs it", f"one of {names}")
            return nothing
        converter = Converter(self._problems, self._resolver, self._folder)
        rest = [key for key in node.items if key not in keys_of(CommonKeys)]
        common, whole = converter.part(CommonKeys, node, "a resource", where, also=rest)
        type_ = sure(lambda: common.type, None)
        if type_ is None:
            return nothing
        kind = self._types.get(type_)
        if kind is None:
            self._unknown_type(type_, node)
            return nothing
        if sure(lambda: (common.existing,), None) is None:  # which keys it may have hangs on that
            return Draft(id, None, where, kind, None, None, {})
        own = converter.at.get(("name",), converter.at.get(("existing",), where))
        named = sound or sure(lambda: common.name is not None, False)
        name = sure(lambda: self._name(id, common, kind, _scalars(node), own), None) if named else None
        return Draft(id, node, where, kind, common, name, converter.at, whole)

    def _id(self, id: str, where: Location) -> bool:
        if id in RESERVED:
            self._problems.add(f"a resource cannot have the id {shown(id)}", where, f"${{{id}.…}} means something else")
        elif not STACK_OR_ID.fullmatch(id):
            why = "ids are lower-case letters, digits, - and _, and begin with a letter"
            self._problems.add(f"{shown(id)} cannot be an id", where, why, instead(id))
        elif len(id) > ID_LENGTH:
            self._problems.add(f"the id {shown(id)} is too long", where, f"ids have at most {ID_LENGTH} characters")
        else:
            return True
        return False

    def _unknown_type(self, name: str, node: MappingNode) -> None:
        # aws_sqs_queue and AWS::SQS::Queue end with the kind, and say the service before
        words = re.split(r"[-_:]+", name.lower().replace("_", "-"))
        meant = next((_MEANT.get(word, word) for word in reversed(words) if _MEANT.get(word, word) in self._types), "")
        whole = "-".join(words)
        meant = whole if whole in self._types else _MEANT.get(whole, meant)
        if meant in self._types:
            hint = f"did you mean `{meant}`?"
        else:
            hint = self._problems.near(name.replace("_", "-"), self._types, otherwise="the types:")
        self._problems.add(
            f"unknown type {shown(name)}", node.items["type"].where, "slx has no such resource type", hint
        )

    def _name(
        self, id: str, common: CommonKeys, kind: Type[Any], given: Mapping[str, object], where: Location
    ) -> str | None:
        if common.existing is not None:
            return self._existing_name(common.existing, where)
        rule = kind.rule(given)
        name = physical(self._place, id, rule) if common.name is None else common.name
        if len(name) > rule.limit:
            why = f"a name of the type {kind.type_name} has at most {rule.limit}"
            self._problems.add(f"the name {shown(name)} has {len(name)} characters", where, why)
        elif not re.fullmatch(rule.pattern, name):
            hint = "" if common.name is not None else "give it a `name:` of its own"
            why = f"a name of the type {kind.type_name} is {rule.says or f'of the form {rule.pattern}'}"
            self._problems.add(f"AWS would refuse the name {shown(name)}", where, why, hint)
        else:
            return name
        return None

    def _existing_name(self, name: str, where: Location) -> str | None:
        if not name or len(name) > 2048 or re.search(r"\s", name):
            self._problems.add("`existing` wants a name", where, f"{shown(name)} cannot be one")
            return None
        return name

    def _depends_on(self, draft: Draft, drafts: Mapping[str, Draft]) -> None:
        where = draft.at.get(("depends_on",), draft.where)
        for index, id in enumerate(draft.depends_on):
            at = draft.at.get(("depends_on", index), where)
            if id == draft.id:
                self._problems.add(f"{shown(id)} depends on itself", at)
            elif id not in drafts:
                hint = self._problems.near(id, drafts, otherwise="there are:")
                self._problems.add(f"`depends_on` names {shown(id)}", at, "no resource has that id", hint)


def instead(name: str) -> str:
    """A hint for a stack's name or an id that cannot be one: a better one, or the letter that nobody sees is wrong."""
    if odd := next((letter for letter in name if not letter.isascii()), ""):
        return f"it has U+{ord(odd):04X}, {unicodedata.name(odd, 'a character without a name')}"
    better = re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-_")
    return f"{better} would do" if STACK_OR_ID.fullmatch(better) and len(better) < ID_LENGTH else ""


def _scalars(node: MappingNode) -> dict[str, object]:
    """The single values among a resource's keys, before they are checked: a name may depend on one of them."""
    return {key: child.value for key, child in node.items.items() if isinstance(child, Scalar)}


def _same_names(drafts: Mapping[str, Draft], problems: Problems) -> None:
    """Two resources of one type with one name: each is told about the other."""
    owners: dict[tuple[str, str], Draft] = {}
    for draft in drafts.values():
        if draft.type is None or draft.name is None:
            continue
        first = owners.setdefault((draft.type.type_name, draft.name), draft)
        if first is draft:
            continue
        for one, other in ((first, draft), (draft, first)):
            where = one.at.get(("name",), one.where)
            what = f"`{one.id}` and `{other.id}` have one name"
            why = (
                f"both would be the {draft.type.type_name} {shown(draft.name)}; the other is on line {other.where.line}"
            )
            problems.add(what, where, why, "rename one, or give it another `name:`")


def declare(draft: Draft, resolver: Resolver, folder: Path) -> tuple[Declared[Any], bool] | None:
    """The resource with its keys read, and whether all of it is right; None where there is nothing to go on with."""
    common = draft.common
    if draft.node is None or draft.type is None or common is None:
        return None
    converter = Converter(resolver.problems, resolver, folder, draft.id)
    keys: Any = None
    whole = draft.whole and draft.name is not None
    if draft.existing:
        if not _alone(draft.node, resolver.problems) or not whole:
            return None
    else:
        of = f"the type {draft.type.type_name}"
        also = tuple(keys_of(CommonKeys))
        keys, right = converter.part(draft.type.keys, draft.node, of, draft.where, also=also)
        whole = whole and right
    retain = sure(lambda: common.retain, False)
    it = Declared(
        draft.id, draft.type.type_name, keys, draft.name or draft.id, draft.where, {**draft.at, **converter.at}, folder,
        retain, draft.existing, draft.depends_on,
    )  # fmt: skip
    return it, whole


def _alone(node: MappingNode, problems: Problems) -> bool:
    extra = [key for key in node.items if key not in BESIDE_EXISTING]
    for key in extra:
        why = "slx never changes what exists already, so nothing can be said about it"
        problems.add(f"`existing` leaves no room for {shown(key)}", node.at(key), why, "remove one of the two")
    return not extra
