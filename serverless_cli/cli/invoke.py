"""`slx invoke`: calls one function."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from serverless_cli.cli import options
from serverless_cli.cli.session import Session
from serverless_cli.errors import Exit, SlxError


@options.command(
    "invoke",
    "slx invoke hello --local                   With an empty event.",
    "slx invoke hello --event event.json --log  From a file; shows its log.",
    "slx invoke hello --event '{\"n\": 1}'       With JSON; - reads stdin.",
)
@click.argument("function")
@click.option("--stack", metavar="STACK", help="NAME or NAME/STAGE; left out, the only one of this folder.")
@click.option("--event", metavar="FILE|-|JSON", default="{}", help="What the function is called with.")
@click.option("--log", "tail", is_flag=True, help="Show the end of its log, on stderr.")
def invoke(it: Session, function: str, stack: str | None, event: str, tail: bool) -> Exit:
    """Calls the function with the id FUNCTION and prints what it returned. Exits with 1 if it failed."""
    answer = it.app.invoke(it.settings, stack, function, _event(event))
    if tail:
        from serverless_cli.ui.logs import written  # noqa: PLC0415 - what shows help must not load rich

        it.terminal.say(written(answer.log.rstrip()))
    it.terminal.raw(answer.payload + "\n")
    return Exit.FAILED if answer.failed else Exit.DONE


def _event(given: str) -> str:
    """The event as JSON text: given outright, from a file, or from stdin. Raises SlxError (usage)."""
    if given == "-":
        text, where = sys.stdin.read(), "stdin"
    elif given.lstrip()[:1] in ("{", "[", '"'):
        text, where = given, "--event"
    else:
        try:
            text, where = Path(given).read_text(encoding="utf-8"), given
        except (OSError, UnicodeDecodeError) as error:
            raise SlxError(f"cannot read the event from {given}", str(error), exit_code=Exit.USAGE) from None
    try:
        json.loads(text)
    except ValueError as error:
        raise SlxError(f"{where} is no JSON", str(error), exit_code=Exit.USAGE) from None
    return text
