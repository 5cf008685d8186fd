"""Uploads of a bucket's content: many small files and a long one, cold, unchanged and with one file changed."""

from __future__ import annotations

import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.calls import Calls
from benchmarks.emulator import Emulator, Stub
from benchmarks.process import Run, environment, program, run, slx
from benchmarks.tables import Table, ratio

LATENCY_MS = 20
CHUNK = 1 << 18
BUCKET = "slx-upload-bucket"
BLUEPRINT = f"name: upload\nresources:\n  site: {{type: bucket, name: {BUCKET}, content: ./files}}\n"
SERVICES = (
    "STS", "IAM", "LAMBDA", "LOGS", "CLOUDWATCH_LOGS", "APIGATEWAYV2", "DYNAMODB", "EVENTBRIDGE", "EVENTS", "FIREHOSE",
    "KINESIS", "PIPES", "SFN", "SNS", "SQS", "S3_CONTROL", "CLOUDFRONT", "KMS",
)  # fmt: skip
PHASES = ("cold", "unchanged", "one changed")


@dataclass(frozen=True, slots=True)
class Load:
    """What is uploaded, and where to."""

    name: str
    files: int
    bytes_each: int
    stub: bool = True


@dataclass(frozen=True, slots=True)
class Upload:
    """One phase of one contender in one round."""

    load: Load
    who: str
    phase: str
    run: Run
    calls: int
    at_once: int


def loads(*, quick: bool) -> tuple[Load, ...]:
    if quick:
        return Load("200 files of 3 KB", 200, 3_000), Load("one of 20 MB", 1, 20_000_000)
    return (
        Load("2,000 files of 3 KB", 2_000, 3_000),
        Load("one of 200 MB", 1, 200_000_000),
        Load("300 files of 3 KB, moto", 300, 3_000, stub=False),
    )


def contenders() -> dict[str, list[str]]:
    """The commands that make the bucket as the folder `files`."""
    found = {"slx": [*slx(), "up", "--yes", "--no-checks", "--quiet"]}
    if aws := program("aws"):
        found["aws s3 sync"] = [aws, "s3", "sync", "--only-show-errors", "files", f"s3://{BUCKET}"]
    if s5cmd := program("s5cmd"):
        found["s5cmd sync"] = [s5cmd, "sync", "files/", f"s3://{BUCKET}/"]
    return found


def measure(emulator: Emulator, rounds: int, *, quick: bool, say: Callable[[str], None]) -> list[Upload]:
    """All loads by all contenders, in turns."""
    found: list[Upload] = []
    with tempfile.TemporaryDirectory(prefix="slx-bench-") as name:
        for load in loads(quick=quick):
            folder = Path(name)
            fill(folder / "files", load)
            (folder / "blueprint.yaml").write_text(BLUEPRINT)
            for number in range(rounds):
                for who, argv in contenders().items():
                    say(f"upload, {load.name}: round {number + 1}, {who}")
                    shutil.rmtree(folder / ".slx", ignore_errors=True)
                    found += _phases(emulator, load, who, argv, folder)
    return found


def _phases(emulator: Emulator, load: Load, who: str, argv: list[str], folder: Path) -> Iterator[Upload]:
    emulator.reset(0 if load.stub else LATENCY_MS)
    with Stub(LATENCY_MS) as stub:
        url = stub.url if load.stub else emulator.http
        env = _apart(emulator.http, url)
        if who != "slx":
            _make_bucket(url, folder)
        stub.calls()
        for phase in PHASES:
            if phase == "one changed":
                time.sleep(1)  # a listing's times are whole seconds, and sync goes by them
                _touch(folder / "files")
            seen = len(emulator.calls())
            done = run(argv, folder, env)
            calls, at_once = stub.calls() if load.stub else _behind(emulator, seen)
            yield Upload(load, who, phase, done, calls, at_once)


def _apart(url: str, s3: str) -> dict[str, str]:
    """S3 at one address and all else at another. One address for all would go before S3's own, so there is none: a
    service that is not named here meets a proxy that does not exist, not AWS."""
    env = environment("", S3_ENDPOINT_URL=s3, HTTPS_PROXY="http://127.0.0.1:9", NO_PROXY="127.0.0.1")
    del env["AWS_ENDPOINT_URL"]
    return {**env, **{f"AWS_ENDPOINT_URL_{name}": url for name in SERVICES}, "AWS_ENDPOINT_URL_S3": s3}


def _behind(emulator: Emulator, seen: int) -> tuple[int, int]:
    calls = Calls.of([one for one in emulator.calls()[seen:] if one.get("service") == "s3"])
    return calls.count, calls.at_once


def _make_bucket(url: str, folder: Path) -> None:
    """In a process of its own: boto3 in this one would count as the contenders' memory."""
    script = f"import boto3; boto3.client('s3').create_bucket(Bucket='{BUCKET}')"
    run([sys.executable, "-c", script], folder, environment(url))


def fill(folder: Path, load: Load) -> None:
    """Makes the files, the same each time, in folders of a hundred."""
    shutil.rmtree(folder, ignore_errors=True)
    chance = random.Random(load.files)
    for number in range(load.files):
        path = folder / f"{number // 100:04}" / f"{number:06}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:  # in pieces: what this process ever held counts as the contenders' memory
            for start in range(0, load.bytes_each, CHUNK):
                file.write(chance.randbytes(min(CHUNK, load.bytes_each - start)))


def _touch(folder: Path) -> None:
    path = next(folder.rglob("*.txt"))
    with path.open("r+b") as file:
        first = file.read(1)[0]
        file.seek(0)
        file.write(bytes([first ^ 1]))


def tables(found: list[Upload]) -> Iterator[Table]:
    """For each load: seconds, files a second, calls and memory."""
    for load in dict.fromkeys(one.load for one in found):
        rows = []
        for who in dict.fromkeys(one.who for one in found):
            for phase in PHASES:
                some = [one for one in found if (one.load, one.who, one.phase) == (load, who, phase)]
                own = [one.run.wall_s for one in found if (one.load, one.who, one.phase) == (load, "slx", phase)]
                if not some:
                    continue
                walls = [one.run.wall_s for one in some]
                seconds, last = median(walls), some[-1]
                rows.append((
                    who, phase, f"{seconds:.2f}", f"{load.files / seconds:.0f}", f"{ratio(walls, own):.2f}",
                    f"{last.calls}", f"{last.at_once}", f"{median(one.run.cpu_s for one in some):.2f}",
                    f"{max(one.run.peak_mb for one in some):.0f}",
                ))  # fmt: skip
        head = ("", "", "s", "files/s", "it ÷ slx", "S3 calls", "at once", "CPU s", "peak MB")
        where = f"stand-in at {LATENCY_MS} ms" if load.stub else f"emulator at {LATENCY_MS} ms"
        yield Table(f"Upload, {load.name} ({where})", head, rows)
