"""KMS keys of the user's own: what those must be allowed on the key who use a queue, topic, stream or table behind it.

AWS facts (guides of SQS and SNS, "Key management"; Kinesis, "Permissions to use user-generated KMS keys"; DynamoDB,
"Encryption at rest usage notes"; KMS, "Condition keys" and "Use aliases to control access to KMS keys"):
- The services call KMS in the name of their caller (`kms:ViaService`), so that a role must be allowed the key beside
  the resource; a key's default policy leaves that to IAM. AWS's own keys let in everybody of the account.
- Sending to a queue or topic makes a data key and checks it: GenerateDataKey and Decrypt; receiving is Decrypt. Writing
  to a stream is GenerateDataKey, reading it Decrypt.
- DynamoDB makes a table's data key itself, under its own grant; whoever reads or writes items, or reads the table's
  stream, decrypts it: the trail shows the caller for Decrypt, the service for GenerateDataKey.
- Messages move to a dead-letter queue encrypted as they were sent: receiving there takes the key of the queue that they
  come from, too.
- An alias as a resource of a policy is the alias, not its key; `kms:ResourceAliases` finds the key by it.
- A service that sends in its own name (SNS to a queue, EventBridge to a queue or topic) is let in by the key's policy
  alone. That of AWS's own keys lets in none, and cannot be changed: what is sent never arrives.
- The guides say SERVICE.REGION.amazonaws.com for all regions, but of China's not which suffix KMS sees: both may be.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from serverless_cli.errors import Problem
from serverless_cli.model import Place
from serverless_cli.names import arn
from serverless_cli.records import dataclass
from serverless_cli.resources.base import Declared, Scope
from serverless_cli.wiring import Admits, Statement

DECRYPT, GENERATE = "kms:Decrypt", "kms:GenerateDataKey"
AWS_OWN = "alias/aws/"
RECEIVE = "sqs:ReceiveMessage"


@dataclass(frozen=True, slots=True)
class Use:
    """`service` calls KMS for those who do one of `actions` on a resource, each with what it then does to the key."""

    service: str
    actions: Mapping[str, tuple[str, ...]]


_ITEMS = ("BatchGetItem", "BatchWriteItem", "ConditionCheckItem", "DeleteItem", "GetItem", "GetRecords",
          "PartiQLDelete", "PartiQLInsert", "PartiQLSelect", "PartiQLUpdate", "PutItem", "Query", "Scan",
          "UpdateItem")  # fmt: skip
USES: Mapping[str, Use] = {
    "queue": Use("sqs", {"sqs:SendMessage": (DECRYPT, GENERATE), RECEIVE: (DECRYPT,)}),
    "topic": Use("sns", {"sns:Publish": (DECRYPT, GENERATE)}),
    "stream": Use("kinesis", {"kinesis:GetRecords": (DECRYPT,), "kinesis:PutRecord": (GENERATE,),
                              "kinesis:PutRecords": (GENERATE,)}),
    "table": Use("dynamodb", {f"dynamodb:{action}": (DECRYPT,) for action in _ITEMS}),
}  # fmt: skip
"""type -> how what is encrypted of it is used; every type with an `encryption` that may name a key is here"""


def statements(given: Iterable[Statement], scope: Scope) -> Iterator[Statement]:
    """What a role that is given these statements must be allowed on keys, for it to be able to do what they say."""
    given = tuple(given)
    for it in scope.every():
        for owner, key, actions in _keys(it, scope):
            own = scope.attribute(it.id, "arn")
            for one in given:
                if taken := _taken(one, own, actions):
                    resource, condition = _found_by(key, USES[it.type].service, scope.place)
                    reason = f"the key of {owner.id}, for: {one.reason}"
                    yield Statement(taken, (resource,), condition, reason=reason)


def _keys(it: Declared[Any], scope: Scope) -> Iterator[tuple[Declared[Any], str, Mapping[str, tuple[str, ...]]]]:
    """The keys behind what is in a resource: of whom, the key, and the actions on the resource that use it."""
    if key := _key(it):
        yield it, key, USES[it.type].actions
    if it.type == "queue":
        for source in scope.every():
            if source.type == "queue" and (key := _key(source)) and _dead_letter(source) == it.id:
                yield source, key, {RECEIVE: (DECRYPT,)}


def _key(it: Declared[Any]) -> str:
    """The user's own key that a resource is encrypted with, an ARN or alias; empty where there is none."""
    written = _written(it)
    return written if written.startswith(("alias/", "arn:")) and AWS_OWN not in written else ""


def _written(it: Declared[Any]) -> str:
    """What a resource says of its encryption; of what is `existing` nobody says anything."""
    return str(getattr(it.keys, "encryption", ""))


def _dead_letter(queue: Declared[Any]) -> str | None:
    to = queue.keys.dead_letter
    return to if to is None or isinstance(to, str) else str(to.to)


def _taken(one: Statement, own: str, actions: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """What a statement takes of the key behind the resource with the ARN `own`; of its indexes and stream as well."""
    if not any(resource == own or resource.startswith(f"{own}/") for resource in one.resources):
        return ()
    allowed = [action.lower() for action in one.actions]
    used = (keyed for action, keyed in actions.items() if any(fnmatchcase(action.lower(), may) for may in allowed))
    return tuple(sorted({each for keyed in used for each in keyed}))


def _found_by(key: str, service: str, place: Place) -> tuple[str, dict[str, dict[str, tuple[str, ...]]]]:
    """Resource and condition of a statement on a key that the service uses for its caller."""
    via = sorted({f"{service}.{place.region}.{suffix}" for suffix in ("amazonaws.com", place.suffix)})
    condition = {"StringEquals": {"kms:ViaService": tuple(via)}}
    home, alias, name = key.partition("alias/")
    if not alias:
        return key, condition
    return f"{home or arn(place, 'kms', '')}key/*", {
        "ForAnyValue:StringEquals": {"kms:ResourceAliases": (f"alias/{name}",)},
        **condition,
    }


def sender_problems(wiring: Iterable[Admits], scope: Scope) -> Iterator[Problem]:
    """Services that send where a key of AWS's own keeps them out."""
    for one, to in _encrypted(wiring, scope):
        if AWS_OWN in _written(to):
            yield Problem(
                f"{one.principal} cannot send to {to.id}, which is encrypted with a key of AWS's own",
                "the policy of that key lets in no service, and nobody can change it: nothing would ever arrive",
                "leave `encryption` out, or name a key of yours whose policy lets it in",
                one.where,
            )


def sender_warnings(wiring: Iterable[Admits], scope: Scope) -> Iterator[Problem]:
    """Services that the policy of a key must let in, which is not slx's to change; each told once for a resource."""
    for one, to in _encrypted(wiring, scope):
        if _key(to):
            statement = {
                "Effect": "Allow",
                "Principal": {"Service": one.principal},
                "Action": [DECRYPT, f"{GENERATE}*"],
                "Resource": "*",
            }
            yield Problem(
                f"the policy of the key that {to.id} is encrypted with must let {one.principal} in",
                "it is not slx's to change, and unless it does, what is sent never arrives, and nobody is told",
                f"the key's policy wants {json.dumps(statement)}",
                one.where,
            )


def _encrypted(wiring: Iterable[Admits], scope: Scope) -> Iterator[tuple[Admits, Declared[Any]]]:
    """The first piece of wiring for each sender to each resource that slx knows the encryption of."""
    first = {(one.principal, one.to): one for one in reversed(tuple(wiring))}
    for one in reversed(first.values()):
        to = scope.declared(one.to)
        if to:
            yield one, to
