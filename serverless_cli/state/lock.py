"""One run at a time on one stack."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from serverless_cli.state.lease import Holder, Lease
from serverless_cli.state.store import StackKey, Store


@contextmanager
def lock(store: Store, key: StackKey, *, command: str) -> Iterator[Lease]:
    """Holds the stack's lock for the length of a `with`; `command` is what others are told (`up website`).

    Raises SlxError (LOCKED) when somebody else holds it. What a dead process held is free.
    """
    lease = store.lease(key, Holder.me(command))
    try:
        yield lease
    finally:
        lease.release()
