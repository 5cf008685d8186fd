"""The conformance suite's rows of queues, topics, subscriptions and their policies, as data: rows.py takes MESSAGING in.

Queue and topic are FIFO here, as only those have all settings; test_conformance_messaging.py has the standard ones.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from bench import Bench, Row

from serverless_cli.resources.admission import Admission, AdmissionSpec
from serverless_cli.resources.queue import FIFO as FIFO_QUEUE
from serverless_cli.resources.queue import STANDARD, QueueSpec
from serverless_cli.resources.subscription import SubscriptionSpec
from serverless_cli.resources.topic import FIFO as FIFO_TOPIC
from serverless_cli.resources.topic import TopicSpec

HERE = "eu-central-1:123456789012"
QUEUES = f"arn:aws:sqs:{HERE}"
TOPICS = f"arn:aws:sns:{HERE}"
KEY = "alias/ours"


def of(*fields: str) -> frozenset[str]:
    return frozenset(fields)


def pairs(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


# Queues


def url(b: Bench, name: str = "") -> str:
    found: str = b.raw("sqs").get_queue_url(QueueName=name or b.name)["QueueUrl"]
    return found


def make_queue(b: Bench, tags: Mapping[str, str], **settings: str) -> None:
    fifo = {"FifoQueue": "true"} if b.name.endswith(".fifo") else {}
    b.raw("sqs").create_queue(QueueName=b.name, Attributes={**fifo, **settings}, tags=dict(tags))


def dead_letters(b: Bench) -> None:
    for name in ("dead.fifo", "other.fifo"):
        b.raw("sqs").create_queue(QueueName=name, Attributes={"FifoQueue": "true"})


def change_queue(**attributes: str) -> Callable[[Bench], object]:
    return lambda b: b.raw("sqs").set_queue_attributes(QueueUrl=url(b), Attributes=attributes)


def redrive(name: str, tries: int) -> str:
    return json.dumps({"deadLetterTargetArn": f"{QUEUES}:{name}", "maxReceiveCount": tries})


QUEUE = Row(
    "queue",
    FIFO_QUEUE,
    lambda _: QueueSpec(
        fifo=True,
        content_based_deduplication=False,
        visibility_timeout_s=90,
        retention_s=86400,
        delay_s=5,
        wait_s=10,
        dead_letter=f"{QUEUES}:dead.fifo",
        tries=3,
        encryption="managed",
    ),
    before=dead_letters,
    edits={
        "repetitions dropped": {"content_based_deduplication": True},
        "hidden for longer": {"visibility_timeout_s": 120},
        "not hidden": {"visibility_timeout_s": 0},
        "kept for longer": {"retention_s": 172800},
        "at once": {"delay_s": 0},
        "no waiting": {"wait_s": 0},
        "another dead-letter queue": {"dead_letter": f"{QUEUES}:other.fifo"},
        "more tries": {"tries": 5},
        "no dead-letter queue": {"dead_letter": "", "tries": 0},
        "no encryption": {"encryption": "none"},
        "a key": {"encryption": KEY},
        "all at once": {
            "content_based_deduplication": True, "visibility_timeout_s": 1, "retention_s": 60, "delay_s": 1,
            "wait_s": 1, "dead_letter": f"{QUEUES}:other.fifo", "tries": 1, "encryption": KEY,
        },
    },
    drifts={
        "repetitions dropped": (of("content_based_deduplication"), change_queue(ContentBasedDeduplication="true")),
        "visibility": (of("visibility_timeout_s"), change_queue(VisibilityTimeout="30")),
        "retention": (of("retention_s"), change_queue(MessageRetentionPeriod="60")),
        "delay": (of("delay_s"), change_queue(DelaySeconds="0")),
        "waiting": (of("wait_s"), change_queue(ReceiveMessageWaitTimeSeconds="0")),
        "another dead-letter queue": (of("dead_letter"), change_queue(RedrivePolicy=redrive("other.fifo", 3))),
        "other tries": (of("tries"), change_queue(RedrivePolicy=redrive("dead.fifo", 9))),
        "no dead-letter queue": (of("dead_letter", "tries"), change_queue(RedrivePolicy="")),
        "no encryption": (of("encryption"), change_queue(SqsManagedSseEnabled="false")),
        "a key": (of("encryption"), change_queue(KmsMasterKeyId=KEY)),
        "the mark": (
            of("mark"),
            lambda b: b.raw("sqs").untag_queue(QueueUrl=url(b), TagKeys=list(b.here().mark.tags)),
        ),
    },
    halves={
        "made": lambda b: make_queue(b, b.here().mark.tags),
        "made otherwise": lambda b: make_queue(
            b, b.here().mark.tags, VisibilityTimeout="1", RedrivePolicy=redrive("other.fifo", 1), KmsMasterKeyId=KEY
        ),
        "made where tags cannot be given at once": lambda b: make_queue(b, {}),
    },
    stranger=make_queue,
)  # fmt: skip


# Topics


def topic(b: Bench) -> str:
    return f"{TOPICS}:{b.name}"


def make_topic(b: Bench, tags: Mapping[str, str], **settings: str) -> None:
    fifo = {"FifoTopic": "true"} if b.name.endswith(".fifo") else {}
    b.raw("sns").create_topic(Name=b.name, Attributes={**fifo, **settings}, Tags=pairs(tags))


def change_topic(name: str, value: str) -> Callable[[Bench], object]:
    return lambda b: b.raw("sns").set_topic_attributes(TopicArn=topic(b), AttributeName=name, AttributeValue=value)


TOPIC = Row(
    "topic",
    FIFO_TOPIC,
    lambda _: TopicSpec(fifo=True, content_based_deduplication=True, encryption=KEY),
    edits={
        "repetitions kept": {"content_based_deduplication": False},
        "another key": {"encryption": "alias/aws/sns"},
        "no encryption": {"encryption": "none"},
        "all at once": {"content_based_deduplication": False, "encryption": "none"},
    },
    drifts={
        "repetitions kept": (of("content_based_deduplication"), change_topic("ContentBasedDeduplication", "false")),
        "no encryption": (of("encryption"), change_topic("KmsMasterKeyId", "")),
        "the mark": (
            of("mark"),
            lambda b: b.raw("sns").untag_resource(ResourceArn=topic(b), TagKeys=list(b.here().mark.tags)),
        ),
    },
    halves={
        "made": lambda b: make_topic(b, b.here().mark.tags),
        "made otherwise": lambda b: make_topic(b, b.here().mark.tags, KmsMasterKeyId="alias/other"),
        "made where tags cannot be given at once": lambda b: make_topic(b, {}),
    },
    stranger=make_topic,
)


# Subscriptions

END = f"{QUEUES}:jobs"
FILTER = '{"kind":["sport"]}'


def topics(b: Bench) -> None:
    for each in (b, b.other_stack()):
        b.raw("sns").create_topic(Name=each.name.partition("/")[0])
    # Another topic's, to the same end; and another end of the same topic.
    b.raw("sns").subscribe(TopicArn=f"{TOPICS}:{b.other_stack().name.partition('/')[0]}", Protocol="sqs", Endpoint=END)
    b.raw("sns").subscribe(TopicArn=own_topic(b), Protocol="sqs", Endpoint=f"{END}-more")


def own_topic(b: Bench) -> str:
    return f"{TOPICS}:{b.name.partition('/')[0]}"


def subscribe(**attributes: str) -> Callable[[Bench], object]:
    return lambda b: b.raw("sns").subscribe(TopicArn=own_topic(b), Protocol="sqs", Endpoint=END, Attributes=attributes)


def change_subscription(name: str, value: str) -> Callable[[Bench], object]:
    return lambda b: b.raw("sns").set_subscription_attributes(
        SubscriptionArn=b.outputs["arn"], AttributeName=name, AttributeValue=value
    )


SUBSCRIPTION = Row(
    "subscription",
    STANDARD,
    lambda b: SubscriptionSpec(own_topic(b), "sqs", END, raw=True, filter=FILTER),
    name=f"{{}}/sqs/{END}",
    before=topics,
    edits={
        "with an envelope": {"raw": False},
        "another filter": {"filter": '{"kind":["news"],"size":[{"numeric":[">",3]}]}'},
        "no filter": {"filter": ""},
        "all at once": {"raw": False, "filter": ""},
    },
    drifts={
        "with an envelope": (of("raw"), change_subscription("RawMessageDelivery", "false")),
        "another filter": (of("filter"), change_subscription("FilterPolicy", '{"kind":["mine"]}')),
        "no filter": (of("filter"), change_subscription("FilterPolicy", "{}")),
    },
    halves={"made": subscribe(), "made otherwise": subscribe(FilterPolicy='{"kind":["mine"]}')},
)


# Policies


def theirs(resource: str) -> dict[str, Any]:
    return {
        "Sid": "theirs", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
        "Action": "sqs:SendMessage", "Resource": resource,
    }  # fmt: skip


def queues(b: Bench) -> None:
    for each in (b, b.other_stack()):
        b.raw("sqs").create_queue(QueueName=each.name.rpartition("/")[2])


def own_queue(b: Bench) -> str:
    return b.name.rpartition("/")[2]


def policy(b: Bench) -> dict[str, Any]:
    attributes = b.raw("sqs").get_queue_attributes(QueueUrl=url(b, own_queue(b)), AttributeNames=["Policy"])
    found: dict[str, Any] = json.loads(attributes.get("Attributes", {}).get("Policy", "{}"))
    return found


def write(b: Bench, document: dict[str, Any]) -> None:
    text = json.dumps(document) if document.get("Statement") else ""
    b.raw("sqs").set_queue_attributes(QueueUrl=url(b, own_queue(b)), Attributes={"Policy": text})


def alter(sid: str, **settings: Any) -> Callable[[Bench], object]:
    """Changes one statement; to nothing if no settings are given."""

    def change(b: Bench) -> None:
        found = policy(b)
        found["Statement"] = [
            {**one, **settings} if one["Sid"] == sid else one
            for one in found["Statement"]
            if settings or one["Sid"] != sid
        ]
        write(b, found)

    return change


def source(*arns: str) -> dict[str, Any]:
    return {"ArnEquals": {"aws:SourceArn": list(arns)}}


NEWS = Admission("sns.amazonaws.com", ("sqs:SendMessage",), (f"{TOPICS}:news", f"{TOPICS}:weather"))
PHOTOS = Admission("s3.amazonaws.com", ("sqs:SendMessage",), ("arn:aws:s3:::photos",))

ADMISSION = Row(
    "admission",
    STANDARD,
    lambda _: AdmissionSpec("queue", {"slx-news": NEWS, "slx-photos": PHOTOS}),
    name="queue/{}",
    before=queues,
    edits={
        "one less": {"statements": {"slx-photos": PHOTOS}},
        "one more": {"statements": {"slx-news": NEWS, "slx-photos": PHOTOS, "slx-r": PHOTOS}},
        "another sender": {"statements": {"slx-news": NEWS, "slx-photos": Admission("events.amazonaws.com", ("sqs:SendMessage",), ("arn:aws:s3:::photos",))}},
        "more actions": {"statements": {"slx-news": NEWS, "slx-photos": Admission("s3.amazonaws.com", ("sqs:GetQueueUrl", "sqs:SendMessage"), ("arn:aws:s3:::photos",))}},
        "others": {"statements": {"slx-r": PHOTOS}},
    },
    drifts={
        "a statement's absence": (of("statements"), alter("slx-news")),
        "another source": (of("statements"), alter("slx-photos", Condition=source("arn:aws:s3:::mine"))),
        "no condition": (of("statements"), alter("slx-photos", Condition={})),
        "another condition": (
            of("statements"),
            alter("slx-photos", Condition={"ArnNotEquals": {"aws:SourceArn": "arn:aws:s3:::photos"}}),
        ),
        "one more condition": (
            of("statements"),
            alter("slx-photos", Condition={**source("arn:aws:s3:::photos"), "Bool": {"aws:SecureTransport": "true"}}),
        ),
        "another action": (of("statements"), alter("slx-photos", Action="sqs:*")),
        "somebody else too": (of("statements"), alter("slx-photos", Principal="*")),
        "another resource": (of("statements"), alter("slx-photos", Resource=END)),
        "a denial": (of("statements"), alter("slx-photos", Effect="Deny")),
        "a statement more in our name": (
            of("statements"),
            lambda b: write(b, {**policy(b), "Statement": [*policy(b)["Statement"], {**theirs(END), "Sid": "slx-x"}]}),
        ),
    },
    halves={
        "made otherwise": lambda b: write(
            b, {"Version": "2012-10-17", "Statement": [{**theirs(f"{QUEUES}:{own_queue(b)}"), "Sid": "slx-news"}]}
        ),
    },
)  # fmt: skip

MESSAGING = (QUEUE, TOPIC, SUBSCRIPTION, ADMISSION)
