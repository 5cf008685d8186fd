from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from support import Answer, client, eventually, fetch, service_role

from serverless_cli import local
from serverless_cli.local import Instance

PASS = json.dumps({"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}})


class Api:
    """An HTTP API whose routes call services."""

    def __init__(self, instance: Instance, name: str) -> None:
        self.instance = instance
        self.gateway = client(instance, "apigatewayv2")
        self.id: str = self.gateway.create_api(Name=name, ProtocolType="HTTP")["ApiId"]
        self.gateway.create_stage(
            ApiId=self.id, StageName="$default", AutoDeploy=True, StageVariables={"colour": "blue"}
        )

    def route(self, key: str, subtype: str, role: str, parameters: dict[str, str]) -> dict[str, Any]:
        made: dict[str, Any] = self.gateway.create_integration(
            ApiId=self.id,
            IntegrationType="AWS_PROXY",
            IntegrationSubtype=subtype,
            CredentialsArn=role,
            PayloadFormatVersion="1.0",
            RequestParameters=parameters,
        )
        self.gateway.create_route(ApiId=self.id, RouteKey=key, Target=f"integrations/{made['IntegrationId']}")
        return made

    def call(self, path: str, **request: Any) -> Answer:
        return fetch(self.instance.port, path, host=f"{self.id}.execute-api.localhost", **request)


@pytest.fixture(scope="module")
def api(instance: Instance) -> Api:
    return Api(instance, "services")


@pytest.fixture(scope="module")
def everything(instance: Instance) -> str:
    return service_role(
        instance, "gateway", "apigateway", "*",
        "states:StartExecution", "states:StartSyncExecution", "sqs:SendMessage", "events:PutEvents", "kinesis:PutRecord",
    )  # fmt: skip


def machine(instance: Instance, name: str, kind: str = "STANDARD") -> str:
    arn: str = client(instance, "stepfunctions").create_state_machine(
        name=name, definition=PASS, type=kind, roleArn=service_role(instance, f"{name}-role", "states", "*", "sqs:*")
    )["stateMachineArn"]
    return arn


def received(instance: Instance, url: str) -> list[dict[str, Any]]:
    return list(
        client(instance, "sqs")
        .receive_message(QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"], MessageAttributeNames=["All"])
        .get("Messages", [])
    )


def test_a_route_starts_an_execution_with_the_body_as_its_input(instance: Instance, api: Api, everything: str) -> None:
    arn = machine(instance, "started")
    api.route(
        "POST /deposits",
        "StepFunctions-StartExecution",
        everything,
        {"StateMachineArn": arn, "Input": "$request.body"},
    )

    found = api.call("/deposits", method="POST", body=b'{"amount": 5}')

    assert (found.status, set(found.json)) == (200, {"executionArn", "startDate"})
    assert isinstance(found.json["startDate"], float)
    described = client(instance, "stepfunctions").describe_execution(executionArn=found.json["executionArn"])
    assert json.loads(described["input"]) == {"amount": 5}


def test_a_route_waits_for_a_synchronous_execution(instance: Instance, api: Api, everything: str) -> None:
    api.route(
        "POST /sync",
        "StepFunctions-StartSyncExecution",
        everything,
        {"StateMachineArn": machine(instance, "waited", "EXPRESS"), "Input": "$request.body"},
    )

    found = api.call("/sync", method="POST", body=b'{"a": 1}')

    assert (found.status, found.json["status"], json.loads(found.json["output"])) == (200, "SUCCEEDED", {"a": 1})


def test_parameters_take_their_values_from_everywhere_in_the_request(
    instance: Instance, api: Api, everything: str
) -> None:
    url = client(instance, "sqs").create_queue(QueueName="mapped")["QueueUrl"]
    attributes = {"who": {"DataType": "String", "StringValue": "${request.header.x-who}"}}
    api.route(
        "POST /mapped/{id}",
        "SQS-SendMessage",
        everything,
        {
            "QueueUrl": url,
            "MessageBody": (
                "${request.body.list[1].deep}/${request.querystring.q}/${request.path.id}/${request.path}/"
                "${stageVariables.colour}/${context.routeKey}/$${kept}"
            ),
            "MessageAttributes": json.dumps(attributes),
        },
    )

    body = json.dumps({"list": [0, {"deep": {"x": [1]}}]}).encode()
    found = api.call("/mapped/7?q=1&q=2", method="POST", body=body, headers={"X-Who": "me"})

    assert found.status == 200, found.text
    (message,) = received(instance, url)
    assert message["Body"] == '{"x":[1]}/1,2/7//mapped/7/blue/POST /mapped/{id}/$'
    assert found.json["MessageId"] == message["MessageId"]
    assert message["MessageAttributes"]["who"]["StringValue"] == "me"


def test_the_request_id_of_the_answer_is_that_of_the_context(instance: Instance, api: Api, everything: str) -> None:
    queues = client(instance, "sqs")
    url = queues.create_queue(
        QueueName="ordered.fifo", Attributes={"FifoQueue": "true", "ContentBasedDeduplication": "false"}
    )["QueueUrl"]
    api.route(
        "POST /ordered",
        "SQS-SendMessage",
        everything,
        {
            "QueueUrl": url,
            "MessageBody": "$request.body",
            "MessageGroupId": "static",
            "MessageDeduplicationId": "$context.requestId",
        },
    )

    found = api.call("/ordered", method="POST", body=b"same")
    again = api.call("/ordered", method="POST", body=b"same")

    messages = received(instance, url)
    ids = [message["Attributes"]["MessageDeduplicationId"] for message in messages]
    assert ids == [found.headers["apigw-requestid"], again.headers["apigw-requestid"]]
    assert {message["Attributes"]["MessageGroupId"] for message in messages} == {"static"}


def test_a_route_puts_an_event_on_a_bus(instance: Instance, api: Api, everything: str) -> None:
    events, queues = client(instance, "events"), client(instance, "sqs")
    events.create_event_bus(Name="orders")
    url = queues.create_queue(QueueName="seen")["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    rule = events.put_rule(Name="all", EventBusName="orders", EventPattern='{"source": ["shop"]}')["RuleArn"]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": rule}},
    }
    queues.set_queue_attributes(
        QueueUrl=url, Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [statement]})}
    )
    events.put_targets(Rule="all", EventBusName="orders", Targets=[{"Id": "q", "Arn": arn}])
    api.route(
        "POST /orders",
        "EventBridge-PutEvents",
        everything,
        {
            "Detail": "$request.body",
            "DetailType": "$request.header.x-type",
            "Source": "shop",
            "EventBusName": "orders",
        },
    )

    found = api.call("/orders", method="POST", body=b'{"n": 1}', headers={"X-Type": "OrderPlaced"})

    assert (found.status, found.json["FailedEntryCount"]) == (200, 0)
    (message,) = eventually(lambda: received(instance, url))
    event = json.loads(message["Body"])
    assert (event["detail-type"], event["detail"], event["source"]) == ("OrderPlaced", {"n": 1}, "shop")


def test_a_route_puts_a_record_on_a_stream(instance: Instance, api: Api, everything: str) -> None:
    kinesis = client(instance, "kinesis")
    kinesis.create_stream(StreamName="clicks", ShardCount=1)
    kinesis.get_waiter("stream_exists").wait(StreamName="clicks", WaiterConfig={"Delay": 1})
    api.route(
        "POST /clicks",
        "Kinesis-PutRecord",
        everything,
        {"StreamName": "clicks", "Data": "$request.body.data", "PartitionKey": "$request.body.key"},
    )

    body = json.dumps({"data": base64.b64encode(b"clicked").decode(), "key": "k"}).encode()
    found = api.call("/clicks", method="POST", body=body)

    assert found.status == 200
    assert {"SequenceNumber", "ShardId"} <= set(found.json)
    iterator = kinesis.get_shard_iterator(
        StreamName="clicks", ShardId=found.json["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    (record,) = kinesis.get_records(ShardIterator=iterator)["Records"]
    assert (record["Data"], record["PartitionKey"]) == (b"clicked", "k")


@pytest.mark.parametrize("body", [b"{}", b'{"message": ""}', b"not json", b""])
def test_a_parameter_that_comes_to_nothing_is_a_bad_request(
    instance: Instance, api: Api, everything: str, body: bytes
) -> None:
    url = client(instance, "sqs").create_queue(QueueName="unsent")["QueueUrl"]
    key = f"POST /unsent-{base64.b16encode(body).decode()}"
    api.route(key, "SQS-SendMessage", everything, {"QueueUrl": url, "MessageBody": "$request.body.message"})

    assert api.call(key.partition(" ")[2], method="POST", body=body).status == 400
    assert received(instance, url) == []


def test_what_the_service_refuses_is_a_500(instance: Instance, api: Api, everything: str) -> None:
    missing = machine(instance, "there").replace("there", "missing")
    api.route("POST /gone", "StepFunctions-StartExecution", everything, {"StateMachineArn": missing})

    found = api.call("/gone", method="POST", body=b"{}")

    assert (found.status, found.json) == (500, {"message": "Internal Server Error"})


@pytest.mark.parametrize(
    ("name", "service", "action", "says"),
    [
        (
            "unpermitted",
            "apigateway",
            "sqs:ReceiveMessage",
            "its role unpermitted lacks sqs:SendMessage on arn:aws:sqs:",
        ),
        ("untrusted", "lambda", "sqs:SendMessage", "its role untrusted does not trust apigateway.amazonaws.com"),
    ],
)
def test_the_role_must_be_trusted_and_permitted(
    instance: Instance, api: Api, name: str, service: str, action: str, says: str
) -> None:
    url = client(instance, "sqs").create_queue(QueueName=name)["QueueUrl"]
    role = service_role(instance, name, service, "*", action)
    api.route(f"POST /{name}", "SQS-SendMessage", role, {"QueueUrl": url, "MessageBody": "$request.body"})

    found = api.call(f"/{name}", method="POST", body=b"x")

    assert (found.status, found.json) == (500, {"message": "Internal Server Error"})
    assert received(instance, url) == []
    assert any(says in line and api.id in line for line in local.notices(instance))
    assert says in instance.log.read_text()


def test_a_role_that_does_not_exist_gives_a_500(instance: Instance, api: Api) -> None:
    url = client(instance, "sqs").create_queue(QueueName="roleless")["QueueUrl"]
    role = f"arn:aws:iam::{instance.account}:role/nobody"
    api.route("POST /roleless", "SQS-SendMessage", role, {"QueueUrl": url, "MessageBody": "$request.body"})

    assert api.call("/roleless", method="POST", body=b"x").status == 500
    assert any("its role nobody does not exist" in line for line in local.notices(instance))


def test_what_was_configured_reads_back(instance: Instance, api: Api, everything: str) -> None:
    arn = machine(instance, "read-back")
    made = api.route(
        "POST /read", "StepFunctions-StartExecution", everything, {"StateMachineArn": arn, "Input": "$request.body"}
    )
    wanted = {
        "IntegrationType": "AWS_PROXY",
        "IntegrationSubtype": "StepFunctions-StartExecution",
        "CredentialsArn": everything,
        "PayloadFormatVersion": "1.0",
        "RequestParameters": {"StateMachineArn": arn, "Input": "$request.body"},
        "TimeoutInMillis": 30000,
        "ConnectionType": "INTERNET",
    }

    one = api.gateway.get_integration(ApiId=api.id, IntegrationId=made["IntegrationId"])
    listed = api.gateway.get_integrations(ApiId=api.id)["Items"]
    (same,) = [item for item in listed if item["IntegrationId"] == made["IntegrationId"]]

    for found in (made, one, same):
        assert {name: found.get(name) for name in wanted} == wanted
        assert "IntegrationUri" not in found


def test_an_update_merges_parameters_and_an_empty_one_goes(instance: Instance, api: Api, everything: str) -> None:
    arn = machine(instance, "merged")
    made = api.route(
        "POST /merged", "StepFunctions-StartExecution", everything, {"StateMachineArn": arn, "Input": "$request.body"}
    )
    other = service_role(instance, "other-gateway", "apigateway", "*", "states:*")

    updated = api.gateway.update_integration(
        ApiId=api.id,
        IntegrationId=made["IntegrationId"],
        IntegrationType="AWS_PROXY",
        IntegrationSubtype="StepFunctions-StartExecution",
        CredentialsArn=other,
        RequestParameters={"Input": "", "Name": "$context.requestId"},
    )

    assert updated["RequestParameters"] == {"StateMachineArn": arn, "Name": "$context.requestId"}
    assert updated["CredentialsArn"] == other
    assert api.call("/merged", method="POST").status == 200


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({"IntegrationSubtype": "SNS-Publish"}, id="no such subtype"),
        pytest.param({"RequestParameters": {"QueueUrl": "x"}}, id="a required parameter is missing"),
        pytest.param({"RequestParameters": {"QueueUrl": "x", "MessageBody": "y", "Typo": "z"}}, id="an unknown one"),
        pytest.param({"PayloadFormatVersion": "2.0"}, id="payload 2.0"),
    ],
)
def test_an_integration_that_aws_refuses_is_refused(
    instance: Instance, api: Api, everything: str, settings: dict[str, Any]
) -> None:
    given = {
        "IntegrationSubtype": "SQS-SendMessage",
        "CredentialsArn": everything,
        "PayloadFormatVersion": "1.0",
        "RequestParameters": {"QueueUrl": "x", "MessageBody": "y"},
    }

    with pytest.raises(ClientError) as refused:
        api.gateway.create_integration(ApiId=api.id, IntegrationType="AWS_PROXY", **{**given, **settings})

    assert refused.value.response["Error"]["Code"] == "BadRequestException"
