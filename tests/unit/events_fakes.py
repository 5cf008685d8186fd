"""What tests of buses, rules and pipes share: made-up ends, a blueprint reader, and EventBridge and Pipes in memory."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from aws_fakes import FakeClock, FakeTransport, refused

from serverless_cli.aws.failure import Failure
from serverless_cli.aws.session import Calls
from serverless_cli.blueprint.parse import parse
from serverless_cli.errors import BlueprintError
from serverless_cli.model import Place, Ref, Resource, Spec, Stack
from serverless_cli.names import NameRule, arn, listener_rule_arn
from serverless_cli.resources.admission import AdmissionWeaver
from serverless_cli.resources.base import Attribute, Declared, Scope, Type
from serverless_cli.resources.event_bus import EventBusType
from serverless_cli.resources.permission import PermissionWeaver
from serverless_cli.resources.pipe import PipeType
from serverless_cli.resources.queue import QueueType
from serverless_cli.resources.role import RoleSpec, RoleWeaver
from serverless_cli.resources.rule import RuleType, RuleWeaver
from serverless_cli.resources.subscription import SubscriptionWeaver
from serverless_cli.resources.table import TableType
from serverless_cli.resources.topic import TopicType
from serverless_cli.wiring import Invokes, Listens, Statement, Wiring

PLACE = Place("shop", "dev", "eu-central-1", "123456789012")
HERE = "eu-central-1:123456789012"


@dataclass(frozen=True, slots=True, kw_only=True)
class NoKeys:
    """Says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionKeys:
    """What calls it."""

    schedules: tuple[str, ...] = ()
    bus: str = "default"
    pattern: str = ""


@dataclass(frozen=True, slots=True)
class EndSpec(Spec):
    """It is there, and no more."""


class MadeUp(Type[Any]):
    """Something that events can be sent to."""

    doc = "A made-up end."
    keys: Any = NoKeys
    name_rule = NameRule(64, r"[a-z0-9-]+")
    verb: ClassVar[str]
    actions: ClassVar[tuple[str, ...]]
    service: ClassVar[str]
    before: ClassVar[str]

    def __init__(self) -> None:
        self.attributes: Mapping[str, Attribute] = {
            "name": Attribute("Its name.", lambda _, name: name),
            "arn": Attribute("Its ARN.", lambda where, name: arn(where, self.service, self.before + name)),
        }
        self.grants: Mapping[str, Callable[[str], tuple[Statement, ...]]] = {
            self.verb: lambda target: (Statement(self.actions, (target,)),)
        }

    def expand(self, it: Declared[Any], scope: Scope) -> Iterable[Resource | Wiring]:
        yield Resource(Ref(it.type, it.id), it.name, EndSpec(), where=it.where)


class Function(MadeUp):
    """Listens as functions' triggers do."""

    type_name, verb, actions = "function", "invoke", ("lambda:InvokeFunction",)
    service, before, keys = "lambda", "function:", FunctionKeys

    def expand(self, it: Declared[FunctionKeys], scope: Scope) -> Iterable[Resource | Wiring]:
        yield from super().expand(it, scope)
        wanted = [("", one) for one in it.keys.schedules] + ([(it.keys.pattern, "")] if it.keys.pattern else [])
        bus = it.keys.bus if it.keys.bus == "default" else scope.attribute(it.keys.bus, "name")
        for number, (pattern, schedule) in enumerate(wanted, 1):
            yield Listens(it.id, number, it.keys.bus, pattern, schedule, it.where)
            own = listener_rule_arn(scope.place, it.id, number, bus)
            yield Invokes(it.id, it.id, "events.amazonaws.com", own, f"rule {number}", it.where)


class StateMachine(MadeUp):
    type_name, verb, actions = "state-machine", "start", ("states:StartExecution",)
    service, before = "states", "stateMachine:"


class Stream(MadeUp):
    type_name, verb, actions = "stream", "send", ("kinesis:PutRecord", "kinesis:PutRecords")
    service, before = "kinesis", "stream/"


class DeliveryStream(MadeUp):
    type_name, verb, actions = "delivery-stream", "send", ("firehose:PutRecord", "firehose:PutRecordBatch")
    service, before = "firehose", "deliverystream/"


TYPES: dict[str, Type[Any]] = {one.type_name: one for one in (
    EventBusType(), RuleType(), PipeType(), QueueType(), TopicType(), TableType(), Function(), StateMachine(),
    Stream(), DeliveryStream(),
)}  # fmt: skip
WEAVERS = {
    one.takes: one for one in (RoleWeaver(), AdmissionWeaver(), PermissionWeaver(), SubscriptionWeaver(), RuleWeaver())
}
ENDS = """\
  events: {type: event-bus}
  jobs: {type: queue}
  ordered: {type: queue, fifo: true, content_based_deduplication: true}
  news: {type: topic}
  worker: {type: function}
  flow: {type: state-machine}
  clicks: {type: stream}
  archive: {type: delivery-stream}
  deposits: {type: table, key: id, stream: new}
  dead: {type: queue}
"""


def stack(home: Path, text: str) -> Stack:
    """A blueprint with one of each end, and what `text` adds."""
    blueprint = f"name: shop\nresources:\n{ENDS}{textwrap.indent(textwrap.dedent(text), '  ')}"
    (home / "blueprint.yaml").write_text(blueprint)
    return parse(home / "blueprint.yaml", place=lambda _: PLACE, types=TYPES, weavers=WEAVERS)


FIRST_LINE = len(ENDS.splitlines()) + 3


def problems(home: Path, text: str) -> list[tuple[int, str]]:
    """What is wrong with it: the line of `text`, counted from 1, and the words."""
    try:
        stack(home, text)
    except BlueprintError as error:
        return [
            ((one.where.line if one.where else 0) - FIRST_LINE + 1, f"{one.what}: {one.why}") for one in error.problems
        ]
    raise AssertionError("the blueprint was accepted")


def statements(found: Stack, id: str) -> dict[tuple[str, ...], tuple[str, ...]]:
    """What the role of that id may do: actions by resources."""
    role = found.resources[Ref("role", id)].spec
    assert isinstance(role, RoleSpec)
    return {one.resources: one.actions for one in role.statements}


def calls(transport: Any) -> Calls:
    return Calls(transport, PLACE.region, FakeClock())


class Service(FakeTransport):
    """Answers each operation by the method of that name; `sent` are the calls."""

    def send(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        self.sent.append((operation, dict(parameters)))
        try:
            answer: dict[str, Any] = getattr(self, operation.partition(".")[2])(**parameters)
        except Failure as failure:
            failure.operation = operation
            raise
        return answer

    @property
    def operations(self) -> list[str]:
        return [operation.partition(".")[2] for operation, _ in self.sent]


@dataclass
class Rule:
    settings: dict[str, Any]
    tags: dict[str, str]
    targets: dict[str, dict[str, Any]] = field(default_factory=dict)


class EventBridge(Service):
    """Rules on buses, as EventBridge keeps them. `failures` are answered for entries, one list for each call."""

    def __init__(self, *failures: list[dict[str, str]]) -> None:
        super().__init__()
        self.rules: dict[tuple[str, str], Rule] = {}
        self.failures = list(failures)

    def _rule(self, bus: str, name: str) -> Rule:
        if (bus, name) not in self.rules:
            raise refused("ResourceNotFoundException", f"Rule {name} does not exist on EventBus {bus}.")
        return self.rules[bus, name]

    def _by_arn(self, arn: str) -> Rule:
        path = arn.partition(":rule/")[2]
        bus, _, name = path.rpartition("/")
        return self._rule(bus or "default", name)

    def PutRule(self, Name: str, EventBusName: str, Tags: Any = (), **settings: Any) -> dict[str, Any]:
        if EventBusName != "default" and "ScheduleExpression" in settings:
            raise refused("ValidationException", "ScheduleExpression is supported only on the default event bus.")
        had = self.rules.get((EventBusName, Name))
        tags = had.tags if had else {tag["Key"]: tag["Value"] for tag in Tags}
        self.rules[EventBusName, Name] = Rule(settings, tags, had.targets if had else {})
        return {}

    def DescribeRule(self, Name: str, EventBusName: str) -> dict[str, Any]:
        return self._rule(EventBusName, Name).settings

    def ListTagsForResource(self, ResourceARN: str) -> dict[str, Any]:
        return {"Tags": [{"Key": key, "Value": value} for key, value in self._by_arn(ResourceARN).tags.items()]}

    def TagResource(self, ResourceARN: str, Tags: list[dict[str, str]]) -> dict[str, Any]:
        self._by_arn(ResourceARN).tags |= {tag["Key"]: tag["Value"] for tag in Tags}
        return {}

    def ListTargetsByRule(self, Rule: str, EventBusName: str) -> dict[str, Any]:
        return {"Targets": list(self._rule(EventBusName, Rule).targets.values())}

    def _failed(self, ids: list[str]) -> list[dict[str, str]]:
        failed = self.failures.pop(0) if self.failures else []
        return [one for one in failed if one["TargetId"] in ids]

    def PutTargets(self, Rule: str, EventBusName: str, Targets: list[dict[str, Any]]) -> dict[str, Any]:
        rule, failed = self._rule(EventBusName, Rule), self._failed([one["Id"] for one in Targets])
        rule.targets |= {one["Id"]: one for one in Targets if one["Id"] not in {each["TargetId"] for each in failed}}
        return {"FailedEntryCount": len(failed), "FailedEntries": failed}

    def RemoveTargets(self, Rule: str, EventBusName: str, Ids: list[str]) -> dict[str, Any]:
        rule, failed = self._rule(EventBusName, Rule), self._failed(Ids)
        for id in set(Ids) - {each["TargetId"] for each in failed}:
            rule.targets.pop(id, None)
        return {"FailedEntryCount": len(failed), "FailedEntries": failed}

    def DeleteRule(self, Name: str, EventBusName: str) -> dict[str, Any]:
        if self.rules.get((EventBusName, Name), Rule({}, {})).targets:
            raise refused("ValidationException", "Rule can't be deleted since it has targets.")
        self.rules.pop((EventBusName, Name), None)
        return {}


class Pipes(Service):
    """Pipes that take one question to get from a passing state to the next. `fates` are what becomes of creates and
    updates, in order: a reason for which it fails, or empty."""

    def __init__(self, *fates: str) -> None:
        super().__init__()
        self.pipes: dict[str, dict[str, Any]] = {}
        self.fates = list(fates)

    def _pipe(self, name: str) -> dict[str, Any]:
        if name not in self.pipes:
            raise refused("NotFoundException", f"Pipe {name} does not exist.", 404)
        return self.pipes[name]

    def _begin(self, name: str, verb: str) -> None:
        pipe, fate = self.pipes[name], self.fates.pop(0) if self.fates else ""
        pipe["CurrentState"] = f"{verb[:-1]}ING"
        pipe["next"] = (f"{verb}_FAILED", fate) if fate else (pipe["DesiredState"], "USER_INITIATED")

    def CreatePipe(self, Name: str, **settings: Any) -> dict[str, Any]:
        if Name in self.pipes:
            raise refused("ConflictException", f"Pipe {Name} already exists.", 409)
        self.pipes[Name] = {"Arn": f"arn:aws:pipes:{HERE}:pipe/{Name}", "Name": Name, **settings}
        self._begin(Name, "CREATE")
        return {}

    def UpdatePipe(self, Name: str, **settings: Any) -> dict[str, Any]:
        pipe = self._pipe(Name)
        if pipe["CurrentState"].startswith("CREATE"):
            raise refused("ValidationException", "Pipe is in CREATE_FAILED state.")
        for name, own in settings["SourceParameters"].items():
            if (
                start := pipe["SourceParameters"].get(name, {}).get("StartingPosition")
                if name != "FilterCriteria"
                else None
            ):
                own["StartingPosition"] = start
        pipe |= settings
        self._begin(Name, "UPDATE")
        return {}

    def DeletePipe(self, Name: str) -> dict[str, Any]:
        self._pipe(Name)["CurrentState"] = "DELETING"
        return {}

    def DescribePipe(self, Name: str) -> dict[str, Any]:
        pipe = dict(self._pipe(Name))
        if pipe["CurrentState"] == "DELETING":
            del self.pipes[Name]
        elif after := self.pipes[Name].pop("next", None):
            self.pipes[Name]["CurrentState"], self.pipes[Name]["StateReason"] = after
        pipe.pop("next", None)
        return pipe

    def TagResource(self, resourceArn: str, tags: dict[str, str]) -> dict[str, Any]:
        pipe = self._pipe(resourceArn.rpartition("/")[2])
        pipe["Tags"] = {**pipe.get("Tags", {}), **tags}
        return {}
