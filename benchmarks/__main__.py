"""`python -m benchmarks`: slx beside its peers on this machine, as tables; `--save` keeps them in RESULTS.md."""

from __future__ import annotations

import argparse
import shlex
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks import growth, machine, reach, startup, upload, watching, website
from benchmarks.emulator import Emulator, missing
from benchmarks.tables import Table

SECTIONS = ("website", "startup", "watch", "upload", "growth")
RESULTS = Path(__file__).with_name("RESULTS.md")


def _options(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--latency", default="0,40,80", help="ms per call, one lane each (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="of which medians are taken (default %(default)s)")
    parser.add_argument("--https", action="store_true", help="the highest latency over HTTPS, too")
    parser.add_argument("--only", default=",".join(SECTIONS), help="of %(default)s")
    parser.add_argument(
        "--quick", action="store_true", help="under two minutes: 80 ms, two rounds, small loads, no slow peers"
    )
    parser.add_argument("--save", action="store_true", help="keep the tables in RESULTS.md")
    parser.add_argument("--trace", action="store_true", help="only show what is called, level by level")
    chosen = parser.parse_args(argv)
    if wrong := set(chosen.only.split(",")) - set(SECTIONS):
        parser.error(f"--only knows {', '.join(SECTIONS)}; not {', '.join(sorted(wrong))}")
    if chosen.quick:
        chosen.latency, chosen.rounds = "80", min(chosen.rounds, 2)
    return chosen


def main(argv: list[str]) -> int:
    chosen, began = _options(argv), time.time()
    if why := missing():
        print(why, file=sys.stderr)
        return 2
    lines = [*_head(argv)]
    with Emulator() as emulator:
        _say("warming up")
        website.warm(emulator)
        found = _trace(emulator, chosen) if chosen.trace else _measure(emulator, chosen)
        for text in found:
            print(f"\n{text}" if not chosen.trace else text, flush=True)
            lines += ["", text]
    lines += ["", f"Measured in {time.time() - began:.0f} s."]
    if chosen.save:
        RESULTS.write_text("\n".join(lines) + "\n")
    return 0


def _head(argv: list[str]) -> Iterator[str]:
    command = shlex.join(["python", "-m", "benchmarks", *argv])
    yield "# Results"
    yield ""
    yield f"`{command}`, {time.strftime('%Y-%m-%d')}, commit {machine.commit()}."
    yield "Medians; the ratio in parentheses is the median of the rounds' own, slx's time divided by that of the row."
    yield "Times say little by themselves: the emulator, the proxy and the contender share the machine. Ratios travel."
    yield ""
    for fact in machine.describe():
        yield f"- {fact}"


def _trace(emulator: Emulator, chosen: argparse.Namespace) -> Iterator[str]:
    yield from website.trace(emulator, max(map(float, chosen.latency.split(","))))


def _measure(emulator: Emulator, chosen: argparse.Namespace) -> Iterator[str]:
    """The tables of each section as soon as it has ended, and the goals last."""
    sections, quick = chosen.only.split(","), chosen.quick
    race = started = None
    uploads: list[upload.Upload] = []
    grown: list[growth.Growth] = []
    pushed: list[watching.Push] = []
    if "startup" in sections:
        _say("start-up")
        started = startup.measure(emulator, 5 if quick else 11)
        yield from _texts(startup.tables(started))
    if "website" in sections:
        race = website.race(emulator, _lanes(chosen), chosen.rounds, quick=quick, say=_say)
        yield from _texts(website.tables(race))
    if "watch" in sections:
        _say("slx watch")
        pushed = watching.measure(emulator, 80, 2 if quick else 5)
        yield from _texts(watching.tables(pushed))
    if "upload" in sections:
        uploads = upload.measure(emulator, 1 if quick else chosen.rounds, quick=quick, say=_say)
        yield from _texts(upload.tables(uploads))
    if "growth" in sections:
        grown = growth.measure(emulator, quick=quick, say=_say)
        yield from _texts(growth.tables(grown))
    yield str(reach.table(race, started, pushed, uploads, grown))


def _lanes(chosen: argparse.Namespace) -> list[website.Lane]:
    latencies = [float(one) for one in chosen.latency.split(",")]
    lanes = [website.Lane("http", one) for one in latencies]
    return [*lanes, website.Lane("https", max(latencies))] if chosen.https else lanes


def _texts(tables: Iterator[Table]) -> Iterator[str]:
    return map(str, tables)


def _say(text: str) -> None:
    print(f"  {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
