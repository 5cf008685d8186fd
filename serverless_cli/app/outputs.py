"""`slx outputs`: the values that a stack gives to scripts, from its record; no call to AWS."""

from __future__ import annotations

from collections.abc import Mapping

from serverless_cli.app import stacks
from serverless_cli.app.session import Session, open_session
from serverless_cli.app.settings import Settings
from serverless_cli.fill import fill
from serverless_cli.model import Place, Record


def outputs(settings: Settings, stack: str | None) -> Mapping[str, str]:
    """Name to value. Raises SlxError (no such stack) when nothing is recorded and nothing is found."""
    with open_session(settings) as session:
        place = stacks.choose(session, stack)
        record = stacks.record(session, place)
        return of(record) if record.entries else _found(session, place)


def of(record: Record) -> Mapping[str, str]:
    """The outputs of the last `up`, filled with what was handed out."""
    return fill(record.outputs, {ref: entry.outputs for ref, entry in record.entries.items()})


def _found(session: Session, place: Place) -> Mapping[str, str]:
    """The outputs of a stack without a record: from its blueprint and what AWS says."""
    from serverless_cli.app.status import lost  # noqa: PLC0415 - only the rare case needs to look at AWS

    return lost(session, place).outputs
