"""Every malformed blueprint of the corpus, the hostile inputs, and mutations of the shipped blueprints, through the real
command: each must exit 2 with a located message, without a call, a traceback, or much time or memory."""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from matrix import Tally

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "corpus"))

from cases import BLUEPRINT, Case, Laid, Said, corpus, folder, listing, wrong
from hostile import HOSTILE, Hostile, judge
from mutations import mutated
from runs import UP, VALIDATE, Endpoint, counting, slx

ZERO = ("exit_not_2", "not_located", "calls", "tracebacks", "left", "too_slow", "too_big")
SLOW_S = 20.0
"""seconds of the processor, for one input in a process of its own"""
BIG_KB = 400 << 10


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--fuzz", type=int, default=500, metavar="N", help="mutations to try  [default: 500]")
    parser.add_argument("--seed", type=int, default=1, help="where they begin  [default: 1]")


def run(chosen: argparse.Namespace) -> Tally:
    tally = Tally("Broken and hostile blueprints", ZERO)
    with tempfile.TemporaryDirectory() as place, counting() as endpoint:
        root = Path(place)
        _corpus(folder(root / "corpus"), endpoint, tally)
        _hostile(root, endpoint, tally)
        _fuzzed(root / "fuzz", endpoint, tally, chosen)
    return tally


@contextmanager
def _inside(home: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(home)
    try:
        yield
    finally:
        os.chdir(before)


def _corpus(home: Path, endpoint: Endpoint, tally: Tally) -> None:
    rows: dict[str, Counter[str]] = {}
    with _inside(home):
        for case in corpus():
            rows.setdefault(case.category, Counter()).update(inputs=1)
            for words in (VALIDATE, UP):
                _case(home, endpoint, case, words, rows[case.category], tally.trouble)
    for category, counts in rows.items():
        tally.add(category, **{column: counts[column] for column in ("inputs", *ZERO)})


def _case(
    home: Path, endpoint: Endpoint, case: Case, words: tuple[str, ...], row: Counter[str], trouble: list[str]
) -> None:
    before, came = listing(home), len(endpoint.came)
    with Laid(home, case):
        said = slx(endpoint, *words)
    found = wrong(case, said)
    row.update(_counted(said, found), calls=len(endpoint.came) - came, left=int(listing(home) != before))
    if found:
        trouble.append(f"{case.id}: `slx {words[0]}`: {found}")


def _counted(said: Said, found: str) -> dict[str, int]:
    plain = said.code == 2 and not said.broke
    return {"exit_not_2": int(said.code != 2), "tracebacks": int(said.broke), "not_located": int(plain and bool(found))}


def _hostile(root: Path, endpoint: Endpoint, tally: Tally) -> None:
    rows: dict[str, Counter[str]] = {}
    for number, one in enumerate(HOSTILE):
        home = root / f"hostile{number}"
        home.mkdir()
        one.make(home)
        rows.setdefault(one.category, Counter()).update(inputs=1)
        _alone(home, endpoint, one, rows[one.category], tally.trouble)
        shutil.rmtree(home)
    for category, counts in rows.items():
        tally.add(category, **{column: counts[column] for column in ("inputs", *ZERO)})


def _alone(home: Path, endpoint: Endpoint, one: Hostile, row: Counter[str], trouble: list[str]) -> None:
    """In a process of its own, whose time and memory the system counts."""
    there, came = sorted(home.iterdir()), len(endpoint.came)
    with (home.parent / "said").open("w+") as file:
        command = [sys.executable, "-m", "serverless_cli", *UP]
        process = subprocess.Popen(
            command, cwd=home, env={**os.environ, **endpoint.environment}, stdout=file, stderr=file
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        file.seek(0)
        text = file.read()
    said, found = Said(process.returncode, "", text), judge(one, process.returncode, text)
    row.update(
        _counted(said, found),
        calls=len(endpoint.came) - came,
        left=int(sorted(home.iterdir()) != there),
        too_slow=int(usage.ru_utime + usage.ru_stime > SLOW_S),
        too_big=int(usage.ru_maxrss > BIG_KB),
    )
    if found:
        trouble.append(f"{one.id}: {found}")


def _fuzzed(home: Path, endpoint: Endpoint, tally: Tally, chosen: argparse.Namespace) -> None:
    """What a mutation leaves right may pass; anything else is refused, and nothing else comes of it."""
    shutil.copytree(Path(__file__).resolve().parents[2] / "blueprints", home)
    row = Counter[str]()
    for path in sorted(home.glob(f"*/{BLUEPRINT}")):
        good, before = path.read_bytes(), listing(path.parent)
        with _inside(path.parent):
            for number in range(-(-chosen.fuzz // 8)):
                made = mutated(good, random.Random(f"{chosen.seed} {path.parent.name} {number}"))
                path.write_bytes(made)
                said, came = slx(endpoint, *VALIDATE), len(endpoint.came)
                bare = said.code == 2 and not said.problems and "blueprint" not in said.err
                row.update(inputs=1, passed=int(said.code == 0), exit_not_2=int(said.code not in (0, 2)))
                row.update(not_located=int(bare), tracebacks=int(said.broke), calls=len(endpoint.came) - came)
                if said.code not in (0, 2) or said.broke or bare:
                    tally.trouble.append(f"seed {chosen.seed}, {path.parent.name}, {number}: {said.err[-300:]}")
        path.write_bytes(good)
        row.update(left=int(listing(path.parent) != before))
    tally.add("mutations", **{column: row[column] for column in ("inputs", "passed", *ZERO)})
