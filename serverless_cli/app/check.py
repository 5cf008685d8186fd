"""`slx check`: the end-to-end checks of a stack that is up, from its record."""

from __future__ import annotations

from collections.abc import Callable

from serverless_cli.app import checking, stacks
from serverless_cli.app.session import open_session
from serverless_cli.app.settings import Settings
from serverless_cli.fill import fill
from serverless_cli.model import CheckResult


def check(settings: Settings, stack: str | None, listen: Callable[[CheckResult], None]) -> tuple[CheckResult, ...]:
    """What each check saw. Raises SlxError (no such stack) when nothing is recorded."""
    with open_session(settings) as session:
        place = stacks.choose(session, stack)
        record = stacks.record(session, place)
        if not record.entries:
            raise stacks.missing(session, place)
        known = {ref: entry.outputs for ref, entry in record.entries.items()}
        return checking.run(session.aws, fill(record.checks, known), listen)
