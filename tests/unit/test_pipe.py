from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from events_fakes import HERE, problems, stack, statements

from serverless_cli.model import Late, Ref, Stack
from serverless_cli.resources.pipe import PipeSpec

BUS = f"arn:aws:events:{HERE}:event-bus"
TABLE = f"arn:aws:dynamodb:{HERE}:table/shop-dev-deposits"
QUEUE = f"arn:aws:sqs:{HERE}:shop-dev"
STREAM = f"arn:aws:kinesis:{HERE}:stream/shop-dev-clicks"
ROLE = "arn:aws:iam::123456789012:role/slx/eu-central-1/shop/dev/shop-dev-p-bfec39"
TAKES_TABLE = ("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator")
LISTS = {("*",): ("dynamodb:ListStreams",)}
TAKES_QUEUE = ("sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage")
TAKES_STREAM = ("kinesis:DescribeStream", "kinesis:DescribeStreamSummary", "kinesis:GetRecords",
                "kinesis:GetShardIterator", "kinesis:ListShards")  # fmt: skip


def pipe(found: Stack) -> PipeSpec:
    spec = found.resources[Ref("pipe", "p")].spec
    assert isinstance(spec, PipeSpec)
    return spec


# ---------------------------------------------------------------- blueprints


def test_a_table_raises_events_on_a_bus_without_code(tmp_path: Path):
    found = stack(
        tmp_path,
        """
        p:
          type: pipe
          from: deposits
          to: {to: events, detail_type: Deposit made, detail: {id: "<$.dynamodb.NewImage.id.S>"}}
          filter: [{eventName: [INSERT]}]
        """,
    )

    assert pipe(found) == PipeSpec(
        source=pipe(found).source,
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
    assert isinstance(pipe(found).source, Late)
    assert str(pipe(found).source) == "${deposits.stream_arn}"


def test_it_comes_after_its_role_and_both_ends(tmp_path: Path):
    found = stack(tmp_path, "p: {type: pipe, from: deposits, to: events, on_failure: dead}")

    assert found.resources[Ref("pipe", "p")].needs == {
        Ref("role", "p"), Ref("table", "deposits"), Ref("event-bus", "events"), Ref("queue", "dead"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (
            "{type: pipe, from: deposits, to: events}",
            {(f"{TABLE}/stream/*",): TAKES_TABLE, **LISTS, (f"{BUS}/shop-dev-events",): ("events:PutEvents",)},
        ),
        (
            "{type: pipe, from: jobs, to: default}",
            {(f"{QUEUE}-jobs",): TAKES_QUEUE, (f"{BUS}/default",): ("events:PutEvents",)},
        ),
        (
            "{type: pipe, from: clicks, to: worker, on_failure: dead}",
            {
                (STREAM,): TAKES_STREAM,
                (f"arn:aws:lambda:{HERE}:function:shop-dev-worker",): ("lambda:InvokeFunction",),
                (f"{QUEUE}-dead",): ("sqs:SendMessage",),
            },
        ),
        (
            "{type: pipe, from: jobs, to: flow}",
            {
                (f"{QUEUE}-jobs",): TAKES_QUEUE,
                (f"arn:aws:states:{HERE}:stateMachine:shop-dev-flow",): ("states:StartExecution",),
            },
        ),
        (
            "{type: pipe, from: jobs, to: clicks}",
            {(f"{QUEUE}-jobs",): TAKES_QUEUE, (STREAM,): ("kinesis:PutRecord", "kinesis:PutRecords")},
        ),
        (
            "{type: pipe, from: clicks, to: news}",
            {(STREAM,): TAKES_STREAM, (f"arn:aws:sns:{HERE}:shop-dev-news",): ("sns:Publish",)},
        ),
        (
            "{type: pipe, from: clicks, to: archive}",
            {
                (STREAM,): TAKES_STREAM,
                (f"arn:aws:firehose:{HERE}:deliverystream/shop-dev-archive",): (
                    "firehose:PutRecord", "firehose:PutRecordBatch",
                ),
            },
        ),
    ],
)  # fmt: skip
def test_its_role_may_do_just_what_both_ends_take(tmp_path: Path, text: str, wanted: dict[Any, Any]):
    found = stack(tmp_path, f"p: {text}")

    assert statements(found, "p") == wanted
    assert found.resources[Ref("role", "p")].spec.trust == ("pipes.amazonaws.com",)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("from: jobs, to: events", {"Source": "shop", "DetailType": "p"}),
        ("from: jobs, to: {to: events, source: bank}", {"Source": "bank", "DetailType": "p"}),
        ("from: deposits, to: clicks", {"PartitionKey": "$.eventID"}),
        ("from: jobs, to: clicks", {"PartitionKey": "$.messageId"}),
        ("from: jobs, to: {to: clicks, partition_key: $.body.id}", {"PartitionKey": "$.body.id"}),
        ("from: jobs, to: dead", {}),
        ("from: jobs, to: {to: ordered, group: $.body.customer}", {"MessageGroupId": "$.body.customer"}),
        ("from: jobs, to: worker", {"InvocationType": "REQUEST_RESPONSE"}),
        ("from: jobs, to: flow", {"InvocationType": "FIRE_AND_FORGET"}),
        ("from: jobs, to: news", {}),
        ("from: jobs, to: archive", {}),
    ],
)
def test_each_target_gets_what_it_takes_of_its_own(tmp_path: Path, text: str, wanted: dict[str, str]):
    assert pipe(stack(tmp_path, f"p: {{type: pipe, {text}}}")).parameters == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("from: deposits", "TRIM_HORIZON"),
        ("from: clicks", "TRIM_HORIZON"),
        ("from: clicks, starting_position: latest", "LATEST"),
        ("from: jobs", ""),
    ],
)
def test_a_stream_is_read_from_its_oldest_record_unless_said_otherwise(tmp_path: Path, text: str, wanted: str):
    assert pipe(stack(tmp_path, f"p: {{type: pipe, {text}, to: events}}")).position == wanted


def test_all_settings_of_a_stream_are_taken(tmp_path: Path):
    text = """
        p:
          type: pipe
          from: clicks
          to: worker
          batch_size: 500
          batch_window_s: 5
          retries: 3
          max_age_s: 3600
          bisect: true
          on_failure: dead
          enabled: false
          description: clicks for the worker
          input: "<$.data>"
        """
    spec = pipe(stack(tmp_path, text))

    assert (spec.batch_size, spec.batch_window_s, spec.retries, spec.max_age_s) == (500, 5, 3, 3600)
    assert (spec.bisect, spec.dead_letter, spec.state) == (True, f"{QUEUE}-dead", "STOPPED")
    assert (spec.description, spec.template) == ("clicks for the worker", "<$.data>")


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("t: {type: table, key: id}\np:\n  type: pipe\n  from: t\n  to: events", 4, "which has no stream"),
        ("p: {type: pipe, from: nothing, to: events}", 1, "no resource"),
        ("p: {type: pipe, from: news, to: events}", 1, "a topic"),
        ("p: {type: pipe, to: events}", 1, "`from` is missing"),
        ("p:\n  type: pipe\n  from: jobs\n  to: deposits", 4, "a table"),
        ("p:\n  type: pipe\n  from: jobs\n  to: nothing", 4, "no resource"),
        ("p: {type: pipe, from: jobs, to: jobs}", 1, "round in circles"),
        ("p: {type: pipe, from: jobs, to: ordered}", 1, "without a group"),
        ("p:\n  type: pipe\n  from: jobs\n  to: events\n  retries: 1", 5, "for tables and streams"),
        ("p: {type: pipe, from: jobs, to: events, starting_position: latest}", 1, "for tables and streams"),
        ("p: {type: pipe, from: jobs, to: events, bisect: true}", 1, "for tables and streams"),
        ("p: {type: pipe, from: jobs, to: events, max_age_s: 60}", 1, "for tables and streams"),
        ("p: {type: pipe, from: jobs, to: events, on_failure: dead}", 1, "for tables and streams"),
        ("p: {type: pipe, from: jobs, to: worker, batch_size: 11}", 1, "must be gathered"),
        ("p: {type: pipe, from: ordered, to: worker, batch_size: 11, batch_window_s: 1}", 1, "does not gather"),
        ("p: {type: pipe, from: ordered, to: worker, batch_window_s: 1}", 1, "does not gather"),
        ("p: {type: pipe, from: clicks, to: events, batch_size: 11}", 1, "takes 10 at once"),
        ("p: {type: pipe, from: deposits, to: clicks, batch_size: 501}", 1, "takes 500 at once"),
        ("p: {type: pipe, from: jobs, to: {to: worker, detail_type: A}}", 1, "it is for the type event-bus"),
        ("p: {type: pipe, from: jobs, to: {to: worker, partition_key: a}}", 1, "it is for the type stream"),
        ("p: {type: pipe, from: jobs, to: {to: events, source: aws.shop}}", 1, "begin with aws."),
        ("p: {type: pipe, from: jobs, to: {to: events, detail: {a: 1}}, input: {a: 1}}", 1, "both `input` and `detail`"),
        ("p:\n  type: pipe\n  from: jobs\n  to: events\n  filter:\n  - body:\n      a: b", 7, "wants a list"),
        ("p: {type: pipe, from: jobs, to: events, filter: [{body: {a: [{wildcard: 'x*'}]}}]}", 1, "only rules"),
        ("p: {type: pipe, from: jobs, to: events, filter: [{a: [1]},{a: [1]},{a: [1]},{a: [1]},{a: [1]},{a: [1]}]}", 1, "0 to 5"),
        ("p:\n  type: pipe\n  from: jobs\n  to: events\n  input: '<$.a'", 5, "has no end"),
        ("p: {type: pipe, from: clicks, to: events, on_failure: ordered}", 1, "standard queues"),
        ("p: {type: pipe, from: clicks, to: events, on_failure: news}", 1, "no queue"),
        ("p: {type: pipe, from: clicks, to: events, starting_position: LATEST}", 1, "one of"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_refused_at_its_line(tmp_path: Path, text: str, line: int, words: str):
    found = problems(tmp_path, text)

    assert [(line, True)] == [(where, words in said) for where, said in found]


def test_a_table_that_exists_already_is_believed_to_have_a_stream(tmp_path: Path):
    text = "t: {type: table, existing: theirs}\np: {type: pipe, from: t, to: events}"
    found = stack(tmp_path, text)

    assert str(pipe(found).source) == "${t.stream_arn}"
    assert (f"arn:aws:dynamodb:{HERE}:table/theirs/stream/*",) in statements(found, "p")
