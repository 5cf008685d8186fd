"""`slx status`: how things are."""

from __future__ import annotations

import click

from serverless_cli.cli import options
from serverless_cli.cli.session import Session
from serverless_cli.errors import Exit

# What shows help must not load rich.
# ruff: noqa: PLC0415


@options.command(
    "status",
    "slx status                     All stacks of this folder on AWS.",
    "slx status website --local     One of them, on the local target.",
    "slx status --all --json        All in the account and region, for programs.",
    "slx status shop --exit-code    Exit code 7 if somebody changed it by hand.",
)
@options.stack
@click.option("--all", "everything", is_flag=True, help="All stacks in the account and region.")
@click.option("--exit-code", is_flag=True, help="Exit with 7 when something drifted, is missing or is not ours.")
def status(it: Session, stack: str | None, everything: bool, exit_code: bool) -> Exit:
    """Compares every resource with what was applied last: in sync, drifted (which field, from what to what), missing,
    or somebody else's. Works without the blueprint and changes nothing.
    """
    from serverless_cli.ui import documents, states

    seen = it.app.status(it.settings, stack, everything)
    found = seen.stacks
    if it.options.json:
        it.terminal.document(documents.overview(seen))
    else:
        for number, one in enumerate(found):
            it.terminal.data(states.state(one, verbose=it.options.verbose, gap=number > 0))
        if not found:
            it.terminal.say(
                "there are no stacks here; `slx up BLUEPRINT` makes one, `slx status --all` searches further"
            )
    return Exit.CHANGES if exit_code and not all(one.ok for one in found) else Exit.DONE
