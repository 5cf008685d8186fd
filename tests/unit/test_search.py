"""Searches ask for the tags of all that they have listed at once, whatever the kind."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from aws_fakes import FakeClock
from botocore.stub import Stubber

from serverless_cli.aws.clients import Clients
from serverless_cli.aws.pool import Pool
from serverless_cli.aws.profile import open_session
from serverless_cli.aws.session import Calls
from serverless_cli.model import Mark, Place
from serverless_cli.names import physical
from serverless_cli.resources import KINDS
from serverless_cli.resources.bucket import BucketType
from serverless_cli.resources.bundles import PACKAGES_ID, packages_bucket

PLACE = Place("shop", "dev", "eu-central-1", "123456789012")
MARK = Mark("shop", "dev", "eu-central-1", "it")
NAMES = ("shop-dev-a", "shop-dev-b", "shop-dev-c")
ARNS = [f"arn:aws:sns:eu-central-1:123456789012:{name}" for name in NAMES]

PAIRS = {"Tags": MARK.pairs}
LOWER = {"tags": [{"key": key, "value": value} for key, value in MARK.tags.items()]}
LISTED: dict[str, tuple[str, list[Any], str, dict[str, Any]]] = {
    "function": ("lambda.ListFunctions", [{"FunctionName": name} for name in NAMES], "lambda.GetFunction",
                 {"Tags": dict(MARK.tags)}),
    "role": ("iam.ListRoles", [{"RoleName": name, "Arn": name} for name in NAMES], "iam.GetRole", {"Role": PAIRS}),
    "mapping": ("lambda.ListEventSourceMappings",
                [{"UUID": name, "FunctionArn": f"arn:aws:lambda:x:1:function:{name}", "State": "Enabled",
                  "EventSourceArn": f"arn:aws:sqs:x:1:{name}", "EventSourceMappingArn": name} for name in NAMES],
                "lambda.ListTags", {"Tags": dict(MARK.tags)}),
    "queue": ("sqs.ListQueues", list(NAMES), "sqs.ListQueueTags", {"Tags": dict(MARK.tags)}),
    "topic": ("sns.ListTopics", [{"TopicArn": arn} for arn in ARNS], "sns.ListTagsForResource", PAIRS),
    "table": ("dynamodb.ListTables", list(NAMES), "dynamodb.DescribeTable", {"Table": {"TableArn": "t", **PAIRS}}),
    "stream": ("kinesis.ListStreams", list(NAMES), "kinesis.ListTagsForStream", PAIRS),
    "delivery-stream": ("firehose.ListDeliveryStreams", list(NAMES), "firehose.ListTagsForDeliveryStream", PAIRS),
    "event-bus": ("events.ListEventBuses", [{"Name": name, "Arn": name} for name in NAMES],
                  "events.ListTagsForResource", PAIRS),
    "rule": ("events.ListRules", [{"Name": name, "Arn": name} for name in NAMES], "events.ListTagsForResource", PAIRS),
    "pipe": ("pipes.ListPipes", [{"Name": name, "Arn": name} for name in NAMES], "pipes.ListTagsForResource",
             {"tags": dict(MARK.tags)}),
    "state-machine": ("stepfunctions.ListStateMachines",
                      [{"name": name, "stateMachineArn": name} for name in NAMES],
                      "stepfunctions.ListTagsForResource", LOWER),
}  # fmt: skip
"""by kind: how it lists, what comes of it, what then tells tags, and its answer"""


class Slow:
    """Answers what tells tags only once it is asked of all that was listed."""

    region = PLACE.region

    def __init__(self, listing: str, listed: list[Any], telling: str, told: dict[str, Any]) -> None:
        self.listing, self.listed, self.telling, self.told = listing, listed, telling, told
        self.all_asked = threading.Barrier(len(listed))
        self.pool = Pool()

    def call(self, operation: str, /, **_: Any) -> dict[str, Any]:
        if operation == self.telling:
            self.all_asked.wait(timeout=20)
            return self.told
        return {"Name": "x"}

    find = call

    def pages(self, operation: str, /, *_: str, **__: Any) -> Iterator[Any]:
        if operation == self.listing:
            return iter(self.listed)
        if operation == self.telling:
            self.all_asked.wait(timeout=20)
        told = self.told.get("Table", self.told)
        return iter(told["Tags"] if operation in (self.telling, "dynamodb.ListTagsOfResource") else ())

    def map(self, work: Callable[[Any], Any], items: Any) -> list[Any]:
        return self.pool.map(work, items)


@pytest.mark.parametrize("kind", LISTED)
def test_tags_are_asked_for_at_once(kind: str) -> None:
    aws: Any = Slow(*LISTED[kind])

    found = list(KINDS[kind].search(aws, PLACE))
    aws.pool.close()

    assert [one.mark for one in found] == [MARK] * 3


@pytest.mark.parametrize("kind", ["bucket", "packages"])
def test_buckets_are_listed_by_pages(kind: str):
    """An account that may have more than 10,000 is refused a list as a whole."""
    name = physical(PLACE, "site", BucketType.name_rule) if kind == "bucket" else packages_bucket(PLACE)
    mark = Mark("shop", "dev", "eu-central-1", "site" if kind == "bucket" else PACKAGES_ID)
    made = Clients(open_session(None, isolated=True), region=PLACE.region, keys=("AKID", "secret", None))
    with Stubber(made.client("s3")) as stub:
        stub.add_response("list_buckets", {"Buckets": [{"Name": "other"}], "ContinuationToken": "t"}, PAGE)
        stub.add_response("list_buckets", {"Buckets": [{"Name": name}]}, {**PAGE, "ContinuationToken": "t"})
        stub.add_response("get_bucket_tagging", {"TagSet": mark.pairs}, {"Bucket": name})

        found = list(KINDS[kind].search(Calls(made, PLACE.region, FakeClock()), PLACE))

        stub.assert_no_pending_responses()
    assert [one.name for one in found] == [name]


PAGE = {"MaxBuckets": 1000}
