"""How a large file is divided, and what S3 will call it."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest

from serverless_cli.errors import AwsError
from serverless_cli.packaging.digests import Digests
from serverless_cli.packaging.site import IN_ONE_PIECE, MOST_PARTS, PART, parts
from serverless_cli.resources.content_parts import Window, put_in_parts

LEAST, GREATEST = 5 * 1024**2, 5 * 1024**3
"""bytes of a part that S3 takes; the last may be smaller"""
ZEROS = "0" * 32
"""an MD5"""


@pytest.mark.parametrize("size", [0, 1, PART, IN_ONE_PIECE])
def test_what_is_not_large_goes_in_one_piece(size: int) -> None:
    assert parts(size) == []


@pytest.mark.parametrize(
    "size", [IN_ONE_PIECE + 1, 5 * PART, 200 * 1024**2, PART * MOST_PARTS, PART * MOST_PARTS + 1, 48 * 1024**4]
)
def test_the_parts_of_a_large_one_follow_each_other_and_are_as_large_and_as_many_as_s3_takes(size: int) -> None:
    found = parts(size)

    lengths = [length for _, length in found]
    assert [start for start, _ in found] == [0, *accumulate(lengths)][:-1]
    assert sum(lengths) == size
    assert 1 < len(found) <= MOST_PARTS
    assert {LEAST <= length <= GREATEST for length in lengths[:-1]} == {True}
    assert 0 < lengths[-1] <= lengths[0]


def test_the_etag_of_a_large_file_is_that_of_its_parts_digests(tmp_path: Path) -> None:
    file = tmp_path / "film.mp4"
    with file.open("wb") as out:
        out.write(b"begin")
        out.seek(IN_ONE_PIECE)
        out.write(b"end")
    whole = file.read_bytes()
    each = [hashlib.md5(whole[at : at + PART], usedforsecurity=False).digest() for at in range(0, len(whole), PART)]

    found = Digests(tmp_path, tmp_path / "cache").of("film.mp4", str(file), file.stat(), text=False)

    assert found.etag == f"{hashlib.md5(b''.join(each), usedforsecurity=False).hexdigest()}-5"


@pytest.fixture
def window(tmp_path: Path) -> Iterator[Window]:
    (tmp_path / "file").write_bytes(b"0123456789")
    with (tmp_path / "file").open("rb") as file:
        yield Window(file, 3, 4)


def test_a_window_shows_its_part_alone_as_often_as_it_is_wanted(window: Window) -> None:
    assert window.read() == b"3456"
    assert window.read() == b""
    window.seek(0)
    assert [window.read(3), window.read(3)] == [b"345", b"6"]


def test_a_window_is_as_long_as_its_part(window: Window) -> None:
    assert (window.seek(0, io.SEEK_END), window.tell()) == (4, 4)
    assert window.seek(-1, io.SEEK_CUR) == 3
    assert window.read() == b"6"
    assert window.seek(9) == 9
    assert window.read() == b""


def test_two_windows_on_one_file_do_not_get_into_each_others_way(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"0123456789")
    with (tmp_path / "file").open("rb") as file:
        one, two = Window(file, 0, 5), Window(file, 5, 5)

        assert [one.read(2), two.read(2), one.read(2), two.read(2)] == [b"01", b"56", b"23", b"78"]


def test_of_a_file_that_has_become_shorter_a_window_shows_what_is_left(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"0123")
    with (tmp_path / "file").open("rb") as file:
        assert Window(file, 2, 4).seek(0, io.SEEK_END) == 2
        assert Window(file, 6, 4).seek(0, io.SEEK_END) == 0


class Finished:
    """An S3 that knows the upload no more when it is completed: it was, and the answer got lost, or it never will be."""

    def __init__(self, etag: str | None, part: str = f'"{ZEROS}"') -> None:
        self.etag, self.part = etag, part
        self.aborted: list[str] = []

    def call(self, operation: str, /, **_: Any) -> dict[str, Any]:
        if operation == "s3.CompleteMultipartUpload":
            raise AwsError(operation, "NoSuchUpload", "The specified upload does not exist.")
        return {"UploadId": "u", "ETag": self.part}

    def find(self, operation: str, /, **_: Any) -> dict[str, Any] | None:
        return {"ETag": self.etag} if self.etag else None

    def remove(self, operation: str, /, **_: Any) -> bool:
        self.aborted.append(operation)
        return False

    def map(self, work: Callable[[Any], Any], items: Any) -> list[Any]:
        return [work(item) for item in items]


def put(aws: Any, folder: Path) -> None:
    with (folder / "film.mp4").open("wb") as file:
        file.truncate(IN_ONE_PIECE + 1)
    put_in_parts(aws, folder / "film.mp4", IN_ONE_PIECE + 1, {"Bucket": "b", "Key": "film.mp4"}, ())


def test_an_upload_whose_completion_was_carried_out_already_is_complete(tmp_path: Path) -> None:
    aws = Finished(f'"{hashlib.md5(bytes(5 * 16), usedforsecurity=False).hexdigest()}-5"')

    put(aws, tmp_path)

    assert aws.aborted == []


@pytest.mark.parametrize(
    ("etag", "part"),
    [
        pytest.param(None, ZEROS, id="nothing is there"),
        pytest.param("0123", ZEROS, id="something else is there"),
        pytest.param(f"{ZEROS}-5", ZEROS, id="the version before is there, in as many parts"),
        pytest.param(f"{ZEROS}-5", "AAAAB3Nz", id="what is there cannot be told, as it is encrypted with KMS"),
    ],
)
def test_an_upload_that_is_gone_without_its_object_fails(tmp_path: Path, etag: str | None, part: str) -> None:
    aws = Finished(etag and f'"{etag}"', f'"{part}"')

    with pytest.raises(AwsError, match="upload does not exist"):
        put(aws, tmp_path)

    assert aws.aborted == ["s3.AbortMultipartUpload"]
