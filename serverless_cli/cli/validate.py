"""`slx validate`: is a blueprint right?"""

from __future__ import annotations

from serverless_cli.cli import options
from serverless_cli.cli.session import Session
from serverless_cli.errors import Exit

# What shows help must not load rich.
# ruff: noqa: PLC0415


@options.command("validate", "slx validate             ./blueprint.yaml", "slx validate shop.yaml   Another one.")
@options.blueprint
@options.parameters
def validate(it: Session, blueprint: str | None) -> Exit:
    """Checks BLUEPRINT without credentials or calls; shows all that is wrong with it at once, by line and column."""
    from serverless_cli.ui import documents, errors
    from serverless_cli.ui.text import plural

    stack = it.app.validate(it.settings, blueprint)
    if it.options.json:
        it.terminal.document(documents.stack(stack))
        return Exit.DONE
    for warning in stack.warnings:
        it.terminal.story(errors.problem(warning, "yellow", "warning: "))
    made = plural(len(stack.resources), "resource")
    it.terminal.say(f"{stack.file} is right: stack {stack.place.stack}, {made}, {plural(len(stack.checks), 'check')}")
    return Exit.DONE
