"""End-to-end checks: a probe, what is expected of it, and polling until it is so or the deadline ends."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from serverless_cli.model import Check, CheckResult, Late

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 2.0
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


def prove(
    check: Check, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
) -> CheckResult:
    """Asks again and again, slower each time, until what is expected is there; then says what was seen last."""
    began, attempts, pause = clock(), 0, FIRST_PAUSE_S
    while True:
        attempts += 1
        wrong, saw = _attempt(check)
        spent = clock() - began
        if not wrong or spent + pause > check.deadline_s:
            return CheckResult(check, not wrong, wrong or saw, attempts, spent)
        sleep(pause)
        pause = min(pause * 1.5, LONGEST_PAUSE_S)


def _attempt(check: Check) -> tuple[str, str]:
    """What is wrong (empty: nothing), and what was seen."""
    url = check.arguments["url"]
    if isinstance(url, Late):
        return f"{url} is not known: what it names was not made", ""
    try:
        answer = _ask(check.probe.upper(), str(url), check.arguments)
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        return f"{url} does not answer: {reason}", ""
    return _compare(check.expect, answer), f"{answer.status} from {url}"


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
    request = urllib.request.Request(_loopback(url, headers), body, headers, method=method)  # noqa: S310 - http(s) only, above
    opener = urllib.request.build_opener(_AsIs)
    try:
        with opener.open(request, timeout=ANSWER_S) as answer:
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
        return f"status {answer.status} instead of {status or 'a good one'}: {_short(text)}"
    if expect.get("contains") is not None and str(expect["contains"]) not in text:
        return f"{expect['contains']!r} is not in the answer: {_short(text)}"
    for name, value in (expect.get("header") or {}).items():
        have = answer.headers.get(name.lower())
        if have != value:
            return f"header {name} is {have!r} instead of {value!r}"
    if expect.get("json") is not None:
        try:
            have = json.loads(text)
        except ValueError:
            return f"the answer is no JSON: {_short(text)}"
        return differs(json.loads(str(expect["json"])), have)
    return ""


def differs(expected: Any, have: Any, path: str = "") -> str:
    """Where `have` lacks what is expected; objects may have more keys than expected, lists may not."""
    if isinstance(expected, Mapping) and isinstance(have, Mapping):
        for key, value in expected.items():
            where = f"{path}.{key}".lstrip(".")
            if key not in have:
                return f"{where} is missing in {_short(json.dumps(have))}"
            if wrong := differs(value, have[key], where):
                return wrong
        return ""
    if expected != have:
        return f"{path or 'the answer'} is {_short(json.dumps(have))} instead of {_short(json.dumps(expected))}"
    return ""


def _short(text: str, most: int = 160) -> str:
    text = " ".join(text.split())
    return text if len(text) <= most else f"{text[: most - 1]}…"
