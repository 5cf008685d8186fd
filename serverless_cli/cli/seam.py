"""What the commands need of the application, so that tests can give them another one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:  # none of this is needed to show help
    from pathlib import Path

    from serverless_cli.app.logs import Query
    from serverless_cli.app.settings import Settings
    from serverless_cli.errors import Problem
    from serverless_cli.events import Listener
    from serverless_cli.model import CheckResult, Loss, Place, Plan, Ref, Report, Stack, StackState, Sweep
    from serverless_cli.ui.logs import LogLine
    from serverless_cli.ui.states import Emulator
    from serverless_cli.ui.terminal import Streams

    Results = Callable[[CheckResult], None]
    Lines = Callable[[LogLine], None]


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

    def outputs(self) -> Mapping[str, str]:
        """The blueprint's outputs, as far as they are known."""

    def check(self, listen: Results) -> tuple[CheckResult, ...]:
        """Runs the checks; `listen` hears of each result as it comes."""


class Down(Protocol):
    """A `down` whose plan is made and whose lock is held."""

    @property
    def place(self) -> Place: ...

    @property
    def plan(self) -> Plan: ...

    @property
    def losses(self) -> Mapping[Ref, tuple[Loss, ...]]: ...

    def run(self, listen: Listener, cancel: threading.Event) -> Report:
        """Carries the plan out; `listen` hears of every step."""

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


class App(Protocol):
    """The commands as functions; `serverless_cli.app` is the one that users have."""

    def project_file(self, folder: Path) -> Mapping[str, Any]:
        """The settings in the folder's slx.yaml; empty when there is none. Raises BlueprintError."""

    def up(self, settings: Settings, blueprint: str | None, allow_delete: frozenset[str]) -> AbstractContextManager[Up]:
        """Plans an `up` and holds the lock while the `with` lasts. Raises BlueprintError, SlxError."""

    def preview(self, settings: Settings, blueprint: str | None) -> tuple[Stack, Plan]:
        """What `up` would do; what is in its way is among the obstacles."""

    def down(self, settings: Settings, stack: str | None) -> AbstractContextManager[Down]:
        """Plans a `down` and holds the lock while the `with` lasts. Raises SlxError."""

    def status(self, settings: Settings, stack: str | None, everything: bool) -> tuple[StackState, ...]:
        """The stack that is named, those of this folder, or with `everything` those of the account and region."""

    def outputs(self, settings: Settings, stack: str | None) -> Mapping[str, str]:
        """The outputs of a stack by name."""

    def check(self, settings: Settings, stack: str | None, listen: Results) -> tuple[CheckResult, ...]:
        """Runs the checks of a stack; `listen` hears of each result as it comes."""

    def logs(self, settings: Settings, stack: str | None, query: Query, emit: Lines, cancel: threading.Event) -> None:
        """Tells `emit` each line of the logs that the query asks for."""

    def invoke(self, settings: Settings, stack: str | None, function: str, event: str) -> Answer:
        """Calls one function with an event (JSON text)."""

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
