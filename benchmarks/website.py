"""The race for the website stack: every contender, phase by phase, round by round, against the same emulator."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.calls import Calls, levels
from benchmarks.contenders import PHASES, Contender, everybody
from benchmarks.emulator import Emulator
from benchmarks.process import BenchmarkError, Run, environment, run
from benchmarks.tables import NOTHING, Table, ratio

SETTLE_S = 0.1
"""so that a call of a phase that came late is not counted for the next"""


@dataclass(frozen=True, slots=True)
class Lane:
    """Where a race takes place."""

    scheme: str
    latency_ms: float

    def __str__(self) -> str:
        return f"{self.scheme.upper()}, {self.latency_ms:g} ms per call"


@dataclass(frozen=True, slots=True)
class Sample:
    """One phase of one contender in one round."""

    lane: Lane
    who: str
    phase: str
    run: Run
    calls: Calls


@dataclass(frozen=True, slots=True)
class Race:
    """All samples, and who could not take part."""

    samples: tuple[Sample, ...]
    absent: dict[str, str]

    def of(self, lane: Lane, who: str, phase: str) -> list[Sample]:
        return [one for one in self.samples if (one.lane, one.who, one.phase) == (lane, who, phase)]

    def walls(self, lane: Lane, who: str, phase: str) -> list[float]:
        return [one.run.wall_s for one in self.of(lane, who, phase)]

    @property
    def lanes(self) -> list[Lane]:
        return list(dict.fromkeys(one.lane for one in self.samples))

    @property
    def names(self) -> list[str]:
        return list(dict.fromkeys(one.who for one in self.samples))


def race(emulator: Emulator, lanes: Sequence[Lane], rounds: int, *, quick: bool, say: Callable[[str], None]) -> Race:
    """Runs all rounds on all lanes; contenders take turns, and another one begins each round."""
    absent, here = {}, []
    for one in everybody(quick=quick):
        if why := one.missing():
            absent[one.name] = why
        else:
            here.append(one)
    samples: list[Sample] = []
    slowest = max(lanes, key=lambda lane: (lane.scheme == "http", lane.latency_ms))
    for lane in lanes:
        for number in range(rounds):
            turn = number % len(here)
            for one in here[turn:] + here[:turn]:
                if one.name in absent or (one.slow and (lane != slowest or number)):
                    continue
                say(f"{lane}: round {number + 1}, {one.name}")
                try:
                    samples += attend(emulator, lane, one, number)
                except BenchmarkError as error:
                    absent[one.name] = f"failed: {str(error).strip().splitlines()[-1][:160]}"
                    say(str(error))
    return Race(tuple(samples), absent)


def warm(emulator: Emulator) -> None:
    """Runs what nobody counts: an emulator loads its services when first asked, and Python compiles."""
    lane = Lane("http", 0)
    for one in everybody(quick=True):
        if not one.missing():
            with suppress(BenchmarkError):  # its race will tell
                deque(attend(emulator, lane, one, 0), maxlen=0)


def attend(emulator: Emulator, lane: Lane, one: Contender, number: int) -> Iterator[Sample]:
    """All phases of one contender in an empty account and a fresh folder."""
    folder = Path(tempfile.mkdtemp(prefix="slx-bench-"))
    try:
        one.lay_out(folder)
        emulator.reset(lane.latency_ms)
        url = emulator.https if lane.scheme == "https" else emulator.http
        ca = emulator.ca if lane.scheme == "https" else None
        env = environment(url, ca, **one.variables(folder))
        seen = 0
        commands = one.commands(url)
        for phase in (phase for phase in PHASES if phase in commands):
            if phase == "code-only up":
                one.change_code(folder, number)
            done = run(commands[phase], folder, env)
            time.sleep(SETTLE_S)
            records = emulator.calls()
            yield Sample(lane, one.name, phase, done, Calls.of(records[seen:]))
            seen = len(records)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def trace(emulator: Emulator, latency_ms: float) -> Iterator[str]:
    """What slx calls, level by level: where each phase is deeper than it must be."""
    lane = Lane("http", latency_ms)
    for who in everybody(quick=True)[:3]:
        seen = 0
        for sample in attend(emulator, lane, who, 0):
            records = emulator.calls()[seen:]
            seen += len(records)
            yield f"\n{who.name}, {sample.phase}: {sample.calls.count} calls, {sample.calls.depth} deep"
            for depth, names in enumerate(levels(records), 1):
                counted = (f"{name}{f' x{names.count(name)}' * (names.count(name) > 1)}" for name in sorted(set(names)))
                yield f"  {depth}. {', '.join(counted)}"


def tables(found: Race) -> Iterator[Table]:
    """For each lane one table of times, and for the slowest HTTP lane one of calls and memory."""
    for lane in found.lanes:
        yield Table(f"Website stack, {lane}: seconds (slx ÷ it)", ("", *PHASES), _times(found, lane))
    told = max(found.lanes, key=lambda lane: (lane.scheme == "http", lane.latency_ms))
    head = ("", *PHASES, "peak MB", "CPU s, no-op")
    yield Table(f"Calls / most at once / depth, {told}", head, _calls(found, told))
    if found.absent:
        yield Table("Not measured", ("", "why"), found.absent.items())


def _times(found: Race, lane: Lane) -> Iterable[Sequence[str]]:
    for who in found.names:
        cells = []
        for phase in PHASES:
            walls = found.walls(lane, who, phase)
            own = found.walls(lane, "slx", phase)
            share = ratio(own, walls)
            cells.append(f"{median(walls):.2f} ({share:.2f})" if walls and share else NOTHING)
        if any(cell != NOTHING for cell in cells):
            yield who, *cells


def _calls(found: Race, lane: Lane) -> Iterable[Sequence[str]]:
    for who in found.names:
        cells, peaks = [], [0.0]
        for phase in PHASES:
            samples = found.of(lane, who, phase)
            peaks += [one.run.peak_mb for one in samples]
            seen = (
                [median(getattr(one.calls, name) for one in samples) for name in ("count", "at_once", "depth")]
                if samples
                else []
            )
            cells.append(" / ".join(f"{value:g}" for value in seen) or NOTHING)
        cpu = [one.run.cpu_s for one in found.of(lane, who, "no-op up")]
        yield who, *cells, f"{max(peaks):.0f}", f"{median(cpu):.2f}" if cpu else NOTHING
