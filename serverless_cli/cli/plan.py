"""`slx plan`: what `up` would do."""

from __future__ import annotations

import click

from serverless_cli.cli import options
from serverless_cli.cli.running import refuse
from serverless_cli.cli.session import Session
from serverless_cli.errors import Exit

# What shows help must not load rich.
# ruff: noqa: PLC0415


@options.command(
    "plan",
    "slx plan website --local     What `slx up website --local` would do.",
    "slx plan -v                  Also what stays, and every field of what is new.",
    "slx plan --exit-code         Exit code 7 if there is anything to do.",
)
@options.blueprint
@options.parameters
@click.option("--exit-code", is_flag=True, help="Exit with 7 when there is something to do.")
def plan(it: Session, blueprint: str | None, exit_code: bool) -> Exit:
    """Shows what `up` would do with BLUEPRINT, field by field. Takes no lock and changes nothing.

    What is in the way of `up` is shown too, and gives exit code 1.
    """
    from serverless_cli.ui import documents, errors, plans

    stack, made = it.app.preview(it.settings, blueprint)
    if it.options.json:
        it.terminal.document(documents.plan(made))
        if made.obstacles:
            return Exit.FAILED
    else:
        for warning in stack.warnings:
            it.terminal.story(errors.problem(warning, "yellow", "warning: "))
        it.terminal.data(plans.plan(made, it.target(made.place), verbose=it.options.verbose))
        if made.obstacles:
            return refuse(it, "`slx up` could not run this plan", made.obstacles)
    return Exit.CHANGES if exit_code and made.writes else Exit.DONE
