"""What AWS calls for each piece of wiring, written by hand from its guides, against what the roles allow.

Both ways: each call is allowed, and nothing is allowed that is not called. The tables below know nothing of slx's own:
they are from the guides of Lambda, Step Functions ("IAM policies for integrated services"), EventBridge ("Targets",
"Pipes permissions"), API Gateway ("AWS service integrations") and Firehose ("Controlling access"), and of what keys are
for: SQS and SNS ("Key management"), Kinesis ("Permissions to use user-generated KMS keys"), DynamoDB ("Encryption at rest
usage notes").
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from wired import ACCOUNT, NAMES, REGION, SHIPPED, STEPS, Wired, integrations, key_arn, states, wired

Pairs = set[tuple[str, str]]
"""actions, each with what it is done to"""

HERE = f"{REGION}:{ACCOUNT}"

ARNS = {
    "bucket": "arn:aws:s3:::{}", "table": f"arn:aws:dynamodb:{HERE}:table/{{}}", "queue": f"arn:aws:sqs:{HERE}:{{}}",
    "topic": f"arn:aws:sns:{HERE}:{{}}", "event-bus": f"arn:aws:events:{HERE}:event-bus/{{}}",
    "stream": f"arn:aws:kinesis:{HERE}:stream/{{}}", "delivery-stream": f"arn:aws:firehose:{HERE}:deliverystream/{{}}",
    "function": f"arn:aws:lambda:{HERE}:function:{{}}", "state-machine": f"arn:aws:states:{HERE}:stateMachine:{{}}",
}  # fmt: skip

READS_TABLE = ("BatchGetItem", "ConditionCheckItem", "DescribeTable", "GetItem", "Query", "Scan")
READS_STREAM = ("DescribeStream", "DescribeStreamSummary", "GetRecords", "GetShardIterator", "ListShards")
POLLS_QUEUE = ("DeleteMessage", "GetQueueAttributes", "ReceiveMessage")
POLLS_TABLE = ("DescribeStream", "GetRecords", "GetShardIterator")


def on(resource: str, service: str, *actions: str) -> Pairs:
    return {(f"{service}:{action}", resource) for action in actions}


def _read_table(arn: str) -> Pairs:
    return on(arn, "dynamodb", *READS_TABLE) | on(f"{arn}/index/*", "dynamodb", "Query", "Scan")


def _write_table(arn: str) -> Pairs:
    return on(arn, "dynamodb", "BatchWriteItem", "DeleteItem", "PutItem", "UpdateItem")


def _get_bucket(arn: str, prefix: str = "") -> Pairs:
    return on(f"{arn}/{prefix}*", "s3", "GetObject")


def _read_bucket(arn: str, prefix: str = "") -> Pairs:
    return _get_bucket(arn, prefix) | on(arn, "s3", "ListBucket")


def _write_bucket(arn: str, prefix: str = "") -> Pairs:
    return on(f"{arn}/{prefix}*", "s3", "DeleteObject", "PutObject")


ACCESS: dict[tuple[str, str], Callable[[str], Pairs]] = {
    ("table", "read"): _read_table,
    ("table", "write"): _write_table,
    ("table", "read-write"): lambda arn: _read_table(arn) | _write_table(arn),
    ("bucket", "get"): _get_bucket,
    ("bucket", "read"): _read_bucket,
    ("bucket", "write"): _write_bucket,
    ("bucket", "read-write"): lambda arn: _read_bucket(arn) | _write_bucket(arn),
    ("queue", "send"): lambda arn: on(arn, "sqs", "SendMessage"),
    ("queue", "read"): lambda arn: on(arn, "sqs", "ChangeMessageVisibility", *POLLS_QUEUE),
    ("topic", "send"): lambda arn: on(arn, "sns", "Publish"),
    ("event-bus", "send"): lambda arn: on(arn, "events", "PutEvents"),
    ("stream", "send"): lambda arn: on(arn, "kinesis", "PutRecord", "PutRecords"),
    ("stream", "read"): lambda arn: on(arn, "kinesis", *READS_STREAM),
    ("delivery-stream", "send"): lambda arn: on(arn, "firehose", "PutRecord", "PutRecordBatch"),
    ("function", "invoke"): lambda arn: on(arn, "lambda", "InvokeFunction"),
    ("state-machine", "start"): lambda arn: on(arn, "states", "StartExecution"),
    ("state-machine", "start-sync"): lambda arn: on(arn, "states", "StartSyncExecution"),
}
"""type and verb of `access:` -> what a function or machine may do"""

POLLS: dict[str, Callable[[str], Pairs]] = {
    "queue": lambda arn: on(arn, "sqs", *POLLS_QUEUE),
    # One can list the streams of all tables or of none.
    "table": lambda arn: on(f"{arn}/stream/*", "dynamodb", *POLLS_TABLE) | on("*", "dynamodb", "ListStreams"),
    "stream": lambda arn: on(arn, "kinesis", *READS_STREAM),
}
"""what Lambda and pipes call to read a source"""

EVENTS: dict[str, Callable[[str], Pairs]] = {
    "function": lambda arn: on(arn, "lambda", "InvokeFunction"),
    "queue": lambda arn: on(arn, "sqs", "SendMessage"),
    "topic": lambda arn: on(arn, "sns", "Publish"),
    "event-bus": lambda arn: on(arn, "events", "PutEvents"),
    "stream": lambda arn: on(arn, "kinesis", "PutRecord", "PutRecords"),
    "delivery-stream": lambda arn: on(arn, "firehose", "PutRecord", "PutRecordBatch"),
    "state-machine": lambda arn: on(arn, "states", "StartExecution"),
}
"""what EventBridge's rules and pipes, and Lambda's destinations, call on a target"""

LET_IN = {"function", "queue", "topic"}
"""the targets of rules that decide by a policy of their own; all others are called under the rule's role"""

ROUTES: dict[str, Callable[[str], Pairs]] = {
    "queue": lambda arn: on(arn, "sqs", "SendMessage"),
    "event-bus": lambda arn: on(arn, "events", "PutEvents"),
    "stream": lambda arn: on(arn, "kinesis", "PutRecord"),
    "state-machine": lambda arn: on(arn, "states", "StartExecution"),
}
"""what API Gateway calls for a route: one API, that of the integration"""

ON_KEYS: dict[str, tuple[str, ...]] = {
    "sqs:SendMessage": ("Decrypt", "GenerateDataKey"),
    "sns:Publish": ("Decrypt", "GenerateDataKey"),
    "kinesis:PutRecord": ("GenerateDataKey",),
    "kinesis:PutRecords": ("GenerateDataKey",),
    "sqs:ReceiveMessage": ("Decrypt",),
    "kinesis:GetRecords": ("Decrypt",),
    **{f"dynamodb:{action}": ("Decrypt",) for action in (
        "GetRecords", "BatchGetItem", "BatchWriteItem", "ConditionCheckItem", "DeleteItem", "GetItem", "PutItem", "Query",
        "Scan", "UpdateItem",
    )},
}  # fmt: skip
"""what services do in their caller's name to the key that a queue, topic, stream or table is encrypted with"""

LOG_DELIVERY = on(
    "*", "logs", "CreateLogDelivery", "DeleteLogDelivery", "DescribeLogGroups", "DescribeResourcePolicies",
    "GetLogDelivery", "ListLogDeliveries", "PutResourcePolicy", "UpdateLogDelivery",
)  # fmt: skip
TRACING = on("*", "xray", "GetSamplingRules", "GetSamplingTargets", "PutTelemetryRecords", "PutTraceSegments")

Parameters = dict[str, Any]


def _table(parameters: Parameters, key: str = "TableName") -> str:
    name = str(parameters[key])
    return name if name.startswith("arn:") else ARNS["table"].format(name)


def _queue(parameters: Parameters) -> str:
    return ARNS["queue"].format(parameters["QueueUrl"].rpartition("/")[2])


def _function(parameters: Parameters) -> str:
    name, version = parameters["FunctionName"], parameters.get("Qualifier")
    arn = name if name.startswith("arn:") else ARNS["function"].format(name)
    return f"{arn}:{version}" if version else arn


def _transaction(parameters: Parameters) -> Pairs:
    parts = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem"}
    found = [(parts[name], _table(part)) for item in parameters["TransactItems"] for name, part in item.items()]
    return {(f"dynamodb:{action}", table) for action, table in found}


def _key(parameters: Parameters) -> str:
    return str(parameters.get("Key", "*"))


def _object(parameters: Parameters) -> str:
    return f"arn:aws:s3:::{parameters['Bucket']}/{_key(parameters)}"


def _call(parameters: Parameters) -> str:
    api = parameters["ApiEndpoint"].partition(".")[0]
    return f"arn:aws:execute-api:{HERE}:{api}/{parameters['Stage']}/{parameters['Method']}{parameters['Path']}"


def _watch(machine: str) -> Pairs:
    """To wait for an execution, Step Functions is told by a rule, and asks."""
    rule = f"arn:aws:events:{HERE}:rule/StepFunctionsGetEventsForStepFunctionsExecutionRule"
    executions = machine.replace("stateMachine", "execution") + ":*"
    return on(rule, "events", "DescribeRule", "PutRule", "PutTargets") | on(
        executions, "states", "DescribeExecution", "StopExecution"
    )


TASKS: dict[str, Callable[[Parameters], Pairs]] = {
    "lambda:invoke": lambda it: on(_function(it), "lambda", "InvokeFunction"),
    "dynamodb:getItem": lambda it: on(_table(it), "dynamodb", "GetItem"),
    "dynamodb:putItem": lambda it: on(_table(it), "dynamodb", "PutItem"),
    "dynamodb:updateItem": lambda it: on(_table(it), "dynamodb", "UpdateItem"),
    "dynamodb:deleteItem": lambda it: on(_table(it), "dynamodb", "DeleteItem"),
    "aws-sdk:dynamodb:query": lambda it: on(
        _table(it) + (f"/index/{it['IndexName']}" if "IndexName" in it else ""), "dynamodb", "Query"
    ),
    "aws-sdk:dynamodb:batchWriteItem": lambda it: {
        ("dynamodb:BatchWriteItem", ARNS["table"].format(name)) for name in it["RequestItems"]
    },
    "aws-sdk:dynamodb:transactWriteItems": _transaction,
    "sqs:sendMessage": lambda it: on(_queue(it), "sqs", "SendMessage"),
    "aws-sdk:sqs:receiveMessage": lambda it: on(_queue(it), "sqs", "ReceiveMessage"),
    "sns:publish": lambda it: on(it.get("TopicArn", "*"), "sns", "Publish"),
    "events:putEvents": lambda it: {
        ("events:PutEvents", ARNS["event-bus"].format(one.get("EventBusName", "default"))) for one in it["Entries"]
    },
    "states:startExecution": lambda it: on(it["StateMachineArn"], "states", "StartExecution"),
    "states:startExecution.sync:2": lambda it: (
        on(it["StateMachineArn"], "states", "StartExecution") | _watch(it["StateMachineArn"])
    ),
    "aws-sdk:sfn:startSyncExecution": lambda it: on(it["StateMachineArn"], "states", "StartSyncExecution"),
    "aws-sdk:kinesis:putRecord": lambda it: on(ARNS["stream"].format(it["StreamName"]), "kinesis", "PutRecord"),
    "aws-sdk:firehose:putRecord": lambda it: on(
        ARNS["delivery-stream"].format(it["DeliveryStreamName"]), "firehose", "PutRecord"
    ),
    "aws-sdk:s3:getObject": lambda it: on(_object(it), "s3", "GetObject"),
    "aws-sdk:s3:putObject": lambda it: on(_object(it), "s3", "PutObject"),
    "aws-sdk:s3:listObjectsV2": lambda it: on(f"arn:aws:s3:::{it['Bucket']}", "s3", "ListBucket"),
    "aws-sdk:s3:copyObject": lambda it: (
        on(_object(it), "s3", "PutObject") | on(f"arn:aws:s3:::{it['CopySource']}", "s3", "GetObject")
    ),
    # Secrets Manager appends six characters to a secret's name.
    "aws-sdk:secretsmanager:getSecretValue": lambda it: on(
        f"arn:aws:secretsmanager:{HERE}:secret:{it['SecretId']}-??????", "secretsmanager", "GetSecretValue"
    ),
    "aws-sdk:ssm:getParameter": lambda it: on(f"arn:aws:ssm:{HERE}:parameter{it['Name']}", "ssm", "GetParameter"),
    "apigateway:invoke": lambda it: on(_call(it), "execute-api", "Invoke"),
}
"""what a task calls, by what follows `arn:aws:states:::` in its Resource"""


class Expected:
    """What each role of a blueprint must allow, from the blueprint's text."""

    def __init__(self, stack: Wired) -> None:
        self.stack = stack

    def arn(self, id: str) -> str:
        if id == "default":
            return ARNS["event-bus"].format("default")
        return ARNS[self.type(id)].format(self.stack.name(id))

    def type(self, id: str) -> str:
        return "event-bus" if id == "default" else str(self.stack.declared(id)["type"])

    def of(self, id: str) -> Pairs:
        makers = {
            "function": self._function, "state-machine": self._machine, "pipe": self._pipe, "rule": self._rule,
            "http-api": self._api, "delivery-stream": self._delivery_stream, "role": self._role,
        }  # fmt: skip
        make = makers.get(self.type(id))
        found = make(id, self.stack.declared(id)) if make else set()
        # What a user says for a role of their own is all that it may.
        return found if self.type(id) == "role" else found | self._on_keys(found)

    def _on_keys(self, calls: Pairs) -> Pairs:
        locked = {self.arn(id): id for id, one in self.stack.raw["resources"].items() if "encryption" in one}
        owners = {(action, locked.get(re.sub("/(index|stream)/.*", "", resource))) for action, resource in calls}
        keyed = [(on(key_arn(id), "kms", *ON_KEYS[action])) for action, id in owners if id and action in ON_KEYS]
        return set[tuple[str, str]]().union(*keyed)

    def _access(self, it: dict[str, Any]) -> Pairs:
        found: Pairs = set()
        for target, verbs in it.get("access", {}).items():
            for verb, prefix in ({verbs: ""} if isinstance(verbs, str) else verbs).items():
                if prefix:
                    parts = {"get": (_get_bucket,), "read": (_read_bucket,), "write": (_write_bucket,)}
                    for part in parts.get(verb, (_read_bucket, _write_bucket)):
                        found |= part(self.arn(target), prefix.removesuffix("*"))
                else:
                    found |= ACCESS[self.type(target), verb](self.arn(target))
        return found

    def _statements(self, it: dict[str, Any]) -> Pairs:
        given = it.get("statements", ())
        return {(a, self.filled(r)) for one in given for a in one["actions"] for r in one["resources"]}

    def _role(self, id: str, it: dict[str, Any]) -> Pairs:
        return self._statements(it)

    def _function(self, id: str, it: dict[str, Any]) -> Pairs:
        if "role" in it:
            return set()
        group = f"arn:aws:logs:{HERE}:log-group:/aws/lambda/{self.stack.name(id)}:*"
        found = on(group, "logs", "CreateLogStream", "PutLogEvents") | self._access(it)
        for trigger in it.get("triggers", ()):
            for kind, polls in POLLS.items():
                if kind in trigger:
                    found |= polls(self.arn(trigger[kind]))
            if "on_failure" in trigger:
                found |= self._sends(trigger["on_failure"])
        for key in ("on_failure", "on_success"):
            if key in it:
                found |= self._sends(it[key] if isinstance(it[key], str) else it[key]["to"])
        return found

    def _sends(self, id: str) -> Pairs:
        return EVENTS[self.type(id)](self.arn(id))

    def _pipe(self, id: str, it: dict[str, Any]) -> Pairs:
        found = POLLS[self.type(it["from"])](self.arn(it["from"])) | self._sends(_to(it["to"]))
        return found | (self._sends(it["on_failure"]) if "on_failure" in it else set())

    def _rule(self, id: str, it: dict[str, Any]) -> Pairs:
        targets = [_to(one) for one in it["targets"]]
        return set[tuple[str, str]]().union(*(self._sends(one) for one in targets if self.type(one) not in LET_IN))

    def _api(self, id: str, it: dict[str, Any]) -> Pairs:
        found: Pairs = set()
        for route in it["routes"].values():
            to = _to(route)
            if isinstance(route, dict) and route.get("sync"):
                found |= on(self.arn(to), "states", "StartSyncExecution")
            elif self.type(to) != "function":
                found |= ROUTES[self.type(to)](self.arn(to))
        return found

    def _delivery_stream(self, id: str, it: dict[str, Any]) -> Pairs:
        backup = it.get("backup")
        buckets = {it["to"]["bucket"], *([backup.get("bucket", it["to"]["bucket"])] if backup is not None else [])}
        found: Pairs = set()
        for arn in map(self.arn, buckets):
            found |= on(arn, "s3", "GetBucketLocation", "ListBucket", "ListBucketMultipartUploads")
            found |= on(f"{arn}/*", "s3", "AbortMultipartUpload", "GetObject", "PutObject")
        if transform := it.get("transform"):
            function = self.arn(transform if isinstance(transform, str) else transform["function"])
            for arn in (function, f"{function}:$LATEST"):
                found |= on(arn, "lambda", "GetFunctionConfiguration", "InvokeFunction")
        if "from" in it:
            reads = ("DescribeStream", "GetRecords", "GetShardIterator", "ListShards")
            found |= on(self.arn(it["from"]), "kinesis", *reads)
        group = f"arn:aws:logs:{HERE}:log-group:/aws/kinesisfirehose/{self.stack.name(id)}"
        for name in ("DestinationDelivery", *(["BackupDelivery"] if backup is not None else [])):
            found |= on(f"{group}:log-stream:{name}", "logs", "PutLogEvents")
        return found

    def _machine(self, id: str, it: dict[str, Any]) -> Pairs:
        found = self._access(it) | self._statements(it)
        for state in states(it["definition"]):
            if state["Type"] == "Task":
                found |= self._task(id, self.filled(state))
            elif state["Type"] == "Map":
                found |= self._map(id, self.filled(state))
        logs = it.get("logging", "off")
        level = logs if isinstance(logs, str) else logs.get("level", "error")
        return found | (LOG_DELIVERY if level != "off" else set()) | (TRACING if it.get("tracing") else set())

    def _task(self, id: str, state: dict[str, Any]) -> Pairs:
        resource, parameters = state["Resource"], state.get("Parameters", {})
        if resource.startswith("arn:aws:lambda:"):
            return on(resource, "lambda", "InvokeFunction")
        name = resource.removeprefix("arn:aws:states:::")
        if name == "http:invoke":
            secrets = f"arn:aws:secretsmanager:{HERE}:secret:events!connection/*"
            connection = parameters["Authentication"]["ConnectionArn"]
            return (
                on(self.arn(id), "states", "InvokeHTTPEndpoint")
                | on(connection, "events", "RetrieveConnectionCredentials")
                | on(secrets, "secretsmanager", "DescribeSecret", "GetSecretValue")
            )
        return TASKS[name](parameters)

    def _map(self, id: str, state: dict[str, Any]) -> Pairs:
        """A distributed map runs its own machine's children, reads its items, and writes results in parts."""
        if state["ItemProcessor"].get("ProcessorConfig", {}).get("Mode") != "DISTRIBUTED":
            return set()
        machine = self.arn(id)
        children = machine.replace("stateMachine", "execution")
        found = on(machine, "states", "StartExecution")
        found |= on(f"{children}:*", "states", "DescribeExecution", "StopExecution")
        found |= on(f"{children}/*", "states", "DescribeExecution", "RedriveExecution", "StopExecution")
        if reader := state.get("ItemReader"):
            found |= on(_object(reader["Parameters"]), "s3", "GetObject")
        if writer := state.get("ResultWriter"):
            below = f"arn:aws:s3:::{writer['Parameters']['Bucket']}/{writer['Parameters']['Prefix']}/*"
            found |= on(below, "s3", "AbortMultipartUpload", "GetObject", "ListMultipartUploadParts", "PutObject")
        return found

    def filled(self, value: Any) -> Any:
        """The value with `${id.attribute}` replaced by what that is."""
        if isinstance(value, str):
            return re.sub(r"\$\{([\w-]+)\.(\w+)\}", lambda found: self._attribute(found[1], found[2]), value)
        if isinstance(value, dict):
            return {self.filled(key): self.filled(one) for key, one in value.items()}
        return [self.filled(one) for one in value] if isinstance(value, list) else value

    def _attribute(self, id: str, attribute: str) -> str:
        name = self.stack.name(id)
        return {
            "name": lambda: name,
            "arn": lambda: self.arn(id),
            "url": lambda: f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{name}",
            "id": lambda: "a1b2c3d4e5",
        }[attribute]()

    def callers(self) -> set[tuple[str, str, str]]:
        """Function, service and ARN of all that may call a function by that function's own policy."""
        return {one for id in self.stack.raw["resources"] for one in self._callers(id, self.stack.declared(id))}

    def _callers(self, id: str, it: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
        if it["type"] == "http-api":
            for key, route in it["routes"].items():
                if self.type(_to(route)) == "function":
                    method, _, path = key.partition(" ")
                    what = key if key == "$default" else f"{'*' if method == 'ANY' else method}{path}"
                    yield _to(route), "apigateway", f"arn:aws:execute-api:{HERE}:a1b2c3d4e5/*/{what}"
        elif it["type"] == "rule":
            for target in map(_to, it["targets"]):
                if self.type(target) == "function":
                    yield target, "events", self._rule_arn(id)
        elif it["type"] == "topic":
            for one in it.get("subscriptions", ()):
                if "function" in one:
                    yield one["function"], "sns", self.arn(id)
        elif it["type"] == "function":
            yield from self._triggers(id, it)

    def _triggers(self, id: str, it: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
        listeners = 0
        for one in it.get("triggers", ()):
            if "bucket" in one:
                yield id, "s3", self.arn(one["bucket"])
            elif "topic" in one:
                yield id, "sns", self.arn(one["topic"])
            elif "schedule" in one or "bus" in one:
                listeners += 1
                yield id, "events", self._rule_arn(f"{id}.{listeners}")

    def _rule_arn(self, id: str) -> str:
        """By the rule that is made: its name has that of its bus before it."""
        found = next(one for ref, one in self.stack.stack.resources.items() if str(ref) == f"rule {id}")
        return f"arn:aws:events:{HERE}:rule/{found.name}"

    def senders(self) -> set[tuple[str, str, str, str]]:
        """Queue or topic, service, action and ARN of all that may send by that one's own policy."""
        found: set[tuple[str, str, str, str]] = set()
        send = {"queue": "sqs:SendMessage", "topic": "sns:Publish"}
        for id, it in self.stack.raw["resources"].items():
            if it["type"] == "topic":
                ends = [one["queue"] for one in it.get("subscriptions", ()) if "queue" in one]
                found |= {(end, "sns", send["queue"], self.arn(id)) for end in ends}
            elif it["type"] == "rule":
                ends = [_to(one) for one in it["targets"] if self.type(_to(one)) in send]
                ends += [one["dead_letter"] for one in it["targets"] if isinstance(one, dict) and "dead_letter" in one]
                found |= {(end, "events", send[self.type(end)], self._rule_arn(id)) for end in ends}
        return found


def _to(end: str | dict[str, Any]) -> str:
    return end if isinstance(end, str) else str(end["to"])


@pytest.fixture(scope="module")
def blueprint(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return functools.cache(lambda name: wired(name, tmp_path_factory.mktemp(name)))


Blueprint = Any
every = pytest.mark.parametrize("name", NAMES)


@every
def test_roles_allow_all_that_aws_calls_and_nothing_else(blueprint: Blueprint, name: str) -> None:
    stack = blueprint(name)
    expected = Expected(stack)
    roles = stack.roles
    wanted = {id: expected.of(id) for id in stack.raw["resources"] if not stack.declared(id).get("existing")}
    have = {id: role.allows for id, role in roles.items()}

    lacking = {id: calls - have.get(id, set()) for id, calls in wanted.items() if calls - have.get(id, set())}
    superfluous = {id: may - wanted[id] for id, may in have.items() if may - wanted[id]}
    assert lacking == {}
    assert superfluous == {}


@every
def test_who_calls_nothing_has_no_role(blueprint: Blueprint, name: str) -> None:
    stack = blueprint(name)
    working = ("function", "state-machine", "pipe", "delivery-stream")
    own = {id for type in working for id in stack.id_of(type) if "role" not in stack.declared(id)}
    asked = {id for type in ("rule", "http-api") for id in stack.id_of(type) if Expected(stack).of(id)}

    assert set(stack.roles) == own | asked | set(stack.id_of("role"))


@every
def test_functions_let_in_exactly_what_calls_them(blueprint: Blueprint, name: str) -> None:
    stack = blueprint(name)
    ids = {stack.name(id): id for id in stack.id_of("function")}

    found = {(ids[p.function], p.principal.removesuffix(".amazonaws.com"), p.source_arn) for p in stack.permissions}
    assert found == Expected(stack).callers()


@every
def test_queues_and_topics_let_in_exactly_what_sends_to_them(blueprint: Blueprint, name: str) -> None:
    stack = blueprint(name)

    found = {
        (id, one.principal.removesuffix(".amazonaws.com"), action, source)
        for id, spec in stack.admissions.items()
        for one in spec.statements.values()
        for action in one.actions
        for source in one.source_arns
    }
    assert found == Expected(stack).senders()


@every
def test_each_statement_says_what_asks_for_it(blueprint: Blueprint, name: str) -> None:
    for id, role in blueprint(name).roles.items():
        assert [one for one in role.spec.statements if not one.reason] == [], id


def test_the_broad_one_has_every_type_and_every_task(blueprint: Blueprint) -> None:
    stack = blueprint("broad")
    assert {one["type"] for one in stack.raw["resources"].values()} >= set(ARNS) | {"http-api", "rule", "pipe", "role"}
    named = {resource.partition(".")[0] for resource, _ in STEPS.values()}
    assert integrations() <= named
    assert {name for name, _ in STEPS.values()} - {"${work.arn}", "http:invoke"} == set(TASKS)


def test_the_four_systems_are_among_the_shipped() -> None:
    assert {"website", "banking", "image-processing", "streaming"} <= set(SHIPPED)
