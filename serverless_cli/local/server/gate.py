"""The application that the server runs: sends each request to the endpoint it is for, and the rest to ministack."""

from __future__ import annotations

import json
import re
from collections.abc import MutableMapping
from typing import Any

from serverless_cli.local.server import admission, engine, httpapi, lineage, website
from serverless_cli.local.server.address import Address, Plane, address
from serverless_cli.local.server.asgi import App, Receive, Request, Response, Scope, Send, answer, body_of, request_of
from serverless_cli.local.server.context import Here
from serverless_cli.local.server.control import Control

# What ministack answers on any host, to anyone, before it looks for a key: reset among them.
_ENGINE_OWN = re.compile(r"/(_ministack|_localstack|_aws|_alb|_slx)(/|$)")
_BY_PATH = re.compile(r"/_slx/(?P<kind>site|api)/(?P<name>[^/]+)(?P<path>/.*)?", re.DOTALL)
_READ_ONLY = ("GET", "HEAD", "OPTIONS")


class Gate:
    """The server's ASGI application."""

    def __init__(self, here: Here, control: Control, engine_app: App) -> None:
        self._here = here
        self._control = control
        self._engine = engine_app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._engine(scope, receive, send)
            return
        request = request_of(scope)
        lineage.hops.set(lineage.count_in(request.headers.get(lineage.HEADER, "")))
        where = address(request.host, self._here.facts.port)
        if scope["type"] == "websocket":
            await self._websocket(where, scope, receive, send)
            return
        response = await self._own(request, where, receive)
        if response is not None:
            await answer(send, response, head=request.method == "HEAD")
            return
        await self._engine(scope, receive, send)
        if request.method not in _READ_ONLY:
            self._here.changed()

    async def _websocket(self, where: Address | None, scope: Scope, receive: Receive, send: Send) -> None:
        """WebSocket APIs are open to pages of any origin, on AWS too; nothing else here speaks WebSocket."""
        if where is not None and where.plane is Plane.API and _engine_serves(where):
            await self._engine(scope, receive, send)
            return
        message: MutableMapping[str, Any] = await receive()
        if message["type"] == "websocket.connect":
            await send({"type": "websocket.close", "code": 1008})

    async def _own(  # noqa: PLR0911 - one line per endpoint
        self, request: Request, where: Address | None, receive: Receive
    ) -> Response | None:
        """The answer to a request that is not for ministack, or not allowed to reach it; None for what is."""
        if where is None:
            return _message(421, "not a host of this server")
        if where.plane is Plane.SITE:
            return website.serve(request, where.name, request.path, "")
        if where.plane is Plane.PLAIN and request.path.startswith("/_slx/"):
            return await self._by_path(request, receive)
        if where.plane is Plane.API and httpapi.find(where.name) is not None:
            return await self._api(where.name, request, request.raw_path, receive)
        if _ENGINE_OWN.match(request.path):
            return _message(403, "not open")
        if where.plane in (Plane.API, Plane.FUNCTION):
            return None if _engine_serves(where) else _message(404, "Not Found")
        return admission.refusal(request, where, self._here.facts.account)

    async def _api(self, api_id: str, request: Request, raw_path: str, receive: Receive) -> Response:
        api = httpapi.find(api_id)
        if api is None:
            return _message(404, "Not Found")
        return await httpapi.serve(self._here, api, request, raw_path, await body_of(receive))

    async def _by_path(self, request: Request, receive: Receive) -> Response:
        found = _BY_PATH.fullmatch(request.path)
        if found is None:
            return self._control.answer(request)
        base = f"/_slx/{found['kind']}/{found['name']}"
        if found["kind"] == "site":
            if not found["path"]:
                return Response(302, (("location", f"{base}/"),))
            return website.serve(request, found["name"], found["path"], base)
        return await self._api(found["name"], request, request.raw_path.removeprefix(base) or "/", receive)


def _engine_serves(where: Address) -> bool:
    """Whether ministack has what a data plane's host names; else it would take the request for a call of AWS's API."""
    if where.plane is Plane.API:
        return httpapi.is_engines_own(where.name)
    return engine.Part("services.lambda_svc")["resolve_function_url"](where.name) is not None


def _message(status: int, text: str) -> Response:
    return Response(
        status, (("content-type", "application/json"),), json.dumps({"message": text}, separators=(",", ":")).encode()
    )
