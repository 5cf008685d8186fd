"""Folders for copies that are needed while something goes on, and that a process which leaves at once takes along."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

# Few commands make one.
# ruff: noqa: PLC0415

_OPEN: set[str] = set()


@contextmanager
def folder() -> Iterator[str]:
    """A new folder that nobody else can read, until the end of the `with`."""
    from tempfile import TemporaryDirectory

    with TemporaryDirectory(prefix="slx-", ignore_cleanup_errors=True) as name:
        _OPEN.add(name)
        try:
            yield name
        finally:
            _OPEN.discard(name)


def clear() -> None:
    """Removes all of them now: the `with` will not come to its end. They may hold a user's code and files."""
    from shutil import rmtree

    for name in tuple(_OPEN):
        rmtree(name, ignore_errors=True)
