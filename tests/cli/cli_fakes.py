"""An application that remembers what it was asked for and answers what the test wants."""

from __future__ import annotations

import io
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from serverless_cli.app.backup import Backup
from serverless_cli.app.invoke import Answer
from serverless_cli.app.logs import LogLine, Query
from serverless_cli.app.settings import Settings
from serverless_cli.cli.main import cli
from serverless_cli.cli.seam import Wiring
from serverless_cli.errors import Problem, SlxError
from serverless_cli.events import Copying, Ended, Listener, Planned, Started
from serverless_cli.model import (
    Action,
    Check,
    CheckResult,
    Loss,
    Orphans,
    Outcome,
    Overview,
    Place,
    Plan,
    Ref,
    Report,
    Resource,
    Spec,
    Stack,
    StackState,
    Status,
    Step,
    Sweep,
)
from serverless_cli.ui.terminal import Streams

PLACE = Place("website", "dev", "eu-central-1", "123456789012")
URL = "http://website.example"
OUTPUTS = {"website": URL, "api": f"{URL}/hello"}


class Tty(io.StringIO):
    """A terminal; what is in it was typed."""

    def isatty(self) -> bool:
        return True


def step(action: Action, kind: str = "function", id: str = "hello", **more: Any) -> Step:
    return Step(action, Ref(kind, id), f"website-dev-{id}", **more)


def plan(*steps: Step, place: Place = PLACE, **more: Any) -> Plan:
    return Plan(place, {one.ref: one for one in steps}, **more)


def stack(**more: Any) -> Stack:
    ref = Ref("function", "hello")
    return Stack(PLACE, {ref: Resource(ref, "website-dev-hello", Spec())}, file="blueprint.yaml", **more)


def checked(ok: bool = True) -> CheckResult:
    return CheckResult(Check("get", {"url": URL}, {"status": 200}), ok, "200" if ok else "status 500", 1, 0.1)


def skipped() -> CheckResult:
    saw = "it needs the secret pw: SLX_PARAM_PW=..."
    return CheckResult(Check("get", {"url": URL}, {}), False, saw, 0, 0.0, skipped=True)


@dataclass
class FakeRollback:
    """A rollback whose steps all end as `ends` says, unless it `refuses` to begin."""

    plan: Plan
    left: tuple[Problem, ...] = ()
    ends: Status = Status.DONE
    refuses: SlxError | None = None
    ran: bool = False

    def run(self, listen: Listener, cancel: threading.Event) -> Report:
        self.ran = True
        outcomes = {ref: Outcome(one, self.ends) for ref, one in self.plan.steps.items()}
        for one in outcomes.values():
            listen(Ended(one, 0.5))
        return Report(self.plan.place, outcomes, 1.0)


@dataclass
class FakeRun:
    """A plan that runs by itself: every step ends as `ends` says, until it is cancelled."""

    plan: Plan
    ends: Status = Status.DONE
    error: SlxError | None = None
    stack: Stack = field(default_factory=stack)
    blockers: tuple[Problem, ...] = ()
    explicit_endpoint: bool = False
    checks: tuple[CheckResult, ...] = (checked(),)
    losses: Mapping[Ref, tuple[Loss, ...]] = field(default_factory=dict)
    left: Sweep = field(default_factory=lambda: Sweep((), {"function": 0}))
    ran: bool = False
    back: FakeRollback | None = None
    unsaved: tuple[Step, ...] = ()
    saves: tuple[Copying, ...] = ()
    breaks: SlxError | None = None
    later: tuple[Plan, ...] = ()
    """what `down` finds beyond its first plan"""
    stopped: bool = False
    """the user stops it while its last steps run"""

    @property
    def place(self) -> Place:
        return self.plan.place

    @property
    def nothing_to_do(self) -> bool:
        return not self.plan.writes

    def run(self, listen: Listener, cancel: threading.Event) -> Report:
        self.ran = True
        listen(Planned(self.plan))
        outcomes = {}
        for ref, one in self.plan.steps.items():
            if one in self.plan.writes:
                listen(Started(one, 0.0))
            outcomes[ref] = Outcome(one, self.ends, error=self.error, seconds=0.5)
            listen(Ended(outcomes[ref], 0.5))
        if self.stopped:
            cancel.set()
        return Report(self.plan.place, outcomes, 1.0)

    def backup(self, folder: Path, tell: Callable[[Copying], None]) -> Backup:
        assert not self.ran, "what is removed can no longer be saved"
        for one in self.saves:
            tell(one)
        if self.breaks:
            raise self.breaks
        return Backup(folder, {one.ref: one.saved for one in self.saves if one.saved})

    def rollback(self, report: Report) -> FakeRollback:
        assert self.back is not None
        if self.back.refuses:
            raise self.back.refuses
        return self.back

    def outputs(self) -> Mapping[str, str]:
        return OUTPUTS

    def check(self, listen: Any) -> tuple[CheckResult, ...]:
        for result in self.checks:
            listen(result)
        return self.checks

    def further(self) -> bool:
        assert self.ran, "it is the first part that is removed first"
        if self.later:
            self.plan, self.later = self.later[0], self.later[1:]
            return True
        return False

    def sweep(self) -> Sweep:
        return self.left


@dataclass(frozen=True)
class FakeBlueprint:
    name: str
    description: str
    path: Path


@dataclass(frozen=True)
class FakeTarget:
    url: str = "http://127.0.0.1:4566"
    pid: int = 42
    uptime_s: float = 61.0
    memory_bytes: int = 62_000_000
    stacks: tuple[str, ...] = ("website/dev",)
    workspace: Path = Path("/work")


@dataclass
class FakeApp:
    """`calls` are the names of what was asked for, `settings` the last ones that came with it."""

    running: FakeRun = field(default_factory=lambda: FakeRun(plan(step(Action.CREATE))))
    project: dict[str, Any] = field(default_factory=dict)
    states: tuple[StackState, ...] = ()
    lost: Orphans = Orphans((), (), {"function": 2, "bucket": 0})  # noqa: RUF009
    values: Mapping[str, str] = field(default_factory=lambda: OUTPUTS)
    results: tuple[CheckResult, ...] = (checked(),)
    error: BaseException | None = None
    watched: FakeWatch = field(default_factory=lambda: FakeWatch(FakeRun(plan()), []))
    targets: tuple[FakeTarget, ...] = ()
    opens: bool = True
    lines: tuple[LogLine, ...] = ()
    answer: Answer = field(default_factory=lambda: Answer("null", failed=False, log=""))
    calls: list[tuple[str, Any]] = field(default_factory=list)
    settings: Settings | None = None
    into: Path | None = None
    agreed: bool | None = None

    def _asked(self, what: str, with_: Any = None, settings: Settings | None = None) -> None:
        self.calls.append((what, with_))
        self.settings = settings or self.settings
        if settings and settings.observe:
            now = time.monotonic()
            settings.observe("sts.GetCallerIdentity", now, now + 0.25, 1, None)
        if self.error:
            raise self.error

    def project_file(self, folder: Path) -> Mapping[str, Any]:
        return self.project

    @contextmanager
    def up(
        self, settings: Settings, blueprint: str | None, allow_delete: frozenset[str], undoing: bool
    ) -> Iterator[FakeRun]:
        self._asked("up", (blueprint, allow_delete), settings)
        assert undoing is (self.running.back is not None)
        yield self.running

    @contextmanager
    def watch(self, settings: Settings, blueprint: str | None) -> Iterator[FakeWatch]:
        self._asked("watch", blueprint, settings)
        self.watched.run = self.running
        yield self.watched

    def preview(self, settings: Settings, blueprint: str | None) -> tuple[Stack, Plan]:
        self._asked("preview", blueprint, settings)
        return self.running.stack, self.running.plan

    @contextmanager
    def down(self, settings: Settings, stack: str | None, into: Path | None, agreed: bool) -> Iterator[FakeRun]:
        self.into = into
        self.agreed = agreed
        self._asked("down", stack, settings)
        yield self.running

    def status(self, settings: Settings, stack: str | None, everything: bool) -> Overview:
        self._asked("status", (stack, everything), settings)
        return Overview(self.states, {"function": 2, "bucket": 0} if everything else None)

    def orphans(self, settings: Settings) -> Orphans:
        self._asked("orphans", None, settings)
        return self.lost

    def outputs(self, settings: Settings, stack: str | None) -> Mapping[str, str]:
        self._asked("outputs", stack, settings)
        return self.values

    def check(self, settings: Settings, stack: str | None, listen: Any) -> tuple[CheckResult, ...]:
        self._asked("check", stack, settings)
        for result in self.results:
            listen(result)
        return self.results

    def logs(self, settings: Settings, stack: str | None, query: Query, emit: Any, cancel: threading.Event) -> None:
        self._asked("logs", (stack, query), settings)
        for line in self.lines:
            emit(line)

    def invoke(self, settings: Settings, stack: str | None, function: str, event: str) -> Answer:
        self._asked("invoke", (stack, function, event), settings)
        return self.answer

    def validate(self, settings: Settings, blueprint: str | None) -> Stack:
        self._asked("validate", blueprint, settings)
        return self.running.stack

    def schema(self) -> Mapping[str, Any]:
        return {"title": "slx blueprint"}

    def shipped(self) -> tuple[FakeBlueprint, ...]:
        return (FakeBlueprint("website", "A static site.", Path("/shelf/website/blueprint.yaml")),)

    def copy(self, name: str, folder: Path) -> Path:
        self._asked("copy", (name, folder))
        return folder / "blueprint.yaml"

    def address(self, settings: Settings, stack: str | None) -> str:
        self._asked("address", stack, settings)
        return URL

    def browse(self, url: str) -> bool:
        self._asked("browse", url)
        return self.opens

    def start_local(self, folder: Path) -> str:
        self._asked("start", folder)
        return "http://127.0.0.1:4566"

    def stop_local(self, folder: Path) -> bool:
        self._asked("stop", folder)
        return bool(self.targets)

    def reset_local(self, folder: Path) -> None:
        self._asked("reset", folder)

    def local_targets(self) -> tuple[FakeTarget, ...]:
        return self.targets


@dataclass(frozen=True)
class Result:
    """What a command line left: exit code, data and story."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)

    @property
    def records(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass
class Line:
    """The command line over a fake application; `environ` is all that it sees of the environment."""

    folder: Path
    app: FakeApp = field(default_factory=FakeApp)
    environ: dict[str, str | None] = field(default_factory=dict)

    def __call__(self, *args: str, stdin: str | None = None) -> Result:
        """Runs `slx args` without a terminal."""
        result = CliRunner(env=self.environ).invoke(cli, args, stdin, obj=Wiring(self.app, None, self.folder))
        return Result(result.exit_code, result.stdout, result.stderr)

    def typed(self, answer: str, *args: str) -> Result:
        """Runs `slx args` on a terminal without a live view where `answer` is typed."""
        out, err = Tty(), Tty()
        streams = Streams(Tty(answer), out, err, {"TERM": "dumb", "COLUMNS": "100"})
        result = CliRunner(env=self.environ).invoke(cli, args, obj=Wiring(self.app, streams, self.folder))
        return Result(result.exit_code, out.getvalue(), err.getvalue())


@dataclass
class FakeWatch:
    """A watch that sees the given changes, one after the other; each wants the plan that comes with it, or fails."""

    run: FakeRun
    changes: list[tuple[str, Plan | SlxError]]
    path: Path = Path("/work/blueprint.yaml")
    pushed: list[Plan] = field(default_factory=list)
    wants: Plan | SlxError | None = None
    began: bool = False

    def begin(self, report: Report) -> None:
        self.began = True

    def changed(self, cancel: threading.Event) -> tuple[str, ...]:
        assert self.began
        if not self.changes:
            return ()
        name, self.wants = self.changes.pop(0)
        return (name,)

    def plan(self) -> tuple[Stack, Plan]:
        if isinstance(self.wants, SlxError):
            raise self.wants
        assert self.wants
        return self.run.stack, self.wants

    def within(self, made: Plan, *, creating: bool) -> tuple[Plan, tuple[str, ...]]:
        allowed = {Action.UPDATE, Action.CREATE} if creating else {Action.UPDATE}
        mine = {ref: one for ref, one in made.steps.items() if one.action in allowed}
        return Plan(made.place, mine), tuple(str(ref) for ref in made.steps if ref not in mine)

    def push(self, stack: Stack, made: Plan, listen: Listener, cancel: threading.Event) -> Report:
        self.pushed.append(made)
        return FakeRun(made).run(listen, cancel)
