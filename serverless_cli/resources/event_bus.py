"""EventBridge buses. The one called `default` is always there: `bus: default` names it, and nobody declares it.

AWS facts (EventBridge user guide; botocore's model; the tools that code against them):
- CreateEventBus takes tags, and answers 400 ResourceAlreadyExistsException for a name that is taken.
- DeleteEventBus is 200 for a bus that is gone, and refuses one that has rules, for a moment also after these were
  deleted. The default bus cannot be deleted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import ClassVar

from serverless_cli.aws.calls import Aws
from serverless_cli.errors import Problem
from serverless_cli.model import Change, Found, Mark, Observed, Outputs, Place, Ref, Resource, Spec, Verb
from serverless_cli.names import NameRule
from serverless_cli.records import dataclass
from serverless_cli.resources.base import Attribute, Declared, Here, Kind, Scope, Type, marked, paired, together
from serverless_cli.resources.event_form import DEFAULT_BUS, bus_arn, put_events
from serverless_cli.resources.ownership import attempt, belongs, claim
from serverless_cli.wiring import Wiring


@dataclass(frozen=True, slots=True, kw_only=True)
class EventBusKeys:
    """A bus of one's own; there is nothing to say about it."""


@dataclass(frozen=True, slots=True)
class EventBusSpec(Spec):
    """A bus is there or not."""


class EventBusType(Type[EventBusKeys]):
    type_name = "event-bus"
    doc = "EventBridge event bus; `default` is always there."
    keys = EventBusKeys
    name_rule = NameRule(
        256, r"(?!default$)[.A-Za-z0-9_-]{1,256}", says="letters, digits, _ . and -, but not `default`"
    )
    attributes: ClassVar[Mapping[str, Attribute]] = {
        "name": Attribute("The bus's name.", lambda _, name: name),
        "arn": Attribute("The bus's ARN.", bus_arn),
    }
    grants: ClassVar = {"send": put_events}

    def problems(self, it: Declared[EventBusKeys], scope: Scope) -> Iterable[Problem]:
        if it.id == DEFAULT_BUS:
            why = "`default` means the bus that every account has"
            hint = "give it another id; `bus: default` needs no declaration"
            yield Problem("an event bus with the id `default`", why, hint, it.where)

    def expand(self, it: Declared[EventBusKeys], scope: Scope) -> Iterable[Resource | Wiring]:
        yield Resource(Ref("event-bus", it.id), it.name, EventBusSpec(), where=it.where, retain=it.retain)


class EventBusKind(Kind[EventBusSpec]):
    kind = "event-bus"
    doc = "event bus"
    spec = EventBusSpec
    rank = 70
    after = frozenset({"rule"})
    permissions: ClassVar[Mapping[Verb, tuple[str, ...]]] = {
        Verb.READ: ("events:DescribeEventBus", "events:ListTagsForResource"),
        Verb.CREATE: ("events:CreateEventBus", "events:TagResource", "events:DescribeEventBus",
                      "events:ListTagsForResource"),
        Verb.UPDATE: ("events:TagResource",),
        Verb.DELETE: ("events:DeleteEventBus", "events:ListRules", "events:ListTagsForResource"),
        Verb.SEARCH: ("events:ListEventBuses", "events:ListTagsForResource"),
    }  # fmt: skip

    def read(self, aws: Aws, here: Here) -> Observed | None:
        own = bus_arn(here.place, here.name)
        found, tags = together(
            aws,
            (
                lambda: aws.find("events.DescribeEventBus", Name=here.name),
                lambda: aws.find("events.ListTagsForResource", ResourceARN=own),
            ),
        )
        if found is None:
            return None
        mark = Mark.of({tag["Key"]: tag.get("Value", "") for tag in (tags or {}).get("Tags") or ()})
        return Observed(EventBusSpec(), {"arn": str(found["Arn"])}, mark)

    def create(self, aws: Aws, here: Here, spec: EventBusSpec) -> Outputs:
        made = attempt(
            aws,
            "events.CreateEventBus",
            "ResourceAlreadyExistsException",
            Name=here.name,
            Tags=here.mark.pairs,
        )
        if made is None:
            found = claim(here, self.read(aws, here))
            if found is not None and found.mark is None:
                return self.update(aws, here, spec, (Change(("mark",), None, here.mark),))
        return {"arn": bus_arn(here.place, here.name)}

    def update(self, aws: Aws, here: Here, spec: EventBusSpec, changes: tuple[Change, ...]) -> Outputs:
        own = bus_arn(here.place, here.name)
        if any(change.field == "mark" for change in changes):
            aws.call("events.TagResource", ResourceARN=own, Tags=here.mark.pairs)
        return {"arn": own}

    def delete(self, aws: Aws, here: Here) -> None:
        aws.remove("events.DeleteEventBus", Name=here.name)

    def hindrances(self, aws: Aws, here: Here) -> Iterable[Problem]:
        """A bus with rules is not deleted, and those of others are not slx's to delete."""
        for one in aws.pages("events.ListRules", "Rules", EventBusName=here.name):
            tags = aws.find("events.ListTagsForResource", ResourceARN=one["Arn"]) or {}
            mark = Mark.of({tag["Key"]: tag.get("Value", "") for tag in tags.get("Tags") or ()})
            if mark is None or mark.retain or not belongs(mark, here.place):
                whose = f"{one['ManagedBy']} manages it" if one.get("ManagedBy") else "it is not this stack's to delete"
                yield Problem(
                    f"event bus {here.name} has the rule {one['Name']}",
                    f"EventBridge deletes no bus that has rules, and {whose}",
                    "remove that rule first, or keep the bus with `retain: true`",
                )

    def search(self, aws: Aws, place: Place | None) -> Iterator[Found]:
        prefix = {"NamePrefix": f"{place.stack}-{place.stage}-"} if place else {}
        buses = aws.pages("events.ListEventBuses", "EventBuses", **prefix)

        def tags(one: Mapping[str, str]) -> dict[str, str]:
            return paired((aws.find("events.ListTagsForResource", ResourceARN=one["Arn"]) or {}).get("Tags"))

        for one, mark in marked(aws, buses, tags):
            if mark and belongs(mark, place):
                yield Found(Ref("event-bus", mark.id), one["Name"], mark)
