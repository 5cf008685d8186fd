"""What moto lacks of EventBridge and Pipes: moto_gaps.py takes GAPS in, asks `refusal` before a call of these services,
and makes the call inside `completed`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from moto.backends import get_backend
from moto.core import DEFAULT_ACCOUNT_ID

from serverless_cli.aws.failure import Failure, Nature

COMPLETED = "conformance, by moto_events.py"
GAPS = (
    ("events.PutRule", "adds tags to a rule that was there already", "unit/test_events_rule_kind.py"),
    ("events.PutTargets", "never answers FailedEntries", "unit/test_events_rule_kind.py"),
    ("events.DeleteEventBus", "deletes a bus that has rules", COMPLETED),
    ("pipes.CreatePipe", "replaces a pipe of that name", COMPLETED),
    ("pipes.UpdatePipe", "forgets where reading began", COMPLETED),
    ("pipes.*", "never fails, and is never UPDATING or DELETING", "unit/test_pipe_kind.py"),
)
"""(operation, what it lacks, where that is covered)"""


def refusal(region: str, operation: str, parameters: Mapping[str, Any]) -> Failure | None:
    """What AWS would refuse and moto does not."""
    if operation == "pipes.CreatePipe" and parameters["Name"] in _pipes(region):
        text = f"Pipe {parameters['Name']} already exists."
        return Failure(operation, Nature.REFUSED, "ConflictException", text, 409)
    if operation == "events.DeleteEventBus":
        bus = get_backend("events")[DEFAULT_ACCOUNT_ID][region].event_buses.get(parameters["Name"])
        if bus and bus.rules:
            text = "EventBus can't be deleted since it has rules."
            return Failure(operation, Nature.REFUSED, "ValidationException", text, 400)
    return None


def completed(region: str, operation: str, parameters: Mapping[str, Any]) -> AbstractContextManager[None]:
    """What has to happen around a call."""
    return keeping_the_position(region, parameters["Name"]) if operation == "pipes.UpdatePipe" else nullcontext()


@contextmanager
def keeping_the_position(region: str, name: str) -> Iterator[None]:
    """Where a pipe began to read is not among what UpdatePipe takes, and stays as it was."""
    own = _own(region, name)
    position = own.get("StartingPosition")
    yield
    if position:
        _own(region, name)["StartingPosition"] = position


def _pipes(region: str) -> Any:
    return get_backend("pipes")[DEFAULT_ACCOUNT_ID][region].pipes


def _own(region: str, name: str) -> dict[str, Any]:
    pipe = _pipes(region).get(name)
    parameters = (pipe.source_parameters or {}) if pipe else {}
    return next((value for key, value in parameters.items() if key != "FilterCriteria"), {})
