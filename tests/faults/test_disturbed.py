"""A sample of the matrix `disturbed`: one seed of each, and that its counts can count."""

from __future__ import annotations

from pathlib import Path

import pytest
from doubles import doubles
from lives import Count
from matrix_disturbed import live
from rig import Aws

pytestmark = pytest.mark.strict


@pytest.mark.parametrize(("name", "seed"), [("website", 3), ("banking", 4)])
def test_throttles_errors_and_lost_answers_break_nothing(proxy: Aws, workplace: Path, name: str, seed: int):
    count = Count(name)

    live(proxy, name, workplace, seed, count)

    assert count.trouble == []
    assert count.numbers["injected"] > 0.2 * count.numbers["calls"]


def test_what_is_there_twice_is_found(aws: Aws, region: str):
    gateway, code = aws.client("apigatewayv2", region), aws.behind(region)("lambda")
    [one, two] = [gateway.create_api(Name="shop", ProtocolType="HTTP")["ApiId"] for _ in range(2)]
    for api in (one, one, two):
        gateway.create_integration(ApiId=api, IntegrationType="AWS_PROXY", IntegrationUri=f"arn:{api}")
    role = aws.client("iam", region).create_role(RoleName="r", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    settings = {"FunctionName": "f", "Runtime": "python3.13", "Role": role, "Handler": "a.b", "Code": {"ZipFile": b"x"}}
    code.create_function(**settings)
    for name in ("first", "second"):
        code.add_permission(
            FunctionName="f", StatementId=name, Action="lambda:InvokeFunction", Principal="s3.amazonaws.com"
        )

    found = doubles(aws.behind(region))

    assert [line.split(":")[0].split(" {")[0] for line in found] == [
        "2 x api shop",
        "2 x integration of shop",
        "2 x statement of f",
    ]
