"""SQS queues, standard and FIFO, with their dead-letter queue.

AWS facts (SQS developer guide; botocore's model; the tools that code against them):
- CreateQueue with the same attributes answers 200, whoever's the queue is, with others 400 QueueAlreadyExists; only
  attributes that are given count. So what is there is looked at first.
- A name cannot be used again for 60 s after its queue was deleted.
- A deleted queue may still be found for up to 60 s: it counts as gone once one of the reads says so.
- Changed attributes may read back late, and once more as they were, for as long (a retention even 15 minutes).
- All attributes are text; SetQueueAttributes leaves those that are not given. FIFO is chosen at create, by a name that
  ends in `.fifo` and an attribute that must not be sent as false. A redrive policy is cleared by an empty text.
- A dead-letter queue is of the same type, and must exist when it is named: about a second after its creation.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Annotated, Any, ClassVar

from serverless_cli import diff
from serverless_cli.aws.calls import Aws, NotYet, Passing
from serverless_cli.errors import Exit, Problem, SlxError
from serverless_cli.keys import Doc, Pattern, Range
from serverless_cli.model import Change, Found, Loss, Mark, Observed, Outputs, Place, Ref, Resource, Spec, Verb
from serverless_cli.names import NameRule, arn
from serverless_cli.records import dataclass
from serverless_cli.resources.base import Attribute, Declared, Here, Kind, Scope, Type, apart, marked, together
from serverless_cli.resources.ownership import attempt, belongs, claim
from serverless_cli.wiring import Statement, Wiring

STANDARD = NameRule(
    80, r"[A-Za-z0-9_-]{1,80}", says="letters, digits, - and _ (and ends with .fifo, with `fifo: true`)"
)
FIFO = NameRule(80, r"[A-Za-z0-9_-]{1,75}\.fifo", suffix=".fifo", says="letters, digits, - and _, then .fifo")
GONE_S, SETTLED_S = 90.0, 75.0
FRESH = tuple(
    Passing(code, "dead letter target does not exist", 15.0)
    for code in ("InvalidParameterValue", "InvalidParameterValueException")
)
"""what a queue answers whose dead-letter queue was made a moment ago"""


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
        int,
        Doc("Seconds that a message is hidden while it is handled; six times a function's timeout."),
        Range(0, 43200),
    ] = 60
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
        yield from apart(self._fifo_problems(it), self._dead_letter_problems(it, scope))

    def _fifo_problems(self, it: Declared[QueueKeys]) -> Iterable[Problem]:
        if it.keys.content_based_deduplication and not it.keys.fifo:
            where = it.line("content_based_deduplication")
            yield Problem(
                "only a FIFO queue drops repetitions", f"{it.id} is a standard queue", "set `fifo: true`", where
            )

    def _dead_letter_problems(self, it: Declared[QueueKeys], scope: Scope) -> Iterable[Problem]:
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
    after = frozenset({"mapping", "pipe"})
    permissions: ClassVar[Mapping[Verb, tuple[str, ...]]] = {
        Verb.READ: ("sqs:GetQueueUrl", "sqs:GetQueueAttributes", "sqs:ListQueueTags"),
        Verb.CREATE: ("sqs:CreateQueue", "sqs:TagQueue", "sqs:GetQueueUrl", "sqs:GetQueueAttributes",
                      "sqs:ListQueueTags", "sqs:SetQueueAttributes"),
        Verb.UPDATE: ("sqs:SetQueueAttributes", "sqs:TagQueue", "sqs:GetQueueUrl", "sqs:GetQueueAttributes"),
        Verb.DELETE: ("sqs:DeleteQueue", "sqs:GetQueueUrl", "sqs:GetQueueAttributes", "sqs:ListQueueTags"),
        Verb.SEARCH: ("sqs:ListQueues", "sqs:ListQueueTags"),
    }  # fmt: skip

    def read(self, aws: Aws, here: Here) -> Observed | None:
        url = _url(aws, here)
        if url is None:
            return None
        spec, tags = together(aws, (lambda: _spec(aws, url), lambda: aws.find("sqs.ListQueueTags", QueueUrl=url)))
        if spec is None or tags is None:
            return None
        return Observed(spec, {"url": url}, Mark.of(tags.get("Tags") or {}))

    def create(self, aws: Aws, here: Here, spec: QueueSpec) -> Outputs:
        found = claim(here, self.read(aws, here))
        if found is None:
            made = attempt(
                aws,
                "sqs.CreateQueue",
                "QueueAlreadyExists",
                passing=FRESH,
                QueueName=here.name,
                Attributes=_attributes(spec, create=True),
                tags=here.mark.tags,
            )
            if made:
                return {"url": str(made["QueueUrl"])}
            found = claim(here, self.read(aws, here))
        unmarked = () if found and found.mark else (Change(("mark",), None, here.mark),)
        return self.update(aws, here, spec, unmarked + (diff.changes(spec, found.spec, frozenset()) if found else ()))

    def update(self, aws: Aws, here: Here, spec: QueueSpec, changes: tuple[Change, ...]) -> Outputs:
        url = here.outputs.get("url") or str(aws.call("sqs.GetQueueUrl", QueueName=here.name)["QueueUrl"])
        fields = {change.field for change in changes}
        if "mark" in fields:
            aws.call("sqs.TagQueue", QueueUrl=url, Tags=here.mark.tags)
        if fields - {"mark"}:
            attributes = _attributes(spec, create=False)
            aws.call("sqs.SetQueueAttributes", passing=FRESH, QueueUrl=url, Attributes=attributes)
            _settle(aws, url, spec)
        return {"url": url}

    def delete(self, aws: Aws, here: Here) -> None:
        url = _url(aws, here)
        if url and aws.remove("sqs.DeleteQueue", QueueUrl=url):

            def gone() -> bool | None:
                return True if self.read(aws, here) is None else None

            aws.wait(f"queue {here.name} to be gone", gone, deadline_s=GONE_S)

    def search(self, aws: Aws, place: Place | None) -> Iterator[Found]:
        prefix = {"QueueNamePrefix": f"{place.stack}-{place.stage}-"} if place else {}
        # Without a size there is but one page, of a thousand.
        urls = aws.pages("sqs.ListQueues", "QueueUrls", MaxResults=1000, **prefix)
        for url, mark in marked(aws, urls, lambda url: (aws.find("sqs.ListQueueTags", QueueUrl=url) or {}).get("Tags")):
            if mark and belongs(mark, place):
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


def _spec(aws: Aws, url: str) -> QueueSpec | None:
    """The queue as it is; None when it is gone."""
    found = aws.find("sqs.GetQueueAttributes", QueueUrl=url, AttributeNames=["All"])
    if found is None:
        return None
    have: dict[str, str] = found["Attributes"]
    redrive = json.loads(have.get("RedrivePolicy") or "{}")
    own = "none" if have.get("SqsManagedSseEnabled") == "false" else "managed"
    return QueueSpec(
        fifo=have.get("FifoQueue") == "true",
        content_based_deduplication=have.get("ContentBasedDeduplication") == "true",
        visibility_timeout_s=int(have.get("VisibilityTimeout", 30)),
        retention_s=int(have.get("MessageRetentionPeriod", 345600)),
        delay_s=int(have.get("DelaySeconds", 0)),
        wait_s=int(have.get("ReceiveMessageWaitTimeSeconds", 0)),
        dead_letter=redrive.get("deadLetterTargetArn", ""),
        tries=int(redrive.get("maxReceiveCount", 0)),
        encryption=have.get("KmsMasterKeyId") or own,
    )


def _settle(aws: Aws, url: str, spec: QueueSpec) -> None:
    """Waits until changes are to be seen, so that neither a mapping nor the next plan sees what was before."""

    def ask() -> bool:
        have = _spec(aws, url)
        if have is None or replace(have, retention_s=spec.retention_s) != spec:
            raise NotYet("the attributes of before")
        return True

    try:
        aws.wait(f"queue {url} to show its attributes", ask, deadline_s=SETTLED_S)
    except SlxError as error:
        if error.exit_code is not Exit.TIMED_OUT:
            raise
        # They were accepted; the next plan tells if they did not last.


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
