"""SNS subscriptions. Wiring; written under `subscriptions:` of a topic or as a trigger of a function.

AWS facts (SNS developer guide; botocore's model):
- Subscribing again to the same end with the same attributes answers the same subscription; with others, 400. Neither
  the permission of a function nor the policy of a queue is checked: without them messages are lost silently, so they
  come first.
- Email and https ends must confirm; until then the subscription has no ARN of its own ("pending confirmation"),
  cannot be changed or removed, and goes by itself after some days. Nobody can confirm for them. One that was ended is
  listed as "Deleted" for a while.
- Subscriptions carry no tags: one is ours by its topic, which does.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

from serverless_cli.aws.calls import Aws
from serverless_cli.model import Change, Found, Late, Observed, Outputs, Place, Ref, Resource, Spec, Verb
from serverless_cli.names import arn, digest
from serverless_cli.records import dataclass
from serverless_cli.resources.base import Here, Kind, Scope, Weaver
from serverless_cli.resources.ownership import attempt
from serverless_cli.wiring import Subscribes, Wiring

ENDED = "Deleted"


@dataclass(frozen=True, slots=True)
class SubscriptionSpec(Spec):
    """`topic` is an ARN; `filter` is canonical JSON, empty for none."""

    topic: str
    protocol: str
    endpoint: str
    raw: bool
    filter: str


class SubscriptionWeaver(Weaver[Subscribes]):
    """One subscription for each end of a topic."""

    takes = Subscribes

    def weave(self, wiring: tuple[Subscribes, ...], every: tuple[Wiring, ...], scope: Scope) -> Iterable[Resource]:
        for one in wiring:
            topic, end = scope.declared(one.topic), scope.declared(one.by)
            if topic is None:
                continue
            own = scope.attribute(one.topic, "arn")
            needs = {Ref("topic", one.topic)} | ({Ref(end.type, end.id)} if end else set())
            needs |= one.endpoint.needs if isinstance(one.endpoint, Late) else set()
            if end and not end.existing:
                needs.add(
                    Ref("admission", end.id) if end.type == "queue" else Ref("permission", f"{topic.id}.{end.id}")
                )
            wanted = "" if one.filter == "{}" else one.filter
            tail = one.by if end else digest(one.protocol, one.endpoint)
            yield Resource(
                Ref("subscription", f"{one.topic}.{tail}"),
                f"{topic.name}/{one.protocol}/{one.endpoint}",
                SubscriptionSpec(own, one.protocol, one.endpoint, one.raw, wanted),
                frozenset(needs),
                inside=None if topic.existing else Ref("topic", one.topic),
                where=one.where,
            )


class SubscriptionKind(Kind[SubscriptionSpec]):
    kind = "subscription"
    doc = "SNS subscription"
    spec = SubscriptionSpec
    create_only = frozenset({"topic", "protocol", "endpoint"})
    marked = False
    rank = 20
    permissions: ClassVar[Mapping[Verb, tuple[str, ...]]] = {
        Verb.READ: ("sns:ListSubscriptionsByTopic", "sns:GetSubscriptionAttributes"),
        Verb.CREATE: ("sns:Subscribe", "sns:ListSubscriptionsByTopic", "sns:GetSubscriptionAttributes",
                      "sns:SetSubscriptionAttributes"),
        Verb.UPDATE: ("sns:SetSubscriptionAttributes", "sns:ListSubscriptionsByTopic"),
        Verb.DELETE: ("sns:Unsubscribe", "sns:ListSubscriptionsByTopic"),
        Verb.SEARCH: (),
    }  # fmt: skip

    def read(self, aws: Aws, here: Here) -> Observed | None:
        one = _find(aws, here)
        if one is None:
            return None
        topic, protocol, endpoint, outputs = one["TopicArn"], one["Protocol"], one["Endpoint"], _outputs(one)
        if not outputs:
            wish = here.wish or here.recorded
            unknown = SubscriptionSpec(topic, protocol, endpoint, raw=False, filter="")
            spec = wish if isinstance(wish, SubscriptionSpec) else unknown
            return Observed(spec, outputs, note="pending confirmation: whoever owns that end must confirm")
        found = aws.find("sns.GetSubscriptionAttributes", SubscriptionArn=outputs["arn"])
        have = (found or {}).get("Attributes") or {}
        policy = have.get("FilterPolicy") or ""
        canonical = json.dumps(json.loads(policy), sort_keys=True, separators=(",", ":")) if policy else ""
        raw = have.get("RawMessageDelivery") == "true"
        spec = SubscriptionSpec(topic, protocol, endpoint, raw, "" if canonical == "{}" else canonical)
        return Observed(spec, outputs)

    def create(self, aws: Aws, here: Here, spec: SubscriptionSpec) -> Outputs:
        attributes = {"RawMessageDelivery": "true"} if spec.raw else {}
        if spec.filter:
            attributes["FilterPolicy"] = spec.filter
        made = attempt(
            aws, "sns.Subscribe", "InvalidParameter", "already exists",
            TopicArn=spec.topic, Protocol=spec.protocol, Endpoint=spec.endpoint, Attributes=attributes,
        )  # fmt: skip
        if made is None:
            return self.update(
                aws, here, spec, (Change(("raw",), None, spec.raw), Change(("filter",), None, spec.filter))
            )
        return _outputs(made)

    def update(self, aws: Aws, here: Here, spec: SubscriptionSpec, changes: tuple[Change, ...]) -> Outputs:
        found = _outputs(_find(aws, here))
        fields = {change.field for change in changes} if found else set()
        if "raw" in fields and spec.protocol in ("sqs", "https"):
            _set(aws, found["arn"], "RawMessageDelivery", str(spec.raw).lower())
        if "filter" in fields:
            _set(aws, found["arn"], "FilterPolicy", spec.filter or "{}")
        return found

    def delete(self, aws: Aws, here: Here) -> None:
        if found := _outputs(_find(aws, here)):
            aws.remove("sns.Unsubscribe", SubscriptionArn=found["arn"])

    def search(self, aws: Aws, place: Place | None) -> Iterator[Found]:
        """Subscriptions are found, and go, with their topic."""
        return iter(())


def _find(aws: Aws, here: Here) -> dict[str, Any] | None:
    """The subscription with this one's end, confirmed or not."""
    topic, protocol, endpoint = here.name.split("/", 2)
    wish = here.wish or here.recorded
    if isinstance(wish, SubscriptionSpec) and not isinstance(wish.topic, Late):
        own, endpoint = wish.topic, wish.endpoint
    else:
        own = arn(here.place, "sns", topic)
    for one in aws.pages("sns.ListSubscriptionsByTopic", "Subscriptions", TopicArn=own):
        if (one["Protocol"], one["Endpoint"]) == (protocol, endpoint) and one["SubscriptionArn"] != ENDED:
            return dict(one)
    return None


def _outputs(one: Mapping[str, Any] | None) -> Outputs:
    """The ARN, once there is one: until the other end confirms, a word stands in its place."""
    own = str(one["SubscriptionArn"]) if one else ""
    return {"arn": own} if own.startswith("arn:") else {}


def _set(aws: Aws, own: str, name: str, value: str) -> None:
    aws.call("sns.SetSubscriptionAttributes", SubscriptionArn=own, AttributeName=name, AttributeValue=value)
