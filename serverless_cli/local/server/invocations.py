"""Asynchronous invocations: retries, age, destinations and dead letters, in place of ministack's.

AWS waits one minute before the first retry and two before the second; here it is _WAITS_S, so that a check of a
failure does not take minutes.
"""

from __future__ import annotations

import contextvars
import json
import threading
import time
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from serverless_cli.local.server import acting, calls, engine, letters, lineage, targets
from serverless_cli.local.server.acting import Actor
from serverless_cli.local.server.context import Here, log

_WAITS_S = (0.5, 1.0)
_THROTTLED_S = 0.5
_MAX_AGE_S = 21600


def install(here: Here) -> None:
    """Run what is invoked asynchronously in threads of their own."""

    def later(func: Mapping[str, Any], event: Any) -> None:
        run = _Invocation(here, func, event)
        if run.loops():
            return
        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(run.work,), daemon=True, name="slx-async").start()

    engine.Part("services.lambda_svc")["invoke_async_with_retry"] = later


class _Invocation:
    """One event for one function, until it is handled or given up."""

    def __init__(self, here: Here, func: Mapping[str, Any], event: Any) -> None:
        self._here = here
        self._func = func
        self._event = event
        self._config: Mapping[str, Any] = func.get("config") or func
        self._arn = str(self._config["FunctionArn"])
        self._settings = _settings(func, self._arn)
        self._id = str(uuid4())
        self._began = time.time()

    def loops(self) -> bool:
        """Whether the chain is too long, which ends it: with a dead letter, not with another invocation."""
        if lineage.hops.get() < lineage.LIMIT:
            return False
        self._here.notice(lineage.notice(str(self._config.get("FunctionName"))))
        self._failed("RecursiveInvocationDetected", 0, {})
        return True

    def work(self) -> None:
        """Invoke until it succeeds or its retries are used up."""
        retries = self._settings.get("MaximumRetryAttempts")
        count, outcome = 0, dict[str, Any]()
        waits = (*_WAITS_S, _WAITS_S[-1])
        while True:
            outcome = self._invoke()
            # What is throttled is tried again without counting, until the event is too old.
            if outcome.get("throttle"):
                if self._too_old(_THROTTLED_S):
                    break
                time.sleep(_THROTTLED_S)
                continue
            count += 1
            if not outcome.get("error"):
                self._report("OnSuccess", "Success", count, outcome)
                return
            if count > (2 if retries is None else int(retries)) or self._too_old(waits[count - 1]):
                break
            time.sleep(waits[count - 1])
        exhausted = "EventAgeExceeded" if self._too_old(0) else "RetriesExhausted"
        self._failed(exhausted, count, outcome)

    def _invoke(self) -> dict[str, Any]:
        try:
            done: dict[str, Any] = engine.Part("services.lambda_svc")["_execute_function_with_config_scope"](
                self._func, self._event
            )
        except Exception as error:  # noqa: BLE001 - whatever went wrong counts as the function's failure
            log.exception("an invocation of %s failed", self._arn)
            return {"error": True, "body": {"errorMessage": str(error), "errorType": "ServiceException"}}
        return done

    def _too_old(self, ahead_s: float) -> bool:
        limit = int(self._settings.get("MaximumEventAgeInSeconds") or _MAX_AGE_S)
        return time.time() + ahead_s - self._began > limit

    def _actor(self) -> Actor:
        name = str(self._config.get("FunctionName"))
        return Actor(f"function {name}", "lambda.amazonaws.com", str(self._config.get("Role", "")), self._arn)

    def _failed(self, condition: str, count: int, outcome: Mapping[str, Any]) -> None:
        self._report("OnFailure", condition, count, outcome)
        letter = (self._config.get("DeadLetterConfig") or {}).get("TargetArn")
        if letter:
            self._dead_letter(str(letter), outcome)

    def _report(self, which: str, condition: str, count: int, outcome: Mapping[str, Any]) -> None:
        """Send AWS's record of the invocation to the destination for this outcome, if there is one."""
        target = ((self._settings.get("DestinationConfig") or {}).get(which) or {}).get("Destination")
        if not target:
            return
        record: dict[str, Any] = {
            "version": "1.0",
            "timestamp": letters.moment(time.time()),
            "requestContext": {
                "requestId": self._id,
                "functionArn": _qualified(self._arn),
                "condition": condition,
                "approximateInvokeCount": count,
            },
            "requestPayload": self._event,
        }
        if count:
            record["responseContext"] = {"statusCode": 200, "executedVersion": self._config.get("Version", "$LATEST")}
            if outcome.get("error"):
                record["responseContext"]["functionError"] = outcome.get("function_error") or "Unhandled"
            record["responsePayload"] = outcome.get("body")
        # A bus gets it as an event of Lambda's own kind.
        kind = "Success" if which == "OnSuccess" else "Failure"
        self._send(
            str(target),
            targets.Parcel(
                json.dumps(record),
                source="lambda",
                detail_type=f"Lambda Function Invocation Result - {kind}",
                resources=(str(target), _qualified(self._arn)),
            ),
        )

    def _dead_letter(self, target: str, outcome: Mapping[str, Any]) -> None:
        """The event itself goes to the dead-letter queue or topic, with the error beside it."""
        body = outcome.get("body")
        message = str(body.get("errorMessage", "")) if isinstance(body, Mapping) else ""
        said = {"RequestID": self._id, "ErrorCode": "200", "ErrorMessage": message[:1024]}
        attributes = {name: {"DataType": "String", "StringValue": text} for name, text in said.items() if text}
        self._send(target, targets.Parcel(json.dumps(self._event), attributes=attributes))

    def _send(self, target: str, parcel: targets.Parcel) -> None:
        try:
            targets.deliver(self._here, self._actor(), target, parcel)
        except acting.ForbiddenError:
            pass
        except targets.UndeliverableError as error:
            self._here.notice(f"{self._actor().who}: a record of an invocation is lost: {error}")


def _qualified(arn: str) -> str:
    return arn if arn.count(":") > 6 else f"{arn}:$LATEST"


def _settings(func: Mapping[str, Any], arn: str) -> Mapping[str, Any]:
    """The configuration of asynchronous invocations for the qualifier that was invoked."""
    functions, place = engine.Part("services.lambda_svc"), calls.place_of(arn)
    with engine.Part("core.responses")["request_scope"](place.account, place.region):
        base, _, _ = functions["_get_base_func_record_for_ref"](arn)
        qualifier = arn.split(":")[7] if arn.count(":") > 6 else None
        found: Mapping[str, Any] | None = functions["_event_invoke_config"](dict(base or func), qualifier)
    return found or {}
