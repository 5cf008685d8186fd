"""Each write of up and of an update fails in turn, with --rollback: all is then as it was before."""

from __future__ import annotations

import argparse
import time

import lives
from failing import QUICK
from matrix import Tally
from undone import COMMANDS, counted

ZERO = ("not_undone", "not_as_before", "remembered", "drifted", "failed_runs")


def options(parser: argparse.ArgumentParser) -> None:
    lives.choice(parser, *lives.FEW)
    parser.add_argument("--command", action="append", choices=COMMANDS, help="repeatable; left out: all of them")
    parser.add_argument("--operation", action="append", help="such as lambda.CreateFunction; left out: all of them")


def run(chosen: argparse.Namespace) -> Tally:
    tally = Tally("Each write fails in turn, and the run is rolled back", ZERO)
    with lives.alone(**QUICK) as (aws, into):
        for name in lives.chosen_names(chosen):
            for command in chosen.command or COMMANDS:
                with counted(aws, into, name, command) as (trial, count):
                    for operation in trial.operations():
                        if operation in (chosen.operation or (operation,)):
                            began = time.monotonic()
                            trial.attempt(operation, count)
                            lives.tell(f"{name}, {command}, {operation}", began)
                tally.add(count.part, **count.numbers)
                tally.trouble += count.trouble
    return tally
