"""Whether, and after which pause, a failed call is sent again. A pure decision: it neither sleeps nor sends."""

from __future__ import annotations

from serverless_cli.aws.calls import Passing
from serverless_cli.aws.clock import Clock
from serverless_cli.aws.failure import DENIALS, Failure, Nature, throttled
from serverless_cli.aws.rules import RULES, Pace, Rule
from serverless_cli.records import dataclass

STEPS_S = (0.25, 0.5, 1.0, 2.0)
"""first pauses while IAM settles, the last one repeated; as cdkd's, which is tuned against AWS (aws-semantics 1.1)"""

JITTER_S = {Pace.CONFLICT: (0.5, 4.0), Pace.THROTTLE: (1.0, 20.0), Pace.LOST: (0.2, 5.0)}
"""base and cap: the n-th pause is random() * min(cap, base * 2**n)"""


@dataclass(frozen=True, slots=True)
class Table:
    """The known passing errors, and how long to put up with a service that is busy, broken or out of reach."""

    rules: tuple[Rule, ...] = RULES
    throttled_s: float = 300.0
    lost_s: float = 60.0
    unreachable_s: float = 30.0

    def find(self, failure: Failure, passing: tuple[Passing, ...] = ()) -> Rule | None:
        """The rule by which the failure will pass; None when it is permanent."""
        if _names_caller(failure):
            return None
        for rule in (*map(_rule, passing), *self.rules):
            if rule.fits(failure):
                return rule
        return self._transient(failure)

    def _transient(self, failure: Failure) -> Rule | None:
        if failure.nature is Nature.UNREACHABLE:
            return Rule("*", "unreachable", (), self.unreachable_s, pace=Pace.LOST)
        if failure.nature is Nature.LOST:
            return Rule("*", "lost", (), self.lost_s, pace=Pace.LOST)
        if failure.nature is not Nature.REFUSED:
            return None
        if throttled(failure.code, failure.message, failure.status):
            hint = "Something else uses up the account's rate of calls to this service; try again later."
            return Rule("*", "throttled", (), self.throttled_s, pace=Pace.THROTTLE, hint=hint)
        if failure.code in ("RequestTimeout", "RequestTimeoutException"):
            # S3's 400 for a body that did not arrive in time: refused, and as good the next time.
            return Rule("*", "lost", (), self.lost_s, pace=Pace.LOST)
        return None


def _rule(passing: Passing) -> Rule:
    fragments = (passing.fragment,) if passing.fragment else ()
    return Rule("*", passing.code, fragments, passing.deadline_s)


def _names_caller(failure: Failure) -> bool:
    """Whether AWS denies the caller itself: no propagation, so it must fail fast (aws-semantics 2, 16).

    S3's newer text for Block Public Access reads the same up to its reason, and that does pass after a change.
    """
    if failure.says("iam:PassRole"):
        return True
    return (
        failure.code in DENIALS
        and failure.says("is not authorized to perform")
        and not failure.says("block public access", "BlockPublic", "RestrictPublic")
    )


LEAST = 3
"""times that a call is sent again, however long each takes, where that alone decides: a large upload over a slow line,
or a service that hangs, may use up a whole deadline with one attempt"""


class Attempts:
    """The attempts at one call. `gave_up` is the rule whose deadline ended them, None if they ended otherwise."""

    def __init__(self, table: Table, clock: Clock, passing: tuple[Passing, ...] = (), *, once: bool = False) -> None:
        self.table = table
        self.clock = clock
        self.passing = passing
        self.once = once
        self.number = 1
        self.gave_up: Rule | None = None
        self._seen: dict[Rule, tuple[float, int]] = {}

    def pause(self, failure: Failure) -> float | None:
        """Seconds to wait before the next attempt; None to give up. Each rule has its own deadline, which starts
        with its first failure: a throttle does not use up the time that a new role needs. What is busy, broken or
        out of reach is given a few tries past it."""
        if self.once and failure.nature is Nature.LOST:
            return None
        rule = self.table.find(failure, self.passing)
        if rule is None:
            return None
        now = self.clock.now()
        since, count = self._seen.get(rule, (now, 0))
        left = since + rule.deadline_s - now
        owed = rule.pace in (Pace.LOST, Pace.THROTTLE) and count < LEAST
        if left <= 0 and not owed:
            self.gave_up = rule
            return None
        self._seen[rule] = (since, count + 1)
        self.number += 1
        step = self._step(rule.pace, count)
        return min(step, left) if left > 0 else step

    def _step(self, pace: Pace, count: int) -> float:
        if pace is Pace.SETTLING:
            return STEPS_S[min(count, len(STEPS_S) - 1)]
        base, cap = JITTER_S[pace]
        return self.clock.random() * min(cap, base * 2.0 ** min(count, 16))
