"""What a function's triggers and destinations stand for: exact resources, statements and needs."""

from __future__ import annotations

import pytest
from trigger_fakes import A, Blueprints, granted, kinds, spec

from serverless_cli.model import Handout, Late, Ref
from serverless_cli.names import listener_rule_arn
from serverless_cli.resources.destination import DestinationSpec
from serverless_cli.resources.mapping import MappingSpec
from serverless_cli.resources.notification import Notification
from serverless_cli.resources.permission import PermissionSpec
from serverless_cli.resources.subscription import SubscriptionSpec
from serverless_cli.wiring import Statement

FN = f"arn:aws:lambda:{A}:function:shop-dev-fn"


@pytest.fixture
def blueprints(tmp_path):
    return Blueprints(tmp_path / "home")


def test_a_bucket_gets_one_notification_for_all_triggers_and_one_permission_for_each_function(blueprints):
    stack = blueprints.stack("""
        fn: {type: function, code: ./fn, triggers: [{bucket: photos, suffix: .jpg}, {bucket: photos, suffix: .png}]}
        gone: {type: function, code: ./fn, triggers: [{bucket: photos, events: [removed, "s3:ObjectRemoved:Delete"]}]}
        photos: {type: bucket}
    """)

    bucket = stack.resources[Ref("bucket", "photos")].name
    notification = stack.resources[Ref("notification", "photos")]
    assert notification.name == bucket
    assert notification.inside is None
    assert spec(stack, "notification", "photos").entries == {
        "fn.1": Notification("function", FN, ("s3:ObjectCreated:*",), suffix=".jpg"),
        "fn.2": Notification("function", FN, ("s3:ObjectCreated:*",), suffix=".png"),
        "gone.1": Notification("function", FN.replace("fn", "gone"), ("s3:ObjectRemoved:*",)),
    }
    assert notification.needs == {
        Ref("bucket", "photos"), Ref("function", "fn"), Ref("function", "gone"),
        Ref("permission", "photos.fn"), Ref("permission", "photos.gone"),
    }  # fmt: skip
    permission = PermissionSpec("shop-dev-fn", "s3.amazonaws.com", f"arn:aws:s3:::{bucket}", "123456789012")
    assert spec(stack, "permission", "photos.fn") == permission
    assert granted(stack, "fn") == ()


def test_a_queue_is_mapped_and_the_role_may_read_it_and_nothing_else(blueprints):
    stack = blueprints.stack("""
        fn:
          type: function
          code: ./fn
          triggers:
            - {queue: jobs, batch_size: 50, batch_window_s: 5, partial_failures: true, max_concurrency: 4,
               filter: [{body: {kind: [order]}}]}
        jobs: {type: queue}
    """)

    assert spec(stack, "mapping", "fn.jobs") == MappingSpec(
        f"arn:aws:sqs:{A}:shop-dev-jobs", "shop-dev-fn", 50, 5, ('{"body":{"kind":["order"]}}',), True, 4
    )
    mapping = stack.resources[Ref("mapping", "fn.jobs")]
    assert mapping.name == "shop-dev-fn/queue/shop-dev-jobs"
    assert mapping.needs == {Ref("function", "fn"), Ref("queue", "jobs")}
    reads = ("sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage")
    assert granted(stack, "fn") == (Statement(reads, (f"arn:aws:sqs:{A}:shop-dev-jobs",)),)
    assert not any(one.startswith("permission") for one in kinds(stack))


def test_a_table_is_mapped_by_its_stream_which_only_aws_knows(blueprints):
    stack = blueprints.stack("""
        fn: {type: function, code: ./fn, triggers: [{table: deposits, on_failure: dead, retries: 3, bisect: true}]}
        deposits: {type: table, key: id, stream: both}
        dead: {type: queue}
    """)

    stream = Late((Handout(Ref("table", "deposits"), "stream_arn"),))
    mapping = spec(stack, "mapping", "fn.deposits")
    assert mapping == MappingSpec(
        stream, "shop-dev-fn", 100, starting_position="TRIM_HORIZON", retries=3, bisect=True,
        on_failure=f"arn:aws:sqs:{A}:shop-dev-dead",
    )  # fmt: skip
    assert mapping.source.needs == {Ref("table", "deposits")}
    assert stack.resources[Ref("mapping", "fn.deposits")].needs == {
        Ref("function", "fn"), Ref("table", "deposits"), Ref("queue", "dead"),
    }  # fmt: skip
    reads = ("DescribeStream", "GetRecords", "GetShardIterator")
    assert granted(stack, "fn") == (
        Statement(("dynamodb:ListStreams",), ("*",)),
        Statement(
            tuple(f"dynamodb:{action}" for action in reads), (f"arn:aws:dynamodb:{A}:table/shop-dev-deposits/stream/*",)
        ),
        Statement(("sqs:SendMessage",), (f"arn:aws:sqs:{A}:shop-dev-dead",)),
    )


def test_a_stream_is_mapped_with_all_its_options(blueprints):
    stack = blueprints.stack("""
        fn:
          type: function
          code: ./fn
          triggers:
            - {stream: clicks, batch_size: 10000, batch_window_s: 300, starting_position: latest, retries: 0,
               max_age_s: 60, parallel: 10, partial_failures: true, enabled: false}
        clicks: {type: stream, shards: 1}
    """)

    own = f"arn:aws:kinesis:{A}:stream/shop-dev-clicks"
    assert spec(stack, "mapping", "fn.clicks") == MappingSpec(
        own, "shop-dev-fn", 10000, 300, (), True, None, False, "LATEST", 0, 60, False, 10, ""
    )
    reads = ("DescribeStream", "DescribeStreamSummary", "GetRecords", "GetShardIterator", "ListShards")
    assert granted(stack, "fn") == (Statement(tuple(f"kinesis:{action}" for action in reads), (own,)),)


def test_a_topic_is_subscribed_to_and_may_call(blueprints):
    stack = blueprints.stack("""
        fn: {type: function, code: ./fn, triggers: [{topic: news, filter: {kind: [sport]}}]}
        news: {type: topic}
    """)

    topic = f"arn:aws:sns:{A}:shop-dev-news"
    assert spec(stack, "subscription", "news.fn") == SubscriptionSpec(topic, "lambda", FN, False, '{"kind":["sport"]}')
    assert spec(stack, "permission", "news.fn") == PermissionSpec("shop-dev-fn", "sns.amazonaws.com", topic)


def test_schedules_and_patterns_may_call_by_rules_that_count_on_their_own(blueprints):
    stack = blueprints.stack("""
        fn:
          type: function
          code: ./fn
          triggers:
            - {schedule: rate(5 minutes)}
            - {queue: jobs}
            - {bus: events, pattern: {source: [shop]}}
            - {bus: default, pattern: {source: [aws.s3]}}
        jobs: {type: queue}
        events: {type: event-bus}
    """)

    callers = sorted(one.spec.source_arn for ref, one in stack.resources.items() if ref.kind == "permission")
    assert callers == [
        f"arn:aws:events:{A}:rule/shop-dev-events/shop-dev-fn-2",
        f"arn:aws:events:{A}:rule/shop-dev-fn-1",
        f"arn:aws:events:{A}:rule/shop-dev-fn-3",
    ]
    assert {listener_rule_arn(stack.place, "fn", 1), listener_rule_arn(stack.place, "fn", 2, "shop-dev-events")} < {
        *callers
    }


def test_results_go_to_their_ends_and_the_role_may_send_there(blueprints):
    stack = blueprints.stack("""
        fn: {type: function, code: ./fn, on_failure: {to: dead, retries: 0, max_age_s: 60}, on_success: news}
        dead: {type: queue}
        news: {type: topic}
    """)

    dead, news = f"arn:aws:sqs:{A}:shop-dev-dead", f"arn:aws:sns:{A}:shop-dev-news"
    assert spec(stack, "destination", "fn") == DestinationSpec(news, dead, 0, 60)
    resource = stack.resources[Ref("destination", "fn")]
    assert (resource.name, resource.inside) == ("shop-dev-fn", Ref("function", "fn"))
    assert resource.needs == {Ref("function", "fn"), Ref("queue", "dead"), Ref("topic", "news")}
    assert granted(stack, "fn") == (Statement(("sns:Publish",), (news,)), Statement(("sqs:SendMessage",), (dead,)))


@pytest.mark.parametrize(
    ("end", "action", "arn"),
    [
        pytest.param("other", "lambda:InvokeFunction", f"arn:aws:lambda:{A}:function:shop-dev-other", id="a function"),
        pytest.param("events", "events:PutEvents", f"arn:aws:events:{A}:event-bus/shop-dev-events", id="a bus"),
        pytest.param("default", "events:PutEvents", f"arn:aws:events:{A}:event-bus/default", id="the default bus"),
    ],
)
def test_results_can_go_to_functions_and_buses(blueprints, end, action, arn):
    stack = blueprints.stack(f"""
        fn: {{type: function, code: ./fn, on_failure: {end}}}
        other: {{type: function, code: ./fn}}
        events: {{type: event-bus}}
    """)

    assert spec(stack, "destination", "fn") == DestinationSpec("", arn, 2, 21600)
    assert granted(stack, "fn") == (Statement((action,), (arn,)),)


def test_limits_alone_make_a_destination_without_ends(blueprints):
    stack = blueprints.stack("fn: {type: function, code: ./fn, on_failure: {retries: 0}}")

    assert spec(stack, "destination", "fn") == DestinationSpec("", "", 0, 21600)
    assert granted(stack, "fn") == ()


def test_without_triggers_nothing_is_wired(blueprints):
    stack = blueprints.stack("fn: {type: function, code: ./fn}")

    assert kinds(stack) == {"function fn", "role fn", "log-group fn"}


def test_access_is_narrowed_to_a_prefix(blueprints):
    stack = blueprints.stack("""
        fn: {type: function, code: ./fn, access: {photos: {read: in/*, write: out/}, jobs: send}}
        photos: {type: bucket}
        jobs: {type: queue}
    """)

    bucket = f"arn:aws:s3:::{stack.resources[Ref('bucket', 'photos')].name}"
    assert granted(stack, "fn") == (
        Statement(("s3:ListBucket",), (bucket,), {"StringLike": {"s3:prefix": ("in/*",)}}),
        Statement(("s3:GetObject",), (f"{bucket}/in/*",)),
        Statement(("s3:DeleteObject", "s3:PutObject"), (f"{bucket}/out/*",)),
        Statement(("sqs:SendMessage",), (f"arn:aws:sqs:{A}:shop-dev-jobs",)),
    )


def test_an_existing_source_is_wired_but_never_made(blueprints):
    stack = blueprints.stack("""
        fn: {type: function, code: ./fn, triggers: [{queue: jobs}, {bucket: photos}], timeout_s: 900}
        jobs: {type: queue, existing: theirs}
        photos: {type: bucket, existing: their-photos}
    """)

    assert spec(stack, "mapping", "fn.jobs").source == f"arn:aws:sqs:{A}:theirs"
    assert stack.resources[Ref("notification", "photos")].name == "their-photos"
