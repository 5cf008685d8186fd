"""Requests to URLs, and what is expected of their answers."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Mapping
from http import HTTPStatus
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit

from serverless_cli.checks.compare import short, unlike
from serverless_cli.records import dataclass

READ_AT_MOST = 10 * 1024 * 1024
ANSWER_S = 30.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a URL answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class _AsIs(urllib.request.HTTPRedirectHandler):
    """A redirect is an answer to be checked, not to be followed."""

    def redirect_request(self, *_: Any) -> None:
        return None


def request(method: str, arguments: Mapping[str, Any], expect: Mapping[str, Any]) -> tuple[str, str]:
    """What is wrong with the answer (empty: nothing), and what was seen."""
    url = str(arguments["url"])
    try:
        answer = _ask(method, url, arguments)
    except (OSError, ValueError, HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        return f"{url} does not answer: {reason}", ""
    return _compare(expect, answer), f"{answer.status} from {url}"


def _ask(method: str, url: str, arguments: Mapping[str, Any]) -> Answer:
    if urlsplit(url).scheme not in ("http", "https"):
        raise ValueError("it is no http or https URL")
    headers = {"User-Agent": "slx-check", **(arguments.get("headers") or {})}
    body: bytes | None = None
    if arguments.get("json") is not None:
        body = str(arguments["json"]).encode()
        headers.setdefault("Content-Type", "application/json")
    elif arguments.get("body") is not None:
        body = str(arguments["body"]).encode()
    asked = urllib.request.Request(_loopback(url, headers), body, headers, method=method)  # noqa: S310 - http(s) only, above
    opener = urllib.request.build_opener(_AsIs)
    try:
        with opener.open(asked, timeout=ANSWER_S) as answer:
            return Answer(answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.read(READ_AT_MOST))
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, {k.lower(): v for k, v in error.headers.items()}, error.read(READ_AT_MOST))


def _loopback(url: str, headers: dict[str, str]) -> str:
    """`*.localhost` is this machine (RFC 6761), whether or not the resolver knows it."""
    parts = urlsplit(url)
    if not (parts.hostname or "").endswith(".localhost"):
        return url
    headers["Host"] = parts.netloc
    return parts._replace(netloc=f"127.0.0.1:{parts.port or 80}").geturl()


def _compare(expect: Mapping[str, Any], answer: Answer) -> str:
    """The first expectation that is not met, and what is there instead; empty when all are."""
    text = answer.body.decode("utf-8", "replace")
    status = expect.get("status")
    if answer.status != status if status else answer.status >= HTTPStatus.BAD_REQUEST:
        return f"status {answer.status} instead of {status or 'a good one'}: {short(text)}"
    for name, value in (expect.get("header") or {}).items():
        have = answer.headers.get(name.lower())
        if have != value:
            return f"header {name} is {have!r} instead of {value!r}"
    return unlike(text, expect, "the answer")
