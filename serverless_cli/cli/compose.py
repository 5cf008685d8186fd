"""The composition that users have: each command imports the part of the application that it needs, when it needs it.

Start-up time is why: `slx --help` must not wait for boto3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import threading
    from collections.abc import Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from serverless_cli.app.logs import Query
    from serverless_cli.app.settings import Settings
    from serverless_cli.cli.seam import Answer, Down, Lines, Lock, Results, Shipped, Up, Watch
    from serverless_cli.model import CheckResult, Orphans, Overview, Plan, Stack
    from serverless_cli.state.history import History
    from serverless_cli.state.store import StackKey
    from serverless_cli.ui.journals import Repaired
    from serverless_cli.ui.states import Emulator

# ruff: noqa: PLC0415


class Slx:
    """The application behind the `slx` command."""

    def project_file(self, folder: Path) -> Mapping[str, Any]:
        from serverless_cli.app.settings import project_file

        return project_file(folder)

    def up(
        self, settings: Settings, blueprint: str | None, allow_delete: frozenset[str], undoing: bool
    ) -> AbstractContextManager[Up]:
        from serverless_cli.app.up import begin

        return begin(settings, blueprint, allow_delete=allow_delete, undoing=undoing)

    def watch(self, settings: Settings, blueprint: str | None) -> AbstractContextManager[Watch]:
        from serverless_cli.app.watch import begin

        return begin(settings, blueprint)

    def preview(self, settings: Settings, blueprint: str | None) -> tuple[Stack, Plan]:
        from serverless_cli.app.preview import preview

        return preview(settings, blueprint)

    def down(
        self, settings: Settings, stack: str | None, into: Path | None, agreed: bool
    ) -> AbstractContextManager[Down]:
        from serverless_cli.app.down import begin

        return begin(settings, stack, into=into, agreed=agreed)

    def status(self, settings: Settings, stack: str | None, everything: bool) -> Overview:
        from serverless_cli.app.status import overview

        return overview(settings, stack, everything=everything)

    def orphans(self, settings: Settings) -> Orphans:
        from serverless_cli.app.orphans import orphans

        return orphans(settings)

    def outputs(self, settings: Settings, stack: str | None) -> Mapping[str, str]:
        from serverless_cli.app.outputs import outputs

        return outputs(settings, stack)

    def check(self, settings: Settings, stack: str | None, listen: Results) -> tuple[CheckResult, ...]:
        from serverless_cli.app.check import check

        return check(settings, stack, listen)

    def logs(self, settings: Settings, stack: str | None, query: Query, emit: Lines, cancel: threading.Event) -> None:
        from serverless_cli.app.logs import logs

        logs(settings, stack, query, emit, cancel)

    def invoke(self, settings: Settings, stack: str | None, function: str, event: str) -> Answer:
        from serverless_cli.app.invoke import invoke

        return invoke(settings, stack, function, event)

    def state_show(self, settings: Settings, stack: str | None) -> History:
        from serverless_cli.app.state import show

        return show(settings, stack)

    def state_create(self, settings: Settings, address: str) -> bool:
        from serverless_cli.app.state import create

        return create(settings, address)

    def state_move(self, settings: Settings, stack: str | None, to: str) -> tuple[str, tuple[StackKey, ...]]:
        from serverless_cli.app.state import move

        return move(settings, stack, to)

    def state_repair(self, settings: Settings, stack: str | None) -> Repaired:
        from serverless_cli.app.state import repair

        return repair(settings, stack)

    def lock(self, settings: Settings, stack: str | None) -> AbstractContextManager[Lock]:
        from serverless_cli.app.state import seen_lock

        return seen_lock(settings, stack)

    def validate(self, settings: Settings, blueprint: str | None) -> Stack:
        from serverless_cli.app.catalog import validate

        return validate(settings, blueprint)

    def schema(self) -> Mapping[str, Any]:
        from serverless_cli.app.catalog import schema

        return schema()

    def shipped(self) -> tuple[Shipped, ...]:
        from serverless_cli.app.catalog import shipped

        return shipped()

    def copy(self, name: str, folder: Path) -> Path:
        from serverless_cli.app.catalog import copy

        return copy(name, folder)

    def address(self, settings: Settings, stack: str | None) -> str:
        from serverless_cli.app.browse import address

        return address(settings, stack)

    def browse(self, url: str) -> bool:
        import webbrowser

        return webbrowser.open(url)

    def start_local(self, folder: Path) -> str:
        from serverless_cli.app.emulator import start

        return start(folder).url

    def stop_local(self, folder: Path) -> bool:
        from serverless_cli.app.emulator import stop

        return stop(folder)

    def reset_local(self, folder: Path) -> None:
        from serverless_cli.app.emulator import reset

        reset(folder)

    def local_targets(self) -> tuple[Emulator, ...]:
        from serverless_cli.app.emulator import status

        return status()
