"""`slx blueprints`: what ships with slx."""

from __future__ import annotations

from serverless_cli.cli import options
from serverless_cli.cli.session import Session
from serverless_cli.errors import Exit

# What shows help must not load rich.
# ruff: noqa: PLC0415


@options.command("blueprints", "slx blueprints", placed=False)
def blueprints(it: Session) -> Exit:
    """Lists the blueprints that ship with slx. `slx up NAME` makes one, `slx init NAME` copies it."""
    from serverless_cli.ui import states

    found = it.app.shipped()
    if it.options.json:
        it.terminal.document(
            {"blueprints": [{"name": one.name, "description": one.description, "path": str(one.path)} for one in found]}
        )
    else:
        it.terminal.data(states.shelf((one.name, one.description) for one in found))
    return Exit.DONE
