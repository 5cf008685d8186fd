"""EventBridge pipes: from a queue or a stream to a target, in place of ministack's two targets.

ministack keeps the pipes; what it drops of their parameters is kept here, in its own records.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from typing import Any

from serverless_cli.local.server import acting, calls, engine, letters, lineage, patterns, sources, targets
from serverless_cli.local.server.acting import Actor
from serverless_cli.local.server.context import Here
from serverless_cli.local.server.lanes import Batch, Ends, Lane, Outcome, Terms
from serverless_cli.local.server.pump import Job, Pump
from serverless_cli.local.server.queues import Handled, Queue
from serverless_cli.local.server.sources import Record
from serverless_cli.local.server.targets import Parcel
from serverless_cli.local.server.templates import at, render

_SOURCES = {
    "dynamodb": "DynamoDBStreamParameters",
    "kinesis": "KinesisStreamParameters",
    "sqs": "SqsQueueParameters",
}
_TARGETS = {
    "events": "EventBridgeEventBusParameters",
    "sqs": "SqsQueueParameters",
    "lambda": "LambdaFunctionParameters",
    "states": "StepFunctionStateMachineParameters",
    "kinesis": "KinesisStreamParameters",
}
_KEPT = ("SourceParameters", "TargetParameters", "Enrichment", "EnrichmentParameters", "LogConfiguration")


def install(here: Here, pump: Pump) -> None:
    """Run all pipes, and keep their parameters."""
    pipes = engine.Part("services.pipes")
    create, update, describe = pipes["_create_pipe"], pipes["_update_pipe"], pipes["_describe_response"]

    def created(name: str, body: Mapping[str, Any]) -> Any:
        status, headers, answer = create(name, body)
        if status == 200:
            record = pipes["_pipes"][name]
            record.update({key: body[key] for key in _KEPT if key in body})
            _begin(record)
        return status, headers, answer

    def updated(name: str, body: Mapping[str, Any]) -> Any:
        status, headers, answer = update(name, body)
        if status == 200:
            _merge(pipes["_pipes"][name], body)
        return status, headers, answer

    def described(pipe: Mapping[str, Any]) -> Any:
        return {**describe(pipe), **{key: pipe[key] for key in _KEPT if pipe.get(key)}}

    pipes["_create_pipe"] = created
    pipes["_update_pipe"] = updated
    pipes["_describe_response"] = described
    pipes["_ensure_poller"] = _nothing
    pump.add(_Pipes(here).jobs)


def _nothing() -> None:
    """ministack's own polling stays off."""


def _begin(record: Mapping[str, Any]) -> None:
    # LATEST means from now on, not from the first look.
    engine.Part("services.pipes")["_positions"][record["Arn"]] = {}
    if sources.is_source(record["Source"]) and targets.service_of(record["Source"]) != "sqs":
        _anchor(record, sources.stream_of(record["Source"], ""))


def _anchor(record: Mapping[str, Any], stream: sources.Table | sources.Stream) -> MutableMapping[str, str]:
    own, positions = _own(record), _positions(record)
    moment = float(own.get("StartingPositionTimestamp") or 0)
    sources.anchor(stream, stream.shards(), positions, str(own.get("StartingPosition", "LATEST")), moment)
    return positions


def _positions(record: Mapping[str, Any]) -> MutableMapping[str, str]:
    store, place = engine.Part("services.pipes")["_positions"], calls.place_of(record["Arn"])
    found = store.get_scoped(place.account, place.region, record["Arn"])
    if not isinstance(found, dict):
        found = {}
        store.set_scoped(place.account, place.region, record["Arn"], found)
    return found


def _merge(record: dict[str, Any], body: Mapping[str, Any]) -> None:
    """UpdatePipe replaces a service's structure as a whole and leaves the others; the starting position stays."""
    given = body.get("SourceParameters") or {}
    kept = _own(record).get("StartingPosition")
    record["SourceParameters"] = {**(record.get("SourceParameters") or {}), **given}
    own = record["SourceParameters"].get(_SOURCES.get(targets.service_of(record["Source"]), ""))
    if kept and own is not None:
        own["StartingPosition"] = kept
    merged = {**(record.get("TargetParameters") or {}), **(body.get("TargetParameters") or {})}
    record["TargetParameters"] = {name: value for name, value in merged.items() if value != ""}
    record.update({key: body[key] for key in _KEPT[2:] if key in body})


def _own(record: Mapping[str, Any]) -> dict[str, Any]:
    """What the pipe says of its source."""
    name = _SOURCES.get(targets.service_of(str(record["Source"])), "")
    return dict((record.get("SourceParameters") or {}).get(name) or {})


def _terms(record: Mapping[str, Any]) -> Terms:
    own = _own(record)
    place = calls.place_of(record["Arn"])
    held = engine.Part("services.pipes")["_pipes"].get_scoped(place.account, place.region, record["Name"])
    return Terms(
        batch_size=int(own.get("BatchSize") or (10 if targets.service_of(record["Source"]) == "sqs" else 100)),
        window_s=float(own.get("MaximumBatchingWindowInSeconds") or 0),
        retries=int(own.get("MaximumRetryAttempts", -1)),
        max_age_s=int(own.get("MaximumRecordAgeInSeconds", -1)),
        bisect=own.get("OnPartialBatchItemFailure") == "AUTOMATIC_BISECT",
        enabled=held is record and record.get("CurrentState") == "RUNNING",
    )


class _Pipes:
    """The readers of all pipes, kept while the pipe they are for exists."""

    def __init__(self, here: Here) -> None:
        self._here = here
        self._known: dict[tuple[str, str], tuple[Any, Queue | Lane]] = {}

    def jobs(self) -> Iterator[Job]:
        """What there is to read now."""
        live = set()
        for (_, _, _), record in list(engine.Part("services.pipes")["_pipes"].all_items()):
            pipe = _Pipe(self._here, record)
            live.add(str(record["Arn"]))
            if record.get("CurrentState") != "RUNNING" or not pipe.is_known():
                continue
            for shard in pipe.shards():
                key = (str(record["Arn"]), shard)
                if key not in self._known or self._known[key][0] is not record:
                    self._known[key] = (record, pipe.reader(shard))
                reader = self._known[key][1]
                # Asking the policies is dear, so only for something that could be read.
                if reader.ready() and pipe.may_read():
                    yield Job(key, reader)
        self._known = {key: kept for key, kept in self._known.items() if key[0] in live}


class _Pipe:
    """One pipe: what goes where, and in which form."""

    def __init__(self, here: Here, record: Mapping[str, Any]) -> None:
        self._here = here
        self._record = record
        self._source = str(record["Source"])
        self._target = str(record["Target"])
        self._actor = Actor(
            f"pipe {record['Name']}", "pipes.amazonaws.com", str(record.get("RoleArn", "")), str(record["Arn"])
        )

    def is_known(self) -> bool:
        """Whether its source is of a kind that is read here; a notice says when not."""
        if not sources.is_source(self._source):
            self._here.notice(f"{self._actor.who}: {self._source} is not a source that runs locally")
        elif self._record.get("Enrichment"):
            self._here.notice(f"{self._actor.who}: its enrichment does not run locally")
        return sources.is_source(self._source)

    def may_read(self) -> bool:
        """Whether the pipe's role may read its source; a notice says when it may not."""
        try:
            for action in sources.reading(self._source):
                acting.check(self._here, self._actor, action, self._source)
        except acting.ForbiddenError:
            return False
        return True

    @property
    def _is_queue(self) -> bool:
        return targets.service_of(self._source) == "sqs"

    def shards(self) -> list[str]:
        """What is read apart: a stream's shards, a queue as a whole."""
        return [""] if self._is_queue else self._stream().shards()

    def _stream(self) -> sources.Table | sources.Stream:
        return sources.stream_of(self._source, str(self._record.get("RoleArn", "")))

    def reader(self, shard: str) -> Queue | Lane:
        """A reader that follows the pipe's settings as they change."""
        if self._is_queue:
            return Queue(self._source, lambda: _terms(self._record), self._wanted, self._messages, self._loops)
        stream = self._stream()
        positions = _anchor(self._record, stream)
        ends = Ends(
            lambda record: self._wanted(record.event),
            self._records,
            lambda batch, why, outcome: self._discard(shard, batch, why, outcome),
        )
        return Lane(stream, shard, lambda: _terms(self._record), ends, positions)

    def _loops(self) -> None:
        self._here.notice(f"{self._actor.who} is part of a loop: stopped after {lineage.LIMIT} invocations")

    def _wanted(self, event: Mapping[str, Any]) -> bool:
        return patterns.wanted((self._record.get("SourceParameters") or {}).get("FilterCriteria"), event)

    def _messages(self, events: Sequence[Mapping[str, Any]]) -> Handled:
        ids = [str(event["messageId"]) for event in events]
        outcome = self._deliver(events)
        said = self._said(outcome, set(ids))
        failed = said if said is not None else ids[outcome.done :]
        return Handled(frozenset(failed))

    def _records(self, records: Sequence[Record]) -> Outcome:
        order = [record.sequence for record in records]
        outcome = self._deliver([record.event for record in records])
        said = self._said(outcome, set(order))
        return outcome if not said else Outcome(min(order.index(one) for one in said), outcome.failure)

    @staticmethod
    def _said(outcome: Outcome, known: set[str]) -> list[str] | None:
        """The items that a function or an express workflow reported; None when it reported none."""
        body = outcome.failure.get("reported")
        if not isinstance(body, Mapping) or not body.get("batchItemFailures"):
            return None
        return letters.reported(body, known)

    def _deliver(self, events: Sequence[Mapping[str, Any]]) -> Outcome:
        """Hand the records to the target: functions and workflows take them together, the others one by one."""
        payloads = [self._payload(event) for event in events]
        done = 0
        try:
            if targets.service_of(self._target) in ("lambda", "states"):
                return self._together(payloads)
            for event, payload in zip(events, payloads, strict=True):
                targets.deliver(self._here, self._actor, self._target, self._parcel(event, payload))
                done += 1
        except acting.ForbiddenError as error:
            return Outcome(done, {"error": str(error)})
        except (targets.UndeliverableError, calls.CallError) as error:
            self._here.notice(f"{self._actor.who}: {error}")
            return Outcome(done, {"error": str(error)})
        return Outcome(len(events))

    def _payload(self, event: Mapping[str, Any]) -> str:
        flat = {**{key: value for key, value in event.items() if key != "kinesis"}, **event.get("kinesis", {})}
        template = (self._record.get("TargetParameters") or {}).get("InputTemplate")
        if not template:
            return json.dumps(flat, ensure_ascii=False)
        words = {
            "aws.pipes.pipe-arn": self._record["Arn"],
            "aws.pipes.pipe-name": self._record["Name"],
            "aws.pipes.source-arn": self._source,
            "aws.pipes.target-arn": self._target,
            "aws.pipes.event": flat,
            "aws.pipes.event.json": flat,
            "aws.pipes.event.ingestion-time": letters.moment(time.time()),
        }
        return render(template, patterns.opened_event(event), words)

    def _own(self) -> dict[str, Any]:
        """What the pipe says of its target."""
        name = _TARGETS.get(targets.service_of(self._target), "")
        return dict((self._record.get("TargetParameters") or {}).get(name) or {})

    def _together(self, payloads: Sequence[str]) -> Outcome:
        targets.permit(self._here, self._actor, self._target)
        batch = [targets.event_of(payload) for payload in payloads]
        later = self._own().get("InvocationType") == "FIRE_AND_FORGET"
        if targets.service_of(self._target) == "lambda":
            if later:
                calls.invoke_later(self._target, batch)
                return Outcome(len(batch))
            outcome = calls.invoke(self._target, batch)
            failed, said = bool(outcome.get("error")), outcome.get("body")
        else:
            failed, said = self._workflow(json.dumps(batch, ensure_ascii=False), later=later)
        return Outcome(0 if failed else len(batch), {"error": said} if failed else {"reported": said})

    def _workflow(self, text: str, *, later: bool) -> tuple[bool, Any]:
        machines, place = engine.Part("services.stepfunctions")["_state_machines"], calls.place_of(self._target)
        machine = machines.get_scoped(place.account, place.region, self._target) or {}
        asked = {"stateMachineArn": self._target, "input": text}
        # Only express workflows can be waited for.
        if later or machine.get("type") != "EXPRESS":
            calls.call(place, "states", "StartExecution", asked)
            return False, None
        answer = calls.call(place, "states", "StartSyncExecution", asked)
        if answer.get("status") != "SUCCEEDED":
            return True, answer.get("error")
        return False, targets.event_of(str(answer.get("output") or "null"))

    def _parcel(self, event: Mapping[str, Any], payload: str) -> Parcel:
        opened = patterns.opened_event(event)
        own = {
            name: str(at(value, opened)) if isinstance(value, str) and value.startswith("$.") else value
            for name, value in self._own().items()
        }
        service = targets.service_of(self._source)
        return Parcel(
            payload,
            group=str(own.get("MessageGroupId", "")),
            deduplication=str(own.get("MessageDeduplicationId", "")),
            partition_key=str(own.get("PartitionKey", "")),
            source=str(own.get("Source") or f"Pipe {self._record['Name']}"),
            detail_type=str(own.get("DetailType") or f"Event from aws:{service}"),
            resources=tuple(own.get("Resources") or ()),
        )

    def _discard(self, shard: str, batch: Batch, condition: str, outcome: Outcome) -> None:
        self._here.notice(
            f"{self._actor.who}: {len(batch.records)} records given up ({condition}): {outcome.failure.get('error')}"
        )
        target = (_own(self._record).get("DeadLetterConfig") or {}).get("Arn")
        if target:
            context = {
                "context": {"pipeArn": self._record["Arn"], "condition": condition},
                "version": "1.0",
                "timestamp": letters.moment(time.time()),
            }
            letters.post(
                self._here, self._actor, str(target), {**context, **letters.batch_of(self._source, shard, batch)}
            )
