"""EventBridge Pipes, each with its role: a stream or queue wired on to a target, without code.

AWS facts (EventBridge user guide, "Pipes sources", "targets", "batching", "permissions"; Pipes API reference):
- CreatePipe takes tags, answers 409 ConflictException for a name that is taken, and is asynchronous: CREATING, then
  RUNNING, STOPPED or CREATE_FAILED with a reason. So are UpdatePipe and DeletePipe; meanwhile others answer 409.
- Whether the role works is tried while the pipe is made: a policy of a moment ago makes it fail ("does not have
  permissions to call ReceiveMessage"). A pipe that failed so cannot be updated, only deleted.
- A batch may not be larger than the target's own: 10 for buses, queues and topics, 500 for streams. Functions and
  state machines get it as one list, also a batch of one.
- Standard state machines can only be started, not waited for.
- dynamodb:ListStreams can be granted on nothing but all (service authorization reference); so can kinesis:ListStreams,
  which is not needed. A table's stream gets a new ARN each time it is switched on: the role names all of the table's.
- From the oldest record on, a pipe misses nothing that is written while it is being made; LATEST begins minutes later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Annotated, Any, ClassVar, Literal

from serverless_cli.aws.calls import Aws, NotYet, Passing
from serverless_cli.errors import Problem, SlxError
from serverless_cli.eventbridge import pattern, template
from serverless_cli.keys import Doc, Json, Pattern, Range
from serverless_cli.model import Change, Found, Mark, Observed, Outputs, Place, Ref, Resource, Verb
from serverless_cli.names import NameRule, arn, role_arn, role_name
from serverless_cli.records import dataclass
from serverless_cli.resources import pipe_form as form
from serverless_cli.resources.base import Attribute, Declared, Here, Kind, Scope, Type, marked
from serverless_cli.resources.event_form import End, dead_letter_problems, end, end_problems, grants, located
from serverless_cli.resources.ownership import attempt, belongs, claim
from serverless_cli.resources.pipe_form import PipeSpec
from serverless_cli.wiring import Grant, Runs, Statement, Wiring

SERVICE = "pipes.amazonaws.com"
POSITIONS = {"oldest": "TRIM_HORIZON", "latest": "LATEST"}
SETTLE_S, ROLE_S = 300.0, 180.0
BUSY = ("CREATING", "UPDATING", "DELETING", "STARTING", "STOPPING")
MOST = {"event-bus": 10, "queue": 10, "topic": 10, "stream": 500, "delivery-stream": 500}
SOURCE_ACTIONS = {
    "table": ("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"),
    "queue": ("sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"),
    "stream": ("kinesis:DescribeStream", "kinesis:DescribeStreamSummary", "kinesis:GetRecords",
               "kinesis:GetShardIterator", "kinesis:ListShards"),
}  # fmt: skip
SPREAD = {"table": "$.eventID", "queue": "$.messageId", "stream": "$.partitionKey"}
"""what records are spread over the shards of a stream by, unless said otherwise"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PipeTargetKeys:
    """A target in its long form; texts may be a path into the record, such as `$.body.id`."""

    to: Annotated[
        str, Doc("The id of a bus, queue, topic, function, state machine, stream or delivery stream; or `default`.")
    ]
    source: Annotated[
        str | None,
        Doc("bus: the `source` of the events; the stack's name if left out."),
        Pattern(r"(?!aws\.).+", "a name that does not begin with aws."),
        Range(1, 256),
    ] = None
    detail_type: Annotated[
        str | None, Doc("bus: the `detail-type` of the events; the pipe's id if left out."), Range(1, 128)
    ] = None
    detail: Annotated[Json | None, Doc("bus: the `detail` of the events, with `<$.path>` for parts of the record.")] = (
        None
    )
    partition_key: Annotated[
        str | None, Doc("stream: what records are spread by; their own id or key if left out."), Range(1, 256)
    ] = None
    group: Annotated[str | None, Doc("queue: the message group; FIFO queues need one."), Range(1, 100)] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PipeKeys:
    """Takes records from a table's stream, a queue or a stream, and hands them on."""

    from_: Annotated[str, Doc("The id of a table with a stream, a queue, or a stream.")]
    to: Annotated[str | PipeTargetKeys, Doc("Where records go: the id of a resource, or more about it.")]
    filter: Annotated[
        tuple[Json, ...],
        Doc("Event patterns, one of which a record must match: `[{eventName: [INSERT]}]`."),
        Range(0, 5),
    ] = ()
    input: Annotated[
        Json | None, Doc("What the target gets, with `<$.dynamodb.NewImage.id.S>` for parts of the record.")
    ] = None
    batch_size: Annotated[
        int, Doc("How many records at once; 10 is the most that buses, queues and topics take."), Range(1, 10000)
    ] = 10
    batch_window_s: Annotated[int, Doc("Seconds to wait for a batch to fill."), Range(0, 300)] = 0
    starting_position: Annotated[
        Literal["oldest", "latest"] | None,
        Doc("table, stream: where the first reading begins; `oldest` if left out, so that nothing is missed."),
    ] = None
    retries: Annotated[
        int | None, Doc("table, stream: how often a failed batch is tried again; until it expires."), Range(0, 10000)
    ] = None
    max_age_s: Annotated[
        int | None, Doc("table, stream: seconds after which a record is given up; never."), Range(60, 604800)
    ] = None
    bisect: Annotated[bool, Doc("table, stream: halves a batch that failed, to find the bad record.")] = False
    on_failure: Annotated[
        str | None, Doc("table, stream: the id of a queue that hears of batches that were given up.")
    ] = None
    enabled: Annotated[bool, Doc("false stops it, and keeps it.")] = True
    description: Annotated[str, Doc("What it is for."), Range(0, 512)] = ""


def pipe_arn(place: Place, name: str) -> str:
    return arn(place, "pipes", f"pipe/{name}")


class PipeType(Type[PipeKeys]):
    type_name = "pipe"
    doc = "EventBridge pipe, and its role: a stream or queue wired on without code."
    keys = PipeKeys
    name_rule = NameRule(64, r"[.A-Za-z0-9_-]{1,64}", says="letters, digits, _ . and -")
    attributes: ClassVar[Mapping[str, Attribute]] = {
        "name": Attribute("The pipe's name.", lambda _, name: name),
        "arn": Attribute("The pipe's ARN.", pipe_arn),
    }

    def problems(self, it: Declared[PipeKeys], scope: Scope) -> Iterable[Problem]:
        keys, target = it.keys, _long(it.keys.to)
        source, to = scope.declared(keys.from_), end(scope, target.to)
        yield from _source_problems(it, source)
        yield from end_problems(f"the pipe {it.id}", target.to, to, target.group, it.line("to"))
        if to:
            yield from _target_problems(it, target, to)
        if source and source.id == target.to:
            why = "its records would go round in circles"
            yield Problem(f"the pipe {it.id} leads to where it comes from", why, where=it.line("to"))
        for number, one in enumerate(keys.filter):
            yield from located(pattern.check(one, pipe=True), it, "filter", number)
        if keys.input is not None and target.detail is not None:
            why = "the input of a bus is the detail of its events"
            yield Problem(
                f"the pipe {it.id} has both `input` and `detail`", why, "leave one of them out", it.line("input")
            )
        for path, value in ((("input",), keys.input), (("to", "detail"), target.detail)):
            if value is not None:
                yield from located(template.check(value, pipe=True), it, *path)
        if keys.on_failure:
            yield from dead_letter_problems(scope, keys.on_failure, "on_failure", it.line("on_failure"))

    def expand(self, it: Declared[PipeKeys], scope: Scope) -> Iterable[Resource | Wiring]:
        keys, ref, place = it.keys, Ref("pipe", it.id), scope.place
        source, target = scope.declared(keys.from_), _long(keys.to)
        to = end(scope, target.to)
        assert source is not None
        assert to is not None
        body = keys.input if target.detail is None else target.detail
        streams = source.type != "queue"
        dead = scope.attribute(keys.on_failure, "arn") if keys.on_failure else ""
        spec = PipeSpec(
            source=scope.attribute(source.id, "stream_arn" if source.type == "table" else "arn"),
            position=POSITIONS[keys.starting_position or "oldest"] if streams else "",
            target=to.arn,
            role=role_arn(place, role_name(place, it.id)),
            state=form.RUNNING if keys.enabled else form.STOPPED,
            description=keys.description,
            filters=keys.filter,
            template=template.template(body) if body is not None else "",
            parameters=_parameters(it, target, to, source.type, scope),
            batch_size=keys.batch_size,
            batch_window_s=keys.batch_window_s,
            retries=form.ENDLESS if keys.retries is None else keys.retries,
            max_age_s=form.ENDLESS if keys.max_age_s is None else keys.max_age_s,
            bisect=keys.bisect,
            dead_letter=dead,
        )
        failures = {Ref("queue", keys.on_failure)} if keys.on_failure else set()
        needs = {Ref("role", it.id), Ref(source.type, source.id), *to.needs, *failures}
        yield Resource(ref, it.name, spec, frozenset(needs), where=it.where, retain=it.retain)
        own = scope.attribute(source.id, "arn")
        reads = f"{own}/stream/*" if source.type == "table" else own
        takes = [Statement(SOURCE_ACTIONS[source.type], (reads,), reason=f"takes records from {source.id}")]
        if source.type == "table":
            why = f"takes records from {source.id}, by an action that knows no ARNs"
            takes.append(Statement(("dynamodb:ListStreams",), ("*",), reason=why))
        yield Runs(it.id, ref, SERVICE, tuple(takes), it.where)
        for one in grants(scope, to):
            yield Grant(it.id, replace(one, reason=f"leads to {to.id}"), it.line("to"))
        if dead:
            gives_up = Statement(("sqs:SendMessage",), (dead,), reason=f"reports failures to {keys.on_failure}")
            yield Grant(it.id, gives_up, it.line("on_failure"))


def _long(one: str | PipeTargetKeys) -> PipeTargetKeys:
    return PipeTargetKeys(to=one) if isinstance(one, str) else one


def _source_problems(it: Declared[PipeKeys], source: Declared[Any] | None) -> Iterator[Problem]:
    keys, where = it.keys, it.line("from")
    if source is None or source.type not in SOURCE_ACTIONS:
        what = f"a {source.type}" if source else "no resource"
        why = "it takes records from a table with a stream, a queue, or a stream"
        yield Problem(f"the pipe {it.id} comes from {keys.from_}, {what}", why, where=where)
    elif source.type == "table" and not source.existing and not source.keys.stream:
        why = "a pipe reads the stream of a table, which tells of each change"
        hint = f"give {source.id} a stream, such as `stream: new`"
        yield Problem(f"the pipe {it.id} comes from the table {source.id}, which has no stream", why, hint, where)
    elif source.type == "queue":
        yield from _queue_problems(it, source)


def _queue_problems(it: Declared[PipeKeys], source: Declared[Any]) -> Iterator[Problem]:
    keys = it.keys
    for name in ("starting_position", "retries", "max_age_s", "bisect", "on_failure"):
        if getattr(keys, name) not in (None, False):
            hint = f"give {source.id} a `dead_letter`" if name != "starting_position" else ""
            yield Problem(f"`{name}` is for tables and streams", f"{source.id} is a queue", hint, it.line(name))
    fifo = source.name.endswith(".fifo") if source.existing else source.keys.fifo
    if fifo and (keys.batch_size > 10 or keys.batch_window_s):
        what = "batches of more than 10" if keys.batch_size > 10 else "a batch window"
        key = "batch_size" if keys.batch_size > 10 else "batch_window_s"
        yield Problem(f"{what} from the FIFO queue {source.id}", "SQS does not gather those", where=it.line(key))
    elif keys.batch_size > 10 and not keys.batch_window_s:
        why = "SQS hands out 10 at once; more must be gathered"
        hint = "set `batch_window_s` to 1 or more"
        yield Problem(f"batches of {keys.batch_size} from the queue {source.id}", why, hint, it.line("batch_size"))


def _target_problems(it: Declared[PipeKeys], target: PipeTargetKeys, to: End) -> Iterator[Problem]:
    for name, type in (("source", "event-bus"), ("detail_type", "event-bus"), ("detail", "event-bus"),
                       ("partition_key", "stream")):  # fmt: skip
        if getattr(target, name) is not None and to.type != type:
            yield Problem(f"`{name}` for {to.id} ({to.type})", f"it is for the type {type}", where=it.line("to", name))
    most = MOST.get(to.type, 10000)
    if it.keys.batch_size > most:
        why = f"the type {to.type} takes {most} at once, and a pipe may not take more than that"
        yield Problem(f"batches of {it.keys.batch_size} to {to.id}", why, where=it.line("batch_size"))


def _parameters(it: Declared[PipeKeys], target: PipeTargetKeys, to: End, source: str, scope: Scope) -> dict[str, str]:
    """What the target takes of its own, by AWS's names."""
    if to.type == "event-bus":
        return {"Source": target.source or scope.place.stack, "DetailType": target.detail_type or it.id}
    if to.type == "stream":
        return {"PartitionKey": target.partition_key or SPREAD[source]}
    if to.type == "queue":
        return {"MessageGroupId": target.group} if target.group else {}
    kinds = {"function": "REQUEST_RESPONSE", "state-machine": "FIRE_AND_FORGET"}
    return {"InvocationType": kinds[to.type]} if to.type in kinds else {}


class PipeKind(Kind[PipeSpec]):
    kind = "pipe"
    doc = "EventBridge pipe"
    spec = PipeSpec
    create_only = frozenset({"source", "position"})
    rank = 10
    permissions: ClassVar[Mapping[Verb, tuple[str, ...]]] = {
        Verb.READ: ("pipes:DescribePipe",),
        Verb.CREATE: ("pipes:CreatePipe", "pipes:TagResource", "pipes:DescribePipe", "pipes:UpdatePipe",
                      "pipes:DeletePipe", "iam:PassRole"),
        Verb.UPDATE: ("pipes:UpdatePipe", "pipes:TagResource", "pipes:DescribePipe", "pipes:CreatePipe",
                      "pipes:DeletePipe", "iam:PassRole"),
        Verb.DELETE: ("pipes:DeletePipe", "pipes:DescribePipe"),
        Verb.SEARCH: ("pipes:ListPipes", "pipes:ListTagsForResource"),
    }  # fmt: skip

    def read(self, aws: Aws, here: Here) -> Observed | None:
        found = aws.find("pipes.DescribePipe", Name=here.name)
        if found is None or found.get("CurrentState") == "DELETING":
            return None
        failed = str(found.get("CurrentState")).endswith("_FAILED")
        note = str(found.get("StateReason") or "") if failed else ""
        known = here.wish or here.recorded
        spec = form.read(found, known if isinstance(known, PipeSpec) else None)
        return Observed(spec, {"arn": str(found["Arn"])}, Mark.of(found.get("Tags") or {}), note)

    def create(self, aws: Aws, here: Here, spec: PipeSpec) -> Outputs:
        def make() -> bool:
            made = attempt(
                aws,
                "pipes.CreatePipe",
                "ConflictException",
                Name=here.name,
                Tags=here.mark.tags,
                **form.written(spec, create=True),
            )
            if made is None and not _settled(aws, here):
                raise NotYet("DELETING")
            return made is not None

        if not _until_it_works(aws, here, make):
            found = claim(here, self.read(aws, here))
            if found is None:
                raise SlxError(f"pipe {here.name} vanished while it was being made", hint="run the same command again")
            return self._converge(aws, here, spec, found)
        return {"arn": pipe_arn(here.place, here.name)}

    def _converge(self, aws: Aws, here: Here, spec: PipeSpec, found: Observed) -> Outputs:
        """Brings a pipe that an earlier attempt left to the wish."""
        marks = (Change(("mark",), None, here.mark),) if found.mark is None else ()
        assert isinstance(found.spec, PipeSpec)
        return self.update(aws, here, spec, (*marks, Change(("state",), found.spec.state, spec.state)))

    def update(self, aws: Aws, here: Here, spec: PipeSpec, changes: tuple[Change, ...]) -> Outputs:
        own, fields = pipe_arn(here.place, here.name), {change.field: change for change in changes}
        if "mark" in fields:
            aws.call("pipes.TagResource", resourceArn=own, tags=here.mark.tags)
        if fields.keys() == {"mark"}:
            return {"arn": own}
        if "state" in fields and str(fields["state"].before).startswith(("CREATE_", "DELETE_")):
            # It never came into being: AWS takes nothing but its deletion.
            self.delete(aws, here)
            return self.create(aws, here, spec)

        def change() -> bool:
            settings = form.written(spec, create=False)
            aws.call("pipes.UpdatePipe", passing=(Passing("ConflictException"),), Name=here.name, **settings)
            return True

        _settled(aws, here)
        _until_it_works(aws, here, change)
        return {"arn": own}

    def delete(self, aws: Aws, here: Here) -> None:
        if not _settled(aws, here):
            return
        aws.remove("pipes.DeletePipe", passing=(Passing("ConflictException"),), Name=here.name)
        if left := _settled(aws, here):
            raise SlxError(
                f"pipe {here.name} could not be deleted", str(left.get("StateReason") or left["CurrentState"])
            )

    def search(self, aws: Aws, place: Place | None) -> Iterator[Found]:
        prefix = {"NamePrefix": f"{place.stack}-{place.stage}-"} if place else {}
        pipes = aws.pages("pipes.ListPipes", "Pipes", **prefix)

        def tags(one: Any) -> Mapping[str, str] | None:
            return (aws.find("pipes.ListTagsForResource", resourceArn=one["Arn"]) or {}).get("tags")

        for one, mark in marked(aws, pipes, tags):
            if mark and belongs(mark, place):
                yield Found(Ref("pipe", mark.id), one["Name"], mark)


def _settled(aws: Aws, here: Here) -> dict[str, Any]:
    """The pipe once nothing is going on with it; empty when it is gone."""

    def ask() -> dict[str, Any]:
        found = aws.find("pipes.DescribePipe", Name=here.name) or {}
        if found.get("CurrentState") in BUSY:
            raise NotYet(found["CurrentState"])
        return found

    return aws.wait(f"pipe {here.name} to settle", ask, deadline_s=SETTLE_S)


def _until_it_works(aws: Aws, here: Here, send: Callable[[], bool]) -> bool:
    """Sends, and again while the pipe fails for want of rights that its role has been given a moment ago; a pipe that
    was not made for that is removed in between. False when `send` found the name taken.

    Raises SlxError with AWS's reason when it failed for another.
    """

    def ask() -> bool:
        if not send():
            return False
        found = _settled(aws, here)
        state, reason = str(found.get("CurrentState") or ""), str(found.get("StateReason") or "")
        if not state.endswith("_FAILED"):
            return True
        if not any(word in reason.lower() for word in ("permission", "authoriz", "role", "sending message")):
            raise SlxError(f"pipe {here.name} does not work", f"{reason or 'AWS does not say why'} ({state})")
        if state.startswith("CREATE_"):
            aws.remove("pipes.DeletePipe", Name=here.name)
            _settled(aws, here)
        raise NotYet(f"{state}: {reason}")

    return aws.wait(f"pipe {here.name} to work under its role", ask, deadline_s=ROLE_S)
