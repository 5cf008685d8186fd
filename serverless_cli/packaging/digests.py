"""What S3 would call a folder's files (ETags), remembered by what `stat` says of them: what nobody has touched is not
read again.

`etags/<digest of the folder's path>.json` in the user's cache folder holds what the files looked like. All of it can
be deleted at any time.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

from serverless_cli.cached import cache_folder, keep, recall
from serverless_cli.packaging.cache import SETTLED_NS
from serverless_cli.packaging.site import parts
from serverless_cli.records import dataclass

_PIECE = 1 << 20
_SLOT = re.compile(rb"\{\{([A-Z][A-Z0-9_]*)\}\}")


@dataclass(frozen=True, slots=True)
class Digest:
    """A file's ETag and the names of the `{{SLOTS}}` that it has, if it is text.

    An ETag is the MD5 of all bytes in hexadecimal; of a file in parts, that of their MD5s, with a dash and how many
    there are (S3 user guide, checking object integrity).
    """

    etag: str
    slots: frozenset[str] = frozenset()


class Digests:
    """Those of the files below the folder `source`; `keep` remembers them for the next process."""

    def __init__(self, source: Path, folder: Path | None = None, clock_ns: Callable[[], int] = time.time_ns) -> None:
        name = hashlib.sha256(os.fsencode(source.resolve())).hexdigest()[:32]
        self._file = (folder or cache_folder("etags")) / f"{name}.json"
        self._clock_ns = clock_ns
        self._known = _read(self._file)
        self._seen: dict[str, str] = {}
        self.read = 0
        """how many files had to be read"""

    def of(self, key: str, path: str, about: os.stat_result, *, text: bool) -> Digest:
        """The digest of the file at `path`, of which `stat` says `about`. Raises OSError when it cannot be read."""
        # As one text: lists of numbers took three times the memory, and there may be 100,000 of them.
        about_it = (about.st_mtime_ns, about.st_ctime_ns, about.st_ino, about.st_dev, about.st_size, int(text))
        looks = " ".join(map(str, about_it)) + " "
        known = self._known.get(key, "")
        if not known.startswith(looks):
            self.read += 1
            known = looks + (_text(path) if text else _etag(path, about.st_size))
        # A file changed twice within one tick of its clock looks the same to `stat`.
        if max(about.st_mtime_ns, about.st_ctime_ns) < self._clock_ns() - SETTLED_NS:
            self._seen[key] = known
        etag, *slots = known[len(looks) :].split(" ")
        return Digest(etag, frozenset(slots))

    def keep(self) -> None:
        """Writes down what was found, if that is news; what cannot be written is found out again."""
        if self._seen == self._known:
            return
        keep(self._file, self._seen)
        self._known = self._seen


def _read(file: Path) -> dict[str, str]:
    known = recall(file)
    return {key: row for key, row in known.items() if isinstance(row, str)} if isinstance(known, dict) else {}


def _text(path: str) -> str:
    data = Path(path).read_bytes()
    slots = {found.decode() for found in _SLOT.findall(data)}
    return " ".join((hashlib.md5(data, usedforsecurity=False).hexdigest(), *sorted(slots)))


def _etag(path: str, size: int) -> str:
    many = parts(size)
    with Path(path).open("rb") as file:
        if not many:
            return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
        return of_parts([_md5(file, length) for _, length in many])


def of_parts(each: Sequence[bytes]) -> str:
    """The ETag of what has gone into S3 in parts with these MD5s."""
    return f"{hashlib.md5(b''.join(each), usedforsecurity=False).hexdigest()}-{len(each)}"


def _md5(file: BinaryIO, length: int) -> bytes:
    """Of the next bytes of a file."""
    found = hashlib.md5(usedforsecurity=False)
    while length > 0 and (piece := file.read(min(length, _PIECE))):
        found.update(piece)
        length -= len(piece)
    return found.digest()
