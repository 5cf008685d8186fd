"""Pipes, between blueprint and AWS: the spec, and its forms as calls want and give them. Pure.

AWS facts (EventBridge Pipes API reference; botocore's model):
- What a source or target takes of its own is in a structure that goes by its service. UpdatePipe replaces such a
  structure as a whole, and what it leaves out goes back to AWS's default; all else it leaves as it is.
- Filters are cleared by an empty list, the template by an empty text.
- Where a stream is first read from cannot be changed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from serverless_cli.model import Spec
from serverless_cli.records import dataclass

SOURCES = {
    "dynamodb": "DynamoDBStreamParameters",
    "kinesis": "KinesisStreamParameters",
    "sqs": "SqsQueueParameters",
}
TARGETS = {
    "events": "EventBridgeEventBusParameters",
    "kinesis": "KinesisStreamParameters",
    "lambda": "LambdaFunctionParameters",
    "sqs": "SqsQueueParameters",
    "states": "StepFunctionStateMachineParameters",
}
RUNNING, STOPPED = "RUNNING", "STOPPED"
ENDLESS = -1


@dataclass(frozen=True, slots=True)
class PipeSpec(Spec):
    """`source` and `target` are ARNs. `parameters` are what the target takes of its own, by AWS's names. Texts are
    empty where nothing is said. `state` is RUNNING or STOPPED, or AWS's word for what went wrong."""

    source: str
    position: str
    target: str
    role: str
    state: str
    description: str
    filters: tuple[str, ...]
    template: str
    parameters: Mapping[str, str]
    batch_size: int
    batch_window_s: int
    retries: int = ENDLESS
    max_age_s: int = ENDLESS
    bisect: bool = False
    dead_letter: str = ""


def service(arn: str) -> str:
    """The service that an ARN is of."""
    return arn.split(":")[2] if arn.count(":") >= 5 else ""


def written(spec: PipeSpec, *, create: bool) -> dict[str, Any]:
    """A pipe as CreatePipe and UpdatePipe want it, without its name and tags."""
    source, target = _source(spec, create=create), _target(spec, create=create)
    found: dict[str, Any] = {
        "RoleArn": spec.role,
        "Target": spec.target,
        "DesiredState": spec.state,
        "SourceParameters": source,
        "TargetParameters": target,
    }
    if create:
        found["Source"] = spec.source
    if spec.description or not create:
        found["Description"] = spec.description
    return found


def _source(spec: PipeSpec, *, create: bool) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if spec.filters or not create:
        found["FilterCriteria"] = {"Filters": [{"Pattern": one} for one in spec.filters]}
    own: dict[str, Any] = {"BatchSize": spec.batch_size}
    if spec.batch_window_s:
        own["MaximumBatchingWindowInSeconds"] = spec.batch_window_s
    if service(spec.source) != "sqs":
        own |= {"MaximumRetryAttempts": spec.retries, "MaximumRecordAgeInSeconds": spec.max_age_s}
        if spec.bisect:
            own["OnPartialBatchItemFailure"] = "AUTOMATIC_BISECT"
        if spec.dead_letter:
            own["DeadLetterConfig"] = {"Arn": spec.dead_letter}
        if create:
            own["StartingPosition"] = spec.position
    return {**found, SOURCES[service(spec.source)]: own}


def _target(spec: PipeSpec, *, create: bool) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if spec.template or not create:
        found["InputTemplate"] = spec.template
    if spec.parameters:
        found[TARGETS[service(spec.target)]] = dict(spec.parameters)
    return found


def read(have: Mapping[str, Any], known: PipeSpec | None = None) -> PipeSpec:
    """The same from what DescribePipe answers. `known` tells where reading began: moto forgets it at each update."""
    source, target = have.get("SourceParameters") or {}, have.get("TargetParameters") or {}
    own = source.get(SOURCES.get(service(have["Source"]), "")) or {}
    parameters = target.get(TARGETS.get(service(have["Target"]), "")) or {}
    filters = (source.get("FilterCriteria") or {}).get("Filters") or []
    return PipeSpec(
        source=have["Source"],
        position=own.get("StartingPosition") or (known.position if known else ""),
        target=have["Target"],
        role=have.get("RoleArn") or "",
        state=_state(have),
        description=have.get("Description") or "",
        filters=tuple(_canonical(one.get("Pattern") or "") for one in filters),
        template=target.get("InputTemplate") or "",
        parameters={name: _text(value) for name, value in parameters.items() if value not in (None, [], {})},
        batch_size=own.get("BatchSize", 10 if service(have["Source"]) == "sqs" else 100),
        batch_window_s=own.get("MaximumBatchingWindowInSeconds") or 0,
        retries=own.get("MaximumRetryAttempts", ENDLESS),
        max_age_s=own.get("MaximumRecordAgeInSeconds", ENDLESS),
        bisect=own.get("OnPartialBatchItemFailure") == "AUTOMATIC_BISECT",
        dead_letter=(own.get("DeadLetterConfig") or {}).get("Arn") or "",
    )


def _state(have: Mapping[str, Any]) -> str:
    """What is asked of the pipe; what went wrong, if something did."""
    now = str(have.get("CurrentState") or "")
    return now if now.endswith("_FAILED") else str(have.get("DesiredState") or RUNNING)


def _canonical(text: str) -> str:
    try:
        return json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"))
    except ValueError:
        return text


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)
