"""What is kept between two commands: whole or not at all, nobody else's to read, and never needed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from serverless_cli.aws.accounts import MOST, Accounts
from serverless_cli.cached import keep, recall

OURS, OTHER = "123456789012", "111111111111"


def test_what_is_kept_is_recalled_and_is_the_users_alone(tmp_path: Path) -> None:
    file = tmp_path / "cache/slx/some/file.json"

    keep(file, {"a": [1, "ü"]})

    assert recall(file) == {"a": [1, "ü"]}
    assert file.stat().st_mode & 0o077 == 0
    assert file.parent.stat().st_mode & 0o077 == 0
    assert list(file.parent.iterdir()) == [file]


def test_what_cannot_be_written_whole_leaves_what_was_there(tmp_path: Path) -> None:
    file = tmp_path / "file.json"
    keep(file, "before")

    with pytest.raises(TypeError):
        keep(file, ["after", object()])

    assert recall(file) == "before"
    assert list(tmp_path.iterdir()) == [file]


def test_where_nothing_can_be_written_nothing_is_kept_or_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    keep(tmp_path / "file/below.json", 1)

    assert recall(tmp_path / "file/below.json") is None


def test_what_cannot_be_read_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "cut.json").write_text('{"a": ')
    (tmp_path / "odd.json").write_bytes(b"\xff\xfe\x00")

    assert recall(tmp_path / "cut.json") is None
    assert recall(tmp_path / "odd.json") is None
    assert recall(tmp_path / "none.json") is None


def test_a_keys_account_is_remembered_for_the_next_command_and_per_endpoint(tmp_path: Path) -> None:
    Accounts(tmp_path).learn("AKIAIOSFODNN7EXAMPLE", "", OURS)
    Accounts(tmp_path).learn("AKIAIOSFODNN7EXAMPLE", "http://127.0.0.1:5000", OTHER)

    assert Accounts(tmp_path).of("AKIAIOSFODNN7EXAMPLE", "") == OURS
    assert Accounts(tmp_path).of("AKIAIOSFODNN7EXAMPLE", "http://127.0.0.1:5000") == OTHER
    assert Accounts(tmp_path).of("AKIAI44QH8DHBEXAMPLE", "") is None


def test_the_key_itself_is_not_kept(tmp_path: Path) -> None:
    Accounts(tmp_path).learn("AKIAIOSFODNN7EXAMPLE", "", OURS)

    assert [OURS in file.read_text() for file in tmp_path.iterdir()] == [True]
    assert ["AKIA" in file.read_text() for file in tmp_path.iterdir()] == [False]


def test_what_aws_says_now_counts(tmp_path: Path) -> None:
    Accounts(tmp_path).learn("key", "", OTHER)
    Accounts(tmp_path).learn("key", "", OURS)

    assert Accounts(tmp_path).of("key", "") == OURS


def test_what_is_known_already_is_not_written_again(tmp_path: Path) -> None:
    Accounts(tmp_path).learn("key", "", OURS)
    [before] = [file.stat().st_ino for file in tmp_path.iterdir()]

    Accounts(tmp_path).learn("key", "", OURS)

    assert [file.stat().st_ino for file in tmp_path.iterdir()] == [before]


def test_of_many_keys_the_latest_are_remembered(tmp_path: Path) -> None:
    for number in range(MOST + 1):
        Accounts(tmp_path).learn(f"key {number}", "", OURS)

    assert Accounts(tmp_path).of("key 0", "") is None
    assert Accounts(tmp_path).of("key 1", "") == OURS
    assert Accounts(tmp_path).of(f"key {MOST}", "") == OURS


@pytest.mark.parametrize("what", ["[]", "7", '{"%s": 7}', '{"%s": "../.."}', '{"%s": "12"}', '{"%s": null}', "{"])
def test_what_is_no_account_is_not_presumed(tmp_path: Path, what: str) -> None:
    Accounts(tmp_path).learn("key", "", OURS)
    [file] = tmp_path.iterdir()
    [digest] = json.loads(file.read_text())
    file.write_text(what.replace("%s", digest))

    assert Accounts(tmp_path).of("key", "") is None
    Accounts(tmp_path).learn("key", "", OURS)
    assert Accounts(tmp_path).of("key", "") == OURS
