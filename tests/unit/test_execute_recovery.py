from dataclasses import replace

import pytest

from serverless_cli.errors import SlxError
from serverless_cli.model import Entry, Mark, Observed
from tests.unit.fakes import PLACE, Cloud, Inline, Killed, SpyJournal, ThingSpec
from tests.unit.words import bring_up, failing, late, mark, planned, stack, tear_down, wish


@pytest.fixture(params=[None, Inline()], ids=["threaded", "inline"])
def pool(request):
    return request.param


# Death at any point, and the run after it


SITE = stack(
    wish("a"),
    wish("b", "a", spec=ThingSpec(link=late("a"))),
    wish("statement s", "b", inside="a"),
    wish("table t", name="new", spec=ThingSpec(key="new")),
)
BEFORE = stack(
    wish("a", spec=ThingSpec(key="other")), wish("table t", name="old"), wish("dropped"), wish("c", "dropped")
)


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize(
    "call",
    [
        ("delete", "a"),
        ("create", "a"),
        ("create", "b"),
        ("create", "s"),
        ("create", "new"),
        ("delete", "old"),
        ("delete", "dropped"),
        ("delete", "c"),
    ],
    ids=" ".join,
)
def test_after_a_death_at_any_write_the_next_run_gets_there(pool, call, moment):
    cloud, journal = Cloud(), SpyJournal()
    bring_up(BEFORE, cloud, journal, pool)
    getattr(cloud, moment)[call] = failing(Killed())
    with pytest.raises(Killed):
        bring_up(SITE, cloud, journal, pool, workers=1)
    del getattr(cloud, moment)[call]

    report = bring_up(SITE, cloud, journal, pool)

    assert report.ok
    assert cloud.names == {"a", "b", "s", "new"}
    assert cloud.things["thing", "b"].spec.link == cloud.things["thing", "a"].outputs["id"]
    assert set(journal.entries) == set(SITE.resources)
    again = planned(SITE, cloud, journal)
    assert (again.writes, again.amend) == ((), ())


def test_what_cannot_be_made_takes_nothing_away(pool):
    cloud, journal = Cloud(), SpyJournal()
    bring_up(stack(wish("old"), wish("kept")), cloud, journal, pool)
    cloud.before["create", "new"] = failing(SlxError("denied"))

    report = bring_up(stack(wish("new"), wish("kept")), cloud, journal, pool)

    assert not report.ok
    assert cloud.names == {"old", "kept"}
    del cloud.before["create", "new"]
    assert bring_up(stack(wish("new"), wish("kept")), cloud, journal, pool).ok
    assert cloud.names == {"new", "kept"}


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("name", ["a", "b", "new"])
def test_after_a_death_in_teardown_the_next_one_gets_there(pool, name, moment):
    cloud, journal = Cloud(), SpyJournal()
    bring_up(SITE, cloud, journal, pool)
    getattr(cloud, moment)["delete", name] = failing(Killed())
    with pytest.raises(Killed):
        tear_down(cloud, journal, pool, workers=1)
    del getattr(cloud, moment)["delete", name]

    report = tear_down(cloud, journal, pool)

    assert report.ok
    assert cloud.names - {"s"} == set()
    assert journal.entries == {}


@pytest.mark.parametrize("name", ["a", "b", "new"])
def test_a_half_built_stack_can_be_taken_down(pool, name):
    cloud, journal = Cloud(), SpyJournal()
    cloud.after["create", name] = failing(Killed())
    with pytest.raises(Killed):
        bring_up(SITE, cloud, journal, pool, workers=1)

    tear_down(cloud, journal, pool)

    assert cloud.names - {"s"} == set()
    assert journal.entries == {}


def test_what_was_made_without_its_mark_before_the_death_is_ours(pool):
    cloud, journal = Cloud(), SpyJournal()

    def die_unmarked():
        cloud.put("thing", "a", Observed(ThingSpec(), {"id": "a#1"}))
        raise Killed

    cloud.after["create", "a"] = die_unmarked
    with pytest.raises(Killed):
        bring_up(stack(wish("a")), cloud, journal, pool)

    report = bring_up(stack(wish("a")), cloud, journal, pool)

    assert report.ok
    assert cloud.things["thing", "a"].mark == mark("a")


def test_what_somebody_else_made_meanwhile_is_not_ours(pool):
    cloud, journal = Cloud(), SpyJournal()
    cloud.before["create", "a"] = failing(Killed())
    with pytest.raises(Killed):
        bring_up(stack(wish("a")), cloud, journal, pool)
    cloud.put("thing", "a", Observed(ThingSpec(), mark=Mark("shop", "prod", PLACE.region, "a")))

    plan = planned(stack(wish("a")), cloud, journal)

    assert [one.what for one in plan.obstacles] == ["thing a exists already and is not this stack's"]


def test_a_second_run_has_nothing_to_do(pool):
    cloud, journal = Cloud(), SpyJournal()
    bring_up(SITE, cloud, journal, pool)

    plan = planned(SITE, cloud, journal)

    assert (plan.writes, plan.amend) == ((), ())


def test_after_the_journal_was_lost_up_finds_everything_and_writes_it_down(pool):
    cloud, journal = Cloud(), SpyJournal()
    bring_up(SITE, cloud, journal, pool)
    cloud.calls.clear()
    anew = SpyJournal()

    bring_up(SITE, cloud, anew, pool)

    assert cloud.calls == []
    assert anew.entries.keys() == journal.entries.keys()
    assert {one.spec for one in map(_hashable, anew.entries.values())} == {
        one.spec for one in map(_hashable, journal.entries.values())
    }


def _hashable(known: Entry):
    return replace(known, spec=repr(known.spec))
