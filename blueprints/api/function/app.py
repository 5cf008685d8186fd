"""The function behind both routes: it greets, and it adds numbers up."""

import base64
import json
import math
import os
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

GREETING = os.environ.get("GREETING", "Hello")

Event = dict[str, Any]


class BadRequestError(Exception):
    """What the caller did wrong, in words for the caller."""


def greet(event: Event) -> dict[str, Any]:
    """``GET /greetings/{name}``: path parameters arrive decoded."""
    return {"message": f"{GREETING}, {event['pathParameters']['name']}!"}


def add(event: Event) -> dict[str, Any]:
    """``POST /sums`` with ``{"numbers": [1, 2]}``."""
    body = json_body(event)
    numbers = body.get("numbers") if isinstance(body, dict) else None
    if not isinstance(numbers, list) or not all(is_number(one) for one in numbers):
        raise BadRequestError("`numbers` wants a list of numbers")
    total = sum(numbers)
    if not math.isfinite(total):
        raise BadRequestError("the sum is too large")
    return {"sum": total}


def is_number(value: object) -> bool:
    """In Python, True is a 1; in JSON it is none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def json_body(event: Event) -> Any:
    """The request's body. API Gateway sends it as text, or in base64 where it takes it for binary."""
    text = event.get("body") or ""
    try:
        return json.loads(base64.b64decode(text) if event.get("isBase64Encoded") else text)
    except ValueError as error:
        raise BadRequestError("the body is no JSON") from error


# One line for each route of blueprint.yaml. Another way is a function for each route: then each has only the rights
# that it needs, and its own log; this one starts faster and shares its code.
ROUTES: dict[str, Callable[[Event], dict[str, Any]]] = {
    "GET /greetings/{name}": greet,
    "POST /sums": add,
}


def handler(event: Event, context: object) -> dict[str, Any]:
    """Answer one request of an HTTP API (payload format 2.0)."""
    try:
        return answer(HTTPStatus.OK, ROUTES[event["routeKey"]](event))
    except BadRequestError as error:
        return answer(HTTPStatus.BAD_REQUEST, {"error": str(error)})
    # Any other exception is our own mistake. Lambda logs it, and API Gateway answers 500 without telling why.


def answer(status: HTTPStatus, body: dict[str, Any]) -> dict[str, Any]:
    """What API Gateway makes a response of."""
    text = json.dumps(body, ensure_ascii=False)
    return {"statusCode": status, "headers": {"content-type": "application/json"}, "body": text}
