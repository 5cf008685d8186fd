"""Runs at set times. EventBridge may call twice for one time: the event's id tells, and the second changes nothing."""

import os
import time
from datetime import datetime, timedelta
from typing import Any

import boto3
from boto3.dynamodb.conditions import Attr

KEPT = timedelta(days=7)

runs = boto3.resource("dynamodb").Table(os.environ["RUNS"])


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Do what is due, once for each event."""
    due = datetime.fromisoformat(event["time"])  # when it should run, which is a little before it does
    run = {"id": event["id"], "due": due.isoformat(), **do(due)}
    expires = int(time.time() + KEPT.total_seconds())
    try:
        runs.put_item(Item={**run, "expires": expires}, ConditionExpression=Attr("id").not_exists())
    except runs.meta.client.exceptions.ConditionalCheckFailedException:
        print(f"{event['id']} was done before")
    return run


def do(due: datetime) -> dict[str, Any]:
    """The job itself: put yours here. What it returns is written down."""
    return {"weekday": f"{due:%A}"}
