"""The emulator behind the latency proxy, its HTTPS front, and the stand-in for S3: child processes on loopback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from benchmarks.calls import Record
from benchmarks.process import BenchmarkError

RIG = Path(os.environ.get("SLX_RIG") or Path(__file__).resolve().parents[1].parent / "shared" / "rig")


class Child:
    """A server that prints its port and ends when its standard input closes."""

    def __init__(self, argv: Sequence[str], env: Mapping[str, str] | None = None) -> None:
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(argv, env={**os.environ, **(env or {})}, text=True, **pipes)
        self.port = self.process.stdout.readline().strip() if self.process.stdout else ""
        if not self.port:
            raise BenchmarkError(f"could not start: {' '.join(argv)}")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=10)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe:
                pipe.close()


class Emulator:
    """moto behind strictaws with no rules but latency, over HTTP and over HTTPS."""

    def __enter__(self) -> Self:
        strict = {"PYTHONPATH": os.pathsep.join(filter(None, (str(RIG / "strict"), os.environ.get("PYTHONPATH"))))}
        start = [sys.executable, "-m", "strictaws", "--child"]
        self.folder = tempfile.TemporaryDirectory(prefix="slx-bench-")
        self.children: list[Child] = []
        # A crowd of managed policies to load at each reset, but the script peers attach one of them.
        moto = self._start([*start, "--moto"], {**strict, "MOTO_IAM_LOAD_MANAGED_POLICIES": "true"})
        self.moto = f"http://127.0.0.1:{moto}"
        self.http = f"http://127.0.0.1:{self._start([*start, '--upstream', self.moto, '--port', '0'], strict)}"
        self.ca = Path(self.folder.name) / "ca.pem"
        front = [sys.executable, "-m", "benchmarks.tls_front", self.http.rpartition(":")[2], self.folder.name]
        self.https = f"https://127.0.0.1:{self._start(front)}"
        return self

    def __exit__(self, *_: object) -> None:
        for child in reversed(self.children):
            child.stop()
        self.folder.cleanup()

    def reset(self, latency_ms: float = 0) -> None:
        """An empty account, and an empty record of calls."""
        _post(f"{self.moto}/moto-api/reset", {})
        # What an emulator does for the first who asks takes longer than all calls of a race.
        _touch(self.moto, "iam", "Action=ListRoles&Version=2010-05-08")
        _touch(self.moto, "sts", "Action=GetCallerIdentity&Version=2011-06-15")
        _post(f"{self.http}/_strict/reset", {"rules": "none", "latency_ms": latency_ms})

    def calls(self) -> list[Record]:
        """All calls since the reset."""
        found: list[Record] = _ask(f"{self.http}/_strict/calls")
        return found

    def _start(self, argv: Sequence[str], env: Mapping[str, str] | None = None) -> str:
        child = Child(argv, env)
        self.children.append(child)
        return child.port


class Stub:
    """The fast stand-in for S3, which shows a client's ceiling and not the emulator's. It starts empty."""

    def __init__(self, latency_ms: float) -> None:
        self.latency_ms = latency_ms

    def __enter__(self) -> Self:
        stub = str(RIG / "s3stub.py")
        self.child = Child([sys.executable, "-m", "benchmarks.s3_front", stub, str(self.latency_ms)])
        self.url = f"http://127.0.0.1:{self.child.port}"
        return self

    def __exit__(self, *_: object) -> None:
        self.child.stop()

    def calls(self) -> tuple[int, int]:
        """Calls and the most at once since it was last asked."""
        seen = _ask(f"{self.url}/_stub/stats")
        _post(f"{self.url}/_stub/reset", {})
        return int(seen["calls"]), int(seen["peak"])


def missing() -> str:
    """Why nothing can be measured here; empty when it can."""
    if (RIG / "strict" / "strictaws").is_dir():
        return ""
    return f"the tools to measure with are not at {RIG}; SLX_RIG names the folder that has strict/ and peers/"


def _ask(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=60) as answer:
        return json.loads(answer.read())


def _post(url: str, data: Mapping[str, Any]) -> None:
    request = urllib.request.Request(url, data=json.dumps(data).encode())
    with urllib.request.urlopen(request, timeout=60) as answer:
        answer.read()


def _touch(url: str, service: str, query: str) -> None:
    """Calls an operation; moto tells the service by the signature's scope."""
    scope = f"AKIAIOSFODNN7EXAMPLE/20260101/us-east-1/{service}/aws4_request"
    headers = {
        "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    with urllib.request.urlopen(urllib.request.Request(url, query.encode(), headers), timeout=60) as answer:
        answer.read()
