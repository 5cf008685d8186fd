"""What the tests of faults share: the strict proxy, a folder with a blueprint, and the commands run in it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import boto3
import pytest
from account import Clients, contents
from botocore.config import Config

from serverless_cli.app import down, status, up
from serverless_cli.app.settings import Settings
from serverless_cli.events import Event
from serverless_cli.model import Plan, Report, StackState, Sweep

RIG = Path(os.environ.get("SLX_RIG") or Path(__file__).resolve().parents[2].parent / "shared" / "rig") / "strict"
SCALE = 0.05
PATIENCE_S = 60.0
READS = ("Get", "List", "Describe", "Head", "Validate", "Scan")


def strict_aws(**options: Any) -> Any:
    """A strict proxy in front of a moto of its own, not yet started; the test is skipped where there is no rig.

    With SLX_REQUIRE_RIG=1, as in CI, its absence is a failure.
    """
    if not (RIG / "strictaws").is_dir():
        why = f"the strict proxy is not at {RIG}; SLX_RIG names the folder that has strict/strictaws"
        if os.environ.get("SLX_REQUIRE_RIG") == "1":
            pytest.fail(why)
        pytest.skip(why)
    if str(RIG) not in sys.path:
        sys.path.insert(0, str(RIG))
    from strictaws import StrictAws

    return StrictAws(**{"time_scale": SCALE, "rules": "all", "latency_ms": 20.0, **options})


@contextmanager
def started(**options: Any) -> Iterator[Aws]:
    """A proxy of its own until the end of the `with`: for options that cannot be changed by a reset, and for kills."""
    with (proxy := strict_aws(**options)):
        children, aws = list(proxy.children), Aws(proxy)
        yield aws
    aws.close()
    for child in children:
        for pipe in (child.stdin, child.stdout):
            pipe.close()


class Story:
    """Keeps what a run tells."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def __call__(self, event: Event) -> None:
        self.events.append(event)


@dataclass
class Aws:
    """The proxy, as tests see it."""

    proxy: Any
    clients: dict[tuple[str, str, str], Any] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return str(self.proxy.url)

    def reset(self, **options: Any) -> None:
        """An empty account; `options` are the proxy's, such as `fail`."""
        self.proxy.reset(**options)

    def disturb(self, **options: Any) -> None:
        """The same account with other options from now on. The proxy forgets what it has seen of it: for options
        that switch the rules off."""
        self.proxy._ask(f"{self.url}/_strict/reset", asdict(replace(self.proxy.options, **options)))

    def client(self, service: str, region: str) -> Any:
        """boto3's own client: somebody who works by hand. Through the proxy too, which has to know the world."""
        return self._client(self.url, service, region)

    def _client(self, url: str, service: str, region: str) -> Any:
        if (url, service, region) not in self.clients:
            self.clients[url, service, region] = boto3.client(
                service,
                endpoint_url=url,
                region_name=region,
                aws_access_key_id="test",
                aws_secret_access_key="test",
                config=Config(s3={"addressing_style": "path"}),
            )
        return self.clients[url, service, region]

    def close(self) -> None:
        for client in self.clients.values():
            client.close()

    @property
    def violations(self) -> list[Any]:
        return list(self.proxy.report()["violations"])

    def rules(self, what: str) -> set[str]:
        """The ids of the rules that were `checked`, `armed` or `fired`."""
        return {rule for rule, seen in self.proxy.report()["rules"].items() if seen[what]}

    def mark(self) -> int:
        """A point in time for `since`; what comes after it is a run of its own."""
        self.proxy.new_run()
        return len(self.proxy.calls())

    def since(self, mark: int = 0) -> list[str]:
        """All operations that were called after it."""
        return [f"{one['service']}.{one['operation']}" for one in self.proxy.calls()[mark:]]

    def writes(self, mark: int = 0) -> list[str]:
        return [one for one in self.since(mark) if not one.partition(".")[2].startswith(READS)]

    def left(self, region: str) -> dict[str, list[str]]:
        """Everything that exists in the account, by kind. Asked behind the proxy: what is deleted does not linger."""
        return contents(self.behind(region))

    def behind(self, region: str) -> Clients:
        """Clients that ask behind the proxy: nothing lingers there, and no call is refused or counted."""
        return lambda service: self._client(self.proxy.moto_url, service, region)


@dataclass
class Folder:
    """A folder with a blueprint, and the commands run in it in this process."""

    path: Path
    aws: Aws
    region: str = "eu-central-1"
    stage: str = "dev"
    parameters: Mapping[str, str] = field(default_factory=dict)
    scale: float = SCALE
    """real seconds for each of slx's, which should be those of the proxy"""
    state: str | None = None
    """where the state is kept, if not in the folder"""

    @property
    def settings(self) -> Settings:
        more = {"parameters": self.parameters, "state": self.state}
        return Settings(self.path, stage=self.stage, region=self.region, **more)

    @property
    def environment(self) -> dict[str, str]:
        """For a subprocess: what the command needs to find the proxy, and nothing of the user's."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "XDG_CACHE_HOME") if name in os.environ}
        return {
            **kept,
            "AWS_ENDPOINT_URL": self.aws.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": self.region,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "SLX_TIME_SCALE": str(self.scale),
            **({"SLX_STATE": self.state} if self.state else {}),
        }

    def in_stage(self, stage: str) -> Folder:
        return replace(self, stage=stage)

    def edit(self, file: str, before: str, after: str) -> None:
        text = (self.path / file).read_text()
        assert before in text, f"{file} has no {before!r}"
        (self.path / file).write_text(text.replace(before, after))

    @contextmanager
    def planned(self, **options: Any) -> Iterator[up.Up]:
        with up.begin(self.settings, None, **options) as begun:
            yield begun

    def plan(self) -> Plan:
        with self.planned() as begun:
            return begun.plan

    def up(self, **options: Any) -> Report:
        """Brings the stack up; what is in the way fails the test."""
        with self.planned(**options) as begun:
            assert begun.blockers == ()
            return begun.run(Story(), threading.Event())

    def down(self, stack: str | None = None, *, agreed: bool = True) -> tuple[Report, Sweep]:
        """As `down --yes`, or with `agreed=False` as after a question; what came of all parts is one report."""
        with down.begin(self.settings, stack, agreed=agreed) as begun:
            report = begun.run(Story(), threading.Event())
            proof = Sweep((), {})
            while report.ok and (begun.further() or ((proof := begun.sweep()).left and begun.further())):
                more = begun.run(Story(), threading.Event())
                report = replace(report, outcomes={**report.outcomes, **more.outcomes})
            return report, proof if report.ok else begun.sweep()

    def slx(self, *words: str, pid_file: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Runs the command as a process of its own, whose id goes into a file for a proxy that is to kill it."""
        command = [sys.executable, "-m", "serverless_cli", *words]
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        with subprocess.Popen(command, cwd=self.path, env=self.environment, text=True, **pipes) as process:
            if pid_file:
                pid_file.write_text(str(process.pid))
            out, err = process.communicate(timeout=60)
        return subprocess.CompletedProcess(command, process.returncode, out, err)

    def status(self, stack: str | None = None) -> StackState:
        [state] = status.status(self.settings, stack)
        return state


def failures(report: Report) -> dict[str, str]:
    """What went wrong, by resource."""
    return {str(ref): str(one.error) for ref, one in report.outcomes.items() if one.error}


def until(true: Callable[[], object], what: str) -> None:
    """Waits for something that happens elsewhere."""
    end = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < end, f"{what} did not happen"
        time.sleep(0.02)


def heeding() -> None:
    """For a process: what started the tests may have had signals ignored (nohup, a job in the background)."""
    for one in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(one, signal.SIG_DFL)
