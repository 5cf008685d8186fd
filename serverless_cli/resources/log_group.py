"""CloudWatch log groups: made before the function that writes to them, deleted after it.

AWS facts (aws-lambda log delivery; botocore's model):
- Lambda makes `/aws/lambda/NAME` itself, bare of tags and retention, if it writes before the group exists or after
  it was deleted; so an unmarked group under the name of a function of ours is ours to adopt.
- Retention is a call of its own and takes only certain numbers of days; keeping for ever is the lack of it.
- DescribeLogGroups searches by prefix; tag calls want the ARN without the `:*` that it returns.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from serverless_cli.aws.calls import Aws
from serverless_cli.model import Change, Found, Mark, Observed, Outputs, Place, Ref, Resource, Spec, Verb
from serverless_cli.names import arn
from serverless_cli.records import dataclass
from serverless_cli.resources.base import Here, Kind, Scope, Weaver, marked, together
from serverless_cli.resources.ownership import attempt, belongs, claim
from serverless_cli.wiring import Logs, Wiring

PREFIXES = ("/aws/lambda/", "/aws/vendedlogs/states/", "/aws/kinesisfirehose/")
"""where the log groups of slx lie, by the service that writes to them"""


@dataclass(frozen=True, slots=True)
class LogGroupSpec(Spec):
    """`retention_days` None keeps for ever."""

    retention_days: int | None


class LogGroupWeaver(Weaver[Logs]):
    """The log group of each resource that writes logs."""

    takes = Logs

    def weave(self, wiring: tuple[Logs, ...], every: tuple[Wiring, ...], scope: Scope) -> Iterable[Resource]:
        for one in wiring:
            yield Resource(Ref("log-group", one.owner), one.name, LogGroupSpec(one.retention_days), where=one.where)


class LogGroupKind(Kind[LogGroupSpec]):
    kind = "log-group"
    doc = "CloudWatch log group"
    spec = LogGroupSpec
    adopts_bare = True
    rank = 90
    permissions: ClassVar[Mapping[Verb, tuple[str, ...]]] = {
        Verb.READ: ("logs:DescribeLogGroups", "logs:ListTagsForResource"),
        Verb.CREATE: ("logs:CreateLogGroup", "logs:TagResource", "logs:PutRetentionPolicy", "logs:DescribeLogGroups",
                      "logs:ListTagsForResource"),
        Verb.UPDATE: ("logs:PutRetentionPolicy", "logs:DeleteRetentionPolicy", "logs:TagResource"),
        Verb.DELETE: ("logs:DeleteLogGroup",),
        Verb.SEARCH: ("logs:DescribeLogGroups", "logs:ListTagsForResource"),
    }  # fmt: skip

    def read(self, aws: Aws, here: Here) -> Observed | None:
        groups, tags = together(
            aws,
            (
                lambda: list(aws.pages("logs.DescribeLogGroups", "logGroups", logGroupNamePrefix=here.name)),
                lambda: aws.find("logs.ListTagsForResource", resourceArn=_arn(here.place, here.name)),
            ),
        )
        for group in groups:
            if group["logGroupName"] == here.name:
                there = (tags or {}).get("tags", {})
                return Observed(LogGroupSpec(group.get("retentionInDays")), mark=Mark.of(there), bare=not there)
        return None

    def create(self, aws: Aws, here: Here, spec: LogGroupSpec) -> Outputs:
        made = attempt(
            aws,
            "logs.CreateLogGroup",
            "ResourceAlreadyExistsException",
            logGroupName=here.name,
            tags=here.mark.tags,
        )
        changes = [Change(("retention_days",), None, spec.retention_days)] if spec.retention_days else []
        if made is None:
            found = self.read(aws, here)
            # Bare means that Lambda made it for a function of ours: the name is the function's, and that is marked.
            if found is None or not found.bare:
                claim(here, found)
            changes = [Change(("retention_days",), 0, spec.retention_days), Change(("mark",), None, here.mark)]
        return self.update(aws, here, spec, tuple(changes))

    def update(self, aws: Aws, here: Here, spec: LogGroupSpec, changes: tuple[Change, ...]) -> Outputs:
        fields = {change.field for change in changes}
        if "mark" in fields:
            aws.call("logs.TagResource", resourceArn=_arn(here.place, here.name), tags=here.mark.tags)
        if "retention_days" in fields and spec.retention_days:
            aws.call("logs.PutRetentionPolicy", logGroupName=here.name, retentionInDays=spec.retention_days)
        elif "retention_days" in fields:
            aws.remove("logs.DeleteRetentionPolicy", logGroupName=here.name)
        return {}

    def delete(self, aws: Aws, here: Here) -> None:
        aws.remove("logs.DeleteLogGroup", logGroupName=here.name)

    def search(self, aws: Aws, place: Place | None) -> Iterator[Found]:
        own = f"{place.stack}-{place.stage}-" if place else ""
        found = aws.map(lambda prefix: _groups(aws, prefix + own), PREFIXES)
        groups = (group for many in found for group in many)

        def tags(group: Any) -> Mapping[str, str]:
            arn = group["arn"].removesuffix(":*")
            found: Mapping[str, str] = (aws.find("logs.ListTagsForResource", resourceArn=arn) or {}).get("tags", {})
            return found

        for group, mark in marked(aws, groups, tags):
            if mark is None or belongs(mark, place):
                name, made_ms = group["logGroupName"], group.get("creationTime")
                since = datetime.fromtimestamp(made_ms / 1000, UTC) if made_ms else None
                yield Found(Ref("log-group", mark.id if mark else name), name, mark, since=since)


def _groups(aws: Aws, prefix: str) -> list[dict[str, Any]]:
    return list(aws.pages("logs.DescribeLogGroups", "logGroups", logGroupNamePrefix=prefix))


def _arn(place: Place, name: str) -> str:
    return arn(place, "logs", f"log-group:{name}")
