"""`slx state`: the journals of stacks, when somebody has to look."""

from __future__ import annotations

from pathlib import Path

import click

from serverless_cli.cli import options
from serverless_cli.cli.group import LazyGroup
from serverless_cli.cli.session import Session
from serverless_cli.errors import Exit

# What shows help must not load rich.
# ruff: noqa: PLC0415

_HERE = "serverless_cli.cli.state"
_COMMANDS = {
    "show": (f"{_HERE}:show", "Show what is recorded of a stack, its last run, and who has its lock."),
    "create": (f"{_HERE}:create", "Make a bucket that a team can keep its state in."),
    "move": (f"{_HERE}:move", "Move the state between the folder .slx and S3."),
    "repair": (f"{_HERE}:repair", "Make the record say what exists on AWS."),
}


@click.group("state", cls=LazyGroup, table=_COMMANDS)
def state() -> None:
    """What slx remembers of stacks: a journal and a lock for each, in the folder .slx or, with --state, in S3.

    Losing it loses nothing: `status`, `up` and `down` find a stack again by names and marks.
    """


@options.command(
    "show",
    "slx state show                              The only stack of this folder.",
    "slx state show website --state s3://acme/x  The one that the team shares.",
)
@options.stack
def show(it: Session, stack: str | None) -> Exit:
    """Shows what is recorded of STACK: where, which resources, who ran what last and how it ended, who has the lock,
    and damaged journals that were kept. Changes nothing."""
    from serverless_cli.ui import journals

    found = it.app.state_show(it.settings, stack)
    if it.options.json:
        it.terminal.document(journals.history_document(found))
    else:
        it.terminal.data(journals.history(found))
    return Exit.DONE


@options.command(
    "create",
    "slx state create s3://acme-slx-state/shop    Then put `state: s3://acme-slx-state/shop` into slx.yaml.",
)
@click.argument("address")
def create(it: Session, address: str) -> Exit:
    """Makes the bucket of ADDRESS (s3://BUCKET/PREFIX): versioned, encrypted, closed to everybody else, reachable over
    TLS alone; old versions go after 90 days. Of a bucket that is there and not slx's it only says whether it will do.
    """
    made = it.app.state_create(it.settings, address)
    if it.options.json:
        it.terminal.document({"state": address, "made": made})
    it.terminal.say(f"the bucket is ready{'' if made else ', as it was: nothing was changed'}; use it with")
    it.terminal.say(_from_now_on(it, address))
    return Exit.DONE


@options.command(
    "move",
    "slx state move --to s3://acme-slx-state/shop           All stacks of this folder, on AWS.",
    "slx state move --to .slx --state s3://acme-slx-state/shop  Back again.",
)
@options.stack
@click.option("--to", metavar="PLACE", required=True, help="A folder (.slx), or s3://BUCKET/PREFIX.")
def move(it: Session, stack: str | None, to: str) -> Exit:
    """Moves the state of STACK, or of all stacks on the account and region, to PLACE, under the locks of both places.

    It is read back before it is removed here; what is there is never written over. Can be interrupted and run again.
    """
    from serverless_cli.ui import journals

    where, moved = it.app.state_move(it.settings, stack, to)
    if it.options.json:
        it.terminal.document({"state": where, "moved": [journals.key_document(one) for one in moved]})
    for one in moved:
        it.terminal.say(f"moved {one}")
    if not moved:
        it.terminal.say("there was nothing left to move")
    it.terminal.say(f"from now on: {_from_now_on(it, to)}")
    return Exit.DONE


def _from_now_on(it: Session, to: str) -> str:
    if not it.settings.local:
        return f"--state {to}, SLX_STATE={to}, or `state: {to}` in slx.yaml"
    from serverless_cli.app.session import STATE_FOLDER

    if Path(it.folder, to) == it.folder / STATE_FOLDER:
        return f"--local without --state: it takes {STATE_FOLDER} then, whatever SLX_STATE and slx.yaml say"
    return f"--local --state {to}, each time: with --local neither SLX_STATE nor slx.yaml is heeded"


@options.command("repair", "slx state repair website")
@options.stack
def repair(it: Session, stack: str | None) -> Exit:
    """Searches AWS for STACK by marks and names, and makes the record say what exists. Changes nothing on AWS.

    `up` and `down` do the same by themselves; this is for whoever wants to see it first. A damaged journal is kept.
    """
    from serverless_cli.ui import journals

    done = it.app.state_repair(it.settings, stack)
    if it.options.json:
        it.terminal.document(journals.repaired_document(done))
    else:
        it.terminal.data(journals.repaired(done))
    return Exit.DONE
