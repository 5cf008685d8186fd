"""A copy of a table's items, in DynamoDB's own typed JSON: nothing of a number, a set or binary data is lost.

AWS facts (DynamoDB developer guide):
- A consistent scan sees all that was written before it came by; what is written meanwhile it may see or not.
- Its import from S3 takes lines of `{"Item": ...}`, binary data in base64; so does the `aws` command, item by item.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path

from serverless_cli.aws.calls import Aws
from serverless_cli.errors import SlxError
from serverless_cli.model import Saved
from serverless_cli.resources.copies import lines

FILE = "items.jsonl"


def save(aws: Aws, name: str, folder: Path, saved: Callable[[int, int], None]) -> Saved:
    """Writes all items down, page by page. Raises SlxError when the table goes away meanwhile."""
    with lines(folder / FILE) as file:
        for item in aws.pages("dynamodb.Scan", "Items", TableName=name, ConsistentRead=True):
            saved(1, file.add({"Item": item}, _binary))
    if aws.find("dynamodb.DescribeTable", TableName=name) is None:
        raise SlxError(f"table {name} went away while it was saved", "the copy may not be whole")
    return Saved("items", file.count, file.bytes, FILE, file.sha256)


def _binary(value: object) -> str:
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(value).decode("ascii")
    raise TypeError(f"DynamoDB has no {type(value).__name__}")
