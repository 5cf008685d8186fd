"""Finds the Python for a function's runtime, and the AWS SDK that AWS's runtimes bring along."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

# boto3 and all that it needs; pure Python, so any version of Python that they support can import them.
SDK = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3", "six")


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
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        done = subprocess.run([path, "-I", "-S", "-c", code], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()


def sdk_folder(scratch: Path) -> Path:
    """A folder through which a function sees boto3, in this process's version, and nothing else that is installed."""
    folder = scratch / "sdk"
    folder.mkdir(parents=True, exist_ok=True)
    for name in SDK:
        found = importlib.util.find_spec(name)
        if found is None or found.origin is None:
            continue
        source = Path(found.origin)
        source = source.parent if source.name == "__init__.py" else source
        link = folder / source.name
        if not link.is_symlink() or link.resolve() != source.resolve():
            link.unlink(missing_ok=True)
            link.symlink_to(source)
    return folder
