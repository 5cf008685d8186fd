"""Two commands at once on one stack, from two processes and, with the state in S3, from two machines' folders.

Both see the same account through a proxy each, so that it is known who made which call.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from rig import READS, Aws, started

from serverless_cli.app import catalog
from serverless_cli.state.lease import Holder

SCALE = 0.1
"""real seconds for each of slx's: a lease in S3 lasts six of them, long enough for a busy machine"""
LATENCY_MS = 20.0
SLOW_MS = 1000.0
"""for the one that came first, until the second one has ended, on however busy a machine"""
REGION = "eu-central-1"
BUCKET = "acme-slx-state"
ADDRESS = f"s3://{BUCKET}/shop"
STORES = ("file", "s3")
PAIRS = ("up/up", "up/down", "down/up", "down/down")
TROUBLED = ("paused", "killed")
WRITTEN = ("S3", "LAMBDA", "IAM", "CLOUDWATCH_LOGS", "APIGATEWAYV2")
"""the services that a website is made of, as botocore spells them in the environment"""
_PATIENCE_S = 120.0


@dataclass
class Machine:
    """Somebody with a folder and a way to AWS."""

    name: str
    folder: Path
    url: str
    ask: Any
    environment: dict[str, str]

    def start(self, verb: str) -> subprocess.Popen[str]:
        words = {"up": ("up", "--yes", "--no-checks"), "down": ("down", "website", "--yes")}[verb]
        command = [sys.executable, "-m", "serverless_cli", *words]
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(command, cwd=self.folder, env=self.environment, text=True, **pipes)

    def run(self, verb: str) -> Ended:
        return self.end(self.start(verb))

    def end(self, process: subprocess.Popen[str]) -> Ended:
        with process:
            _, story = process.communicate(timeout=_PATIENCE_S)
        return Ended(self, process.pid, process.returncode, story)

    def writes(self, after: float = 0.0) -> list[tuple[float, str]]:
        """What it wrote and AWS accepted, by the time at which the call began."""
        calls = self.ask(f"{self.url}/_strict/calls")
        return [
            (one["t_start"], f"{one['service']}.{one['operation']} {one['path']}")
            for one in calls
            if not one.get("operation", "Get").startswith(READS) and one["status"] < 400 and one["t_start"] >= after
        ]


@dataclass
class Ended:
    """A command that has ended."""

    machine: Machine
    pid: int
    code: int
    story: str

    def names(self, other: int) -> bool:
        """Whether it says that the process `other` has the lock, where, and since when."""
        return f"(pid {other}) since 20" in self.story and "locked by" in self.story and "@" in self.story


@dataclass
class Seen:
    """What came of one round. Each entry of a list but `in_window` is one thing that must not be."""

    what: str
    codes: tuple[int, ...] = ()
    one_worked: bool = False
    in_window: list[str] = field(default_factory=list)
    """the one call that a holder may have been about to send when it was paused: AWS's services know no lock"""
    loser_wrote: list[str] = field(default_factory=list)
    both_won: list[str] = field(default_factory=list)
    unnamed: list[str] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)

    @property
    def troubles(self) -> list[str]:
        return [*self.loser_wrote, *self.both_won, *self.unnamed, *self.stuck]


@dataclass
class Scene:
    """An account with two machines."""

    aws: Aws
    doors: tuple[str, ...]
    root: Path
    state: str
    machines: tuple[Machine, ...] = ()

    def fresh(self) -> None:
        """An empty account and empty folders; with S3, the bucket for the state."""
        self.aws.reset()
        for url in self.doors:
            self._door(url, LATENCY_MS)
        shutil.rmtree(self.root, ignore_errors=True)
        names = ("ann", "ben") if self.state == "s3" else ("both", "both")
        self.machines = tuple(self._machine(name, url) for name, url in zip(names, self.doors, strict=True))
        if self.state == "s3":
            make_bucket(self.aws.behind(REGION)("s3"))

    def distance(self, latency_ms: float) -> None:
        """How far away from AWS the first machine is from now on; what it has called until now is forgotten."""
        self._door(self.doors[0], latency_ms)

    def _door(self, url: str, latency_ms: float) -> None:
        self.aws.proxy._ask(f"{url}/_strict/reset", asdict(replace(self.aws.proxy.options, latency_ms=latency_ms)))

    def _machine(self, name: str, url: str) -> Machine:
        folder = self.root / name
        if not folder.exists():
            catalog.copy("website", folder)
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        environment = {
            **kept,
            "XDG_CACHE_HOME": str(self.root / "cache"),
            # The state is filed under the endpoint, which is the same for both; that of a service is each one's own.
            "AWS_ENDPOINT_URL": self.doors[0],
            **{f"AWS_ENDPOINT_URL_{service}": url for service in WRITTEN},
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "SLX_TIME_SCALE": str(SCALE),
        }
        if self.state == "s3":
            environment["SLX_STATE"] = ADDRESS
        return Machine(name, folder, url, self.aws.proxy._ask, environment)

    def holder(self) -> Holder | None:
        """Who has the lock, as it is written down."""
        if self.state == "s3":
            for content in self.objects("/lock").values():
                return Holder.parse(content)
            return None
        for path in self.root.glob("both/.slx/*/website/dev/lock"):
            return Holder.parse(path.read_bytes())
        return None

    def objects(self, ending: str) -> dict[str, bytes]:
        """The state's objects whose keys end so."""
        s3 = self.aws.behind(REGION)("s3")
        keys = [one["Key"] for one in s3.list_objects_v2(Bucket=BUCKET).get("Contents", ())]
        return {key: s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in keys if key.endswith(ending)}

    def wait_for(self, pid: int, process: subprocess.Popen[str], writes: int = 0) -> bool:
        """Returns once that process has the lock and has written so often; False when it has ended before."""
        machine = self.machines[0]
        while process.poll() is None:
            holder = self.holder()
            if holder and holder.pid == pid and (not writes or len(_beyond_state(machine.writes())) >= writes):
                return True
            time.sleep(0.02)
        return False

    def left(self) -> dict[str, list[str]]:
        """What exists beside the state's bucket."""
        found = self.aws.left(REGION)
        buckets = [name for name in found.pop("buckets", []) if name != BUCKET]
        return found | ({"buckets": buckets} if buckets else {})

    def close_up(self, seen: Seen, *, brief: bool) -> None:
        """Whatever happened: the next commands work (with `brief` only a `down`), and leave nothing."""
        for verb in ("down",) if brief else ("up", "down"):
            done = self.machines[1].run(verb)
            if done.code and not (done.code == 6 and brief):  # all may be gone already
                seen.stuck.append(f"{verb} afterwards ends with {done.code}: {done.story[-600:]}")
                return
        if left := self.left():
            seen.stuck.append(f"left after down: {json.dumps(left)}")
        if self.holder():
            seen.stuck.append(f"the lock is still held by {self.holder()}")


def make_bucket(s3: Any) -> None:
    """As `slx state create` makes it, in short."""
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    flags = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
    s3.put_public_access_block(Bucket=BUCKET, PublicAccessBlockConfiguration=dict.fromkeys(flags, True))


Account = tuple[Aws, tuple[str, ...]]


def account(**options: float) -> Iterator[Account]:
    """One account and a way to it for each machine; its servers end with the generator."""
    with started(**{"time_scale": SCALE, "rules": "none", "latency_ms": LATENCY_MS, **options}) as aws:
        doors = tuple(aws.proxy._start("--upstream", aws.proxy.moto_url, "--port", "0") for _ in range(2))
        children = aws.proxy.children[2:]
        yield aws, doors
    for child in children:
        child.stdin.close()
        child.stdout.close()


@contextmanager
def scene(state: str, root: Path) -> Iterator[Scene]:
    """An account and two machines in `root`."""
    with contextmanager(account)() as (aws, doors):
        yield Scene(aws, doors, root, state)


def at_once(it: Scene, pair: str, *, wait: bool = True, delay_s: float = 0.0, brief: bool = False) -> Seen:
    """Two commands: the second starts when the first has the lock (`wait`), or so much later than the first.

    An `up` that comes first finds nothing and makes all of it; a `down` finds it made.
    """
    it.fresh()
    first, second = pair.split("/")
    seen = Seen(pair)
    if first == "down" and (done := it.machines[0].run("up")).code:
        seen.stuck.append(f"the first up ends with {done.code}: {done.story[-600:]}")
        return seen
    ann, ben = it.machines
    began = time.time()
    one = ann.start(first)
    if wait:
        it.wait_for(one.pid, one, 1)
        it.distance(SLOW_MS)
    else:
        time.sleep(delay_s)
    other = ben.run(second)
    if wait:
        it.distance(LATENCY_MS)
    ended = ann.end(one), other
    judge(seen, ended, began)
    it.close_up(seen, brief=brief)
    return seen


def judge(seen: Seen, ended: tuple[Ended, Ended], began: float) -> None:
    """One works and the other one is locked out; or they came one after the other."""
    seen.codes = tuple(one.code for one in ended)
    losers = [(one, other) for one, other in (ended, ended[::-1]) if one.code == 10]
    for loser, winner in losers:
        seen.one_worked = winner.code == 0
        seen.loser_wrote += [text for _, text in loser.machine.writes(began)]
        if not loser.names(winner.pid):
            seen.unnamed.append(loser.story[-600:])
        if winner.code:
            seen.stuck.append(f"neither worked: {winner.story[-600:]}")
    if not losers:
        spans = [[at for at, _ in one.machine.writes(began)] for one in ended]
        if all(spans) and max(spans[0]) > min(spans[1]) and max(spans[1]) > min(spans[0]):
            seen.both_won.append(f"their writes overlap: {seen.codes}")
        seen.stuck += [f"{one.code}: {one.story[-600:]}" for one in ended if one.code not in (0, 6)]


def troubled(it: Scene, trouble: str, writes: int, *, brief: bool = False) -> Seen:
    """The first is paused, or killed, after so many writes; the second comes then, and the first goes on after it."""
    it.fresh()
    seen = Seen(f"{trouble} holder")
    ann, ben = it.machines
    one = ann.start("up")
    if not it.wait_for(one.pid, one, writes):
        seen.stuck.append(f"ended before its write {writes}: {ann.end(one).story[-600:]}")
        return seen
    one.send_signal(signal.SIGSTOP if trouble == "paused" else signal.SIGKILL)
    two = ben.run("up")
    if trouble == "killed":
        ann.end(one)
        seen.codes = (-signal.SIGKILL, two.code)
        if two.code:
            seen.stuck.append(f"the second ends with {two.code}: {two.story[-600:]}")
        seen.one_worked = not two.code
    else:
        _resume(it, seen, one, two)
    it.close_up(seen, brief=brief)
    return seen


def _resume(it: Scene, seen: Seen, one: subprocess.Popen[str], two: Ended) -> None:
    """In files the paused one keeps its lock, and goes on; in S3 it has lost it, and stops."""
    woken = time.time()
    one.send_signal(signal.SIGCONT)
    first = it.machines[0].end(one)
    seen.codes = (first.code, two.code)
    winner, loser = (two, first) if it.state == "s3" else (first, two)
    seen.one_worked = winner.code == 0
    if winner.code:
        seen.stuck.append(f"the one that should work ends with {winner.code}: {winner.story[-600:]}")
    if loser.code == 0:
        seen.both_won.append(f"both end with 0: {loser.story[-600:]}")
    elif "lock" not in loser.story or "Traceback" in loser.story:
        seen.unnamed.append(loser.story[-600:])
    wrote = [text for _, text in loser.machine.writes(woken if it.state == "s3" else 0.0)]
    window = 1 if it.state == "s3" else 0
    seen.in_window += wrote[:window]
    seen.loser_wrote += wrote[window:]


def _beyond_state(writes: list[tuple[float, str]]) -> list[str]:
    return [text for _, text in writes if f"/{BUCKET}/" not in text]
