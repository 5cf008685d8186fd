"""What only buses, rules and pipes promise, on moto."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from bench import Bench, Row
from rows_events import EVENT_BUS, PIPE, QUEUE, RULE, put_rule, put_target

from serverless_cli.errors import SlxError
from serverless_cli.resources.rule import RuleSpec

SCHEDULED = replace(
    RULE,
    name="{}",
    before=lambda _: None,
    wish=lambda _: RuleSpec("", "rate(5 minutes)", True, "", {"slx-jobs": QUEUE}),
    edits={
        "another schedule": {"schedule": "cron(0 8 ? * MON-FRI *)"},
        "a pattern instead": {"schedule": "", "pattern": '{"source":["shop"]}'},
    },
    halves={},
)


def of_kind(row: Row) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("row", [row], ids=str, indirect=True)


@of_kind(SCHEDULED)
@pytest.mark.parametrize("edit", SCHEDULED.edits)
def test_a_schedule_lives_on_the_default_bus(bench: Bench, edit: str):
    bench.create()
    assert bench.changes() == ()

    edited = bench.edited(edit)
    bench.update(edited)
    assert bench.changes(edited) == ()
    assert [found.name for found in bench.search(bench.place)] == [bench.name]

    bench.delete()
    assert bench.read() is None


@of_kind(RULE)
def test_a_rule_of_the_same_name_on_another_bus_is_left_alone(bench: Bench):
    events, name = bench.raw("events"), bench.name.partition("/")[2]
    events.put_rule(Name=name, EventPattern='{"source":["theirs"]}')

    bench.create()
    bench.update(bench.edited("off"))
    bench.delete()

    assert events.describe_rule(Name=name)["State"] == "ENABLED"


@of_kind(RULE)
def test_targets_of_others_survive_changes_and_keep_the_rule_from_being_deleted(bench: Bench):
    bench.create()
    put_target("by-hand")(bench)
    name = bench.name.partition("/")[2]

    bench.update(bench.edited("other targets"))

    with pytest.raises(SlxError, match="by-hand"):
        bench.delete()
    targets = bench.raw("events").list_targets_by_rule(Rule=name, EventBusName="their-bus")["Targets"]
    assert [one["Id"] for one in targets] == ["by-hand"]


@of_kind(RULE)
def test_another_rule_keeps_all_that_it_said(bench: Bench):
    put_rule(bench, {"owner": "ann"}, Description="theirs", State="DISABLED")
    name = bench.name.partition("/")[2]

    with pytest.raises(SlxError):
        bench.create()

    have = bench.raw("events").describe_rule(Name=name, EventBusName="their-bus")
    assert (json.loads(have["EventPattern"]), have["Description"], have["State"]) == (
        {"source": ["theirs"]},
        "theirs",
        "DISABLED",
    )


@of_kind(EVENT_BUS)
def test_a_bus_with_rules_of_others_is_not_deleted_and_it_is_said_why(bench: Bench):
    bench.create()
    bench.raw("events").put_rule(Name="theirs", EventBusName=bench.name, EventPattern='{"source":["a"]}')

    with pytest.raises(SlxError) as raised:
        bench.delete()

    assert "has rules" in raised.value.why
    assert bench.seen().mark == bench.here().mark


@of_kind(PIPE)
def test_an_update_leaves_where_reading_began(bench: Bench):
    bench.create()

    bench.update(bench.edited("a queue for failures"))

    own = bench.raw("pipes").describe_pipe(Name=bench.name)["SourceParameters"]["DynamoDBStreamParameters"]
    assert own["StartingPosition"] == "TRIM_HORIZON"
