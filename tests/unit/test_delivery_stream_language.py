"""Streams and delivery streams in a blueprint: what they stand for, exact statements, what is refused."""

from __future__ import annotations

import pytest
from trigger_fakes import A, Blueprints, spec

from serverless_cli.model import Ref
from serverless_cli.policy import tidy
from serverless_cli.resources.delivery_stream_form import Backup, DeliverySpec, Transform
from serverless_cli.resources.log_group import LogGroupSpec
from serverless_cli.resources.stream import StreamSpec
from serverless_cli.wiring import Statement

BUCKET = "archive: {type: bucket}\n"
FN = "fn: {type: function, code: ./fn}\n"


@pytest.fixture
def blueprints(tmp_path):
    return Blueprints(tmp_path / "home")


def test_a_stream_is_on_demand_unless_it_says_how_many_shards(blueprints):
    stack = blueprints.stack("""
        clicks: {type: stream}
        views: {type: stream, shards: 2, retention_h: 48, encryption: managed}
    """)

    assert spec(stack, "stream", "clicks") == StreamSpec(None, 24, "none")
    assert spec(stack, "stream", "views") == StreamSpec(2, 48, "managed")


def test_access_to_streams_is_exact(blueprints):
    stack = blueprints.stack(f"""
        fn: {{type: function, code: ./fn, access: {{clicks: send, views: read, out: send}}}}
        clicks: {{type: stream}}
        views: {{type: stream}}
        out: {{type: delivery-stream, to: {{bucket: archive}}}}
        {BUCKET}
    """)

    reads = ("DescribeStream", "DescribeStreamSummary", "GetRecords", "GetShardIterator", "ListShards")
    found = [one for one in spec(stack, "role", "fn").statements if not one.actions[0].startswith("logs")]
    assert found == [
        Statement(("firehose:PutRecord", "firehose:PutRecordBatch"), (f"arn:aws:firehose:{A}:deliverystream/shop-dev-out",)),
        Statement(("kinesis:PutRecord", "kinesis:PutRecords"), (f"arn:aws:kinesis:{A}:stream/shop-dev-clicks",)),
        Statement(tuple(f"kinesis:{one}" for one in reads), (f"arn:aws:kinesis:{A}:stream/shop-dev-views",)),
    ]  # fmt: skip


WHOLE = """
    out:
      type: delivery-stream
      from: clicks
      transform: {function: fn, buffer_mb: 2, buffer_s: 90, retries: 1}
      to: {bucket: archive, prefix: "in/!{timestamp:yyyy}/", error_prefix: "bad/!{firehose:error-output-type}/",
           buffer_mb: 64, buffer_s: 60, compression: gzip}
      backup: {bucket: copies, prefix: raw/}
      log_retention_days: 3
    clicks: {type: stream}
    copies: {type: bucket}
""" + f"    {FN}    {BUCKET}"  # fmt: skip


def test_a_delivery_stream_says_all_that_firehose_wants(blueprints):
    stack = blueprints.stack(WHOLE)

    name = {id: stack.resources[Ref("bucket", id)].name for id in ("archive", "copies")}
    role = stack.resources[Ref("role", "out")]
    assert spec(stack, "delivery-stream", "out") == DeliverySpec(
        role=f"arn:aws:iam::123456789012:role/slx/eu-central-1/shop/dev/{role.name}",
        source=f"arn:aws:kinesis:{A}:stream/shop-dev-clicks",
        bucket=f"arn:aws:s3:::{name['archive']}",
        prefix="in/!{timestamp:yyyy}/",
        error_prefix="bad/!{firehose:error-output-type}/",
        buffer_mb=64,
        buffer_s=60,
        compression="GZIP",
        transform=Transform(f"arn:aws:lambda:{A}:function:shop-dev-fn:$LATEST", 2, 90, 1),
        backup=Backup(f"arn:aws:s3:::{name['copies']}", "raw/"),
        log_group="/aws/kinesisfirehose/shop-dev-out",
    )
    assert stack.resources[Ref("delivery-stream", "out")].needs == {
        Ref("role", "out"), Ref("log-group", "out"), Ref("bucket", "archive"), Ref("bucket", "copies"),
        Ref("stream", "clicks"), Ref("function", "fn"),
    }  # fmt: skip
    assert stack.resources[Ref("log-group", "out")].spec == LogGroupSpec(3)


def test_its_role_may_do_what_the_wiring_takes_and_nothing_else(blueprints):
    stack = blueprints.stack(WHOLE)

    name = {id: stack.resources[Ref("bucket", id)].name for id in ("archive", "copies")}
    fn = f"arn:aws:lambda:{A}:function:shop-dev-fn"
    log = f"arn:aws:logs:{A}:log-group:/aws/kinesisfirehose/shop-dev-out:log-stream"
    reads = ("kinesis:DescribeStream", "kinesis:GetRecords", "kinesis:GetShardIterator", "kinesis:ListShards")
    whole = ("s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads")
    objects = ("s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject")
    role = spec(stack, "role", "out")
    assert role.trust == ("firehose.amazonaws.com",)
    assert role.statements == tidy([
        Statement(reads, (f"arn:aws:kinesis:{A}:stream/shop-dev-clicks",)),
        Statement(("lambda:GetFunctionConfiguration", "lambda:InvokeFunction"), (fn, f"{fn}:$LATEST")),
        Statement(("logs:PutLogEvents",), (f"{log}:BackupDelivery", f"{log}:DestinationDelivery")),
        *(Statement(whole, (f"arn:aws:s3:::{one}",)) for one in name.values()),
        *(Statement(objects, (f"arn:aws:s3:::{one}/*",)) for one in name.values()),
    ])  # fmt: skip


def test_the_short_forms(blueprints):
    stack = blueprints.stack(
        "out: {type: delivery-stream, transform: fn, to: {bucket: archive}, backup: {}}\n" + FN + BUCKET
    )

    found = spec(stack, "delivery-stream", "out")
    bucket = f"arn:aws:s3:::{stack.resources[Ref('bucket', 'archive')].name}"
    assert found.transform == Transform(f"arn:aws:lambda:{A}:function:shop-dev-fn:$LATEST", 1, 60, 3)
    assert (found.source, found.bucket, found.backup) == ("", bucket, Backup(bucket, "raw/"))


OUT = "out: {type: delivery-stream, %s}\n" + BUCKET
CASES = {
    "no such stream": (OUT % "§from: clicks, to: {bucket: archive}", "`from` names clicks, which is no stream"),
    "a queue as source": (OUT % "§from: jobs, to: {bucket: archive}" + "jobs: {type: queue}", "which is no stream"),
    "no such bucket": (OUT % "to: {§bucket: gone}", "`to` names gone, which is no bucket"),
    "no such copies": (OUT % "to: {bucket: archive}, backup: {§bucket: gone}", "`backup` names gone"),
    "no such function": (OUT % "to: {bucket: archive}, §transform: gone", "`transform` names gone"),
    "a bucket as function": (OUT % "to: {bucket: archive}, transform: {§function: archive}", "which is no function"),
    "a slow function": (
        OUT % "to: {bucket: archive}, §transform: fn" + "fn: {type: function, code: ./fn, timeout_s: 301}",
        "`timeout_s: 300` on fn",
    ),
    "no destination": (OUT.replace("out", "§out", 1) % "from: x", "`to` is missing"),
    "expressions without an error prefix": (
        OUT % "to: {bucket: archive, §prefix: 'a/!{timestamp:yyyy}/'}",
        "error_prefix: errors/!{firehose:error-output-type}/",
    ),
    "an error prefix without the kind of error": (
        OUT % "to: {bucket: archive, §error_prefix: 'a/!{timestamp:yyyy}/'}",
        "Firehose wants !{firehose:error-output-type}",
    ),
    "the kind of error among records": (
        OUT % "to: {bucket: archive, §prefix: 'a/!{firehose:error-output-type}/', error_prefix: e/}",
        "that is for `error_prefix`",
    ),
    "partitions": (
        OUT % "to: {bucket: archive, §prefix: 'a/!{partitionKeyFromLambda:id}/', error_prefix: e/}",
        "an expression is !{timestamp:...} or !{firehose:...}",
    ),
    "copies where the records go": (
        OUT % "to: {bucket: archive, prefix: raw/}, §backup: {}",
        "nobody could tell them from what is delivered",
    ),
    "expressions for copies": (
        OUT % "to: {bucket: archive}, backup: {prefix: §'!{timestamp:yyyy}'}",
        "a text without expressions",
    ),
    "too large a buffer": (OUT % "to: {bucket: archive, buffer_mb: §129}", "it takes 1 to 128"),
    "too large a transform": (
        OUT % "to: {bucket: archive}, transform: {function: fn, buffer_mb: §4}" + FN, "it takes 1 to 3"
    ),
    "another compression": (OUT % "to: {bucket: archive, compression: §gz}", "did you mean `gzip`?"),
    "no shards": ("clicks: {type: stream, shards: §0}", "it takes 1 to 10000"),
    "too short": ("clicks: {type: stream, retention_h: §23}", "it takes 24 to 8760"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "says"), CASES.values(), ids=CASES)
def test_is_refused_at_its_place(blueprints, text, says):
    wanted, found, texts = blueprints.located(text)

    assert found[: len(wanted)] == wanted
    assert says in texts[0]
