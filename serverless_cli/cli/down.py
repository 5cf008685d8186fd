"""`slx down`: removes a stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

from serverless_cli.cli import options
from serverless_cli.cli.running import carry_out
from serverless_cli.cli.session import Session
from serverless_cli.errors import Exit

if TYPE_CHECKING:
    from serverless_cli.cli.seam import Down

# What shows help must not load rich.
# ruff: noqa: PLC0415


@options.command(
    "down",
    "slx down website --local            The local stack.",
    "slx down                            The only stack of this folder.",
    "slx down shop/prod --confirm shop   A protected stage.",
)
@options.stack
@options.confirm
def down(it: Session, stack: str | None) -> Exit:
    """Shows what would be lost, asks, removes all of it, and proves that nothing is left.

    STACK is `name` or `name/stage`; left out, it is the only one of this folder. The blueprint is not needed: what
    exists is found by the record, by names and by marks. What is not slx's own is never touched.
    """
    if it.options.confirm is None:
        it.must_ask()
    with it.app.down(it.settings, stack) as run:
        _show(it, run)
        if run.plan.writes and not (it.names(run.place) and _agreed(it)):
            return Exit.CANCELLED
        return _remove(it, run)


def _agreed(it: Session) -> bool:
    return it.options.confirm is not None or it.agrees("Remove all of this?")


def _show(it: Session, run: Down) -> None:
    from serverless_cli.ui import documents, plans

    if it.options.json:
        it.terminal.record({"event": "planned", **documents.plan(run.plan, run.losses)})
        return
    tell = it.terminal.alarm if it.terminal.asks and not it.options.yes else it.terminal.story
    tell(plans.plan(run.plan, it.target(run.place), verbose=it.options.verbose))
    tell(plans.losses(run.losses))


def _remove(it: Session, run: Down) -> Exit:
    from serverless_cli.ui import documents, outcomes, states

    again = it.again("down", f"{run.place.stack}/{run.place.stage}")
    report, code = carry_out(it, run.plan, run.run, again)
    it.terminal.story(outcomes.report(report, it.target(run.place), again))
    sweep = run.sweep() if not code else None
    if sweep and sweep.left:
        code = Exit.RESOURCES
    if it.options.json:
        it.terminal.record(documents.down_report(report, code, sweep))
    elif sweep:
        it.terminal.verdict(states.sweep(sweep), good=not sweep.left)
    return code
