"""The one way to AWS, as everything else sees it: every call is paced, retried and translated behind this interface."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol, TypeVar

from serverless_cli.records import dataclass

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Passing:
    """An error that passes with time: AWS's code, a fragment of its message (any case; empty: any), and for how
    long it is worth trying again, in seconds."""

    code: str
    fragment: str = ""
    deadline_s: float = 120.0


class NotYet(Exception):  # noqa: N818 - no error: what a question asked by `wait` answers meanwhile
    """Raised inside `wait`'s question instead of returning None, to say which state was seen."""

    def __init__(self, state: str) -> None:
        super().__init__(state)
        self.state = state


class Observer(Protocol):
    """Told of every attempt at a call; never of parameters or answers, which may hold secrets."""

    def __call__(self, operation: str, started: float, ended: float, attempt: int, error: str | None) -> None:
        """`started` and `ended` are seconds of a monotonic clock, `attempt` counts from 1, `error` is AWS's code."""


class Aws(Protocol):
    """Calls to one account and region. Parameters and answers are boto3's own."""

    region: str

    def call(
        self, operation: str, /, *, passing: tuple[Passing, ...] = (), once: bool = False, **parameters: Any
    ) -> dict[str, Any]:
        """Calls `service.Operation` (`lambda.CreateFunction`). Retries throttles, 5xx, lost connections, the table of
        known passing errors, and `passing`. `once` never sends again after a lost answer: the AwsError has lost=True.

        Raises AwsError.
        """

    def find(self, operation: str, /, **parameters: Any) -> dict[str, Any] | None:
        """As `call`; None when AWS says that the thing, or that setting of it, does not exist."""

    def remove(self, operation: str, /, *, passing: tuple[Passing, ...] = (), **parameters: Any) -> bool:
        """As `call`, for deletes: True when it was removed, False when it was gone already."""

    def pages(self, operation: str, /, *keys: str, **parameters: Any) -> Iterator[Any]:
        """The items under each of `keys` of all pages; nothing when AWS says that the parent does not exist."""

    def wait(self, what: str, ask: Callable[[], T | None], *, deadline_s: float) -> T:
        """Asks until the answer is not None, quickly first, then slower; `ask` may raise NotYet(state) instead.

        Raises SlxError (timed out), which names `what` and the last state.
        """

    def map(self, work: Callable[[T], R], items: Iterable[T]) -> list[R]:
        """Runs `work` on all items, several at once; results in order. Raises the first error when all have ended."""

    def fenced(self, check: Callable[[], None]) -> Aws:
        """The same, but `check` is asked before each attempt at what is no read; what it raises ends the call."""

    def reading(self) -> Aws:
        """The same, but remembering the answers of reads, so that resources which share a parent ask only once.

        The answers are shared: nobody may change them. A write through it clears the memory.
        """
