from __future__ import annotations

from dataclasses import replace

import pytest
from events_fakes import PLACE, EventBridge, Rule, calls

from serverless_cli import codec
from serverless_cli.diff import changes
from serverless_cli.errors import SlxError
from serverless_cli.model import Change, Mark, Ref
from serverless_cli.resources.base import Here
from serverless_cli.resources.ownership import ForeignError
from serverless_cli.resources.rule import RuleKind, RuleSpec, Target
from serverless_cli.resources.rule_form import read, target_id, written

# ---------------------------------------------------------------- targets as AWS has them


FULL = Target("arn:aws:sqs:r:1:q", "arn:aws:iam::1:role/r", "", "", '"<a>"', {"a": "$.a"}, "$.k", "g", 3, 600, "arn:d")


@pytest.mark.parametrize(
    "one",
    [Target("arn:a"), FULL, replace(FULL, template="", paths={}, input='{"a":1}'), Target("arn:a", input_path="$.b")],
)
def test_a_target_is_read_as_it_was_written(one: Target):
    assert read(written("slx-a", one)) == one


def test_ids_of_targets_are_never_too_long_and_never_twice():
    taken: list[str] = []
    for to in ("a", "a", "b" * 64, "b" * 63 + "c", "a-2", "a"):
        taken.append(target_id(to, taken))

    assert len(set(taken)) == len(taken)
    assert all(len(id) <= 64 and id.startswith("slx-") for id in taken)


def test_the_spec_survives_the_journal():
    spec = RuleSpec('{"a":["b"]}', "", True, "", {"slx-a": FULL})

    assert codec.decode(RuleSpec, codec.encode(spec)) == spec


# ---------------------------------------------------------------- calls


KIND = RuleKind()
NAME = "shop-dev-events/shop-dev-r"
REF = Ref("rule", "r")
MARK = Mark("shop", "dev", "eu-central-1", "r")
SPEC = RuleSpec(
    '{"source":["shop"]}', "", True, "", {"slx-a": Target("arn:aws:sqs:r:1:a"), "slx-b": Target("arn:aws:sqs:r:1:b")}
)
KEY = ("shop-dev-events", "shop-dev-r")
FOREIGN = {"Id": "by-hand", "Arn": "arn:aws:sqs:r:1:theirs"}


def here(expected: bool = False, name: str = NAME) -> Here:
    return Here(REF, name, PLACE, expected=expected)


def made() -> EventBridge:
    fake = EventBridge()
    KIND.create(calls(fake), here(), SPEC)
    fake.sent.clear()
    return fake


def test_every_call_says_which_bus_it_means():
    fake = EventBridge()
    aws = calls(fake)
    KIND.create(aws, here(), SPEC)
    KIND.update(aws, here(), replace(SPEC, targets={}), changes(replace(SPEC, targets={}), SPEC, frozenset()))
    KIND.read(aws, here())
    KIND.delete(aws, here())

    named = [parameters for operation, parameters in fake.sent if "ResourceARN" not in parameters]
    assert {one.get("EventBusName") for one in named} == {"shop-dev-events"}
    assert {one.get("Name", one.get("Rule")) for one in named} == {"shop-dev-r"}


@pytest.mark.parametrize("tags", [{}, {"owner": "ann"}, Mark("other", "dev", "eu-central-1", "r").tags])
def test_a_rule_of_somebody_else_is_never_taken_over(tags: dict[str, str]):
    fake = EventBridge()
    fake.rules[KEY] = Rule({"EventPattern": '{"source":["theirs"]}', "State": "ENABLED"}, tags)

    with pytest.raises(ForeignError):
        KIND.create(calls(fake), here(), SPEC)

    assert fake.rules[KEY].settings["EventPattern"] == '{"source":["theirs"]}'
    assert not any(one.startswith(("Put", "Tag")) for one in fake.operations)


def test_a_rule_that_a_lost_answer_left_is_marked_and_finished():
    fake = EventBridge()
    fake.rules[KEY] = Rule({"EventPattern": SPEC.pattern, "State": "ENABLED"}, {})

    KIND.create(calls(fake), here(expected=True), SPEC)

    found = KIND.read(calls(fake), here())
    assert found is not None
    assert (found.spec, found.mark) == (SPEC, MARK)


def test_only_the_target_that_changed_is_put():
    fake, wish = made(), replace(SPEC, targets={**SPEC.targets, "slx-b": Target("arn:aws:sqs:r:1:b", input="1")})

    KIND.update(calls(fake), here(), wish, changes(wish, SPEC, frozenset()))

    [(operation, parameters)] = fake.sent
    assert operation == "events.PutTargets"
    assert parameters["Targets"] == [{"Id": "slx-b", "Arn": "arn:aws:sqs:r:1:b", "Input": "1"}]


def test_an_old_target_goes_before_a_new_one_comes_since_five_are_the_most():
    fake, wish = made(), replace(SPEC, targets={"slx-a": SPEC.targets["slx-a"], "slx-c": Target("arn:aws:sqs:r:1:c")})

    KIND.update(calls(fake), here(), wish, changes(wish, SPEC, frozenset()))

    assert fake.operations == ["RemoveTargets", "PutTargets"]
    assert set(fake.rules[KEY].targets) == {"slx-a", "slx-c"}


def test_a_change_of_the_pattern_sends_all_settings_and_leaves_targets_alone():
    fake, wish = made(), replace(SPEC, pattern='{"source":["bank"]}', description="for the bank")

    KIND.update(calls(fake), here(), wish, changes(wish, SPEC, frozenset()))

    [(operation, parameters)] = fake.sent
    assert operation == "events.PutRule"
    assert parameters == {
        "Name": "shop-dev-r", "EventBusName": "shop-dev-events", "EventPattern": '{"source":["bank"]}',
        "State": "ENABLED", "Description": "for the bank",
    }  # fmt: skip


def test_targets_of_others_are_noted_and_survive_an_update():
    fake = made()
    fake.rules[KEY].targets["by-hand"] = FOREIGN
    wish = replace(SPEC, targets={})

    found = KIND.read(calls(fake), here())
    KIND.update(calls(fake), here(), wish, changes(wish, SPEC, frozenset()))

    assert found is not None
    assert (found.spec, "by-hand" in found.note) == (SPEC, True)
    assert fake.rules[KEY].targets == {"by-hand": FOREIGN}


def test_a_rule_with_targets_of_others_is_not_deleted_and_it_is_said_why():
    fake = made()
    fake.rules[KEY].targets["by-hand"] = FOREIGN

    with pytest.raises(SlxError) as raised:
        KIND.delete(calls(fake), here())

    assert "by-hand" in raised.value.what
    assert fake.rules[KEY].targets == {"by-hand": FOREIGN}
    assert "DeleteRule" not in fake.operations


def test_a_rule_is_deleted_after_its_targets_and_gone_is_success():
    fake = made()

    KIND.delete(calls(fake), here())
    KIND.delete(calls(fake), here())

    assert fake.rules == {}


def test_an_entry_that_fails_raises_with_the_words_of_eventbridge():
    words = "RoleArn is required for target arn:aws:states:r:1:stateMachine:m."
    fake = EventBridge([{"TargetId": "slx-b", "ErrorCode": "ValidationException", "ErrorMessage": words}])

    with pytest.raises(SlxError) as raised:
        KIND.create(calls(fake), here(), SPEC)

    assert words in raised.value.why
    assert raised.value.why.startswith("slx-b")


@pytest.mark.parametrize("verb", ["put", "remove"])
def test_an_entry_that_failed_for_a_change_at_the_same_time_is_sent_again_alone(verb: str):
    busy = {
        "TargetId": "slx-b",
        "ErrorCode": "ConcurrentModificationException",
        "ErrorMessage": "Rule is being modified.",
    }
    fake = EventBridge([busy], [busy]) if verb == "put" else made()
    if verb == "put":
        KIND.create(calls(fake), here(), SPEC)
        sent = [[one["Id"] for one in call["Targets"]] for operation, call in fake.sent if "PutTargets" in operation]
        assert set(fake.rules[KEY].targets) == {"slx-a", "slx-b"}
    else:
        fake.failures = [[busy], [busy]]
        KIND.delete(calls(fake), here())
        sent = [call["Ids"] for operation, call in fake.sent if "RemoveTargets" in operation]
        assert fake.rules == {}

    assert sent == [["slx-a", "slx-b"], ["slx-b"], ["slx-b"]]


def test_an_entry_that_fails_for_ever_ends_with_its_words():
    busy = {
        "TargetId": "slx-a",
        "ErrorCode": "ConcurrentModificationException",
        "ErrorMessage": "Rule is being modified.",
    }

    with pytest.raises(SlxError) as raised:
        KIND.create(calls(EventBridge(*[[busy]] * 1000)), here(), SPEC)

    assert "Rule is being modified." in raised.value.why


def test_a_fresh_role_is_waited_for():
    fresh = {"TargetId": "slx-a", "ErrorCode": "ValidationException",
             "ErrorMessage": "Provided role 'x' cannot be assumed by principal 'events.amazonaws.com'."}  # fmt: skip
    fake = EventBridge([fresh])

    KIND.create(calls(fake), here(), SPEC)

    assert set(fake.rules[KEY].targets) == {"slx-a", "slx-b"}


def test_a_rule_of_the_default_bus_is_read_there_and_nowhere_else():
    fake = EventBridge()
    aws = calls(fake)
    KIND.create(aws, here(name="shop-dev-r"), replace(SPEC, pattern="", schedule="rate(1 day)"))

    assert set(fake.rules) == {("default", "shop-dev-r")}
    assert KIND.read(aws, here()) is None
    assert KIND.read(aws, here(name="shop-dev-r")) is not None


def test_a_missing_mark_is_put_on_by_a_call_of_its_own():
    fake = made()

    KIND.update(calls(fake), here(), SPEC, (Change(("mark",), None, MARK),))

    assert fake.operations == ["TagResource"]


def test_a_rule_that_a_service_manages_is_said_to_be_managed():
    fake = EventBridge()
    fake.rules[KEY] = Rule({"EventPattern": "{}", "State": "ENABLED", "ManagedBy": "schemas.amazonaws.com"}, {})

    with pytest.raises(ForeignError) as raised:
        KIND.create(calls(fake), here(), SPEC)

    assert "managed by schemas.amazonaws.com" in raised.value.why
