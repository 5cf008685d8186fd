"""Where the journal and the lock of a stack lie: the contract of a store, and the one in a folder.

A store keeps opaque documents by stack and name. Each read hands out a version, and each write names the version that
it builds on, so that S3's conditional writes can keep the same promises (S3 has no append: its store writes the known
content and the tail anew).
"""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path
from typing import Protocol

from serverless_cli.errors import Exit, SlxError
from serverless_cli.records import dataclass
from serverless_cli.state.explain import explained
from serverless_cli.state.lease import FileLease, Holder, Lease, holder_of

_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
JOURNAL = "journal"
_LOCK = "lock"


@dataclass(frozen=True, slots=True, order=True)
class StackKey:
    """One stack on one target; `target` is such as `local`, `aws-123456789012-eu-west-1` or `endpoint-<hash>-...`."""

    target: str
    stack: str
    stage: str

    def __post_init__(self) -> None:
        for part in (self.target, self.stack, self.stage):
            if not _PART.fullmatch(part):
                raise ValueError(f"{part!r} cannot name a part of the state")

    def __str__(self) -> str:
        return f"{self.stack}/{self.stage} on {self.target}"


@dataclass(frozen=True, slots=True)
class Document:
    """A document as it was read or written last; `version` is the store's own and empty where there is none yet."""

    content: bytes
    version: str


NONE_YET = Document(b"", "")


class ConflictError(SlxError):
    """The document is not what the writer built on: it was deleted, or somebody else wrote it."""

    def __init__(self, where: str) -> None:
        super().__init__(
            f"{where} was changed by somebody else",
            "this run no longer knows what is recorded",
            "see that no other slx works on this stack, then run the same command again",
            exit_code=Exit.LOCKED,
        )


class Store(Protocol):
    """Keeps documents. All methods raise SlxError when the store cannot be read or written."""

    @property
    def where(self) -> str:
        """The folder or the S3 address, for messages."""

    def read(self, key: StackKey, name: str) -> Document:
        """The document; NONE_YET when there is none."""

    def write(self, key: StackKey, name: str, known: Document, content: bytes) -> Document:
        """Replaces `known` as a whole, durably: readers see the old content or the new. Raises ConflictError."""

    def append(self, key: StackKey, name: str, known: Document, tail: bytes, *, durable: bool = True) -> Document:
        """Adds `tail` to `known`. It outlives this process; with `durable`, this machine. Raises ConflictError."""

    def delete(self, key: StackKey, name: str, known: Document) -> None:
        """Removes the document; gone is success. Raises ConflictError."""

    def stacks(self) -> list[StackKey]:
        """The stacks that have a journal, sorted."""

    def names(self, key: StackKey) -> list[str]:
        """The names of the stack's documents, sorted; its lock is none."""

    def lease(self, key: StackKey, holder: Holder) -> Lease:
        """Takes the stack's lock for `holder`. Raises SlxError (LOCKED) that names whoever has it."""

    def holder(self, key: StackKey) -> Holder | None:
        """Who has the stack's lock; None when nobody does. It may have died without a word."""

    def unlock(self, key: StackKey, holder: Holder) -> None:
        """Takes the lock away from the run of `holder`, by force. Raises SlxError where that cannot be, or where
        another run has it by now."""


class FileStore:
    """Keeps documents in `root` (the folder `.slx` beside a blueprint): `root/target/stack/stage/name`.

    Private to the user, ignored by git. A version is told from the file's identity, size and time. The check of a
    version and the write after it are two moments: writers hold the stack's lock.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def where(self) -> str:
        return str(self.root)

    def read(self, key: StackKey, name: str) -> Document:
        path = self._path(key, name)
        with explained(path, "read"):
            try:
                with path.open("rb") as file:
                    content = file.read()
                    return Document(content, _version(os.fstat(file.fileno())))
            except FileNotFoundError:
                return NONE_YET

    def write(self, key: StackKey, name: str, known: Document, content: bytes) -> Document:
        path = self._path(key, name)
        with explained(path, "write"):
            folder = self._prepare(key)
            if _current(path) != known.version:
                raise ConflictError(str(path))
            fresh = folder / f".{name}.{os.getpid()}-{os.urandom(4).hex()}"
            try:
                version = _write_new(fresh, content)
                fresh.replace(path)
            except BaseException:
                fresh.unlink(missing_ok=True)
                raise
            _sync_folder(folder)
        return Document(content, version)

    def append(self, key: StackKey, name: str, known: Document, tail: bytes, *, durable: bool = True) -> Document:
        if not known.version:
            return self.write(key, name, known, tail)
        path = self._path(key, name)
        with explained(path, "write"):
            try:
                fd = os.open(path, os.O_WRONLY | os.O_APPEND | getattr(os, "O_BINARY", 0))
            except FileNotFoundError:
                raise ConflictError(str(path)) from None
            try:
                if _version(os.fstat(fd)) != known.version:
                    raise ConflictError(str(path))
                _append(fd, tail, durable=durable)
                return Document(known.content + tail, _version(os.fstat(fd)))
            finally:
                os.close(fd)

    def delete(self, key: StackKey, name: str, known: Document) -> None:
        path = self._path(key, name)
        with explained(path, "delete"):
            if _current(path) not in ("", known.version):
                raise ConflictError(str(path))
            path.unlink(missing_ok=True)

    def stacks(self) -> list[StackKey]:
        with explained(self.root, "read"):
            if not self.root.exists():
                return []
            found = (path.relative_to(self.root).parts for path in self.root.glob(f"*/*/*/{JOURNAL}"))
            return sorted(StackKey(*parts[:3]) for parts in found if all(map(_PART.fullmatch, parts)))

    def names(self, key: StackKey) -> list[str]:
        folder = self._path(key, "")
        with explained(folder, "read"):
            if not folder.is_dir():
                return []
            return sorted(path.name for path in folder.iterdir() if _PART.fullmatch(path.name) and path.name != _LOCK)

    def lease(self, key: StackKey, holder: Holder) -> Lease:
        path = self._path(key, _LOCK)
        with explained(path, "lock"):
            return FileLease(path, holder, f"stack {key}", lambda: self._prepare(key))

    def holder(self, key: StackKey) -> Holder | None:
        path = self._path(key, _LOCK)
        with explained(path, "read"):
            return holder_of(path)

    def unlock(self, key: StackKey, holder: Holder) -> None:
        raise SlxError(
            f"the lock of stack {key} cannot be removed",
            f"it is the operating system's, and ends with its process: {holder}",
            f"wait until that command has ended, or stop process {holder.pid} on {holder.host}",
            exit_code=Exit.LOCKED,
        )

    def _path(self, key: StackKey, name: str) -> Path:
        return self.root / key.target / key.stack / key.stage / name

    def _prepare(self, key: StackKey) -> Path:
        """Makes the stack's folder; each folder on the way is the user's alone."""
        folder = self.root
        folder.mkdir(mode=0o700, exist_ok=True)
        ignore = self.root / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n")
            ignore.chmod(0o600)
        for part in (key.target, key.stack, key.stage):
            folder /= part
            if not folder.is_dir():
                folder.mkdir(mode=0o700, exist_ok=True)
                _sync_folder(folder.parent)
        return folder


def _version(about: os.stat_result) -> str:
    return f"{about.st_ino:x}-{about.st_size:x}-{about.st_mtime_ns:x}"


def _current(path: Path) -> str:
    try:
        return _version(path.stat())
    except FileNotFoundError:
        return ""


def _write_new(path: Path, content: bytes) -> str:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    try:
        _write_all(fd, content)
        os.fsync(fd)
        return _version(os.fstat(fd))
    finally:
        os.close(fd)


def _append(fd: int, tail: bytes, *, durable: bool) -> None:
    size = os.fstat(fd).st_size
    if hasattr(os, "fchmod"):
        os.fchmod(fd, 0o600)
    try:
        _write_all(fd, tail)
        if durable:
            os.fsync(fd)
    except OSError:
        with contextlib.suppress(OSError):  # half a line would spoil the next one
            os.ftruncate(fd, size)
        raise


def _write_all(fd: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(fd, rest) :]


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # folders cannot be opened there, and need not be
        return
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
