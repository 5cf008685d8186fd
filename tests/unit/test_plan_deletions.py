from dataclasses import replace

import pytest

from serverless_cli.model import Action, Found, Observed, Record
from serverless_cli.plan import counts, guard, lost, up
from serverless_cli.secret import Secret
from tests.unit.fakes import KINDS, ThingSpec
from tests.unit.words import FOREIGN, actions, bare, entry, late, mark, needs, record, ref, refs, seen, stack, wish

# Deletions in `up`


def test_what_left_the_blueprint_goes_after_those_that_used_it_have_changed():
    wanted = stack(wish("user"), wish("other"))
    observed = refs({"user": seen("user", ThingSpec(link="old")), "other": seen("other"), "old": seen("old")})

    plan = up(wanted, observed, record(entry("user", "old"), entry("other"), entry("old")), KINDS)

    assert actions(plan) == {"thing user": "update", "thing other": "keep", "thing old": "delete"}
    assert needs(plan, "old") == {"thing user"}
    assert plan.steps[ref("old")].reason == "no longer in the blueprint"


def test_several_that_left_the_blueprint_go_users_first():
    observed = refs({"a": seen("a"), "b": seen("b"), "c": seen("c")})

    plan = up(stack(), observed, record(entry("a"), entry("b", "a"), entry("c", "b", "a")), KINDS)

    assert (needs(plan, "a"), needs(plan, "b"), needs(plan, "c")) == ({"thing b", "thing c"}, {"thing c"}, set())


def test_the_old_thing_goes_after_the_new_one_and_all_its_users():
    wanted = stack(wish("a", name="new"), wish("user", "a", spec=ThingSpec(link="new")))
    observed = refs(
        {"a": None, "thing a formerly old": seen("a", id="a#1"), "user": seen("user", ThingSpec(link="old"))}
    )

    plan = up(wanted, observed, record(entry("a", name="old", outputs={"id": "a#1"}), entry("user", "a")), KINDS)

    step = plan.steps[ref("thing a formerly old")]
    assert needs(plan, "thing a formerly old") == {"thing a", "thing user"}
    assert (step.name, step.outputs, step.reason) == ("old", {"id": "a#1"}, "thing a is new now")
    assert [(one.action.value, str(one.ref), one.name) for one in plan.amend] == [
        ("keep", "thing a formerly old", "old"),
        ("delete", "thing a", "old"),
    ]


def test_what_has_another_name_and_the_same_id_is_no_old_thing():
    observed = refs({"a": seen("a", id="a#1"), "thing a formerly old": seen("a", id="a#1")})

    plan = up(stack(wish("a", name="new")), observed, record(entry("a", name="old")), KINDS)

    assert actions(plan) == {"thing a": "keep"}
    assert [(step.action.value, str(step.ref), step.name) for step in plan.amend] == [
        ("delete", "thing a", "old"),
        ("keep", "thing a", "new"),
    ]


def test_after_a_crash_the_old_thing_still_waits_for_its_users():
    wanted = stack(wish("a", name="new"), wish("user", "a", spec=ThingSpec(link="new")))
    observed = refs({"a": seen("a"), "thing a formerly old": seen("a"), "user": seen("user", ThingSpec(link="old"))})
    recorded = record(entry("a", name="new"), entry("thing a formerly old", name="old"), entry("user", "a"))

    plan = up(wanted, observed, recorded, KINDS)

    assert actions(plan) == {"thing a": "keep", "thing user": "update", "thing a formerly old": "delete"}
    assert needs(plan, "thing a formerly old") == {"thing a", "thing user"}


def test_an_old_thing_that_is_ours_by_the_journal_alone_stays_so():
    recorded = record(entry("a", name="old", expected=True))

    plan = up(stack(wish("a", name="new")), refs({"a": None, "thing a formerly old": bare()}), recorded, KINDS)

    assert actions(plan)["thing a formerly old"] == "delete"
    assert plan.amend[0].absent


def test_what_falls_does_not_hold_up_what_it_used():
    recorded = record(entry("bucket"), entry("function"), entry("statement s", "function", inside="bucket"))

    plan = up(stack(), {}, recorded, KINDS)

    assert needs(plan, "function") == set()


def test_what_a_dropped_part_of_a_replaced_container_used_goes_after_the_replacement():
    wanted = stack(wish("a", spec=ThingSpec(key="new")))
    recorded = record(entry("a"), entry("statement s", "old", inside="a"), entry("old"))

    plan = up(wanted, refs({"a": seen("a"), "statement s": bare(), "old": seen("old")}), recorded, KINDS)

    assert needs(plan, "old") == {"thing a"}


def test_what_is_dropped_while_its_container_gets_another_name_falls_with_the_old_one():
    recorded = record(entry("a", name="old"), entry("statement s", inside="a"))

    plan = up(stack(wish("a", name="new")), {ref("a"): None}, recorded, KINDS)

    assert actions(plan) == {"thing a": "create", "thing a formerly old": "delete"}
    assert plan.steps[ref("a")].falls == (ref("statement s"),)


def test_what_is_named_after_its_container_falls_with_the_old_one_and_leaves_no_ids():
    wanted = stack(wish("a", name="new"), wish("statement s", name="new/s", inside="a"))
    recorded = record(entry("a", name="old"), entry("statement s", name="old/s", inside="a", outputs={"id": "s#1"}))

    plan = up(wanted, refs({"a": None, "statement s": None}), recorded, KINDS)

    assert actions(plan) == {"thing a": "create", "statement s": "create", "thing a formerly old": "delete"}
    assert ("delete", "statement s", "old/s") in [(one.action.value, str(one.ref), one.name) for one in plan.amend]


def test_two_things_known_by_their_ids_may_have_one_label():
    plan = up(
        stack(wish("gate new", name="label")), {ref("gate new"): None}, record(entry("gate old", name="label")), KINDS
    )

    assert actions(plan) == {"gate new": "create", "gate old": "delete"}


def test_users_of_what_falls_go_before_its_container():
    recorded = record(entry("a"), entry("statement s", inside="a"), entry("mapping", "statement s"))
    observed = refs({"a": seen("a"), "statement s": bare(), "mapping": seen("mapping")})

    plan = up(stack(), observed, recorded, KINDS)

    assert needs(plan, "a") == {"thing mapping"}
    assert plan.steps[ref("a")].falls == (ref("statement s"),)


def test_what_fell_is_forgotten_with_the_step_that_took_it():
    wanted = stack(wish("a", spec=ThingSpec(key="new")))
    recorded = record(entry("a"), entry("statement s", inside="a"))

    plan = up(wanted, refs({"a": seen("a"), "statement s": bare()}), recorded, KINDS)

    assert plan.steps[ref("a")].falls == (ref("statement s"),)


def test_what_is_gone_is_only_forgotten():
    plan = up(stack(), {ref("a"): None}, record(entry("a")), KINDS)

    assert [(one.action, one.ref) for one in plan.amend] == [(Action.DELETE, ref("a"))]
    assert plan.notes == ()


def test_what_became_somebody_elses_is_forgotten_and_told():
    plan = up(stack(), {ref("a"): Observed(ThingSpec(), mark=FOREIGN)}, record(entry("a")), KINDS)

    assert [(one.action, one.ref) for one in plan.amend] == [(Action.DELETE, ref("a"))]
    assert [one.what for one in plan.notes] == ["thing a is not this stack's and is left as it is"]
    assert "stack shop" in plan.notes[0].why


def test_a_name_that_was_taken_back_moves_the_entry_back():
    wanted = stack(wish("a", name="old"))
    observed = refs({"a": seen("a"), "thing a formerly new": seen("a")})

    plan = up(wanted, observed, record(entry("a", name="new"), entry("thing a formerly old", name="old")), KINDS)

    assert [(one.action.value, str(one.ref), one.name) for one in plan.amend] == [
        ("keep", "thing a formerly new", "new"),
        ("delete", "thing a", "new"),
        ("keep", "thing a", "old"),
        ("delete", "thing a formerly old", "old"),
    ]


# After the journal was lost


def test_what_a_search_found_is_deleted_when_nobody_wishes_for_it():
    found = [Found(ref("a"), "a", mark("a"), {"id": "a#1"})]

    plan = up(stack(), {}, Record(), KINDS, found)

    assert actions(plan) == {"thing a": "delete"}
    assert plan.steps[ref("a")].outputs == {"id": "a#1"}


@pytest.mark.parametrize(
    ("found", "recorded"),
    [
        pytest.param(Found(ref("a"), "a", mark("a")), [], id="it is in the wish"),
        pytest.param(Found(ref("gate g"), "other", mark("g")), [], id="it is in the wish under another label"),
        pytest.param(Found(ref("a"), "x", FOREIGN), [], id="it is another stack's"),
        pytest.param(Found(ref("a"), "x", mark("a", stage="prod")), [], id="it is another stage's"),
        pytest.param(Found(ref("a-b"), "a", None), [], id="its name is in the wish"),
    ],
)
def test_what_a_search_found_is_left_out_if(found, recorded):
    wanted = stack(wish("a"), wish("gate g"))

    plan = up(wanted, refs({"a": seen("a"), "gate g": seen("g")}), record(*recorded), KINDS, [found])

    assert actions(plan) == {"thing a": "keep", "gate g": "keep"}
    assert plan.notes == ()


def test_what_a_search_found_under_an_earlier_name_is_deleted_after_the_new_one_is_there():
    plan = up(stack(wish("a", name="new")), {ref("a"): None}, Record(), KINDS, [Found(ref("a"), "old", mark("a"))])

    assert actions(plan) == {"thing a": "create", "thing a formerly old": "delete"}
    assert needs(plan, "thing a formerly old") == {"thing a"}


def test_an_unmarked_find_is_told_and_left():
    plan = up(stack(), {}, Record(), KINDS, [Found(ref("a"), "a", None)])

    assert plan.steps == {}
    assert [one.why for one in plan.notes] == ["it carries no mark of slx"]


def test_a_deletion_waits_for_all_other_writes():
    wanted = stack(wish("a", spec=ThingSpec(size=2)), wish("group g", spec=ThingSpec(size=2)), wish("kept"))
    observed = refs({"a": seen("a"), "group g": seen("g"), "kept": seen("kept")})

    plan = up(wanted, observed, Record(), KINDS, [Found(ref("table t"), "t", mark("t"))])

    assert needs(plan, "table t") == {"thing a", "group g"}


# Data


def test_deleting_or_replacing_what_holds_data_needs_the_users_word():
    wanted = stack(wish("table changed", spec=ThingSpec(key="new")), wish("table same"), wish("table new"))
    observed = refs(
        {
            "table changed": seen("changed"),
            "table same": seen("same"),
            "table new": None,
            "table dropped": seen("dropped"),
            "table stays": seen("stays"),
            "thing": seen("thing"),
        }
    )
    recorded = record(entry("table dropped"), entry("table stays", retain=True), entry("thing"))

    plan = up(wanted, observed, recorded, KINDS)

    assert [step.ref.id for step in lost(plan)] == ["changed", "dropped"]
    assert [one.what for one in guard(plan, set())] == [
        "table changed would be replaced, with all that it holds",
        "table dropped would be deleted, with all that it holds",
    ]
    assert guard(plan, set())[1].hint == "`--allow-delete dropped` if that is meant"
    assert [one.what for one in guard(plan, {"dropped"})] == ["table changed would be replaced, with all that it holds"]
    assert guard(plan, {"changed", "dropped"}) == ()


def test_another_name_for_what_holds_data_needs_the_users_word_for_its_id():
    plan = up(
        stack(wish("table t", name="new.name")),
        {ref("table t"): None},
        record(entry("table t", name="old.name")),
        KINDS,
    )

    assert guard(plan, {"t"}) == ()
    assert [one.hint for one in guard(plan, set())] == ["`--allow-delete t` if that is meant"]


def test_data_inside_something_replaced_is_lost_too():
    wanted = stack(wish("a", spec=ThingSpec(key="new")), wish("table t", inside="a"))

    plan = up(wanted, refs({"a": seen("a"), "table t": seen("t")}), Record(), KINDS)

    assert [step.ref for step in lost(plan)] == [ref("table t")]


def test_counts_name_every_action():
    plan = up(stack(wish("a"), wish("b")), refs({"a": None, "b": None}), Record(), KINDS)

    assert counts(plan) == {one: 2 if one is Action.CREATE else 0 for one in Action}


# What the journal learns


def test_what_is_as_recorded_needs_no_word_in_the_journal():
    recorded = entry("b", "a", inside="a", outputs={"id": "b#1"})

    plan = up(
        stack(wish("a"), wish("b", "a", inside="a")),
        refs({"a": seen("a"), "b": seen("b", id="b#1")}),
        record(entry("a"), recorded),
        KINDS,
    )

    assert plan.amend == ()
    assert plan.writes == ()


@pytest.mark.parametrize(
    "recorded",
    [
        pytest.param([], id="nothing is recorded"),
        pytest.param([entry("a", spec=ThingSpec(size=9))], id="another spec is recorded"),
        pytest.param([replace(entry("a"), spec=None, expected=True)], id="only the intent is recorded"),
        pytest.param([entry("a", outputs={"id": "old"})], id="another id is recorded"),
        pytest.param([entry("a", "gone")], id="other needs are recorded"),
        pytest.param([entry("a", retain=True)], id="it is recorded as retained"),
    ],
)
def test_the_journal_learns_of_what_is_kept_when(recorded):
    plan = up(stack(wish("a")), {ref("a"): seen("a")}, record(*recorded), KINDS)

    assert [(step.action, step.ref, step.spec) for step in plan.amend] == [(Action.KEEP, ref("a"), ThingSpec())]


def test_the_journal_does_not_learn_of_a_spec_that_still_has_gaps():
    wanted = stack(wish("a"), wish("b", "a", spec=ThingSpec(steer=late("a"))))

    plan = up(wanted, refs({"a": None, "b": seen("b")}), record(), KINDS)

    assert actions(plan)["thing b"] == "keep"
    assert plan.amend == ()


def test_secrets_that_a_record_never_has_are_no_news():
    spec = ThingSpec(link=Secret("hush"))
    recorded = entry("a", spec=ThingSpec(link=Secret("", known=False)))

    plan = up(stack(wish("a", spec=spec)), {ref("a"): seen("a", ThingSpec(link="hush"))}, record(recorded), KINDS)

    assert plan.amend == ()
