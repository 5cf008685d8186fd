from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from support import Box, client, eventually, function, let_in, queue, service_role

from serverless_cli import local
from serverless_cli.local import Instance, locks
from serverless_cli.local.facts import home_of

PASS = json.dumps({"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}})


def table(instance: Instance, name: str, view: str = "NEW_AND_OLD_IMAGES", **settings: Any) -> str:
    made = client(instance, "dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": view},
        **{"AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}], **settings},
    )["TableDescription"]
    arn: str = made["LatestStreamArn"]
    return arn


def changes(instance: Instance, arn: str) -> list[dict[str, Any]]:
    streams = client(instance, "dynamodbstreams")
    (shard,) = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    iterator = streams.get_shard_iterator(StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON")[
        "ShardIterator"
    ]
    return list(streams.get_records(ShardIterator=iterator)["Records"])


def test_expired_items_are_deleted_and_the_stream_says_who_did_it(instance: Instance) -> None:
    dynamodb, arn = client(instance, "dynamodb"), table(instance, "expiring")
    dynamodb.update_time_to_live(
        TableName="expiring", TimeToLiveSpecification={"Enabled": True, "AttributeName": "until"}
    )
    now = int(time.time())
    for name, until in {
        "due": {"N": str(now + 1)}, "later": {"N": str(now + 600)}, "text": {"S": str(now)}, "ancient": {"N": "1"},
    }.items():  # fmt: skip
        dynamodb.put_item(TableName="expiring", Item={"id": {"S": name}, "until": until})

    eventually(lambda: "Item" not in dynamodb.get_item(TableName="expiring", Key={"id": {"S": "due"}}))

    left = {item["id"]["S"] for item in dynamodb.scan(TableName="expiring")["Items"]}
    assert left == {"later", "text", "ancient"}
    (removed,) = [change for change in changes(instance, arn) if change["eventName"] == "REMOVE"]
    assert removed["userIdentity"] == {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}
    assert removed["dynamodb"]["OldImage"]["id"] == {"S": "due"}


@pytest.mark.parametrize(
    ("view", "images"),
    [
        ("KEYS_ONLY", set()), ("NEW_IMAGE", {"NewImage"}), ("OLD_IMAGE", {"OldImage"}),
        ("NEW_AND_OLD_IMAGES", {"NewImage", "OldImage"}),
    ],
)  # fmt: skip
def test_a_stream_shows_what_its_view_says(instance: Instance, view: str, images: set[str]) -> None:
    dynamodb, name = client(instance, "dynamodb"), f"view-{view}"
    arn = table(instance, name, view)
    for n in ("1", "2"):
        dynamodb.put_item(TableName=name, Item={"id": {"S": "a"}, "n": {"N": n}})

    change = changes(instance, arn)[-1]

    assert (change["eventName"], change["dynamodb"]["Keys"]) == ("MODIFY", {"id": {"S": "a"}})
    assert {"NewImage", "OldImage"} & set(change["dynamodb"]) == images


def test_indexes_conditions_and_transactions(instance: Instance) -> None:
    dynamodb = client(instance, "dynamodb")
    index = {
        "IndexName": "by-kind", "KeySchema": [{"AttributeName": "kind", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
    }  # fmt: skip
    keys = [{"AttributeName": name, "AttributeType": "S"} for name in ("id", "kind")]
    table(instance, "indexed", AttributeDefinitions=keys, GlobalSecondaryIndexes=[index])
    put = {"TableName": "indexed", "ConditionExpression": "attribute_not_exists(id)"}
    for one, kind in (("a", "x"), ("b", "y"), ("c", "x")):
        dynamodb.put_item(Item={"id": {"S": one}, "kind": {"S": kind}}, **put)

    found = dynamodb.query(
        TableName="indexed", IndexName="by-kind", KeyConditionExpression="kind = :k",
        ExpressionAttributeValues={":k": {"S": "x"}},
    )["Items"]  # fmt: skip

    assert {item["id"]["S"] for item in found} == {"a", "c"}
    with pytest.raises(dynamodb.exceptions.ConditionalCheckFailedException):
        dynamodb.put_item(Item={"id": {"S": "a"}}, **put)
    with pytest.raises(ClientError) as cancelled:
        dynamodb.transact_write_items(
            TransactItems=[{"Put": {**put, "Item": {"id": {"S": one}}}} for one in ("new", "a")]
        )
    assert cancelled.value.response["Error"]["Code"] == "TransactionCanceledException"
    assert "Item" not in dynamodb.get_item(TableName="indexed", Key={"id": {"S": "new"}})


def test_tags_are_kept_everywhere(instance: Instance) -> None:
    tags, pairs = {"slx": "yes"}, [{"Key": "slx", "Value": "yes"}]
    lower = [{"key": "slx", "value": "yes"}]
    sqs, sns, events, kinesis = (client(instance, name) for name in ("sqs", "sns", "events", "kinesis"))
    machines, firehose, functions, pipes = (
        client(instance, name) for name in ("stepfunctions", "firehose", "lambda", "pipes")
    )
    role = service_role(instance, "tagged", "states", "*", "s3:*")
    url = sqs.create_queue(QueueName="tagged", tags=tags)["QueueUrl"]
    queue_arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topic = sns.create_topic(Name="tagged", Tags=pairs)["TopicArn"]
    bus = events.create_event_bus(Name="tagged", Tags=pairs)["EventBusArn"]
    rule = events.put_rule(Name="tagged", EventPattern='{"source": ["x"]}', Tags=pairs)["RuleArn"]
    kinesis.create_stream(StreamName="tagged", ShardCount=1, Tags=tags)
    machine = machines.create_state_machine(name="tagged", definition=PASS, roleArn=role, tags=lower)["stateMachineArn"]
    client(instance, "s3").create_bucket(Bucket="tagged")
    firehose.create_delivery_stream(
        DeliveryStreamName="tagged", Tags=pairs,
        S3DestinationConfiguration={
            "BucketARN": "arn:aws:s3:::tagged", "RoleARN": service_role(instance, "tag-delivery", "firehose", "*", "s3:*"),
        },
    )  # fmt: skip
    grants = {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}
    mapping = functions.create_event_source_mapping(
        FunctionName=function(instance, "tagged", "def handler(e, c): pass", grants),
        EventSourceArn=queue_arn,
        Tags=tags,
    )
    pipes.create_pipe(
        Name="tagged", Source=queue_arn, Target=topic, RoleArn=role, DesiredState="STOPPED", Tags=tags
    )  # fmt: skip
    rows = table(instance, "tagged", Tags=pairs).partition("/stream/")[0]

    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == tags
    assert sns.list_tags_for_resource(ResourceArn=topic)["Tags"] == pairs
    assert events.list_tags_for_resource(ResourceARN=bus)["Tags"] == pairs
    assert events.list_tags_for_resource(ResourceARN=rule)["Tags"] == pairs
    assert kinesis.list_tags_for_stream(StreamName="tagged")["Tags"] == pairs
    assert machines.list_tags_for_resource(resourceArn=machine)["tags"] == lower
    assert firehose.list_tags_for_delivery_stream(DeliveryStreamName="tagged")["Tags"] == pairs
    assert functions.list_tags(Resource=mapping["EventSourceMappingArn"])["Tags"] == tags
    assert pipes.describe_pipe(Name="tagged")["Tags"] == tags
    assert client(instance, "dynamodb").list_tags_of_resource(ResourceArn=rows)["Tags"] == pairs


def test_a_killed_emulator_goes_on_where_it_was(workspace: Path) -> None:
    instance = local.ensure(workspace)
    box, kept_url = Box(instance, "survivors"), queue(instance, "unread")[0]
    client(instance, "sqs").send_message(QueueUrl=kept_url, MessageBody="still here")
    code = f"""
import json, boto3
def handler(event, context):
    for record in event["Records"]:
        boto3.client("sqs").send_message(QueueUrl="{box.url}", MessageBody=json.dumps(record["dynamodb"]["Keys"]))
"""
    grants = {"Effect": "Allow", "Action": ["sqs:*", "dynamodb:*"], "Resource": "*"}
    function(instance, "survivor", code, grants)
    arn = table(instance, "survivors")
    mapping = client(instance, "lambda").create_event_source_mapping(
        FunctionName="survivor", EventSourceArn=arn, StartingPosition="TRIM_HORIZON"
    )["UUID"]
    dynamodb = client(instance, "dynamodb")
    dynamodb.put_item(TableName="survivors", Item={"id": {"S": "before"}})
    assert box.wait_for(1) == [{"id": {"S": "before"}}]
    client(instance, "lambda").update_event_source_mapping(UUID=mapping, Enabled=False)
    dynamodb.put_item(TableName="survivors", Item={"id": {"S": "between"}})
    role = service_role(instance, "survivors", "states", "*", "s3:*")
    machine = client(instance, "stepfunctions").create_state_machine(name="survivor", definition=PASS, roleArn=role)[
        "stateMachineArn"
    ]
    rule = client(instance, "events").put_rule(Name="survivor", EventPattern='{"source": ["s"]}')["RuleArn"]
    other = Box(instance, "survivor-events")
    let_in(instance, other.url, other.arn, "events", rule)
    client(instance, "events").put_targets(Rule="survivor", Targets=[{"Id": "q", "Arn": other.arn}])
    piped, pipes = Box(instance, "survivor-piped"), client(instance, "pipes")
    pipe_role = service_role(instance, "survivor-pipe", "pipes", "*", "sqs:*", "dynamodb:*")
    pipes.create_pipe(
        Name="survivor", Source=arn, Target=piped.arn, RoleArn=pipe_role, DesiredState="STOPPED",
        SourceParameters={"DynamoDBStreamParameters": {"StartingPosition": "LATEST"}},
        TargetParameters={"InputTemplate": "<$.dynamodb.Keys>"},
    )  # fmt: skip
    dynamodb.put_item(TableName="survivors", Item={"id": {"S": "last"}})
    state = home_of(workspace).data / "state"

    def told(service: str) -> str:
        file = state / f"{service}.json"
        return file.read_text() if file.exists() else ""

    saved = {
        "dynamodb": '"last"',
        "pipes": '"survivor"',
        "stepfunctions": machine,
        "sqs": piped.arn,
        "eventbridge": other.arn,
    }
    for service, text in saved.items():  # one after the other, in an order of its own
        eventually(lambda service=service, text=text: text in told(service), 10)

    os.kill(instance.pid, signal.SIGKILL)
    eventually(lambda: locks.holder(home_of(workspace).server_lock) is None)
    again = local.ensure(workspace)

    client(again, "lambda").update_event_source_mapping(UUID=mapping, Enabled=True)
    client(again, "pipes").start_pipe(Name="survivor")
    assert box.wait_for(3) == [{"id": {"S": one}} for one in ("before", "between", "last")]
    assert piped.wait_for(1) == [{"id": {"S": "last"}}]
    (message,) = client(again, "sqs").receive_message(QueueUrl=kept_url)["Messages"]
    assert message["Body"] == "still here"
    assert client(again, "dynamodb").scan(TableName="survivors")["Count"] == 3
    client(again, "events").put_events(Entries=[{"Source": "s", "DetailType": "d", "Detail": "{}"}])
    other.wait_for(1)
    started = client(again, "stepfunctions").start_execution(stateMachineArn=machine)["executionArn"]
    eventually(lambda: client(again, "stepfunctions").describe_execution(executionArn=started)["status"] == "SUCCEEDED")
