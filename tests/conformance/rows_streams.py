"""Rows of streams, delivery streams, and of what calls functions: mappings, notifications, destinations."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

from bench import Bench, Row

from serverless_cli.names import NameRule
from serverless_cli.resources.delivery_stream import DeliveryStreamType
from serverless_cli.resources.delivery_stream_form import Backup, DeliverySpec, Transform
from serverless_cli.resources.destination import DestinationSpec
from serverless_cli.resources.mapping import MappingSpec
from serverless_cli.resources.notification import Notification, NotificationSpec
from serverless_cli.resources.stream import StreamSpec, StreamType

ROLE = "arn:aws:iam::123456789012:role/worker"
REGIONAL = "eu-central-1:123456789012"
QUEUES = f"arn:aws:sqs:{REGIONAL}"
FUNCTIONS = f"arn:aws:lambda:{REGIONAL}:function"
BUCKETS = "arn:aws:s3:::"
FUNCTION = NameRule(64, r"[a-zA-Z0-9-_]+")
BUCKET = NameRule(63, r"[a-z0-9.-]+", scope="global", underscore=False)


def of(*fields: str) -> frozenset[str]:
    return frozenset(fields)


def pairs(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def role(b: Bench, service: str) -> None:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    b.raw("iam").create_role(RoleName="worker", AssumeRolePolicyDocument=document)
    b.raw("iam").create_role(RoleName="other", AssumeRolePolicyDocument=document)


def functions(b: Bench) -> None:
    """The function of each stack, and queues to map."""
    role(b, "lambda.amazonaws.com")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("app.py", "handler = print\n")
    for each in (b, b.other_stack()):
        b.raw("lambda").create_function(
            FunctionName=each.name.partition("/")[0], Role=ROLE, Handler="app.handler", Runtime="python3.13",
            Code={"ZipFile": packed.getvalue()},
        )  # fmt: skip
    for name in ("jobs", "dead", "other"):
        b.raw("sqs").create_queue(QueueName=name)


# Mappings

SOURCE = f"arn:aws:kinesis:{REGIONAL}:stream/clicks"


def sources(b: Bench) -> None:
    functions(b)
    b.raw("kinesis").create_stream(StreamName="clicks", ShardCount=1)


def uuid(b: Bench) -> str:
    name = b.name.partition("/")[0]
    [one] = b.raw("lambda").list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
    return str(one["UUID"])


def remap(**settings: Any) -> Callable[[Bench], object]:
    return lambda b: b.raw("lambda").update_event_source_mapping(UUID=uuid(b), **settings)


def map_stream(b: Bench, tags: dict[str, str], **settings: Any) -> None:
    b.raw("lambda").create_event_source_mapping(
        FunctionName=b.name.partition("/")[0],
        EventSourceArn=SOURCE,
        StartingPosition="TRIM_HORIZON",
        Tags=tags,
        **settings,
    )


def a_mapping(b: Bench) -> MappingSpec:
    return MappingSpec(
        SOURCE, b.name.partition("/")[0], 50, 2, ('{"data":{"kind":["a"]}}',), True, None, True,
        "TRIM_HORIZON", 3, 600, True, 2, f"{QUEUES}:dead",
    )  # fmt: skip


MAPPING = Row(
    "mapping",
    FUNCTION,
    a_mapping,
    before=sources,
    name="{}/stream/clicks",
    edits={
        "larger batches": {"batch_size": 200},
        "no window": {"batch_window_s": 0},
        "other filters": {"filters": ('{"data":{"kind":["b"]}}', '{"data":{"kind":["c"]}}')},
        "no filters": {"filters": ()},
        "whole batches": {"partial_failures": False},
        "switched off": {"enabled": False},
        "fewer retries": {"retries": 0},
        "no end of retries": {"retries": -1},
        "older records": {"max_age_s": -1},
        "no halves": {"bisect": False},
        "more at once": {"parallel": 10},
        "failures elsewhere": {"on_failure": f"{QUEUES}:other"},
        "no failures told": {"on_failure": ""},
    },
    fixed={"max_concurrency": "a queue's alone: see test_conformance_streams.py"},
    drifts={
        "batches": (of("batch_size"), remap(BatchSize=10)),
        "the window": (of("batch_window_s"), remap(MaximumBatchingWindowInSeconds=60)),
        "filters": (of("filters"), remap(FilterCriteria={"Filters": [{"Pattern": '{"data": {"kind": ["x"]}}'}]})),
        "failures in batches": (of("partial_failures"), remap(FunctionResponseTypes=[])),
        "switched off": (of("enabled"), remap(Enabled=False)),
        "retries": (of("retries"), remap(MaximumRetryAttempts=9)),
        "age": (of("max_age_s"), remap(MaximumRecordAgeInSeconds=60)),
        "halves": (of("bisect"), remap(BisectBatchOnFunctionError=False)),
        "at once": (of("parallel"), remap(ParallelizationFactor=1)),
        "failures": (of("on_failure"), remap(DestinationConfig={"OnFailure": {"Destination": f"{QUEUES}:other"}})),
        "the mark": (
            of("mark"),
            lambda b: b.raw("lambda").untag_resource(
                Resource=f"arn:aws:lambda:{REGIONAL}:event-source-mapping:{uuid(b)}",
                TagKeys=list(b.here().mark.tags),
            ),
        ),
    },
    halves={"made with other settings": lambda b: map_stream(b, b.here().mark.tags, BatchSize=1)},
    stranger=map_stream,
)


# Destinations


def deliver(
    retries: int = 1, age: int = 3600, success: str = "jobs", failure: str = "dead"
) -> Callable[[Bench], object]:
    def change(b: Bench) -> None:
        b.raw("lambda").delete_function_event_invoke_config(FunctionName=b.name)
        ends = {
            "OnSuccess": {"Destination": f"{QUEUES}:{success}"},
            "OnFailure": {"Destination": f"{QUEUES}:{failure}"},
        }
        b.raw("lambda").put_function_event_invoke_config(
            FunctionName=b.name, MaximumRetryAttempts=retries, MaximumEventAgeInSeconds=age, DestinationConfig=ends
        )

    return change


DESTINATION = Row(
    "destination",
    FUNCTION,
    lambda _: DestinationSpec(f"{QUEUES}:jobs", f"{QUEUES}:dead", 1, 3600),
    before=functions,
    edits={
        "successes elsewhere": {"on_success": f"{QUEUES}:other"},
        "no successes": {"on_success": ""},
        "no failures": {"on_failure": ""},
        "no retries": {"retries": 0},
        "less time": {"max_age_s": 60},
        "limits alone": {"on_success": "", "on_failure": "", "retries": 2, "max_age_s": 21600},
    },
    drifts={
        "retries": (of("retries"), deliver(retries=2)),
        "age": (of("max_age_s"), deliver(age=61)),
        "ends": (of("on_success", "on_failure"), deliver(success="other", failure="other")),
    },
)


# Notifications


def allowed(b: Bench) -> None:
    functions(b)
    for name in ("thumb", "shrink"):
        b.raw("sns").create_topic(Name=name)
    for each in (b, b.other_stack()):
        b.raw("s3").create_bucket(Bucket=each.name, CreateBucketConfiguration={"LocationConstraint": b.raw.region})


def entry(name: str = "thumb", **settings: Any) -> Notification:
    target = f"arn:aws:sns:{REGIONAL}:{name}"
    return Notification(**{"kind": "topic", "target": target, "events": ("s3:ObjectCreated:*",), **settings})


ENTRIES = {"thumb.1": entry(prefix="in/", suffix=".jpg"), "thumb.2": entry(prefix="in/", suffix=".png")}


def notify(*entries: dict[str, Any]) -> Callable[[Bench], object]:
    return lambda b: b.raw("s3").put_bucket_notification_configuration(
        Bucket=b.name, NotificationConfiguration={"TopicConfigurations": list(entries)} if entries else {}
    )


def half_told(b: Bench) -> None:
    one = {"Id": "slx-shop.dev.thumb.1", "TopicArn": f"arn:aws:sns:{REGIONAL}:thumb", "Events": ["s3:ObjectRemoved:*"]}
    notify(one)(b)


NOTIFICATION = Row(
    "notification",
    BUCKET,
    lambda _: NotificationSpec(ENTRIES),
    before=allowed,
    edits={
        "one more": {"entries": {**ENTRIES, "shrink.1": entry("shrink", events=("s3:ObjectRemoved:*",))}},
        "one less": {"entries": {"thumb.1": ENTRIES["thumb.1"]}},
        "other events": {"entries": {"thumb.1": entry(events=("s3:ObjectCreated:Copy", "s3:ObjectCreated:Put"))}},
        "another kind": {"entries": {"thumb.1": entry(kind="queue", target=f"{QUEUES}:jobs", prefix="x/")}},
    },
    drifts={"all entries but a changed one": (of("entries"), half_told)},
    halves={"another entry": half_told},
)


# Streams


def make_stream(b: Bench, tags: dict[str, str]) -> None:
    b.raw("kinesis").create_stream(StreamName=b.name, ShardCount=1)
    if tags:
        b.raw("kinesis").add_tags_to_stream(StreamName=b.name, Tags=tags)


def kinesis(verb: str, **settings: Any) -> Callable[[Bench], object]:
    return lambda b: getattr(b.raw("kinesis"), verb)(StreamName=b.name, **settings)


def on_demand(b: Bench) -> None:
    own = b.raw("kinesis").describe_stream_summary(StreamName=b.name)["StreamDescriptionSummary"]["StreamARN"]
    b.raw("kinesis").update_stream_mode(StreamARN=own, StreamModeDetails={"StreamMode": "ON_DEMAND"})


STREAM = Row(
    "stream",
    StreamType.name_rule,
    lambda _: StreamSpec(2, 48, "managed"),
    edits={
        "many more shards": {"shards": 16},
        "fewer shards": {"shards": 1},
        "on demand": {"shards": None},
        "longer": {"retention_h": 96},
        "shorter": {"retention_h": 24},
        "no encryption": {"encryption": "none"},
        "a key of one's own": {"encryption": "alias/mine"},
    },
    drifts={
        "shards": (of("shards"), kinesis("update_shard_count", TargetShardCount=4, ScalingType="UNIFORM_SCALING")),
        "on demand": (of("shards"), on_demand),
        "retention": (of("retention_h"), kinesis("increase_stream_retention_period", RetentionPeriodHours=50)),
        "encryption": (
            of("encryption"),
            kinesis("stop_stream_encryption", EncryptionType="KMS", KeyId="alias/aws/kinesis"),
        ),
        "the mark": (
            of("mark"),
            lambda b: b.raw("kinesis").remove_tags_from_stream(StreamName=b.name, TagKeys=list(b.here().mark.tags)),
        ),
    },
    halves={
        "made, and nothing more": lambda b: make_stream(b, b.here().mark.tags),
        "made where tags cannot be given at once": lambda b: make_stream(b, {}),
    },
    stranger=make_stream,
)


# Delivery streams

GROUP = "/aws/kinesisfirehose/clicks"


def deliverable(b: Bench) -> None:
    role(b, "firehose.amazonaws.com")
    for name in (GROUP, "other"):
        b.raw("logs").create_log_group(logGroupName=name)


def a_delivery(_: Bench) -> DeliverySpec:
    transform, backup = Transform(f"{FUNCTIONS}:work:$LATEST", 2, 60, 1), Backup(f"{BUCKETS}raw", "raw/")
    return DeliverySpec(ROLE, "", f"{BUCKETS}archive", "in/", "errors/", 5, 60, "GZIP", transform, backup, GROUP)


def make_delivery(b: Bench, tags: dict[str, str]) -> None:
    b.raw("firehose").create_delivery_stream(
        DeliveryStreamName=b.name, Tags=pairs(tags) or [{"Key": "a", "Value": "b"}],
        ExtendedS3DestinationConfiguration={
            "RoleARN": ROLE, "BucketARN": f"{BUCKETS}archive", "S3BackupMode": "Enabled",
            "S3BackupConfiguration": {"RoleARN": ROLE, "BucketARN": f"{BUCKETS}raw", "Prefix": "raw/"},
        },
    )  # fmt: skip


def redeliver(**settings: Any) -> Callable[[Bench], object]:
    def change(b: Bench) -> None:
        firehose = b.raw("firehose")
        have = firehose.describe_delivery_stream(DeliveryStreamName=b.name)["DeliveryStreamDescription"]
        firehose.update_destination(
            DeliveryStreamName=b.name, CurrentDeliveryStreamVersionId=have["VersionId"],
            DestinationId=have["Destinations"][0]["DestinationId"], ExtendedS3DestinationUpdate=settings,
        )  # fmt: skip

    return change


DELIVERY_STREAM = Row(
    "delivery-stream",
    DeliveryStreamType.name_rule,
    a_delivery,
    before=deliverable,
    edits={
        "another role": {"role": ROLE.replace("worker", "other")},
        "another bucket": {"bucket": f"{BUCKETS}other"},
        "another prefix": {"prefix": ""},
        "another error prefix": {"error_prefix": "broken/"},
        "larger files": {"buffer_mb": 64},
        "files more often": {"buffer_s": 0},
        "no compression": {"compression": "UNCOMPRESSED"},
        "no transform": {"transform": None},
        "another transform": {"transform": Transform(f"{FUNCTIONS}:other:$LATEST", 1, 0, 0)},
        "another log": {"log_group": "other"},
    },
    fixed={
        "backup": "moto does not change it: see unit/test_streams.py",
        "logs": "nobody wishes for none: see test_conformance_streams.py",
    },
    drifts={
        "the role": (of("role"), redeliver(RoleARN=ROLE.replace("worker", "other"))),
        "the bucket": (of("bucket"), redeliver(BucketARN=f"{BUCKETS}other")),
        "prefixes": (of("prefix", "error_prefix"), redeliver(Prefix="mine/", ErrorOutputPrefix="my/")),
        "buffers": (
            of("buffer_mb", "buffer_s"), redeliver(BufferingHints={"SizeInMBs": 1, "IntervalInSeconds": 300})
        ),
        "compression": (of("compression"), redeliver(CompressionFormat="ZIP")),
        "the transform": (of("transform"), redeliver(ProcessingConfiguration={"Enabled": False})),
        "the log": (of("log_group"), redeliver(CloudWatchLoggingOptions={"Enabled": False})),
        "the mark": (
            of("mark"),
            lambda b: b.raw("firehose").untag_delivery_stream(
                DeliveryStreamName=b.name, TagKeys=list(b.here().mark.tags)
            ),
        ),
    },
    halves={"made, and nothing more": lambda b: make_delivery(b, b.here().mark.tags)},
    stranger=make_delivery,
)  # fmt: skip


STREAM_ROWS = (MAPPING, DESTINATION, NOTIFICATION, STREAM, DELIVERY_STREAM)
