"""HTTP requests and answers as values, and the ASGI calls that carry them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import field
from typing import Any

from serverless_cli.records import dataclass

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Request:
    """One request; `headers` are lower-cased, `path` is decoded, `raw_path` and `query` as sent, `id` is an API's."""

    method: str
    path: str
    raw_path: str
    query: str
    headers: Mapping[str, str]
    client: str
    protocol: str
    id: str = ""

    @property
    def host(self) -> str:
        return self.headers.get("host", "").lower()


@dataclass(frozen=True, slots=True)
class Response:
    """One answer; `headers` may name the same header twice, as Set-Cookie needs."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = field(default=b"", repr=False)


def request_of(scope: Scope) -> Request:
    """The request of an ASGI scope; a header on several lines is joined as RFC 9110 says."""
    headers: dict[str, str] = {}
    for name, value in scope.get("headers", []):
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        separator = "; " if key == "cookie" else ","
        headers[key] = f"{headers[key]}{separator}{text}" if key in headers else text
    raw_path = scope.get("raw_path") or scope["path"].encode()
    return Request(
        method=scope.get("method", "GET"),
        path=scope["path"],
        raw_path=raw_path.decode("latin-1").partition("?")[0],
        query=scope.get("query_string", b"").decode("latin-1"),
        headers=headers,
        client=(scope.get("client") or ("127.0.0.1",))[0],
        protocol=f"HTTP/{scope.get('http_version', '1.1')}",
    )


async def body_of(receive: Receive) -> bytes:
    """The whole body; what arrived so far when the client goes away."""
    chunks = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            break
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            break
    return b"".join(chunks)


async def answer(send: Send, response: Response, *, head: bool = False) -> None:
    """Send a whole answer; `head` keeps the body back but states its length."""
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1", "replace")) for name, value in response.headers]
    # RFC 9110: no length on 204 and 304 answers.
    if response.status not in (204, 304) and not any(name == b"content-length" for name, _ in headers):
        headers.append((b"content-length", str(len(response.body)).encode()))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head else response.body})
