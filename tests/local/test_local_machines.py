from __future__ import annotations

import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError
from support import Box, client, eventually, function, let_in, permit, queue, service_role

from serverless_cli import local
from serverless_cli.local import Instance

CODE = """
import json, time
class NoMoney(Exception): pass
class Flaky(Exception): pass
calls = []
def handler(event, context):
    calls.append(1)
    if event.get("raise") == "NoMoney": raise NoMoney("the account is empty")
    if event.get("raise") == "Flaky" and len(calls) < 3: raise Flaky("again")
    if event.get("sleep"): time.sleep(event["sleep"])
    return {"calls": len(calls), **event}
"""


@pytest.fixture(scope="module")
def everything(instance: Instance) -> str:
    return service_role(
        instance, "any-machine", "states", "*",
        "lambda:*", "dynamodb:*", "sqs:*", "sns:*", "events:*", "states:*", "s3:*", "kinesis:*",
    )  # fmt: skip


@pytest.fixture(scope="module")
def step(instance: Instance) -> str:
    return function(instance, "step", CODE, Timeout=10)


def machine(instance: Instance, name: str, role: str, states: Any, kind: str = "STANDARD", **top: Any) -> str:
    definition = {"StartAt": next(iter(states)), "States": states, **top}
    arn: str = client(instance, "stepfunctions").create_state_machine(
        name=name, definition=json.dumps(definition), roleArn=role, type=kind
    )["stateMachineArn"]
    return arn


def run(instance: Instance, arn: str, given: Any = None, within_s: float = 15.0) -> dict[str, Any]:
    """The execution once it has ended, with its output parsed."""
    machines = client(instance, "stepfunctions")
    execution = machines.start_execution(stateMachineArn=arn, input=json.dumps(given or {}))["executionArn"]

    def ended() -> Any:
        found = machines.describe_execution(executionArn=execution)
        return found if found["status"] != "RUNNING" else None

    found: dict[str, Any] = eventually(ended, within_s)
    return {**found, "out": json.loads(found["output"]) if found.get("output") else None}


def task(resource: str, **fields: Any) -> dict[str, Any]:
    return {"Type": "Task", "Resource": resource, "End": True, **fields}


def test_an_error_is_caught_by_its_class_name_with_awss_cause(instance: Instance, everything: str, step: str) -> None:
    catch = [
        {"ErrorEquals": ["Other"], "Next": "wrong"},
        {"ErrorEquals": ["NoMoney"], "ResultPath": "$.error", "Next": "rejected"},
    ]
    arn = machine(
        instance, "caught", everything,
        {"try": task(step, Catch=catch), "wrong": {"Type": "Fail"}, "rejected": {"Type": "Pass", "End": True}},
    )  # fmt: skip

    found = run(instance, arn, {"raise": "NoMoney"})

    assert found["status"] == "SUCCEEDED"
    assert found["out"]["error"]["Error"] == "NoMoney"
    cause = json.loads(found["out"]["error"]["Cause"])
    assert (cause["errorType"], cause["errorMessage"]) == ("NoMoney", "the account is empty")
    assert {"stackTrace", "requestId"} <= set(cause)


def test_an_error_is_retried_by_its_class_name(instance: Instance, everything: str) -> None:
    flaky = function(instance, "flaky", CODE)
    retry = [{"ErrorEquals": ["Flaky"], "IntervalSeconds": 1, "MaxAttempts": 3, "BackoffRate": 1}]
    arn = machine(instance, "retried", everything, {"try": task(flaky, Retry=retry)})

    assert run(instance, arn, {"raise": "Flaky"})["out"]["calls"] == 3


def test_an_uncaught_error_fails_the_execution(instance: Instance, everything: str, step: str) -> None:
    arn = machine(instance, "uncaught", everything, {"try": task(step)})

    found = run(instance, arn, {"raise": "NoMoney"})

    assert (found["status"], found["error"]) == ("FAILED", "NoMoney")


def test_a_task_that_takes_too_long_is_a_timeout(instance: Instance, everything: str, step: str) -> None:
    catch = [{"ErrorEquals": ["States.Timeout"], "Next": "late"}]
    arn = machine(
        instance, "late", everything,
        {"try": task(step, TimeoutSeconds=1, Catch=catch), "late": {"Type": "Pass", "Result": "late", "End": True}},
    )  # fmt: skip

    assert run(instance, arn, {"sleep": 5})["out"] == "late"


def test_a_machine_that_takes_too_long_is_timed_out(instance: Instance, everything: str) -> None:
    arn = machine(instance, "limited", everything, {"w": {"Type": "Wait", "Seconds": 3, "End": True}}, TimeoutSeconds=1)

    began = time.monotonic()
    assert run(instance, arn)["status"] == "TIMED_OUT"
    assert time.monotonic() - began < 3


def test_lambda_invoke_takes_a_payload_and_wraps_the_answer(instance: Instance, everything: str, step: str) -> None:
    arn = machine(
        instance, "invoked", everything,
        {"try": task("arn:aws:states:::lambda:invoke", Parameters={"FunctionName": step, "Payload": {"x.$": "$.a"}})},
    )  # fmt: skip

    out = run(instance, arn, {"a": 7})["out"]

    assert (out["StatusCode"], out["Payload"]["x"]) == (200, 7)


def test_items_are_written_read_and_updated(instance: Instance, everything: str) -> None:
    client(instance, "dynamodb").create_table(
        TableName="ledger", BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
    )  # fmt: skip
    key = {"TableName": "ledger", "Key": {"id": {"S.$": "$.id"}}}
    arn = machine(
        instance, "ledger", everything,
        {
            "put": {
                "Type": "Task", "Resource": "arn:aws:states:::dynamodb:putItem", "ResultPath": None, "Next": "update",
                "Parameters": {"TableName": "ledger", "Item": {"id": {"S.$": "$.id"}, "n": {"N": "1"}},
                               "ConditionExpression": "attribute_not_exists(id)"},
                "Catch": [{"ErrorEquals": ["DynamoDB.ConditionalCheckFailedException"], "Next": "twice"}],
            },
            "update": {
                "Type": "Task", "Resource": "arn:aws:states:::dynamodb:updateItem", "ResultPath": None, "Next": "get",
                "Parameters": {**key, "UpdateExpression": "SET n = n + :one",
                               "ExpressionAttributeValues": {":one": {"N": "1"}}},
            },
            "get": task("arn:aws:states:::dynamodb:getItem", Parameters=key),
            "twice": {"Type": "Pass", "Result": "twice", "End": True},
        },
    )  # fmt: skip

    assert run(instance, arn, {"id": "a"})["out"]["Item"] == {"id": {"S": "a"}, "n": {"N": "2"}}
    assert run(instance, arn, {"id": "a"})["out"] == "twice"


def test_messages_topics_and_events_are_sent(instance: Instance, everything: str) -> None:
    box, heard, ruled = Box(instance, "sent"), Box(instance, "sent-topic"), Box(instance, "sent-bus")
    topic = client(instance, "sns").create_topic(Name="sent")["TopicArn"]
    let_in(instance, heard.url, heard.arn, "sns", topic)
    client(instance, "sns").subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=heard.arn,
        Attributes={"RawMessageDelivery": "true", "FilterPolicy": '{"kind": ["good"]}'},
    )  # fmt: skip
    rule = client(instance, "events").put_rule(Name="sent", EventPattern='{"source": ["bank"]}')["RuleArn"]
    let_in(instance, ruled.url, ruled.arn, "events", rule)
    client(instance, "events").put_targets(Rule="sent", Targets=[{"Id": "q", "Arn": ruled.arn}])
    kind = {"kind": {"DataType": "String", "StringValue": "good"}}
    entry = {"Source": "bank", "DetailType": "Sent", "Detail": {"n.$": "$.n"}}
    arn = machine(
        instance, "sent", everything,
        {"both": {
            "Type": "Parallel", "End": True,
            "Branches": [
                {"StartAt": "q", "States": {"q": task("arn:aws:states:::sqs:sendMessage", Parameters={"QueueUrl": box.url, "MessageBody": {"n.$": "$.n"}})}},
                {"StartAt": "t", "States": {"t": task("arn:aws:states:::sns:publish", Parameters={"TopicArn": topic, "Message.$": "States.Format('n={}', $.n)", "MessageAttributes": kind})}},
                {"StartAt": "e", "States": {"e": task("arn:aws:states:::events:putEvents", Parameters={"Entries": [entry]})}},
            ],
        }},
    )  # fmt: skip

    found = run(instance, arn, {"n": 5})

    assert found["status"] == "SUCCEEDED", found
    assert "MessageId" in found["out"][0]
    assert box.wait_for(1) == [{"n": 5}]
    assert heard.wait_for(1) == ["n=5"]
    assert ruled.wait_for(1)[0]["detail"] == {"n": 5}


def test_a_task_waits_for_its_token(instance: Instance, everything: str) -> None:
    box = Box(instance, "tokens")
    arn = machine(
        instance, "waiting", everything,
        {"ask": task(
            "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
            Parameters={"QueueUrl": box.url, "MessageBody": {"token.$": "$$.Task.Token"}},
        )},
    )  # fmt: skip
    machines = client(instance, "stepfunctions")
    execution = machines.start_execution(stateMachineArn=arn, input="{}")["executionArn"]

    (asked,) = box.wait_for(1)
    assert machines.describe_execution(executionArn=execution)["status"] == "RUNNING"
    machines.send_task_success(taskToken=asked["token"], output='{"approved": true}')

    found = eventually(
        lambda: (f := machines.describe_execution(executionArn=execution))["status"] == "SUCCEEDED" and f
    )
    assert json.loads(found["output"]) == {"approved": True}


def test_machines_start_machines(instance: Instance, everything: str) -> None:
    child = machine(
        instance, "child", everything, {"p": {"Type": "Pass", "Result": {"deep": 1}, "End": True}}, "EXPRESS"
    )
    arn = machine(
        instance, "parent", everything,
        {"wait": task("arn:aws:states:::states:startExecution.sync:2", Parameters={"StateMachineArn": child, "Input": {}}, OutputPath="$.Output")},
    )  # fmt: skip
    standard = machine(instance, "child-2", everything, {"p": {"Type": "Pass", "End": True}})
    loose = machine(
        instance, "parent-2", everything,
        {"go": task("arn:aws:states:::states:startExecution", Parameters={"StateMachineArn": standard, "Input": {"a": 1}})},
    )  # fmt: skip

    assert run(instance, arn)["out"] == {"deep": 1}
    assert run(instance, loose)["out"]["ExecutionArn"].startswith("arn:aws:states:")


def test_lists_conditions_and_intrinsic_functions(instance: Instance, everything: str) -> None:
    arn = machine(
        instance, "flow", everything,
        {
            "each": {
                "Type": "Map", "ItemsPath": "$.items", "MaxConcurrency": 2, "Next": "sum", "ResultPath": "$.done",
                "ItemSelector": {"n.$": "$$.Map.Item.Value", "i.$": "$$.Map.Item.Index"},
                "ItemProcessor": {"StartAt": "f", "States": {"f": {"Type": "Pass", "End": True, "Parameters": {"sum.$": "States.MathAdd($.n, $.i)"}}}},
            },
            "sum": {"Type": "Pass", "Next": "big?", "Parameters": {
                "count.$": "States.ArrayLength($.done)", "done.$": "$.done[*].sum", "id.$": "States.UUID()",
                "hash.$": "States.Hash('x', 'SHA-256')", "text.$": "States.JsonToString($.done[0])",
            }},
            "big?": {"Type": "Choice", "Default": "small", "Choices": [
                {"And": [{"Variable": "$.count", "NumericGreaterThan": 2}, {"Not": {"Variable": "$.none", "IsPresent": True}}], "Next": "big"},
            ]},
            "big": {"Type": "Pass", "End": True},
            "small": {"Type": "Fail"},
        },
    )  # fmt: skip

    out = run(instance, arn, {"items": [10, 20, 30]})["out"]

    assert (out["count"], out["done"], json.loads(out["text"])) == (3, [10, 21, 32], {"sum": 10})
    assert out["hash"] == "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"


def test_jsonata(instance: Instance, everything: str, step: str) -> None:
    arn = machine(
        instance, "jsonata", everything,
        {"try": {
            "Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "End": True,
            "Arguments": {"FunctionName": step, "Payload": {"total": "{% $sum($states.input.ns) %}"}},
            "Output": "{% $states.result.Payload.total * 2 %}",
        }},
        QueryLanguage="JSONata",
    )  # fmt: skip

    assert run(instance, arn, {"ns": [1, 2, 3]})["out"] == 12


def test_an_express_machine_answers_at_once_and_a_standard_one_does_not(instance: Instance, everything: str) -> None:
    express = machine(instance, "express", everything, {"p": {"Type": "Pass", "End": True}}, "EXPRESS")
    standard = machine(instance, "standard", everything, {"p": {"Type": "Pass", "End": True}})
    machines = client(instance, "stepfunctions")

    assert machines.start_sync_execution(stateMachineArn=express, input='{"a": 1}')["output"] == '{"a": 1}'
    with pytest.raises(ClientError) as refused:
        machines.start_sync_execution(stateMachineArn=standard, input="{}")
    assert refused.value.response["Error"]["Code"] == "StateMachineTypeNotSupported"


def test_the_history_tells_what_happened(instance: Instance, everything: str, step: str) -> None:
    arn = machine(instance, "told", everything, {"first": {"Type": "Pass", "Next": "try"}, "try": task(step)})
    execution = run(instance, arn)["executionArn"]

    events = client(instance, "stepfunctions").get_execution_history(executionArn=execution)["events"]

    kinds = [event["type"] for event in events]
    assert (kinds[0], kinds[-1]) == ("ExecutionStarted", "ExecutionSucceeded")
    entered = [event["stateEnteredEventDetails"]["name"] for event in events if "stateEnteredEventDetails" in event]
    assert entered == ["first", "try"]
    assert [event["id"] for event in events] == sorted(event["id"] for event in events)


@pytest.mark.parametrize(
    ("name", "resource", "action", "target", "error"),
    [
        (
            "invoke",
            "arn:aws:states:::lambda:invoke",
            "lambda:InvokeFunction",
            "function:step",
            "Lambda.AWSLambdaException",
        ),
        ("send", "arn:aws:states:::sqs:sendMessage", "sqs:SendMessage", "locked", "SQS.AmazonSQSException"),
        (
            "put",
            "arn:aws:states:::dynamodb:putItem",
            "dynamodb:PutItem",
            "table/locked",
            "DynamoDB.AmazonDynamoDBException",
        ),
        (
            "scan",
            "arn:aws:states:::aws-sdk:dynamodb:scan",
            "dynamodb:Scan",
            "table/locked",
            "DynamoDb.AccessDeniedException",
        ),
        ("emit", "arn:aws:states:::events:putEvents", "events:PutEvents", "event-bus/default", "EventBridge."),
    ],
)
def test_the_role_must_allow_each_call(
    instance: Instance, step: str, name: str, resource: str, action: str, target: str, error: str
) -> None:
    url, _ = queue(instance, f"locked-{name}")
    parameters: dict[str, Any] = {
        "invoke": {"FunctionName": step, "Payload": {}},
        "send": {"QueueUrl": url.replace(f"-{name}", ""), "MessageBody": "x"},
        "put": {"TableName": "locked", "Item": {"id": {"S": "x"}}},
        "scan": {"TableName": "locked"},
        "emit": {"Entries": [{"Source": "s", "DetailType": "d", "Detail": {}}]},
    }[name]
    role = service_role(instance, f"locked-{name}", "states", "*", "s3:GetObject")
    arn = machine(instance, f"locked-{name}", role, {"try": task(resource, Parameters=parameters)})

    found = run(instance, arn)

    assert found["status"] == "FAILED"
    assert found["error"].startswith(error)
    assert f"is not authorized to perform: {action} on resource: arn:aws:" in found["cause"]
    said = f"state machine locked-{name}: its role locked-{name} lacks {action} on arn:aws:"
    assert any(said in line and target in line for line in local.notices(instance))


def test_a_permission_is_enough_for_its_own_resource_only(instance: Instance, step: str) -> None:
    role = service_role(instance, "narrow", "states", step, "lambda:InvokeFunction")
    arn = machine(instance, "narrow", role, {"try": task(step)})

    assert run(instance, arn)["status"] == "SUCCEEDED"
    permit(instance, "narrow", step + "-other", "lambda:InvokeFunction")
    assert run(instance, arn)["status"] == "FAILED"


def test_what_step_functions_refuses_is_refused(instance: Instance, everything: str) -> None:
    machines = client(instance, "stepfunctions")
    untrusted = service_role(instance, "untrusted-machine", "lambda", "*", "s3:*")
    fine = json.dumps({"StartAt": "p", "States": {"p": {"Type": "Pass", "End": True}}})
    broken = json.dumps({"StartAt": "gone", "States": {"p": {"Type": "Pass", "End": True}}})

    def code(call: str, **settings: Any) -> str:
        with pytest.raises(ClientError) as refused:
            getattr(machines, call)(**settings)
        return str(refused.value.response["Error"]["Code"])

    arn = machines.create_state_machine(name="strict", definition=fine, roleArn=everything)["stateMachineArn"]
    assert code("create_state_machine", name="a", definition=fine, roleArn=untrusted) == "AccessDeniedException"
    assert code("create_state_machine", name="b", definition=broken, roleArn=everything) == "InvalidDefinition"
    assert code("create_state_machine", name="c", definition="{", roleArn=everything) == "InvalidDefinition"
    assert code("update_state_machine", stateMachineArn=arn, definition=broken) == "InvalidDefinition"
    assert code("start_execution", stateMachineArn=arn, input="{") == "InvalidExecutionInput"


def test_a_definition_is_validated(instance: Instance) -> None:
    machines = client(instance, "stepfunctions")
    fine = {"StartAt": "p", "States": {"p": {"Type": "Pass", "End": True}}}

    good = machines.validate_state_machine_definition(definition=json.dumps(fine))
    bad = machines.validate_state_machine_definition(definition=json.dumps({**fine, "StartAt": "q"}))

    assert (good["result"], good["diagnostics"]) == ("OK", [])
    assert (bad["result"], bad["diagnostics"][0]["severity"]) == ("FAIL", "ERROR")


def test_a_repeated_start_means_the_same_execution(instance: Instance, everything: str) -> None:
    machines = client(instance, "stepfunctions")
    arn = machine(instance, "repeated", everything, {"w": {"Type": "Wait", "Seconds": 2, "End": True}})

    first = machines.start_execution(stateMachineArn=arn, name="one", input="{}")
    again = machines.start_execution(stateMachineArn=arn, name="one", input="{}")

    assert first["executionArn"] == again["executionArn"]
    with pytest.raises(ClientError) as refused:
        machines.start_execution(stateMachineArn=arn, name="one", input='{"other": 1}')
    assert refused.value.response["Error"]["Code"] == "ExecutionAlreadyExists"
