"""Warm processes of functions: one per concurrent invocation, used again while the deployment stays the same."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from serverless_cli.local.server import engine, interpreters, lineage, logs
from serverless_cli.local.server.context import Here
from serverless_cli.local.server.deployment import Deployment
from serverless_cli.local.server.worker import Worker
from serverless_cli.packaging.interpreters import interpreter_for
from serverless_cli.records import dataclass

_IDLE_S = 300.0


@dataclass(slots=True)
class Warm:
    """A worker with what it was started for, the log stream of its life, and its keys."""

    worker: Worker
    deployment: Deployment
    stream: str
    access_key: str


class Pool:
    """Lends workers to invocations; all methods may be called from any thread."""

    def __init__(self, here: Here, idle_s: float = _IDLE_S) -> None:
        self._here = here
        self._idle_s = idle_s
        self._lock = threading.Lock()
        self._idle: list[Warm] = []
        self._busy: list[Warm] = []
        self._closed = threading.Event()
        threading.Thread(target=self._reap, daemon=True, name="slx-reaper").start()

    def take(self, deployment: Deployment) -> tuple[Warm, bool]:
        """A worker for one invocation, and whether it is a new one; give it back or drop it."""
        mark, stale = deployment.mark, []
        with self._lock:
            for warm in [w for w in self._idle if w.deployment.arn == deployment.arn]:
                if warm.deployment.mark == mark and warm.worker.alive():
                    self._idle.remove(warm)
                    self._busy.append(warm)
                    return warm, False
                if warm.deployment.version == deployment.version:
                    self._idle.remove(warm)
                    stale.append(warm)
        self._end(stale)
        warm = self._start(deployment)
        with self._lock:
            self._busy.append(warm)
        return warm, True

    def give_back(self, warm: Warm) -> None:
        """Keep a worker warm for the next invocation."""
        warm.worker.idle_since = time.monotonic()
        with self._lock:
            if warm in self._busy:
                self._busy.remove(warm)
                self._idle.append(warm)

    def drop(self, warm: Warm) -> None:
        """End a worker that is of no more use."""
        with self._lock:
            if warm in self._busy:
                self._busy.remove(warm)
        self._end([warm])

    def forget(self, name: str) -> None:
        """End the idle workers of a function that was changed or deleted."""
        self._end(self._remove(lambda warm: warm.deployment.name == name))

    def pids(self) -> list[int]:
        """The processes of all workers."""
        with self._lock:
            return [warm.worker.pid for warm in (*self._idle, *self._busy)]

    def close(self) -> None:
        """End all workers; who waits for a busy one learns that it died."""
        self._closed.set()
        with self._lock:
            idle, busy = self._idle, list(self._busy)
            self._idle = []
        self._end(idle)
        for warm in busy:
            warm.worker.kill()

    def _remove(self, unwanted: Callable[[Warm], bool]) -> list[Warm]:
        with self._lock:
            found = [warm for warm in self._idle if unwanted(warm)]
            self._idle = [warm for warm in self._idle if warm not in found]
        return found

    def _reap(self) -> None:
        while not self._closed.wait(self._idle_s / 10):
            before = time.monotonic() - self._idle_s
            self._end(self._remove(partial(_idle_since, before)))

    def _end(self, every: list[Warm]) -> None:
        for warm in every:
            warm.worker.close()
            engine.Part("services.sts")["_sessions"].pop(warm.access_key, None)

    def _start(self, deployment: Deployment) -> Warm:
        interpreter = interpreter_for(deployment.runtime)
        if not interpreter.exact:
            self._here.notice(
                f"function {deployment.name} asks for {deployment.runtime}, which is not installed here: "
                f"it runs on Python {interpreter.version}"
            )
        scratch = self._here.home.scratch
        stream = logs.stream_name(deployment.version)
        access_key, credentials = _credentials(deployment)
        environment = environment_of(self._here, deployment, stream, interpreter.version) | credentials
        sdk = interpreters.sdk_folder(scratch)
        arguments = [deployment.code, deployment.layers[0] if deployment.layers else "", str(sdk)]
        worker = Worker(interpreter.path, arguments, environment, scratch / "pycache")
        return Warm(worker, deployment, stream, access_key)


def _idle_since(moment: float, warm: Warm) -> bool:
    return warm.worker.idle_since < moment


def environment_of(here: Here, deployment: Deployment, stream: str, version: str) -> dict[str, str]:
    """What AWS's runtime has in its environment, the function's own variables, and nothing of this machine's."""
    opt = deployment.layers[0] if deployment.layers else "/opt"
    return {
        "LANG": "en_US.UTF-8",
        "PATH": f"{opt}/bin:/usr/local/bin:/usr/bin:/bin",
        "TZ": ":UTC",
        **dict(deployment.variables),
        "_HANDLER": deployment.handler,
        "AWS_DEFAULT_REGION": deployment.region,
        "AWS_ENDPOINT_URL": here.url,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_python{version}",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(deployment.memory_mb),
        "AWS_LAMBDA_FUNCTION_NAME": deployment.name,
        "AWS_LAMBDA_FUNCTION_VERSION": deployment.version,
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": deployment.log_group,
        "AWS_LAMBDA_LOG_STREAM_NAME": stream,
        "AWS_REGION": deployment.region,
        # Without these, the SDK would read this user's configuration and ask for an instance's role.
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_EC2_METADATA_DISABLED": "true",
        # Otherwise StartSyncExecution goes to `sync-127.0.0.1`.
        "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
        "LAMBDA_TASK_ROOT": deployment.code,
    }


def _credentials(deployment: Deployment) -> tuple[str, dict[str, str]]:
    """Fresh keys of the function's own role, so that its policies decide what the function may do."""
    access_key = "ASIA" + secrets.token_hex(8).upper()
    secret, token = secrets.token_urlsafe(30), secrets.token_urlsafe(60)
    role = deployment.role.rsplit("/", 1)[-1]
    engine.Part("services.sts")["register_session"](
        access_key,
        {
            "Arn": f"arn:aws:sts::{deployment.account}:assumed-role/{role}/{deployment.name}",
            "AccountId": deployment.account,
            "UserId": f"AROA{role[:16].upper()}:{deployment.name}",
            "SecretAccessKey": secret,
            "SessionToken": token,
        },
    )
    return access_key, {
        "AWS_ACCESS_KEY_ID": access_key,
        "AWS_SECRET_ACCESS_KEY": secret,
        "AWS_SESSION_TOKEN": token,
    }


def order_of(deployment: Deployment, arn: str, event: object, request_id: str) -> dict[str, Any]:
    """What a worker is told for one invocation."""
    root = f"1-{int(time.time()):08x}-{secrets.token_hex(12)}"
    return {
        "token": secrets.token_hex(16),
        "request_id": request_id,
        "arn": arn,
        "event": event,
        "timeout_s": deployment.timeout_s,
        "trace_id": f"Root={root};Parent={secrets.token_hex(8)};Sampled=0;{lineage.mark(lineage.hops.get() + 1)}",
    }
