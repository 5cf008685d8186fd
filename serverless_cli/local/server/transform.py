"""The function that a delivery stream asks what becomes of its records."""

from __future__ import annotations

import base64
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any
from uuid import uuid4

from serverless_cli.local.server import acting, calls
from serverless_cli.local.server.acting import Actor
from serverless_cli.local.server.context import Here
from serverless_cli.local.server.outputs import Failure, Output
from serverless_cli.records import dataclass

_RETRIES = 3
_WAIT_S = 0.2
_MEGABYTE = 1_048_576


@dataclass(slots=True)
class Transformed:
    """What goes on, in its order, and what failed; what was dropped is in neither."""

    good: list[Output] = field(default_factory=list)
    bad: list[Failure] = field(default_factory=list)


class Transform:
    """The processors of one stream."""

    def __init__(self, here: Here, actor: Actor, config: Mapping[str, Any]) -> None:
        self._here = here
        self._actor = actor
        processing = config.get("ProcessingConfiguration") or {}
        self._processors = (processing.get("Processors") or []) if processing.get("Enabled") else []

    def apply(self, batch: Sequence[Output]) -> Transformed:
        """The records after all processors."""
        whole = Transformed(list(batch))
        for processor in self._processors:
            parameters = {one["ParameterName"]: one["ParameterValue"] for one in processor.get("Parameters") or []}
            if processor.get("Type") == "Lambda":
                whole.good = [
                    record
                    for chunk in _chunks(whole.good, parameters)
                    for record in self._run(chunk, parameters, whole)
                ]
            elif processor.get("Type") == "AppendDelimiterToRecord":
                end = parameters.get("Delimiter", "\\n").encode().decode("unicode_escape").encode()
                whole.good = [Output(record.id, record.data + end, record.at) for record in whole.good]
        return whole

    def _run(self, chunk: Sequence[Output], parameters: Mapping[str, str], whole: Transformed) -> list[Output]:
        arn = parameters["LambdaArn"]
        retries = int(parameters.get("NumberOfRetries", _RETRIES))
        attempts, error = 0, ("", "")
        while attempts <= retries:
            if attempts:
                time.sleep(_WAIT_S)
            attempts += 1
            answer, error = self._asked(chunk, arn)
            if answer is not None:
                good, bad = _sorted(chunk, answer, arn)
                whole.bad += bad
                return good
        self._here.notice(f"{self._actor.who}: its transform {arn.rpartition(':function:')[2]} failed: {error[1]}")
        whole.bad += [Failure(record, attempts, *error, arn) for record in chunk]
        return []

    def _asked(self, chunk: Sequence[Output], arn: str) -> tuple[Mapping[str, Any] | None, tuple[str, str]]:
        """The function's answer, or the code and the message of its failure."""
        event = {
            "invocationId": str(uuid4()),
            "deliveryStreamArn": self._actor.source_arn,
            "region": self._actor.region,
            "records": [
                {
                    "recordId": record.id,
                    "approximateArrivalTimestamp": int(record.at * 1000),
                    "data": base64.b64encode(record.data).decode(),
                }
                for record in chunk
            ],
        }
        try:
            acting.check(self._here, self._actor, "lambda:InvokeFunction", arn)
            outcome = calls.invoke(arn, event)
        except acting.ForbiddenError:
            return None, (
                "Lambda.InvokeAccessDenied",
                "Access was denied. Ensure that the access policy allows access.",
            )
        except calls.CallError as error:
            return None, (f"Lambda.{error.code}", error.message)
        body = outcome.get("body")
        if outcome.get("error"):
            message = body.get("errorMessage") if isinstance(body, Mapping) else body
            return None, ("Lambda.FunctionError", f"The Lambda function returned an error: {message}")
        if not isinstance(body, Mapping) or not isinstance(body.get("records"), list):
            return None, ("Lambda.JsonProcessingException", "The answer of the function has no list of records.")
        return body, ("", "")


def _chunks(records: Sequence[Output], parameters: Mapping[str, str]) -> Iterator[list[Output]]:
    """The records in portions of the configured size: a function takes six megabytes of JSON at most."""
    limit = float(parameters.get("BufferSizeInMBs", 1)) * _MEGABYTE
    chunk, size = list[Output](), 0
    for record in records:
        if chunk and size + len(record.data) > limit:
            yield chunk
            chunk, size = [], 0
        chunk.append(record)
        size += len(record.data)
    if chunk:
        yield chunk


def _sorted(chunk: Sequence[Output], answer: Mapping[str, Any], arn: str) -> tuple[list[Output], list[Failure]]:
    """The records by what the function says of each."""
    said = {item.get("recordId"): item for item in answer["records"] if isinstance(item, Mapping)}
    counts = Counter(item.get("recordId") for item in answer["records"] if isinstance(item, Mapping))
    good, bad = list[Output](), list[Failure]()
    for record in chunk:
        item = said.get(record.id)
        if item is None:
            bad.append(Failure(record, 1, "Lambda.MissingRecordId", "One or more record Ids were not returned.", arn))
        elif counts[record.id] > 1:
            bad.append(Failure(record, 1, "Lambda.DuplicatedRecordId", "A record Id was returned twice.", arn))
        elif item.get("result") == "Ok":
            _take(record, item, arn, good, bad)
        elif item.get("result") != "Dropped":
            text = f"{item.get('result')} status set for record"
            bad.append(Failure(record, 1, "Lambda.ProcessingFailedStatus", text, arn))
    return good, bad


def _take(record: Output, item: Mapping[str, Any], arn: str, good: list[Output], bad: list[Failure]) -> None:
    try:
        good.append(Output(record.id, base64.b64decode(item["data"], validate=True), record.at))
    except (KeyError, TypeError, ValueError):
        bad.append(Failure(record, 1, "Lambda.FunctionError", "The data of the record is not base64.", arn))
