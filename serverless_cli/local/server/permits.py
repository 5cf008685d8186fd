"""Asks ministack's policy evaluator about the calls that services make on their own, which it does not check."""

from __future__ import annotations

import json
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
    policy: Mapping[str, Any] | str | None,
    *,
    service: str,
    action: str,
    resource: str,
    source_arn: str,
    region: str,
    source_account: str = "",
) -> bool:
    """Whether a resource's own policy lets a service, on behalf of `source_arn`, do one action on it.

    `source_account` is for ARNs that carry none, as those of buckets.
    """
    evaluator = engine.Part("core.iam_evaluator")
    account = source_account or source_arn.split(":")[4]
    asked = evaluator["EvalContext"](
        principal_arn=service,
        principal_type="Service",
        principal_account=account,
        action=action,
        resource_arn=resource,
        region=region,
        service_context={
            "aws:sourcearn": source_arn,
            "aws:sourceaccount": account,
            "aws:sourceowner": account,
        },
    )
    return bool(evaluator["evaluate_resource_policy"](policy, asked, service=service).decision == "Allow")


def role_trusts(role: Mapping[str, Any], service: str, source_arn: str) -> bool:
    """Whether a role's trust policy lets a service assume it, on behalf of `source_arn`."""
    document = role.get("AssumeRolePolicyDocument") or {}
    trust = json.loads(document) if isinstance(document, str) else document
    found = trust.get("Statement") or []
    statements = [found] if isinstance(found, dict) else found
    # A trust policy names no resource; the evaluator of resource policies wants one.
    whole = {"Version": "2012-10-17", "Statement": [{**statement, "Resource": "*"} for statement in statements]}
    region = source_arn.split(":")[3]
    return service_allowed(
        whole, service=service, action="sts:AssumeRole", resource="*", source_arn=source_arn, region=region
    )


def role_of(role_arn: str) -> Mapping[str, Any] | None:
    """The role that an ARN names, with its path; None when there is none."""
    parts = role_arn.split(":")
    if len(parts) != 6:
        return None
    role: Mapping[str, Any] | None = engine.Part("services.iam")["_roles"].get_scoped(
        parts[4], None, role_arn.rsplit("/", 1)[-1]
    )
    return role if role is not None and role.get("Arn") == role_arn else None
