"""Asks ministack's policy evaluator about the calls that services make on their own, which it does not check."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from serverless_cli.local.server import engine


def role_allows(role_arn: str, action: str, resource: str, region: str) -> bool:
    """Whether a role's policies allow one action on one resource."""
    evaluator = engine.Part("core.iam_evaluator")
    account, name = role_arn.split(":")[4], role_arn.rsplit("/", 1)[-1]
    asked = evaluator["EvalContext"](
        principal_arn=f"arn:aws:sts::{account}:assumed-role/{name}/slx",
        principal_type="AssumedRole",
        principal_account=account,
        action=action,
        resource_arn=resource,
        region=region,
    )
    policies = evaluator["_gather_role_policies"](name, account)
    return bool(evaluator["evaluate"](asked, policies).decision == "Allow")


def service_allowed(
    policy: Mapping[str, Any] | None, *, service: str, action: str, resource: str, source_arn: str, region: str
) -> bool:
    """Whether a resource's own policy lets a service, on behalf of `source_arn`, do one action on it."""
    evaluator = engine.Part("core.iam_evaluator")
    account = source_arn.split(":")[4]
    asked = evaluator["EvalContext"](
        principal_arn=service,
        principal_type="Service",
        principal_account=account,
        action=action,
        resource_arn=resource,
        region=region,
        service_context={"aws:sourcearn": source_arn, "aws:sourceaccount": account},
    )
    return bool(evaluator["evaluate_resource_policy"](policy, asked, service=service).decision == "Allow")
