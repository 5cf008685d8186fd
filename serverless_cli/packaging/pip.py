"""Starts pip: the one of slx's environment, else the one that comes with Python, else one that uv brings along.

pip's own configuration counts (indexes, proxies, certificates); what would change the result from machine to machine
does not.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from serverless_cli.errors import SlxError
from serverless_cli.packaging.platforms import Platform
from serverless_cli.records import dataclass

_DRIVER = Path(__file__).with_name("pip_driver.py")
_LIMIT_S = 1800.0
_KEPT = frozenset(
    "PIP_" + name
    for name in (
        "INDEX_URL", "EXTRA_INDEX_URL", "FIND_LINKS", "NO_INDEX", "TRUSTED_HOST", "CERT", "CLIENT_CERT", "PROXY",
        "TIMEOUT", "DEFAULT_TIMEOUT", "RETRIES", "CACHE_DIR", "NO_CACHE_DIR", "CONFIG_FILE", "KEYRING_PROVIDER",
        "CONSTRAINT", "USE_FEATURE",
    )
)  # fmt: skip
_UV = {
    "UV_DEFAULT_INDEX": "PIP_INDEX_URL",
    "UV_INDEX_URL": "PIP_INDEX_URL",
    "UV_INDEX": "PIP_EXTRA_INDEX_URL",
    "UV_EXTRA_INDEX_URL": "PIP_EXTRA_INDEX_URL",
    "UV_FIND_LINKS": "PIP_FIND_LINKS",
    "UV_NO_INDEX": "PIP_NO_INDEX",
}
"""uv's settings that pip knows under another name, for those who have uv alone"""
_LOGIN = re.compile(r"://[^/@\s]+@")


@dataclass(frozen=True, slots=True)
class Start:
    """How pip is started: a command, and the folder or zip in which pip is, if Python does not find it by itself."""

    command: tuple[str, ...]
    home: str = ""


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of a run; `text` is all that pip said, without passwords."""

    ok: bool
    text: str


@cache
def start() -> Start:
    """The way to pip on this machine. Raises SlxError when there is none."""
    python = (sys.executable, "-I", "-X", "utf8")
    own = importlib.util.find_spec("pip")
    if own and own.origin:
        return Start(python, str(Path(own.origin).parent.parent))
    if bundled := _bundled():
        return Start(python, bundled)
    if uv := shutil.which("uv"):
        run = (uv, "run", "--quiet", "--no-project", "--with", "pip", "--python", sys.executable, "python")
        return Start((*run, "-I", "-X", "utf8"))
    raise SlxError(
        "cannot resolve requirements: there is no pip",
        f"neither {sys.executable} nor the PATH has pip or uv",
        f"run `{sys.executable} -m ensurepip`, or install uv",
    )


def _bundled() -> str:
    """The wheel of pip inside the standard library; Python runs it as it is."""
    found = importlib.util.find_spec("ensurepip")
    folders = [Path(place) / "_bundled" for place in (found.submodule_search_locations or ()) if found] if found else []
    wheels = [str(wheel) for folder in folders for wheel in folder.glob("pip-*.whl")]
    return wheels[0] if wheels else ""


def run(platform: Platform, *arguments: str, environment: Mapping[str, str] = os.environ) -> Ran:
    """Runs pip for a platform. Raises SlxError when it cannot be started or does not end."""
    way = start()
    # Another interpreter's wheels: pip starts itself again under it.
    other = [f"--python={platform.interpreter}"] if platform.interpreter not in ("", sys.executable) else []
    driver = (str(_DRIVER), json.dumps(platform.markers), way.home)
    try:
        done = subprocess.run(
            [*way.command, *driver, *other, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            env=_environment(environment),
            timeout=_LIMIT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SlxError("cannot resolve requirements", f"pip did not run: {error}", "run the command again") from error
    return Ran(done.returncode == 0, _LOGIN.sub("://…@", done.stdout))


def _environment(given: Mapping[str, str]) -> dict[str, str]:
    # AWS's credentials and the parameters of blueprints are no business of pip, nor of what it may run.
    kept = {name: value for name, value in given.items() if not name.startswith(("PIP_", "PYTHON", "AWS_", "SLX_"))}
    for name, same in _UV.items():
        if value := given.get(name):
            kept.setdefault(same, value)
    kept |= {name: value for name, value in given.items() if name in _KEPT}
    return kept | {
        "PIP_NO_INPUT": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_PROGRESS_BAR": "off",
        "NO_COLOR": "1",
    }
