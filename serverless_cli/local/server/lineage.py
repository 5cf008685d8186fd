"""How many functions a chain of calls has been through, so that a loop ends: Lambda's recursive loop detection.

AWS carries the count in the trace header, which the SDK inside a function sends along with its calls.
"""

from __future__ import annotations

import re
from contextvars import ContextVar

HEADER = "x-amzn-trace-id"
# https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html: stopped after about 16 invocations.
LIMIT = 16
_COUNT = re.compile(r"Lineage=[0-9a-f]+:(\d+)")

hops: ContextVar[int] = ContextVar("hops", default=0)


def count_in(header: str) -> int:
    """The count that a trace header carries."""
    found = _COUNT.search(header)
    return int(found[1]) if found else 0


def mark(count: int) -> str:
    """What a function's trace header says of its place in the chain."""
    return f"Lineage=1:{count}"
