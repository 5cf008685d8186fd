"""Mappings and notifications against answers that moto never gives: states, conflicts, what is somebody else's."""

from __future__ import annotations

from typing import Any

import pytest
from aws_fakes import refused
from script_fakes import GONE, Script, calls, here

from serverless_cli.errors import AwsError
from serverless_cli.model import Change, Handout, Late, Ref
from serverless_cli.resources.mapping import MappingKind, MappingSpec
from serverless_cli.resources.notification import Notification, NotificationKind, NotificationSpec
from serverless_cli.resources.ownership import ForeignError

QUEUE = "arn:aws:sqs:eu-central-1:123456789012:jobs"
TABLE = "arn:aws:dynamodb:eu-central-1:123456789012:table/items/stream"
FN = "arn:aws:lambda:eu-central-1:123456789012:function:fn"


def mapped(state: str = "Enabled", source: str = QUEUE, uuid: str = "u1", **settings: Any) -> dict[str, Any]:
    return {"UUID": uuid, "EventSourceArn": source, "FunctionArn": FN, "State": state, "BatchSize": 10, **settings}


def listed(*mappings: dict[str, Any]) -> dict[str, Any]:
    return {"EventSourceMappings": list(mappings)}


SPEC = MappingSpec(QUEUE, "fn", 10)
MAPPING = here("mapping", "fn.jobs", "fn/queue/jobs", SPEC)
MINE = {"Tags": MAPPING.mark.tags}


# Mappings


def test_a_mapping_is_waited_for_until_it_polls():
    script = Script(
        lambda__ListEventSourceMappings=[listed()],
        lambda__CreateEventSourceMapping=[mapped("Creating")],
        lambda__GetEventSourceMapping=[mapped("Creating"), mapped("Enabling"), mapped("Enabled")],
    )

    outputs = MappingKind().create(calls(script), MAPPING, SPEC)

    assert outputs == {"uuid": "u1"}
    assert script.operations.count("lambda.GetEventSourceMapping") == 3


def test_a_role_that_cannot_read_yet_is_tried_again():
    late = refused(
        "InvalidParameterValueException",
        "The function execution role does not have permissions to call ReceiveMessage on SQS",
    )
    script = Script(lambda__ListEventSourceMappings=[listed()], lambda__CreateEventSourceMapping=[late, late, mapped()])

    assert MappingKind().create(calls(script), MAPPING, SPEC) == {"uuid": "u1"}


def test_a_visibility_timeout_that_is_too_short_is_not_tried_again():
    short = refused(
        "InvalidParameterValueException",
        "Queue visibility timeout: 30 seconds is less than Function timeout: 60 seconds",
    )
    script = Script(lambda__ListEventSourceMappings=[listed()], lambda__CreateEventSourceMapping=[short])

    with pytest.raises(AwsError):
        MappingKind().create(calls(script), MAPPING, SPEC)

    assert script.operations.count("lambda.CreateEventSourceMapping") == 1


@pytest.mark.parametrize("first", [listed(), listed(mapped("Enabled"))], ids=["seen late", "seen at once"])
def test_our_own_mapping_from_a_lost_answer_is_taken_over(first):
    taken = refused("ResourceConflictException", "An event source mapping ... already exists. ... with UUID u1", 409)
    script = Script(
        lambda__ListEventSourceMappings=[first, listed(mapped())],
        lambda__CreateEventSourceMapping=[taken],
        lambda__ListTags=[MINE],
        lambda__GetEventSourceMapping=[mapped()],
    )

    assert MappingKind().create(calls(script), MAPPING, SPEC) == {"uuid": "u1"}
    assert "lambda.UpdateEventSourceMapping" in script.operations


def test_a_mapping_of_somebody_else_is_in_the_way():
    script = Script(lambda__ListEventSourceMappings=[listed(mapped())], lambda__ListTags=[{"Tags": {"owner": "me"}}])

    with pytest.raises(ForeignError):
        MappingKind().create(calls(script), MAPPING, SPEC)

    assert not [one for one in script.operations if not one.startswith("lambda.List")]


def test_one_that_is_still_being_deleted_is_waited_for():
    script = Script(
        lambda__ListEventSourceMappings=[listed(mapped("Deleting")), listed(mapped("Deleting")), listed()],
        lambda__CreateEventSourceMapping=[mapped(uuid="u2")],
    )

    assert MappingKind().create(calls(script), MAPPING, SPEC) == {"uuid": "u2"}
    assert script.operations.index("lambda.CreateEventSourceMapping") == 3


def test_one_that_begins_to_go_after_the_look_is_waited_for():
    taken = refused("ResourceConflictException", "An event source mapping ... already exists. ... with UUID u1", 409)
    script = Script(
        lambda__ListEventSourceMappings=[listed(), listed(mapped("Deleting")), listed(mapped("Deleting")), listed()],
        lambda__CreateEventSourceMapping=[taken, taken, mapped(uuid="u2")],
    )

    assert MappingKind().create(calls(script), MAPPING, SPEC) == {"uuid": "u2"}
    assert "lambda.UpdateEventSourceMapping" not in script.operations


STREAM = MappingSpec(f"{TABLE}/new", "fn", 100, starting_position="TRIM_HORIZON")
ITEMS = here("mapping", "fn.items", "fn/table/items", STREAM)
OURS, THEIRS = {"Tags": ITEMS.mark.tags}, {"Tags": {"owner": "me"}}


@pytest.mark.parametrize(
    "old",
    [
        pytest.param(mapped(source=f"{TABLE}/old", StartingPosition="TRIM_HORIZON"), id="of a stream that is no more"),
        pytest.param(mapped(source=f"{TABLE}/new", StartingPosition="LATEST"), id="from another place in the stream"),
    ],
)
def test_one_of_ours_that_cannot_become_the_wished_one_makes_room_for_it(old: dict[str, Any]):
    script = Script(
        lambda__ListEventSourceMappings=[listed(old), listed({**old, "State": "Deleting"}), listed()],
        lambda__ListTags=[OURS],
        lambda__CreateEventSourceMapping=[mapped(source=f"{TABLE}/new", uuid="u2")],
    )

    assert MappingKind().create(calls(script), ITEMS, STREAM) == {"uuid": "u2"}
    sent = [(operation, given.get("UUID")) for operation, given in script.sent]
    assert [one for one in sent if "List" not in one[0] and "Get" not in one[0]] == [
        ("lambda.DeleteEventSourceMapping", "u1"),
        ("lambda.CreateEventSourceMapping", None),
    ]
    assert script.operations.index("lambda.CreateEventSourceMapping") == 5


def test_one_of_somebody_else_from_another_stream_is_left_alone():
    script = Script(
        lambda__ListEventSourceMappings=[listed(mapped(source=f"{TABLE}/old"))],
        lambda__ListTags=[THEIRS],
        lambda__CreateEventSourceMapping=[mapped(source=f"{TABLE}/new", uuid="u2")],
    )

    assert MappingKind().create(calls(script), ITEMS, STREAM) == {"uuid": "u2"}
    assert "lambda.DeleteEventSourceMapping" not in script.operations


def test_one_of_somebody_else_from_another_place_in_the_stream_is_in_the_way():
    script = Script(
        lambda__ListEventSourceMappings=[listed(mapped(source=f"{TABLE}/new", StartingPosition="LATEST"))],
        lambda__ListTags=[THEIRS],
    )

    with pytest.raises(ForeignError):
        MappingKind().create(calls(script), ITEMS, STREAM)

    assert not [one for one in script.operations if not one.startswith("lambda.List")]


def test_one_that_is_being_deleted_is_read_as_gone():
    script = Script(lambda__ListEventSourceMappings=[listed(mapped("Deleting"))])

    assert MappingKind().read(calls(script), MAPPING) is None


def test_a_mapping_is_deleted_until_it_is_gone():
    busy = refused("ResourceInUseException", "Cannot delete the event source mapping because it is in use.")
    script = Script(
        lambda__ListEventSourceMappings=[listed(mapped())],
        lambda__DeleteEventSourceMapping=[busy, mapped("Deleting")],
        lambda__GetEventSourceMapping=[mapped("Deleting"), mapped("Deleting"), GONE],
    )

    MappingKind().delete(calls(script), MAPPING)

    assert script.operations[-3:] == ["lambda.GetEventSourceMapping"] * 3


def test_a_mapping_is_found_by_its_recorded_id_after_its_function_was_deleted():
    script = Script(lambda__ListEventSourceMappings=[GONE], lambda__GetEventSourceMapping=[GONE])

    MappingKind().delete(calls(script), here("mapping", "fn.jobs", "fn/queue/jobs", SPEC, uuid="u9"))

    assert ("lambda.DeleteEventSourceMapping", {"UUID": "u9"}) in script.sent


@pytest.mark.parametrize(
    ("wish", "outputs", "uuid"),
    [
        pytest.param(f"{TABLE}/new", {"uuid": "u1"}, "u2", id="the wished stream"),
        pytest.param(None, {"uuid": "u1"}, "u1", id="the recorded one, while the stream is not known"),
        pytest.param(None, {}, "u2", id="the latest, when nothing is known"),
    ],
)
def test_of_two_streams_of_a_table_the_right_one_is_read(wish, outputs, uuid):
    source = wish or Late((Handout(Ref("table", "items"), "stream_arn"),))
    spec = MappingSpec(source, "fn", 100, starting_position="TRIM_HORIZON")
    old = mapped(source=f"{TABLE}/old", uuid="u1", LastModified="2026-01-01")
    new = mapped(source=f"{TABLE}/new", uuid="u2", LastModified="2026-02-02")
    script = Script(lambda__ListEventSourceMappings=[listed(new, mapped(), old)])

    found = MappingKind().read(calls(script), here("mapping", "fn.items", "fn/table/items", spec, **outputs))

    assert found is not None
    assert found.outputs == {"uuid": uuid}


def test_a_queue_is_sent_none_of_a_streams_settings():
    script = Script(lambda__ListEventSourceMappings=[listed()], lambda__CreateEventSourceMapping=[mapped()])

    MappingKind().create(calls(script), MAPPING, SPEC)

    [sent] = [parameters for operation, parameters in script.sent if operation == "lambda.CreateEventSourceMapping"]
    assert sent == {
        "FunctionName": "fn", "EventSourceArn": QUEUE, "Tags": MAPPING.mark.tags, "BatchSize": 10, "Enabled": True,
        "MaximumBatchingWindowInSeconds": 0, "FunctionResponseTypes": [],
    }  # fmt: skip


def test_what_was_set_is_cleared_by_what_aws_takes_for_nothing():
    stream = MappingSpec(f"{TABLE}/new", "fn", 100, starting_position="TRIM_HORIZON")
    script = Script(lambda__GetEventSourceMapping=[mapped()])
    kind, changes = MappingKind(), (Change(("filters",), None, ()),)

    kind.update(calls(script), here("mapping", "a", "fn/queue/jobs", SPEC, uuid="u1"), SPEC, changes)
    kind.update(calls(script), here("mapping", "a", "fn/table/items", stream, uuid="u1"), stream, changes)

    queue, table = (one for operation, one in script.sent if operation == "lambda.UpdateEventSourceMapping")
    assert (queue["FilterCriteria"], queue["ScalingConfig"]) == ({}, {})
    assert table["DestinationConfig"] == {"OnFailure": {"Destination": ""}}
    assert "ScalingConfig" not in table
    assert "StartingPosition" not in table


# Notifications

NOTIFIES = NotificationSpec({"fn.1": Notification("function", FN, ("s3:ObjectCreated:*",), "in/", ".jpg")})
BUCKET = here("notification", "photos", "photos", NOTIFIES)
UNABLE = refused("InvalidArgument", "Unable to validate the following destination configurations")
WRITE = "s3.PutBucketNotificationConfiguration"


def test_a_permission_that_does_not_count_yet_is_waited_for():
    script = Script(s3__PutBucketNotificationConfiguration=[UNABLE, UNABLE, {}])

    NotificationKind().create(calls(script), BUCKET, NOTIFIES)

    assert script.operations.count(WRITE) == 3


def test_another_invalid_argument_is_not_tried_again():
    overlap = refused("InvalidArgument", "Configurations overlap.")
    script = Script(s3__PutBucketNotificationConfiguration=[overlap])

    with pytest.raises(AwsError):
        NotificationKind().create(calls(script), BUCKET, NOTIFIES)

    assert script.operations.count(WRITE) == 1


def test_an_entry_is_written_as_s3_wants_it_and_read_back_as_s3_shows_it():
    script = Script()
    NotificationKind().create(calls(script), BUCKET, NOTIFIES)
    [entry] = script.sent[-1][1]["NotificationConfiguration"]["LambdaFunctionConfigurations"]
    assert entry == {
        "Id": "slx-shop.dev.fn.1", "LambdaFunctionArn": FN, "Events": ["s3:ObjectCreated:*"],
        "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": "in/"}, {"Name": "suffix", "Value": ".jpg"}]}},
    }  # fmt: skip
    shown = {"FilterRules": [{"Name": "Suffix", "Value": ".jpg"}, {"Name": "Prefix", "Value": "in/"}]}
    entry = {**entry, "Filter": {"Key": shown}, "Events": ["ObjectCreated:*"]}
    script.answers["s3.GetBucketNotificationConfiguration"] = [{"LambdaFunctionConfigurations": [entry]}]

    found = NotificationKind().read(calls(script), BUCKET)

    assert found is not None
    assert found.spec == NOTIFIES


def test_entries_are_taken_away_without_a_trial_of_their_destinations():
    entry = {"Id": "slx-shop.dev.fn.1", "LambdaFunctionArn": FN, "Events": ["s3:ObjectCreated:*"]}
    script = Script(s3__GetBucketNotificationConfiguration=[{"LambdaFunctionConfigurations": [entry]}])

    NotificationKind().delete(calls(script), BUCKET)

    assert script.sent[-1][1] == {
        "Bucket": "photos", "NotificationConfiguration": {}, "SkipDestinationValidation": True
    }  # fmt: skip
