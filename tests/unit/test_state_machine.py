from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from serverless_cli.aws.calls import Aws, NotYet
from serverless_cli.blueprint.parse import parse
from serverless_cli.blueprint.schema import schema
from serverless_cli.errors import AwsError, BlueprintError, Problem
from serverless_cli.fill import fill
from serverless_cli.model import Change, Late, Mark, Place, Ref, Resource, Stack
from serverless_cli.names import NameRule, arn
from serverless_cli.resources.base import Attribute, Declared, Here, Scope, Type
from serverless_cli.resources.function import FunctionType
from serverless_cli.resources.log_group import LogGroupSpec, LogGroupWeaver
from serverless_cli.resources.ownership import ForeignError
from serverless_cli.resources.queue import QueueType
from serverless_cli.resources.role import RoleSpec, RoleWeaver
from serverless_cli.resources.state_machine import StateMachineKind, StateMachineSpec, StateMachineType
from serverless_cli.resources.table import TableType
from serverless_cli.resources.topic import TopicType

PLACE = Place("bank", "dev", "eu-central-1", "123456789012")
ROLE = "arn:aws:iam::123456789012:role/slx/eu-central-1/bank/dev/bank-dev-flow-bfec39"
MACHINE = "arn:aws:states:eu-central-1:123456789012:stateMachine:bank-dev-flow"
HERE = "eu-central-1:123456789012"

STEPS = """
StartAt: validate
States:
  validate:
    Type: Task
    Resource: arn:aws:states:::lambda:invoke
    Parameters: {FunctionName: "${validate.arn}", "Payload.$": $}
    OutputPath: $.Payload
    Next: decide
  decide:
    Type: Choice
    Choices: [{Variable: $.valid, BooleanEquals: true, Next: approve}]
    Default: reject
  approve: {Type: Task, Resource: "${approve.arn}", Next: save}
  save:
    Type: Task
    Resource: arn:aws:states:::dynamodb:putItem
    Parameters: {TableName: "${deposits.name}", Item: {id: {"S.$": $.id}}}
    ResultPath: null
    Next: tell
  tell:
    Type: Task
    Resource: arn:aws:states:::sns:publish
    Parameters: {TopicArn: "${news.arn}", "Message.$": $.id}
    End: true
  reject: {Type: Task, Resource: "${reject.arn}", End: true}
"""
BANK = """
  validate: {type: function, code: fn}
  approve: {type: function, code: fn}
  reject: {type: function, code: fn}
  deposits: {type: table, key: id}
  news: {type: topic}
  jobs: {type: queue}
"""


def read(home: Path, flow: str, others: str = BANK, *more: Type[Any]) -> Stack:
    (home / "fn").mkdir(exist_ok=True)
    (home / "fn" / "app.py").write_text("def handler(event, context):\n    return event\n")
    text = f"name: bank\nresources:\n  flow:\n{textwrap.indent(textwrap.dedent(flow), '    ')}{others}"
    (home / "blueprint.yaml").write_text(text)
    every = (FunctionType(), TableType(), TopicType(), QueueType(), StateMachineType(), *more)
    types = {one.type_name: one for one in every}
    weavers = {one.takes: one for one in (RoleWeaver(), LogGroupWeaver())}
    return parse(home / "blueprint.yaml", place=lambda _: PLACE, types=types, weavers=weavers)


def refused(home: Path, flow: str) -> tuple[Problem, ...]:
    with pytest.raises(BlueprintError) as caught:
        read(home, flow)
    return caught.value.problems


def spec(stack: Stack) -> StateMachineSpec:
    found = stack.resources[Ref("state-machine", "flow")].spec
    assert isinstance(found, StateMachineSpec)
    return found


def role(stack: Stack) -> RoleSpec:
    found = stack.resources[Ref("role", "flow")].spec
    assert isinstance(found, RoleSpec)
    return found


def inline(steps: str = STEPS) -> str:
    return "type: state-machine\ndefinition:\n" + textwrap.indent(textwrap.dedent(steps), "  ")


def one(state: str) -> str:
    return inline(f"StartAt: a\nStates:\n  a: {state}\n")


def test_a_bank_s_machine_may_do_just_what_its_states_do(tmp_path: Path):
    statements = role(read(tmp_path, inline())).statements

    assert {(one.actions, one.resources, one.reason) for one in statements} == {
        (
            ("lambda:InvokeFunction",),
            tuple(f"arn:aws:lambda:{HERE}:function:bank-dev-{name}" for name in ("approve", "reject", "validate")),
            "; ".join(f"state {name} calls lambda:invoke" for name in ("approve", "reject", "validate")),
        ),
        (
            ("dynamodb:PutItem",),
            (f"arn:aws:dynamodb:{HERE}:table/bank-dev-deposits",),
            "state save calls dynamodb:putItem",
        ),
        (("sns:Publish",), (f"arn:aws:sns:{HERE}:bank-dev-news",), "state tell calls sns:publish"),
    }
    assert role(read(tmp_path, inline())).trust == ("states.amazonaws.com",)


def test_a_machine_needs_its_role_and_nothing_that_it_only_names(tmp_path: Path):
    assert read(tmp_path, inline()).resources[Ref("state-machine", "flow")].needs == {Ref("role", "flow")}


@pytest.mark.parametrize(("name", "write"), [("steps.yaml", STEPS), ("steps.asl.json", None)], ids=["YAML", "JSON"])
def test_a_definition_in_a_file_is_the_same_as_inline(tmp_path: Path, name: str, write: str | None):
    (tmp_path / name).write_text(write or json.dumps(yaml.safe_load(STEPS), indent="\t"))

    assert spec(read(tmp_path, f"type: state-machine\ndefinition: {name}\n")) == spec(read(tmp_path, inline()))


def test_the_definition_is_canonical_json(tmp_path: Path):
    definition = spec(read(tmp_path, one("{Type: Wait, Seconds: 10, End: true}"))).definition

    assert definition == '{"StartAt":"a","States":{"a":{"End":true,"Seconds":10,"Type":"Wait"}}}'


def test_a_queue_s_url_is_filled_in_once_it_is_known(tmp_path: Path):
    state = '{Type: Task, Resource: "arn:aws:states:::sqs:sendMessage", Parameters: {QueueUrl: "${jobs.url}", MessageBody: x}, End: true}'

    stack = read(tmp_path, one(state))

    assert isinstance(spec(stack).definition, Late)
    assert Ref("queue", "jobs") in stack.resources[Ref("state-machine", "flow")].needs
    assert role(stack).statements[0].resources == (f"arn:aws:sqs:{HERE}:bank-dev-jobs",)
    url = "https://sqs.eu-central-1.amazonaws.com/123456789012/bank-dev-jobs"
    filled = json.loads(fill(spec(stack), {Ref("queue", "jobs"): {"url": url}}).definition)
    assert filled["States"]["a"]["Parameters"]["QueueUrl"] == url


class GatewayType(Type[Any]):
    """Something whose id AWS hands out."""

    type_name = "gateway"
    doc = "A gateway."
    keys = QueueType.keys
    name_rule = NameRule(64, ".*")
    attributes = {"id": Attribute("Its id."), "arn": Attribute("Its ARN.", lambda place, name: arn(place, "x", name))}  # noqa: RUF012

    def expand(self, it: Declared[Any], scope: Scope) -> Iterator[Resource]:
        yield Resource(Ref("gateway", it.id), it.name, LogGroupSpec(None))


def test_a_permission_on_what_aws_hands_out_waits_for_it(tmp_path: Path):
    state = """{Type: Task, Resource: "arn:aws:states:::apigateway:invoke", End: true, Parameters: {Method: GET,
      ApiEndpoint: "${gate.id}.execute-api.eu-central-1.amazonaws.com", Path: /x, AuthType: IAM_ROLE}}"""

    stack = read(tmp_path, one(state), "\n  gate: {type: gateway}\n", GatewayType())

    (statement,) = role(stack).statements
    assert isinstance(statement.resources[0], Late)
    assert Ref("gateway", "gate") in stack.resources[Ref("role", "flow")].needs
    known = fill(statement, {Ref("gateway", "gate"): {"id": "abc"}})
    assert known.resources == (f"arn:aws:execute-api:{HERE}:abc/$default/GET/x",)


def test_logging_takes_a_group_and_the_actions_that_know_no_arns(tmp_path: Path):
    stack = read(tmp_path, "logging: {level: all, include_data: true, retention_days: 30}\n" + one("{Type: Succeed}"))

    group = stack.resources[Ref("log-group", "flow")]
    assert (group.name, group.spec) == ("/aws/vendedlogs/states/bank-dev-flow", LogGroupSpec(30))
    assert (spec(stack).level, spec(stack).include_data) == ("all", True)
    assert spec(stack).log_group == f"arn:aws:logs:{HERE}:log-group:/aws/vendedlogs/states/bank-dev-flow:*"
    assert Ref("log-group", "flow") in stack.resources[Ref("state-machine", "flow")].needs
    (statement,) = role(stack).statements
    assert statement.resources == ("*",)
    assert all("LogDeliver" in one or "Polic" in one or "LogGroups" in one for one in statement.actions)


def test_the_short_form_of_logging_is_its_level(tmp_path: Path):
    assert spec(read(tmp_path, "logging: fatal\n" + one("{Type: Succeed}"))).level == "fatal"


def test_a_quiet_machine_has_neither_group_nor_stars(tmp_path: Path):
    stack = read(tmp_path, one("{Type: Succeed}"))

    assert Ref("log-group", "flow") not in stack.resources
    assert (spec(stack).log_group, role(stack).statements) == ("", ())


def test_tracing_takes_the_actions_of_x_ray(tmp_path: Path):
    stack = read(tmp_path, "tracing: true\n" + one("{Type: Succeed}"))

    assert spec(stack).tracing
    assert {action.partition(":")[0] for action in role(stack).statements[0].actions} == {"xray"}


DYNAMIC = '{Type: Task, Resource: "arn:aws:states:::lambda:invoke", Parameters: {"FunctionName.$": $.fn}, End: true}'


def test_a_name_that_is_known_only_when_it_runs_wants_a_word_of_the_user(tmp_path: Path):
    (problem,) = refused(tmp_path, one(DYNAMIC))

    assert problem.what == "what `lambda:invoke` in state a works on cannot be told"
    assert "lambda:InvokeFunction" in problem.hint
    assert problem.where is not None
    assert problem.where.text[problem.where.column - 1 :].startswith('"FunctionName.$"')


def test_access_is_such_a_word(tmp_path: Path):
    stack = read(tmp_path, "access: {validate: invoke, approve: invoke}\n" + one(DYNAMIC))

    [one_for_both] = role(stack).statements
    assert [resource.rpartition("-")[2] for resource in one_for_both.resources] == ["approve", "validate"]


def test_statements_are_such_a_word(tmp_path: Path):
    extra = 'statements: [{actions: ["lambda:Invoke*"], resources: ["${validate.arn}"]}]\n'

    (statement,) = role(read(tmp_path, extra + one(DYNAMIC))).statements

    assert (statement.actions, statement.reason) == (("lambda:Invoke*",), "statement of flow")


UNKNOWN = (
    '{Type: Task, Resource: "arn:aws:states:::aws-sdk:bedrockruntime:invokeModel", Parameters: {ModelId: m}, End: true}'
)


def test_a_service_that_slx_does_not_know_is_allowed_widely_and_told_of(tmp_path: Path):
    stack = read(tmp_path, one(UNKNOWN))

    assert [(s.actions, s.resources) for s in role(stack).statements] == [(("bedrock:InvokeModel",), ("*",))]
    assert [warning.what for warning in stack.warnings] == ["state a may bedrock:InvokeModel on everything"]


def test_statements_narrow_a_service_that_slx_does_not_know(tmp_path: Path):
    extra = 'statements: [{actions: ["bedrock:InvokeModel"], resources: ["arn:aws:bedrock:::m"]}]\n'

    stack = read(tmp_path, extra + one(UNKNOWN))

    assert [(s.actions, s.resources) for s in role(stack).statements] == [
        (("bedrock:InvokeModel",), ("arn:aws:bedrock:::m",))
    ]
    assert stack.warnings == ()


@pytest.mark.parametrize(
    ("access", "what"),
    [
        ("{nobody: invoke}", "`access` names nobody, which is no resource"),
        ("{deposits: invoke}", "`invoke` is nothing that deposits can grant"),
    ],
)
def test_access_that_cannot_be_given(tmp_path: Path, access: str, what: str):
    assert what in [problem.what for problem in refused(tmp_path, f"access: {access}\n" + one("{Type: Succeed}"))]


@pytest.mark.parametrize("way", [".sync", ".waitForTaskToken"])
def test_an_express_machine_cannot_wait(tmp_path: Path, way: str):
    state = f'{{Type: Task, Resource: "arn:aws:states:::states:startExecution{way}", Parameters: {{StateMachineArn: m}}, End: true}}'

    (problem,) = refused(tmp_path, "mode: express\n" + one(state))

    assert problem.what == f"{way} in an express machine"
    assert (problem.where.line, problem.where.column) == (9, 25)  # type: ignore[union-attr]


def places(problems: tuple[Problem, ...]) -> list[tuple[str, int, int, str]]:
    wheres = [(problem.where, problem.what) for problem in problems]
    return [(Path(where.file).name, where.line, where.column, what) for where, what in wheres if where]


def test_what_is_wrong_in_a_file_is_shown_in_that_file(tmp_path: Path):
    (tmp_path / "steps.json").write_text(
        '{\n\t"StartAt": "A",\n\t"States": {\n\t\t"A": {"Type": "Wait", "Seconds": -1, "Next": "C"}\n\t}\n}\n'
    )

    found = places(refused(tmp_path, "type: state-machine\ndefinition: steps.json\n"))

    assert found == [
        ("steps.json", 4, 25, "`Seconds` cannot be -1"),
        ("steps.json", 4, 40, "there is no state `C` here"),
    ]


@pytest.mark.parametrize(
    ("name", "content", "place"),
    [
        ("gone.yaml", None, ("blueprint.yaml", 5, 17, "`definition` cannot be `gone.yaml`")),
        ("empty.yaml", "", ("empty.yaml", 1, 1, "the file is empty")),
        ("list.yaml", "[1]", ("list.yaml", 1, 1, "the file is a list")),
        ("twice.json", '{"StartAt": "a",\n "StartAt": "b"}', ("twice.json", 2, 2, "the key `StartAt` twice")),
        ("open.json", '{"StartAt": "a"', ("open.json", 1, 1, "the YAML breaks off")),
        ("typo.yaml", "StartAt: a\nStates: {a: {Type: Pass, Result: '${nobody.arn}', End: true}}",
         ("typo.yaml", 2, 35, "unknown reference `${nobody.arn}`")),
    ],
)  # fmt: skip
def test_files_that_cannot_be_read(tmp_path: Path, name: str, content: str | None, place: tuple[str, int, int, str]):
    if content is not None:
        (tmp_path / name).write_text(content)

    (found,) = places(refused(tmp_path, f"type: state-machine\ndefinition: {name}\n"))

    assert found[:3] == place[:3]
    assert found[3].startswith(place[3])


@pytest.mark.parametrize("value", ["[1]", "", "../steps.yaml", "/etc/passwd"])
def test_definitions_of_another_form(tmp_path: Path, value: str):
    (problem,) = refused(tmp_path, f"type: state-machine\ndefinition: {value}\n")

    assert "`definition`" in problem.what


def test_several_mistakes_are_told_at_once(tmp_path: Path):
    found = refused(tmp_path, inline("StartAt: b\nStates:\n  a: {Type: Pas}\n  c: {Type: Wait, End: true}\n"))

    assert [problem.where.line for problem in found if problem.where] == [6, 8, 9]


def test_a_secret_has_no_place_in_a_definition(tmp_path: Path):
    text = """\
        name: bank
        parameters: {key: {secret: true}}
        resources:
          flow:
            type: state-machine
            definition: {StartAt: a, States: {a: {Type: Pass, Result: "${param.key}", End: true}}}
        """
    (tmp_path / "b.yaml").write_text(textwrap.dedent(text))

    with pytest.raises(BlueprintError) as caught:
        parse(
            tmp_path / "b.yaml",
            place=lambda _: PLACE,
            types={"state-machine": StateMachineType()},
            weavers={},
            parameters={"key": "hunter2"},
        )

    assert [problem.what for problem in caught.value.problems] == ["a secret has no place in `definition`"]


def test_editors_know_both_forms_of_a_definition():
    keys = schema({"state-machine": StateMachineType()})["definitions"]["type-state-machine"]["else"]["properties"]

    assert keys["definition"]["type"] == ["string", "object"]


def test_grants():
    grants = StateMachineType.grants

    assert grants["start"](MACHINE)[0].actions == ("states:StartExecution",)
    assert grants["start-sync"](MACHINE)[0].actions == ("states:StartSyncExecution",)


# The kind: what moto does not do. The rest is in tests/conformance.


class FakeStates:
    """Step Functions with one machine, whose deletion waits for its executions."""

    region = "eu-central-1"

    def __init__(self, machine: dict[str, Any] | None = None, *, running: int = 0, starts_late: int = 0) -> None:
        self.machine = machine
        self.tags: list[dict[str, str]] = []
        self.running = [f"e{number}" for number in range(running)]
        self.starts_late = starts_late
        self.answers: dict[str, Any] = {}
        self.calls: list[str] = []

    def call(self, operation: str, /, *, passing: object = (), once: bool = False, **parameters: Any) -> dict[str, Any]:
        self.calls.append(operation.partition(".")[2])
        answer = self.answers.get(operation, {})
        if isinstance(answer, AwsError):
            raise answer
        return answer if isinstance(answer, dict) else answer(**parameters)

    def find(self, operation: str, /, **parameters: Any) -> dict[str, Any] | None:
        if operation.endswith("ListTagsForResource"):
            return {"tags": self.tags} if self.machine else None
        if self.machine and self.machine["status"] == "DELETING" and not self.running and not self.starts_late:
            self.machine = None
        return self.machine

    def remove(self, operation: str, /, *, passing: object = (), **parameters: Any) -> bool:
        self.calls.append(operation.partition(".")[2])
        if operation.endswith("StopExecution"):
            self.running.remove(parameters["executionArn"])
        else:
            assert self.machine
            self.machine["status"] = "DELETING"
            self.running += [f"late{number}" for number in range(self.starts_late)]
            self.starts_late = 0
        return True

    def pages(self, operation: str, /, *keys: str, **parameters: Any) -> Iterator[Any]:
        self.calls.append(operation.partition(".")[2])
        if keys == ("stateMachines",):
            return iter([{"name": self.machine["name"], "stateMachineArn": MACHINE}] if self.machine else [])
        return iter([{"executionArn": one} for one in self.running])

    def wait(self, what: str, ask: Callable[[], Any], *, deadline_s: float) -> Any:
        for _ in range(10):
            try:
                return ask()
            except NotYet:
                continue
        raise AssertionError(f"never: {what}")

    def map(self, work: Callable[[Any], Any], items: Any) -> list[Any]:
        return [work(item) for item in items]

    def reading(self) -> Aws:
        return self


SPEC = StateMachineSpec(ROLE, "standard", '{"StartAt":"a","States":{"a":{"Type":"Succeed"}}}')


def here(wish: StateMachineSpec | None = SPEC, *, expected: bool = False) -> Here:
    return Here(Ref("state-machine", "flow"), "bank-dev-flow", PLACE, wish=wish, expected=expected)


def existing(status: str = "ACTIVE", **settings: Any) -> dict[str, Any]:
    return {"stateMachineArn": MACHINE, "name": "bank-dev-flow", "status": status, "type": "STANDARD", "roleArn": ROLE,
            "definition": SPEC.definition, **settings}  # fmt: skip


def test_white_space_and_order_in_a_definition_are_no_drift():
    aws = FakeStates(existing(definition='{"States": {"a": {"Type": "Succeed"}},\n "StartAt": "a"}'))

    assert StateMachineKind().read(aws, here()).spec == SPEC  # type: ignore[union-attr]


def test_a_definition_that_is_no_json_is_drift():
    found = StateMachineKind().read(FakeStates(existing(definition="{")), here())

    assert found is not None
    assert found.spec != SPEC


def test_a_target_that_tells_nothing_of_tracing_is_taken_at_the_wish():
    traced = StateMachineSpec(SPEC.role, SPEC.mode, SPEC.definition, tracing=True)

    assert StateMachineKind().read(FakeStates(existing()), here(traced)).spec == traced  # type: ignore[union-attr]
    off = existing(tracingConfiguration={"enabled": False})
    assert StateMachineKind().read(FakeStates(off), here(traced)).spec == SPEC  # type: ignore[union-attr]


def test_one_that_is_being_deleted_is_gone():
    aws = FakeStates(existing("DELETING"), running=1)
    aws.tags = [{"key": key, "value": value} for key, value in here().mark.tags.items()]

    assert StateMachineKind().read(aws, here()) is None
    assert list(StateMachineKind().search(aws, PLACE)) == []


def test_what_runs_is_stopped_before_and_while_it_is_deleted():
    aws = FakeStates(existing(), running=2, starts_late=1)

    StateMachineKind().delete(aws, here())

    assert aws.machine is None
    changes = [call for call in aws.calls if not call.startswith("List")]
    assert changes == ["StopExecution", "StopExecution", "DeleteStateMachine", "StopExecution"]


def test_executions_of_an_express_machine_cannot_be_listed():
    aws = FakeStates(existing(type="EXPRESS"))

    StateMachineKind().delete(aws, here())

    assert aws.calls == ["DeleteStateMachine"]


def test_deleting_what_is_gone_calls_nothing():
    aws = FakeStates()

    StateMachineKind().delete(aws, here())

    assert aws.calls == []


def test_an_equal_one_of_somebody_else_is_never_taken_for_ours():
    with pytest.raises(ForeignError):
        StateMachineKind().create(FakeStates(existing()), here(), SPEC)


def test_one_that_came_in_between_is_looked_at():
    aws = FakeStates()

    def taken(**parameters: Any) -> dict[str, Any]:
        aws.machine = existing(roleArn="arn:other")
        aws.tags = [{"key": key, "value": value} for key, value in here().mark.tags.items()]
        raise AwsError("stepfunctions.CreateStateMachine", "StateMachineAlreadyExists", "State Machine Already Exists")

    aws.answers["stepfunctions.CreateStateMachine"] = taken

    assert StateMachineKind().create(aws, here(), SPEC) == {"arn": MACHINE}
    assert aws.calls == ["CreateStateMachine", "UpdateStateMachine"]


def test_an_update_sends_only_what_changes():
    aws = FakeStates(existing())
    sent: list[dict[str, Any]] = []
    aws.answers["stepfunctions.UpdateStateMachine"] = lambda **parameters: sent.append(parameters) or {}

    StateMachineKind().update(
        aws, here(), SPEC, (Change(("role",), "x", ROLE), Change(("mark",), None, Mark("", "", "", "")))
    )

    assert sent == [{"stateMachineArn": MACHINE, "roleArn": ROLE}]
    assert aws.calls == ["TagResource", "UpdateStateMachine"]


def test_aws_s_own_validation_is_asked_first():
    aws = FakeStates()
    aws.answers["stepfunctions.ValidateStateMachineDefinition"] = {
        "result": "FAIL",
        "diagnostics": [{"severity": "ERROR", "code": "X", "message": "no good", "location": "/States/a"}],
    }

    (problem,) = StateMachineKind().preflight(aws, here(), SPEC)

    assert (problem.what, problem.why) == ("AWS refuses the definition of flow at /States/a", "no good (X)")


@pytest.mark.parametrize(
    "answer", [{"result": "OK", "diagnostics": []}, {}, AwsError("x.Y", "UnknownOperationException", "what?")]
)
def test_a_target_without_that_validation_is_no_problem(answer: Any):
    aws = FakeStates()
    aws.answers["stepfunctions.ValidateStateMachineDefinition"] = answer

    assert list(StateMachineKind().preflight(aws, here(), SPEC)) == []
