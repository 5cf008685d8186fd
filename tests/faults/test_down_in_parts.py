"""`down` that nobody is asked about: what the record names goes first, and meanwhile the rest is looked for.

The record is an old one, as after another machine has gone on: what came since is the rest.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from rig import Aws, Folder, Story, failures

from serverless_cli.app import down
from serverless_cli.errors import Exit, SlxError
from serverless_cli.model import Action, Plan, Report

pytestmark = pytest.mark.strict

REGION = "eu-central-1"
FILES = "  files: {type: bucket}\n"
ITEMS = "  items: {type: table, key: id}\n"
JOBS = "  jobs: {type: queue}\n"
WORK = "  work: {type: function, code: work}\n"
FED = "  work: {type: function, code: work, triggers: [{queue: jobs}]}\n"
NAMED = "  inbox: {type: queue, name: a-name-of-its-own}\n"

Old = Callable[[tuple[str, ...], tuple[str, ...]], Folder]


@pytest.fixture
def old(aws: Aws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Old:
    """Brings up a stack of the first resources, then of the second ones, and forgets of its record what came of that."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    aws.reset(latency_ms=0.0)
    folder = Folder(tmp_path / "shop", aws, REGION)
    for name, value in folder.environment.items():
        monkeypatch.setenv(name, value)
    (folder.path / "work").mkdir(parents=True)
    (folder.path / "work" / "app.py").write_text("def handler(event, context):\n    return event\n")

    def write(*resources: str) -> None:
        (folder.path / "blueprint.yaml").write_text("name: shop\nresources:\n" + "".join(resources))
        assert failures(folder.up()) == {}

    def make(first: tuple[str, ...], second: tuple[str, ...]) -> Folder:
        write(*first)
        [journal] = folder.path.glob(".slx/*/*/*/journal")
        kept = journal.read_bytes()
        write(*second)
        journal.write_bytes(kept)
        return folder

    return make


def parts(folder: Folder, *, agreed: bool) -> list[set[str]]:
    """Takes the stack down; what went in each part. All must go, as AWS wants it."""
    seen: list[Plan] = []
    with down.begin(folder.settings, None, agreed=agreed) as begun:
        more = True
        while more:
            seen.append(begun.plan)
            assert begun.plan.obstacles == ()
            assert failures(run(begun)) == {}
            more = begun.further() or ((proof := begun.sweep()).left and begun.further())
        assert proof.left == ()
    assert folder.aws.left(REGION) == {}
    assert folder.aws.violations == []
    return [{str(step.ref) for step in one.writes} for one in seen]


def run(begun: down.Down) -> Report:
    return begun.run(Story(), threading.Event())


def test_who_has_agreed_need_not_wait_for_a_search_of_services_that_the_record_does_not_name(old: Old):
    folder = old((FILES,), (FILES, ITEMS, JOBS))

    assert parts(folder, agreed=True) == [{"bucket files"}, {"table items", "queue jobs"}]


def test_who_is_asked_is_asked_once_about_all(old: Old):
    folder = old((FILES,), (FILES, ITEMS, JOBS))

    assert parts(folder, agreed=False) == [{"bucket files", "table items", "queue jobs"}]


def test_what_is_of_a_kind_that_the_record_names_is_come_upon_by_the_proof(old: Old):
    folder = old((FILES,), (FILES, "  more: {type: bucket}\n", ITEMS))
    folder.edit("blueprint.yaml", "  more: {type: bucket}\n", "")  # else it tells the name

    assert parts(folder, agreed=True) == [{"bucket files"}, {"table items"}, {"bucket more"}]


def test_an_api_of_the_name_of_one_that_is_recorded_is_another_one(old: Old):
    api = "  api: {type: http-api, routes: {GET /x: work}}\n"
    folder = old((WORK, api), (WORK, api))
    gateway = folder.aws.client("apigatewayv2", REGION)
    [mine] = gateway.get_apis()["Items"]
    gateway.create_api(Name=mine["Name"], ProtocolType="HTTP", Tags=mine["Tags"])

    with down.begin(folder.settings, None, agreed=True) as begun:
        assert failures(run(begun)) == {}
        assert not begun.further()
        assert [one.ref.kind for one in begun.sweep().left] == ["http-api"]
        assert begun.further()
        assert failures(run(begun)) == {}
        assert begun.sweep().left == ()

    assert folder.aws.left(REGION) == {}


def test_who_was_asked_is_told_by_the_proof_what_has_come_since(old: Old):
    folder = old((FILES,), (FILES,))

    with down.begin(folder.settings, None) as begun:
        assert failures(run(begun)) == {}
        tags = {
            f"slx:{key}": value for key, value in {"stack": "shop", "stage": "dev", "region": REGION, "id": "x"}.items()
        }
        pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
        place = {"LocationConstraint": REGION, "Tags": pairs}
        s3 = folder.aws.behind(REGION)("s3")
        s3.create_bucket(Bucket="shop-dev-x", CreateBucketConfiguration=place)
        s3.put_bucket_tagging(Bucket="shop-dev-x", Tagging={"TagSet": pairs})
        assert [one.name for one in begun.sweep().left] == ["shop-dev-x"]
        assert not begun.further()


def test_what_only_the_blueprint_knows_the_name_of_is_found_too(old: Old):
    folder = old((FILES,), (FILES, NAMED))

    assert parts(folder, agreed=True) == [{"bucket files"}, {"queue inbox"}]


def test_a_mapping_that_the_record_does_not_know_goes_before_its_function(old: Old):
    """AWS leaves a mapping without its function behind, and the proxy counts that as a violation."""
    folder = old((WORK,), (FED, JOBS))

    first, *rest = parts(folder, agreed=True)

    assert "function work" in first
    assert {one.partition(" ")[0] for one in first} >= {"mapping", "function"}
    assert rest == [{"queue jobs"}]


def test_without_a_whole_record_all_is_looked_for_first(old: Old):
    folder = old((FILES,), (FILES, ITEMS))
    [journal] = folder.path.glob(".slx/*/*/*/journal")
    journal.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[:-1]))  # its run did not end

    assert parts(folder, agreed=True) == [{"bucket files", "table items"}]


def test_a_copy_is_made_of_all_or_of_nothing(old: Old, tmp_path: Path):
    folder = old((FILES,), (FILES, ITEMS))

    with down.begin(folder.settings, None, agreed=True, into=tmp_path / "copy") as begun:
        assert {str(step.ref) for step in begun.plan.writes} == {"bucket files", "table items"}


def test_what_is_protected_is_told_before_anything_of_its_part_goes(old: Old):
    folder = old((FILES,), (FILES, ITEMS, JOBS))
    dynamodb = folder.aws.client("dynamodb", REGION)
    dynamodb.update_table(TableName="shop-dev-items", DeletionProtectionEnabled=True)

    with down.begin(folder.settings, None, agreed=True) as begun:
        assert failures(run(begun)) == {}
        assert begun.further()
        assert ["items" in one.what for one in begun.plan.obstacles] == [True]

    assert folder.aws.left(REGION).keys() == {"tables", "queues"}


def test_what_is_to_be_retained_stays_and_is_told(old: Old):
    folder = old((FILES,), (FILES, "  items: {type: table, key: id, retain: true}\n"))

    with down.begin(folder.settings, None, agreed=True) as begun:
        assert failures(run(begun)) == {}
        assert begun.further()
        assert [(str(ref), step.action) for ref, step in begun.plan.steps.items()] == [("table items", Action.RETAIN)]
        assert failures(run(begun)) == {}
        assert not begun.further()
        assert begun.sweep().left == ()

    assert folder.aws.left(REGION).keys() == {"tables"}


def test_what_holds_data_is_counted_in_each_part(old: Old):
    folder = old((FILES,), (FILES, ITEMS))
    folder.aws.client("dynamodb", REGION).put_item(TableName="shop-dev-items", Item={"id": {"S": "1"}})

    with down.begin(folder.settings, None, agreed=True) as begun:
        assert begun.losses == {}
        assert failures(run(begun)) == {}
        assert begun.further()
        assert [(str(ref), many[0].count) for ref, many in begun.losses.items()] == [("table items", 1)]


DENIED = [
    "pipes.ListPipes:AccessDeniedException:99:not allowed",
    "firehose.ListDeliveryStreams:AccessDeniedException:99:not allowed",
]


@pytest.mark.parametrize("agreed", [True, False])
def test_what_may_not_be_listed_and_is_not_recorded_bars_nothing_and_is_told(old: Old, agreed: bool):
    """A team's role for its website need not be allowed to list pipes."""
    folder = old((FILES,), (FILES, JOBS))
    folder.aws.disturb(fail=DENIED)

    with down.begin(folder.settings, None, agreed=agreed) as begun:
        assert failures(run(begun)) == {}
        while begun.further():
            assert failures(run(begun)) == {}
        proof = begun.sweep()

    assert (proof.left, proof.unseen) == ((), ("pipe", "delivery-stream"))
    assert not proof.looked.keys() & set(proof.unseen)
    assert folder.aws.left(REGION) == {}


def test_what_is_recorded_and_may_not_be_listed_is_looked_at_by_its_name(old: Old):
    folder = old((FILES, JOBS), (FILES, JOBS))
    folder.aws.disturb(fail=["sqs.ListQueues:AccessDenied:99:not allowed"])

    _, proof = folder.down()

    assert (proof.left, proof.unseen) == ((), ("queue",))
    assert folder.aws.left(REGION) == {}


def test_without_a_record_what_may_not_be_listed_ends_it(old: Old):
    folder = old((FILES,), (FILES,))
    shutil.rmtree(folder.path / ".slx")
    folder.aws.disturb(fail=DENIED)

    with pytest.raises(SlxError) as raised:
        folder.down("shop")

    assert raised.value.exit_code is Exit.DENIED
    assert folder.aws.left(REGION).keys() == {"buckets"}


def test_what_comes_after_a_copy_was_made_is_not_removed_without_one(old: Old, tmp_path: Path):
    folder = old((FILES,), (FILES,))

    with down.begin(folder.settings, None, agreed=True, into=tmp_path / "copy") as begun:
        assert failures(run(begun)) == {}
        mark = {"slx:stack": "shop", "slx:stage": "dev", "slx:region": REGION, "slx:id": "x"}
        s3 = folder.aws.behind(REGION)("s3")
        s3.create_bucket(Bucket="shop-dev-x", CreateBucketConfiguration={"LocationConstraint": REGION})
        pairs = [{"Key": key, "Value": value} for key, value in mark.items()]
        s3.put_bucket_tagging(Bucket="shop-dev-x", Tagging={"TagSet": pairs})
        assert [one.name for one in begun.sweep().left] == ["shop-dev-x"]
        assert not begun.further()


def test_where_a_part_failed_the_next_run_looks_for_all_there_is_before_it_removes_anything(old: Old):
    """What stands in its way may be what nobody has looked for: a function that goes on writing into a bucket."""
    folder = old((FILES,), (FILES, WORK))
    folder.aws.disturb(fail=["s3.DeleteBucket:AccessDenied:1"])

    with down.begin(folder.settings, None, agreed=True) as begun:
        assert {str(step.ref) for step in begun.plan.writes} == {"bucket files"}
        assert [*failures(run(begun))] == ["bucket files"]

    assert [*map(len, parts(folder, agreed=True))] == [4]
