from __future__ import annotations

from dataclasses import replace

import pytest
from aws_fakes import refused
from messaging_fakes import AWS_KEY, HERE, TTL_S, DynamoDb, here
from trigger_fakes import Blueprints, granted, spec

from serverless_cli import diff
from serverless_cli.errors import SlxError
from serverless_cli.model import Change, Ref
from serverless_cli.resources.ownership import ForeignError
from serverless_cli.resources.table import TableKind, TableType
from serverless_cli.resources.table_form import Index, TableSpec

ARN = f"arn:aws:dynamodb:{HERE}:table/shop-dev-t"
KEY = f"arn:aws:kms:{HERE}:key/ours"
BY_DAY = Index("day:S", "at:N", ("ALL",))
PLAIN = TableSpec("id:S", "", {}, {}, "", "", recovery=False, encryption="owned", protected=False)
FULL = replace(PLAIN, indexes={"by-day": BY_DAY}, stream="NEW_IMAGE", ttl="ends", recovery=True)


@pytest.fixture
def blueprints(tmp_path):
    return Blueprints(tmp_path / "home")


def made(dynamo: DynamoDb, wish: TableSpec) -> TableSpec:
    TableKind().create(dynamo.aws, here("table", "t", wish), wish)
    return wish


def read(dynamo: DynamoDb, wish: TableSpec | None = None) -> TableSpec:
    found = TableKind().read(dynamo.aws, here("table", "t", wish))
    assert found is not None
    assert isinstance(found.spec, TableSpec)
    return found.spec


def change(dynamo: DynamoDb, wish: TableSpec) -> list[str]:
    """Changes the table as a plan would; what it took to write."""
    changes = diff.changes(wish, read(dynamo, wish), frozenset())
    dynamo.sent.clear()
    TableKind().update(dynamo.aws, here("table", "t", wish), wish, changes)
    assert read(dynamo, wish) == wish
    return dynamo.writes()


# ---------------------------------------------------------------- blueprints


def test_a_table_needs_no_more_than_a_key(blueprints):
    stack = blueprints.stack("t: {type: table, key: id}")

    assert (stack.resources[Ref("table", "t")].name, spec(stack, "table", "t")) == ("shop-dev-t", PLAIN)


def test_all_that_a_table_can_be(blueprints):
    stack = blueprints.stack(f"""
        t:
          type: table
          key: id
          sort_key: {{name: at, type: number}}
          indexes:
            by-day: {{key: day, sort_key: {{name: at, type: number}}}}
            by-hash: {{key: {{name: hash, type: binary}}, project: keys}}
            by-size: {{sort_key: {{name: size, type: number}}, project: [title, a, title]}}
          stream: both
          ttl: expires
          point_in_time_recovery: true
          encryption: {KEY.replace("ours", "1234")}
          protected: true
    """)

    assert spec(stack, "table", "t") == TableSpec(
        key="id:S",
        sort="at:N",
        local={"by-size": Index("", "size:N", ("a", "title"))},
        indexes={"by-day": BY_DAY, "by-hash": Index("hash:B", "", ("KEYS_ONLY",))},
        stream="NEW_AND_OLD_IMAGES",
        ttl="expires",
        recovery=True,
        encryption=KEY.replace("ours", "1234"),
        protected=True,
    )


@pytest.mark.parametrize(
    ("text", "what"),
    [
        pytest.param("§sort_key: id", "the same attribute", id="sorted by its own key"),
        pytest.param("indexes: {one: {key: day, §sort_key: day}}", "the same attribute", id="an index by its own key"),
        pytest.param(
            "sort_key: at\n  indexes: {one: {§sort_key: id}}", "the same attribute", id="a local index by its own key"
        ),
        pytest.param("indexes: {one: {§key: {name: id, type: number}}}", "with two types", id="two types"),
        pytest.param("indexes: {§one: {sort_key: at}}", "a local index has", id="local, of a table without sort key"),
        pytest.param(
            "sort_key: at\n  indexes: {§one: {project: keys}}", "a local index has", id="local, without sort key"
        ),
        pytest.param(
            "indexes: {one: {key: day, §project: []}}", "names no attribute", id="an index that holds nothing"
        ),
        pytest.param("encryption: §alias/ours", "a KMS key's ARN", id="a key by its alias"),
        pytest.param(f"encryption: §arn:aws:kms:{HERE}:alias/ours", "a KMS key's ARN", id="an alias's ARN"),
        pytest.param("indexes: {§a: {key: day}}", "3 to 255", id="a short name"),
        pytest.param("stream: §all", "", id="another view"),
    ],
)
def test_what_dynamodb_would_refuse_is_shown_where_it_stands(blueprints, text, what):
    wanted, found, texts = blueprints.located(f"t:\n  type: table\n  key: id\n  {text}\n")

    assert found == wanted
    assert what in texts[0]


@pytest.mark.parametrize(
    ("count", "sort", "what"),
    [(21, "", "21 indexes"), (6, "", "6 local indexes")],
    ids=["global", "local"],
)
def test_too_many_indexes_are_refused(blueprints, count, sort, what):
    key = "" if "local" in what else "key: k, "
    indexes = ", ".join(f"one-{n}: {{{key}sort_key: s{n}}}" for n in range(count))

    [problem] = blueprints.refused(f"t: {{type: table, key: id, sort_key: at, indexes: {{{indexes}}}}}")

    assert problem.what == f"t has {what}"


@pytest.mark.parametrize(
    ("verb", "actions"),
    [
        (
            "read",
            {
                ("BatchGetItem", "ConditionCheckItem", "DescribeTable", "GetItem"): (ARN,),
                ("Query", "Scan"): (ARN, f"{ARN}/index/*"),
            },
        ),
        ("write", {("BatchWriteItem", "DeleteItem", "PutItem", "UpdateItem"): (ARN,)}),
    ],
)  # fmt: skip
def test_access_is_just_what_the_word_says(blueprints, verb, actions):
    stack = blueprints.stack(f"""
        fn: {{type: function, code: ./fn, access: {{t: {verb}}}}}
        t: {{type: table, key: id}}
    """)

    assert {one.actions: one.resources for one in granted(stack, "fn")} == {
        tuple(f"dynamodb:{name}" for name in names): targets for names, targets in actions.items()
    }


def test_to_read_and_write_is_both(blueprints):
    assert TableType.grants["read-write"](ARN) == TableType.grants["read"](ARN) + TableType.grants["write"](ARN)


def test_an_attribute_may_have_a_colon_in_its_name():
    dynamo = DynamoDb()

    made(dynamo, replace(PLAIN, key="shop:id:S", indexes={"one": Index("a:b:N", "", ("ALL",))}))

    assert read(dynamo).key == "shop:id:S"
    assert read(dynamo).indexes == {"one": Index("a:b:N", "", ("ALL",))}


# ---------------------------------------------------------------- making


def test_a_plain_table_takes_one_write_and_the_wait_for_it():
    dynamo = DynamoDb()

    outputs = TableKind().create(dynamo.aws, here("table", "t", PLAIN), PLAIN)

    assert dynamo.writes() == ["CreateTable"]
    assert set(dynamo.operations) == {"CreateTable", "DescribeTable"}
    assert (dynamo.state, outputs) == ("ACTIVE", {"arn": f"arn:aws:dynamodb:{HERE}:table/t"})


def test_a_full_one_waits_for_its_backups():
    dynamo = DynamoDb()

    outputs = TableKind().create(dynamo.aws, here("table", "t", FULL), FULL)

    assert read(dynamo) == FULL
    assert list(dict.fromkeys(dynamo.writes())) == ["CreateTable", "UpdateTimeToLive", "UpdateContinuousBackups"]
    assert outputs["stream_arn"].endswith("/stream/1")


def test_one_that_is_just_being_deleted_is_waited_for():
    dynamo = DynamoDb()
    made(dynamo, PLAIN)
    dynamo.DeleteTable("t")

    made(dynamo, replace(PLAIN, key="other:S"))

    assert read(dynamo).key == "other:S"


def test_after_a_lost_answer_the_table_is_ours_and_complete():
    dynamo = DynamoDb()
    dynamo.CreateTable("t", [], KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}], AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}])  # fmt: skip

    TableKind().create(dynamo.aws, here("table", "t", FULL, expected=True), FULL)

    assert read(dynamo) == FULL
    assert dynamo.tags == here("table", "t").mark.tags


def test_somebody_elses_is_left_alone():
    dynamo = DynamoDb()
    made(dynamo, PLAIN)
    dynamo.tags = {"owner": "ann"}

    with pytest.raises(ForeignError):
        made(dynamo, FULL)

    assert (dynamo.tags, read(dynamo)) == ({"owner": "ann"}, PLAIN)


# ---------------------------------------------------------------- changing


def test_changes_come_one_after_the_other():
    dynamo = DynamoDb()
    made(dynamo, FULL)
    indexes = {"by-day": Index("day:S", "", ("ALL",)), "by-name": Index("name:S", "id:S", ("KEYS_ONLY",))}
    dynamo.clock.sleep(TTL_S)

    writes = change(
        dynamo, replace(FULL, indexes=indexes, stream="", ttl="", recovery=False, encryption=KEY, protected=True)
    )

    assert writes == ["UpdateTable"] * 6 + ["UpdateContinuousBackups", "UpdateTimeToLive"]


def test_an_index_that_is_still_built_is_waited_for():
    dynamo = DynamoDb()
    made(dynamo, PLAIN)
    wish = replace(PLAIN, indexes={"by-day": BY_DAY, "by-name": Index("name:S", "", ("ALL",))})

    change(dynamo, wish)

    assert dynamo.state == "ACTIVE"


def test_another_view_makes_another_stream():
    dynamo = DynamoDb()
    wish = replace(FULL, stream="KEYS_ONLY")
    before = TableKind().create(dynamo.aws, here("table", "t", FULL), FULL)["stream_arn"]

    outputs = TableKind().update(dynamo.aws, here("table", "t", wish), wish, (Change(("stream",), "", ""),))

    assert dynamo.writes()[-2:] == ["UpdateTable", "UpdateTable"]
    assert before.endswith("/stream/1")
    assert outputs["stream_arn"].endswith("/stream/2")
    assert "stream_arn" in TableKind.volatile


def test_the_arn_of_a_stream_that_is_off_is_none():
    dynamo = DynamoDb()
    made(dynamo, FULL)
    change(dynamo, replace(FULL, stream=""))

    found = TableKind().read(dynamo.aws, here("table", "t"))

    assert found is not None
    assert "stream_arn" not in found.outputs


def test_another_time_to_live_is_refused_for_an_hour_and_the_next_run_ends_it():
    dynamo = DynamoDb()
    wish = replace(FULL, ttl="other", stream="")
    made(dynamo, FULL)
    dynamo.clock.sleep(TTL_S)

    with pytest.raises(SlxError, match="cannot be enabled yet") as raised:
        change(dynamo, wish)

    assert "hour" in raised.value.why
    assert read(dynamo) == replace(wish, ttl="")
    dynamo.clock.sleep(TTL_S)
    assert change(dynamo, wish) == ["UpdateTimeToLive"]


@pytest.mark.parametrize(
    ("wish", "failure"),
    [
        (replace(FULL, stream=""), refused("ValidationException", "Table has no stream to disable: TableName: t")),
        (replace(FULL, indexes={}), refused("ValidationException", "the index by-day does not exist")),
    ],
    ids=["stream", "index"],
)
def test_a_change_whose_answer_was_lost_is_made_already(wish, failure):
    dynamo = DynamoDb()
    made(dynamo, FULL)
    changes = diff.changes(wish, read(dynamo), frozenset())
    dynamo.once["UpdateTable"] = failure

    TableKind().update(dynamo.aws, here("table", "t", wish), wish, changes)


def test_the_tags_of_a_table_that_has_lost_its_mark_settle():
    dynamo = DynamoDb()
    made(dynamo, PLAIN)
    dynamo.tags = {}
    dynamo.tagged = dynamo.clock.now()

    TableKind().update(dynamo.aws, here("table", "t", PLAIN), PLAIN, (Change(("mark",), None, None),))

    assert dynamo.tags == here("table", "t").mark.tags


# ---------------------------------------------------------------- encryption


def test_awss_own_key_is_told_from_a_users():
    dynamo = DynamoDb()
    wish = replace(PLAIN, encryption="managed")
    made(dynamo, wish)
    assert read(dynamo, wish) == wish
    assert read(dynamo) == wish

    change(dynamo, replace(PLAIN, encryption=KEY))
    assert read(dynamo).encryption == KEY

    change(dynamo, wish)
    assert change(dynamo, PLAIN) == ["UpdateTable"]


def test_kms_is_not_asked_about_the_key_that_is_wished_for_nor_about_another_accounts():
    dynamo = DynamoDb()
    theirs = KEY.replace("123456789012", "111122223333")
    wish = made(dynamo, replace(PLAIN, encryption=KEY))

    assert read(dynamo, wish) == wish
    assert "DescribeKey" not in dynamo.operations
    change(dynamo, replace(PLAIN, encryption=theirs))
    dynamo.sent.clear()
    assert read(dynamo).encryption == theirs
    assert "DescribeKey" not in dynamo.operations


def test_a_key_that_nobody_may_look_at_is_the_users():
    dynamo = DynamoDb()
    made(dynamo, replace(PLAIN, encryption=KEY))
    text = "User: ann is not authorized to perform: kms:DescribeKey"
    dynamo.once["DescribeKey"] = refused("AccessDeniedException", text)

    assert read(dynamo).encryption == KEY
    assert AWS_KEY != KEY


# ---------------------------------------------------------------- deleting


def test_a_protected_table_is_not_deleted_and_it_is_said_what_to_do():
    dynamo = DynamoDb()
    made(dynamo, replace(PLAIN, protected=True))

    with pytest.raises(SlxError) as raised:
        TableKind().delete(dynamo.aws, here("table", "t"))

    assert raised.value.what == "table t is protected against deletion"
    assert "`protected: false` for hello" in raised.value.hint
    assert read(dynamo).protected


def test_a_protection_that_was_just_taken_off_is_waited_for():
    dynamo = DynamoDb()
    made(dynamo, PLAIN)
    dynamo.protected_until = dynamo.clock.now() + 15

    TableKind().delete(dynamo.aws, here("table", "t"))

    assert dynamo.table is None


def test_a_delete_right_after_a_tag_ends_when_the_table_is_gone():
    dynamo = DynamoDb()
    made(dynamo, PLAIN)
    dynamo.tagged = dynamo.clock.now()

    TableKind().delete(dynamo.aws, here("table", "t"))

    assert dynamo.table is None


def test_one_that_is_being_deleted_is_gone_for_a_read_and_waited_for_by_a_delete():
    dynamo = DynamoDb()
    made(dynamo, PLAIN)
    dynamo.DeleteTable("t")

    assert TableKind().read(dynamo.aws, here("table", "t")) is None
    TableKind().delete(dynamo.aws, here("table", "t"))
    assert dynamo.table is None
