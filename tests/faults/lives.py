"""What the long matrices share: every blueprint in a folder of its own, what is done to it, and what they count."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import every
from botocore.exceptions import BotoCoreError, ClientError
from changes import CHANGES
from rig import Aws, Folder, failures, started

from serverless_cli.app import catalog
from serverless_cli.errors import SlxError
from serverless_cli.model import Report

EVERY_TYPE = "every-type"
NAMES = (*CHANGES, EVERY_TYPE)
"""the shipped blueprints, and the one that has every type, trigger and target"""
FEW = ("website", "banking")
REGION = "eu-central-1"
INJECTED = ("throttle", "error500", "drop-before", "drop-after", "commit500")


def choice(parser: argparse.ArgumentParser, *default: str) -> None:
    """The option that says which blueprints are tried."""
    parser.add_argument(
        "--blueprint", action="append", choices=(*NAMES, "all"), help=f"repeatable; left out: {', '.join(default)}"
    )
    parser.set_defaults(few=default)


def chosen_names(chosen: argparse.Namespace) -> tuple[str, ...]:
    """The blueprints that are to be tried."""
    named = chosen.blueprint or chosen.few
    return NAMES if "all" in named else tuple(named)


@contextmanager
def alone(**options: object) -> Iterator[tuple[Aws, Path]]:
    """A proxy and a folder until the end of the `with`; packages are resolved once for all runs in it."""
    os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "false"
    os.environ.pop("AWS_PROFILE", None)
    ended = False
    try:
        with tempfile.TemporaryDirectory() as folder, started(**options) as aws:
            os.environ["XDG_CACHE_HOME"] = str(Path(folder) / "cache")
            yield aws, Path(folder)
            ended = True
    except subprocess.TimeoutExpired:
        # A proxy that is slow to end does so with this process at the latest; what was counted must not be lost.
        if not ended:
            raise


def settle(aws: Aws, name: str, into: Path, region: str = REGION, scale: float | None = None) -> Folder:
    """The blueprint in a new folder, for commands run in this process or in others."""
    shutil.rmtree(into, ignore_errors=True)
    folder = Folder(into, aws, region)
    if scale:
        folder.scale = scale
    if name == EVERY_TYPE:
        folder.parameters = every.PARAMETERS
        every.copy(into)
    else:
        catalog.copy(name, into)
    os.environ.update(folder.environment)
    return folder


def prepare(name: str, folder: Folder) -> dict[str, list[str]]:
    """Makes what the blueprint refers to and does not make; all that exists then."""
    if name == EVERY_TYPE:
        _persist(
            lambda: every.make_what_exists(lambda service: folder.aws.client(service, folder.region), folder.region)
        )
    return folder.aws.left(folder.region)


def _persist(work: Callable[[], None]) -> None:
    """Does what may be done again until it is done: boto3 gives up sooner than slx. Raises what the last try did."""
    for _ in range(20):
        try:
            return work()
        except (ClientError, BotoCoreError) as error:
            failed = error
    raise failed


def change(name: str, folder: Folder) -> None:
    """Edits the blueprint as people do."""
    if name == EVERY_TYPE:
        every.change(folder.path)
    else:
        CHANGES[name].make(folder)


def left(name: str, folder: Folder, before: dict[str, list[str]]) -> list[str]:
    """What a teardown left behind: what is there, was not there before, and is not to outlive the stack."""
    now = folder.aws.left(folder.region)
    kept = every.KEPT if name == EVERY_TYPE else "-"
    return [
        f"{kind[:-1]} {one}"
        for kind, names in now.items()
        for one in names
        if one not in before.get(kind, ()) and not one.startswith(kept)
    ]


def down(folder: Folder) -> Report:
    """Takes the stack down. Raises SlxError if slx's own sweep finds something left."""
    report, sweep = folder.down()
    if sweep.left:
        raise SlxError("something is left", ", ".join(f"{one.ref} {one.name}" for one in sweep.left))
    return report


@dataclass
class Count:
    """What one row of a table counts, and what was seen where it must not have been."""

    part: str
    numbers: dict[str, int] = field(default_factory=dict)
    trouble: list[str] = field(default_factory=list)

    def add(self, column: str, number: int = 1) -> None:
        self.numbers[column] = self.numbers.get(column, 0) + number

    def wrong(self, column: str, seen: Sequence[str], where: str) -> None:
        """Counts what was seen, and tells it."""
        self.add(column, len(seen))
        self._tell(column, seen, where)

    def run(self, command: Callable[[], Report], where: str) -> bool:
        """Runs a command in this process and counts it if it fails; whether it succeeded."""
        try:
            seen = [f"{ref}: {why}" for ref, why in failures(command()).items()]
        except SlxError as error:
            seen = [str(error)]
        self.add("failed_runs", bool(seen))
        self._tell("failed_runs", seen, where)
        return not seen

    def idle(self, folder: Folder, where: str) -> None:
        """Runs `up` where there is nothing to do, and counts what it writes."""
        mark = folder.aws.mark()
        self.run(folder.up, where)
        self.wrong("written_again", folder.aws.writes(mark), where)
        folder.aws.mark()

    def _tell(self, column: str, seen: Sequence[str], where: str) -> None:
        for one in seen:
            self.trouble.append(f"{self.part}, {where}: {column.replace('_', ' ')}: {one}")
            print(f"    {self.trouble[-1]}", file=sys.stderr, flush=True)


def tell(text: str, since: float) -> None:
    """A line of progress, with the seconds that it took."""
    print(f"  {text} ({time.monotonic() - since:.1f} s)", file=sys.stderr, flush=True)
