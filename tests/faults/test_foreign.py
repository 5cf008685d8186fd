"""Not ours: what carries another mark, or none, is never touched, and what others put on our things survives.

Not by accident: nothing that holds data is deleted or replaced without the user's word for it.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import every
import foreign
import pytest
from foreign import OTHERS, Thing
from rig import Aws, Folder, Story, failures

from serverless_cli.app import catalog, down
from serverless_cli.model import Action

pytestmark = pytest.mark.strict

REGION = "eu-central-1"
EDITS = (
    ("blueprint.yaml", "      - {to: inbox, input_path: $.detail}\n", ""),
    ("blueprint.yaml", "      - {to: news, input: {kind: news}}\n", ""),
    ("blueprint.yaml", "      - quick\n", ""),
    ("blueprint.yaml", "website: {error: error.html}", "website: {error: index.html}"),
    ("blueprint.yaml", "log_retention_days: null", "log_retention_days: 30"),
)
"""what changes lists that others have entries in, beside what `every.change` does"""
LISTS = {
    "admission inbox", "admission news", "bucket site", "content site", "function work", "http-api api", "log-group hear",
    "notification uploads", "role work", "rule more", "rule ours",
}  # fmt: skip
"""what has such a list, and is to be written by the change"""


@pytest.fixture(scope="module")
def patched() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("AWS_PROFILE", raising=False)
        yield patch


def entered(folder: Folder, patch: pytest.MonkeyPatch) -> Folder:
    for name, value in folder.environment.items():
        patch.setenv(name, value)
    return folder


@dataclass
class Shared:
    """The stack of every type, up, with what others put on and beside it."""

    folder: Folder
    journal: bytes = b""

    path: Path = Path()
    """of the journal"""

    def client(self, service: str) -> object:
        return self.folder.aws.behind(REGION)(service)

    def lose(self) -> None:
        shutil.rmtree(self.folder.path / ".slx", ignore_errors=True)

    def remember(self) -> None:
        self.lose()
        self.path.parent.mkdir(parents=True)
        self.path.write_bytes(self.journal)


@pytest.fixture(scope="module")
def shared(proxy: Aws, patched: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Shared:
    root = tmp_path_factory.mktemp("foreign")
    patched.setenv("XDG_CACHE_HOME", str(root / "cache"))
    proxy.reset(latency_ms=0.0)
    it = Shared(entered(Folder(root / "every", proxy, REGION, parameters=every.PARAMETERS), patched))
    every.copy(it.folder.path)
    every.make_what_exists(lambda service: proxy.client(service, REGION), REGION)
    assert failures(it.folder.up()) == {}
    foreign.let_in(proxy.client("sqs", REGION))
    foreign.put(proxy.behind(REGION))
    [it.path] = it.folder.path.glob(".slx/*/*/*/journal")
    it.journal = it.path.read_bytes()
    return it


def test_what_others_put_on_our_things_is_no_drift_and_survives_changes_byte_for_byte(shared: Shared):
    mark, before = shared.folder.aws.mark(), foreign.seen(shared.client)
    assert failures(shared.folder.up()) == {}
    assert shared.folder.aws.writes(mark) == []

    every.change(shared.folder.path)
    for file, old, new in EDITS:
        shared.folder.edit(file, old, new)
    report = shared.folder.up()

    assert failures(report) == {}
    assert {str(one.step.ref) for one in report.outcomes.values() if one.step.action is not Action.KEEP} >= LISTS
    after = foreign.seen(shared.client)
    gone = {name for name in before if name not in after}
    assert {name: (text, after[name]) for name, text in before.items() if name in after and after[name] != text} == {}
    assert all(name.startswith("tags of") for name in gone), "these went with our own things"
    shared.journal = shared.path.read_bytes()


def test_what_carries_another_mark_or_none_is_in_the_way_and_never_touched(shared: Shared):
    things = sorted(foreign.things(shared.client), key=lambda one: (one.kind, one.name))
    marks = [one.read() for one in things]
    others = [list(OTHERS)[number % len(OTHERS)] for number in range(len(things))]
    for one, other, mark in zip(things, others, marks, strict=True):
        one.carry(other, {key: mark[key] for key in foreign.MARK})
    try:
        refused(shared, things, marks, others)
    finally:
        for one, mark in zip(things, marks, strict=True):
            one.tag(mark)


def refused(shared: Shared, things: list[Thing], marks: list[dict[str, str]], others: list[str]) -> None:
    whose = {(one.kind, mark["slx:id"]): other for one, mark, other in zip(things, marks, others, strict=True)}
    named = {key for key in whose if in_the_way(key[0])}
    before, mark = [one.read() for one in things], shared.folder.aws.mark()

    shared.lose()
    with shared.folder.planned() as begun:
        lost = {(ref.kind, ref.id) for ref in begun.plan.steps}
        blocked = len(begun.plan.obstacles)
    assert blocked == len(named)
    assert lost & named == set()
    with down.begin(shared.folder.settings, "every") as begun:
        assert {(ref.kind, ref.id) for ref in begun.plan.steps} & whose.keys() == set()
        begun.run(Story(), threading.Event())
    assert set(shared.folder.aws.writes(mark)) <= OWN
    mark = shared.folder.aws.mark()

    shared.remember()
    with shared.folder.planned() as begun:
        assert len(begun.plan.obstacles) == len(whose)
    with down.begin(shared.folder.settings, "every") as begun:
        touched = {(ref.kind, ref.current.id) for ref in begun.plan.steps}
    assert touched & whose.keys() == set()
    assert shared.folder.aws.writes(mark) == []
    assert [one.read() for one in things] == before


OWN = {"lambda.DeleteLayerVersion", "s3.PutBucketNotificationConfiguration"}
"""what says by itself whose it is: a layer's versions, whose descriptions stay ours, and entries of notifications"""


def in_the_way(kind: str) -> bool:
    """Without its recorded id an API is none: its name is not unique. A log group without any tag would be taken for
    one that Lambda made; these have tags of others."""
    return kind != "http-api"


# Two regions


@pytest.mark.parametrize("name", ["website", "banking"])
def test_the_same_stack_in_two_regions_shares_nothing(
    proxy: Aws, tmp_path: Path, name: str, patched: pytest.MonkeyPatch
):
    proxy.reset(latency_ms=0.0)
    patched.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = tmp_path / name
    catalog.copy(name, path)
    far, near = Folder(path, proxy, "us-east-1"), Folder(path, proxy, REGION)
    for one in (near, far):
        assert failures(entered(one, patched).up()) == {}
    theirs, mark = snapshot(far), proxy.mark()

    near.edit("blueprint.yaml", "memory_mb: 128", "memory_mb: 256") if name == "website" else near.edit(
        "blueprint.yaml", "retention_s: 1209600", "retention_s: 60"
    )
    assert failures(entered(near, patched).up()) == {}
    shutil.rmtree(path / ".slx")
    report, sweep = near.down(name)

    assert (failures(report), sweep.left) == ({}, ())
    assert snapshot(far) == theirs
    assert {one["region"] for one in proxy.proxy.calls()[mark:]} <= {REGION, "us-east-1"}
    assert [one.kind for one in foreign.things(proxy.behind(REGION)) if one.read()["slx:region"] == REGION] == []
    entered(far, patched)


def snapshot(folder: Folder) -> list[tuple[str, str, dict[str, str]]]:
    """Everything in a region that carries its mark; roles and buckets are listed in all of them."""
    found = [(one.kind, one.name, one.read()) for one in foreign.things(folder.aws.behind(folder.region))]
    return sorted((one for one in found if one[2]["slx:region"] == folder.region), key=repr)


# Data

SHOP = """
name: shop
resources:
  orders: {type: table, key: id}
  jobs: {type: queue}
  clicks: {type: stream}
  files: {type: bucket}
"""
LOSSES = {
    "a table taken out": ("orders", "  orders: {type: table, key: id}\n", ""),
    "a queue taken out": ("jobs", "  jobs: {type: queue}\n", ""),
    "a stream taken out": ("clicks", "  clicks: {type: stream}\n", ""),
    "a bucket taken out": ("files", "  files: {type: bucket}\n", ""),
    "a table with another key": ("orders", "key: id", "key: number"),
    "a queue made FIFO": ("jobs", "{type: queue}", "{type: queue, fifo: true}"),
    "a table renamed": ("orders", "key: id}", "key: id, name: shop-orders}"),
    "a queue renamed": ("jobs", "{type: queue}", "{type: queue, name: shop-jobs}"),
    "a stream renamed": ("clicks", "{type: stream}", "{type: stream, name: shop-clicks}"),
    "a bucket renamed": ("files", "{type: bucket}", "{type: bucket, name: shop-files-2}"),
    "a table with another id": ("orders", "  orders:", "  purchases:"),
    "a queue with another id": ("jobs", "  jobs:", "  tasks:"),
    "a stream with another id": ("clicks", "  clicks:", "  moves:"),
    "a bucket with another id": ("files", "  files:", "  papers:"),
}
DONE = ("a queue made FIFO", "a bucket taken out", "a stream renamed", "a table with another key")
"""those that are carried out, too: one of each kind, one of each sort"""


@pytest.fixture(scope="module")
def shop(proxy: Aws, patched: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Folder:
    proxy.reset(latency_ms=0.0)
    root = tmp_path_factory.mktemp("data")
    patched.setenv("XDG_CACHE_HOME", str(root / "cache"))
    folder = entered(Folder(root, proxy, REGION), patched)
    (root / "blueprint.yaml").write_text(SHOP)
    assert failures(folder.up()) == {}
    return folder


@pytest.mark.parametrize("what", LOSSES)
def test_what_holds_data_is_not_deleted_or_replaced_without_a_word(shop: Folder, what: str):
    id, old, new = LOSSES[what]
    (shop.path / "blueprint.yaml").write_text(SHOP)
    shop.edit("blueprint.yaml", old, new)
    mark = shop.aws.mark()

    for allowed in (frozenset[str](), frozenset({"orders", "jobs", "clicks", "files"} - {id})):
        with shop.planned(allow_delete=allowed) as begun:
            [blocker] = begun.blockers
        assert blocker.hint == f"`--allow-delete {id}` if that is meant"
    with shop.planned(allow_delete=frozenset({id})) as begun:
        assert begun.blockers == ()
        assert {one.ref.root for one in begun.plan.writes if one.loses_data} == {id}

    assert shop.aws.writes(mark) == []


def test_consent_by_itself_is_not_a_word_for_it(shop: Folder):
    (shop.path / "blueprint.yaml").write_text(SHOP.replace("  jobs: {type: queue}\n", ""))
    mark = shop.aws.mark()

    done = shop.slx("up", "--yes")

    assert done.returncode == 1
    assert "--allow-delete jobs" in done.stderr
    assert shop.aws.writes(mark) == []


def test_with_the_users_word_it_is_done(shop: Folder):
    text = SHOP
    for what in DONE:
        _, old, new = LOSSES[what]
        text = text.replace(old, new)
    (shop.path / "blueprint.yaml").write_text(text)

    report = shop.up(allow_delete=frozenset(LOSSES[what][0] for what in DONE))

    assert failures(report) == {}
    assert shop.plan().writes == ()
    left = shop.aws.left(REGION)
    assert (left["tables"], left["queues"], left["streams"]) == (
        ["shop-dev-orders"],
        ["shop-dev-jobs.fifo"],
        ["shop-clicks"],
    )
    assert "buckets" not in left
