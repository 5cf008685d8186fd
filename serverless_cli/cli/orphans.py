"""`slx orphans`: what nobody may know of any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from serverless_cli.cli import options
from serverless_cli.cli.session import Session
from serverless_cli.errors import Exit

if TYPE_CHECKING:
    from serverless_cli.model import Place

# What shows help must not load rich.
# ruff: noqa: PLC0415


@options.command(
    "orphans",
    "slx orphans                 All in the account and region.",
    "slx orphans --json          The same for programs.",
)
def orphans(it: Session) -> Exit:
    """Lists the stacks and single things that carry slx's mark and that this folder's state does not know, each with
    the command that removes it. Changes nothing: another folder, or another state, may know of them.
    """
    from datetime import UTC, datetime

    from serverless_cli.ui import documents
    from serverless_cli.ui import orphans as shown

    found = it.app.orphans(it.settings)

    def remove(place: Place) -> str:
        return it.again("down", f"{place.stack}/{place.stage}")

    if it.options.json:
        it.terminal.document(documents.orphans(found, remove))
    elif found.stacks or found.strays:
        it.terminal.data(shown.orphans(found, it.target, remove, datetime.now(UTC)))
    else:
        it.terminal.story(shown.nothing(found))
    return Exit.DONE
