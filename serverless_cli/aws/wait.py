"""Waiting for AWS's slower things. botocore's waiters ask every 1 to 30 s; most things are ready long before."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from serverless_cli.aws.calls import NotYet
from serverless_cli.aws.clock import Clock
from serverless_cli.errors import Exit, SlxError

T = TypeVar("T")

FIRST_S, GROWTH, LAST_S = 0.1, 1.3, 2.0


def poll(what: str, ask: Callable[[], T | None], *, deadline_s: float, clock: Clock) -> T:
    """Asks until the answer is not None: after 0.1 s, then ever slower, at the end every 2 s.

    `ask` may raise NotYet instead of answering None, to say which state was seen. Raises SlxError (timed out).
    """
    start = clock.now()
    pause, state = FIRST_S, ""
    while True:
        try:
            answer = ask()
        except NotYet as not_yet:
            answer, state = None, not_yet.state
        if answer is not None:
            return answer
        left = start + deadline_s - clock.now()
        if left <= 0:
            raise SlxError(
                f"timed out waiting for {what}",
                f"not so after {deadline_s:g} s" + (f"; the last state seen was {state}" if state else ""),
                "Run the command again: it goes on from what exists.",
                exit_code=Exit.TIMED_OUT,
            )
        clock.sleep(min(pause, left))
        pause = min(pause * GROWTH, LAST_S)
