"""Growth: what each further resource and each further file costs, in time, calls and memory."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.emulator import Emulator
from benchmarks.process import environment, run, slx
from benchmarks.tables import NOTHING, Table
from benchmarks.upload import Load, fill

HANDLER = "def handler(event, context):\n    return event\n"
MIXED = (
    "  table{n}: {{type: table, key: id}}",
    "  queue{n}: {{type: queue}}",
    "  topic{n}: {{type: topic}}",
    "  bucket{n}: {{type: bucket}}",
    "  hear{n}: {{type: function, code: ./function, handler: app.handler, access: {{table{n}: read-write}}}}",
    "  api{n}: {{type: http-api, routes: {{GET /: hear{n}}}}}",
)
"""Nine resources of a plan: a function is a role and a log group, too, and an API a permission."""


@dataclass(frozen=True, slots=True)
class Growth:
    """One size; numbers by name, as the probe gave them."""

    what: str
    size: int
    numbers: dict[str, float]


def measure(emulator: Emulator, *, quick: bool, say: Callable[[str], None]) -> list[Growth]:
    """Blueprints without AWS, blueprints against the emulator, and folders of files without AWS."""
    found = []
    with tempfile.TemporaryDirectory(prefix="slx-bench-") as name:
        folder = Path(name)
        for size in (10, 100, 500):
            say(f"growth: {size} resources")
            write(folder, size)
            found.append(Growth("engine", size, _probe("engine", folder)))
        for size in (10, 50) if quick else (10, 50, 100):
            say(f"growth: {size} resources against the emulator")
            write(folder, size)
            found.append(Growth("emulator", size, _real(emulator, folder)))
        for size in (100, 10_000) if quick else (100, 10_000, 100_000):
            say(f"growth: {size} files")
            fill(folder / "files", Load("", size, 200))
            found.append(Growth("files", size, _probe("files", folder / "files")))
        for megabytes in (1, 50) if quick else (1, 200):
            say(f"growth: a file of {megabytes} MB")
            fill(folder / "files", Load("", 1, megabytes * 1_000_000))
            found.append(Growth("one file, MB", megabytes, _probe("files", folder / "files")))
    return found


def write(folder: Path, size: int) -> None:
    """A blueprint of about so many resources in its plan, of mixed kinds."""
    (folder / "function").mkdir(exist_ok=True)
    (folder / "function" / "app.py").write_text(HANDLER)
    groups = max(1, round(size / 9))
    lines = [line.format(n=number) for number in range(groups) for line in MIXED]
    (folder / "blueprint.yaml").write_text("\n".join(["name: grown", "resources:", *lines, ""]))


def _probe(what: str, folder: Path) -> dict[str, float]:
    """In a process of its own, so that its memory can be told."""
    out = run([sys.executable, "-m", "benchmarks.growth_probe", what, str(folder)], Path.cwd(), _env()).out
    numbers: dict[str, float] = json.loads(out.splitlines()[-1])
    return numbers


def _env() -> dict[str, str]:
    return environment("http://127.0.0.1:9", PYTHONPATH=str(Path(__file__).resolve().parents[1]))


def _real(emulator: Emulator, folder: Path) -> dict[str, float]:
    numbers: dict[str, float] = {}
    seen = 0
    emulator.reset()
    env = environment(emulator.http)
    up = [*slx(), "up", "--yes", "--no-checks", "--quiet"]
    for name, argv in (("cold", up), ("no-op", up), ("down", [*slx(), "down", "--yes", "--quiet"])):
        done = run(argv, folder, env)
        calls = len(emulator.calls())
        numbers |= {f"{name} s": done.wall_s, f"{name} calls": calls - seen, f"{name} MB": done.peak_mb}
        seen = calls
    return numbers


def tables(found: list[Growth]) -> Iterator[Table]:
    """One table for each kind of growth."""
    titles = {
        "engine": "Growth in resources, without AWS: ms in all, and per resource",
        "emulator": "Growth in resources, against the emulator (its own time included)",
        "files": "Growth in files, without AWS: µs per file, and memory",
        "one file, MB": "Growth in the size of one file, without AWS",
    }
    for what, title in titles.items():
        some = [one for one in found if one.what == what]
        if some:
            head = ("size", *dict.fromkeys(name for one in some for name in one.numbers))
            rows = [(f"{one.size:,}", *(_cell(one.numbers, name) for name in head[1:])) for one in some]
            yield Table(title, head, rows)


def _cell(numbers: dict[str, float], name: str) -> str:
    return f"{numbers[name]:.4g}" if name in numbers else NOTHING
