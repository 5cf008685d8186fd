"""The function behind ``GET /hello``.

It says hello and tells a little about where it ran. The page shows every field that it returns:
add one and see.
"""

import json
import os
import platform
from datetime import UTC, datetime
from typing import Any, Protocol

# Code out here runs once per execution environment, when Lambda starts one (a "cold start");
# the handler runs once per request. So slow preparation belongs here, and nothing about a caller does.
GREETING = os.environ.get("GREETING", "Hello")
answered = 0


class Context(Protocol):
    """What this function uses of the context that Lambda passes; at run time the real one comes in."""

    aws_request_id: str
    function_name: str


def handler(event: dict[str, Any], context: Context) -> dict[str, Any]:
    """Answer one request of an HTTP API (payload format 2.0)."""
    global answered  # an environment handles one request at a time: no lock needed
    answered += 1

    answer = {
        "message": f"{GREETING} from Lambda",
        "request_id": context.aws_request_id,  # find this very call with: slx logs --filter REQUEST_ID
        "function": context.function_name,
        "region": os.environ.get("AWS_REGION", "unknown"),
        "runtime": f"Python {platform.python_version()}",
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "environment": "just started" if answered == 1 else f"warm, call {answered}",
    }
    print(f"{event.get('routeKey', 'no route')}: {answer['message']}")  # what is printed becomes the log

    # CORS headers are not set here: the API adds them, as blueprint.yaml says.
    return {
        "statusCode": 200,
        "headers": {"content-type": "application/json", "cache-control": "no-store"},
        "body": json.dumps(answer),
    }
