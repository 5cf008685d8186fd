"""EventBridge rules with their targets: on a bus by a pattern, or on the default bus by a schedule.

AWS facts (EventBridge user guide; botocore's model; the tools that code against them):
- PutRule makes or replaces: also somebody else's rule of that name, so it looks first. What a call leaves out is
  cleared; tags count only for a rule that is new.
- PutTargets and RemoveTargets answer 200 with FailedEntryCount when entries failed.
- Schedules are for the default bus only. A rule has at most five targets.
- A call without EventBusName is about the default bus, whatever was meant.
- Functions, queues and topics let the rule in by policies of their own, which are not checked when a target is put:
  what lacks one loses events silently. All other targets are sent to under a role.
- DeleteRule is 200 for a rule that is gone, and refuses one with targets, for a moment also after they were removed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Annotated, Any, ClassVar

from serverless_cli.aws.calls import Aws, NotYet
from serverless_cli.diff import changes as differences
from serverless_cli.errors import Location, Problem, SlxError
from serverless_cli.eventbridge import pattern, schedule, template
from serverless_cli.keys import Doc, Json, LateOk, Pattern, Range
from serverless_cli.model import Change, Found, Late, Mark, Observed, Outputs, Place, Ref, Resource, Verb
from serverless_cli.names import NameRule, digest, listener_rule_name, role_arn, role_name
from serverless_cli.records import dataclass
from serverless_cli.resources import rule_form as form
from serverless_cli.resources.base import (
    Attribute,
    Declared,
    Here,
    Kind,
    Scope,
    Type,
    Weaver,
    apart,
    marked,
    paired,
    together,
)
from serverless_cli.resources.event_form import (
    DEFAULT_BUS,
    End,
    dead_letter_problems,
    end,
    end_problems,
    grants,
    located,
    rule_arn,
    rule_name,
)
from serverless_cli.resources.ownership import belongs, claim
from serverless_cli.resources.rule_form import PREFIX, RuleSpec, Target, canonical
from serverless_cli.wiring import Admits, Grant, Invokes, Listens, Runs, Wiring

SERVICE = "events.amazonaws.com"
SEND = {"queue": "sqs:SendMessage", "topic": "sns:Publish"}
PASSING = ("ConcurrentModificationException", "InternalException", "InternalFailure", "ThrottlingException")
SETTLE_S = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleTargetKeys:
    """A target in its long form."""

    to: Annotated[
        str, Doc("The id of a function, queue, topic, state machine, stream, delivery stream or bus; or `default`.")
    ]
    input: Annotated[Json | None, Doc("What the target gets instead of the event."), LateOk()] = None
    input_path: Annotated[
        str | None,
        Doc("The part of the event that the target gets, such as `$.detail`."),
        Pattern(template.PATH, "a path such as $.detail"),
        Range(1, 256),
    ] = None
    template: Annotated[Json | None, Doc("What the target gets, with `<$.detail.id>` for parts of the event.")] = None
    partition_key: Annotated[
        str | None,
        Doc("stream: the path of what records are spread by; the event's id if left out."),
        Pattern(template.PATH, "a path such as $.detail.id"),
        Range(1, 256),
    ] = None
    group: Annotated[str | None, Doc("queue: the message group; FIFO queues need one."), Range(1, 100)] = None
    retries: Annotated[int, Doc("How often an event that failed is tried again."), Range(0, form.RETRIES)] = (
        form.RETRIES
    )
    max_age_s: Annotated[int, Doc("Seconds after which an event is given up."), Range(60, form.AGE_S)] = form.AGE_S
    dead_letter: Annotated[str | None, Doc("The id of a queue for events that were given up.")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleKeys:
    """Sends events that match, or one at each time of a schedule, to targets."""

    targets: Annotated[
        tuple[str | RuleTargetKeys, ...], Doc("Where events go: ids of resources, or more about each."), Range(1, 5)
    ]
    bus: Annotated[str, Doc("The id of an event bus, or `default`.")] = DEFAULT_BUS
    pattern: Annotated[Json | None, Doc("The events that match, such as `{source: [shop]}`."), LateOk()] = None
    schedule: Annotated[str | None, Doc("When it runs: `rate(5 minutes)`, `cron(0 8 * * ? *)`; UTC.")] = None
    enabled: Annotated[bool, Doc("false stops it, and keeps it.")] = True
    description: Annotated[str, Doc("What it is for."), Range(0, 512)] = ""


class RuleType(Type[RuleKeys]):
    type_name = "rule"
    doc = "EventBridge rule: from events or a schedule to targets."
    keys = RuleKeys
    name_rule = NameRule(64, r"[.A-Za-z0-9_-]{1,64}", says="letters, digits, _ . and -")
    attributes: ClassVar[Mapping[str, Attribute]] = {
        "name": Attribute("The rule's name.", lambda _, name: name),
        # It names the bus, which the rule's own name does not tell.
        "arn": Attribute("The rule's ARN."),
    }

    def problems(self, it: Declared[RuleKeys], scope: Scope) -> Iterable[Problem]:
        yield from apart(self._bus_problems(it, scope), self._start_problems(it), self._ends_problems(it, scope))

    def _bus_problems(self, it: Declared[RuleKeys], scope: Scope) -> Iterable[Problem]:
        keys = it.keys
        bus = scope.declared(keys.bus) if keys.bus != DEFAULT_BUS else None
        if keys.bus != DEFAULT_BUS and (bus is None or bus.type != "event-bus"):
            why = "it wants the id of an `event-bus`, or `default`"
            yield Problem(f"`bus` names {keys.bus}, which is no event bus of this blueprint", why, "", it.line("bus"))

    def _start_problems(self, it: Declared[RuleKeys]) -> Iterable[Problem]:
        keys = it.keys
        if keys.pattern is None and keys.schedule is None:
            yield Problem(f"the rule {it.id} has neither `pattern` nor `schedule`", "nothing would start it")
        if keys.schedule is not None:
            yield from located(schedule.check(keys.schedule), it, "schedule")
            if keys.bus != DEFAULT_BUS:
                why = "EventBridge takes schedules on the default bus only"
                hint = "leave `bus` out; the targets are the same"
                yield Problem(f"a schedule on the bus {keys.bus}", why, hint, it.line("schedule"))
        if keys.pattern is not None:
            yield from located(pattern.check(keys.pattern), it, "pattern")

    def _ends_problems(self, it: Declared[RuleKeys], scope: Scope) -> Iterable[Problem]:
        every = enumerate(it.keys.targets)
        yield from apart(*(self._target_problems(it, number, _long(one), scope) for number, one in every))

    def _target_problems(
        self, it: Declared[RuleKeys], number: int, one: RuleTargetKeys, scope: Scope
    ) -> Iterator[Problem]:
        where, to = it.line("targets", number), end(scope, one.to)
        yield from end_problems(f"the rule {it.id}", one.to, to, one.group, where)
        if to and to.type == "event-bus":
            if one.to == it.keys.bus:
                yield Problem(
                    f"the rule {it.id} sends to its own bus", "its events would go round in circles", "", where
                )
            if one.input is not None or one.input_path or one.template is not None:
                why = "EventBridge hands events on to a bus as they are"
                yield Problem("what a bus gets cannot be changed by a rule", why, "leave the input out", where)
        if one.partition_key and to and to.type != "stream":
            yield Problem(f"a `partition_key` for {to.id} ({to.type})", "only streams have partitions", where=where)
        given = [name for name in ("input", "input_path", "template") if getattr(one, name) is not None]
        if len(given) > 1:
            yield Problem(f"a target with {' and '.join(given)}", "EventBridge takes one of them", where=where)
        if one.template is not None:
            yield from located(template.check(one.template), it, "targets", number, "template")
        if one.input is not None and not isinstance(one.input, Late) and len(one.input) > template.LONGEST:
            why = f"EventBridge takes {template.LONGEST} at most"
            yield Problem(f"an input of {len(one.input)} characters", why, "", it.line("targets", number, "input"))
        if one.dead_letter:
            place = it.line("targets", number, "dead_letter")
            yield from dead_letter_problems(scope, one.dead_letter, "dead_letter", place)

    def expand(self, it: Declared[RuleKeys], scope: Scope) -> Iterable[Resource | Wiring]:
        keys, ref, place = it.keys, Ref("rule", it.id), scope.place
        bus = DEFAULT_BUS if keys.bus == DEFAULT_BUS else scope.attribute(keys.bus, "name")
        name = rule_name(bus, it.name)
        needs = set() if keys.bus == DEFAULT_BUS else {Ref("event-bus", keys.bus)}
        targets: dict[str, Target] = {}
        wiring: list[Wiring] = []
        ends: set[str] = set()
        for number, one in enumerate(map(_long, keys.targets)):
            to, where = end(scope, one.to), it.line("targets", number)
            assert to is not None
            targets[form.target_id(to.id, targets)] = _target(it.id, one, to, scope)
            needs |= to.needs
            if to.id not in ends:
                wiring += _lets_in(it.id, rule_arn(place, name), to, scope, where)
            ends.add(to.id)
            if one.dead_letter:
                needs.add(Ref("queue", one.dead_letter))
                send = (SEND["queue"],)
                wiring.append(Admits(one.dead_letter, it.id, SERVICE, send, rule_arn(place, name), where))
        if any(isinstance(piece, Grant) for piece in wiring):
            wiring.append(Runs(it.id, ref, SERVICE, (), it.where))
        spec = RuleSpec(keys.pattern or "", keys.schedule or "", keys.enabled, keys.description, targets)
        needs |= _waits(wiring, scope)
        yield Resource(ref, name, spec, frozenset(needs), where=it.where, retain=it.retain)
        yield from wiring


def _long(one: str | RuleTargetKeys) -> RuleTargetKeys:
    return RuleTargetKeys(to=one) if isinstance(one, str) else one


def _target(rule: str, one: RuleTargetKeys, to: End, scope: Scope) -> Target:
    paths, text = template.transformer(one.template) if one.template is not None else ({}, "")
    by_role = to.type != "function" and to.type not in SEND
    return Target(
        arn=to.arn,
        role=role_arn(scope.place, role_name(scope.place, rule)) if by_role else "",
        input=one.input or "",
        input_path=one.input_path or "",
        template=text,
        paths=paths,
        partition_key=one.partition_key or "",
        group=one.group or "",
        retries=one.retries,
        max_age_s=one.max_age_s,
        dead_letter=scope.attribute(one.dead_letter, "arn") if one.dead_letter else "",
    )


def _lets_in(rule: str, own: str, to: End, scope: Scope, where: Location) -> list[Wiring]:
    """What lets the rule send to an end: a statement in that one's policy, or in the rule's role."""
    if to.type == "function":
        return [Invokes(rule, to.id, SERVICE, own, "", where)]
    if to.type in SEND:
        return [Admits(to.id, rule, SERVICE, (SEND[to.type],), own, where)]
    reason = f"is a target of {rule}"
    return [Grant(rule, replace(one, reason=one.reason or reason), where) for one in grants(scope, to)]


def _waits(wiring: Iterable[Wiring], scope: Scope) -> set[Ref]:
    """The resources that the wiring becomes, so that no event comes before it is let in; none in what is `existing`."""
    found: set[Ref] = set()
    for one in wiring:
        if isinstance(one, Runs):
            found.add(Ref("role", one.owner))
        elif isinstance(one, Admits) and not _existing(scope, one.to):
            found.add(Ref("admission", one.to))
        elif isinstance(one, Invokes) and not _existing(scope, one.function):
            topic = f".{digest(one.topic)}" if one.topic else ""
            found.add(Ref("permission", f"{one.by}.{one.function}{topic}"))
    return found


def _existing(scope: Scope, id: str) -> bool:
    it = scope.declared(id)
    return it is None or it.existing


class RuleWeaver(Weaver[Listens]):
    """A rule of its own for each trigger of a function by schedule or events."""

    takes = Listens

    def weave(self, wiring: tuple[Listens, ...], every: tuple[Wiring, ...], scope: Scope) -> Iterable[Resource]:
        for one in wiring:
            function = scope.declared(one.function)
            if function is None or function.existing:
                continue
            bus = scope.declared(one.bus) if one.bus != DEFAULT_BUS else None
            name = listener_rule_name(scope.place, one.function, one.number)
            full = rule_name(bus.name if bus else DEFAULT_BUS, name)
            target = Target(scope.attribute(one.function, "arn"))
            spec = RuleSpec(one.pattern, one.schedule, True, "", {form.target_id(one.function): target})
            own = rule_arn(scope.place, full)
            mine = [each for each in every if isinstance(each, Invokes) and each.source_arn == own]
            needs = {Ref("function", one.function), *_waits(mine, scope)} | (
                {Ref("event-bus", bus.id)} if bus else set()
            )
            ref = Ref("rule", f"{one.function}.{one.number}")
            yield Resource(ref, full, spec, frozenset(needs), where=one.where)


class RuleKind(Kind[RuleSpec]):
    kind = "rule"
    doc = "EventBridge rule"
    spec = RuleSpec
    rank = 10
    permissions: ClassVar[Mapping[Verb, tuple[str, ...]]] = {
        Verb.READ: ("events:DescribeRule", "events:ListTagsForResource", "events:ListTargetsByRule"),
        Verb.CREATE: ("events:DescribeRule", "events:ListTagsForResource", "events:ListTargetsByRule",
                      "events:PutRule", "events:TagResource", "events:PutTargets", "events:RemoveTargets",
                      "iam:PassRole"),
        Verb.UPDATE: ("events:PutRule", "events:TagResource", "events:PutTargets", "events:RemoveTargets",
                      "iam:PassRole"),
        Verb.DELETE: ("events:ListTargetsByRule", "events:RemoveTargets", "events:DeleteRule"),
        Verb.SEARCH: ("events:ListEventBuses", "events:ListRules", "events:ListTagsForResource"),
    }  # fmt: skip

    def read(self, aws: Aws, here: Here) -> Observed | None:
        own = rule_arn(here.place, here.name)
        found, tags, targets = together(
            aws,
            (
                lambda: aws.find("events.DescribeRule", **_named(here, "Name")),
                lambda: aws.find("events.ListTagsForResource", ResourceARN=own),
                lambda: list(aws.pages("events.ListTargetsByRule", "Targets", **_named(here, "Rule"))),
            ),
        )
        if found is None:
            return None
        ours = {one["Id"]: form.read(one) for one in targets if one["Id"].startswith(PREFIX)}
        spec = RuleSpec(
            pattern=canonical(found.get("EventPattern") or ""),
            schedule=found.get("ScheduleExpression") or "",
            enabled=found.get("State") != "DISABLED",
            description=found.get("Description") or "",
            targets=ours,
        )
        mark = Mark.of({tag["Key"]: tag.get("Value", "") for tag in (tags or {}).get("Tags") or ()})
        others = [one["Id"] for one in targets if one["Id"] not in ours]
        note = f"also has targets that are not slx's: {', '.join(others)}" if others else ""
        return Observed(spec, {"arn": own}, mark, f"managed by {by}" if (by := found.get("ManagedBy")) else note)

    def create(self, aws: Aws, here: Here, spec: RuleSpec) -> Outputs:
        # PutRule would take over whatever is there: whose it is must be known before.
        found = claim(here, self.read(aws, here))
        if found is not None:
            assert isinstance(found.spec, RuleSpec)
            marks = (Change(("mark",), None, here.mark),) if found.mark is None else ()
            return self.update(aws, here, spec, (*marks, *differences(spec, found.spec, frozenset())))
        aws.call("events.PutRule", Tags=here.mark.pairs, **_named(here, "Name"), **_settings(spec))
        _put(aws, here, spec.targets)
        return {"arn": rule_arn(here.place, here.name)}

    def update(self, aws: Aws, here: Here, spec: RuleSpec, changes: tuple[Change, ...]) -> Outputs:
        own, fields = rule_arn(here.place, here.name), {change.field for change in changes}
        if "mark" in fields:
            aws.call("events.TagResource", ResourceARN=own, Tags=here.mark.pairs)
        if fields - {"mark", "targets"}:
            aws.call("events.PutRule", **_named(here, "Name"), **_settings(spec))
        ids = {change.path[1] for change in changes if change.field == "targets"}
        # Old ones go first: a rule has five targets at most.
        _remove(aws, here, sorted(ids - set(spec.targets)))
        _put(aws, here, {id: one for id, one in spec.targets.items() if id in ids})
        return {"arn": own}

    def delete(self, aws: Aws, here: Here) -> None:
        ids = [one["Id"] for one in aws.pages("events.ListTargetsByRule", "Targets", **_named(here, "Rule"))]
        _remove(aws, here, [id for id in ids if id.startswith(PREFIX)])
        for problem in self.hindrances(aws, here):
            raise SlxError(problem.what, problem.why, problem.hint)
        aws.remove("events.DeleteRule", **_named(here, "Name"))

    def hindrances(self, aws: Aws, here: Here) -> Iterable[Problem]:
        ids = [one["Id"] for one in aws.pages("events.ListTargetsByRule", "Targets", **_named(here, "Rule"))]
        if others := [id for id in ids if not id.startswith(PREFIX)]:
            yield Problem(
                f"rule {here.name} has targets that are not slx's: {', '.join(others)}",
                "EventBridge deletes no rule that has targets, and slx removes only its own",
                "remove them (aws events remove-targets), then run the command again",
            )

    def search(self, aws: Aws, place: Place | None) -> Iterator[Found]:
        prefix = {"NamePrefix": f"{place.stack}-{place.stage}-"} if place else {}

        def rules(bus: str) -> list[tuple[str, Any]]:
            return [(bus, one) for one in aws.pages("events.ListRules", "Rules", EventBusName=bus, **prefix)]

        # The default bus is always there: its rules need not wait for the list of the others.
        first, buses = together(
            aws,
            (
                lambda: rules(DEFAULT_BUS),
                lambda: [one["Name"] for one in aws.pages("events.ListEventBuses", "EventBuses")],
            ),
        )
        others = aws.map(rules, [bus for bus in buses if bus != DEFAULT_BUS])
        every = (*first, *(found for many in others for found in many))

        def tags(found: Any) -> dict[str, str]:
            return paired((aws.find("events.ListTagsForResource", ResourceARN=found[1]["Arn"]) or {}).get("Tags"))

        for (bus, one), mark in marked(aws, every, tags):
            if mark and belongs(mark, place):
                yield Found(Ref("rule", mark.id), rule_name(bus, one["Name"]), mark)


def _named(here: Here, key: str) -> dict[str, Any]:
    """The rule and its bus; some calls say `Name`, others `Rule`. Only names of buses may have slashes."""
    bus, _, name = here.name.rpartition("/")
    return {key: name, "EventBusName": bus or DEFAULT_BUS}


def _settings(spec: RuleSpec) -> dict[str, Any]:
    """All of a rule but its targets: what is left out is cleared."""
    settings = {
        "EventPattern": spec.pattern,
        "ScheduleExpression": spec.schedule,
        "Description": spec.description,
        "State": "ENABLED" if spec.enabled else "DISABLED",
    }
    return {name: value for name, value in settings.items() if value}


def _put(aws: Aws, here: Here, targets: Mapping[str, Target]) -> None:
    def send(ids: list[str]) -> dict[str, Any]:
        entries = [form.written(id, targets[id]) for id in ids]
        return aws.call("events.PutTargets", Targets=entries, **_named(here, "Rule"))

    _entries(aws, f"put targets of rule {here.name}", sorted(targets), send)


def _remove(aws: Aws, here: Here, ids: list[str]) -> None:
    def send(ids: list[str]) -> dict[str, Any]:
        return aws.find("events.RemoveTargets", Ids=ids, **_named(here, "Rule")) or {}

    _entries(aws, f"remove targets of rule {here.name}", ids, send)


def _entries(aws: Aws, what: str, ids: list[str], send: Callable[[list[str]], dict[str, Any]]) -> None:
    """Sends the entries with those ids, and again those that failed only because somebody else changed the rule.

    Raises SlxError with EventBridge's own words for entries that failed for good.
    """
    left = list(ids)

    def ask() -> bool:
        answer = send(list(left))
        failed = (answer.get("FailedEntries") or []) if answer.get("FailedEntryCount") else []
        for one in failed:
            if one.get("ErrorCode") not in PASSING and "cannot be assumed" not in one.get("ErrorMessage", ""):
                said = f"{one.get('ErrorMessage') or 'EventBridge does not say why'} ({one.get('ErrorCode')})"
                raise SlxError(f"could not {what}", f"{one.get('TargetId')}: {said}")
        left[:] = [one["TargetId"] for one in failed]
        if left:
            raise NotYet(str(failed[0].get("ErrorMessage") or failed[0].get("ErrorCode")))
        return True

    if left:
        aws.wait(what, ask, deadline_s=SETTLE_S)
