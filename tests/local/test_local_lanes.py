from __future__ import annotations

import time
from collections.abc import Sequence

import pytest

from serverless_cli.local.server.lanes import Batch, Ends, Lane, Outcome, Terms
from serverless_cli.local.server.letters import reported
from serverless_cli.local.server.sources import Record


class Shard:
    """A source of numbered texts; those that begin with `bad` fail, those that begin with `skip` nobody wants."""

    def __init__(self, *texts: str, terms: Terms, at: float | None = None, partial: bool = False) -> None:
        moment = time.time() if at is None else at
        self.records = [Record({"text": text}, f"{number:03d}", moment) for number, text in enumerate(texts)]
        self.partial = partial
        self.delivered: list[list[str]] = []
        self.discarded: list[tuple[list[str], str]] = []
        self.positions = {"s": ""}
        ends = Ends(lambda record: not record.event["text"].startswith("skip"), self.deliver, self.discard)
        self.terms = terms
        self.lane = Lane(self, "s", lambda: self.terms, ends, self.positions)

    def read(self, shard: str, cursor: str, limit: int) -> list[Record]:
        return [record for record in self.records if record.sequence > cursor][:limit]

    def deliver(self, records: Sequence[Record]) -> Outcome:
        texts = [record.event["text"] for record in records]
        self.delivered.append(texts)
        bad = [index for index, text in enumerate(texts) if text.startswith("bad")]
        if not bad:
            return Outcome(len(texts))
        return Outcome(bad[0] if self.partial else 0)

    def discard(self, batch: Batch, condition: str, outcome: Outcome) -> None:
        self.discarded.append(([record.event["text"] for record in batch.records], condition))

    def run(self, steps: int) -> None:
        for _ in range(steps):
            self.lane.step()


def test_halving_is_no_retry() -> None:
    shard = Shard("g1", "bad", "g2", "g3", terms=Terms(retries=1, bisect=True))

    shard.run(6)

    assert shard.delivered == [["g1", "bad", "g2", "g3"], ["g1", "bad"], ["g1"], ["bad"], ["bad"], ["g2", "g3"]]
    assert shard.discarded == [(["bad"], "RetryAttemptsExhausted")]
    assert shard.positions == {"s": "003"}


def test_a_batch_stays_until_its_retries_are_used_up_and_the_cursor_with_it() -> None:
    shard = Shard("bad", "g1", terms=Terms(batch_size=1, retries=2))

    shard.run(2)
    assert shard.positions == {"s": ""}
    shard.run(2)

    assert shard.delivered == [["bad"], ["bad"], ["bad"], ["g1"]]
    assert shard.positions == {"s": "001"}


def test_without_a_limit_it_stays_for_ever() -> None:
    shard = Shard("bad", "g1", terms=Terms(batch_size=1))

    shard.run(20)

    assert shard.delivered == [["bad"]] * 20
    assert shard.discarded == []


def test_what_succeeded_before_a_reported_failure_does_not_come_again() -> None:
    shard = Shard("g1", "bad", "g2", terms=Terms(retries=1), partial=True)

    shard.run(1)
    assert shard.positions == {"s": "000"}
    shard.run(1)

    assert shard.delivered == [["g1", "bad", "g2"], ["bad", "g2"]]
    assert shard.discarded == [(["bad", "g2"], "RetryAttemptsExhausted")]


def test_halving_begins_where_the_function_stopped() -> None:
    shard = Shard("g1", "bad", "g2", terms=Terms(retries=0, bisect=True), partial=True)

    shard.run(4)

    assert shard.delivered == [["g1", "bad", "g2"], ["bad", "g2"], ["bad"], ["g2"]]
    assert shard.discarded == [(["bad"], "RetryAttemptsExhausted")]


def test_records_that_are_too_old_are_not_even_tried() -> None:
    shard = Shard("g1", terms=Terms(max_age_s=60), at=time.time() - 61)

    shard.run(1)

    assert (shard.delivered, shard.discarded) == ([], [(["g1"], "RecordAgeExceeded")])


def test_what_nobody_wants_is_passed_over() -> None:
    shard = Shard("skip-1", "skip-2", "g1", terms=Terms(batch_size=2))

    shard.run(2)

    assert shard.delivered == [["g1"]]
    assert shard.positions == {"s": "002"}


def test_a_batch_waits_for_its_window_unless_it_is_full() -> None:
    shard = Shard("g1", "g2", terms=Terms(batch_size=3, window_s=0.1))

    assert not shard.lane.ready()
    shard.terms = Terms(batch_size=2, window_s=60)
    assert shard.lane.ready()
    shard.terms = Terms(batch_size=3, window_s=0.1)
    deadline = time.monotonic() + 2
    while not shard.lane.ready():
        assert time.monotonic() < deadline

    shard.run(1)
    assert shard.delivered == [["g1", "g2"]]


def test_one_that_is_off_or_waits_after_a_failure_is_not_ready() -> None:
    shard = Shard("bad", terms=Terms(batch_size=1))
    assert shard.lane.ready()

    shard.terms = Terms(batch_size=1, enabled=False)
    assert not shard.lane.ready()
    shard.terms = Terms(batch_size=1)
    shard.run(1)

    assert not shard.lane.ready()


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        (None, []),
        ({}, []),
        ({"batchItemFailures": []}, []),
        ({"batchItemFailures": None}, []),
        ({"batchItemFailures": [{"itemIdentifier": "a"}]}, ["a"]),
        ({"batchItemFailures": [{"itemIdentifier": ""}]}, None),
        ({"batchItemFailures": [{"itemIdentifier": None}]}, None),
        ({"batchItemFailures": [{"wrong": "a"}]}, None),
        ({"batchItemFailures": [{"itemIdentifier": "unknown"}]}, None),
        ("text", None),
    ],
)
def test_what_a_function_reports(body: object, wanted: list[str] | None) -> None:
    assert reported(body, {"a", "b"}) == wanted
