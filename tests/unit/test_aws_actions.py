"""Which action allows an operation: what a denial without words tells the user to allow."""

from __future__ import annotations

import pytest

from serverless_cli.aws.actions import iam_action


@pytest.mark.parametrize(
    ("operation", "action"),
    [
        ("lambda.CreateFunction", "lambda:CreateFunction"),
        ("lambda.Invoke", "lambda:InvokeFunction"),
        ("stepfunctions.CreateStateMachine", "states:CreateStateMachine"),
        ("apigatewayv2.CreateRoute", "apigateway:POST"),
        ("apigatewayv2.UpdateApi", "apigateway:PATCH"),
        ("apigatewayv2.GetApis", "apigateway:GET"),
        ("apigatewayv2.DeleteCorsConfiguration", "apigateway:DELETE"),
        ("apigatewayv2.TagResource", "apigateway:TagResource"),
        ("s3.HeadBucket", "s3:ListBucket"),
        ("s3.ListBuckets", "s3:ListAllMyBuckets"),
        ("s3.PutPublicAccessBlock", "s3:PutBucketPublicAccessBlock"),
    ],
)
def test_an_operation_has_its_action(operation: str, action: str):
    assert iam_action(operation) == action
