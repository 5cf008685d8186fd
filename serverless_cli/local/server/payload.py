"""The event that an HTTP API hands to a function, and how its result becomes an answer: payload format 2.0."""

from __future__ import annotations

import base64
import binascii
import json
import secrets
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from serverless_cli.local.server.asgi import Request, Response
from serverless_cli.records import dataclass

FAILED = Response(500, (("content-type", "application/json"),), b'{"message":"Internal Server Error"}')


@dataclass(frozen=True, slots=True)
class Call:
    """What an event says beside the request itself; `path` has no stage in it and is decoded."""

    account: str
    region: str
    api_id: str
    stage: str
    path: str
    route_key: str
    parameters: Mapping[str, str]
    stage_variables: Mapping[str, str]
    authorizer: Mapping[str, Any] | None
    port: int


def event_of(request: Request, body: bytes, call: Call) -> dict[str, Any]:
    """The event of format 2.0; parts that are empty are left out, as AWS does."""
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": call.route_key,
        "rawPath": _raw_path(call),
        "rawQueryString": request.query,
    }
    cookies = [part.strip() for part in request.headers.get("cookie", "").split(";") if part.strip()]
    if cookies:
        event["cookies"] = cookies
    event["headers"] = _headers(request, call)
    query = _joined(parse_qsl(request.query, keep_blank_values=True))
    if query:
        event["queryStringParameters"] = query
    event["requestContext"] = context_of(request, call)
    if body:
        event["body"], event["isBase64Encoded"] = _body(request, body)
    if call.parameters:
        event["pathParameters"] = dict(call.parameters)
    if call.stage_variables:
        event["stageVariables"] = dict(call.stage_variables)
    event.setdefault("isBase64Encoded", False)
    return event


def _raw_path(call: Call) -> str:
    return call.path if call.stage == "$default" else f"/{call.stage}{call.path}"


def _headers(request: Request, call: Call) -> dict[str, str]:
    given = {name: value for name, value in request.headers.items() if name != "cookie"}
    return {
        "content-length": "0",
        "x-amzn-trace-id": f"Root=1-{int(time.time()):08x}-{secrets.token_hex(12)}",
        **given,
        "x-forwarded-for": request.client,
        "x-forwarded-port": str(call.port),
        "x-forwarded-proto": "http",
    }


def _joined(pairs: list[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in pairs:
        found[name] = f"{found[name]},{value}" if name in found else value
    return found


def context_of(request: Request, call: Call) -> dict[str, Any]:
    """What API Gateway tells of the request's circumstances."""
    now = time.time()
    raw_path = _raw_path(call)
    context: dict[str, Any] = {
        "accountId": call.account,
        "apiId": call.api_id,
        "domainName": f"{call.api_id}.execute-api.localhost:{call.port}",
        "domainPrefix": call.api_id,
        "http": {
            "method": request.method,
            "path": raw_path,
            "protocol": request.protocol,
            "sourceIp": request.client,
            "userAgent": request.headers.get("user-agent", ""),
        },
        "requestId": request.id,
        "routeKey": call.route_key,
        "stage": call.stage,
        "time": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now)),
        "timeEpoch": int(now * 1000),
    }
    if call.authorizer is not None:
        context["authorizer"] = dict(call.authorizer)
    return context


def _body(request: Request, body: bytes) -> tuple[str, bool]:
    """The body as text for the media types that AWS takes for text, else in base64."""
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media.startswith("text/") or media in ("application/json", "application/xml", "application/javascript"):
        try:
            return body.decode(), False
        except UnicodeDecodeError:
            pass
    return base64.b64encode(body).decode(), True


def response_of(result: Any) -> Response:
    """The answer that AWS infers from a function's result; 500 for a result that is no answer."""
    if not isinstance(result, dict) or "statusCode" not in result:
        text = result if isinstance(result, str) else json.dumps(result, ensure_ascii=False)
        return Response(200, (("content-type", "application/json"),), text.encode())
    try:
        return _explicit(result)
    except (TypeError, ValueError, AttributeError, binascii.Error):
        return FAILED


def _explicit(result: Mapping[str, Any]) -> Response:
    status = int(result["statusCode"])
    body = result.get("body")
    if body is None:
        body = ""
    if not isinstance(body, str) or not 100 <= status <= 599 or isinstance(result["statusCode"], bool):
        return FAILED
    raw = base64.b64decode(body, validate=True) if result.get("isBase64Encoded") is True else body.encode()
    headers = [(str(name).lower(), _text(value)) for name, value in (result.get("headers") or {}).items()]
    headers = [header for header in headers if header[0] not in ("content-length", "transfer-encoding", "connection")]
    if not any(name == "content-type" for name, _ in headers):
        headers.append(("content-type", "text/plain;charset=UTF-8"))
    headers += [("set-cookie", str(cookie)) for cookie in result.get("cookies") or []]
    return Response(status, tuple(headers), raw)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        return str(value)
    message = f"a header cannot be {type(value).__name__}"
    raise TypeError(message)
