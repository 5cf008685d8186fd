"""The lock of a stack in S3: an object that its holder writes anew every few seconds.

Nobody's wall clock is compared with anybody else's. An observer calls a lock dead when the object has not changed for
a whole lease, on the observer's own clock, and then takes it over on condition that it is still unchanged. A holder
counts its lease from the moment at which it began the last renewal that was accepted, on its own clock, and stops
early enough for one call to end. Both hold as long as no clock runs a quarter faster than another one.

What remains: AWS's other services know no lock, so a call that was sent in time may be carried out late, after the lock
was taken over. That is one call's window; `check` is asked before each attempt at a write (`Aws.fenced`).
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from typing import Protocol

from serverless_cli.errors import Exit, SlxError
from serverless_cli.state.lease import Holder, locked
from serverless_cli.state.store import NONE_YET, ConflictError, Document, StackKey

LEASE_S = 60.0
"""after so long without a sign of life a lock is free: long enough for six heartbeats, short enough to wait for"""
BEAT_S = 10.0
"""between two signs of life: what the second run waits at most to see that the first one lives"""
MARGIN_S = 15.0
"""so much earlier a holder stops writing: time for the call that it has just begun, and for clocks that differ"""
LOOK_S = 2.0
"""between two looks of somebody who waits"""
LOCK = "lock"
_ATTEMPTS = 5
"""writes of one's own whose answers were lost may be in the way of the next one"""


class Clock(Protocol):
    """Seconds of a monotonic clock that counts suspension too."""

    def now(self) -> float: ...

    def sleep(self, seconds: float) -> None: ...

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """True once the event is set; False after that many seconds."""


class Objects(Protocol):
    """Conditional reads and writes: see s3_objects."""

    def get(self, *parts: str) -> Document: ...

    def put(self, known: Document, content: bytes, *parts: str) -> Document: ...

    def delete(self, known: Document, *parts: str) -> None: ...


def path(key: StackKey) -> tuple[str, str, str, str]:
    """The parts of the lock's key."""
    return key.target, key.stack, key.stage, LOCK


class S3Lease:
    """The lock of `key`, held by `holder`: `known` is the object as it was written at `since`."""

    def __init__(
        self, objects: Objects, key: StackKey, holder: Holder, *, clock: Clock, known: Document, since: float
    ) -> None:
        self.holder = holder
        self._objects = objects
        self._key = key
        self._clock = clock
        self._mutex = threading.Lock()  # held during a renewal; guards the four below
        self._known = known
        self._until = since + LEASE_S - MARGIN_S
        self._beats = 0
        self._gone: SlxError | None = None
        self._stop = threading.Event()

    def check(self) -> None:
        """No call while the lease is young. After a pause it is renewed first, which only works if nobody took it."""
        if self._fresh():
            return
        with self._mutex:
            if not self._fresh():
                with suppress(SlxError):
                    self._renew()
        if not self._fresh():
            raise self._gone or self._doubt()

    def renew(self) -> None:
        """A heartbeat. Raises SlxError when S3 cannot be asked, or somebody else has the lock."""
        with self._mutex:
            self._renew()

    def _renew(self) -> None:
        if self._gone:
            raise self._gone
        for _ in range(_ATTEMPTS):
            self._beats += 1  # also after a failure: a renewal that is only seen to be there already is none
            since = self._clock.now()
            try:
                self._known = self._objects.put(self._known, _content(self.holder, self._beats), *path(self._key))
            except ConflictError:
                if not self._settle():
                    break
            else:
                self._until = since + LEASE_S - MARGIN_S
                return
        raise self._lost()

    def release(self) -> None:
        self._stop.set()
        with self._mutex:
            if self._gone:
                return
            self._gone = _released(self._key)
            # What cannot be removed now is free after a lease.
            with suppress(SlxError):
                try:
                    self._objects.delete(self._known, *path(self._key))
                except ConflictError:
                    if self._settle():
                        self._objects.delete(self._known, *path(self._key))

    def beat(self) -> None:
        """Renews until the lease is released or lost; for a thread of its own."""
        while not self._gone and not self._clock.wait(self._stop, BEAT_S):
            # What is wrong shows in `check`; until then it may pass.
            with suppress(Exception):
                self.renew()

    def _fresh(self) -> bool:
        return self._gone is None and self._clock.now() < self._until

    def _settle(self) -> bool:
        """Takes over what was written by this very lease, though its answer was lost; False when it is not there."""
        there = self._objects.get(*path(self._key))
        found = Holder.parse(there.content)
        if found is None or found.run != self.holder.run:
            return False
        self._known = there
        return True

    def _lost(self) -> SlxError:
        other = Holder.parse(self._objects.get(*path(self._key)).content)
        self._gone = SlxError(
            f"this run lost its lock on stack {self._key}",
            f"after a pause it was taken over by {other}" if other else "it was removed by `slx unlock`, or by hand",
            "wait until no other command works on this stack, then run this one again: nothing is lost",
            exit_code=Exit.LOCKED,
        )
        return self._gone

    def _doubt(self) -> SlxError:
        return SlxError(
            f"this run may have lost its lock on stack {self._key}",
            f"S3 could not be asked for {LEASE_S - MARGIN_S:g} s, and the lock is soon free for others",
            "run the same command again: nothing is lost",
            exit_code=Exit.LOCKED,
        )


class Claim:
    """Somebody who wants the lock of a stack, look by look."""

    def __init__(
        self, objects: Objects, key: StackKey, holder: Holder, *, clock: Clock, notify: Callable[[str], None]
    ) -> None:
        self._objects = objects
        self._key = key
        self._holder = holder
        self._clock = clock
        self._notify = notify
        self._seen = NONE_YET
        self._since = 0.0
        self._said = 0

    def take(self) -> S3Lease:
        """Waits for what may be dead; raises SlxError (LOCKED) as soon as it shows to be alive."""
        while True:
            lease = self.look()
            if lease:
                return lease
            self._clock.sleep(LOOK_S)

    def look(self) -> S3Lease | None:
        """One look; None: it is held by somebody who has not moved since the first one, so look again later."""
        there = self._objects.get(*path(self._key))
        now = self._clock.now()
        if not there.version and self._seen.version:
            raise locked(Holder.parse(self._seen.content), f"stack {self._key}", _ENDED)
        if not there.version:
            return self._write(NONE_YET)
        if not self._seen.version:
            self._seen, self._since = there, now
        elif there.version != self._seen.version:
            raise locked(Holder.parse(there.content), f"stack {self._key}", _WAIT)
        elif now - self._since >= LEASE_S:
            self._notify(f"no sign of life for {LEASE_S:g} s: taking over the lock of stack {self._key}")
            return self._write(there)
        self._tell(now - self._since)
        return None

    def _write(self, known: Document) -> S3Lease:
        since = self._clock.now()
        try:
            mine = self._objects.put(known, _content(self._holder, 0), *path(self._key))
        except ConflictError:
            holder = Holder.parse(self._objects.get(*path(self._key)).content)
            raise locked(holder, f"stack {self._key}", _WAIT) from None
        return S3Lease(self._objects, self._key, self._holder, clock=self._clock, known=mine, since=since)

    def _tell(self, waited: float) -> None:
        if self._said == 0:
            who = Holder.parse(self._seen.content)
            by = f"by {who}" if who else "by an slx that does not say who it is"
            self._notify(f"stack {self._key} is locked {by}; looking whether it is alive")
            self._said = 1
        elif self._said == 1 and waited > BEAT_S + LOOK_S:
            self._notify(f"it has not moved for {waited:.0f} s; after {LEASE_S:g} s its lock is free")
            self._said = 2


_ENDED = "that command has ended meanwhile: run this one again"
_WAIT = "wait until that command has ended, or stop it; `slx unlock` removes a lock by force"


def _content(holder: Holder, beat: int) -> bytes:
    """Different at each heartbeat, so that S3's ETag is too."""
    return json.dumps({**asdict(holder), "beat": beat}).encode()


def _released(key: StackKey) -> SlxError:
    return SlxError(f"this run no longer holds the lock on stack {key}", "it was released", exit_code=Exit.LOCKED)
