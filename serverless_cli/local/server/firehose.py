"""Delivery streams: buffers, the transform's contract, raw copies and error lines, in place of ministack's.

Records wait where ministack keeps them, in the stream's own state, so that they survive the server. They are
delivered after the configured interval, but after _WAIT_S at most: AWS's shortest useful interval is a minute, and a
check would wait for it.
"""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Mapping
from typing import Any

from serverless_cli.local.server import acting, engine, permits, sources
from serverless_cli.local.server.acting import Actor
from serverless_cli.local.server.context import Here, log
from serverless_cli.local.server.outputs import Output, Sink
from serverless_cli.local.server.transform import Transform

_WAIT_S = 1.0
_LOOK_S = 0.1
_AGAIN_S = 1.0
_TO_S3 = ("ExtendedS3", "S3")
_MEGABYTE = 1_048_576


def install(here: Here) -> Firehose:
    """Let records wait instead of delivering each at once, and read back what ministack leaves out."""
    module = engine.Part("services.firehose")
    describe, create = module["_dest_description"], module["_create_delivery_stream"]
    at_once = module["_deliver_records_to_s3"]

    def later(stream: Mapping[str, Any], dest: dict[str, Any], records: list[tuple[str, bytes]]) -> None:
        if _by_ministack(dest["config"]):
            at_once(stream, dest, records)
            dest["records"].clear()

    def created(data: Mapping[str, Any]) -> Any:
        unusable = _unusable_role(data, here)
        if unusable:
            return module["_invalid"](f"Firehose is unable to assume role {unusable}. Please check the role provided.")
        return create(data)

    module["_deliver_records_to_s3"] = later
    module["_dest_description"] = lambda dest: _described(describe(dest), dest)
    module["_HANDLERS"]["CreateDeliveryStream"] = created
    return Firehose(here)


def _by_ministack(config: Mapping[str, Any]) -> bool:
    """Whether a stream partitions by content or converts formats, which ministack does record by record."""
    names = ("DynamicPartitioningConfiguration", "DataFormatConversionConfiguration")
    return any((config.get(name) or {}).get("Enabled") for name in names)


def _unusable_role(data: Mapping[str, Any], here: Here) -> str:
    """The role in the request that does not exist or does not trust Firehose."""
    place = f"{here.facts.region}:{here.facts.account}"
    arn = f"arn:aws:firehose:{place}:deliverystream/{data.get('DeliveryStreamName', '')}"
    for name in (
        "ExtendedS3DestinationConfiguration",
        "S3DestinationConfiguration",
        "KinesisStreamSourceConfiguration",
    ):
        role_arn = (data.get(name) or {}).get("RoleARN")
        if role_arn:
            role = permits.role_of(str(role_arn))
            if role is None or not permits.role_trusts(role, "firehose.amazonaws.com", arn):
                return str(role_arn)
    return ""


def _described(description: dict[str, Any], dest: Mapping[str, Any]) -> dict[str, Any]:
    """AWS answers with both forms of an S3 destination, and with the backup's settings."""
    extended = description.get("ExtendedS3DestinationDescription")
    if extended is None:
        return description
    config = dest["config"]
    extended.update({name: config[name] for name in ("FileExtension", "CustomTimeZone") if name in config})
    extended.setdefault("CloudWatchLoggingOptions", {"Enabled": False})
    backup = _backup(config)
    if backup:
        extended["S3BackupDescription"] = {
            "BufferingHints": {"SizeInMBs": 5, "IntervalInSeconds": 300},
            "CompressionFormat": "UNCOMPRESSED",
            "EncryptionConfiguration": {"NoEncryptionConfig": "NoEncryption"},
            "CloudWatchLoggingOptions": {"Enabled": False},
            **backup,
        }
    plain = (
        "BucketARN", "RoleARN", "BufferingHints", "CompressionFormat", "EncryptionConfiguration", "Prefix",
        "ErrorOutputPrefix", "CloudWatchLoggingOptions",
    )  # fmt: skip
    short = {name: extended[name] for name in plain if name in extended}
    return {**description, "S3DestinationDescription": short}


def _backup(config: Mapping[str, Any]) -> dict[str, Any]:
    """Where raw copies go; UpdateDestination gives it another name."""
    return {**(config.get("S3BackupConfiguration") or {}), **(config.get("S3BackupUpdate") or {})}


class Firehose:
    """Delivers what waits in all streams, each stream in a thread of its own."""

    def __init__(self, here: Here) -> None:
        self._here = here
        self._busy: set[str] = set()
        self._not_before: dict[str, float] = {}
        self._lock = threading.Lock()

    def start(self) -> None:
        """Begin; only once the state of an earlier run is restored."""
        threading.Thread(target=self._run, daemon=True, name="slx-firehose").start()

    def _run(self) -> None:
        while True:
            time.sleep(_LOOK_S)
            for _, stream in list(engine.Part("services.firehose")["_streams"].all_items()):
                for dest in stream.get("destinations", []):
                    if dest["type"] in _TO_S3 and self._is_due(stream, dest):
                        self._begin(stream, dest)

    def _is_due(self, stream: Mapping[str, Any], dest: Mapping[str, Any]) -> bool:
        waiting = dest["records"]
        if not waiting or time.monotonic() < self._not_before.get(stream["arn"], 0.0):
            return False
        hints = dest["config"].get("BufferingHints") or {}
        interval = min(float(hints.get("IntervalInSeconds", 300)), _WAIT_S)
        size = sum(len(record["data"]) for record in waiting)
        return time.time() - float(waiting[0]["ts"]) >= interval or size >= _MEGABYTE * hints.get("SizeInMBs", 5)

    def _begin(self, stream: Mapping[str, Any], dest: dict[str, Any]) -> None:
        with self._lock:
            if stream["arn"] in self._busy:
                return
            self._busy.add(stream["arn"])
        threading.Thread(target=self._deliver, args=(stream, dest), daemon=True, name="slx-firehose-step").start()

    def _deliver(self, stream: Mapping[str, Any], dest: dict[str, Any]) -> None:
        batch = list(dest["records"])
        try:
            if self._delivered(stream, dest, [Output(one["id"], _bytes(one["data"]), one["ts"]) for one in batch]):
                with engine.Part("services.firehose")["_lock"]:
                    del dest["records"][: len(batch)]
                self._here.changed()
            else:
                self._not_before[stream["arn"]] = time.monotonic() + _AGAIN_S
        except Exception:  # noqa: BLE001 - one stream must not stop the others
            log.exception("delivery stream %s failed", stream["name"])
            self._not_before[stream["arn"]] = time.monotonic() + _AGAIN_S
        finally:
            with self._lock:
                self._busy.discard(stream["arn"])

    def _delivered(self, stream: Mapping[str, Any], dest: Mapping[str, Any], batch: list[Output]) -> bool:
        """False when the records must wait: something that the stream needs is not there or not allowed."""
        config = dest["config"]
        role = str(config.get("RoleARN", ""))
        actor = Actor(f"delivery stream {stream['name']}", "firehose.amazonaws.com", role, str(stream["arn"]))
        main = Sink(self._here, actor, stream, config)
        backup = Sink(self._here, actor, stream, _backup(config))
        copies = config.get("S3BackupMode") == "Enabled"
        if not self._may_read(stream) or not main.usable() or (copies and not backup.usable()):
            return False
        if copies:
            backup.write(batch)
        transformed = Transform(self._here, actor, config).apply(batch)
        main.write(transformed.good)
        main.write_errors(transformed.bad)
        return True

    def _may_read(self, stream: Mapping[str, Any]) -> bool:
        source = stream.get("kinesis_source") or {}
        arn = source.get("KinesisStreamARN")
        if not arn:
            return True
        actor = Actor(
            f"delivery stream {stream['name']}", "firehose.amazonaws.com", str(source["RoleARN"]), str(stream["arn"])
        )
        try:
            for action in sources.reading(arn):
                acting.check(self._here, actor, action, arn)
        except acting.ForbiddenError:
            return False
        return True


def _bytes(data: str | bytes) -> bytes:
    return base64.b64decode(data) if isinstance(data, str) else data
