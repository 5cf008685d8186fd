"""Reads do not wait for AWS's word on who we are where the account of the credentials is known from before, or the records
name one; if that is another, all of it is done again, and nothing of the one is taken for the other's."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from rig import Folder, failures

from serverless_cli.errors import Exit, SlxError
from serverless_cli.resources import SPECS
from serverless_cli.state.journal import Journal
from serverless_cli.state.lease import Holder
from serverless_cli.state.store import FileStore, StackKey

pytestmark = pytest.mark.strict
OURS, OTHER = "123456789012", "111111111111"
SLOW_MS = 400.0


def recorded_for_another(website: Folder) -> Path:
    """Leaves only records that say that the stack was made in another account."""
    root = website.path / ".slx"
    [ours] = [one for one in root.iterdir() if OURS in one.name]
    other = StackKey(ours.name.replace(OURS, OTHER), "website", "dev")
    with Journal.open(FileStore(root), other, SPECS) as journal:
        journal.start(Holder.me("up website"))
        journal.searched()
    shutil.rmtree(ours)
    return root / other.target


def remembered(website: Folder, account: str) -> None:
    """The machine believes that the credentials are that account's."""
    [file] = Path(website.environment["XDG_CACHE_HOME"]).glob("slx/accounts/*")
    file.write_text(file.read_text().replace(OURS, account))


def forgotten(website: Folder) -> None:
    shutil.rmtree(Path(website.environment["XDG_CACHE_HOME"], "slx/accounts"))


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("journal*")}


def test_a_status_asks_who_we_are_and_all_else_at_once(website: Folder):
    website.aws.reset(latency_ms=SLOW_MS)
    website.up()
    mark = website.aws.mark()

    assert website.status().ok

    calls = website.aws.proxy.calls()[mark:]
    [who] = [one for one in calls if one["operation"] == "GetCallerIdentity"]
    assert [one["operation"] for one in calls if one is not who and one["t_start"] < who["t_end"]]


def test_a_first_up_with_credentials_used_before_asks_who_we_are_and_all_else_at_once(website: Folder):
    website.plan()
    website.aws.reset(latency_ms=SLOW_MS)

    assert failures(website.up()) == {}

    calls = website.aws.proxy.calls()
    [who] = [one for one in calls if one["operation"] == "GetCallerIdentity"]
    beside = [one["operation"] for one in calls if one is not who and one["t_start"] < who["t_end"]]
    assert beside
    assert [one for one in beside if not one.startswith(("Get", "List", "Describe", "Head"))] == []


def test_with_credentials_that_are_another_accounts_after_all_all_is_done_again(website: Folder):
    website.plan()
    remembered(website, OTHER)

    assert failures(website.up()) == {}

    names = [name for names in website.aws.left(website.region).values() for name in names]
    assert names
    assert [name for name in names if OTHER in name] == []
    assert [str(one) for one in (website.path / ".slx").glob("*/*/*/journal") if OTHER in str(one)] == []
    mark = website.aws.mark()
    assert failures(website.up()) == {}
    assert website.aws.writes(mark) == []


def test_with_another_accounts_credentials_the_stack_is_looked_for_there(website: Folder):
    website.up()
    forgotten(website)
    others = recorded_for_another(website)
    before = contents(others)
    mark = website.aws.mark()

    report = website.up()

    assert failures(report) == {}
    assert website.aws.writes(mark) == []
    assert contents(others) == before
    assert {OURS, OTHER} <= {part for one in (website.path / ".slx").iterdir() for part in one.name.split("-")}
    assert website.status("website").ok


def test_what_is_wrong_with_the_credentials_is_told_whatever_was_read(website: Folder, monkeypatch: pytest.MonkeyPatch):
    website.up()
    website.aws.reset(fail=["sts.GetCallerIdentity:InvalidClientTokenId@403:9:The security token is invalid"])

    with pytest.raises(SlxError) as caught:
        website.up()

    assert caught.value.exit_code is Exit.CREDENTIALS
    assert website.aws.writes() == []
