from dataclasses import replace

import pytest

from serverless_cli.errors import Location
from serverless_cli.model import Action, Change, Observed, Record, Step
from serverless_cli.plan import fill_known, up
from serverless_cli.secret import Secret
from tests.unit.fakes import KINDS, ThingSpec
from tests.unit.words import (
    FOREIGN,
    actions,
    bare,
    entry,
    late,
    mark,
    record,
    ref,
    refs,
    seen,
    stack,
    wish,
)


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
        "a kind that cannot carry marks needs none",
        [wish("a"), wish("statement s", inside="a")],
        {"a": seen("a"), "statement s": bare()},
        [],
        {"thing a": "keep", "statement s": "keep"},
    ),
    (
        "a bare thing that serves one of ours is adopted",
        [wish("group g"), wish("a", "group g")],
        {"group g": replace(bare(), bare=True), "a": seen("a")},
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
        [
            wish("stream a", spec=ThingSpec(size=2)),
            wish("b", "stream a", spec=ThingSpec(link=late("stream a", "stream"))),
        ],
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
    ("taken", "name", "hint"),
    [
        ("thing a", "shared", "give a another name with `name:`, or use what is there with `existing: shared`"),
        ("group a", "/aws/shared", "give a another name with `name:`"),
        ("guest a", "web-a-1f2e", "give a another id"),
    ],
)
def test_a_taken_name_is_avoided_by_what_the_user_can_say(taken, name, hint):
    wanted = stack(wish("a", name="shared"), wish("group a", name="/aws/shared"), wish("guest a", name="web-a-1f2e"))
    observed = dict.fromkeys(wanted.resources) | {ref(taken): Observed(ThingSpec(), mark=FOREIGN)}

    (said,) = up(wanted, observed, Record(), KINDS).obstacles

    assert name in said.what
    assert said.hint == hint


@pytest.mark.parametrize(
    ("lost", "hint"), [("thing a", "give a another name with `name:`"), ("guest a", "give a another id")]
)
def test_what_has_lost_its_mark_and_may_be_anybodys_is_avoided_likewise(lost, hint):
    wanted = stack(wish("a", name="shared"), wish("guest a", name="web-a-1f2e"))
    observed = dict.fromkeys(wanted.resources) | {ref(lost): bare()}
    known = record(entry(lost, name=wanted.resources[ref(lost)].name, spec=ThingSpec()))

    (said,) = up(wanted, observed, known, KINDS).obstacles

    assert "has no mark of slx any more" in said.what
    assert said.hint.endswith(hint)


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


def test_what_the_record_knows_as_a_secret_is_not_shown_when_the_wish_no_longer_names_it():
    recorded = entry("a", spec=ThingSpec(labels={"key": Secret("", known=False)}, own={"plain": "x"}))
    there = seen("a", ThingSpec(labels={"key": "hunter2"}, own={"plain": "x", "hand": "made"}))

    plan = up(stack(wish("a")), {ref("a"): there}, record(recorded), KINDS)

    before = {change.path: isinstance(change.before, Secret) for change in plan.steps[ref("a")].changes}
    assert before == {("labels", "key"): True, ("own", "plain"): False, ("own", "hand"): True}


def test_a_missing_mark_is_a_change_of_its_own():
    plan = up(stack(wish("a")), {ref("a"): bare()}, record(entry("a", expected=True)), KINDS)

    assert plan.steps[ref("a")].changes == (Change(("mark",), None, mark("a")),)


@pytest.mark.parametrize(
    ("observed", "told"),
    [
        ({"a": None, "tenant t": seen("t")}, ["t was made for another thing a"]),
        ({"a": seen("a"), "tenant t": seen("t")}, []),
        ({"a": None, "tenant t": None}, []),
    ],
    ids=["it stays, and what it needs was gone", "both stay", "both are made"],
)
def test_what_outlived_something_that_it_needs_is_told(observed, told):
    plan = up(stack(wish("a"), wish("tenant t", "a")), refs(observed), record(entry("a"), entry("tenant t")), KINDS)

    assert [one.what for one in plan.notes] == told


def test_what_others_make_bare_is_in_the_way_where_it_has_tags_of_theirs():
    plan = up(stack(wish("group g"), wish("a", "group g")), refs({"group g": bare(), "a": seen("a")}), Record(), KINDS)

    assert plan.writes == ()
    assert [one.what for one in plan.obstacles] == ["group g exists already and is not this stack's"]


def test_what_was_made_and_has_no_mark_any_more_may_be_somebody_elses_and_is_in_the_way():
    plan = up(stack(wish("a", spec=ThingSpec(size=2))), {ref("a"): bare()}, record(entry("a")), KINDS)

    assert plan.writes == ()
    [problem] = plan.obstacles
    assert "has no mark of slx any more" in problem.what
    assert "slx:id=a" in problem.hint


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
