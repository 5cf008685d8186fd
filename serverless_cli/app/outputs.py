"""`slx outputs`: the values that a stack gives to scripts, from its record; only without one AWS is called."""

from __future__ import annotations

from collections.abc import Mapping

from serverless_cli.app import stacks
from serverless_cli.app.lost import recalled
from serverless_cli.app.session import open_session
from serverless_cli.app.settings import Settings
from serverless_cli.fill import filled
from serverless_cli.model import Record


def outputs(settings: Settings, stack: str | None) -> Mapping[str, str]:
    """Name to value. Raises SlxError (no such stack) when nothing is recorded and nothing is found."""
    with open_session(settings) as session:
        place = stacks.choose(session, stack)
        return of(recalled(session, place))


def of(record: Record) -> Mapping[str, str]:
    """The outputs of the last `up`, filled with what was handed out; those of what is no more are left out."""
    return filled(record.outputs, {ref: entry.outputs for ref, entry in record.entries.items()})
