"""DynamoDB tables, on demand: keys, indexes, stream, time to live, point-in-time recovery.

AWS facts (DynamoDB developer guide; live probes collected by the tools that code against them):
- A table is CREATING for seconds, UPDATING after each change, and takes one change at a time: everything in here goes
  one after the other, with a wait between. Error texts tell `being created` from `already exists` (same code).
- Only the attributes that are keys are declared, and all of them.
- One index is made or removed for each UpdateTable. Key and local indexes never change in place.
- A stream's view cannot be changed while it is on: off, wait, on again, which makes a new stream with a new ARN.
- Time to live goes through ENABLING; another attribute means switching it off first, which AWS allows once an hour.
- Point-in-time recovery can be switched on only some seconds after the table is active.
- Tags take about 1.5 s to settle: a second tag call, or DeleteTable, in that time is refused for a moment.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

from serverless_cli.aws.calls import Aws
from serverless_cli.errors import Problem
from serverless_cli.keys import Doc, KeyPattern, Pattern, Range
from serverless_cli.model import Change, Found, Loss, Mark, Observed, Outputs, Place, Ref, Resource, Verb
from serverless_cli.names import NameRule, arn
from serverless_cli.resources import table_form as form
from serverless_cli.resources.base import Attribute, Declared, Here, Kind, Scope, Type, together
from serverless_cli.resources.ownership import attempt, claim
from serverless_cli.resources.table_form import Index, TableSpec
from serverless_cli.wiring import Statement, Wiring

CHANGE_S = 600.0
LETTERS = {"string": "S", "number": "N", "binary": "B"}
VIEWS = {"new": "NEW_IMAGE", "old": "OLD_IMAGE", "both": "NEW_AND_OLD_IMAGES", "keys": "KEYS_ONLY"}
MOST_INDEXES, MOST_LOCAL = 20, 5


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeKeys:
    """An attribute that is a key, with its type."""

    name: Annotated[str, Doc("The attribute's name."), Range(1, 255)]
    type: Annotated[Literal["string", "number", "binary"], Doc("What it holds.")] = "string"


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexKeys:
    """A second way to query the table."""

    key: Annotated[str | AttributeKeys | None, Doc("Its key; left out, it is local: the table's own.")] = None
    sort_key: Annotated[str | AttributeKeys | None, Doc("The attribute that items of one key are sorted by.")] = None
    project: Annotated[
        Literal["all", "keys"] | tuple[str, ...], Doc("What it holds of an item: `all`, `keys`, or attributes.")
    ] = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class TableKeys:
    """A table, paid for by request."""

    key: Annotated[str | AttributeKeys, Doc("The attribute that items are found by; a text is its name.")]
    sort_key: Annotated[str | AttributeKeys | None, Doc("The attribute that items of one key are sorted by.")] = None
    indexes: Annotated[
        Mapping[str, IndexKeys],
        Doc("Further ways to query, by name."),
        KeyPattern(r"[a-zA-Z0-9_.-]{3,255}", "3 to 255 letters, digits, _ . -"),
    ] = field(default_factory=dict)
    stream: Annotated[
        Literal["new", "old", "both", "keys"] | None,
        Doc("Tells of each change: the item's new image, the old, both, or keys."),
    ] = None  # fmt: skip
    ttl: Annotated[str | None, Doc("The attribute with the time, in epoch seconds, after which an item goes.")] = None
    point_in_time_recovery: Annotated[bool, Doc("Continuous backups, to go back to any second.")] = False
    encryption: Annotated[
        str,
        Doc("`owned` by DynamoDB, `managed` by KMS for you, or a KMS key's ARN."),
        Pattern(r"owned|managed|arn:[^:]+:kms:.+", "owned, managed or a KMS key's ARN"),
    ] = "owned"
    protected: Annotated[bool, Doc("AWS refuses to delete it until this is off again.")] = False


def table_arn(place: Place, name: str) -> str:
    return arn(place, "dynamodb", f"table/{name}")


def _read(target: str) -> tuple[Statement, ...]:
    actions = ("BatchGetItem", "ConditionCheckItem", "DescribeTable", "GetItem", "Query", "Scan")
    return (Statement(tuple(f"dynamodb:{a}" for a in actions), (target, f"{target}/index/*")),)


def _write(target: str) -> tuple[Statement, ...]:
    actions = ("BatchWriteItem", "DeleteItem", "PutItem", "UpdateItem")
    return (Statement(tuple(f"dynamodb:{a}" for a in actions), (target,)),)


class TableType(Type[TableKeys]):
    type_name = "table"
    doc = "DynamoDB table."
    keys = TableKeys
    name_rule = NameRule(255, r"[a-zA-Z0-9_.-]{3,255}")
    attributes: ClassVar[Mapping[str, Attribute]] = {
        "name": Attribute("The table's name.", lambda _, name: name),
        "arn": Attribute("The table's ARN.", table_arn),
        "stream_arn": Attribute("The ARN of its stream."),
    }
    grants: ClassVar = {
        "read": _read,
        "write": _write,
        "read-write": lambda target: _read(target) + _write(target),
    }

    def problems(self, it: Declared[TableKeys], scope: Scope) -> Iterable[Problem]:
        letters: dict[str, str] = {}
        for path, named in _named(it.keys):
            name, _, letter = _attribute(named).partition(":")
            if letters.setdefault(name, letter) != letter:
                why = "an attribute has one type"
                yield Problem(f"`{name}` is declared with two types", why, where=it.line(*path))
        if _attribute(it.keys.key) == _attribute(it.keys.sort_key):
            yield Problem("key and sort key are the same attribute", "they must differ", where=it.line("sort_key"))
        yield from _index_problems(it)

    def expand(self, it: Declared[TableKeys], scope: Scope) -> Iterable[Resource | Wiring]:
        keys = it.keys
        spec = TableSpec(
            key=_attribute(keys.key),
            sort=_attribute(keys.sort_key),
            local={name: _index(one) for name, one in keys.indexes.items() if one.key is None},
            indexes={name: _index(one) for name, one in keys.indexes.items() if one.key is not None},
            stream=VIEWS[keys.stream] if keys.stream else "",
            ttl=keys.ttl or "",
            recovery=keys.point_in_time_recovery,
            encryption=keys.encryption,
            protected=keys.protected,
        )
        yield Resource(Ref("table", it.id), it.name, spec, where=it.where, retain=it.retain)


def _named(keys: TableKeys) -> Iterator[tuple[tuple[str, ...], str | AttributeKeys]]:
    """Every attribute that is some key, with its path in the blueprint."""
    yield ("key",), keys.key
    if keys.sort_key:
        yield ("sort_key",), keys.sort_key
    for name, index in keys.indexes.items():
        if index.key:
            yield ("indexes", name, "key"), index.key
        if index.sort_key:
            yield ("indexes", name, "sort_key"), index.sort_key


def _index_problems(it: Declared[TableKeys]) -> Iterator[Problem]:
    local = [name for name, index in it.keys.indexes.items() if index.key is None]
    for most, names, what in (
        (MOST_LOCAL, local, "local indexes"),
        (MOST_INDEXES, [name for name in it.keys.indexes if name not in local], "indexes"),
    ):
        if len(names) > most:
            yield Problem(
                f"{it.id} has {len(names)} {what}", f"DynamoDB takes {most} at most", where=it.line("indexes")
            )
    for name in local:
        if it.keys.indexes[name].sort_key is None or it.keys.sort_key is None:
            yield Problem(
                f"the index {name} has neither a key of its own nor a sort key to differ by",
                "a local index has the table's key and another sort key, and wants a table with a sort key",
                "give it a `key`",
                it.line("indexes", name),
            )


def _attribute(one: str | AttributeKeys | None) -> str:
    if one is None:
        return ""
    return f"{one}:S" if isinstance(one, str) else f"{one.name}:{LETTERS[one.type]}"


def _index(keys: IndexKeys) -> Index:
    project = keys.project
    names = {"all": ("ALL",), "keys": ("KEYS_ONLY",)}
    held = names[project] if isinstance(project, str) else tuple(sorted(project))
    return Index(_attribute(keys.key), _attribute(keys.sort_key), held)


class TableKind(Kind[TableSpec]):
    kind = "table"
    doc = "DynamoDB table"
    spec = TableSpec
    create_only = frozenset({"key", "sort", "local"})
    data = True
    rank = 70
    volatile = frozenset({"stream_arn"})
    permissions: ClassVar[Mapping[Verb, tuple[str, ...]]] = {
        Verb.READ: ("dynamodb:DescribeTable", "dynamodb:ListTagsOfResource", "dynamodb:DescribeTimeToLive",
                    "dynamodb:DescribeContinuousBackups"),
        Verb.CREATE: ("dynamodb:CreateTable", "dynamodb:TagResource", "dynamodb:DescribeTable",
                      "dynamodb:UpdateTimeToLive", "dynamodb:UpdateContinuousBackups", "dynamodb:ListTagsOfResource", "dynamodb:DescribeTimeToLive",
                      "dynamodb:DescribeContinuousBackups", "dynamodb:UpdateTable"),
        Verb.UPDATE: ("dynamodb:UpdateTable", "dynamodb:DescribeTable", "dynamodb:UpdateTimeToLive",
                      "dynamodb:UpdateContinuousBackups", "dynamodb:TagResource"),
        Verb.DELETE: ("dynamodb:DeleteTable", "dynamodb:DescribeTable"),
        Verb.SEARCH: ("dynamodb:ListTables", "dynamodb:ListTagsOfResource"),
    }  # fmt: skip

    def read(self, aws: Aws, here: Here) -> Observed | None:
        target = table_arn(here.place, here.name)
        found, tags, ttl, backups = together(
            aws,
            (
                lambda: aws.find("dynamodb.DescribeTable", TableName=here.name),
                lambda: list(aws.pages("dynamodb.ListTagsOfResource", "Tags", ResourceArn=target)),
                lambda: aws.find("dynamodb.DescribeTimeToLive", TableName=here.name),
                lambda: aws.find("dynamodb.DescribeContinuousBackups", TableName=here.name),
            ),
        )
        if found is None or found["Table"].get("TableStatus") == "DELETING":
            return None
        table: dict[str, Any] = found["Table"]
        letters = {one["AttributeName"]: one["AttributeType"] for one in table["AttributeDefinitions"]}
        key, sort = form.read_keys(table["KeySchema"], letters)
        sse = table.get("SSEDescription") or {}
        spec = TableSpec(
            key=key,
            sort=sort,
            local={one["IndexName"]: form.read_local(one, letters) for one in table.get("LocalSecondaryIndexes") or ()},
            indexes={
                one["IndexName"]: form.read_index(one, letters) for one in table.get("GlobalSecondaryIndexes") or ()
            },
            stream=form.stream(table),
            ttl=form.ttl(ttl),
            recovery=form.recovery(backups),
            encryption=form.encryption(sse),
            protected=bool(table.get("DeletionProtectionEnabled")),
        )
        return Observed(spec, form.outputs(table), Mark.of({tag["Key"]: tag["Value"] for tag in tags}))

    def create(self, aws: Aws, here: Here, spec: TableSpec) -> Outputs:
        self._until_gone(aws, here.name, only_deleting=True)
        made = attempt(
            aws,
            "dynamodb.CreateTable",
            "ResourceInUseException",
            "already exist",
            TableName=here.name,
            BillingMode="PAY_PER_REQUEST",
            Tags=here.mark.pairs,
            **form.definition(spec),
        )
        _active(aws, here.name)
        if made is None:
            found = claim(here, self.read(aws, here))
            if found:
                return self._converge(aws, here, spec, found)
        if spec.ttl:
            _set_ttl(aws, here.name, spec.ttl, on=True)
        if spec.recovery:
            _set_recovery(aws, here.name, on=True)
        return form.outputs(_active(aws, here.name))

    def _converge(self, aws: Aws, here: Here, spec: TableSpec, found: Observed) -> Outputs:
        """Brings a table that an earlier attempt left to the wish."""
        fields = ("indexes", "stream", "ttl", "recovery", "encryption", "protected")
        have = found.spec
        changes = [
            Change((name,), getattr(have, name), getattr(spec, name))
            for name in fields
            if getattr(have, name) != getattr(spec, name)
        ]
        if found.mark is None:
            changes.append(Change(("mark",), None, here.mark))
        return self.update(aws, here, spec, tuple(changes))

    def update(self, aws: Aws, here: Here, spec: TableSpec, changes: tuple[Change, ...]) -> Outputs:
        fields, name = {change.field: change for change in changes}, here.name
        if "mark" in fields:
            aws.call("dynamodb.TagResource", ResourceArn=table_arn(here.place, name), Tags=here.mark.pairs)
        if "protected" in fields:
            aws.call("dynamodb.UpdateTable", TableName=name, DeletionProtectionEnabled=spec.protected)
        if "encryption" in fields:
            _active(aws, name)
            aws.call("dynamodb.UpdateTable", TableName=name, SSESpecification=form.sse(spec.encryption))
        if "indexes" in fields:
            _set_indexes(aws, name, spec)
        if "stream" in fields:
            _set_stream(aws, name, spec.stream)
        if "ttl" in fields:
            before = fields["ttl"].before
            if before:
                _set_ttl(aws, name, str(before), on=False)
            if spec.ttl:
                _set_ttl(aws, name, spec.ttl, on=True)
        if "recovery" in fields:
            _set_recovery(aws, name, on=spec.recovery)
        return form.outputs(_active(aws, name))

    def delete(self, aws: Aws, here: Here) -> None:
        aws.remove("dynamodb.DeleteTable", TableName=here.name)
        self._until_gone(aws, here.name)

    def _until_gone(self, aws: Aws, name: str, *, only_deleting: bool = False) -> None:
        def ask() -> bool | None:
            found = aws.find("dynamodb.DescribeTable", TableName=name)
            status = found["Table"].get("TableStatus") if found else None
            return True if status is None or (only_deleting and status != "DELETING") else None

        aws.wait(f"table {name} to be gone", ask, deadline_s=CHANGE_S)

    def search(self, aws: Aws, place: Place | None) -> Iterator[Found]:
        for name in aws.pages("dynamodb.ListTables", "TableNames"):
            if place and not name.startswith(f"{place.stack}-{place.stage}-"):
                continue
            found = aws.find("dynamodb.DescribeTable", TableName=name)
            if found is None or found["Table"].get("TableStatus") == "DELETING":
                continue
            pairs = aws.pages("dynamodb.ListTagsOfResource", "Tags", ResourceArn=found["Table"]["TableArn"])
            if mark := Mark.of({tag["Key"]: tag["Value"] for tag in pairs}):
                yield Found(Ref("table", mark.id), name, mark)

    def loss(self, aws: Aws, here: Here) -> Iterable[Loss]:
        """DynamoDB's own count is up to six hours old, so small tables are counted by a scan."""
        found = aws.find("dynamodb.DescribeTable", TableName=here.name)
        if found is None:
            return
        table = found["Table"]
        count = int(table.get("ItemCount") or 0)
        if count < 10_000:
            page = aws.call("dynamodb.Scan", TableName=here.name, Select="COUNT")
            count = max(count, int(page.get("Count") or 0))
        if count:
            yield Loss("items", count, int(table.get("TableSizeBytes") or 0))


def _active(aws: Aws, name: str) -> dict[str, Any]:
    """The table once it and its indexes take the next change."""

    def ask() -> dict[str, Any] | None:
        found = aws.find("dynamodb.DescribeTable", TableName=name)
        if found is None or found["Table"].get("TableStatus", "ACTIVE") != "ACTIVE":
            return None
        table: dict[str, Any] = found["Table"]
        states = [one.get("IndexStatus", "ACTIVE") for one in table.get("GlobalSecondaryIndexes") or ()]
        return table if all(state == "ACTIVE" for state in states) else None

    return aws.wait(f"table {name} to be active", ask, deadline_s=CHANGE_S)


def _set_indexes(aws: Aws, name: str, spec: TableSpec) -> None:
    """Removes and makes indexes, one at a time; a changed one is both."""
    table = _active(aws, name)
    letters = {one["AttributeName"]: one["AttributeType"] for one in table["AttributeDefinitions"]}
    have = {one["IndexName"]: form.read_index(one, letters) for one in table.get("GlobalSecondaryIndexes") or ()}
    updates: list[tuple[dict[str, Any], set[str]]] = [
        ({"Delete": {"IndexName": index}}, set()) for index, one in have.items() if spec.indexes.get(index) != one
    ]
    updates += [
        ({"Create": form.index_definition(index, one)}, {one.key, one.sort} - {""})
        for index, one in spec.indexes.items()
        if have.get(index) != one
    ]
    for update, named in updates:
        settings: dict[str, Any] = {"AttributeDefinitions": form.definitions(named)} if named else {}
        aws.call("dynamodb.UpdateTable", TableName=name, GlobalSecondaryIndexUpdates=[update], **settings)
        _active(aws, name)


def _set_stream(aws: Aws, name: str, view: str) -> None:
    have = form.stream(_active(aws, name))
    if have and have != view:
        aws.call("dynamodb.UpdateTable", TableName=name, StreamSpecification={"StreamEnabled": False})
        _active(aws, name)
    if view and have != view:
        stream = {"StreamEnabled": True, "StreamViewType": view}
        aws.call("dynamodb.UpdateTable", TableName=name, StreamSpecification=stream)
        _active(aws, name)


def _set_ttl(aws: Aws, name: str, attribute: str, *, on: bool) -> None:
    settings = {"Enabled": on, "AttributeName": attribute}
    state = "enabled" if on else "disabled"
    attempt(
        aws, "dynamodb.UpdateTimeToLive", "ValidationException", f"already {state}",
        TableName=name, TimeToLiveSpecification=settings,
    )  # fmt: skip


def _set_recovery(aws: Aws, name: str, *, on: bool) -> None:
    settings = {"PointInTimeRecoveryEnabled": on}
    aws.call("dynamodb.UpdateContinuousBackups", TableName=name, PointInTimeRecoverySpecification=settings)
