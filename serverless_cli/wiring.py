"""What resources say to one another: nouns that one type's expansion emits and another kind weaves into resources.

So that an API can ask for an invoke permission, or a function for a role, without knowing how either is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from serverless_cli.errors import Location
from serverless_cli.model import Ref, Spec

RETENTION_DAYS = (
    1,
    3,
    5,
    7,
    14,
    30,
    60,
    90,
    120,
    150,
    180,
    365,
    400,
    545,
    731,
    1096,
    1827,
    2192,
    2557,
    2922,
    3288,
    3653,
)
"""The only numbers of days for which CloudWatch keeps logs."""


@dataclass(frozen=True, slots=True)
class Statement(Spec):
    """One statement of an IAM policy, in canonical form: sorted actions and resources, each a tuple.

    `condition` is operator -> key -> values. `reason` says what in the blueprint asks for it; AWS does not keep it.
    """

    actions: tuple[str, ...]
    resources: tuple[str, ...]
    condition: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    effect: str = "Allow"
    reason: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Wiring:
    """Base of all wiring. `where` is the blueprint's line that asks for it."""


@dataclass(frozen=True, slots=True)
class Runs(Wiring):
    """`owner` (an id) works under a role of its own that `service` may assume; grants to it are collected.

    `subject` is the ref of the resource that uses the role.
    """

    owner: str
    subject: Ref
    service: str
    statements: tuple[Statement, ...] = ()
    where: Location | None = None


@dataclass(frozen=True, slots=True)
class Grant(Wiring):
    """The role of `owner` may do what the statement says."""

    owner: str
    statement: Statement
    where: Location | None = None


@dataclass(frozen=True, slots=True)
class Logs(Wiring):
    """`owner` writes to the log group `name`; it is made before and deleted after `subject`. None keeps for ever."""

    owner: str
    subject: Ref
    name: str
    retention_days: int | None
    where: Location | None = None


@dataclass(frozen=True, slots=True)
class Invokes(Wiring):
    """`by` (an id) may call the function with the id `function`: a statement in that function's policy.

    `topic` tells several statements of one caller apart (a route's key). `source_arn` narrows the caller, `needs`
    are the resources that it names.
    """

    by: str
    function: str
    principal: str
    source_arn: str
    topic: str = ""
    where: Location | None = None


@dataclass(frozen=True, slots=True)
class Uploads(Wiring):
    """The files of `folder` (an absolute path) go into the bucket with the id `bucket` and that name.

    `fill` replaces `{{NAME}}` in text files, `cache` is Cache-Control by file pattern.
    """

    bucket: str
    name: str
    folder: str
    public: bool
    fill: Mapping[str, str] = field(default_factory=dict)
    cache: Mapping[str, str] = field(default_factory=dict)
    retain: bool = False
    where: Location | None = None
