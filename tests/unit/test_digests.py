"""What has not been touched is not read again, and what has been is."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from serverless_cli.packaging.digests import Digests

LATER_NS = 60_000_000_000


class Folder:
    """Files whose digests are asked for a minute after the last of them was written."""

    def __init__(self, root: Path) -> None:
        self.files, self.cache = root / "files", root / "cache"
        self.files.mkdir()
        self.wait_ns = LATER_NS

    def write(self, name: str, text: str) -> None:
        (self.files / name).write_text(text)

    def look(self, *, text: bool = False) -> tuple[dict[str, str], int]:
        """The ETag of each file, and how many had to be read."""
        newest = max((path.stat().st_ctime_ns for path in self.files.iterdir()), default=0)
        digests = Digests(self.files, self.cache, lambda: newest + self.wait_ns)
        found = {
            path.name: digests.of(path.name, str(path), path.stat(), text=text).etag
            for path in sorted(self.files.iterdir())
        }
        digests.keep()
        return found, digests.read


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path)
    made.write("a", "one")
    made.write("b", "two")
    return made


def md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def test_what_was_seen_is_not_read_again(folder: Folder) -> None:
    first = folder.look()

    assert first == ({"a": md5("one"), "b": md5("two")}, 2)
    assert folder.look() == (first[0], 0)


def test_only_what_changed_is_read(folder: Folder) -> None:
    folder.look()
    folder.write("b", "2 2")

    assert folder.look() == ({"a": md5("one"), "b": md5("2 2")}, 1)


def test_a_change_is_seen_even_if_size_and_time_are_put_back(folder: Folder) -> None:
    folder.look()
    before = (folder.files / "b").stat()
    folder.write("b", "owt")
    os.utime(folder.files / "b", ns=(before.st_atime_ns, before.st_mtime_ns))

    assert folder.look()[0]["b"] == md5("owt")


def test_another_file_in_the_same_place_is_read(folder: Folder) -> None:
    folder.look()
    (folder.files / "a").unlink()
    (folder.files / "b").rename(folder.files / "a")

    assert folder.look() == ({"a": md5("two")}, 1)


def test_what_was_written_a_moment_ago_is_read_again_the_next_time(folder: Folder) -> None:
    folder.wait_ns = 1_000_000_000
    folder.look()

    assert folder.look()[1] == 2


def test_the_slots_of_text_are_remembered_and_only_looked_for_in_text(folder: Folder) -> None:
    folder.write("a", "{{URL}} {{url}} {{ URL }} {{A_1}}")
    path = folder.files / "a"

    def slots(*, text: bool) -> frozenset[str]:
        digests = Digests(folder.files, folder.cache, lambda: path.stat().st_ctime_ns + LATER_NS)
        found = digests.of("a", str(path), path.stat(), text=text).slots
        digests.keep()
        return found

    assert [slots(text=False), slots(text=True), slots(text=True)] == [set(), {"URL", "A_1"}, {"URL", "A_1"}]


@pytest.mark.parametrize("harm", ["", "[]", "{", '{"a": 1}', '{"a": []}', '{"a": [1, 2]}', '{"a": "1 2"}'])
def test_a_harmed_memory_costs_time_only(folder: Folder, harm: str) -> None:
    first = folder.look()
    (memory,) = folder.cache.iterdir()
    memory.write_text(harm)

    assert folder.look() == first


def test_a_memory_that_cannot_be_written_costs_time_only(folder: Folder) -> None:
    folder.cache.write_text("a file")

    assert folder.look() == folder.look()


def test_nobody_else_may_read_the_memory(folder: Folder) -> None:
    folder.look()

    assert [oct(path.stat().st_mode & 0o777) for path in (folder.cache, *folder.cache.iterdir())] == ["0o700", "0o600"]
