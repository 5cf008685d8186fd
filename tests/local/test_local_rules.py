from __future__ import annotations

import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError
from support import Box, client, eventually, function, let_in, queue, service_role

from serverless_cli import local
from serverless_cli.local import Instance

PASS = json.dumps({"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}})


def rule(instance: Instance, name: str, pattern: Any, *targets: dict[str, Any], bus: str = "default") -> str:
    events = client(instance, "events")
    arn: str = events.put_rule(Name=name, EventBusName=bus, EventPattern=json.dumps(pattern))["RuleArn"]
    if targets:
        done = events.put_targets(
            Rule=name, EventBusName=bus, Targets=[{"Id": str(n), **target} for n, target in enumerate(targets)]
        )
        assert done["FailedEntryCount"] == 0, done
    return arn


def listener(instance: Instance, name: str, pattern: Any, bus: str = "default", **target: Any) -> Box:
    """A queue that gets what the pattern matches."""
    box = Box(instance, name)
    let_in(instance, box.url, box.arn, "events", rule(instance, name, pattern, {"Arn": box.arn, **target}, bus=bus))
    return box


def emit(instance: Instance, *details: Any, bus: str = "default", kind: str = "k", source: str = "test") -> None:
    entries = [
        {"Source": source, "DetailType": kind, "Detail": json.dumps(detail), "EventBusName": bus} for detail in details
    ]
    assert client(instance, "events").put_events(Entries=entries)["FailedEntryCount"] == 0


@pytest.mark.parametrize(
    ("name", "pattern", "matching", "other"),
    [
        ("prefix", {"a": [{"prefix": "x"}]}, {"a": "xy"}, {"a": "yx"}),
        ("suffix", {"a": [{"suffix": ".png"}]}, {"a": "b.png"}, {"a": "b.jpg"}),
        ("anything-but", {"a": [{"anything-but": ["x", "y"]}]}, {"a": "z"}, {"a": "y"}),
        ("numeric", {"a": [{"numeric": [">", 0, "<=", 5]}]}, {"a": 5}, {"a": 6}),
        ("exists", {"a": [{"exists": False}]}, {"b": 1}, {"a": 1}),
        ("or", {"$or": [{"a": [1]}, {"b": [2]}]}, {"b": 2}, {"a": 2, "b": 1}),
        ("nested", {"a": {"b": ["c"]}}, {"a": {"b": "c"}}, {"a": {"b": "d"}}),
        ("ignore-case", {"a": [{"equals-ignore-case": "abc"}]}, {"a": "ABC"}, {"a": "ab"}),
        ("wildcard", {"a": [{"wildcard": "a*c"}]}, {"a": "abbc"}, {"a": "abb"}),
    ],
)
def test_patterns(instance: Instance, name: str, pattern: Any, matching: Any, other: Any) -> None:
    box = listener(instance, f"match-{name}", {"source": [f"match-{name}"], "detail": pattern})

    emit(instance, other, matching, source=f"match-{name}")

    (event,) = box.wait_for(1)
    assert (event["detail"], event["account"], event["region"]) == (matching, instance.account, "us-east-1")
    box.stays_at(1, 0.2)


def test_what_a_target_gets_instead_of_the_event(instance: Instance) -> None:
    pattern = {"source": ["shaped"]}
    whole = listener(instance, "shaped-whole", pattern)
    fixed = listener(instance, "shaped-fixed", pattern, Input='{"fixed": 1}')
    part = listener(instance, "shaped-part", pattern, InputPath="$.detail.a")
    transformed = listener(
        instance, "shaped-made", pattern,
        InputTransformer={"InputPathsMap": {"x": "$.detail.a.n", "t": "$.detail-type"},
                          "InputTemplate": '{"n": <x>, "text": "a <t> of <aws.events.rule-name>"}'},
    )  # fmt: skip

    emit(instance, {"a": {"n": 5}}, source="shaped")

    assert whole.wait_for(1)[0]["detail"] == {"a": {"n": 5}}
    assert fixed.wait_for(1) == [{"fixed": 1}]
    assert part.wait_for(1) == [{"n": 5}]
    assert transformed.wait_for(1) == [{"n": 5, "text": "a k of shaped-made"}]


def test_an_event_starts_a_machine_and_reaches_a_stream_and_a_delivery_stream(instance: Instance) -> None:
    machines, kinesis = client(instance, "stepfunctions"), client(instance, "kinesis")
    machine = machines.create_state_machine(
        name="ruled", definition=PASS, roleArn=service_role(instance, "ruled-machine", "states", "*", "sqs:*")
    )["stateMachineArn"]
    kinesis.create_stream(StreamName="ruled", ShardCount=1)
    kinesis.get_waiter("stream_exists").wait(StreamName="ruled", WaiterConfig={"Delay": 1})
    stream = kinesis.describe_stream_summary(StreamName="ruled")["StreamDescriptionSummary"]["StreamARN"]
    client(instance, "s3").create_bucket(Bucket="ruled-archive")
    delivery = client(instance, "firehose").create_delivery_stream(
        DeliveryStreamName="ruled",
        ExtendedS3DestinationConfiguration={
            "BucketARN": "arn:aws:s3:::ruled-archive",
            "RoleARN": service_role(instance, "ruled-delivery", "firehose", "*", "s3:*"),
        },
    )["DeliveryStreamARN"]
    role = service_role(
        instance, "ruled", "events", "*", "states:StartExecution", "kinesis:PutRecord", "firehose:PutRecord"
    )
    rule(
        instance, "ruled", {"source": ["ruled"]},
        {"Arn": machine, "RoleArn": role, "InputPath": "$.detail"},
        {"Arn": stream, "RoleArn": role, "KinesisParameters": {"PartitionKeyPath": "$.detail.who"}},
        {"Arn": delivery, "RoleArn": role, "InputPath": "$.detail"},
    )  # fmt: skip

    emit(instance, {"who": "me"}, source="ruled")

    (execution,) = eventually(lambda: machines.list_executions(stateMachineArn=machine)["executions"])
    described = machines.describe_execution(executionArn=execution["executionArn"])
    assert json.loads(described["input"]) == {"who": "me"}
    iterator = kinesis.get_shard_iterator(
        StreamName="ruled", ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    (record,) = eventually(lambda: kinesis.get_records(ShardIterator=iterator)["Records"])
    assert (json.loads(record["Data"])["detail"], record["PartitionKey"]) == ({"who": "me"}, "me")
    (stored,) = eventually(lambda: client(instance, "s3").list_objects_v2(Bucket="ruled-archive").get("Contents"))
    found = client(instance, "s3").get_object(Bucket="ruled-archive", Key=stored["Key"])
    assert json.loads(found["Body"].read()) == {"who": "me"}


def test_a_function_and_a_topic_need_a_policy_that_lets_the_rule_in(instance: Instance) -> None:
    box = Box(instance, "policed-function")
    code = f"""
import json, boto3
def handler(event, context):
    boto3.client("sqs").send_message(QueueUrl="{box.url}", MessageBody=json.dumps(event["detail"]))
"""
    arn = function(instance, "policed", code, {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"})
    source = rule(instance, "policed", {"source": ["policed"]}, {"Arn": arn})
    emit(instance, "lost", source="policed")
    said = f"rule policed: the policy of {arn} does not allow lambda:InvokeFunction to events.amazonaws.com"
    eventually(lambda: any(said in line for line in local.notices(instance)))

    client(instance, "lambda").add_permission(
        FunctionName="policed", StatementId="rule", Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com", SourceArn=source,
    )  # fmt: skip
    emit(instance, "arrived", source="policed")

    assert box.wait_for(1) == ["arrived"]


def test_a_queue_whose_policy_names_another_rule_gets_nothing_and_the_dead_letters_get_it(
    instance: Instance,
) -> None:
    box, dead = Box(instance, "closed"), Box(instance, "closed-dead")
    arn = rule(instance, "closed", {"source": ["closed"]}, {"Arn": box.arn, "DeadLetterConfig": {"Arn": dead.arn}})
    let_in(instance, box.url, box.arn, "events", arn + "x")
    let_in(instance, dead.url, dead.arn, "events", arn)

    emit(instance, {"a": 1}, source="closed")

    assert dead.wait_for(1)[0]["detail"] == {"a": 1}
    attributes = {name: value["StringValue"] for name, value in dead.messages[0]["MessageAttributes"].items()}
    assert (attributes["ERROR_CODE"], attributes["RULE_ARN"], attributes["TARGET_ARN"]) == (
        "NO_PERMISSIONS", arn, box.arn,
    )  # fmt: skip
    assert box.look() == []


def test_a_role_that_may_not_start_the_machine_starts_nothing(instance: Instance) -> None:
    machines = client(instance, "stepfunctions")
    machine = machines.create_state_machine(
        name="unstarted", definition=PASS, roleArn=service_role(instance, "unstarted-machine", "states", "*", "sqs:*")
    )["stateMachineArn"]
    role = service_role(instance, "weak-rule", "events", machine + "-other", "states:StartExecution")
    rule(instance, "unstarted", {"source": ["unstarted"]}, {"Arn": machine, "RoleArn": role})

    emit(instance, {}, source="unstarted")

    said = f"rule unstarted: its role weak-rule lacks states:StartExecution on {machine}"
    eventually(lambda: any(said in line for line in local.notices(instance)))
    assert machines.list_executions(stateMachineArn=machine)["executions"] == []


def test_events_cross_buses_and_fifo_queues_get_their_group(instance: Instance) -> None:
    events = client(instance, "events")
    bus = events.create_event_bus(Name="far")["EventBusArn"]
    rule(instance, "onward", {"source": ["near"]}, {"Arn": bus})
    url, arn = queue(instance, "far.fifo", ContentBasedDeduplication="true")
    source = rule(
        instance, "far", {"source": ["near"]},
        {"Arn": arn, "SqsParameters": {"MessageGroupId": "g"}, "InputPath": "$.detail"}, bus="far",
    )  # fmt: skip
    let_in(instance, url, arn, "events", source)

    emit(instance, *range(8), source="near")

    def arrived() -> Any:
        found = client(instance, "sqs").receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"], VisibilityTimeout=0
        )
        return found.get("Messages", []) if len(found.get("Messages", [])) == 8 else None

    messages = eventually(arrived)
    assert [json.loads(message["Body"]) for message in messages] == list(range(8))
    assert {message["Attributes"]["MessageGroupId"] for message in messages} == {"g"}


def test_a_rule_that_is_off_delivers_nothing(instance: Instance) -> None:
    box = listener(instance, "off", {"source": ["off"]})
    client(instance, "events").disable_rule(Name="off")

    emit(instance, 1, source="off")

    box.stays_at(0)
    client(instance, "events").enable_rule(Name="off")
    emit(instance, 2, source="off")
    assert box.wait_for(1)[0]["detail"] == 2


def test_targets_that_aws_refuses_are_failed_entries(instance: Instance) -> None:
    rule(instance, "refused", {"source": ["refused"]})
    _, fifo = queue(instance, "refused.fifo")
    machine = f"arn:aws:states:us-east-1:{instance.account}:stateMachine:x"
    _, fine = queue(instance, "fine-target")

    done = client(instance, "events").put_targets(
        Rule="refused", Targets=[{"Id": "a", "Arn": machine}, {"Id": "b", "Arn": fifo}, {"Id": "c", "Arn": fine}]
    )

    assert done["FailedEntryCount"] == 2
    assert [entry["TargetId"] for entry in done["FailedEntries"]] == ["a", "b"]
    left = client(instance, "events").list_targets_by_rule(Rule="refused")["Targets"]
    assert [target["Id"] for target in left] == ["c"]


def test_a_pattern_that_aws_refuses_is_refused(instance: Instance) -> None:
    with pytest.raises(ClientError) as refused:
        client(instance, "events").put_rule(Name="bad", EventPattern='{"source": "text"}')

    assert refused.value.response["Error"]["Code"] == "InvalidEventPatternException"


@pytest.mark.slow
def test_a_schedule_fires_by_itself(instance: Instance) -> None:
    box = Box(instance, "ticks")
    events = client(instance, "events")
    began = time.monotonic()
    arn = events.put_rule(Name="ticks", ScheduleExpression="rate(1 minute)")["RuleArn"]
    let_in(instance, box.url, box.arn, "events", arn)
    events.put_targets(Rule="ticks", Targets=[{"Id": "q", "Arn": box.arn}])
    cron = Box(instance, "crons")
    arn = events.put_rule(Name="crons", ScheduleExpression="cron(* * * * ? *)")["RuleArn"]
    let_in(instance, cron.url, cron.arn, "events", arn)
    events.put_targets(Rule="crons", Targets=[{"Id": "q", "Arn": cron.arn, "Input": '{"tick": 1}'}])

    (event,) = box.wait_for(1, 75)

    assert time.monotonic() - began > 55
    assert (event["detail-type"], event["source"], event["detail"]) == ("Scheduled Event", "aws.events", {})
    assert cron.wait_for(1, 75)[0] == {"tick": 1}
