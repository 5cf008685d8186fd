"""Delivers the events of rules to their targets, in place of ministack, which knows neither Kinesis nor Firehose
as a target, asks no policy and runs functions without retries."""

from __future__ import annotations

import contextvars
import json
import threading
from collections.abc import Mapping
from functools import partial
from queue import SimpleQueue
from typing import Any

from serverless_cli.local.server import acting, engine, targets
from serverless_cli.local.server.acting import Actor
from serverless_cli.local.server.context import Here, log
from serverless_cli.local.server.templates import at

# ministack looks for due schedules every 10 s.
_TICK_S = 1
_ROLE_NEEDED = ("states", "kinesis", "firehose")


def install(here: Here) -> None:
    """Deliver for all rules, in the order of their events."""
    bus = engine.Part("services.eventbridge")
    deliveries = _Deliveries(here)
    put_targets = bus["_put_targets"]

    def invoke(target: Mapping[str, Any], event: Mapping[str, Any], rule: Mapping[str, Any], view: Any = None) -> None:
        deliveries.add(target, event, rule, view or bus["_pattern_event_view"](event))

    def put(data: Mapping[str, Any]) -> Any:
        failed = [problem for target in data.get("Targets", []) if (problem := _wrong(target))]
        names = {problem["TargetId"] for problem in failed}
        good = [target for target in data.get("Targets", []) if target.get("Id") not in names]
        status, headers, body = put_targets({**data, "Targets": good})
        if status != 200 or not failed:
            return status, headers, body
        return status, headers, json.dumps({"FailedEntryCount": len(failed), "FailedEntries": failed}).encode()

    bus["_invoke_target"] = invoke
    bus["_put_targets"] = put
    bus["_SCHEDULER_TICK_INTERVAL"] = _TICK_S


def _wrong(target: Mapping[str, Any]) -> dict[str, str] | None:
    """The entry by which PutTargets refuses a target; None for one that is right."""
    arn, name = str(target.get("Arn", "")), str(target.get("Id", ""))
    message = ""
    if targets.service_of(arn) in _ROLE_NEEDED and not target.get("RoleArn"):
        message = f"RoleArn is required for target {arn}."
    elif targets.service_of(arn) == "sqs" and arn.endswith(".fifo") and not target.get("SqsParameters"):
        message = f"Parameter(s) SqsParameters must be specified for target: {name}."
    return {"TargetId": name, "ErrorCode": "ValidationException", "ErrorMessage": message} if message else None


class _Deliveries:
    """Hands events over one after the other, off the event loop's thread."""

    def __init__(self, here: Here) -> None:
        self._here = here
        self._waiting: SimpleQueue[tuple[contextvars.Context, Any]] = SimpleQueue()
        threading.Thread(target=self._run, daemon=True, name="slx-rules").start()

    def add(self, target: Mapping[str, Any], event: Mapping[str, Any], rule: Mapping[str, Any], view: Any) -> None:
        """Deliver soon; events for another bus are matched there at once."""
        arn = str(target.get("Arn", ""))
        text = _text(target, rule, view)
        if targets.service_of(arn) == "events" and ":event-bus/" in arn:
            self._to_bus(target, event, rule, text)
            return
        whole = view.event_with_detail()
        work = partial(self._deliver, target, rule, _parcel(target, whole, text or json.dumps(whole)))
        self._waiting.put((contextvars.copy_context(), work))

    def _run(self) -> None:
        while True:
            context, work = self._waiting.get()
            try:
                context.run(work)
            except Exception:  # noqa: BLE001 - one event must not stop the others
                log.exception("an event could not be delivered")

    def _actor(self, target: Mapping[str, Any], rule: Mapping[str, Any]) -> Actor:
        # A function lets a rule in by its own policy; a role means nothing to it.
        role = "" if targets.service_of(str(target["Arn"])) == "lambda" else str(target.get("RoleArn") or "")
        return Actor(f"rule {rule['Name']}", "events.amazonaws.com", role, str(rule["Arn"]))

    def _to_bus(
        self, target: Mapping[str, Any], event: Mapping[str, Any], rule: Mapping[str, Any], text: str | None
    ) -> None:
        try:
            targets.permit(self._here, self._actor(target, rule), str(target["Arn"]))
        except acting.ForbiddenError:
            return
        path = set(event.get("_DispatchPath") or [])
        spec = engine.Part("core.arn")["parse_arn"](target["Arn"])
        engine.Part("services.eventbridge")["_dispatch_to_event_bus"](spec, event, rule, path, text)

    def _deliver(self, target: Mapping[str, Any], rule: Mapping[str, Any], parcel: targets.Parcel) -> None:
        arn, actor = str(target["Arn"]), self._actor(target, rule)
        try:
            targets.deliver(self._here, actor, arn, parcel)
        except acting.ForbiddenError as error:
            self._dead_letter(target, actor, parcel, ("NO_PERMISSIONS", str(error)))
        except targets.UndeliverableError as error:
            self._here.notice(f"{actor.who}: {error}")
            self._dead_letter(target, actor, parcel, ("SDK_CLIENT_ERROR", str(error)))

    def _dead_letter(
        self, target: Mapping[str, Any], actor: Actor, parcel: targets.Parcel, why: tuple[str, str]
    ) -> None:
        queue = (target.get("DeadLetterConfig") or {}).get("Arn")
        if not queue:
            return
        said = {
            "RULE_ARN": actor.source_arn,
            "TARGET_ARN": str(target["Arn"]),
            "ERROR_CODE": why[0],
            "ERROR_MESSAGE": why[1][:256],
            "RETRY_ATTEMPTS": "0",
        }
        attributes = {name: {"DataType": "String", "StringValue": text} for name, text in said.items()}
        letter = targets.Parcel(parcel.text, attributes=attributes)
        try:
            targets.deliver(self._here, Actor(actor.who, actor.service, "", actor.source_arn), str(queue), letter)
        except acting.ForbiddenError:
            pass
        except targets.UndeliverableError as error:
            self._here.notice(f"{actor.who}: a dead letter is lost: {error}")


def _text(target: Mapping[str, Any], rule: Mapping[str, Any], view: Any) -> str | None:
    """What the target is configured to get instead of the event."""
    if target.get("InputTransformer"):
        rendered: str = engine.Part("services.eventbridge")["_apply_input_transformer"](
            target["InputTransformer"], rule, view
        )
        return rendered
    if target.get("Input"):
        return str(target["Input"])
    if target.get("InputPath"):
        return json.dumps(at(str(target["InputPath"]), view.event_with_detail()))
    return None


def _parcel(target: Mapping[str, Any], event: Mapping[str, Any], text: str) -> targets.Parcel:
    path = (target.get("KinesisParameters") or {}).get("PartitionKeyPath")
    return targets.Parcel(
        text,
        group=str((target.get("SqsParameters") or {}).get("MessageGroupId", "")),
        partition_key=str(at(path, event)) if path else str(event.get("id", "")),
    )
