"""What buses, rules and pipes share: the ends that they lead to, and what those ends demand. Pure.

AWS facts (EventBridge user guide, "Event bus targets", "Pipes targets", "Using dead-letter queues"):
- A FIFO queue wants a message group, and must drop repetitions by content: EventBridge gives no deduplication id.
- FIFO topics cannot be targets. Dead-letter queues are standard ones ("SQS FIFO is not supported").
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from serverless_cli.errors import Location, Problem
from serverless_cli.finding import Finding
from serverless_cli.model import Place, Ref
from serverless_cli.names import arn
from serverless_cli.records import dataclass
from serverless_cli.resources.base import Declared, Scope
from serverless_cli.wiring import Statement

DEFAULT_BUS = "default"
VERBS = {
    "function": "invoke", "queue": "send", "topic": "send", "event-bus": "send", "stream": "send",
    "delivery-stream": "send", "state-machine": "start",
}  # fmt: skip
"""what a rule or pipe can lead to, and the verb of `access:` that it then needs"""


def bus_arn(place: Place, name: str) -> str:
    return arn(place, "events", f"event-bus/{name}")


def rule_name(bus: str, name: str) -> str:
    """What tells a rule from all others: its name, after that of its bus unless that is the default one. With it every
    call can say which bus it means; one that does not is about the default bus, and a delete there "succeeds"."""
    return name if bus == DEFAULT_BUS else f"{bus}/{name}"


def rule_arn(place: Place, name: str) -> str:
    """The ARN of a rule, from what `rule_name` gives."""
    return arn(place, "events", f"rule/{name}")


def put_events(target: str) -> tuple[Statement, ...]:
    return (Statement(("events:PutEvents",), (target,)),)


@dataclass(frozen=True, slots=True)
class End:
    """A resource at the end of a rule or pipe; `ref` is None for the default bus, which nobody declares."""

    id: str
    type: str
    arn: str
    ref: Ref | None = None
    fifo: bool = False
    unique: bool = True
    existing: bool = False

    @property
    def needs(self) -> frozenset[Ref]:
        return frozenset({self.ref} if self.ref else ())


def end(scope: Scope, id: str) -> End | None:
    """The end with that id: a resource of the blueprint, or the default bus; None when there is none."""
    found = scope.declared(id)
    if found is None:
        default = End(id, "event-bus", bus_arn(scope.place, DEFAULT_BUS))
        return default if id == DEFAULT_BUS else None
    unique = found.existing or bool(getattr(found.keys, "content_based_deduplication", True))
    target = scope.attribute(id, "arn") if found.type in VERBS else ""
    return End(id, found.type, target, Ref(found.type, id), _fifo(found), unique, found.existing)


def _fifo(it: Declared[Any]) -> bool:
    return it.name.endswith(".fifo") if it.existing else bool(getattr(it.keys, "fifo", False))


def grants(scope: Scope, to: End) -> tuple[Statement, ...]:
    """What a role must be allowed for that end."""
    return scope.grants(to.id, VERBS[to.type]) if to.ref else put_events(to.arn)


def end_problems(what: str, id: str, to: End | None, group: str | None, where: Location) -> Iterator[Problem]:
    """What is wrong with an end, whoever leads to it. `what` names that ("the rule tick")."""
    if to is None:
        yield Problem(f"{what} leads to {id}, which is no resource", "", "ids are the keys under `resources:`", where)
    elif to.type not in VERBS:
        yield Problem(f"{what} leads to {id}, a {to.type}", f"it can lead to: {', '.join(VERBS)}", where=where)
    elif to.type == "topic" and to.fifo:
        why = "EventBridge cannot send to FIFO topics"
        yield Problem(f"{what} leads to the FIFO topic {id}", why, "make it a standard topic", where)
    elif to.type == "queue" and to.fifo and not group:
        why = "messages of a FIFO queue belong to a group"
        yield Problem(f"{what} leads to the FIFO queue {id} without a group", why, "give it a `group`", where)
    elif to.type == "queue" and to.fifo and not to.unique:
        why = "EventBridge gives no deduplication id, so SQS would refuse its messages"
        hint = f"give {id} `content_based_deduplication: true`"
        yield Problem(f"the FIFO queue {id} does not drop repetitions by content", why, hint, where)
    elif group and to.type != "queue":
        yield Problem(f"a `group` for {id} ({to.type})", "only queues have message groups", where=where)


def dead_letter_problems(scope: Scope, id: str, key: str, where: Location) -> Iterator[Problem]:
    """What is wrong with a queue for what could not be delivered; `key` is the blueprint's name for it."""
    found = scope.declared(id)
    if found is None or found.type != "queue":
        yield Problem(f"`{key}` names {id}, which is no queue of this blueprint", where=where)
    elif _fifo(found):
        why = "EventBridge takes only standard queues for what could not be delivered"
        yield Problem(f"`{key}` names the FIFO queue {id}", why, where=where)


def located(found: Iterable[Finding], it: Declared[Any], *path: str | int) -> Iterator[Problem]:
    """Findings about the value at that path of a declaration, as problems at their own lines."""
    for one in found:
        yield Problem(one.what, one.why, one.hint, it.line(*path, *one.path))
