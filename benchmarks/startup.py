"""Start-up: how long until something is shown, or until the first call leaves, beside what Python and boto3 take."""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import median

from benchmarks.calls import Calls
from benchmarks.contenders import Slx
from benchmarks.emulator import Emulator
from benchmarks.process import BenchmarkError, Run, environment, run, slx
from benchmarks.tables import NOTHING, Table, ratio

HEAVY = ("boto3", "botocore", "rich", "yaml")
CLIENTS = "import boto3\nfor name in ('sts', 'iam', 'lambda', 'apigatewayv2', 's3'): boto3.client(name)"
READY = "import sys, time\nprint(time.time())"
CLICK, BOTO = "python -c 'import click'", "import boto3, five clients"
ALL = "slx status, all of it"
Seconds = dict[str, list[float]]
CPU = " (CPU)"
"""what a busy machine disturbs less"""


def measure(emulator: Emulator, rounds: int) -> Seconds:
    """Seconds by command, round by round. `slx status` counts until the proxy sees its first call, boto3 until its
    clients are ready."""
    env = environment(emulator.http)
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        CLICK: [sys.executable, "-c", "import click"],
        "slx --version": [*slx(), "--version"],
        "slx --help": [*slx(), "--help"],
    }
    names = (*commands, BOTO, "slx status, first call", ALL)
    found: Seconds = {name + kind: [] for name in names for kind in ("", CPU)}
    with tempfile.TemporaryDirectory(prefix="slx-bench-") as name:
        folder = _stack(emulator, Path(name))
        for _ in range(rounds):
            for label, argv in commands.items():
                _note(found, label, run(argv, folder, env))
            script = run([sys.executable, "-c", f"{CLIENTS}\n{READY}"], folder, env)
            _note(found, BOTO, replace(script, wall_s=float(script.out) - script.began))
            seen = len(emulator.calls())
            asked = run([*slx(), "status"], folder, env)
            found["slx status, first call"].append(Calls.of(emulator.calls()[seen:]).first - asked.began)
            _note(found, ALL, asked)
    return found


def _note(found: Seconds, name: str, done: Run) -> None:
    found[name].append(done.wall_s)
    found[name + CPU].append(done.cpu_s)


def _stack(emulator: Emulator, folder: Path) -> Path:
    """A folder with a website that is up: without a journal, `status` has nothing to ask for."""
    emulator.reset()
    who = Slx("slx")
    who.lay_out(folder)
    run(who.commands(emulator.http)["cold up"], folder, environment(emulator.http))
    return folder


def heavy(*words: str) -> list[str]:
    """The heavy packages that a command imports, by the interpreter's own record."""
    if (found := shutil.which(slx()[0])) is None:
        raise BenchmarkError("there is no slx command")
    argv = [sys.executable, "-X", "importtime", found, *slx()[1:], *words]
    if slx()[0] == sys.executable:
        argv = [sys.executable, "-X", "importtime", *slx()[1:], *words]
    out = run(argv, Path.cwd(), environment("http://127.0.0.1:9")).out
    loaded = set(re.findall(r"^import time: .*\| +([a-z0-9_]+)$", out, re.MULTILINE))
    return [name for name in HEAVY if name in loaded]


def tables(found: Seconds) -> Iterator[Table]:
    """Milliseconds, and each beside what it is measured against."""
    against = dict.fromkeys(("slx --version", "slx --help"), CLICK) | {"slx status, first call": BOTO}
    rows = []
    for name, seconds in found.items():
        if name.endswith(CPU):
            continue
        other = against.get(name)
        beside = f"{ratio(seconds, found[other]):.2f} of {other}" if other else NOTHING
        cpu = found[name + CPU]
        rows.append((name, f"{1000 * median(seconds):.0f}", f"{1000 * median(cpu):.0f}" if cpu else NOTHING, beside))
    loads = [
        f"`slx {word}` loads {', '.join(heavy(word)) or 'none of ' + ', '.join(HEAVY)}"
        for word in ("--version", "--help")
    ]
    yield Table("Start-up", ("", "ms", "CPU ms", "ratio"), rows, note="; ".join(loads) + ".")
