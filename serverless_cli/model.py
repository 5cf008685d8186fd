"""The nouns that all other modules speak in. Frozen values, no input or output."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Self

from serverless_cli.errors import Location, Problem, SlxError
from serverless_cli.records import dataclass

Outputs = Mapping[str, str]
"""What AWS handed out for a resource, by attribute name: ids, URLs, ARNs that cannot be computed."""

NOTHING: Outputs = MappingProxyType({})


_FORMERLY = " formerly "


@dataclass(frozen=True, slots=True, order=True)
class Ref:
    """Names one resource of a plan: its kind and the blueprint's id (`hello`, or `api.hello` for wiring)."""

    kind: str
    id: str

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"

    @property
    def root(self) -> str:
        """The id that the user wrote; wiring between two resources counts to the first."""
        return self.current.id.partition(".")[0]

    def former(self, name: str) -> Ref:
        """The ref under which what this one was called before stands in plan and journal until it is deleted."""
        return Ref(self.kind, f"{self.current.id}{_FORMERLY}{name}")

    @property
    def current(self) -> Ref:
        """The ref that the mark of the thing names: itself, unless it is a former one."""
        return Ref(self.kind, self.id.partition(_FORMERLY)[0]) if _FORMERLY in self.id else self


@dataclass(frozen=True, slots=True)
class Handout:
    """An attribute that nobody can know before AWS has made the resource."""

    ref: Ref
    attribute: str

    def __str__(self) -> str:
        return f"${{{self.ref.root}.{self.attribute}}}"


class Late(str):
    """Text with gaps for what AWS hands out later; as a string it reads as the user wrote it.

    A str, so that specs stay plainly typed; `fill` must be called before the value goes into a call.
    """

    __slots__ = ("parts",)
    parts: tuple[str | Handout, ...]

    def __new__(cls, parts: tuple[str | Handout, ...]) -> Self:
        self = super().__new__(cls, "".join(map(str, parts)))
        self.parts = parts
        return self

    def __reduce__(self) -> tuple[type[Late], tuple[tuple[str | Handout, ...]]]:
        return Late, (self.parts,)

    @property
    def needs(self) -> frozenset[Ref]:
        return frozenset(part.ref for part in self.parts if isinstance(part, Handout))

    def fill(self, outputs: Mapping[Ref, Outputs]) -> str:
        """The text with every gap filled that `outputs` knows; still a Late if one stays open."""
        parts = tuple(
            outputs[part.ref][part.attribute]
            if isinstance(part, Handout) and part.attribute in outputs.get(part.ref, NOTHING)
            else part
            for part in self.parts
        )
        if any(isinstance(part, Handout) for part in parts):
            return Late(parts)
        return "".join(map(str, parts))


@dataclass(frozen=True, slots=True)
class Urls:
    """What endpoints look like on a target. AWS's forms are the default; the local target has its own.

    `api` gets {id}, `site` gets {bucket}; both region, suffix and {dash} (S3's `-` or `.` before the region).
    """

    api: str = "https://{id}.execute-api.{region}.{suffix}"
    site: str = "http://{bucket}.s3-website{dash}{region}.{suffix}"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a stack lives: everything that names, ARNs and URLs are computed from.

    `wheels` says what packages must fit: Lambda (empty), or this machine (`host`), where the local target runs them.
    """

    stack: str
    stage: str
    region: str
    account: str
    partition: str = "aws"
    suffix: str = "amazonaws.com"
    urls: Urls = Urls()
    wheels: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """The owner's mark that every taggable thing carries from its first call.

    `retain` says that the thing outlives its stack, even if every record of that is lost; None says nothing of it.
    It is no part of who the owner is.
    """

    stack: str
    stage: str
    region: str
    id: str
    retain: bool | None = field(default=None, compare=False)

    @property
    def tags(self) -> dict[str, str]:
        said = {} if self.retain is None else {"slx:retain": str(self.retain).lower()}
        return {
            "slx:stack": self.stack,
            "slx:stage": self.stage,
            "slx:region": self.region,
            "slx:id": self.id,
            **said,
        }

    @property
    def pairs(self) -> list[dict[str, str]]:
        """The tags in the list form that half of AWS's services want."""
        return [{"Key": key, "Value": value} for key, value in self.tags.items()]

    @classmethod
    def of(cls, tags: Mapping[str, str]) -> Mark | None:
        """The mark among a resource's tags; None when it carries none."""
        try:
            own = (tags["slx:stack"], tags["slx:stage"], tags["slx:region"], tags["slx:id"])
        except KeyError:
            return None
        return cls(*own, retain=tags.get("slx:retain") == "true")


class Spec:
    """Base of all specs: frozen dataclasses of str, int, bool, None, tuples, mappings and nested specs.

    The wish and the reality of a resource are of one spec type, so that the difference between them is generic.
    Fields declared with `compare=False` steer how something is made and are not part of that difference. Those whose
    metadata says `private` are where people keep secrets: what is found in them is not shown unless they stated it.
    """

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Resource:
    """One thing of the plan that a stack should have. `name` is physical and the same each time.

    `inside` is the resource that this one lives in and falls with (a permission in its function).
    `needs` are the resources that must exist first; those of Late values are included.
    """

    ref: Ref
    name: str
    spec: Spec
    needs: frozenset[Ref] = frozenset()
    inside: Ref | None = None
    where: Location | None = None
    retain: bool = False
    existing: bool = False


@dataclass(frozen=True, slots=True)
class Observed:
    """A resource as AWS has it now. `mark` is None where it carries no mark, or its kind cannot carry any.

    `note` is something that the user should know and that no field says ("pending confirmation"). `bare` is True for
    what AWS makes by itself for something else, without any tag: it is whose that is.
    """

    spec: Spec
    outputs: Outputs = field(default_factory=dict)
    mark: Mark | None = None
    note: str = ""
    bare: bool = False


@dataclass(frozen=True, slots=True)
class Check:
    """One end-to-end proof of a blueprint: a probe, what is expected of it, and how long to keep trying."""

    probe: str
    arguments: Mapping[str, Any]
    expect: Mapping[str, Any]
    deadline_s: float = 30.0
    where: Location | None = None


@dataclass(frozen=True, slots=True)
class Stack:
    """A blueprint, read and checked, for one place."""

    place: Place
    resources: Mapping[Ref, Resource]
    description: str = ""
    outputs: Mapping[str, str] = field(default_factory=dict)
    checks: tuple[Check, ...] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)
    file: str = ""
    warnings: tuple[Problem, ...] = ()


class Verb(StrEnum):
    """What a resource kind can do on AWS."""

    READ = "read"
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    SEARCH = "search"


class Action(StrEnum):
    """What a plan does with one resource."""

    KEEP = "keep"
    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"
    RETAIN = "retain"


@dataclass(frozen=True, slots=True)
class Change:
    """One field that differs; `path` leads into nested fields. `before` is reality, `after` the wish."""

    path: tuple[str, ...]
    before: object
    after: object
    replaces: bool = False

    @property
    def field(self) -> str:
        return self.path[0]


@dataclass(frozen=True, slots=True)
class Step:
    """One action on one resource, with all that the executor needs for it.

    `needs` are steps of the same plan that must have ended first; but for deletions they are the resource's own needs.
    `outputs` are what is known already. `recorded` is the spec applied last, `reality` the one that was read.
    `absent` is True when a read said, now or before a first try that never ended, that nothing of that name exists:
    then what is there without a mark is ours. `falls` are the recorded resources inside this one that go with it.
    `loses_data` is True when running the step throws away something that holds a user's data. `traces` are as an
    Entry's.
    """

    action: Action
    ref: Ref
    name: str
    spec: Spec | None = None
    changes: tuple[Change, ...] = ()
    needs: frozenset[Ref] = frozenset()
    outputs: Outputs = field(default_factory=dict)
    inside: Ref | None = None
    where: Location | None = None
    reason: str = ""
    absent: bool = False
    loses_data: bool = False
    retain: bool = False
    recorded: Spec | None = None
    reality: Spec | None = None
    falls: tuple[Ref, ...] = ()
    traces: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be done, in an order-free form: a step starts when its own needs have ended."""

    place: Place
    steps: Mapping[Ref, Step]
    obstacles: tuple[Problem, ...] = ()
    """what is in the way and not ours: a plan with obstacles is never run"""
    notes: tuple[Problem, ...] = ()
    """what the user should know and nothing is done about"""
    amend: tuple[Step, ...] = ()
    """what only the journal must learn, before all steps: KEEP writes an entry down, DELETE forgets one"""

    @property
    def writes(self) -> tuple[Step, ...]:
        idle = (Action.KEEP, Action.RETAIN)
        return tuple(step for step in self.steps.values() if step.action not in idle)


class Status(StrEnum):
    """How a step ended."""

    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one step; `cause` is the step whose failure made this one be skipped."""

    step: Step
    status: Status
    outputs: Outputs = field(default_factory=dict)
    error: SlxError | None = None
    cause: Ref | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Report:
    """What came of a plan."""

    place: Place
    outcomes: Mapping[Ref, Outcome]
    seconds: float = 0.0
    outputs: Mapping[str, str] = field(default_factory=dict)

    def having(self, status: Status) -> tuple[Outcome, ...]:
        return tuple(o for o in self.outcomes.values() if o.status is status)

    @property
    def ok(self) -> bool:
        return all(o.status is Status.DONE for o in self.outcomes.values())


@dataclass(frozen=True, slots=True)
class Loss:
    """What a deletion would throw away: a count of things (`objects`, `items`, `messages`) and their bytes."""

    what: str
    count: int
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class Saved:
    """A copy of what a resource holds: so many things (`objects`, `items`) of so many bytes. `file` lists or holds
    them all; `sha256` is that file's. `without` says what of the resource is not in it."""

    what: str
    count: int
    bytes: int
    file: str
    sha256: str
    without: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """Something that exists on AWS and carries (or, by its name, should carry) a mark of slx. `since` is when it was
    made, where a list says that."""

    ref: Ref
    name: str
    mark: Mark | None
    outputs: Outputs = field(default_factory=dict)
    since: datetime | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Entry:
    """What is recorded of one resource. `spec` is what was applied last (secrets left out), None if never finished.

    `expected` is True when a create was begun after a read had found nothing: what exists under that name without
    any mark is ours. `needs` are its edges at that time, for teardown. `traces` are names of things inside it that
    steps which never ended may have put there, and which nothing but the record tells to be ours.
    """

    ref: Ref
    name: str
    spec: Spec | None = None
    outputs: Outputs = field(default_factory=dict)
    needs: frozenset[Ref] = frozenset()
    inside: Ref | None = None
    retain: bool = False
    expected: bool = False
    traces: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Record:
    """What the journal knows of a stack. `complete` is False when there is none or it was damaged: then AWS must
    be searched as well. `outputs`, `parameters` and `checks` are those of the last `up`; secrets are left out. `former`
    is what there was once."""

    entries: Mapping[Ref, Entry] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    checks: tuple[Check, ...] = ()
    blueprint: str = ""
    complete: bool = False
    former: frozenset[Ref] = frozenset()


class State(StrEnum):
    """How a resource compares with what was last applied."""

    IN_SYNC = "in sync"
    DRIFTED = "drifted"
    MISSING = "missing"
    FOREIGN = "foreign"


@dataclass(frozen=True, slots=True)
class ResourceState:
    """One resource of a stack as `status` shows it; `changes` lead from reality back to the wish."""

    ref: Ref
    name: str
    state: State
    changes: tuple[Change, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class StackState:
    """One stack as `status` shows it. `target` is where it lives (`local`, or account and region).

    `known` is False for a stack that was found by its marks alone, without any record of it; `whole` where its record
    may lack something: a run is under way, or was interrupted.
    """

    place: Place
    target: str
    resources: tuple[ResourceState, ...]
    outputs: Mapping[str, str] = field(default_factory=dict)
    known: bool = True
    whole: bool = True

    @property
    def ok(self) -> bool:
        return all(one.state is State.IN_SYNC for one in self.resources)


@dataclass(frozen=True, slots=True)
class Overview:
    """Stacks as they are. `looked` is how many things of each kind were found to carry a mark, where all of the
    account was searched; None where only what is recorded was read."""

    stacks: tuple[StackState, ...]
    looked: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Orphan:
    """A stack that exists and of which nothing is recorded here."""

    place: Place
    resources: tuple[Found, ...]

    @property
    def since(self) -> datetime | None:
        """When the oldest of what has a date was made."""
        return min((one.since for one in self.resources if one.since), default=None)


@dataclass(frozen=True, slots=True)
class Stray:
    """A single thing that belongs to a stack, and that the stack's record does not know, or that carries no mark."""

    place: Place | None
    found: Found
    why: str


@dataclass(frozen=True, slots=True)
class Orphans:
    """All that carries slx's mark in an account and region without a record; `looked` as in Overview."""

    stacks: tuple[Orphan, ...]
    strays: tuple[Stray, ...]
    looked: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What came of a check; `saw` is what was there instead, or proves that it passed. `skipped`: it was not run, for
    the lack of secrets that `saw` names, so that nothing is known."""

    check: Check
    ok: bool
    saw: str
    attempts: int
    seconds: float
    skipped: bool = False


@dataclass(frozen=True, slots=True)
class Sweep:
    """The proof after a teardown: what carries the stack's mark still, and how many of each kind were looked at.

    `unseen` are the kinds that the caller may not list, so that only what is recorded of them was looked at.
    """

    left: tuple[Found, ...]
    looked: Mapping[str, int]
    unseen: tuple[str, ...] = ()
