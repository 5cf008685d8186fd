"""The first step: is this a request that the bank could fulfil?

Input: the id of the workflow's execution, and the request as it was sent. Anybody may have sent anything: so nothing is
taken for granted, and what is wrong becomes a list of reasons rather than an exception.
"""

import os
from collections.abc import Iterator
from typing import Any, TypeGuard

MOST_CENTS = int(os.environ["MOST_CENTS"])
LEAST_CENTS = 100_00
MONTHS = (6, 12, 24, 36)
LONGEST_NAME = 100


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Judge a request. ``acceptable`` decides which way the workflow goes on."""
    sent = event["request"]
    request = sent if isinstance(sent, dict) else {}
    reasons = list(problems(request))
    customer = request.get("customer")
    return {
        "id": event["id"],
        "customer": customer if isinstance(customer, str) else "unknown",
        # Money is counted in whole cents: fractions of floating-point numbers are not exact.
        "amount_cents": request.get("amount_cents"),
        "months": request.get("months"),
        "acceptable": not reasons,
        "reasons": reasons,
    }


def problems(request: dict[str, Any]) -> Iterator[str]:
    """All that speaks against a request."""
    customer, cents, months = request.get("customer"), request.get("amount_cents"), request.get("months")
    if not isinstance(customer, str) or not 0 < len(customer) <= LONGEST_NAME:
        yield "customer wants a name"
    if not is_whole(cents):
        yield "amount_cents wants a whole number"
    elif not LEAST_CENTS <= cents <= MOST_CENTS:
        yield f"amount_cents wants {LEAST_CENTS} to {MOST_CENTS}"
    if not is_whole(months) or months not in MONTHS:
        yield f"months wants one of {', '.join(map(str, MONTHS))}"


def is_whole(value: object) -> TypeGuard[int]:
    """In Python, True is a 1; as an amount it is none."""
    return isinstance(value, int) and not isinstance(value, bool)
