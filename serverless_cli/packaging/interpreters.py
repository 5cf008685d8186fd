"""Finds the Python that a runtime's code runs on locally: its own version if that is installed, else slx's."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from serverless_cli.records import dataclass


@dataclass(frozen=True, slots=True)
class Interpreter:
    """`exact` is False when the runtime's own version is not installed and slx's stands in."""

    path: str
    version: str
    exact: bool


@cache
def interpreter_for(runtime: str) -> Interpreter:
    """The interpreter for a runtime such as `python3.13`."""
    wanted = runtime.removeprefix("python")
    own = ".".join(map(str, sys.version_info[:2]))
    if wanted == own:
        return Interpreter(sys.executable, own, True)
    for path in _candidates(wanted):
        if _version(path) == wanted:
            return Interpreter(path, wanted, True)
    return Interpreter(sys.executable, own, False)


def _candidates(wanted: str) -> list[str]:
    """pyenv's folders first: its shims on the PATH may refuse to start a version that is installed."""
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    folders = sorted(root.glob(f"{wanted}.*"), key=lambda folder: [int(n) for n in re.findall(r"\d+", folder.name)])
    found = [str(folder / "bin" / "python") for folder in reversed(folders)]
    on_path = shutil.which(f"python{wanted}")
    return found + ([on_path] if on_path else [])


def _version(path: str) -> str:
    return (tell(path, "import sys; print('%d.%d' % sys.version_info[:2])") or "").strip()


def tell(path: str, code: str, given: bytes = b"") -> str | None:
    """What a Python prints that runs this code, with nothing installed and `given` on stdin; None when it fails."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "SLX_"))}
    try:
        done = subprocess.run(
            [path, "-I", "-S", "-c", code], input=given, env=environment, capture_output=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode("utf-8", "replace")
