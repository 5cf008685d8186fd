"""Runs Python functions as AWS does; replaces ministack's choice of an executor for them, and no other."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import field
from datetime import UTC, datetime
from typing import Any

from serverless_cli.local.server import engine, logs
from serverless_cli.local.server.bootstrap import BREAK
from serverless_cli.local.server.context import Here
from serverless_cli.local.server.deployment import Deployment, deployment_of, merge, unpack
from serverless_cli.local.server.pool import Pool, Warm, order_of
from serverless_cli.local.server.worker import DiedError, TimedOutError
from serverless_cli.records import dataclass

# AWS's limits: the init phase before it is repeated within the first invocation, and a synchronous answer.
_INIT_S = 10.0
_ANSWER_BYTES = 6_291_556
_LOG_EVERY_S = 0.25

Result = dict[str, Any]


def install(here: Here) -> Pool:
    """Put slx's execution of Python functions in place of ministack's; returns the processes it keeps."""
    module = engine.Part("services.lambda_svc")
    pool = Pool(here)
    others, invalidate = module["_execute_function_dispatch"], module["invalidate_worker"]

    def dispatch(func: Any, config: Any, event: Any, request_id: str, started: float) -> Result:
        if not str(config.get("Runtime", "")).startswith("python") or not func.get("code_zip"):
            result: Result = others(func, config, event, request_id, started)
            return result
        try:
            deployment = _deployment(here, func, config)
            return _run(here, pool, deployment, order_of(deployment, config["FunctionArn"], event, request_id))
        finally:
            here.changed()

    def forget(
        func_name: str, qualifier: str | None = None, account: str | None = None, region: str | None = None
    ) -> None:
        pool.forget(func_name)
        invalidate(func_name, qualifier=qualifier, account=account, region=region)

    module["_execute_function_dispatch"] = dispatch
    module["invalidate_worker"] = forget
    return pool


@dataclass(slots=True)
class _Transcript:
    """What one invocation writes to the log, sent on while it runs, a few times a second."""

    send: Callable[[list[str]], None]
    lines: list[str] = field(default_factory=list)
    _sent: int = 0
    _sent_at: float = 0.0

    def write(self, line: str) -> None:
        self.lines.append(line.replace(BREAK, "\n"))
        if time.monotonic() - self._sent_at > _LOG_EVERY_S:
            self.flush()

    def flush(self) -> None:
        self.send(self.lines[self._sent :])
        self._sent, self._sent_at = len(self.lines), time.monotonic()


def _deployment(here: Here, record: Mapping[str, Any], config: Mapping[str, Any]) -> Deployment:
    """The deployment in Lambda's record, with its files unpacked."""
    code, resolve = here.home.scratch / "code", engine.Part("services.lambda_svc")["_resolve_layer_zip"]
    archives = [resolve(layer) for layer in config.get("Layers") or []]
    merged = merge([unpack(archive, code) for archive in archives if archive], code)
    return deployment_of(config, unpack(record["code_zip"], code), [merged] if merged else [])


def _run(here: Here, pool: Pool, deployment: Deployment, order: dict[str, Any]) -> Result:
    warm, cold = pool.take(deployment)
    transcript = _Transcript(lambda lines: logs.write(here, deployment, warm.stream, lines))
    call = _Invocation(deployment, warm, cold, order["request_id"], transcript)
    try:
        outcome = call.run(order)
    except BaseException:
        pool.drop(warm)
        raise
    (pool.give_back if call.reusable else pool.drop)(warm)
    if "error" in outcome:
        return {"body": outcome["error"], "error": True, "function_error": "Unhandled", "log": call.text}
    return {"body": json.loads(outcome["result"]), "log": call.text}


class _Invocation:
    """One invocation on one worker, with the lines that Lambda writes around it."""

    def __init__(
        self, deployment: Deployment, warm: Warm, cold: bool, request_id: str, transcript: _Transcript
    ) -> None:
        self._deployment = deployment
        self._warm = warm
        self._cold = cold
        self._id = request_id
        self._transcript = transcript
        self._init_ms = 0.0
        self._peak_mb = 0
        self.reusable = True

    @property
    def text(self) -> str:
        """The log of the invocation, for who asked for its tail."""
        return "\n".join(self._transcript.lines)

    def run(self, order: dict[str, Any]) -> Result:
        write = self._transcript.write
        if self._cold:
            runtime = self._deployment.runtime.replace("python", "python:")
            write(f"INIT_START Runtime Version: {runtime}.local")
        ended = self._init() if self._cold else None
        write(f"START RequestId: {self._id} Version: {self._deployment.version}")
        began = time.monotonic()
        outcome = ended or self._invoke(order, began + self._deployment.timeout_s)
        self._report(time.monotonic() - began, outcome)
        return outcome

    def _init(self) -> Result | None:
        """Wait until the handler is imported; the error that the invocation ends with when it never is."""
        began = time.monotonic()
        # AWS repeats an init that takes longer than 10 s within the invocation and its timeout.
        limit = began + _INIT_S + self._deployment.timeout_s
        try:
            ready = self._warm.worker.answer(limit, self._transcript.write)
        except TimedOutError:
            return self._timed_out()
        except DiedError as death:
            return self._died(death)
        self._init_ms = (time.monotonic() - began) * 1000
        self._peak_mb = math.ceil(ready.get("peak_kb", 0) / 1024)
        # A worker whose import failed starts anew next time, as on AWS.
        self.reusable = bool(ready.get("ready"))
        return None

    def _invoke(self, order: dict[str, Any], deadline: float) -> Result:
        worker = self._warm.worker
        try:
            worker.drain(self._transcript.write)
            worker.order(order)
            answer = worker.answer(deadline, self._transcript.write)
            while answer.get("token") != order["token"]:
                answer = worker.answer(deadline, self._transcript.write)
        except TimedOutError:
            return self._timed_out()
        except DiedError as death:
            return self._died(death)
        self._peak_mb = math.ceil(answer.get("peak_kb", 0) / 1024)
        size = len(answer.get("result", "").encode())
        if size > _ANSWER_BYTES:
            text = f"Response payload size exceeded maximum allowed payload size ({_ANSWER_BYTES} bytes)."
            return {"error": {"errorMessage": text, "errorType": "Function.ResponseSizeTooLarge"}}
        return answer

    def _timed_out(self) -> Result:
        self.reusable = False
        text = f"Task timed out after {self._deployment.timeout_s:.2f} seconds"
        self._transcript.write(f"{_now()} {self._id} {text}")
        return {
            "status": "timeout",
            "error": {"errorType": "Sandbox.Timedout", "errorMessage": f"RequestId: {self._id} Error: {text}"},
        }

    def _died(self, death: DiedError) -> Result:
        self.reusable = False
        text = f"RequestId: {self._id} Error: {death.reason}"
        self._transcript.write(f"{text}\nRuntime.ExitError")
        return {
            "status": "error\tError Type: Runtime.ExitError",
            "error": {"errorType": "Runtime.ExitError", "errorMessage": text},
        }

    def _report(self, took_s: float, outcome: Result) -> None:
        took_ms = took_s * 1000
        if outcome.get("status") == "timeout":
            took_ms = self._deployment.timeout_s * 1000.0
        parts = [
            f"REPORT RequestId: {self._id}",
            f"Duration: {took_ms:.2f} ms",
            f"Billed Duration: {math.ceil(took_ms + self._init_ms)} ms",
            f"Memory Size: {self._deployment.memory_mb} MB",
            f"Max Memory Used: {self._peak_mb} MB",
        ]
        if self._init_ms:
            parts.append(f"Init Duration: {self._init_ms:.2f} ms")
        if "status" in outcome:
            parts.append(f"Status: {outcome['status']}")
        self._transcript.write(f"END RequestId: {self._id}")
        self._transcript.write("\t".join(parts) + "\t")
        self._transcript.flush()


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"
