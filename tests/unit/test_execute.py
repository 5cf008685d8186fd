import threading
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serverless_cli.errors import Exit, Problem, SlxError
from serverless_cli.events import Ended, Note, Planned, Started
from serverless_cli.execute import run
from serverless_cli.model import (
    Action,
    Entry,
    Handout,
    Late,
    Mark,
    Observed,
    Plan,
    Record,
    Status,
    Step,
)
from serverless_cli.plan import down, fill_known, heres, up
from tests.unit.fakes import (
    KINDS,
    PLACE,
    Cloud,
    FullDisk,
    Held,
    Inline,
    Killed,
    Listener,
    SpyJournal,
    ThingSpec,
    Ticks,
    entry,
    mark,
    ref,
    seen,
    stack,
    wish,
)

POOLS = pytest.mark.parametrize("pool", [pytest.param(None, id="threaded"), pytest.param(Inline(), id="inline")])
DEADLINE_S = 20.0


@pytest.fixture(params=[None, Inline()], ids=["threaded", "inline"])
def pool(request):
    return request.param


def go(steps, pool=None, *, cloud=None, journal=None, **options):
    """Runs a plan, or loose steps."""
    plan = steps if isinstance(steps, Plan) else Plan(PLACE, {one.ref: one for one in steps})
    defaults = {"lease": Held(), "listen": Listener(), "clock": Ticks(), "pool": pool}
    return run(
        plan,
        kinds=KINDS,
        aws=cloud or Cloud(),
        journal=SpyJournal() if journal is None else journal,
        **{**defaults, **options},
    )


def planned(wanted, cloud, journal):
    """As the app does it: read, fill, prepare, plan."""
    observed = {one: KINDS[one.kind].read(cloud, here) for one, here in heres(PLACE, KINDS, journal.record, (), wanted).items()}
    return up(fill_known(wanted, observed, KINDS), observed, journal.record, KINDS)


def bring_up(wanted, cloud, journal, pool, **options):
    return go(planned(wanted, cloud, journal), pool, cloud=cloud, journal=journal, **options)


def tear_down(cloud, journal, pool, **options):
    read = {one: KINDS[one.kind].read(cloud, here) for one, here in heres(PLACE, KINDS, journal.record).items()}
    return go(down(PLACE, journal.record, read, KINDS), pool, cloud=cloud, journal=journal, **options)


def create(text, *needs, **rest):
    it = ref(text)
    return Step(Action.CREATE, it, it.id, ThingSpec(), needs=frozenset(map(ref, needs)), absent=True, **rest)


def delete(text, *needs, **rest):
    it = ref(text)
    return Step(Action.DELETE, it, it.id, needs=frozenset(map(ref, needs)), **rest)


def keep(text, *needs, **outputs):
    it = ref(text)
    return Step(Action.KEEP, it, it.id, ThingSpec(), needs=frozenset(map(ref, needs)), outputs=outputs)


def late(text, attribute="id"):
    return Late((Handout(ref(text), attribute),))


def statuses(report):
    return {str(one): outcome.status.value for one, outcome in report.outcomes.items()}


def failing(error):
    def fail():
        raise error

    return fail


# Order


def test_a_step_runs_after_all_that_it_needs(pool):
    cloud = Cloud()

    report = go([create("c", "a", "b"), create("b", "a"), create("a")], pool, cloud=cloud)

    assert cloud.calls == [("create", "a"), ("create", "b"), ("create", "c")]
    assert report.ok
    assert list(statuses(report)) == ["thing c", "thing b", "thing a"]


def test_needs_that_are_no_steps_hold_nothing_up(pool):
    assert go([create("a", "elsewhere")], pool).ok


def test_an_empty_plan_is_done_at_once(pool):
    listener = Listener()

    report = go([], pool, listen=listener)

    assert report.ok
    assert [type(event) for event in listener.events] == [Planned]


def test_two_steps_that_need_not_one_another_overlap():
    cloud = Cloud()
    both = threading.Barrier(2)
    for name in ("a", "b"):
        cloud.before["create", name] = lambda: both.wait(DEADLINE_S)

    report = go([create("a"), create("b")], cloud=cloud)

    assert statuses(report) == {"thing a": "done", "thing b": "done"}


def test_a_step_starts_when_its_own_needs_have_ended_and_waits_for_no_others():
    cloud = Cloud()
    quick_chain_is_through = threading.Event()
    cloud.before["create", "slow"] = lambda: _wait(quick_chain_is_through)
    cloud.after["create", "last"] = quick_chain_is_through.set

    report = go([create("slow"), create("first"), create("second", "first"), create("last", "second")], cloud=cloud)

    assert report.ok


def _wait(event):
    if not event.wait(DEADLINE_S):
        raise TimeoutError


def test_no_more_steps_run_at_once_than_there_are_workers():
    listener = Listener()

    go([create(name) for name in "abcdef"], listen=listener, workers=2)

    at_once = most = 0
    for event in listener.events:
        at_once += isinstance(event, Started) - isinstance(event, Ended)
        most = max(most, at_once)
    assert most == 2


def test_steps_of_one_lane_never_overlap():
    cloud, listener = Cloud(), Listener()
    others_run = threading.Event()
    cloud.before["create", "s1"] = lambda: _wait(others_run)
    cloud.after["create", "a"] = others_run.set

    report = go([*(create(f"statement s{n}") for n in (1, 2, 3)), create("a")], cloud=cloud, listen=listener)

    events = [
        (type(event).__name__, (event.step if isinstance(event, Started) else event.outcome.step).ref.id)
        for event in listener.events
        if not isinstance(event, Planned)
    ]
    lane = [event for event in events if event[1] != "a"]
    assert lane == [(what, f"s{n}") for n in (1, 2, 3) for what in ("Started", "Ended")]
    assert events.index(("Started", "a")) < events.index(("Ended", "s1"))
    assert report.ok


def test_a_lane_goes_on_after_a_failure(pool):
    cloud = Cloud()
    cloud.before["create", "s1"] = failing(SlxError("no"))

    report = go([create("statement s1"), create("statement s2")], pool, cloud=cloud)

    assert statuses(report) == {"statement s1": "failed", "statement s2": "done"}


def test_a_plan_that_waits_for_itself_is_refused_before_any_write(pool):
    cloud = Cloud()

    with pytest.raises(SlxError, match="thing a needs thing b needs thing a|thing b needs thing a needs thing b") as caught:
        go([create("a", "b"), create("b", "a")], pool, cloud=cloud)

    assert caught.value.exit_code is Exit.BUG
    assert cloud.calls == []


def test_a_plan_with_an_obstacle_is_refused_before_any_write(pool):
    cloud = Cloud()
    plan = Plan(PLACE, {ref("a"): create("a")}, (Problem("thing b exists already", "why", "hint"),))

    with pytest.raises(SlxError, match="thing b exists already"):
        go(plan, pool, cloud=cloud)

    assert cloud.calls == []


@st.composite
def webs(draw):
    """Steps whose needs come before them, in any order, and some that fail."""
    actions = [Action.CREATE, Action.DELETE, Action.KEEP]
    steps = []
    for number in range(draw(st.integers(1, 12))):
        needs = draw(st.sets(st.integers(0, number - 1), max_size=4)) if number else set()
        kind = draw(st.sampled_from(["thing", "statement"]))
        it = replace(ref(f"{kind} r{number}"))
        wanted = frozenset(steps[need].ref for need in needs)
        steps.append(Step(draw(st.sampled_from(actions)), it, it.id, ThingSpec(), needs=wanted))
    broken = draw(st.sets(st.sampled_from([step.name for step in steps]), max_size=2))
    return draw(st.permutations(steps)), broken


@POOLS
@given(web=webs())
def test_any_plan_runs_each_step_once_after_its_needs_and_skips_only_what_failed_for(pool, web):
    steps, broken = web
    cloud = Cloud()
    for name in broken:
        for verb in ("create", "delete"):
            cloud.before[verb, name] = failing(SlxError("broken"))

    report = go(steps, pool, cloud=cloud, workers=3)

    by_ref = {step.ref: step for step in steps}
    above = {one: _upstream(by_ref, one) for one in by_ref}
    fails = {s.ref for s in steps if s.name in broken and s.action is not Action.KEEP}
    for step in steps:
        outcome = report.outcomes[step.ref]
        if step.action is Action.KEEP:
            assert outcome.status is Status.DONE
        elif fails & above[step.ref]:
            assert outcome.status is Status.SKIPPED
            assert outcome.cause in fails & above[step.ref]
        else:
            assert outcome.status is (Status.FAILED if step.ref in fails else Status.DONE)
    order = [name for _, name in cloud.calls]
    done = [s for s in steps if s.action is not Action.KEEP and report.outcomes[s.ref].status is Status.DONE]
    assert sorted(order) == sorted(step.name for step in done)
    for step in done:
        needed = [by_ref[one].name for one in above[step.ref] if by_ref[one] in done]
        assert all(order.index(name) < order.index(step.name) for name in needed)


def _upstream(steps, one):
    found, todo = set(), list(steps[one].needs)
    while todo:
        need = todo.pop()
        if need not in found:
            found.add(need)
            todo.extend(steps[need].needs)
    return found


# Failures


def test_a_failure_skips_what_needs_it_and_names_the_cause_and_all_else_goes_on(pool):
    cloud, journal = Cloud(), SpyJournal()
    broken = SlxError("lambda.CreateFunction failed", "quota")
    cloud.before["create", "a"] = failing(broken)

    report = go([create("a"), create("b", "a"), create("c", "b"), create("d")], pool, cloud=cloud, journal=journal)

    assert statuses(report) == {"thing a": "failed", "thing b": "skipped", "thing c": "skipped", "thing d": "done"}
    assert report.outcomes[ref("a")].error is broken
    assert report.outcomes[ref("c")].cause == ref("a")
    assert not report.ok
    assert journal.failures == {ref("a"): "lambda.CreateFunction failed: quota"}


def test_a_failure_in_teardown_leaves_what_it_still_uses_and_removes_the_rest(pool):
    cloud, journal = Cloud(), SpyJournal()
    bring_up(stack(wish("role"), wish("function", "role"), wish("bucket")), cloud, journal, pool)
    cloud.before["delete", "function"] = failing(SlxError("no"))

    report = tear_down(cloud, journal, pool)

    assert statuses(report) == {"thing role": "skipped", "thing function": "failed", "thing bucket": "done"}
    assert cloud.names == {"role", "function"}
    assert set(journal.entries) == {ref("role"), ref("function")}


def test_what_is_only_kept_is_not_skipped_but_what_needs_it_is(pool):
    cloud = Cloud()
    cloud.before["create", "a"] = failing(SlxError("no"))

    report = go([create("a"), keep("b", "a"), create("c", "b")], pool, cloud=cloud)

    assert statuses(report) == {"thing a": "failed", "thing b": "done", "thing c": "skipped"}
    assert report.outcomes[ref("c")].cause == ref("a")


def test_a_bug_in_a_kind_is_told_as_one_with_its_cause(pool):
    report = go([create("odd a"), create("b")], pool)

    error = report.outcomes[ref("odd a")].error
    assert error.exit_code is Exit.BUG
    assert "ZeroDivisionError" in error.why
    assert isinstance(error.__cause__, ZeroDivisionError)
    assert report.outcomes[ref("b")].status is Status.DONE


def test_nothing_is_written_that_the_journal_cannot_record(pool):
    cloud = Cloud()

    report = go([create("a"), create("b", "a")], pool, cloud=cloud, journal=FullDisk(room=2))

    assert statuses(report) == {"thing a": "done", "thing b": "failed"}
    assert cloud.calls == [("create", "a")]


def test_a_listener_that_raises_does_no_harm(pool):
    report = go([create("a"), create("b", "a")], pool, listen=Listener(on=lambda event: 1 / 0))

    assert report.ok


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

    report = go([keep("a", id="a#1"), replace(keep("b"), action=Action.RETAIN)], pool, cloud=cloud, journal=journal, listen=listener)

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

    report = bring_up(stack(wish("a", spec=ThingSpec(key="new")), wish("statement s", inside="a")), cloud, journal, pool)

    assert report.ok
    assert set(journal.entries) == {ref("a"), ref("statement s")}


def test_verbs_learn_what_was_applied_last_and_what_is_known(pool):
    cloud = Cloud()
    cloud.put("thing", "a", seen("a", id="a#1"))
    journal = SpyJournal(Record({ref("a"): entry("a", spec=ThingSpec(steer="before"))}))

    bring_up(stack(wish("a", spec=ThingSpec(size=2))), cloud, journal, pool)

    here = cloud.heres["update", "a"]
    assert here.recorded == ThingSpec(steer="before")
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
    wanted = stack(wish("stream a", spec=ThingSpec(size=2)), wish("b", "stream a", spec=ThingSpec(key=late("stream a", "stream"))))
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
    wanted = stack(wish("stream a", spec=ThingSpec(size=2)), wish("b", "stream a", spec=ThingSpec(link=late("stream a", "stream"))))

    report = bring_up(wanted, cloud, journal, pool)

    change = report.outcomes[ref("b")].step.changes[0]
    assert (change.path, change.before, change.after) == (("link",), "old", "stream of a#1")
    assert cloud.calls == [("update", "a"), ("update", "b")]


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
    journal = SpyJournal(Record({ref("b"): entry("b")}))
    wanted = stack(wish("stream a", spec=ThingSpec(size=2)), wish("b", "stream a", spec=ThingSpec(link=late("stream a", "stream"))))

    bring_up(wanted, cloud, journal, pool)

    assert cloud.things["thing", "b"].mark == mark("b")


def test_a_value_that_nobody_hands_out_fails_its_step_before_any_write(pool):
    cloud, journal = Cloud(), SpyJournal()

    report = bring_up(stack(wish("a"), wish("b", "a", spec=ThingSpec(link=late("a", "url")))), cloud, journal, pool)

    assert "${a.url} has not been handed out" in report.outcomes[ref("b")].error.why
    assert ("create", "b") not in cloud.calls
    assert ("begin", "thing b") not in journal.lines


# Stopping


def test_once_cancelled_no_step_is_started_and_the_running_one_is_recorded(pool):
    cloud, journal, listener = Cloud(), SpyJournal(), Listener()
    cancel = threading.Event()
    cloud.before["create", "a"] = cancel.set

    report = go(
        [create("a"), create("b", "a"), create("c", "b"), keep("k", "c")],
        pool,
        cloud=cloud,
        journal=journal,
        listen=listener,
        cancel=cancel,
    )

    assert statuses(report) == {"thing a": "done", "thing b": "cancelled", "thing c": "cancelled", "thing k": "done"}
    assert cloud.calls == [("create", "a")]
    assert journal.lines == [("begin", "thing a"), ("finish", "thing a")]
    assert [event for event in listener.events if isinstance(event, Note)] == [
        Note("stopping: no further step is started, 0 running end first")
    ]


def test_all_that_run_when_cancelled_end_and_are_recorded():
    cloud, journal = Cloud(), SpyJournal()
    cancel, both = threading.Event(), threading.Barrier(2, action=lambda: cancel.set())
    for name in ("a", "b"):
        cloud.before["create", name] = lambda: both.wait(DEADLINE_S)

    report = go([create("a"), create("b"), create("c", "a")], cloud=cloud, journal=journal, cancel=cancel)

    assert statuses(report) == {"thing a": "done", "thing b": "done", "thing c": "cancelled"}
    assert set(journal.entries) == {ref("a"), ref("b")}


def test_steps_that_wait_for_a_lane_are_cancelled_too(pool):
    cloud = Cloud()
    cancel = threading.Event()
    cloud.before["create", "s1"] = cancel.set

    report = go([create(f"statement s{n}") for n in (1, 2, 3)], pool, cloud=cloud, cancel=cancel)

    assert statuses(report) == {"statement s1": "done", "statement s2": "cancelled", "statement s3": "cancelled"}


def test_cancelled_before_the_start_nothing_runs(pool):
    cloud, cancel = Cloud(), threading.Event()
    cancel.set()

    report = go([create("a"), create("b", "a")], pool, cloud=cloud, cancel=cancel)

    assert statuses(report) == {"thing a": "cancelled", "thing b": "cancelled"}
    assert cloud.calls == []


def test_what_needs_a_failed_step_is_skipped_even_when_stopping(pool):
    cloud, cancel = Cloud(), threading.Event()

    def fail():
        cancel.set()
        raise SlxError("no")

    cloud.before["create", "a"] = fail

    report = go([create("a"), create("b", "a"), create("c", "b")], pool, cloud=cloud, cancel=cancel)

    assert statuses(report) == {"thing a": "failed", "thing b": "skipped", "thing c": "skipped"}


def test_a_lost_lock_stops_the_run_before_the_next_write(pool):
    cloud, journal = Cloud(), SpyJournal()

    report = go(
        [create("a"), create("b", "a"), create("c", "a"), create("d", "c")],
        pool,
        cloud=cloud,
        journal=journal,
        lease=Held(checks=1),
        workers=1,
    )

    assert cloud.calls == [("create", "a")]
    assert journal.lines == [("begin", "thing a"), ("finish", "thing a")]
    assert statuses(report) == {"thing a": "done", "thing b": "failed", "thing c": "cancelled", "thing d": "cancelled"}
    assert report.outcomes[ref("b")].error.exit_code is Exit.LOCKED


def test_the_journal_is_not_amended_without_the_lock(pool):
    journal = SpyJournal()

    with pytest.raises(SlxError, match="lock was lost"):
        go(Plan(PLACE, {}, amend=(keep("a"),)), pool, journal=journal, lease=Held(checks=0))

    assert journal.lines == []


# Death at any point, and the run after it


SITE = stack(
    wish("a"),
    wish("b", "a", spec=ThingSpec(link=late("a"))),
    wish("statement s", "b", inside="a"),
    wish("table t", name="new", spec=ThingSpec(key="new")),
)
BEFORE = stack(wish("a", spec=ThingSpec(key="other")), wish("table t", name="old"), wish("dropped"), wish("c", "dropped"))


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize(
    "call",
    [("delete", "a"), ("create", "a"), ("create", "b"), ("create", "s"), ("create", "new"), ("delete", "old"), ("delete", "dropped"), ("delete", "c")],
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
    assert {one.spec for one in map(_hashable, anew.entries.values())} == {one.spec for one in map(_hashable, journal.entries.values())}


def _hashable(known: Entry):
    return replace(known, spec=repr(known.spec))


# Events and times


def test_listeners_hear_everything_from_the_thread_that_runs_the_plan(pool):
    listener = Listener()

    go([create("a"), create("b", "a")], pool, listen=listener)

    assert [type(event).__name__ for event in listener.events] == ["Planned", "Started", "Ended", "Started", "Ended"]
    assert listener.threads == {threading.get_ident()}


def test_times_are_told_by_the_clock_that_was_given(pool):
    listener = Listener()

    report = go([create("a")], pool, listen=listener)

    assert report.outcomes[ref("a")].seconds == 1.0
    assert report.seconds == 5.0
    assert [event.at_s for event in listener.events[1:]] == [1.0, 4.0]


def test_a_pool_that_was_given_is_left_open():
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(2) as shared:
        go([create("a")], shared)
        assert shared.submit(lambda: 7).result(DEADLINE_S) == 7
