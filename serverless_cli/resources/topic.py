"""SNS topics, standard and FIFO; their subscriptions are a kind of their own (subscription.py).

AWS facts (SNS developer guide; botocore's model; the tools that code against them):
- CreateTopic answers 200 for a topic of that name with the same attributes and tags, 400 InvalidParameter for others.
  Our mark is among the tags: a 200 means that the topic is ours.
- DeleteTopic is 200 for a topic that is gone, and takes the subscriptions along.
- Whether a topic is FIFO is chosen at create, by a name that ends in `.fifo` and an attribute.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, ClassVar

from serverless_cli import diff
from serverless_cli.aws.calls import Aws
from serverless_cli.errors import Problem
from serverless_cli.keys import Doc, Json, LateOk, Pattern
from serverless_cli.model import Change, Found, Mark, Observed, Outputs, Place, Ref, Resource, Spec, Verb
from serverless_cli.names import NameRule, arn
from serverless_cli.records import dataclass
from serverless_cli.resources.base import Attribute, Declared, Here, Kind, Scope, Type, apart, marked, paired, together
from serverless_cli.resources.ownership import attempt, belongs, claim
from serverless_cli.wiring import Admits, Invokes, Statement, Subscribes, Wiring

STANDARD = NameRule(
    256, r"[A-Za-z0-9_-]{1,256}", says="letters, digits, - and _ (and ends with .fifo, with `fifo: true`)"
)
FIFO = NameRule(256, r"[A-Za-z0-9_-]{1,251}\.fifo", suffix=".fifo", says="letters, digits, - and _, then .fifo")

ENDS = ("email", "sms", "https", "queue", "function")


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionKeys:
    """Who hears of what is published: exactly one of email, sms, https, queue, function."""

    email: Annotated[
        str | None, Doc("An address; its owner must confirm."), Pattern(r"[^@\s]+@[^@\s]+", "an address")
    ] = None
    sms: Annotated[
        str | None, Doc("A telephone number."), Pattern(r"\+[0-9]{6,15}", "a number such as +491511234567")
    ] = None
    https: Annotated[str | None, Doc("A URL; it must confirm."), Pattern(r"https://\S+", "an https URL"), LateOk()] = (
        None
    )
    queue: Annotated[str | None, Doc("The id of a queue.")] = None
    function: Annotated[str | None, Doc("The id of a function.")] = None
    filter: Annotated[Json | None, Doc("The filter policy on the message's attributes.")] = None
    raw: Annotated[bool, Doc("The message alone, without SNS's envelope (queues and https).")] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicKeys:
    """A topic, and who hears of what is published to it."""

    fifo: Annotated[bool, Doc("Keeps the order within a group and drops repetitions.")] = False
    content_based_deduplication: Annotated[bool, Doc("FIFO: messages with the same body are one.")] = False
    subscriptions: Annotated[tuple[SubscriptionKeys, ...], Doc("Who hears of what is published.")] = ()
    encryption: Annotated[
        str,
        Doc("`none`, or a KMS key's ARN or alias."),
        Pattern(r"none|alias/.+|arn:[^:]+:kms:.+", "none, or a KMS key's ARN or alias"),
    ] = "none"


@dataclass(frozen=True, slots=True)
class TopicSpec(Spec):
    fifo: bool
    content_based_deduplication: bool
    encryption: str


def topic_arn(place: Place, name: str) -> str:
    return arn(place, "sns", name)


def _send(target: str) -> tuple[Statement, ...]:
    return (Statement(("sns:Publish",), (target,)),)


def _flat(policy: object) -> bool:
    """Whether a filter policy is one on attributes, which knows no nesting."""
    return isinstance(policy, dict) and all(isinstance(values, list) for values in policy.values())


class TopicType(Type[TopicKeys]):
    type_name = "topic"
    doc = "SNS topic and its subscriptions."
    keys = TopicKeys
    name_rule = STANDARD
    attributes: ClassVar[Mapping[str, Attribute]] = {
        "name": Attribute("The topic's name.", lambda _, name: name),
        "arn": Attribute("The topic's ARN.", topic_arn),
    }
    grants: ClassVar = {"send": _send}

    def rule(self, given: Mapping[str, object]) -> NameRule:
        return FIFO if given.get("fifo") is True else STANDARD

    def problems(self, it: Declared[TopicKeys], scope: Scope) -> Iterable[Problem]:
        yield from apart(self._fifo_problems(it), self._ends_problems(it, scope))

    def _fifo_problems(self, it: Declared[TopicKeys]) -> Iterable[Problem]:
        if it.keys.content_based_deduplication and not it.keys.fifo:
            where = it.line("content_based_deduplication")
            yield Problem(
                "only a FIFO topic drops repetitions", f"{it.id} is a standard topic", "set `fifo: true`", where
            )

    def _ends_problems(self, it: Declared[TopicKeys], scope: Scope) -> Iterable[Problem]:
        every = enumerate(it.keys.subscriptions)
        yield from apart(*(self._subscription_problems(it, number, one, scope) for number, one in every))

    def _subscription_problems(
        self, it: Declared[TopicKeys], number: int, one: SubscriptionKeys, scope: Scope
    ) -> Iterable[Problem]:
        where = it.line("subscriptions", number)
        ends = [name for name in ENDS if getattr(one, name)]
        if len(ends) != 1:
            yield Problem("a subscription has one end", f"this one has {' and '.join(ends) or 'none'}", where=where)
            return
        if ends[0] in ("queue", "function"):
            target = scope.declared(getattr(one, ends[0]))
            if target is None or target.type != ends[0]:
                yield Problem(f"the subscription leads to {getattr(one, ends[0])}, which is no {ends[0]}", where=where)
            elif ends[0] == "queue" and not target.existing and target.keys.fifo and not it.keys.fifo:
                why = "a FIFO queue can only hear of a FIFO topic"
                yield Problem(f"{target.id} cannot be subscribed to {it.id}", why, "make both FIFO, or neither", where)
        if it.keys.fifo and ends[0] != "queue":
            yield Problem(f"a FIFO topic cannot tell {ends[0]}", "only queues can hear of it", where=where)
        if one.raw and ends[0] not in ("queue", "https"):
            yield Problem("`raw` is for queues and https", where=where)
        if one.filter and not _flat(json.loads(one.filter)):
            yield Problem(
                "the filter is no filter on message attributes",
                "it gives for each attribute a list of what its value may be",
                "such as `filter: {kind: [sport, weather]}`",
                it.line("subscriptions", number, "filter"),
            )

    def warnings(self, it: Declared[TopicKeys], scope: Scope) -> Iterable[Problem]:
        for number, one in enumerate(it.keys.subscriptions):
            target = scope.declared(one.queue) if one.queue else None
            if target and target.existing:
                yield Problem(
                    f"the policy of queue {target.name} is not slx's to change",
                    "it exists already, and unless its policy lets sns.amazonaws.com send, messages are lost silently",
                    f"allow sqs:SendMessage for the topic {topic_arn(scope.place, it.name)} there",
                    it.line("subscriptions", number),
                )

    def expand(self, it: Declared[TopicKeys], scope: Scope) -> Iterable[Resource | Wiring]:
        ref, own = Ref("topic", it.id), topic_arn(scope.place, it.name)
        spec = TopicSpec(it.keys.fifo, it.keys.content_based_deduplication, it.keys.encryption)
        yield Resource(ref, it.name, spec, where=it.where, retain=it.retain)
        for number, one in enumerate(it.keys.subscriptions):
            where = it.line("subscriptions", number)
            protocol, target = next((name, end) for name in ENDS if (end := getattr(one, name)))
            endpoint = scope.attribute(target, "arn") if protocol in ("queue", "function") else target
            word = {"queue": "sqs", "function": "lambda"}.get(protocol, protocol)
            yield Subscribes(it.id, target, word, endpoint, one.raw, one.filter or "", where)
            if protocol == "queue":
                yield Admits(target, it.id, "sns.amazonaws.com", ("sqs:SendMessage",), own, where)
            elif protocol == "function":
                yield Invokes(it.id, target, "sns.amazonaws.com", own, "", where)


class TopicKind(Kind[TopicSpec]):
    kind = "topic"
    doc = "SNS topic"
    spec = TopicSpec
    create_only = frozenset({"fifo"})
    rank = 60
    permissions: ClassVar[Mapping[Verb, tuple[str, ...]]] = {
        Verb.READ: ("sns:GetTopicAttributes", "sns:ListTagsForResource"),
        Verb.CREATE: ("sns:CreateTopic", "sns:TagResource", "sns:GetTopicAttributes", "sns:ListTagsForResource",
                      "sns:SetTopicAttributes"),
        Verb.UPDATE: ("sns:SetTopicAttributes", "sns:TagResource"),
        Verb.DELETE: ("sns:DeleteTopic",),
        Verb.SEARCH: ("sns:ListTopics", "sns:ListTagsForResource"),
    }  # fmt: skip

    def read(self, aws: Aws, here: Here) -> Observed | None:
        own = topic_arn(here.place, here.name)
        found, tags = together(
            aws,
            (
                lambda: aws.find("sns.GetTopicAttributes", TopicArn=own),
                lambda: aws.find("sns.ListTagsForResource", ResourceArn=own),
            ),
        )
        if found is None:
            return None
        have: dict[str, Any] = found["Attributes"]
        spec = TopicSpec(
            have.get("FifoTopic") == "true",
            have.get("ContentBasedDeduplication") == "true",
            have.get("KmsMasterKeyId") or "none",
        )
        return Observed(
            spec, {"arn": own}, Mark.of({tag["Key"]: tag.get("Value", "") for tag in (tags or {}).get("Tags") or ()})
        )

    def create(self, aws: Aws, here: Here, spec: TopicSpec) -> Outputs:
        attributes = _attributes(spec) | ({"FifoTopic": "true"} if spec.fifo else {})
        made = attempt(
            aws, "sns.CreateTopic", "InvalidParameter", "already exists",
            Name=here.name, Attributes=attributes, Tags=here.mark.pairs,
        )  # fmt: skip
        if made:
            return {"arn": str(made["TopicArn"])}
        found = claim(here, self.read(aws, here))
        unmarked = () if found and found.mark else (Change(("mark",), None, here.mark),)
        return self.update(aws, here, spec, unmarked + (diff.changes(spec, found.spec, frozenset()) if found else ()))

    def update(self, aws: Aws, here: Here, spec: TopicSpec, changes: tuple[Change, ...]) -> Outputs:
        own, fields = topic_arn(here.place, here.name), {change.field for change in changes}
        if "mark" in fields:
            aws.call("sns.TagResource", ResourceArn=own, Tags=here.mark.pairs)
        if "encryption" in fields:
            key = "" if spec.encryption == "none" else spec.encryption
            aws.call("sns.SetTopicAttributes", TopicArn=own, AttributeName="KmsMasterKeyId", AttributeValue=key)
        if "content_based_deduplication" in fields and spec.fifo:
            value = str(spec.content_based_deduplication).lower()
            name = "ContentBasedDeduplication"
            aws.call("sns.SetTopicAttributes", TopicArn=own, AttributeName=name, AttributeValue=value)
        return {"arn": own}

    def delete(self, aws: Aws, here: Here) -> None:
        aws.remove("sns.DeleteTopic", TopicArn=topic_arn(here.place, here.name))

    def search(self, aws: Aws, place: Place | None) -> Iterator[Found]:
        prefix = f"{place.stack}-{place.stage}-" if place else ""
        every = (one["TopicArn"] for one in aws.pages("sns.ListTopics", "Topics"))
        targets = (one for one in every if one.rpartition(":")[2].startswith(prefix))

        def tags(target: Any) -> dict[str, str]:
            return paired((aws.find("sns.ListTagsForResource", ResourceArn=target) or {}).get("Tags"))

        for target, mark in marked(aws, targets, tags):
            name = target.rpartition(":")[2]
            if mark and belongs(mark, place):
                yield Found(Ref("topic", mark.id), name, mark)


def _attributes(spec: TopicSpec) -> dict[str, str]:
    found: dict[str, str] = {}
    if spec.encryption != "none":
        found["KmsMasterKeyId"] = spec.encryption
    if spec.content_based_deduplication:
        found["ContentBasedDeduplication"] = "true"
    return found
