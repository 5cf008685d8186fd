"""What only one kind promises: what the common suite cannot ask of all of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from bench import ID, Bench, Row
from rows import (
    ACCOUNT,
    BUCKET,
    CONTENT,
    FUNCTION,
    HTTP_API,
    LAMBDA,
    LOG_GROUP,
    PERMISSION,
    ROLE,
    SITE,
    allowing,
    put,
    site,
)

from serverless_cli.aws.memo import is_read
from serverless_cli.errors import SlxError
from serverless_cli.model import Change, Loss
from serverless_cli.packaging.site import IN_ONE_PIECE
from serverless_cli.resources.content import MARK, ContentSpec
from serverless_cli.resources.function import FunctionSpec
from serverless_cli.resources.http_api_parts import HttpApiSpec
from serverless_cli.resources.role import RoleSpec
from serverless_cli.secret import Secret


def of_kind(row: Row) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("row", [row], ids=str, indirect=True)


def writes(bench: Bench) -> list[str]:
    return [operation for operation in bench.calls.operations if not is_read(operation)]


# HTTP APIs


@of_kind(HTTP_API)
def test_an_api_of_the_same_name_is_no_obstacle_and_is_left_alone(bench: Bench):
    gateway = bench.raw("apigatewayv2")
    theirs = gateway.create_api(Name=bench.name, ProtocolType="HTTP", Tags={"owner": "somebody"})["ApiId"]

    bench.create()
    bench.delete()

    assert [api["ApiId"] for api in gateway.get_apis()["Items"]] == [theirs]


@of_kind(HTTP_API)
def test_of_two_apis_with_our_mark_one_is_kept_and_the_other_removed(bench: Bench):
    gateway = bench.raw("apigatewayv2")
    for _ in range(2):
        gateway.create_api(Name=bench.name, ProtocolType="HTTP", Tags=bench.here().mark.tags)
    first = bench.seen()

    bench.create()

    assert first.spec.twins
    assert [api["ApiId"] for api in gateway.get_apis()["Items"]] == [first.outputs["id"]]
    assert bench.changes() == ()


@of_kind(HTTP_API)
def test_a_second_api_with_our_mark_is_seen_beside_the_one_on_record_and_removed(bench: Bench):
    bench.create()
    gateway = bench.raw("apigatewayv2")
    twin = gateway.create_api(Name=bench.name, ProtocolType="HTTP", Tags=bench.here().mark.tags)["ApiId"]
    gateway.create_api(Name=bench.name, ProtocolType="HTTP", Tags={"owner": "somebody"})

    seen = bench.seen()
    bench.update(bench.wish)

    assert (seen.outputs["id"], seen.spec.twins) == (bench.outputs["id"], (twin,))
    assert twin not in [api["ApiId"] for api in gateway.get_apis()["Items"]]
    assert len(gateway.get_apis()["Items"]) == 2
    assert bench.changes() == ()


@of_kind(HTTP_API)
def test_an_api_whose_record_is_lost_is_deleted_by_its_mark(bench: Bench):
    bench.create()
    bench.forget()

    bench.delete()

    assert bench.raw("apigatewayv2").get_apis()["Items"] == []


@of_kind(HTTP_API)
def test_a_recorded_api_that_is_gone_is_looked_for_by_its_mark(bench: Bench):
    bench.create()
    bench.outputs = {**bench.outputs, "id": "gone"}

    assert bench.seen().outputs["id"] != "gone"


@of_kind(HTTP_API)
def test_one_integration_serves_all_routes_to_a_function(bench: Bench):
    bench.create()
    edited = bench.edited("one more route")

    bench.update(edited)

    found = bench.raw("apigatewayv2").get_integrations(ApiId=bench.outputs["id"])["Items"]
    assert sorted(one["IntegrationUri"] for one in found) == [f"{LAMBDA}:hello", f"{LAMBDA}:items"]


@of_kind(HTTP_API)
def test_integrations_that_no_route_leads_to_are_removed(bench: Bench):
    bench.create()

    bench.update(bench.edited("other routes"))

    found = bench.raw("apigatewayv2").get_integrations(ApiId=bench.outputs["id"])["Items"]
    assert [one["IntegrationUri"] for one in found] == [f"{LAMBDA}:all"]


@of_kind(HTTP_API)
def test_the_old_stage_goes_with_a_new_one(bench: Bench):
    bench.create()

    bench.update(bench.edited("another stage"))

    stages = bench.raw("apigatewayv2").get_stages(ApiId=bench.outputs["id"])["Items"]
    assert [one["StageName"] for one in stages] == ["$default"]
    assert not bench.outputs["url"].endswith("/prod")


@of_kind(HTTP_API)
def test_an_old_stage_that_a_broken_off_change_left_goes(bench: Bench):
    bench.create()
    mark = bench.here().mark.tags
    bench.raw("apigatewayv2").create_stage(ApiId=bench.outputs["id"], StageName="old", AutoDeploy=True, Tags=mark)

    assert [change.field for change in bench.changes()] == ["old_stages"]
    bench.update(bench.wish)

    stages = bench.raw("apigatewayv2").get_stages(ApiId=bench.outputs["id"])["Items"]
    assert [one["StageName"] for one in stages] == ["prod"]
    assert bench.changes() == ()


@of_kind(HTTP_API)
def test_a_stage_that_somebody_added_stays(bench: Bench):
    bench.create()
    gateway = bench.raw("apigatewayv2")
    gateway.create_stage(ApiId=bench.outputs["id"], StageName="mine", AutoDeploy=True)

    changes = bench.changes()

    assert changes == ()


@of_kind(HTTP_API)
def test_the_order_and_case_of_cors_settings_are_no_difference(bench: Bench):
    bench.create()
    bench.update(bench.edited("all of CORS"))
    edited = bench.edited("all of CORS")
    assert isinstance(edited, HttpApiSpec)
    settings = {"AllowOrigins": ["*"], "AllowMethods": ["POST", "GET"], "AllowHeaders": ["X-Id", "Authorization"]}
    bench.raw("apigatewayv2").update_api(
        ApiId=bench.outputs["id"], CorsConfiguration={**settings, "ExposeHeaders": ["X-Count"], "MaxAge": 60}
    )

    assert bench.changes(edited) == ()


# Functions


@of_kind(FUNCTION)
def test_a_secret_that_was_not_given_stays_as_it_is(bench: Bench):
    spec = bench.wish
    assert isinstance(spec, FunctionSpec)
    with_secret = replace(spec, environment={"TOKEN": Secret("s3cr3t"), "GREETING": "Hello"})
    bench.create()
    bench.update(with_secret)

    bench.update(replace(with_secret, environment={"TOKEN": Secret("", known=False), "GREETING": "Hi"}))

    seen = bench.seen().spec
    assert isinstance(seen, FunctionSpec)
    assert seen.environment == {"TOKEN": "s3cr3t", "GREETING": "Hi"}


@of_kind(FUNCTION)
def test_a_function_is_not_made_without_a_secret_that_it_needs(bench: Bench):
    spec = bench.wish
    assert isinstance(spec, FunctionSpec)
    unknown = replace(spec, environment={"TOKEN": Secret("", known=False)})

    with pytest.raises(SlxError, match="TOKEN has no value"):
        bench.kind.create(bench.aws, bench.here(unknown), unknown)

    assert bench.read() is None


@of_kind(FUNCTION)
def test_code_alone_is_uploaded_when_code_alone_has_changed(bench: Bench):
    bench.create()

    bench.update(bench.edited("other code"))

    assert writes(bench) == ["lambda.UpdateFunctionCode"]


# Roles


@of_kind(ROLE)
def test_policies_that_are_no_longer_wished_for_are_detached(bench: Bench):
    bench.create()

    bench.update(bench.edited("another policy"))

    attached = bench.raw("iam").list_attached_role_policies(RoleName=bench.name)["AttachedPolicies"]
    assert [one["PolicyArn"] for one in attached] == [f"{ACCOUNT}:policy/two"]


@of_kind(ROLE)
def test_an_inline_policy_that_somebody_put_there_is_told_of_and_stays(bench: Bench):
    bench.create()
    iam = bench.raw("iam")
    wide = allowing("*")
    iam.put_role_policy(RoleName=bench.name, PolicyName="theirs", PolicyDocument=wide)

    assert bench.changes() == ()
    assert bench.seen().note == "also has the inline policy theirs"
    bench.update(bench.edited("no statements"))
    assert iam.list_role_policies(RoleName=bench.name)["PolicyNames"] == ["theirs"]


@of_kind(ROLE)
def test_policies_that_somebody_attached_are_told_of_and_stay(bench: Bench):
    bench.create()
    bench.raw("iam").attach_role_policy(RoleName=bench.name, PolicyArn=f"{ACCOUNT}:policy/two")
    edited = bench.edited("no policies")

    bench.update(edited)

    attached = bench.raw("iam").list_attached_role_policies(RoleName=bench.name)["AttachedPolicies"]
    assert [one["PolicyName"] for one in attached] == ["two"]
    assert "policy/two" in bench.seen(edited).note


@of_kind(ROLE)
def test_a_role_is_deleted_with_whatever_is_on_it(bench: Bench):
    bench.create()
    bench.raw("iam").attach_role_policy(RoleName=bench.name, PolicyArn=f"{ACCOUNT}:policy/two")
    bench.raw("iam").put_role_policy(RoleName=bench.name, PolicyName="mine", PolicyDocument=allowing("s3:*"))

    bench.delete()

    assert bench.read() is None


@of_kind(ROLE)
def test_the_path_of_a_role_cannot_be_changed(bench: Bench):
    spec = bench.wish
    assert isinstance(spec, RoleSpec)
    bench.create()

    changes = bench.changes(replace(spec, path="/elsewhere/"))

    assert [change.field for change in changes] == ["path"]
    assert bench.kind.create_only == {"path"}


# Permissions, log groups


@of_kind(PERMISSION)
def test_other_statements_of_the_function_are_left_alone(bench: Bench):
    function = bench.name.partition("/")[0]
    client = bench.raw("lambda")
    client.add_permission(FunctionName=function, StatementId="mine", Action="lambda:InvokeFunction", Principal="*")
    bench.create()
    bench.update(bench.edited("another route"))

    bench.delete()

    assert '"mine"' in client.get_policy(FunctionName=function)["Policy"]


@of_kind(PERMISSION)
def test_a_permission_goes_with_its_function(bench: Bench):
    bench.create()
    bench.raw("lambda").delete_function(FunctionName=bench.name.partition("/")[0])

    bench.delete()

    assert bench.read() is None


@of_kind(LOG_GROUP)
def test_a_log_group_whose_name_begins_the_same_is_another_one(bench: Bench):
    bench.raw("logs").create_log_group(logGroupName=bench.name + "-other")

    assert bench.read() is None


@of_kind(LOG_GROUP)
def test_a_log_group_that_lambda_made_is_adopted_by_any_create(bench: Bench):
    bench.raw("logs").create_log_group(logGroupName=bench.name)

    bench.create()

    assert bench.changes() == ()


# Buckets


@of_kind(BUCKET)
def test_tags_of_the_users_own_are_kept_when_the_mark_is_put_on_again(bench: Bench):
    bench.create()
    s3 = bench.raw("s3")
    s3.put_bucket_tagging(Bucket=bench.name, Tagging={"TagSet": [{"Key": "team", "Value": "web"}]})

    bench.update()

    tags = {tag["Key"]: tag["Value"] for tag in s3.get_bucket_tagging(Bucket=bench.name)["TagSet"]}
    assert tags == {"team": "web", **bench.here().mark.tags}


@of_kind(BUCKET)
def test_a_bucket_is_deleted_with_versions_markers_and_uploads(bench: Bench):
    bench.create()
    bench.update(bench.edited("versions"))
    s3 = bench.raw("s3")
    for body in (b"1", b"2"):
        s3.put_object(Bucket=bench.name, Key="a", Body=body)
    s3.delete_object(Bucket=bench.name, Key="a")
    s3.create_multipart_upload(Bucket=bench.name, Key="big")

    bench.delete()

    assert bench.read() is None


@of_kind(BUCKET)
def test_what_deleting_a_bucket_would_lose_is_counted(bench: Bench):
    bench.create()
    for key in ("a", "b"):
        bench.raw("s3").put_object(Bucket=bench.name, Key=key, Body=b"12345")

    assert list(bench.kind.loss(bench.aws, bench.here())) == [Loss("objects", 2, 10)]


@of_kind(BUCKET)
def test_a_public_bucket_is_refused_early_where_the_account_forbids_it(bench: Bench):
    blocked = {"BlockPublicAcls": True, "BlockPublicPolicy": False, "IgnorePublicAcls": False}
    control = bench.raw("s3control")
    control.meta.events.register("before-sign.s3-control", without_account)
    control.put_public_access_block(AccountId="123456789012", PublicAccessBlockConfiguration=blocked)

    [problem] = bench.kind.preflight(bench.aws, bench.here(), bench.wish)

    assert "BlockPublicAcls" in problem.what


def without_account(request: object, **_: object) -> None:
    """boto3 puts the account before the host name, where moto has none."""
    request.url = request.url.replace("123456789012.", "")


@of_kind(BUCKET)
def test_a_private_bucket_is_not_asked_about(bench: Bench):
    private = bench.edited("private")

    assert list(bench.kind.preflight(bench.aws, bench.here(private), private)) == []


# Content


def acl(bench: Bench, key: str) -> set[str]:
    grants = bench.raw("s3").get_object_acl(Bucket=bench.name, Key=key)["Grants"]
    return {one["Permission"] for one in grants if "URI" in one["Grantee"]}


@of_kind(CONTENT)
def test_public_files_can_be_read_by_everybody(bench: Bench):
    bench.create()

    assert [acl(bench, key) for key in SITE] == [{"READ"}] * 3


@of_kind(CONTENT)
def test_files_that_are_no_longer_public_are_put_again_without_the_acl(bench: Bench):
    spec = bench.wish
    assert isinstance(spec, ContentSpec)
    private = replace(spec, public=False)
    bench.create()

    bench.kind.update(bench.aws, bench.here(private), private, (Change(("public",), True, False),))

    assert [acl(bench, key) for key in SITE] == [set()] * 3


@of_kind(CONTENT)
def test_only_files_that_have_changed_are_put(bench: Bench):
    bench.create()

    bench.update(bench.edited("another page"))

    assert writes(bench) == ["s3.PutObject"]


@of_kind(CONTENT)
def test_files_that_are_no_longer_wished_for_are_removed(bench: Bench):
    bench.create()

    bench.update(bench.edited("fewer files"))

    listed = bench.raw("s3").list_objects_v2(Bucket=bench.name)["Contents"]
    assert [one["Key"] for one in listed] == ["index.html"]


@of_kind(CONTENT)
def test_files_that_slx_did_not_put_stay(bench: Bench):
    bench.create()
    put("mine.txt")(bench)

    bench.update(bench.edited("fewer files"))
    bench.delete()

    listed = bench.raw("s3").list_objects_v2(Bucket=bench.name)["Contents"]
    assert [one["Key"] for one in listed] == ["mine.txt"]


@of_kind(CONTENT)
def test_values_are_filled_into_pages(bench: Bench):
    bench.create()

    body = bench.raw("s3").get_object(Bucket=bench.name, Key="index.html")["Body"].read()
    assert body == b"<p>https://api.example"


@of_kind(CONTENT)
def test_headers_that_were_changed_by_hand_are_seen_without_a_record(bench: Bench):
    bench.create()
    body = SITE["app.js"].encode()
    bench.raw("s3").put_object(
        Bucket=bench.name, Key="app.js", Body=body, ContentType="binary/octet-stream", Metadata={MARK: ID}
    )

    assert [change.path for change in bench.changes()] == [
        ("files", "app.js", "content_type"),
        ("files", "app.js", "cache_control"),
    ]


@of_kind(CONTENT)
def test_without_a_record_files_that_carry_no_mark_are_not_ours(bench: Bench):
    bench.create()
    put("mine.txt")(bench)

    seen = bench.seen().spec

    assert isinstance(seen, ContentSpec)
    assert set(seen.files) == set(SITE)


@of_kind(CONTENT)
def test_a_large_file_goes_in_parts_and_is_known_again(bench: Bench):
    wish = bench.wish
    assert isinstance(wish, ContentSpec)
    bench.create()
    with (Path(wish.folder) / "film.mp4").open("wb") as file:
        file.truncate(IN_ONE_PIECE + 1)
    larger = bench.kind.prepare(wish)

    bench.update(larger)

    assert sorted(set(writes(bench))) == ["s3.CompleteMultipartUpload", "s3.CreateMultipartUpload", "s3.UploadPart"]
    assert bench.changes(larger, larger) == ()
    assert bench.changes(larger) == ()
    head = bench.raw("s3").head_object(Bucket=bench.name, Key="film.mp4")
    assert (head["ContentType"], head["CacheControl"], head["Metadata"]) == ("video/mp4", "no-cache", {MARK: ID})
    assert acl(bench, "film.mp4") == {"READ"}


@of_kind(CONTENT)
def test_another_cache_rule_alone_puts_the_file_again(bench: Bench):
    spec = bench.wish
    assert isinstance(spec, ContentSpec)
    bench.create()
    edited = bench.kind.prepare(replace(spec, cache={"*.js": "max-age=60"}))

    bench.update(edited)

    assert bench.changes(edited) == ()


@of_kind(CONTENT)
def test_content_falls_with_its_bucket(bench: Bench):
    bench.create()
    s3 = bench.raw("s3")
    for key in SITE:
        s3.delete_object(Bucket=bench.name, Key=key)
    s3.delete_bucket(Bucket=bench.name)

    bench.delete()

    assert bench.read() is None


@of_kind(CONTENT)
def test_every_page_of_a_large_site_is_listed(bench: Bench):
    files = {f"{number:04}.txt": "x" for number in range(1001)}
    spec = site(bench, files)
    put_all = bench.raw("s3")
    for key in files:
        put_all.put_object(Bucket=bench.name, Key=key, Body=b"x")

    seen = bench.seen(spec, spec).spec

    assert isinstance(seen, ContentSpec)
    assert len(seen.files) == 1001
