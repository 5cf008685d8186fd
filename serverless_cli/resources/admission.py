"""Resource policies of queues and topics: which services may send to them. Wiring; nobody writes it as a type.

AWS facts (SQS and SNS developer guides; the tools that code against them):
- One policy for each queue or topic, written as a whole: statements that are not slx's are read and written back.
- Neither SNS nor EventBridge checks a queue's policy when it is wired: a missing statement loses messages silently;
  S3 does check, so the policy comes before the notification.
- A topic always has a policy: the default statement of its owner. An empty one clears a queue's.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from serverless_cli.aws.calls import Aws, Passing
from serverless_cli.model import Change, Found, Late, Observed, Outputs, Place, Ref, Resource, Spec, Verb
from serverless_cli.names import arn
from serverless_cli.policy import VERSION, listed
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
        of = here.name.partition("/")[0]
        found = _read(aws, here)
        ours = {one["Sid"]: _admission(one) for one in found or () if str(one.get("Sid", "")).startswith(PREFIX)}
        return Observed(AdmissionSpec(of, ours)) if ours else None

    def create(self, aws: Aws, here: Here, spec: AdmissionSpec) -> Outputs:
        own = _arn(here)
        foreign = [one for one in _read(aws, here) or () if not str(one.get("Sid", "")).startswith(PREFIX)]
        _write(aws, here, [*foreign, *(_statement(own, sid, one) for sid, one in spec.statements.items())])
        return {}

    def update(self, aws: Aws, here: Here, spec: AdmissionSpec, changes: tuple[Change, ...]) -> Outputs:
        return self.create(aws, here, spec)

    def delete(self, aws: Aws, here: Here) -> None:
        found = _read(aws, here)
        if found is not None:
            _write(aws, here, [one for one in found if not str(one.get("Sid", "")).startswith(PREFIX)])

    def search(self, aws: Aws, place: Place | None) -> Iterator[Found]:
        """Policies go with their queue or topic."""
        return iter(())


def _arn(here: Here) -> str:
    of, _, name = here.name.partition("/")
    return arn(here.place, "sqs" if of == "queue" else "sns", name)


def _read(aws: Aws, here: Here) -> list[dict[str, Any]] | None:
    """The statements of the policy; None when the queue or topic is gone."""
    of, _, name = here.name.partition("/")
    if of == "topic":
        found = aws.find("sns.GetTopicAttributes", TopicArn=_arn(here))
    else:
        url = aws.find("sqs.GetQueueUrl", QueueName=name)
        found = url and aws.find("sqs.GetQueueAttributes", QueueUrl=url["QueueUrl"], AttributeNames=["Policy"])
    if not found:
        return None
    policy = (found.get("Attributes") or {}).get("Policy") or "{}"
    statements = json.loads(policy).get("Statement") or []
    return list(statements) if isinstance(statements, list) else [statements]


def _write(aws: Aws, here: Here, statements: list[dict[str, Any]]) -> None:
    of, _, name = here.name.partition("/")
    policy = json.dumps({"Version": VERSION, "Statement": statements}, separators=(",", ":")) if statements else ""
    if of == "topic":
        aws.call("sns.SetTopicAttributes", TopicArn=_arn(here), AttributeName="Policy", AttributeValue=policy)
    else:
        url = aws.call("sqs.GetQueueUrl", passing=(FRESH,), QueueName=name)["QueueUrl"]
        aws.call("sqs.SetQueueAttributes", passing=(FRESH,), QueueUrl=url, Attributes={"Policy": policy})


def _statement(own: str, sid: str, one: Admission) -> dict[str, Any]:
    sources = list(one.source_arns) if len(one.source_arns) > 1 else one.source_arns[0]
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"Service": one.principal},
        "Action": list(one.actions) if len(one.actions) > 1 else one.actions[0],
        "Resource": own,
        "Condition": {"ArnEquals": {"aws:SourceArn": sources}},
    }


def _admission(one: Mapping[str, Any]) -> Admission:
    principal = one.get("Principal")
    service = principal.get("Service") if isinstance(principal, dict) else None
    sources = [arns for test in (one.get("Condition") or {}).values() for arns in test.values()]
    return Admission(
        service if isinstance(service, str) else json.dumps(principal, sort_keys=True),
        listed(one.get("Action")),
        tuple(sorted(source for arns in sources for source in listed(arns))),
    )
