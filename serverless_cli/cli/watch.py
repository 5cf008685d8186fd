"""`slx watch`: pushes code and content as files change."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from serverless_cli.cli import options
from serverless_cli.cli.interrupts import Interrupts
from serverless_cli.cli.session import Session
from serverless_cli.cli.up import make, settle
from serverless_cli.errors import BlueprintError, Exit, SlxError

if TYPE_CHECKING:
    from serverless_cli.cli.seam import Watch

# What shows help must not load rich.
# ruff: noqa: PLC0415

_NAMES = 3
"""changed files that are named"""


@options.command(
    "watch",
    "slx watch                   ./blueprint.yaml: up, then each saved change.",
    "slx watch website --local   The same on this machine.",
)
@options.blueprint
@options.parameters
def watch(it: Session, blueprint: str | None) -> Exit:
    """Makes the stack as BLUEPRINT says, as `slx up` does, then pushes what changes in its folder until Ctrl-C.

    Code, content and settings that can be changed in place are pushed at once; new resources too, with --local or
    --yes. What would replace or delete something is left to `slx up`, the rest is pushed. Meanwhile the stack is
    locked, and no checks are run.
    """
    from serverless_cli.ui import states

    if not it.settings.local:
        it.must_ask()
    with it.app.watch(it.settings, blueprint) as run:
        code = settle(it, run.run)
        if code is not None:
            return code
        report, code = make(it, run.run, it.again("watch", blueprint))
        if code:
            return code
        it.terminal.data(states.outputs(run.run.outputs()))
        run.begin(report)
        _follow(it, run, it.again("up", blueprint))
    return Exit.DONE


def _follow(it: Session, run: Watch, up: str) -> None:
    cancel = threading.Event()

    def stop() -> None:
        it.terminal.say("ending")
        cancel.set()

    it.terminal.say(f"watching {run.path.parent}; Ctrl-C ends it")
    left: tuple[str, ...] = ()
    with Interrupts(stop):
        while names := run.changed(cancel):
            try:
                left = _push(it, run, names, up, cancel=cancel, known=left)
            except SlxError as error:
                _tell(it, error)


def _push(
    it: Session, run: Watch, names: tuple[str, ...], up: str, *, cancel: threading.Event, known: tuple[str, ...]
) -> tuple[str, ...]:
    """Pushes what may be; what may not is told, unless it is `known`, and returned."""
    from serverless_cli.ui import outcomes
    from serverless_cli.ui.progress import watch as shown
    from serverless_cli.ui.text import enumerated

    began = time.monotonic()
    stack, plan = run.plan()
    if plan.obstacles:
        raise BlueprintError(plan.obstacles)
    plan, left = run.within(plan, creating=it.options.yes or it.settings.local)
    if left and left != known:
        why = f"{enumerated(left, _NAMES)}; only what can be changed in place is"
        _tell(it, SlxError("not all is pushed", why, f"for the rest end this with Ctrl-C, then run {up}"))
    if not plan.writes:
        it.terminal.detail(f"{enumerated(names, _NAMES)} changed, and nothing that is pushed with it")
        return left
    it.terminal.say(f"{enumerated(names, _NAMES)} changed")
    with shown(it.terminal, plan) as listen:
        report = run.push(stack, plan, listen, cancel)
    if report.ok:
        it.terminal.say(f"pushed in {time.monotonic() - began:.2f} s")
    else:
        it.terminal.verdict(outcomes.report(report, it.target(report.place), up), good=False)
    return left


def _tell(it: Session, error: SlxError) -> None:
    """An error ends one push, not the watch: the next save may mend it."""
    from serverless_cli.ui import documents, errors

    if it.options.json:
        it.terminal.record(documents.error(error))
    else:
        it.terminal.alarm(errors.error(error))
