"""The life of the website on what behaves like AWS: windows, states that take time, conflicts, silent punishments."""

from __future__ import annotations

import shutil

import pytest
from rig import Folder, failures

from serverless_cli.model import State

pytestmark = pytest.mark.strict

REGIONS = pytest.mark.parametrize("region", ["us-east-1", "eu-central-1"])
WAITED_FOR = {"LMB-01", "LMB-02", "S3-07"}
"""role propagation, Pending and InProgress, public ACLs after Block Public Access: windows that a run must sit out"""
LONG = 0.2
"""windows so long that a slow machine meets them, too"""
ONE_BY_ONE = {"AGW-01", "LMB-07", "S3-03", "LOG-02"}
"""calls on one API, one function's policy, one bucket, one log group: conflicts if two are made at once"""
SETTLED = {"LMB-03", "LMB-04"}
"""changes of a function that is Pending or InProgress: refused, so they must be waited for and not tried"""


@REGIONS
def test_up_sits_out_what_aws_takes_time_for_and_does_nothing_that_aws_would_punish(website: Folder):
    website.aws.reset(time_scale=LONG)

    report = website.up()

    assert failures(report) == {}
    assert website.aws.violations == []
    assert website.aws.rules("armed") >= WAITED_FOR


def test_public_files_wait_until_they_may_be_public_where_there_is_no_website(website: Folder):
    website.aws.reset(time_scale=LONG)
    website.edit("blueprint.yaml", "    website: {index: index.html, error: error.html}\n", "")

    report = website.up()

    assert failures(report) == {}
    assert "S3-07" in website.aws.rules("fired")


def test_nothing_that_must_come_one_by_one_is_done_at_once(website: Folder):
    routes = "".join(f"      {method} /hello: hello\n" for method in ("POST", "PUT", "PATCH", "DELETE"))
    website.edit("blueprint.yaml", "      GET /hello: hello\n", f"      GET /hello: hello\n{routes}")

    report = website.up()

    assert failures(report) == {}
    assert website.aws.rules("checked") >= ONE_BY_ONE
    assert website.aws.rules("fired") & ONE_BY_ONE == set()
    assert website.aws.since().count("lambda.AddPermission") == 5


@REGIONS
def test_a_second_up_has_nothing_to_do_and_only_reads(website: Folder):
    website.up()
    mark = website.aws.mark()

    report = website.up()

    assert failures(report) == {}
    assert website.aws.writes(mark) == []
    assert website.status().ok


@REGIONS
def test_a_change_is_brought_about_by_the_calls_that_it_takes_and_no_others(website: Folder):
    website.up()
    website.edit("blueprint.yaml", "memory_mb: 128", "memory_mb: 256")
    website.edit("blueprint.yaml", "allow_methods: [GET]", "allow_methods: [GET, POST]")
    website.edit("blueprint.yaml", "GET /hello: hello", "GET /hello: hello\n      POST /hello: hello")
    website.edit("function/app.py", "from Lambda", "from a function")
    website.edit("site/error.html", "</title>", "!</title>")
    mark = website.aws.mark()

    report = website.up()

    assert failures(report) == {}
    assert sorted(website.aws.writes(mark)) == [
        "apigatewayv2.CreateRoute",
        "apigatewayv2.UpdateApi",
        "lambda.AddPermission",
        "lambda.UpdateFunctionCode",
        "lambda.UpdateFunctionConfiguration",
        "s3.PutObject",
    ]
    assert website.aws.rules("checked") >= SETTLED
    assert website.aws.rules("fired") & SETTLED == set()
    assert website.aws.violations == []
    assert website.plan().writes == ()


def test_what_is_taken_out_of_the_blueprint_is_taken_down(website: Folder):
    website.edit("blueprint.yaml", "GET /hello: hello", "GET /hello: hello\n      POST /hello: hello")
    website.up()
    website.edit("blueprint.yaml", "\n      POST /hello: hello", "")
    website.edit("blueprint.yaml", "cors:", "# cors:")
    (website.path / "site" / "favicon.svg").unlink()
    mark = website.aws.mark()

    report = website.up()

    assert failures(report) == {}
    assert sorted(website.aws.writes(mark)) == [
        "apigatewayv2.DeleteCorsConfiguration",
        "apigatewayv2.DeleteRoute",
        "lambda.RemovePermission",
        "s3.DeleteObject",
    ]
    assert website.aws.violations == []


def test_another_name_for_the_api_renames_it_and_makes_no_second_one(website: Folder):
    website.up()
    website.edit("blueprint.yaml", "type: http-api", "type: http-api\n    name: Our shop")
    mark = website.aws.mark()

    report = website.up()

    assert failures(report) == {}
    assert website.aws.writes(mark) == ["apigatewayv2.UpdateApi"]
    assert website.aws.left(website.region)["apis"] == ["Our shop"]


def test_a_website_that_becomes_private_stays_one_stack(website: Folder):
    website.up()
    website.edit("blueprint.yaml", "access: public-read #", "access: private #")

    report = website.up()

    assert failures(report) == {}
    assert website.aws.violations == []
    assert website.plan().writes == ()


def drift(website: Folder) -> set[str]:
    """Changes by hand; returns the ids of the resources that have drifted."""
    aws, region = website.aws, website.region
    names = aws.left(region)
    [bucket], [function], [group] = names["buckets"], names["functions"], names["groups"]
    [api] = [one["ApiId"] for one in aws.client("apigatewayv2", region).get_apis()["Items"]]
    [route] = aws.client("apigatewayv2", region).get_routes(ApiId=api)["Items"]
    aws.client("lambda", region).update_function_configuration(FunctionName=function, MemorySize=1024)
    aws.client("apigatewayv2", region).delete_route(ApiId=api, RouteId=route["RouteId"])
    aws.client("s3", region).put_object(Bucket=bucket, Key="index.html", Body=b"hacked", ContentType="text/html")
    aws.client("s3", region).delete_bucket_website(Bucket=bucket)
    aws.client("logs", region).delete_retention_policy(logGroupName=group)
    return {"function hello", "http-api api", "content site", "bucket site", "log-group hello"}


def test_what_was_changed_by_hand_is_told_and_repaired(website: Folder):
    website.up()
    drifted = drift(website)

    told = {str(one.ref) for one in website.status().resources if one.state is State.DRIFTED}
    report = website.up()

    assert told == drifted
    assert failures(report) == {}
    assert website.status().ok


def test_what_was_deleted_by_hand_is_made_again(website: Folder):
    website.up()
    [function] = website.aws.left(website.region)["functions"]
    website.aws.client("lambda", website.region).delete_function(FunctionName=function)

    missing = {str(one.ref).partition(".")[0] for one in website.status().resources if one.state is State.MISSING}
    report = website.up()

    assert missing == {"function hello", "permission api"}
    assert failures(report) == {}
    assert website.status().ok


@REGIONS
def test_down_leaves_nothing(website: Folder):
    website.up()

    report, sweep = website.down()

    assert failures(report) == {}
    assert sweep.left == ()
    assert website.aws.left(website.region) == {}
    assert website.aws.violations == []


def test_up_after_down_starts_from_nothing(website: Folder):
    website.up()
    website.down()
    website.aws.mark()

    with website.planned() as begun:
        actions = {str(step.ref): step.action.value for step in begun.plan.writes}

    assert set(actions.values()) == {"create"}
    assert len(actions) == 7


def test_a_stack_whose_record_is_lost_is_found_by_its_marks(website: Folder):
    website.up()
    shutil.rmtree(website.path / ".slx")
    mark = website.aws.mark()

    report = website.up()

    assert failures(report) == {}
    assert website.aws.writes(mark) == []


def test_a_stack_is_taken_down_without_record_and_blueprint(website: Folder):
    website.up()
    shutil.rmtree(website.path)
    website.path.mkdir()

    report, sweep = website.down("website")

    assert failures(report) == {}
    assert sweep.left == ()
    assert website.aws.left(website.region) == {}
    assert website.aws.violations == []


def test_two_stages_live_side_by_side(website: Folder):
    prod = website.in_stage("prod")
    website.up()
    prod.up()
    mark = website.aws.mark()

    _, sweep = website.down("website/dev")

    assert sweep.left == ()
    assert prod.plan().writes == ()
    assert prod.status("website/prod").ok
    assert not any("prod" in one["path"] for one in website.aws.proxy.calls()[mark:] if one["method"] == "DELETE")
    assert website.aws.violations == []
