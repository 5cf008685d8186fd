from __future__ import annotations

import json
from typing import Any

from support import Box, client, eventually, function, let_in, queue

from serverless_cli import local
from serverless_cli.local import Instance

CODE = """
import json, os, boto3
class Bad(Exception): pass
def handler(event, context):
    boto3.client("sqs").send_message(QueueUrl=os.environ["TRIES"], MessageBody=context.aws_request_id)
    if event.get("fail"): raise Bad("no")
    return {"answer": event["n"]}
"""
ANY = {"Effect": "Allow", "Action": ["sqs:*", "sns:*", "events:*", "lambda:*", "s3:*"], "Resource": "*"}


def caller(instance: Instance, name: str, *grants: Any, **settings: Any) -> Box:
    """A function that counts its tries in a queue."""
    tries = Box(instance, f"{name}-tries")
    sends = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": tries.arn}
    function(
        instance, name, CODE, sends, *grants, Environment={"Variables": {"TRIES": tries.url}}, **settings
    )  # fmt: skip
    return tries


def invoke(instance: Instance, name: str, event: Any) -> None:
    client(instance, "lambda").invoke(FunctionName=name, InvocationType="Event", Payload=json.dumps(event))


def configure(instance: Instance, name: str, **settings: Any) -> None:
    client(instance, "lambda").put_function_event_invoke_config(FunctionName=name, **settings)


def test_a_failure_is_retried_twice_and_reported_in_awss_format(instance: Instance) -> None:
    failures = Box(instance, "failures")
    tries = caller(instance, "failing", ANY)
    configure(instance, "failing", DestinationConfig={"OnFailure": {"Destination": failures.arn}})

    invoke(instance, "failing", {"fail": 1})

    (record,) = failures.wait_for(1)
    assert len(tries.look()) == 3
    context = record["requestContext"]
    assert (context["condition"], context["approximateInvokeCount"]) == ("RetriesExhausted", 3)
    assert context["functionArn"].endswith(":function:failing:$LATEST")
    assert record["requestPayload"] == {"fail": 1}
    assert record["responseContext"] == {
        "statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled",
    }  # fmt: skip
    assert (record["responsePayload"]["errorType"], record["responsePayload"]["errorMessage"]) == ("Bad", "no")
    assert record["version"] == "1.0"


def test_the_number_of_retries_is_as_configured(instance: Instance) -> None:
    failures = Box(instance, "no-retries")
    tries = caller(instance, "once", ANY)
    configure(
        instance, "once", MaximumRetryAttempts=0, DestinationConfig={"OnFailure": {"Destination": failures.arn}}
    )  # fmt: skip

    invoke(instance, "once", {"fail": 1})

    assert failures.wait_for(1)[0]["requestContext"]["approximateInvokeCount"] == 1
    assert len(tries.look()) == 1


def test_a_success_goes_to_its_destination_a_bus_gets_it_as_an_event(instance: Instance) -> None:
    events = client(instance, "events")
    bus = events.create_event_bus(Name="results")["EventBusArn"]
    box = Box(instance, "results")
    rule = events.put_rule(Name="results", EventBusName="results", EventPattern='{"source": ["lambda"]}')["RuleArn"]
    let_in(instance, box.url, box.arn, "events", rule)
    events.put_targets(Rule="results", EventBusName="results", Targets=[{"Id": "q", "Arn": box.arn}])
    caller(instance, "succeeding", ANY)
    configure(instance, "succeeding", DestinationConfig={"OnSuccess": {"Destination": bus}})

    invoke(instance, "succeeding", {"n": 7})

    (event,) = box.wait_for(1)
    assert event["detail-type"] == "Lambda Function Invocation Result - Success"
    detail = event["detail"]
    assert (detail["requestContext"]["condition"], detail["responsePayload"]) == ("Success", {"answer": 7})
    assert "functionError" not in detail["responseContext"]


def test_the_dead_letter_queue_gets_the_event_itself(instance: Instance) -> None:
    dead = Box(instance, "dead-events")
    caller(instance, "mortal", ANY, DeadLetterConfig={"TargetArn": dead.arn})

    invoke(instance, "mortal", {"fail": 1, "x": "y"})

    assert dead.wait_for(1) == [{"fail": 1, "x": "y"}]
    attributes = dead.messages[0]["MessageAttributes"]
    assert {"RequestID", "ErrorCode", "ErrorMessage"} == set(attributes)
    assert attributes["ErrorMessage"]["StringValue"] == "no"


def test_a_destination_that_the_role_may_not_reach_gets_nothing(instance: Instance) -> None:
    box = Box(instance, "unreached")
    caller(instance, "unable")
    configure(instance, "unable", DestinationConfig={"OnSuccess": {"Destination": box.arn}})

    invoke(instance, "unable", {"n": 1})

    said = f"function unable: its role unable-role lacks sqs:SendMessage on {box.arn}"
    eventually(lambda: any(said in line for line in local.notices(instance)))
    assert box.look() == []


def test_a_function_that_calls_itself_through_a_bucket_is_stopped(instance: Instance) -> None:
    s3 = client(instance, "s3")
    s3.create_bucket(Bucket="loop")
    code = """
import boto3
def handler(event, context):
    key = event["Records"][0]["s3"]["object"]["key"]
    boto3.client("s3").put_object(Bucket="loop", Key=key + "x", Body=b"again")
"""
    arn = function(instance, "loop", code, ANY)
    client(instance, "lambda").add_permission(
        FunctionName="loop", StatementId="s3", Action="lambda:InvokeFunction", Principal="s3.amazonaws.com",
        SourceArn="arn:aws:s3:::loop", SourceAccount=instance.account,
    )  # fmt: skip
    s3.put_bucket_notification_configuration(
        Bucket="loop",
        NotificationConfiguration={
            "LambdaFunctionConfigurations": [{"LambdaFunctionArn": arn, "Events": ["s3:ObjectCreated:*"]}]
        },
    )

    s3.put_object(Bucket="loop", Key="k", Body=b"first")

    eventually(lambda: any("function loop calls itself" in line for line in local.notices(instance)), 30)
    keys = [found["Key"] for found in s3.list_objects_v2(Bucket="loop")["Contents"]]
    assert sorted(keys) == ["k" + "x" * hop for hop in range(17)]


def test_a_function_that_calls_itself_through_a_queue_is_stopped(instance: Instance) -> None:
    dead = Box(instance, "ring-dead")
    redrive = json.dumps({"deadLetterTargetArn": dead.arn, "maxReceiveCount": 3})
    url, arn = queue(instance, "ring", RedrivePolicy=redrive)
    code = f"""
import boto3
def handler(event, context):
    for record in event["Records"]:
        boto3.client("sqs").send_message(QueueUrl="{url}", MessageBody=record["body"] + "x")
"""
    function(instance, "ring", code, ANY)
    client(instance, "lambda").create_event_source_mapping(EventSourceArn=arn, FunctionName="ring")

    client(instance, "sqs").send_message(QueueUrl=url, MessageBody="k")

    assert dead.wait_for(1, 30) == ["k" + "x" * 16]
    assert any("function ring calls itself" in line for line in local.notices(instance))
    assert "slxHops" not in str(dead.messages)
