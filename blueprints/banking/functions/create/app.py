"""The last step: writes the deposit down. From there on, the table's stream tells everybody who wants to know."""

import os
from decimal import Decimal
from typing import Any

import boto3
from boto3.dynamodb.conditions import Attr

deposits = boto3.resource("dynamodb").Table(os.environ["DEPOSITS"])


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Create the deposit, once: a repeated step finds it there and changes nothing."""
    item = {**event, "rate_percent": Decimal(event["rate_percent"]), "status": "created"}
    try:
        deposits.put_item(Item=item, ConditionExpression=Attr("id").not_exists())
    except deposits.meta.client.exceptions.ConditionalCheckFailedException:
        print(f"deposit {event['id']} was created before")
    return {**event, "status": "created"}
