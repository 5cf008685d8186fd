"""The transport: botocore's clients, and its exceptions turned into failures. Imported only when a call is made."""

from __future__ import annotations

import io
import os
import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import botocore.session
from botocore import exceptions as boto
from botocore import xform_name
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.paginate import Paginator
from botocore.parsers import ResponseParserError
from botocore.response import StreamingBody

from serverless_cli import __version__
from serverless_cli.aws.failure import Failure, Nature, throttled
from serverless_cli.aws.paging import further
from serverless_cli.aws.puts import OPERATION as PUT
from serverless_cli.aws.puts import Puts
from serverless_cli.aws.scrub import scrub
from serverless_cli.aws.session import Send
from serverless_cli.aws.tls import SharedTls
from serverless_cli.aws.translate import translate

CONNECTIONS = 64
"""per client: as many threads as an executor and the pool of `map` have together, so that none discards a connection"""

TIMEOUTS_S = (10.0, 75.0)
"""for a connection, and for the next bytes of an answer: longer than any call that slx makes should take"""

_SIGN_IN = (
    boto.NoCredentialsError, boto.PartialCredentialsError, boto.CredentialRetrievalError, boto.NoAuthTokenError,
    boto.TokenRetrievalError, boto.SSOError, boto.LoginError,
)  # fmt: skip

_UNSENT = (boto.EndpointConnectionError, boto.ConnectTimeoutError, boto.ProxyConnectionError)

TAKEN = 8 << 20
"""bodies of up to so many bytes are read at once: then a connection that breaks off meanwhile is one failed attempt"""

_SERVICE_IDS = {"events": "EVENTBRIDGE", "logs": "CLOUDWATCH_LOGS", "s3control": "S3_CONTROL", "stepfunctions": "SFN"}
"""how environment variables spell services, where boto3 spells them otherwise"""

_BROKEN_OFF = (boto.HTTPClientError, boto.ResponseStreamingError, boto.IncompleteReadError, ResponseParserError)

_HANDSHAKE = (
    "CERTIFICATE",
    "certificate",
    "WRONG_VERSION_NUMBER",
    "record layer",
    "UNSUPPORTED_PROTOCOL",
    "alert",
    "match",
)
"""signs that no TLS connection came about, and never will; any other trouble may have struck after the call was sent"""


class Clients:
    """One botocore session's clients for one region, made when first needed; threads share them.

    botocore's own retries are off: nothing may be sent again behind our back.
    """

    def __init__(
        self,
        session: botocore.session.Session,
        *,
        region: str,
        endpoint_url: str | None = None,
        keys: tuple[str, str, str | None] | None = None,
        timeouts_s: tuple[float, float] = TIMEOUTS_S,
    ) -> None:
        self.session = session
        self.region = region
        self.endpoint_url = endpoint_url
        self.keys = keys
        self.timeouts_s = timeouts_s
        self._tls = SharedTls()
        self._clients: dict[str, Any] = {}
        self._puts: Puts | None = None
        self._lock = threading.Lock()

    def client(self, service: str) -> Any:
        """The client of a service, as boto3 spells it."""
        known = self._clients.get(service)
        if known is not None:
            return known
        # One lock for all: a session is not safe to make clients from several threads, and parsing the models at
        # once only has threads take turns at the interpreter (677 ms against 190 for a website's five clients).
        with self._lock:
            if service not in self._clients:
                self._clients[service] = self._make(service)
            return self._clients[service]

    def send(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Makes one attempt. Raises Failure, which holds nothing of botocore's exception: that may hold secrets."""
        try:
            answer = self._put(parameters) if operation == PUT else self._ask(operation, parameters)
        except (boto.ClientError, boto.BotoCoreError, ResponseParserError) as error:
            failure = classify(operation, error, parameters)
        else:
            return answer
        raise failure

    def _ask(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        service, _, name = operation.partition(".")
        answer: dict[str, Any] = getattr(self.client(service), xform_name(name))(**parameters)
        _take(answer)
        return answer

    def _put(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        client = self.client("s3")
        with self._lock:
            if self._puts is None:
                self._puts = Puts(client, self._frozen, lambda: self._tls.checking(client), self.timeouts_s)
        answer = self._puts.put(parameters)
        if answer is None:
            answer = self._ask(PUT, parameters)
            self._puts.learn(parameters)
        return answer

    def _frozen(self) -> Any:
        """The credentials as they are now: those of a role change while a run lasts."""
        found = Credentials(*self.keys) if self.keys else self.session.get_credentials()
        return found.get_frozen_credentials()

    def pages(self, operation: str, parameters: Mapping[str, Any], call: Send) -> Iterable[dict[str, Any]]:
        """Pages by botocore's own description of each operation's tokens; by `paging` where botocore has none."""
        service, _, name = operation.partition(".")
        client = self.client(service)

        def ask(**page: Any) -> dict[str, Any]:
            return call(operation, **page)

        if not client.can_paginate(xform_name(name)):
            return further(operation, parameters, ask)
        config = self.session.get_paginator_model(service).get_paginator(name)
        paginator = Paginator(ask, config, client.meta.service_model.operation_model(name))
        return _described(operation, paginator.paginate(**parameters))

    def close(self) -> None:
        """Closes all connections."""
        with self._lock:
            for client in self._clients.values():
                client.close()
            self._clients.clear()
            if self._puts is not None:
                self._puts.close()
                self._puts = None

    def _make(self, service: str) -> Any:
        access, secret, token = self.keys or (None, None, None)
        client = self.session.create_client(
            service,
            region_name=self.region,
            endpoint_url=self.endpoint_url,
            aws_access_key_id=access,
            aws_secret_access_key=secret,
            aws_session_token=token,
            config=self._config(service),
        )
        if service == "s3control" and is_foreign(self.endpoint(service)):
            client.meta.events.register("before-sign.s3-control", _bare_host)
        self._tls.apply(client)
        return client

    def _config(self, service: str) -> Config:
        foreign = is_foreign(self.endpoint(service))
        return Config(
            retries={"total_max_attempts": 1, "mode": "standard"},
            max_pool_connections=CONNECTIONS,
            connect_timeout=self.timeouts_s[0],
            read_timeout=self.timeouts_s[1],
            tcp_keepalive=True,
            user_agent_extra=f"slx/{__version__}",
            # Emulators and S3's look-alikes refuse the checksums that botocore adds by itself since 1.36.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            # bucket.localhost and sync-localhost resolve nowhere.
            s3={"addressing_style": "path"} if foreign else None,
            inject_host_prefix=not foreign,
        )

    def endpoint(self, service: str) -> str:
        """The endpoint set by argument, environment or profile, in botocore's order; empty: AWS's own."""
        if self.endpoint_url:
            return self.endpoint_url
        if os.environ.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() == "true":
            return ""
        own = os.environ.get("AWS_ENDPOINT_URL_" + _SERVICE_IDS.get(service, service.upper()))
        given = own or os.environ.get("AWS_ENDPOINT_URL") or ("" if self.keys else self._profile_endpoint())
        return given or ""

    def _profile_endpoint(self) -> str:
        return str(self.session.get_scoped_config().get("endpoint_url", ""))


def _take(answer: dict[str, Any]) -> None:
    """Reads a small body that the answer would leave on the wire."""
    for key, value in answer.items():
        if isinstance(value, StreamingBody) and 0 <= answer.get("ContentLength", 0) <= TAKEN:
            answer[key] = io.BytesIO(value.read())


def _described(operation: str, pages: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The pages; botocore gives up, outside of any call, on a token that does not change."""
    try:
        yield from pages
    except boto.PaginationError as error:
        raise translate(classify(operation, error, {})) from None


def is_foreign(url: str) -> bool:
    """Whether an endpoint is somebody else's than AWS's (empty is AWS's): an emulator, on this computer or not."""
    host = urlsplit(url).hostname or ""
    return bool(host) and not re.search(r"\.(amazonaws\.com(\.cn)?|amazonaws\.eu|api\.aws|aws\.dev|ic\.gov)$", host)


def _bare_host(request: Any, **_: object) -> None:
    """Takes the account off the host name, where S3 Control has it: emulators answer at their own address only."""
    parts = urlsplit(request.url)
    request.url = parts._replace(netloc=re.sub(r"^\d{12}\.", "", parts.netloc)).geturl()


def classify(operation: str, error: Exception, parameters: Mapping[str, Any]) -> Failure:
    """The failure that an exception of botocore stands for."""
    if isinstance(error, boto.ClientError):
        return _answer(operation, error, parameters)
    message = scrub(str(error) + _cause(error), parameters)
    return Failure(operation, _nature(error), type(error).__name__, message)


def _cause(error: Exception) -> str:
    """Why no connection came about ("Connection refused", "Name or service not known"), which botocore leaves out."""
    inner = getattr(error, "kwargs", {}).get("error") if isinstance(error, _UNSENT) else None
    return f": {str(inner).rpartition(': ')[2]}" if inner is not None else ""


def _answer(operation: str, error: boto.ClientError, parameters: Mapping[str, Any]) -> Failure:
    told = error.response.get("Error", {})
    code, message = str(told.get("Code", "Unknown")), str(told.get("Message", ""))
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    server = status >= 500 and not throttled(code, message, status)
    return Failure(operation, Nature.LOST if server else Nature.REFUSED, code, scrub(message, parameters), status)


def _nature(error: Exception) -> Nature:
    if isinstance(error, _SIGN_IN):
        return Nature.CREDENTIALS
    if isinstance(error, _UNSENT):
        return Nature.UNREACHABLE
    if isinstance(error, boto.SSLError):
        return Nature.UNTRUSTED if any(sign in str(error) for sign in _HANDSHAKE) else Nature.LOST
    return Nature.LOST if isinstance(error, _BROKEN_OFF) else Nature.INVALID
