"""Whether a Lambda function works, takes changes, and when a change has arrived.

AWS facts (Lambda developer guide, functions-states; aws-semantics 3.1):
- `State` is Pending, Active, Inactive (idle for weeks; it is made ready again by a call) or Failed: then it could not
  be made, or not be made ready again, and does not run.
- `LastUpdateStatus` is InProgress, Successful or Failed: then what ran before goes on, until another update succeeds.
- What is refused because of a state is told by a 409 with the state's name. All states pass but Failed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from serverless_cli.aws.calls import Aws
from serverless_cli.errors import AwsError, SlxError

READY_S = 300.0


def works(have: Mapping[str, Any]) -> bool:
    """Whether a function, by its configuration, runs as it was last told to, as far as Lambda knows by now."""
    return "Failed" not in _states(have)


def why(have: Mapping[str, Any]) -> str:
    """Lambda's reason for a failure."""
    reason = have.get("StateReason" if have.get("State") == "Failed" else "LastUpdateStatusReason")
    return reason or "Lambda gives no reason"


def change(aws: Aws, operation: str, name: str, *, failing: bool = False, **settings: Any) -> None:
    """Changes a function and waits until that has arrived. `failing` is True when it need not work after this change,
    but after the next one. Raises SlxError with Lambda's reason when the change fails."""
    try:
        answer = aws.call(operation, FunctionName=name, **settings)
    except AwsError as error:
        if "following state: failed" not in error.message.lower():
            raise
        hint = f"`aws lambda delete-function --function-name {name}`, then `slx up`: that makes it anew"
        raise SlxError(f"function {name} failed, and takes no change any more", error.message, hint) from error
    if (answer.get("State"), answer.get("LastUpdateStatus")) != ("Active", "Successful"):
        ready(aws, name, failing=failing)


def ready(aws: Aws, name: str, *, failing: bool = False) -> None:
    """Waits until the function takes changes and calls, or, when it is `failing`, changes at least.

    Raises SlxError with Lambda's reason when it failed.
    """

    def ask() -> bool | None:
        found = aws.find("lambda.GetFunction", FunctionName=name)
        have = found["Configuration"] if found else {}
        states = _states(have)
        if "Failed" in states and not {"Pending", "InProgress"} & set(states):
            if failing:
                return True
            raise SlxError(f"function {name} failed", why(have), "correct the blueprint and run `slx up` again")
        return True if found and states[0] in ("Active", "Inactive") and states[1] == "Successful" else None

    aws.wait(f"function {name} to be ready", ask, deadline_s=READY_S)


def _states(have: Mapping[str, Any]) -> tuple[str, str]:
    return have.get("State", "Active"), have.get("LastUpdateStatus", "Successful")
