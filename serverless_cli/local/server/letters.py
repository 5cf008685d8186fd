"""What goes to the dead letters of streams, and what a function reports of a batch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from serverless_cli.local.server import acting, targets
from serverless_cli.local.server.acting import Actor
from serverless_cli.local.server.context import Here
from serverless_cli.local.server.lanes import Batch


def reported(body: Any, known: set[str]) -> list[str] | None:
    """The ids in `batchItemFailures`; None, for all, when the answer is not what Lambda understands."""
    if body is None or body == {}:
        return []
    if not isinstance(body, Mapping):
        return None
    failures = body.get("batchItemFailures") or []
    ids = [item.get("itemIdentifier") if isinstance(item, Mapping) else None for item in failures]
    return [str(one) for one in ids] if all(one in known for one in ids) else None


def moment(seconds: float) -> str:
    """A time as the records of Lambda write it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def context_of(config: Mapping[str, Any], condition: str, failed: int, now: float) -> dict[str, Any]:
    """Which function failed, and why its records are given up."""
    return {
        "requestContext": {
            "requestId": str(uuid4()),
            "functionArn": config.get("FunctionArn", ""),
            "condition": condition,
            "approximateInvokeCount": max(failed, 1),
        },
        "responseContext": {
            "statusCode": 200,
            "executedVersion": config.get("Version", "$LATEST"),
            "functionError": "Unhandled",
        },
        "version": "1.0",
        "timestamp": moment(now),
    }


def batch_of(source: str, shard: str, batch: Batch) -> dict[str, Any]:
    """Where the records are that were given up; the records themselves stay in the stream."""
    first, last = batch.records[0], batch.records[-1]
    name = "DDBStreamBatchInfo" if source.split(":")[2] == "dynamodb" else "KinesisBatchInfo"
    return {
        name: {
            "shardId": shard,
            "startSequenceNumber": first.sequence,
            "endSequenceNumber": last.sequence,
            "approximateArrivalOfFirstRecord": moment(first.at),
            "approximateArrivalOfLastRecord": moment(last.at),
            "batchSize": len(batch.records),
            "streamArn": source,
        }
    }


def post(here: Here, actor: Actor, target: str, letter: Mapping[str, Any]) -> None:
    """Send a letter; one that cannot be delivered is lost, with a notice, as on AWS."""
    try:
        targets.deliver(here, actor, target, targets.Parcel(json.dumps(letter)))
    except acting.ForbiddenError:
        pass
    except targets.UndeliverableError as error:
        here.notice(f"{actor.who}: a dead letter is lost: {error}")
