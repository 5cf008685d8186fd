"""Reads do not wait for AWS's word on who we are where the records name the account; if that is another, all of it is
done again, and nothing of the one is taken for the other's."""

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


def test_with_another_accounts_credentials_the_stack_is_looked_for_there(website: Folder):
    website.up()
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
