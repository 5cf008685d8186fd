"""`slx invoke`: calls one function of a stack and tells what it answered."""

from __future__ import annotations

import base64
import difflib

from serverless_cli.app import stacks
from serverless_cli.app.lost import recalled
from serverless_cli.app.session import open_session
from serverless_cli.app.settings import Settings
from serverless_cli.errors import Exit, SlxError
from serverless_cli.model import Ref
from serverless_cli.records import dataclass


@dataclass(frozen=True, slots=True)
class Answer:
    """What a function returned, as JSON text; `failed` when that is its error. `log` is the end of its log."""

    payload: str
    failed: bool
    log: str


def invoke(settings: Settings, stack: str | None, function: str, event: str) -> Answer:
    """Calls the function with the id `function` with `event` (JSON text) and waits for its end.

    Raises SlxError: no such stack, no such function, or Lambda refuses the call.
    """
    with open_session(settings) as session:
        place = stacks.choose(session, stack)
        entries = recalled(session, place).entries
        entry = entries.get(Ref("function", function))
        if entry is None:
            known = sorted(ref.id for ref in entries if ref.kind == "function")
            near = difflib.get_close_matches(function, known, 1)
            hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(known) or 'none'}"
            raise SlxError(f"the stack has no function {function}", hint=hint, exit_code=Exit.USAGE)
        # A second call after a lost answer could do the function's work twice.
        answer = session.aws.call(
            "lambda.Invoke", once=True, FunctionName=entry.name, Payload=event.encode(), LogType="Tail"
        )
        payload = answer["Payload"].read().decode("utf-8", "replace")
        log = base64.b64decode(answer.get("LogResult") or "").decode("utf-8", "replace")
        return Answer(payload, "FunctionError" in answer, log)
