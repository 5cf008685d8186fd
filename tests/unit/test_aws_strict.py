"""The real thing, as far as a laptop has it: moto behind the strict proxy, with AWS's windows, conflicts and faults."""

from __future__ import annotations

import io
import json
import os
import sys
import zipfile
from pathlib import Path

import pytest

from serverless_cli.aws.calls import Passing
from serverless_cli.aws.identity import Connection, Credentials, connect
from serverless_cli.errors import AwsError

pytestmark = pytest.mark.strict

RIG = Path(os.environ.get("SLX_RIG") or Path(__file__).parents[3] / "shared" / "rig") / "strict"
SCALE = 0.05
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
PUBLIC = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::site-1/*"}],
}


@pytest.fixture(scope="module")
def proxy():
    if not (RIG / "strictaws").is_dir():
        pytest.skip(f"the strict proxy is not at {RIG}; set SLX_RIG to the folder that has strict/strictaws")
    os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "false"
    sys.path.append(str(RIG))
    from strictaws import StrictAws

    aws = StrictAws(time_scale=SCALE, rules="all")
    with aws:
        children = list(aws.children)
        yield aws
    for child in children:
        child.stdin.close()
        child.stdout.close()
    sys.path.remove(str(RIG))


@pytest.fixture
def start(proxy, monkeypatch):
    """Empties the account, sets the proxy's options and connects."""
    monkeypatch.setenv("SLX_TIME_SCALE", str(SCALE))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    made: list[Connection] = []

    def begin(**options) -> Connection:
        proxy.reset(**options)
        made.append(connect(region="us-east-1", endpoint_url=proxy.url, credentials=Credentials("AKID", "secret")))
        return made[-1]

    yield begin
    for connection in made:
        connection.close()


def archive() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as folder:
        folder.writestr("handler.py", "def handler(event, context): return 1")
    return file.getvalue()


def make_function(aws) -> None:
    aws.call("logs.CreateLogGroup", logGroupName="/aws/lambda/f")
    role = aws.call("iam.CreateRole", RoleName="r", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    aws.call("lambda.CreateFunction", FunctionName="f", Role=role, Runtime="python3.13", Handler="handler.handler",
             Code={"ZipFile": archive()})  # fmt: skip


def test_a_function_with_a_new_role_and_updates_that_overtake_each_other(proxy, start):
    aws = start(rules="all").aws
    make_function(aws)
    for timeout_s in (5, 6):
        aws.call("lambda.UpdateFunctionConfiguration", FunctionName="f", Timeout=timeout_s)
    assert aws.call("lambda.GetFunction", FunctionName="f")["Configuration"]["Timeout"] == 6
    for rule in ("LMB-01", "LMB-03", "LMB-04"):
        assert proxy.fired(rule) > 0, rule
    assert proxy.report()["violations"] == []


def test_a_role_that_lambda_can_never_assume_ends_with_awss_words(start):
    aws = start(rules="LMB").aws
    with pytest.raises(AwsError, match="cannot be assumed by Lambda") as caught:
        aws.call("lambda.CreateFunction", FunctionName="f", Role="arn:aws:iam::123456789012:role/none",
                 Runtime="python3.13", Handler="handler.handler", Code={"ZipFile": archive()})  # fmt: skip
    assert "150 s" in caught.value.hint


def test_api_calls_within_the_rate_and_in_conflict(proxy, start):
    """Sixty calls at once: the burst is 40, and changes of one API collide."""
    aws = start(rules="AGW", latency_ms=20).aws
    api = aws.call("apigatewayv2.CreateApi", Name="a", ProtocolType="HTTP", once=True)["ApiId"]
    aws.map(lambda n: aws.call("apigatewayv2.CreateRoute", ApiId=api, RouteKey=f"GET /{n}"), range(60))
    assert len(list(aws.pages("apigatewayv2.GetRoutes", "Items", ApiId=api))) == 60
    report = proxy.report()
    assert report["rules"]["AGW-01"]["fired"] > 0
    assert report["violations"] == []


def test_bucket_settings_right_after_the_bucket(proxy, start):
    aws = start(rules="S3").aws
    aws.call("s3.CreateBucket", Bucket="site-1")
    aws.call("s3.PutBucketTagging", Bucket="site-1", Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    flags = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    aws.call("s3.PutPublicAccessBlock", Bucket="site-1", PublicAccessBlockConfiguration=dict.fromkeys(flags, False))
    aws.call("s3.PutBucketPolicy", Bucket="site-1", Policy=json.dumps(PUBLIC), passing=(Passing("AccessDenied"),))
    assert proxy.fired("S3-02") > 0
    assert proxy.fired("S3-08") > 0
    assert proxy.report()["violations"] == []


def test_a_public_policy_on_a_closed_bucket_is_denied_at_once(proxy, start):
    aws = start(rules="S3-08").aws
    aws.call("s3.CreateBucket", Bucket="site-1")
    with pytest.raises(AwsError, match="Access Denied") as caught:
        aws.call("s3.PutBucketPolicy", Bucket="site-1", Policy=json.dumps(PUBLIC))
    assert caught.value.exit_code.name == "DENIED"
    assert proxy.report()["calls"]["s3.PutBucketPolicy"] == 1


def test_a_queue_can_be_made_again_after_a_minute(proxy, start):
    aws = start(rules="SQS-01").aws
    url = aws.call("sqs.CreateQueue", QueueName="q")["QueueUrl"]
    assert aws.remove("sqs.DeleteQueue", QueueUrl=url)
    assert aws.call("sqs.CreateQueue", QueueName="q")["QueueUrl"] == url
    assert proxy.fired("SQS-01") > 0


def test_tables_that_are_busy(proxy, start):
    aws = start(rules="DDB", time_scale=0.2).aws  # so long that a slow machine meets it, too
    aws.call("dynamodb.CreateTable", TableName="t", BillingMode="PAY_PER_REQUEST",
             KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
             AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}])  # fmt: skip
    assert aws.remove("dynamodb.DeleteTable", TableName="t")
    gone = lambda: aws.find("dynamodb.DescribeTable", TableName="t") is None or None  # noqa: E731
    aws.wait("table t to be gone", gone, deadline_s=60)
    assert aws.remove("dynamodb.DeleteTable", TableName="t") is False
    assert proxy.fired("DDB-02") > 0
    assert proxy.report()["violations"] == []


def test_throttles_and_lost_connections_do_not_matter(proxy, start):
    aws = start(rules="none", throttle_rate=0.2, error500_rate=0.1, drop_before_rate=0.1, seed=7).aws
    aws.map(lambda n: aws.call("sns.CreateTopic", Name=f"t{n}"), range(30))
    assert len(list(aws.pages("sns.ListTopics", "Topics"))) == 30


@pytest.mark.parametrize("fault", ["drop-after", "after/InternalFailure@500"])
def test_once_leaves_no_second_api_behind(proxy, start, fault):
    aws = start(rules="none", fail=[f"apigatewayv2.CreateApi:{fault}:1"]).aws
    with pytest.raises(AwsError) as caught:
        aws.call("apigatewayv2.CreateApi", Name="a", ProtocolType="HTTP", once=True)
    assert caught.value.lost
    assert [api["Name"] for api in aws.pages("apigatewayv2.GetApis", "Items")] == ["a"]
    assert proxy.report()["violations"] == []
