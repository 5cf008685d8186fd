"""File locks that the system drops when their holder dies, however it dies."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from serverless_cli.errors import SlxError

try:
    import fcntl
except ImportError as missing:
    raise SlxError(
        "the local target does not run on this system", "it needs Linux or macOS", "use WSL on Windows"
    ) from missing


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold `path` for the length of the block, waiting for whoever holds it."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def hold_for_life(path: Path) -> bool:
    """Take `path` until this process ends and write its process id into it; False when another holds it."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return False
    os.ftruncate(handle, 0)
    os.write(handle, str(os.getpid()).encode())
    return True


def holder(path: Path) -> int | None:
    """The process that holds `path` for life, or None; a held lock proves that the id is not a reused one."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        text = os.read(handle, 32)
        return int(text) if text.isdigit() else None
    else:
        return None
    finally:
        os.close(handle)
