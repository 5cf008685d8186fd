"""What only tables, queues, topics and their policies promise, on moto."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from bench import Bench, Row
from rows_messaging import ADMISSION, END, QUEUE, QUEUES, STANDARD, TOPIC, TOPICS, policy, theirs, write
from rows_table import TABLE

from serverless_cli.errors import SlxError
from serverless_cli.model import Loss
from serverless_cli.resources.admission import Admission, AdmissionSpec
from serverless_cli.resources.queue import QueueSpec
from serverless_cli.resources.topic import TopicSpec

PLAIN_QUEUE = QueueSpec(
    fifo=False, content_based_deduplication=False, visibility_timeout_s=60, retention_s=345600, delay_s=0, wait_s=0,
    dead_letter="", tries=0, encryption="managed",
)  # fmt: skip


def a_dead_letter_queue(b: Bench) -> object:
    return b.raw("sqs").create_queue(QueueName="dead")


STANDARD_QUEUE = replace(
    QUEUE,
    rule=STANDARD,
    wish=lambda _: PLAIN_QUEUE,
    before=a_dead_letter_queue,
    edits={
        "a dead-letter queue": {"dead_letter": f"{QUEUES}:dead", "tries": 1},
        "a key": {"encryption": "alias/ours"},
        "more time": {"visibility_timeout_s": 360},
    },
)
STANDARD_TOPIC = replace(
    TOPIC,
    rule=STANDARD,
    wish=lambda _: TopicSpec(fifo=False, content_based_deduplication=False, encryption="none"),
    edits={"a key": {"encryption": "alias/ours"}},
)
EVENTS = Admission("events.amazonaws.com", ("sns:Publish",), ("arn:aws:events:eu-central-1:123456789012:rule/r",))
TOPIC_POLICY = replace(
    ADMISSION,
    wish=lambda _: AdmissionSpec("topic", {"slx-r": EVENTS}),
    name="topic/{}",
    before=lambda b: b.raw("sns").create_topic(Name=topic_name(b)),
    edits={"another": {"statements": {"slx-other": replace(EVENTS, principal="s3.amazonaws.com")}}},
)


def topic_name(b: Bench) -> str:
    return b.name.rpartition("/")[2]


def topic_policy(b: Bench) -> dict[str, Any]:
    attributes = b.raw("sns").get_topic_attributes(TopicArn=f"{TOPICS}:{topic_name(b)}")["Attributes"]
    found: dict[str, Any] = json.loads(attributes["Policy"])
    return found


def of_kind(*rows: Row) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("row", rows, ids=lambda row: f"{row.kind} {row.name}", indirect=True)


@of_kind(STANDARD_QUEUE, STANDARD_TOPIC, TOPIC_POLICY)
def test_the_other_sort_of_it_lives_alike(bench: Bench):
    assert dict(bench.create()) == dict(bench.seen().outputs)
    assert bench.changes() == ()

    for edit in bench.row.edits:
        edited = bench.edited(edit)
        bench.update(edited)
        assert bench.changes(edited) == ()
        bench.update(bench.wish)
        assert bench.changes() == ()

    bench.delete()
    assert bench.read() is None


@of_kind(TABLE)
def test_a_protected_table_is_not_deleted_until_it_is_not(bench: Bench):
    bench.create()
    bench.update(bench.edited("protection"))

    with pytest.raises(SlxError, match="protected against deletion"):
        bench.delete()
    assert bench.seen().mark == bench.here().mark

    bench.update(bench.wish)
    bench.delete()
    assert bench.read() is None


@of_kind(TABLE)
def test_items_are_counted_before_a_table_is_thrown_away(bench: Bench):
    bench.create()
    assert list(bench.kind.loss(bench.aws, bench.here())) == []
    item = {"id": {"S": "1"}, "at": {"N": "2"}}
    bench.raw("dynamodb").put_item(TableName=bench.name, Item=item)

    [loss] = bench.kind.loss(bench.aws, bench.here())

    assert (loss.what, loss.count) == ("items", 1)


@of_kind(STANDARD_QUEUE)
def test_messages_are_counted_before_a_queue_is_thrown_away(bench: Bench):
    assert list(bench.kind.loss(bench.aws, bench.here())) == []
    url = bench.create()["url"]
    assert list(bench.kind.loss(bench.aws, bench.here())) == []
    bench.raw("sqs").send_message(QueueUrl=url, MessageBody="one")
    bench.raw("sqs").send_message(QueueUrl=url, MessageBody="two", DelaySeconds=60)

    assert list(bench.kind.loss(bench.aws, bench.here())) == [Loss("messages", 2)]


@of_kind(ADMISSION)
def test_statements_of_others_survive_all_that_is_done(bench: Bench):
    before = {"Version": "2008-10-17", "Id": "their policy", "Statement": [theirs(END)]}
    write(bench, before)

    bench.create()
    assert len(policy(bench)["Statement"]) == 3
    bench.update(bench.edited("one less"))
    bench.delete()

    assert policy(bench) == before


@of_kind(TOPIC_POLICY)
def test_a_topics_own_statement_survives(bench: Bench):
    before = topic_policy(bench)

    bench.create()
    assert len(topic_policy(bench)["Statement"]) == 2
    bench.delete()

    assert topic_policy(bench) == before


@of_kind(STANDARD_QUEUE)
def test_a_queue_keeps_its_policy_when_it_is_changed(bench: Bench):
    url = bench.create()["url"]
    text = json.dumps({"Version": "2012-10-17", "Statement": [theirs(END)]})
    bench.raw("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": text})

    bench.update(bench.edited("more time"))

    kept = bench.raw("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])["Attributes"]["Policy"]
    assert json.loads(kept) == json.loads(text)
