"""Two commands at once on one stack, on files and on S3: one works, the other one is locked out and writes nothing."""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from pathlib import Path

import together
from matrix import Tally
from together import PAIRS, STORES, TROUBLED, Scene, Seen

ZERO = ("losers_that_wrote", "both_won", "unnamed", "stuck")


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--store", choices=(*STORES, "all"), default="all")
    parser.add_argument("--pair", choices=(*PAIRS, *TROUBLED, "all"), default="all")
    parser.add_argument("--rounds", type=int, default=10, help="of each pair")
    parser.add_argument("--seed", type=int, default=1, help="when exactly the second one starts")


def run(chosen: argparse.Namespace) -> Tally:
    os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "false"
    tally = Tally("Two at once", ZERO)
    began, tried = time.monotonic(), 0
    for store in STORES if chosen.store == "all" else (chosen.store,):
        with tempfile.TemporaryDirectory() as folder, together.scene(store, Path(folder) / "machines") as scene:
            for pair in (*PAIRS, *TROUBLED) if chosen.pair == "all" else (chosen.pair,):
                counts = dict.fromkeys(("rounds", "one_worked", "in_turn", "in_window", *ZERO), 0)
                for number in range(chosen.rounds):
                    count(counts, seen := play(scene, pair, number, chosen.seed), tally, f"{store} {number}")
                    tried += 1
                    print(f"{tried} rounds: {store} {pair} {seen.codes}", file=sys.stderr)
                tally.add(f"{store} {pair}", **counts)
    tally.title += f": {tried} rounds, {(time.monotonic() - began) / max(tried, 1):.1f} s for each"
    return tally


def play(scene: Scene, pair: str, number: int, seed: int) -> Seen:
    """Every other round starts both at nearly the same moment, the rest the second one under the first one's lock."""
    chance = random.Random(f"{seed}-{pair}-{number}")
    if pair in TROUBLED:
        return together.troubled(scene, pair, chance.randint(1, 12))
    return together.at_once(scene, pair, wait=number % 2 == 0, delay_s=chance.uniform(0.0, 0.4))


def count(counts: dict[str, int], seen: Seen, tally: Tally, where: str) -> None:
    counts["rounds"] += 1
    counts["one_worked"] += seen.one_worked
    counts["in_turn"] += not seen.one_worked and not seen.stuck
    counts["in_window"] += bool(seen.in_window)
    found = (seen.loser_wrote, seen.both_won, seen.unnamed, seen.stuck)
    for column, lines in zip(ZERO, found, strict=True):
        counts[column] += bool(lines)
        tally.trouble += [f"{where} {seen.what} {seen.codes}: {column}: {line}" for line in lines]
