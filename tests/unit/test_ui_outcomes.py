from ui_samples import lines, outcome, rendered, report, step

from serverless_cli.errors import AwsError, Location
from serverless_cli.model import Action, Ref, Status
from serverless_cli.ui import outcomes
from serverless_cli.ui.text import DASH

HELLO = step(Action.CREATE, "function", "hello", where=Location("b.yaml", 5, 3))
API = step(Action.CREATE, "http-api", "api")
ROLE = step(Action.UPDATE, "role", "hello")
FAILED = outcome(HELLO, Status.FAILED, error=AwsError("lambda.CreateFunction", "Throttled", "slow down", hint="Wait."))
SKIPPED = outcome(API, Status.SKIPPED, cause=HELLO.ref)


def test_a_line_says_what_was_done_to_what_and_how_long_it_took() -> None:
    assert lines(outcomes.outcome_line(outcome(HELLO))) == ["created  function hello (website-dev-hello) 1.2s"]
    assert lines(outcomes.outcome_line(SKIPPED, mark=True)) == [f"{DASH} skipped  http-api api (website-dev-api)"]


def test_a_good_report_is_one_line() -> None:
    good = report(outcome(HELLO), outcome(ROLE), outcome(step(Action.KEEP, "bucket", "site")))

    assert lines(outcomes.report(good, "local", "slx up")) == [
        "Done: 1 created, 1 changed in website/dev (local), 4.2s"
    ]


def test_what_is_retained_is_not_said_to_be_left_over() -> None:
    done = report(outcome(step(Action.DELETE, "role", "hello")), outcome(step(Action.RETAIN, "bucket", "site")))

    assert lines(outcomes.report(done, "local", "")) == ["Done: 1 removed, 1 retained in website/dev (local), 4.2s"]


def test_a_failure_is_told_once_with_its_cause_place_and_consequences() -> None:
    found = lines(outcomes.report(report(outcome(ROLE), FAILED, SKIPPED), "local", "slx up website --local"))

    assert found == [
        "✗ function hello: lambda.CreateFunction failed: slow down (Throttled)",
        "  at b.yaml:5:3",
        "  hint: Wait.",
        "  skipped because of it: http-api api",
        "Not finished: 1 changed, 1 failed, 1 skipped in website/dev (local), 4.2s",
        "hint: what is done stays, and is not done again; go on with",
        "  slx up website --local",
    ]


def test_what_was_not_begun_is_named_after_a_cancellation() -> None:
    found = rendered(outcomes.report(report(outcome(ROLE), outcome(API, Status.CANCELLED)), "local", "slx up"))

    assert f"{DASH} not done: http-api api" in found
    assert "1 changed, 1 cancelled" in found


def test_many_skipped_steps_are_cut() -> None:
    many = [outcome(step(Action.CREATE, "queue", f"q{n}"), Status.SKIPPED, cause=HELLO.ref) for n in range(9)]

    found = rendered(outcomes.report(report(FAILED, *many), "local", "slx up"), 200)

    assert "queue q5 and 3 more" in found


def test_a_step_skipped_for_something_outside_the_plan_is_still_named() -> None:
    lost = outcome(API, Status.SKIPPED, cause=Ref("function", "elsewhere"))

    assert f"{DASH} not done: http-api api" in rendered(outcomes.report(report(lost), "local", "slx up"))
