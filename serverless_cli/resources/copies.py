"""Copies of what a resource holds, as files that only their owner may read and that are on the disk when they end."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from serverless_cli.errors import SlxError

FOLDER, FILE = 0o700, 0o600


def create(path: Path) -> int:
    """The descriptor of a new file. Raises OSError: never writes into what is there, nor through a link."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
    return os.open(path, flags, FILE)


def make(folder: Path) -> None:
    """Makes a folder and those that it lies in, where they are missing. Raises OSError where a file is in the way."""
    for one in reversed([folder, *folder.parents]):
        if not one.is_dir():
            with contextlib.suppress(FileExistsError):  # another thread's; or a file, which what follows stumbles over
                one.mkdir(FOLDER)


def settle(folder: Path) -> None:
    """Has the names of all that is in the folder and below on the disk; what files hold is there already."""
    if os.name != "posix":
        return
    for name, _, _ in os.walk(folder, topdown=False):
        handle = os.open(name, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


class Lines:
    """A new file of JSON documents, one a line. Once it is closed, `sha256` is that of the file on the disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = self.bytes = 0
        self.sha256 = ""
        self._file = os.fdopen(create(path), "wb")
        self._digest = hashlib.sha256()

    def add(self, document: Mapping[str, Any], default: Callable[[Any], Any] | None = None) -> int:
        """Writes a document down; how many bytes it took. `default` turns into JSON what is none."""
        text = json.dumps(document, ensure_ascii=False, separators=(",", ":"), default=default)
        line = text.encode("utf-8", "surrogatepass") + b"\n"
        self._file.write(line)
        self._digest.update(line)
        self.count += 1
        self.bytes += len(line)
        return len(line)

    def abandon(self) -> None:
        """Ends it as it is: what failed is not to be proven whole."""
        self._file.close()

    def close(self) -> None:
        """Raises SlxError when the disk has something else than what was written."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self.sha256 = self._digest.hexdigest()
        with self.path.open("rb") as file:
            there = hashlib.file_digest(file, "sha256").hexdigest()
        if there != self.sha256:
            raise SlxError(f"{self.path} is not what was written", "the disk has lost or changed some of it")


@contextlib.contextmanager
def lines(path: Path) -> Iterator[Lines]:
    """A new file of JSON lines, whole at the end of the `with`."""
    made = Lines(path)
    try:
        yield made
    except BaseException:
        made.abandon()
        raise
    made.close()
