"""The state that a team shares in S3, and two commands at once; `matrix.py together` tries more of the latter."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import together
from rig import Folder, Story, failures
from together import ADDRESS, BUCKET, Scene

from serverless_cli.app import state, up
from serverless_cli.errors import BlueprintError, SlxError
from serverless_cli.state.lease import Holder
from serverless_cli.state.s3_lease import LOCK
from serverless_cli.state.store import JOURNAL, FileStore

pytestmark = pytest.mark.strict


@pytest.fixture
def shared(website: Folder) -> Folder:
    """The website, with its state in a bucket."""
    assert state.create(website.settings, ADDRESS)
    website.state = ADDRESS
    return website


def objects(folder: Folder, ending: str = "") -> dict[str, bytes]:
    s3 = folder.aws.behind(folder.region)("s3")
    keys = [one["Key"] for one in s3.list_objects_v2(Bucket=BUCKET).get("Contents", ())]
    return {key: s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in keys if key.endswith(ending)}


def put(folder: Folder, key: str, content: bytes) -> None:
    folder.aws.behind(folder.region)("s3").put_object(Bucket=BUCKET, Key=key, Body=content)


def left(folder: Folder) -> dict[str, list[str]]:
    return {kind: names for kind, names in folder.aws.left(folder.region).items() if names != [BUCKET]}


def test_a_stack_with_its_state_in_s3_goes_up_stays_and_comes_down(shared: Folder) -> None:
    report = shared.up()
    [(key, _)] = objects(shared, JOURNAL).items()
    mark = shared.aws.mark()
    again = shared.up()
    written = {one for one in shared.aws.writes(mark) if not one.startswith("s3.")}
    status = shared.status()
    _, sweep = shared.down()

    assert failures(report) == failures(again) == {}
    assert key.startswith("shop/endpoint-")
    assert written == set()
    assert status.ok
    assert sweep.left == ()
    assert left(shared) == {}
    assert objects(shared) == {}, "neither a journal nor a lock is left"
    assert not (shared.path / ".slx").exists()
    assert shared.aws.violations == []


@pytest.mark.parametrize("spoil", ["deleted", pytest.param("corrupt", marks=pytest.mark.slow)])
def test_a_state_that_is_lost_or_spoilt_in_s3_heals(shared: Folder, spoil: str) -> None:
    shared.up()
    [(key, content)] = objects(shared, JOURNAL).items()
    if spoil == "deleted":
        shared.aws.behind(shared.region)("s3").delete_object(Bucket=BUCKET, Key=key)
    else:
        put(shared, key, content.replace(b"hello", b"h\0llo", 3))
        found = state.show(shared.settings, "website")
        assert not found.healthy
    if spoil == "corrupt":
        put(shared, key.replace(JOURNAL, LOCK), b"no lock that slx has written")

    seen = shared.status("website")
    repaired = state.repair(shared.settings, "website")
    mark = shared.aws.mark()
    report = shared.up()

    assert seen.ok
    assert len(repaired.recorded) == len(report.outcomes)
    assert repaired.complete
    assert repaired.forgotten == repaired.foreign == ()
    assert bool(repaired.copies) is (spoil == "corrupt")
    assert failures(report) == {}
    assert [one for one in shared.aws.writes(mark) if not one.startswith("s3.")] == []
    shared.down()
    assert left(shared) == {}


def test_parameters_that_only_the_state_in_s3_remembers_are_found_there(shared: Folder) -> None:
    shared.edit("blueprint.yaml", "{default: Hello, ", "{")
    with pytest.raises(BlueprintError, match="has no value"):
        shared.plan()
    shared.parameters = {"greeting": "hi"}
    shared.up()
    shared.parameters = {}

    plan = shared.plan()
    shared.edit("blueprint.yaml", "resources:", "resorces:")
    mark = shared.aws.mark()
    with pytest.raises(BlueprintError):
        shared.plan()

    assert plan.writes == ()
    assert shared.aws.since(mark) == []


def test_the_state_moves_to_s3_and_back(shared: Folder, website: Folder) -> None:
    website.state = None
    website.up()
    files = FileStore(website.path / ".slx")
    [key] = files.stacks()
    content = files.read(key, JOURNAL).content

    where, moved = state.move(website.settings, None, ADDRESS)

    assert (where, moved) == (ADDRESS, (key,))
    assert files.stacks() == []
    assert list(objects(website).values()) == [content], "only the journal: both locks are free"

    # Cut off before the removal here: run again, it ends.
    files.write(key, JOURNAL, files.read(key, JOURNAL), content)
    assert state.move(website.settings, "website", ADDRESS) == (ADDRESS, (key,))
    assert files.stacks() == []
    assert state.move(website.settings, "website", ADDRESS) == (ADDRESS, ())

    # Another one in its place stays as it is, and so does this one.
    files.write(key, JOURNAL, files.read(key, JOURNAL), content[:-1] + b"x\n")
    with pytest.raises(SlxError, match="has another journal"):
        state.move(website.settings, None, ADDRESS)
    assert list(objects(website).values()) == [content]
    files.delete(key, JOURNAL, files.read(key, JOURNAL))

    website.state = ADDRESS
    state.move(website.settings, None, ".slx")
    assert objects(website) == {}
    assert files.read(key, JOURNAL).content == content
    website.state = None
    assert website.status().ok


def test_a_lock_is_shown_and_taken_away(shared: Folder) -> None:
    shared.up()
    [(key, _)] = objects(shared, JOURNAL).items()
    holder = Holder.me("up website")
    put(shared, key.replace(JOURNAL, LOCK), holder.dump())

    with state.seen_lock(shared.settings, None) as lock:
        assert lock.holder == holder
        lock.remove()

    assert objects(shared, LOCK) == {}
    shared.state = None
    with state.seen_lock(shared.settings, "website") as lock:
        assert lock.holder is None
    with (
        up.begin(shared.settings, None),
        pytest.raises(SlxError, match="ends with its process"),
        state.seen_lock(shared.settings, "website"),
    ):
        pass


def test_a_run_that_loses_its_lock_on_the_way_stops(shared: Folder) -> None:
    """Somebody took it by force: what has begun ends, nothing else is started, and the next run goes on."""
    with shared.planned() as begun:
        [key] = objects(shared, LOCK)
        put(shared, key, Holder.me("down").dump())
        begun.lease._until = 0.0  # type: ignore[attr-defined]
        mark = shared.aws.mark()
        with pytest.raises(SlxError, match="lost its lock"):
            begun.run(Story(), threading.Event())

    assert [one for one in shared.aws.writes(mark) if one != "s3.PutObject"] == []
    assert [*left(shared)] == []
    shared.aws.behind(shared.region)("s3").delete_object(Bucket=BUCKET, Key=key)
    assert failures(shared.up()) == {}


# Two processes


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOTO_IAM_LOAD_MANAGED_POLICIES", "false")
        yield from together.account()


def scene(account: Any, store: str, tmp_path: Path) -> Scene:
    return Scene(*account, tmp_path / "machines", store)


@pytest.mark.parametrize("store", together.STORES)
def test_of_two_commands_at_once_one_works_and_the_other_is_told(account: Any, store: str, tmp_path: Path) -> None:
    seen = together.at_once(scene(account, store, tmp_path), "up/up" if store == "file" else "up/down", brief=True)

    assert seen.troubles == []
    assert seen.one_worked


def test_a_killed_ones_lock_in_s3_expires_by_itself(account: Any, tmp_path: Path) -> None:
    seen = together.troubled(scene(account, "s3", tmp_path), "killed", 3, brief=True)

    assert seen.troubles == []
    assert seen.one_worked
