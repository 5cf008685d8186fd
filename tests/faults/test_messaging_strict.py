"""Tables, queues and topics on what behaves like AWS: states that take time, late reads, names that rest."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from rig import SCALE, Aws, Folder, failures

from serverless_cli.app import down

pytestmark = pytest.mark.strict

BLUEPRINT = """
name: shop
resources:
  orders:
    type: table
    key: id
    indexes: {by-day: {key: day, sort_key: {name: at, type: number}}}
    stream: new
    ttl: expires
    point_in_time_recovery: true
  jobs: {type: queue, dead_letter: dead}
  dead: {type: queue}
  news: {type: topic, subscriptions: [{queue: jobs, raw: true}]}
"""
STALE_S = 10.0
"""for how long the proxy shows old attributes of a queue, in AWS's time"""


@pytest.fixture
def shop(aws: Aws, region: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    folder = Folder(tmp_path / "shop", aws, region)
    folder.path.mkdir()
    (folder.path / "blueprint.yaml").write_text(BLUEPRINT)
    for name, value in folder.environment.items():
        monkeypatch.setenv(name, value)
    return folder


def settle() -> None:
    time.sleep(STALE_S * SCALE)


def left(aws: Aws, region: str) -> list[str]:
    tables: list[str] = aws.client("dynamodb", region).list_tables()["TableNames"]
    queues: list[str] = aws.client("sqs", region).list_queues().get("QueueUrls", [])
    topics = [one["TopicArn"] for one in aws.client("sns", region).list_topics()["Topics"]]
    return [*tables, *queues, *topics]


def test_up_makes_all_of_it_with_the_calls_that_it_takes(shop: Folder):
    report = shop.up()

    assert failures(report) == {}
    assert shop.aws.violations == []
    assert "DDB-01" in shop.aws.rules("armed")
    assert "DDB-02" not in shop.aws.rules("fired"), "a table that is busy is waited for, not tried"
    assert sorted(set(shop.aws.writes())) == [
        "dynamodb.CreateTable",
        "dynamodb.UpdateContinuousBackups",
        "dynamodb.UpdateTimeToLive",
        "sns.CreateTopic",
        "sns.Subscribe",
        "sqs.CreateQueue",
        "sqs.SetQueueAttributes",
    ]


def test_a_second_up_has_nothing_to_do(shop: Folder):
    shop.up()
    settle()
    mark = shop.aws.mark()

    report = shop.up()

    assert (failures(report), shop.aws.writes(mark)) == ({}, [])
    assert shop.status().ok


@pytest.mark.parametrize(
    ("before", "after", "writes"),
    [
        pytest.param(
            "{by-day: {key: day, sort_key: {name: at, type: number}}}", "{by-name: {key: name}}",
            ["dynamodb.UpdateTable"] * 2, id="indexes",
        ),
        pytest.param("stream: new", "protected: true", ["dynamodb.UpdateTable"] * 2, id="stream and protection"),
        pytest.param("recovery: true", "recovery: false", ["dynamodb.UpdateContinuousBackups"], id="recovery"),
        pytest.param("dead: {type: queue}", "dead: {type: queue, retention_s: 900, encryption: none}", ["sqs.SetQueueAttributes"], id="queue"),
        pytest.param("raw: true", "filter: {kind: [sport]}", ["sns.SetSubscriptionAttributes"] * 2, id="subscription"),
        pytest.param("{type: topic,", "{type: topic, encryption: alias/ours,", ["sns.SetTopicAttributes"], id="topic"),
    ],
)  # fmt: skip
def test_a_change_is_brought_about_and_lasts(shop: Folder, before: str, after: str, writes: list[str]):
    shop.up()
    settle()
    shop.edit("blueprint.yaml", before, after)
    mark = shop.aws.mark()

    report = shop.up()

    assert failures(report) == {}
    assert shop.aws.writes(mark) == writes
    assert "DDB-02" not in shop.aws.rules("fired")
    assert shop.aws.violations == []
    settle()
    assert shop.plan().writes == ()


def test_a_queue_is_updated_only_once_its_new_attributes_are_to_be_seen(shop: Folder):
    shop.up()
    shop.edit("blueprint.yaml", "dead: {type: queue}", "dead: {type: queue, visibility_timeout_s: 600}")

    assert failures(shop.up()) == {}

    assert "SQS-03" in shop.aws.rules("fired")


def test_another_time_to_live_has_to_wait_an_hour_and_all_else_is_done(shop: Folder):
    shop.up()
    settle()
    shop.edit("blueprint.yaml", "ttl: expires", "ttl: ends")
    shop.edit("blueprint.yaml", "recovery: true", "recovery: false")

    found = failures(shop.up())

    assert list(found) == ["table orders"]
    assert "takes one change of it in about an hour" in found["table orders"]
    assert {change.field for step in shop.plan().writes for change in step.changes} == {"ttl"}


def test_nothing_is_left_after_down(shop: Folder, region: str):
    shop.up()

    report, sweep = shop.down()

    assert failures(report) == {}
    assert sweep.left == ()
    assert shop.aws.violations == []
    time.sleep(20 * SCALE)
    assert left(shop.aws, region) == []


def test_all_of_it_can_be_made_again_at_once(shop: Folder):
    shop.up()
    shop.down()

    report = shop.up()

    assert failures(report) == {}
    assert shop.aws.rules("checked") >= {"SQS-01", "DDB-03"}
    assert shop.aws.violations == []


def test_a_protected_table_keeps_down_from_beginning(shop: Folder, region: str):
    shop.edit("blueprint.yaml", "ttl: expires", "protected: true")
    shop.up()
    mark = shop.aws.mark()

    with down.begin(shop.settings, None) as begun:
        [obstacle] = begun.plan.obstacles

    assert "table shop-dev-orders is protected against deletion" in obstacle.what
    assert shop.aws.writes(mark) == []
    assert "shop-dev-orders" in left(shop.aws, region)


def test_what_is_somebody_elses_is_in_the_way_and_left_alone(shop: Folder, region: str):
    shop.aws.client("sqs", region).create_queue(QueueName="shop-dev-dead")
    shop.aws.client("sns", region).create_topic(Name="shop-dev-news", Tags=[{"Key": "owner", "Value": "ann"}])

    plan = shop.plan()

    assert sorted(one.what for one in plan.obstacles) == [
        "queue shop-dev-dead exists already and is not this stack's",
        "topic shop-dev-news exists already and is not this stack's",
    ]
