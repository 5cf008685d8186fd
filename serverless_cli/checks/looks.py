"""What each expectation looks for. A look only reads, but takes messages; it says what is there instead."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from serverless_cli.checks.actions import keys_of
from serverless_cli.checks.compare import differs, message_unlike, picture_unlike, short, unlike, unpacked
from serverless_cli.checks.image import image
from serverless_cli.checks.items import plain_item, typed, typed_item
from serverless_cli.checks.trial import Seen, Trial
from serverless_cli.checks.web import READ_AT_MOST

Look = Callable[[Trial, Mapping[str, Any]], Seen]

CLOCKS = timedelta(minutes=5)
"""how far this machine's clock may be from AWS's, which refuses calls beyond"""


def _object(trial: Trial, it: Mapping[str, Any]) -> Seen:
    bucket, key = trial.name(it["bucket"]), str(it["key"])
    label = f"{it['bucket']}/{key}"
    found = trial.aws.find("s3.GetObject", Bucket=bucket, Key=key)
    if found is None:
        return Seen(f"{label} is not there")
    content = found["Body"].read(READ_AT_MOST)
    if trial.marks(key):
        trial.remove_object(bucket, key, found.get("VersionId"))
    kind = str(found.get("ContentType", ""))
    if it.get("content_type") not in (None, kind):
        return Seen(f"{label} is {kind or 'without a content type'} instead of {it['content_type']}")
    picture = image(content)
    if "image" in it and (wrong := picture_unlike(picture, it["image"])):
        return Seen(f"{label}: {wrong}")
    if wrong := unlike(content.decode("utf-8", "replace"), it, label):
        return Seen(wrong)
    return Seen(saw=f"{label} is {picture or kind}")


def _no_object(trial: Trial, it: Mapping[str, Any]) -> Seen:
    label = f"{it['bucket']}/{it['key']}"
    found = trial.aws.find("s3.GetObject", Bucket=trial.name(it["bucket"]), Key=str(it["key"]))
    return Seen(saw=f"no {label}") if found is None else Seen(f"{label} is there", final=True)


def _objects(trial: Trial, it: Mapping[str, Any]) -> Seen:
    bucket, prefix, contains = trial.name(it["bucket"]), str(it.get("prefix", "")), it.get("contains")
    # An id is proof enough; what has none must be new by the clock.
    since = trial.began - (CLOCKS if contains and trial.marks(contains) else timedelta(seconds=1))
    recent = [
        one["Key"]
        for one in trial.aws.pages("s3.ListObjectsV2", "Contents", Bucket=bucket, Prefix=prefix)
        if one["LastModified"] >= since
    ]
    fitting = [key for key in recent if contains is None or contains in _content(trial, bucket, key)]
    for key in fitting:
        if trial.marks(key):
            trial.remove_object(bucket, key, None)
    label = f"{it['bucket']}/{prefix}"
    if len(fitting) >= it["at_least"]:
        return Seen(saw=f"{_count(len(fitting), 'object')} in {label}")
    if not recent:
        return Seen(f"nothing new in {label}")
    like = f", {len(fitting)} with {contains!r}" if contains is not None else ""
    return Seen(f"{_count(len(recent), 'new object')} in {label}{like}, {it['at_least']} expected")


def _content(trial: Trial, bucket: str, key: str) -> str:
    """The text of an object, which nobody changes once it is written: read once."""
    memory: dict[tuple[str, str], str] = trial.memory.setdefault("contents", {})
    if (bucket, key) not in memory:
        found = trial.aws.find("s3.GetObject", Bucket=bucket, Key=key)
        memory[bucket, key] = unpacked(found["Body"].read(READ_AT_MOST)) if found else ""
    return memory[bucket, key]


def _item(trial: Trial, it: Mapping[str, Any]) -> dict[str, Any] | None:
    key = typed_item(json.loads(it["key"]))
    found = trial.aws.find("dynamodb.GetItem", TableName=trial.name(it["table"]), Key=key, ConsistentRead=True)
    return plain_item(found["Item"]) if found and found.get("Item") else None


def _named(it: Mapping[str, Any]) -> str:
    """A row by its table and the values of its key."""
    key = json.loads(it["key"])
    return f"{it['table']} {'/'.join(str(value) for value in key.values())}"


def _row(trial: Trial, it: Mapping[str, Any]) -> Seen:
    label = _named(it)
    item = _item(trial, it)
    if item is None:
        return Seen(f"{label} is not there")
    if trial.marks(json.dumps(item)):
        trial.remove_item(trial.name(it["table"]), typed_item(json.loads(it["key"])))
    if "item" in it and (wrong := differs(json.loads(it["item"]), item)):
        return Seen(f"{label}: {wrong}")
    return Seen(saw=f"{label} is there")


def _no_row(trial: Trial, it: Mapping[str, Any]) -> Seen:
    label = _named(it)
    return Seen(saw=f"no {label}") if _item(trial, it) is None else Seen(f"{label} is there", final=True)


def _rows(trial: Trial, it: Mapping[str, Any]) -> Seen:
    table, wanted = trial.name(it["table"]), json.loads(it["item"])
    found = trial.aws.pages("dynamodb.Scan", "Items", TableName=table, ConsistentRead=True, **_filter(wanted))
    fitting = [one for one in found if not differs(wanted, plain_item(one))]
    for one in fitting:
        if trial.marks(json.dumps(plain_item(one))):
            trial.remove_item(table, {name: one[name] for name in keys_of(trial, table)})
    label = f"in {it['table']} with {short(it['item'])}"
    if len(fitting) < it["at_least"]:
        return Seen(f"{_count(len(fitting), 'row')} {label}, {it['at_least']} expected")
    return Seen(saw=f"{_count(len(fitting), 'row')} {label}")


def _filter(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Lets DynamoDB leave out what differs in a single value; what is nested is compared here."""
    single = {name: value for name, value in wanted.items() if isinstance(value, str | int | float | bool)}
    if not single:
        return {}
    numbered = tuple(enumerate(single.items()))
    return {
        "FilterExpression": " AND ".join(f"#n{index} = :v{index}" for index, _ in numbered),
        "ExpressionAttributeNames": {f"#n{index}": name for index, (name, _) in numbered},
        "ExpressionAttributeValues": {f":v{index}": typed(value) for index, (_, value) in numbered},
    }


def _message(trial: Trial, it: Mapping[str, Any]) -> Seen:
    found, saw = trial.mail.take(trial.name(it["queue"]), lambda body: message_unlike(body, it))
    return Seen(saw=f"a message in {it['queue']}") if found else Seen(f"no such message in {it['queue']}: {saw}")


def _no_message(trial: Trial, it: Mapping[str, Any]) -> Seen:
    found = trial.mail.peek(trial.name(it["queue"]), lambda body: message_unlike(body, it))
    if found is None:
        return Seen(saw=f"no message in {it['queue']}")
    return Seen(f"a message in {it['queue']}: {short(found)}", final=True)


def _log(trial: Trial, it: Mapping[str, Any]) -> Seen:
    wanted = str(it["contains"])
    since = trial.began - (CLOCKS if trial.marks(wanted) else timedelta(seconds=1))
    lines = 0
    for event in trial.aws.pages(
        "logs.FilterLogEvents", "events",
        logGroupName=f"/aws/lambda/{trial.name(it['function'])}", startTime=int(since.timestamp() * 1000),
    ):  # fmt: skip
        if wanted in event["message"]:
            return Seen(saw=f"the log of {it['function']} says {short(event['message'], 80)!r}")
        lines += 1
    return Seen(f"{wanted!r} is not in the log of {it['function']}: {_count(lines, 'new line')}")


def execution(trial: Trial, it: Mapping[str, Any]) -> Seen:
    """How the execution that the probe started has ended."""
    label, want = trial.check.arguments["state_machine"], it["status"]
    ended = trial.memory.get("ended") or trial.aws.call(
        "stepfunctions.DescribeExecution", executionArn=trial.memory["execution"]
    )
    status = str(ended["status"])
    told = short(f"{ended.get('error') or ''} {ended.get('cause') or ''}".strip())
    if status != want:
        return Seen(f"{label} is {status} instead of {want}{': ' if told else ''}{told}")
    if "error" in it and it["error"] not in told:
        return Seen(f"{label} failed otherwise than with {it['error']!r}: {told or 'no reason'}")
    if "output" in it:
        try:
            have = json.loads(ended.get("output") or "null")
        except ValueError:
            return Seen(f"the output of {label} is no JSON")
        if wrong := differs(json.loads(it["output"]), have):
            return Seen(f"the output of {label}: {wrong}")
    return Seen(saw=f"{label} {status}")


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


LOOKS: Mapping[str, Look] = {
    "object": _object,
    "objects": _objects,
    "row": _row,
    "rows": _rows,
    "message": _message,
    "log": _log,
    "no_object": _no_object,
    "no_row": _no_row,
    "no_message": _no_message,
}
"""one for each effect of blueprint/probes.py; the `no_` ones come last, and count once all others are there"""
