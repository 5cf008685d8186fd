from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from support import Box, client, eventually, function, let_in, permit, queue, service_role

from serverless_cli import local
from serverless_cli.local import Instance
from serverless_cli.local.server.templates import render

PASS = json.dumps({"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}})
READS = ("dynamodb:*", "kinesis:*", "sqs:*")


@pytest.fixture(scope="module")
def everything(instance: Instance) -> str:
    return service_role(
        instance, "any-pipe", "pipes", "*", *READS, "events:*", "sns:*", "lambda:*", "states:*"
    )  # fmt: skip


def table(instance: Instance, name: str) -> str:
    arn: str = client(instance, "dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )["TableDescription"]["LatestStreamArn"]
    return arn


def stream(instance: Instance, name: str) -> str:
    kinesis = client(instance, "kinesis")
    kinesis.create_stream(StreamName=name, ShardCount=1)
    kinesis.get_waiter("stream_exists").wait(StreamName=name, WaiterConfig={"Delay": 1})
    arn: str = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamARN"]
    return arn


def pipe(instance: Instance, name: str, source: str, target: str, role: str, **settings: Any) -> None:
    kinds = {"dynamodb": "DynamoDBStreamParameters", "kinesis": "KinesisStreamParameters"}
    kind = kinds.get(source.split(":")[2])
    own = settings.pop("own", {})
    parameters = {**({kind: {"StartingPosition": "TRIM_HORIZON", **own}} if kind else {"SqsQueueParameters": own})}
    parameters.update(settings.pop("more", {}))
    client(instance, "pipes").create_pipe(
        Name=name, Source=source, Target=target, RoleArn=role, SourceParameters=parameters, **settings
    )


def put(instance: Instance, name: str, *ids: str) -> None:
    for one in ids:
        client(instance, "dynamodb").put_item(TableName=name, Item={"id": {"S": one}, "n": {"N": "5"}})


def test_a_tables_stream_raises_events_on_a_bus(instance: Instance, everything: str) -> None:
    events = client(instance, "events")
    bus = events.create_event_bus(Name="bank")["EventBusArn"]
    box = Box(instance, "bank-events")
    rule = events.put_rule(
        Name="deposits", EventBusName="bank", EventPattern='{"detail-type": ["Deposited"], "detail": {"id": ["d1"]}}'
    )["RuleArn"]
    let_in(instance, box.url, box.arn, "events", rule)
    events.put_targets(Rule="deposits", EventBusName="bank", Targets=[{"Id": "q", "Arn": box.arn}])
    source = table(instance, "deposits")
    pipe(
        instance, "to-bus", source, bus, everything,
        TargetParameters={
            "InputTemplate": '{"id": <$.dynamodb.NewImage.id.S>, "text": "n is <$.dynamodb.NewImage.n.N>", "by": "<aws.pipes.pipe-name>"}',
            "EventBridgeEventBusParameters": {"DetailType": "Deposited", "Source": "bank.deposits"},
        },
    )  # fmt: skip

    put(instance, "deposits", "d0", "d1")

    (event,) = box.wait_for(1)
    assert (event["source"], event["detail-type"]) == ("bank.deposits", "Deposited")
    assert event["detail"] == {"id": "d1", "text": "n is 5", "by": "to-bus"}


def test_only_what_the_filter_wants_goes_on_unchanged_without_a_template(instance: Instance, everything: str) -> None:
    box = Box(instance, "filtered-rows")
    pattern = {"Pattern": '{"eventName": ["REMOVE"], "dynamodb": {"Keys": {"id": {"S": [{"prefix": "a"}]}}}}'}
    pipe(
        instance, "filtered", table(instance, "filtered"), box.arn, everything,
        more={"FilterCriteria": {"Filters": [pattern]}},
    )  # fmt: skip
    put(instance, "filtered", "a1", "b1")
    for one in ("b1", "a1"):
        client(instance, "dynamodb").delete_item(TableName="filtered", Key={"id": {"S": one}})

    (record,) = box.wait_for(1)

    assert (record["eventName"], record["dynamodb"]["Keys"]) == ("REMOVE", {"id": {"S": "a1"}})
    box.stays_at(1)


def test_a_queue_goes_to_a_fifo_queue_with_a_group_from_the_message(instance: Instance, everything: str) -> None:
    url, source = queue(instance, "loose")
    target_url, target = queue(instance, "grouped.fifo", ContentBasedDeduplication="true")
    pipe(
        instance, "grouped", source, target, everything,
        TargetParameters={
            "InputTemplate": '{"n": <$.body.n>}', "SqsQueueParameters": {"MessageGroupId": "$.body.customer"},
        },
    )  # fmt: skip

    client(instance, "sqs").send_message(QueueUrl=url, MessageBody='{"n": 1, "customer": "c7"}')

    def arrived() -> Any:
        return client(instance, "sqs").receive_message(QueueUrl=target_url, AttributeNames=["All"]).get("Messages")

    (message,) = eventually(arrived)
    assert (json.loads(message["Body"]), message["Attributes"]["MessageGroupId"]) == ({"n": 1}, "c7")
    count = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    eventually(
        lambda: set(
            client(instance, "sqs").get_queue_attributes(QueueUrl=url, AttributeNames=count)["Attributes"].values()
        ) == {"0"}
    )  # fmt: skip


def test_a_stream_goes_to_a_function_as_a_list(instance: Instance, everything: str) -> None:
    box = Box(instance, "function-saw")
    code = f"""
import json, boto3
def handler(event, context):
    boto3.client("sqs").send_message(QueueUrl="{box.url}", MessageBody=json.dumps(event))
"""
    arn = function(instance, "piped", code, {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"})
    source = stream(instance, "piped")
    client(instance, "kinesis").put_records(
        StreamName="piped", Records=[{"Data": b'{"a": 1}', "PartitionKey": "p"}, {"Data": b"two", "PartitionKey": "p"}]
    )
    pipe(instance, "to-function", source, arn, everything)

    (records,) = box.wait_for(1)

    assert [base64.b64decode(record["data"]) for record in records] == [b'{"a": 1}', b"two"]
    assert {record["partitionKey"] for record in records} == {"p"}
    assert records[0]["eventSourceARN"] == source


def test_a_queue_starts_a_state_machine_with_a_list(instance: Instance, everything: str) -> None:
    machines = client(instance, "stepfunctions")
    role = service_role(instance, "piped-machine", "states", "*", "sqs:*")
    arn = machines.create_state_machine(name="piped", definition=PASS, roleArn=role)["stateMachineArn"]
    url, source = queue(instance, "to-machine")
    pipe(
        instance, "to-machine", source, arn, everything,
        TargetParameters={
            "InputTemplate": "<$.body>", "StepFunctionStateMachineParameters": {"InvocationType": "FIRE_AND_FORGET"},
        },
    )  # fmt: skip

    client(instance, "sqs").send_message(QueueUrl=url, MessageBody='{"order": 7}')

    (execution,) = eventually(lambda: machines.list_executions(stateMachineArn=arn)["executions"])
    described = machines.describe_execution(executionArn=execution["executionArn"])
    assert json.loads(described["input"]) == [{"order": 7}]


def test_a_stream_goes_to_a_topic_and_to_another_stream(instance: Instance, everything: str) -> None:
    topic = client(instance, "sns").create_topic(Name="piped-topic")["TopicArn"]
    box = Box(instance, "topic-saw")
    let_in(instance, box.url, box.arn, "sns", topic)
    client(instance, "sns").subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=box.arn, Attributes={"RawMessageDelivery": "true"}
    )
    source, other = stream(instance, "fan"), stream(instance, "fan-copy")
    pipe(instance, "fan-topic", source, topic, everything, TargetParameters={"InputTemplate": "<$.data>"})
    pipe(
        instance, "fan-stream", source, other, everything,
        TargetParameters={"InputTemplate": "<$.data>", "KinesisStreamParameters": {"PartitionKey": "$.partitionKey"}},
    )  # fmt: skip
    client(instance, "kinesis").put_record(StreamName="fan", Data=b'{"x": 1}', PartitionKey="key")

    assert box.wait_for(1) == [{"x": 1}]
    iterator = client(instance, "kinesis").get_shard_iterator(
        StreamName="fan-copy", ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    (record,) = eventually(lambda: client(instance, "kinesis").get_records(ShardIterator=iterator)["Records"])
    assert (json.loads(record["Data"]), record["PartitionKey"]) == ({"x": 1}, "key")


def test_what_a_target_refuses_goes_to_the_dead_letters_and_blocks_nothing(instance: Instance, everything: str) -> None:
    code = "def handler(event, context):\n    if 'bad' in str(event): raise ValueError('no')"
    arn = function(instance, "picky", code)
    letters = Box(instance, "pipe-dead")
    source = table(instance, "picky")
    pipe(
        instance, "picky", source, arn, everything,
        own={"BatchSize": 1, "MaximumRetryAttempts": 1, "DeadLetterConfig": {"Arn": letters.arn}},
    )  # fmt: skip

    put(instance, "picky", "bad", "good")
    (letter,) = letters.wait_for(1)
    put(instance, "picky", "bad-again")

    assert letter["context"] == {
        "pipeArn": f"arn:aws:pipes:us-east-1:{instance.account}:pipe/picky", "condition": "RetryAttemptsExhausted",
    }  # fmt: skip
    assert letter["DDBStreamBatchInfo"]["batchSize"] == 1
    letters.wait_for(2)


@pytest.mark.parametrize(
    ("missing", "says"),
    [
        ("events:PutEvents", "lacks events:PutEvents on arn:aws:events:us-east-1:000000000000:event-bus/guarded"),
        ("dynamodb:GetRecords", "lacks dynamodb:GetRecords on arn:aws:dynamodb:us-east-1:000000000000:table/"),
    ],
)
def test_the_role_must_allow_exactly_what_the_pipe_does(instance: Instance, missing: str, says: str) -> None:
    name = f"pipe-without-{missing.partition(':')[2]}"
    wanted = {"dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "events:PutEvents"}
    role = service_role(instance, name, "pipes", "*", *(wanted - {missing}))
    bus = f"arn:aws:events:us-east-1:{instance.account}:event-bus/guarded"
    pipe(instance, name, table(instance, name), bus, role)

    put(instance, name, "x")

    eventually(lambda: any(f"pipe {name}: its role {name} {says}" in line for line in local.notices(instance)))


def test_a_permission_that_comes_later_lets_the_records_through(instance: Instance) -> None:
    role = service_role(instance, "late", "pipes", "*", "dynamodb:*")
    box = Box(instance, "late-box")
    pipe(instance, "late", table(instance, "late"), box.arn, role)
    put(instance, "late", "x")
    eventually(lambda: any("its role late lacks sqs:SendMessage" in line for line in local.notices(instance)))

    permit(instance, "late", "*", "dynamodb:*", "sqs:SendMessage")

    assert box.wait_for(1)[0]["dynamodb"]["Keys"] == {"id": {"S": "x"}}


def test_a_stopped_pipe_waits_and_goes_on_where_it_was(instance: Instance, everything: str) -> None:
    pipes = client(instance, "pipes")
    box = Box(instance, "stopped-box")
    pipe(instance, "stoppable", table(instance, "stoppable"), box.arn, everything)
    put(instance, "stoppable", "one")
    box.wait_for(1)

    pipes.stop_pipe(Name="stoppable")
    put(instance, "stoppable", "two")
    box.stays_at(1)
    assert pipes.describe_pipe(Name="stoppable")["CurrentState"] == "STOPPED"
    pipes.start_pipe(Name="stoppable")
    box.wait_for(2)
    pipes.delete_pipe(Name="stoppable")
    put(instance, "stoppable", "three")

    box.stays_at(2)


def test_what_was_configured_reads_back_and_updates_replace_a_structure(instance: Instance, everything: str) -> None:
    pipes = client(instance, "pipes")
    letters = Box(instance, "read-dead")
    settings = {
        "BatchSize": 5, "MaximumRetryAttempts": 3, "MaximumRecordAgeInSeconds": 60, "StartingPosition": "LATEST",
        "OnPartialBatchItemFailure": "AUTOMATIC_BISECT", "DeadLetterConfig": {"Arn": letters.arn},
    }  # fmt: skip
    filters = {"Filters": [{"Pattern": '{"eventName": ["INSERT"]}'}]}
    target = {"InputTemplate": "<$.dynamodb>", "SqsQueueParameters": {"MessageGroupId": "g"}}
    pipe(
        instance, "read", table(instance, "read"), letters.arn, everything, own=settings,
        more={"FilterCriteria": filters}, TargetParameters=target, Tags={"a": "b"}, Description="d",
        DesiredState="STOPPED",
    )  # fmt: skip

    found = pipes.describe_pipe(Name="read")

    assert found["SourceParameters"] == {"DynamoDBStreamParameters": settings, "FilterCriteria": filters}
    assert found["TargetParameters"] == target
    assert (found["Tags"], found["Description"], found["RoleArn"]) == ({"a": "b"}, "d", everything)
    assert (found["DesiredState"], found["CurrentState"]) == ("STOPPED", "STOPPED")
    pipes.update_pipe(
        Name="read", RoleArn=everything, DesiredState="RUNNING",
        SourceParameters={"DynamoDBStreamParameters": {"BatchSize": 7}, "FilterCriteria": {"Filters": []}},
        TargetParameters={"InputTemplate": ""},
    )  # fmt: skip
    found = pipes.describe_pipe(Name="read")
    assert found["SourceParameters"]["DynamoDBStreamParameters"] == {"BatchSize": 7, "StartingPosition": "LATEST"}
    assert found["SourceParameters"]["FilterCriteria"] == {"Filters": []}
    assert found["TargetParameters"] == {"SqsQueueParameters": {"MessageGroupId": "g"}}
    assert found["CurrentState"] == "RUNNING"


@pytest.mark.parametrize(
    ("template", "wanted"),
    [
        ('{"a": <$.a>, "b": "x<$.a>y"}', '{"a": "te\\"xt", "b": "xte\\"xty"}'),
        ('{"n": <$.n>, "s": "<$.n>"}', '{"n": 1, "s": "1"}'),
        ('{"o": <$.o>, "s": "<$.o>"}', '{"o": {"x": [1, 2]}, "s": "{\\"x\\":[1,2]}"}'),
        ("<$.o.x[1]>", "2"),
        ('{"gone": <$.gone.more>}', '{"gone": ""}'),
        ('"text of <aws.pipes.pipe-name>"', '"text of p"'),
        ('{"kept": "<not a place>"}', '{"kept": "<not a place>"}'),
    ],
)
def test_templates(template: str, wanted: str) -> None:
    event = {"a": 'te"xt', "n": 1, "o": {"x": [1, 2]}}

    assert render(template, event, {"aws.pipes.pipe-name": "p"}) == wanted
