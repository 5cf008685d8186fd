"""How many functions a chain of calls has been through, so that a loop ends: Lambda's recursive loop detection.

AWS carries the count in the trace header, which the SDK inside a function sends along with its calls.
"""

from __future__ import annotations

import re
from contextvars import ContextVar
from typing import Any

from serverless_cli.local.server import engine

HEADER = "x-amzn-trace-id"
# https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html: stopped after about 16 invocations.
LIMIT = 16
_COUNT = re.compile(r"Lineage=[0-9a-f]+:(\d+)")

# Where a message remembers the count, beside what SQS tells of it.
IN_MESSAGE = "slxHops"

hops: ContextVar[int] = ContextVar("hops", default=0)


def count_in(header: str) -> int:
    """The count that a trace header carries."""
    found = _COUNT.search(header)
    return int(found[1]) if found else 0


def mark(count: int) -> str:
    """What a function's trace header says of its place in the chain."""
    return f"Lineage=1:{count}"


def notice(function: str) -> str:
    """What a user is told when a chain is ended."""
    return f"function {function} calls itself through other services: stopped after {LIMIT} invocations"


def install() -> None:
    """Let messages carry the count from the function that sends them to the one that gets them."""
    sqs = engine.Part("services.sqs")
    build = sqs["_build_send_sys_attrs"]

    def built(now: float, sys_attrs_input: Any) -> Any:
        found = build(now, sys_attrs_input)
        return {**found, IN_MESSAGE: hops.get()} if hops.get() else found

    sqs["_build_send_sys_attrs"] = built
