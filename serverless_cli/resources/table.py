"""DynamoDB tables, on demand: keys, indexes, stream, time to live, point-in-time recovery.

AWS facts (DynamoDB developer guide; live probes collected by the tools that code against them):
- A table is CREATING for seconds, UPDATING after each change, and takes one change at a time: everything in here goes
  one after the other, with a wait between. Error texts tell `being created` from `already exists` (same code).
- Only the attributes that are keys are declared, and all of them.
- One index is made or removed for each UpdateTable, which must declare the keys of a new one, and only those. Key and
  local indexes never change in place.
- A stream's view cannot be changed while it is on: off, wait, on again, which makes a new stream with a new ARN.
- Time to live goes through ENABLING; another attribute means switching it off first, and a second change within about
  an hour is refused.
- Point-in-time recovery can be switched on only some seconds after the table is active.
- A table under AWS's own KMS key names that key's ARN, as it does a user's: only KMS tells them apart.
- A protected table is not deleted; for some 15 s after the protection was taken off neither.
- Tags take about 1.5 s to settle: a second tag call, or DeleteTable, in that time is refused for a moment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from serverless_cli import diff
from serverless_cli.aws.calls import Aws, NotYet, Passing
from serverless_cli.errors import AwsError, Exit, Problem, SlxError
from serverless_cli.keys import Doc, KeyPattern, Pattern, Range
from serverless_cli.model import Change, Found, Loss, Mark, Observed, Outputs, Place, Ref, Resource, Saved, Verb
from serverless_cli.names import NameRule, arn
from serverless_cli.records import dataclass
from serverless_cli.resources import table_changes, table_copy
from serverless_cli.resources import table_form as form
from serverless_cli.resources.base import Attribute, Declared, Here, Kind, Scope, Type, apart, marked, together
from serverless_cli.resources.ownership import attempt, belongs, claim
from serverless_cli.resources.table_changes import CHANGE_S, active
from serverless_cli.resources.table_form import Index, TableSpec
from serverless_cli.wiring import Statement, Wiring

UNPROTECTED = Passing("ValidationException", "protect", 30.0)
LETTERS = {"string": "S", "number": "N", "binary": "B"}
VIEWS = {"new": "NEW_IMAGE", "old": "OLD_IMAGE", "both": "NEW_AND_OLD_IMAGES", "keys": "KEYS_ONLY"}
MOST_INDEXES, MOST_LOCAL = 20, 5


LONGEST_KEY = 255


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
        Pattern(r"owned|managed|arn:[^:]+:kms:[^:]+:\d+:key/.+", "owned, managed or a KMS key's ARN (not an alias's)"),
    ] = "owned"
    protected: Annotated[bool, Doc("AWS refuses to delete it until this is off again.")] = False


READING = ("dynamodb:DescribeTable", "dynamodb:ListTagsOfResource", "dynamodb:DescribeTimeToLive",
           "dynamodb:DescribeContinuousBackups", "kms:DescribeKey")  # fmt: skip


def table_arn(place: Place, name: str) -> str:
    return arn(place, "dynamodb", f"table/{name}")


def _read(target: str) -> tuple[Statement, ...]:
    actions = ("BatchGetItem", "ConditionCheckItem", "DescribeTable", "GetItem")
    searches = Statement(("dynamodb:Query", "dynamodb:Scan"), (target, f"{target}/index/*"))
    return Statement(tuple(f"dynamodb:{a}" for a in actions), (target,)), searches


def _write(target: str) -> tuple[Statement, ...]:
    actions = ("BatchWriteItem", "DeleteItem", "PutItem", "UpdateItem")
    return (Statement(tuple(f"dynamodb:{a}" for a in actions), (target,)),)


class TableType(Type[TableKeys]):
    type_name = "table"
    doc = "DynamoDB table."
    keys = TableKeys
    name_rule = NameRule(255, r"[a-zA-Z0-9_.-]{3,255}", says="3 to 255 letters, digits, _ . and -")
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
        yield from apart(self._attribute_problems(it), _same_keys(it), _index_problems(it))

    def _attribute_problems(self, it: Declared[TableKeys]) -> Iterable[Problem]:
        letters: dict[str, str] = {}
        for path, named in _named(it.keys):
            name, _, letter = _attribute(named).rpartition(":")
            if not 0 < len(name) <= LONGEST_KEY:
                why = f"it has 1 to {LONGEST_KEY} characters"
                yield Problem(f"`{path[-1]}` cannot be the attribute `{name[:40]}`", why, where=it.line(*path))
            if letters.setdefault(name, letter) != letter:
                why = "an attribute has one type"
                yield Problem(f"`{name}` is declared with two types", why, where=it.line(*path))

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


def _same_keys(it: Declared[TableKeys]) -> Iterator[Problem]:
    """The table, and indexes, whose items would be sorted by what they are found by."""
    named = [(("indexes", name), one.key or it.keys.key, one.sort_key) for name, one in it.keys.indexes.items()]
    for path, key, sort in (((), it.keys.key, it.keys.sort_key), *named):
        if sort and _attribute(key) == _attribute(sort):
            yield Problem(
                "key and sort key are the same attribute", "they must differ", where=it.line(*path, "sort_key")
            )


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
    for name, index in it.keys.indexes.items():
        if index.key is None and (index.sort_key is None or it.keys.sort_key is None):
            yield Problem(
                f"the index {name} has neither a key of its own nor a sort key to differ by",
                "a local index has the table's key and another sort key, and wants a table with a sort key",
                "give it a `key`",
                it.line("indexes", name),
            )
        if index.project == ():
            where = it.line("indexes", name, "project")
            yield Problem(
                f"the index {name} holds nothing", "`project` names no attribute", "write `project: keys`", where
            )


def _attribute(one: str | AttributeKeys | None) -> str:
    if one is None:
        return ""
    return f"{one}:S" if isinstance(one, str) else f"{one.name}:{LETTERS[one.type]}"


def _index(keys: IndexKeys) -> Index:
    project = keys.project
    names = {"all": ("ALL",), "keys": ("KEYS_ONLY",)}
    held = names[project] if isinstance(project, str) else tuple(sorted(set(project)))
    return Index(_attribute(keys.key), _attribute(keys.sort_key), held)


class TableKind(Kind[TableSpec]):
    kind = "table"
    doc = "DynamoDB table"
    spec = TableSpec
    create_only = frozenset({"key", "sort", "local"})
    data = True
    can_save = True
    rank = 70
    after = frozenset({"mapping", "pipe"})
    volatile = frozenset({"stream_arn"})
    permissions: ClassVar[Mapping[Verb, tuple[str, ...]]] = {
        Verb.READ: READING,
        Verb.CREATE: (*READING, "dynamodb:CreateTable", "dynamodb:TagResource", "dynamodb:UpdateTimeToLive",
                      "dynamodb:UpdateContinuousBackups", "dynamodb:UpdateTable"),
        Verb.UPDATE: ("dynamodb:UpdateTable", "dynamodb:DescribeTable", "dynamodb:UpdateTimeToLive",
                      "dynamodb:UpdateContinuousBackups", "dynamodb:TagResource"),
        Verb.DELETE: ("dynamodb:DeleteTable", "dynamodb:DescribeTable"),
        Verb.SEARCH: ("dynamodb:ListTables", "dynamodb:DescribeTable", "dynamodb:ListTagsOfResource"),
    }  # fmt: skip

    def read(self, aws: Aws, here: Here) -> Observed | None:
        target = table_arn(here.place, here.name)
        found, tags, ttl, backups = together(
            aws,
            (
                lambda: aws.find("dynamodb.DescribeTable", TableName=here.name),
                lambda: _tags(aws, target),
                lambda: aws.find("dynamodb.DescribeTimeToLive", TableName=here.name),
                lambda: aws.find("dynamodb.DescribeContinuousBackups", TableName=here.name),
            ),
        )
        if found is None or found["Table"].get("TableStatus") == "DELETING":
            return None
        if isinstance(tags, AwsError):
            raise tags
        table: dict[str, Any] = found["Table"]
        letters = form.letters(table)
        key, sort = form.read_keys(table["KeySchema"], letters)
        spec = TableSpec(
            key=key,
            sort=sort,
            local={one["IndexName"]: form.read_local(one, letters) for one in table.get("LocalSecondaryIndexes") or ()},
            indexes=form.read_indexes(table),
            stream=form.stream(table),
            ttl=form.ttl(ttl),
            recovery=form.recovery(backups),
            encryption=_encryption(aws, here, form.encryption(table.get("SSEDescription") or {})),
            protected=bool(table.get("DeletionProtectionEnabled")),
        )
        return Observed(spec, form.outputs(table), Mark.of({tag["Key"]: tag.get("Value", "") for tag in tags}))

    def create(self, aws: Aws, here: Here, spec: TableSpec) -> Outputs:
        def ask() -> Observed | bool:
            made = attempt(
                aws, "dynamodb.CreateTable", "ResourceInUseException", "already exist", TableName=here.name,
                BillingMode="PAY_PER_REQUEST", Tags=here.mark.pairs, **form.definition(spec),
            )  # fmt: skip
            found = None if made else claim(here, self.read(aws, here))
            if not made and not found:
                raise NotYet("DELETING")
            return found or True

        found = aws.wait(f"the former table {here.name} to be gone", ask, deadline_s=CHANGE_S)
        table = active(aws, here.name)
        if isinstance(found, Observed):
            return self._converge(aws, here, spec, found)
        if spec.ttl:
            table_changes.set_ttl(aws, here.name, spec.ttl, on=True)
        if spec.recovery:
            table_changes.set_recovery(aws, here.name, on=True)
        return form.outputs(table)

    def _converge(self, aws: Aws, here: Here, spec: TableSpec, found: Observed) -> Outputs:
        """Brings a table that an earlier attempt left to the wish."""
        unmarked = () if found.mark else (Change(("mark",), None, here.mark),)
        return self.update(aws, here, spec, unmarked + diff.changes(spec, found.spec, self.create_only))

    def update(self, aws: Aws, here: Here, spec: TableSpec, changes: tuple[Change, ...]) -> Outputs:
        fields = {change.field: change for change in changes}
        if "mark" in fields:
            aws.call("dynamodb.TagResource", ResourceArn=table_arn(here.place, here.name), Tags=here.mark.pairs)
        table_changes.make(aws, here.name, spec, fields)
        return form.outputs(active(aws, here.name))

    def delete(self, aws: Aws, here: Here) -> None:
        try:
            removed = aws.remove("dynamodb.DeleteTable", TableName=here.name)
        except AwsError as error:
            if "protect" not in error.message.lower():
                raise
            for problem in self.hindrances(aws, here):
                raise SlxError(problem.what, problem.why, problem.hint) from error
            removed = aws.remove("dynamodb.DeleteTable", passing=(UNPROTECTED,), TableName=here.name)
        if removed:
            aws.wait(f"table {here.name} to be gone", lambda: _gone(aws, here.name), deadline_s=CHANGE_S)

    def hindrances(self, aws: Aws, here: Here) -> Iterable[Problem]:
        found = aws.find("dynamodb.DescribeTable", TableName=here.name)
        if found and found["Table"].get("DeletionProtectionEnabled"):
            yield Problem(
                f"table {here.name} is protected against deletion",
                "DynamoDB refuses it while that is on",
                f"set `protected: false` for {here.ref.root} and run `slx up`, or run `aws dynamodb update-table "
                f"--table-name {here.name} --no-deletion-protection-enabled`; after that it can be deleted",
            )

    def search(self, aws: Aws, place: Place | None) -> Iterator[Found]:
        prefix = f"{place.stack}-{place.stage}-" if place else ""

        def tags(name: str) -> dict[str, str] | None:
            found = aws.find("dynamodb.DescribeTable", TableName=name)
            if found is None or found["Table"].get("TableStatus") == "DELETING":
                return None
            pairs = aws.pages("dynamodb.ListTagsOfResource", "Tags", ResourceArn=found["Table"]["TableArn"])
            return {tag["Key"]: tag.get("Value", "") for tag in pairs}

        names = (name for name in aws.pages("dynamodb.ListTables", "TableNames") if name.startswith(prefix))
        for name, mark in marked(aws, names, tags):
            if mark and belongs(mark, place):
                yield Found(Ref("table", mark.id), name, mark)

    def save(self, aws: Aws, here: Here, folder: Path, saved: Callable[[int, int], None]) -> Saved:
        return table_copy.save(aws, here.name, folder, saved)

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


def _tags(aws: Aws, target: str) -> list[dict[str, str]] | AwsError:
    """A table's tags; the denial that DynamoDB answers for a table that is not there, too, is no error yet."""
    try:
        return list(aws.pages("dynamodb.ListTagsOfResource", "Tags", ResourceArn=target))
    except AwsError as error:
        if error.exit_code is Exit.DENIED:
            return error
        raise


def _gone(aws: Aws, name: str) -> bool | None:
    return True if aws.find("dynamodb.DescribeTable", TableName=name) is None else None


def _encryption(aws: Aws, here: Here, key: str) -> str:
    """`managed` where the key is AWS's own; KMS is asked only about a key that is neither wished for nor elsewhere."""
    wish = here.wish or here.recorded
    wished = isinstance(wish, TableSpec) and wish.encryption == key
    if wished or f":{here.place.account}:" not in key:
        return key
    try:
        found = aws.find("kms.DescribeKey", KeyId=key)
    except AwsError as error:
        if error.exit_code is not Exit.DENIED:
            raise
        # Everybody in the account may look at AWS's own keys.
        return key
    return "managed" if found and found["KeyMetadata"].get("KeyManager") == "AWS" else key
