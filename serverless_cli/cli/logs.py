"""`slx logs`: what functions wrote."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import click

from serverless_cli.cli import options
from serverless_cli.cli.session import Session
from serverless_cli.errors import Exit

if TYPE_CHECKING:
    from serverless_cli.ui.logs import LogLine

# What shows help must not load rich.
# ruff: noqa: PLC0415


@options.command(
    "logs",
    "slx logs --local                    All of the last ten minutes, by time.",
    "slx logs hello --follow             One function, until Ctrl-C.",
    "slx logs --since 2h --filter ERROR  CloudWatch's filter syntax.",
)
@click.argument("functions", nargs=-1, metavar="[FUNCTION]...")
@click.option("--stack", metavar="STACK", help="NAME or NAME/STAGE; left out, the only one of this folder.")
@click.option("--follow", "-f", is_flag=True, help="Go on until Ctrl-C.")
@click.option("--since", metavar="TIME", default="10m", show_default=True, help="10m, 2h, 1d, or a time in ISO form.")
@click.option("--filter", "pattern", metavar="PATTERN", default="", help="Only events that match.")
def logs(it: Session, *, functions: tuple[str, ...], stack: str | None, **query: Any) -> Exit:
    """Prints the logs of the stack's functions, or of those that are named by their ids, merged by time."""
    from serverless_cli.app.logs import Query
    from serverless_cli.ui.logs import Painter, document

    painter = Painter()

    def emit(line: LogLine) -> None:
        if it.options.json:
            it.terminal.record(document(line))
        else:
            it.terminal.data(painter.line(line))

    asked = Query(functions, **query)
    try:
        it.app.logs(it.settings, stack, asked, emit, threading.Event())
    except KeyboardInterrupt:
        if not asked.follow:
            raise
    return Exit.DONE
