"""What a route of an HTTP API leads to: a function, or a service that API Gateway calls without any code between.

AWS facts (API Gateway developer guide, integration subtype reference):
- A service integration is AWS_PROXY with a subtype, payload version 1.0 and request parameters; it runs under a role.
- StartSyncExecution is for express state machines alone.
- `$request.body`, `$request.body.x`, `$request.header.x`, `$request.path.x`, `$request.querystring.x` and `$context.x`
  pick parts of the request.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from serverless_cli.errors import Problem
from serverless_cli.keys import Doc
from serverless_cli.records import dataclass
from serverless_cli.resources.base import Declared, Scope
from serverless_cli.resources.http_api_parts import Route

SERVICES: Mapping[str, str] = {
    "state-machine": "StepFunctions-StartExecution",
    "queue": "SQS-SendMessage",
    "event-bus": "EventBridge-PutEvents",
    "stream": "Kinesis-PutRecord",
}
SYNC = "StepFunctions-StartSyncExecution"
_ONLY: Mapping[str, tuple[str, ...]] = {
    "source": ("event-bus",), "detail_type": ("event-bus",), "detail": ("event-bus",), "partition_key": ("stream",),
    "group": ("queue",), "input": ("state-machine", "queue", "stream"),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteKeys:
    """A route in its long form."""

    to: Annotated[str, Doc("The id of what answers: a function, state-machine, queue, event-bus or stream.")]
    sync: Annotated[bool, Doc("State machine (express): wait for its end and answer with its output.")] = False
    input: Annotated[
        str, Doc("What is handed over: the execution's input, the message, the record; `$request.body.x` picks a part.")
    ] = "$request.body"
    source: Annotated[str | None, Doc("Event: its source; left out, `STACK.ID` of the API.")] = None
    detail_type: Annotated[str | None, Doc("Event: its detail type; left out, the route's key.")] = None
    detail: Annotated[str, Doc("Event: its detail.")] = "$request.body"
    partition_key: Annotated[str, Doc("Record: what keeps records together and in order.")] = "$context.requestId"
    group: Annotated[str, Doc("FIFO queue: the message's group.")] = "$context.requestId"


def target_problems(it: Declared[Any], key: str, route: RouteKeys, scope: Scope) -> Iterable[Problem]:
    """What is wrong with where a route leads."""
    target, where = scope.declared(route.to), it.line("routes", key)
    if target is None:
        yield Problem(f"route `{key}` leads to {route.to}, which is no resource", where=where)
    elif target.type != "function" and target.type not in SERVICES:
        why = f"a route leads to a function, {', '.join(SERVICES)}"
        yield Problem(f"route `{key}` leads to {target.id}, a {target.type}", why, where=where)
    elif odd := next((name for name in _beside(it, key) if target.type not in _ONLY[name]), ""):
        homes = " or ".join(_ONLY[odd])
        what = f"`{odd}` is nothing for a route to {target.id} ({target.type})"
        yield Problem(what, f"it is for the type {homes}", where=it.line("routes", key, odd))
    elif route.sync and target.type != "state-machine":
        yield Problem(f"route `{key}` cannot wait for {target.id}", "`sync` is for state machines", where=where)
    elif route.sync and not target.existing and target.keys.mode != "express":
        yield Problem(
            f"route `{key}` waits for {target.id}, a standard state machine",
            "only express machines can be waited for: standard ones may run for a year",
            "set `mode: express`, or leave `sync` out",
            where,
        )


def _beside(it: Declared[Any], key: str) -> list[str]:
    """The options that were said for a route and belong to some types of targets only."""
    return [name for name in _ONLY if ("routes", key, name) in it.at]


def verb_for(route: RouteKeys, scope: Scope) -> str:
    """What the API's role must be granted on the target."""
    target = scope.declared(route.to)
    if target and target.type == "state-machine":
        return "start-sync" if route.sync else "start"
    return "send"


def route_to(it: Declared[Any], key: str, route: RouteKeys, scope: Scope, role: str) -> Route:
    """The route as AWS has it; `role` is the ARN of the API's role."""
    target = scope.declared(route.to)
    if target is None or target.type == "function":
        return Route(scope.attribute(route.to, "arn"))
    subtype = SYNC if route.sync else SERVICES[target.type]
    return Route("", "1.0", subtype=subtype, parameters=_parameters(it, key, route, target, scope), role=role)


def _parameters(
    it: Declared[Any], key: str, route: RouteKeys, target: Declared[Any], scope: Scope
) -> Mapping[str, str]:
    if target.type == "state-machine":
        return {"StateMachineArn": scope.attribute(target.id, "arn"), "Input": route.input}
    if target.type == "queue":
        fifo = target.name.endswith(".fifo")
        message = {"QueueUrl": scope.attribute(target.id, "url"), "MessageBody": route.input}
        return {**message, "MessageGroupId": route.group} if fifo else message
    if target.type == "event-bus":
        return {
            "EventBusName": scope.attribute(target.id, "name"),
            "Source": route.source or f"{scope.place.stack}.{it.id}",
            "DetailType": route.detail_type or key,
            "Detail": route.detail,
        }
    name = scope.attribute(target.id, "name")
    return {"StreamName": name, "Data": route.input, "PartitionKey": route.partition_key}
