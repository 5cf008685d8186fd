"""Changes of a DynamoDB table that exists: one after the other, each waited for. The facts are in table.py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from serverless_cli.aws.calls import Aws, NotYet
from serverless_cli.errors import AwsError, SlxError
from serverless_cli.model import Change
from serverless_cli.resources import table_form as form
from serverless_cli.resources.ownership import attempt
from serverless_cli.resources.table_form import Index, TableSpec

CHANGE_S = 600.0


def active(aws: Aws, name: str) -> dict[str, Any]:
    """The table once it and its indexes take the next change."""

    def ask() -> dict[str, Any]:
        found = aws.find("dynamodb.DescribeTable", TableName=name)
        table: dict[str, Any] = found["Table"] if found else {"TableStatus": "not there"}
        states = [one.get("IndexStatus", "ACTIVE") for one in table.get("GlobalSecondaryIndexes") or ()]
        for state in (table.get("TableStatus", "ACTIVE"), *states):
            if state != "ACTIVE":
                raise NotYet(state)
        return table

    return aws.wait(f"table {name} to be active", ask, deadline_s=CHANGE_S)


def make(aws: Aws, name: str, spec: TableSpec, changes: Mapping[str, Change]) -> None:
    """Brings the named fields to what the spec says."""
    if "protected" in changes:
        _update(aws, name, DeletionProtectionEnabled=spec.protected)
    if "encryption" in changes:
        _update(aws, name, "already encrypted", SSESpecification=form.sse(spec.encryption))
    if "indexes" in changes:
        _set_indexes(aws, name, spec.indexes)
    if "stream" in changes:
        _set_stream(aws, name, spec.stream)
    if "recovery" in changes:
        set_recovery(aws, name, on=spec.recovery)
    if "ttl" in changes:
        # The last one: only this is refused although nothing is wrong.
        if before := changes["ttl"].before:
            set_ttl(aws, name, str(before), on=False)
        if spec.ttl:
            set_ttl(aws, name, spec.ttl, on=True)


def _update(aws: Aws, name: str, done: str = "", /, **settings: Any) -> dict[str, Any]:
    """One UpdateTable, and the table after it. `done` is in AWS's text when it is so already: an answer was lost."""
    if done:
        attempt(aws, "dynamodb.UpdateTable", "ValidationException", done, TableName=name, **settings)
    else:
        aws.call("dynamodb.UpdateTable", TableName=name, **settings)
    return active(aws, name)


def _set_indexes(aws: Aws, name: str, wish: Mapping[str, Index]) -> None:
    """Removes and makes indexes, one at a time; a changed one is both."""
    have = form.read_indexes(active(aws, name))
    for index in (index for index, one in have.items() if wish.get(index) != one):
        _update(aws, name, "not exist", GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": index}}])
    for index, one in wish.items():
        if have.get(index) != one:
            _update(
                aws, name, "already exist",
                AttributeDefinitions=form.definitions({one.key, one.sort} - {""}),
                GlobalSecondaryIndexUpdates=[{"Create": form.index_definition(index, one)}],
            )  # fmt: skip


def _set_stream(aws: Aws, name: str, view: str) -> None:
    have = form.stream(active(aws, name))
    if have and have != view:
        _update(aws, name, "no stream to disable", StreamSpecification={"StreamEnabled": False})
    if view and have != view:
        stream = {"StreamEnabled": True, "StreamViewType": view}
        _update(aws, name, "already has an enabled stream", StreamSpecification=stream)


def set_ttl(aws: Aws, name: str, attribute: str, *, on: bool) -> None:
    settings = {"Enabled": on, "AttributeName": attribute}
    state = "enabled" if on else "disabled"
    try:
        attempt(
            aws, "dynamodb.UpdateTimeToLive", "ValidationException", f"already {state}",
            TableName=name, TimeToLiveSpecification=settings,
        )  # fmt: skip
    except AwsError as error:
        if "multiple times" not in error.message:
            raise
        raise SlxError(
            f"time to live of table {name} cannot be {state} yet",
            "DynamoDB takes one change of it in about an hour" + ("; until then no item expires" if on else ""),
            "run the same command again in an hour; all else is as it should be",
        ) from error


def set_recovery(aws: Aws, name: str, *, on: bool) -> None:
    settings = {"PointInTimeRecoveryEnabled": on}
    aws.call("dynamodb.UpdateContinuousBackups", TableName=name, PointInTimeRecoverySpecification=settings)
