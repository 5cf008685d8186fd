"""HTTP API routes that call a service without a function: SQS, EventBridge, Step Functions, Kinesis.

ministack keeps no IntegrationSubtype and no credentials; they are kept here, in its own records of integrations.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from serverless_cli.local.server import acting, calls, engine
from serverless_cli.local.server.acting import Actor
from serverless_cli.local.server.asgi import Response
from serverless_cli.local.server.context import Here, log
from serverless_cli.local.server.mapping import Values, resolve
from serverless_cli.local.server.payload import FAILED
from serverless_cli.records import dataclass

_JSON = (("content-type", "application/json"),)
_BAD_REQUEST = Response(400, _JSON, b'{"message":"Bad Request"}')
_KEPT = ("integrationSubtype", "credentialsArn", "passthroughBehavior", "tlsConfig", "connectionId")


@dataclass(frozen=True, slots=True)
class Subtype:
    """One first-class integration: the call it makes, and its parameters with those that must be there."""

    service: str
    operation: str
    required: tuple[str, ...]
    optional: tuple[str, ...] = ()

    @property
    def action(self) -> str:
        return f"{self.service}:{self.operation}"


# https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-aws-services-reference.html
SUBTYPES = {
    "StepFunctions-StartExecution": Subtype("states", "StartExecution", ("StateMachineArn",), ("Name", "Input")),
    "StepFunctions-StartSyncExecution": Subtype(
        "states", "StartSyncExecution", ("StateMachineArn",), ("Name", "Input", "TraceHeader")
    ),
    "StepFunctions-StopExecution": Subtype("states", "StopExecution", ("ExecutionArn",), ("Cause", "Error")),
    "SQS-SendMessage": Subtype(
        "sqs",
        "SendMessage",
        ("QueueUrl", "MessageBody"),
        ("DelaySeconds", "MessageAttributes", "MessageDeduplicationId", "MessageGroupId", "MessageSystemAttributes"),
    ),
    "EventBridge-PutEvents": Subtype(
        "events",
        "PutEvents",
        ("Detail", "DetailType", "Source"),
        ("Time", "EventBusName", "Resources", "TraceHeader"),
    ),
    "Kinesis-PutRecord": Subtype(
        "kinesis",
        "PutRecord",
        ("StreamName", "Data", "PartitionKey"),
        ("SequenceNumberForOrdering", "ExplicitHashKey"),
    ),
}
# Values of these are JSON in the parameter's text.
_PARSED = ("MessageAttributes", "MessageSystemAttributes")


def install() -> None:
    """Keep what ministack drops of an integration, and refuse what AWS refuses."""
    gateway = engine.Part("services.apigateway")
    create, update = gateway["_create_integration"], gateway["_update_integration"]

    def created(api_id: str, data: Mapping[str, Any]) -> Any:
        wrong = _wrong(data)
        if wrong:
            return gateway["_apigw_error"]("BadRequestException", wrong, 400)
        status, headers, body = create(api_id, data)
        if status != 201:
            return status, headers, body
        integration = gateway["_integrations"][api_id][json.loads(body)["integrationId"]]
        _keep(integration, data)
        return gateway["_apigw_response"](integration, 201)

    def updated(api_id: str, int_id: str, data: Mapping[str, Any]) -> Any:
        integration = gateway["_integrations"].get(api_id, {}).get(int_id)
        # Parameters are merged, and an empty one is removed.
        parameters = {**((integration or {}).get("requestParameters") or {}), **(data.get("requestParameters") or {})}
        whole = {**(integration or {}), **data, "requestParameters": {k: v for k, v in parameters.items() if v != ""}}
        wrong = _wrong(whole) if integration else ""
        if wrong:
            return gateway["_apigw_error"]("BadRequestException", wrong, 400)
        given = whole if whole["requestParameters"] else {k: v for k, v in whole.items() if k != "requestParameters"}
        answer = update(api_id, int_id, {k: v for k, v in given.items() if k in data})
        if integration is None:
            return answer
        _keep(integration, data)
        return gateway["_apigw_response"](integration)

    gateway["_create_integration"] = created
    gateway["_update_integration"] = updated


def _keep(integration: dict[str, Any], data: Mapping[str, Any]) -> None:
    integration.update({name: data[name] for name in _KEPT if name in data})
    if integration.get("integrationSubtype"):
        for name in ("integrationUri", "integrationMethod"):
            integration.pop(name, None)
        integration.setdefault("payloadFormatVersion", "1.0")


def _wrong(data: Mapping[str, Any]) -> str:
    name = data.get("integrationSubtype")
    if not name:
        return ""
    if name not in SUBTYPES:
        return f"Invalid IntegrationSubtype specified, or one that does not run locally: {name}"
    subtype, given = SUBTYPES[name], data.get("requestParameters") or {}
    if not data.get("credentialsArn"):
        return "Credentials must be specified for AWS service integrations"
    if data.get("payloadFormatVersion", "1.0") != "1.0":
        return "PayloadFormatVersion must be 1.0 for AWS service integrations"
    missing = [key for key in subtype.required if key not in given]
    unknown = [key for key in given if key not in (*subtype.required, *subtype.optional, "Region")]
    if missing or unknown:
        return f"Parameters of {name}: missing {missing}, unknown {unknown}"
    return ""


def serve(here: Here, integration: Mapping[str, Any], values: Values) -> Response:
    """Make the integration's call and answer with what the service says; not from the event loop's own thread."""
    subtype, called = SUBTYPES[str(integration["integrationSubtype"])], values.call
    given = {name: resolve(str(value), values) for name, value in (integration["requestParameters"] or {}).items()}
    present = {name: value for name, value in given.items() if value}
    # Recorded against AWS: 400 as soon as one parameter comes to nothing, an optional one too.
    if len(present) < len(given):
        return _BAD_REQUEST
    place = calls.Place(called.account, present.pop("Region", "") or called.region)
    actor = Actor(
        f"API {called.api_id}: {called.route_key}",
        "apigateway.amazonaws.com",
        str(integration.get("credentialsArn", "")),
        f"arn:aws:execute-api:{called.region}:{called.account}:{called.api_id}/{called.stage}/{called.route_key}",
    )
    try:
        acting.check(here, actor, subtype.action, _resource(subtype, present, place))
        answer = calls.call(place, subtype.service, subtype.operation, _parameters(here, actor, subtype, present))
    except acting.ForbiddenError:
        # AWS tells the caller nothing more; the access log has "The IAM role configured on the integration or API
        # Gateway doesn't have permissions to call the integration".
        return FAILED
    except (calls.CallError, ValueError) as error:
        # Recorded against AWS: whatever the service refuses is a 500.
        log.warning("%s: %s", actor.who, error)
        return FAILED
    here.changed()
    return Response(200, _JSON, json.dumps(answer).encode())


def _resource(subtype: Subtype, given: Mapping[str, str], place: calls.Place) -> str:
    """The ARN that the call is about."""
    where = f"{place.region}:{place.account}"
    if subtype.service == "sqs":
        return f"arn:aws:sqs:{where}:{given['QueueUrl'].rpartition('/')[2]}"
    if subtype.service == "events":
        return f"arn:aws:events:{where}:event-bus/{given.get('EventBusName', 'default').rpartition('/')[2]}"
    if subtype.service == "kinesis":
        return f"arn:aws:kinesis:{where}:stream/{given['StreamName']}"
    return given.get("StateMachineArn") or given["ExecutionArn"]


def _parameters(here: Here, actor: Actor, subtype: Subtype, given: Mapping[str, str]) -> dict[str, Any]:
    """The call's parameters in the service's own spelling; raises ValueError for text that is not what it must be."""
    typed: dict[str, Any] = {name: json.loads(text) if name in _PARSED else text for name, text in given.items()}
    if "DelaySeconds" in typed:
        typed["DelaySeconds"] = int(typed["DelaySeconds"])
    if "Resources" in typed:
        typed["Resources"] = [part.strip() for part in typed["Resources"].split(",")]
    if subtype.service == "events":
        return {"Entries": [typed]}
    if subtype.service == "states":
        return {name[0].lower() + name[1:]: value for name, value in typed.items()}
    if subtype.service == "kinesis":
        typed["Data"] = _blob(here, actor, typed["Data"])
    return typed


def _blob(here: Here, actor: Actor, text: str) -> str:
    """The Data of a record: base64 as the caller sent it, as PutRecord's JSON wants it."""
    try:
        base64.b64decode(text, validate=True)
    except ValueError:
        here.notice(f"{actor.who}: Data is not base64; it is encoded here, AWS hands it to Kinesis as it is")
        return base64.b64encode(text.encode()).decode()
    return text
