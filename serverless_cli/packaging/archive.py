"""Files -> a zip whose bytes depend on nothing but their names, contents and executable bits.

Written field by field, because the standard library cannot take over what is compressed already.
"""

from __future__ import annotations

import hashlib
import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path

from serverless_cli.errors import SlxError
from serverless_cli.packaging.tree import Item, Raw
from serverless_cli.records import dataclass

STORED_UP_TO = 1 << 20
"""Deflate's output differs between builds of zlib (zlib-ng, Apple's, Fedora's), so a team's machines would each see
changed code. What is small enough to upload as it is, is not compressed, and is the same everywhere; what comes from
wheels stays as it was compressed by their makers."""
_LEVEL = 6
_CHUNK = 1 << 20
_UNIX = 3
_VERSION = 20
_UTF8 = 0x800
_NEW_YEAR_1980 = 33
_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s4B4H3L5H2L")
_END = struct.Struct("<4s4H2LH")


@dataclass(frozen=True, slots=True)
class Zipped:
    """A finished zip: digest and size of the file, and the sum of its contents' sizes."""

    sha256: bytes
    size: int
    unzipped: int


@dataclass(frozen=True, slots=True)
class _Entry:
    """What the zip says of one file; `at` is where its header is."""

    item: Item
    at: int
    method: int
    crc: int = 0
    packed: int = 0
    size: int = 0

    @property
    def name(self) -> bytes:
        return self.item.name.encode()

    @property
    def flags(self) -> int:
        return 0 if self.item.name.isascii() else _UTF8

    def local(self) -> bytes:
        fields = (_VERSION, self.flags, self.method, 0, _NEW_YEAR_1980, self.crc, self.packed, self.size)
        return _LOCAL.pack(b"PK\3\4", *fields, len(self.name), 0) + self.name

    def central(self) -> bytes:
        mode = (stat.S_IFREG | (0o755 if self.item.executable else 0o644)) << 16
        about = (_VERSION, _UNIX, _VERSION, 0, self.flags, self.method, 0, _NEW_YEAR_1980)
        sizes = (self.crc, self.packed, self.size, len(self.name), 0, 0, 0, 0)
        return _CENTRAL.pack(b"PK\1\2", *about, *sizes, mode, self.at) + self.name


def write(items: Iterable[Item], target: io.BufferedRandom) -> Zipped:
    """Zips the items in the order given, a chunk at a time. Raises SlxError for more than a zip can hold."""
    items = tuple(items)
    if len(items) > 0xFFFF:
        raise SlxError(f"{len(items)} files are too many for one package", "a zip holds 65535", "leave some out")
    small = sum(item.size for item in items if not item.raw) <= STORED_UP_TO
    method = zipfile.ZIP_STORED if small else zipfile.ZIP_DEFLATED
    entries = [_copy(item, item.raw, target) if item.raw else _add(item, method, target) for item in items]
    start = target.tell()
    target.writelines(entry.central() for entry in entries)
    count, length = len(entries), target.tell() - start
    target.write(_END.pack(b"PK\5\6", 0, 0, count, count, length, start, 0))
    size = target.tell()
    target.seek(0)
    unzipped = sum(entry.size for entry in entries)
    return Zipped(hashlib.file_digest(target, "sha256").digest(), size, unzipped)


def _add(item: Item, method: int, target: io.BufferedRandom) -> _Entry:
    at = target.tell()
    target.write(_Entry(item, at, method).local())
    begun = target.tell()
    crc = size = 0
    deflate = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS) if method else None
    with Path(item.path).open("rb") as source:
        while chunk := source.read(_CHUNK):
            crc, size = zlib.crc32(chunk, crc), size + len(chunk)
            target.write(deflate.compress(chunk) if deflate else chunk)
    if deflate:
        target.write(deflate.flush())
    end = target.tell()
    entry = _Entry(item, at, method, crc, end - begun, size)
    target.seek(at)
    target.write(entry.local())
    target.seek(end)
    return entry


def _copy(item: Item, raw: Raw, target: io.BufferedRandom) -> _Entry:
    entry = _Entry(item, target.tell(), raw.method, raw.crc, raw.size, item.size)
    target.write(entry.local())
    with Path(item.path).open("rb") as source:
        source.seek(raw.header)
        *_, name, extra = _LOCAL.unpack(source.read(_LOCAL.size))
        source.seek(name + extra, io.SEEK_CUR)
        left = raw.size
        while left and (chunk := source.read(min(left, _CHUNK))):
            target.write(chunk)
            left -= len(chunk)
    if left:
        raise OSError(None, "the wheel ends too early", item.path)
    return entry
