"""Writes a function's log events to CloudWatch Logs, as far as its role may."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from serverless_cli.local.server import engine, permits
from serverless_cli.local.server.context import Here
from serverless_cli.local.server.deployment import Deployment


def stream_name(version: str) -> str:
    """A name as Lambda gives to the stream of one execution environment."""
    return f"{datetime.now(UTC):%Y/%m/%d}/[{version}]{uuid4().hex}"


def write(here: Here, deployment: Deployment, stream: str, lines: list[str]) -> None:
    """Append lines as events of now; they are dropped, as on AWS, when the role may not write them."""
    if not lines or not _may_write(here, deployment, stream):
        return
    logs = engine.Part("services.cloudwatch_logs")
    now = int(time.time() * 1000)
    with engine.Part("core.responses")["request_scope"](deployment.account, deployment.region):
        group = _group(logs, deployment, now)
        if group is None:
            return
        found = group["streams"].setdefault(stream, _new_stream(now))
        logs["_append_log_events"](found, [{"timestamp": now, "message": line, "ingestionTime": now} for line in lines])
        logs["_fanout_to_subscription_filters"](
            deployment.log_group, stream, [{"timestamp": now, "message": line} for line in lines]
        )


def _group_arn(deployment: Deployment) -> str:
    return f"arn:aws:logs:{deployment.region}:{deployment.account}:log-group:{deployment.log_group}"


def _may_write(here: Here, deployment: Deployment, stream: str) -> bool:
    arn = f"{_group_arn(deployment)}:log-stream:{stream}"
    for action in ("logs:CreateLogStream", "logs:PutLogEvents"):
        if not permits.role_allows(deployment.role, action, arn, deployment.region):
            role = deployment.role.rsplit("/", 1)[-1]
            here.notice(f"function {deployment.name} writes no logs: its role {role} lacks {action}")
            return False
    return True


def _group(logs: Any, deployment: Deployment, now: int) -> Any:
    """The group, created when the role may do so, as Lambda does; None when it may not."""
    name = deployment.log_group
    if name not in logs["_log_groups"]:
        arn = f"{_group_arn(deployment)}:*"
        if not permits.role_allows(deployment.role, "logs:CreateLogGroup", arn, deployment.region):
            return None
        logs["_log_groups"][name] = {
            "arn": logs["_make_group_arn"](name),
            "creationTime": now,
            "retentionInDays": None,
            "tags": {},
            "subscriptionFilters": {},
            "streams": {},
        }
    return logs["_log_groups"][name]


def _new_stream(now: int) -> dict[str, Any]:
    return {
        "events": [],
        "uploadSequenceToken": "1",
        "creationTime": now,
        "firstEventTimestamp": None,
        "lastEventTimestamp": None,
        "lastIngestionTime": None,
    }
