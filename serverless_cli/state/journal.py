"""What slx was about to do and what came of it: the memory of a stack that survives a crash at any point.

Before each write on AWS `begin` puts the intent down, durably; after it `finish`, `fail` or `gone` the result. The
record is whatever the lines add up to. Secrets never get here: the codec leaves them out, and error texts are cleaned.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, Self

from serverless_cli import __version__
from serverless_cli.codec import encode
from serverless_cli.errors import SlxError
from serverless_cli.model import Action, Check, Outputs, Record, Ref, Spec, Stack, Step
from serverless_cli.records import dataclass
from serverless_cli.secret import Secret
from serverless_cli.state.fold import Folded, Known, Line, Wished, described, entry, fold, numbered, parse, record
from serverless_cli.state.lease import Holder
from serverless_cli.state.store import JOURNAL, NONE_YET, ConflictError, Document, StackKey, Store

LIMIT = 500
"""lines beyond one per resource, after which the journal is written anew as one line per resource"""


@dataclass(slots=True)
class _Waiting:
    """A line on its way into the store."""

    line: Line
    durable: bool
    done: bool = False
    error: SlxError | None = None


class Journal:
    """A stack's journal, open for writing: its owner holds the stack's lock. Threads may share it.

    Lines of several threads that come at once are written and synced together.
    """

    def __init__(
        self,
        store: Store,
        key: StackKey,
        kinds: Mapping[str, type[Spec]],
        *,
        known: Document,
        folded: Folded,
        lines: int,
    ) -> None:
        """Use `Journal.open`."""
        self._store = store
        self._key = key
        self._kinds = kinds
        self._known = known
        self._folded = folded
        self._lines = lines
        self._written = threading.Lock()  # held while lines are written; guards the four above
        self._queued = threading.Lock()  # guards the two below when they change
        self._queue: list[_Waiting] = []
        self._secrets: frozenset[str] = frozenset()
        self._dirty = False
        self._searched = False
        self._told = False
        """somebody knows already that this journal cannot be written"""

    @classmethod
    def open(
        cls,
        store: Store,
        key: StackKey,
        kinds: Mapping[str, type[Spec]],
        *,
        clock: Callable[[], float] = time.time,
    ) -> Self:
        """Reads the journal and heals it: a damaged one is kept beside as `journal.damaged-<time>`.

        `kinds` maps each kind to its type of spec. Raises SlxError when a newer slx wrote it.
        """
        known = store.read(key, JOURNAL)
        parsed = parse(known.content)
        folded = fold(parsed, str(key))
        record(folded, kinds)
        journal = cls(store, key, kinds, known=known, folded=folded, lines=len(parsed.lines))
        if folded.damaged:
            stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(clock()))
            _keep(store, key, f"{JOURNAL}.damaged-{stamp}", known.content)
        if folded.damaged or parsed.torn or journal._long:
            journal._compact()
        return journal

    @staticmethod
    def recall(store: Store, key: StackKey, kinds: Mapping[str, type[Spec]]) -> Record:
        """The record as it stands, for commands that only look: takes no lock and writes nothing."""
        return record(fold(parse(store.read(key, JOURNAL).content), str(key)), kinds)

    @property
    def record(self) -> Record:
        """What is known now. `complete` is False after a run that did not end, too: a crash in it cannot be told from
        a file that lost its last lines."""
        with self._written:
            known = record(self._folded, self._kinds)
        return replace(known, complete=True) if self._searched else known

    def start(self, holder: Holder) -> None:
        """A run begins; `holder` is that of the lock. Its command must not hold secrets."""
        who = f"{holder.user}@{holder.host}"
        about = {"run": holder.run, "who": who, "pid": holder.pid, "when": holder.since, "command": holder.command}
        self._put({"type": "start", **about, "slx": __version__}, durable=False)

    def describe(self, stack: Stack) -> None:
        """Keeps what the stack is to be, beyond its resources."""
        self._remember((stack.parameters, *(resource.spec for resource in stack.resources.values())))
        parameters = {name: value for name, value in stack.parameters.items() if not isinstance(value, Secret)}
        checks = tuple(map(_without_text, stack.checks))
        wished = Wished(stack.outputs, parameters, checks, stack.file, str(self._key))
        self._put(described(wished), durable=False)

    def redescribe(self, record: Record) -> None:
        """The stack is to be again what an earlier record says, beyond its resources."""
        former = Wished(record.outputs, record.parameters, record.checks, record.blueprint, str(self._key))
        self._put(described(former), durable=False)

    def begin(self, step: Step) -> None:
        """Must return before the step's first write on AWS: then its intent outlives a crash of the machine."""
        self._remember(step.spec)
        known = Known(step.ref, step.name, step.needs, step.inside, step.retain, _ours(step), step.traces)
        self._put({"type": "begin", "action": step.action.value, "entry": encode(known)}, durable=True)

    def finish(self, step: Step, spec: Spec | None, outputs: Outputs) -> None:
        """The step has ended well: the resource is as `spec` says (None: as recorded before), or is deleted.

        Needs no `begin` where nothing was written on AWS: a resource that was found is recorded so.
        """
        if step.action is Action.DELETE:
            self.gone(step.ref, *step.falls)
            return
        with self._written:
            earlier = self._folded.entries.get(step.ref)
        was = earlier or Known(step.ref, step.name)
        # What has ended well carries its mark: what has none later is something that somebody else made in its place.
        unsettled = step.absent if step.action is Action.KEEP else spec is None and _ours(step)
        expected = unsettled or (spec is None and was.expected)
        applied, traces = (was.spec, was.traces) if spec is None else (encode(spec), ())
        known = Known(step.ref, step.name, step.needs, step.inside, step.retain, expected, traces, applied, outputs)
        self._put(entry(known), durable=False)

    def fail(self, step: Step, error: str) -> None:
        """The step has failed; what it may have done stays expected."""
        line = {"type": "fail", "ref": encode(step.ref), "action": step.action.value, "error": self._clean(error)}
        self._put(line, durable=False)

    def gone(self, *refs: Ref) -> None:
        """These exist no more and are forgotten."""
        self._put({"type": "gone", "refs": encode(refs)}, durable=False)

    def searched(self) -> None:
        """AWS has been searched for the stack's resources and what was found is recorded: the record is complete."""
        self._dirty = self._searched = True

    def doubt(self) -> None:
        """There may be more of the stack than is recorded: the next command searches AWS."""
        with self._written:
            self._folded.whole = False
        self._dirty, self._searched = True, False

    def forget(self) -> None:
        """Removes the journal: the stack is gone."""
        with self._written:
            self._store.delete(self._key, JOURNAL, self._known)
            self._known, self._folded, self._lines = NONE_YET, Folded(), 0
            self._dirty = self._searched = False

    def close(self) -> None:
        """Ends the run; doing it twice is harmless."""
        if not self._dirty:
            return
        with self._written:
            self._folded.whole = self._folded.whole or self._searched
            long = self._long
            if long:
                self._compact()
        if not long:
            self._put({"type": "end", "whole": self._folded.whole}, durable=True)
        self._dirty = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        try:
            self.close()
        except SlxError:
            if error is None and not self._told:  # else what went wrong first is what counts
                raise

    @property
    def _long(self) -> bool:
        return self._lines - len(self._folded.entries) > LIMIT

    def _compact(self) -> None:
        lines = tuple(self._folded.lines())
        self._known = self._store.write(self._key, JOURNAL, self._known, numbered(lines))
        self._lines = len(lines)
        self._folded.ended = True

    def _put(self, line: Line, *, durable: bool) -> None:
        """Whoever comes first writes for all that wait by then."""
        waiting = _Waiting(line, durable)
        with self._queued:
            self._queue.append(waiting)
        with self._written:
            if not waiting.done:
                with self._queued:
                    batch, self._queue = self._queue, []
                self._write(batch)
        if waiting.error:
            raise waiting.error

    def _write(self, batch: list[_Waiting]) -> None:
        tail = numbered((waiting.line for waiting in batch), self._lines + 1)
        error = SlxError("the journal was not written", hint="run the same command again: nothing is lost")
        for waiting in batch:
            waiting.done, waiting.error = True, error
        try:
            self._known = self._append(tail, durable=any(waiting.durable for waiting in batch))
        except SlxError as problem:
            self._told = True
            for waiting in batch:
                waiting.error = problem
            return
        for waiting in batch:
            waiting.error = None
            self._dirty = True
            self._lines += 1
            self._folded.add(waiting.line)

    def _append(self, tail: bytes, *, durable: bool) -> Document:
        try:
            return self._store.append(self._key, JOURNAL, self._known, tail, durable=durable)
        except ConflictError:
            wanted = self._known.content + tail
            there = self._store.read(self._key, JOURNAL)
            if there.content == wanted:  # our own write, whose answer was lost
                return there
            if not wanted.startswith(there.content):
                raise
            # Deleted, cut or touched during the run, but with nothing of anybody else's: written anew from memory.
            return self._store.write(self._key, JOURNAL, there, wanted)

    def _remember(self, value: object) -> None:
        found = frozenset(_secrets(value))
        with self._queued:
            self._secrets |= found

    def _clean(self, text: str) -> str:
        """An error's text without secrets: Lambda, for one, answers a bad environment with all its values."""
        for secret in sorted(self._secrets, key=len, reverse=True):
            for form in (secret, json.dumps(secret)[1:-1]):
                text = text.replace(form, "***")
        return text


def _ours(step: Step) -> bool:
    """Whether what will be found under the step's name is ours even without a mark."""
    return step.absent or step.action is Action.REPLACE


def _secrets(value: Any) -> Iterator[str]:
    if isinstance(value, Secret):
        if value:
            yield str.__str__(value)
    elif isinstance(value, Mapping):
        yield from (secret for item in value.values() for secret in _secrets(item))
    elif isinstance(value, (tuple, list)):
        yield from (secret for item in value for secret in _secrets(item))
    elif is_dataclass(value):
        yield from (secret for field in fields(value) for secret in _secrets(getattr(value, field.name)))


def _without_text(check: Check) -> Check:
    """The blueprint's lines stay in the blueprint."""
    return replace(check, where=replace(check.where, text="")) if check.where else check


def _keep(store: Store, key: StackKey, name: str, content: bytes) -> None:
    for suffix in ("", *(f"-{number}" for number in range(2, 10))):
        try:
            store.write(key, name + suffix, NONE_YET, content)
        except ConflictError:
            continue
        return
