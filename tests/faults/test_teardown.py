"""Teardowns that AWS makes hard, what `down` learns before it asks, what it keeps, and what its proof finds."""

from __future__ import annotations

import base64
import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from rig import Aws, Folder, Story, failures

from serverless_cli import execute
from serverless_cli.app import down, orphans
from serverless_cli.aws.calls import Aws as Calls
from serverless_cli.model import Plan, Report, Sweep
from serverless_cli.resources import KINDS, SPECS
from serverless_cli.resources.base import Here
from serverless_cli.resources.queue import QueueKind
from serverless_cli.state import FileStore, Journal

pytestmark = pytest.mark.strict

REGION = "eu-central-1"
FILES = "  files: {type: bucket, versioning: true}\n"
ITEMS = "  items: {type: table, key: id}\n"
JOBS = "  jobs: {type: queue}\n"
BUS = "  events: {type: event-bus}\n  ours: {type: rule, bus: events, pattern: {source: [shop]}, targets: [jobs]}\n"
WORK = """  work:
    type: function
    code: work
    access: {files: write, items: read}
    triggers: [{queue: jobs}]
"""

Shop = Callable[..., Folder]


@pytest.fixture
def shop(aws: Aws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """Makes a stack of some resources, and brings it up."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    aws.reset(latency_ms=0.0)
    made = Folder(tmp_path / "shop", aws, REGION)
    for name, value in made.environment.items():
        monkeypatch.setenv(name, value)

    def make(*resources: str) -> Folder:
        (made.path / "work").mkdir(parents=True)
        (made.path / "work" / "app.py").write_text("def handler(event, context):\n    return event\n")
        (made.path / "blueprint.yaml").write_text("name: shop\nresources:\n" + "".join(resources))
        assert failures(made.up()) == {}
        return made

    return make


def forget(folder: Folder) -> None:
    """Both the record and the blueprint are lost."""
    shutil.rmtree(folder.path)
    folder.path.mkdir()


def gone(folder: Folder, found: tuple[Report, Sweep]) -> None:
    report, sweep = found
    assert failures(report) == {}
    assert sweep.left == ()
    assert folder.aws.left(REGION) == {}
    assert folder.aws.violations == []


@contextmanager
def planned(folder: Folder) -> Iterator[Plan]:
    with down.begin(folder.settings, "shop") as begun:
        yield begun.plan


def bucket(folder: Folder) -> str:
    [name] = folder.aws.left(REGION)["buckets"]
    return name


# Buckets


def test_a_bucket_goes_with_all_that_is_in_it_even_while_it_is_filled(shop: Shop):
    folder = shop(FILES)
    name, s3 = bucket(folder), folder.aws.client("s3", REGION)
    for body in (b"1", b"2"):
        s3.put_object(Bucket=name, Key="a key\twith a tab", Body=body)
        s3.put_object(Bucket=name, Key="folder/", Body=body)
    s3.delete_object(Bucket=name, Key="folder/")
    s3.create_multipart_upload(Bucket=name, Key="large")

    folder.aws.disturb(fail=["s3.DeleteObjects:partial/AccessDenied:1"])
    report, _ = folder.down()
    assert "folder/" in failures(report)["bucket files"]
    assert folder.aws.left(REGION).keys() == {"buckets"}

    folder.aws.disturb(fail=[])
    mark, emptied = folder.aws.mark(), [0]

    def write() -> None:
        while folder.aws.since(mark).count("s3.DeleteBucket") < 3:
            s3.put_object(Bucket=name, Key="late", Body=b"")
            emptied.append(folder.aws.since(mark).count("s3.DeleteObjects"))

    writer = threading.Thread(target=write)
    writer.start()
    report, sweep = folder.down()
    writer.join()

    assert max(emptied) >= 2
    assert (failures(report), sweep.left, folder.aws.left(REGION)) == ({}, (), {})


# Names that rest, states that take time


def test_busy_tables_go_and_names_that_rest_can_be_used_again_at_once(shop: Shop):
    folder = shop(JOBS, "  changing: {type: table, key: id}\n", "  going: {type: table, key: id}\n")
    dynamodb = folder.aws.client("dynamodb", REGION)
    stream = {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
    dynamodb.update_table(TableName="shop-dev-changing", StreamSpecification=stream)
    dynamodb.delete_table(TableName="shop-dev-going")

    gone(folder, folder.down())

    assert failures(folder.up()) == {}
    gone(folder, folder.down())


# What down learns before it asks


def test_what_would_make_a_teardown_fail_is_told_before_anything_is_asked(shop: Shop):
    folder = shop(JOBS, BUS, "  items: {type: table, key: id, protected: true}\n", "  runner: {type: role}\n")
    events, iam = folder.aws.client("events", REGION), folder.aws.client("iam", REGION)
    events.put_rule(Name="theirs", EventBusName="shop-dev-events", EventPattern='{"source": ["x"]}')
    target = {"Id": "theirs", "Arn": f"arn:aws:sqs:{REGION}:123456789012:shop-dev-jobs"}
    events.put_targets(Rule="shop-dev-ours", EventBusName="shop-dev-events", Targets=[target])
    [role] = folder.aws.left(REGION)["roles"]
    iam.create_instance_profile(InstanceProfileName="machine")
    iam.add_role_to_instance_profile(InstanceProfileName="machine", RoleName=role)
    mark = folder.aws.mark()

    done = folder.slx("down", "shop", "--yes", "--json")

    assert done.returncode == 1, done.stderr
    assert sorted(one["what"] for one in json.loads(done.stdout.splitlines()[0])["obstacles"]) == [
        "event bus shop-dev-events has the rule theirs",
        f"role {role} is in the instance profile machine",
        "rule shop-dev-events/shop-dev-ours has targets that are not slx's: theirs",
        "table shop-dev-items is protected against deletion",
    ]
    assert folder.aws.writes(mark) == []

    events.remove_targets(Rule="shop-dev-ours", EventBusName="shop-dev-events", Ids=["theirs"])
    events.delete_rule(Name="theirs", EventBusName="shop-dev-events")
    iam.remove_role_from_instance_profile(InstanceProfileName="machine", RoleName=role)
    folder.edit("blueprint.yaml", ", protected: true", "")
    folder.up()
    # What may not be looked at beforehand keeps nothing from going.
    folder.aws.disturb(fail=["iam.ListInstanceProfilesForRole:AccessDenied:1"])
    gone(folder, folder.down())


def test_what_others_have_hung_on_a_function_and_its_role_is_told_and_who_writes_goes_first(shop: Shop):
    folder = shop(FILES, ITEMS, JOBS, WORK)
    iam, lambda_ = folder.aws.client("iam", REGION), folder.aws.client("lambda", REGION)
    [role] = folder.aws.left(REGION)["roles"]
    may = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}]}'
    iam.put_role_policy(RoleName=role, PolicyName="by-hand", PolicyDocument=may)
    policy = iam.create_policy(PolicyName="shared", PolicyDocument=may)["Policy"]["Arn"]
    made(lambda: iam.attach_role_policy(RoleName=role, PolicyArn=policy))
    folder.aws.client("sqs", REGION).create_queue(QueueName="theirs")
    source = f"arn:aws:sqs:{REGION}:123456789012:theirs"
    theirs = made(lambda: lambda_.create_event_source_mapping(FunctionName="shop-dev-work", EventSourceArn=source))
    mark = folder.aws.mark()

    with down.begin(folder.settings, "shop") as begun:
        plan, report, sweep = begun.plan, begun.run(Story(), threading.Event()), begun.sweep()

    assert plan.obstacles == ()
    assert sorted(one.what for one in plan.notes) == [
        "an event source mapping of somebody else's calls function shop-dev-work",
        f"the inline policy by-hand goes with role {role}",
    ]
    assert (failures(report), sweep.left) == ({}, ())
    assert folder.aws.left(REGION) == {"mappings": [source], "queues": ["theirs"]}
    assert iam.get_policy(PolicyArn=policy)["Policy"]["AttachmentCount"] == 0
    assert lambda_.get_event_source_mapping(UUID=theirs["UUID"])
    calls = folder.aws.since(mark)
    assert calls.index("lambda.DeleteFunction") < min(
        calls.index("s3.DeleteBucket"), calls.index("dynamodb.DeleteTable")
    )


def made(create: Callable[[], Any]) -> Any:
    """What is created once AWS has made up its mind about a policy."""
    for _ in range(200):
        try:
            return create()
        except ClientError:
            time.sleep(0.05)
    return create()


# Order


# What stays


def test_what_is_to_be_retained_stays_when_record_and_blueprint_are_lost(shop: Shop):
    folder = shop(JOBS, "  items: {type: table, key: id, retain: true}\n", "  files: {type: bucket, retain: true}\n")
    folder.edit("blueprint.yaml", "bucket, retain: true", "bucket")
    folder.edit("blueprint.yaml", "{type: queue}", "{type: queue, retain: true}")
    mark = folder.aws.mark()
    assert failures(folder.up()) == {}
    assert sorted(folder.aws.writes(mark)) == ["s3.PutBucketTagging", "sqs.TagQueue"]
    assert folder.plan().writes == ()
    assert folder.status().ok
    forget(folder)

    report, sweep = folder.down("shop")

    assert failures(report) == {}
    assert sweep.left == ()
    assert folder.aws.left(REGION) == {"tables": ["shop-dev-items"], "queues": ["shop-dev-jobs"]}
    store = FileStore(folder.path / ".slx")
    [key] = store.stacks()
    record = Journal.recall(store, key, SPECS)
    assert record.complete
    assert {str(ref) for ref in record.entries} == {"table items", "queue jobs"}


# What is found


def test_names_of_ones_own_are_found_when_record_and_blueprint_are_lost(shop: Shop):
    folder = shop(
        "  jobs: {type: queue, name: inbox}\n",
        "  items: {type: table, key: id, name: ledger}\n",
        "  files: {type: bucket, name: our-own-files}\n",
        "  events: {type: event-bus, name: busy}\n",
        "  ours: {type: rule, name: rule-of-thumb, bus: events, pattern: {source: [shop]}, targets: [jobs]}\n",
        "  news: {type: topic, name: paper}\n",
        "  runner: {type: role, name: clerk}\n",
    )
    forget(folder)

    gone(folder, folder.down("shop"))


class DeafQueue(QueueKind):
    """Deletes nothing."""

    def delete(self, aws: Calls, here: Here) -> None:
        pass


def test_the_proof_finds_what_a_deletion_has_left_and_what_is_there_again_without_a_mark(shop: Shop):
    folder = shop(JOBS, ITEMS)

    with down.begin(folder.settings, None) as begun:
        report = execute.run(
            begun.plan,
            kinds={**KINDS, "queue": DeafQueue()},
            aws=begun.session.aws,
            journal=begun.journal,
            lease=begun.lease,
            listen=Story(),
        )
        folder.aws.client("dynamodb", REGION).create_table(
            TableName="shop-dev-items",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        sweep = begun.sweep()

    assert failures(report) == {}
    assert {str(one.ref): bool(one.mark) for one in sweep.left} == {"queue jobs": True, "table items": False}

    report, sweep = folder.down()

    assert (failures(report), sweep.left) == ({}, ())
    assert folder.aws.left(REGION) == {"tables": ["shop-dev-items"]}


# Backups


def test_a_backup_that_fails_removes_nothing_and_what_is_saved_can_be_put_back_as_it_was(shop: Shop, tmp_path: Path):
    folder = shop(FILES, ITEMS, JOBS)
    name, s3 = bucket(folder), folder.aws.client("s3", REGION)
    dynamodb = folder.aws.client("dynamodb", REGION)
    keys = ("index.html", "../outside", "folder/", "A", "a", "caf\u00e9 \U0001f600")
    for key in keys:
        s3.put_object(Bucket=name, Key=key, Body=key.encode() * 3, ContentType="text/plain", Metadata={"by": "ann"})
    s3.put_object(Bucket=name, Key="old", Body=b"")
    s3.delete_object(Bucket=name, Key="old")
    item = {"id": {"S": "1"}, "n": {"N": "1.10"}, "b": {"B": b"\x00\xff"}, "s": {"NS": ["1", "2"]}}
    dynamodb.put_item(TableName="shop-dev-items", Item=item)
    folder.aws.client("sqs", REGION).send_message(
        QueueUrl=folder.aws.client("sqs", REGION).get_queue_url(QueueName="shop-dev-jobs")["QueueUrl"], MessageBody="x"
    )

    folder.aws.disturb(fail=["s3.GetObject:AccessDenied:99"])
    mark = folder.aws.mark()
    done = folder.slx("down", "--yes", "--backup", str(tmp_path / "failed"))
    assert done.returncode == 5, done.stderr
    assert "the backup failed, and nothing was removed" in done.stderr
    assert folder.aws.writes(mark) == []
    assert not (tmp_path / "failed" / "manifest.json").exists()

    folder.aws.disturb(fail=[])
    done = folder.slx("down", "--yes", "--json", "--backup", str(tmp_path / "saved"))

    assert done.returncode == 0, done.stderr
    saved = [one for one in map(json.loads, done.stdout.splitlines()) if one["event"] == "saved"]
    assert {(one["id"], one["what"], one["count"]) for one in saved} == {("files", "objects", 6), ("items", "items", 1)}
    assert folder.aws.left(REGION) == {}

    folder.up()
    below = tmp_path / "saved" / "bucket" / name
    for line in (below / "objects.jsonl").read_text().splitlines():
        one = json.loads(line)
        s3.put_object(Bucket=name, Body=(below / one["file"]).read_bytes(), **one["put"])
    for line in (tmp_path / "saved" / "table" / "shop-dev-items" / "items.jsonl").read_text().splitlines():
        one = json.loads(line)["Item"]
        one["b"]["B"] = base64.b64decode(one["b"]["B"])
        dynamodb.put_item(TableName="shop-dev-items", Item=one)

    assert {one["Key"] for one in s3.list_objects_v2(Bucket=name)["Contents"]} == set(keys)
    found = s3.get_object(Bucket=name, Key="../outside")
    assert (found["Body"].read(), found["ContentType"], found["Metadata"]) == (
        b"../outside" * 3, "text/plain", {"by": "ann"},
    )  # fmt: skip
    [back] = dynamodb.scan(TableName="shop-dev-items")["Items"]
    assert {**back, "s": {"NS": sorted(back["s"]["NS"])}} == item


# Orphans


def test_orphans_are_what_carries_a_mark_and_is_recorded_nowhere(shop: Shop):
    folder = shop(JOBS, "  runner: {type: role}\n")
    sqs, logs = folder.aws.client("sqs", REGION), folder.aws.client("logs", REGION)
    own = {"slx:stack": "shop", "slx:stage": "dev", "slx:region": REGION}
    sqs.create_queue(QueueName="shop-dev-second", tags={**own, "slx:id": "second"})
    sqs.create_queue(QueueName="theirs", tags={"owner": "somebody"})
    for group in ("/aws/lambda/shop-dev-gone", "/aws/lambda/somebody-else"):
        logs.create_log_group(logGroupName=group)
    role = {"RoleName": "elsewhere", "Path": "/slx/us-east-1/shop/dev/", "AssumeRolePolicyDocument": "{}"}
    tags = {**own, "slx:region": "us-east-1", "slx:id": "runner"}
    folder.aws.behind(REGION)("iam").create_role(**role, Tags=[{"Key": k, "Value": v} for k, v in tags.items()])
    folder.aws.behind(REGION)("iam").create_role(**{**role, "RoleName": "bare", "Path": f"/slx/{REGION}/shop/dev/"})
    mark = folder.aws.mark()

    found = orphans.orphans(folder.settings)

    assert found.stacks == ()
    assert {(str(one.found.ref), bool(one.place)) for one in found.strays} == {
        ("queue second", True),
        ("log-group /aws/lambda/shop-dev-gone", True),
        ("role bare", False),
    }
    assert folder.aws.writes(mark) == []

    forget(folder)
    [stack] = orphans.orphans(folder.settings).stacks
    assert (stack.place.stack, stack.place.stage, stack.place.region) == ("shop", "dev", REGION)
    assert {str(one.ref) for one in stack.resources} == {"queue jobs", "queue second", "role runner"}
    assert stack.since

    done = folder.slx("orphans", "--json")
    document = json.loads(done.stdout)
    assert [one["remove"] for one in document["stacks"]] == ["slx down shop/dev"]
    assert document["looked"]["queue"] == 2
    assert document["looked"]["role"] == 2

    folder.down("shop/dev")
    left = {kind: sorted(names) for kind, names in folder.aws.left(REGION).items()}
    assert left == {
        "roles": ["bare", "elsewhere"],
        "queues": ["theirs"],
        "groups": ["/aws/lambda/shop-dev-gone", "/aws/lambda/somebody-else"],
    }
