"""Calls that services make on their own, through a role or as themselves: whether they may, and a notice if not."""

from __future__ import annotations

from serverless_cli.local.server import engine, permits
from serverless_cli.local.server.context import Here
from serverless_cli.records import dataclass


@dataclass(frozen=True, slots=True)
class Actor:
    """Who makes a call: `who` for people, the service's principal, its role or none, and the ARN it acts for."""

    who: str
    service: str
    role: str
    source_arn: str
    # For a bucket's ARN, which has no account in it.
    source_account: str = ""

    @property
    def region(self) -> str:
        return self.source_arn.split(":")[3]


class ForbiddenError(Exception):
    """The actor may not do what it is there for; the text names role, action and resource."""


def check(here: Here, actor: Actor, action: str, resource: str) -> None:
    """Raise ForbiddenError, after a notice, unless the actor's role may do one action on one resource."""
    why = _why_not(actor, action, resource)
    if why:
        here.notice(f"{actor.who}: {why}")
        raise ForbiddenError(why)


def _why_not(actor: Actor, action: str, resource: str) -> str:
    name = actor.role.rsplit("/", 1)[-1]
    role = permits.role_of(actor.role)
    if role is None:
        return f"its role {name or '(none)'} does not exist"
    if not permits.role_trusts(role, actor.service, actor.source_arn):
        return f"its role {name} does not trust {actor.service}"
    if not permits.role_allows(actor.role, action, resource, actor.region):
        return f"its role {name} lacks {action} on {resource}"
    return ""


_POLICIES = {
    "lambda": ("services.lambda_svc", "function_policy_for_arn"),
    "sqs": ("services.sqs", "queue_policy_for_arn"),
    "sns": ("services.sns", "topic_policy_for_arn"),
}


def check_resource_policy(here: Here, actor: Actor, action: str, resource: str) -> None:
    """Raise ForbiddenError, after a notice, unless the resource's own policy lets the service in."""
    part, name = _POLICIES[resource.split(":")[2]]
    found = engine.Part(part)[name](resource)
    allowed = found is not None and permits.service_allowed(
        found[0] or None,
        service=actor.service,
        action=action,
        resource=resource,
        source_arn=actor.source_arn,
        region=actor.region or resource.split(":")[3],
        source_account=actor.source_account,
    )
    if not allowed:
        why = f"the policy of {resource} does not allow {action} to {actor.service} for {actor.source_arn}"
        here.notice(f"{actor.who}: {why}")
        raise ForbiddenError(why)
