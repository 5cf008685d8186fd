"""The implementation of `Aws`: paced, retried, translated. Free of botocore, which the transport alone knows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field, replace
from typing import Any, Protocol, TypeVar

from serverless_cli.aws.calls import Aws, Observer, Passing
from serverless_cli.aws.clock import Clock
from serverless_cli.aws.failure import Failure
from serverless_cli.aws.memo import READS, Memo, is_read
from serverless_cli.aws.missing import gone
from serverless_cli.aws.pace import Paces
from serverless_cli.aws.pool import Pool
from serverless_cli.aws.retry import Attempts, Table
from serverless_cli.aws.translate import translate
from serverless_cli.aws.wait import poll
from serverless_cli.errors import AwsError
from serverless_cli.records import dataclass

T = TypeVar("T")
R = TypeVar("R")

Send = Callable[..., dict[str, Any]]
"""one call, by its operation and parameters"""


class Transport(Protocol):
    """Sends one attempt at a time; `clients.Clients` in earnest."""

    def send(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """The answer of `service.Operation`. Raises Failure."""

    def pages(self, operation: str, parameters: Mapping[str, Any], call: Send) -> Iterable[dict[str, Any]]:
        """The answers page by page, each got through `call`."""


class Verbs(ABC):
    """What follows from `call` alone."""

    region: str
    clock: Clock
    pool: Pool

    @abstractmethod
    def call(
        self, operation: str, /, *, passing: tuple[Passing, ...] = (), once: bool = False, **parameters: Any
    ) -> dict[str, Any]:
        """See Aws."""

    @abstractmethod
    def fenced(self, check: Callable[[], None]) -> Aws:
        """See Aws."""

    @abstractmethod
    def reading(self) -> Aws:
        """See Aws."""

    @abstractmethod
    def _pages(self, operation: str, parameters: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
        """The answers page by page, each through `call`."""

    def find(self, operation: str, /, **parameters: Any) -> dict[str, Any] | None:
        try:
            return self.call(operation, **parameters)
        except AwsError as error:
            if gone(error.operation, error.code):
                return None
            raise

    def remove(self, operation: str, /, *, passing: tuple[Passing, ...] = (), **parameters: Any) -> bool:
        try:
            self.call(operation, passing=passing, **parameters)
        except AwsError as error:
            if gone(error.operation, error.code):
                return False
            raise
        return True

    def pages(self, operation: str, /, *keys: str, **parameters: Any) -> Iterator[Any]:
        """See Aws."""
        try:
            for page in self._pages(operation, parameters):
                for key in keys:
                    yield from page.get(key) or ()
        except AwsError as error:
            if not gone(error.operation, error.code):
                raise

    def wait(self, what: str, ask: Callable[[], T | None], *, deadline_s: float) -> T:
        return poll(what, ask, deadline_s=deadline_s, clock=self.clock)

    def map(self, work: Callable[[T], R], items: Iterable[T]) -> list[R]:
        return self.pool.map(work, items)


@dataclass(eq=False, repr=False)
class Calls(Verbs):
    """Calls to one account and region; threads may share it."""

    transport: Transport
    region: str
    clock: Clock
    table: Table = field(default_factory=Table)
    observer: Observer | None = None
    fence: Callable[[], None] | None = None
    paces: Paces = field(init=False)
    pool: Pool = field(default_factory=Pool)

    def __post_init__(self) -> None:
        self.paces = Paces(self.clock)

    def call(
        self, operation: str, /, *, passing: tuple[Passing, ...] = (), once: bool = False, **parameters: Any
    ) -> dict[str, Any]:
        attempts = Attempts(self.table, self.clock, passing, once=once)
        bodies = [(body, body.tell()) for body in parameters.values() if hasattr(body, "seek")]
        while True:
            try:
                return self._attempt(operation, parameters, attempts.number)
            except Failure as failure:
                failed = failure
            pause = attempts.pause(failed)
            if pause is None:
                raise translate(failed, attempts.gave_up)
            self.clock.sleep(pause)
            for body, start in bodies:
                body.seek(start)

    def fenced(self, check: Callable[[], None]) -> Aws:
        calls = replace(self, fence=check)
        calls.paces = self.paces  # AWS counts the calls of both
        return calls

    def reading(self) -> Aws:
        return Reading(self)

    def close(self) -> None:
        """Ends the threads of `map`."""
        self.pool.close()

    def _attempt(self, operation: str, parameters: Mapping[str, Any], number: int) -> dict[str, Any]:
        self.paces.take(operation)
        if self.fence is not None and not operation.partition(".")[2].startswith(READS):
            self.fence()
        started = self.clock.now()
        error: str | None = None
        try:
            return self.transport.send(operation, parameters)
        except Failure as failure:
            error = failure.code
            raise
        finally:
            if self.observer is not None:
                self.observer(operation, started, self.clock.now(), number, error)

    def _pages(self, operation: str, parameters: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
        return self.transport.pages(operation, parameters, self.call)


class Reading(Verbs):
    """The same calls with a memory for the answers of reads. A write through it goes out, and clears the memory."""

    def __init__(self, calls: Calls) -> None:
        self.calls = calls
        self.region = calls.region
        self.clock = calls.clock
        self.pool = calls.pool
        self.memo = Memo()

    def call(
        self, operation: str, /, *, passing: tuple[Passing, ...] = (), once: bool = False, **parameters: Any
    ) -> dict[str, Any]:
        def ask() -> dict[str, Any]:
            return self.calls.call(operation, passing=passing, once=once, **parameters)

        if is_read(operation) and not passing:
            return self.memo.get(operation, parameters, ask, _absent)
        try:
            return ask()
        finally:
            if not is_read(operation):
                self.memo.clear()

    def wait(self, what: str, ask: Callable[[], T | None], *, deadline_s: float) -> T:
        """As elsewhere, but forgetting before each question: a remembered answer would never change."""

        def again() -> T | None:
            self.memo.clear()
            return ask()

        return super().wait(what, again, deadline_s=deadline_s)

    def fenced(self, check: Callable[[], None]) -> Aws:
        return self.calls.fenced(check).reading()

    def reading(self) -> Aws:
        return self

    def _pages(self, operation: str, parameters: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
        return self.calls.transport.pages(operation, parameters, self.call)


def _absent(error: Exception) -> bool:
    """That there is nothing is an answer like any other."""
    return isinstance(error, AwsError) and gone(error.operation, error.code)
