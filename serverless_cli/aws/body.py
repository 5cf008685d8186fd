"""The content of answers that come as streams: their errors come late, while the content is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from serverless_cli.errors import AwsError

PIECE = 1 << 20


def pieces(operation: str, answer: Mapping[str, Any], key: str = "Body") -> Iterator[bytes]:
    """The content, a megabyte at a time. Raises AwsError (lost) when it breaks off: asking again may help."""
    # Most runs read no streams, and what checks a blueprint must not wait for botocore.
    from botocore.exceptions import BotoCoreError  # noqa: PLC0415

    body = answer[key]
    try:
        # A small body is no stream any more: it was read when the answer came.
        while piece := body.read(PIECE):
            yield piece
    except (BotoCoreError, OSError) as error:
        raise AwsError(operation, type(error).__name__, "the connection broke off", lost=True) from None
    finally:
        body.close()
