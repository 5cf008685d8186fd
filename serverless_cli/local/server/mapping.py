"""The values that a service integration's parameters take from a request."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs

from serverless_cli.local.server.asgi import Request
from serverless_cli.local.server.payload import Call, context_of
from serverless_cli.records import dataclass

_ONE = re.compile(r"\$(request|context|stageVariables)\.[^\s{}]+")
_PLACE = re.compile(r"\$\{([^{}]+)\}")
_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


@dataclass(frozen=True, slots=True)
class Values:
    """A request with its route, as parameters may refer to it."""

    request: Request
    body: bytes
    call: Call


def resolve(text: str, values: Values) -> str | None:
    """A parameter's value: `$request.x` alone, `${request.x}` within text, or the text itself; None for nothing."""
    if _ONE.fullmatch(text):
        return _value(text[1:], values)
    return _PLACE.sub(lambda found: _value(found[1].strip().removeprefix("$"), values) or "", text)


def _value(reference: str, values: Values) -> str | None:
    root, _, rest = reference.partition(".")
    if root == "context":
        return _text(_walk(context_of(values.request, values.call), rest))
    if root == "stageVariables":
        return values.call.stage_variables.get(rest)
    if root != "request":
        return None
    kind, _, name = rest.partition(".")
    find = _OF_REQUEST.get(kind)
    return find(values, name) if find else None


def _header(values: Values, name: str) -> str | None:
    return values.request.headers.get(name.lower())


def _query(values: Values, name: str) -> str | None:
    found = parse_qs(values.request.query, keep_blank_values=True).get(name)
    return ",".join(found) if found else None


def _path(values: Values, name: str) -> str | None:
    return values.call.parameters.get(name) if name else values.call.path


def _body(values: Values, name: str) -> str | None:
    text = values.body.decode("utf-8", "replace")
    if not name:
        return text
    try:
        return _text(_walk(json.loads(text), name))
    except ValueError:
        return None


_OF_REQUEST: Mapping[str, Callable[[Values, str], str | None]] = {
    "header": _header,
    "querystring": _query,
    "path": _path,
    "body": _body,
}


def _walk(tree: Any, path: str) -> Any:
    for name, index in _STEP.findall(path):
        if index:
            tree = tree[int(index)] if isinstance(tree, list) and int(index) < len(tree) else None
        else:
            tree = tree.get(name) if isinstance(tree, Mapping) else None
    return tree


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
