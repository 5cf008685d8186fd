"""Cross-origin answers of an HTTP API, by its configuration alone, as API Gateway gives them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from serverless_cli.local.server.asgi import Request, Response

Headers = tuple[tuple[str, str], ...]


def is_preflight(request: Request) -> bool:
    """Whether a browser asks for leave before the request proper."""
    return request.method == "OPTIONS" and {"origin", "access-control-request-method"} <= request.headers.keys()


def preflight(config: Mapping[str, Any], request: Request, port: int) -> Response:
    """API Gateway's own answer: always 204, with permissions only for an origin that is allowed."""
    headers = granted(config, request, port)
    if headers:
        lists = (("allowMethods", "access-control-allow-methods"), ("allowHeaders", "access-control-allow-headers"))
        headers += tuple((name, ",".join(config[field])) for field, name in lists if config.get(field))
        if config.get("maxAge") is not None:
            headers += (("access-control-max-age", str(config["maxAge"])),)
    return Response(204, headers)


def granted(config: Mapping[str, Any], request: Request, port: int) -> Headers:
    """The headers that let the page of this origin read the answer; none for other origins."""
    origin = request.headers.get("origin", "")
    allowed = [str(item) for item in config.get("allowOrigins") or []]
    if "*" in allowed:
        value = "*"
    elif origin and _allows(allowed, origin, port):
        value = origin
    else:
        return ()
    headers: Headers = (("access-control-allow-origin", value),)
    if config.get("allowCredentials"):
        headers += (("access-control-allow-credentials", "true"),)
    if config.get("exposeHeaders"):
        headers += (("access-control-expose-headers", ",".join(config["exposeHeaders"])),)
    return headers


def without(headers: Iterable[tuple[str, str]]) -> Headers:
    """What is left of an integration's headers once the API has a configuration of its own."""
    return tuple(header for header in headers if not header[0].lower().startswith("access-control-"))


def _allows(allowed: list[str], origin: str, port: int) -> bool:
    lowered = [item.lower() for item in allowed]
    schemes = tuple(item[:-1] for item in lowered if item in ("http://*", "https://*"))
    if origin.lower() in lowered or origin.startswith(schemes):
        return True
    # A site has two origins here: its host, and the plain host for clients that do not resolve `*.localhost`.
    site = re.compile(rf"http://.+\.s3-website\.localhost:{port}")
    by_path = origin.lower() in (f"http://127.0.0.1:{port}", f"http://localhost:{port}")
    return by_path and any(site.fullmatch(item) for item in lowered)
