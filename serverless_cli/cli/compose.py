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
    from serverless_cli.cli.seam import Answer, Down, Lines, Results, Shipped, Up
    from serverless_cli.model import CheckResult, Plan, Stack, StackState
    from serverless_cli.ui.states import Emulator

# ruff: noqa: PLC0415


class Slx:
    """The application behind the `slx` command."""

    def project_file(self, folder: Path) -> Mapping[str, Any]:
        from serverless_cli.app.settings import project_file

        return project_file(folder)

    def up(self, settings: Settings, blueprint: str | None, allow_delete: frozenset[str]) -> AbstractContextManager[Up]:
        from serverless_cli.app.up import begin

        return begin(settings, blueprint, allow_delete=allow_delete)

    def preview(self, settings: Settings, blueprint: str | None) -> tuple[Stack, Plan]:
        from serverless_cli.app.preview import preview

        return preview(settings, blueprint)

    def down(self, settings: Settings, stack: str | None) -> AbstractContextManager[Down]:
        from serverless_cli.app.down import begin

        return begin(settings, stack)

    def status(self, settings: Settings, stack: str | None, everything: bool) -> tuple[StackState, ...]:
        from serverless_cli.app.status import status

        return status(settings, stack, everything=everything)

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
