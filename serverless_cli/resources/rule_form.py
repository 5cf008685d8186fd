"""Targets of rules, between blueprint and AWS: the spec, and its forms as calls want and give them. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import Any

from serverless_cli.model import Spec
from serverless_cli.names import digest
from serverless_cli.records import dataclass

PREFIX = "slx-"
"""of the ids of our targets: others on the rule are left alone"""
RETRIES, AGE_S = 185, 86400


@dataclass(frozen=True, slots=True)
class Target(Spec):
    """Where a rule sends events. Texts are empty where nothing is said; `input` is JSON, `paths` are the template's
    variables. `retries` and `max_age_s` are EventBridge's own unless said otherwise."""

    arn: str
    role: str = ""
    input: str = ""
    input_path: str = ""
    template: str = ""
    paths: Mapping[str, str] = field(default_factory=dict)
    partition_key: str = ""
    group: str = ""
    retries: int = RETRIES
    max_age_s: int = AGE_S
    dead_letter: str = ""


@dataclass(frozen=True, slots=True)
class RuleSpec(Spec):
    """`pattern` is canonical JSON; it or `schedule` may be empty. Targets by their id in the rule."""

    pattern: str
    schedule: str
    enabled: bool
    description: str
    targets: Mapping[str, Target]


def target_id(to: str, taken: Iterable[str] = ()) -> str:
    """The id of a target in its rule, made of that of the resource; numbered where the resource is there already."""
    short = to if len(to) <= 50 else f"{to[:40]}-{digest(to)}"
    known, number, found = set(taken), 1, f"{PREFIX}{short}"
    while found in known:
        number += 1
        found = f"{PREFIX}{short}.{number}"  # no id of a resource has a dot
    return found


def written(id: str, one: Target) -> dict[str, Any]:
    """A target as PutTargets wants it."""
    found: dict[str, Any] = {"Id": id, "Arn": one.arn}
    plain = {"RoleArn": one.role, "Input": one.input, "InputPath": one.input_path}
    found |= {name: value for name, value in plain.items() if value}
    if one.template:
        found["InputTransformer"] = {"InputPathsMap": dict(one.paths), "InputTemplate": one.template}
    if one.partition_key:
        found["KinesisParameters"] = {"PartitionKeyPath": one.partition_key}
    if one.group:
        found["SqsParameters"] = {"MessageGroupId": one.group}
    if (one.retries, one.max_age_s) != (RETRIES, AGE_S):
        found["RetryPolicy"] = {"MaximumRetryAttempts": one.retries, "MaximumEventAgeInSeconds": one.max_age_s}
    if one.dead_letter:
        found["DeadLetterConfig"] = {"Arn": one.dead_letter}
    return found


def read(have: Mapping[str, Any]) -> Target:
    """The same from what ListTargetsByRule answers."""
    transformer = have.get("InputTransformer") or {}
    policy = have.get("RetryPolicy") or {}
    return Target(
        arn=have["Arn"],
        role=have.get("RoleArn") or "",
        input=canonical(have.get("Input") or ""),
        input_path=have.get("InputPath") or "",
        template=transformer.get("InputTemplate") or "",
        paths=transformer.get("InputPathsMap") or {},
        partition_key=(have.get("KinesisParameters") or {}).get("PartitionKeyPath") or "",
        group=(have.get("SqsParameters") or {}).get("MessageGroupId") or "",
        retries=policy.get("MaximumRetryAttempts", RETRIES),
        max_age_s=policy.get("MaximumEventAgeInSeconds", AGE_S),
        dead_letter=(have.get("DeadLetterConfig") or {}).get("Arn") or "",
    )


def canonical(text: str) -> str:
    """JSON in the form that it is compared in; a text that is none, as it is."""
    try:
        return json.dumps(json.loads(text), sort_keys=True, separators=(",", ":")) if text else ""
    except ValueError:
        return text
