"""`slx local`: the local target of this folder."""

from __future__ import annotations

import click

from serverless_cli.cli import options
from serverless_cli.cli.group import LazyGroup
from serverless_cli.cli.session import Session
from serverless_cli.errors import Exit

# What shows help must not load rich.
# ruff: noqa: PLC0415

_HERE = "serverless_cli.cli.local"
_COMMANDS = {
    "start": (f"{_HERE}:start", "Start it, and wait until it is ready."),
    "stop": (f"{_HERE}:stop", "Stop it; what it holds is kept."),
    "status": (f"{_HERE}:status", "Show every local target of yours that runs."),
    "reset": (f"{_HERE}:reset", "Stop it and forget all that it holds."),
}


@click.group("local", cls=LazyGroup, table=_COMMANDS)
def local() -> None:
    """The local target: AWS on this machine, one per folder, without account, credentials or Docker.

    `slx up --local` starts it, and `slx down --local` stops it with its last stack; these are for the rest.
    """


@options.command("start", "slx local start", placed=False)
def start(it: Session) -> Exit:
    """Starts the local target of this folder, if it does not run yet, and prints its URL: it speaks AWS's protocols."""
    url = it.app.start_local(it.folder)
    if it.options.json:
        it.terminal.document({"url": url})
    else:
        it.terminal.raw(f"{url}\n")
    return Exit.DONE


@options.command("stop", "slx local stop", placed=False)
def stop(it: Session) -> Exit:
    """Stops the local target of this folder. What it holds is saved, and there again after the next start."""
    stopped = it.app.stop_local(it.folder)
    if it.options.json:
        it.terminal.document({"stopped": stopped})
    it.terminal.say("stopped the local target; what it holds is kept" if stopped else "no local target runs here")
    return Exit.DONE


@options.command("status", "slx local status", placed=False)
def status(it: Session) -> Exit:
    """Shows every local target of yours that runs: URL, uptime, memory, stacks and folder."""
    from serverless_cli.ui import documents, states

    found = it.app.local_targets()
    if it.options.json:
        it.terminal.document({"targets": [documents.emulator(one) for one in found]})
    elif found:
        it.terminal.data(states.emulators(found))
    else:
        it.terminal.say("no local target runs; `slx up website --local` starts one")
    return Exit.DONE


@options.command("reset", "slx local reset --yes", placed=False)
def reset(it: Session) -> Exit:
    """Stops the local target of this folder and forgets all that it holds, stacks and their data."""
    if not it.agrees("Forget all that the local target of this folder holds?"):
        return Exit.CANCELLED
    it.app.reset_local(it.folder)
    if it.options.json:
        it.terminal.document({"reset": True})
    it.terminal.say("the local target of this folder is empty")
    return Exit.DONE
