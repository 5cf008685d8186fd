"""Files -> a zip whose bytes depend on nothing but their names, contents and executable bits."""

from __future__ import annotations

import hashlib
import io
import stat
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from serverless_cli.packaging.tree import Item

STORED_UP_TO = 1 << 20
"""Deflate's output differs between builds of zlib (zlib-ng, Apple's, Fedora's), so a team's machines would each see
changed code. What is small enough to upload as it is, is not compressed, and is the same everywhere."""
_LEVEL = 6
_CHUNK = 1 << 20
_UNIX = 3


@dataclass(frozen=True, slots=True)
class Zipped:
    """A finished zip: digest and size of the file, and the sum of its contents' sizes."""

    sha256: bytes
    size: int
    unzipped: int


def write(items: Iterable[Item], target: io.BufferedRandom, *, limit: int) -> Zipped:
    """Zips the items in the order given, a chunk at a time. Stops early once the zip is larger than `limit`."""
    items = tuple(items)
    small = sum(item.size for item in items) <= STORED_UP_TO
    method = zipfile.ZIP_STORED if small else zipfile.ZIP_DEFLATED
    unzipped = 0
    with zipfile.ZipFile(target, "w", method, compresslevel=_LEVEL) as archive:
        for item in items:
            unzipped += _add(archive, item, method)
            if target.tell() > limit:
                break
    size = target.tell()
    target.seek(0)
    return Zipped(hashlib.file_digest(target, "sha256").digest(), size, unzipped)


def _add(archive: zipfile.ZipFile, item: Item, method: int) -> int:
    about = zipfile.ZipInfo(item.name, (1980, 1, 1, 0, 0, 0))
    about.create_system = _UNIX  # else the modes that follow mean nothing
    about.external_attr = (stat.S_IFREG | (0o755 if item.executable else 0o644)) << 16
    about.compress_type = method
    about.file_size = item.size
    done = 0
    with Path(item.path).open("rb") as source, archive.open(about, "w") as target:
        while chunk := source.read(_CHUNK):
            target.write(chunk)
            done += len(chunk)
    return done
