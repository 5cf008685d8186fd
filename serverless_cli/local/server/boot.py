"""Starts the server: takes the instance's lock and port, imports ministack, completes it, and serves until stopped."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import shutil
import signal
import socket
from collections.abc import Callable, MutableMapping
from functools import partial
from typing import Any

from hypercorn.asyncio import serve
from hypercorn.config import Config

from serverless_cli.local import locks
from serverless_cli.local.facts import Facts, Home
from serverless_cli.local.lifecycle import ENGINE
from serverless_cli.local.server import (
    engine,
    firehose,
    functions,
    identity,
    integrations,
    invocations,
    lineage,
    machines,
    mappings,
    notifications,
    pipes,
    rules,
    sources,
    subscriptions,
    tables,
)
from serverless_cli.local.server.asgi import App, Receive, Scope, Send
from serverless_cli.local.server.context import Here, log
from serverless_cli.local.server.control import Control
from serverless_cli.local.server.firehose import Firehose
from serverless_cli.local.server.gate import Gate
from serverless_cli.local.server.pool import Pool
from serverless_cli.local.server.pump import Pump
from serverless_cli.local.server.saver import Saver, environment, settle


class _RefusedError(Exception):
    """Why the server does not start, for the command that started it."""

    def __init__(self, kind: str, what: str, why: str, hint: str) -> None:
        super().__init__(what)
        self.said = {"kind": kind, "what": what, "why": why, "hint": hint}


def main(folder: Any) -> int:
    """Serve until stopped; 1 when the server could not start, with the reason in the home's failure file."""
    home = Home(folder)
    try:
        facts = _take(home)
        sockets = _bind(facts.port)
        _prepare(home, facts)
        _check()
    except _RefusedError as refused:
        home.failure_file.write_text(json.dumps(refused.said), encoding="utf-8")
        return 1
    asyncio.run(_serve(Here(home, facts), sockets))
    return 0


def _take(home: Home) -> Facts:
    """The instance's facts, once this process is the only one that serves them."""
    facts = home.read()
    if facts is None:
        raise _RefusedError("facts", "the local target cannot start", "it has no facts", "start it with slx")
    if not locks.hold_for_life(home.server_lock):
        raise _RefusedError("lock", "the local target cannot start", "it runs already", "slx local stop")
    return facts


def _bind(port: int) -> list[socket.socket]:
    """Loopback only: IPv4, and IPv6 where there is one, as browsers try it first for `*.localhost`."""
    bound = []
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        try:
            found = socket.socket(family, socket.SOCK_STREAM)
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            found.bind((host, port))
            bound.append(found)
        except OSError as error:
            if family == socket.AF_INET:
                raise _RefusedError("port", "the port is taken", str(error), "") from error
    return bound


def _prepare(home: Home, facts: Facts) -> None:
    """Set what ministack reads from its environment when it is imported."""
    os.umask(0o077)
    for name in ("code", "tmp"):
        shutil.rmtree(home.scratch / name, ignore_errors=True)
    for folder in (home.data, home.scratch / "tmp", home.scratch / "code"):
        folder.mkdir(parents=True, exist_ok=True)
    os.environ.update(
        environment(home.data),
        AUTH="true",
        GATEWAY_PORT=str(facts.port),
        MINISTACK_HOST="localhost",
        MINISTACK_ACCOUNT_ID=facts.account,
        MINISTACK_REGION=facts.region,
        TMPDIR=str(home.scratch / "tmp"),
        LAMBDA_EXECUTOR="local",
        # No Docker and no listeners beside the one: slx starts neither.
        DOCKER_HOST="unix:///dev/null/none",
        IOT_MTLS_ENABLED="0",
        SFTP_ENABLED="0",
        LOG_LEVEL="WARNING",
    )
    logging.captureWarnings(True)


def _check() -> None:
    try:
        problems = engine.check()
    except ImportError as error:
        problems = [str(error)]
    if problems:
        raise _RefusedError(
            "engine",
            "the local target does not fit the installed ministack",
            "; ".join(problems),
            f"install the release that slx was written for: pip install 'ministack=={ENGINE}'",
        )


async def _serve(here: Here, sockets: list[socket.socket]) -> None:
    app = engine.Part("app")
    # Scripts in /docker-entrypoint-initaws.d are meant for a container, not for a person's machine.
    app["_collect_scripts"] = _no_scripts
    saver = Saver()
    here.changed = saver.changed
    pool = functions.install(here)
    identity.install(here)
    integrations.install()
    invocations.install(here)
    lineage.install()
    machines.install(here)
    notifications.install(here)
    rules.install(here)
    sources.install()
    subscriptions.install(here)
    tables.install(here)
    delivery = firehose.install(here)
    pump = Pump(here)
    mappings.install(here, pump)
    pipes.install(here, pump)
    control = Control(here, pool.pids)
    gate = Gate(here, control, _with_startup(app["app"], partial(_restored, pump, delivery)))
    config = Config()
    config.bind = [f"fd://{found.fileno()}" for found in sockets]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 1.0
    config.loglevel = "WARNING"
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, control.stopped.set)
    saving = asyncio.create_task(saver.run())
    log.warning("slx local target on %s", here.url)
    try:
        await serve(gate, config, shutdown_trigger=lambda: _stopping(control, pool))  # type: ignore[arg-type]
    finally:
        saving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await saving
        pool.close()


async def _stopping(control: Control, pool: Pool) -> None:
    await control.stopped.wait()
    # Running functions end with the server; their callers get an answer before it closes.
    await asyncio.to_thread(pool.close)


def _no_scripts(*_: str) -> list[str]:
    return []


def _restored(pump: Pump, delivery: Firehose) -> None:
    settle(engine.Part("services.lambda_svc")["_functions"])
    pump.start()
    delivery.start()


def _with_startup(app: App, done: Callable[[], None]) -> App:
    """The same application, with `done` called once it has started and before it serves."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        async def told(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "lifespan.startup.complete":
                done()
            await send(message)

        await app(scope, receive, told if scope["type"] == "lifespan" else send)

    return wrapped
