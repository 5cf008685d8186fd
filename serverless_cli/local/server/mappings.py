"""Event source mappings: queues and streams that invoke functions, in place of ministack's polling."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from typing import Any

from serverless_cli.local.server import acting, admitted, calls, engine, letters, lineage, patterns, sources
from serverless_cli.local.server.acting import Actor
from serverless_cli.local.server.context import Here
from serverless_cli.local.server.lanes import Batch, Ends, Lane, Outcome, Terms
from serverless_cli.local.server.pump import Job, Pump
from serverless_cli.local.server.queues import Handled, Queue
from serverless_cli.local.server.sources import Record

_POSITIONS = {"kinesis": "_kinesis_positions", "dynamodb": "_dynamodb_stream_positions"}
# Lambda reads a queue with five pollers at first; a group of a FIFO queue is never read by two at a time.
_QUEUE_AT_ONCE = 5
_DEFAULTS = {
    "MaximumRetryAttempts": -1,
    "MaximumRecordAgeInSeconds": -1,
    "ParallelizationFactor": 1,
    "BisectBatchOnFunctionError": False,
    "TumblingWindowInSeconds": 0,
    "DestinationConfig": {"OnFailure": {}},
}


def install(here: Here, pump: Pump) -> None:
    """Read for all mappings, and complete what ministack keeps of a new one."""
    functions = engine.Part("services.lambda_svc")
    create = functions["_create_esm"]

    def created(data: Mapping[str, Any]) -> Any:
        refused = admitted.refusal(data)
        if refused is not None:
            return refused
        status, headers, body = create(data)
        if status != 202:
            return status, headers, body
        mapping = functions["_esms"][json.loads(body)["UUID"]]
        _complete(mapping, data)
        return functions["json_response"](functions["_esm_response"](mapping), 202)

    functions["_create_esm"] = created
    functions["_ensure_poller"] = _nothing
    pump.add(_Mappings(here).jobs)


def _nothing() -> None:
    """ministack's own polling stays off."""


def _complete(mapping: dict[str, Any], data: Mapping[str, Any]) -> None:
    mapping["StateTransitionReason"] = "User action"
    if mapping["EventSourceArn"].split(":")[2] == "sqs":
        return
    mapping["BatchSize"] = data.get("BatchSize", 100)
    for name, value in _DEFAULTS.items():
        mapping.setdefault(name, data.get(name, value))
    if "StartingPositionTimestamp" in data:
        mapping["StartingPositionTimestamp"] = data["StartingPositionTimestamp"]
    # LATEST means from now on, not from the first look.
    _anchor(mapping, sources.stream_of(mapping["EventSourceArn"], ""))


def _positions(place: calls.Place, mapping: Mapping[str, Any]) -> MutableMapping[str, str]:
    """The cursors of the mapping by shard, where ministack persists its own."""
    store = engine.Part("services.lambda_svc")[_POSITIONS[mapping["EventSourceArn"].split(":")[2]]]
    found = store.get_scoped(place.account, place.region, mapping["UUID"])
    if not isinstance(found, dict):
        found = {}
        store.set_scoped(place.account, place.region, mapping["UUID"], found)
    return found


def _anchor(mapping: Mapping[str, Any], source: sources.Table | sources.Stream) -> MutableMapping[str, str]:
    positions = _positions(calls.place_of(mapping["FunctionArn"]), mapping)
    moment = float(mapping.get("StartingPositionTimestamp") or 0)
    sources.anchor(source, source.shards(), positions, str(mapping.get("StartingPosition", "LATEST")), moment)
    return positions


def _terms(mapping: Mapping[str, Any]) -> Terms:
    return Terms(
        batch_size=int(mapping.get("BatchSize") or 10),
        window_s=float(mapping.get("MaximumBatchingWindowInSeconds") or 0),
        retries=int(mapping.get("MaximumRetryAttempts", -1)),
        max_age_s=int(mapping.get("MaximumRecordAgeInSeconds", -1)),
        bisect=bool(mapping.get("BisectBatchOnFunctionError")),
        enabled=bool(mapping.get("Enabled", True)),
    )


class _Mappings:
    """The readers of all mappings, kept while the mapping they are for exists."""

    def __init__(self, here: Here) -> None:
        self._here = here
        self._known: dict[tuple[str, str], tuple[Any, Queue | Lane]] = {}

    def jobs(self) -> Iterator[Job]:
        """What there is to read now."""
        seen = set()
        for (_, _, uuid), mapping in list(engine.Part("services.lambda_svc")["_esms"].all_items()):
            one = _Mapping(self._here, mapping)
            if not mapping.get("Enabled", True) or not one.exists():
                continue
            for shard in one.shards():
                key = (uuid, shard)
                seen.add(key)
                if key not in self._known or self._known[key][0] is not mapping:
                    self._known[key] = (mapping, one.reader(shard))
                reader = self._known[key][1]
                # Asking the policies is dear, so only for something that could be read.
                if reader.ready() and one.may_read():
                    yield Job(key, reader, one.at_once)
        for key in self._known.keys() - seen:
            if key[0] not in {uuid for uuid, _ in seen}:
                del self._known[key]


class _Mapping:
    """One mapping: which function gets what from where."""

    def __init__(self, here: Here, record: Mapping[str, Any]) -> None:
        self._here = here
        self._record = record
        self._source = str(record["EventSourceArn"])
        self._function = str(record["FunctionArn"])
        self._place = calls.place_of(self._function)

    @property
    def _is_queue(self) -> bool:
        return self._source.split(":")[2] == "sqs"

    @property
    def at_once(self) -> int:
        scaling = self._record.get("ScalingConfig") or {}
        return int(scaling.get("MaximumConcurrency") or _QUEUE_AT_ONCE) if self._is_queue else 1

    def _config(self) -> Mapping[str, Any]:
        functions = engine.Part("services.lambda_svc")
        _, config, _ = functions["_get_func_record_for_ref_in_scope"](
            self._function, account_id=self._place.account, region=self._place.region
        )
        return config or {}

    def _actor(self) -> Actor:
        who = f"mapping of {self._source.rpartition(':')[2]} to {self._function.rpartition(':function:')[2]}"
        return Actor(who, "lambda.amazonaws.com", str(self._config().get("Role", "")), self._function)

    def exists(self) -> bool:
        """Whether there is a function, and a source of a kind that is read here."""
        return sources.is_source(self._source) and bool(self._config())

    def may_read(self) -> bool:
        """Whether the function's role may read the source; a notice says when it may not."""
        actor = self._actor()
        try:
            for action in sources.reading(self._source):
                acting.check(self._here, actor, action, self._source)
        except acting.ForbiddenError:
            return False
        return True

    def shards(self) -> list[str]:
        """What is read apart: a stream's shards, a queue as a whole."""
        return [""] if self._is_queue else self._stream().shards()

    def _stream(self) -> sources.Table | sources.Stream:
        return sources.stream_of(self._source, str(self._config().get("Role", "")))

    def reader(self, shard: str) -> Queue | Lane:
        """A reader that follows the mapping's settings as they change."""
        if self._is_queue:
            return Queue(self._source, self._current, self._wanted, self._messages, self._loops)
        stream = self._stream()
        positions = _anchor(self._record, stream)
        ends = Ends(
            lambda record: self._wanted(record.event),
            self._records,
            lambda batch, why, outcome: self._discard(shard, batch, why, outcome),
        )
        return Lane(stream, shard, self._current, ends, positions)

    def _current(self) -> Terms:
        """The terms; a mapping that was deleted meanwhile reads on no more."""
        held = engine.Part("services.lambda_svc")["_esms"].get_scoped(
            self._place.account, self._place.region, self._record["UUID"]
        )
        terms = _terms(self._record)
        return terms if held is self._record else Terms(terms.batch_size, enabled=False)

    def _wanted(self, event: Mapping[str, Any]) -> bool:
        return patterns.wanted(self._record.get("FilterCriteria"), event)

    def _invoke(self, events: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        try:
            outcome = calls.invoke(self._function, {"Records": list(events)})
        except calls.CallError as error:
            outcome = {"error": True, "body": {"errorMessage": str(error)}}
        failed = "PROBLEM: Function call failed" if outcome.get("error") else "OK"
        if isinstance(self._record, dict):
            self._record["LastProcessingResult"] = failed
        return outcome

    def _loops(self) -> None:
        name = self._config().get("FunctionName")
        self._here.notice(lineage.notice(str(name)))

    def _messages(self, events: Sequence[Mapping[str, Any]]) -> Handled:
        outcome = self._invoke(events)
        failed = self._reported(outcome, {str(event["messageId"]) for event in events})
        return Handled(all_failed=True) if failed is None else Handled(frozenset(failed))

    def _records(self, records: Sequence[Record]) -> Outcome:
        outcome = self._invoke([record.event for record in records])
        order = [record.sequence for record in records]
        failed = self._reported(outcome, set(order))
        if failed is None:
            return Outcome(0, outcome)
        return Outcome(min((order.index(one) for one in failed), default=len(order)), outcome)

    def _reported(self, outcome: Mapping[str, Any], known: set[str]) -> list[str] | None:
        """The items that the function says have failed; None when all count as failed."""
        if outcome.get("error"):
            return None
        if "ReportBatchItemFailures" not in (self._record.get("FunctionResponseTypes") or []):
            return []
        return letters.reported(outcome.get("body"), known)

    def _discard(self, shard: str, batch: Batch, condition: str, outcome: Outcome) -> None:
        target = ((self._record.get("DestinationConfig") or {}).get("OnFailure") or {}).get("Destination")
        last = outcome.failure.get("body")
        self._here.notice(
            f"{self._actor().who}: {len(batch.records)} records given up ({condition}): "
            f"{(last or {}).get('errorType', 'no error') if isinstance(last, dict) else last}"
        )
        if target:
            config = self._config()
            info = letters.batch_of(self._source, shard, batch)
            context = letters.context_of(config, condition, batch.failed, time.time())
            letters.post(self._here, self._actor(), str(target), {**context, **info})
