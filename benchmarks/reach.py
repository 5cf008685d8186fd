"""The goals, each beside what was measured and whether it is met; where that is known, with the limit: what the script
takes that does the same by hand, with the same obligations."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from benchmarks.growth import Growth
from benchmarks.startup import BOTO, CLICK, Seconds
from benchmarks.tables import NOTHING, Table, ratio
from benchmarks.upload import Upload
from benchmarks.watching import Push
from benchmarks.website import Race

OBLIGED, BARE, NAIVE, TERRAFORM, CHALICE = (
    "ideal, obliged", "ideal, bare", "naive boto3", "Terraform", "Chalice (API only)",
)  # fmt: skip
WEBSITE = (
    ("cold up", OBLIGED, 1.25), ("cold up", BARE, 1.7), ("cold up", NAIVE, 0.5), ("cold up", TERRAFORM, 1 / 15),
    ("cold up", CHALICE, 1.0),
    ("no-op up", OBLIGED, 1.25), ("no-op up", TERRAFORM, 1 / 12),
    ("status", OBLIGED, 1.25), ("status", TERRAFORM, 1 / 12),
    ("code-only up", NAIVE, 0.5), ("down", NAIVE, 0.6),
)  # fmt: skip
ELSEWHERE = {"cold up": 21.4 / 2.5, "no-op up": 14.4 / 2.3}
"""Terraform's times as multiples of naive's at 80 ms, measured on another day: used where it is not installed"""
Row = tuple[str, str, str, str, str]


def table(
    race: Race | None, started: Seconds | None, pushed: list[Push], uploads: list[Upload], growth: list[Growth]
) -> Table:
    """Every goal that this run can judge."""
    rows = [*_website(race), *_startup(started), *_pushed(pushed), *_uploads(uploads), *_growth(growth)]
    return Table("Reach", ("", "measured", "goal", "", "by hand, obliged"), rows)


def _website(race: Race | None) -> Iterator[Row]:
    if race is None:
        return
    for lane in race.lanes:
        if lane.latency_ms < 80:
            continue
        for phase, other, goal in WEBSITE:
            own, its = race.walls(lane, "slx", phase), race.walls(lane, other, phase)
            name = f"{phase} ÷ {other} ({lane.scheme})"
            if own and its:
                ideal = race.walls(lane, OBLIGED, phase) if other != OBLIGED else []
                yield _judged(name, ratio(own, its), goal, ratio(ideal, its) if ideal else 0.0)
            elif own and other == TERRAFORM and phase in ELSEWHERE and lane.scheme == "http":
                naive = ratio(own, race.walls(lane, NAIVE, phase)) / ELSEWHERE[phase]
                yield _judged(f"{name}, by naive's time: not measured here", naive, goal)


def _startup(found: Seconds | None) -> Iterator[Row]:
    if found is None:
        return
    for name in ("slx --version", "slx --help"):
        yield _judged(f"{name} ÷ {CLICK}", ratio(found[name], found[CLICK]), 1.3)
    yield _judged(
        f"slx status before its first call ÷ {BOTO}", ratio(found["slx status, first call"], found[BOTO]), 1.0
    )


def _pushed(found: list[Push]) -> Iterator[Row]:
    if code := [one.calls.depth for one in found if one.what == "code"]:
        yield "slx watch: calls deep from a save to the new code", f"{max(code)}", "3", _met(max(code) <= 3), ""


def _uploads(found: list[Upload]) -> Iterator[Row]:
    small = [one for one in found if one.load.stub and one.load.files > 1]
    walls = {
        who: [one.run.wall_s for one in small if (one.who, one.phase) == (who, "cold")]
        for who in ("slx", "aws s3 sync")
    }
    if not walls["slx"]:
        return
    yield _judged(f"{small[0].load.name} ÷ aws s3 sync", ratio(walls["slx"], walls["aws s3 sync"]), 0.5)
    rate = small[0].load.files / median(walls["slx"])
    yield f"{small[0].load.name}, files/s", f"{rate:.0f}", "637", _met(rate >= 637), ""
    calls = {one.phase: one.calls for one in small if one.who == "slx"}
    more = calls["one changed"] - calls["unchanged"]
    yield "one changed: S3 calls more than unchanged", f"{more}", "1", _met(more == 1), ""


def _growth(found: list[Growth]) -> Iterator[Row]:
    """What each resource more costs: threads to start and imports are the same for ten and for five hundred."""
    sizes = [one.numbers for one in found if one.what == "engine"]
    if len(sizes) > 1:
        least, most = sizes[0], sizes[-1]
        more = most["resources"] - least["resources"]
        each = (most["plan"] + most["run"] - least["plan"] - least["run"]) / more
        name = f"engine, ms per resource, from {least['resources']} to {most['resources']}"
        yield name, f"{each:.2f}", "1", _met(each < 1), ""


def _judged(name: str, measured: float, goal: float, limit: float = 0.0) -> Row:
    if not measured:
        return name, NOTHING, f"≤ {goal:.3g}", "not measured", ""
    return name, f"{measured:.3g}", f"≤ {goal:.3g}", _met(measured <= goal), f"{limit:.3g}" if limit else ""


def _met(is_met: bool) -> str:
    return "met" if is_met else "MISSED"
