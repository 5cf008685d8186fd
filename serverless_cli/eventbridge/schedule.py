"""Schedules of rules: `rate(5 minutes)` and `cron(0 12 * * ? *)`, checked as EventBridge does. Pure.

AWS facts (EventBridge user guide, "Scheduled rules"):
- The unit of a rate is singular for 1 and plural for all else; the shortest is a minute.
- A cron expression has six fields: minutes, hours, day of the month, month, day of the week (1 is Sunday), year.
  Exactly one of the two days is `?`. All in UTC.
- `at(...)` and time zones are EventBridge Scheduler's, another service.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field

from serverless_cli.finding import Finding, near, shown
from serverless_cli.records import dataclass

LONGEST = 256
UNITS = ("minute", "hour", "day")
_RATE = re.compile(r"rate\(([0-9]{1,18}) ([a-z]+)\)")
_FORMS = "rate(5 minutes), or cron(0 12 * * ? *)"


@dataclass(frozen=True, slots=True)
class _Field:
    """One field of a cron expression: its numbers, their names, and what else it may be (a regular expression).
    A cyclic one may run over its end (FRI-MON)."""

    name: str
    least: int
    most: int
    names: Mapping[str, int] = field(default_factory=dict)
    also: str = r"(?!)"
    cyclic: bool = True

    def number(self, text: str) -> int | None:
        """The number that a text stands for; None when it is none of this field's."""
        if text.upper() in self.names:
            return self.names[text.upper()]
        if re.fullmatch(r"[0-9]{1,4}", text) and self.least <= int(text) <= self.most:
            return int(text)
        return None


_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_NTH = rf"([1-7]|{'|'.join(_DAYS)})(L|#[1-5])"
FIELDS = (
    _Field("minutes", 0, 59),
    _Field("hours", 0, 23),
    _Field("day of the month", 1, 31, also=r"L|LW|([1-9]|[12][0-9]|3[01])W"),
    _Field("month", 1, 12, dict(zip(_MONTHS, range(1, 13), strict=True))),
    _Field("day of the week", 1, 7, dict(zip(_DAYS, range(1, 8), strict=True)), rf"L|{_NTH}"),
    _Field("year", 1970, 2199, cyclic=False),
)
MONTH_DAY, WEEK_DAY = 2, 4
_ANY = ("*", "?")
_UNIX_DAY = re.compile(r"(?<![0-9#/])[0-7](?![0-9])")


def check(text: str) -> list[Finding]:
    """What is wrong with a schedule."""
    if len(text) > LONGEST:
        return [Finding((), f"a schedule of {len(text)} characters", f"EventBridge takes {LONGEST} at most")]
    if text.startswith("rate("):
        return _rate(text)
    if text.startswith("cron("):
        return _cron(text)
    hint = f"wanted: {_FORMS}"
    if text.startswith("at("):
        return [Finding((), "a rule cannot run once, at a moment", "that is EventBridge Scheduler's", hint)]
    return [Finding((), f"{shown(text)} is no schedule", "", hint)]


def _rate(text: str) -> list[Finding]:
    found = _RATE.fullmatch(text)
    if found is None:
        return [Finding((), f"{shown(text)} is no rate", "", "wanted: rate(5 minutes): a number, one space, a unit")]
    number, unit = int(found[1]), found[2]
    single = unit.removesuffix("s")
    if single not in UNITS:
        return [Finding((), f"{shown(unit)} is no unit of a rate", "", near(unit, (*UNITS, *(f"{u}s" for u in UNITS))))]
    if number == 0:
        return [Finding((), "a rate of 0", "the shortest is rate(1 minute)")]
    right = single if number == 1 else f"{single}s"
    if unit != right:
        why = "EventBridge wants the singular after 1, and the plural after all else"
        return [Finding((), f"{shown(text)} is no rate", why, f"write rate({number} {right})")]
    return []


def _cron(text: str) -> list[Finding]:
    if not text.endswith(")"):
        return [Finding((), f"{shown(text)} has no end", "", "write cron(...)")]
    parts = text[len("cron(") : -1].split()
    if len(parts) != len(FIELDS):
        why = "EventBridge wants six: minutes, hours, day of the month, month, day of the week, year"
        hint = _sixth(parts) if len(parts) == len(FIELDS) - 1 else "cron(0 12 * * ? *)"
        return [Finding((), f"{shown(text)} has {len(parts)} fields", why, hint)]
    found = [
        Finding((), f"{shown(part)} cannot be the {one.name} of a schedule", _range(one))
        for index, (one, part) in enumerate(zip(FIELDS, parts, strict=True))
        if not (part == "?" and index in (MONTH_DAY, WEEK_DAY)) and not _fits(part, one)
    ]
    if (parts[MONTH_DAY] == "?") == (parts[WEEK_DAY] == "?"):
        what = "one of day of the month and day of the week must be `?`"
        return [*found, Finding((), what, f"here they are `{parts[MONTH_DAY]}` and `{parts[WEEK_DAY]}`")]
    return found


def _sixth(parts: list[str]) -> str:
    """A hint for five fields: with a year, and with `?` for the day that says nothing."""
    minutes, hours, day, month, week = parts
    if "?" not in parts:  # Unix has none, and counts the days of the week from Sunday, 0
        week = _UNIX_DAY.sub(lambda found: _DAYS[int(found[0]) % len(_DAYS)], week)
    if day not in _ANY and week not in _ANY:
        return "EventBridge takes a day of the month or of the week: make it two schedules, cron(0 12 1 * ? *) for one"
    days = ("*" if day == "?" else day, month, "?") if week in _ANY else ("?", month, week)
    better = f"cron({' '.join((minutes, hours, *days, '*'))})"
    return f"write {better}" if not _cron(better) else "cron(0 12 * * ? *)"


def _range(one: _Field) -> str:
    names = f", or {next(iter(one.names))} to {list(one.names)[-1]}" if one.names else ""
    return f"it is * or {one.least} to {one.most}{names}; lists with `,`, ranges with `-`, steps with `/`"


def _fits(text: str, one: _Field) -> bool:
    return all(_part(part, one) for part in text.split(","))


def _part(text: str, one: _Field) -> bool:
    """Whether one entry of a field's list is right: `*`, a number, a range; each perhaps with a step."""
    if re.fullmatch(one.also, text, re.IGNORECASE):
        return True
    base, slash, step = text.partition("/")
    if slash and not (re.fullmatch(r"[0-9]{1,4}", step) and 1 <= int(step) <= max(one.most - one.least, 1)):
        return False
    if base == "*" or (slash and not base):
        return True
    first, dash, last = base.partition("-")
    begin = one.number(first)
    if not dash:
        return begin is not None
    end = one.number(last)
    return begin is not None and end is not None and (one.cyclic or begin <= end)
