"""Where the time of a run went: every attempt at a call, the path of calls that no other could shorten, and what of it
was spent outside of calls. Pure but for the list that it keeps."""

from __future__ import annotations

from collections.abc import Iterable

from serverless_cli.records import dataclass

TOUCHING_S = 0.002
"""a call that began this long before another one's end may still have waited for it: threads are not exact"""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at a call, in seconds of one monotonic clock; `error` is AWS's code, None if it went well."""

    operation: str
    started: float
    ended: float
    number: int = 1
    error: str | None = None

    @property
    def seconds(self) -> float:
        return self.ended - self.started


@dataclass(frozen=True, slots=True)
class Link:
    """One call of the critical path, and how long nothing of it was under way before: slx's own work, or a pause."""

    attempt: Attempt
    before_s: float


@dataclass(frozen=True, slots=True)
class Sum:
    """All attempts at one operation."""

    operation: str
    count: int
    total_s: float
    longest_s: float
    errors: int


@dataclass(frozen=True, slots=True)
class Timings:
    """A run's time, in seconds from `began`: `phases` are consecutive, `path` is in order of time."""

    began: float
    ended: float
    phases: tuple[tuple[str, float], ...]
    path: tuple[Link, ...]
    sums: tuple[Sum, ...]
    at_once: int

    @property
    def seconds(self) -> float:
        return self.ended - self.began


class Watch:
    """Collects attempts, as the observer of a connection, and the ends of phases. Threads may share it."""

    def __init__(self, began: float) -> None:
        self._began = began
        self._attempts: list[Attempt] = []
        self._phases: list[tuple[str, float]] = []

    def __call__(self, operation: str, started: float, ended: float, attempt: int, error: str | None) -> None:
        self._attempts.append(Attempt(operation, started, ended, attempt, error))

    def phase(self, name: str, at: float) -> None:
        """The phase of that name ends now, at `at`."""
        self._phases.append((name, at))

    def result(self, ended: float) -> Timings:
        attempts = sorted(self._attempts, key=lambda one: one.started)
        known = self._phases or [("run", ended)]
        first = min(known[0][1], *(one.started for one in attempts[:1]), ended)
        phases, since = [], self._began
        for name, at in (("start", first), *known):
            phases.append((name, at - since))
            since = at
        return Timings(
            self._began, ended, tuple(phases), path(attempts, self._began), sums(attempts), most_at_once(attempts)
        )


def path(attempts: Iterable[Attempt], began: float) -> tuple[Link, ...]:
    """The chain of attempts that ends with the last one, each after the one that ended last before it began."""
    rest = sorted(attempts, key=lambda one: one.ended)
    chain: list[Attempt] = []
    while rest:
        latest = rest.pop()
        if chain and latest.ended > chain[-1].started + TOUCHING_S:
            continue
        chain.append(latest)
    chain.reverse()
    ends = [began, *(one.ended for one in chain)]
    return tuple(Link(one, max(0.0, one.started - end)) for one, end in zip(chain, ends, strict=False))


def sums(attempts: Iterable[Attempt]) -> tuple[Sum, ...]:
    """By operation; what took longest comes first."""
    by: dict[str, list[Attempt]] = {}
    for one in attempts:
        by.setdefault(one.operation, []).append(one)
    found = (
        Sum(
            operation,
            len(many),
            sum(one.seconds for one in many),
            max(one.seconds for one in many),
            sum(one.error is not None for one in many),
        )
        for operation, many in by.items()
    )
    return tuple(sorted(found, key=lambda one: -one.total_s))


def most_at_once(attempts: Iterable[Attempt]) -> int:
    """The highest number of attempts under way at one moment."""
    moments = sorted(moment for one in attempts for moment in ((one.started, 1), (one.ended, -1)))
    most = now = 0
    for _, change in moments:
        now += change
        most = max(most, now)
    return most
