"""Topics, their subscriptions, and the policies that let services send to queues and topics."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from messaging_fakes import HERE, PLACE, Sns, Sqs, here
from trigger_fakes import Blueprints, granted, spec

from serverless_cli import diff
from serverless_cli.model import Late, Observed, Ref
from serverless_cli.resources.admission import Admission, AdmissionKind, AdmissionSpec, AdmissionWeaver
from serverless_cli.resources.ownership import ForeignError
from serverless_cli.resources.permission import PermissionSpec
from serverless_cli.resources.subscription import SubscriptionKind, SubscriptionSpec
from serverless_cli.resources.topic import TopicKind, TopicSpec
from serverless_cli.wiring import Admits

TOPIC = f"arn:aws:sns:{HERE}"
QUEUE = f"arn:aws:sqs:{HERE}"
PLAIN = TopicSpec(fifo=False, content_based_deduplication=False, encryption="none")
MAIL = SubscriptionSpec(f"{TOPIC}:t", "email", "ann@example.com", raw=False, filter="")
JOBS = SubscriptionSpec(f"{TOPIC}:t", "sqs", f"{QUEUE}:jobs", raw=True, filter='{"kind":["sport"]}')


@pytest.fixture
def blueprints(tmp_path):
    return Blueprints(tmp_path / "home")


# ---------------------------------------------------------------- blueprints


def test_a_topic_needs_nothing(blueprints):
    stack = blueprints.stack("t: {type: topic}")

    assert (stack.resources[Ref("topic", "t")].name, spec(stack, "topic", "t")) == ("shop-dev-t", PLAIN)
    assert len(stack.resources) == 1


def test_a_fifo_topic_says_so_in_its_name_and_tells_queues(blueprints):
    stack = blueprints.stack("""
        t: {type: topic, fifo: true, content_based_deduplication: true, subscriptions: [{queue: a}, {queue: b}]}
        a: {type: queue, fifo: true}
        b: {type: queue}
    """)

    assert stack.resources[Ref("topic", "t")].name == "shop-dev-t.fifo"
    assert spec(stack, "topic", "t") == TopicSpec(True, True, "none")
    assert spec(stack, "subscription", "t.a").topic == f"{TOPIC}:shop-dev-t.fifo"
    assert spec(stack, "subscription", "t.b").endpoint == f"{QUEUE}:shop-dev-b"


def test_a_queue_hears_once_its_policy_lets_the_topic_in(blueprints):
    stack = blueprints.stack("""
        t: {type: topic, subscriptions: [{queue: jobs, raw: true, filter: {kind: [sport]}}]}
        jobs: {type: queue}
    """)

    own = f"{TOPIC}:shop-dev-t"
    subscription = stack.resources[Ref("subscription", "t.jobs")]
    assert subscription.spec == SubscriptionSpec(own, "sqs", f"{QUEUE}:shop-dev-jobs", True, '{"kind":["sport"]}')
    assert subscription.needs == {Ref("topic", "t"), Ref("queue", "jobs"), Ref("admission", "jobs")}
    assert subscription.inside == Ref("topic", "t")
    statement = Admission("sns.amazonaws.com", ("sqs:SendMessage",), (own,))
    assert spec(stack, "admission", "jobs") == AdmissionSpec("queue", {"slx-t": statement})
    assert stack.resources[Ref("admission", "jobs")].inside == Ref("queue", "jobs")


def test_a_function_hears_once_the_topic_may_invoke_it(blueprints):
    stack = blueprints.stack("""
        t: {type: topic, subscriptions: [{function: fn}]}
        fn: {type: function, code: ./fn}
    """)

    subscription = stack.resources[Ref("subscription", "t.fn")]
    assert subscription.needs == {Ref("topic", "t"), Ref("function", "fn"), Ref("permission", "t.fn")}
    assert spec(stack, "permission", "t.fn") == PermissionSpec(
        "shop-dev-fn", "sns.amazonaws.com", f"{TOPIC}:shop-dev-t"
    )
    assert granted(stack, "fn") == ()


def test_people_and_sites_hear_too(blueprints):
    stack = blueprints.stack("""
        t: {type: topic, subscriptions: [{email: a@b.example}, {sms: "+491511234567"}, {https: "https://c.example/in"}]}
    """)

    found = sorted(
        (one.spec.protocol, one.spec.endpoint) for ref, one in stack.resources.items() if ref.kind != "topic"
    )
    assert found == [("email", "a@b.example"), ("https", "https://c.example/in"), ("sms", "+491511234567")]


def test_an_end_that_exists_already_has_no_policy_of_ours_and_that_is_said(blueprints):
    stack = blueprints.stack("""
        t: {type: topic, subscriptions: [{queue: theirs}]}
        theirs: {type: queue, existing: their-queue}
    """)

    assert stack.resources[Ref("subscription", "t.theirs")].needs == {Ref("topic", "t"), Ref("queue", "theirs")}
    assert Ref("admission", "theirs") not in stack.resources
    [warning] = stack.warnings
    assert "messages are lost" in warning.why
    assert f"{TOPIC}:shop-dev-t" in warning.hint


def test_an_empty_filter_is_none(blueprints):
    stack = blueprints.stack("""
        t: {type: topic, subscriptions: [{queue: q, filter: {}}]}
        q: {type: queue}
    """)

    assert spec(stack, "subscription", "t.q").filter == ""


@pytest.mark.parametrize(
    ("text", "what"),
    [
        pytest.param("{type: topic, subscriptions: [§{}]}", "has none", id="no end"),
        pytest.param("{type: topic, subscriptions: [§{queue: q, function: fn}]}", "queue and function", id="two ends"),
        pytest.param("{type: topic, subscriptions: [§{queue: fn}]}", "is no queue", id="no queue"),
        pytest.param("{type: topic, subscriptions: [§{function: nobody}]}", "is no function", id="nobody"),
        pytest.param("{type: topic, subscriptions: [§{queue: f}]}", "cannot be subscribed", id="FIFO queue"),
        pytest.param("{type: topic, fifo: true, subscriptions: [§{function: fn}]}", "only queues", id="FIFO topic"),
        pytest.param("{type: topic, subscriptions: [§{function: fn, raw: true}]}", "for queues and https", id="raw"),
        pytest.param("{type: topic, subscriptions: [{queue: q, §filter: {a: {b: [1]}}}]}", "attribute", id="nested"),
        pytest.param("{type: topic, subscriptions: [{queue: q, §filter: [a]}]}", "attribute", id="a list"),
        pytest.param("{type: topic, §content_based_deduplication: true}", "only a FIFO topic", id="repetitions"),
        pytest.param("{type: topic, subscriptions: [{email: §nobody}]}", "an address", id="no address"),
        pytest.param("{type: topic, subscriptions: [{https: §http://a.example}]}", "https", id="not encrypted"),
        pytest.param("{type: topic, encryption: §managed}", "KMS key", id="no key"),
    ],
)
def test_what_sns_would_refuse_is_shown_where_it_stands(blueprints, text, what):
    ends = "fn: {type: function, code: ./fn}\nq: {type: queue}\nf: {type: queue, fifo: true}\n"
    wanted, found, texts = blueprints.located(f"{ends}t: {text}")

    assert found == wanted
    assert what in texts[0]


def test_the_same_end_twice_is_refused(blueprints):
    problems = blueprints.refused(
        "t: {type: topic, subscriptions: [{queue: q}, {queue: q, raw: true}]}\nq: {type: queue}"
    )

    assert "twice" in problems[0].what


def test_access_is_just_to_publish(blueprints):
    stack = blueprints.stack("""
        fn: {type: function, code: ./fn, access: {t: send}}
        t: {type: topic}
    """)

    assert [(one.actions, one.resources) for one in granted(stack, "fn")] == [
        (("sns:Publish",), (f"{TOPIC}:shop-dev-t",))
    ]


# ---------------------------------------------------------------- topics


def make_topic(sns: Sns, wish: TopicSpec = PLAIN, **journal: bool) -> None:
    TopicKind().create(sns.aws, here("topic", "t", wish, **journal), wish)


def test_a_new_topic_takes_one_call():
    sns = Sns()

    make_topic(sns)

    assert sns.operations == ["CreateTopic"]


@pytest.mark.parametrize("tags", [{}, {"owner": "ann"}], ids=["no tags", "other tags"])
@pytest.mark.parametrize("encryption", ["none", "alias/ours"], ids=["same attributes", "other attributes"])
def test_somebody_elses_is_left_as_it_is(tags, encryption):
    sns = Sns(TopicArn=f"{TOPIC}:t", DisplayName="theirs")
    sns.tags = tags

    with pytest.raises(ForeignError):
        make_topic(sns, replace(PLAIN, encryption=encryption))

    assert sns.writes() == ["CreateTopic"]
    assert (sns.tags, sns.attributes) == (tags, {"TopicArn": f"{TOPIC}:t", "DisplayName": "theirs"})


def test_one_of_ours_without_tags_gets_them():
    sns = Sns(TopicArn=f"{TOPIC}:t", KmsMasterKeyId="alias/other")

    make_topic(sns, expected=True)

    assert sns.tags == here("topic", "t").mark.tags
    assert sns.attributes["KmsMasterKeyId"] == ""


# ---------------------------------------------------------------- subscriptions


def subscribe(sns: Sns, wish: SubscriptionSpec) -> Any:
    return SubscriptionKind().create(sns.aws, here_of(wish), wish)


def here_of(wish: SubscriptionSpec, seen: SubscriptionSpec | None = None) -> Any:
    return here("subscription", f"t/{wish.protocol}/{wish.endpoint}", seen or wish)


def read(sns: Sns, wish: SubscriptionSpec) -> Observed:
    found = SubscriptionKind().read(sns.aws, here_of(wish))
    assert found is not None
    return found


def test_a_subscription_takes_one_call():
    sns = Sns()

    outputs = subscribe(sns, JOBS)

    assert sns.operations == ["Subscribe"]
    assert read(sns, JOBS) == Observed(JOBS, outputs)


def test_an_address_that_has_not_confirmed_is_pending_and_no_drift():
    sns = Sns()

    outputs = subscribe(sns, MAIL)

    found = read(sns, MAIL)
    assert outputs == found.outputs == {}
    assert found.note == "pending confirmation: whoever owns that end must confirm"
    assert diff.changes(MAIL, found.spec, frozenset()) == ()


def test_what_was_wished_for_meanwhile_is_brought_about_after_the_confirmation():
    sns = Sns()
    subscribe(sns, MAIL)
    wish = replace(MAIL, filter='{"kind":["sport"]}')
    kind = SubscriptionKind()
    assert diff.changes(wish, read(sns, wish).spec, frozenset()) == ()
    assert kind.update(sns.aws, here_of(wish), wish, ()) == {}

    sns.confirm()

    changes = diff.changes(wish, read(sns, wish).spec, frozenset())
    assert [change.field for change in changes] == ["filter"]
    kind.update(sns.aws, here_of(wish), wish, changes)
    assert read(sns, wish).spec == wish


def test_a_pending_one_cannot_be_removed_and_that_is_no_failure():
    sns = Sns()
    subscribe(sns, MAIL)

    SubscriptionKind().delete(sns.aws, here_of(MAIL))

    assert "Unsubscribe" not in sns.operations


def test_one_that_was_ended_and_is_still_listed_is_gone():
    sns = Sns()
    subscribe(sns, MAIL)
    sns.subscriptions[0]["SubscriptionArn"] = "Deleted"

    assert SubscriptionKind().read(sns.aws, here_of(MAIL)) is None


@pytest.mark.parametrize(
    ("wish", "sent"),
    [
        (replace(JOBS, raw=False), [("RawMessageDelivery", "false")]),
        (replace(JOBS, filter=""), [("FilterPolicy", "{}")]),
        (replace(JOBS, filter='{"a":["b"]}'), [("FilterPolicy", '{"a":["b"]}')]),
    ],
    ids=["raw", "no filter", "another filter"],
)
def test_a_change_takes_just_what_it_is_about(wish, sent):
    sns = Sns()
    subscribe(sns, JOBS)

    SubscriptionKind().update(sns.aws, here_of(wish), wish, diff.changes(wish, JOBS, frozenset()))

    calls = [one for operation, one in sns.sent if operation == "sns.SetSubscriptionAttributes"]
    assert [(one["AttributeName"], one["AttributeValue"]) for one in calls] == sent
    assert read(sns, wish).spec == wish


# ---------------------------------------------------------------- policies

THEIRS = {
    "Sid": "theirs", "Effect": "Deny", "Principal": {"AWS": ["b", "a"]}, "NotAction": "sqs:Get*", "Resource": "*",
    "Condition": {"Null": {"aws:ü": "true"}},
}  # fmt: skip
NEWS = Admission("sns.amazonaws.com", ("sqs:SendMessage",), (f"{TOPIC}:news",))
ASKED = AdmissionSpec("queue", {"slx-news": NEWS})


class Scope:
    """A queue with the id `q`, which may be somebody else's."""

    place = PLACE

    def __init__(self, stack: Any) -> None:
        self.stack = stack

    def declared(self, id: str) -> Any:
        return self.stack


def with_policy(document: dict[str, Any] | None) -> Sqs:
    sqs = Sqs()
    sqs.attributes = {"Policy": json.dumps(document)} if document else {}
    return sqs


def policy(sqs: Sqs) -> str:
    return (sqs.attributes or {}).get("Policy", "")


def admit(sqs: Sqs, wish: AdmissionSpec = ASKED) -> None:
    AdmissionKind().create(sqs.aws, here("admission", "queue/q", wish), wish)


def test_several_senders_share_one_policy(blueprints):
    stack = blueprints.stack("""
        news: {type: topic, subscriptions: [{queue: q}]}
        weather: {type: topic, subscriptions: [{queue: q}]}
        q: {type: queue}
    """)

    found = spec(stack, "admission", "q").statements
    assert {sid: one.source_arns for sid, one in found.items()} == {
        "slx-news": (f"{TOPIC}:shop-dev-news",),
        "slx-weather": (f"{TOPIC}:shop-dev-weather",),
    }


def test_what_one_sender_asks_for_twice_is_one_statement():
    class Queue:
        type, name, existing = "queue", "q", False

    late = Late(("arn:", "x"))
    asked = (
        Admits("q", "r", "events.amazonaws.com", ("sqs:SendMessage",), "b"),
        Admits("q", "r", "events.amazonaws.com", ("sqs:GetQueueUrl",), "a"),
        Admits("q", "r", "events.amazonaws.com", ("sqs:SendMessage",), late),
    )

    [resource] = AdmissionWeaver().weave(asked, asked, Scope(Queue()))  # type: ignore[arg-type]

    assert resource.spec == AdmissionSpec(
        "queue",
        {"slx-r": Admission("events.amazonaws.com", ("sqs:GetQueueUrl", "sqs:SendMessage"), ("a", "arn:x", "b"))},
    )


@pytest.mark.parametrize(
    "document",
    [
        {"Version": "2008-10-17", "Id": "their policy", "Statement": [THEIRS]},
        {"Id": "their policy", "Statement": THEIRS, "Version": "2012-10-17"},
    ],
    ids=["an older version with an id", "one statement that is no list"],
)
def test_others_statements_survive_byte_for_byte(document):
    sqs = with_policy(document)

    admit(sqs)
    with_ours = json.loads(policy(sqs))
    sqs.clock.sleep(60)
    AdmissionKind().delete(sqs.aws, here("admission", "queue/q"))

    kept = {**document, "Statement": [THEIRS]}
    assert list(with_ours) == list(document)
    assert {**with_ours, "Statement": with_ours["Statement"][:-1]} == kept
    assert policy(sqs) == json.dumps(kept, separators=(",", ":"), ensure_ascii=False)


def test_ours_goes_even_if_the_policy_of_before_is_still_shown():
    sqs = with_policy({"Version": "2012-10-17", "Statement": [THEIRS]})
    sqs.stuck = True
    admit(sqs)

    AdmissionKind().delete(sqs.aws, here("admission", "queue/q"))

    assert json.loads(policy(sqs))["Statement"] == [THEIRS]


def test_without_others_the_policy_goes_with_us():
    sqs = with_policy(None)
    admit(sqs)

    AdmissionKind().delete(sqs.aws, here("admission", "queue/q"))

    assert policy(sqs) == ""


def test_the_policy_of_a_queue_that_is_gone_is_gone():
    sqs = Sqs()

    AdmissionKind().delete(sqs.aws, here("admission", "queue/q"))

    assert AdmissionKind().read(sqs.aws, here("admission", "queue/q")) is None


def test_a_queue_that_was_just_made_is_waited_for():
    sqs = with_policy(None)
    made, sqs.attributes = sqs.attributes, None
    sqs.at[sqs.clock.now() + 1] = made

    admit(sqs)

    assert AdmissionKind().read(sqs.aws, here("admission", "queue/q")) == Observed(ASKED)


@pytest.mark.parametrize("actions", ["SQS:SendMessage", ["sqs:SendMessage"]], ids=["in capitals", "a list"])
def test_a_statement_that_aws_writes_in_its_own_way_is_the_same(actions):
    sqs = with_policy(None)
    admit(sqs)
    document = json.loads(policy(sqs))
    document["Statement"][0] |= {"Action": actions, "Condition": {"ArnEquals": {"aws:SourceArn": [f"{TOPIC}:news"]}}}
    sqs.attributes = {"Policy": json.dumps(document)}

    assert AdmissionKind().read(sqs.aws, here("admission", "queue/q")) == Observed(ASKED)


def test_a_topic_gets_its_own_statement_back_where_nothing_else_is_left():
    own = f"{TOPIC}:t"
    wish = AdmissionSpec("topic", {"slx-r": Admission("events.amazonaws.com", ("sns:Publish",), ("arn:aws:events:r",))})
    sns = Sns(TopicArn=own, Policy='{"Version":"2008-10-17","Statement":[]}')
    kind, place = AdmissionKind(), here("admission", "topic/t")

    kind.create(sns.aws, place, wish)
    assert kind.read(sns.aws, place) == Observed(wish)
    kind.delete(sns.aws, place)

    [statement] = json.loads(sns.attributes["Policy"])["Statement"]
    assert (statement["Sid"], statement["Resource"]) == ("__default_statement_ID", own)
    assert statement["Condition"] == {"StringEquals": {"AWS:SourceOwner": "123456789012"}}
