"""Where the time of a run went."""

from __future__ import annotations

from serverless_cli.timings import Attempt, Watch, most_at_once, path, sums


def call(operation: str, started: float, ended: float, error: str | None = None) -> Attempt:
    return Attempt(operation, started, ended, 1, error)


WHO, ROLE, GROUP, MAKE, LATE = (
    call("sts.GetCallerIdentity", 1.0, 2.0),
    call("iam.CreateRole", 2.1, 4.0),
    call("logs.CreateLogGroup", 2.1, 3.0),
    call("lambda.CreateFunction", 4.5, 6.0),
    call("s3.PutObject", 3.0, 5.9),
)


def test_the_path_leads_from_the_last_call_back_over_those_that_it_waited_for():
    links = path([GROUP, MAKE, WHO, LATE, ROLE], began=0.0)

    assert [one.attempt for one in links] == [WHO, ROLE, MAKE]
    assert [round(one.before_s, 3) for one in links] == [1.0, 0.1, 0.5]


def test_a_call_that_began_a_moment_before_another_ended_may_have_waited_for_it():
    first, second = call("a.One", 0.0, 1.0), call("a.Two", 0.999, 2.0)

    assert [one.attempt for one in path([first, second], 0.0)] == [first, second]
    assert [one.before_s for one in path([first, second], 0.0)] == [0.0, 0.0]


def test_no_calls_have_no_path():
    assert path([], 0.0) == ()


def test_operations_are_summed_and_what_took_longest_comes_first():
    found = sums([call("a.One", 0, 1, "Throttling"), call("a.One", 2, 4), call("b.Two", 0, 5)])

    assert [(one.operation, one.count, one.total_s, one.longest_s, one.errors) for one in found] == [
        ("b.Two", 1, 5, 5, 0),
        ("a.One", 2, 3, 2, 1),
    ]


def test_one_that_begins_when_another_ends_is_not_at_once_with_it():
    assert most_at_once([call("a.One", 0, 1), call("a.One", 1, 2)]) == 1
    assert most_at_once([WHO, ROLE, GROUP, MAKE, LATE]) == 2


def test_phases_follow_one_another_and_the_first_lasts_until_the_first_call():
    watch = Watch(began=0.5)
    for one in (WHO, ROLE):
        watch(one.operation, one.started, one.ended, one.number, one.error)
    watch.phase("look", 2.0)
    watch.phase("make", 4.25)

    found = watch.result(ended=4.25)

    assert found.phases == (("start", 0.5), ("look", 1.0), ("make", 2.25))
    assert found.seconds == 3.75


def test_a_run_without_calls_has_phases_all_the_same():
    watch = Watch(began=1.0)
    watch.phase("look", 3.0)

    assert watch.result(ended=3.0).phases == (("start", 2.0), ("look", 0.0))
