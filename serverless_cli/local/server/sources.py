"""Streams that mappings and pipes read: the shards of Kinesis, and the stream of a DynamoDB table.

A cursor is the sequence number of the last record that is done with; sequence numbers of both grow as texts.
"""

from __future__ import annotations

import base64
from bisect import bisect_right
from collections.abc import Mapping, MutableMapping, Sequence
from operator import itemgetter
from typing import Any

from serverless_cli.local.server import calls, engine, targets
from serverless_cli.records import dataclass

# A table's stream has one shard here; on AWS, items with one key stay in order, across keys they need not.
_TABLE_SHARD = "shardId-00000000000000000000-00000000"
_READS = {
    "kinesis": ("kinesis:DescribeStream", "kinesis:GetRecords", "kinesis:GetShardIterator"),
    "dynamodb": ("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"),
    "sqs": ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"),
}


def is_source(arn: str) -> bool:
    """Whether something is read from it here."""
    return targets.service_of(arn) in _READS


def reading(source: str) -> tuple[str, ...]:
    """What a role must be allowed on a source to read from it."""
    return _READS.get(source.split(":")[2], ())


@dataclass(frozen=True, slots=True)
class Record:
    """One record as Lambda hands it to a function; `at` is when it arrived."""

    event: Mapping[str, Any]
    sequence: str
    at: float


class Table:
    """The stream of a table, by its ARN."""

    def __init__(self, arn: str) -> None:
        self._arn = arn
        self._place = calls.place_of(arn)
        self._table = arn.split(":table/")[1].partition("/")[0]

    def shards(self) -> list[str]:
        """The one shard, or none when the table or this stream of it is gone."""
        tables = engine.Part("services.dynamodb")["_tables"]
        table = tables.get_scoped(self._place.account, self._place.region, self._table) or {}
        streaming = (table.get("StreamSpecification") or {}).get("StreamEnabled")
        return [_TABLE_SHARD] if streaming and table.get("LatestStreamArn") == self._arn else []

    def begin(self, shard: str, start: str, moment: float) -> str:
        """The cursor of TRIM_HORIZON or LATEST."""
        records = self._records() if start == "LATEST" else []
        return _sequence(records[-1]) if records else ""

    def read(self, shard: str, cursor: str, limit: int) -> list[Record]:
        """Up to `limit` records after the cursor."""
        records = self._records()
        first = bisect_right(records, cursor, key=_sequence)
        return [
            Record(_event(record), _sequence(record), float(record["dynamodb"]["ApproximateCreationDateTime"]))
            for record in records[first : first + limit]
        ]

    def _records(self) -> Sequence[Mapping[str, Any]]:
        found: Sequence[Mapping[str, Any]] = engine.Part("services.dynamodb")["stream_live_records"](
            self._table, account_id=self._place.account, region=self._place.region
        )
        return found


def _event(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """A record as Lambda spells it: who expired an item is spelled otherwise by the API of streams."""
    if "userIdentity" not in record:
        return record
    return {
        **record,
        "userIdentity": {name[0].lower() + name[1:]: text for name, text in record["userIdentity"].items()},
    }


def _sequence(record: Mapping[str, Any]) -> str:
    return str(record["dynamodb"]["SequenceNumber"])


class Stream:
    """A Kinesis data stream, by its ARN."""

    def __init__(self, arn: str, role: str) -> None:
        self._arn = arn
        self._role = role
        self._place = calls.place_of(arn)

    def shards(self) -> list[str]:
        stream = self._stream()
        return list(stream["shards"]) if stream and stream.get("StreamStatus") == "ACTIVE" else []

    def begin(self, shard: str, start: str, moment: float) -> str:
        """The cursor of TRIM_HORIZON, LATEST or AT_TIMESTAMP; `moment` is that of the last."""
        if start == "AT_TIMESTAMP":
            # Sequence numbers begin with the milliseconds of their arrival.
            return f"{int(moment * 1000):020d}"
        records = self._records(shard) if start == "LATEST" else []
        return str(records[-1]["SequenceNumber"]) if records else ""

    def read(self, shard: str, cursor: str, limit: int) -> list[Record]:
        """Up to `limit` records after the cursor."""
        records = self._records(shard)
        first = bisect_right(records, cursor, key=itemgetter("SequenceNumber"))
        return [
            Record(self._event(shard, record), record["SequenceNumber"], float(record["ApproximateArrivalTimestamp"]))
            for record in records[first : first + limit]
        ]

    def _stream(self) -> Mapping[str, Any] | None:
        streams, name = engine.Part("services.kinesis")["_streams"], self._arn.rpartition("/")[2]
        found: Mapping[str, Any] | None = streams.get_scoped(self._place.account, self._place.region, name)
        return found if found and found.get("StreamARN") == self._arn else None

    def _records(self, shard: str) -> list[Any]:
        stream = self._stream()
        return list(stream["shards"][shard]["records"]) if stream and shard in stream["shards"] else []

    def _event(self, shard: str, record: Mapping[str, Any]) -> dict[str, Any]:
        data = record["Data"]
        return {
            "kinesis": {
                "kinesisSchemaVersion": "1.0",
                "partitionKey": record["PartitionKey"],
                "sequenceNumber": record["SequenceNumber"],
                "data": base64.b64encode(data).decode() if isinstance(data, bytes) else data,
                "approximateArrivalTimestamp": record["ApproximateArrivalTimestamp"],
            },
            "eventSource": "aws:kinesis",
            "eventVersion": "1.0",
            "eventID": f"{shard}:{record['SequenceNumber']}",
            "eventName": "aws:kinesis:record",
            "invokeIdentityArn": self._role,
            "awsRegion": self._place.region,
            "eventSourceARN": self._arn,
        }


def stream_of(arn: str, role: str) -> Table | Stream:
    """The stream that an ARN of DynamoDB or Kinesis names."""
    return Table(arn) if arn.split(":")[2] == "dynamodb" else Stream(arn, role)


def anchor(
    source: Table | Stream, shards: Sequence[str], positions: MutableMapping[str, str], start: str, moment: float
) -> None:
    """Give each shard without a cursor its first one: by the starting position, all at once.

    A shard that appears later is read from its first record: it goes on where its parent ended.
    """
    first = not positions
    for shard in shards:
        if shard not in positions:
            positions[shard] = source.begin(shard, start if first else "TRIM_HORIZON", moment)


def install() -> None:
    """Keep the tags of a new data stream, which ministack drops."""
    kinesis = engine.Part("services.kinesis")
    create = kinesis["_create_stream"]

    def created(data: Mapping[str, Any]) -> Any:
        answer = create(data)
        if answer[0] == 200 and data.get("Tags"):
            kinesis["_streams"][data["StreamName"]]["tags"].update(data["Tags"])
        return answer

    kinesis["_create_stream"] = created
