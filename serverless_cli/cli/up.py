"""`slx up`: makes a stack so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from serverless_cli.cli import options
from serverless_cli.cli.running import carry_out, refuse
from serverless_cli.cli.session import Session
from serverless_cli.errors import Exit

if TYPE_CHECKING:
    from serverless_cli.cli.seam import Up
    from serverless_cli.model import CheckResult

# What shows help must not load rich.
# ruff: noqa: PLC0415


@options.command(
    "up",
    "slx up website --local                 A shipped blueprint, on this machine.",
    "slx up                                 ./blueprint.yaml on AWS, stage dev.",
    "slx up shop.yaml -s prod -p plan=big   Another file, stage and parameter.",
    "slx up --yes --json > run.jsonl        For programs: events, then a report.",
)
@options.blueprint
@options.parameters
@click.option(
    "--allow-delete", metavar="ID", multiple=True, help="Let this resource be deleted with all that it holds."
)
@options.confirm
@click.option(
    "--checks/--no-checks", default=None, help="Run the blueprint's checks; against --endpoint-url only on demand."
)
def up(it: Session, blueprint: str | None, allow_delete: tuple[str, ...], checks: bool | None) -> Exit:
    """Makes the stack as BLUEPRINT says: shows the plan, asks, runs it, and proves that the stack works.

    BLUEPRINT is a path, or the name of a shipped one; left out, it is ./blueprint.yaml. What is done already is not
    done again, so the same command repairs what was stopped or changed by hand. The outputs are printed on stdout.
    """
    if not it.settings.local:
        it.must_ask()
    with it.app.up(it.settings, blueprint, frozenset(allow_delete)) as run:
        _show(it, run)
        if run.blockers:
            return refuse(it, f"the plan for {run.plan.place.stack}/{run.plan.place.stage} cannot be run", run.blockers)
        if not _agreed(it, run):
            return Exit.CANCELLED
        allowed = (f"--allow-delete={one}" for one in allow_delete)
        return _make(it, run, checks, it.again("up", blueprint, *allowed))


def _show(it: Session, run: Up) -> None:
    from serverless_cli.ui import documents, errors, plans

    if it.options.json:
        it.terminal.record({"event": "planned", **documents.plan(run.plan)})
        return
    for warning in run.stack.warnings:
        it.terminal.story(errors.problem(warning, "yellow", "warning: "))
    target = it.target(run.plan.place)
    if run.nothing_to_do:
        it.terminal.story(plans.nothing(run.plan, target))
        return
    # what somebody is asked about is shown with --quiet too
    asked = not run.blockers and not _harmless(it, run) and not it.options.yes
    tell = it.terminal.alarm if asked else it.terminal.story
    tell(plans.plan(run.plan, target, verbose=it.options.verbose))


def _harmless(it: Session, run: Up) -> bool:
    """Nothing is asked where nothing is done, nor where a local stack is only added to."""
    from serverless_cli.model import Action

    return it.settings.local and all(step.action is Action.CREATE for step in run.plan.writes)


def _agreed(it: Session, run: Up) -> bool:
    if any(step.loses_data for step in run.plan.writes) and not it.names(run.plan.place):
        return False
    return run.nothing_to_do or _harmless(it, run) or it.agrees("Do this?")


def _make(it: Session, run: Up, checks: bool | None, again: str) -> Exit:
    from serverless_cli.ui import documents, outcomes, states

    report, code = carry_out(it, run.plan, run.run, again)
    if not run.nothing_to_do or code:
        it.terminal.verdict(outcomes.report(report, it.target(report.place), again), good=report.ok)
    wanted = not run.explicit_endpoint if checks is None else checks
    results = _prove(it, run) if wanted and not code else ()
    if not all(one.ok for one in results):
        code = Exit.RESOURCES
    outputs = run.outputs()
    if it.options.json:
        it.terminal.record(documents.up_report(report, code, outputs, results))
    elif report.ok:
        it.terminal.data(states.outputs(outputs))
    return code


def _prove(it: Session, run: Up) -> tuple[CheckResult, ...]:
    from serverless_cli.ui import documents, states

    def show(result: CheckResult) -> None:
        if it.options.json:
            it.terminal.record({"event": "checked", **documents.check(result)})
        else:
            it.terminal.verdict(states.check(result), good=result.ok)

    if run.stack.checks:
        it.terminal.detail("running the blueprint's checks")
    return run.check(show)
