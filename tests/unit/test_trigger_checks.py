"""What is refused of triggers, destinations and access, each at its own place in the file; and what is warned of."""

from __future__ import annotations

import pytest
from trigger_fakes import Blueprints

FN = "fn: {type: function, code: ./fn, triggers: [%s]}\n"
QUEUE = "jobs: {type: queue}\n"
FIFO = "jobs: {type: queue, fifo: true}\n"
STREAM = "clicks: {type: stream}\n"
BUCKET = "photos: {type: bucket}\n"


@pytest.fixture
def blueprints(tmp_path):
    return Blueprints(tmp_path / "home")


def one(trigger: str) -> str:
    return FN % trigger


CASES = {
    "no source": (one("§{batch_size: 1}"), "a trigger has one source: this one has none"),
    "two sources": (one("§{queue: jobs, stream: clicks}") + QUEUE + STREAM, "this one has queue and stream"),
    "a typing error": (one("{§queu: jobs}") + QUEUE, "did you mean `queue`?"),
    "no such queue": (one("{§queue: work}") + QUEUE, "which is no queue of this blueprint: : there are: jobs"),
    "of another type": (one("{§queue: clicks}") + STREAM, "it is a stream"),
    "no such bus": (one("{§bus: events, pattern: {source: [a]}}"), "which is no event-bus"),
    "an option of buckets for a queue": (one("{queue: jobs, §events: [created]}") + QUEUE, "it is for `bucket`"),
    "a prefix for a topic": (one("{topic: news, §prefix: in/}") + "news: {type: topic}", "`prefix` is nothing for a `topic`"),
    "bisect for a queue": (one("{queue: jobs, §bisect: true}") + QUEUE, "it is for `table`, `stream`"),
    "a stream's limit for a queue": (one("{queue: jobs, §retries: 1}") + QUEUE, "the queue's `dead_letter` says that"),
    "an end for a queue": (one("{queue: jobs, §on_failure: jobs}") + QUEUE, "`dead_letter`"),
    "a position for a queue": (one("{queue: jobs, §starting_position: latest}") + QUEUE, "it is for `table`, `stream`"),
    "concurrency for a stream": (one("{stream: clicks, §max_concurrency: 2}") + STREAM, "it is for `queue`"),
    "a batch for a bucket": (one("{bucket: photos, §batch_size: 1}") + BUCKET, "it is for `queue`, `table`, `stream`"),
    "a filter for a schedule": (one("{schedule: rate(1 hour), §filter: []}"), "`filter` is nothing for a `schedule`"),
    "too many messages": (one("{queue: jobs, batch_size: §10001}") + QUEUE, "it takes 1 to 10000"),
    "too long a window": (one("{queue: jobs, batch_window_s: §301}") + QUEUE, "it takes 0 to 300"),
    "too little concurrency": (one("{queue: jobs, max_concurrency: §1}") + QUEUE, "it takes 2 to 1000"),
    "too many retries": (one("{stream: clicks, retries: §10001}") + STREAM, "it takes -1 to 10000"),
    "an age below a minute": (one("{stream: clicks, §max_age_s: 59}") + STREAM, "it takes 60 to 604800, or -1"),
    "an age of more than a week": (one("{stream: clicks, max_age_s: §604801}") + STREAM, "it takes -1 to 604800"),
    "too much in parallel": (one("{stream: clicks, parallel: §11}") + STREAM, "it takes 1 to 10"),
    "many messages at once": (one("{queue: jobs, §batch_size: 11}") + QUEUE, "batch_window_s: 1"),
    "a large batch of a FIFO queue": (one("{queue: jobs, §batch_size: 11}") + FIFO, "a FIFO queue gives 10 at most"),
    "a window of a FIFO queue": (one("{queue: jobs, §batch_window_s: 1}") + FIFO, "nothing for a FIFO queue"),
    "a queue twice": (one("{queue: jobs}, §{queue: jobs}") + QUEUE, "jobs triggers fn twice"),
    "a table without a stream": (one("{§table: items}") + "items: {type: table, key: id}", "`stream: both` on items"),
    "failures to a FIFO queue": (one("{stream: clicks, §on_failure: jobs}") + STREAM + FIFO, "Lambda sends none to FIFO"),
    "failures to a bucket": (one("{stream: clicks, §on_failure: photos}") + STREAM + BUCKET, "it is no queue or topic"),
    "a FIFO topic": (one("{§topic: news}") + "news: {type: topic, fifo: true}", "a FIFO topic tells queues only"),
    "a topic that says so itself": (
        one("{§topic: news}") + "news: {type: topic, subscriptions: [{function: fn}]}",
        "among the `subscriptions` of news already",
    ),
    "a filter that is no list": (one("{queue: jobs, §filter: {body: {a: [1]}}}") + QUEUE, "wants a list of patterns"),
    "a filter with a bare value": (one("{queue: jobs, filter: [{body: {§a: 1}}]}") + QUEUE, "[1]"),
    "a filter policy that is a list": (one("{topic: news, §filter: [a]}") + "news: {type: topic}", "wants a mapping"),
    "no pattern": (one("§{bus: default}"), "a `bus` trigger wants a `pattern`"),
    "a pattern with a bare value": (one("{bus: default, pattern: {§source: shop}}"), "shop"),
    "a wrong rate": (one("{§schedule: rate(5 minute)}"), "minutes"),
    "a cron of five fields": (one("{§schedule: cron(0 8 * * *)}"), "six"),
    "an unknown event": (one("{bucket: photos, events: [§creatd]}") + BUCKET, "did you mean `created`?"),
    "no events": (one("{bucket: photos, events: §[]}") + BUCKET, "it takes at least 1"),
    "a wildcard in a suffix": (one("{bucket: photos, §suffix: '*.jpg'}") + BUCKET, "S3 knows no wildcards"),
    "messages that come back too early": (
        "fn: {type: function, code: ./fn, timeout_s: 61, triggers: [{§queue: jobs}]}\n" + QUEUE,
        "`visibility_timeout_s: 366` on jobs",
    ),
    "results to nowhere": ("fn: {type: function, code: ./fn, §on_success: gone}", "results cannot go to gone"),
    "results to a bucket": ("fn: {type: function, code: ./fn, §on_failure: photos}\n" + BUCKET, "it is a bucket"),
    "results to a FIFO queue": ("fn: {type: function, code: ./fn, §on_failure: jobs}\n" + FIFO, "none to FIFO queues"),
    "results to itself": ("fn: {type: function, code: ./fn, §on_success: fn}", "go to itself"),
    "three retries": ("fn: {type: function, code: ./fn, on_failure: {retries: §3}}", "it takes 0 to 2"),
    "a verb that nobody can": ("fn: {type: function, code: ./fn, access: {§photos: fly}}\n" + BUCKET, "nothing that photos"),
    "a prefix of a queue": ("fn: {type: function, code: ./fn, access: {jobs: {§send: a/*}}}\n" + QUEUE, "only a bucket's can"),
    "a pattern for a prefix": ("fn: {type: function, code: ./fn, access: {photos: {§read: a/*.jpg}}}\n" + BUCKET, "no prefix"),
    "access beside a role": (
        "fn: {type: function, code: ./fn, role: own, §access: {photos: read}}\nown: {type: role}\n" + BUCKET,
        "leave one of them out",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "says"), CASES.values(), ids=CASES)
def test_is_refused_at_its_place(blueprints, text, says):
    wanted, found, texts = blueprints.located(text)

    assert found == wanted
    assert says in texts[0]


OVERLAPS = {
    "all keys": ("{bucket: photos}", "{bucket: photos}"),
    "a prefix within a prefix": ("{bucket: photos, prefix: in/}", "{bucket: photos, prefix: in/new/}"),
    "one suffix, any prefix": ("{bucket: photos, suffix: .jpg}", "{bucket: photos, prefix: in/, suffix: .jpg}"),
    "a suffix within a suffix": ("{bucket: photos, suffix: .jpg}", "{bucket: photos, suffix: small.jpg}"),
    "an event and its wildcard": ("{bucket: photos}", '{bucket: photos, events: ["s3:ObjectCreated:Put"]}'),
    "one event of two": ("{bucket: photos}", "{bucket: photos, events: [removed, created]}"),
}


@pytest.mark.parametrize(("first", "second"), OVERLAPS.values(), ids=OVERLAPS)
def test_overlapping_notifications_are_refused_at_the_later_one(blueprints, first, second):
    text = f"fn: {{type: function, code: ./fn, triggers: [{first}]}}\n"
    text += f"other: {{type: function, code: ./fn, triggers: [§{second}]}}\n{BUCKET}"

    wanted, found, texts = blueprints.located(text)

    assert found == wanted
    assert "overlaps with another trigger of photos, on line 3" in texts[0]


APART = {
    "prefixes": ("{bucket: photos, prefix: in/}", "{bucket: photos, prefix: new/}"),
    "suffixes": ("{bucket: photos, suffix: .jpg}", "{bucket: photos, suffix: .png}"),
    "one prefix, two suffixes": ("{bucket: photos, prefix: a, suffix: x}", "{bucket: photos, prefix: ab, suffix: y}"),
    "events": ("{bucket: photos}", "{bucket: photos, events: [removed]}"),
    "precise events": ('{bucket: photos, events: ["s3:ObjectCreated:Put"]}', '{bucket: photos, events: ["s3:ObjectCreated:Copy"]}'),
    "buckets": ("{bucket: photos}", "{bucket: more}"),
}  # fmt: skip


@pytest.mark.parametrize(("first", "second"), APART.values(), ids=APART)
def test_notifications_that_differ_do_not_overlap(blueprints, first, second):
    text = one(f"{first}, {second}") + BUCKET + "more: {type: bucket}\n"

    assert blueprints.stack(text).warnings == ()


SELF = "fn: {type: function, code: ./fn, access: {%s}, triggers: [%s]}\n" + BUCKET
LOOPS = {
    "everything": ("photos: write", "{§bucket: photos}"),
    "read and write": ("photos: read-write", "{§bucket: photos, suffix: .jpg}"),
    "within the trigger's prefix": ("photos: {write: in/small/*}", "{§bucket: photos, prefix: in/}"),
    "around the trigger's prefix": ("photos: {write: in/*}", "{§bucket: photos, prefix: in/new/}"),
    "deleting what it is told was deleted": ("photos: write", "{§bucket: photos, events: [removed]}"),
}


@pytest.mark.parametrize(("access", "trigger"), LOOPS.values(), ids=LOOPS)
def test_writing_where_it_is_triggered_is_refused(blueprints, access, trigger):
    wanted, found, texts = blueprints.located(SELF % (access, trigger))

    assert found == wanted
    assert "each object that it writes would call it again" in texts[0]


HARMLESS = {
    "reading": ("photos: read", "{bucket: photos}"),
    "another prefix": ("photos: {write: out/*}", "{bucket: photos, prefix: in/}"),
    "an event that writing does not cause": ("photos: write", "{bucket: photos, events: [restored]}"),
    "allowed": ("photos: write", "{bucket: photos, allow_loop: true}"),
}


@pytest.mark.parametrize(("access", "trigger"), HARMLESS.values(), ids=HARMLESS)
def test_what_cannot_loop_or_may_is_taken_in_silence(blueprints, access, trigger):
    assert blueprints.stack(SELF % (access, trigger)).warnings == ()


WAYS = {
    "a queue that it sends to": (
        "fn: {type: function, code: ./fn, access: {jobs: send}, triggers: [{queue: jobs}]}\njobs: {type: queue}\n",
        "fn → jobs → fn",
    ),
    "a table that it writes to": (
        (
            "fn: {type: function, code: ./fn, access: {items: write}, triggers: [{table: items}]}\n"
            "items: {type: table, key: id, stream: new}\n"
        ),
        "fn → items → fn",
    ),
    "a topic that tells a queue": (
        (
            "fn: {type: function, code: ./fn, access: {news: send}, triggers: [{queue: jobs}]}\n"
            "jobs: {type: queue}\nnews: {type: topic, subscriptions: [{queue: jobs}]}\n"
        ),
        "fn → news → jobs → fn",
    ),
    "another function, through buckets": (
        "fn: {type: function, code: ./fn, access: {photos: {write: b/*}}, triggers: [{bucket: photos, prefix: a/}]}\n"
        "too: {type: function, code: ./fn, access: {photos: {write: a/*}}, triggers: [{bucket: photos, prefix: b/}]}\n"
        + BUCKET,
        "fn → photos → too → photos → fn",
    ),
    "its successes": (
        "fn: {type: function, code: ./fn, on_success: jobs, triggers: [{queue: jobs}]}\njobs: {type: queue}\n",
        "fn → jobs → fn",
    ),
    "a delivery stream": (
        "fn: {type: function, code: ./fn, access: {out: send}, triggers: [{bucket: photos}]}\n"
        "out: {type: delivery-stream, to: {bucket: photos}}\n" + BUCKET,
        "fn → out → photos → fn",
    ),
}


@pytest.mark.parametrize(("text", "way"), WAYS.values(), ids=WAYS)
def test_other_ways_back_are_warned_of_once(blueprints, text, way):
    warnings = [one for one in blueprints.stack(text).warnings if "without end" in one.what]

    assert [(one.why, one.where.line) for one in warnings] == [(way, 3)]


@pytest.mark.parametrize(("text", "way"), WAYS.values(), ids=WAYS)
def test_a_way_back_that_is_allowed_is_not_warned_of(blueprints, text, way):
    head, line, tail = text.partition("}]}\n")

    assert blueprints.stack(f"{head}, allow_loop: true{line}{tail}").warnings == ()


def test_a_way_that_prefixes_interrupt_is_no_loop(blueprints):
    text = (
        "fn: {type: function, code: ./fn, access: {photos: {write: b/*}}, triggers: [{bucket: photos, prefix: a/}]}\n"
        "too: {type: function, code: ./fn, access: {photos: {write: a/*}}, triggers: [{bucket: photos, prefix: c/}]}\n"
    )

    assert blueprints.stack(text + BUCKET).warnings == ()


def test_messages_that_may_be_handled_twice_are_warned_of(blueprints):
    text = "fn: {type: function, code: ./fn, timeout_s: 30, triggers: [{queue: jobs}]}\n" + QUEUE

    [warning] = blueprints.stack(text).warnings

    assert "six times" in warning.why
    assert warning.hint == "`visibility_timeout_s: 180` on jobs"
    assert warning.where.line == 3


def test_failures_that_nobody_would_hear_of_are_warned_of(blueprints):
    [warning] = blueprints.stack(one("{stream: clicks, on_failure: jobs}") + STREAM + QUEUE).warnings

    assert warning.hint == "limit `retries` or `max_age_s`"


def test_everything_wrong_is_told_at_once(blueprints):
    text = (
        one("§{}, {queue: jobs, §bisect: true, §batch_size: 11}, {§table: items}")
        + FIFO
        + "items: {type: table, key: id}\n"
    )

    wanted, found, _ = blueprints.located(text)

    assert found == wanted
