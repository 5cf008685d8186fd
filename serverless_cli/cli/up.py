"""`slx up`: makes a stack so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from serverless_cli.cli import options
from serverless_cli.cli.running import carry_out, refuse
from serverless_cli.cli.session import Session
from serverless_cli.errors import Exit, SlxError

if TYPE_CHECKING:
    from serverless_cli.cli.seam import Up
    from serverless_cli.errors import Problem
    from serverless_cli.model import CheckResult, Report

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
@click.option("--rollback", is_flag=True, help="If the run fails or is stopped, undo what it has made and changed.")
@click.option("--timings", is_flag=True, help="Tell where the time of the run went: each call, and the critical path.")
@options.confirm
@click.option(
    "--checks/--no-checks", default=None, help="Run the blueprint's checks; against --endpoint-url only on demand."
)
def up(
    it: Session,
    blueprint: str | None,
    *,
    allow_delete: tuple[str, ...],
    rollback: bool,
    timings: bool,
    checks: bool | None,
) -> Exit:
    """Makes the stack as BLUEPRINT says: shows the plan, asks, runs it, and proves that the stack works.

    BLUEPRINT is a path, or the name of a shipped one; left out, it is ./blueprint.yaml. What is done already is not
    done again, so the same command repairs what was stopped or changed by hand. The outputs are printed on stdout.
    """
    if timings:
        it.timed()
    if not it.settings.local:
        it.must_ask()
    with it.app.up(it.settings, blueprint, frozenset(allow_delete), rollback) as run:
        it.phase("looking and planning")
        code = settle(it, run)
        if code is not None:
            return code
        it.phase("asking")
        allowed = (f"--allow-delete={one}" for one in allow_delete)
        again = it.again("up", blueprint, *allowed, *(["--rollback"] if rollback else []))
        code = (_make_or_undo if rollback else _make)(it, run, checks, again)
    it.phase("leaving")
    it.tell_times()
    return code


def settle(it: Session, run: Up) -> Exit | None:
    """Shows the plan and asks; None when it is to be run."""
    _show(it, run)
    if run.blockers:
        return refuse(it, f"the plan for {run.plan.place.stack}/{run.plan.place.stage} cannot be run", run.blockers)
    return None if _agreed(it, run) else Exit.CANCELLED


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


def make(it: Session, run: Up, again: str) -> tuple[Report, Exit]:
    """Runs the plan and tells what came of it; `again` is the command to go on with."""
    from serverless_cli.ui import outcomes

    report, code = carry_out(it, run.plan, run.run, f"go on with: {again}")
    it.phase("making")
    if not run.nothing_to_do or code:
        it.terminal.verdict(outcomes.report(report, it.target(report.place), again), good=report.ok)
    return report, code


def _make(it: Session, run: Up, checks: bool | None, again: str) -> Exit:
    return _finish(it, run, checks, *make(it, run, again))


def _make_or_undo(it: Session, run: Up, checks: bool | None, again: str) -> Exit:
    from serverless_cli.ui import documents, outcomes

    report, code = carry_out(it, run.plan, run.run, "then all that this run made is undone")
    it.phase("making")
    target = it.target(report.place)
    if not code:
        if not run.nothing_to_do:
            it.terminal.verdict(outcomes.report(report, target, again), good=True)
        return _finish(it, run, checks, report, code)
    it.terminal.verdict(outcomes.report(report, target, ""), good=False)
    undone = _undo(it, run, report, again)
    if it.options.json:
        it.report(documents.up_report(report, code, {}, (), undone))
    return code


def _undo(it: Session, run: Up, report: Report, again: str) -> tuple[Report, tuple[Problem, ...]] | None:
    """What came of it, and what stays as it is; None when it could not even be begun."""
    from serverless_cli.ui import documents, errors, outcomes

    it.terminal.say("undoing what this run made", "yellow")
    try:
        back = run.rollback(report)
    except SlxError as error:
        it.terminal.alarm(errors.error(SlxError("nothing is undone", str(error), f"go on with: {again}")))
        return None
    if it.options.json:
        it.terminal.record({"event": "undoing", **documents.plan(back.plan), "left": documents.problems(back.left)})
    undone, _ = carry_out(it, back.plan, back.run, f"what is not undone by then stays; go on with: {again}")
    words = outcomes.undone(undone, back.left, it.target(report.place), again)
    it.terminal.verdict(words, good=False)
    return undone, back.left


def _finish(it: Session, run: Up, checks: bool | None, report: Report, code: Exit) -> Exit:
    from serverless_cli.ui import documents, states

    wanted = not run.explicit_endpoint if checks is None else checks
    results = _prove(it, run) if wanted and not code else ()
    it.phase("checking")
    if not all(one.ok or one.skipped for one in results):
        code = Exit.RESOURCES
    outputs = run.outputs()
    if it.options.json:
        it.report(documents.up_report(report, code, outputs, results))
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
