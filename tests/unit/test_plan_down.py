from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serverless_cli import graph
from serverless_cli.execute import here
from serverless_cli.model import Action, Found, Observed, Record
from serverless_cli.plan import down, fill_known, heres, lost, presumed, up
from tests.unit.fakes import KINDS, PLACE, ThingSpec
from tests.unit.words import FOREIGN, actions, bare, entry, late, mark, needs, record, ref, refs, seen, stack, wish

# Down


@pytest.mark.parametrize(
    ("observed", "recorded", "found", "steps"),
    [
        pytest.param({}, [], [], {}, id="nothing is there: nothing to do"),
        pytest.param({"a": None}, [entry("a")], [], {}, id="all is gone already: nothing to do"),
        pytest.param({"a": seen("a")}, [entry("a")], [], {"thing a": "delete"}, id="what is recorded goes"),
        pytest.param(
            {"a": bare()}, [replace(entry("a", expected=True), spec=None)], [], {"thing a": "delete"},
            id="what was begun and never marked goes",
        ),
        pytest.param(
            {"a": bare()}, [replace(entry("a"), spec=None)], [], {},
            id="what was never made and carries no mark is somebody else's",
        ),
        pytest.param(
            {"a": Observed(ThingSpec(), mark=FOREIGN)}, [entry("a")], [], {}, id="what is somebody else's stays"
        ),
        pytest.param(
            {"a": seen("a")}, [entry("a", retain=True)], [], {"thing a": "retain"}, id="what is to be retained stays"
        ),
        pytest.param(
            {"a": seen("a"), "statement s": bare()}, [entry("a"), entry("statement s", inside="a")], [],
            {"thing a": "delete"}, id="what is inside falls with its container",
        ),
        pytest.param(
            {"a": seen("a"), "statement s": bare()}, [entry("a", retain=True), entry("statement s", inside="a")], [],
            {"thing a": "retain", "statement s": "delete"}, id="what is inside something retained goes by itself",
        ),
        pytest.param(
            {"a": Observed(ThingSpec(), mark=FOREIGN), "statement s": bare()},
            [entry("a"), entry("statement s", inside="a")], [], {},
            id="what is inside something that is somebody else's by now stays",
        ),
        pytest.param(
            {"statement s": bare()}, [entry("statement s", inside="theirs")], [], {"statement s": "delete"},
            id="what is inside somebody else's goes by itself",
        ),
        pytest.param(
            {"a": seen("a"), "b": seen("b")}, [entry("a")], [Found(ref("b"), "b", mark("b"))],
            {"thing a": "delete", "thing b": "delete"}, id="what only a search knows goes too",
        ),
        pytest.param(
            {"a": seen("a")}, [], [Found(ref("a"), "a", FOREIGN)], {}, id="what a search found of others stays"
        ),
        pytest.param(
            {}, [entry("a", name="new")], [Found(ref("a"), "old", mark("a"))],
            {"thing a": "delete", "thing a formerly old": "delete"}, id="two names of one id both go",
        ),
        pytest.param(
            {}, [], [Found(ref("gate g"), "g", mark("g"), {"id": i}) for i in ("1", "2")],
            {"gate g": "delete", "gate g formerly 2": "delete"}, id="twins that share a mark both go",
        ),
        pytest.param(
            {}, [], [Found(ref("group a"), "g", None), Found(ref("a"), "a", mark("a"))],
            {"group a": "delete", "thing a": "delete"}, id="a bare thing that serves one of ours goes",
        ),
        pytest.param(
            {}, [], [Found(ref("group b"), "g", None), Found(ref("a"), "a", mark("a"))],
            {"thing a": "delete"}, id="a bare thing that serves nothing of ours stays",
        ),
    ],
)  # fmt: skip
def test_down(observed, recorded, found, steps):
    plan = down(PLACE, record(*recorded), refs(observed), KINDS, found)

    assert actions(plan) == steps


def test_teardown_goes_the_other_way_round():
    recorded = record(entry("role"), entry("function", "role"), entry("gate api", "function"))

    plan = down(PLACE, recorded, {}, KINDS)

    assert (needs(plan, "role"), needs(plan, "function"), needs(plan, "gate api")) == (
        {"thing function"},
        {"gate api"},
        set(),
    )


def test_without_edges_teardown_goes_by_rank():
    found = [Found(ref(text), text, mark(ref(text).id)) for text in ("group g", "table t", "gate api", "thing f")]

    plan = down(PLACE, Record(), {}, KINDS, found)

    assert needs(plan, "gate api") == set()
    assert needs(plan, "thing f") == {"gate api"}
    assert needs(plan, "table t") == {"gate api", "thing f"}
    assert needs(plan, "group g") == {"gate api", "thing f", "table t"}


def test_recorded_edges_and_ranks_go_together():
    recorded = record(entry("table t", "thing f"), entry("thing f"))

    plan = down(PLACE, recorded, {}, KINDS, [Found(ref("gate api"), "api", mark("api"))])

    assert needs(plan, "thing f") == {"table t", "gate api"}
    assert needs(plan, "table t") == {"gate api"}


def test_what_a_search_found_goes_after_what_is_recorded_of_lower_rank():
    plan = down(PLACE, record(entry("gate api")), {}, KINDS, [Found(ref("table t"), "t", mark("t"))])

    assert needs(plan, "table t") == {"gate api"}


def test_what_holds_data_goes_after_those_who_name_it():
    writer = replace(entry("f"), spec=ThingSpec(link="arn:aws:x:::t/*"))
    bystander = replace(entry("g"), spec=ThingSpec(link="arn:aws:x:::tt/*", labels={"other": "t-2"}))

    plan = down(PLACE, record(entry("table t"), writer, bystander), {}, KINDS)

    assert needs(plan, "table t") == {"thing f"}


def test_what_holds_data_goes_after_those_who_work_under_a_role_that_names_it():
    role = replace(entry("group role"), spec=ThingSpec(labels={"resource": "arn:aws:x:table/t"}))
    recorded = record(entry("table t"), role, entry("f", "group role"), entry("g"))

    plan = down(PLACE, recorded, {}, KINDS)

    assert needs(plan, "table t") == {"thing f"}
    assert needs(plan, "group role") == {"thing f"}


def test_who_is_recorded_to_go_later_is_not_waited_for():
    writer = replace(entry("f"), spec=ThingSpec(link="t"))

    plan = down(PLACE, record(entry("table t", "f"), writer), {}, KINDS)

    assert needs(plan, "thing f") == {"table t"}
    assert needs(plan, "table t") == set()


def test_what_a_mark_says_to_retain_stays_though_no_record_says_so():
    kept = replace(mark("a"), retain=True)
    found = [Found(ref("a"), "a", kept), Found(ref("b"), "b", mark("b"))]
    observed = refs({"a": Observed(ThingSpec(), mark=kept), "b": seen("b")})

    assert actions(down(PLACE, Record(), observed, KINDS, found)) == {"thing a": "retain", "thing b": "delete"}
    assert actions(down(PLACE, Record(), {}, KINDS, found)) == {"thing a": "retain", "thing b": "delete"}


@pytest.mark.parametrize(("said", "wished"), [(True, False), (False, True), (None, True)])
def test_what_a_mark_says_of_retaining_follows_the_blueprint(said, wished):
    observed = refs({"a": Observed(ThingSpec(), mark=replace(mark("a"), retain=said))})

    [step] = up(stack(wish("a", retain=wished)), observed, record(entry("a", retain=wished)), KINDS).steps.values()

    assert step.action is Action.UPDATE
    assert [(one.path, one.after) for one in step.changes] == [(("mark", "retain"), wished)]
    assert here(PLACE, step).mark.tags["slx:retain"] == str(wished).lower()


@pytest.mark.parametrize(("said", "wished"), [(True, True), (False, False), (None, False)])
def test_a_mark_that_says_what_the_blueprint_does_stays(said, wished):
    observed = refs({"a": Observed(ThingSpec(), mark=replace(mark("a"), retain=said))})

    [step] = up(stack(wish("a", retain=wished)), observed, record(entry("a", retain=wished)), KINDS).steps.values()

    assert step.action is Action.KEEP


def test_entries_that_need_one_another_are_taken_down_by_rank():
    recorded = record(entry("table t", "thing f"), entry("thing f", "table t"))

    plan = down(PLACE, recorded, {}, KINDS)

    assert (needs(plan, "table t"), needs(plan, "thing f")) == ({"thing f"}, set())


def test_down_counts_what_would_be_lost():
    plan = down(PLACE, record(entry("table t"), entry("a")), {}, KINDS)

    assert [step.ref for step in lost(plan)] == [ref("table t")]


def test_down_forgets_what_is_gone():
    plan = down(PLACE, record(entry("a"), entry("b")), refs({"a": None}), KINDS)

    assert [step.ref for step in plan.amend] == [ref("a")]


def test_a_blueprint_stands_in_for_a_lost_record_but_makes_nothing_ours():
    wanted = stack(wish("a", retain=True), wish("b", "a"), wish("c"), wish("theirs", existing=True))
    observed = refs({"a": seen("a"), "b": seen("b"), "c": bare()})

    plan = down(PLACE, presumed(wanted, Record()), observed, KINDS)

    assert actions(plan) == {"thing a": "retain", "thing b": "delete"}
    assert [one.what for one in plan.notes] == ["thing c is not this stack's and is left as it is"]


def test_what_is_recorded_counts_more_than_what_a_blueprint_presumes():
    recorded = entry("a", name="real", outputs={"id": "a#1"})

    assert presumed(stack(wish("a")), record(recorded)).entries == {ref("a"): recorded}


# What to read


def test_everything_wished_recorded_or_found_is_to_be_read():
    wanted = stack(wish("a"), wish("b", name="new"))
    recorded = record(
        entry("a", outputs={"id": "a#1"}, spec=ThingSpec(size=3)),
        entry("b", name="old", outputs={"id": "b#1"}),
        entry("c"),
    )

    found = heres(PLACE, KINDS, recorded, [Found(ref("d"), "d", mark("d"), {"id": "d#1"})], wanted)

    assert {str(one): (here.name, here.outputs.get("id")) for one, here in found.items()} == {
        "thing a": ("a", "a#1"),
        "thing b": ("new", None),
        "thing b formerly old": ("old", "b#1"),
        "thing c": ("c", None),
        "thing d": ("d", "d#1"),
    }
    assert found[ref("a")].wish == ThingSpec()
    assert found[ref("a")].recorded == ThingSpec(size=3)
    assert found[ref("b")].recorded is None
    assert found[ref("thing b formerly old")].mark == mark("b")


def test_ids_that_a_search_found_help_to_read_the_wish():
    wanted = stack(wish("gate g"), wish("a", name="new"))
    found = [Found(ref("gate g"), "label", mark("g"), {"id": "g#1"}), Found(ref("a"), "old", mark("a"), {"id": "a#1"})]

    read = heres(PLACE, KINDS, Record(), found, wanted)

    assert read[ref("gate g")].outputs == {"id": "g#1"}
    assert read[ref("a")].outputs == {}


def test_an_intent_is_told_to_the_reader():
    read = heres(PLACE, KINDS, record(entry("a", expected=True)), (), stack(wish("a")))

    assert read[ref("a")].expected


# Any stack


@st.composite
def situations(draw):
    """A stack, what is there of it and what is recorded, all by chance; containers come before their content."""
    wanted, observed, entries = [], {}, []
    kinds = ["thing", "table", "statement", "group", "gate", "stream"]
    for number in range(draw(st.integers(0, 8))):
        it = f"{draw(st.sampled_from(kinds))} r{number}"
        below = [str(one.ref) for one in wanted]
        wants = draw(st.lists(st.sampled_from(below), max_size=3)) if below else []
        home = draw(st.sampled_from(["", *below])) if it.startswith("statement") else ""
        link = late(wants[0]) if wants and draw(st.booleans()) else ""
        wanted.append(wish(it, *wants, inside=home, spec=ThingSpec(draw(st.integers(1, 2)), link)))
        there = seen(f"r{number}", ThingSpec(1, "x", key=draw(st.sampled_from("kl"))), id="x", stream="y")
        observed[ref(it)] = draw(st.sampled_from([None, there]))
        if draw(st.booleans()):
            name = draw(st.sampled_from(["", "former"]))
            entries.append(entry(it, *wants, inside=home, name=name, expected=True))
    kept = {}
    for one in wanted:
        if draw(st.booleans()) and one.needs | ({one.inside} if one.inside else set()) <= kept.keys():
            kept[one.ref] = one
    return stack(*kept.values()), observed, record(*entries)


@given(situations())
def test_no_plan_waits_for_itself_or_for_a_deletion(situation):
    wanted, observed, recorded = situation

    plan = up(fill_known(wanted, observed, KINDS), observed, recorded, KINDS)

    assert not graph.cycle({one: step.needs for one, step in plan.steps.items()})
    clearing = {one for one, step in plan.steps.items() if step.action in (Action.DELETE, Action.RETAIN)}
    assert not any(plan.steps[one].needs & clearing for one in wanted.resources if one in plan.steps)


@given(situations())
def test_every_entry_that_nobody_wishes_for_is_dealt_with_once(situation):
    _, observed, recorded = situation

    plan = down(PLACE, recorded, observed, KINDS)

    fallen = [one for step in plan.steps.values() for one in step.falls]
    forgotten = [step.ref for step in plan.amend]
    assert sorted([*plan.steps, *fallen, *forgotten]) == sorted(recorded.entries)
