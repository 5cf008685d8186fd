"""Statements in a policy that has no room for another one."""

from __future__ import annotations

import json

import pytest
from aws_fakes import refused
from script_fakes import Script, calls, here

from serverless_cli.errors import AwsError
from serverless_cli.resources.permission import PermissionKind, PermissionSpec

GATEWAY = "apigateway.amazonaws.com"
API = "arn:aws:execute-api:eu-central-1:123456789012:abc"
ALL = PermissionSpec("fn", GATEWAY, f"{API}/*")
ONE = PermissionSpec("fn", GATEWAY, f"{API}/*/GET/new")
FULL = refused("PolicyLengthExceededException", "The final policy size (20600) is bigger than the limit (20480).")


def statement(id: str, source: str = f"{API}/*/GET/old", principal: str = GATEWAY) -> dict[str, object]:
    return {
        "Sid": id, "Effect": "Allow", "Principal": {"Service": principal}, "Action": "lambda:InvokeFunction",
        "Condition": {"ArnLike": {"AWS:SourceArn": source}},
    }  # fmt: skip


def full(*statements: dict[str, object]) -> Script:
    policy = {"Policy": json.dumps({"Statement": list(statements)})}
    return Script(lambda__AddPermission=[FULL, {}], lambda__GetPolicy=[policy])


def test_what_has_no_room_takes_that_of_one_that_it_includes():
    script = full(
        statement("slx-api-all", f"{API}/*"), statement("by-hand"), statement("slx-other", f"{API}d/*/GET/old"),
        statement("slx-topic", f"{API}/*/GET/old", "sns.amazonaws.com"), statement("slx-api-1"), statement("slx-api-2"),
    )  # fmt: skip

    PermissionKind().create(calls(script), here("permission", "api.fn", "fn/slx-api-all", ALL), ALL)

    assert ("lambda.RemovePermission", {"FunctionName": "fn", "StatementId": "slx-api-1"}) in script.sent
    assert [one for one in script.operations if not one.startswith("lambda.Get")] == [
        "lambda.AddPermission", "lambda.RemovePermission", "lambda.AddPermission",
    ]  # fmt: skip


@pytest.mark.parametrize("spec", [ALL, ONE], ids=["for all", "for one"])
def test_what_has_no_room_and_includes_none_of_ours_is_told(spec: PermissionSpec):
    script = full(statement("by-hand"), *([statement("slx-api-1")] if spec is ONE else []))

    with pytest.raises(AwsError, match="bigger than the limit"):
        PermissionKind().create(calls(script), here("permission", "api.fn", "fn/slx-api-new", spec), spec)

    assert "lambda.RemovePermission" not in script.operations
