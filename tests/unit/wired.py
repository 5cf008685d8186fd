"""The shipped blueprints and a broad one with every type, target and trigger, as the policies that come of them.

The broad one is generated from what the types declare, so that a new type, verb or target is in it by itself. The
locked one is the same, with all that can be encrypted with a key of the user's own encrypted so, each with another one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from serverless_cli import policy
from serverless_cli.asl.targets import OPTIMIZED
from serverless_cli.blueprint.parse import parse
from serverless_cli.fill import fill, gaps
from serverless_cli.model import Handout, Place, Ref, Stack
from serverless_cli.resources import TYPES, WEAVERS
from serverless_cli.resources.admission import AdmissionSpec
from serverless_cli.resources.event_form import VERBS
from serverless_cli.resources.http_api_targets import SERVICES
from serverless_cli.resources.permission import PermissionSpec
from serverless_cli.resources.pipe import SOURCE_ACTIONS
from serverless_cli.resources.role import RoleSpec
from serverless_cli.resources.triggers import ENDS, SOURCES
from serverless_cli.wiring import Statement

SHIPPED = sorted(path.parent.name for path in (Path(__file__).parents[2] / "blueprints").glob("*/blueprint.yaml"))
NAMES = (*SHIPPED, "broad", "locked")
ACCOUNT, REGION = "123456789012", "eu-central-1"
PLACE = Place("broad", "dev", REGION, ACCOUNT)

IDS = {
    "bucket": "files", "table": "rows", "queue": "jobs", "topic": "news", "event-bus": "bus", "stream": "clicks",
    "delivery-stream": "posts", "function": "work", "state-machine": "machine", "http-api": "api", "rule": "rule",
    "pipe": "pipe", "role": "own",
}  # fmt: skip
"""type -> the id of the one that the broad blueprint leads to"""

STEPS: dict[str, tuple[str, dict[str, Any]]] = {
    "function": ("${work.arn}", {}),
    "invoke": ("lambda:invoke", {"FunctionName": "${work.arn}", "Payload.$": "$"}),
    "invoke-version": ("lambda:invoke", {"FunctionName": "${work.name}", "Qualifier": "7"}),
    "get": ("dynamodb:getItem", {"TableName": "${rows.name}", "Key": {"id": {"S": "1"}}}),
    "put": ("dynamodb:putItem", {"TableName": "${rows.arn}", "Item": {"id": {"S": "1"}}}),
    "update": ("dynamodb:updateItem", {"TableName": "${rows.name}", "Key": {"id": {"S": "2"}}}),
    "delete": ("dynamodb:deleteItem", {"TableName": "${rows.name}", "Key": {"id": {"S": "3"}}}),
    "query": ("aws-sdk:dynamodb:query", {"TableName": "${rows.name}"}),
    "query-index": ("aws-sdk:dynamodb:query", {"TableName": "${rows.name}", "IndexName": "by_day"}),
    "batch": ("aws-sdk:dynamodb:batchWriteItem", {"RequestItems": {"broad-dev-rows": []}}),
    "transact": ("aws-sdk:dynamodb:transactWriteItems", {"TransactItems": [
        {"Put": {"TableName": "${rows.name}", "Item": {}}}, {"ConditionCheck": {"TableName": "${other.name}"}},
    ]}),
    "send": ("sqs:sendMessage", {"QueueUrl": "${jobs.url}", "MessageBody": "hello"}),
    "receive": ("aws-sdk:sqs:receiveMessage", {"QueueUrl": "${jobs.url}"}),
    "publish": ("sns:publish", {"TopicArn": "${news.arn}", "Message": "hello"}),
    "text": ("sns:publish", {"PhoneNumber": "+491511234567", "Message": "hello"}),
    "events": ("events:putEvents", {"Entries": [
        {"EventBusName": "${bus.name}", "Source": "a", "DetailType": "b", "Detail": {}},
        {"Source": "a", "DetailType": "b", "Detail": {}},
    ]}),
    "start": ("states:startExecution", {"StateMachineArn": "${machine.arn}", "Input": {}}),
    "start-and-wait": ("states:startExecution.sync:2", {"StateMachineArn": "${machine.arn}", "Input": {}}),
    "start-express": ("aws-sdk:sfn:startSyncExecution", {"StateMachineArn": "${express.arn}"}),
    "record": ("aws-sdk:kinesis:putRecord", {"StreamName": "${clicks.name}", "Data": "a", "PartitionKey": "a"}),
    "deliver": ("aws-sdk:firehose:putRecord", {"DeliveryStreamName": "${posts.name}", "Record": {"Data": "a"}}),
    "read-file": ("aws-sdk:s3:getObject", {"Bucket": "${files.name}", "Key": "a/b.txt"}),
    "write-file": ("aws-sdk:s3:putObject", {"Bucket": "${files.name}", "Key.$": "$.key", "Body": "a"}),
    "list-files": ("aws-sdk:s3:listObjectsV2", {"Bucket": "${files.name}"}),
    "copy-file": ("aws-sdk:s3:copyObject", {"Bucket": "${files.name}", "Key": "b", "CopySource": "elsewhere/a"}),
    "secret": ("aws-sdk:secretsmanager:getSecretValue", {"SecretId": "shop/key"}),
    "parameter": ("aws-sdk:ssm:getParameter", {"Name": "/shop/key"}),
    "call-api": ("apigateway:invoke", {
        "ApiEndpoint": "${api.id}.execute-api.eu-central-1.amazonaws.com", "Method": "GET", "Stage": "prod",
        "Path": "/work", "AuthType": "IAM_ROLE",
    }),
    "call-http": ("http:invoke", {
        "ApiEndpoint": "https://example.com", "Method": "GET", "Authentication": {
            "ConnectionArn": f"arn:aws:events:{REGION}:{ACCOUNT}:connection/shop/0a1b2c3d-0000-4000-8000-000000000000",
        },
    }),
}  # fmt: skip
"""the states of the broad machine, by name: what follows `arn:aws:states:::`, and the parameters"""


@dataclass(frozen=True, slots=True)
class Role:
    """A role with all that AWS hands out filled in."""

    id: str
    spec: RoleSpec

    @property
    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(policy.document(self.spec.statements))
        return found

    @property
    def allows(self) -> set[tuple[str, str]]:
        """Each action with each of the resources that it is allowed on."""
        return set(pairs(self.spec.statements))


def pairs(statements: tuple[Statement, ...]) -> Iterator[tuple[str, str]]:
    """Each action with each of its resources."""
    for one in statements:
        for resource in one.resources:
            yield from ((action, resource) for action in one.actions)


@dataclass(frozen=True, slots=True)
class Wired:
    """A blueprint as it was read, and what came of it."""

    raw: dict[str, Any]
    stack: Stack

    def id_of(self, type: str) -> list[str]:
        """The ids of all resources of a type, in the file's order."""
        return [id for id, one in self.raw["resources"].items() if one["type"] == type]

    def declared(self, id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.raw["resources"][id]
        return found

    def name(self, id: str) -> str:
        """The physical name."""
        return self.stack.resources[Ref(self.declared(id)["type"], id)].name

    @property
    def roles(self) -> dict[str, Role]:
        found = {ref.id: one.spec for ref, one in self.stack.resources.items() if isinstance(one.spec, RoleSpec)}
        return {id: Role(id, self._filled(spec)) for id, spec in found.items()}

    def role(self, id: str) -> Role:
        return self.roles[id]

    @property
    def permissions(self) -> list[PermissionSpec]:
        return [self._filled(one.spec) for one in self.stack.resources.values() if isinstance(one.spec, PermissionSpec)]

    @property
    def admissions(self) -> dict[str, AdmissionSpec]:
        """The resource policies of queues and topics, by their ids."""
        found = {ref.id: one.spec for ref, one in self.stack.resources.items() if isinstance(one.spec, AdmissionSpec)}
        return {id: self._filled(spec) for id, spec in found.items()}

    def _filled(self, spec: Any) -> Any:
        outputs: dict[Ref, dict[str, str]] = {}
        for gap in gaps(spec):
            outputs.setdefault(gap.ref, {})[gap.attribute] = self._plausible(gap)
        return fill(spec, outputs)

    def _plausible(self, gap: Handout) -> str:
        """Something of the form that AWS would hand out."""
        place, name = self.stack.place, self.stack.resources[gap.ref].name
        given = {
            ("table", "stream_arn"): f"arn:{place.partition}:dynamodb:{place.region}:{place.account}:table/{name}"
            "/stream/2026-01-01T00:00:00.000",
            ("queue", "url"): f"https://sqs.{place.region}.{place.suffix}/{place.account}/{name}",
            ("http-api", "id"): "a1b2c3d4e5",
        }
        return given[gap.ref.kind, gap.attribute]


def wired(name: str, folder: Path, place: Place = PLACE) -> Wired:
    """A shipped blueprint, or the broad or locked one, which are written into the folder."""
    path = Path(__file__).parents[2] / "blueprints" / name / "blueprint.yaml"
    if name in ("broad", "locked"):
        code = folder / "code"
        code.mkdir(parents=True, exist_ok=True)
        (code / "app.py").write_text("def handler(event, context):\n    return {}\n")
        path = folder / "blueprint.yaml"
        resources = broad(place) if name == "broad" else locked(place)
        path.write_text(yaml.safe_dump({"name": "broad", "resources": resources}, sort_keys=False))
    stack = parse(path, place=lambda stack: replace(place, stack=stack), types=TYPES, weavers=WEAVERS)
    raw = yaml.safe_load(path.read_text())
    for one in raw["resources"].values():
        if isinstance(one.get("definition"), str):
            one["definition"] = yaml.safe_load((path.parent / one["definition"]).read_text())
    return Wired(raw, stack)


def broad(place: Place = PLACE) -> dict[str, Any]:
    """The resources of a blueprint with every type, verb, trigger, target, route, destination and kind of task."""
    return {
        **_ends(),
        **dict(_accesses()),
        **dict(_triggered()),
        **dict(_rules()),
        **dict(_pipes()),
        **dict(_delivery_streams()),
        **dict(_machines(place)),
        "api": {"type": "http-api", "routes": _routes()},
    }


LOCKED = ("queue", "topic", "stream", "table")


def key_arn(id: str, place: Place = PLACE) -> str:
    """The key of the resource with that id in the locked blueprint."""
    return f"arn:{place.partition}:kms:{place.region}:{place.account}:key/{id}"


def locked(place: Place = PLACE) -> dict[str, Any]:
    """The broad one's resources, each that can be encrypted with a key of its own."""
    found = broad(place)
    for id, one in found.items():
        if one["type"] in LOCKED and "existing" not in one:
            one["encryption"] = key_arn(id, place)
    return found


def _function(**keys: Any) -> dict[str, Any]:
    return {"type": "function", "code": "./code", **keys}


def _ends() -> dict[str, Any]:
    """What all others lead to."""
    simple = {"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}
    return {
        "files": {"type": "bucket"},
        "copies": {"type": "bucket"},
        "rows": {"type": "table", "key": "id", "stream": "both", "indexes": {"by_day": {"key": "day"}}},
        "other": {"type": "table", "key": "id"},
        "jobs": {"type": "queue", "dead_letter": "dead"},
        "ordered": {"type": "queue", "fifo": True, "content_based_deduplication": True},
        "dead": {"type": "queue"},
        "news": {"type": "topic", "subscriptions": [
            {"queue": "jobs"}, {"function": "work"}, {"email": "you@example.com"}, {"https": "https://example.com/"},
        ]},
        "bus": {"type": "event-bus"},
        "clicks": {"type": "stream", "shards": 1},
        "work": _function(),
        "machine": {"type": "state-machine", "definition": simple},
        "express": {"type": "state-machine", "definition": simple, "mode": "express"},
        "own": {"type": "role", "statements": [{"actions": ["dynamodb:GetItem"], "resources": ["${rows.arn}"]}]},
        "under-own": _function(role="own"),
        "known": {"type": "table", "existing": "known"},
        "reads-known": _function(access={"known": "read"}),
    }  # fmt: skip


def _accesses() -> Iterator[tuple[str, dict[str, Any]]]:
    """A function for each verb of each type, and one for each that can be narrowed."""
    for type in TYPES.values():
        for verb in type.grants:
            target = "express" if verb == "start-sync" else IDS[type.type_name]
            yield f"may-{verb}-{type.type_name}", _function(access={target: verb})
        for verb in type.narrow:
            yield f"may-{verb}-part-of-{type.type_name}", _function(access={IDS[type.type_name]: {verb: "in/*"}})


def _triggered() -> Iterator[tuple[str, dict[str, Any]]]:
    """A function for each kind of trigger, and one for each destination."""
    given = {"schedule": "rate(1 hour)", "bus": "bus"}
    extra: dict[str, dict[str, Any]] = {"bus": {"pattern": {"source": ["a"]}}}
    for source in SOURCES:
        trigger = {source: given.get(source) or IDS[source], **extra.get(source, {})}
        yield f"on-{source}", _function(triggers=[trigger])
    yield "on-default-bus", _function(triggers=[{"bus": "default", "pattern": {"source": ["a"]}}])
    yield "on-ordered", _function(triggers=[{"queue": "ordered"}])
    for source in ("table", "stream"):
        yield f"gives-up-{source}", _function(triggers=[{source: IDS[source], "on_failure": "dead", "retries": 1}])
        yield f"tells-of-{source}", _function(triggers=[{source: IDS[source], "on_failure": "news", "retries": 1}])
    for type in ENDS:
        yield f"ends-in-{type}", _function(on_failure=IDS[type], on_success=IDS[type])
    yield "ends-in-default-bus", _function(on_failure="default")


def _rules() -> Iterator[tuple[str, dict[str, Any]]]:
    pattern = {"source": ["a"]}
    for type in VERBS:
        bus = "default" if type == "event-bus" else "bus"
        target = {"to": IDS[type], "dead_letter": "dead"}
        yield f"rule-to-{type}", {"type": "rule", "bus": bus, "pattern": pattern, "targets": [target]}
    yield "rule", {"type": "rule", "schedule": "rate(1 hour)", "targets": ["work", "clicks", "machine"]}
    yield "rule-to-default", {"type": "rule", "bus": "bus", "pattern": pattern, "targets": ["default"]}


def _pipes() -> Iterator[tuple[str, dict[str, Any]]]:
    for source in SOURCE_ACTIONS:
        for type in VERBS:
            if source != type:
                dead = {} if source == "queue" else {"on_failure": "dead", "retries": 3}
                yield f"pipe-{source}-{type}", {"type": "pipe", "from": IDS[source], "to": IDS[type], **dead}
    yield "pipe", {"type": "pipe", "from": "rows", "to": "default"}
    yield "pipe-ordered", {"type": "pipe", "from": "jobs", "to": {"to": "ordered", "group": "all"}}


def _delivery_streams() -> Iterator[tuple[str, dict[str, Any]]]:
    to = {"bucket": "files"}
    yield "posts", {"type": "delivery-stream", "to": to}
    yield "posts-of-stream", {"type": "delivery-stream", "to": to, "from": "clicks"}
    yield "posts-changed", {"type": "delivery-stream", "to": to, "transform": "work", "backup": {}}
    copies = {"bucket": "copies"}
    yield "posts-kept", {"type": "delivery-stream", "to": to, "transform": {"function": "work"}, "backup": copies}


def _machines(place: Place) -> Iterator[tuple[str, dict[str, Any]]]:
    """One that logs, one that is traced, one for each kind of task, and one with all of them."""
    simple = {"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}
    yield "logging", {"type": "state-machine", "definition": simple, "logging": "error"}
    yield "traced", {"type": "state-machine", "definition": simple, "tracing": True}
    yield "allowed", {
        "type": "state-machine", "definition": simple, "access": {"jobs": "send"},
        "statements": [{"actions": ["dynamodb:GetItem"], "resources": ["${rows.arn}"]}],
    }  # fmt: skip
    yield (
        "many",
        {
            "type": "state-machine",
            "definition": {
                "StartAt": "Each",
                "States": {
                    "Each": {
                        "Type": "Map",
                        "ItemReader": {
                            "Resource": "arn:aws:states:::s3:getObject",
                            "ReaderConfig": {"InputType": "JSON"},
                            "Parameters": {"Bucket": "${files.name}", "Key": "in.json"},
                        },
                        "ResultWriter": {
                            "Resource": "arn:aws:states:::s3:putObject",
                            "Parameters": {"Bucket": "${copies.name}", "Prefix": "out"},
                        },
                        "ItemProcessor": {
                            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                            **_definition(["function"], place),
                        },
                        "End": True,
                    }
                },
            },
        },
    )
    for name in STEPS:
        yield f"step-{name}", {"type": "state-machine", "definition": _definition([name], place)}
    yield "steps", {"type": "state-machine", "definition": _definition(list(STEPS), place)}


def _definition(steps: list[str], place: Place) -> dict[str, Any]:
    states: dict[str, Any] = {}
    for index, name in enumerate(steps):
        resource, parameters = STEPS[name]
        whole = resource if resource.startswith("$") else f"arn:{place.partition}:states:::{resource}"
        moved = re.sub(
            r"arn:aws:events:[a-z0-9-]+:", f"arn:{place.partition}:events:{place.region}:", json.dumps(parameters)
        )
        after: dict[str, Any] = {"Next": steps[index + 1]} if index + 1 < len(steps) else {"End": True}
        states[name] = {"Type": "Task", "Resource": whole, "Parameters": json.loads(moved), **after}
    return {"StartAt": steps[0], "States": states}


def _routes() -> dict[str, Any]:
    routes: dict[str, Any] = {"GET /work": "work", "ANY /{rest+}": "work", "$default": "work"}
    for type in SERVICES:
        routes[f"POST /{type}"] = IDS[type]
    return {**routes, "POST /ordered": "ordered", "POST /express": {"to": "express", "sync": True}}


def integrations() -> set[str]:
    """`service:api` of all optimized integrations that slx knows; each has a step."""
    return {f"{service}:{api}" for service, apis in OPTIMIZED.items() for api in apis}


def states(definition: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """All states of a definition, those inside of others too."""
    for state in definition["States"].values():
        yield state
        for inner in (
            *state.get("Branches", ()),
            *(state[key] for key in ("Iterator", "ItemProcessor") if key in state),
        ):
            yield from states(inner)
