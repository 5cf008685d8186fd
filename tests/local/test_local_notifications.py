from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from support import Box, client, eventually, function, let_in

from serverless_cli import local
from serverless_cli.local import Instance

SENDS = {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}


def bucket(instance: Instance, name: str) -> str:
    client(instance, "s3").create_bucket(Bucket=name)
    return f"arn:aws:s3:::{name}"


def notify(instance: Instance, name: str, **configuration: Any) -> None:
    client(instance, "s3").put_bucket_notification_configuration(Bucket=name, NotificationConfiguration=configuration)


def reporter(instance: Instance, name: str) -> tuple[str, Box]:
    box = Box(instance, f"{name}-events")
    code = f"""
import json, boto3
def handler(event, context):
    boto3.client("sqs").send_message(QueueUrl="{box.url}", MessageBody=json.dumps(event))
"""
    return function(instance, name, code, SENDS), box


def permit(instance: Instance, name: str, source: str) -> None:
    client(instance, "lambda").add_permission(
        FunctionName=name, StatementId="s3", Action="lambda:InvokeFunction", Principal="s3.amazonaws.com",
        SourceArn=source, SourceAccount=instance.account,
    )  # fmt: skip


def filtered(**rules: str) -> dict[str, Any]:
    return {"Key": {"FilterRules": [{"Name": name, "Value": value} for name, value in rules.items()]}}


def test_a_function_gets_the_event_for_what_its_filter_wants(instance: Instance) -> None:
    source = bucket(instance, "photos")
    arn, box = reporter(instance, "thumbnail")
    permit(instance, "thumbnail", source)
    notify(
        instance, "photos",
        LambdaFunctionConfigurations=[
            {"Id": "mine", "LambdaFunctionArn": arn, "Events": ["s3:ObjectCreated:*"],
             "Filter": filtered(prefix="in/", suffix=".jpg")}
        ],
    )  # fmt: skip

    for key in ("in/a.png", "out/a.jpg", "in/ä b+c.jpg"):
        client(instance, "s3").put_object(Bucket="photos", Key=key, Body=b"12345")

    (event,) = box.wait_for(1)
    (record,) = event["Records"]
    assert (record["eventVersion"], record["eventSource"], record["eventName"]) == (
        "2.1",
        "aws:s3",
        "ObjectCreated:Put",
    )
    assert record["awsRegion"] == "us-east-1"
    assert record["s3"]["configurationId"] == "mine"
    assert record["s3"]["bucket"]["name"] == "photos"
    assert record["s3"]["bucket"]["arn"] == source
    assert record["s3"]["object"]["key"] == "in/%C3%A4+b%2Bc.jpg"
    assert record["s3"]["object"]["size"] == 5
    assert {"eTag", "sequencer"} <= set(record["s3"]["object"])
    box.stays_at(1, 0.3)


def test_a_queue_gets_a_test_event_first_and_removals(instance: Instance) -> None:
    source = bucket(instance, "watched")
    box = Box(instance, "watched")
    let_in(instance, box.url, box.arn, "s3", source)
    notify(
        instance, "watched",
        QueueConfigurations=[{"QueueArn": box.arn, "Events": ["s3:ObjectRemoved:*"]}],
    )  # fmt: skip
    client(instance, "s3").put_object(Bucket="watched", Key="k", Body=b"")
    client(instance, "s3").delete_object(Bucket="watched", Key="k")

    first, second = box.wait_for(2)

    assert (first["Event"], first["Bucket"]) == ("s3:TestEvent", "watched")
    assert (second["Records"][0]["eventName"], second["Records"][0]["s3"]["object"]["key"]) == (
        "ObjectRemoved:Delete",
        "k",
    )


def test_a_topic_and_a_bus_hear_of_objects(instance: Instance) -> None:
    source = bucket(instance, "announced")
    sns, events = client(instance, "sns"), client(instance, "events")
    topic = sns.create_topic(Name="announced")["TopicArn"]
    statement = {
        "Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sns:Publish", "Resource": topic,
        "Condition": {"ArnLike": {"aws:SourceArn": source}, "StringEquals": {"aws:SourceAccount": instance.account}},
    }  # fmt: skip
    sns.set_topic_attributes(
        TopicArn=topic, AttributeName="Policy",
        AttributeValue=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )  # fmt: skip
    heard, ruled = Box(instance, "announced-topic"), Box(instance, "announced-bus")
    let_in(instance, heard.url, heard.arn, "sns", topic)
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=heard.arn, Attributes={"RawMessageDelivery": "true"})
    rule = events.put_rule(
        Name="announced", EventPattern='{"source": ["aws.s3"], "detail": {"bucket": {"name": ["announced"]}}}'
    )["RuleArn"]
    let_in(instance, ruled.url, ruled.arn, "events", rule)
    events.put_targets(Rule="announced", Targets=[{"Id": "q", "Arn": ruled.arn}])
    notify(
        instance, "announced", EventBridgeConfiguration={},
        TopicConfigurations=[{"TopicArn": topic, "Events": ["s3:ObjectCreated:Put"]}],
    )  # fmt: skip

    client(instance, "s3").put_object(Bucket="announced", Key="ä b", Body=b"1")

    found = [event for event in heard.wait_for(2) if "Records" in event]
    assert found[0]["Records"][0]["s3"]["object"]["key"] == "%C3%A4+b"
    (event,) = ruled.wait_for(1)
    assert (event["detail-type"], event["detail"]["object"]["key"]) == ("Object Created", "ä b")


def test_a_destination_that_does_not_let_the_bucket_in_cannot_be_configured(instance: Instance) -> None:
    bucket(instance, "shut")
    arn, _ = reporter(instance, "unasked")
    permit(instance, "unasked", "arn:aws:s3:::another")
    box = Box(instance, "shut")

    for configuration in (
        {"LambdaFunctionConfigurations": [{"LambdaFunctionArn": arn, "Events": ["s3:ObjectCreated:*"]}]},
        {"QueueConfigurations": [{"QueueArn": box.arn, "Events": ["s3:ObjectCreated:*"]}]},
    ):
        with pytest.raises(ClientError) as refused:
            notify(instance, "shut", **configuration)
        assert refused.value.response["Error"]["Code"] == "InvalidArgument"
        assert "Unable to validate the following destination configurations" in str(refused.value)


def test_a_permission_that_is_taken_away_later_stops_the_events_with_a_notice(instance: Instance) -> None:
    source = bucket(instance, "revoked")
    arn, box = reporter(instance, "revoked")
    permit(instance, "revoked", source)
    notify(
        instance, "revoked",
        LambdaFunctionConfigurations=[{"LambdaFunctionArn": arn, "Events": ["s3:ObjectCreated:*"]}],
    )  # fmt: skip
    client(instance, "s3").put_object(Bucket="revoked", Key="one", Body=b"1")
    box.wait_for(1)
    client(instance, "lambda").remove_permission(FunctionName="revoked", StatementId="s3")

    client(instance, "s3").put_object(Bucket="revoked", Key="two", Body=b"1")

    said = f"bucket revoked: the policy of {arn} does not allow lambda:InvokeFunction to s3.amazonaws.com"
    eventually(lambda: any(said in line for line in local.notices(instance)))
    box.stays_at(1, 0.3)
