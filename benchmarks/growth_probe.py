"""Runs inside a process of its own, for `growth`: `python -m benchmarks.growth_probe engine|files FOLDER`.

AWS is left out: every verb of every kind answers at once, so that what is left is what slx itself spends.
"""

from __future__ import annotations

import json
import resource
import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

from serverless_cli import execute, plan
from serverless_cli.app import catalog, reality
from serverless_cli.app.settings import Settings
from serverless_cli.model import Place, Record, Ref
from serverless_cli.resources import KINDS
from serverless_cli.resources.base import Here
from serverless_cli.resources.content import ContentKind, ContentSpec
from serverless_cli.state import FileStore, Journal, StackKey, lock

T = TypeVar("T")
OUTPUTS = {"id": "abc", "arn": "arn:aws:x:us-east-1:123456789012:y", "url": "https://x", "uuid": "u", "stream_arn": "s"}
PLACE = Place("grown", "dev", "us-east-1", "123456789012")


class Instant:
    """Any kind, whose verbs on AWS are done at once."""

    def __init__(self, kind: Any) -> None:
        self._kind = kind

    def __getattr__(self, name: str) -> Any:
        return getattr(self._kind, name)

    def create(self, *_: object) -> dict[str, str]:
        return OUTPUTS


class Timed:
    """Milliseconds by part, in order."""

    def __init__(self) -> None:
        self.ms: dict[str, float] = {}
        self.cpu_ms: dict[str, float] = {}

    def __call__(self, name: str, work: Callable[[], T]) -> T:
        start, cpu = time.perf_counter(), time.process_time()
        result = work()
        self.ms[name] = 1000 * (time.perf_counter() - start)
        self.cpu_ms[name] = 1000 * (time.process_time() - cpu)
        return result


class Nobody:
    """An AWS whose every answer says next to nothing, at once."""

    region = PLACE.region

    def call(self, operation: str, /, **parameters: Any) -> dict[str, Any]:
        body: Any = parameters.get("Body")
        while hasattr(body, "read") and body.read(1 << 16):
            pass
        return {"UploadId": "1", "ETag": '"1"'}

    def pages(self, *_: object, **__: object) -> tuple[Any, ...]:
        return ()

    def __getattr__(self, name: str) -> Any:
        return self.call

    def map(self, work: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
        return [work(item) for item in items]


def engine(folder: Path) -> dict[str, float]:
    """All of `up` but AWS: from the file to the last line of the journal, for a stack that does not exist yet."""
    timed, settings = Timed(), Settings(folder, region=PLACE.region)
    kinds: Any = {name: Instant(kind) for name, kind in KINDS.items()}
    specs = {name: kind.spec for name, kind in KINDS.items()}
    stack = timed("parse", lambda: catalog.read(folder / "blueprint.yaml", settings, PLACE))
    stack = timed("pack", lambda: reality.prepare(stack))
    heres = plan.heres(PLACE, KINDS, Record(), (), stack)
    observed: dict[Ref, Any] = dict.fromkeys(heres)
    made = timed("plan", lambda: plan.up(plan.fill_known(stack, observed, KINDS), observed, Record(), KINDS))
    key, store = StackKey("target", "grown", "dev"), FileStore(folder / ".probe")
    with lock(store, key, command="up") as lease, Journal.open(store, key, specs) as journal:
        journal.start(lease.holder)
        journal.describe(stack)
        report = timed(
            "run",
            lambda: execute.run(
                made, kinds=kinds, aws=Nobody(), journal=journal, lease=lease, listen=lambda _: None,
                cancel=threading.Event(),
            ),
        )  # fmt: skip
        if not report.ok:
            raise SystemExit(next(str(one.error) for one in report.outcomes.values() if one.error))
        journal.searched()
        journal.forget()
    steps = len(made.steps)
    whole, cpu = sum(timed.ms.values()), sum(timed.cpu_ms.values())
    planned = timed.ms["plan"] + timed.ms["run"]
    each = {"ms each": whole / steps, "CPU ms each": cpu / steps, "plan + run each": planned / steps}
    return {"resources": steps, **timed.ms, **each}


def files(folder: Path) -> dict[str, float]:
    """A bucket's content: digests first, then every upload into the void."""
    before, timed, kind = _peak_mb(), Timed(), ContentKind()
    count = sum(1 for path in folder.rglob("*") if path.is_file())
    spec = timed("prepare", lambda: kind.prepare(ContentSpec(public=False, files={}, folder=str(folder))))
    here = Here(Ref("content", "site"), "bucket", PLACE, wish=spec)
    prepared = _peak_mb()
    timed("upload", lambda: kind.create(Nobody(), here, spec))
    each = {f"{name}, µs each": 1000 * ms / count for name, ms in timed.ms.items()}
    return {**each, "MB before": before, "MB prepared": prepared, "MB after": _peak_mb()}


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)


if __name__ == "__main__":
    print(json.dumps({"engine": engine, "files": files}[sys.argv[1]](Path(sys.argv[2]))))
