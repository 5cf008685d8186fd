"""AWS says no: what is somebody else's, what is denied, who is not let in. Told clearly, and nothing is broken."""

from __future__ import annotations

import json
import threading

import pytest
from rig import Folder, Story, failures

from serverless_cli.errors import Exit, SlxError
from serverless_cli.model import Report, Status

pytestmark = pytest.mark.strict

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"},
        ],
    }
)


def statuses(report: Report) -> dict[str, Status]:
    return {str(ref).partition(".")[0]: one.status for ref, one in report.outcomes.items()}


def attempt(website: Folder) -> Report:
    with website.planned() as begun:
        assert begun.blockers == ()
        return begun.run(Story(), threading.Event())


def their_group(website: Folder) -> None:
    logs = website.aws.client("logs", website.region)
    tags = {"slx:stack": "else", "slx:stage": "dev", "slx:region": website.region, "slx:id": "hello"}
    logs.create_log_group(logGroupName="/aws/lambda/website-dev-hello", tags=tags)


def their_role(website: Folder) -> None:
    stack = website.plan()
    [name] = [step.name for step in stack.writes if step.ref.kind == "role"]
    website.aws.client("iam", website.region).create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)


def their_bucket(website: Folder) -> None:
    [name] = [step.name for step in website.plan().writes if step.ref.kind == "bucket"]
    where = {"LocationConstraint": website.region}
    website.aws.client("s3", website.region).create_bucket(Bucket=name, CreateBucketConfiguration=where)


THEIRS = {"log group": their_group, "role": their_role, "bucket": their_bucket}


@pytest.mark.parametrize("theirs", THEIRS.values(), ids=THEIRS)
def test_what_is_somebody_elses_is_an_obstacle_and_left_as_it_is(website: Folder, theirs):
    theirs(website)
    left, mark = website.aws.left(website.region), website.aws.mark()

    with website.planned() as begun:
        [blocker] = begun.blockers

    assert "exists already and is not this stack's" in blocker.what
    assert "`name:`" in blocker.hint
    assert blocker.where is not None
    assert (website.aws.writes(mark), website.aws.left(website.region)) == ([], left)


def test_a_plan_with_obstacles_is_never_run(website: Folder):
    their_bucket(website)
    mark = website.aws.mark()

    with website.planned() as begun, pytest.raises(SlxError, match="not this stack's"):
        begun.run(Story(), threading.Event())

    assert website.aws.writes(mark) == []


def test_a_bucket_of_another_account_stops_only_what_needs_it(website: Folder):
    website.aws.reset(fail=["s3.CreateBucket:BucketAlreadyExists:1:The requested bucket name is not available."])

    report = attempt(website)

    [error] = failures(report).values()
    assert "names are shared by all of AWS" in error
    assert statuses(report) | {"content site": Status.SKIPPED, "bucket site": Status.FAILED} == statuses(report)
    assert statuses(report)["function hello"] is Status.DONE


def test_a_bucket_that_may_not_be_looked_at_is_an_obstacle(website: Folder):
    website.aws.reset(fail=["s3.GetBucketTagging:AccessDenied:9:Access Denied"])
    mark = website.aws.mark()

    with website.planned() as begun:
        whats = [problem.what for problem in begun.blockers]

    assert len(whats) == 1
    assert "bucket" in whats[0]
    assert website.aws.writes(mark) == []


DENIED = "User: arn:aws:iam::123456789012:user/dev is not authorized to perform: iam:CreateRole on resource: role x"


def test_a_missing_permission_is_named_and_stops_only_what_needs_it(website: Folder):
    website.aws.reset(fail=[f"iam.CreateRole:AccessDenied:9:{DENIED}"])

    report = attempt(website)

    error = next(one.error for one in report.outcomes.values() if one.status is Status.FAILED)
    assert error is not None
    assert (error.exit_code, "iam:CreateRole" in error.hint) == (Exit.DENIED, True)
    assert statuses(report)["function hello"] is Status.SKIPPED
    assert statuses(report)["bucket site"] is Status.DONE
    assert website.aws.since().count("iam.CreateRole") == 1, "a denial of the caller is never tried again"


def test_an_up_after_the_permission_was_given_finishes_the_stack(website: Folder):
    website.aws.reset(fail=[f"iam.CreateRole:AccessDenied:1:{DENIED}"])
    attempt(website)
    website.aws.mark()

    report = website.up()

    assert failures(report) == {}
    assert website.status().ok
    assert website.aws.violations == []


def test_a_half_built_stack_is_taken_down(website: Folder):
    website.aws.reset(fail=[f"iam.CreateRole:AccessDenied:1:{DENIED}"])
    attempt(website)
    website.aws.mark()

    report, sweep = website.down()

    assert failures(report) == {}
    assert sweep.left == ()
    assert website.aws.left(website.region) == {}


def test_an_account_that_blocks_public_access_is_told_before_any_write(website: Folder):
    control = website.aws.client("s3control", website.region)
    control.meta.events.register("before-sign.s3-control", without_account)
    flags = dict.fromkeys(("BlockPublicAcls", "BlockPublicPolicy"), True)
    control.put_public_access_block(AccountId="123456789012", PublicAccessBlockConfiguration=flags)
    mark = website.aws.mark()

    with website.planned() as begun:
        [blocker] = begun.blockers

    assert "Block Public Access" in blocker.what
    assert website.aws.writes(mark) == []


def without_account(request: object, **_: object) -> None:
    """boto3 puts the account before the host name, where the proxy has none."""
    request.url = request.url.replace("123456789012.", "")


def test_an_account_that_blocks_public_access_unseen_fails_with_what_it_may_be(website: Folder):
    website.aws.reset(account_bpa=True)

    report = attempt(website)

    [error] = [one.error for one in report.outcomes.values() if one.status is Status.FAILED]
    assert error is not None
    assert "Block Public Access" in error.hint
    assert statuses(report)["function hello"] is Status.DONE


def test_expired_credentials_are_told_with_the_remedy(website: Folder):
    website.aws.reset(
        fail=["sts.GetCallerIdentity:ExpiredToken:9:The security token included in the request is expired"]
    )

    with pytest.raises(SlxError) as raised, website.planned():
        pass

    assert raised.value.exit_code is Exit.CREDENTIALS
    assert "aws sso login" in raised.value.hint
    assert website.aws.since() == ["sts.GetCallerIdentity"]


def test_an_endpoint_where_nobody_is_is_told_with_its_address(website: Folder, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")

    with pytest.raises(SlxError, match=r"127\.0\.0\.1:9 cannot be reached"), website.planned():
        pass


# Answers that never come, and services that are busy or broken

CREATES = (
    "apigatewayv2.CreateApi",
    "apigatewayv2.CreateIntegration",
    "apigatewayv2.CreateRoute",
    "apigatewayv2.CreateStage",
    "iam.CreateRole",
    "iam.PutRolePolicy",
    "lambda.AddPermission",
    "lambda.CreateFunction",
    "logs.CreateLogGroup",
    "s3.CreateBucket",
    "s3.PutPublicAccessBlock",
    "s3.PutObject",
)


@pytest.mark.parametrize("how", ["drop-after", "after/InternalError@500"], ids=["connection lost", "500"])
def test_creates_whose_answers_were_lost_end_with_one_of_each(website: Folder, how: str):
    website.aws.reset(fail=[f"{operation}:{how}:1" for operation in CREATES])

    report = attempt(website)

    assert failures(report) == {}
    assert {kind: len(names) for kind, names in website.aws.left(website.region).items()} == {
        "roles": 1, "functions": 1, "buckets": 1, "apis": 1, "groups": 1,
    }  # fmt: skip
    [api] = website.aws.client("apigatewayv2", website.region).get_apis()["Items"]
    parts = website.aws.client("apigatewayv2", website.region).get_integrations(ApiId=api["ApiId"])["Items"]
    assert len(parts) == 1
    assert website.aws.violations == []
    assert website.plan().writes == ()


@pytest.mark.parametrize("rate", ["throttle_rate", "error500_rate", "drop_before_rate"])
def test_busy_and_broken_services_are_put_up_with(website: Folder, rate: str):
    website.aws.reset(**{rate: 0.15})

    report = attempt(website)

    assert failures(report) == {}
    assert website.aws.violations == []


def test_deletes_whose_answers_were_lost_leave_nothing(website: Folder):
    deletes = ("apigatewayv2.DeleteApi", "lambda.DeleteFunction", "iam.DeleteRole", "s3.DeleteBucket")
    website.aws.reset(fail=[f"{operation}:drop-after:1" for operation in deletes])
    website.up()

    report, sweep = website.down()

    assert failures(report) == {}
    assert sweep.left == ()
    assert website.aws.left(website.region) == {}
