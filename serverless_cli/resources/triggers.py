"""`triggers:`, `on_failure` and `on_success` of a function: their keys, and the wiring that they stand for.

AWS facts (Lambda, SQS, DynamoDB, Kinesis and S3 developer guides; botocore's model):
- Buckets, topics and rules push: they need a statement in the function's policy. Queues and streams are polled by
  Lambda: the function's own role must be allowed to read them.
- A mapping of a stream begins at its oldest record (`TRIM_HORIZON`) or at whatever comes next (`LATEST`). It takes
  up to minutes until `LATEST` really polls, and what comes meanwhile is lost; so the default is the oldest.
- dynamodb:ListStreams can be granted on nothing but all (service authorization reference); so can kinesis:ListStreams,
  which is not needed. A table's stream gets a new ARN each time it is switched on: the role names all of the table's.
- The failures of asynchronous calls, and of stream batches, go to standard queues and topics only, never FIFO ones.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from serverless_cli.keys import Doc, Json, LateOk, OneOf, Range
from serverless_cli.model import Ref
from serverless_cli.names import arn, listener_rule_arn
from serverless_cli.records import dataclass
from serverless_cli.resources.base import Declared, Scope
from serverless_cli.wiring import Delivers, Grant, Invokes, Listens, Maps, Notifies, Statement, Subscribes, Wiring

SOURCES = ("bucket", "queue", "table", "stream", "topic", "schedule", "bus")
EVENTS = {
    "created": "s3:ObjectCreated:*",
    "removed": "s3:ObjectRemoved:*",
    "restored": "s3:ObjectRestore:*",
    "expired": "s3:LifecycleExpiration:*",
    "tagged": "s3:ObjectTagging:*",
}
"""the language's words for what S3 tells of; its own words are taken too"""

PRECISE = tuple(
    f"s3:{group}:{event}"
    for group, events in {
        "ObjectCreated": ("Put", "Post", "Copy", "CompleteMultipartUpload"),
        "ObjectRemoved": ("Delete", "DeleteMarkerCreated"),
        "ObjectRestore": ("Post", "Completed", "Delete"),
        "LifecycleExpiration": ("Delete", "DeleteMarkerCreated"),
        "ObjectTagging": ("Put", "Delete"),
        "ObjectAcl": ("Put",),
    }.items()
    for event in events
)
POSITIONS = {"oldest": "TRIM_HORIZON", "latest": "LATEST"}


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerKeys:
    """What calls a function: exactly one of bucket, queue, table, stream, topic, schedule, bus."""

    bucket: Annotated[str | None, Doc("The id of a bucket: called for what happens to its objects.")] = None
    queue: Annotated[str | None, Doc("The id of a queue: called with its messages.")] = None
    table: Annotated[str | None, Doc("The id of a table with a stream: called with its changes.")] = None
    stream: Annotated[str | None, Doc("The id of a stream: called with its records.")] = None
    topic: Annotated[str | None, Doc("The id of a topic: called with each message.")] = None
    schedule: Annotated[str | None, Doc("When to call it: `rate(5 minutes)`, `cron(0 8 * * ? *)`; UTC.")] = None
    bus: Annotated[str | None, Doc("The id of an event bus, or `default`: called with events that match.")] = None

    events: Annotated[
        tuple[Annotated[str, OneOf((*EVENTS, *EVENTS.values(), *PRECISE))], ...],
        Doc("bucket: what must happen; `created`, `removed`, `restored`, `expired`, `tagged`, or S3's own words."),
        Range(1),
    ] = ("created",)
    prefix: Annotated[str, Doc("bucket: how the keys of the objects begin."), Range(0, 1024)] = ""
    suffix: Annotated[str, Doc("bucket: how the keys of the objects end, such as `.jpg`."), Range(0, 1024)] = ""

    pattern: Annotated[Json | None, Doc("bus: the events that match, such as `{source: [shop]}`."), LateOk()] = None
    filter: Annotated[
        Json | None,
        Doc("topic: the filter policy on attributes; queue, table, stream: a list of patterns, one of which matches."),
    ] = None

    batch_size: Annotated[
        int | None, Doc("queue, table, stream: how many at once; 10 of a queue, 100 else."), Range(1, 10000)
    ] = None
    batch_window_s: Annotated[
        int, Doc("queue, table, stream: seconds to wait for a batch to fill."), Range(0, 300)
    ] = 0  # fmt: skip
    partial_failures: Annotated[
        bool, Doc("queue, table, stream: the function names the records that failed, and only these come again.")
    ] = False
    max_concurrency: Annotated[
        int | None, Doc("queue: how many calls it may cause at once."), Range(2, 1000)
    ] = None  # fmt: skip
    starting_position: Annotated[
        Literal["oldest", "latest"], Doc("table, stream: where the first reading begins.")
    ] = "oldest"  # fmt: skip
    retries: Annotated[
        int, Doc("table, stream: how often a failed batch is tried again; -1: until it is too old."), Range(-1, 10000)
    ] = -1
    max_age_s: Annotated[
        int, Doc("table, stream: seconds after which a record is given up (60 or more); -1: never."), Range(-1, 604800)
    ] = -1
    bisect: Annotated[bool, Doc("table, stream: halves a batch that failed, to find the bad record.")] = False
    parallel: Annotated[int, Doc("table, stream: calls at once for each shard."), Range(1, 10)] = 1
    on_failure: Annotated[
        str | None, Doc("table, stream: the id of a queue or topic that hears of batches that were given up.")
    ] = None
    enabled: Annotated[bool, Doc("queue, table, stream: false stops reading, and forgets nothing.")] = True

    allow_loop: Annotated[bool, Doc("The function may cause what calls it; nothing is said about it.")] = False

    @property
    def sources(self) -> tuple[str, ...]:
        """The source keys that were given; one, where the trigger is right."""
        return tuple(name for name in SOURCES if getattr(self, name) is not None)

    @property
    def names(self) -> str:
        """The id behind the source (of a schedule: when)."""
        return str(getattr(self, self.sources[0]))

    @property
    def what(self) -> tuple[str, ...]:
        """What must happen in the bucket, in S3's words, without what others of them include."""
        words = {EVENTS.get(event, event) for event in self.events}
        return tuple(sorted(word for word in words if not any(includes(other, word) for other in words - {word})))


@dataclass(frozen=True, slots=True, kw_only=True)
class DestinationKeys:
    """What becomes of asynchronous calls that fail."""

    to: Annotated[str | None, Doc("The id of a queue, topic, function or event bus, or `default`.")] = None
    retries: Annotated[int, Doc("How often a failed call is tried again."), Range(0, 2)] = 2
    max_age_s: Annotated[int, Doc("Seconds after which a call is given up."), Range(60, 21600)] = 21600


ENDS = {"queue": "sqs:SendMessage", "topic": "sns:Publish", "function": "lambda:InvokeFunction",
        "event-bus": "events:PutEvents"}  # fmt: skip
"""what results can be sent to -> the action that it takes"""


def includes(one: str, other: str) -> bool:
    """Whether S3's event `one` is also told of where `other` is asked for, as its wildcard."""
    return one.endswith(":*") and other.startswith(one.removesuffix("*"))


def ends(it: Declared[Any]) -> dict[str, str]:
    """The ids that results of asynchronous calls go to, by `on_failure` and `on_success`."""
    failure = it.keys.on_failure
    found = {
        "on_failure": failure.to if isinstance(failure, DestinationKeys) else failure,
        "on_success": it.keys.on_success,
    }
    return {name: id for name, id in found.items() if id}


def wire(it: Declared[Any], scope: Scope) -> Iterator[Wiring]:
    """All wiring of a function's triggers and destinations."""
    listeners, pushing = 0, set[str]()
    for number, one in enumerate(it.keys.triggers):
        if one.sources[0] in ("schedule", "bus"):
            # They count on their own, so that another kind of trigger before them does not rename their rules.
            listeners += 1
            yield from _listen(it, number, one, listeners, scope)
        elif one.sources[0] in _READS:
            yield from _map(it, number, one, scope)
        else:
            yield from _push(it, number, one, scope, again=one.names in pushing)
            pushing.add(one.names)
    yield from _deliver(it, scope)


def _listen(it: Declared[Any], number: int, one: TriggerKeys, listener: int, scope: Scope) -> Iterator[Wiring]:
    """A rule of its own for a schedule or pattern."""
    where, bus = it.line("triggers", number), one.bus or "default"
    yield Listens(it.id, listener, bus, one.pattern or "", one.schedule or "", where)
    name = scope.attribute(bus, "name") if scope.declared(bus) else bus
    rule = listener_rule_arn(scope.place, it.id, listener, name)
    yield Invokes(it.id, it.id, "events.amazonaws.com", rule, f"rule {listener}", where)


def _push(it: Declared[Any], number: int, one: TriggerKeys, scope: Scope, *, again: bool) -> Iterator[Wiring]:
    """What a bucket or topic tells the function; `again` says that it may call the function already."""
    where, own = it.line("triggers", number), scope.attribute(it.id, "arn")
    if one.bucket:
        yield Notifies(one.bucket, it.id, "function", own, one.what, one.prefix, one.suffix, where)
    else:
        yield Subscribes(one.names, it.id, "lambda", own, False, one.filter or "", where)
    if not again:
        principal = "s3.amazonaws.com" if one.bucket else "sns.amazonaws.com"
        yield Invokes(one.names, it.id, principal, scope.attribute(one.names, "arn"), "", where)


_READS = {
    "queue": ("sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"),
    "table": ("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"),
    "stream": ("kinesis:DescribeStream", "kinesis:DescribeStreamSummary", "kinesis:GetRecords",
               "kinesis:GetShardIterator", "kinesis:ListShards"),
}  # fmt: skip


def _map(it: Declared[Any], number: int, one: TriggerKeys, scope: Scope) -> Iterator[Wiring]:
    """What Lambda polls for the function, and what its role must be allowed for that."""
    kind, where = one.sources[0], it.line("triggers", number)
    source, own = (
        scope.attribute(one.names, "stream_arn" if kind == "table" else "arn"),
        scope.attribute(one.names, "arn"),
    )
    reads = f"{own}/stream/*" if kind == "table" else own
    yield Grant(it.id, Statement(_READS[kind], (reads,), reason=f"is triggered by {one.names}"), where)
    if kind == "table":
        lists = Statement(("dynamodb:ListStreams",), ("*",), reason=f"is triggered by {one.names}; it knows no ARNs")
        yield Grant(it.id, lists, where)
    settings: dict[str, object] = {
        "batch_size": one.batch_size or (10 if kind == "queue" else 100),
        "batch_window_s": one.batch_window_s,
        "filters": tuple(canonical(each) for each in json.loads(one.filter)) if one.filter else (),
        "partial_failures": one.partial_failures,
        "max_concurrency": one.max_concurrency,
        "enabled": one.enabled,
    }
    needs: tuple[Ref, ...] = ()
    if kind != "queue":
        settings |= {
            "starting_position": POSITIONS[one.starting_position], "retries": one.retries, "max_age_s": one.max_age_s,
            "bisect": one.bisect, "parallel": one.parallel,
        }  # fmt: skip
    if one.on_failure:
        settings["on_failure"], needs, statement = _end(one.on_failure, "failures", scope)
        yield Grant(it.id, statement, where)
    yield Maps(it.id, one.names, source, settings, frozenset(needs), where)


def _deliver(it: Declared[Any], scope: Scope) -> Iterator[Wiring]:
    """Where the results of asynchronous calls go."""
    failure = it.keys.on_failure
    if failure is None and it.keys.on_success is None:
        return
    limits = failure if isinstance(failure, DestinationKeys) else DestinationKeys()
    arns: dict[str, str] = {}
    needs: set[Ref] = set()
    for key, id in ends(it).items():
        arns[key], refs, statement = _end(id, key.replace("_", " "), scope)
        needs.update(refs)
        yield Grant(it.id, statement, it.line(key))
    where = it.line("on_failure" if failure else "on_success")
    success, end = arns.get("on_success", ""), arns.get("on_failure", "")
    yield Delivers(it.id, success, end, limits.retries, limits.max_age_s, frozenset(needs), where)


def _end(id: str, what: str, scope: Scope) -> tuple[str, tuple[Ref, ...], Statement]:
    """The ARN of what results are sent to, its resource, and the statement that it takes."""
    found = scope.declared(id)
    target = scope.attribute(id, "arn") if found else arn(scope.place, "events", "event-bus/default")
    statement = Statement((ENDS[found.type if found else "event-bus"],), (target,), reason=f"{what} go to {id}")
    return target, (Ref(found.type, id),) if found else (), statement


def canonical(value: object) -> str:
    """JSON as it is compared: keys sorted, no spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
