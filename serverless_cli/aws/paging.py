"""Going through pages where botocore does not describe how (Firehose, some of EventBridge, Kinesis and others)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from serverless_cli.records import dataclass


@dataclass(frozen=True, slots=True)
class _LastItem:
    """Pages that go on after the last item of the page before: `more` says whether, `start` takes the item."""

    more: str
    start: str
    items: str
    field: str = ""


_BY_LAST_ITEM = {
    "firehose.ListDeliveryStreams": _LastItem(
        "HasMoreDeliveryStreams", "ExclusiveStartDeliveryStreamName", "DeliveryStreamNames"
    ),
    "firehose.ListTagsForDeliveryStream": _LastItem("HasMoreTags", "ExclusiveStartTagKey", "Tags", "Key"),
    "kinesis.ListTagsForStream": _LastItem("HasMoreTags", "ExclusiveStartTagKey", "Tags", "Key"),
}

_TOKENS = ("NextToken", "nextToken")


def further(
    operation: str, parameters: Mapping[str, Any], ask: Callable[..., dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    """The pages of an operation; of one without pages, its only answer."""
    given = dict(parameters)
    while True:
        page = ask(**given)
        yield page
        following = _following(operation, page)
        if not following or following.items() <= given.items():
            return
        given |= following


def _following(operation: str, page: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters that ask for the next page; empty after the last."""
    rule = _BY_LAST_ITEM.get(operation)
    if rule is None:
        return {token: page[token] for token in _TOKENS if page.get(token)}
    items = page.get(rule.items) or []
    if not page.get(rule.more) or not items:
        return {}
    return {rule.start: items[-1][rule.field] if rule.field else items[-1]}
