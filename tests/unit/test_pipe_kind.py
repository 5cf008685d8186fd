from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from aws_fakes import refused
from events_fakes import HERE, PLACE, Pipes, calls

from serverless_cli import codec
from serverless_cli.diff import changes
from serverless_cli.errors import AwsError, Exit, SlxError
from serverless_cli.model import Change, Mark, Ref
from serverless_cli.resources.base import Here
from serverless_cli.resources.ownership import ForeignError
from serverless_cli.resources.pipe import PipeKind, PipeSpec
from serverless_cli.resources.pipe_form import read, written

BUS = f"arn:aws:events:{HERE}:event-bus"
TABLE = f"arn:aws:dynamodb:{HERE}:table/shop-dev-deposits"
QUEUE = f"arn:aws:sqs:{HERE}:shop-dev"
STREAM = f"arn:aws:kinesis:{HERE}:stream/shop-dev-clicks"
ROLE = "arn:aws:iam::123456789012:role/slx/eu-central-1/shop/dev/shop-dev-p-bfec39"

# ---------------------------------------------------------------- as AWS has them

KIND = PipeKind()
REF = Ref("pipe", "p")
MARK = Mark("shop", "dev", "eu-central-1", "p")
SPEC = PipeSpec(
    source=f"{TABLE}/stream/2026-01-01T00:00:00.000",
    position="TRIM_HORIZON",
    target=f"{BUS}/shop-dev-events",
    role=ROLE,
    state="RUNNING",
    description="",
    filters=('{"eventName":["INSERT"]}',),
    template='{"id":<$.dynamodb.NewImage.id.S>}',
    parameters={"Source": "shop", "DetailType": "Deposit made"},
    batch_size=10,
    batch_window_s=0,
)
FROM_QUEUE = replace(SPEC, source=f"{QUEUE}-jobs", position="", batch_window_s=5, filters=(), template="")
VARIANTS = {
    "table to bus": SPEC,
    "queue to bus": FROM_QUEUE,
    "queue to topic": replace(FROM_QUEUE, target=f"arn:aws:sns:{HERE}:news", parameters={}),
    "stream to stream": replace(
        SPEC, source=STREAM, target=STREAM, parameters={"PartitionKey": "$.x"}, position="LATEST"
    ),
    "all that a stream can say": replace(
        SPEC, retries=3, max_age_s=60, bisect=True, dead_letter=f"{QUEUE}-dead", batch_window_s=9, description="d"
    ),
    "stopped": replace(SPEC, state="STOPPED"),
}
EDITS = {
    "no filter": {"filters": ()},
    "no template": {"template": ""},
    "another detail type": {"parameters": {"Source": "shop", "DetailType": "Other"}},
    "another target": {"target": f"arn:aws:sns:{HERE}:news", "parameters": {}},
    "larger batches": {"batch_size": 5, "batch_window_s": 5},
    "few retries": {"retries": 2, "max_age_s": 600, "bisect": True, "dead_letter": f"{QUEUE}-dead"},
    "stopped": {"state": "STOPPED"},
    "described": {"description": "what for"},
    "another role": {"role": f"{ROLE}2"},
}


@pytest.mark.parametrize("spec", VARIANTS.values(), ids=VARIANTS)
def test_a_pipe_is_read_as_it_was_written(spec: PipeSpec):
    answer = {**written(spec, create=True), "CurrentState": spec.state}

    assert read(answer) == spec


def test_an_update_says_all_but_where_reading_began():
    parameters = written(SPEC, create=False)

    assert "Source" not in parameters
    assert "StartingPosition" not in parameters["SourceParameters"]["DynamoDBStreamParameters"]


def test_what_is_cleared_is_sent_as_empty():
    parameters = written(replace(SPEC, filters=(), template="", description=""), create=False)

    assert parameters["SourceParameters"]["FilterCriteria"] == {"Filters": []}
    assert (parameters["TargetParameters"]["InputTemplate"], parameters["Description"]) == ("", "")


def test_the_spec_survives_the_journal():
    assert codec.decode(PipeSpec, codec.encode(SPEC)) == SPEC


# ---------------------------------------------------------------- calls

NAME = "shop-dev-p"
REASON = "The provided customer role does not have permissions to call ReceiveMessage on SQS"


def here(expected: bool = False) -> Here:
    return Here(REF, NAME, PLACE, expected=expected)


def made(*fates: str) -> Pipes:
    fake = Pipes()
    KIND.create(calls(fake), here(), SPEC)
    fake.sent.clear()
    fake.fates = list(fates)
    return fake


def test_a_create_waits_until_the_pipe_runs():
    fake = Pipes()

    outputs = KIND.create(calls(fake), here(), SPEC)

    found = KIND.read(calls(fake), here())
    assert found is not None
    assert (found.spec, found.mark, found.outputs) == (SPEC, MARK, outputs)
    assert (fake.pipes[NAME]["CurrentState"], found.note) == ("RUNNING", "")


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_an_update_brings_about_just_the_edit(edit: dict[str, Any]):
    fake, wish = made(), replace(SPEC, **edit)

    KIND.update(calls(fake), here(), wish, changes(wish, SPEC, KIND.create_only))

    found = KIND.read(calls(fake), here())
    assert found is not None
    assert found.spec == wish
    assert fake.operations.count("UpdatePipe") == 1


def test_a_role_whose_rights_come_late_is_waited_for_with_a_new_pipe_each_time():
    fake = Pipes(REASON, "Error occurred while sending message to SQS queue", "")

    KIND.create(calls(fake), here(), SPEC)

    assert fake.pipes[NAME]["CurrentState"] == "RUNNING"
    assert (fake.operations.count("CreatePipe"), fake.operations.count("DeletePipe")) == (3, 2)


def test_a_role_that_never_works_ends_with_the_words_of_aws_and_leaves_nothing():
    fake = Pipes(*[REASON] * 1000)

    with pytest.raises(SlxError) as raised:
        KIND.create(calls(fake), here(), SPEC)

    assert raised.value.exit_code == Exit.TIMED_OUT
    assert REASON in raised.value.why
    assert fake.pipes == {}


def test_a_pipe_that_fails_for_another_reason_fails_at_once_with_it():
    fake = Pipes("The stream was not found")

    with pytest.raises(SlxError) as raised:
        KIND.create(calls(fake), here(), SPEC)

    assert raised.value.why == "The stream was not found (CREATE_FAILED)"
    assert fake.operations.count("CreatePipe") == 1


def test_what_was_never_made_shows_and_is_made_anew():
    fake = Pipes("The stream was not found", "")
    with pytest.raises(SlxError):
        KIND.create(calls(fake), here(), SPEC)

    found = KIND.read(calls(fake), here())
    assert found is not None
    todo = changes(SPEC, found.spec, KIND.create_only)
    KIND.update(calls(fake), here(), SPEC, todo)

    assert (found.note, todo) == ("The stream was not found", (Change(("state",), "CREATE_FAILED", "RUNNING"),))
    assert fake.pipes[NAME]["CurrentState"] == "RUNNING"


def test_an_update_that_fails_shows_and_is_tried_again():
    fake, wish = made("The target was not found", ""), replace(SPEC, batch_size=5)
    with pytest.raises(SlxError):
        KIND.update(calls(fake), here(), wish, changes(wish, SPEC, KIND.create_only))

    found = KIND.read(calls(fake), here())
    assert found is not None
    todo = changes(wish, found.spec, KIND.create_only)
    KIND.update(calls(fake), here(), wish, todo)

    assert [change.before for change in todo] == ["UPDATE_FAILED"]
    assert fake.pipes[NAME]["CurrentState"] == "RUNNING"


def test_where_it_comes_from_and_began_cannot_be_changed_in_place():
    wish = replace(SPEC, source=STREAM, position="LATEST", batch_size=5)

    assert {change.field: change.replaces for change in changes(wish, SPEC, KIND.create_only)} == {
        "source": True, "position": True, "batch_size": False,
    }  # fmt: skip


@pytest.mark.parametrize("tags", [{}, {"owner": "ann"}, Mark("other", "dev", "eu-central-1", "p").tags])
def test_a_pipe_of_somebody_else_is_never_taken_over(tags: dict[str, str]):
    fake = made()
    fake.pipes[NAME]["Tags"] = tags

    with pytest.raises(ForeignError):
        KIND.create(calls(fake), here(), replace(SPEC, batch_size=5))

    assert "UpdatePipe" not in fake.operations


def test_a_pipe_that_a_lost_answer_left_is_marked_and_finished():
    fake, wish = made(), replace(SPEC, batch_size=5)
    fake.pipes[NAME]["Tags"] = {}

    KIND.create(calls(fake), here(expected=True), wish)

    found = KIND.read(calls(fake), here())
    assert found is not None
    assert (found.spec, found.mark) == (wish, MARK)


def test_a_delete_waits_until_the_name_is_free_and_gone_is_success():
    fake = made()

    KIND.delete(calls(fake), here())
    KIND.delete(calls(fake), here())

    assert fake.pipes == {}
    assert fake.operations.count("DeletePipe") == 1


def test_a_pipe_that_is_being_deleted_is_read_as_gone_and_waited_for():
    fake = made()
    fake.DeletePipe(NAME)
    reading = Pipes()
    reading.pipes[NAME] = dict(fake.pipes[NAME])

    KIND.create(calls(fake), here(), SPEC)

    assert KIND.read(calls(reading), here()) is None
    assert fake.pipes[NAME]["CurrentState"] == "RUNNING"


def test_a_missing_mark_is_put_on_without_touching_the_pipe():
    fake = made()

    KIND.update(calls(fake), here(), SPEC, (Change(("mark",), None, MARK),))

    assert fake.operations == ["TagResource"]


class StrictPipes(Pipes):
    """Refuses what AWS refuses at once."""

    def CreatePipe(self, Name: str, **settings: Any) -> dict[str, Any]:
        raise refused(
            "ValidationException", "1 validation error detected: Value at 'batchSize' failed to satisfy constraint"
        )


def test_what_aws_refuses_at_once_is_an_error_at_once():
    fake = StrictPipes()

    with pytest.raises(AwsError):
        KIND.create(calls(fake), here(), SPEC)

    assert fake.operations == ["CreatePipe"]
