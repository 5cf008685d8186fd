"""Kinesis data streams: on demand or with a number of shards.

AWS facts (Kinesis developer guide; botocore's model; aws-semantics 11):
- A stream is CREATING or UPDATING for 10 to 60 s and takes one change at a time; a name is free again only once the
  old stream is gone. `already exists` and `not ACTIVE` are one code, ResourceInUseException.
- Emulators say that a stream exists without those words, so that a create looks first.
- The number of shards can at most be doubled or halved by one call, and is none of a stream's on demand.
- Retention is raised and lowered by two calls, 24 to 8760 h.
- Consumers of a stream keep it from being deleted unless that is enforced.
- Nobody counts the records in a stream.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, ClassVar

from serverless_cli.aws.calls import Aws, NotYet
from serverless_cli.keys import Doc, Pattern, Range
from serverless_cli.model import Change, Found, Mark, Observed, Outputs, Place, Ref, Resource, Spec, Verb
from serverless_cli.names import NameRule, arn
from serverless_cli.records import dataclass
from serverless_cli.resources.base import Attribute, Declared, Here, Kind, Scope, Type, marked
from serverless_cli.resources.ownership import attempt, belongs, claim
from serverless_cli.wiring import Statement, Wiring

CHANGE_S = 600.0
MANAGED = "alias/aws/kinesis"


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamKeys:
    """A stream of records, kept in order within each of its shards."""

    shards: Annotated[
        int | None, Doc("How many parts it has; left out, it grows and shrinks on demand."), Range(1, 10000)
    ] = None
    retention_h: Annotated[int, Doc("Hours that a record is kept."), Range(24, 8760)] = 24
    encryption: Annotated[
        str,
        Doc("`none`, `managed` by KMS for you, or a KMS key's ARN or alias."),
        Pattern(r"none|managed|alias/.+|arn:[^:]+:kms:.+", "none, managed, or a KMS key's ARN or alias"),
    ] = "none"


@dataclass(frozen=True, slots=True)
class StreamSpec(Spec):
    """`shards` None: on demand."""

    shards: int | None
    retention_h: int
    encryption: str


def stream_arn(place: Place, name: str) -> str:
    return arn(place, "kinesis", f"stream/{name}")


def _send(target: str) -> tuple[Statement, ...]:
    return (Statement(("kinesis:PutRecord", "kinesis:PutRecords"), (target,)),)


def _read(target: str) -> tuple[Statement, ...]:
    actions = ("DescribeStream", "DescribeStreamSummary", "GetRecords", "GetShardIterator", "ListShards")
    return (Statement(tuple(f"kinesis:{action}" for action in actions), (target,)),)


class StreamType(Type[StreamKeys]):
    type_name = "stream"
    doc = "Kinesis data stream."
    keys = StreamKeys
    name_rule = NameRule(128, r"[a-zA-Z0-9_.-]{1,128}", says="letters, digits, _ . and -")
    attributes: ClassVar[Mapping[str, Attribute]] = {
        "name": Attribute("The stream's name.", lambda _, name: name),
        "arn": Attribute("The stream's ARN.", stream_arn),
    }
    grants: ClassVar = {"send": _send, "read": _read}

    def expand(self, it: Declared[StreamKeys], scope: Scope) -> Iterable[Resource | Wiring]:
        spec = StreamSpec(it.keys.shards, it.keys.retention_h, it.keys.encryption)
        yield Resource(Ref("stream", it.id), it.name, spec, where=it.where, retain=it.retain)


class StreamKind(Kind[StreamSpec]):
    kind = "stream"
    doc = "Kinesis data stream"
    spec = StreamSpec
    data = True
    rank = 70
    after = frozenset({"mapping", "pipe"})
    permissions: ClassVar[Mapping[Verb, tuple[str, ...]]] = {
        Verb.READ: ("kinesis:DescribeStreamSummary", "kinesis:ListTagsForStream"),
        Verb.CREATE: ("kinesis:CreateStream", "kinesis:AddTagsToStream", "kinesis:DescribeStreamSummary",
                      "kinesis:ListTagsForStream", "kinesis:UpdateStreamMode", "kinesis:UpdateShardCount",
                      "kinesis:IncreaseStreamRetentionPeriod", "kinesis:DecreaseStreamRetentionPeriod",
                      "kinesis:StartStreamEncryption", "kinesis:StopStreamEncryption"),
        Verb.UPDATE: ("kinesis:AddTagsToStream", "kinesis:DescribeStreamSummary", "kinesis:UpdateStreamMode",
                      "kinesis:UpdateShardCount", "kinesis:IncreaseStreamRetentionPeriod",
                      "kinesis:DecreaseStreamRetentionPeriod", "kinesis:StartStreamEncryption",
                      "kinesis:StopStreamEncryption"),
        Verb.DELETE: ("kinesis:DeleteStream", "kinesis:DescribeStreamSummary"),
        Verb.SEARCH: ("kinesis:ListStreams", "kinesis:ListTagsForStream"),
    }  # fmt: skip

    def read(self, aws: Aws, here: Here) -> Observed | None:
        have = _describe(aws, here.name)
        if have is None or have["StreamStatus"] == "DELETING":
            return None
        mark = Mark.of(_tags(aws, here.name))
        return Observed(StreamSpec(_shards(have), have["RetentionPeriodHours"], _key(have)), _outputs(have), mark)

    def create(self, aws: Aws, here: Here, spec: StreamSpec) -> Outputs:
        _until_gone(aws, here.name, only_deleting=True)
        found = claim(here, self.read(aws, here))
        if found is None:
            size: dict[str, Any] = {"ShardCount": spec.shards} if spec.shards else {}
            made = attempt(
                aws, "kinesis.CreateStream", "ResourceInUseException",
                StreamName=here.name, StreamModeDetails=_mode(spec.shards), Tags=here.mark.tags, **size,
            )  # fmt: skip
            _active(aws, here.name)
            found = self.read(aws, here)
            if made is None:
                claim(here, found)
        changes = [Change((name,), None, None) for name in ("shards", "retention_h", "encryption")]
        if found is None or found.mark is None:
            changes.append(Change(("mark",), None, here.mark))
        return self.update(aws, here, spec, tuple(changes))

    def update(self, aws: Aws, here: Here, spec: StreamSpec, changes: tuple[Change, ...]) -> Outputs:
        fields, name = {change.field for change in changes}, here.name
        if "mark" in fields:
            aws.call("kinesis.AddTagsToStream", StreamName=name, Tags=here.mark.tags)
        if "shards" in fields:
            _resize(aws, name, spec.shards)
        if "retention_h" in fields:
            _retain(aws, name, spec.retention_h)
        if "encryption" in fields:
            _encrypt(aws, name, spec.encryption)
        return _outputs(_active(aws, name))

    def delete(self, aws: Aws, here: Here) -> None:
        aws.remove("kinesis.DeleteStream", StreamName=here.name, EnforceConsumerDeletion=True)
        _until_gone(aws, here.name)

    def search(self, aws: Aws, place: Place | None) -> Iterator[Found]:
        prefix = f"{place.stack}-{place.stage}-" if place else ""
        names = (name for name in aws.pages("kinesis.ListStreams", "StreamNames") if name.startswith(prefix))
        for name, mark in marked(aws, names, lambda name: _tags(aws, name)):
            if mark and belongs(mark, place):
                yield Found(Ref("stream", mark.id), name, mark)


def _describe(aws: Aws, name: str) -> dict[str, Any] | None:
    found = aws.find("kinesis.DescribeStreamSummary", StreamName=name)
    return dict(found["StreamDescriptionSummary"]) if found else None


def _tags(aws: Aws, name: str) -> dict[str, str]:
    return {tag["Key"]: tag.get("Value", "") for tag in aws.pages("kinesis.ListTagsForStream", "Tags", StreamName=name)}


def _shards(have: Mapping[str, Any]) -> int | None:
    mode = (have.get("StreamModeDetails") or {}).get("StreamMode", "PROVISIONED")
    return None if mode == "ON_DEMAND" else int(have["OpenShardCount"])


def _key(have: Mapping[str, Any]) -> str:
    if have.get("EncryptionType", "NONE") == "NONE":
        return "none"
    key = str(have.get("KeyId", MANAGED))
    return "managed" if key.endswith(MANAGED) else key


def _outputs(have: Mapping[str, Any]) -> Outputs:
    return {"arn": str(have["StreamARN"])}


def _mode(shards: int | None) -> dict[str, str]:
    return {"StreamMode": "PROVISIONED" if shards else "ON_DEMAND"}


def _active(aws: Aws, name: str) -> dict[str, Any]:
    """The stream once it takes the next change."""

    def ask() -> dict[str, Any] | None:
        have = _describe(aws, name)
        if have is None or have["StreamStatus"] != "ACTIVE":
            raise NotYet(have["StreamStatus"] if have else "not there")
        return have

    return aws.wait(f"stream {name} to be active", ask, deadline_s=CHANGE_S)


def _until_gone(aws: Aws, name: str, *, only_deleting: bool = False) -> None:
    def ask() -> bool | None:
        have = _describe(aws, name)
        return True if have is None or (only_deleting and have["StreamStatus"] != "DELETING") else None

    aws.wait(f"stream {name} to be gone", ask, deadline_s=CHANGE_S)


def _resize(aws: Aws, name: str, shards: int | None) -> None:
    """Brings the stream to its mode and size, in steps that AWS takes."""
    have = _active(aws, name)
    if (_shards(have) is None) != (shards is None):
        aws.call("kinesis.UpdateStreamMode", StreamARN=have["StreamARN"], StreamModeDetails=_mode(shards))
        have = _active(aws, name)
    while shards is not None and (now := int(have["OpenShardCount"])) != shards:
        count = min(max(shards, (now + 1) // 2), now * 2)
        aws.call("kinesis.UpdateShardCount", StreamName=name, TargetShardCount=count, ScalingType="UNIFORM_SCALING")
        have = _active(aws, name)


def _retain(aws: Aws, name: str, hours: int) -> None:
    now = _active(aws, name)["RetentionPeriodHours"]
    if now != hours:
        more = "kinesis.IncreaseStreamRetentionPeriod"
        less = "kinesis.DecreaseStreamRetentionPeriod"
        aws.call(more if hours > now else less, StreamName=name, RetentionPeriodHours=hours)


def _encrypt(aws: Aws, name: str, encryption: str) -> None:
    have = _active(aws, name)
    if _key(have) == encryption:
        return
    if encryption == "none":
        key = have.get("KeyId", MANAGED)
        aws.call("kinesis.StopStreamEncryption", StreamName=name, EncryptionType="KMS", KeyId=key)
    else:
        key = MANAGED if encryption == "managed" else encryption
        aws.call("kinesis.StartStreamEncryption", StreamName=name, EncryptionType="KMS", KeyId=key)
