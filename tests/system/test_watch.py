"""`slx watch` as a user has it: a process that pushes what is saved, until it is told to end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.system.slx import Slx, fetch

pytestmark = pytest.mark.local


def until(wanted: Callable[[], bool], within_s: float = 60.0) -> bool:
    end = time.monotonic() + within_s
    while not (came := wanted()) and time.monotonic() < end:
        time.sleep(0.1)
    return came


@pytest.fixture
def slx(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SLX_STATE_HOME", str(tmp_path / "home"))
    made = Slx(tmp_path)
    made.run("init", "website", "shop")
    made.folder = tmp_path / "shop"
    yield made
    made.run("local", "stop", expect=None)


def test_what_is_saved_is_answered_anew(slx: Slx):
    story = slx.folder.parent / "story.txt"
    command = [sys.executable, "-m", "serverless_cli", "watch", "--local"]
    with (
        story.open("w") as file,
        subprocess.Popen(
            command, cwd=slx.folder, env=dict(os.environ), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=file
        ) as process,
    ):
        assert until(lambda: "watching" in story.read_text()), story.read_text()
        api = json.loads(slx.run("outputs", "--local", "--format", "json").out)["api"]
        assert "from Lambda" in fetch(api)
        code = slx.folder / "function" / "app.py"

        code.write_text(code.read_text().replace("from Lambda", "from a watched Lambda"))

        assert until(lambda: "pushed in" in story.read_text()), story.read_text()
        assert "from a watched Lambda" in fetch(api)
        assert slx.run("up", "--local", "--yes", expect=None).code == 10
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert "nothing to do" in slx.run("up", "--local", "--yes", "--no-checks").err.lower()
