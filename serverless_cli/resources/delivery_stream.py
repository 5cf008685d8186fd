"""Firehose delivery streams into a bucket, with the role that they work under and the log of what went wrong.

AWS facts (Data Firehose developer guide; botocore's model; aws-semantics 11):
- CREATING for seconds to a minute, then ACTIVE or CREATING_FAILED; a failed one must be deleted before another of
  its name is made. Deleting is refused while CREATING and takes minutes: waited for only when the name is used again.
- The role must be one that Firehose can assume by now: 400 InvalidArgumentException for some seconds.
- A change names the version that it is based on, and merges. The source cannot be changed, and copies of what came
  in (S3BackupMode) cannot be given up again.
- A prefix with expressions wants an error prefix, and that one then wants !{firehose:error-output-type}.
- A transform is called for at most 5 minutes, by its version ($LATEST), with at most 3 MB.
- Errors go to a log stream that must be there: Firehose makes none, and without it nobody hears of them. It goes with
  its log group, which somebody may delete.
- Two destinations come back for one bucket; the extended one counts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from serverless_cli.aws.calls import Aws, NotYet
from serverless_cli.errors import Problem, SlxError
from serverless_cli.keys import Doc, OneOf, Pattern, Range
from serverless_cli.model import Change, Found, Mark, Observed, Outputs, Place, Ref, Resource, Verb
from serverless_cli.names import NameRule, arn, role_arn, role_name
from serverless_cli.records import dataclass
from serverless_cli.resources import delivery_stream_form as form
from serverless_cli.resources.base import Attribute, Declared, Here, Kind, Scope, Type, marked, together
from serverless_cli.resources.delivery_stream_form import Backup, DeliverySpec, Transform
from serverless_cli.resources.ownership import attempt, belongs, claim
from serverless_cli.wiring import RETENTION_DAYS, Logs, Runs, Statement, Wiring

READY_S, CHANGE_S = 600.0, 60.0
LONGEST_TRANSFORM_S = 300
_EXPRESSION = re.compile(r"!\{([^}:]*):?([^}]*)\}?")
_ERROR_TYPE = "error-output-type"


@dataclass(frozen=True, slots=True, kw_only=True)
class TransformKeys:
    """A function that gets each batch and answers what to deliver."""

    function: Annotated[str, Doc("The id of a function.")]
    buffer_mb: Annotated[int, Doc("MB of a batch."), Range(1, 3)] = form.TRANSFORM_MB
    buffer_s: Annotated[int, Doc("Seconds to wait for a batch to fill."), Range(0, 900)] = form.TRANSFORM_S
    retries: Annotated[int, Doc("How often a failed call is tried again."), Range(0, 300)] = form.TRANSFORM_RETRIES


@dataclass(frozen=True, slots=True, kw_only=True)
class ToKeys:
    """The bucket, and how files are made of records."""

    bucket: Annotated[str, Doc("The id of a bucket.")]
    prefix: Annotated[
        str, Doc("How the keys begin; the hour follows, unless it has expressions such as !{timestamp:yyyy}."),
        Range(0, 1024),
    ] = ""  # fmt: skip
    error_prefix: Annotated[str, Doc("As `prefix`, for what could not be transformed or written."), Range(0, 1024)] = ""
    buffer_mb: Annotated[int, Doc("MB after which a file is written."), Range(1, 128)] = form.BUFFER_MB
    buffer_s: Annotated[int, Doc("Seconds after which a file is written."), Range(0, 900)] = form.BUFFER_S
    compression: Annotated[
        Literal["none", "gzip", "zip", "snappy", "hadoop-snappy"], Doc("How files are compressed.")
    ] = "none"  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupKeys:
    """Copies of what came in, before it was transformed."""

    bucket: Annotated[str | None, Doc("The id of a bucket; left out, the one that files are written to.")] = None
    prefix: Annotated[
        str, Doc("How the keys of the copies begin; the hour follows."), Range(0, 1024),
        Pattern(r"(?!.*!\{).*", "a text without expressions"),
    ] = "raw/"  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryStreamKeys:
    """Takes records, from whoever puts them or from a stream, and writes them to a bucket in files."""

    from_: Annotated[str | None, Doc("The id of a `stream` that is read; left out, records are put.")] = None
    transform: Annotated[str | TransformKeys | None, Doc("The id of a function that works on each batch first.")] = None
    to: Annotated[ToKeys, Doc("Where the records go.")]
    backup: Annotated[BackupKeys | None, Doc("Keeps what came in as well; this cannot be taken back.")] = None
    log_retention_days: Annotated[
        int | None, Doc("Days that its errors are kept; null keeps them for ever."), OneOf(RETENTION_DAYS)
    ] = 14


def delivery_stream_arn(place: Place, name: str) -> str:
    return arn(place, "firehose", f"deliverystream/{name}")


def _send(target: str) -> tuple[Statement, ...]:
    return (Statement(("firehose:PutRecord", "firehose:PutRecordBatch"), (target,)),)


class DeliveryStreamType(Type[DeliveryStreamKeys]):
    type_name = "delivery-stream"
    doc = "Firehose delivery stream and its role."
    keys = DeliveryStreamKeys
    name_rule = NameRule(64, r"[a-zA-Z0-9_.-]{1,64}", says="letters, digits, _ . and -")
    attributes: ClassVar[Mapping[str, Attribute]] = {
        "name": Attribute("The delivery stream's name.", lambda _, name: name),
        "arn": Attribute("The delivery stream's ARN.", delivery_stream_arn),
        "log_group": Attribute("The name of the log group for its errors.", lambda _, name: _log_group(name)),
    }
    grants: ClassVar = {"send": _send}

    def problems(self, it: Declared[DeliveryStreamKeys], scope: Scope) -> Iterable[Problem]:
        keys = it.keys
        transform = _transform(keys)
        named = (
            ("from", ("from",), keys.from_, "stream"),
            ("to", ("to", "bucket"), keys.to.bucket, "bucket"),
            ("backup", ("backup", "bucket"), keys.backup.bucket if keys.backup else None, "bucket"),
            ("transform", ("transform", "function"), transform.function if transform else None, "function"),
        )
        for key, path, id, wanted in named:
            target = scope.declared(id) if id is not None else None
            if id is not None and (target is None or target.type != wanted):
                yield Problem(f"`{key}` names {id}, which is no {wanted} of this blueprint", where=it.line(*path))
        yield from _transform_problems(it, transform, scope)
        yield from _prefix_problems(it)

    def expand(self, it: Declared[DeliveryStreamKeys], scope: Scope) -> Iterable[Resource | Wiring]:
        keys, place, ref = it.keys, scope.place, Ref("delivery-stream", it.id)
        transform, copies = _transform(keys), keys.backup and (keys.backup.bucket or keys.to.bucket)
        spec = DeliverySpec(
            role=role_arn(place, role_name(place, it.id)),
            source=scope.attribute(keys.from_, "arn") if keys.from_ else "",
            bucket=scope.attribute(keys.to.bucket, "arn"),
            prefix=keys.to.prefix,
            error_prefix=keys.to.error_prefix,
            buffer_mb=keys.to.buffer_mb,
            buffer_s=keys.to.buffer_s,
            compression=form.COMPRESSIONS[keys.to.compression],
            transform=_calls(transform, scope),
            backup=Backup(scope.attribute(copies, "arn"), keys.backup.prefix) if copies and keys.backup else None,
            log_group=_log_group(it.name),
        )
        needs = {Ref("role", it.id), Ref("log-group", it.id), Ref("bucket", keys.to.bucket)}
        needs |= {Ref("stream", keys.from_)} if keys.from_ else set()
        needs |= {Ref("function", transform.function)} if transform else set()
        needs |= {Ref("bucket", copies)} if copies else set()
        yield Resource(ref, it.name, spec, frozenset(needs), where=it.where, retain=it.retain)
        yield Logs(it.id, ref, spec.log_group, keys.log_retention_days, it.line("log_retention_days"))
        yield Runs(it.id, ref, "firehose.amazonaws.com", tuple(_statements(spec, place)), it.where)


def _log_group(name: str) -> str:
    return f"/aws/kinesisfirehose/{name}"


def _transform(keys: DeliveryStreamKeys) -> TransformKeys | None:
    return TransformKeys(function=keys.transform) if isinstance(keys.transform, str) else keys.transform


def _calls(keys: TransformKeys | None, scope: Scope) -> Transform | None:
    if keys is None:
        return None
    function = scope.attribute(keys.function, "arn")
    return Transform(f"{function}:$LATEST", keys.buffer_mb, keys.buffer_s, keys.retries)


def _transform_problems(
    it: Declared[DeliveryStreamKeys], transform: TransformKeys | None, scope: Scope
) -> Iterator[Problem]:
    function = scope.declared(transform.function) if transform else None
    if function is None or function.type != "function" or function.existing:
        return
    if function.keys.timeout_s > LONGEST_TRANSFORM_S:
        yield Problem(
            f"{function.id} may take {function.keys.timeout_s} s",
            f"Firehose waits {LONGEST_TRANSFORM_S} s for a transform at most",
            f"`timeout_s: {LONGEST_TRANSFORM_S}` on {function.id}",
            it.line("transform"),
        )


def _prefix_problems(it: Declared[DeliveryStreamKeys]) -> Iterator[Problem]:
    """Expressions that Firehose would refuse."""
    keys, to = it.keys, it.keys.to
    for key, prefix in (("prefix", to.prefix), ("error_prefix", to.error_prefix)):
        where = it.line("to", key)
        for namespace, what in _EXPRESSION.findall(prefix):
            if namespace not in ("timestamp", "firehose"):
                why = "an expression is !{timestamp:...} or !{firehose:...}"
                yield Problem(f"`{key}` has !{{{namespace}}}", why, where=where)
            elif what == _ERROR_TYPE and key == "prefix":
                yield Problem(f"`prefix` has {_ERROR_TYPE}", "that is for `error_prefix`", where=where)
    if "!{" in to.prefix and not to.error_prefix:
        hint = f"error_prefix: errors/!{{firehose:{_ERROR_TYPE}}}/"
        yield Problem("a `prefix` with expressions wants an `error_prefix`", "", hint, it.line("to", "prefix"))
    if "!{" in to.error_prefix and f"!{{firehose:{_ERROR_TYPE}}}" not in to.error_prefix:
        hint = f"errors/!{{firehose:{_ERROR_TYPE}}}/"
        why = f"Firehose wants !{{firehose:{_ERROR_TYPE}}} among its expressions"
        yield Problem("`error_prefix` does not say what kind of error", why, hint, it.line("to", "error_prefix"))
    if keys.backup and keys.backup.bucket in (None, to.bucket) and keys.backup.prefix == to.prefix:
        why = "nobody could tell them from what is delivered"
        yield Problem("the copies go where the records go", why, "give `backup` another `prefix`", it.line("backup"))


def _statements(spec: DeliverySpec, place: Place) -> Iterator[Statement]:
    """What its role may do, and nothing else."""
    whole = ("s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads")
    objects = ("s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject")
    for target in dict.fromkeys((spec.bucket, *((spec.backup.bucket,) if spec.backup else ()))):
        yield Statement(whole, (target,), reason="writes its files")
        yield Statement(objects, (f"{target}/*",), reason="writes its files")
    if spec.transform:
        function = spec.transform.function
        calls = ("lambda:GetFunctionConfiguration", "lambda:InvokeFunction")
        yield Statement(calls, (function.removesuffix(":$LATEST"), function), reason="calls its transform")
    if spec.source:
        reads = ("kinesis:DescribeStream", "kinesis:GetRecords", "kinesis:GetShardIterator", "kinesis:ListShards")
        yield Statement(reads, (spec.source,), reason="reads its stream")
    streams = tuple(arn(place, "logs", f"log-group:{spec.log_group}:log-stream:{name}") for name in _log_streams(spec))
    yield Statement(("logs:PutLogEvents",), streams, reason="writes its own log")


def _log_streams(spec: DeliverySpec) -> tuple[str, ...]:
    return (form.BACKUP_LOG_STREAM, form.LOG_STREAM) if spec.backup else (form.LOG_STREAM,)


class DeliveryStreamKind(Kind[DeliverySpec]):
    kind = "delivery-stream"
    doc = "Firehose delivery stream"
    spec = DeliverySpec
    create_only = frozenset({"source", "works"})
    rank = 40
    permissions: ClassVar[Mapping[Verb, tuple[str, ...]]] = {
        Verb.READ: ("firehose:DescribeDeliveryStream", "firehose:ListTagsForDeliveryStream", "logs:DescribeLogStreams"),
        Verb.CREATE: ("firehose:CreateDeliveryStream", "firehose:TagDeliveryStream", "iam:PassRole",
                      "firehose:DescribeDeliveryStream", "firehose:ListTagsForDeliveryStream",
                      "firehose:UpdateDestination", "logs:CreateLogStream", "logs:DescribeLogStreams"),
        Verb.UPDATE: ("firehose:UpdateDestination", "firehose:DescribeDeliveryStream", "firehose:TagDeliveryStream",
                      "iam:PassRole", "logs:CreateLogStream"),
        Verb.DELETE: ("firehose:DeleteDeliveryStream",),
        Verb.SEARCH: ("firehose:ListDeliveryStreams", "firehose:ListTagsForDeliveryStream"),
    }  # fmt: skip

    def read(self, aws: Aws, here: Here) -> Observed | None:
        known = _known(here)
        group = known.log_group if known else _log_group(here.name)
        found, tags, streams = together(aws, (*_asks(aws, here.name), lambda: _streams_of(aws, group)))
        if found is None:
            return None
        spec = form.read(found, known.backup if known else None)
        # One that writes to another group is changed anyhow.
        spec = replace(spec, logs=spec.log_group != group or streams.issuperset(_log_streams(spec)))
        return Observed(spec, {"arn": found["DeliveryStreamARN"]}, Mark.of(tags), _why(found))

    def exists(self, aws: Aws, here: Here) -> Observed | None:
        found, tags = together(aws, _asks(aws, here.name))
        return Observed(form.read(found), {"arn": found["DeliveryStreamARN"]}, Mark.of(tags)) if found else None

    def create(self, aws: Aws, here: Here, spec: DeliverySpec) -> Outputs:
        _until_gone(aws, here.name)
        made = attempt(
            aws, "firehose.CreateDeliveryStream", "ResourceInUseException", "already exists",
            DeliveryStreamName=here.name, Tags=here.mark.pairs, **form.creation(spec),
        )  # fmt: skip
        if made is None:
            found = claim(here, self.read(aws, here))
            changes = [Change(("prefix",), None, spec.prefix)]
            if found and found.mark is None:
                changes.append(Change(("mark",), None, here.mark))
            return self.update(aws, here, spec, tuple(changes))
        _make_log_streams(aws, spec)
        _active(aws, here.name)
        return {"arn": str(made["DeliveryStreamARN"])}

    def update(self, aws: Aws, here: Here, spec: DeliverySpec, changes: tuple[Change, ...]) -> Outputs:
        fields = {change.field for change in changes}
        if "mark" in fields:
            aws.call("firehose.TagDeliveryStream", DeliveryStreamName=here.name, Tags=here.mark.pairs)
        if fields - {"mark"}:
            _make_log_streams(aws, spec)
        if fields - {"mark", "logs"}:
            aws.wait(
                f"delivery stream {here.name} to change", lambda: _change(aws, here.name, spec), deadline_s=CHANGE_S
            )
        return {"arn": delivery_stream_arn(here.place, here.name)}

    def hold(self, aws: Aws, here: Here, spec: DeliverySpec, changes: tuple[Change, ...], folder: Path) -> DeliverySpec:
        return replace(spec, logs=True)  # nobody can wish for one that lacks them

    def delete(self, aws: Aws, here: Here) -> None:
        aws.remove("firehose.DeleteDeliveryStream", DeliveryStreamName=here.name, AllowForceDelete=True)

    def search(self, aws: Aws, place: Place | None) -> Iterator[Found]:
        prefix = f"{place.stack}-{place.stage}-" if place else ""
        every = aws.pages("firehose.ListDeliveryStreams", "DeliveryStreamNames")
        names = (name for name in every if name.startswith(prefix))
        for name, mark in marked(aws, names, lambda name: _tags(aws, name)):
            if mark and belongs(mark, place):
                yield Found(Ref("delivery-stream", mark.id), name, mark)

    def preflight(self, aws: Aws, here: Here, spec: DeliverySpec) -> Iterable[Problem]:
        """Copies cannot be given up: Firehose would take the change and go on."""
        if spec.backup is not None or not here.outputs:
            return
        found = _describe(aws, here.name)
        if found and form.read(found).backup:
            yield Problem(
                f"{here.ref.id} keeps copies of what comes in, and cannot stop to",
                "Firehose allows `backup` to be added, never to be taken away",
                "leave `backup` in, or give it another `name:` and so make it anew",
            )


def _describe(aws: Aws, name: str) -> dict[str, Any] | None:
    found = aws.find("firehose.DescribeDeliveryStream", DeliveryStreamName=name)
    return dict(found["DeliveryStreamDescription"]) if found else None


def _known(here: Here) -> DeliverySpec | None:
    """What it should be, or was."""
    known = here.wish or here.recorded
    return known if isinstance(known, DeliverySpec) else None


def _asks(aws: Aws, name: str) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """How to ask for its description, None where it is not there or just going, and for its tags."""

    def standing() -> dict[str, Any] | None:
        found = _describe(aws, name)
        return found if found and found["DeliveryStreamStatus"] != "DELETING" else None

    return standing, lambda: _tags(aws, name)


def _streams_of(aws: Aws, group: str) -> frozenset[str]:
    """The names of a group's log streams; none where there is no such group."""
    every = aws.pages("logs.DescribeLogStreams", "logStreams", logGroupName=group)
    return frozenset(one["logStreamName"] for one in every)


def _tags(aws: Aws, name: str) -> dict[str, str]:
    pairs = aws.pages("firehose.ListTagsForDeliveryStream", "Tags", DeliveryStreamName=name)
    return {tag["Key"]: tag.get("Value", "") for tag in pairs}


def _why(found: Mapping[str, Any]) -> str:
    failure = found.get("FailureDescription") or {}
    return f"{failure.get('Type', '')}: {failure.get('Details', '')}" if failure else ""


def _make_log_streams(aws: Aws, spec: DeliverySpec) -> None:
    for name in _log_streams(spec):
        attempt(
            aws, "logs.CreateLogStream", "ResourceAlreadyExistsException",
            logGroupName=spec.log_group, logStreamName=name,
        )  # fmt: skip


def _active(aws: Aws, name: str) -> dict[str, Any]:
    """The delivery stream once it takes records and changes. Raises SlxError with AWS's reason when it failed."""

    def ask() -> dict[str, Any] | None:
        found = _describe(aws, name)
        status = found["DeliveryStreamStatus"] if found else "not there"
        if found and status.endswith("FAILED"):
            why = _why(found) or "Firehose gives no reason"
            raise SlxError(f"delivery stream {name} failed", why, "correct the blueprint and run `slx up` again")
        if status != "ACTIVE":
            raise NotYet(status)
        return found

    return aws.wait(f"delivery stream {name} to be active", ask, deadline_s=READY_S)


def _change(aws: Aws, name: str, spec: DeliverySpec) -> bool:
    """Raises NotYet where another change came first: perhaps this very one, whose answer was lost."""
    have = _active(aws, name)
    made = attempt(
        aws, "firehose.UpdateDestination", "ConcurrentModificationException", DeliveryStreamName=name,
        CurrentDeliveryStreamVersionId=have["VersionId"], DestinationId=have["Destinations"][0]["DestinationId"],
        ExtendedS3DestinationUpdate=form.change(spec),
    )  # fmt: skip
    if made is None:
        raise NotYet("being changed otherwise")
    return True


def _until_gone(aws: Aws, name: str) -> None:
    """Waits for one of that name that is being deleted."""

    def ask() -> bool | None:
        found = _describe(aws, name)
        return True if found is None or found["DeliveryStreamStatus"] != "DELETING" else None

    aws.wait(f"the old delivery stream {name} to be gone", ask, deadline_s=READY_S)
