"""`slx watch`: from saving a file until the last call that it causes has been answered."""

from __future__ import annotations

import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.calls import Calls, Record
from benchmarks.contenders import Slx
from benchmarks.emulator import Emulator
from benchmarks.process import BenchmarkError, environment, slx
from benchmarks.tables import Table

LIMIT_S = 60.0
QUIET_S = 1.0
"""so long without a call, and it was the last one"""
SAVED = {"code": "function/handler.py", "content": "site/index.html"}


@dataclass(frozen=True, slots=True)
class Push:
    """What one save caused."""

    what: str
    seconds: float
    calls: Calls


def measure(emulator: Emulator, latency_ms: float, rounds: int) -> list[Push]:
    """Saves each file so many times while one `slx watch` runs."""
    folder = Path(tempfile.mkdtemp(prefix="slx-bench-"))
    stack = Slx("slx")
    stack.lay_out(folder)
    emulator.reset(latency_ms)
    argv = [*slx(), "watch", "--yes"]
    process = subprocess.Popen(
        argv,
        cwd=folder,
        env=environment(emulator.http, None, **stack.variables(folder)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        seen = len(_settled(emulator, 0, process.poll))
        found = []
        for number in range(rounds):
            for what, name in SAVED.items():
                path = folder / name
                path.write_text(f"{path.read_text()}\n# {number}\n" if what == "code" else f"<p>{number}</p>")
                saved = time.time()
                records = _settled(emulator, seen, process.poll)
                mine = records[seen:]
                seen = len(records)
                found.append(Push(what, max(one["t_end"] for one in mine) - saved, Calls.of(mine)))
        return found
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
        shutil.rmtree(folder, ignore_errors=True)


def _settled(emulator: Emulator, seen: int, ended: Callable[[], int | None]) -> list[Record]:
    """All calls, once there are more than were seen and the last of them is some time ago."""
    deadline = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline:
        if ended() is not None:
            raise BenchmarkError(f"`slx watch` ended with {ended()}")
        records = emulator.calls()
        last = max((one["t_end"] or time.time() for one in records), default=0.0)
        if len(records) > seen and time.time() - last > QUIET_S:
            return records
        time.sleep(QUIET_S / 10)
    raise BenchmarkError("`slx watch` has pushed nothing")


def tables(found: list[Push]) -> Iterator[Table]:
    """One row for each kind of file, with the worst of its rounds."""
    rows = []
    for what in SAVED:
        mine = [one for one in found if one.what == what]
        rows.append((
            what,
            f"{min(one.seconds for one in mine):.2f} to {max(one.seconds for one in mine):.2f}",
            f"{max(one.calls.count for one in mine)}",
            f"{max(one.calls.depth for one in mine)}",
        ))  # fmt: skip
    yield Table("slx watch, 80 ms per call: from the save to the last answer", ("saved", "s", "calls", "deep"), rows)
