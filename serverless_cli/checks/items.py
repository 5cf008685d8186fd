"""DynamoDB's items as plain values and back. Pure."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any


def plain(value: Mapping[str, Any]) -> Any:
    """`{"N": "5"}` -> 5. Bytes become base64 text, sets sorted lists: the forms that JSON has."""
    ((kind, inner),) = value.items()
    read = _READ.get(kind)
    return read(inner) if read else inner


def _number(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        return float(text)


def _text(value: Any) -> str:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)


def typed(value: Any) -> dict[str, Any]:
    """5 -> `{"N": "5"}`: what JSON can say, in DynamoDB's words."""
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case int() | float():
            return {"N": str(value)}
        case list():
            return {"L": [typed(one) for one in value]}
        case dict():
            return {"M": typed_item(value)}
    return {"S": str(value)}


_READ: Mapping[str, Callable[[Any], Any]] = {
    "N": _number,
    "M": lambda inner: plain_item(inner),  # noqa: PLW0108 - it is defined below
    "L": lambda inner: [plain(one) for one in inner],
    "NULL": lambda _: None,
    "B": _text,
    "SS": sorted,
    "BS": lambda inner: sorted(map(_text, inner)),
    "NS": lambda inner: sorted(map(_number, inner)),
}
"""what is not here (text, true or false) is as it should be"""


def plain_item(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: plain(value) for name, value in item.items()}


def typed_item(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: typed(value) for name, value in item.items()}
