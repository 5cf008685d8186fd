"""Who holds a stack's lock, and the lock of the file store: the operating system's own, which dies with its process."""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import socket
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, fields
from pathlib import Path
from typing import Protocol

from serverless_cli.errors import Exit, SlxError
from serverless_cli.records import dataclass
from serverless_cli.state.explain import explained

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_ATTEMPTS = 5
"""a look at the lock (`holder_of`) holds it for an instant; five tries tell that from a run"""
_PAUSE_S = 0.02
_FAR = 1 << 30
"""Windows locks bytes and lets nobody read them: one far behind the text is locked"""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who runs what since when; `since` is UTC in ISO form, `run` names the run in the journal too."""

    user: str
    host: str
    pid: int
    command: str
    since: str
    run: str

    @classmethod
    def me(cls, command: str, clock: Callable[[], float] = time.time) -> Holder:
        """This process, at a run that starts now."""
        since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(clock()))
        return cls(_user(), socket.gethostname(), os.getpid(), command, since, os.urandom(6).hex())

    @classmethod
    def parse(cls, content: bytes) -> Holder | None:
        """What `dump` wrote; None for anything else, such as a lock whose holder has not written yet."""
        try:
            known = json.loads(content)
            return cls(**{field.name: known[field.name] for field in fields(cls)})
        except (ValueError, TypeError, KeyError):
            return None

    def dump(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    def __str__(self) -> str:
        return f"{self.user}@{self.host} (pid {self.pid}) since {self.since}, running `slx {self.command}`"


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container's user may have no name
        return f"uid {os.getuid()}" if hasattr(os, "getuid") else "unknown"


class Lease(Protocol):
    """A lock that is held. One in the cloud renews itself by a heartbeat and judges its age on a monotonic clock."""

    @property
    def holder(self) -> Holder: ...

    def check(self) -> None:
        """Asked before each write on AWS. Raises SlxError (LOCKED) once the lock is, or may be, somebody else's."""

    def release(self) -> None:
        """Lets the next one in; doing it twice is harmless."""


_GOES = "wait until that command has ended, or stop it: the lock goes with its process"


def locked(holder: Holder | None, what: str, hint: str = _GOES) -> SlxError:
    """The error for whoever comes second."""
    return SlxError(
        f"{what} is locked",
        f"locked by {holder}" if holder else "locked by another slx, which has not said yet who it is",
        hint,
        exit_code=Exit.LOCKED,
    )


class FileLease:
    """Holds the lock file at `path`, which also says who holds it. The file stays; the lock on it is what counts.

    When somebody deletes the state's folder during the run, `check` makes the file and locks it again, and the run goes
    on. It stops where a file is there: no slx ever removes one, so another run has begun since, and may even have ended
    again. What it cannot tell is that there was another run, all of it between two looks, and the folder was deleted a
    second time after that.
    """

    def __init__(
        self,
        path: Path,
        holder: Holder,
        what: str,
        prepare: Callable[[], object],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`what` names the locked thing in messages, `prepare` makes the folder of `path`."""
        self.holder = holder
        self._path = path
        self._what = what
        self._prepare = prepare
        self._mutex = threading.Lock()
        self._fd = -1
        self._over = False  # once released or lost it never comes back: a straggler must not write
        for attempt in range(_ATTEMPTS):
            if self._acquire():
                return
            if attempt < _ATTEMPTS - 1:
                sleep(_PAUSE_S)
        raise locked(_written_by(path), what)

    def check(self) -> None:
        with self._mutex, explained(self._path, "lock"):
            if self._fd >= 0 and _is_at(self._fd, self._path):
                return
            self._close()
            if self._over or not self._acquire(os.O_EXCL):
                self._over = True
                raise SlxError(
                    f"this run lost its lock on {self._what}",
                    f"the lock file was deleted, and then taken by {_written_by(self._path) or 'another slx'}",
                    "see that that command has ended, then run this one again: nothing is lost",
                    exit_code=Exit.LOCKED,
                )

    def release(self) -> None:
        with self._mutex:
            self._over = True
            if self._fd >= 0:
                with contextlib.suppress(OSError):  # the text is for others only
                    os.ftruncate(self._fd, 0)
            self._close()

    def _close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _acquire(self, anew: int = 0) -> bool:
        """`anew` is O_EXCL where a file that is there already must be another run's."""
        while True:
            self._prepare()
            try:
                fd = os.open(self._path, os.O_RDWR | os.O_CREAT | anew, 0o600)
            except FileExistsError:
                return False
            if not _try_lock(fd):
                os.close(fd)
                return False
            if _is_at(fd, self._path):
                break
            os.close(fd)  # deleted between opening and locking
        self._fd = fd
        with contextlib.suppress(OSError):  # on a full disk the lock holds, only nobody can be told whose it is
            os.ftruncate(fd, 0)
            os.lseek(fd, 0, os.SEEK_SET)
            os.write(fd, self.holder.dump())
        return True


def holder_of(path: Path) -> Holder | None:
    """Who holds the lock file now; None when nobody does."""
    try:
        fd = os.open(path, os.O_RDWR)
    except OSError:
        return None
    try:
        return None if _try_lock(fd) else _written_by(path)
    finally:
        os.close(fd)


def _written_by(path: Path) -> Holder | None:
    try:
        return Holder.parse(path.read_bytes())
    except OSError:
        return None


def _is_at(fd: int, path: Path) -> bool:
    """Whether the open file is still the one that the path leads to."""
    try:
        return os.path.samestat(os.fstat(fd), path.stat())
    except FileNotFoundError:
        return False


def _try_lock(fd: int) -> bool:
    try:
        if sys.platform == "win32":
            os.lseek(fd, _FAR, os.SEEK_SET)
            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True
