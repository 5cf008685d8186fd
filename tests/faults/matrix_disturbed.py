"""Throttles, 500s, lost calls and lost answers, seeded: all commands succeed, nothing is made twice, nothing is left."""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from pathlib import Path

import lives
from doubles import doubles
from lives import Count
from matrix import Tally
from rig import Aws

RATES = {"throttle_rate": 0.2, "error500_rate": 0.05, "drop_before_rate": 0.05, "drop_after_rate": 0.05}
ZERO = ("failed_runs", "written_again", "made_twice", "left", "violations")


def options(parser: argparse.ArgumentParser) -> None:
    lives.choice(parser, *lives.FEW)
    parser.add_argument("--seeds", type=int, default=10, help="how many runs of each blueprint")
    parser.add_argument("--first", type=int, default=1, help="the first seed")


def run(chosen: argparse.Namespace) -> Tally:
    tally = Tally("Disturbed: 20 % throttles, 5 % 500s, 5 % calls lost, 5 % answers lost", ZERO)
    with lives.alone() as (aws, into):
        for name in lives.chosen_names(chosen):
            count = Count(name)
            for seed in range(chosen.first, chosen.first + chosen.seeds):
                began = time.monotonic()
                live(aws, name, into, seed, count)
                lives.tell(f"{name}, seed {seed}", began)
            tally.add(name, **count.numbers)
            tally.trouble += count.trouble
    return tally


def live(aws: Aws, name: str, into: Path, seed: int, count: Count, rates: Mapping[str, float] = RATES) -> None:
    """One life of a blueprint: up, nothing to do, a change, nothing to do, down."""
    aws.reset(**rates, seed=seed)
    folder = lives.settle(aws, name, into / name)
    before, where = lives.prepare(name, folder), f"seed {seed}"
    count.add("seeds")
    count.run(folder.up, f"{where}, up")
    count.idle(folder, f"{where}, up again")
    lives.change(name, folder)
    count.run(folder.up, f"{where}, change")
    count.idle(folder, f"{where}, change again")
    count.wrong("made_twice", doubles(aws.behind(folder.region)), where)
    count.run(lambda: lives.down(folder), f"{where}, down")
    count.wrong("left", lives.left(name, folder, before), where)
    count.wrong("violations", list(map(str, aws.violations)), where)
    calls = aws.proxy.calls()
    count.add("calls", len(calls))
    count.add("injected", sum(one["injected"] in lives.INJECTED for one in calls))
