"""A group of commands that are imported when they are called: their names and one-line helps are known before."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

import click

from serverless_cli.cli.boundary import guarded
from serverless_cli.cli.compose import Slx
from serverless_cli.cli.seam import Wiring
from serverless_cli.errors import Exit, SlxError


class LazyGroup(click.Group):
    """`table` is from a command's name to `module:attribute` and its help in a line, in the order of the help."""

    def __init__(self, *args: Any, table: Mapping[str, tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._table = table

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Without a command's name there is the help: asked for, so that it is no error."""
        if not args and self.no_args_is_help and not ctx.resilient_parsing:
            click.echo(ctx.get_help(), color=ctx.color)
            ctx.exit()
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self._table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self._table:
            return None
        module, _, attribute = self._table[cmd_name][0].partition(":")
        found = getattr(import_module(module), attribute)
        assert isinstance(found, click.Command)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in self._table and not name.startswith("-") and not ctx.resilient_parsing:
            import difflib  # noqa: PLC0415 - for mistakes only

            near = difflib.get_close_matches(name, self._table, 1, 0.5)
            hint = f"did you mean `{ctx.command_path} {near[0]}`?" if near else f"`{ctx.command_path} --help` lists all"
            raise SlxError(f"there is no command `{name}`", hint=hint, exit_code=Exit.USAGE)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in self._table.items()])


class Root(LazyGroup):
    """The whole command line. `obj` is the Wiring; without one it is the application that users have."""

    def main(  # type: ignore[override]
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        **extra: Any,
    ) -> None:
        """Runs it and exits."""
        extra.pop("standalone_mode", None)
        extra.setdefault("obj", Wiring(Slx()))
        given = list(sys.argv[1:] if args is None else args)
        run = super().main
        sys.exit(
            guarded(
                lambda: run(given, "slx", complete_var, standalone_mode=False, **extra),
                given,
                extra["obj"].streams,
            )
        )
