"""Journals that earlier versions of slx wrote, and those that are of another stack."""

from __future__ import annotations

from pathlib import Path

import pytest

from serverless_cli.errors import SlxError
from serverless_cli.model import Ref
from serverless_cli.resources import KINDS
from serverless_cli.state import FileStore, Journal, StackKey
from serverless_cli.state.fold import dump, numbered, parse
from serverless_cli.state.store import JOURNAL, NONE_YET

KEY = StackKey("aws-123456789012-eu-central-1", "website", "dev")
OTHER = StackKey("aws-123456789012-eu-central-1", "website", "prod")
SPECS = {name: kind.spec for name, kind in KINDS.items()}
FIRST = (Path(__file__).parent / "journal-1.jsonl").read_bytes()
"""what the first version of the format looks like: no later slx may take it for something else"""


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    return FileStore(tmp_path / ".slx")


def damaged(store: FileStore) -> list[bytes]:
    return [path.read_bytes() for path in store.root.glob("*/*/*/journal.damaged-*")]


def test_a_journal_of_the_first_version_is_understood_as_it_was_meant(store: FileStore):
    store.write(KEY, JOURNAL, NONE_YET, FIRST)

    record = Journal.recall(store, KEY, SPECS)

    assert record.complete
    assert {str(ref): entry.name for ref, entry in record.entries.items()} == {
        "http-api api": "website-dev-api",
        "bucket site": "website-dev-site-8c158a84",
        "content site": "website-dev-site-8c158a84",
        "function hello": "website-dev-hello",
        "log-group hello": "/aws/lambda/website-dev-hello",
        "permission api.hello.f2a46bad": "website-dev-hello/slx-api-f2a46bad",
        "role hello": "website-dev-hello-bfec39",
    }
    assert [ref for ref, entry in record.entries.items() if type(entry.spec) is not SPECS[ref.kind]] == []
    assert record.entries[Ref("http-api", "api")].outputs["id"] == "a1b2c3d4"
    assert record.entries[Ref("content", "site")].inside == Ref("bucket", "site")
    assert record.entries[Ref("function", "hello")].needs == {Ref("log-group", "hello"), Ref("role", "hello")}
    assert all(entry.expected for entry in record.entries.values())
    assert set(record.outputs) == {"api", "website"}


def test_a_journal_of_the_first_version_goes_on(store: FileStore):
    store.write(KEY, JOURNAL, NONE_YET, FIRST)

    with Journal.open(store, KEY, SPECS) as journal:
        journal.gone(Ref("content", "site"))

    record = Journal.recall(store, KEY, SPECS)
    assert record.complete
    assert len(record.entries) == 6
    assert damaged(store) == []


@pytest.mark.parametrize("version", [0, -1])
def test_versions_that_never_were_are_damage(store: FileStore, version: int):
    content = FIRST.replace(b'"v":1', b'"v":%d' % version)
    lines = b"".join(_summed(text) for text in content.splitlines())
    store.write(KEY, JOURNAL, NONE_YET, lines)

    with Journal.open(store, KEY, SPECS) as journal:
        assert journal.record.entries == {}
        assert not journal.record.complete

    assert damaged(store) == [lines]


@pytest.mark.parametrize("number", [1, 5, -1])
def test_one_line_of_a_later_version_is_enough_to_refuse_and_leave_it(store: FileStore, number: int):
    texts = FIRST.splitlines()
    texts[number] = texts[number].replace(b'"v":1', b'"v":2')
    content = b"".join(_summed(text) for text in texts)
    store.write(KEY, JOURNAL, NONE_YET, content)

    for look in (Journal.open, Journal.recall):
        with pytest.raises(SlxError) as raised:
            look(store, KEY, SPECS)
        assert (raised.value.what, "pip install -U" in raised.value.hint) == (
            "the state was written by a newer slx", True,
        )  # fmt: skip

    assert store.read(KEY, JOURNAL).content == content


def _summed(text: bytes) -> bytes:
    """A line with the checksum that it should have."""
    import zlib

    body = text[: text.rindex(b',"sum":')]
    return body + b',"sum":"%08x"}\n' % zlib.crc32(body)


def test_the_journal_of_another_stack_says_nothing_of_this_one_and_is_kept(store: FileStore):
    store.write(KEY, JOURNAL, NONE_YET, FIRST)
    with Journal.open(store, OTHER, SPECS) as journal:
        assert journal.record.entries == {}
    theirs = numbered(_of(str(OTHER)))
    store.write(KEY, JOURNAL, store.read(KEY, JOURNAL), theirs)

    assert Journal.recall(store, KEY, SPECS).entries == {}
    with Journal.open(store, KEY, SPECS) as journal:
        assert (journal.record.entries, journal.record.complete) == ({}, False)

    assert damaged(store) == [theirs]
    assert store.read(KEY, JOURNAL).content != theirs


def _of(key: str) -> list[dict[str, object]]:
    """The lines of the first version, as of a stack that they name."""
    lines: list[dict[str, object]] = [dict(line) for line in parse(FIRST).lines]
    for line in lines:
        if line["type"] == "describe":
            line["stack"] = {**dict(line["stack"]), "of": key}  # type: ignore[call-overload]
    return lines


def test_a_journal_that_names_its_stack_is_read_as_before(store: FileStore):
    store.write(KEY, JOURNAL, NONE_YET, numbered(_of(str(KEY))))

    assert len(Journal.recall(store, KEY, SPECS).entries) == 7


def test_a_line_that_is_not_numbered_as_it_should_be_is_damage(store: FileStore):
    content = FIRST + dump({"type": "end", "whole": True}, 999)
    store.write(KEY, JOURNAL, NONE_YET, content)

    assert not Journal.recall(store, KEY, SPECS).complete
