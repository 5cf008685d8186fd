"""Copies before a teardown: whole, exact, safe to lie in a folder, and proven before anything else happens."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from serverless_cli.app import backup
from serverless_cli.errors import Exit, SlxError
from serverless_cli.events import Copying
from serverless_cli.model import Action, Place, Plan, Ref, Step
from tests.unit.account_fakes import Account

PLACE = Place("shop", "dev", "eu-central-1", "123456789012")
FILES = Step(Action.DELETE, Ref("bucket", "files"), "shop-files")
ITEMS = Step(Action.DELETE, Ref("table", "items"), "shop-dev-items")
JOBS = Step(Action.DELETE, Ref("queue", "jobs"), "shop-dev-jobs")
KEPT = Step(Action.RETAIN, Ref("table", "kept"), "shop-dev-kept")

KEYS = (
    "index.html",
    "a",
    "a/b",
    "a/b/c",
    "folder/",
    "/leading",
    "double//slash",
    "../outside",
    "a/../../outside",
    "..",
    ".",
    "name.",
    "name ",
    "con.txt",
    "Readme",
    "README",
    "caf\u00e9",
    "cafe\u0301",
    "\u202egnp.exe",
    "null\x00byte",
    "line\nbreak",
    "back\\slash",
    "C:windows",
    "what?*",
    "objects.jsonl",
    "manifest.json",
    "x" * 300,
    "/".join("deep" for _ in range(40)),
    "\U0001f600" * 60,
    "\U0001f600" * 100,
)


def plan(*steps: Step) -> Plan:
    return Plan(PLACE, {step.ref: step for step in steps})


def take(account: Account, folder: Path, *steps: Step) -> backup.Backup:
    return backup.take(account, plan(*steps), folder, lambda _: None)


def documents(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_keys_become_files_that_stay_in_their_folder_and_never_meet(tmp_path: Path):
    account = Account(objects={key: key.encode() for key in KEYS})

    take(account, tmp_path / "saved", FILES)

    below = tmp_path / "saved" / "bucket" / "shop-files"
    lines = {one["key"]: one for one in documents(below / "objects.jsonl")}
    assert lines.keys() == set(KEYS)
    files = [(below / one["file"]).resolve() for one in lines.values()]
    assert len({str(path) for path in files}) == len(KEYS)
    assert all(path.is_relative_to(below) for path in files)
    assert all((below / one["file"]).read_bytes() == key.encode() for key, one in lines.items())
    assert (below / "objects" / "index.html").is_file()
    assert {path.name for path in tmp_path.iterdir()} == {"saved"}


def test_names_that_a_file_system_does_not_tell_apart_fall_back_to_digests(tmp_path: Path):
    from serverless_cli.resources import bucket_copy

    (tmp_path / "objects").mkdir()
    (tmp_path / "objects" / "Readme").write_text("taken, as on a file system that ignores case")

    handle, path = bucket_copy._place(tmp_path, "Readme")
    os.close(handle)

    assert path.name == hashlib.sha256(b"Readme").hexdigest()
    assert (tmp_path / "objects" / "Readme").read_text().startswith("taken")


def test_what_an_object_has_beside_its_content_is_kept_as_put_object_takes_it(tmp_path: Path):
    head = {
        "ContentType": "text/html",
        "CacheControl": "no-cache",
        "Metadata": {"author": "ann"},
        "TagCount": 1,
        "ExpiresString": "Thu, 01 Dec 2033 16:00:00 GMT",
    }
    account = Account(objects={"a": b"1"}, heads={"a": head})

    take(account, tmp_path, FILES)

    [line] = documents(tmp_path / "bucket" / "shop-files" / "objects.jsonl")
    assert line["sha256"] == hashlib.sha256(b"1").hexdigest()
    assert line["put"] == {
        "Key": "a",
        "ContentType": "text/html",
        "CacheControl": "no-cache",
        "Metadata": {"author": "ann"},
        "Expires": "Thu, 01 Dec 2033 16:00:00 GMT",
        "Tagging": "a+b=c%26d",
    }


def test_items_are_kept_in_dynamodbs_own_types(tmp_path: Path):
    item = {
        "id": {"S": "caf\u00e9\n"},
        "n": {"N": "123456789012345678901234567890.12345678"},
        "b": {"B": b"\x00\xff"},
        "bs": {"BS": [b"1", b"2"]},
        "ns": {"NS": ["1", "2.50"]},
        "m": {"M": {"l": {"L": [{"NULL": True}, {"BOOL": False}, {"SS": ["x"]}]}}},
    }
    account = Account(items=[item, {"id": {"S": "2"}}])

    made = take(account, tmp_path, ITEMS)

    path = tmp_path / "table" / "shop-dev-items" / "items.jsonl"
    first, second = documents(path)
    assert first["Item"]["b"]["B"] == base64.b64encode(b"\x00\xff").decode()
    assert first["Item"]["bs"]["BS"] == ["MQ==", "Mg=="]
    assert {key: first["Item"][key] for key in ("id", "n", "ns", "m")} == {
        key: item[key] for key in ("id", "n", "ns", "m")
    }
    assert second == {"Item": {"id": {"S": "2"}}}
    assert account.calls[0] == ("dynamodb.Scan", {"TableName": "shop-dev-items", "ConsistentRead": True})
    assert made.parts[ITEMS.ref].sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_manifest_says_what_is_in_it_and_what_is_not(tmp_path: Path):
    account = Account(objects={"a": b"12", "b": b"3"}, items=[{"id": {"S": "1"}}])

    take(account, tmp_path, FILES, ITEMS, JOBS, KEPT)

    found = json.loads((tmp_path / "manifest.json").read_text())
    assert (found["format"], found["stack"], found["stage"], found["region"]) == (1, "shop", "dev", "eu-central-1")
    parts = {one["id"]: one for one in found["resources"]}
    assert parts.keys() == {"files", "items"}
    assert (parts["files"]["what"], parts["files"]["count"], parts["files"]["bytes"]) == ("objects", 2, 3)
    assert parts["files"]["without"] == "older versions, access control lists"
    assert parts["items"]["file"] == "table/shop-dev-items/items.jsonl"
    assert found["not_saved"] == [{"kind": "queue", "id": "jobs", "name": "shop-dev-jobs"}]
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.skipif(os.name != "posix", reason="modes of files are POSIX's")
def test_only_its_owner_may_read_a_backup(tmp_path: Path):
    folder = tmp_path / "there"
    folder.mkdir(0o755)
    account = Account(objects={"a/b": b"1", "../x": b"2"}, items=[{"id": {"S": "1"}}])

    take(account, folder, FILES, ITEMS)

    modes = {stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*") if path.is_file()}
    assert modes == {0o600}
    assert {stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.rglob("*")) if path.is_dir()} == {0o700}


def fails(account: Account, folder: Path, *steps: Step) -> SlxError:
    """A backup that must not be taken for whole."""
    with pytest.raises(SlxError, match="the backup failed, and nothing was removed") as caught:
        take(account, folder, *steps)
    assert not (folder / "manifest.json").exists()
    return caught.value


@pytest.mark.parametrize("change", ["a new object", "another content", "an object less"])
def test_a_bucket_that_changes_meanwhile_is_not_whole(tmp_path: Path, change: str):
    account = Account(objects={"a": b"1", "b": b"2"})

    def write(operation: str) -> None:
        if account.count("s3.GetObject") == 2:
            account.objects |= {"a new object": {"c": b"3"}, "another content": {"a": b"9"}}.get(change, {})
            if change == "an object less":
                account.objects.pop("a", None)

    account.before = write

    assert "changed while it was saved" in str(fails(account, tmp_path, FILES))


def test_a_table_that_goes_meanwhile_is_not_whole(tmp_path: Path):
    account = Account(items=[{"id": {"S": "1"}}], exists=False)

    assert "went away" in str(fails(account, tmp_path, ITEMS))


def test_content_that_breaks_off_is_asked_for_again(tmp_path: Path):
    account = Account(objects={"a": b"1" * 3_000_000}, breaks=2)

    take(account, tmp_path, FILES)

    assert (tmp_path / "bucket" / "shop-files" / "objects" / "a").stat().st_size == 3_000_000
    assert account.count("s3.GetObject") == 3


def test_content_that_breaks_off_each_time_is_not_whole(tmp_path: Path):
    account = Account(objects={"a": b"1"}, breaks=9)

    assert "broke off" in str(fails(account, tmp_path, FILES))
    assert not (tmp_path / "bucket" / "shop-files" / "objects" / "a").exists()


@pytest.mark.parametrize("head", [{"ContentLength": 7}, {"ETag": '"0123456789abcdef0123456789abcdef"'}])
def test_content_that_is_not_what_s3_says_is_not_whole(tmp_path: Path, head: dict[str, Any]):
    account = Account(objects={"a": b"1"}, heads={"a": head})

    assert "did not arrive as it was sent" in str(fails(account, tmp_path, FILES))


@pytest.mark.parametrize("head", [{"ServerSideEncryption": "aws:kms"}, {"SSECustomerAlgorithm": "AES256"}])
def test_the_etag_of_what_is_encrypted_says_nothing_of_the_content(tmp_path: Path, head: dict[str, Any]):
    account = Account(objects={"a": b"1"}, heads={"a": head})
    account.before = lambda operation: None
    whole = '"0123456789abcdef0123456789abcdef"'
    account.heads["a"] = {**head, "ETag": whole}

    assert "changed while it was saved" in str(fails(account, tmp_path, FILES))


def test_a_copy_that_the_disk_has_changed_is_not_whole(tmp_path: Path):
    path = tmp_path / "table" / "shop-dev-items" / "items.jsonl"
    account = Account()

    class Wicked(list[dict[str, Any]]):
        """Items that have the file cut off behind the writer's back once they have all been asked for."""

        def __iter__(self) -> Any:
            yield from ({"id": {"S": str(number)}} for number in range(20_000))
            with path.open("r+b") as file:
                file.write(b"?")

    account.items = Wicked()

    assert "is not what was written" in str(fails(account, tmp_path, ITEMS))


def test_one_failure_stops_all_copies(tmp_path: Path):
    def deny(operation: str) -> None:
        if operation == "dynamodb.Scan":
            raise SlxError("denied", exit_code=Exit.DENIED)

    account = Account(objects={"a": b"1"}, before=deny)

    assert fails(account, tmp_path, FILES, ITEMS).exit_code is Exit.DENIED


def test_a_folder_that_holds_anything_is_not_used(tmp_path: Path):
    (tmp_path / "something").touch()

    with pytest.raises(SlxError, match="is not empty") as caught:
        take(Account(), tmp_path, FILES)

    assert caught.value.exit_code is Exit.USAGE


def test_a_file_is_no_folder(tmp_path: Path):
    (tmp_path / "file").touch()

    with pytest.raises(SlxError, match="is no folder"):
        backup.room(tmp_path / "file")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path):
    tmp_path.chmod(0o500)

    assert "Permission denied" in str(fails(Account(), tmp_path / "no", FILES))


def test_each_copy_is_told_when_it_is_whole(tmp_path: Path):
    told: list[Copying] = []
    account = Account(objects={"a": b"1"}, items=[{"id": {"S": "1"}}])

    backup.take(account, plan(FILES, ITEMS), tmp_path, told.append)

    whole = {one.ref: (one.count, one.saved.what) for one in told if one.saved}
    assert whole == {FILES.ref: (1, "objects"), ITEMS.ref: (1, "items")}
