"""What a state machine is, as slx compares it, to and from the form that Step Functions' calls want. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from serverless_cli.model import Mark, Spec
from serverless_cli.records import dataclass


@dataclass(frozen=True, slots=True)
class StateMachineSpec(Spec):
    """`definition` is canonical JSON. `log_group` is an ARN, empty when the level is off."""

    role: str
    mode: str
    definition: str
    level: str = "off"
    include_data: bool = False
    log_group: str = ""
    tracing: bool = False


def read_spec(found: Mapping[str, Any], wish: Spec | None) -> StateMachineSpec:
    """DescribeStateMachine's answer as a spec."""
    logs = found.get("loggingConfiguration") or {}
    level = str(logs.get("level", "OFF")).lower()
    groups = [one.get("cloudWatchLogsLogGroup", {}).get("logGroupArn", "") for one in logs.get("destinations") or ()]
    tracing = found.get("tracingConfiguration")
    if tracing is None and isinstance(wish, StateMachineSpec):
        tracing = {"enabled": wish.tracing}  # AWS always tells; an emulator that does not has none to differ.
    return StateMachineSpec(
        role=found["roleArn"],
        mode=str(found.get("type", "STANDARD")).lower(),
        definition=_canonical(found["definition"]),
        level=level,
        include_data=level != "off" and bool(logs.get("includeExecutionData")),
        log_group=",".join(groups) if level != "off" else "",
        tracing=bool((tracing or {}).get("enabled")),
    )


def _canonical(definition: str) -> str:
    """A definition that somebody wrote by hand, in the form that slx sends."""
    try:
        return json.dumps(json.loads(definition), sort_keys=True, separators=(",", ":"))
    except (ValueError, RecursionError):
        return definition


def log_settings(spec: StateMachineSpec) -> dict[str, Any]:
    """A spec's logging as a loggingConfiguration."""
    destinations = [{"cloudWatchLogsLogGroup": {"logGroupArn": spec.log_group}}] if spec.log_group else []
    return {"level": spec.level.upper(), "includeExecutionData": spec.include_data, "destinations": destinations}


def tags_of(found: Mapping[str, Any] | None) -> dict[str, str]:
    """The tags in ListTagsForResource's answer."""
    return {pair["key"]: pair["value"] for pair in (found or {}).get("tags") or ()}


def pairs_of(mark: Mark) -> list[dict[str, str]]:
    """A mark's tags in the lower-case form that only Step Functions wants."""
    return [{"key": key, "value": value} for key, value in mark.tags.items()]
