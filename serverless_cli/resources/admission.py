"""Resource policies of queues and topics: which services may send to them. Wiring; nobody writes it as a type.

AWS facts (SQS and SNS developer guides; the tools that code against them):
- One policy for each queue or topic, written as a whole: whatever in it is not slx's is read and written back as it is.
- Neither SNS nor EventBridge checks a queue's policy when it is wired: a missing statement loses messages silently;
  S3 does check, so the policy comes before the notification.
- A topic always has a policy: the default statement of its owner. An empty one clears a queue's, and is refused for a
  topic.
- A queue can be used about a second after it was made.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

from serverless_cli.aws.calls import Aws, Passing
from serverless_cli.errors import Problem
from serverless_cli.model import Change, Found, Late, Observed, Outputs, Place, Ref, Resource, Spec, Verb
from serverless_cli.names import arn
from serverless_cli.policy import VERSION, listed
from serverless_cli.records import dataclass
from serverless_cli.resources import customer_keys
from serverless_cli.resources.base import Here, Kind, Scope, Weaver
from serverless_cli.wiring import Admits, Wiring

PREFIX = "slx-"
FRESH = Passing("AWS.SimpleQueueService.NonExistentQueue")


@dataclass(frozen=True, slots=True)
class Admission(Spec):
    principal: str
    actions: tuple[str, ...]
    source_arns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AdmissionSpec(Spec):
    """`of` is `queue` or `topic`; statements by their id."""

    of: str
    statements: Mapping[str, Admission]


class AdmissionWeaver(Weaver[Admits]):
    """The policy of each queue and topic that somebody else sends to."""

    takes = Admits

    def weave(self, wiring: tuple[Admits, ...], every: tuple[Wiring, ...], scope: Scope) -> Iterable[Resource]:
        for id in dict.fromkeys(one.to for one in wiring):
            to = scope.declared(id)
            mine = [one for one in wiring if one.to == id]
            if to is None or to.existing:
                continue
            statements: dict[str, Admission] = {}
            for one in mine:
                key = f"{PREFIX}{one.by}"
                had = statements.get(key, Admission(one.principal, (), ()))
                actions = tuple(sorted({*had.actions, *one.actions}))
                statements[key] = Admission(one.principal, actions, tuple(sorted({*had.source_arns, one.source_arn})))
            home = Ref(to.type, id)
            late = [one.source_arn.needs for one in mine if isinstance(one.source_arn, Late)]
            needs = frozenset({home}).union(*late)
            spec = AdmissionSpec(to.type, statements)
            yield Resource(Ref("admission", id), f"{to.type}/{to.name}", spec, needs, inside=home, where=mine[0].where)

    def problems(self, wiring: tuple[Admits, ...], scope: Scope) -> Iterable[Problem]:
        return customer_keys.sender_problems(wiring, scope)

    def warnings(self, wiring: tuple[Admits, ...], scope: Scope) -> Iterable[Problem]:
        return customer_keys.sender_warnings(wiring, scope)


class AdmissionKind(Kind[AdmissionSpec]):
    kind = "admission"
    doc = "resource policy"
    spec = AdmissionSpec
    create_only = frozenset({"of"})
    marked = False
    rank = 30
    permissions: ClassVar[Mapping[Verb, tuple[str, ...]]] = {
        Verb.READ: ("sqs:GetQueueUrl", "sqs:GetQueueAttributes", "sns:GetTopicAttributes"),
        Verb.CREATE: ("sqs:GetQueueUrl", "sqs:GetQueueAttributes", "sqs:SetQueueAttributes", "sns:GetTopicAttributes",
                      "sns:SetTopicAttributes"),
        Verb.UPDATE: ("sqs:GetQueueUrl", "sqs:GetQueueAttributes", "sqs:SetQueueAttributes", "sns:GetTopicAttributes",
                      "sns:SetTopicAttributes"),
        Verb.DELETE: ("sqs:GetQueueUrl", "sqs:GetQueueAttributes", "sqs:SetQueueAttributes", "sns:GetTopicAttributes",
                      "sns:SetTopicAttributes"),
        Verb.SEARCH: (),
    }  # fmt: skip

    def read(self, aws: Aws, here: Here) -> Observed | None:
        found = _policy(aws, here)
        own = _arn(here)
        ours = {one["Sid"]: _admission(own, one) for one in _statements(found) if _is_ours(one)}
        return Observed(AdmissionSpec(here.name.partition("/")[0], ours)) if ours else None

    def create(self, aws: Aws, here: Here, spec: AdmissionSpec) -> Outputs:
        own, found = _arn(here), _policy(aws, here) or {}
        ours = [_statement(own, sid, one) for sid, one in spec.statements.items()]
        _write(aws, here, found, [*(one for one in _statements(found) if not _is_ours(one)), *ours])
        return {}

    def update(self, aws: Aws, here: Here, spec: AdmissionSpec, changes: tuple[Change, ...]) -> Outputs:
        return self.create(aws, here, spec)

    def delete(self, aws: Aws, here: Here) -> None:
        found = _policy(aws, here)
        # A read may still show what was before a change: that nothing of ours is seen proves nothing.
        if found is not None:
            _write(aws, here, found, [one for one in _statements(found) if not _is_ours(one)])

    def search(self, aws: Aws, place: Place | None) -> Iterator[Found]:
        """Policies go with their queue or topic."""
        return iter(())


def _is_ours(one: Mapping[str, Any]) -> bool:
    return str(one.get("Sid", "")).startswith(PREFIX)


def _arn(here: Here) -> str:
    of, _, name = here.name.partition("/")
    return arn(here.place, "sqs" if of == "queue" else "sns", name)


def _policy(aws: Aws, here: Here) -> dict[str, Any] | None:
    """The policy's document; None when the queue or topic is gone."""
    of, _, name = here.name.partition("/")
    if of == "topic":
        found = aws.find("sns.GetTopicAttributes", TopicArn=_arn(here))
    else:
        url = aws.find("sqs.GetQueueUrl", QueueName=name)
        found = url and aws.find("sqs.GetQueueAttributes", QueueUrl=url["QueueUrl"], AttributeNames=["Policy"])
    return json.loads((found.get("Attributes") or {}).get("Policy") or "{}") if found else None


def _statements(policy: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    statements = (policy or {}).get("Statement") or []
    return list(statements) if isinstance(statements, list) else [statements]


def _write(aws: Aws, here: Here, found: Mapping[str, Any], statements: list[dict[str, Any]]) -> None:
    """Writes the document that was found with other statements."""
    of, _, name = here.name.partition("/")
    if of == "topic" and not statements:
        statements = [_default(_arn(here), here.place)]
    document = {**(found or {"Version": VERSION}), "Statement": statements}
    policy = json.dumps(document, separators=(",", ":"), ensure_ascii=False) if statements else ""
    if of == "topic":
        aws.call("sns.SetTopicAttributes", TopicArn=_arn(here), AttributeName="Policy", AttributeValue=policy)
    else:
        url = aws.call("sqs.GetQueueUrl", passing=(FRESH,), QueueName=name)["QueueUrl"]
        aws.call("sqs.SetQueueAttributes", passing=(FRESH,), QueueUrl=url, Attributes={"Policy": policy})


def _default(own: str, place: Place) -> dict[str, Any]:
    """The statement that every topic is made with: its account may do everything (SNS developer guide)."""
    verbs = ("GetTopicAttributes", "SetTopicAttributes", "AddPermission", "RemovePermission", "DeleteTopic",
             "Subscribe", "ListSubscriptionsByTopic", "Publish")  # fmt: skip
    return {
        "Sid": "__default_statement_ID",
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": [f"SNS:{verb}" for verb in verbs],
        "Resource": own,
        "Condition": {"StringEquals": {"AWS:SourceOwner": place.account}},
    }


def _statement(own: str, sid: str, one: Admission) -> dict[str, Any]:
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"Service": one.principal},
        "Action": _single(one.actions),
        "Resource": own,
        "Condition": {"ArnEquals": {"aws:SourceArn": _single(one.source_arns)}},
    }


def _single(values: tuple[str, ...]) -> str | list[str]:
    return list(values) if len(values) > 1 else values[0]


def _admission(own: str, one: Mapping[str, Any]) -> Admission:
    """What a statement of ours says. One that slx would never write keeps its whole text, so it shows as drift."""
    match one:
        case {
            "Effect": "Allow",
            "Principal": {"Service": str(service), **others},
            "Action": actions,
            "Resource": resource,
            "Condition": {"ArnEquals": {"aws:SourceArn": sources, **more}, **tests},
        } if listed(resource) == (own,) and not (others or more or tests):
            return Admission(service, tuple(sorted(map(_spelled, listed(actions)))), listed(sources))
        case _:
            return Admission(json.dumps(one, sort_keys=True), (), ())


def _spelled(action: str) -> str:
    """SQS and SNS write their own names in capitals."""
    service, _, name = action.partition(":")
    return f"{service.lower()}:{name}"
