"""What an update that was broken off has put there is not forgotten, even if nobody wants it any more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from rig import Aws, Folder, failures

pytestmark = pytest.mark.strict

REGION = "eu-central-1"
SITE = "  site: {type: bucket, access: public-read, website: {index: index.html}, content: site}\n"
ROLE = "  r: {type: role, policies: [%s]}\n"
API = "  f: {type: function, code: f}\n  api: {type: http-api, deployment_stage: %s, routes: {GET /: f}}\n"


@pytest.fixture
def folder(aws: Aws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    folder = Folder(tmp_path / "shop", aws, REGION)
    for name, value in folder.environment.items():
        monkeypatch.setenv(name, value)
    for name, text in (("f/app.py", "def handler(event, context):\n    return 1\n"), ("site/index.html", "<p>1</p>")):
        (folder.path / name).parent.mkdir(parents=True, exist_ok=True)
        (folder.path / name).write_text(text)
    return folder


def write(folder: Folder, resources: str) -> None:
    (folder.path / "blueprint.yaml").write_text(f"name: shop\nresources:\n{resources}")


def up(folder: Folder) -> None:
    assert failures(folder.up()) == {}


def breaks(folder: Folder, *fail: str) -> None:
    """`up`, of which something fails after AWS has done it."""
    folder.aws.disturb(fail=list(fail))
    assert len(failures(folder.up())) == 1
    folder.aws.disturb(fail=[])


def raw(folder: Folder, service: str) -> Any:
    return folder.aws.behind(REGION)(service)


def objects(folder: Folder) -> set[str]:
    s3 = raw(folder, "s3")
    [bucket] = s3.list_buckets()["Buckets"]
    return {one["Key"] for one in s3.list_objects_v2(Bucket=bucket["Name"])["Contents"]}


def broken_upload(folder: Folder) -> None:
    write(folder, SITE)
    up(folder)
    (folder.path / "site" / "secret.txt").write_text("not for everybody")
    breaks(folder, "s3.PutObject:after/AccessDenied:1")
    assert objects(folder) == {"index.html", "secret.txt"}
    (folder.path / "site" / "secret.txt").unlink()


def test_a_file_that_left_the_folder_after_its_upload_was_broken_off_goes(folder: Folder):
    broken_upload(folder)

    up(folder)

    assert objects(folder) == {"index.html"}
    assert folder.plan().writes == ()


def test_it_goes_with_the_content_of_a_bucket_that_stays(folder: Folder):
    broken_upload(folder)
    write(folder, SITE.replace(", website: {index: index.html}, content: site", ""))

    up(folder)

    s3 = raw(folder, "s3")
    [bucket] = s3.list_buckets()["Buckets"]
    assert s3.list_objects_v2(Bucket=bucket["Name"])["KeyCount"] == 0


def test_what_somebody_else_put_at_its_place_stays(folder: Folder):
    broken_upload(folder)
    s3 = raw(folder, "s3")
    [bucket] = s3.list_buckets()["Buckets"]
    s3.put_object(Bucket=bucket["Name"], Key="secret.txt", Body=b"theirs")

    up(folder)

    assert objects(folder) == {"index.html", "secret.txt"}


def attached(folder: Folder) -> list[str]:
    iam = raw(folder, "iam")
    [role] = iam.list_roles(PathPrefix="/slx/")["Roles"]
    found = iam.list_attached_role_policies(RoleName=role["RoleName"])["AttachedPolicies"]
    return [one["PolicyArn"] for one in found]


@pytest.mark.parametrize("first", [True, False])
def test_a_policy_that_left_the_blueprint_after_its_attachment_was_broken_off_goes(folder: Folder, first: bool):
    if not first:
        write(folder, ROLE % "")
        up(folder)
    arn = raw(folder, "iam").create_policy(PolicyName="wide", PolicyDocument=WIDE)["Policy"]["Arn"]
    write(folder, ROLE % f'"{arn}"')
    breaks(folder, "iam.AttachRolePolicy:after/AccessDenied:1")
    assert attached(folder) == [arn]
    write(folder, ROLE % "")

    up(folder)

    assert attached(folder) == []
    assert folder.plan().writes == ()


WIDE = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}'


def test_a_stage_that_was_to_go_goes(folder: Folder):
    write(folder, API % "one")
    up(folder)
    write(folder, API % "two")
    breaks(folder, "apigatewayv2.DeleteStage:AccessDenied:1")
    write(folder, API % "three")
    breaks(folder, "apigatewayv2.DeleteStage:AccessDenied:1")

    up(folder)

    gateway = raw(folder, "apigatewayv2")
    [api] = gateway.get_apis()["Items"]
    assert [one["StageName"] for one in gateway.get_stages(ApiId=api["ApiId"])["Items"]] == ["three"]
    assert folder.plan().writes == ()
