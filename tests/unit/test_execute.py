import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serverless_cli.errors import Exit, Problem, SlxError
from serverless_cli.events import Ended, Note, Planned, Started
from serverless_cli.model import Action, Plan, Status, Step
from tests.unit.fakes import PLACE, Cloud, FullDisk, Held, Inline, Listener, SpyJournal, ThingSpec
from tests.unit.words import (
    DEADLINE_S,
    bring_up,
    create,
    failing,
    go,
    keep,
    late,
    ref,
    stack,
    statuses,
    tear_down,
    wish,
)

POOLS = pytest.mark.parametrize("pool", [pytest.param(None, id="threaded"), pytest.param(Inline(), id="inline")])


@pytest.fixture(params=[None, Inline()], ids=["threaded", "inline"])
def pool(request):
    return request.param


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
    cloud.before["create", "slow"] = lambda: wait(quick_chain_is_through)
    cloud.after["create", "last"] = quick_chain_is_through.set

    report = go([create("slow"), create("first"), create("second", "first"), create("last", "second")], cloud=cloud)

    assert report.ok


def test_what_needs_something_only_to_be_ready_does_not_wait_for_its_end():
    cloud = Cloud()
    came = threading.Event()
    cloud.after["create", "house"] = lambda: wait(came)
    cloud.after["create", "visit"] = came.set
    visit = replace(create("guest visit", "house"), spec=ThingSpec(link=late("house")))

    report = go([create("house"), visit, create("heir", "house")], cloud=cloud)

    assert report.ok
    assert cloud.calls == [("create", "house"), ("create", "visit"), ("create", "heir")]
    assert cloud.things["guest", "visit"].spec.link == "house#1"


def test_what_began_early_goes_on_when_the_rest_of_its_need_fails(pool):
    cloud = Cloud()
    cloud.after["create", "house"] = failing(SlxError("no luck"))
    steps = [create("house"), create("guest early", "house"), create("heir", "house"), create("slow", "guest early")]

    report = go(steps, pool, cloud=cloud)

    assert statuses(report) == {
        "thing house": "failed", "guest early": "done", "thing heir": "skipped", "thing slow": "done",
    }  # fmt: skip


def test_what_might_have_begun_early_but_waited_for_others_is_skipped_when_its_need_fails():
    cloud = Cloud()
    failed = threading.Event()
    cloud.after["create", "house"] = failing(SlxError("no luck"))
    listener = Listener()

    def hear(event):
        listener(event)
        if isinstance(event, Ended) and event.outcome.status is Status.FAILED:
            failed.set()

    cloud.before["create", "other"] = lambda: wait(failed)

    steps = [create("house"), create("other"), create("guest late", "house", "other")]
    report = go(steps, cloud=cloud, listen=hear)

    assert statuses(report) == {"thing house": "failed", "thing other": "done", "guest late": "skipped"}


def wait(event):
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
    cloud.before["create", "s1"] = lambda: wait(others_run)
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

    with pytest.raises(
        SlxError, match=r"thing a needs thing b needs thing a|thing b needs thing a needs thing b"
    ) as caught:
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


def test_once_the_journal_takes_no_intent_no_other_step_is_tried():
    cloud, listener = Cloud(), Listener()

    steps = [create("a"), create("b", "a"), create("c", "a"), create("d", "a")]
    report = go(steps, Inline(), cloud=cloud, journal=FullDisk(room=2), listen=listener)

    assert statuses(report) == {"thing a": "done", "thing b": "failed", "thing c": "cancelled", "thing d": "cancelled"}
    assert cloud.calls == [("create", "a")]
    assert [event.text.partition(":")[0] for event in listener.events if isinstance(event, Note)] == [
        "the journal cannot be written"
    ]


def test_a_listener_that_raises_does_no_harm(pool):
    report = go([create("a"), create("b", "a")], pool, listen=Listener(on=lambda event: 1 / 0))

    assert report.ok


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
    cancel = threading.Event()
    both = threading.Barrier(2, action=cancel.set)
    for name in ("a", "b"):
        cloud.before["create", name] = lambda: both.wait(DEADLINE_S)

    report = go([create("a"), create("b"), create("c", "a")], cloud=cloud, journal=journal, cancel=cancel)

    assert statuses(report) == {"thing a": "done", "thing b": "done", "thing c": "cancelled"}
    assert set(journal.entries) == {ref("a"), ref("b")}


def test_steps_that_wait_for_a_lane_are_cancelled_too():
    cloud = Cloud()
    cancel = threading.Event()
    cloud.before["create", "s1"] = lambda: wait(cancel)
    cloud.after["create", "last"] = cancel.set

    report = go([*(create(f"statement s{n}") for n in (1, 2, 3)), create("last")], cloud=cloud, cancel=cancel)

    assert statuses(report) == {
        "statement s1": "done",
        "statement s2": "cancelled",
        "statement s3": "cancelled",
        "thing last": "done",
    }


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
    with ThreadPoolExecutor(2) as shared:
        go([create("a")], shared)
        assert shared.submit(lambda: 7).result(DEADLINE_S) == 7
