"""The conformance suite's row of tables, as data: rows.py takes TABLE into ROWS."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bench import Bench, Row
from moto.backends import get_backend
from moto_messaging import encrypt

from serverless_cli.resources.table import TableType
from serverless_cli.resources.table_form import Index, TableSpec

ARN = "arn:aws:dynamodb:eu-central-1:123456789012:table"
KEY = "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
BY_DAY = Index("day:S", "at:N", ("ALL",))
BY_NAME = Index("name:S", "", ("KEYS_ONLY",))
INDEXES = {"by-day": BY_DAY, "by-name": BY_NAME}


def of(*fields: str) -> frozenset[str]:
    return frozenset(fields)


def pairs(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def make(b: Bench, tags: dict[str, str]) -> None:
    """A table with the keys of the wish and nothing more."""
    b.raw("dynamodb").create_table(
        TableName=b.name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": "id", "AttributeType": "S"},
            {"AttributeName": "at", "AttributeType": "N"},
            {"AttributeName": "size", "AttributeType": "N"},
        ],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "at", "KeyType": "RANGE"}],
        LocalSecondaryIndexes=[
            {
                "IndexName": "by-size",
                "KeySchema": [
                    {"AttributeName": "id", "KeyType": "HASH"},
                    {"AttributeName": "size", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["title"]},
            },
        ],
        Tags=pairs(tags),
    )


def half(**settings: Any) -> Callable[[Bench], object]:
    """Made, and then changed."""
    return lambda b: (make(b, b.here().mark.tags), update(**settings)(b))


def update(**settings: Any) -> Callable[[Bench], object]:
    return lambda b: b.raw("dynamodb").update_table(TableName=b.name, **settings)


def set_ttl(attribute: str, *, on: bool = True) -> Callable[[Bench], object]:
    settings = {"Enabled": on, "AttributeName": attribute}
    return lambda b: b.raw("dynamodb").update_time_to_live(TableName=b.name, TimeToLiveSpecification=settings)


def recover(*, on: bool) -> Callable[[Bench], object]:
    settings = {"PointInTimeRecoveryEnabled": on}
    return lambda b: b.raw("dynamodb").update_continuous_backups(
        TableName=b.name, PointInTimeRecoverySpecification=settings
    )


def add_index(b: Bench) -> None:
    have = b.raw("dynamodb").describe_table(TableName=b.name)["Table"]["AttributeDefinitions"]
    mine = {
        "IndexName": "mine",
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
    }
    update(AttributeDefinitions=have, GlobalSecondaryIndexUpdates=[{"Create": mine}])(b)


def own_key(**settings: Any) -> Callable[[Bench], object]:
    """Encryption that somebody changes; moto's UpdateTable cannot."""

    def change(b: Bench) -> None:
        table = get_backend("dynamodb")[b.place.account][b.place.region].tables[b.name]
        encrypt(b.place.region, table, Enabled=True, **settings)

    return change


TABLE = Row(
    "table",
    TableType.name_rule,
    lambda _: TableSpec(
        key="id:S",
        sort="at:N",
        local={"by-size": Index("", "size:N", ("title",))},
        indexes=INDEXES,
        stream="NEW_IMAGE",
        ttl="expires",
        recovery=True,
        encryption="owned",
        protected=False,
    ),
    edits={
        "one index more": {"indexes": {**INDEXES, "by-kind": Index("kind:B", "day:S", ("a", "b"))}},
        "one index less": {"indexes": {"by-day": BY_DAY}},
        "no index": {"indexes": {}},
        "an index that holds more": {"indexes": {**INDEXES, "by-name": Index("name:S", "", ("size", "title"))}},
        "an index with another key": {"indexes": {**INDEXES, "by-name": Index("title:S", "id:S", ("KEYS_ONLY",))}},
        "other indexes": {"indexes": {"by-day": Index("day:S", "", ("ALL",)), "by-title": Index("title:N", "", ("ALL",))}},
        "another view of changes": {"stream": "NEW_AND_OLD_IMAGES"},
        "no stream": {"stream": ""},
        "another time to live": {"ttl": "ends"},
        "no time to live": {"ttl": ""},
        "no recovery": {"recovery": False},
        "KMS's key": {"encryption": "managed"},
        "a key of the user's": {"encryption": KEY},
        "protection": {"protected": True},
        "all at once": {
            "indexes": {}, "stream": "KEYS_ONLY", "ttl": "ends", "recovery": False, "encryption": "managed",
            "protected": True,
        },
    },
    drifts={
        "one more index": (of("indexes"), add_index),
        "an index's absence": (
            of("indexes"),
            update(GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "by-day"}}]),
        ),
        "no stream": (of("stream"), update(StreamSpecification={"StreamEnabled": False})),
        "no time to live": (of("ttl"), set_ttl("expires", on=False)),
        "another time to live": (of("ttl"), set_ttl("mine")),
        "no recovery": (of("recovery"), recover(on=False)),
        "KMS's key": (of("encryption"), own_key()),
        "somebody's key": (of("encryption"), own_key(KMSMasterKeyId=KEY)),
        "protection": (of("protected"), update(DeletionProtectionEnabled=True)),
        "the mark": (
            of("mark"),
            lambda b: b.raw("dynamodb").untag_resource(
                ResourceArn=f"{ARN}/{b.name}", TagKeys=list(b.here().mark.tags)
            ),
        ),
    },
    halves={
        "made, and nothing more": lambda b: make(b, b.here().mark.tags),
        "made, with another time to live": lambda b: (make(b, b.here().mark.tags), set_ttl("other")(b)),
        "made, with another stream": half(
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
        ),
        "made, and its tags not seen yet": lambda b: make(b, {}),
    },
    stranger=make,
)  # fmt: skip
