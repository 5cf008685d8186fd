"""Step Functions state machines, with the role that they run under and the log group that they write to.

AWS facts (Step Functions developer guide and API reference; the tools that code against them):
- CreateStateMachine answers 200 where an equal one exists, whoever made it, and applies neither role nor tags then:
  so it looks first. White space in the definition counts, so that definitions are sent in canonical form.
- Name and type cannot be changed. UpdateStateMachine is a patch; running executions keep the old definition.
- DeleteStateMachine is asynchronous: the machine is DELETING, and its name taken, until all executions have ended.
- Executions of express machines cannot be listed or stopped; they end within five minutes.
- The log group's ARN must end in `:*`. Delivery of logs takes actions that know no ARNs, and so does X-Ray. Groups
  below /aws/vendedlogs/ need no entry of their own in the region's resource policy, whose size is limited.
- CloudWatch takes only letters, digits, - and _ in a machine's name.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from typing import Annotated, Any, ClassVar, Literal

from serverless_cli import asl
from serverless_cli.aws.calls import Aws, NotYet
from serverless_cli.errors import Problem, SlxError
from serverless_cli.keys import Doc, Document, LateOk, OneOf
from serverless_cli.model import (
    Change,
    Found,
    Mark,
    Observed,
    Outputs,
    Place,
    Ref,
    Resource,
    Verb,
)
from serverless_cli.names import NameRule, arn, role_arn, role_name
from serverless_cli.records import dataclass
from serverless_cli.resources import access
from serverless_cli.resources import state_machine_form as form
from serverless_cli.resources import state_machine_rights as rights
from serverless_cli.resources.base import Attribute, Declared, Here, Kind, Scope, Type, marked, together
from serverless_cli.resources.ownership import attempt, belongs, claim
from serverless_cli.resources.state_machine_form import StateMachineSpec
from serverless_cli.wiring import RETENTION_DAYS, Logs, Runs, Statement, Wiring

GONE_S = 330.0
"""an express execution may go on for five minutes"""

Level = Literal["off", "error", "fatal", "all"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggingKeys:
    """What is logged, in full form."""

    level: Annotated[Level, Doc("Which events: `all`, those of an `error`, only `fatal` ones, or `off`.")] = "error"
    include_data: Annotated[bool, Doc("Whether inputs and outputs of states are logged too.")] = False
    retention_days: Annotated[
        int | None, Doc("Days that logs are kept; null keeps them for ever."), OneOf(RETENTION_DAYS)
    ] = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class StateMachineKeys:
    """Steps that call functions and services, with conditions, retries and branches between them."""

    definition: Annotated[
        Document, Doc("The steps in the Amazon States Language: here, or the name of a YAML or JSON file."), LateOk()
    ]
    mode: Annotated[
        Literal["standard", "express"],
        Doc("`standard` runs up to a year, each step once; `express` up to five minutes, and can answer a request."),
    ] = "standard"
    logging: Annotated[Level | LoggingKeys, Doc("What goes into its log group.")] = "off"
    tracing: Annotated[bool, Doc("Whether X-Ray sees its executions.")] = False
    access: Annotated[
        Mapping[str, str | Mapping[str, str]],
        Doc("What it may do with other resources, where its definition does not tell: `{worker: invoke}`."),
    ] = field(default_factory=dict)
    statements: Annotated[tuple[rights.MayKeys, ...], Doc("What it may do beside what its definition tells.")] = ()


def machine_arn(place: Place, name: str) -> str:
    return arn(place, "states", f"stateMachine:{name}")


def log_group(name: str) -> str:
    return f"/aws/vendedlogs/states/{name}"


def _start(target: str) -> tuple[Statement, ...]:
    return (Statement(("states:StartExecution",), (target,)),)


def _start_sync(target: str) -> tuple[Statement, ...]:
    return (Statement(("states:StartSyncExecution",), (target,)),)


_DELIVERS = Statement(
    (
        "logs:CreateLogDelivery", "logs:DeleteLogDelivery", "logs:DescribeLogGroups", "logs:DescribeResourcePolicies",
        "logs:GetLogDelivery", "logs:ListLogDeliveries", "logs:PutResourcePolicy", "logs:UpdateLogDelivery",
    ),
    ("*",),
    reason="delivers its log, by actions that know no ARNs",
)  # fmt: skip
_TRACES = Statement(
    (
        "xray:GetSamplingRules", "xray:GetSamplingTargets", "xray:PutTelemetryRecords", "xray:PutTraceSegments",
    ),
    ("*",),
    reason="sends its traces, by actions that know no ARNs",
)  # fmt: skip


class StateMachineType(Type[StateMachineKeys]):
    type_name = "state-machine"
    doc = "Step Functions state machine and its role."
    keys = StateMachineKeys
    name_rule = NameRule(80, r"[A-Za-z0-9_-]+", says="letters, digits, - and _")
    attributes: ClassVar[Mapping[str, Attribute]] = {
        "name": Attribute("The state machine's name.", lambda _, name: name),
        "arn": Attribute("The state machine's ARN.", machine_arn),
    }
    grants: ClassVar = {"start": _start, "start-sync": _start_sync}

    def problems(self, it: Declared[StateMachineKeys], scope: Scope) -> Iterable[Problem]:
        yield from rights.access_problems(it, scope)
        findings = asl.validate(json.loads(it.keys.definition), it.keys.mode)
        for one in findings:
            yield Problem(one.what, one.why, one.hint, it.line("definition", *one.path))
        if not findings:
            yield from rights.problems(it, scope)

    def warnings(self, it: Declared[StateMachineKeys], scope: Scope) -> Iterable[Problem]:
        return rights.warnings(it, scope)

    def expand(self, it: Declared[StateMachineKeys], scope: Scope) -> Iterable[Resource | Wiring]:
        keys, ref, place = it.keys, Ref("state-machine", it.id), scope.place
        logs = _logging(keys.logging)
        group = log_group(it.name) if logs.level != "off" else ""
        spec = StateMachineSpec(
            role_arn(place, role_name(place, it.id)),
            keys.mode,
            keys.definition,
            logs.level,
            logs.include_data and bool(group),
            arn(place, "logs", f"log-group:{group}:*") if group else "",
            keys.tracing,
        )
        needs = {Ref("role", it.id), *([Ref("log-group", it.id)] if group else [])}
        yield Resource(ref, it.name, spec, frozenset(needs), where=it.where, retain=it.retain)
        if group:
            yield Logs(it.id, ref, group, logs.retention_days, it.line("logging"))
        extra = (*([_DELIVERS] if group else []), *([_TRACES] if keys.tracing else []))
        yield Runs(it.id, ref, "states.amazonaws.com", (*rights.statements(it, scope), *extra), it.where)
        yield from access.grants(it, scope)


def _logging(keys: str | LoggingKeys) -> LoggingKeys:
    # The short form has been checked to be one of the levels.
    return LoggingKeys(level=keys) if isinstance(keys, str) else keys  # type: ignore[arg-type]


class StateMachineKind(Kind[StateMachineSpec]):
    kind = "state-machine"
    doc = "Step Functions state machine"
    spec = StateMachineSpec
    create_only = frozenset({"mode"})
    rank = 40
    permissions: ClassVar[Mapping[Verb, tuple[str, ...]]] = {
        Verb.READ: ("states:DescribeStateMachine", "states:ListTagsForResource",
                    "states:ValidateStateMachineDefinition"),
        Verb.CREATE: ("states:CreateStateMachine", "states:TagResource", "states:DescribeStateMachine",
                      "states:ListTagsForResource", "states:UpdateStateMachine", "iam:PassRole"),
        Verb.UPDATE: ("states:UpdateStateMachine", "states:TagResource", "iam:PassRole"),
        Verb.DELETE: ("states:DescribeStateMachine", "states:DeleteStateMachine", "states:ListExecutions",
                      "states:StopExecution"),
        Verb.SEARCH: ("states:ListStateMachines", "states:ListTagsForResource", "states:DescribeStateMachine"),
    }  # fmt: skip

    def read(self, aws: Aws, here: Here) -> Observed | None:
        """None also while it is being deleted: making another one waits for the end of that."""
        target = machine_arn(here.place, here.name)
        found, tags = together(
            aws,
            (
                lambda: aws.find("stepfunctions.DescribeStateMachine", stateMachineArn=target),
                lambda: aws.find("stepfunctions.ListTagsForResource", resourceArn=target),
            ),
        )
        if found is None or found.get("status") == "DELETING":
            return None
        spec = form.read_spec(found, here.wish or here.recorded)
        return Observed(spec, {"arn": found["stateMachineArn"]}, Mark.of(form.tags_of(tags)))

    def create(self, aws: Aws, here: Here, spec: StateMachineSpec) -> Outputs:
        if found := claim(here, self.read(aws, here)):
            return self._converge(aws, here, spec, found)
        made = attempt(
            aws,
            "stepfunctions.CreateStateMachine",
            "StateMachineAlreadyExists",
            name=here.name,
            type=spec.mode.upper(),
            definition=spec.definition,
            roleArn=spec.role,
            loggingConfiguration=form.log_settings(spec),
            tracingConfiguration={"enabled": spec.tracing},
            tags=form.pairs_of(here.mark),
        )
        if made is not None:
            return {"arn": made["stateMachineArn"]}
        if found := claim(here, self.read(aws, here)):
            return self._converge(aws, here, spec, found)
        raise SlxError(f"state machine {here.name} vanished while it was being made", hint="run the same command again")

    def _converge(self, aws: Aws, here: Here, spec: StateMachineSpec, found: Observed) -> Outputs:
        """Brings a state machine that an earlier attempt left to the wish."""
        changes = [
            Change((name,), getattr(found.spec, name), getattr(spec, name))
            for name in ("role", "definition", "level", "include_data", "log_group", "tracing")
            if getattr(found.spec, name) != getattr(spec, name)
        ]
        if found.mark is None:
            changes.append(Change(("mark",), None, here.mark))
        return self.update(aws, here, spec, tuple(changes))

    def update(self, aws: Aws, here: Here, spec: StateMachineSpec, changes: tuple[Change, ...]) -> Outputs:
        target, fields = machine_arn(here.place, here.name), {change.field for change in changes}
        if "mark" in fields:
            aws.call("stepfunctions.TagResource", resourceArn=target, tags=form.pairs_of(here.mark))
        settings: dict[str, Any] = {}
        if "definition" in fields:
            settings["definition"] = spec.definition
        if "role" in fields:
            settings["roleArn"] = spec.role
        if fields & {"level", "include_data", "log_group"}:
            settings["loggingConfiguration"] = form.log_settings(spec)
        if "tracing" in fields:
            settings["tracingConfiguration"] = {"enabled": spec.tracing}
        if settings:
            aws.call("stepfunctions.UpdateStateMachine", stateMachineArn=target, **settings)
        return {"arn": target}

    def delete(self, aws: Aws, here: Here) -> None:
        """Stops what runs, and deletes; again while it waits, for what began in between."""
        target = machine_arn(here.place, here.name)
        found = aws.find("stepfunctions.DescribeStateMachine", stateMachineArn=target)
        if found is None:
            return
        stoppable = found.get("type", "STANDARD") == "STANDARD"
        if stoppable:
            _stop(aws, target)
        aws.remove("stepfunctions.DeleteStateMachine", stateMachineArn=target)

        def gone() -> bool:
            left = aws.find("stepfunctions.DescribeStateMachine", stateMachineArn=target)
            if left is None:
                return True
            if stoppable:
                _stop(aws, target)
            raise NotYet(str(left.get("status")))

        aws.wait(f"state machine {here.name} to be gone", gone, deadline_s=GONE_S)

    def search(self, aws: Aws, place: Place | None) -> Iterator[Found]:
        """Those being deleted are gone already."""
        prefix = f"{place.stack}-{place.stage}-" if place else ""
        machines = aws.pages("stepfunctions.ListStateMachines", "stateMachines")
        named = ((one["name"], one["stateMachineArn"]) for one in machines if one["name"].startswith(prefix))

        def tags(one: tuple[str, str]) -> dict[str, str]:
            return form.tags_of(aws.find("stepfunctions.ListTagsForResource", resourceArn=one[1]))

        for (name, target), mark in marked(aws, named, tags):
            if mark is None or not belongs(mark, place):
                continue
            found = aws.find("stepfunctions.DescribeStateMachine", stateMachineArn=target)
            if found and found.get("status") != "DELETING":
                yield Found(Ref("state-machine", mark.id), name, mark, {"arn": target})

    def preflight(self, aws: Aws, here: Here, spec: StateMachineSpec) -> Iterable[Problem]:
        """AWS's own validation, which sees more than what can be known of the language from outside."""
        try:
            found = aws.call(
                "stepfunctions.ValidateStateMachineDefinition",
                once=True,
                definition=str(spec.definition),
                type=spec.mode.upper(),
                severity="ERROR",
            )
        except SlxError:
            return  # An emulator may lack it, or the caller the permission: then creating it will tell.
        for one in found.get("diagnostics", ()) if found.get("result") == "FAIL" else ():
            at = f" at {one['location']}" if one.get("location") else ""
            yield Problem(f"AWS refuses the definition of {here.ref.id}{at}", f"{one['message']} ({one['code']})")


def _stop(aws: Aws, target: str) -> None:
    """Stops all executions of a standard state machine."""
    running = aws.pages("stepfunctions.ListExecutions", "executions", stateMachineArn=target, statusFilter="RUNNING")
    aws.map(
        lambda one: aws.remove(
            "stepfunctions.StopExecution",
            executionArn=one["executionArn"],
            error="slx.Deleted",
            cause="the state machine is being deleted",
        ),
        list(running),
    )
