from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serverless_cli import graph
from serverless_cli.errors import Location
from serverless_cli.model import Action, Change, Found, Handout, Late, Mark, Observed, Record, Secret, Step
from serverless_cli.plan import counts, down, fill_known, guard, heres, lost, presumed, up
from tests.unit.fakes import KINDS, PLACE, ThingSpec, entry, mark, record, ref, seen, stack, wish

FOREIGN = Mark("shop", "prod", "eu-central-1", "hello")


def late(text: str, attribute: str = "id") -> Late:
    return Late((Handout(ref(text), attribute),))


def bare(spec=None, /, **outputs):
    return Observed(spec or ThingSpec(), outputs)


def refs(pairs):
    return {ref(text): one for text, one in pairs.items()}


def actions(plan):
    return {str(one): step.action.value for one, step in plan.steps.items()}


def needs(plan, text):
    return {str(one) for one in plan.steps[ref(text)].needs}


def table(*rows):
    """Rows of (sentence, wanted, observed, recorded, steps)."""
    return pytest.mark.parametrize(
        ("wanted", "observed", "recorded", "steps"), [pytest.param(*row, id=sentence) for sentence, *row in rows]
    )


@table(
    ("nothing is wished for and nothing there: nothing to do", [], {}, [], {}),
    ("what is there as wished is kept", [wish("a")], {"a": seen("a")}, [entry("a")], {"thing a": "keep"}),
    ("what is missing is created", [wish("a")], {"a": None}, [], {"thing a": "create"}),
    ("what somebody deleted is created again", [wish("a")], {"a": None}, [entry("a")], {"thing a": "create"}),
    (
        "what differs is updated",
        [wish("a", spec=ThingSpec(size=2))],
        {"a": seen("a")},
        [entry("a")],
        {"thing a": "update"},
    ),
    (
        "what differs in a field that AWS cannot change is replaced",
        [wish("a", spec=ThingSpec(size=2, key="new"))],
        {"a": seen("a")},
        [entry("a")],
        {"thing a": "replace"},
    ),
    ("without a journal the mark alone says that it is ours", [wish("a")], {"a": seen("a")}, [], {"thing a": "keep"}),
    (
        "without a mark, what we were about to create is ours, and gets its mark",
        [wish("a")],
        {"a": bare()},
        [entry("a", expected=True)],
        {"thing a": "update"},
    ),
    (
        "without a mark, what is recorded under that name is ours, and gets its mark",
        [wish("a")],
        {"a": bare()},
        [entry("a")],
        {"thing a": "update"},
    ),
    (
        "a kind that cannot carry marks needs none",
        [wish("a"), wish("statement s", inside="a")],
        {"a": seen("a"), "statement s": bare()},
        [],
        {"thing a": "keep", "statement s": "keep"},
    ),
    (
        "a bare thing that serves one of ours is adopted",
        [wish("group g"), wish("a", "group g")],
        {"group g": bare(), "a": seen("a")},
        [],
        {"group g": "update", "thing a": "keep"},
    ),
    (
        "what is inside something replaced is made again",
        [wish("a", spec=ThingSpec(key="new")), wish("statement s", inside="a")],
        {"a": seen("a"), "statement s": bare()},
        [],
        {"thing a": "replace", "statement s": "create"},
    ),
    (
        "what is inside something created is made again, however deep",
        [wish("statement t", inside="statement s"), wish("statement s", inside="a"), wish("a")],
        {"a": None, "statement s": bare(), "statement t": bare()},
        [],
        {"statement t": "create", "statement s": "create", "thing a": "create"},
    ),
    (
        "what is inside something updated is kept",
        [wish("a", spec=ThingSpec(size=2)), wish("statement s", inside="a")],
        {"a": seen("a"), "statement s": bare()},
        [],
        {"thing a": "update", "statement s": "keep"},
    ),
    (
        "what names the id of something replaced is updated",
        [wish("a", spec=ThingSpec(key="new")), wish("b", "a", spec=ThingSpec(link=late("a")))],
        {"a": seen("a", id="a#1"), "b": seen("b", ThingSpec(link="a#1"))},
        [],
        {"thing a": "replace", "thing b": "update"},
    ),
    (
        "what names the id of something kept is kept",
        [wish("a"), wish("b", "a", spec=ThingSpec(link=late("a")))],
        {"a": seen("a", id="a#1"), "b": seen("b", ThingSpec(link="a#1"))},
        [],
        {"thing a": "keep", "thing b": "keep"},
    ),
    (
        "what names the id of something updated is kept",
        [wish("a", spec=ThingSpec(size=2)), wish("b", "a", spec=ThingSpec(link=late("a")))],
        {"a": seen("a", id="a#1"), "b": seen("b", ThingSpec(link="a#1"))},
        [],
        {"thing a": "update", "thing b": "keep"},
    ),
    (
        "what names an output that the update may change waits for it",
        [wish("stream a", spec=ThingSpec(size=2)), wish("b", "stream a", spec=ThingSpec(link=late("stream a", "stream")))],
        {"stream a": seen("a", stream="s#1"), "b": seen("b", ThingSpec(link="s#1"))},
        [],
        {"stream a": "update", "thing b": "update"},
    ),
    (
        "what can only be made with the id of something replaced is replaced itself, and so on",
        [
            wish("a", spec=ThingSpec(key="new")),
            wish("b", "a", spec=ThingSpec(key=late("a"))),
            wish("c", "b", spec=ThingSpec(link=late("b"))),
        ],
        {
            "a": seen("a", id="a#1"),
            "b": seen("b", ThingSpec(key="a#1"), id="b#1"),
            "c": seen("c", ThingSpec(link="b#1")),
        },
        [],
        {"thing a": "replace", "thing b": "replace", "thing c": "update"},
    ),
    (
        "a secret that was not given this time is no change",
        [wish("a", spec=ThingSpec(link=Secret("", known=False)))],
        {"a": seen("a", ThingSpec(link="hush"))},
        [],
        {"thing a": "keep"},
    ),
    ("what exists already is used", [wish("a", existing=True)], {"a": bare(id="x")}, [], {"thing a": "keep"}),
    ("what left the blueprint is deleted", [], {"a": seen("a")}, [entry("a")], {"thing a": "delete"}),
    ("what left the blueprint and is gone needs no step", [], {"a": None}, [entry("a")], {}),
    ("what left the blueprint and was not read is deleted", [], {}, [entry("a")], {"thing a": "delete"}),
    (
        "what left the blueprint is retained if so recorded",
        [],
        {"a": seen("a")},
        [entry("a", retain=True)],
        {"thing a": "retain"},
    ),
    (
        "what left the blueprint and belongs to somebody else by now is left alone",
        [],
        {"a": Observed(ThingSpec(), mark=FOREIGN)},
        [entry("a")],
        {},
    ),
    (
        "what left the blueprint together with its container falls with it",
        [],
        {"a": seen("a"), "statement s": bare(), "statement t": bare()},
        [entry("statement t", inside="statement s"), entry("statement s", inside="a"), entry("a")],
        {"thing a": "delete"},
    ),
    (
        "what left the blueprint while its container stays is deleted",
        [wish("a")],
        {"a": seen("a"), "statement s": bare()},
        [entry("statement s", inside="a"), entry("a")],
        {"thing a": "keep", "statement s": "delete"},
    ),
    (
        "what left the blueprint while its container is replaced falls with the old one",
        [wish("a", spec=ThingSpec(key="new"))],
        {"a": seen("a"), "statement s": bare()},
        [entry("statement s", inside="a"), entry("a")],
        {"thing a": "replace"},
    ),
    (
        "another name is another thing: the old one is deleted",
        [wish("a", name="new")],
        {"a": None, "thing a formerly old": seen("a")},
        [entry("a", name="old")],
        {"thing a": "create", "thing a formerly old": "delete"},
    ),
    (
        "another name of what goes by an id is a change",
        [wish("gate a", name="new", spec=ThingSpec(link="new"))],
        {"gate a": seen("a", ThingSpec(link="old"))},
        [entry("gate a", name="old")],
        {"gate a": "update"},
    ),
    (
        "another name that was taken back half-way leaves the first thing",
        [wish("a", name="old")],
        {"a": seen("a"), "thing a formerly new": seen("a")},
        [entry("a", name="new"), entry("thing a formerly old", name="old")],
        {"thing a": "keep", "thing a formerly new": "delete"},
    ),
    (
        "another container is another thing",
        [wish("a"), wish("b"), wish("statement s", inside="b")],
        {"a": seen("a"), "b": seen("b"), "statement s": None, "statement s formerly thing a": bare()},
        [entry("a"), entry("b"), entry("statement s", inside="a")],
        {"thing a": "keep", "thing b": "keep", "statement s": "create", "statement s formerly thing a": "delete"},
    ),
    (
        "another id for the same unmarked thing deletes nothing",
        [wish("a"), wish("statement t", name="s", inside="a")],
        {"a": seen("a"), "statement t": bare()},
        [entry("a"), entry("statement s", inside="a")],
        {"thing a": "keep", "statement t": "keep"},
    ),
)
def test_up(wanted, observed, recorded, steps):
    wanted_stack = fill_known(stack(*wanted), refs(observed), KINDS)

    plan = up(wanted_stack, refs(observed), record(*recorded), KINDS)

    assert actions(plan) == steps
    assert plan.obstacles == ()


@pytest.mark.parametrize(
    ("wanted", "observed", "recorded", "what", "why"),
    [
        pytest.param(
            wish("a"), bare(), [], "thing a exists already and is not this stack's", "it carries no mark of slx",
            id="it carries no mark",
        ),
        pytest.param(
            wish("a"), bare(), [entry("a", name="other")], "thing a exists already and is not this stack's",
            "it carries no mark of slx", id="it carries no mark and another name is recorded",
        ),
        pytest.param(
            wish("a"), bare(), [replace(entry("a"), spec=None)], "thing a exists already and is not this stack's",
            "it carries no mark of slx", id="it carries no mark, and what is recorded was never made",
        ),
        pytest.param(
            wish("a"), Observed(ThingSpec(), mark=FOREIGN), [entry("a")],
            "thing a exists already and is not this stack's",
            "it belongs to stack shop, stage prod, in eu-central-1 (as hello)", id="another stack's mark",
        ),
        pytest.param(
            wish("a"), Observed(ThingSpec(), mark=mark("a", region="eu-west-1")), [],
            "thing a exists already and is not this stack's",
            "it belongs to stack website, stage dev, in eu-west-1 (as a)", id="this stack's mark in another region",
        ),
        pytest.param(
            wish("a"), seen("b"), [], "thing a exists already as `b` of this stack",
            "it belongs to stack website, stage dev, in eu-central-1 (as b)", id="another id of this stack",
        ),
        pytest.param(
            wish("group a"), Observed(ThingSpec(), mark=FOREIGN), [],
            "group a exists already and is not this stack's",
            "it belongs to stack shop, stage prod, in eu-central-1 (as hello)",
            id="an adoptable kind with another stack's mark",
        ),
        pytest.param(
            wish("a", existing=True), None, [], "thing a does not exist", "`existing:` names it",
            id="an existing resource does not exist",
        ),
        pytest.param(
            wish("a", existing=True), seen("a"), [], "thing a is this stack's own",
            "an existing resource is one of somebody else", id="an existing resource is ours",
        ),
        pytest.param(
            wish("a", retain=True, spec=ThingSpec(key="new")), seen("a"), [],
            "thing a would have to be replaced, and it is to be retained", "key cannot be changed in place",
            id="a retained resource would be replaced",
        ),
    ],
)  # fmt: skip
def test_an_obstacle_is_named_with_its_line(wanted, observed, recorded, what, why):
    line = Location("blueprint.yaml", 7, 3)

    plan = up(stack(replace(wanted, where=line)), {wanted.ref: observed}, record(*recorded), KINDS)

    assert [(one.what, one.why, one.where) for one in plan.obstacles] == [(what, why, line)]
    assert plan.obstacles[0].hint
    assert wanted.ref not in plan.steps


def test_steps_are_in_the_order_of_the_stack_and_deletions_last():
    wanted = stack(wish("b", "a"), wish("a"))

    plan = up(wanted, refs({"b": None, "a": None, "c": seen("c")}), record(entry("c")), KINDS)

    assert list(actions(plan)) == ["thing b", "thing a", "thing c"]


def test_a_creation_knows_that_nothing_was_there_and_what_it_needs():
    wanted = stack(wish("a"), wish("b", "a", inside="a"))

    plan = up(wanted, refs({"a": None, "b": None}), Record(), KINDS)

    assert plan.steps[ref("b")] == Step(
        Action.CREATE, ref("b"), "b", ThingSpec(), needs=frozenset({ref("a")}), inside=ref("a"), absent=True
    )


def test_an_update_says_what_changes_and_carries_what_is_known():
    plan = up(stack(wish("a", spec=ThingSpec(size=2))), {ref("a"): seen("a", id="a#1")}, record(entry("a")), KINDS)

    step = plan.steps[ref("a")]
    assert step.changes == (Change(("size",), 1, 2),)
    assert step.outputs == {"id": "a#1"}
    assert step.reality == step.recorded == ThingSpec()
    assert not step.absent


def test_a_missing_mark_is_a_change_of_its_own():
    plan = up(stack(wish("a")), {ref("a"): bare()}, record(entry("a")), KINDS)

    assert plan.steps[ref("a")].changes == (Change(("mark",), None, mark("a")),)


def test_what_is_ours_by_the_journal_alone_stays_so_until_its_mark_is_on():
    plan = up(stack(wish("a")), {ref("a"): bare()}, record(entry("a", expected=True)), KINDS)

    assert plan.steps[ref("a")].absent


def test_a_replacement_says_why():
    plan = up(stack(wish("a", spec=ThingSpec(key="new"))), {ref("a"): seen("a")}, record(entry("a")), KINDS)

    assert plan.steps[ref("a")].reason == "key cannot be changed in place"
    assert plan.steps[ref("a")].absent


def test_a_creation_of_what_was_recorded_says_that_it_is_gone():
    plan = up(stack(wish("a")), {ref("a"): None}, record(entry("a")), KINDS)

    assert plan.steps[ref("a")].reason == "it is recorded but gone"


def test_existing_resources_hand_out_what_they_have_and_are_not_recorded():
    wanted = stack(wish("a", existing=True), wish("b", "a", spec=ThingSpec(link=late("a"))))
    observed = refs({"a": bare(id="x"), "b": seen("b", ThingSpec(link="x"))})

    plan = up(fill_known(wanted, observed, KINDS), observed, Record(), KINDS)

    assert plan.steps[ref("a")].outputs == {"id": "x"}
    assert [step.ref for step in plan.amend] == [ref("b")]


# Late values


def test_what_stays_fills_late_values_and_what_is_made_anew_leaves_them_open():
    wanted = stack(
        wish("kept"),
        wish("missing"),
        wish("replaced", spec=ThingSpec(key="new")),
        wish("statement inside", inside="replaced"),
        wish("b", spec=ThingSpec(labels={one: late(one) for one in ("kept", "missing", "replaced")})),
        wish("c", spec=ThingSpec(link=late("statement inside"))),
    )
    observed = refs(
        {
            "kept": seen("kept", id="kept#1"),
            "missing": None,
            "replaced": seen("replaced", id="replaced#1"),
            "statement inside": bare(id="inside#1"),
            "b": None,
            "c": None,
        }
    )

    filled = fill_known(wanted, observed, KINDS).resources

    assert filled[ref("b")].spec.labels == {"kept": "kept#1", "missing": late("missing"), "replaced": late("replaced")}
    assert not isinstance(filled[ref("b")].spec.labels["kept"], Late)
    assert isinstance(filled[ref("b")].spec.labels["replaced"], Late)
    assert isinstance(filled[ref("c")].spec.link, Late)


def test_volatile_outputs_stay_open_only_if_there_is_an_update():
    wanted = wish("stream a", spec=ThingSpec(size=2))
    user = wish("b", "stream a", spec=ThingSpec(link=late("stream a", "stream"), digest=late("stream a")))
    observed = refs({"stream a": seen("a", ThingSpec(size=2), id="a#1", stream="s#1"), "b": None})
    behind = {**observed, ref("stream a"): seen("a", id="a#1", stream="s#1")}

    calm = fill_known(stack(wanted, user), observed, KINDS).resources[ref("b")].spec
    moving = fill_known(stack(wanted, user), behind, KINDS).resources[ref("b")].spec

    assert (calm.link, calm.digest) == ("s#1", "a#1")
    assert isinstance(moving.link, Late)
    assert moving.digest == "a#1"


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


def test_after_a_crash_the_old_thing_still_waits_for_its_users():
    wanted = stack(wish("a", name="new"), wish("user", "a", spec=ThingSpec(link="new")))
    observed = refs({"a": seen("a"), "thing a formerly old": seen("a"), "user": seen("user", ThingSpec(link="old"))})
    recorded = record(entry("a", name="new"), entry("thing a formerly old", name="old"), entry("user", "a"))

    plan = up(wanted, observed, recorded, KINDS)

    assert actions(plan) == {"thing a": "keep", "thing user": "update", "thing a formerly old": "delete"}
    assert needs(plan, "thing a formerly old") == {"thing a", "thing user"}


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


def test_without_edges_a_deletion_waits_for_all_writes_of_lower_rank():
    wanted = stack(wish("a", spec=ThingSpec(size=2)), wish("group g", spec=ThingSpec(size=2)), wish("kept"))
    observed = refs({"a": seen("a"), "group g": seen("g"), "kept": seen("kept")})

    plan = up(wanted, observed, Record(), KINDS, [Found(ref("table t"), "t", mark("t"))])

    assert needs(plan, "table t") == {"thing a"}


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


def test_secrets_that_a_record_never_has_are_no_news():
    spec = ThingSpec(link=Secret("hush"))
    recorded = entry("a", spec=ThingSpec(link=Secret("", known=False)))

    plan = up(stack(wish("a", spec=spec)), {ref("a"): seen("a", ThingSpec(link="hush"))}, record(recorded), KINDS)

    assert plan.amend == ()


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
    plan = up(stack(wish("table t", name="new.name")), {ref("table t"): None}, record(entry("table t", name="old.name")), KINDS)

    assert guard(plan, {"t"}) == ()
    assert [one.hint for one in guard(plan, set())] == ["`--allow-delete t` if that is meant"]


def test_data_inside_something_replaced_is_lost_too():
    wanted = stack(wish("a", spec=ThingSpec(key="new")), wish("table t", inside="a"))

    plan = up(wanted, refs({"a": seen("a"), "table t": seen("t")}), Record(), KINDS)

    assert [step.ref for step in lost(plan)] == [ref("table t")]


def test_counts_name_every_action():
    plan = up(stack(wish("a"), wish("b")), refs({"a": None, "b": None}), Record(), KINDS)

    assert counts(plan) == {one: 2 if one is Action.CREATE else 0 for one in Action}


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
        entry("a", outputs={"id": "a#1"}, spec=ThingSpec(size=3)), entry("b", name="old", outputs={"id": "b#1"}), entry("c")
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
    wanted, observed, recorded = situation

    plan = down(PLACE, recorded, observed, KINDS)

    fallen = [one for step in plan.steps.values() for one in step.falls]
    forgotten = [step.ref for step in plan.amend]
    assert sorted([*plan.steps, *fallen, *forgotten]) == sorted(recorded.entries)
