"""`slx unlock`: takes a lock away by force."""

from __future__ import annotations

from serverless_cli.cli import options
from serverless_cli.cli.session import Session
from serverless_cli.errors import Exit

# What shows help must not load rich.
# ruff: noqa: PLC0415


@options.command("unlock", "slx unlock website    Shows who has the lock, and asks.")
@options.stack
def unlock(it: Session, stack: str | None) -> Exit:
    """Removes the lock of STACK in S3 from whoever has it. A run that is alive notices within ten seconds, and stops.

    This is hardly ever needed: the lock of a run that died is free a minute later, and the next run takes it by itself.
    A lock in the folder .slx ends with its process and cannot be removed.
    """
    from serverless_cli.ui import journals

    with it.app.lock(it.settings, stack) as lock:
        name = f"{lock.place.stack}/{lock.place.stage}"
        if lock.holder is None:
            it.terminal.say(f"nobody has the lock of {name}")
        else:
            it.terminal.say(f"{name} is locked by {journals.held(lock.holder)}")
            if not it.agrees("Take the lock away? If that command is alive, it stops half-way."):
                return Exit.CANCELLED
            lock.remove()
            it.terminal.say(f"removed the lock of {name}")
        if it.options.json:
            removed = journals.holder_document(lock.holder)
            it.terminal.document({"stack": lock.place.stack, "stage": lock.place.stage, "removed": removed})
    return Exit.DONE
