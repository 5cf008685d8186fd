"""Each operation in turn fails for good, in up, in an update and in down: the cause told once, the rest finished."""

from __future__ import annotations

import argparse
import time

import lives
from failing import COMMANDS, QUICK, Fault, Trial
from lives import Count
from matrix import Tally

ZERO = ("exits_wrong", "cause_not_once", "untold", "unfinished", "tracebacks", "reruns_failed", "left")
HOW = ("denied", "odd")


def options(parser: argparse.ArgumentParser) -> None:
    lives.choice(parser, *lives.FEW)
    parser.add_argument("--command", action="append", choices=COMMANDS, help="repeatable; left out: all of them")
    parser.add_argument("--how", action="append", choices=HOW, help="repeatable; left out: both")
    parser.add_argument("--operation", action="append", help="such as lambda.CreateFunction; left out: all of them")


def run(chosen: argparse.Namespace) -> Tally:
    tally = Tally("Each operation in turn fails for good", ZERO)
    with lives.alone(**QUICK) as (aws, into):
        for name in lives.chosen_names(chosen):
            for command in chosen.command or COMMANDS:
                count, trial = Count(f"{name}, {command}"), Trial(aws, into, name, command)
                operations = [one for one in trial.record() if one in (chosen.operation or (one,))]
                without = []
                for operation in operations:
                    for how in chosen.how or HOW:
                        began = time.monotonic()
                        attempt = trial.attempt(Fault(operation, how))
                        attempt.count(count)
                        without += [operation] * attempt.harmless
                        lives.tell(f"{name}, {command}, {operation} {how}", began)
                tally.add(count.part, **count.numbers)
                tally.trouble += count.trouble
                if without:
                    tally.notes.append(f"{count.part} does without: {', '.join(dict.fromkeys(without))}")
    return tally
