"""One go of a check: what it was filled with, what it has made, and what must be removed again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field, replace
from datetime import datetime
from typing import Any

from serverless_cli.aws.calls import Aws
from serverless_cli.checks.mail import Mail
from serverless_cli.errors import AwsError, SlxError
from serverless_cli.model import Check
from serverless_cli.records import dataclass
from serverless_cli.secret import Secret

RUN_ID = "${check.id}"


@dataclass(frozen=True, slots=True)
class Seen:
    """What is wrong (empty: nothing), and what was seen. `final`: looking again will not help."""

    wrong: str = ""
    saw: str = ""
    final: bool = False


@dataclass(slots=True)
class Trial:
    """A check whose texts have an id of their own. `undo` removes what it made, or found by that id."""

    check: Check
    id: str
    aws: Aws
    mail: Mail
    began: datetime
    undo: dict[str, Callable[[], object]] = field(default_factory=dict)
    memory: dict[str, Any] = field(default_factory=dict)

    def name(self, id: str) -> str:
        """What AWS knows a resource by (its name, or its ARN), from its id in the blueprint."""
        return str(self.check.arguments.get("names", {}).get(id, id))

    def marks(self, *texts: str) -> bool:
        """Whether one of the texts holds this trial's id: then what they describe is its own."""
        return any(self.id in text for text in texts)

    def remove_object(self, bucket: str, key: str, version: str | None) -> None:
        """Remembers an object to be removed; of a versioned bucket, just that version."""
        which: dict[str, Any] = {"VersionId": version} if version and version != "null" else {}
        self.undo[f"{bucket}/{key}"] = lambda: self.aws.remove("s3.DeleteObject", Bucket=bucket, Key=key, **which)

    def remove_item(self, table: str, key: Mapping[str, Any]) -> None:
        """Remembers an item to be removed; its key is in DynamoDB's form."""
        self.undo[f"{table} {dict(key)}"] = lambda: self.aws.remove("dynamodb.DeleteItem", TableName=table, Key=key)

    def clean(self) -> tuple[str, ...]:
        """Removes all that is to be removed; returns what could not be."""
        left = []
        for what, remove in self.undo.items():
            try:
                remove()
            except SlxError:
                left.append(what)
        self.undo.clear()
        return tuple(left)


def filled(check: Check, id: str) -> Check:
    """The check with `${check.id}` replaced in all its texts."""
    return replace(check, arguments=_filled(check.arguments, id), expect=_filled(check.expect, id))


def _filled(value: Any, id: str) -> Any:
    match value:
        case Secret():
            return Secret(str.__str__(value).replace(RUN_ID, id), value.known)
        case str():
            return value.replace(RUN_ID, id)
        case Mapping():
            return {name: _filled(one, id) for name, one in value.items()}
        case list() | tuple():
            return [_filled(one, id) for one in value]
    return value


def said(error: SlxError) -> str:
    """An error as one sentence. AWS's own text is that of an answer: what was sent is not in it."""
    if isinstance(error, AwsError):
        return f"{error.operation} failed: {error.message} ({error.code})"
    return str(error)
