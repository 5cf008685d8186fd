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
    return boto3.client(
        service,
        endpoint_url=instance.url,
        region_name="us-east-1",
        aws_access_key_id=keys.get("access_key", instance.access_key),
        aws_secret_access_key=keys.get("secret_key", instance.secret_key),
        config=Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"}, read_timeout=30),
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
