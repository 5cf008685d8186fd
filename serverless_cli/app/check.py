"""`slx check`: the end-to-end checks of a stack that is up, from its record; without one, from its blueprint."""

from __future__ import annotations

from collections.abc import Callable

from serverless_cli.app import checking, stacks
from serverless_cli.app.lost import recalled
from serverless_cli.app.session import open_session
from serverless_cli.app.settings import Settings
from serverless_cli.errors import SlxError
from serverless_cli.fill import fill
from serverless_cli.model import CheckResult, Place


def check(settings: Settings, stack: str | None, listen: Callable[[CheckResult], None]) -> tuple[CheckResult, ...]:
    """What each check saw. Raises SlxError: no such stack, or nobody knows what its checks are."""
    with open_session(settings) as session:
        place = stacks.choose(session, stack)
        record = recalled(session, place)
        if not record.blueprint:
            raise _unknown(place)
        known = {ref: entry.outputs for ref, entry in record.entries.items()}
        return checking.run(session.aws, fill(record.checks, known), listen)


def _unknown(place: Place) -> SlxError:
    name = f"{place.stack}/{place.stage}"
    why = "its record is lost, and its blueprint is not in this folder"
    return SlxError(f"the checks of {name} are not known", why, "run this where the blueprint is")
