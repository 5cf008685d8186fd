"""Stand-ins for AWS, the journal, the lock and the pool: named classes, in memory, and no patching anywhere."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field, replace
from typing import Any

from serverless_cli.errors import Exit, Problem, SlxError
from serverless_cli.events import Event
from serverless_cli.model import (
    Action,
    Change,
    Entry,
    Found,
    Observed,
    Outputs,
    Place,
    Record,
    Ref,
    Spec,
    Step,
    Verb,
)
from serverless_cli.resources.base import Here, Kind

PLACE = Place("website", "dev", "eu-central-1", "123456789012")


class Killed(BaseException):
    """The process dies here."""


@dataclass(frozen=True, slots=True)
class ThingSpec(Spec):
    """`key` cannot be changed in place; `digest` is filled by prepare; `steer` is no part of the difference; `own` is
    private."""

    size: int = 1
    link: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    key: str = "k"
    digest: str = ""
    steer: str = field(default="", compare=False)
    own: Mapping[str, str] = field(default_factory=dict, metadata={"private": True})


class Cloud:
    """AWS in memory. Kinds of this module get it where real ones get an `Aws`.

    `calls` are (verb, name) in order. `before` and `after` may hold what to do around a call: raise, wait, look.
    """

    region = PLACE.region

    def __init__(self) -> None:
        self.things: dict[tuple[str, str], Observed] = {}
        self.calls: list[tuple[str, str]] = []
        self.heres: dict[tuple[str, str], Here] = {}
        self.before: dict[tuple[str, str], Callable[[], object]] = {}
        self.after: dict[tuple[str, str], Callable[[], object]] = {}
        self._made: Counter[str] = Counter()
        self._lock = threading.Lock()

    def put(self, kind: str, name: str, seen: Observed) -> None:
        with self._lock:
            self.things[kind, name] = seen

    def make(self, name: str) -> str:
        """An id that differs each time the same name is made."""
        with self._lock:
            self._made[name] += 1
            return f"{name}#{self._made[name]}"

    def call(self, verb: str, here: Here, work: Callable[[], Outputs]) -> Outputs:
        key = (verb, here.name)
        self.before.get(key, lambda: None)()
        with self._lock:
            self.calls.append(key)
            self.heres[key] = here
        outputs = work()
        self.after.get(key, lambda: None)()
        return outputs

    @property
    def names(self) -> set[str]:
        return {name for _, name in self.things}


class Thing(Kind[ThingSpec]):
    """Can be marked and updated, and hands out an `id`."""

    kind = "thing"
    doc = "thing"
    spec = ThingSpec
    create_only = frozenset({"key"})
    permissions: Mapping[Verb, tuple[str, ...]] = {}

    def read(self, aws: Any, here: Here) -> Observed | None:
        return aws.things.get((self.kind, here.name))

    def create(self, aws: Any, here: Here, spec: ThingSpec) -> Outputs:
        def work() -> Outputs:
            outputs = {"id": aws.make(here.name)}
            aws.put(self.kind, here.name, Observed(spec, outputs, here.mark if self.marked else None))
            here.ready(outputs)
            return outputs

        return aws.call("create", here, work)

    def update(self, aws: Any, here: Here, spec: ThingSpec, changes: tuple[Change, ...]) -> Outputs:
        def work() -> Outputs:
            was = aws.things[self.kind, here.name]
            aws.put(self.kind, here.name, replace(was, spec=spec, mark=here.mark if self.marked else None))
            return was.outputs

        return aws.call("update", here, work)

    def delete(self, aws: Any, here: Here) -> None:
        def work() -> Outputs:
            aws.things.pop((self.kind, here.name), None)
            return {}

        aws.call("delete", here, work)

    def search(self, aws: Any, place: Place | None) -> Iterator[Found]:
        for (kind, name), seen in list(aws.things.items()):
            if kind == self.kind and seen.mark:
                yield Found(Ref(kind, seen.mark.id), name, seen.mark, seen.outputs)


class Table(Thing):
    """Holds data."""

    kind = "table"
    data = True
    rank = 70


class Statement(Thing):
    """Lives in another resource and carries no mark; one at a time."""

    kind = "statement"
    marked = False
    rank = 30

    def lane(self, here: Here) -> str:
        return "statements"


class Group(Thing):
    """Is made by others too, bare."""

    kind = "group"
    adopts_bare = True
    rank = 90


class Guest(Thing):
    """Needs things to be ready only."""

    kind = "guest"
    needs_only_ready = frozenset({"thing"})


class Tenant(Thing):
    """Is let in by what it needs, and not by another one of that name."""

    kind = "tenant"

    def outlived(self, name: str, spec: ThingSpec, need: Ref) -> Iterable[Problem]:
        yield Problem(f"{name} was made for another {need}")


class Gate(Thing):
    """Known by its id; the name is a label."""

    kind = "gate"
    renames = True
    rank = 10


class Stream(Thing):
    """Hands out a `stream` that each update changes."""

    kind = "stream"
    volatile = frozenset({"stream"})

    def create(self, aws: Any, here: Here, spec: ThingSpec) -> Outputs:
        outputs = {**super().create(aws, here, spec), "stream": aws.make("stream of " + here.name)}
        aws.put(self.kind, here.name, replace(aws.things[self.kind, here.name], outputs=outputs))
        return outputs

    def update(self, aws: Any, here: Here, spec: ThingSpec, changes: tuple[Change, ...]) -> Outputs:
        outputs = {**super().update(aws, here, spec, changes), "stream": aws.make("stream of " + here.name)}
        aws.put(self.kind, here.name, replace(aws.things[self.kind, here.name], outputs=outputs))
        return outputs


class Package(Thing):
    """Its digest comes from its link, which must be known by then."""

    kind = "package"

    def prepare(self, spec: ThingSpec) -> ThingSpec:
        return replace(spec, digest=f"digest of {spec.link}")


class Odd(Thing):
    """Has a bug."""

    kind = "odd"

    def create(self, aws: Any, here: Here, spec: ThingSpec) -> Outputs:
        raise ZeroDivisionError("no such luck")


KINDS: dict[str, Kind[Any]] = {
    one.kind: one() for one in (Thing, Table, Statement, Group, Guest, Tenant, Gate, Stream, Package, Odd)
}  # fmt: skip


class SpyJournal:
    """A journal in memory, with the meaning of the real one; `lines` are (what, ref) in order."""

    def __init__(self, record: Record | None = None) -> None:
        self.entries: dict[Ref, Entry] = dict(record.entries) if record else {}
        self.lines: list[tuple[str, str]] = []
        self.failures: dict[Ref, str] = {}
        self._lock = threading.Lock()

    @property
    def record(self) -> Record:
        return Record(dict(self.entries), complete=True)

    def begin(self, step: Step) -> None:
        with self._lock:
            self.lines.append(("begin", str(step.ref)))
            was = self.entries.get(step.ref)
            if step.action is Action.DELETE and was:
                return
            self.entries[step.ref] = Entry(
                step.ref,
                step.name,
                was.spec if was else None,
                was.outputs if was else {},
                step.needs,
                step.inside,
                step.retain,
                step.absent or bool(was and was.expected),
            )

    def finish(self, step: Step, spec: Spec | None, outputs: Outputs) -> None:
        with self._lock:
            self.lines.append(("forget" if step.action is Action.DELETE else "finish", str(step.ref)))
            if step.action is Action.DELETE:
                for ref in (step.ref, *step.falls):
                    self.entries.pop(ref, None)
                return
            was = self.entries.get(step.ref) or Entry(step.ref, step.name)
            self.entries[step.ref] = Entry(
                step.ref,
                step.name,
                was.spec if spec is None else spec,
                outputs,
                step.needs,
                step.inside,
                step.retain,
                (step.absent and (spec is None or step.action is Action.KEEP)) or (spec is None and was.expected),
            )

    def fail(self, step: Step, text: str) -> None:
        with self._lock:
            self.lines.append(("fail", str(step.ref)))
            self.failures[step.ref] = text


class FullDisk(SpyJournal):
    """Cannot be written to once `room` lines are in it."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self.room = room

    def begin(self, step: Step) -> None:
        if len(self.lines) >= self.room:
            raise SlxError("the journal cannot be written", "no space left on the disk")
        super().begin(step)


class Held:
    """A lock that stays ours; after `checks` looks at it, if given, it is lost."""

    def __init__(self, checks: int | None = None) -> None:
        self.left = checks
        self._lock = threading.Lock()

    def check(self) -> None:
        with self._lock:
            if self.left == 0:
                raise SlxError("the lock was lost", exit_code=Exit.LOCKED)
            if self.left is not None:
                self.left -= 1


class Inline(Executor):
    """Runs everything at once in the calling thread: what fails here as well is no race."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:  # noqa: BLE001 - as the standard executors do
            future.set_exception(error)
        return future


class Ticks:
    """A clock that goes on by one second each time it is looked at."""

    def __init__(self) -> None:
        self.now = 0.0
        self._lock = threading.Lock()

    def __call__(self) -> float:
        with self._lock:
            self.now += 1.0
            return self.now


class Listener:
    """Keeps all events; `on` may hold what to do at one."""

    def __init__(self, on: Callable[[Event], object] | None = None) -> None:
        self.events: list[Event] = []
        self.threads: set[int] = set()
        self.on = on

    def __call__(self, event: Event) -> None:
        self.events.append(event)
        self.threads.add(threading.get_ident())
        if self.on:
            self.on(event)
