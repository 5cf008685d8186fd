"""The data plane of HTTP APIs, in place of ministack's: stages, routes, CORS, the resource policy, payload 2.0.

APIs are created and kept by ministack; only requests to `ID.execute-api` hosts come here. REST and WebSocket
APIs stay with ministack.
"""

from __future__ import annotations

import asyncio
import base64
import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

from serverless_cli.local.server import cors, engine, integrations, permits
from serverless_cli.local.server.asgi import Request, Response
from serverless_cli.local.server.authorizers import Approach, from_engine, judge
from serverless_cli.local.server.context import Here, log
from serverless_cli.local.server.mapping import Values
from serverless_cli.local.server.payload import FAILED, Call, event_of, response_of
from serverless_cli.local.server.routes import choose
from serverless_cli.records import dataclass

_JSON = (("content-type", "application/json"),)
_NOT_FOUND = Response(404, _JSON, b'{"message":"Not Found"}')
_UNAVAILABLE = Response(503, _JSON, b'{"message":"Service Unavailable"}')
_LIMIT_MS = 30_000


@dataclass(frozen=True, slots=True)
class Api:
    """An HTTP API and where it lives."""

    id: str
    account: str
    region: str
    settings: Mapping[str, Any]


def find(api_id: str) -> Api | None:
    """The HTTP API with this id; None for other kinds of APIs and for none."""
    for (account, region, found), settings in engine.Part("services.apigateway")["_apis"].all_items():
        if found == api_id and settings.get("protocolType") == "HTTP":
            return Api(api_id, account, region, settings)
    return None


def is_engines_own(api_id: str) -> bool:
    """Whether ministack serves an API with this id itself: a REST or a WebSocket API."""
    for part, store in (("services.apigateway", "_apis"), ("services.apigateway_v1", "_rest_apis")):
        if any(found == api_id for (_, _, found), _ in engine.Part(part)[store].all_items()):
            return find(api_id) is None
    return False


async def serve(here: Here, api: Api, request: Request, raw_path: str, body: bytes) -> Response:
    """The answer of the API to a path that may begin with a stage."""
    config = api.settings.get("corsConfiguration") or {}
    request_id = base64.b64encode(secrets.token_bytes(11)).decode()
    if config and cors.is_preflight(request):
        answer = cors.preflight(config, request, here.facts.port)
    else:
        with engine.Part("core.responses")["request_scope"](api.account, api.region):
            answer = await _routed(here, api, replace(request, id=request_id), raw_path, body)
        if config:
            headers = (*cors.without(answer.headers), *cors.granted(config, request, here.facts.port))
            answer = Response(answer.status, headers, answer.body)
    return Response(answer.status, (*answer.headers, ("apigw-requestid", request_id)), answer.body)


async def _routed(here: Here, api: Api, request: Request, raw_path: str, body: bytes) -> Response:
    gateway = engine.Part("services.apigateway")
    stages = {} if api.settings.get("disableExecuteApiEndpoint") else gateway["_stages"].get(api.id, {})
    found = _stage(stages, gateway["decode_http_api_path"](raw_path))
    match = choose(gateway["_routes"].get(api.id, {}).values(), request.method, found[1]) if found else None
    if found is None or match is None:
        return _NOT_FOUND
    stage, path = found
    variables = stages[stage].get("stageVariables") or {}
    refused, told = await judge(Approach(api.id, api.account, api.region, stage, path, match, variables, request, body))
    if refused is not None:
        return refused
    call = Call(
        api.account, api.region, api.id, stage, path, match.key, match.parameters, variables, told, here.facts.port
    )
    integration_id = str(match.route.get("target", "")).rpartition("/")[2]
    integration = gateway["_integrations"].get(api.id, {}).get(integration_id)
    return await _integrated(here, _Routed(api, integration, request, body, call))


def _stage(stages: Mapping[str, Any], path: str) -> tuple[str, str] | None:
    """The stage that a path names by its first segment, else `$default`, and the path within it."""
    first, slash, rest = path.lstrip("/").partition("/")
    if first in stages and first != "$default":
        return first, f"/{rest}" if slash else "/"
    return ("$default", "/" + path.lstrip("/")) if "$default" in stages else None


@dataclass(frozen=True, slots=True)
class _Routed:
    """A request that has found its integration."""

    api: Api
    integration: Any
    request: Request
    body: bytes
    call: Call


async def _integrated(here: Here, routed: _Routed) -> Response:
    api, integration, request, call = routed.api, routed.integration, routed.request, routed.call
    kind = integration.get("integrationType") if integration else None
    if kind == "AWS_PROXY":
        work = _service if integration.get("integrationSubtype") else _function
        # API Gateway gives up on the function after 30 s at most; the function runs on.
        limit_s = float(integration.get("timeoutInMillis") or _LIMIT_MS) / 1000
        running = asyncio.ensure_future(work(here, routed))
        done, _ = await asyncio.wait([running], timeout=limit_s)
        return running.result() if done else _UNAVAILABLE
    if kind == "HTTP_PROXY":
        query = parse_qs(request.query, keep_blank_values=True)
        forward = engine.Part("services.apigateway")["_invoke_http_proxy"]
        return from_engine(
            await forward(integration, call.path, request.method, dict(request.headers), routed.body, query)
        )
    log.warning("API %s: the integration of %s is not supported here yet", api.id, call.route_key)
    return FAILED


async def _service(here: Here, routed: _Routed) -> Response:
    def work() -> Response:
        return integrations.serve(here, routed.integration, Values(routed.request, routed.body, routed.call))

    answer: Response = await engine.Part("core.concurrency")["run_reentrant"](work, thread_name="slx-api")
    return answer


async def _function(_: Here, routed: _Routed) -> Response:
    """Run the integration's function; each reason why that fails is one and the same 500 for the caller."""
    gateway, functions = engine.Part("services.apigateway"), engine.Part("services.lambda_svc")
    api, request, call = routed.api, routed.request, routed.call
    reference = gateway["_extract_lambda_ref_from_integration_uri"](routed.integration.get("integrationUri", ""))
    record, config, _ = functions["_get_func_record_for_ref_in_scope"](
        reference, account_id=api.account, region=api.region
    )
    if record is None or config is None:
        log.warning("API %s: %s has no function %s", api.id, call.route_key, reference)
        return FAILED
    base, _, _ = functions["_get_base_func_record_for_ref"](reference)
    source = _source_arn(api, call, request.method)
    arn = reference if reference.startswith("arn:") else config["FunctionArn"]
    allowed = permits.service_allowed(
        (base or {}).get("policy"),
        service="apigateway.amazonaws.com",
        action="lambda:InvokeFunction",
        resource=arn,
        source_arn=source,
        region=api.region,
    )
    if not allowed:
        log.warning("API %s: the policy of %s does not let %s invoke it", api.id, arn, source)
        return FAILED
    run = functions["_execute_function_with_config_scope"]
    prepared = functions["_execution_record_for_config"](record, config)
    event = event_of(request, routed.body, call)
    result = await engine.Part("core.concurrency")["run_reentrant"](run, prepared, event, thread_name="slx-api")
    if result.get("throttle"):
        return _UNAVAILABLE
    return FAILED if result.get("error") else response_of(result.get("body"))


def _source_arn(api: Api, call: Call, method: str) -> str:
    """The caller's ARN that a function's policy is asked about: two segments for `$default`, three for others."""
    route = "$default" if call.route_key == "$default" else f"{method}{call.route_key.partition(' ')[2]}"
    return f"arn:aws:execute-api:{api.region}:{api.account}:{api.id}/{call.stage}/{route}"
