"""Calls from one service to another inside the server, through ministack's own handlers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from serverless_cli.local.server import engine
from serverless_cli.records import dataclass

_JSON_TARGETS = {
    "states": "AWSStepFunctions",
    "sqs": "AmazonSQS",
    "events": "AWSEvents",
    "kinesis": "Kinesis_20131202",
    "firehose": "Firehose_20150804",
}


class CallError(Exception):
    """What a service answered instead of doing it."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Place:
    """Where a call is made."""

    account: str
    region: str


def place_of(arn: str) -> Place:
    """The account and region of an ARN."""
    _, _, _, region, account, _ = arn.split(":", 5)
    return Place(account, region)


def call(place: Place, service: str, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The answer of a JSON service; never called from the event loop's own thread.

    Raises CallError when the service refuses.
    """
    headers = {
        "x-amz-target": f"{_JSON_TARGETS[service]}.{operation}",
        "content-type": "application/x-amz-json-1.1",
        "host": "localhost",
    }
    status, body = _handled(place, service, headers, json.dumps(parameters).encode())
    answer = json.loads(body) if body else {}
    if status >= 400:
        code = str(answer.get("__type", "InternalFailure")).rpartition("#")[2]
        raise CallError(status, code, str(answer.get("message") or answer.get("Message") or ""))
    return dict(answer)


def _handled(place: Place, service: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
    app = engine.Part("app")
    with engine.Part("core.responses")["request_scope"](place.account, place.region):
        status, _, answer = app["call_service_handler_sync"](
            app["SERVICE_HANDLERS"][service], "POST", "/", dict(headers), body, {}
        )
    return int(status), answer if isinstance(answer, bytes) else str(answer).encode()


def invoke(arn: str, event: object) -> dict[str, Any]:
    """Run a function and wait for it: ministack's record of the outcome, with `body`, and `error` when it failed."""
    functions, place = engine.Part("services.lambda_svc"), place_of(arn)
    with engine.Part("core.responses")["request_scope"](place.account, place.region):
        record, config, name = functions["_get_func_record_for_ref"](arn)
        if record is None or config is None:
            raise CallError(404, "ResourceNotFoundException", f"Function not found: {name}")
        prepared = functions["_execution_record_for_config"](record, config)
        outcome: dict[str, Any] = functions["_execute_function_with_config_scope"](prepared, event)
    return outcome


def invoke_later(arn: str, event: object) -> None:
    """Run a function asynchronously, with Lambda's own retries and destinations."""
    functions, place = engine.Part("services.lambda_svc"), place_of(arn)
    with engine.Part("core.responses")["request_scope"](place.account, place.region):
        record, config, name = functions["_get_func_record_for_ref"](arn)
        if record is None or config is None:
            raise CallError(404, "ResourceNotFoundException", f"Function not found: {name}")
        functions["invoke_async_with_retry"](functions["_execution_record_for_config"](record, config), event)
