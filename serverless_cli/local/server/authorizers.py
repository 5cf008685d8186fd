"""Asks ministack's authorizers of HTTP APIs whether a request may pass."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qs

from serverless_cli.local.server import engine
from serverless_cli.local.server.asgi import Request, Response
from serverless_cli.local.server.routes import Match
from serverless_cli.records import dataclass

Verdict = tuple[Response | None, Mapping[str, Any] | None]

_FORBIDDEN = Response(403, (("content-type", "application/json"),), b'{"message":"Forbidden"}')


@dataclass(frozen=True, slots=True)
class Approach:
    """A request that has found its route: in which API, on which stage, and under which path within it."""

    api_id: str
    account: str
    region: str
    stage: str
    path: str
    match: Match
    stage_variables: Mapping[str, str]
    request: Request
    body: bytes

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(self.request.query, keep_blank_values=True)


async def judge(approach: Approach) -> Verdict:
    """The answer that refuses the request, or None; and what the authorizer tells the function, if anything."""
    kind = str(approach.match.route.get("authorizationType") or "NONE").upper()
    by_kind: dict[str, Callable[[Approach], Awaitable[Verdict]]] = {
        "JWT": _token,
        "CUSTOM": _function,
        "AWS_IAM": _signature,
    }
    return (None, None) if kind == "NONE" else await by_kind[kind](approach)


def from_engine(answer: tuple[int, Mapping[str, Any], bytes]) -> Response:
    """An answer as ministack's services give them."""
    status, headers, body = answer
    return Response(status, tuple((name, str(value)) for name, value in headers.items()), body)


async def _token(approach: Approach) -> Verdict:
    gateway, route = engine.Part("services.apigateway"), approach.match.route
    authorizer = gateway["_authorizers"].get(approach.api_id, {}).get(route.get("authorizerId"))
    if authorizer is None:
        return _FORBIDDEN, None
    claims, scopes, error = await gateway["_validate_jwt_authorizer"](
        route, authorizer, dict(approach.request.headers), approach.query
    )
    if error is not None:
        return from_engine(error), None
    told = {name: gateway["_jwt_claim_to_string"](value) for name, value in (claims or {}).items()}
    return None, {"jwt": {"claims": told, "scopes": scopes or []}}


async def _function(approach: Approach) -> Verdict:
    error, told = await engine.Part("services.apigateway")["_authorize_request_v2"](
        approach.api_id,
        approach.stage,
        approach.match.route,
        approach.request.method,
        approach.path,
        approach.match.key.partition(" ")[2] or approach.path,
        dict(approach.request.headers),
        approach.query,
        dict(approach.match.parameters),
        dict(approach.stage_variables),
        approach.account,
        approach.region,
        approach.request.query,
    )
    return (from_engine(error), None) if error is not None else (None, {"lambda": told})


async def _signature(approach: Approach) -> Verdict:
    if "authorization" not in approach.request.headers:
        return _FORBIDDEN, None
    evaluator, headers = engine.Part("core.iam_evaluator"), approach.request.headers
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    evaluator["pin_signed_request"](approach.request.method, approach.request.raw_path, approach.query, raw, False)
    evaluator["pin_signed_body"](approach.body)
    denied = engine.Part("app")["_enforce_execute_api"](
        approach.api_id, approach.stage, approach.request.method, approach.path, dict(headers), approach.query
    )
    if denied is not None:
        return _FORBIDDEN, None
    caller = engine.Part("services.apigateway")["_iam_caller_identity_v2"](dict(headers), approach.query)
    return None, {"iam": caller}
