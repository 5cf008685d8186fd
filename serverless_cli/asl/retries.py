"""Retry and Catch: which errors, how often and after how long, and where they lead.

AWS facts (states-language.net, "Errors"; developer guide, "Handling errors"): States.ALL stands alone and in the
last entry; delays grow by BackoffRate up to MaxDelaySeconds, which is larger than IntervalSeconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from serverless_cli.asl import scalars
from serverless_cli.asl.findings import Here, is_list, is_mapping, near
from serverless_cli.asl.scalars import LONGEST_S, Check
from serverless_cli.finding import called, shown

ALL = "States.ALL"
ERRORS = (
    ALL, "States.HeartbeatTimeout", "States.Timeout", "States.TaskFailed", "States.Permissions",
    "States.ResultPathMatchFailure", "States.ParameterPathFailure", "States.BranchFailed", "States.NoChoiceMatched",
    "States.IntrinsicFailure", "States.ExceedToleratedFailureThreshold", "States.ItemReaderFailed",
    "States.ResultWriterFailed", "States.DataLimitExceeded", "States.Runtime", "States.QueryEvaluationError",
)  # fmt: skip
"""the language's own errors that have a fixed name"""

_MAX_DELAY_S = 31_622_400


def _strategy(here: Here, value: Any) -> None:
    if value not in ("FULL", "NONE"):
        here.add(f"`JitterStrategy` cannot be {shown(value)}", "it is FULL or NONE")


_RETRY: Mapping[str, Check] = {
    "IntervalSeconds": scalars.whole(1, LONGEST_S),
    "MaxAttempts": scalars.whole(0, LONGEST_S),
    "BackoffRate": scalars.number(1, LONGEST_S),
    "MaxDelaySeconds": scalars.whole(1, _MAX_DELAY_S - 1),
    "JitterStrategy": _strategy,
    "Comment": scalars.comment,
}
_CATCH: Mapping[str, Check] = {"Next": scalars.name, "Assign": scalars.assign, "Comment": scalars.comment}


def check_retry(here: Here, value: Any) -> None:
    """`Retry`: a list of retriers."""
    for at, retrier in _entries(here, value, "a retrier", _RETRY):
        interval, longest = retrier.get("IntervalSeconds", 1), retrier.get("MaxDelaySeconds")
        if isinstance(interval, int) and isinstance(longest, int) and longest <= interval:
            (at / "MaxDelaySeconds").add(f"`MaxDelaySeconds` is not more than `IntervalSeconds`, {interval}")


def check_catch(here: Here, value: Any) -> None:
    """`Catch`: a list of catchers, each of which leads to a state."""
    extra: dict[str, Check] = {"Output": scalars.anything} if here.jsonata else {"ResultPath": scalars.result_path}
    for at, catcher in _entries(here, value, "a catcher", {**_CATCH, **extra}):
        if "Next" not in catcher:
            at.add("a catcher without `Next`", "it must say which state takes the error")


def _entries(here: Here, value: Any, what: str, known: Mapping[str, Check]) -> list[tuple[Here, dict[str, Any]]]:
    """The entries that are mappings, with what both kinds have in common checked."""
    found: list[tuple[Here, dict[str, Any]]] = []
    if not is_list(here, value, shown(here.path[-1]), least=0):
        return found
    for index, entry in enumerate(value):
        at = here / index
        if is_mapping(at, entry, what):
            _errors(at, entry, what, last=index == len(value) - 1)
            for name, child in entry.items():
                if name in known:
                    known[name](at / name, child)
                elif name != "ErrorEquals":
                    told = near(name, (*known, "ErrorEquals"))
                    (at / name).add(f"unknown field {shown(name)}", f"{what} has no such field", told)
            found.append((at, entry))
    return found


def _errors(here: Here, entry: Mapping[str, Any], what: str, *, last: bool) -> None:
    if "ErrorEquals" not in entry:
        here.add(f"{what} without `ErrorEquals`", "it must say which errors it is for", f"ErrorEquals: [{ALL}]")
        return
    at, names = here / "ErrorEquals", entry["ErrorEquals"]
    if not is_list(at, names, "`ErrorEquals`"):
        return
    for index, name in enumerate(names):
        if not isinstance(name, str):
            (at / index).add(f"an error's name is text, not {called(name)}")
        elif name.startswith("States.") and name not in ERRORS and (hint := near(name, ERRORS)):
            (at / index).add(f"there is no error {shown(name)}", "the language's own errors begin with States.", hint)
    if ALL in names and len(names) > 1:
        at.add(f"{ALL} beside other errors", "it stands for all and so stands alone")
    elif ALL in names and not last:
        at.add(f"{ALL} before other entries", "it takes every error, so that those after it never count")
