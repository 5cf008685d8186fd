"""The store in a bucket: for teams, for CI, and for whoever works on one stack from several machines."""

from __future__ import annotations

import threading
from collections.abc import Callable

from serverless_cli.aws.calls import Aws
from serverless_cli.aws.clock import SteadyClock
from serverless_cli.errors import Exit, SlxError
from serverless_cli.state.address import S3Address
from serverless_cli.state.lease import Holder, Lease
from serverless_cli.state.s3_bucket import must_fit
from serverless_cli.state.s3_lease import LOCK, Claim, S3Lease, path
from serverless_cli.state.s3_objects import Objects
from serverless_cli.state.store import JOURNAL, ConflictError, Document, StackKey

_ATTEMPTS = 10
"""a living holder changes its lock now and then while somebody removes it"""


class S3Store:
    """Keeps documents as `prefix/target/stack/stage/name`. Every write is conditional: no lock is needed to be safe,
    only to get on. The journal of a stack that this process has locked is written only while the lock is surely held.

    S3 has no append: the journal is written as a whole, once for all lines that come together.
    """

    def __init__(
        self,
        aws: Aws,
        address: S3Address,
        account: str,
        *,
        notify: Callable[[str], None],
        clock: SteadyClock | None = None,
    ) -> None:
        """`account` is the caller's; `notify` is told of waiting for a lock. Calls nothing."""
        self._aws = aws
        self._address = address
        self._account = account
        self._objects = Objects(aws, address, account)
        self._notify = notify
        self._clock = clock or SteadyClock.from_environment()
        self._leases: dict[StackKey, S3Lease] = {}

    @property
    def where(self) -> str:
        return str(self._address)

    def read(self, key: StackKey, name: str) -> Document:
        return self._objects.get(*_parts(key), name)

    def write(self, key: StackKey, name: str, known: Document, content: bytes) -> Document:
        self._check(key)
        return self._objects.put(known, content, *_parts(key), name)

    def append(self, key: StackKey, name: str, known: Document, tail: bytes, *, durable: bool = True) -> Document:
        """What S3 has accepted is durable."""
        return self.write(key, name, known, known.content + tail)

    def delete(self, key: StackKey, name: str, known: Document) -> None:
        self._check(key)
        if known.version:
            self._objects.delete(known, *_parts(key), name)

    def stacks(self) -> list[StackKey]:
        found = [parts for parts in self._objects.list() if len(parts) == 4 and parts[3] == JOURNAL]
        if not found:
            self._objects.exists()
        keys = (_key(*parts[:3]) for parts in found)
        return sorted(key for key in keys if key)

    def names(self, key: StackKey) -> list[str]:
        found = (parts[3] for parts in self._objects.list(*_parts(key)) if len(parts) == 4)
        return sorted(name for name in found if name != LOCK)

    def lease(self, key: StackKey, holder: Holder) -> Lease:
        must_fit(self._aws, self._address, self._account)
        claim = Claim(self._objects, key, holder, clock=self._clock, notify=self._notify)
        lease = self._leases[key] = claim.take()
        threading.Thread(target=lease.beat, name="heartbeat", daemon=True).start()
        return lease

    def holder(self, key: StackKey) -> Holder | None:
        return Holder.parse(self._objects.get(*path(key)).content)

    def unlock(self, key: StackKey, holder: Holder) -> None:
        for _ in range(_ATTEMPTS):
            there = self._objects.get(*path(key))
            found = Holder.parse(there.content)
            if there.version and (found is None or found.run != holder.run):
                raise SlxError(
                    f"the lock of stack {key} changed hands",
                    f"it is held by {found or 'an slx that does not say who it is'} now",
                    "run the same command again to see whether that is alive",
                    exit_code=Exit.LOCKED,
                )
            try:
                return self._objects.delete(there, *path(key)) if there.version else None
            except ConflictError:
                continue
        raise SlxError(
            f"the lock of stack {key} could not be removed",
            f"it changes all the time: {holder} is alive",
            "stop that process",
            exit_code=Exit.LOCKED,
        )

    def _check(self, key: StackKey) -> None:
        if lease := self._leases.get(key):
            lease.check()


def _parts(key: StackKey) -> tuple[str, str, str]:
    return key.target, key.stack, key.stage


def _key(target: str, stack: str, stage: str) -> StackKey | None:
    """None for what slx did not put there."""
    try:
        return StackKey(target, stack, stage)
    except ValueError:
        return None
