"""`slx down`: removes a stack."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from serverless_cli.cli import options
from serverless_cli.cli.running import carry_out, refuse
from serverless_cli.cli.session import Session
from serverless_cli.errors import Exit

if TYPE_CHECKING:
    from serverless_cli.cli.seam import Down
    from serverless_cli.events import Copying
    from serverless_cli.model import Report, Sweep

# What shows help must not load rich.
# ruff: noqa: PLC0415


@options.command(
    "down",
    "slx down website --local            The local stack.",
    "slx down                            The only stack of this folder.",
    "slx down shop/prod --confirm shop   A protected stage.",
    "slx down shop --backup shop-data    Saves items and objects first.",
)
@options.stack
@options.confirm
@click.option(
    "--backup", metavar="DIR", type=click.Path(path_type=Path), help="Save items and objects there first: a new folder."
)
def down(it: Session, stack: str | None, backup: Path | None) -> Exit:
    """Shows what would be lost, asks, removes all of it, and proves that nothing is left.

    STACK is `name` or `name/stage`; left out, it is the only one of this folder. The blueprint is not needed: what
    exists is found by the record, by names and by marks. What is not slx's own is never touched.
    """
    if it.options.confirm is None:
        it.must_ask()
    into = it.folder / backup.expanduser() if backup else None
    with it.app.down(it.settings, stack, into, _agreed_already(it)) as run:
        _show(it, run, into)
        what = f"{run.place.stack}/{run.place.stage} cannot be removed"
        if run.plan.obstacles:
            return refuse(it, what, run.plan.obstacles)
        # A wrong name is refused even where there is nothing to do: further parts go by the same word.
        if (run.plan.writes or it.options.confirm) and not (it.names(run.place) and _agreed(it)):
            return Exit.CANCELLED
        if into:
            _save(it, run, into)
        report, code = _remove(it, run)
        proof = None
        while not code and (run.further() or ((proof := run.sweep()).left and run.further())):
            if it.options.json:
                _tell(it, report, code, None)
            _show(it, run, None)
            if run.plan.obstacles:
                return refuse(it, what, run.plan.obstacles, "what was told before was removed, and nothing else")
            report, code = _remove(it, run)
        return _prove(it, report, code, None if code else proof)


def _agreed_already(it: Session) -> bool:
    """Whether nobody will be asked, whatever the plan is."""
    return it.options.confirm is not None or (it.options.yes and not it.settings.protected_stages)


def _agreed(it: Session) -> bool:
    return it.options.confirm is not None or it.agrees("Remove all of this?")


def _show(it: Session, run: Down, into: Path | None) -> None:
    from serverless_cli.ui import copies, documents, plans

    if it.options.json:
        it.terminal.record({"event": "planned", **documents.plan(run.plan, run.losses)})
        return
    tell = it.terminal.alarm if it.terminal.asks and not it.options.yes else it.terminal.story
    tell(plans.plan(run.plan, it.target(run.place), verbose=it.options.verbose))
    tell(plans.losses(run.losses))
    if into:
        tell(copies.unsaved(step for step in run.unsaved if step.ref in run.losses))


def _save(it: Session, run: Down, into: Path) -> None:
    from serverless_cli.ui import copies, documents

    def tell(copying: Copying) -> None:
        if it.options.json:
            it.terminal.record(documents.copying(copying))
        else:
            it.terminal.story(copies.copying(copying))

    made = run.backup(into, tell)
    it.terminal.story(copies.saved(made.folder, len(made.parts)))


def _remove(it: Session, run: Down) -> tuple[Report, Exit]:
    from serverless_cli.ui import outcomes

    again = it.again("down", f"{run.place.stack}/{run.place.stage}")
    report, code = carry_out(it, run.plan, run.run, f"go on with: {again}")
    it.terminal.story(outcomes.report(report, it.target(run.place), again))
    return report, code


def _prove(it: Session, report: Report, code: Exit, proof: Sweep | None) -> Exit:
    """Tells what was looked for and what is left, unless something failed."""
    from serverless_cli.ui import states

    if proof and proof.left:
        code = Exit.RESOURCES
    if it.options.json:
        _tell(it, report, code, proof)
    elif proof:
        it.terminal.verdict(states.sweep(proof), good=not proof.left)
    return code


def _tell(it: Session, report: Report, code: Exit, proof: Sweep | None) -> None:
    from serverless_cli.ui import documents

    it.terminal.record(documents.down_report(report, code, proof))
