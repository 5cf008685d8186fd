"""One command as a process of its own: how long it took, its processor time, and its peak memory."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ACCOUNT = "123456789012"
REGION = "us-east-1"
LIMIT_S = 300


class BenchmarkError(Exception):
    """A contender did not do what it was asked for: its numbers would mean nothing."""


@dataclass(frozen=True, slots=True)
class Run:
    """`peak_mb` is that of the largest process of the tree: they overlap in no contender but Terraform, whose plugin
    counts. `began` is wall-clock time, to be compared with the proxy's records."""

    wall_s: float
    cpu_s: float
    peak_mb: float
    began: float
    out: str


def environment(url: str, ca: Path | None = None, **more: str) -> dict[str, str]:
    """What a contender needs to find the emulator, and nothing of the user's own configuration of AWS."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "PYENV_ROOT") if name in os.environ}
    fixed = {
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_PAGER": "",
        "AWS_ENDPOINT_URL": url,
        "NO_COLOR": "1",
        "NO_PROXY": "*",
    }
    trust = {"AWS_CA_BUNDLE": str(ca), "SSL_CERT_FILE": str(ca)} if ca else {}
    return {**kept, **fixed, **trust, **more}


def run(argv: Sequence[str], cwd: Path, env: Mapping[str, str], *, limit_s: float = LIMIT_S) -> Run:
    """Runs a command to its end. Raises BenchmarkError, with the end of its output, when it fails.

    This process must stay small: until the child's `exec`, its memory counts as the child's.
    """
    with tempfile.TemporaryFile() as out:
        began, start = time.time(), time.perf_counter()
        process = subprocess.Popen(argv, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        alarm = threading.Timer(limit_s, process.kill)
        alarm.start()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        alarm.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        text = out.read().decode(errors="replace")
    if process.returncode:
        raise BenchmarkError(f"`{' '.join(argv)}` ended with {process.returncode}:\n{text[-2000:]}")
    # Linux counts in KiB, macOS in bytes.
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / unit, began, text)


def program(name: str) -> str | None:
    """Where an installed command really is; behind a pyenv shim, whose start would count against it."""
    found = shutil.which(name)
    if found and f"{os.sep}shims{os.sep}" in found and shutil.which("pyenv"):
        asked = subprocess.run(["pyenv", "which", name], capture_output=True, text=True, check=False)
        found = asked.stdout.strip() or None
    return found


def slx() -> list[str]:
    """SLX_COMMAND (another version, to compare with), else the installed command, else the module."""
    if given := os.environ.get("SLX_COMMAND"):
        return shlex.split(given)
    script = Path(sys.executable).with_name("slx")
    return [str(script)] if script.exists() else [sys.executable, "-m", "serverless_cli"]
