"""Small files into S3 over connections of our own, signed by botocore.

botocore spends 2.3 ms of CPU on a PutObject, which under the interpreter lock caps an upload at about 350 files a
second however many threads there are; signing and sending alone takes a third of that. Where to send to, and for which
region to sign, is learnt from a first put to each bucket by botocore; whatever is not plain goes its way altogether.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import http.client
import re
import ssl
import threading
from collections import deque
from collections.abc import Callable, Mapping
from email.message import Message
from typing import Any
from urllib.parse import quote, urlsplit
from xml.etree import ElementTree as ET

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError
from botocore.httpsession import URLLib3Session

from serverless_cli.records import dataclass

OPERATION = "s3.PutObject"
SMALL = 8 * 1024 * 1024
"""bytes that are read into memory at once, for each of some dozens of threads"""

_HEADERS = {"ContentType": "Content-Type", "CacheControl": "Cache-Control", "ACL": "x-amz-acl"}
_PLAIN = frozenset({"Bucket", "Key", "Body", "Metadata", *_HEADERS})
_CLOSED = (ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError)
"""what a connection says that has been closed at the other end; http.client's RemoteDisconnected is one of them"""
_SCOPE = re.compile(r"AWS4-HMAC-SHA256 Credential=[^/]+/\d{8}/([a-z0-9-]+)/s3/aws4_request")


_Answer = tuple[int, Message, bytes]
"""status, headers, content"""


@dataclass(frozen=True, slots=True)
class _Target:
    """Where a bucket's objects go: the URL before their keys, the region to sign for, and as whom to introduce us."""

    url: str
    region: str
    agent: str


class Puts:
    """Puts objects for one client of S3; threads share it."""

    def __init__(
        self,
        client: Any,
        credentials: Callable[[], Any],
        context: Callable[[], ssl.SSLContext | None],
        timeouts_s: tuple[float, float],
    ) -> None:
        """`credentials` gives botocore's frozen ones, as they are now; `context` makes one for TLS that trusts
        what the client trusts and compares host names; None where that cannot be told."""
        self._credentials = credentials
        self._make_context = context
        self._context: ssl.SSLContext | None = None
        self._timeouts_s = timeouts_s
        self._http = getattr(getattr(client, "_endpoint", None), "http_session", None)
        self._targets: dict[str, _Target] = {}
        self._idle: deque[tuple[str, http.client.HTTPConnection]] = deque()
        self._sent = threading.local()
        self._lock = threading.Lock()
        client.meta.events.register("before-send.s3.PutObject", self._watch)

    def put(self, parameters: Mapping[str, Any]) -> dict[str, Any] | None:
        """The answer; None where botocore has to do it. Raises botocore's exceptions, as its client does."""
        target = self._targets.get(parameters["Bucket"])
        body = _small(parameters.get("Body", b"")) if target and _PLAIN.issuperset(parameters) else None
        if target is None or body is None:
            return None
        answer = self._exchange(target, parameters, body)
        if answer is None:
            return None
        status, headers, content = answer
        if status == 200:
            return {"ETag": headers.get("ETag", ""), "ResponseMetadata": {"HTTPStatusCode": status}}
        if status < 400:  # the bucket is elsewhere
            self._targets.pop(parameters["Bucket"], None)
            return None
        raise ClientError(_refusal(status, content), "PutObject")

    def learn(self, parameters: Mapping[str, Any]) -> None:
        """Keeps where botocore, on this thread, has just sent an object to."""
        url, authorization, agent = getattr(self._sent, "last", ("", "", ""))
        key, scope = quote(parameters["Key"], safe="/~"), _SCOPE.match(authorization)
        if scope and url.endswith(f"/{key}") and self._reachable(url):
            self._targets[parameters["Bucket"]] = _Target(url.removesuffix(key), scope[1], agent)

    def close(self) -> None:
        """Closes all connections."""
        while self._idle:
            self._idle.pop()[1].close()

    def _watch(self, request: Any, **_: object) -> None:
        told = (request.headers.get(name, "") for name in ("Authorization", "User-Agent"))
        self._sent.last = (request.url, *(text.decode() if isinstance(text, bytes) else str(text) for text in told))

    def _reachable(self, url: str) -> bool:
        """Whether a connection of our own gets there as botocore's does: no proxy, and no TLS but with our context."""
        if not isinstance(self._http, URLLib3Session):
            return False
        if url.startswith("https:"):
            with self._lock:
                self._context = self._context or self._make_context()
            if self._context is None:
                return False
        proxies = getattr(self._http, "_proxy_config", None)
        return proxies is not None and not proxies.proxy_url_for(url)

    def _exchange(self, target: _Target, parameters: Mapping[str, Any], body: bytes) -> _Answer | None:
        """The answer; None if no connection came about."""
        request = self._signed(target, parameters, body)
        parts = urlsplit(request.url)
        place = f"{parts.scheme}://{parts.netloc}"
        path = request.url.removeprefix(place)
        if (connection := self._reuse(place)) is not None:
            # A server may have closed it while it was idle. Anything else may have been carried out: whoever called
            # decides whether it is sent again.
            with contextlib.suppress(*_CLOSED):
                return self._try(place, connection, path, request, body)
        try:
            connection = self._connect(parts.scheme, parts.netloc)
        except OSError:
            return None
        try:
            return self._try(place, connection, path, request, body)
        except _CLOSED as error:
            raise ConnectionClosedError(endpoint_url=place, error=error) from None

    def _try(
        self, place: str, connection: http.client.HTTPConnection, path: str, request: AWSRequest, body: bytes
    ) -> _Answer:
        """Sends it once. Raises one of `_CLOSED` where the other end hung up without a word, else botocore's."""
        try:
            return self._ask(place, connection, path, request, body)
        except TimeoutError as error:
            connection.close()
            raise ReadTimeoutError(endpoint_url=place, error=error) from None
        except _CLOSED:
            connection.close()
            raise
        except (http.client.HTTPException, OSError) as error:
            connection.close()
            raise ConnectionClosedError(endpoint_url=place, error=error) from None

    def _signed(self, target: _Target, parameters: Mapping[str, Any], body: bytes) -> AWSRequest:
        digest = base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
        headers = {"Content-MD5": digest, "User-Agent": target.agent}
        headers |= {header: parameters[name] for name, header in _HEADERS.items() if parameters.get(name)}
        headers |= {f"x-amz-meta-{name}": value for name, value in parameters.get("Metadata", {}).items()}
        url = target.url + quote(parameters["Key"], safe="/~")
        request = AWSRequest("PUT", url, headers, body)
        # Over TLS the digest vouches for the bytes: no second one is signed.
        request.context["has_streaming_input"] = True
        S3SigV4Auth(self._credentials(), "s3", target.region).add_auth(request)
        return request

    def _ask(
        self, place: str, connection: http.client.HTTPConnection, path: str, request: AWSRequest, body: bytes
    ) -> _Answer:
        connection.request("PUT", path, body, dict(request.headers.items()))
        answer = connection.getresponse()
        content = answer.read()
        if answer.will_close:
            connection.close()
        else:
            self._idle.append((place, connection))
        return answer.status, answer.headers, content

    def _reuse(self, place: str) -> http.client.HTTPConnection | None:
        with contextlib.suppress(IndexError):
            there, connection = self._idle.pop()
            if there == place:
                return connection
            connection.close()
        return None

    def _connect(self, scheme: str, netloc: str) -> http.client.HTTPConnection:
        connect_s, read_s = self._timeouts_s
        connection = (
            http.client.HTTPSConnection(netloc, timeout=connect_s, context=self._context)
            if scheme == "https"
            else http.client.HTTPConnection(netloc, timeout=connect_s)
        )
        connection.connect()
        connection.sock.settimeout(read_s)
        return connection


def _small(body: Any) -> bytes | None:
    """The bytes of a body that fits into memory; a file is left as it was found."""
    if isinstance(body, bytes):
        return body if len(body) <= SMALL else None
    start = body.tell()
    content: bytes = body.read(SMALL + 1)
    body.seek(start)
    return content if len(content) <= SMALL else None


def _refusal(status: int, content: bytes) -> dict[str, Any]:
    """An error in the form that botocore gives it."""
    found = {"Code": str(status), "Message": http.client.responses.get(status, "")}
    with contextlib.suppress(ET.ParseError):
        root = ET.fromstring(content)  # noqa: S314 - from AWS, over a connection that is trusted like botocore's
        found |= {name: root.findtext(name) or found[name] for name in ("Code", "Message")}
    return {"Error": found, "ResponseMetadata": {"HTTPStatusCode": status}}
