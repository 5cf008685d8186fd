"""SQS queues, standard and FIFO, with their dead-letter queue.

AWS facts (SQS developer guide; botocore's model; the tools that code against them):
- CreateQueue with the same attributes answers 200, with others 400 QueueAlreadyExists: attributes that are given count.
- A name cannot be used again for 60 s after its queue was deleted.
- A deleted queue may still answer for up to 60 s, and attributes read back late for as long: neither is waited for
  except where the name is used again.
- All attributes are text. FIFO is chosen at create, by a name that ends in `.fifo` and an attribute that must not be
  sent as false. A redrive policy is cleared by an empty text.
- A dead-letter queue is of the same type, and must exist when it is named.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from serverless_cli.aws.calls import Aws
from serverless_cli.errors import Problem
from serverless_cli.keys import Doc, Pattern, Range
from serverless_cli.model import Change, Found, Loss, Mark, Observed, Outputs, Place, Ref, Resource, Spec, Verb
from serverless_cli.names import NameRule, arn
from serverless_cli.resources.base import Attribute, Declared, Here, Kind, Scope, Type
from serverless_cli.resources.ownership import ForeignError, attempt
from serverless_cli.wiring import Statement, Wiring

STANDARD = NameRule(80, r"[A-Za-z0-9_-]{1,80}")
FIFO = NameRule(80, r"[A-Za-z0-9_-]{1,75}\.fifo", suffix=".fifo")


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterKeys:
    """Where messages go that nobody could handle."""

    to: Annotated[str, Doc("The id of a queue.")]
    after: Annotated[int, Doc("How often a message is tried first."), Range(1, 1000)] = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueKeys:
    """A queue."""

    fifo: Annotated[bool, Doc("Keeps the order within a group and drops repetitions.")] = False
    content_based_deduplication: Annotated[bool, Doc("FIFO: messages with the same body are one.")] = False
    visibility_timeout_s: Annotated[
        int, Doc("Seconds that a message is hidden while it is handled; six times a function's timeout."), Range(0, 43200)
    ] = 60  # fmt: skip
    retention_s: Annotated[int, Doc("Seconds that a message is kept."), Range(60, 1209600)] = 345600
    delay_s: Annotated[int, Doc("Seconds until a new message can be received."), Range(0, 900)] = 0
    wait_s: Annotated[int, Doc("Seconds that a receiver may wait for a message."), Range(0, 20)] = 0
    dead_letter: Annotated[
        str | DeadLetterKeys | None, Doc("Where messages go that nobody could handle: the id of a queue.")
    ] = None
    encryption: Annotated[
        str,
        Doc("`managed` by SQS, `none`, or a KMS key's ARN or alias."),
        Pattern(r"managed|none|alias/.+|arn:[^:]+:kms:.+", "managed, none, or a KMS key's ARN or alias"),
    ] = "managed"


@dataclass(frozen=True, slots=True)
class QueueSpec(Spec):
    """`dead_letter` is an ARN, empty for none; `tries` counts only with it."""

    fifo: bool
    content_based_deduplication: bool
    visibility_timeout_s: int
    retention_s: int
    delay_s: int
    wait_s: int
    dead_letter: str
    tries: int
    encryption: str


def queue_arn(place: Place, name: str) -> str:
    return arn(place, "sqs", name)


def _send(target: str) -> tuple[Statement, ...]:
    return (Statement(("sqs:SendMessage",), (target,)),)


def _read(target: str) -> tuple[Statement, ...]:
    actions = ("sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage")
    return (Statement(actions, (target,)),)


class QueueType(Type[QueueKeys]):
    type_name = "queue"
    doc = "SQS queue."
    keys = QueueKeys
    name_rule = STANDARD
    attributes: ClassVar[Mapping[str, Attribute]] = {
        "name": Attribute("The queue's name.", lambda _, name: name),
        "arn": Attribute("The queue's ARN.", queue_arn),
        "url": Attribute("The queue's URL."),
    }
    grants: ClassVar = {"send": _send, "read": _read}

    def rule(self, given: Mapping[str, object]) -> NameRule:
        return FIFO if given.get("fifo") is True else STANDARD

    def problems(self, it: Declared[QueueKeys], scope: Scope) -> Iterable[Problem]:
        if it.keys.content_based_deduplication and not it.keys.fifo:
            where = it.line("content_based_deduplication")
            yield Problem(
                "only a FIFO queue drops repetitions", f"{it.id} is a standard queue", "set `fifo: true`", where
            )
        if it.keys.dead_letter is None:
            return
        to = _dead_letter(it.keys.dead_letter).to
        where, target = it.line("dead_letter"), scope.declared(to)
        if target is None or target.type != "queue":
            yield Problem(f"the dead letters of {it.id} go to {to}, which is no queue of this blueprint", where=where)
        elif target.id == it.id:
            yield Problem(f"the dead letters of {it.id} go to itself", where=where)
        elif not target.existing and target.keys.fifo != it.keys.fifo:
            yield Problem(
                f"the dead letters of {it.id} go to {to}, which is of another type",
                "the dead-letter queue of a FIFO queue is FIFO, and that of a standard queue standard",
                where=where,
            )

    def expand(self, it: Declared[QueueKeys], scope: Scope) -> Iterable[Resource | Wiring]:
        keys = it.keys
        dead = _dead_letter(keys.dead_letter) if keys.dead_letter else None
        spec = QueueSpec(
            keys.fifo,
            keys.content_based_deduplication,
            keys.visibility_timeout_s,
            keys.retention_s,
            keys.delay_s,
            keys.wait_s,
            scope.attribute(dead.to, "arn") if dead else "",
            dead.after if dead else 0,
            keys.encryption,
        )
        needs = frozenset({Ref("queue", dead.to)} if dead else ())
        yield Resource(Ref("queue", it.id), it.name, spec, needs, where=it.where, retain=it.retain)


def _dead_letter(keys: str | DeadLetterKeys) -> DeadLetterKeys:
    return DeadLetterKeys(to=keys) if isinstance(keys, str) else keys


class QueueKind(Kind[QueueSpec]):
    kind = "queue"
    doc = "SQS queue"
    spec = QueueSpec
    create_only = frozenset({"fifo"})
    data = True
    rank = 70
    permissions: ClassVar[Mapping[Verb, tuple[str, ...]]] = {
        Verb.READ: ("sqs:GetQueueUrl", "sqs:GetQueueAttributes", "sqs:ListQueueTags"),
        Verb.CREATE: ("sqs:CreateQueue", "sqs:TagQueue", "sqs:GetQueueUrl", "sqs:GetQueueAttributes",
                      "sqs:ListQueueTags", "sqs:SetQueueAttributes"),
        Verb.UPDATE: ("sqs:SetQueueAttributes", "sqs:TagQueue", "sqs:GetQueueUrl"),
        Verb.DELETE: ("sqs:DeleteQueue", "sqs:GetQueueUrl"),
        Verb.SEARCH: ("sqs:ListQueues", "sqs:ListQueueTags"),
    }  # fmt: skip

    def read(self, aws: Aws, here: Here) -> Observed | None:
        url = _url(aws, here)
        if url is None:
            return None
        found = aws.find("sqs.GetQueueAttributes", QueueUrl=url, AttributeNames=["All"])
        tags = aws.find("sqs.ListQueueTags", QueueUrl=url)
        if found is None:
            return None
        have: dict[str, str] = found["Attributes"]
        redrive = json.loads(have.get("RedrivePolicy") or "{}")
        spec = QueueSpec(
            fifo=have.get("FifoQueue") == "true",
            content_based_deduplication=have.get("ContentBasedDeduplication") == "true",
            visibility_timeout_s=int(have.get("VisibilityTimeout", 30)),
            retention_s=int(have.get("MessageRetentionPeriod", 345600)),
            delay_s=int(have.get("DelaySeconds", 0)),
            wait_s=int(have.get("ReceiveMessageWaitTimeSeconds", 0)),
            dead_letter=redrive.get("deadLetterTargetArn", ""),
            tries=int(redrive.get("maxReceiveCount", 0)),
            encryption=have.get("KmsMasterKeyId")
            or ("none" if have.get("SqsManagedSseEnabled") == "false" else "managed"),
        )
        return Observed(spec, {"url": url}, Mark.of((tags or {}).get("Tags") or {}))

    def create(self, aws: Aws, here: Here, spec: QueueSpec) -> Outputs:
        made = attempt(
            aws,
            "sqs.CreateQueue",
            "QueueAlreadyExists",
            QueueName=here.name,
            Attributes=_attributes(spec, create=True),
            tags=here.mark.tags,
        )
        # The same attributes answer 200 for a queue that was there already: whose it is, its tags say.
        found = self.read(aws, here)
        if found and found.mark != here.mark:
            if found.mark is not None or not (here.expected or made):
                raise ForeignError(here, found.mark)
            aws.call("sqs.TagQueue", QueueUrl=found.outputs["url"], Tags=here.mark.tags)
        if made is None and found:
            aws.call(
                "sqs.SetQueueAttributes", QueueUrl=found.outputs["url"], Attributes=_attributes(spec, create=False)
            )
        return {"url": str(made["QueueUrl"]) if made else found.outputs["url"] if found else ""}

    def update(self, aws: Aws, here: Here, spec: QueueSpec, changes: tuple[Change, ...]) -> Outputs:
        url = here.outputs.get("url") or str(aws.call("sqs.GetQueueUrl", QueueName=here.name)["QueueUrl"])
        fields = {change.field for change in changes}
        if "mark" in fields:
            aws.call("sqs.TagQueue", QueueUrl=url, Tags=here.mark.tags)
        if fields - {"mark"}:
            aws.call("sqs.SetQueueAttributes", QueueUrl=url, Attributes=_attributes(spec, create=False))
        return {"url": url}

    def delete(self, aws: Aws, here: Here) -> None:
        if url := _url(aws, here):
            aws.remove("sqs.DeleteQueue", QueueUrl=url)

    def search(self, aws: Aws, place: Place | None) -> Iterator[Found]:
        prefix = {"QueueNamePrefix": f"{place.stack}-{place.stage}-"} if place else {}
        for url in aws.pages("sqs.ListQueues", "QueueUrls", **prefix):
            tags = aws.find("sqs.ListQueueTags", QueueUrl=url) or {}
            if mark := Mark.of(tags.get("Tags") or {}):
                yield Found(Ref("queue", mark.id), url.rpartition("/")[2], mark, {"url": url})

    def loss(self, aws: Aws, here: Here) -> Iterable[Loss]:
        url = _url(aws, here)
        found = aws.find("sqs.GetQueueAttributes", QueueUrl=url, AttributeNames=["All"]) if url else None
        have = (found or {}).get("Attributes") or {}
        names = ("", "NotVisible", "Delayed")
        if count := sum(int(have.get(f"ApproximateNumberOfMessages{name}", 0)) for name in names):
            yield Loss("messages", count)


def _url(aws: Aws, here: Here) -> str | None:
    found = aws.find("sqs.GetQueueUrl", QueueName=here.name)
    return str(found["QueueUrl"]) if found else None


def _attributes(spec: QueueSpec, *, create: bool) -> dict[str, str]:
    """All attributes as SQS wants them; what is unset is cleared only where it may have been set before."""
    redrive = json.dumps({"deadLetterTargetArn": spec.dead_letter, "maxReceiveCount": spec.tries})
    found: dict[str, Any] = {
        "VisibilityTimeout": spec.visibility_timeout_s,
        "MessageRetentionPeriod": spec.retention_s,
        "DelaySeconds": spec.delay_s,
        "ReceiveMessageWaitTimeSeconds": spec.wait_s,
    }
    if spec.dead_letter:
        found["RedrivePolicy"] = redrive
    elif not create:
        found["RedrivePolicy"] = ""
    if spec.fifo:
        found["ContentBasedDeduplication"] = str(spec.content_based_deduplication).lower()
        if create:
            found["FifoQueue"] = "true"
    return {name: str(value) for name, value in (found | _encryption(spec.encryption, create=create)).items()}


def _encryption(encryption: str, *, create: bool) -> dict[str, str]:
    """Both kinds of encryption at once are refused: a key is set alone, and cleared before SQS's own is chosen."""
    if encryption not in ("managed", "none"):
        return {"KmsMasterKeyId": encryption}
    cleared = {} if create else {"KmsMasterKeyId": ""}
    return {**cleared, "SqsManagedSseEnabled": "true" if encryption == "managed" else "false"}
