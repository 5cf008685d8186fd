"""What only streams and wiring to functions promise, against moto: others' notifications, a queue's mapping, resizing."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from bench import Bench, Calls, Raw, Row
from rows_streams import (
    BUCKETS,
    DELIVERY_STREAM,
    ENTRIES,
    MAPPING,
    NOTIFICATION,
    QUEUES,
    REGIONAL,
    STREAM,
    map_stream,
    remap,
)

from serverless_cli.aws.actions import iam_action
from serverless_cli.aws.calls import Aws
from serverless_cli.model import Change, Observed, Outputs, Verb
from serverless_cli.resources.base import Kind
from serverless_cli.resources.delivery_stream import DeliveryStreamKind
from serverless_cli.resources.delivery_stream_form import DeliverySpec
from serverless_cli.resources.mapping import MappingKind, MappingSpec
from serverless_cli.resources.notification import NotificationKind, NotificationSpec
from serverless_cli.resources.stream import StreamKind, StreamSpec


class Desk:
    """A kind with the bench of its row, called by hand."""

    def __init__(self, kind: Kind, bench: Bench) -> None:
        self.kind = kind
        self.bench = bench

    def create(self, spec) -> Outputs:
        self.bench.outputs = self.kind.create(self.bench.aws, self.bench.here(spec), spec)
        return self.bench.outputs

    def update(self, spec, *fields: str) -> None:
        changes = tuple(Change((field,), None, getattr(spec, field)) for field in fields)
        self.kind.update(self.bench.aws, self.bench.here(spec), spec, changes)

    def read(self, spec) -> Observed | None:
        return self.kind.read(self.bench.aws, self.bench.here(spec))

    def delete(self, spec) -> None:
        self.kind.delete(self.bench.aws, self.bench.here(spec))


@pytest.fixture
def desk(moto: str, connection: Aws, raw: Raw, calls: Calls, tmp_path: Path) -> Iterator:
    urllib.request.urlopen(urllib.request.Request(f"{moto}/moto-api/reset", method="POST")).close()

    def make(kind: Kind, row: Row) -> Desk:
        bench = Bench(row, connection, raw, calls, tmp_path)
        row.before(bench)
        calls.clear()
        return Desk(kind, bench)

    return make


# Notifications

THEIRS = {
    "QueueConfigurations": [
        {"Id": "theirs", "QueueArn": f"{QUEUES}:jobs", "Events": ["s3:ObjectRemoved:*"],
         "Filter": {"Key": {"FilterRules": [{"Name": "suffix", "Value": ".log"}]}}},
        {"Id": "slx-shop.two.fn.1", "QueueArn": f"{QUEUES}:other", "Events": ["s3:ObjectRestore:Completed"]},
    ],
    "TopicConfigurations": [
        {"Id": "slx-by-hand", "TopicArn": f"arn:aws:sns:{REGIONAL}:thumb", "Events": ["s3:ObjectCreated:Put"],
         "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": "log/"}, {"Name": "suffix", "Value": ".gz"}]}}},
    ],
    "EventBridgeConfiguration": {},
}  # fmt: skip


def configuration(desk: Desk) -> dict:
    found = desk.bench.raw("s3").get_bucket_notification_configuration(Bucket=desk.bench.name)
    return {key: value for key, value in found.items() if key != "ResponseMetadata"}


def theirs(desk: Desk) -> dict:
    """What others put there, as S3 shows it."""
    desk.bench.raw("s3").put_bucket_notification_configuration(Bucket=desk.bench.name, NotificationConfiguration=THEIRS)
    return configuration(desk)


def without_ours(found: dict) -> dict:
    def ours(one: dict) -> bool:
        return one["Id"].startswith("slx-shop.dev.")

    lists = {key: [one for one in value if not ours(one)] if value else value for key, value in found.items()}
    return {key: value for key, value in lists.items() if value or key == "EventBridgeConfiguration"}


def test_notifications_of_others_survive_byte_for_byte(desk):
    one, spec = desk(NotificationKind(), NOTIFICATION), NotificationSpec(ENTRIES)
    before = theirs(one)

    one.create(spec)
    made = configuration(one)
    one.update(NotificationSpec({"thumb.2": ENTRIES["thumb.2"]}), "entries")
    changed = configuration(one)
    one.delete(spec)

    assert [without_ours(found) for found in (made, changed)] == [before, before]
    assert configuration(one) == before


def test_notifications_are_read_before_they_are_written_and_nothing_is_written_without_need(desk):
    one, spec = desk(NotificationKind(), NOTIFICATION), NotificationSpec(ENTRIES)

    one.create(spec)
    one.delete(spec)
    one.delete(spec)

    get, put = "s3.GetBucketNotificationConfiguration", "s3.PutBucketNotificationConfiguration"
    assert one.bench.calls.operations == [get, put, get, put, get]


def test_notifications_go_though_the_destination_is_gone(desk):
    one, spec = desk(NotificationKind(), NOTIFICATION), NotificationSpec(ENTRIES)
    one.create(spec)
    one.bench.raw("sns").delete_topic(TopicArn=f"arn:aws:sns:{REGIONAL}:thumb")

    one.delete(spec)

    assert one.read(spec) is None


def test_notifications_of_a_bucket_that_is_gone_are_gone(desk):
    one, spec = desk(NotificationKind(), NOTIFICATION), NotificationSpec(ENTRIES)
    one.create(spec)
    one.bench.raw("s3").delete_bucket(Bucket=one.bench.name)

    one.delete(spec)

    assert one.read(spec) is None


# Mappings

OF_QUEUE = replace(MAPPING, name="{}/queue/jobs")


def test_a_queue_is_mapped_changed_and_let_go_while_both_ends_stay(desk):
    one = desk(MappingKind(), OF_QUEUE)
    spec = MappingSpec(f"{QUEUES}:jobs", one.bench.name.partition("/")[0], 5, max_concurrency=2)

    one.create(spec)
    made = one.read(spec)
    one.update(replace(spec, max_concurrency=None, batch_size=10), "max_concurrency", "batch_size")
    changed = one.read(spec)
    one.delete(spec)

    assert (made.spec, made.mark) == (spec, one.bench.here().mark)
    assert changed.spec == replace(spec, max_concurrency=None, batch_size=10)
    assert one.read(spec) is None
    assert one.bench.raw("sqs").get_queue_url(QueueName="jobs")


def test_the_limit_of_a_queue_is_seen_to_drift(desk):
    one = desk(MappingKind(), OF_QUEUE)
    spec = MappingSpec(f"{QUEUES}:jobs", one.bench.name.partition("/")[0], 5, max_concurrency=2)
    one.create(spec)

    remap(ScalingConfig={"MaximumConcurrency": 9})(one.bench)

    assert one.read(spec).spec == replace(spec, max_concurrency=9)


def test_mappings_of_other_sources_of_the_function_are_others(desk):
    one = desk(MappingKind(), OF_QUEUE)
    spec = MappingSpec(f"{QUEUES}:jobs", one.bench.name.partition("/")[0], 5)
    map_stream(one.bench, {})

    one.create(spec)
    one.delete(spec)

    name = one.bench.name.partition("/")[0]
    [left] = one.bench.raw("lambda").list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
    assert left["EventSourceArn"].endswith(":stream/clicks")


# Streams


def test_shards_are_doubled_and_halved_step_by_step(desk):
    one = desk(StreamKind(), STREAM)
    one.create(StreamSpec(1, 24, "none"))
    one.bench.calls.clear()

    one.update(StreamSpec(9, 24, "none"), "shards")
    one.update(StreamSpec(1, 24, "none"), "shards")

    assert one.bench.calls.operations.count("kinesis.UpdateShardCount") == 4 + 4
    assert one.read(StreamSpec(1, 24, "none")).spec == StreamSpec(1, 24, "none")


# Delivery streams


def test_the_log_streams_are_made_since_firehose_makes_none(desk):
    one = desk(DeliveryStreamKind(), DELIVERY_STREAM)
    spec = one.bench.wish
    assert isinstance(spec, DeliverySpec)

    one.create(spec)

    streams = one.bench.raw("logs").describe_log_streams(logGroupName=spec.log_group)["logStreams"]
    assert [stream["logStreamName"] for stream in streams] == ["BackupDelivery", "DestinationDelivery"]


@pytest.mark.parametrize("gone", ["the group", "one stream"])
def test_log_streams_that_were_deleted_by_hand_are_made_again(desk, gone: str):
    one = desk(DeliveryStreamKind(), DELIVERY_STREAM)
    spec, logs = one.bench.wish, one.bench.raw("logs")
    assert isinstance(spec, DeliverySpec)
    one.create(spec)
    if gone == "the group":
        logs.delete_log_group(logGroupName=spec.log_group)
    else:
        logs.delete_log_stream(logGroupName=spec.log_group, logStreamName="DestinationDelivery")

    assert [change.path for change in one.bench.changes()] == [("logs",)]
    if gone == "the group":
        logs.create_log_group(logGroupName=spec.log_group)  # as `up` does first
    one.bench.update()

    assert one.bench.changes() == ()
    assert "firehose:UpdateDestination" not in map(iam_action, one.bench.used[Verb.UPDATE])


def test_that_copies_cannot_be_given_up_is_said_before_anything_is_written(desk):
    one = desk(DeliveryStreamKind(), DELIVERY_STREAM)
    spec = one.bench.wish
    assert isinstance(spec, DeliverySpec)
    one.create(spec)

    [problem] = one.kind.preflight(one.bench.aws, one.bench.here(), replace(spec, backup=None))

    assert "cannot stop" in problem.what
    assert not list(one.kind.preflight(one.bench.aws, one.bench.here(), spec))


def test_a_source_is_part_of_what_it_is(desk):
    one = desk(DeliveryStreamKind(), DELIVERY_STREAM)
    one.bench.raw("kinesis").create_stream(StreamName="clicks", ShardCount=1)
    source = f"arn:aws:kinesis:{REGIONAL}:stream/clicks"
    spec = replace(one.bench.wish, source=source, transform=None, backup=None, bucket=f"{BUCKETS}archive")

    one.create(spec)

    assert one.read(spec).spec == spec
    assert "source" in one.kind.create_only
