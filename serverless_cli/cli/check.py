"""`slx check`: does the stack do what its blueprint promises?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from serverless_cli.cli import options
from serverless_cli.cli.session import Session
from serverless_cli.errors import Exit

if TYPE_CHECKING:
    from serverless_cli.model import CheckResult

# What shows help must not load rich.
# ruff: noqa: PLC0415


@options.command(
    "check",
    "slx check --local          The only local stack of this folder.",
    "slx check shop/prod        On AWS.",
    "slx check --params -       With secrets that its checks need, from stdin.",
)
@options.stack
@options.parameters
def check(it: Session, stack: str | None) -> Exit:
    """Runs the end-to-end checks of STACK, as its blueprint had them at the last `up`.

    Exits with 4 if one fails, or cannot be run for the lack of a secret: those are not stored, and given again.
    """
    from serverless_cli.ui import documents, states

    def show(result: CheckResult) -> None:
        if not it.options.json:
            it.terminal.data(states.check(result))

    results = it.app.check(it.settings, stack, show)
    ok = all(one.ok for one in results)
    if it.options.json:
        it.terminal.document({"ok": ok, "checks": [documents.check(one) for one in results]})
    elif not results:
        it.terminal.say("the blueprint has no checks")
    return Exit.DONE if ok else Exit.RESOURCES
