"""The other branch: words for the customer. The workflow sends what is returned here as an event."""

from typing import Any


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Say why a request was rejected."""
    reasons = "; ".join(event["reasons"])
    return {
        "id": event["id"],
        "customer": event["customer"],
        "status": "rejected",
        "message": f"We cannot open this deposit: {reasons}.",
    }
