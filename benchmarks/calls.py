"""What the latency proxy saw of a run: how many calls, how many at once, and how many one after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Calls:
    """`depth`: the longest chain of calls of which each began after the one before had ended. It says how often the
    latency was paid, whatever the reason: an answer that was needed, or a thread that came late."""

    count: int
    at_once: int
    depth: int
    first: float
    """wall-clock time at which the first one arrived; 0 when there was none"""

    @classmethod
    def of(cls, records: Sequence[Record]) -> Calls:
        first = min((one["t_start"] for one in records), default=0.0)
        return cls(len(records), at_once(records), len(chain(records)), first)


def at_once(records: Sequence[Record]) -> int:
    """The highest number of calls in flight."""
    edges = sorted([(one["t_start"], 1) for one in records] + [(one["t_end"], -1) for one in records])
    now = most = 0
    for _, step in edges:
        now += step
        most = max(most, now)
    return most


def chain(records: Sequence[Record]) -> list[Record]:
    """The longest chain of calls that do not overlap: always the one that ends first, as in interval scheduling."""
    found: list[Record] = []
    for one in sorted(records, key=lambda each: each["t_end"]):
        if not found or one["t_start"] >= found[-1]["t_end"]:
            found.append(one)
    return found


def levels(records: Sequence[Record]) -> list[list[str]]:
    """The operations by level: a call is one deeper than the deepest that had ended when it began."""
    done: list[tuple[float, int]] = []
    result: list[list[str]] = []
    for one in sorted(records, key=lambda each: each["t_start"]):
        level = 1 + max((depth for end, depth in done if end <= one["t_start"]), default=-1)
        done.append((one["t_end"], level))
        while len(result) <= level:
            result.append([])
        result[level].append(f"{one.get('service', '?')}.{one.get('operation', '?')}")
    return result
