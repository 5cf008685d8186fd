"""The `slx` command as a user has it: a process in a folder, without a terminal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass
class Slx:
    """`run("up", "website", "--local")` runs `slx up website --local` in the folder."""

    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    def run(self, *words: str, expect: int | None = 0, typed: str = "") -> Ran:
        kept = ("PATH", "HOME", "SLX_STATE_HOME", "XDG_CACHE_HOME", "LANG")
        clean = {name: os.environ[name] for name in kept if name in os.environ}
        done = subprocess.run(
            [sys.executable, "-m", "serverless_cli", *words],
            cwd=self.folder,
            env={**clean, **self.environment},
            input=typed,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        ran = Ran(done.returncode, done.stdout, done.stderr)
        assert expect is None or ran.code == expect, f"slx {' '.join(words)}: {ran}"
        return ran

    def outputs(self, *words: str) -> dict[str, str]:
        return self.run("outputs", *words, "--format", "json").document

    def written(self, *words: str) -> dict[str, str]:
        """Runs `up ... --json` and tells which resources it wrote and how."""
        report = self.run("up", *words, "--json").lines
        ended = [one for one in report if one.get("event") == "ended"]
        return {f"{one['kind']} {one['id']}": one["action"] for one in ended if one["action"] != "keep"}


def fetch(url: str) -> str:
    """The text at a URL of the local target; not every resolver knows `*.localhost`."""
    parts = urlsplit(url)
    here = parts._replace(netloc=f"127.0.0.1:{parts.port}").geturl()
    with urllib.request.urlopen(urllib.request.Request(here, headers={"Host": parts.netloc}), timeout=20) as answer:
        return answer.read().decode()
