"""Where and with what a measurement was made, in a few lines for whoever reads it later."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.process import program

PACKAGES = ("serverless-cli", "boto3", "botocore", "click", "rich", "moto")
TOOLS = (("aws", "--version"), ("terraform", "-version"), ("chalice", "--version"), ("s5cmd", "version"))


def describe() -> Iterator[str]:
    """One fact a line."""
    load = f", load {os.getloadavg()[0]:.1f} at the start" if hasattr(os, "getloadavg") else ""
    yield f"{os.cpu_count()} cores ({_processor()}), {_memory_gb():.0f} GB, {platform.system()}{load}"
    yield f"{platform.python_implementation()} {platform.python_version()}, {', '.join(_packages())}"
    if tools := [text for name, word in TOOLS if (text := _tool(name, word))]:
        yield ", ".join(tools)


def commit() -> str:
    """The commit that is measured, with a + when files differ from it."""

    def git(*words: str) -> str:
        asked = subprocess.run(["git", *words], capture_output=True, text=True, check=False, cwd=Path(__file__).parent)
        return asked.stdout.strip()

    changed = "+" if git("status", "--porcelain", "--", "../serverless_cli") else ""
    return f"{git('rev-parse', '--short', 'HEAD') or 'unknown'}{changed}"


def _packages() -> Iterator[str]:
    for name in PACKAGES:
        try:
            yield f"{name} {version(name)}"
        except PackageNotFoundError:
            continue


def _tool(name: str, word: str) -> str:
    found = program(name)
    if not found:
        return ""
    asked = subprocess.run([found, word], capture_output=True, text=True, check=False)
    lines = [line for line in (asked.stdout + asked.stderr).splitlines() if any(sign.isdigit() for sign in line)]
    first = lines[0].split(", ")[0] if lines else "?"
    return first if name in first.lower() else f"{name} {first}"


def _processor() -> str:
    if sys.platform == "linux":
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


def _memory_gb() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
