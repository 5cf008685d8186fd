"""`up --rollback` on what behaves like AWS: a call of a run fails, and all is as it was before."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from failing import QUICK, UP, Fault
from lives import Count
from rig import Aws, Folder, Story, failures
from undone import Trial, Undone, journals, rolled_back, wanted

from serverless_cli.events import Ended, Event
from serverless_cli.model import Action, Status

pytestmark = pytest.mark.strict


def once(*operations: str) -> list[str]:
    """For the proxy: the next call of each operation is denied."""
    return [Fault(one, "denied").option.replace(":9999:", ":1:") for one in operations]


def deny(website: Folder, *operations: str) -> None:
    """As `once`, in an account where something is already: without AWS's rules, which would want to have seen it."""
    website.aws.disturb(rules="none", fail=once(*operations))


def rollback(website: Folder, cancel: threading.Event | None = None) -> Undone:
    with website.planned(undoing=True) as begun:
        assert begun.blockers == ()
        undone = rolled_back(begun, cancel)
    assert undone is not None, "the run went well"
    return undone


def things(website: Folder) -> dict[str, Any]:
    """What the account holds of the website, asked of AWS itself."""
    aws, region = website.aws, website.region
    functions, gateway, s3 = (aws.client(one, region) for one in ("lambda", "apigatewayv2", "s3"))
    found: dict[str, Any] = {"left": aws.left(region)}
    for one in functions.list_functions()["Functions"]:
        name = one["FunctionName"]
        settings = ("MemorySize", "CodeSha256", "Environment", "Timeout", "Role")
        found[name] = {key: one.get(key) for key in settings}
        found[f"{name} policy"] = functions.get_policy(FunctionName=name)["Policy"]
    for api in gateway.get_apis()["Items"]:
        routes = gateway.get_routes(ApiId=api["ApiId"])["Items"]
        found[api["Name"]] = (api["ApiId"], api.get("CorsConfiguration"), sorted(one["RouteKey"] for one in routes))
    for bucket in s3.list_buckets()["Buckets"]:
        for key in (one["Key"] for one in s3.list_objects_v2(Bucket=bucket["Name"]).get("Contents", ())):
            got = s3.get_object(Bucket=bucket["Name"], Key=key)
            found[key] = (got["Body"].read(), got["ContentType"], got.get("CacheControl"))
    return found


def edit(website: Folder) -> None:
    """A change of everything that a website has, with things that are added and things that go."""
    website.edit("blueprint.yaml", "memory_mb: 128", "memory_mb: 256")
    website.edit("blueprint.yaml", "allow_methods: [GET]", "allow_methods: [GET, POST]")
    website.edit("blueprint.yaml", "GET /hello: hello", "POST /hello: hello")
    website.edit("blueprint.yaml", 'fill: {API_URL: "${api.url}"}', 'fill: {API_URL: "${api.url}/v2"}')
    website.edit("function/app.py", "from Lambda", "from a function")
    website.edit("site/error.html", "</title>", "!</title>")
    (website.path / "site" / "new.txt").write_text("new")
    (website.path / "site" / "favicon.svg").unlink()


def test_of_a_first_run_nothing_is_left(website: Folder):
    website.aws.reset(fail=once("s3.PutObject"))

    undone = rollback(website)

    assert list(failures(undone.report)) == ["content site"]
    assert undone.trouble == []
    assert website.aws.left(website.region) == {}
    assert journals(website) == []
    assert website.aws.violations == []


FIRST = ("iam.PutRolePolicy", "lambda.CreateFunction", "apigatewayv2.CreateStage", "lambda.AddPermission")


@pytest.mark.slow
def test_of_a_first_run_nothing_is_left_whatever_failed(aws: Aws, website: Folder, tmp_path: Path):
    aws.disturb(**QUICK)
    trial, count = Trial(aws, tmp_path, "website", UP, QUICK), Count("website, up")

    for operation in FIRST:
        trial.attempt(operation, count)

    assert count.trouble == []
    assert count.numbers["points"] == len(FIRST)
    assert "did_without" not in count.numbers


CHANGES = ("lambda.UpdateFunctionCode", "s3.DeleteObject", "lambda.AddPermission")


def test_what_an_update_changed_is_what_it_was_whatever_failed(website: Folder):
    website.up()
    before = things(website)
    edit(website)
    plan = wanted(website.plan())

    for operation in CHANGES:
        deny(website, operation)
        undone = rollback(website)

        assert list(failures(undone.report)) != []
        assert undone.trouble == []
        assert things(website) == before
        assert website.status().ok
        assert wanted(website.plan()) == plan

    assert failures(website.up()) == {}


def test_a_run_that_is_stopped_is_undone(website: Folder):
    website.up()
    before, cancel = things(website), threading.Event()
    edit(website)

    with website.planned(undoing=True) as begun:

        def stop(event: Event) -> None:
            if isinstance(event, Ended) and event.outcome.step.action is Action.UPDATE:
                cancel.set()

        report = begun.run(stop, cancel)
        back = begun.rollback(report).run(Story(), threading.Event())

    assert report.having(Status.CANCELLED)
    assert failures(back) == {}
    assert things(website) == before
    assert website.status().ok


@pytest.mark.slow
def test_a_deletion_that_failed_last_brings_back_what_had_been_deleted_before_it(website: Folder):
    website.edit("blueprint.yaml", "GET /hello: hello", "GET /hello: hello\n      POST /hello: hello")
    website.up()
    before = things(website)
    website.edit("blueprint.yaml", "      GET /hello: hello\n      POST /hello: hello", "      PUT /hello: hello")
    deny(website, "lambda.RemovePermission")

    undone = rollback(website)

    assert undone.trouble == []
    after = things(website)
    policy = "website-dev-hello policy"
    assert sorted(after.pop(policy)) == sorted(before.pop(policy))
    assert after == before
    assert website.status().ok


def test_secrets_are_brought_back_and_never_recorded(website: Folder):
    secret = "  key: {secret: true, description: A key.}\n"
    website.edit("blueprint.yaml", "parameters:\n", f"parameters:\n{secret}")
    website.edit("blueprint.yaml", 'environment: {GREETING: "${param.greeting}"}', 'environment: {KEY: "${param.key}"}')
    website.parameters = {"key": "the-old-secret"}
    website.up()
    before = things(website)
    edit(website)
    website.parameters = {"key": "the-new-secret"}
    deny(website, "lambda.UpdateFunctionCode")

    undone = rollback(website)

    assert undone.trouble == []
    assert things(website) == before
    assert before["website-dev-hello"]["Environment"]["Variables"] == {"KEY": "the-old-secret"}
    [journal] = journals(website)
    assert b"-secret" not in journal.read_bytes()


@pytest.mark.slow
def test_what_is_somebody_elses_stays_when_all_else_is_undone(website: Folder):
    with website.planned(undoing=True) as begun:
        tags = {"slx:stack": "else", "slx:stage": "dev", "slx:region": website.region, "slx:id": "hello"}
        name = "/aws/lambda/website-dev-hello"
        website.aws.client("logs", website.region).create_log_group(logGroupName=name, tags=tags)
        undone = rolled_back(begun)

    assert undone is not None
    assert undone.trouble == []
    assert website.aws.left(website.region) == {"groups": [name]}
    assert journals(website) == []


@pytest.mark.slow
def test_a_rollback_that_fails_leaves_what_down_takes(website: Folder):
    website.aws.reset(fail=once("s3.PutObject", "lambda.DeleteFunction"))

    undone = rollback(website)

    assert list(failures(undone.back)) == ["function hello"]
    assert website.aws.left(website.region)["functions"] == ["website-dev-hello"]
    _, sweep = website.down()
    assert sweep.left == ()
    assert website.aws.left(website.region) == {}
