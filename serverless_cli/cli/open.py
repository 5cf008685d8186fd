"""`slx open`: a look at a stack's website."""

from __future__ import annotations

from serverless_cli.cli import options
from serverless_cli.cli.session import Session
from serverless_cli.errors import Exit


@options.command("open", "slx open website --local", "slx open shop/prod")
@options.stack
def open_(it: Session, stack: str | None) -> Exit:
    """Opens the website of STACK in the browser, and prints its address."""
    url = it.app.address(it.settings, stack)
    if it.options.json:
        it.terminal.document({"url": url})
    else:
        it.terminal.raw(f"{url}\n")
    if not it.app.browse(url):
        it.terminal.say("no browser could be opened; visit the address yourself")
    return Exit.DONE
