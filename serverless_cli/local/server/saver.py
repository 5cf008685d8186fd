"""Saves the emulator's state shortly after it changed, so that losing the process loses seconds at most."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

from serverless_cli.local.server import engine
from serverless_cli.local.server.context import log

_CALM_S = 0.4
_RETRY_S = 0.2
# A save that takes long is followed by a pause this many times as long, so that saving never takes most of the time.
_SHARE = 3


class Saver:
    """Saves when told that something changed: once per calm moment, never twice at a time."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()
        self._written: dict[str, int] = {}

    def changed(self) -> None:
        """There is something to save; any thread may say so."""
        self._loop.call_soon_threadsafe(self._changed.set)

    async def run(self) -> None:
        """Save until cancelled."""
        took_s = 0.0
        while True:
            await self._changed.wait()
            await asyncio.sleep(max(_CALM_S, _SHARE * took_s))
            self._changed.clear()
            began = time.monotonic()
            whole = await asyncio.to_thread(self._save)
            took_s = time.monotonic() - began
            if not whole:
                self._changed.set()
                await asyncio.sleep(_RETRY_S)

    def _save(self) -> bool:
        """False when some service changed while it was being copied; its turn comes again."""
        persistence = engine.Part("core.persistence")
        whole = True
        for name, get_state in engine.Part("app")["_build_persistence_save_dict"]().items():
            try:
                state = get_state()
                mark = hash(json.dumps(state, default=persistence["_json_default"]))
            except RuntimeError:
                whole = False
                continue
            except Exception:  # noqa: BLE001 - one service's fault must not keep the others from being saved
                log.exception("the state of %s cannot be saved", name)
                continue
            if state is not None and self._written.get(name) != mark:
                persistence["save_state"](name, state)
                self._written[name] = mark
        return whole


def environment(data: Path) -> dict[str, str]:
    """The settings by which ministack keeps its state in `data`; it reads them when it is imported."""
    return {
        "PERSIST_STATE": "1",
        "STATE_DIR": str(data / "state"),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(data / "s3"),
    }


def settle(functions: Any) -> None:
    """End the transitions that a killed process left halfway: their timers died with it."""
    for _, record in list(functions.all_items()):
        config = record["config"]
        if config.get("State") == "Pending":
            config["State"] = "Active"
            config.pop("StateReason", None)
            config.pop("StateReasonCode", None)
        if config.get("LastUpdateStatus") == "InProgress":
            config["LastUpdateStatus"] = "Successful"
