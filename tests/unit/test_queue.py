from __future__ import annotations

import json
from dataclasses import replace

import pytest
from messaging_fakes import HERE, Sqs, here
from trigger_fakes import Blueprints, granted, spec

from serverless_cli import diff
from serverless_cli.model import Ref
from serverless_cli.resources.ownership import ForeignError
from serverless_cli.resources.queue import QueueKind, QueueSpec

ARN = f"arn:aws:sqs:{HERE}"
PLAIN = QueueSpec(
    fifo=False, content_based_deduplication=False, visibility_timeout_s=60, retention_s=345600, delay_s=0, wait_s=0,
    dead_letter="", tries=0, encryption="managed",
)  # fmt: skip
REDRIVEN = replace(PLAIN, dead_letter=f"{ARN}:dead", tries=3)


@pytest.fixture
def blueprints(tmp_path):
    return Blueprints(tmp_path / "home")


def made(sqs: Sqs, wish: QueueSpec = PLAIN) -> None:
    QueueKind().create(sqs.aws, here("queue", "q", wish), wish)


def read(sqs: Sqs) -> QueueSpec | None:
    found = QueueKind().read(sqs.aws, here("queue", "q"))
    assert found is None or isinstance(found.spec, QueueSpec)
    return found.spec if found else None


def change(sqs: Sqs, wish: QueueSpec) -> dict[str, str]:
    """Changes the queue as a plan would; the attributes that were sent."""
    have = read(sqs)
    assert have is not None
    QueueKind().update(sqs.aws, here("queue", "q", wish), wish, diff.changes(wish, have, frozenset()))
    [sent] = [parameters for operation, parameters in sqs.sent if operation == "sqs.SetQueueAttributes"]
    found: dict[str, str] = sent["Attributes"]
    return found


# ---------------------------------------------------------------- blueprints


def test_a_queue_needs_nothing(blueprints):
    stack = blueprints.stack("q: {type: queue}")

    assert (stack.resources[Ref("queue", "q")].name, spec(stack, "queue", "q")) == ("shop-dev-q", PLAIN)


def test_a_fifo_queue_says_so_in_its_name(blueprints):
    stack = blueprints.stack("q: {type: queue, fifo: true, content_based_deduplication: true}")

    assert stack.resources[Ref("queue", "q")].name == "shop-dev-q.fifo"
    assert spec(stack, "queue", "q") == replace(PLAIN, fifo=True, content_based_deduplication=True)


@pytest.mark.parametrize(
    ("name", "fifo"), [("jobs", "true"), ("jobs.fifo", "false")], ids=["no ending", "an ending without need"]
)
def test_a_given_name_must_fit_the_type(blueprints, name, fifo):
    [problem] = blueprints.refused(f"q: {{type: queue, fifo: {fifo}, name: {name}}}")

    assert name in f"{problem.what} {problem.why}"


@pytest.mark.parametrize(
    ("written", "tries"), [("dead", 3), ("{to: dead, after: 9}", 9)], ids=["the id alone", "with tries"]
)
def test_dead_letters_go_to_another_queue_which_comes_first(blueprints, written, tries):
    stack = blueprints.stack(f"""
        q: {{type: queue, dead_letter: {written}}}
        dead: {{type: queue}}
    """)

    assert spec(stack, "queue", "q") == replace(PLAIN, dead_letter=f"{ARN}:shop-dev-dead", tries=tries)
    assert stack.resources[Ref("queue", "q")].needs == {Ref("queue", "dead")}


def test_dead_letters_may_go_to_somebody_elses_queue(blueprints):
    stack = blueprints.stack("""
        q: {type: queue, fifo: true, dead_letter: dead}
        dead: {type: queue, existing: their.fifo}
    """)

    assert spec(stack, "queue", "q").dead_letter == f"{ARN}:their.fifo"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        pytest.param("q: {type: queue, §dead_letter: nobody}", "no queue of this blueprint", id="nobody"),
        pytest.param("q: {type: queue, §dead_letter: q}", "to itself", id="itself"),
        pytest.param("q: {type: queue, §dead_letter: t}\nt: {type: topic}", "no queue", id="a topic"),
        pytest.param(
            "q: {type: queue, fifo: true, §dead_letter: dead}\ndead: {type: queue}",
            "another type",
            id="FIFO to standard",
        ),
        pytest.param(
            "q: {type: queue, §dead_letter: dead}\ndead: {type: queue, fifo: true}",
            "another type",
            id="standard to FIFO",
        ),
        pytest.param("q: {type: queue, §content_based_deduplication: true}", "only a FIFO queue", id="repetitions"),
        pytest.param("q: {type: queue, visibility_timeout_s: §43201}", "43200", id="hidden for too long"),
        pytest.param("q: {type: queue, retention_s: §59}", "60", id="kept too shortly"),
        pytest.param("q: {type: queue, encryption: §mine}", "KMS key", id="no key"),
    ],
)
def test_what_sqs_would_refuse_is_shown_where_it_stands(blueprints, text, what):
    wanted, found, texts = blueprints.located(text)

    assert found == wanted
    assert what in texts[0]


def test_queues_that_are_each_others_dead_letter_queue_are_a_circle(blueprints):
    problems = blueprints.refused("a: {type: queue, dead_letter: b}\nb: {type: queue, dead_letter: a}")

    assert "circle" in problems[0].what


@pytest.mark.parametrize(
    ("verb", "actions"),
    [
        ("send", ("sqs:SendMessage",)),
        ("read", ("sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage")),
    ],
)
def test_access_is_just_what_the_word_says(blueprints, verb, actions):
    stack = blueprints.stack(f"""
        fn: {{type: function, code: ./fn, access: {{q: {verb}}}}}
        q: {{type: queue}}
    """)

    assert [(one.actions, one.resources) for one in granted(stack, "fn")] == [(actions, (f"{ARN}:shop-dev-q",))]


# ---------------------------------------------------------------- making


def test_a_new_queue_takes_a_look_and_a_write():
    sqs = Sqs()

    made(sqs, REDRIVEN)

    assert sqs.operations == ["GetQueueUrl", "CreateQueue"]
    assert read(sqs) == REDRIVEN


def test_fifo_is_never_sent_as_false_and_a_redrive_policy_never_as_nothing():
    sqs = Sqs()

    made(sqs)

    assert sqs.attributes is not None
    assert sqs.attributes.keys().isdisjoint(
        {"FifoQueue", "RedrivePolicy", "ContentBasedDeduplication", "KmsMasterKeyId"}
    )


@pytest.mark.parametrize("tags", [{}, {"owner": "ann"}], ids=["no tags", "other tags"])
def test_somebody_elses_with_the_same_attributes_is_left_as_it_is(tags):
    sqs = Sqs()
    made(sqs)
    sqs.tags = tags
    before = dict(sqs.attributes or {})
    sqs.sent.clear()

    with pytest.raises(ForeignError):
        made(sqs)

    assert (sqs.writes(), sqs.tags, sqs.attributes) == ([], tags, before)


def test_what_an_earlier_attempt_left_is_brought_to_the_wish():
    sqs = Sqs()
    made(sqs, replace(REDRIVEN, encryption="alias/ours", delay_s=7))

    made(sqs)

    sqs.clock.sleep(60)
    assert read(sqs) == PLAIN


def test_a_queue_may_be_made_again_60_s_after_its_end():
    sqs = Sqs()
    made(sqs)
    QueueKind().delete(sqs.aws, here("queue", "q"))
    died = sqs.died

    made(sqs)

    assert sqs.clock.now() >= died + 60
    assert read(sqs) == PLAIN


def test_a_dead_letter_queue_that_was_just_made_is_waited_for():
    sqs = Sqs()
    sqs.dead_letters_from = sqs.clock.now() + 2

    made(sqs, REDRIVEN)

    assert read(sqs) == REDRIVEN


def test_one_that_was_deleted_and_is_still_found_is_gone():
    sqs = Sqs()
    made(sqs)

    QueueKind().delete(sqs.aws, here("queue", "q"))

    assert sqs.GetQueueUrl("q")
    assert read(sqs) is None


# ---------------------------------------------------------------- changing


def test_a_redrive_policy_is_cleared_by_an_empty_text():
    sqs = Sqs()
    made(sqs, REDRIVEN)

    assert change(sqs, PLAIN)["RedrivePolicy"] == ""
    sqs.clock.sleep(60)
    assert read(sqs) == PLAIN


def test_another_redrive_policy_is_json_in_a_text():
    sqs = Sqs()
    made(sqs)

    sent = change(sqs, REDRIVEN)

    assert json.loads(sent["RedrivePolicy"]) == {"deadLetterTargetArn": f"{ARN}:dead", "maxReceiveCount": 3}


@pytest.mark.parametrize("after", ["managed", "none", "alias/ours", "alias/other"])
@pytest.mark.parametrize("before", ["managed", "none", "alias/ours"])
def test_never_two_kinds_of_encryption_at_once(before, after):
    sqs = Sqs()
    made(sqs, replace(PLAIN, encryption=before))

    change(sqs, replace(PLAIN, encryption=after, delay_s=1))

    sqs.clock.sleep(60)
    assert read(sqs) == replace(PLAIN, encryption=after, delay_s=1)


def test_an_update_ends_when_the_change_is_to_be_seen():
    sqs = Sqs()
    made(sqs)

    change(sqs, replace(PLAIN, visibility_timeout_s=600))

    looks = [operation for operation in sqs.operations if operation == "GetQueueAttributes"]
    assert len(looks) == 3, "one before, one that shows the old, one that shows the new"


def test_a_change_that_is_never_to_be_seen_is_no_failure():
    sqs = Sqs()
    sqs.stuck = True
    made(sqs)
    wish = replace(PLAIN, delay_s=3)

    QueueKind().update(sqs.aws, here("queue", "q", wish), wish, diff.changes(wish, PLAIN, frozenset()))

    assert sqs.writes() == ["CreateQueue", "SetQueueAttributes"]


def test_the_policy_of_a_queue_is_not_touched():
    sqs = Sqs()
    made(sqs)
    assert sqs.attributes is not None
    sqs.attributes["Policy"] = '{"Statement": []}'

    change(sqs, replace(PLAIN, delay_s=3))

    assert sqs.attributes["Policy"] == '{"Statement": []}'
