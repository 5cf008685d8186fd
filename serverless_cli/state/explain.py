"""What the operating system says about the state's files, in words that lead on."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from serverless_cli.errors import SlxError

_AGAIN = "then run the same command again: nothing is lost"
_REASONS = {
    **dict.fromkeys((errno.EROFS, errno.EACCES, errno.EPERM), (
        "the folder may not be written to",
        f"make it writable, or keep the state elsewhere with --state; {_AGAIN}",
    )),
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), ("the disk is full", f"make room, {_AGAIN}")),
    **dict.fromkeys((errno.ENOTDIR, errno.EEXIST, errno.EISDIR), (
        "something else is in its place",
        f"move that out of the way, {_AGAIN}",
    )),
    **dict.fromkeys((errno.ENOLCK, errno.EOPNOTSUPP), (
        "this file system has no locks",
        f"keep the state elsewhere with --state, {_AGAIN}",
    )),
}  # fmt: skip


@contextmanager
def explained(path: Path, verb: str) -> Iterator[None]:
    """Turns an OSError into an SlxError with a way out."""
    try:
        yield
    except OSError as error:
        why, hint = _REASONS.get(error.errno or 0, (error.strerror or str(error), f"see to that, {_AGAIN}"))
        if verb == "read" and error.errno in (errno.EACCES, errno.EPERM):
            why, hint = "it belongs to somebody else", f"make it readable, {_AGAIN}"
        raise SlxError(f"cannot {verb} the state at {error.filename or path}", why, hint) from error
