"""What a bucket tells functions, queues and topics of. Wiring; written as a trigger.

AWS facts (S3 user guide; botocore's model; recorded answers; the tools that code against them):
- One configuration for each bucket, written as a whole: what others put there is read and written back as it was.
- S3 tries each destination when it is written, those of others too. A permission or policy that was put a moment ago
  does not count yet: 400 InvalidArgument "Unable to validate the following destination configurations".
- That trial can be left out, so that a broken destination of somebody else never keeps ours from being taken away.
- Entries have an id of our choosing; those of several stacks may meet on one bucket, so ours name stack and stage.
- Filters read back with their names capitalised.
- Two bucket-level writes at once answer 409: this one comes after all of the bucket's own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

from serverless_cli.aws.calls import Aws, Passing
from serverless_cli.model import Change, Found, Observed, Outputs, Place, Ref, Resource, Spec, Verb
from serverless_cli.records import dataclass
from serverless_cli.resources.base import Here, Kind, Scope, Weaver
from serverless_cli.wiring import Notifies, Wiring

FRESH = Passing("InvalidArgument", "unable to validate the following destination", 120.0)
READ, WRITE = "s3.GetBucketNotificationConfiguration", "s3.PutBucketNotificationConfiguration"
LISTS = {
    "function": ("LambdaFunctionConfigurations", "LambdaFunctionArn"),
    "queue": ("QueueConfigurations", "QueueArn"),
    "topic": ("TopicConfigurations", "TopicArn"),
}
"""kind of a destination -> the list that it stands in, and the name of its ARN there"""


@dataclass(frozen=True, slots=True)
class Notification(Spec):
    """`target` is the ARN of a function, queue or topic, as `kind` says; `events` are S3's own words, sorted."""

    kind: str
    target: str
    events: tuple[str, ...]
    prefix: str = ""
    suffix: str = ""


@dataclass(frozen=True, slots=True)
class NotificationSpec(Spec):
    """Our entries by `{id}.{number}`."""

    entries: Mapping[str, Notification]


class NotificationWeaver(Weaver[Notifies]):
    """The one configuration of each bucket, with all that wants to hear of it."""

    takes = Notifies

    def weave(self, wiring: tuple[Notifies, ...], every: tuple[Wiring, ...], scope: Scope) -> Iterable[Resource]:
        for id in dict.fromkeys(one.bucket for one in wiring):
            bucket = scope.declared(id)
            if bucket is None:
                continue
            entries: dict[str, Notification] = {}
            needs = {Ref("bucket", id)}
            numbers: Counter[str] = Counter()
            mine = [one for one in wiring if one.bucket == id]
            for one in mine:
                numbers[one.by] += 1
                entry = Notification(one.kind, one.target, tuple(sorted(one.events)), one.prefix, one.suffix)
                entries[f"{one.by}.{numbers[one.by]}"] = entry
                allowed = Ref("permission", f"{id}.{one.by}") if one.kind == "function" else Ref("admission", one.by)
                needs |= {Ref(one.kind, one.by), allowed}
            spec = NotificationSpec(entries)
            yield Resource(Ref("notification", id), bucket.name, spec, frozenset(needs), where=mine[0].where)


class NotificationKind(Kind[NotificationSpec]):
    kind = "notification"
    doc = "bucket notification"
    spec = NotificationSpec
    marked = False
    rank = 10
    permissions: ClassVar[Mapping[Verb, tuple[str, ...]]] = {
        Verb.READ: ("s3:GetBucketNotification",),
        Verb.CREATE: ("s3:GetBucketNotification", "s3:PutBucketNotification"),
        Verb.UPDATE: ("s3:GetBucketNotification", "s3:PutBucketNotification"),
        Verb.DELETE: ("s3:GetBucketNotification", "s3:PutBucketNotification"),
        Verb.SEARCH: (),
    }

    def read(self, aws: Aws, here: Here) -> Observed | None:
        own = _prefix(here.place)
        found = aws.find(READ, Bucket=here.name) or {}
        entries = {
            str(one["Id"]).removeprefix(own): _entry(kind, one)
            for kind, (key, _) in LISTS.items()
            for one in found.get(key) or ()
            if str(one.get("Id", "")).startswith(own)
        }
        return Observed(NotificationSpec(entries)) if entries else None

    def create(self, aws: Aws, here: Here, spec: NotificationSpec) -> Outputs:
        wanted, _ = _merged(aws, here, spec.entries)
        aws.call(WRITE, passing=(FRESH,), Bucket=here.name, NotificationConfiguration=wanted)
        return {}

    def update(self, aws: Aws, here: Here, spec: NotificationSpec, changes: tuple[Change, ...]) -> Outputs:
        return self.create(aws, here, spec)

    def delete(self, aws: Aws, here: Here) -> None:
        wanted, some = _merged(aws, here, {})
        if some:
            aws.remove(WRITE, Bucket=here.name, NotificationConfiguration=wanted, SkipDestinationValidation=True)

    def search(self, aws: Aws, place: Place | None) -> Iterator[Found]:
        """They go with their bucket; in one that stays they name their stack, but nothing lists them."""
        return iter(())


def _prefix(place: Place) -> str:
    """How the ids of this stack's entries begin: no name of a stack or stage has a dot."""
    return f"slx-{place.stack}.{place.stage}."


def _merged(aws: Aws, here: Here, entries: Mapping[str, Notification]) -> tuple[dict[str, Any], bool]:
    """Our entries beside all that is not ours, and whether there were any of ours before."""
    own, some = _prefix(here.place), False
    found = aws.find(READ, Bucket=here.name) or {}
    wanted = {key: value for key, value in found.items() if key != "ResponseMetadata"}
    for kind, (key, name) in LISTS.items():
        there = wanted.pop(key, ())
        foreign = [one for one in there if not str(one.get("Id", "")).startswith(own)]
        some = some or len(foreign) < len(there)
        if both := [*foreign, *(_written(own + id, name, one) for id, one in entries.items() if one.kind == kind)]:
            wanted[key] = both
    return wanted, some


def _written(id: str, name: str, one: Notification) -> dict[str, Any]:
    rules = [{"Name": key, "Value": value} for key, value in (("prefix", one.prefix), ("suffix", one.suffix)) if value]
    found: dict[str, Any] = {"Id": id, name: one.target, "Events": list(one.events)}
    return found | ({"Filter": {"Key": {"FilterRules": rules}}} if rules else {})


def _entry(kind: str, one: Mapping[str, Any]) -> Notification:
    rules = ((one.get("Filter") or {}).get("Key") or {}).get("FilterRules") or ()
    values = {str(rule["Name"]).lower(): str(rule["Value"]) for rule in rules}
    events = tuple(sorted(event if event.startswith("s3:") else f"s3:{event}" for event in one["Events"]))
    return Notification(kind, one[LISTS[kind][1]], events, values.get("prefix", ""), values.get("suffix", ""))
