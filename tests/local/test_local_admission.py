from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from support import client, fetch, function

from serverless_cli.local import Instance, proof
from serverless_cli.local.server.address import Address, Plane, address

CALLS = [
    ("s3", "list_buckets"),
    ("lambda", "list_functions"),
    ("iam", "list_roles"),
    ("dynamodb", "list_tables"),
    ("sqs", "list_queues"),
]


@pytest.mark.parametrize(("service", "call"), CALLS)
@pytest.mark.parametrize("key", ["test", "000000000000", "111111111111", "AKIAIOSFODNN7EXAMPLE"])
def test_keys_of_nobody_are_refused_in_the_services_own_words(
    instance: Instance, service: str, call: str, key: str
) -> None:
    with pytest.raises(ClientError) as refused:
        getattr(client(instance, service, access_key=key, secret_key="test"), call)()

    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] in (400, 403)
    assert refused.value.response["Error"]["Code"] in (
        "InvalidAccessKeyId", "UnrecognizedClientException", "InvalidClientTokenId",
    )  # fmt: skip


@pytest.mark.parametrize(("service", "call"), CALLS)
def test_the_right_key_with_a_wrong_signature_is_refused(instance: Instance, service: str, call: str) -> None:
    with pytest.raises(ClientError) as refused:
        getattr(client(instance, service, secret_key="wrong"), call)()

    assert refused.value.response["Error"]["Code"] in ("SignatureDoesNotMatch", "InvalidSignatureException")


@pytest.mark.parametrize(("service", "call"), CALLS)
def test_the_instances_key_may_do_all(instance: Instance, service: str, call: str) -> None:
    assert getattr(client(instance, service), call)()["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_the_instances_key_is_the_accounts_root(instance: Instance) -> None:
    found = client(instance, "sts").get_caller_identity()

    assert (found["Account"], found["Arn"]) == (instance.account, f"arn:aws:iam::{instance.account}:root")


def signed(instance: Instance, service: str, path: str = "/", body: bytes = b"", **headers: str) -> dict[str, str]:
    request = AWSRequest("POST" if body else "GET", f"{instance.url}{path}", headers=headers, data=body)
    SigV4Auth(Credentials(instance.access_key, instance.secret_key), service, "us-east-1").add_auth(request)
    return dict(request.headers)


def test_pages_of_other_sites_cannot_use_a_valid_signature(instance: Instance) -> None:
    body = b"{}"
    headers = signed(instance, "dynamodb", "/", body, **{"X-Amz-Target": "DynamoDB_20120810.ListTables"})
    good = fetch(instance.port, "/", method="POST", body=body, headers=headers)

    for extra in (
        {"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"}, {"Host": f"evil.example:{instance.port}"}, {"Host": "127.0.0.1:1"},
        {"Host": f"127.0.0.1.evil.example:{instance.port}"},
    ):  # fmt: skip
        found = fetch(instance.port, "/", method="POST", body=body, headers={**headers, **extra})
        assert found.status in (403, 421), extra
        assert "access-control-allow-origin" not in found.headers

    assert good.status == 200


@pytest.mark.parametrize(
    ("method", "path", "host"),
    [
        ("POST", "/_ministack/reset", None),
        ("POST", "/_ministack/reset", "some-bucket.localhost"),
        ("POST", "/_ministack/reset", "x.lambda-url.us-east-1.localhost"),
        ("POST", "/_ministack/reset", "abc.execute-api.localhost"),
        ("POST", "/_ministack/config", None),
        ("GET", "/_ministack/health", None),
        ("GET", "/_localstack/health", None),
        ("GET", "/_aws/sqs/messages", None),
        ("GET", "/health", None),
        ("GET", "/_slx/health", None),
        ("GET", "/_slx/notices", None),
        ("POST", "/_slx/stop", None),
        ("GET", "/2015-03-31/functions/", None),
        ("GET", "/", None),
        ("PUT", "/new-bucket", None),
        ("OPTIONS", "/", None),
    ],
)
def test_without_a_key_nothing_but_the_public_is_open(
    instance: Instance, method: str, path: str, host: str | None
) -> None:
    found = fetch(instance.port, path, method=method, host=host)

    assert found.status in (403, 404)
    assert "services" not in found.text


def test_the_engines_own_endpoints_stay_closed_with_the_key_too(instance: Instance) -> None:
    headers = signed(instance, "s3", "/_ministack/health")

    assert fetch(instance.port, "/_ministack/health", headers=headers).status == 403


def test_the_engines_own_endpoints_are_closed_on_the_hosts_of_what_is_open(instance: Instance) -> None:
    client(instance, "s3").create_bucket(Bucket="stays")
    function(instance, "stays", "def handler(e, c): return 1")
    url = client(instance, "lambda").create_function_url_config(FunctionName="stays", AuthType="NONE")["FunctionUrl"]
    hosts = ("stays.localhost", url.removeprefix("https://").split(".")[0] + ".lambda-url.us-east-1.localhost")
    form = {"Content-Type": "multipart/form-data; boundary=b"}

    for host in hosts:
        assert fetch(instance.port, "/_ministack/reset", host=host, method="POST", headers=form).status == 403
        assert fetch(instance.port, "/_aws/sqs/messages", host=host).status == 403

    assert client(instance, "s3").head_bucket(Bucket="stays")


def test_slxs_own_endpoints_take_fresh_proofs_only(instance: Instance) -> None:
    def ask(proven: str, **extra: str) -> int:
        return fetch(instance.port, "/_slx/health", headers={proof.HEADER: proven, **extra}).status

    good = proof.ask(instance.secret_key, "GET", "/_slx/health")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(proof, "time", SimpleNamespace(time=lambda: time.time() - 3600))
        late = proof.ask(instance.secret_key, "GET", "/_slx/health")

    assert ask(good) == 200
    assert ask(proof.ask("wrong", "GET", "/_slx/health")) == 403
    assert ask(proof.ask(instance.secret_key, "POST", "/_slx/stop")) == 403
    assert ask(late) == 403
    assert ask(good, Origin="https://evil.example") == 403


def test_presigned_urls_work_in_a_page_and_fail_when_changed(instance: Instance) -> None:
    s3 = client(instance, "s3")
    s3.create_bucket(Bucket="presigned")
    put = s3.generate_presigned_url("put_object", {"Bucket": "presigned", "Key": "up.txt"})
    get = s3.generate_presigned_url("get_object", {"Bucket": "presigned", "Key": "up.txt"})
    page = {"Origin": "http://anything.example", "Sec-Fetch-Site": "cross-site"}

    def path(url: str) -> str:
        return url.removeprefix(instance.url)

    assert fetch(instance.port, path(put), method="PUT", body=b"hello", headers=page).status == 200
    assert fetch(instance.port, path(get), headers=page).text == "hello"
    assert fetch(instance.port, path(get).replace("up.txt", "other.txt")).status == 403
    assert fetch(instance.port, path(get)[:-1] + ("0" if get[-1] != "0" else "1")).status == 403
    assert fetch(instance.port, "/presigned/up.txt").status == 403


def test_presigned_forms_work_and_others_do_not(instance: Instance) -> None:
    s3 = client(instance, "s3")
    s3.create_bucket(Bucket="forms")
    form = s3.generate_presigned_post("forms", "up.txt")

    def post(fields: dict[str, str]) -> int:
        parts = [f'--b\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n' for k, v in fields.items()]
        parts.append('--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\nhello\r\n--b--\r\n')
        headers = {"Content-Type": "multipart/form-data; boundary=b", "Origin": "http://page.example"}
        return fetch(instance.port, "/forms", method="POST", body="".join(parts).encode(), headers=headers).status

    assert post(form["fields"]) == 204
    assert post({**form["fields"], "key": "elsewhere.txt"}) == 403
    assert post({"key": "unsigned.txt"}) == 403
    assert [item["Key"] for item in s3.list_objects_v2(Bucket="forms")["Contents"]] == ["up.txt"]


def test_a_buckets_own_cors_rules_answer_preflights(instance: Instance) -> None:
    s3 = client(instance, "s3")
    s3.create_bucket(Bucket="corsed")
    rule = {"AllowedMethods": ["PUT"], "AllowedOrigins": ["http://page.example"], "AllowedHeaders": ["*"]}
    s3.put_bucket_cors(Bucket="corsed", CORSConfiguration={"CORSRules": [rule]})

    def ask(origin: str) -> str | None:
        headers = {"Origin": origin, "Access-Control-Request-Method": "PUT"}
        return fetch(instance.port, "/corsed/k", method="OPTIONS", headers=headers).headers[
            "access-control-allow-origin"
        ]

    assert ask("http://page.example") == "http://page.example"
    assert ask("http://evil.example") is None


def test_users_and_their_policies_are_checked(instance: Instance) -> None:
    iam = client(instance, "iam")
    iam.create_user(UserName="reader")
    policy = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}],
    }
    iam.put_user_policy(UserName="reader", PolicyName="p", PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName="reader")["AccessKey"]
    keys = {"access_key": key["AccessKeyId"], "secret_key": key["SecretAccessKey"]}

    assert client(instance, "s3", **keys).list_buckets()["Buckets"]
    with pytest.raises(ClientError, match="AccessDenied"):
        client(instance, "sqs", **keys).list_queues()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_only_loopback_is_bound(instance: Instance) -> None:
    table = Path("/proc/net/tcp").read_text().splitlines()
    listening = [line.split()[1] for line in table if f":{instance.port:04X} " in line and " 0A " in line]

    assert listening == [f"0100007F:{instance.port:04X}"]


@pytest.mark.parametrize(
    ("host", "found"),
    [
        ("127.0.0.1:99", Address(Plane.PLAIN)),
        ("localhost:99", Address(Plane.PLAIN)),
        ("[::1]:99", Address(Plane.PLAIN)),
        ("a.b.s3-website.localhost:99", Address(Plane.SITE, "a.b")),
        ("a.s3-website.eu-west-1.localhost:99", Address(Plane.SITE, "a")),
        ("a.s3-website-us-east-1.localhost:99", Address(Plane.SITE, "a")),
        ("abc1.execute-api.localhost:99", Address(Plane.API, "abc1")),
        ("bucket.localhost:99", Address(Plane.BUCKET, "bucket")),
        ("my.bucket.s3.localhost:99", Address(Plane.BUCKET, "my.bucket")),
        ("x.lambda-url.us-east-1.localhost:99", Address(Plane.FUNCTION, "x")),
        ("localhost", None),
        ("localhost:98", None),
        ("evil.example:99", None),
        ("localhost.evil.example:99", None),
        (".localhost:99", None),
        ("", None),
    ],
)
def test_hosts_are_told_apart(host: str, found: Address | None) -> None:
    assert address(host, 99) == found


@pytest.mark.parametrize("host", ["x.lambda-url.us-east-1.localhost", "abcdef12.execute-api.localhost"])
def test_hosts_of_nothing_do_not_lead_to_the_aws_endpoints(instance: Instance, host: str) -> None:
    target = {"X-Amz-Target": "DynamoDB_20120810.ListTables", "Host": f"{host}:{instance.port}"}
    headers = signed(instance, "dynamodb", "/", b"{}", **target)

    found = fetch(instance.port, "/", method="POST", body=b"{}", headers={**headers, "Origin": "https://evil.example"})

    assert (found.status, found.text) == (404, '{"message":"Not Found"}')
