"""All rules of AWS that the strict proxy knows, windows and rates in proportion, all shipped blueprints, two regions."""

from __future__ import annotations

import argparse
import time
from collections import Counter
from pathlib import Path

import lives
from changes import CHANGES
from lives import Count
from matrix import Tally
from rig import Aws

REGIONS = ("us-east-1", "eu-central-1")
HOLD = 0.1
"""how often a call on one thing is also punished that comes less than 0.3 s after the one before"""
ZERO = ("failed_runs", "written_again", "violations", "left")

UNMET = {
    "slx waits, or does one thing after the other, so that it never makes such a call": (
        "AGW-01 AGW-02 AGW-05 AGW-08 DDB-02 DDB-05 DDB-06 DDB-07 DDB-08 EVT-01 EVT-02 FH-03 IAM-01 IAM-02 IAM-03 "
        "LMB-03 LMB-04 LMB-07 LMB-08 LMB-11 LMB-18 LOG-02 S3-03 S3-04 S3-05 S3-06 S3-11 S3-12"
    ),
    "the name is taken only after a lost answer (`disturbed`, `kills`)": (
        "AGW-03 AGW-06 AGW-07 DDB-03 IAM-05 LMB-05 LMB-06 LMB-09 LOG-01 S3-13 SFN-02 SNS-01 SQS-05"
    ),
    "what the blueprint language refuses, or always writes": "AGW-04 EVT-03 EVT-04 LMB-12 LMB-13 LMB-14 LMB-15 LMB-16",
    "slx's policies name services, never principals of IAM, and no bucket policies are written": (
        "IAM-04 S3-08 S3-16 SNS-02 SQS-04"
    ),
    "no shipped blueprint has that (reserved concurrency, protection, policies of one's own, roles of rules)": (
        "DDB-04 EVT-05 IAM-06 LMB-17"
    ),
    "the role is older than its window when it is first used, or is not fresh": "FH-01 SFN-01",
    "no function of theirs was invoked, so nothing is logged late (`slx down` is tested with late groups)": "LMB-19",
    "slx makes no distributions": "CF-01 CF-02 CF-03",
}
"""why a rule may never have been armed: reason -> ids"""


def options(parser: argparse.ArgumentParser) -> None:
    lives.choice(parser, *CHANGES)
    parser.add_argument("--scale", type=float, default=0.1, help="real seconds for each of AWS's, and of slx's")


def run(chosen: argparse.Namespace) -> Tally:
    tally = Tally(f"The rules of AWS, {chosen.scale:g} s for each of its seconds", ZERO)
    armed: Counter[str] = Counter()
    with lives.alone(time_scale=chosen.scale, hold_rate=HOLD) as (aws, into):
        for name in lives.chosen_names(chosen):
            count, seen = Count(name), Rules()
            for region in REGIONS:
                began = time.monotonic()
                live(aws, name, region, into, chosen.scale, count)
                seen.add(aws.proxy.report()["rules"])
                lives.tell(f"{name}, {region}", began)
            count.numbers |= seen.numbers
            armed.update(seen.armed)
            tally.add(name, **count.numbers)
            tally.trouble += count.trouble
    tally.notes, unexplained = explain({rule for rule in armed if not armed[rule]})
    if set(lives.chosen_names(chosen)) >= CHANGES.keys():
        tally.trouble += [f"never armed, and nothing says why: {rule}" for rule in sorted(unexplained)]
    return tally


def explain(never: set[str]) -> tuple[list[str], set[str]]:
    """A line for each reason why rules were never armed, and those for which there is none."""
    reasons = {reason: sorted(never & set(ids.split())) for reason, ids in UNMET.items()}
    lines = [f"never armed: {' '.join(rules)}: {reason}" for reason, rules in reasons.items() if rules]
    return lines, never - {rule for rules in reasons.values() for rule in rules}


class Rules:
    """How many rules were checked, armed and fired in the runs of a row."""

    def __init__(self) -> None:
        self.seen: dict[str, Counter[str]] = {what: Counter() for what in ("checked", "armed", "fired")}

    def add(self, rules: dict[str, dict[str, int]]) -> None:
        for what, counter in self.seen.items():
            counter.update({rule: seen[what] for rule, seen in rules.items()})

    @property
    def armed(self) -> Counter[str]:
        return self.seen["armed"]

    @property
    def numbers(self) -> dict[str, int]:
        return {f"rules_{what}": sum(map(bool, counter.values())) for what, counter in self.seen.items()}


def live(aws: Aws, name: str, region: str, into: Path, scale: float, count: Count) -> None:
    """Up, nothing to do, a change, nothing to do, down; then at once up and down again: names are used anew."""
    aws.reset()
    folder = lives.settle(aws, name, into / name, region, scale)
    before = lives.prepare(name, folder)
    count.add("regions")
    count.run(folder.up, f"{region}, up")
    count.idle(folder, f"{region}, up again")
    lives.change(name, folder)
    count.run(folder.up, f"{region}, change")
    count.idle(folder, f"{region}, change again")
    count.run(lambda: lives.down(folder), f"{region}, down")
    count.run(folder.up, f"{region}, up after down")
    count.run(lambda: lives.down(folder), f"{region}, down after that")
    count.wrong("left", lives.left(name, folder, before), region)
    count.wrong("violations", list(map(str, aws.violations)), region)
