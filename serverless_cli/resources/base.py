"""The contract of a resource type: what a user may write (Type) and what a plan is made of (Kind).

A Type's expansion is pure: keys in, resources and wiring out. A Kind has four verbs on AWS and a search.
One file defines a type together with the kind of the same name; wiring between two resources is a Kind of its own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field, replace
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from serverless_cli.aws.calls import Aws
from serverless_cli.errors import Location, Problem, SlxError
from serverless_cli.model import (
    Change,
    Found,
    Loss,
    Mark,
    Observed,
    Outputs,
    Place,
    Ref,
    Resource,
    Saved,
    Spec,
    Verb,
)
from serverless_cli.names import NameRule
from serverless_cli.records import dataclass
from serverless_cli.wiring import Statement, Wiring

K = TypeVar("K")
S = TypeVar("S", bound=Spec)
T = TypeVar("T")
W = TypeVar("W", bound=Wiring)


class Unsure(Exception):  # noqa: N818 - a signal
    """Somebody asked about something that is broken; whatever they would say about it is not worth saying."""


def apart(*parts: Iterable[Problem]) -> Iterator[Problem]:
    """What each of the parts says: one that asks about something broken says no more, and keeps no other from it."""
    for part in parts:
        try:
            yield from part
        except Unsure:
            continue


@dataclass(frozen=True, slots=True)
class Attribute:
    """What `${id.attribute}` gives. `predict` computes it from place and physical name; None: AWS hands it out,
    as the output of the same name of the resource's kind, and naming it makes a dependency. `ours`: the prediction
    holds only for what slx made itself; of something `existing`, AWS says it (the ARN of a role with a path)."""

    doc: str
    predict: Callable[[Place, str], str] | None = None
    ours: bool = False


@dataclass(frozen=True, slots=True)
class Declared(Generic[K]):
    """A resource as the user wrote it, checked and with references resolved.

    `at` gives the place in the file of each key by its path (`("routes", "GET /hello")`); `folder` is the blueprint's.
    """

    id: str
    type: str
    keys: K
    name: str
    where: Location
    at: Mapping[tuple[str | int, ...], Location]
    folder: Path
    retain: bool = False
    existing: bool = False
    depends_on: tuple[str, ...] = ()

    def line(self, *path: str | int) -> Location:
        """Where a key stands; the nearest known parent where the key itself was left out."""
        while path and path not in self.at:
            path = path[:-1]
        return self.at.get(path, self.where)

    def written(self, problem: Problem) -> Problem:
        """The problem, with its file named from where the blueprint is, as the blueprint itself is named."""
        where, root = problem.where, self.folder.resolve()
        if where is None or not Path(where.file).is_relative_to(root):
            return problem
        file = Path(self.where.file).parent / Path(where.file).relative_to(root)
        return replace(problem, where=replace(where, file=str(file)))


class Scope(Protocol):
    """What an expansion may look at: the place, and the other resources of the blueprint."""

    @property
    def place(self) -> Place: ...

    def declared(self, id: str) -> Declared[Any] | None:
        """The resource with that id, or None."""

    def every(self) -> Iterable[Declared[Any]]:
        """All resources in the file's order, but for those that are wrong."""

    def attribute(self, id: str, attribute: str) -> str:
        """The value of `${id.attribute}`: a text, or a Late one where AWS hands it out."""

    def grants(self, id: str, verb: str, prefix: str = "") -> tuple[Statement, ...]:
        """The statements that let somebody `verb` (read, write, send ...) the resource with that id; a prefix narrows
        them to a part of it. None where it has no such verb or no such parts."""


class Type(ABC, Generic[K]):
    """A type of the blueprint language."""

    type_name: ClassVar[str]
    doc: ClassVar[str]
    keys: type[K]
    name_rule: ClassVar[NameRule]
    attributes: ClassVar[Mapping[str, Attribute]]
    grants: ClassVar[Mapping[str, Callable[[str], tuple[Statement, ...]]]] = {}
    """verb of `access:` -> from the resource's ARN to the statements that it takes"""
    narrow: ClassVar[Mapping[str, Callable[[str, str], tuple[Statement, ...]]]] = {}
    """as `grants`, for a part of the resource: from its ARN and a prefix"""

    def rule(self, given: Mapping[str, object]) -> NameRule:
        """How names are formed where a key decides (FIFO queues); `given` has single values as written."""
        return self.name_rule

    @abstractmethod
    def expand(self, it: Declared[K], scope: Scope) -> Iterable[Resource | Wiring]:
        """The resources and wiring that a declaration stands for; the first resource has the type's own kind and id."""

    def problems(self, it: Declared[K], scope: Scope) -> Iterable[Problem]:
        """What is wrong with a declaration beyond what its keys' declarations say (files, wiring, combinations); a
        Doubt counts as a warning.

        Asking for a key that is wrong, or about another resource that is, raises Unsure: what does not need that is
        said `apart`.
        """
        return ()

    def warnings(self, it: Declared[K], scope: Scope) -> Iterable[Problem]:
        """What AWS takes, and the user should know of all the same."""
        return ()


class Weaver(ABC, Generic[W]):
    """Makes resources out of all wiring of one class in a blueprint."""

    takes: type[W]

    @abstractmethod
    def weave(self, wiring: tuple[W, ...], every: tuple[Wiring, ...], scope: Scope) -> Iterable[Resource]:
        """The resources for all pieces of `takes`; `every` is all wiring, to collect from several classes."""

    def problems(self, wiring: tuple[W, ...], scope: Scope) -> Iterable[Problem]:
        """What AWS cannot do of the wiring, whoever asks for it."""
        return ()

    def warnings(self, wiring: tuple[W, ...], scope: Scope) -> Iterable[Problem]:
        """What AWS takes of the wiring, and the user should know of all the same."""
        return ()

    def flaws(self, woven: Resource) -> Iterable[Problem]:
        """What is wrong with a resource that it made, which only all wiring together shows."""
        return ()


def _unheard(_: Outputs) -> None:
    """Nobody waits for it."""


@dataclass(frozen=True, slots=True)
class Here:
    """What a verb needs to know about the one resource it works on.

    `outputs` are the ids that were recorded or observed. `wish` is what should be, `recorded` what was applied last;
    either may be None. `expected` is True when the journal says that we were about to create it after a read
    had found nothing: then something of that name without a mark is ours. `retain` is what its mark is to say of
    that; None leaves what it says. `fresh` is True when a read of this very run has found nothing: then `create` need
    not look for what an earlier attempt left. `ready` may be called by `create`, once, with its outputs: what others
    need of the resource is there, and kinds that name its kind in `needs_only_ready` may begin. `again` is True when
    `delete` makes room for a new one of the same name. `traces` are what steps that never ended may have left inside.
    """

    ref: Ref
    name: str
    place: Place
    outputs: Outputs = field(default_factory=dict)
    wish: Spec | None = None
    recorded: Spec | None = None
    expected: bool = False
    retain: bool | None = None
    fresh: bool = False
    again: bool = False
    traces: tuple[str, ...] = ()
    ready: Callable[[Outputs], None] = field(default=_unheard, compare=False, repr=False)

    @property
    def mark(self) -> Mark:
        return Mark(self.place.stack, self.place.stage, self.place.region, self.ref.id, self.retain)


class Kind(ABC, Generic[S]):
    """A kind of resource on AWS: its spec and the verbs on it. Instances have no state."""

    kind: ClassVar[str]
    doc: ClassVar[str]
    spec: type[S]
    create_only: ClassVar[frozenset[str]] = frozenset()
    """fields of the spec that AWS cannot change in place"""
    marked: ClassVar[bool] = True
    """carries tags; if not, ownership is that of the resource it is inside, and of its recorded name"""
    data: ClassVar[bool] = False
    """holds what cannot be made again: deleting or replacing it needs the user's word"""
    can_save: ClassVar[bool] = False
    """what it holds can be copied into files; to receive a message, for one, would count as a try to handle it"""
    adopts_bare: ClassVar[bool] = False
    """an unmarked thing of that name is ours if the resource that it serves is (a log group that Lambda made again)"""
    renames: ClassVar[bool] = False
    """AWS knows it by an id: its name is a label, another name is no other thing"""
    rank: ClassVar[int] = 50
    """order of teardown where no needs are recorded, lower first: triggers, APIs 10, mappings 20, permissions 30,
    functions 50, buckets 60, tables, queues 70, roles 80, log groups 90"""
    after: ClassVar[frozenset[str]] = frozenset()
    """kinds that AWS holds against its deletion (a bus with rules), or that are orphaned by it (a function's mappings):
    `down` looks for these before it removes anything"""
    needs_only_ready: ClassVar[frozenset[str]] = frozenset()
    """kinds that need not be finished, only ready, for what needs them to be made or changed"""
    volatile: ClassVar[frozenset[str]] = frozenset()
    """outputs that an update may change (a table's stream): what names them waits for the update"""
    permissions: ClassVar[Mapping[Verb, tuple[str, ...]]]
    """IAM actions by verb"""

    @abstractmethod
    def read(self, aws: Aws, here: Here) -> Observed | None:
        """The resource as it is, in the same form as the wish; None when it does not exist."""

    def exists(self, aws: Aws, here: Here) -> Observed | None:
        """As `read`, as far as it says that the resource is there and whose it is; the spec may say nothing.

        Where `read` takes several calls, one is enough for this.
        """
        return self.read(aws, here)

    @abstractmethod
    def create(self, aws: Aws, here: Here, spec: S) -> Outputs:
        """Makes it. Run twice, or after an answer was lost, it ends with one resource, ours.

        Raises ForeignError when somebody else's is in the way.
        """

    @abstractmethod
    def update(self, aws: Aws, here: Here, spec: S, changes: tuple[Change, ...]) -> Outputs:
        """Changes what the changes name to what `spec` says; returns all outputs."""

    @abstractmethod
    def delete(self, aws: Aws, here: Here) -> None:
        """Removes it, and where its name is used `again` waits until it is gone; gone is success."""

    @abstractmethod
    def search(self, aws: Aws, place: Place | None) -> Iterator[Found]:
        """All of this kind that carry the mark of the place's stack; with None, of any stack of slx."""

    def prepare(self, spec: S) -> S:
        """Fills in what takes a look at local files (digests, packages); called again once Late values are known."""
        return spec

    def traces(self, spec: S, recorded: S | None) -> Iterable[str]:
        """Names of what `create` or `update` may put inside it that `recorded` does not have, where nothing but the
        record tells that it is ours: `read` gets them back as `here.traces` if the step never ends."""
        return ()

    def preflight(self, aws: Aws, here: Here, spec: S) -> Iterable[Problem]:
        """What would make the wish fail half-way and can be seen before any write; reads only."""
        return ()

    def outlived(self, name: str, spec: S, need: Ref) -> Iterable[Problem]:
        """What to know where this exists, and what it needs was gone and is made anew: AWS may remember the old one."""
        return ()

    def loss(self, aws: Aws, here: Here) -> Iterable[Loss]:
        """What deleting it would throw away, counted."""
        return ()

    def hindrances(self, aws: Aws, here: Here) -> Iterable[Problem]:
        """What would make its deletion fail and can be seen before anything is deleted; reads only."""
        return ()

    def loose_ends(self, aws: Aws, here: Here) -> Iterable[Problem]:
        """What of somebody else's goes with it, or is left pointing at nothing; reads only."""
        return ()

    def save(self, aws: Aws, here: Here, folder: Path, saved: Callable[[int, int], None]) -> Saved:
        """Copies what it holds, whole and proven, into a folder that is empty; only where it `can_save`.

        `saved` is told of each piece: how many things, how many bytes. Raises SlxError where the copy cannot be whole.
        """
        raise SlxError(f"what a {self.kind} holds cannot be saved")

    def hold(self, aws: Aws, here: Here, spec: S, changes: tuple[Change, ...], folder: Path) -> S:
        """The spec as it was read, with what it takes to apply it again after these `changes` (none: after a
        deletion); files are kept in `folder`. Reads only.

        Raises SlxError when nobody can bring it back.
        """
        return spec

    def lane(self, here: Here) -> str:
        """Steps of the same lane never run at once (statements of one function's policy); empty: no such limit."""
        return ""


def paired(tags: Iterable[Mapping[str, str]] | None) -> dict[str, str]:
    """Tags as a mapping, where a service lists them as keys and values."""
    return {tag["Key"]: tag.get("Value", "") for tag in tags or ()}


def marked(
    aws: Aws, items: Iterable[T], tags: Callable[[T], Mapping[str, str] | None]
) -> Iterator[tuple[T, Mark | None]]:
    """Each item with the mark in its tags, which are asked for of all items at once."""
    every = list(items)
    return zip(every, aws.map(lambda one: Mark.of(tags(one) or {}), every), strict=True)


def together(aws: Aws, asks: Iterable[Callable[[], Any]]) -> list[Any]:
    """The answers of several independent calls, made at once; in the order given."""
    return aws.map(lambda ask: ask(), asks)
