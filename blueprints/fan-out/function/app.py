"""One of the readers of the topic: writes a line into its log for each order, as an audit trail.

SNS calls a function with one message at a time, and does not wait for it. Raise an exception, and Lambda sends the
event to the queue that ``on_failure`` of blueprint.yaml names.
"""

import json
from typing import Any


def handler(event: dict[str, Any], context: object) -> None:
    """Write down each message."""
    for record in event["Records"]:
        note(record["Sns"])


def note(message: dict[str, Any]) -> None:
    """Write down one message. The body is the publisher's, the attributes are what subscriptions filter by."""
    order = json.loads(message["Message"])
    kind = message["MessageAttributes"]["kind"]["Value"]
    print(f"{kind} {order['id']}: {order['total']}, published {message['Timestamp']}")
