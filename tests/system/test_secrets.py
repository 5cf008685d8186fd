"""A secret on the local target: it is where AWS would have it, for as long as AWS would have it, and nowhere else."""

from __future__ import annotations

import os
import stat
import subprocess
import time
from pathlib import Path

import pytest

from tests.system.slx import Slx, fetch

CANARY = "c4n4ry-6f1d"
BLUEPRINT = """\
name: hush
parameters:
  token: {secret: true}
resources:
  work:
    type: function
    code: ./code
    environment: {TOKEN: "${param.token}"}
  api: {type: http-api, routes: {GET /: work}}
outputs:
  url: ${api.url}
"""
CODE = """\
import os

def handler(event, context):
    print("length", len(os.environ["TOKEN"]))
    return str(len(os.environ["TOKEN"]))
"""


@pytest.fixture
def hush(workspace: Path) -> Path:
    (workspace / "code").mkdir()
    (workspace / "code" / "app.py").write_text(CODE)
    (workspace / "blueprint.yaml").write_text(BLUEPRINT)
    return workspace


def holding(*folders: Path) -> set[Path]:
    """The files that have the secret in them."""
    files = (path for folder in folders for path in folder.rglob("*") if path.is_file())
    return {path for path in files if CANARY.encode() in path.read_bytes()}


def held_by(state: Path) -> set[Path]:
    """Those of the local target's state, which it writes when it has a moment."""
    end = time.monotonic() + 20
    while not (held := holding(state)):
        assert time.monotonic() < end, "the local target keeps nothing"
        time.sleep(0.05)
    return held


def shown() -> str:
    """What any user of the machine sees of all processes."""
    return subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout


def test_a_secret_stays_inside_the_local_target_and_goes_with_its_stack(slx: Slx, hush: Path) -> None:
    state = Path(os.environ["SLX_STATE_HOME"])

    ran = slx.run("up", "--local", "--yes", "--debug", "--params", "-", typed=f"token: {CANARY}\n")

    assert fetch(slx.outputs("--local")["url"]) == str(len(CANARY))
    assert CANARY not in ran.out + ran.err
    assert CANARY not in shown()
    assert holding(hush) == set()
    held = held_by(state)
    assert {path.parts[-3:-1] for path in held} == {("data", "state")}, "what the emulated Lambda knows"
    assert {stat.S_IMODE(path.stat().st_mode) for path in held} == {0o600}
    assert {stat.S_IMODE(path.parent.stat().st_mode) for path in held} == {0o700}

    slx.run("down", "--local", "--yes")

    assert holding(hush, state) == set()
