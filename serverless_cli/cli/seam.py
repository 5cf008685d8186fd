"""What the commands need of the application, so that tests can give them another one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:  # none of this is needed to show help
    from pathlib import Path

    from serverless_cli.app.settings import Settings
    from serverless_cli.errors import Problem
    from serverless_cli.events import Listener
    from serverless_cli.model import CheckResult, Loss, Place, Plan, Ref, Report, Stack, StackState, Sweep
    from serverless_cli.ui.states import Emulator
    from serverless_cli.ui.terminal import Streams

    Results = Callable[[CheckResult], None]


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

    def run(self, listen: Listener, cancel: threading.Event) -> Report: ...

    def outputs(self) -> Mapping[str, str]: ...

    def check(self, listen: Results) -> tuple[CheckResult, ...]: ...


class Down(Protocol):
    """A `down` whose plan is made and whose lock is held."""

    @property
    def place(self) -> Place: ...

    @property
    def plan(self) -> Plan: ...

    @property
    def losses(self) -> Mapping[Ref, tuple[Loss, ...]]: ...

    def run(self, listen: Listener, cancel: threading.Event) -> Report: ...

    def sweep(self) -> Sweep: ...


class Shipped(Protocol):
    """A blueprint that comes with slx."""

    @property
    def name(self) -> str: ...

    @property
    def description(self) -> str: ...

    @property
    def path(self) -> Path: ...


class App(Protocol):
    """The commands as functions; `serverless_cli.app` is the one that users have."""

    def project_file(self, folder: Path) -> Mapping[str, Any]: ...

    def up(
        self, settings: Settings, blueprint: str | None, allow_delete: frozenset[str]
    ) -> AbstractContextManager[Up]: ...

    def preview(self, settings: Settings, blueprint: str | None) -> tuple[Stack, Plan]: ...

    def down(self, settings: Settings, stack: str | None) -> AbstractContextManager[Down]: ...

    def status(self, settings: Settings, stack: str | None, everything: bool) -> tuple[StackState, ...]: ...

    def outputs(self, settings: Settings, stack: str | None) -> Mapping[str, str]: ...

    def check(self, settings: Settings, stack: str | None, listen: Results) -> tuple[CheckResult, ...]: ...

    def validate(self, settings: Settings, blueprint: str | None) -> Stack: ...

    def schema(self) -> Mapping[str, Any]: ...

    def shipped(self) -> tuple[Shipped, ...]: ...

    def copy(self, name: str, folder: Path) -> Path: ...

    def address(self, settings: Settings, stack: str | None) -> str: ...

    def browse(self, url: str) -> bool: ...

    def start_local(self, folder: Path) -> str: ...

    def stop_local(self, folder: Path) -> bool: ...

    def reset_local(self, folder: Path) -> None: ...

    def local_targets(self) -> tuple[Emulator, ...]: ...


@dataclass(frozen=True, slots=True)
class Wiring:
    """What a run of the command line is composed of; `streams` and `folder` None are the process's own."""

    app: App
    streams: Streams | None = None
    folder: Path | None = None
