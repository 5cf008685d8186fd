"""A run that failed is taken back: what there was before is there again, and nothing else."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serverless_cli.app.rollback import Restoring
from serverless_cli.errors import SlxError
from serverless_cli.model import Action, Entry, Observed, Record, Status
from serverless_cli.resources.base import Here
from serverless_cli.resources.ownership import ForeignError
from serverless_cli.secret import Secret
from serverless_cli.undo import Former, heres, touched, undo, veiled
from tests.unit.fakes import KINDS, PLACE, Cloud, Inline, SpyJournal, ThingSpec
from tests.unit.words import FOREIGN, actions, bring_up, failing, go, late, needs, planned, ref, stack, tear_down, wish

DENIED = SlxError("denied")


class Homes(Cloud):
    """What is called `f.a` is in `a`, and goes with it."""

    def call(self, verb, here, work):
        def thorough():
            for key in [key for key in self.things if key[1].endswith(f".{here.name}")] if verb == "delete" else ():
                self.things.pop(key)
            return work()

        return super().call(verb, here, thorough)


class World:
    """A stack that is up, and what a failing run and its rollback make of it."""

    def __init__(self, *resources):
        self.cloud, self.journal = Homes(), SpyJournal()
        if resources:
            assert bring_up(stack(*resources), self.cloud, self.journal, Inline()).ok
        self.cloud.calls.clear()

    def picture(self):
        """What exists and what is recorded; ids are another's each time a thing is made."""
        entries = {one: replace(entry, outputs={}) for one, entry in self.journal.entries.items()}
        return {key: (seen.spec, seen.mark) for key, seen in self.cloud.things.items()}, entries

    def fail(self, *resources, at=(), after=(), error=DENIED, before_failing=lambda: None):
        """Runs towards the wish; the calls `at` fail before they are carried out, those `after` once they were."""
        self.former = Former(self.journal.record)
        self.plan = planned(stack(*resources), self.cloud, self.journal)
        before_failing()
        self.cloud.before |= {call: failing(error) for call in at}
        self.cloud.after |= {call: failing(error) for call in after}
        self.report = go(self.plan, Inline(), cloud=self.cloud, journal=self.journal)
        self.cloud.before.clear()
        self.cloud.after.clear()
        self.cloud.calls.clear()
        return self.report

    def undo(self, former=None):
        now = self.journal.record
        observed = {one: KINDS[one.kind].read(self.cloud, here) for one, here in heres(self.report, now).items()}
        return undo(self.plan, self.report, former or self.former, now, observed, kinds=KINDS)

    def back(self, made=None):
        made = made or self.undo()
        journal = Restoring(self.journal, made.entries)
        return go(made.plan, Inline(), cloud=self.cloud, journal=journal)


def test_of_a_first_run_everything_goes_in_the_order_of_its_needs():
    world = World()
    world.fail(wish("a"), wish("b", "a"), wish("c"), at=[("create", "b")])

    made = world.undo()

    assert actions(made.plan) == {"thing a": "delete", "thing c": "delete"}
    assert world.back(made).ok
    assert world.picture() == ({}, {})


def test_what_waits_for_what_is_the_other_way_round():
    world = World()
    world.fail(wish("a"), wish("b", "a"), wish("c", "b"), wish("z"), at=[("create", "z")])

    made = world.undo()

    assert needs(made.plan, "a") == {"thing b"}
    assert needs(made.plan, "b") == {"thing c"}


def test_what_was_changed_is_what_it_was_and_what_was_not_reached_is_not_touched():
    world = World(wish("a"), wish("b", "a"), wish("c"))
    before = world.picture()
    bigger = ThingSpec(size=2)
    world.fail(wish("a", spec=bigger), wish("b", "a", spec=bigger), wish("c"), wish("new", "c"), at=[("update", "b")])

    assert world.back().ok
    assert world.picture() == before
    assert sorted(world.cloud.calls) == [("delete", "new"), ("update", "a")]


def test_only_the_fields_that_the_run_changed_are_changed_back():
    world = World(wish("a"), wish("z"))
    world.fail(wish("a", spec=ThingSpec(size=2)), wish("z", spec=ThingSpec(size=2)), at=[("update", "z")])
    # somebody is at work on something else of it meanwhile
    seen = world.cloud.things["thing", "a"]
    world.cloud.put("thing", "a", replace(seen, spec=ThingSpec(size=2, link="theirs")))

    [step] = world.undo().plan.writes

    assert [change.path for change in step.changes] == [("size",)]


def test_an_update_that_was_carried_out_and_answered_with_an_error_is_undone_too():
    world = World(wish("a"))
    before = world.picture()
    world.fail(wish("a", spec=ThingSpec(size=2)), after=[("update", "a")])

    assert world.back().ok
    assert world.picture() == before


def test_a_create_that_was_carried_out_and_answered_with_an_error_is_undone_too():
    world = World()
    world.fail(wish("a"), after=[("create", "a")])

    assert world.back().ok
    assert world.picture() == ({}, {})


def test_what_was_made_although_it_was_to_be_retained_goes():
    world = World()
    world.fail(wish("table t", retain=True), wish("a"), at=[("create", "a")])

    assert actions(world.undo().plan) == {"table t": "delete"}


def test_what_falls_with_its_container_needs_no_step_and_is_forgotten():
    world = World()
    inner = wish("statement s", "a", inside="a")
    world.fail(wish("a"), inner, wish("z", "statement s"), at=[("create", "z")])

    made = world.undo()

    assert actions(made.plan) == {"thing a": "delete"}
    assert world.back(made).ok
    assert world.journal.entries == {}


@pytest.mark.parametrize("whose", [FOREIGN, None], ids=["another stack's", "without a mark"])
def test_somebody_elses_thing_in_the_way_of_a_create_stays_and_is_no_entry(whose):
    world = World()
    theirs = Observed(ThingSpec(size=9), {}, whose)
    here = Here(ref("a"), "a", PLACE)
    world.fail(
        wish("a"), wish("b"),
        at=[("create", "a")],
        error=ForeignError(here, whose),
        before_failing=lambda: world.cloud.put("thing", "a", theirs),
    )  # fmt: skip

    assert world.back().ok
    assert world.cloud.things == {("thing", "a"): theirs}
    assert world.journal.entries == {}


def test_somebody_elses_thing_that_was_made_meanwhile_is_told_and_stays():
    world = World()
    world.fail(wish("a"), wish("b"), at=[("create", "b")])
    theirs = Observed(ThingSpec(), {}, FOREIGN)
    world.cloud.put("thing", "a", theirs)

    made = world.undo()

    assert made.plan.writes == ()
    assert "is not this stack's" in made.left[0].what
    assert world.back(made).ok
    assert world.cloud.things == {("thing", "a"): theirs}


def test_nothing_is_deleted_before_all_else_went_well():
    world = World(wish("a"), wish("old"))

    report = world.fail(wish("a", spec=ThingSpec(size=2)), wish("new"), at=[("create", "new")])

    assert report.outcomes[ref("old")].status is Status.SKIPPED
    assert ("thing", "old") in world.cloud.things


def test_what_was_deleted_comes_back_when_a_later_deletion_fails():
    world = World(wish("a"), wish("b", "a"), wish("c", "b"))
    before = world.picture()
    world.fail(wish("z"), at=[("delete", "b")])

    made = world.undo()

    assert actions(made.plan)["thing c"] == "create"
    assert world.back(made).ok
    assert world.picture() == before


@pytest.mark.parametrize("kind", ["table", "gate", "stream"])
def test_what_cannot_come_back_is_named_with_the_reason_and_all_else_is_undone(kind):
    world = World(wish(f"{kind} old"), wish("old", f"{kind} old"), wish("a"))
    world.fail(wish("a", spec=ThingSpec(size=2)), after=[("delete", "old"), (("delete"), "old")])
    world.report = replace(
        world.report,
        outcomes={one: replace(outcome, status=Status.DONE) for one, outcome in world.report.outcomes.items()},
    )
    world.cloud.things.pop((kind, "old"), None)

    made = world.undo()

    [left] = made.left
    assert left.what == f"{kind} old (old) stays as it is now"
    assert left.why in ("what it held is gone", "AWS would give it another address")
    assert actions(made.plan) == {"thing old": "create", "thing a": "update"}
    assert world.back(made).ok
    assert world.cloud.things["thing", "a"].spec == ThingSpec()


def test_a_table_that_was_replaced_is_left_with_what_is_in_it():
    world = World(wish("table t"), wish("a"))
    world.fail(wish("table t", spec=ThingSpec(key="other")), wish("a", spec=ThingSpec(size=2)), at=[("update", "a")])

    made = world.undo()

    assert [one.why for one in made.left] == ["what it held is gone"]
    assert made.plan.writes == ()
    assert world.back(made).ok
    assert world.journal.entries[ref("table t")].spec == ThingSpec(key="other")


def test_what_holds_no_data_is_replaced_back():
    world = World(wish("t"), wish("a"))
    before = world.picture()
    world.fail(wish("t", spec=ThingSpec(key="other")), wish("a", spec=ThingSpec(size=2)), at=[("update", "a")])

    made = world.undo()

    assert actions(made.plan) == {"thing t": "replace"}
    assert world.back(made).ok
    assert world.picture()[0] == before[0]


def test_what_was_not_kept_before_the_run_stays_with_that_as_the_reason():
    world = World(wish("a"))
    world.fail(wish("a", spec=ThingSpec(size=2)), wish("z"), at=[("create", "z")])

    made = world.undo(replace(world.former, lost={ref("a"): "its code is nowhere"}))

    assert [one.why for one in made.left] == ["its code is nowhere"]
    assert made.plan.writes == ()


def test_a_renamed_table_is_the_old_one_again_under_its_own_ref():
    world = World(wish("table t", name="one"), wish("a"))
    before = world.picture()
    world.fail(wish("table t", name="two"), wish("a", spec=ThingSpec(size=2)), at=[("update", "a")])

    assert world.back().ok
    assert world.picture() == before


def test_what_was_recorded_and_gone_is_so_again():
    world = World(wish("a"), wish("b"))
    world.cloud.things.pop(("thing", "a"))
    before = world.picture()
    world.fail(wish("a"), wish("b", spec=ThingSpec(size=2)), at=[("update", "b")])

    assert world.back().ok
    assert world.picture() == before


def test_a_stack_whose_record_was_lost_is_not_taken_for_new():
    world = World(wish("a"), wish("b"))
    things = dict(world.cloud.things)
    world.journal = SpyJournal()
    world.fail(wish("a"), wish("b", spec=ThingSpec(size=2)), wish("c", "b"), at=[("create", "c")])

    assert world.back().ok
    assert world.cloud.things == things


def test_what_was_handed_out_is_as_it_was_for_who_uses_it():
    world = World(wish("a"), wish("b", "a", spec=ThingSpec(link=late("a"))))
    before = world.picture()
    world.fail(
        wish("a"), wish("n"), wish("b", "n", spec=ThingSpec(link=late("n"))), wish("z", "b"), at=[("create", "z")]
    )

    made = world.undo()

    assert needs(made.plan, "n") == {"thing b"}
    assert world.back(made).ok
    assert world.picture() == before


def test_a_rollback_that_fails_leaves_what_down_takes():
    world = World()
    world.fail(wish("a"), wish("b", "a"), wish("z"), at=[("create", "z")])
    world.cloud.before["delete", "b"] = failing(DENIED)

    assert not world.back().ok
    world.cloud.before.clear()
    assert tear_down(world.cloud, world.journal, Inline()).ok
    assert world.picture() == ({}, {})


def test_only_what_was_begun_counts_as_touched():
    world = World(wish("k"))
    report = world.fail(wish("k"), wish("a"), wish("b", "a"), at=[("create", "a")])

    assert set(touched(report)) == {ref("a")}


def test_what_was_read_is_secret_where_wish_or_record_say_so():
    read = ThingSpec(labels={"key": "value", "plain": "seen"})
    recorded = ThingSpec(labels={"key": Secret("", known=False), "other": "x"})

    found = veiled(read, ThingSpec(), recorded, None)

    assert found == read
    assert isinstance(found, ThingSpec)
    assert {key: type(value) for key, value in found.labels.items()} == {"key": Secret, "plain": str}


def test_what_was_read_in_a_private_field_is_secret_unless_wish_or_record_state_it():
    read = ThingSpec(own={"stated": "one", "by hand": "two", "changed by hand": "three"})
    recorded = ThingSpec(own={"stated": "one", "changed by hand": "four"})

    found = veiled(read, ThingSpec(), recorded)

    assert found == read
    assert {key for key, value in found.own.items() if isinstance(value, Secret)} == {"by hand", "changed by hand"}


def test_what_a_rollback_takes_away_again_is_not_told():
    world = World(wish("a"), wish("z"))
    world.fail(wish("a", spec=ThingSpec(labels={"key": Secret("hunter2")})), wish("z", spec=ThingSpec(size=2)),
               at=[("update", "z")])  # fmt: skip
    plain = ThingSpec(labels={"key": str.__str__("hunter2")})
    world.cloud.put("thing", "a", replace(world.cloud.things["thing", "a"], spec=plain))

    [step] = world.undo().plan.writes

    assert [change.path for change in step.changes] == [("labels", "key")]
    assert isinstance(step.changes[0].before, Secret)


def test_a_rollback_records_what_was_recorded_and_not_what_was_read():
    before = Entry(ref("a"), "a", ThingSpec(size=7), {"id": "a#1"}, expected=True)
    journal = SpyJournal(Record({ref("a"): before}))
    restoring = Restoring(journal, {ref("a"): before})
    world = World(wish("a"))
    world.fail(wish("a", spec=ThingSpec(size=2)), wish("z"), at=[("create", "z")])
    [step] = [one for one in world.undo().plan.writes if one.action is Action.UPDATE]

    restoring.begin(step)
    restoring.finish(step, step.spec, {"id": "a#1"})

    assert journal.lines == [("begin", "thing a"), ("finish", "thing a")]
    assert journal.entries == {ref("a"): before}


NAMES = ("a", "b", "c", "d", "e", "f")
SPECS = st.builds(ThingSpec, size=st.integers(1, 2), key=st.sampled_from("kk2"))


@st.composite
def stacks(draw):
    """Some of six things; each may need those before it. `f` is a statement in the first one, if there is one."""
    found = []
    for name in draw(st.sets(st.sampled_from(NAMES[:5]))):
        earlier = [one.ref.id for one in found if one.ref.kind == "thing"]
        wanted = draw(st.sets(st.sampled_from(earlier))) if earlier else set()
        found.append(wish(name, *sorted(wanted), spec=draw(SPECS)))
    if found and draw(st.booleans()):
        home = found[0].ref.id
        found.append(wish("statement f", home, inside=home, name=f"f.{home}"))
    return found


@given(stacks(), stacks(), st.sampled_from(("create", "update", "delete")), st.sampled_from(NAMES), st.booleans())
def test_whatever_fails_all_is_as_before_or_named(before, after, verb, name, carried_out):
    world = World(*before)
    things, entries = world.picture()
    calls = [(verb, name)]
    report = world.fail(*after, **({"after": calls} if carried_out else {"at": calls}))
    if report.ok:
        return

    made = world.undo()
    back = world.back(made)

    assert back.ok
    left = {one.what.partition(" (")[0] for one in made.left}
    now, recorded = world.picture()
    # What is in something that stays as it is stays, or went, with it.
    left |= {f"statement f.{one.removeprefix('thing ')}" for one in left}
    assert {key: one for key, one in now.items() if " ".join(key) not in left} == {
        key: one for key, one in things.items() if " ".join(key) not in left
    }
    if not left:
        assert recorded == entries
