"""Checks against an AWS in memory: what they do, what they see, and what they leave behind."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from check_fakes import FakeWorld, proved, refusal

from serverless_cli.app import checking
from serverless_cli.checks import Desk, needed, prove
from serverless_cli.checks.actions import ACTIONS
from serverless_cli.checks.looks import LOOKS
from serverless_cli.checks.permissions import EXPECTATIONS, PROBES
from serverless_cli.errors import Exit
from serverless_cli.model import Check, Handout, Late, Ref
from serverless_cli.secret import Param, Secret

ID = "${check.id}"
PUT = {"bucket": "photos", "key": f"{ID}.txt", "body": '"hello"', "names": {"photos": "shop-photos"}}


@pytest.fixture
def world() -> FakeWorld:
    return FakeWorld()


def test_an_object_is_put_found_and_removed_again(world):
    done = proved(world, "put_object", PUT, {"object": {"bucket": "photos", "key": f"{ID}.txt", "contains": "hello"}})

    assert (done.ok, done.saw) == (True, "photos/id1.txt was put; photos/id1.txt is text/plain")
    assert world.called("s3.PutObject")[0]["Bucket"] == "shop-photos"
    assert world.objects == {}


def test_keep_leaves_what_was_made(world):
    proved(world, "put_object", {**PUT, "keep": True}, {"object": {"bucket": "photos", "key": f"{ID}.txt"}})

    assert list(world.objects) == [("shop-photos", "id1.txt")]


def test_what_does_not_hold_the_id_is_never_removed(world):
    world.put("thumbs", "yours.txt", b"x")
    world.rows["table"] = [{"id": {"S": "yours"}}]
    expect = {"object": {"bucket": "thumbs", "key": "yours.txt"}, "row": {"table": "table", "key": '{"id":"yours"}'}}

    assert proved(world, "put_object", PUT, expect).ok
    assert list(world.objects) == [("thumbs", "yours.txt")]
    assert world.rows["table"]


def test_a_file_of_the_blueprint_is_put(world, tmp_path):
    path = tmp_path / "photo.jpg"
    path.write_bytes(b"GIF89a\x05\0\x07\0")
    arguments = {"bucket": "photos", "key": f"{ID}.gif", "file": str(path)}
    expect = {"object": {"bucket": "photos", "key": f"{ID}.gif", "content_type": "image/gif", "image": {"width": 5}}}

    assert proved(world, "put_object", arguments, expect).saw.endswith("is GIF, 5 x 7")
    path.unlink()
    gone = proved(world, "put_object", arguments, expect)
    assert (gone.ok, gone.attempts) == (False, 1)
    assert "cannot be read" in gone.saw


@pytest.mark.parametrize(
    ("expect", "says"),
    [
        ({"object": {"bucket": "out", "key": "x"}}, "out/x is not there"),
        ({"object": {"bucket": "photos", "key": f"{ID}.txt", "content_type": "image/png"}}, "text/plain instead of image/png"),
        ({"object": {"bucket": "photos", "key": f"{ID}.txt", "image": {"width": 1}}}, "no picture"),
        ({"object": {"bucket": "photos", "key": f"{ID}.txt", "contains": "nope"}}, "'nope' is not in photos/id1.txt: hello"),
        ({"row": {"table": "t", "key": '{"id":"1"}'}}, "t 1 is not there"),
        ({"rows": {"table": "t", "item": '{"a":1}', "at_least": 2}}, '0 rows in t with {"a":1}, 2 expected'),
        ({"message": {"queue": "q", "contains": "x"}}, "no such message in q: it is empty"),
        ({"objects": {"bucket": "empty", "prefix": "p/", "at_least": 1}}, "nothing new in empty/p/"),
        ({"objects": {"bucket": "photos", "contains": "zz", "at_least": 1}}, "1 new object in photos/, 0 with 'zz', 1 expected"),
        ({"log": {"function": "f", "contains": "x"}}, "'x' is not in the log of f: 0 new lines"),
        ({"no_object": {"bucket": "photos", "key": f"{ID}.txt"}}, "photos/id1.txt is there"),
        ({"row": {"table": "t", "key": '{"id":"1"}'}, "message": {"queue": "q"}}, "is not there; no such message"),
    ],
)  # fmt: skip
def test_a_failed_check_says_what_it_saw_instead(world, expect, says):
    done = proved(world, "put_object", PUT, expect, 10)

    assert not done.ok
    assert says in done.saw


def test_a_check_waits_for_what_comes_later(world):
    def late(_: dict[str, Any]) -> None:
        if world.time > 5:
            world.rows["t"] = [{"id": {"S": "id1"}, "n": {"N": "5"}}]

    world.on["dynamodb.GetItem"] = late
    done = proved(world, "send_message", {"queue": "q", "body": f'"{ID}"'},
                  {"row": {"table": "t", "key": f'{{"id":"{ID}"}}', "item": '{"n":5}'}})  # fmt: skip

    assert done.ok
    assert 5 < done.seconds < 10
    assert len(world.called("sqs.SendMessage")) == 1
    assert world.rows["t"] == []


def test_a_row_that_differs_is_shown(world):
    world.rows["t"] = [{"id": {"S": "1"}, "n": {"N": "4"}}]
    done = proved(world, "send_message", {"queue": "q", "body": "1"},
                  {"row": {"table": "t", "key": '{"id":"1"}', "item": '{"n":5}'}}, 1)  # fmt: skip

    assert done.saw == "t 1: n is 4 instead of 5"


def test_rows_are_found_by_what_they_hold_and_removed_by_their_key(world):
    world.rows["t"] = [{"id": {"S": id}, "by": {"S": by}} for id, by in (("1", "id1"), ("2", "id1"), ("3", "you"))]
    expect = {"rows": {"table": "t", "item": f'{{"by":"{ID}"}}', "at_least": 2}}

    assert proved(world, "send_message", {"queue": "q", "body": "1"}, expect).ok
    assert world.called("dynamodb.Scan")[0]["ExpressionAttributeValues"] == {":v0": {"S": "id1"}}
    assert [one["id"]["S"] for one in world.rows["t"]] == ["3"]


def test_a_put_item_is_removed_by_its_key(world):
    item = f'{{"id":"{ID}","n":1}}'
    expect = {"row": {"table": "t", "key": f'{{"id":"{ID}"}}'}}

    assert proved(world, "put_item", {"table": "t", "item": item}, expect).ok
    assert world.rows["t"] == []


def test_only_the_message_that_is_meant_is_taken(world):
    world.post("q", "yours")
    done = proved(world, "send_message", {"queue": "q", "body": f'{{"id":"{ID}"}}'},
                  {"message": {"queue": "q", "json": f'{{"id":"{ID}"}}'}})  # fmt: skip

    assert done.ok
    assert list(world.queues["q"].values()) == ["yours"]


def test_a_queue_with_dead_letters_is_never_looked_into(world):
    world.redrive.add("q")
    done = proved(world, "send_message", {"queue": "q", "body": "1"}, {"message": {"queue": "q"}}, 1)

    assert "each look would count as a failed try" in done.saw
    assert world.called("sqs.ReceiveMessage") == []


def test_checks_that_share_a_queue_do_not_take_from_each_other(world):
    desk = Desk(world, world.now, world.sleep, world.date, world.new_id)
    ask = [
        Check(
            "send_message", {"queue": "q", "body": f'"{ID} {n}"'}, {"message": {"queue": "q", "contains": f"{ID} {n}"}}
        )
        for n in range(6)
    ]

    with ThreadPoolExecutor(6) as pool:
        done = list(pool.map(lambda check: prove(check, desk), ask))

    assert [one.ok for one in done] == [True] * 6
    assert world.queues["q"] == {}


def test_a_message_that_must_not_be_there_fails_the_check_at_once(world):
    world.on["sqs.SendMessage"] = lambda _: world.post("other", "id1")
    done = proved(world, "send_message", {"queue": "q", "body": f'"{ID}"'},
                  {"no_message": {"queue": "other", "contains": ID}})  # fmt: skip

    assert (done.ok, done.attempts, done.saw) == (False, 1, "a message in other: id1")
    assert world.queues["other"] == {}


def test_what_must_not_be_there_counts_once_the_rest_is(world):
    world.on["sqs.SendMessage"] = lambda _: world.post("good", "id1")
    done = proved(world, "send_message", {"queue": "q", "body": f'"{ID}"'},
                  {"no_row": {"table": "t", "key": f'{{"id":"{ID}"}}'}, "message": {"queue": "good", "contains": ID}})  # fmt: skip

    assert done.ok
    assert done.saw == "sent to q; a message in good; no t id1"


def test_a_check_acts_again_where_nothing_becomes_of_it(world):
    """Wiring that was made a moment ago misses the first event for good."""
    world.on["sns.Publish"] = lambda it: world.post("q", it["Message"]) if world.time > 15 else None
    arguments = {"topic": "news", "message": f'"{ID}"', "names": {"news": "arn:news"}, "attributes": {"kind": "x"}}
    done = proved(world, "publish", arguments, {"message": {"queue": "q", "contains": ID}}, 60)

    assert done.ok
    assert [one["Message"] for one in world.called("sns.Publish")] == ["id1", "id2"]
    assert world.called("sns.Publish")[0]["MessageAttributes"]["kind"]["StringValue"] == "x"


def test_a_probe_that_is_refused_is_not_repeated(world):
    def refuse(_: dict[str, Any]) -> None:
        raise refusal("sqs.SendMessage", exit_code=Exit.DENIED)

    world.on["sqs.SendMessage"] = refuse
    done = proved(world, "send_message", {"queue": "q", "body": "1"}, {"message": {"queue": "q"}})

    assert (done.ok, done.attempts) == (False, 1)
    assert done.saw == "sqs.SendMessage failed: not for you (AccessDenied)"


def test_other_errors_may_pass(world):
    def fail(_: dict[str, Any]) -> None:
        if world.time < 3:
            raise refusal("sqs.SendMessage", "InternalError")

    world.on["sqs.SendMessage"] = fail
    assert proved(
        world, "send_message", {"queue": "q", "body": f'"{ID}"'}, {"message": {"queue": "q", "contains": ID}}
    ).ok


def test_what_could_not_be_removed_is_told(world):
    def refuse(_: dict[str, Any]) -> None:
        raise refusal("s3.DeleteObject")

    world.on["s3.DeleteObject"] = refuse
    done = proved(world, "put_object", PUT, {"object": {"bucket": "photos", "key": f"{ID}.txt"}})

    assert done.ok
    assert done.saw.endswith("; not removed again: shop-photos/id1.txt")


@pytest.mark.parametrize(
    ("probe", "arguments", "operation", "count", "said"),
    [
        ("put_event", {"bus": "default", "source": "s", "detail_type": "t", "detail": "{}"}, "events.PutEvents", "FailedEntryCount", "Entries"),
        ("put_records", {"stream": "s", "records": ['"a"', "1"]}, "kinesis.PutRecords", "FailedRecordCount", "Records"),
        ("put_record", {"delivery_stream": "d", "data": "{}"}, "firehose.PutRecordBatch", "FailedPutCount", "RequestResponses"),
    ],
)  # fmt: skip
def test_a_batch_that_fails_in_part_fails_although_it_is_answered_200(world, probe, arguments, operation, count, said):
    world.on[operation] = lambda _: {count: 1, said: [{}, {"ErrorCode": "Throttled", "ErrorMessage": "slow down"}]}
    done = proved(world, probe, arguments, {"row": {"table": "t", "key": "{}"}}, 1)

    assert done.saw == "AWS took not all of it: slow down"


def test_texts_are_sent_as_they_are_and_the_rest_as_json(world):
    arguments = {"stream": "s", "records": ['"plain"', '{"a":1}'], "names": {"s": "shop-s"}}
    proved(world, "put_records", arguments, {"log": {"function": "f", "contains": "x"}}, 1)

    (sent,) = world.called("kinesis.PutRecords")
    assert sent["StreamName"] == "shop-s"
    assert [one["Data"] for one in sent["Records"]] == [b"plain", b'{"a":1}']


def test_fifo_queues_and_topics_get_what_they_want(world):
    expect = {"log": {"function": "f", "contains": "x"}}
    proved(world, "send_message", {"queue": "q", "body": "1", "group": "g", "names": {"q": "q.fifo"}}, expect, 1)
    proved(world, "publish", {"topic": "t", "message": "1", "names": {"t": "arn:t.fifo"}}, expect, 1)

    first, second = world.called("sqs.SendMessage")[0], world.called("sns.Publish")[0]
    assert (first["MessageGroupId"], first["MessageDeduplicationId"]) == ("g", "id1")
    assert (second["MessageGroupId"], second["MessageDeduplicationId"]) == ("id2", "id2")


def test_a_line_of_the_log_is_found(world):
    world.logs = ["START", "order id1 came in"]
    done = proved(world, "send_message", {"queue": "q", "body": "1"}, {"log": {"function": "f", "contains": ID}})

    assert done.saw == "sent to q; the log of f says 'order id1 came in'"


def test_old_objects_do_not_count(world):
    world.put("a", "p/old", b"x")
    world.time = 1000
    expect = {"objects": {"bucket": "a", "prefix": "p/", "at_least": 1}}
    assert not proved(world, "send_message", {"queue": "q", "body": "1"}, expect, 1).ok

    world.put("a", "p/new", b"x")
    assert proved(world, "send_message", {"queue": "q", "body": "1"}, expect, 1).ok


def execution(world: FakeWorld, ended: dict[str, Any], expect: dict[str, Any], kind: str = "STANDARD") -> Any:
    world.on["stepfunctions.DescribeStateMachine"] = lambda _: {"type": kind}
    world.on["stepfunctions.StartExecution"] = lambda it: {"executionArn": f"arn:{it['name']}"}
    world.on["stepfunctions.DescribeExecution"] = lambda _: ended
    world.on["stepfunctions.StartSyncExecution"] = lambda _: ended
    arguments = {"state_machine": "flow", "input": f'{{"id":"{ID}"}}', "names": {"flow": "arn:flow"}}
    return proved(world, "start_execution", arguments, {"status": "SUCCEEDED", **expect}, 5)


@pytest.mark.parametrize("kind", ["STANDARD", "EXPRESS"])
def test_an_execution_is_started_and_its_output_compared(world, kind):
    done = execution(world, {"status": "SUCCEEDED", "output": '{"a": 1, "b": 2}'}, {"output": '{"a":1}'}, kind)

    assert (done.ok, done.saw) == (True, "flow was started; flow SUCCEEDED")
    started = world.called(f"stepfunctions.Start{'Sync' if kind == 'EXPRESS' else ''}Execution")
    assert started == [{"stateMachineArn": "arn:flow", "name": "check-id1", "input": '{"id":"id1"}'}]


@pytest.mark.parametrize(
    ("ended", "expect", "says"),
    [
        ({"status": "FAILED", "error": "Boom", "cause": "why"}, {}, "flow is FAILED instead of SUCCEEDED: Boom why"),
        ({"status": "RUNNING"}, {}, "flow is RUNNING instead of SUCCEEDED"),
        ({"status": "SUCCEEDED", "output": '{"a":2}'}, {"output": '{"a":1}'}, "the output of flow: a is 2 instead of 1"),
        ({"status": "SUCCEEDED", "output": "{"}, {"output": '{"a":1}'}, "the output of flow is no JSON"),
        ({"status": "FAILED", "error": "Boom"}, {"status": "FAILED", "error": "Bang"}, "failed otherwise than with 'Bang': Boom"),
    ],
)  # fmt: skip
def test_an_execution_that_ends_otherwise_says_how(world, ended, expect, says):
    done = execution(world, ended, expect)

    assert not done.ok
    assert says in done.saw


def test_an_execution_that_must_fail_may(world):
    assert execution(world, {"status": "FAILED", "error": "Boom"}, {"status": "FAILED", "error": "Boom"}).ok


@pytest.mark.parametrize(
    ("failed", "returned", "expect", "says"),
    [
        (False, '{"a": 1, "b": 2}', {"payload": '{"a":1}'}, ""),
        (False, "null", {}, ""),
        (True, '{"errorType": "Boom"}', {"error": "Boom"}, ""),
        (False, '{"a": 2}', {"payload": '{"a":1}'}, "what f returned: a is 2 instead of 1"),
        (True, '{"errorType": "Boom"}', {}, 'f failed: {"errorType": "Boom"}'),
        (False, "1", {"error": "Boom"}, "f did not fail with 'Boom' but returned 1"),
    ],
)
def test_what_a_function_returns_is_compared(world, failed, returned, expect, says):
    error = {"FunctionError": "Unhandled"} if failed else {}
    world.on["lambda.Invoke"] = lambda _: {"Payload": Body(returned), **error}
    done = proved(world, "invoke", {"function": "f", "event": "{}"}, expect, 1)

    assert (done.ok, says in done.saw) == (not says, True)


class Body:
    """The payload as botocore gives it: a stream."""

    def __init__(self, text: str) -> None:
        self.text = text

    def read(self) -> bytes:
        return self.text.encode()


def test_an_asynchronous_call_only_has_effects(world):
    world.on["lambda.Invoke"] = lambda it: world.post("failures", it["Payload"].decode()) or {}
    arguments = {"function": "f", "event": f'{{"id":"{ID}"}}', "asynchronous": True}

    assert proved(world, "invoke", arguments, {"message": {"queue": "failures", "json": f'{{"id":"{ID}"}}'}}).ok
    assert world.called("lambda.Invoke")[0]["InvocationType"] == "Event"


def test_what_was_not_made_is_told_without_any_call(world):
    url = Late((Handout(Ref("http-api", "api"), "url"), "/x"))
    done = proved(world, "get", {"url": url})

    assert (done.ok, done.saw) == (False, "${api.url} is not known: what it names was not made")
    assert world.calls == []


def test_a_check_without_its_secret_is_skipped_and_says_how_to_give_it(world):
    key = Secret("", False, ("Bearer ", Param("api-key")))
    done = proved(world, "get", {"url": "http://x", "headers": {"key": key}})

    assert (done.ok, done.skipped) == (False, True)
    assert "SLX_PARAM_API_KEY=..." in done.saw
    assert "--params -" in done.saw
    assert world.calls == []


def test_a_check_that_lacks_a_secret_of_an_old_record_is_skipped_too(world):
    done = proved(world, "get", {"url": "http://x", "headers": {"key": Secret("", known=False)}})

    assert done.skipped
    assert "slx up" in done.saw


def test_secrets_are_in_no_text_that_is_shown(world):
    body = Secret(json.dumps({"password": "hunter2"}))
    world.post("q", "hunter2 and more")
    done = proved(world, "send_message", {"queue": "r", "body": body}, {"message": {"queue": "q", "contains": "x"}}, 1)

    assert "hunter2" not in done.saw
    assert "***" in done.saw


def test_every_probe_and_expectation_declares_what_it_is_allowed_to_call(world):
    requests = {"get", "head", "delete", "post", "put", "patch"}
    assert set(PROBES) == set(ACTIONS) - requests
    assert set(EXPECTATIONS) == set(LOOKS)

    check = Check("put_record", {"stream": "s"}, {"row": {}})
    assert needed(check) == ("dynamodb:DeleteItem", "dynamodb:GetItem", "kinesis:PutRecords")


@pytest.mark.parametrize("further", [0, 20])
def test_checks_that_are_stopped_end_at_once_and_remove_what_they_made(world, further):
    """The first is over at once, as what it needs is unknown; the others would go on for two minutes."""
    unknown = Check("get", {"url": Late((Handout(Ref("http-api", "api"), "url"),))}, {})
    lasting = Check("put_object", PUT, {"object": {"bucket": "out", "key": "never"}}, 120)

    def stop(_: object) -> None:
        while not world.objects:
            time.sleep(0.01)
        raise KeyboardInterrupt

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(checking.run, world, (unknown, lasting, *[lasting] * further), stop)
        assert isinstance(running.exception(timeout=60), KeyboardInterrupt)

    assert world.called("s3.PutObject")
    assert world.objects == {}
