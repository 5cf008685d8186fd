"""What `up` and `down` have in common: running a plan so that it can be watched and stopped."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from serverless_cli.cli.interrupts import Interrupts, leave_now
from serverless_cli.errors import Exit, Problem, SlxError

if TYPE_CHECKING:
    from serverless_cli.cli.session import Session
    from serverless_cli.events import Listener
    from serverless_cli.model import Plan, Report

# What shows help must not load rich.
# ruff: noqa: PLC0415


def carry_out(
    it: Session, plan: Plan, run: Callable[[Listener, threading.Event], Report], goes_on: str
) -> tuple[Report, Exit]:
    """Runs the plan; the report and the exit code that it leads to. `goes_on` tells who stops it what comes next."""
    from serverless_cli.model import Status
    from serverless_cli.ui import errors
    from serverless_cli.ui.progress import watch

    cancel = threading.Event()

    def stop() -> None:
        cancel.set()
        it.terminal.say("stopping: what runs is finished and recorded; once more leaves at once")
        it.terminal.say(goes_on)

    def leave() -> None:
        it.terminal.restore()
        leave_now()

    with watch(it.terminal, plan) as listen, Interrupts(stop, leave):
        report = run(listen, cancel)
    for one in report.having(Status.FAILED) if it.options.debug else ():
        if one.error:
            it.terminal.alarm(errors.trace(one.error))
    if cancel.is_set():
        return report, Exit.CANCELLED  # even if all steps had begun by then: what comes after them is not wanted
    if report.ok:
        return report, Exit.DONE
    failures = {outcome.error.exit_code for outcome in report.having(Status.FAILED) if outcome.error}
    return report, failures.pop() if failures in ({Exit.DENIED}, {Exit.CREDENTIALS}, {Exit.LOCKED}) else Exit.RESOURCES


def refuse(it: Session, what: str, problems: Iterable[Problem], done: str = "nothing was done") -> Exit:
    """Says why nothing is done, or nothing more."""
    from serverless_cli.ui import documents, errors

    error = SlxError(what, done)
    if it.options.json:
        it.terminal.record(documents.error(error, problems))
    else:
        it.terminal.alarm(errors.problems(problems))
        it.terminal.alarm(errors.error(error))
    return error.exit_code
