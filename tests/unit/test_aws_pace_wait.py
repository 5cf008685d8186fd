"""Token buckets and polling, on a clock that needs no time."""

from __future__ import annotations

import os
import threading

import pytest
from aws_fakes import FakeClock

from serverless_cli.aws.calls import NotYet
from serverless_cli.aws.clock import SCALE, WallClock
from serverless_cli.aws.pace import Bucket, Paces, Rate
from serverless_cli.aws.wait import poll
from serverless_cli.errors import Exit, SlxError


def test_a_burst_costs_nothing_and_the_rest_comes_at_the_rate():
    clock = FakeClock()
    bucket = Bucket(Rate(10, 3), clock)
    for _ in range(3):
        bucket.take()
    assert clock.slept == []
    for _ in range(20):
        bucket.take()
    assert clock.now() - 1000 == pytest.approx(2.0)


def test_tokens_come_back_up_to_the_burst():
    clock = FakeClock()
    bucket = Bucket(Rate(10, 3), clock)
    clock.time += 60
    for _ in range(3):
        bucket.take()
    assert clock.slept == []
    bucket.take()
    assert clock.slept == [pytest.approx(0.1)]


def test_threads_book_their_turns():
    """Ten at once and a burst of two: the others wait 1, 2, 3 ... turns, not all of them one."""

    class Still(FakeClock):
        def sleep(self, seconds: float) -> None:
            self.slept.append(seconds)

    clock = Still()
    bucket = Bucket(Rate(4, 2), clock)
    threads = [threading.Thread(target=bucket.take) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(clock.slept) == pytest.approx([n / 4 for n in range(1, 9)])


@pytest.mark.parametrize(
    ("operations", "free"),
    [
        (["apigatewayv2.CreateRoute", "apigatewayv2.GetApis"], 38),
        (["lambda.CreateFunction", "lambda.ListTags"], 13),
        (["lambda.GetFunction"], 98),
        (["lambda.GetPolicy"], 13),
        (["firehose.CreateDeliveryStream"], 5),
    ],
)
def test_rates_are_shared_as_aws_counts(operations, free):
    clock = FakeClock()
    paces = Paces(clock)
    for n in range(free):
        paces.take(operations[n % len(operations)])
    assert clock.slept == []
    paces.take(operations[0])
    assert len(clock.slept) == 1


@pytest.mark.parametrize("operation", ["s3.PutObject", "lambda.Invoke", "firehose.PutRecord", "dynamodb.PutItem"])
def test_calls_on_data_are_not_paced(operation):
    clock = FakeClock()
    paces = Paces(clock)
    for _ in range(1000):
        paces.take(operation)
    assert clock.slept == []


def test_streams_count_each_operation_on_its_own():
    clock = FakeClock()
    paces = Paces(clock)
    for operation in ("kinesis.CreateStream", "kinesis.DescribeStreamSummary"):
        for _ in range(5):
            paces.take(operation)
    assert clock.slept == []


def test_polling_is_quick_first_then_slower():
    clock = FakeClock()
    answers = [None] * 15 + ["ready"]
    assert poll("the table", lambda: answers.pop(0), deadline_s=60, clock=clock) == "ready"
    assert clock.slept[0] == 0.1
    assert clock.slept == sorted(clock.slept)
    assert clock.slept[-1] == 2.0


@pytest.mark.parametrize("answer", [False, 0, "", ()])
def test_any_answer_but_none_ends_it(answer):
    assert poll("it", lambda: answer, deadline_s=1, clock=FakeClock()) == answer


def test_the_deadline_says_what_was_waited_for_and_the_last_state():
    clock = FakeClock()
    states = iter(["CREATING"] * 5)

    def ask() -> str | None:
        raise NotYet(next(states, "UPDATING"))

    with pytest.raises(SlxError, match="timed out waiting for table t") as caught:
        poll("table t", ask, deadline_s=30, clock=clock)
    assert caught.value.exit_code is Exit.TIMED_OUT
    assert "UPDATING" in caught.value.why
    assert "30 s" in caught.value.why
    assert clock.now() - 1000 == pytest.approx(30)


def test_a_state_is_not_needed():
    with pytest.raises(SlxError) as caught:
        poll("it", lambda: None, deadline_s=0, clock=FakeClock())
    assert "state" not in caught.value.why


def test_time_scale(monkeypatch):
    monkeypatch.setenv(SCALE, "0.001")
    clock = WallClock.from_environment()
    start = clock.now()
    clock.sleep(5)
    assert clock.now() - start >= 5
    assert 0 <= clock.random() < 1


@pytest.mark.parametrize("text", ["0", "-1", "2", "fast", "nan"])
def test_time_scale_must_make_sense(monkeypatch, text):
    monkeypatch.setenv(SCALE, text)
    with pytest.raises(SlxError) as caught:
        WallClock.from_environment()
    assert caught.value.exit_code is Exit.USAGE


def test_time_is_real_by_default(monkeypatch):
    monkeypatch.delenv(SCALE, raising=False)
    assert WallClock.from_environment().scale == 1
    assert SCALE not in os.environ
