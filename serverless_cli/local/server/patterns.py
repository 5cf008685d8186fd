"""Whether a record matches a filter, by EventBridge's rules, which mappings and pipes share."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from serverless_cli.local.server import engine


def wanted(criteria: Mapping[str, Any] | None, event: Mapping[str, Any]) -> bool:
    """Whether one of the patterns matches; everything matches no patterns at all."""
    patterns = [found["Pattern"] for found in (criteria or {}).get("Filters") or [] if found.get("Pattern")]
    if not patterns:
        return True
    opened = opened_event(event)
    return any(matches(pattern, opened) for pattern in patterns)


def matches(pattern: str, event: Mapping[str, Any]) -> bool:
    """Whether an event as JSON matches a pattern; a pattern that AWS refuses matches nothing."""
    bus = engine.Part("services.eventbridge")
    alternatives = bus["_compiled_pattern"](pattern) or []
    return any(bus["_matches_detail"](event, alternative) for alternative in alternatives)


def opened_event(event: Mapping[str, Any]) -> dict[str, Any]:
    """A record as patterns and templates see it: Kinesis's fields beside the others, its data or a body as JSON."""
    flat = {**{name: value for name, value in event.items() if name != "kinesis"}, **event.get("kinesis", {})}
    if "kinesis" in event:
        flat["data"] = _data(flat["data"])
    if isinstance(flat.get("body"), str):
        flat["body"] = _parsed(flat["body"])
    return flat


def _data(data: str) -> Any:
    try:
        return _parsed(base64.b64decode(data).decode())
    except ValueError:
        return data


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
