"""What the commands need of the application, so that tests can give them another one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol

from serverless_cli.records import dataclass

if TYPE_CHECKING:  # none of this is needed to show help
    from pathlib import Path

    from serverless_cli.app.backup import Backup
    from serverless_cli.app.logs import Query
    from serverless_cli.app.settings import Settings
    from serverless_cli.errors import Problem
    from serverless_cli.events import Copying, Listener
    from serverless_cli.model import CheckResult, Loss, Orphans, Overview, Place, Plan, Ref, Report, Stack, Step, Sweep
    from serverless_cli.state.history import History
    from serverless_cli.state.lease import Holder
    from serverless_cli.state.store import StackKey
    from serverless_cli.ui.journals import Repaired
    from serverless_cli.ui.logs import LogLine
    from serverless_cli.ui.states import Emulator
    from serverless_cli.ui.terminal import Streams

    Results = Callable[[CheckResult], None]
    Lines = Callable[[LogLine], None]


class Rollback(Protocol):
    """A run that failed and is about to be taken back."""

    @property
    def plan(self) -> Plan: ...

    @property
    def left(self) -> tuple[Problem, ...]:
        """What stays as the run left it, and why."""

    def run(self, listen: Listener, cancel: threading.Event) -> Report:
        """Takes it back; `listen` hears of every step."""


class Up(Protocol):
    """An `up` whose plan is made and whose lock is held."""

    @property
    def stack(self) -> Stack: ...

    @property
    def plan(self) -> Plan: ...

    @property
    def blockers(self) -> tuple[Problem, ...]: ...

    @property
    def nothing_to_do(self) -> bool: ...

    @property
    def explicit_endpoint(self) -> bool: ...

    def run(self, listen: Listener, cancel: threading.Event) -> Report:
        """Carries the plan out; `listen` hears of every step."""

    def rollback(self, report: Report) -> Rollback:
        """Decides how the run of this report is taken back; only where that was asked for beforehand."""

    def outputs(self) -> Mapping[str, str]:
        """The blueprint's outputs, as far as they are known."""

    def check(self, listen: Results) -> tuple[CheckResult, ...]:
        """Runs the checks; `listen` hears of each result as it comes."""


class Watch(Protocol):
    """A stack whose files are watched, under its lock."""

    @property
    def run(self) -> Up:
        """The `up` that comes first."""

    @property
    def path(self) -> Path:
        """The blueprint's."""

    def begin(self, report: Report) -> None:
        """Takes what that `up` has left, and the files as they are now, as the beginning."""

    def changed(self, cancel: threading.Event) -> tuple[str, ...]:
        """Waits until files change; their names, none once `cancel` is set."""

    def plan(self) -> tuple[Stack, Plan]:
        """What the files call for. Raises BlueprintError, SlxError."""

    def within(self, made: Plan, *, creating: bool) -> tuple[Plan, tuple[str, ...]]:
        """The part of a plan that is a change in place or, with `creating`, something new; and the rest, in words."""

    def push(self, stack: Stack, made: Plan, listen: Listener, cancel: threading.Event) -> Report:
        """Carries it out."""


class Down(Protocol):
    """A `down` whose plan is made and whose lock is held."""

    @property
    def place(self) -> Place: ...

    @property
    def plan(self) -> Plan: ...

    @property
    def losses(self) -> Mapping[Ref, tuple[Loss, ...]]: ...

    @property
    def unsaved(self) -> tuple[Step, ...]:
        """The deletions whose loss no backup can prevent."""

    def backup(self, folder: Path, tell: Callable[[Copying], None]) -> Backup:
        """Copies what would be lost; `tell` hears how far that is. Raises SlxError when it cannot be whole."""

    def run(self, listen: Listener, cancel: threading.Event) -> Report:
        """Carries the plan out; `listen` hears of every step."""

    def further(self) -> bool:
        """Whether there is another part to be removed, of which `plan` and `losses` are then. Raises SlxError."""

    def sweep(self) -> Sweep:
        """Looks again, independently, for what is left."""


class Shipped(Protocol):
    """A blueprint that comes with slx."""

    @property
    def name(self) -> str: ...

    @property
    def description(self) -> str: ...

    @property
    def path(self) -> Path: ...


class Answer(Protocol):
    """What a function returned."""

    @property
    def payload(self) -> str: ...

    @property
    def failed(self) -> bool: ...

    @property
    def log(self) -> str: ...


class Lock(Protocol):
    """A stack's lock as it was seen."""

    @property
    def place(self) -> Place: ...

    @property
    def holder(self) -> Holder | None: ...

    def remove(self) -> None:
        """Takes it away from that holder."""


class App(Protocol):
    """The commands as functions; `serverless_cli.app` is the one that users have."""

    def project_file(self, folder: Path) -> Mapping[str, Any]:
        """The settings in the folder's slx.yaml; empty when there is none. Raises BlueprintError."""

    def up(
        self, settings: Settings, blueprint: str | None, allow_delete: frozenset[str], undoing: bool
    ) -> AbstractContextManager[Up]:
        """Plans an `up` and holds the lock while the `with` lasts; with `undoing`, what it takes to roll the run back
        is kept. Raises BlueprintError, SlxError."""

    def watch(self, settings: Settings, blueprint: str | None) -> AbstractContextManager[Watch]:
        """As `up`, for a stack whose files are then watched."""

    def preview(self, settings: Settings, blueprint: str | None) -> tuple[Stack, Plan]:
        """What `up` would do; what is in its way is among the obstacles."""

    def down(
        self, settings: Settings, stack: str | None, into: Path | None, agreed: bool
    ) -> AbstractContextManager[Down]:
        """Plans a `down`, and holds the lock while the `with` lasts; `into` is a backup's folder; `agreed` that nobody
        is to be asked: then the plan may be only the first part. Raises SlxError."""

    def status(self, settings: Settings, stack: str | None, everything: bool) -> Overview:
        """The stack that is named, those of this folder, or with `everything` those of the account and region."""

    def orphans(self, settings: Settings) -> Orphans:
        """What carries slx's mark in the account and region, and is recorded nowhere."""

    def outputs(self, settings: Settings, stack: str | None) -> Mapping[str, str]:
        """The outputs of a stack by name."""

    def check(self, settings: Settings, stack: str | None, listen: Results) -> tuple[CheckResult, ...]:
        """Runs the checks of a stack; `listen` hears of each result as it comes."""

    def logs(self, settings: Settings, stack: str | None, query: Query, emit: Lines, cancel: threading.Event) -> None:
        """Tells `emit` each line of the logs that the query asks for."""

    def invoke(self, settings: Settings, stack: str | None, function: str, event: str) -> Answer:
        """Calls one function with an event (JSON text)."""

    def state_show(self, settings: Settings, stack: str | None) -> History:
        """What is recorded of a stack, and who has its lock."""

    def state_create(self, settings: Settings, address: str) -> bool:
        """Makes the bucket of an address in S3; False when it is there and left as it is."""

    def state_move(self, settings: Settings, stack: str | None, to: str) -> tuple[str, tuple[StackKey, ...]]:
        """Moves the state of a stack, or of all, into another store: where that is, and which were moved."""

    def state_repair(self, settings: Settings, stack: str | None) -> Repaired:
        """Makes the record say what exists."""

    def lock(self, settings: Settings, stack: str | None) -> AbstractContextManager[Lock]:
        """A stack's lock as it is seen now. Raises SlxError for one that nobody can remove."""

    def validate(self, settings: Settings, blueprint: str | None) -> Stack:
        """The checked blueprint. Raises BlueprintError with all that is wrong with it."""

    def schema(self) -> Mapping[str, Any]:
        """The JSON Schema of blueprints."""

    def shipped(self) -> tuple[Shipped, ...]:
        """The blueprints that come with slx."""

    def copy(self, name: str, folder: Path) -> Path:
        """Copies a shipped blueprint into a folder that is new or empty; returns the blueprint's path."""

    def address(self, settings: Settings, stack: str | None) -> str:
        """The address of a stack that a person would want to see."""

    def browse(self, url: str) -> bool:
        """Opens an address in the browser; False when there is none."""

    def start_local(self, folder: Path) -> str:
        """Starts the folder's local target unless it runs, and returns its URL."""

    def stop_local(self, folder: Path) -> bool:
        """Stops it; False when none ran."""

    def reset_local(self, folder: Path) -> None:
        """Stops it and forgets all that it held."""

    def local_targets(self) -> tuple[Emulator, ...]:
        """Every local target of this user that runs."""


@dataclass(frozen=True, slots=True)
class Wiring:
    """What a run of the command line is composed of; `streams` and `folder` None are the process's own."""

    app: App
    streams: Streams | None = None
    folder: Path | None = None
