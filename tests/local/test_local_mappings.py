from __future__ import annotations

import base64
import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError
from support import Box, client, eventually, function, queue

from serverless_cli import local
from serverless_cli.local import Instance

# Tells the queue REPORT what it was given, and fails for what it is told to.
CODE = """
import base64, json, os, boto3
sqs = boto3.client("sqs")

class Poisoned(Exception): pass

def text(record):
    if "kinesis" in record: return base64.b64decode(record["kinesis"]["data"]).decode()
    if "dynamodb" in record: return record["dynamodb"]["Keys"]["id"]["S"]
    return record["body"]

def key(record):
    if "kinesis" in record: return record["kinesis"]["sequenceNumber"]
    if "dynamodb" in record: return record["dynamodb"]["SequenceNumber"]
    return record["messageId"]

def handler(event, context):
    given = [text(record) for record in event["Records"]]
    sqs.send_message(QueueUrl=os.environ["REPORT"], MessageBody=json.dumps({"given": given, "event": event}))
    bad = [key(record) for record in event["Records"] if text(record).startswith("bad")]
    if os.environ.get("PARTIAL"):
        return {"batchItemFailures": [{"itemIdentifier": one} for one in bad]}
    if bad:
        raise Poisoned("no " + given[0])
"""
ANY = {"Effect": "Allow", "Action": ["sqs:*", "kinesis:*", "dynamodb:*", "sns:*"], "Resource": "*"}


class Consumer:
    """A function that reports each batch to a queue, and the mapping that feeds it."""

    def __init__(self, instance: Instance, name: str, partial: bool = False) -> None:
        self.instance, self.name = instance, name
        self.box = Box(instance, f"{name}-report")
        variables = {"REPORT": self.box.url, **({"PARTIAL": "1"} if partial else {})}
        self.arn = function(instance, name, CODE, ANY, Environment={"Variables": variables})
        self.functions = client(instance, "lambda")
        self.partial = partial

    def feed(self, source: str, **settings: Any) -> str:
        if self.partial:
            settings["FunctionResponseTypes"] = ["ReportBatchItemFailures"]
        made = self.functions.create_event_source_mapping(EventSourceArn=source, FunctionName=self.name, **settings)
        uuid: str = made["UUID"]
        return uuid

    def batches(self, count: int, within_s: float = 15.0) -> list[list[str]]:
        return [report["given"] for report in self.box.wait_for(count, within_s)]

    def all_given(self) -> list[str]:
        return [text for report in self.box.look() for text in report["given"]]


def stream(instance: Instance, name: str, shards: int = 1) -> str:
    kinesis = client(instance, "kinesis")
    kinesis.create_stream(StreamName=name, ShardCount=shards)
    kinesis.get_waiter("stream_exists").wait(StreamName=name, WaiterConfig={"Delay": 1})
    arn: str = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamARN"]
    return arn


def put(instance: Instance, name: str, *texts: str, key: str = "k") -> None:
    client(instance, "kinesis").put_records(
        StreamName=name, Records=[{"Data": text.encode(), "PartitionKey": key} for text in texts]
    )


def table(instance: Instance, name: str) -> str:
    arn: str = client(instance, "dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )["TableDescription"]["LatestStreamArn"]
    return arn


def write(instance: Instance, name: str, *ids: str) -> None:
    for one in ids:
        client(instance, "dynamodb").put_item(TableName=name, Item={"id": {"S": one}})


def send(instance: Instance, url: str, *texts: str, **settings: str) -> None:
    entries = [{"Id": str(number), "MessageBody": text, **settings} for number, text in enumerate(texts)]
    client(instance, "sqs").send_message_batch(QueueUrl=url, Entries=entries)


# Queues


def test_a_message_reaches_the_function_at_once_and_is_deleted(instance: Instance) -> None:
    url, arn = queue(instance, "jobs")
    consumer = Consumer(instance, "worker")
    consumer.feed(arn)
    send(instance, url, "warm up")
    consumer.box.wait_for(1)

    sent = time.monotonic()
    client(instance, "sqs").send_message(
        QueueUrl=url, MessageBody="hi", MessageAttributes={"a": {"DataType": "String", "StringValue": "b"}}
    )
    report = consumer.box.wait_for(2)[1]

    assert time.monotonic() - sent < 1.0
    (record,) = report["event"]["Records"]
    assert (record["eventSource"], record["eventSourceARN"], record["awsRegion"]) == ("aws:sqs", arn, "us-east-1")
    assert record["messageAttributes"]["a"]["stringValue"] == "b"
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    attributes = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    eventually(
        lambda: set(
            client(instance, "sqs").get_queue_attributes(QueueUrl=url, AttributeNames=attributes)["Attributes"].values()
        ) == {"0"}
    )  # fmt: skip


def test_batches_have_the_size_that_is_configured(instance: Instance) -> None:
    url, arn = queue(instance, "sized")
    send(instance, url, *"abcdefg")
    consumer = Consumer(instance, "sized")
    consumer.feed(arn, BatchSize=3)

    batches = consumer.batches(3)

    assert sorted(len(batch) for batch in batches) == [1, 3, 3]
    assert sorted(consumer.all_given()) == list("abcdefg")


def test_a_window_gathers_messages_into_one_batch(instance: Instance) -> None:
    url, arn = queue(instance, "windowed")
    consumer = Consumer(instance, "windowed")
    consumer.feed(arn, BatchSize=100, MaximumBatchingWindowInSeconds=1)

    for number in range(15):
        send(instance, url, str(number))

    assert sorted(consumer.batches(1)[0], key=int) == [str(number) for number in range(15)]


def test_only_reported_failures_come_again_and_end_in_the_dead_letters(instance: Instance) -> None:
    letters = Box(instance, "partial-dead")
    redrive = json.dumps({"deadLetterTargetArn": letters.arn, "maxReceiveCount": 2})
    url, arn = queue(instance, "partial", VisibilityTimeout="6", RedrivePolicy=redrive)
    consumer = Consumer(instance, "partial", partial=True)
    consumer.feed(arn)

    send(instance, url, "good-1", "bad-1", "good-2")

    assert letters.wait_for(1, 40) == ["bad-1"]
    given = consumer.all_given()
    assert (given.count("bad-1"), given.count("good-1"), given.count("good-2")) == (2, 1, 1)


def test_a_poisoned_message_blocks_nothing(instance: Instance) -> None:
    letters = Box(instance, "poison-dead")
    redrive = json.dumps({"deadLetterTargetArn": letters.arn, "maxReceiveCount": 1})
    url, arn = queue(instance, "poison", VisibilityTimeout="6", RedrivePolicy=redrive)
    consumer = Consumer(instance, "poison")
    consumer.feed(arn, BatchSize=1)

    send(instance, url, "bad-1", "good-1", "good-2")

    consumer.batches(3, 5)
    assert sorted(consumer.all_given()) == ["bad-1", "good-1", "good-2"]
    assert letters.wait_for(1, 20) == ["bad-1"]


def test_a_fifo_queue_keeps_each_group_in_order_also_behind_a_failure(instance: Instance) -> None:
    letters = queue(instance, "groups-dead.fifo")
    redrive = json.dumps({"deadLetterTargetArn": letters[1], "maxReceiveCount": 2})
    url, arn = queue(
        instance, "groups.fifo", VisibilityTimeout="6", RedrivePolicy=redrive, ContentBasedDeduplication="true"
    )
    consumer = Consumer(instance, "groups", partial=True)
    send(instance, url, "a1", "bad-a2", "a3", MessageGroupId="a")
    send(instance, url, "b1", "b2", "b3", MessageGroupId="b")

    consumer.feed(arn, BatchSize=10)

    eventually(lambda: consumer.all_given().count("a3") >= 2, 40)
    given = consumer.all_given()
    assert [text for text in given if text.startswith("b") and "a" not in text] == ["b1", "b2", "b3"]
    assert (given.count("a1"), given.count("bad-a2")) == (1, 2)
    assert given[-1] == "a3"


@pytest.mark.parametrize(
    "answer",
    ['{"batchItemFailures": [{"itemIdentifier": "unknown"}]}', '{"batchItemFailures": [{"id": "typo"}]}', '"text"'],
)
def test_an_answer_that_lambda_does_not_understand_fails_the_whole_batch(instance: Instance, answer: str) -> None:
    name = f"odd-{base64.b16encode(answer.encode()).decode()[-12:]}"
    letters = Box(instance, f"{name}-dead")
    redrive = json.dumps({"deadLetterTargetArn": letters.arn, "maxReceiveCount": 1})
    url, arn = queue(instance, name, VisibilityTimeout="6", RedrivePolicy=redrive)
    function(instance, name, f"import json\ndef handler(event, context): return json.loads('''{answer}''')", ANY)
    client(instance, "lambda").create_event_source_mapping(
        EventSourceArn=arn, FunctionName=name, FunctionResponseTypes=["ReportBatchItemFailures"]
    )

    send(instance, url, "x")

    assert letters.wait_for(1, 20) == ["x"]


def test_messages_that_no_filter_wants_are_dropped(instance: Instance) -> None:
    url, arn = queue(instance, "filtered")
    consumer = Consumer(instance, "filtered")
    patterns = ['{"body": {"kind": [{"prefix": "or"}], "n": [{"numeric": [">", 5]}]}}', '{"body": ["plain"]}']
    consumer.feed(arn, FilterCriteria={"Filters": [{"Pattern": pattern} for pattern in patterns]})

    send(instance, url, '{"kind": "order", "n": 4}', '{"kind": "order", "n": 6}', "plain", "other")

    eventually(lambda: len(consumer.all_given()) == 2)
    assert set(consumer.all_given()) == {"plain", '{"kind": "order", "n": 6}'}
    attributes = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    eventually(
        lambda: set(
            client(instance, "sqs").get_queue_attributes(QueueUrl=url, AttributeNames=attributes)["Attributes"].values()
        ) == {"0"}
    )  # fmt: skip


def test_a_mapping_that_is_off_or_gone_reads_nothing(instance: Instance) -> None:
    url, arn = queue(instance, "switched")
    consumer = Consumer(instance, "switched")
    uuid = consumer.feed(arn, Enabled=False)
    send(instance, url, "one")
    consumer.box.stays_at(0)

    consumer.functions.update_event_source_mapping(UUID=uuid, Enabled=True)
    consumer.box.wait_for(1)
    consumer.functions.update_event_source_mapping(UUID=uuid, Enabled=False)
    send(instance, url, "two")
    consumer.box.stays_at(1)
    consumer.functions.update_event_source_mapping(UUID=uuid, Enabled=True)
    consumer.box.wait_for(2)
    consumer.functions.delete_event_source_mapping(UUID=uuid)
    send(instance, url, "three")

    consumer.box.stays_at(2)


# Streams


def test_a_shard_is_read_in_order_in_batches(instance: Instance) -> None:
    arn = stream(instance, "ordered")
    put(instance, "ordered", *(str(number) for number in range(25)))
    consumer = Consumer(instance, "ordered")
    uuid = consumer.feed(arn, StartingPosition="TRIM_HORIZON", BatchSize=10)

    batches = consumer.batches(3)

    assert [len(batch) for batch in batches] == [10, 10, 5]
    assert consumer.all_given() == [str(number) for number in range(25)]
    record = consumer.box.look()[0]["event"]["Records"][0]
    assert (record["eventSource"], record["eventName"]) == ("aws:kinesis", "aws:kinesis:record")
    assert record["eventID"] == f"shardId-000000000000:{record['kinesis']['sequenceNumber']}"
    settings = consumer.functions.get_event_source_mapping(UUID=uuid)
    assert settings["MaximumRetryAttempts"] == settings["MaximumRecordAgeInSeconds"] == -1


def test_latest_means_from_the_mapping_on(instance: Instance) -> None:
    arn = stream(instance, "latest", 2)
    # The hashes of these keys fall into different halves.
    put(instance, "latest", "old", key="a")
    put(instance, "latest", "old", key="b")
    consumer = Consumer(instance, "latest")
    consumer.feed(arn, StartingPosition="LATEST")

    put(instance, "latest", "new", key="a")
    put(instance, "latest", "new", key="b")

    consumer.box.wait_for(2)
    assert consumer.all_given() == ["new", "new"]


def test_a_poisoned_record_holds_its_shard_up_only_for_its_retries(instance: Instance) -> None:
    arn = stream(instance, "stubborn")
    letters = Box(instance, "stubborn-dead")
    consumer = Consumer(instance, "stubborn")
    consumer.feed(
        arn, StartingPosition="TRIM_HORIZON", BatchSize=1, MaximumRetryAttempts=2,
        DestinationConfig={"OnFailure": {"Destination": letters.arn}},
    )  # fmt: skip

    put(instance, "stubborn", "good-1", "bad", "good-2")

    eventually(lambda: "good-2" in consumer.all_given(), 15)
    assert consumer.all_given() == ["good-1", "bad", "bad", "bad", "good-2"]
    (letter,) = letters.wait_for(1)
    assert letter["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert letter["requestContext"]["functionArn"] == consumer.arn
    assert letter["requestContext"]["approximateInvokeCount"] == 3
    assert letter["responseContext"] == {
        "statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled",
    }  # fmt: skip
    info = letter["KinesisBatchInfo"]
    assert (info["batchSize"], info["shardId"], info["streamArn"]) == (1, "shardId-000000000000", arn)
    assert info["startSequenceNumber"] == info["endSequenceNumber"]
    assert letter["version"] == "1.0"


def test_halving_finds_the_poisoned_record(instance: Instance) -> None:
    arn = stream(instance, "halved")
    letters = Box(instance, "halved-dead")
    put(instance, "halved", "g1", "g2", "g3", "bad", "g4", "g5")
    consumer = Consumer(instance, "halved")
    consumer.feed(
        arn, StartingPosition="TRIM_HORIZON", BatchSize=10, MaximumRetryAttempts=0, BisectBatchOnFunctionError=True,
        DestinationConfig={"OnFailure": {"Destination": letters.arn}},
    )  # fmt: skip

    (letter,) = letters.wait_for(1)
    eventually(lambda: consumer.all_given()[-1:] == ["g5"], 15)

    assert letter["KinesisBatchInfo"]["batchSize"] == 1
    succeeded = [report["given"] for report in consumer.box.look() if "bad" not in report["given"]]
    assert [text for batch in succeeded for text in batch] == ["g1", "g2", "g3", "g4", "g5"]


def test_a_stream_goes_on_at_the_first_reported_failure(instance: Instance) -> None:
    arn = stream(instance, "checkpoint")
    put(instance, "checkpoint", "g1", "g2", "bad", "g3")
    consumer = Consumer(instance, "checkpoint", partial=True)
    letters = Box(instance, "checkpoint-dead")
    consumer.feed(
        arn, StartingPosition="TRIM_HORIZON", MaximumRetryAttempts=1,
        DestinationConfig={"OnFailure": {"Destination": letters.arn}},
    )  # fmt: skip

    letters.wait_for(1)

    assert consumer.batches(2) == [["g1", "g2", "bad", "g3"], ["bad", "g3"]]


def test_records_that_are_too_old_are_given_up(instance: Instance) -> None:
    arn = stream(instance, "aged")
    letters = Box(instance, "aged-dead")
    consumer = Consumer(instance, "aged")
    consumer.feed(
        arn, StartingPosition="TRIM_HORIZON", MaximumRecordAgeInSeconds=2,
        DestinationConfig={"OnFailure": {"Destination": letters.arn}},
    )  # fmt: skip

    put(instance, "aged", "bad")
    (letter,) = letters.wait_for(1, 15)
    put(instance, "aged", "good")

    assert letter["requestContext"]["condition"] == "RecordAgeExceeded"
    eventually(lambda: consumer.all_given()[-1:] == ["good"])


def test_a_tables_stream_reaches_the_function_and_retries_end(instance: Instance) -> None:
    arn = table(instance, "rows")
    letters = Box(instance, "rows-dead")
    consumer = Consumer(instance, "rows")
    pattern = {"Pattern": '{"eventName": ["INSERT"], "dynamodb": {"Keys": {"id": {"S": [{"anything-but": "skip"}]}}}}'}
    consumer.feed(
        arn, StartingPosition="LATEST", BatchSize=1, MaximumRetryAttempts=1, FilterCriteria={"Filters": [pattern]},
        DestinationConfig={"OnFailure": {"Destination": letters.arn}},
    )  # fmt: skip

    write(instance, "rows", "one", "skip", "bad", "two")

    eventually(lambda: consumer.all_given()[-1:] == ["two"], 15)
    assert consumer.all_given() == ["one", "bad", "bad", "two"]
    record = consumer.box.look()[0]["event"]["Records"][0]
    assert (record["eventName"], record["eventSource"], record["eventSourceARN"]) == ("INSERT", "aws:dynamodb", arn)
    assert record["dynamodb"]["NewImage"] == {"id": {"S": "one"}}
    (letter,) = letters.wait_for(1)
    assert letter["DDBStreamBatchInfo"]["streamArn"] == arn


def test_shards_do_not_wait_for_one_another(instance: Instance) -> None:
    arn = stream(instance, "wide", 2)
    consumer = Consumer(instance, "wide")
    consumer.feed(arn, StartingPosition="TRIM_HORIZON", BatchSize=1)
    # The hashes of these keys fall into different halves.
    put(instance, "wide", "bad", key="a")
    put(instance, "wide", "good", key="b")

    eventually(lambda: {"good", "bad"} <= set(consumer.all_given()))


# What is refused


def test_a_role_that_lost_its_permission_reads_nothing_and_says_so(instance: Instance) -> None:
    url, arn = queue(instance, "forbidden")
    consumer = Consumer(instance, "forbidden")
    consumer.feed(arn)
    send(instance, url, "one")
    consumer.box.wait_for(1)

    client(instance, "iam").delete_role_policy(RoleName="forbidden-role", PolicyName="own")
    send(instance, url, "two")

    said = "its role forbidden-role lacks sqs:ReceiveMessage on arn:aws:sqs:us-east-1:000000000000:forbidden"
    eventually(lambda: any(said in line for line in local.notices(instance)))
    consumer.box.stays_at(1)


def refused(instance: Instance, name: str, source: str, **settings: Any) -> str:
    with pytest.raises(ClientError) as error:
        client(instance, "lambda").create_event_source_mapping(EventSourceArn=source, FunctionName=name, **settings)
    return f"{error.value.response['Error']['Code']}: {error.value.response['Error']['Message']}"


def test_what_lambda_refuses_is_refused_here(instance: Instance) -> None:
    _, arn = queue(instance, "strict", VisibilityTimeout="5")
    function(instance, "powerless", "def handler(event, context): pass")
    function(instance, "slow", "def handler(event, context): pass", ANY, Timeout=10)
    function(instance, "fine", "def handler(event, context): pass", ANY)
    client(instance, "lambda").create_event_source_mapping(EventSourceArn=arn, FunctionName="fine")
    rows = table(instance, "strict-rows")

    assert "permissions to call ReceiveMessage on SQS" in refused(instance, "powerless", arn)
    assert "Cannot access stream" in refused(instance, "powerless", rows, StartingPosition="LATEST")
    assert "visibility timeout: 5 seconds is less than Function timeout: 10" in refused(instance, "slow", arn)
    assert refused(instance, "fine", arn).startswith("ResourceConflictException")
    assert "NonExistentQueue" in refused(instance, "fine", arn + "-missing")
    assert "Stream not found" in refused(instance, "fine", rows + "x", StartingPosition="LATEST")
    assert "startingPosition" in refused(instance, "fine", rows)
    assert "Function does not exist" in refused(instance, "nobody", arn)
