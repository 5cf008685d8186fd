"""What resources say to one another: nouns that one type's expansion emits and another kind weaves into resources.

So that an API can ask for an invoke permission, or a function for a role, without knowing how either is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from serverless_cli.errors import Location
from serverless_cli.model import Ref, Spec
from serverless_cli.records import dataclass

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


@dataclass(frozen=True, slots=True)
class Notifies(Wiring):
    """The bucket with the id `bucket` tells `target` (an ARN) of `events` (`s3:ObjectCreated:*`) on matching keys.

    `kind` is what the target is: `function`, `queue` or `topic`. `by` is the id that asks for it. The permission for
    it is asked for apart, by Invokes or Admits; it must be there before the notification is.
    """

    bucket: str
    by: str
    kind: str
    target: str
    events: tuple[str, ...]
    prefix: str = ""
    suffix: str = ""
    where: Location | None = None


@dataclass(frozen=True, slots=True)
class Maps(Wiring):
    """Lambda polls `source` (an ARN; the resource with the id `from_`) and calls the function with the id `function`.

    `settings` are those of the event source mapping, by the names of its spec; `needs` what else they name.
    """

    function: str
    from_: str
    source: str
    settings: Mapping[str, object] = field(default_factory=dict)
    needs: frozenset[Ref] = frozenset()
    where: Location | None = None


@dataclass(frozen=True, slots=True)
class Subscribes(Wiring):
    """`endpoint` hears of all that is published to the topic with the id `topic`. `protocol` is SNS's word for it.

    `by` tells several subscriptions of a topic apart; `filter` is the filter policy as canonical JSON, empty for none.
    """

    topic: str
    by: str
    protocol: str
    endpoint: str
    raw: bool = False
    filter: str = ""
    where: Location | None = None


@dataclass(frozen=True, slots=True)
class Admits(Wiring):
    """A statement in the resource policy of the queue or topic with the id `to`: `principal` (a service) may do
    `actions` on it when it acts for `source_arn`. `by` is the id that asks for it."""

    to: str
    by: str
    principal: str
    actions: tuple[str, ...]
    source_arn: str
    where: Location | None = None


@dataclass(frozen=True, slots=True)
class Listens(Wiring):
    """The function with the id `function` is called by a rule of its own: on `schedule`, or for events of the bus
    with the id `bus` (`default` is always there) that match `pattern` (canonical JSON). `number` tells several apart.
    """

    function: str
    number: int
    bus: str = "default"
    pattern: str = ""
    schedule: str = ""
    where: Location | None = None


@dataclass(frozen=True, slots=True)
class Delivers(Wiring):
    """What becomes of asynchronous calls of the function with the id `function`: tried `retries` times again within
    `max_age_s`, then reported to an ARN, empty for none. `needs` are the resources behind the ARNs."""

    function: str
    on_success: str = ""
    on_failure: str = ""
    retries: int = 2
    max_age_s: int = 21600
    needs: frozenset[Ref] = frozenset()
    where: Location | None = None


@dataclass(frozen=True, slots=True)
class Bundle(Spec):
    """What is packaged: a folder (empty: none) and requirements (`-r PATH` for a file's), resolved for a runtime, an
    architecture and what `wheels` of the Place says."""

    folder: str = ""
    requirements: tuple[str, ...] = ()
    runtime: str = ""
    architecture: str = ""
    wheels: str = ""


@dataclass(frozen=True, slots=True)
class Layers(Wiring):
    """A function wants the bundle as a layer; those with one id are one layer."""

    id: str
    bundle: Bundle
    where: Location | None = None
