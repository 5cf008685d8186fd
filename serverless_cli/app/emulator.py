"""`slx local`: starting, stopping, looking at and emptying the local target of a folder."""

from __future__ import annotations

import time
from pathlib import Path

from serverless_cli import local
from serverless_cli.app.session import STATE_FOLDER
from serverless_cli.records import dataclass
from serverless_cli.state.store import JOURNAL, FileStore


@dataclass(frozen=True, slots=True)
class EmulatorState:
    """A running local target; `workspace` is the folder that it belongs to."""

    url: str
    pid: int
    uptime_s: float
    memory_bytes: int
    stacks: tuple[str, ...]
    workspace: Path


def start(folder: Path) -> local.Instance:
    """Starts it unless it runs already, and waits until it is ready."""
    return local.ensure(folder)


def stop(folder: Path) -> bool:
    """Ends it; what it holds is kept. False when none was running."""
    return local.stop(folder)


def status() -> tuple[EmulatorState, ...]:
    """Every local target of this user that runs."""
    return tuple(
        EmulatorState(
            one.url,
            one.pid,
            max(0.0, time.time() - one.started_at),
            local.memory_bytes(one),
            _stacks(one.workspace),
            one.workspace,
        )
        for one in local.instances()
    )


def reset(folder: Path) -> None:
    """Ends it and forgets all that it held, and the records of the stacks that lived there."""
    local.reset(folder)
    keeper = FileStore(folder / STATE_FOLDER)
    for key in keeper.stacks():
        if key.target.startswith("local"):
            keeper.delete(key, JOURNAL, keeper.read(key, JOURNAL))


def _stacks(folder: Path) -> tuple[str, ...]:
    keys = FileStore(folder / STATE_FOLDER).stacks()
    return tuple(f"{key.stack}/{key.stage}" for key in keys if key.target.startswith("local"))
