"""Delivery streams between blueprint and AWS: the spec, and its forms as calls want and give them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from serverless_cli.model import Spec
from serverless_cli.records import dataclass

LOG_STREAM, BACKUP_LOG_STREAM = "DestinationDelivery", "BackupDelivery"
COMPRESSIONS = {"none": "UNCOMPRESSED", "gzip": "GZIP", "zip": "ZIP", "snappy": "Snappy",
                "hadoop-snappy": "HADOOP_SNAPPY"}  # fmt: skip
BUFFER_MB, BUFFER_S = 5, 300
TRANSFORM_MB, TRANSFORM_S, TRANSFORM_RETRIES = 1, 60, 3
"""what Firehose takes where nothing is said; it may leave them out when it is asked"""


@dataclass(frozen=True, slots=True)
class Transform(Spec):
    """`function` is the ARN of a version; batches of so many MB or seconds go through it."""

    function: str
    buffer_mb: int
    buffer_s: int
    retries: int


@dataclass(frozen=True, slots=True)
class Backup(Spec):
    """Where what came in goes as it was; `bucket` is an ARN."""

    bucket: str
    prefix: str


@dataclass(frozen=True, slots=True)
class DeliverySpec(Spec):
    """`source`, `bucket` and `role` are ARNs; an empty source means that records are put. `works` is false for one
    that Firehose could not make, `logs` where a log stream for what goes wrong is missing."""

    role: str
    source: str
    bucket: str
    prefix: str
    error_prefix: str
    buffer_mb: int
    buffer_s: int
    compression: str
    transform: Transform | None
    backup: Backup | None
    log_group: str
    works: bool = True
    logs: bool = True


def creation(spec: DeliverySpec) -> dict[str, Any]:
    """The parameters of CreateDeliveryStream, but for name and tags."""
    destination = _destination(spec)
    if spec.transform is None:
        del destination["ProcessingConfiguration"]
    if spec.backup:
        destination |= {"S3BackupMode": "Enabled", "S3BackupConfiguration": _copies(spec, spec.backup)}
    found: dict[str, Any] = {"DeliveryStreamType": "DirectPut", "ExtendedS3DestinationConfiguration": destination}
    if spec.source:
        found["DeliveryStreamType"] = "KinesisStreamAsSource"
        found["KinesisStreamSourceConfiguration"] = {"KinesisStreamARN": spec.source, "RoleARN": spec.role}
    return found


def change(spec: DeliverySpec) -> dict[str, Any]:
    """The destination for UpdateDestination, which leaves alone what it is not told. Copies cannot be given up."""
    backup = {"S3BackupMode": "Enabled", "S3BackupUpdate": _copies(spec, spec.backup)} if spec.backup else {}
    return {**_destination(spec), **backup}


def read(have: Mapping[str, Any], known: Backup | None = None) -> DeliverySpec:
    """The spec from what DescribeDeliveryStream answers. `known` is where copies should go: the local emulator says
    that there are some, but not where."""
    to: dict[str, Any] = (have.get("Destinations") or [{}])[0].get("ExtendedS3DestinationDescription") or {}
    source = ((have.get("Source") or {}).get("KinesisStreamSourceDescription") or {}).get("KinesisStreamARN", "")
    hints = to.get("BufferingHints") or {}
    return DeliverySpec(
        role=to.get("RoleARN", ""),
        source=source,
        bucket=to.get("BucketARN", ""),
        prefix=to.get("Prefix", ""),
        error_prefix=to.get("ErrorOutputPrefix", ""),
        buffer_mb=hints.get("SizeInMBs", BUFFER_MB),
        buffer_s=hints.get("IntervalInSeconds", BUFFER_S),
        compression=to.get("CompressionFormat", "UNCOMPRESSED"),
        transform=next(_transforms(to.get("ProcessingConfiguration") or {}), None),
        backup=_backup(to, known),
        log_group=_log_group(to.get("CloudWatchLoggingOptions") or {}),
        works=have.get("DeliveryStreamStatus") != "CREATING_FAILED",
    )


def _destination(spec: DeliverySpec) -> dict[str, Any]:
    return {
        "RoleARN": spec.role,
        "BucketARN": spec.bucket,
        "Prefix": spec.prefix,
        "ErrorOutputPrefix": spec.error_prefix,
        "BufferingHints": {"SizeInMBs": spec.buffer_mb, "IntervalInSeconds": spec.buffer_s},
        "CompressionFormat": spec.compression,
        "CloudWatchLoggingOptions": _logging(spec, LOG_STREAM),
        "ProcessingConfiguration": _processing(spec.transform),
    }


def _copies(spec: DeliverySpec, backup: Backup) -> dict[str, Any]:
    return {
        "RoleARN": spec.role,
        "BucketARN": backup.bucket,
        "Prefix": backup.prefix,
        "BufferingHints": {"SizeInMBs": spec.buffer_mb, "IntervalInSeconds": spec.buffer_s},
        "CompressionFormat": spec.compression,
        "CloudWatchLoggingOptions": _logging(spec, BACKUP_LOG_STREAM),
    }


def _logging(spec: DeliverySpec, stream: str) -> dict[str, Any]:
    return {"Enabled": True, "LogGroupName": spec.log_group, "LogStreamName": stream}


def _backup(have: Mapping[str, Any], known: Backup | None) -> Backup | None:
    if have.get("S3BackupMode") != "Enabled":
        return None
    copies = have.get("S3BackupDescription")
    unsaid = known or Backup("", "")
    return Backup(copies.get("BucketARN", ""), copies.get("Prefix", "")) if copies else unsaid


def _log_group(have: Mapping[str, Any]) -> str:
    return str(have.get("LogGroupName", "")) if have.get("Enabled") else ""


def _processing(transform: Transform | None) -> dict[str, Any]:
    if transform is None:
        return {"Enabled": False, "Processors": []}
    values = {
        "LambdaArn": transform.function,
        "NumberOfRetries": transform.retries,
        "BufferSizeInMBs": transform.buffer_mb,
        "BufferIntervalInSeconds": transform.buffer_s,
    }
    parameters = [{"ParameterName": name, "ParameterValue": str(value)} for name, value in values.items()]
    return {"Enabled": True, "Processors": [{"Type": "Lambda", "Parameters": parameters}]}


def _transforms(have: Mapping[str, Any]) -> Iterator[Transform]:
    for one in (have.get("Processors") or ()) if have.get("Enabled") else ():
        values = {each["ParameterName"]: each["ParameterValue"] for each in one.get("Parameters") or ()}
        if one["Type"] == "Lambda":
            yield Transform(
                values.get("LambdaArn", ""),
                int(float(values.get("BufferSizeInMBs", TRANSFORM_MB))),
                int(values.get("BufferIntervalInSeconds", TRANSFORM_S)),
                int(values.get("NumberOfRetries", TRANSFORM_RETRIES)),
            )
