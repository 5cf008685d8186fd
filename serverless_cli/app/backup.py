"""`slx down --backup DIR`: what a teardown would throw away, copied into files before anything is deleted.

The folder has `manifest.json` only when every copy is whole and on the disk. Memory stays flat: items and objects are
written as they come.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from serverless_cli import __version__, execute
from serverless_cli.aws.calls import Aws
from serverless_cli.errors import Exit, SlxError
from serverless_cli.events import Copying
from serverless_cli.model import Action, Place, Plan, Ref, Saved, Step
from serverless_cli.records import dataclass
from serverless_cli.resources import KINDS
from serverless_cli.resources.copies import FOLDER, create, make, settle

MANIFEST = "manifest.json"
AT_ONCE = 8
"""resources that are copied at once; the objects of a bucket are copied several at once in themselves"""
TELL_S = 1.0


@dataclass(frozen=True, slots=True)
class Backup:
    """A whole copy: a folder, and what is in it by resource."""

    folder: Path
    parts: Mapping[Ref, Saved]


Tell = Callable[[Copying], None]


class _StoppedError(Exception):
    """Ends the threads of a backup that is not to go on."""


@dataclass(slots=True)
class _Tally:
    """What one copy has come to; its thread counts, the main thread reads."""

    step: Step
    stop: threading.Event
    count: int = 0
    bytes: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, count: int, size: int) -> None:
        if self.stop.is_set():
            raise _StoppedError
        with self._lock:
            self.count += count
            self.bytes += size


def room(folder: Path) -> None:
    """Raises SlxError (usage) unless the folder can be made, or is empty: nothing is written over."""
    if folder.exists() or folder.is_symlink():
        if not folder.is_dir():
            raise SlxError(f"{folder} is no folder", hint="name a new one with --backup", exit_code=Exit.USAGE)
        if any(folder.iterdir()):
            raise SlxError(
                f"{folder} is not empty",
                "a backup is not mixed with anything else",
                "name a new folder with --backup",
                exit_code=Exit.USAGE,
            )


def unsaved(plan: Plan) -> tuple[Step, ...]:
    """The deletions that lose what cannot be copied."""
    return tuple(step for step in _holders(plan) if not KINDS[step.ref.kind].can_save)


def take(aws: Aws, plan: Plan, folder: Path, tell: Tell) -> Backup:
    """Copies what the plan would throw away. Only reads on AWS.

    Raises SlxError when a copy is not whole; then there is no manifest.
    """
    room(folder)
    began = datetime.now(UTC)
    try:
        folder.mkdir(FOLDER, parents=True, exist_ok=True)
        folder.chmod(FOLDER)
        parts = _copy_all(aws, plan, folder, tell)
        settle(folder)
        _describe(folder, plan, parts, began)
        settle(folder)
    except OSError as error:
        raise _incomplete(folder, f"{error.filename or folder}: {error.strerror or error}") from error
    except SlxError as error:
        code = error.exit_code if error.exit_code in (Exit.DENIED, Exit.CREDENTIALS) else Exit.FAILED
        raise _incomplete(folder, str(error), error.hint, code) from error
    return Backup(folder, {ref: saved for ref, (_, saved) in parts.items()})


def _incomplete(folder: Path, why: str, hint: str = "", code: Exit = Exit.FAILED) -> SlxError:
    more = f"what {folder} holds by now is not whole; run the command again with another folder"
    what = "the backup failed, and nothing was removed"
    return SlxError(what, why, f"{hint}; {more}" if hint else more, exit_code=code)


def _holders(plan: Plan) -> Iterable[Step]:
    return (step for step in plan.writes if step.action is Action.DELETE and KINDS[step.ref.kind].data)


def _copy_all(aws: Aws, plan: Plan, folder: Path, tell: Tell) -> dict[Ref, tuple[Step, Saved]]:
    """All copies, several at once. The main thread tells how far they are, and stops them when it is interrupted."""
    stop, pool = threading.Event(), ThreadPoolExecutor(AT_ONCE, "backup")
    running: dict[Future[Saved], _Tally] = {}
    done: dict[Ref, tuple[Step, Saved]] = {}
    try:
        for step in _holders(plan):
            if KINDS[step.ref.kind].can_save:
                tally = _Tally(step, stop)
                running[pool.submit(_copy, aws, plan.place, step, folder, tally)] = tally
        while running:
            ended, _ = wait(running, TELL_S, FIRST_COMPLETED)
            for future in ended:
                tally = running.pop(future)
                saved = future.result()
                done[tally.step.ref] = (tally.step, saved)
                tell(Copying(tally.step.ref, tally.step.name, saved.count, saved.bytes, saved))
            if not ended:
                for tally in running.values():
                    tell(Copying(tally.step.ref, tally.step.name, tally.count, tally.bytes))
    finally:
        stop.set()
        pool.shutdown(wait=True, cancel_futures=True)
    return done


def _copy(aws: Aws, place: Place, step: Step, folder: Path, tally: _Tally) -> Saved:
    below = folder / step.ref.kind / step.name
    make(below)
    return KINDS[step.ref.kind].save(aws, execute.here(place, step), below, tally.add)


def _describe(folder: Path, plan: Plan, parts: Mapping[Ref, tuple[Step, Saved]], began: datetime) -> None:
    """Writes the manifest, which says that the backup is whole: last, and all at once."""
    place = plan.place
    document = {
        "format": 1,
        "slx": __version__,
        "stack": place.stack,
        "stage": place.stage,
        "region": place.region,
        "account": place.account,
        "began": began.isoformat(timespec="seconds"),
        "ended": datetime.now(UTC).isoformat(timespec="seconds"),
        "resources": [_part(step, saved) for step, saved in parts.values()],
        "not_saved": [{"kind": one.ref.kind, "id": one.ref.id, "name": one.name} for one in unsaved(plan)],
    }
    draft = folder / f"{MANIFEST}.part"
    with os.fdopen(create(draft), "wb") as file:
        file.write(json.dumps(document, indent=2, ensure_ascii=False).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(folder / MANIFEST)


def _part(step: Step, saved: Saved) -> dict[str, Any]:
    return {
        "kind": step.ref.kind,
        "id": step.ref.id,
        "name": step.name,
        "what": saved.what,
        "count": saved.count,
        "bytes": saved.bytes,
        "file": f"{step.ref.kind}/{step.name}/{saved.file}",
        "sha256": saved.sha256,
        "without": saved.without,
    }
