"""Where a delivery stream writes: objects in a bucket, and the lines about records that failed."""

from __future__ import annotations

import base64
import gzip
import json
import time
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

from serverless_cli.local.server import acting, calls, engine
from serverless_cli.local.server.acting import Actor
from serverless_cli.local.server.context import Here
from serverless_cli.records import dataclass

_FAILED = "processing-failed"


@dataclass(frozen=True, slots=True)
class Output:
    """A record with its id and when it arrived, in seconds."""

    id: str
    data: bytes
    at: float


@dataclass(frozen=True, slots=True)
class Failure:
    """A record that the transform did not accept, and what the error line says of it."""

    output: Output
    attempts: int
    code: str
    message: str
    function: str


class Sink:
    """One S3 configuration of a delivery stream: its own, or that of its raw copies."""

    def __init__(self, here: Here, actor: Actor, stream: Mapping[str, Any], config: Mapping[str, Any]) -> None:
        role = str(config.get("RoleARN") or actor.role)
        self._here = here
        self._actor = Actor(actor.who, actor.service, role, actor.source_arn)
        self._stream = stream
        self._config = config
        self._bucket = str(config.get("BucketARN", ""))

    def usable(self) -> bool:
        """Whether the bucket exists and the role may write there; a notice says when not."""
        name = self._bucket.rpartition(":")[2]
        if engine.Part("services.s3")["_bucket_owner_account"](name) is None:
            self._here.notice(f"{self._actor.who}: there is no bucket {name}; its records wait")
            return False
        prefixes = [self._prefix("Prefix")]
        if self._config.get("ErrorOutputPrefix"):
            prefixes.append(self._prefix("ErrorOutputPrefix", _FAILED))
        try:
            for prefix in prefixes:
                acting.check(self._here, self._actor, "s3:PutObject", f"{self._bucket}/{prefix}{self._stream['name']}")
        except acting.ForbiddenError:
            return False
        return True

    def write(self, records: Sequence[Output]) -> None:
        """One object with all records, one after the other, as they are."""
        if not records:
            return
        body, ending = b"".join(record.data for record in records), str(self._config.get("FileExtension") or "")
        if self._config.get("CompressionFormat") == "GZIP":
            body, ending = gzip.compress(body), ending or ".gz"
        elif self._config.get("CompressionFormat", "UNCOMPRESSED") != "UNCOMPRESSED":
            self._here.notice(f"{self._actor.who}: only GZIP is done here; objects are not compressed")
        self._put(self._prefix("Prefix"), body, ending)

    def write_errors(self, failures: Sequence[Failure]) -> None:
        """One object with a line of JSON for each record that failed."""
        if not failures:
            return
        body = "".join(json.dumps(_line(failure)) + "\n" for failure in failures).encode()
        if self._config.get("ErrorOutputPrefix"):
            prefix = self._prefix("ErrorOutputPrefix", _FAILED)
        else:
            prefix = f"{self._config.get('Prefix') or ''}{_FAILED}/{time.strftime('%Y/%m/%d/%H/', time.gmtime())}"
        self._put(prefix, body, "")

    def _prefix(self, name: str, error_type: str | None = None) -> str:
        module = engine.Part("services.firehose")
        moment = module["_arrival_time"](self._config)
        found: str = module["_evaluate_prefix"](self._config.get(name) or "", moment, error_type=error_type)
        return found

    def _put(self, prefix: str, body: bytes, ending: str) -> None:
        module, place = engine.Part("services.firehose"), calls.place_of(self._stream["arn"])
        moment = time.strftime("%Y-%m-%d-%H-%M-%S", time.gmtime())
        key = f"{prefix}{self._stream['name']}-{self._stream.get('version', 1)}-{moment}-{uuid4()}{ending}"
        with engine.Part("core.responses")["request_scope"](place.account, place.region):
            module["_put_s3_object"](self._bucket.rpartition(":")[2], key, body)


def _line(failure: Failure) -> dict[str, Any]:
    """https://docs.aws.amazon.com/firehose/latest/dev/data-transformation-failure-handling.html."""
    return {
        "attemptsMade": failure.attempts,
        "arrivalTimestamp": int(failure.output.at * 1000),
        "errorCode": failure.code,
        "errorMessage": failure.message,
        "attemptEndingTimestamp": int(time.time() * 1000),
        "rawData": base64.b64encode(failure.output.data).decode(),
        "lambdaArn": failure.function,
    }
