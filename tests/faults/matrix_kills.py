"""SIGKILL at every API call of up, an update and down, before it is carried out and after it: what comes next works."""

from __future__ import annotations

import argparse
import itertools
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from multiprocessing import get_context, parent_process
from multiprocessing.process import BaseProcess
from multiprocessing.util import Finalize

import kills
import lives
from kills import COMMANDS, THEN, WHEN, Point, Scene, Seen
from matrix import Tally

ZERO = ("reruns_failed", "orphans", "duplicates", "violations", "stale_locks")
SCALE = 0.02
"""a second of AWS's: short enough for hundreds of runs, and long enough for a run to meet AWS's windows"""
LATENCY_MS = 5.0
OVER = 3
"""how many runs must have had fewer calls before no longer one is expected: polling makes them differ"""


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--blueprint", choices=(*kills.MORE, "all"), default="all")
    parser.add_argument("--command", choices=(*COMMANDS, "all"), default="all")
    parser.add_argument("--when", choices=(*WHEN, "all"), default="all", help="before or after the call is carried out")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only each N-th call")
    parser.add_argument("--first", type=int, default=1, metavar="K", help="the first call to be tried")
    parser.add_argument("--then", choices=(*THEN, "turns", "both"), default="turns", help="what comes after each kill")
    parser.add_argument(
        "--scale", type=float, default=SCALE, help="real seconds for each of AWS's; more on a busy machine"
    )
    parser.add_argument("--workers", type=int, default=2, help="processes, each with a proxy of its own")
    parser.add_argument("--state", choices=("file", "s3"), default="file", help="where the state is kept")
    parser.add_argument(
        "--point",
        action="append",
        type=Point.parse,
        metavar="BLUEPRINT:COMMAND:K:WHEN:THEN",
        help="only this; repeatable",
    )


def run(chosen: argparse.Namespace) -> Tally:
    tally = Tally("Killed at every call", ZERO)
    counts: dict[str, dict[str, int]] = {}
    began, tried = time.monotonic(), 0
    spawn = get_context("spawn")
    with ProcessPoolExecutor(
        chosen.workers, spawn, initializer=prepare, initargs=(chosen.scale, chosen.state)
    ) as workers:
        for seen in stream(workers, rows(chosen), chosen.workers):
            tried += 1
            numbers = counts.setdefault(seen.point.row, dict.fromkeys(("points_tried", "killed", *ZERO), 0))
            tell(seen, numbers, tally)
            if tried % 20 == 0:
                lives.tell(f"{tried} points, now {seen.point}", began)
    tally.title += f": {tried} points, {(time.monotonic() - began) / max(tried, 1):.2f} s for each"
    for row, numbers in sorted(counts.items()):
        tally.add(row, **numbers)
    return tally


def rows(chosen: argparse.Namespace) -> Iterator[Iterator[Point]]:
    """The points of each row. How many calls a command takes is seen when it ends; until then a row goes on."""
    if chosen.point:
        yield from (iter([point]) for point in chosen.point)
        return
    for blueprint in kills.MORE if chosen.blueprint == "all" else (chosen.blueprint,):
        for command in COMMANDS if chosen.command == "all" else (chosen.command,):
            for when in WHEN if chosen.when == "all" else (chosen.when,):
                yield row(chosen, blueprint, command, when)


def row(chosen: argparse.Namespace, blueprint: str, command: str, when: str) -> Iterator[Point]:
    turn = THEN.index(THEN[WHEN.index(when)])
    for number, call in enumerate(itertools.count(chosen.first, chosen.every)):
        if chosen.then in THEN:
            after: tuple[str, ...] = (chosen.then,)
        else:
            after = THEN if chosen.then == "both" else (THEN[(number + turn) % 2],)
        for then in after:
            yield Point(blueprint, command, call, when, then)


def stream(workers: ProcessPoolExecutor, rows: Iterator[Iterator[Point]], width: int) -> Iterator[Seen]:
    """Tries all points, `width` at a time; a row ends when some commands were over before their kill."""
    open_: dict[Future[Seen], Iterator[Point]] = {}
    over: Counter[Iterator[Point]] = Counter()
    line = next(rows, iter(()))
    while True:
        while len(open_) < width:
            point = None if over[line] >= OVER else next(line, None)
            if point is not None:
                open_[workers.submit(attempt, point)] = line
            elif (following := next(rows, None)) is not None:
                line = following
            else:
                break
        if not open_:
            return
        for future in wait(open_, return_when=FIRST_COMPLETED).done:
            tried, seen = open_.pop(future), future.result()
            over[tried] += seen.over
            yield seen


def tell(seen: Seen, numbers: dict[str, int], tally: Tally) -> None:
    """Counts what came of a point."""
    numbers["points_tried"] += not seen.over
    numbers["killed"] += seen.killed
    for column, what in seen.trouble:
        numbers[column] += 1
        tally.trouble.append(f"--point {seen.point} ({seen.operation}): {column.replace('_', ' ')}: {what}")
        print(f"  {tally.trouble[-1]}", file=sys.stderr, flush=True)


_process: list[Scene] = []
"""the scene of this worker process"""


def prepare(scale: float, state: str) -> None:
    """Starts a worker process: its proxy ends with it, and it ends with the process that started it."""
    threading.Thread(target=end_with, args=(parent_process(),), daemon=True).start()
    stack = ExitStack()
    with silent():
        aws, into = stack.enter_context(lives.alone(time_scale=scale, latency_ms=LATENCY_MS))
    _process.append(Scene(aws, into, scale, in_s3=state == "s3"))
    Finalize(None, stack.close, exitpriority=1)


def end_with(parent: BaseProcess | None) -> None:
    """Ends this process once its parent is gone."""
    if parent is not None:
        parent.join()
        os._exit(1)


@contextmanager
def silent() -> Iterator[None]:
    """What is started inside has no stderr: the proxy tells there of each connection that a killed process leaves."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def attempt(point: Point) -> Seen:
    """Tries a point in this worker process; trouble with its preparation is a finding, too."""
    try:
        return _process[0].attempt(point)
    except Exception as error:  # noqa: BLE001 - whatever it is, the other points are to be tried
        seen = Seen(point, killed=False)
        seen.wrong("reruns_failed", f"before the kill: {error!r} {getattr(error, 'problems', '')}")
        return seen
