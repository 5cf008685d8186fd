"""`slx outputs`: values for scripts."""

from __future__ import annotations

import difflib

import click

from serverless_cli.cli import options
from serverless_cli.cli.session import Session
from serverless_cli.errors import Exit, SlxError

# What shows help must not load rich.
# ruff: noqa: PLC0415


@options.command(
    "outputs",
    "slx outputs --local                         website: http://...",
    "curl $(slx outputs website api)             One bare value.",
    'eval "$(slx outputs website --format env)"  $WEBSITE, $API',
)
@options.stack
@click.argument("name", required=False)
@click.option(
    "--format", "form", type=click.Choice(["text", "json", "env"]), default="text", help="How they are written."
)
def outputs(it: Session, stack: str | None, name: str | None, form: str) -> Exit:
    """Prints the outputs of STACK, or the bare value of the one that is named. Calls AWS only where the record is lost.

    An output of what does not exist has no value, and is left out.
    """
    from serverless_cli.ui import documents, states

    form = "json" if it.options.json else form
    values = it.app.outputs(it.settings, stack)
    if name is not None:
        if name not in values:
            raise _unknown(name, list(values))
        if form == "text":
            it.terminal.raw(states.value(values[name]) + "\n")
            return Exit.DONE
        values = {name: values[name]}
    if not values:
        it.terminal.say("no output of this stack has a value")
    if form == "json":
        it.terminal.document(documents.outputs(values))
    elif form == "env":
        it.terminal.raw(states.assignments(values))
    else:
        it.terminal.data(states.outputs(values))
    return Exit.DONE


def _unknown(name: str, known: list[str]) -> SlxError:
    near = difflib.get_close_matches(name, known, 1)
    hint = f"did you mean `{near[0]}`?" if near else f"there are: {', '.join(known)}" if known else ""
    hint = hint or "no output of this stack has a value; `slx status` shows what there is of it"
    return SlxError(f"the stack has no value of an output `{name}`", hint=hint, exit_code=Exit.USAGE)
