"""What the local target's tests share: an instance of their own, boto3 clients, packaged functions, plain HTTP."""

from __future__ import annotations

import base64
import http.client
import io
import json
import time
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import boto3
from botocore.config import Config

from serverless_cli.local import Instance

TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
LOGS = {
    "Effect": "Allow",
    "Action": ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
    "Resource": "*",
}


def client(instance: Instance, service: str, **keys: str) -> Any:
    """A client with the instance's keys, or others."""
    return _client(
        instance.url, service, keys.get("access_key", instance.access_key), keys.get("secret_key", instance.secret_key)
    )


@cache
def _client(url: str, service: str, access_key: str, secret_key: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        config=Config(
            retries={"max_attempts": 1}, s3={"addressing_style": "path"}, read_timeout=30, inject_host_prefix=False
        ),
    )


def packaged(files: Mapping[str, str]) -> bytes:
    """A deployment package with these files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return buffer.getvalue()


def role(instance: Instance, name: str, *statements: Mapping[str, Any]) -> str:
    """The ARN of a role for functions that may write logs and do what the statements say."""
    iam = client(instance, "iam")
    arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    policy = {"Version": "2012-10-17", "Statement": [LOGS, *statements]}
    iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=json.dumps(policy))
    return arn


def service_role(instance: Instance, name: str, service: str, resource: str, *actions: str) -> str:
    """The ARN of a role that a service may assume to do these actions on this resource."""
    iam = client(instance, "iam")
    trust = json.loads(json.dumps(TRUST).replace("lambda.", f"{service}."))
    arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    permit(instance, name, resource, *actions)
    return arn


def permit(instance: Instance, role_name: str, resource: str, *actions: str) -> None:
    """Let a role do these actions on this resource, and nothing else."""
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": resource}
    client(instance, "iam").put_role_policy(
        RoleName=role_name,
        PolicyName="own",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )


def function(instance: Instance, name: str, code: str, *statements: Mapping[str, Any], **settings: Any) -> str:
    """The ARN of a new function whose package has `app.py` with this code."""
    found = client(instance, "lambda").create_function(
        FunctionName=name,
        Role=role(instance, f"{name}-role", *statements),
        **{
            "Runtime": "python3.11",
            "Handler": "app.handler",
            "Code": {"ZipFile": packaged({"app.py": code})},
            **settings,
        },
    )
    arn: str = found["FunctionArn"]
    return arn


@dataclass(frozen=True)
class Invoked:
    payload: Any
    error: str | None
    tail: str


def invoke(instance: Instance, name: str, event: Any = None) -> Invoked:
    """Run a function and wait for it."""
    answer = client(instance, "lambda").invoke(FunctionName=name, Payload=json.dumps(event), LogType="Tail")
    tail = base64.b64decode(answer.get("LogResult", "")).decode()
    return Invoked(json.loads(answer["Payload"].read()), answer.get("FunctionError"), tail)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def fetch(
    port: int,
    path: str,
    *,
    host: str | None = None,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
) -> Answer:
    """One request to the loopback port under any Host; redirects are not followed."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        given = {"Host": f"{host or '127.0.0.1'}:{port}", **(headers or {})}
        connection.request(method, path, body=body, headers=given)
        found = connection.getresponse()
        return Answer(found.status, found.headers, found.read())
    finally:
        connection.close()


def eventually(check: Callable[[], Any], within_s: float = 10.0) -> Any:
    """The first true result of `check`; fails when there is none in time."""
    deadline = time.monotonic() + within_s
    while True:
        found = check()
        if found:
            return found
        assert time.monotonic() < deadline, f"{check} did not become true in {within_s} s"
        time.sleep(0.02)


def queue(instance: Instance, name: str, **attributes: str) -> tuple[str, str]:
    """The URL and the ARN of a new queue."""
    sqs = client(instance, "sqs")
    fifo = {"FifoQueue": "true"} if name.endswith(".fifo") else {}
    url: str = sqs.create_queue(QueueName=name, Attributes={**fifo, **attributes})["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return url, arn


def let_in(instance: Instance, url: str, arn: str, service: str, source: str) -> None:
    """Let a service send to a queue on behalf of one source."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": f"{service}.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": source}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    client(instance, "sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})


def take(instance: Instance, url: str) -> list[dict[str, Any]]:
    """The messages that are there, taken off the queue."""
    sqs = client(instance, "sqs")
    found = sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"], MessageAttributeNames=["All"]
    ).get("Messages", [])
    for message in found:
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return list(found)


class Box:
    """A queue that collects what arrives in it, in order."""

    def __init__(self, instance: Instance, name: str) -> None:
        self.instance = instance
        self.url, self.arn = queue(instance, name)
        self.messages: list[dict[str, Any]] = []

    def look(self) -> list[Any]:
        """The bodies of all messages so far, as JSON where they are."""
        self.messages += take(self.instance, self.url)
        return [_parsed(message["Body"]) for message in self.messages]

    def wait_for(self, count: int, within_s: float = 10.0) -> list[Any]:
        """The bodies once there are this many."""
        return list(eventually(lambda: found if len(found := self.look()) >= count else None, within_s))

    def stays_at(self, count: int, for_s: float = 0.6) -> None:
        """Nothing more arrives for a while."""
        deadline = time.monotonic() + for_s
        while time.monotonic() < deadline:
            assert len(self.look()) == count
            time.sleep(0.05)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
