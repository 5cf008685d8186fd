"""What the executor tells its listeners while it runs: always from the thread that runs the plan, one at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from serverless_cli.model import Outcome, Plan, Ref, Saved, Step
from serverless_cli.records import dataclass


@dataclass(frozen=True, slots=True)
class Planned:
    """The run of this plan begins."""

    plan: Plan


@dataclass(frozen=True, slots=True)
class Started:
    """A step that may write has been handed to a worker. `at_s` counts from the beginning of the run."""

    step: Step
    at_s: float


@dataclass(frozen=True, slots=True)
class Ended:
    """A step has an outcome; comes once for each step of the plan, for kept ones without a Started before.

    The outcome's step is as it was run: an update that turned out to be needless is a KEEP there.
    """

    outcome: Outcome
    at_s: float


@dataclass(frozen=True, slots=True)
class Copying:
    """How far the copy of what one resource holds has come, before a teardown; `saved` when it is whole."""

    ref: Ref
    name: str
    count: int
    bytes: int
    saved: Saved | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """Something about the run as a whole (it stops early)."""

    text: str


Event: TypeAlias = Planned | Started | Ended | Note
Listener: TypeAlias = Callable[[Event], None]
