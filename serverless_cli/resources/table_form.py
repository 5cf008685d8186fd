"""What a DynamoDB table is, as slx compares it, to and from the form that DynamoDB's calls want. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from serverless_cli.model import Outputs, Spec
from serverless_cli.records import dataclass


@dataclass(frozen=True, slots=True)
class Index(Spec):
    """Keys are `name:LETTER`; `key` is empty for a local index. `project` is ALL, KEYS_ONLY, or attribute names."""

    key: str
    sort: str
    project: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TableSpec(Spec):
    """Keys are `name:LETTER`, an empty sort is none; `stream` is DynamoDB's view type, empty for off."""

    key: str
    sort: str
    local: Mapping[str, Index]
    indexes: Mapping[str, Index]
    stream: str
    ttl: str
    recovery: bool
    encryption: str
    protected: bool


def definition(spec: TableSpec) -> dict[str, Any]:
    """What CreateTable wants: every attribute that is some key, once."""
    indexes = (*spec.local.values(), *spec.indexes.values())
    named = {spec.key, spec.sort, *(one.key for one in indexes), *(one.sort for one in indexes)} - {""}
    found: dict[str, Any] = {
        "KeySchema": schema(spec.key, spec.sort),
        "AttributeDefinitions": definitions(named),
        "DeletionProtectionEnabled": spec.protected,
    }
    if spec.encryption != "owned":
        found["SSESpecification"] = sse(spec.encryption)
    if spec.stream:
        found["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": spec.stream}
    if spec.local:
        found["LocalSecondaryIndexes"] = [
            {"IndexName": name, "KeySchema": schema(spec.key, one.sort), "Projection": projection(one)}
            for name, one in spec.local.items()
        ]
    if spec.indexes:
        found["GlobalSecondaryIndexes"] = [index_definition(name, one) for name, one in spec.indexes.items()]
    return found


def index_definition(name: str, one: Index) -> dict[str, Any]:
    return {"IndexName": name, "KeySchema": schema(one.key, one.sort), "Projection": projection(one)}


def definitions(named: Iterable[str]) -> list[dict[str, str]]:
    pairs = sorted(one.rpartition(":")[::2] for one in named)
    return [{"AttributeName": name, "AttributeType": letter} for name, letter in pairs]


def schema(key: str, sort: str) -> list[dict[str, str]]:
    keys = [{"AttributeName": key.rpartition(":")[0], "KeyType": "HASH"}]
    return [*keys, {"AttributeName": sort.rpartition(":")[0], "KeyType": "RANGE"}] if sort else keys


def projection(one: Index) -> dict[str, Any]:
    if one.project in (("ALL",), ("KEYS_ONLY",)):
        return {"ProjectionType": one.project[0]}
    return {"ProjectionType": "INCLUDE", "NonKeyAttributes": list(one.project)}


def sse(encryption: str) -> dict[str, Any]:
    if encryption == "owned":
        return {"Enabled": False}
    key = {"KMSMasterKeyId": encryption} if encryption != "managed" else {}
    return {"Enabled": True, "SSEType": "KMS", **key}


def letters(table: Mapping[str, Any]) -> dict[str, str]:
    """The types of all attributes that are keys."""
    return {one["AttributeName"]: one["AttributeType"] for one in table["AttributeDefinitions"]}


def read_keys(schema: list[dict[str, str]], letters: Mapping[str, str]) -> tuple[str, str]:
    by_type = {one["KeyType"]: f"{one['AttributeName']}:{letters.get(one['AttributeName'], 'S')}" for one in schema}
    return by_type.get("HASH", ""), by_type.get("RANGE", "")


def read_index(one: Mapping[str, Any], letters: Mapping[str, str]) -> Index:
    projection = one.get("Projection") or {}
    kind = projection.get("ProjectionType", "ALL")
    held = tuple(sorted(projection.get("NonKeyAttributes") or ())) if kind == "INCLUDE" else (kind,)
    return Index(*read_keys(one["KeySchema"], letters), held)


def read_indexes(table: Mapping[str, Any]) -> dict[str, Index]:
    """The global indexes by name."""
    types = letters(table)
    return {one["IndexName"]: read_index(one, types) for one in table.get("GlobalSecondaryIndexes") or ()}


def read_local(one: Mapping[str, Any], letters: Mapping[str, str]) -> Index:
    index = read_index(one, letters)
    return Index("", index.sort, index.project)


def stream(table: Mapping[str, Any]) -> str:
    stream = table.get("StreamSpecification") or {}
    return str(stream.get("StreamViewType", "")) if stream.get("StreamEnabled") else ""


def ttl(found: Mapping[str, Any] | None) -> str:
    about = (found or {}).get("TimeToLiveDescription") or {}
    return str(about.get("AttributeName", "")) if about.get("TimeToLiveStatus") in ("ENABLED", "ENABLING") else ""


def recovery(found: Mapping[str, Any] | None) -> bool:
    about = (found or {}).get("ContinuousBackupsDescription") or {}
    return (about.get("PointInTimeRecoveryDescription") or {}).get("PointInTimeRecoveryStatus") == "ENABLED"


def encryption(sse: Mapping[str, Any]) -> str:
    """`owned`, or the key's ARN: AWS's own key and one of the user's look alike. `managed` where no key is shown."""
    if sse.get("Status") not in ("ENABLED", "ENABLING", "UPDATING"):
        return "owned"
    key = str(sse.get("KMSMasterKeyArn") or "managed")
    return "managed" if key.endswith("alias/aws/dynamodb") else key


def outputs(table: Mapping[str, Any]) -> Outputs:
    outputs = {"arn": str(table["TableArn"])}
    if stream(table) and table.get("LatestStreamArn"):
        outputs["stream_arn"] = str(table["LatestStreamArn"])
    return outputs
