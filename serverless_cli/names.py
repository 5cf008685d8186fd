"""Physical names and predictable ARNs, from stack, stage, account, region and id. Pure: the same in, the same out."""

from __future__ import annotations

import hashlib
import re

from serverless_cli.model import Place
from serverless_cli.records import dataclass

STACK_OR_ID = re.compile(r"[a-z][a-z0-9_-]*")
STAGE = re.compile(r"[a-z][a-z0-9]*")


@dataclass(frozen=True, slots=True)
class NameRule:
    """How a kind's physical names are formed. `scope` says how far they must be unique: an account's
    region (`region`), the whole account (`account`) or all of AWS (`global`)."""

    limit: int
    pattern: str
    scope: str = "region"
    underscore: bool = True
    prefix: str = ""
    suffix: str = ""
    says: str = ""
    """the pattern in words, for a user whose name does not fit"""


def digest(*parts: str, length: int = 8) -> str:
    """A short, stable, lower-case hash of the parts; their borders count."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:length]


def physical(place: Place, id: str, rule: NameRule) -> str:
    """The name `{stack}-{stage}-{id}`, with a hash where it is not unique enough or would be too long."""
    name = f"{place.stack}-{place.stage}-{id}"
    if not rule.underscore:
        name = name.replace("_", "-")
    tail = ""
    if rule.scope == "global":
        tail = "-" + digest(place.partition, place.account, place.region)
    elif rule.scope == "account":
        tail = "-" + digest(place.region, length=6)
    room = rule.limit - len(rule.prefix) - len(rule.suffix)
    if len(name) + len(tail) > room:
        tail = "-" + digest(name, tail)
        name = name[: room - len(tail)].rstrip("-_")
    return rule.prefix + name + tail + rule.suffix


def arn(place: Place, service: str, resource: str, *, region: bool = True, account: bool = True) -> str:
    """`arn:partition:service:region:account:resource`; services that leave region or account out say so."""
    where = place.region if region else ""
    whose = place.account if account else ""
    return f"arn:{place.partition}:{service}:{where}:{whose}:{resource}"


LISTENER = NameRule(64, r"[.\-_A-Za-z0-9]+")
"""The rules that functions' triggers get on a bus; EventBridge's own rule for names of rules."""


def listener_rule_name(place: Place, function: str, number: int) -> str:
    """The name of the rule for a trigger of the function with that id."""
    return physical(place, f"{function}-{number}", LISTENER)


def listener_rule_arn(place: Place, function: str, number: int, bus: str = "default") -> str:
    """The ARN of that rule on the bus of that name."""
    where = "" if bus == "default" else f"{bus}/"
    return arn(place, "events", f"rule/{where}{listener_rule_name(place, function, number)}")


def role_path(place: Place) -> str:
    """The IAM path of a stack's roles: they are found by it even when every local file is lost."""
    return f"/slx/{place.region}/{place.stack}/{place.stage}/"


_DASHED = frozenset({
    "us-east-1", "us-west-1", "us-west-2", "ap-northeast-1", "ap-southeast-1", "ap-southeast-2",
    "eu-west-1", "sa-east-1", "us-gov-west-1",
})  # fmt: skip


def site_url(place: Place, bucket: str) -> str:
    """The website endpoint: the older regions have a dash before the region, all others a dot (S3 user guide)."""
    dash = "-" if place.region in _DASHED else "."
    return place.urls.site.format(bucket=bucket, dash=dash, region=place.region, suffix=place.suffix)


def api_url(place: Place, api_id: str, stage: str) -> str:
    """An HTTP API's base URL: the `$default` stage has no path, others are its first segment. No trailing slash."""
    base = place.urls.api.format(id=api_id, region=place.region, suffix=place.suffix)
    return base if stage == "$default" else f"{base}/{stage}"


ROLE_NAME = NameRule(64, r"[A-Za-z0-9_+=,.@-]+", scope="account", says="letters, digits and _ + = , . @ -")


def role_name(place: Place, id: str) -> str:
    """The name of the role that the resource with this id works under."""
    return physical(place, id, ROLE_NAME)


def role_arn(place: Place, name: str) -> str:
    """The ARN of a role of the stack, path included."""
    return arn(place, "iam", f"role{role_path(place)}{name}", region=False)
