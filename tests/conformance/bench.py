"""One kind on a workbench: its row of the table, an empty moto, and the verbs called as the executor calls them."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from serverless_cli import diff
from serverless_cli.aws import session
from serverless_cli.aws.actions import iam_action
from serverless_cli.aws.calls import Aws
from serverless_cli.aws.memo import is_read
from serverless_cli.model import Change, Found, Observed, Outputs, Place, Ref, Spec, Verb
from serverless_cli.names import NameRule, physical
from serverless_cli.resources import KINDS
from serverless_cli.resources.base import Here, Kind

PLACE = Place("shop", "dev", "eu-central-1", "123456789012")
ID = "hello"


class Raw:
    """boto3's own clients to the same moto: somebody who works by hand."""

    def __init__(self, url: str, region: str) -> None:
        self.url = url
        self.region = region
        self._clients: dict[str, Any] = {}

    def __call__(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = boto3.client(
                service,
                endpoint_url=self.url,
                region_name=self.region,
                aws_access_key_id="test",
                aws_secret_access_key="test",
                config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
            )
        return self._clients[service]

    def close(self) -> None:
        for client in self._clients.values():
            client.close()


class Calls:
    """Hears of every call that a kind makes."""

    def __init__(self) -> None:
        self.operations: list[str] = []
        self._lock = threading.Lock()

    def __call__(self, operation: str, started: float, ended: float, attempt: int, error: str | None) -> None:
        with self._lock:
            self.operations.append(operation)

    def clear(self) -> None:
        self.operations.clear()


class Overheard:
    """A transport that keeps what is written: operations, and their parameters as text."""

    def __init__(self, under: session.Transport) -> None:
        self.under = under
        self.writes: list[tuple[str, str]] = []

    def send(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        if not is_read(operation):
            self.writes.append((operation, json.dumps(parameters, default=str)))
        return self.under.send(operation, parameters)

    def pages(self, operation: str, parameters: Mapping[str, Any], call: session.Send) -> Iterable[dict[str, Any]]:
        return self.under.pages(operation, parameters, call)


def overheard(aws: Aws) -> tuple[Aws, list[tuple[str, str]]]:
    """The same AWS, and what is written on it from now on."""
    assert isinstance(aws, session.Calls)
    heard = Overheard(aws.transport)
    return replace(aws, transport=heard), heard.writes


@dataclass(frozen=True)
class Row:
    """What the suite must know of a kind. Functions get the bench.

    `edits`: by a sentence, fields with their new values (or how to make them), which `update` must bring about.
    `drifts`: by a sentence, which fields somebody changes by hand, and how. `halves`: what a create that never ended
    may leave. `stranger` makes a thing of that name with given tags; None where no name can be taken.
    `fixed`: mutable fields that no edit can reach, with the reason.
    """

    kind: str
    rule: NameRule
    wish: Callable[[Bench], Spec]
    edits: Mapping[str, Mapping[str, Any]]
    drifts: Mapping[str, tuple[frozenset[str], Callable[[Bench], object]]]
    before: Callable[[Bench], object] = lambda _: None
    name: str = "{}"
    halves: Mapping[str, Callable[[Bench], object]] = field(default_factory=dict)
    stranger: Callable[[Bench, dict[str, str]], object] | None = None
    fixed: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.kind


@dataclass
class Bench:
    """The row's resource of one stack. `outputs` and `recorded` are what the journal would know."""

    row: Row
    aws: Aws
    raw: Raw
    calls: Calls
    folder: Path
    place: Place = PLACE
    outputs: Outputs = field(default_factory=dict)
    recorded: Spec | None = None
    used: dict[Verb, set[str]] = field(default_factory=lambda: {verb: set() for verb in Verb})

    @property
    def kind(self) -> Kind[Any]:
        return KINDS[self.row.kind]

    @property
    def name(self) -> str:
        return self.row.name.format(physical(self.place, ID, self.row.rule))

    @cached_property
    def wish(self) -> Spec:
        return self.row.wish(self)

    def edited(self, sentence: str) -> Spec:
        """The wish with one of the row's edits."""
        values = {key: value(self) if callable(value) else value for key, value in self.row.edits[sentence].items()}
        return replace(self.wish, **values)

    def forget(self) -> None:
        """As if every local file were lost."""
        self.outputs, self.recorded = {}, None

    def here(self, wish: Spec | None = None, *, expected: bool = False) -> Here:
        ref = Ref(self.row.kind, ID)
        return Here(ref, self.name, self.place, self.outputs, wish or self.wish, self.recorded, expected)

    def other_stack(self) -> Bench:
        """The same resource of another stack, whose names begin like ours."""
        place = replace(self.place, stack="shop-dev", stage="two")
        return Bench(self.row, self.aws, self.raw, self.calls, self.folder, place, used=self.used)

    def read(self, wish: Spec | None = None, recorded: Spec | None = None) -> Observed | None:
        """What is there; without a record all must come from AWS."""
        with self._under(Verb.READ):
            return self.kind.read(self.aws, replace(self.here(wish), recorded=recorded))

    def seen(self, wish: Spec | None = None, recorded: Spec | None = None) -> Observed:
        found = self.read(wish, recorded)
        assert found is not None, f"{self.kind.doc} {self.name} does not exist"
        return found

    def exists(self) -> Observed | None:
        with self._under(Verb.READ):
            return self.kind.exists(self.aws, self.here())

    def create(self, *, expected: bool = False, fresh: bool = False) -> Outputs:
        """`fresh`: as a run does whose own read has found nothing."""
        here = replace(self.here(expected=expected), fresh=fresh)
        with self._under(Verb.CREATE):
            self.outputs = self.kind.create(self.aws, here, self.wish)
        self.recorded = self.wish
        return self.outputs

    def update(self, spec: Spec | None = None) -> tuple[Change, ...]:
        """Brings the resource to the spec, told just the changes that a plan would find; returns these."""
        spec = spec or self.wish
        changes, seen = self.changes(spec, self.recorded), self.seen(spec, self.recorded)
        here = replace(self.here(spec), outputs=seen.outputs, recorded=self.recorded or seen.spec)
        with self._under(Verb.UPDATE):
            self.outputs = self.kind.update(self.aws, here, spec, changes)
        self.recorded = spec
        return changes

    def delete(self) -> None:
        with self._under(Verb.DELETE):
            self.kind.delete(self.aws, self.here())

    def search(self, place: Place | None) -> list[Found]:
        with self._under(Verb.SEARCH):
            return list(self.kind.search(self.aws, place))

    def changes(self, spec: Spec | None = None, recorded: Spec | None = None) -> tuple[Change, ...]:
        """What a plan would change, from a look at what is there; `recorded` is what the journal had."""
        wish, seen = spec or self.wish, self.seen(spec, recorded)
        unmarked = self.kind.marked and seen.mark is None
        marks = (Change(("mark",), None, self.here().mark),) if unmarked else ()
        return (*marks, *diff.changes(wish, seen.spec, frozenset()))

    @property
    def undeclared(self) -> dict[Verb, set[str]]:
        """The actions by verb that were needed and are not among the kind's permissions."""
        lacking = {verb: {*map(iam_action, ops)} - {*self.kind.permissions[verb]} for verb, ops in self.used.items()}
        return {verb: actions for verb, actions in lacking.items() if actions}

    @contextmanager
    def _under(self, verb: Verb) -> Iterator[None]:
        self.calls.clear()
        try:
            yield
        finally:
            self.used[verb] |= set(self.calls.operations)


def nobody(event: object) -> None:
    """Nobody watches."""
