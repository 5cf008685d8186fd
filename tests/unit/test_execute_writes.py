from dataclasses import replace

import pytest

from serverless_cli.events import Ended, Planned
from serverless_cli.model import Action, Late, Observed, Plan, Record
from serverless_cli.secret import Secret
from tests.unit.fakes import PLACE, Cloud, Inline, Listener, SpyJournal, ThingSpec
from tests.unit.words import (
    bring_up,
    create,
    delete,
    entry,
    go,
    keep,
    late,
    mark,
    planned,
    ref,
    seen,
    stack,
    tear_down,
    wish,
)

HIDDEN = Secret("", known=False)


@pytest.fixture(params=[None, Inline()], ids=["threaded", "inline"])
def pool(request):
    return request.param


# Journal


def test_the_journal_knows_of_a_write_before_it_and_of_its_end_after_it(pool):
    cloud, journal = Cloud(), SpyJournal()
    at_the_write = []
    cloud.before["create", "a"] = lambda: at_the_write.extend(journal.lines)

    go([create("a")], pool, cloud=cloud, journal=journal)

    assert at_the_write == [("begin", "thing a")]
    assert journal.lines == [("begin", "thing a"), ("finish", "thing a")]
    assert journal.entries[ref("a")].outputs == {"id": "a#1"}
    assert journal.entries[ref("a")].spec == ThingSpec()


def test_what_is_kept_costs_nothing(pool):
    cloud, journal, listener = Cloud(), SpyJournal(), Listener()

    report = go(
        [keep("a", id="a#1"), replace(keep("b"), action=Action.RETAIN)],
        pool,
        cloud=cloud,
        journal=journal,
        listen=listener,
    )

    assert (cloud.calls, journal.lines) == ([], [])
    assert [type(event) for event in listener.events] == [Planned, Ended, Ended]
    assert report.outcomes[ref("a")].outputs == {"id": "a#1"}


def test_amendments_are_written_before_anything_else(pool):
    journal = SpyJournal()
    plan = Plan(PLACE, {ref("a"): create("a")}, amend=(keep("b", id="b#1"), delete("gone")))

    go(plan, pool, journal=journal)

    assert journal.lines[:3] == [("finish", "thing b"), ("forget", "thing gone"), ("begin", "thing a")]


def test_what_falls_with_a_container_is_forgotten_after_its_deletion(pool):
    journal = SpyJournal()
    cloud = Cloud()
    bring_up(stack(wish("a"), wish("statement s", inside="a")), cloud, journal, pool)
    cloud.calls.clear()

    tear_down(cloud, journal, pool)

    assert cloud.calls == [("delete", "a")]
    assert journal.entries == {}


def test_what_fell_with_a_replaced_container_is_forgotten(pool):
    journal, cloud = SpyJournal(), Cloud()
    bring_up(stack(wish("a"), wish("statement s", inside="a"), wish("statement t", inside="a")), cloud, journal, pool)

    report = bring_up(
        stack(wish("a", spec=ThingSpec(key="new")), wish("statement s", inside="a")), cloud, journal, pool
    )

    assert report.ok
    assert set(journal.entries) == {ref("a"), ref("statement s")}


def test_verbs_learn_what_was_applied_last_and_what_is_known(pool):
    cloud = Cloud()
    cloud.put("thing", "a", seen("a", id="a#1"))
    journal = SpyJournal(Record({ref("a"): entry("a", spec=ThingSpec(steer="before"))}))

    bring_up(stack(wish("a", spec=ThingSpec(size=2))), cloud, journal, pool)

    here = cloud.heres["update", "a"]
    assert here.recorded.steer == "before"
    assert here.wish == ThingSpec(size=2)
    assert here.outputs == {"id": "a#1"}
    assert not here.expected


def test_without_a_record_what_was_read_counts_as_applied(pool):
    cloud = Cloud()
    cloud.put("thing", "a", seen("a", id="a#1"))

    bring_up(stack(wish("a", spec=ThingSpec(size=2))), cloud, SpyJournal(), pool)

    assert cloud.heres["update", "a"].recorded == ThingSpec()


def test_a_create_may_take_what_appeared_since_the_read(pool):
    cloud = Cloud()

    go([create("a")], pool, cloud=cloud)

    assert cloud.heres["create", "a"].expected


# Replacement


def test_a_replacement_deletes_then_creates_under_one_intent(pool):
    cloud, journal = Cloud(), SpyJournal()
    cloud.put("thing", "a", seen("a", id="old"))

    report = bring_up(stack(wish("a", spec=ThingSpec(key="new"))), cloud, journal, pool)

    assert cloud.calls == [("delete", "a"), ("create", "a")]
    assert cloud.heres["delete", "a"].outputs == {"id": "old"}
    assert cloud.heres["create", "a"].outputs == {}
    assert journal.lines == [("begin", "thing a"), ("finish", "thing a")]
    assert report.outcomes[ref("a")].outputs == {"id": "a#1"}


def test_another_name_makes_the_new_thing_then_removes_the_old_one(pool):
    cloud, journal = Cloud(), SpyJournal()
    bring_up(stack(wish("a", name="old"), wish("b", "a", spec=ThingSpec(link="old"))), cloud, journal, pool)
    cloud.calls.clear()

    bring_up(stack(wish("a", name="new"), wish("b", "a", spec=ThingSpec(link="new"))), cloud, journal, pool)

    assert cloud.calls == [("create", "new"), ("update", "b"), ("delete", "old")]
    assert {str(one): known.name for one, known in journal.entries.items()} == {"thing a": "new", "thing b": "b"}
    assert cloud.heres["delete", "old"].mark == mark("a")


# Late values


def test_late_values_are_filled_from_what_was_handed_out(pool):
    cloud, journal = Cloud(), SpyJournal()

    bring_up(stack(wish("a"), wish("b", "a", spec=ThingSpec(link=late("a")))), cloud, journal, pool)

    made = cloud.things["thing", "b"].spec
    assert made.link == "a#1"
    assert not isinstance(made.link, Late)
    assert journal.entries[ref("b")].spec == made


def test_a_spec_is_prepared_again_once_its_late_values_are_known(pool):
    cloud = Cloud()

    bring_up(stack(wish("a"), wish("package p", "a", spec=ThingSpec(link=late("a")))), cloud, SpyJournal(), pool)

    assert cloud.things["package", "p"].spec.digest == "digest of a#1"


def test_a_late_value_that_turns_out_to_be_as_it_is_leaves_nothing_to_do(pool):
    cloud, journal, listener = Cloud(), SpyJournal(), Listener()
    cloud.put("stream", "a", seen("a", id="a#1", stream="stream of a#1"))
    cloud.put("thing", "b", seen("b", ThingSpec(key="stream of a#1"), id="b#1"))
    wanted = stack(
        wish("stream a", spec=ThingSpec(size=2)), wish("b", "stream a", spec=ThingSpec(key=late("stream a", "stream")))
    )
    plan = planned(wanted, cloud, journal)

    report = go(plan, pool, cloud=cloud, journal=journal, listen=listener)

    assert plan.steps[ref("b")].action is Action.REPLACE
    assert cloud.calls == [("update", "a")]
    outcome = report.outcomes[ref("b")]
    assert (outcome.step.action, outcome.step.changes, outcome.outputs) == (Action.KEEP, (), {"id": "b#1"})
    assert ("begin", "thing b") not in journal.lines
    assert journal.entries[ref("b")].spec == ThingSpec(key="stream of a#1")


def test_a_late_value_that_turns_out_to_differ_is_a_change_with_the_value(pool):
    cloud, journal = Cloud(), SpyJournal()
    cloud.put("stream", "a", seen("a", id="a#1", stream="old"))
    cloud.put("thing", "b", seen("b", ThingSpec(link="old"), id="b#1"))
    wanted = stack(
        wish("stream a", spec=ThingSpec(size=2)), wish("b", "stream a", spec=ThingSpec(link=late("stream a", "stream")))
    )

    report = bring_up(wanted, cloud, journal, pool)

    change = report.outcomes[ref("b")].step.changes[0]
    assert (change.path, change.before, change.after) == (("link",), "old", "stream of a#1")
    assert cloud.calls == [("update", "a"), ("update", "b")]


def test_nor_is_a_secret_shown_then_that_the_wish_no_longer_names(pool):
    cloud, journal = Cloud(), SpyJournal(Record({ref("b"): entry("b", spec=ThingSpec(labels={"key": HIDDEN}))}))
    cloud.put("thing", "b", seen("b", ThingSpec(labels={"key": "hunter2"}), id="b#1"))

    report = bring_up(stack(wish("a"), wish("b", "a", spec=ThingSpec(link=late("a")))), cloud, journal, pool)

    link, key = report.outcomes[ref("b")].step.changes
    assert link.after == "a#1"
    assert isinstance(key.before, Secret)


def test_a_replacement_for_a_late_value_is_only_an_update_when_the_rest_differs(pool):
    cloud, journal = Cloud(), SpyJournal()
    cloud.put("stream", "a", seen("a", stream="stream of a#1"))
    cloud.put("thing", "b", seen("b", ThingSpec(key="stream of a#1"), id="b#1"))
    spec = ThingSpec(size=7, key=late("stream a", "stream"))
    wanted = stack(wish("stream a", spec=ThingSpec(size=2)), wish("b", "stream a", spec=spec))

    report = bring_up(wanted, cloud, journal, pool)

    assert cloud.calls == [("update", "a"), ("update", "b")]
    assert report.outcomes[ref("b")].step.action is Action.UPDATE


def test_a_missing_mark_is_put_on_even_if_the_late_values_are_as_they_are(pool):
    cloud = Cloud()
    cloud.put("stream", "a", seen("a", stream="stream of a#1"))
    cloud.put("thing", "b", Observed(ThingSpec(link="stream of a#1"), {"id": "b#1"}))
    journal = SpyJournal(Record({ref("b"): entry("b", expected=True)}))
    wanted = stack(
        wish("stream a", spec=ThingSpec(size=2)), wish("b", "stream a", spec=ThingSpec(link=late("stream a", "stream")))
    )

    bring_up(wanted, cloud, journal, pool)

    assert cloud.things["thing", "b"].mark == mark("b")


def test_a_value_that_nobody_hands_out_fails_its_step_before_any_write(pool):
    cloud, journal = Cloud(), SpyJournal()

    report = bring_up(stack(wish("a"), wish("b", "a", spec=ThingSpec(link=late("a", "url")))), cloud, journal, pool)

    assert "${a.url} has not been handed out" in report.outcomes[ref("b")].error.why
    assert ("create", "b") not in cloud.calls
    assert ("begin", "thing b") not in journal.lines
