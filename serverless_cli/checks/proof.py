"""Proves a check: acts, looks for what becomes of it, and acts again where nothing does."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field
from datetime import UTC, datetime
from typing import Any

from serverless_cli import withheld
from serverless_cli.aws.calls import Aws
from serverless_cli.aws.scrub import scrub
from serverless_cli.checks.actions import ACTIONS
from serverless_cli.checks.looks import LOOKS, Look, execution
from serverless_cli.checks.mail import Mail
from serverless_cli.checks.trial import Seen, Trial, filled, said
from serverless_cli.errors import Exit, SlxError
from serverless_cli.fill import gaps
from serverless_cli.model import Check, CheckResult
from serverless_cli.records import dataclass
from serverless_cli.secret import Secret

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 2.0
AGAIN_S = 20.0
"""What AWS wired a moment ago (rules, mappings, pipes) may miss the first event for good: so a check whose effects do
not show acts again after this time, or a quarter of its deadline, under a new id."""
_HOPELESS = (Exit.DENIED, Exit.CREDENTIALS)


def _new_id() -> str:
    # The letter keeps it a text wherever texts and numbers are told apart by looks.
    return f"c{secrets.token_hex(5)}"


@dataclass(slots=True)
class Desk:
    """What the checks of one run share."""

    aws: Aws
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], bool | None] = time.sleep
    """true when it was cut short, as nobody wants to know any more"""
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    new_id: Callable[[], str] = _new_id
    mail: Mail = field(init=False)

    def __post_init__(self) -> None:
        self.mail = Mail(self.aws)


def prove(check: Check, desk: Desk) -> CheckResult:
    """Tries again and again, slower each time, until all is as expected; then says what was seen last, and removes
    what the check has made."""
    if open_ := sorted(map(str, gaps(check))):
        return CheckResult(check, False, f"{open_[0]} is not known: what it names was not made", 0, 0.0)
    if unknown := [one for one in withheld.secrets(check) if not one.known]:
        return CheckResult(check, False, _wanting(unknown), 0, 0.0, skipped=True)
    proof = _Proof(check, desk)
    seen = proof.run()
    left = () if check.arguments.get("keep") else proof.clean()
    saw = seen.wrong or seen.saw
    if left:
        saw = f"{saw}; not removed again: {', '.join(left)}"
    return CheckResult(check, not seen.wrong, _hidden(saw, check), proof.attempts, desk.clock() - proof.began)


def _wanting(unknown: Iterable[Secret]) -> str:
    """Which secrets are lacking, and how to give them."""
    names = tuple(dict.fromkeys(name for one in unknown for name in one.missing))
    if not names:
        return "it needs a secret that an earlier slx did not write down the name of: `slx up` with it runs it"
    return f"it needs the secret {', '.join(names)}: {withheld.how(names)}"


@dataclass(slots=True)
class _Go:
    """One trial and how far it got."""

    trial: Trial
    wanted: tuple[tuple[Look, Mapping[str, Any]], ...]
    unwanted: tuple[tuple[Look, Mapping[str, Any]], ...]
    acted_at: float | None = None
    saw: list[str] = field(default_factory=list)
    met: set[int] = field(default_factory=set)

    def attempt(self, clock: Callable[[], float]) -> Seen:
        """Acts, unless that is done, then looks for what was not seen yet."""
        check = self.trial.check
        if self.acted_at is None:
            seen = _safely(ACTIONS[check.probe], self.trial, check.arguments)
            if seen.wrong:
                return seen
            self.acted_at = clock()
            self.saw.append(seen.saw)
        wrong = []
        for index, (look, keys) in enumerate(self.wanted):
            if index in self.met:
                continue
            seen = _safely(look, self.trial, keys)
            if seen.final:
                return seen
            if seen.wrong:
                wrong.append(seen.wrong)
                continue
            self.met.add(index)
            self.saw.append(seen.saw)
        return Seen("; ".join(wrong)) if wrong else self._nothing_else()

    def _nothing_else(self) -> Seen:
        absent = []
        for look, keys in self.unwanted:
            seen = _safely(look, self.trial, keys)
            if seen.wrong:
                return seen
            absent.append(seen.saw)
        return Seen(saw="; ".join((*self.saw, *absent)))


class _Proof:
    """The trials of one check: a later one begins where an earlier one has acted, and nothing became of it."""

    def __init__(self, check: Check, desk: Desk) -> None:
        self.attempts = 0
        self.began = desk.clock()
        self._check = check
        self._desk = desk
        self._goes = [self._go()]

    def run(self) -> Seen:
        pause, deadline_s = FIRST_PAUSE_S, self._check.deadline_s
        while True:
            self.attempts += 1
            seen = self._attempt()
            spent = self._desk.clock() - self.began
            if not seen.wrong or seen.final or spent + pause > deadline_s:
                return seen
            if self._desk.sleep(pause):
                return seen
            pause = min(pause * 1.5, LONGEST_PAUSE_S)
            acted = self._goes[-1].acted_at
            if acted is not None and self._desk.clock() - acted >= max(AGAIN_S, deadline_s / 4):
                self._goes.append(self._go())

    def clean(self) -> tuple[str, ...]:
        """Removes what all trials have made; returns what could not be removed."""
        for go in self._goes:
            self._desk.mail.drop(go.trial.id)
        return tuple(left for go in self._goes for left in go.trial.clean())

    def _attempt(self) -> Seen:
        """The best of all trials; of those that lack something, the first, which had the most time."""
        all_seen = [go.attempt(self._desk.clock) for go in self._goes]
        return next((seen for seen in all_seen if not seen.wrong or seen.final), all_seen[0])

    def _go(self) -> _Go:
        desk, id = self._desk, self._desk.new_id()
        check = filled(self._check, id)
        trial = Trial(check, id, desk.aws, desk.mail, desk.now())
        looks = [(name, keys) for name in LOOKS for keys in _each(check.expect.get(name))]
        wanted = [(LOOKS[name], keys) for name, keys in looks if not name.startswith("no_")]
        if check.probe == "start_execution":
            wanted.insert(0, (execution, check.expect))
        return _Go(trial, tuple(wanted), tuple((LOOKS[name], keys) for name, keys in looks if name.startswith("no_")))


def _each(keys: Any) -> tuple[Mapping[str, Any], ...]:
    """What is expected, written as one or as a list."""
    if not keys:
        return ()
    return (keys,) if isinstance(keys, Mapping) else tuple(keys)


def _safely(work: Look, trial: Trial, keys: Mapping[str, Any]) -> Seen:
    try:
        return work(trial, keys)
    except SlxError as error:
        return Seen(said(error), final=error.exit_code in _HOPELESS)


def _hidden(text: str, check: Check) -> str:
    """The text without any secret of the check, also where only a part of a JSON value is one."""
    found = list(withheld.secrets(check))
    return scrub(text, {"all": [*found, *(Secret(leaf) for one in found for leaf in _leaves(one))]})


def _leaves(text: str) -> Iterator[str]:
    """The texts within a secret that is JSON: nobody knows any more which of them is the secret one."""
    try:
        inner = json.loads(text)
    except ValueError:
        return
    stack = [inner]
    while stack:
        one = stack.pop()
        if isinstance(one, str) and one:
            yield one
        elif isinstance(one, dict | list):
            stack.extend(one.values() if isinstance(one, dict) else one)
