"""Finished packages by content, and which content a folder had when it was last looked at.

`packages/<sha256>.zip` holds a zip, `packages/<digest of a folder's path>.json` what the folder looked like to `stat`
and which zip came of it. All can be deleted at any time.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from serverless_cli.cached import cache_folder
from serverless_cli.errors import SlxError
from serverless_cli.packaging.tree import Item
from serverless_cli.records import dataclass

SETTLED_NS = 2_000_000_000
"""A file changed twice within one tick of its clock (FAT's is two seconds) looks the same to `stat`: what was touched
so recently is read again the next time."""
_KEPT_S = 7 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Kept:
    """A package in the cache; `sha256` is in hexadecimal."""

    path: Path
    sha256: str
    size: int
    unzipped: int


def default_cache() -> Path:
    """Where packages are kept."""
    return cache_folder("packages")


def signature(items: tuple[Item, ...], *settings: str) -> str:
    """What changes whenever a file or a setting does."""
    lines = [*settings, *(f"{item.name}\0{item.executable}\0{item.stamp}" for item in items)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


class Cache:
    """The cache in `folder`, made when first written to. Several processes may share it."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time) -> None:
        self.folder = folder
        self._clock = clock

    def find(self, source: Path, sign: str) -> Kept | None:
        """The package of the folder `source`, if it still looks the same and the zip is unharmed."""
        try:
            known = json.loads(self._index(source).read_bytes())
            sha256, size, unzipped = str(known["sha256"]), int(known["size"]), int(known["unzipped"])
            path = self._zip(sha256)
            if known["signature"] != sign or not _is_intact(path, sha256):
                return None
            os.utime(path)
        except (OSError, ValueError, TypeError, KeyError):
            return None
        return Kept(path, sha256, size, unzipped)

    def hold(self, sha256: str) -> Path | None:
        """The unharmed zip of that digest, kept for longer; None when it is not here."""
        path = self._zip(sha256)
        try:
            if _is_intact(path, sha256):
                os.utime(path)
                return path
        except OSError:
            pass
        return None

    def keep(self, fresh: Path, sha256: str, size: int, unzipped: int) -> Kept:
        """Takes in a zip that was written with `writing`."""
        path = self._zip(sha256)
        fresh.replace(path)
        self._prune()
        return Kept(path, sha256, size, unzipped)

    def remember(self, source: Path, sign: str, items: tuple[Item, ...], kept: Kept) -> None:
        """Spares the next look at the folder the reading; not while its files are too fresh to be told apart."""
        newest = max((item.touched_ns for item in items), default=0)
        if newest > self._clock() * 1e9 - SETTLED_NS:
            return
        known = {"signature": sign, "sha256": kept.sha256, "size": kept.size, "unzipped": kept.unzipped}
        with self.writing() as (file, fresh):
            file.write(json.dumps(known).encode())
            file.close()
            fresh.replace(self._index(source))

    @contextlib.contextmanager
    def writing(self) -> Iterator[tuple[io.BufferedRandom, Path]]:
        """A new private file in the cache, and where it lies; gone afterwards unless it was moved."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            fresh = self.folder / f".{os.getpid()}-{os.urandom(6).hex()}"
            fd = os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
            try:
                with os.fdopen(fd, "w+b") as file:
                    yield file, fresh
            finally:
                fresh.unlink(missing_ok=True)
        except OSError as error:
            raise SlxError(
                f"cannot write a package to {self.folder}",
                error.strerror or str(error),
                "make room or make it writable, or set XDG_CACHE_HOME to another folder",
            ) from error

    def _prune(self) -> None:
        oldest = self._clock() - _KEPT_S
        for path in self.folder.iterdir():
            with contextlib.suppress(OSError):  # another process may be quicker
                if path.stat().st_mtime < oldest:
                    path.unlink()

    def _zip(self, sha256: str) -> Path:
        return self.folder / f"{sha256}.zip"

    def _index(self, source: Path) -> Path:
        return self.folder / f"{hashlib.sha256(os.fsencode(source)).hexdigest()[:32]}.json"


def _is_intact(path: Path, sha256: str) -> bool:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == sha256
