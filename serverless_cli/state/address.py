"""Where the state of a project is to be kept, as `--state` says it: a folder, or a bucket."""

from __future__ import annotations

import re
from typing import Self

from serverless_cli.errors import Exit, SlxError
from serverless_cli.records import dataclass

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_BUCKET = re.compile(
    r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])"
    r"(?P<prefix>(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9!_.*'()=-]+)*)/?"
    r"(?:\?owner=(?P<owner>\d{12}))?"
)


@dataclass(frozen=True, slots=True)
class S3Address:
    """A prefix in a bucket. `owner` is the account that the bucket must belong to; empty: the caller's own."""

    bucket: str
    prefix: str = ""
    owner: str = ""

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """None for a folder. Raises SlxError (usage) for what is neither."""
        if not _SCHEME.match(text):
            return None
        found = _BUCKET.fullmatch(text)
        if not found:
            raise SlxError(
                f"cannot keep the state in {text}",
                "it is neither a folder nor a place in S3",
                "s3://BUCKET/PREFIX; for a bucket of another account s3://BUCKET/PREFIX?owner=ACCOUNT",
                exit_code=Exit.USAGE,
            )
        return cls(found["bucket"], found["prefix"].lstrip("/"), found["owner"] or "")

    def key(self, *parts: str) -> str:
        """The key of an object below the prefix."""
        return "/".join((self.prefix, *parts)) if self.prefix else "/".join(parts)

    def __str__(self) -> str:
        owner = f"?owner={self.owner}" if self.owner else ""
        return f"s3://{self.bucket}{f'/{self.prefix}' if self.prefix else ''}{owner}"
