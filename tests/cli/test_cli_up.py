import pytest
from cli_fakes import OUTPUTS, URL, FakeRollback, FakeRun, Line, checked, plan, skipped, step

from serverless_cli.errors import AwsError, Exit, Problem, SlxError
from serverless_cli.model import Action, Place, Status


def test_up_prints_the_outputs_on_stdout_and_the_story_on_stderr(slx: Line) -> None:
    ended = slx("up", "website", "--yes")

    assert ended.code == 0
    assert ended.out == f"website: {URL}\napi: {URL}/hello\n"
    assert "+ function hello  website-dev-hello" in ended.err
    assert (
        "Plan: 1 to create, 0 to change, 0 to remove in website/dev (account 123456789012, eu-central-1)" in ended.err
    )
    assert "created  function hello (website-dev-hello) 0.5s" in ended.err
    assert "Done: 1 created" in ended.err
    assert "✓ get http://website.example 200" in ended.err


def test_up_without_a_terminal_fails_at_once_and_names_the_flag(slx: Line) -> None:
    ended = slx("up", "website")

    assert ended.code == 2
    assert "--yes" in ended.err
    assert slx.app.calls == []


def test_up_locally_asks_nothing_where_it_only_creates(slx: Line) -> None:
    assert slx("up", "website", "--local").code == 0


@pytest.mark.parametrize("action", [Action.UPDATE, Action.DELETE, Action.REPLACE])
def test_up_locally_asks_where_it_does_more(slx: Line, action: Action) -> None:
    slx.app.running = FakeRun(plan(step(Action.CREATE), step(action, "bucket", "site")))

    ended = slx("up", "website", "--local")

    assert ended.code == 2
    assert not slx.app.running.ran


def test_up_with_nothing_to_do_asks_nothing_and_records_it(slx: Line) -> None:
    slx.app.running = FakeRun(plan(step(Action.KEEP)))

    ended = slx("up", "website", "--local")

    assert ended.code == 0
    assert "Nothing to do: website/dev (local) is as the blueprint says." in ended.err
    assert "Plan:" not in ended.err
    assert URL in ended.out
    assert slx.app.running.ran


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("YES\n", 0), ("n\n", 8), ("\n", 8), ("", 8)])
def test_up_does_what_it_is_answered(slx: Line, answer: str, code: int) -> None:
    ended = slx.typed(answer, "up", "website")

    assert ended.code == code
    assert "Do this? [y/N]" in ended.err
    assert slx.app.running.ran == (code == 0)


def test_up_shows_the_plan_before_it_asks_with_quiet_too(slx: Line) -> None:
    assert "1 to create" in slx.typed("y\n", "up", "website", "--quiet").err


def test_no_input_asks_nothing_on_a_terminal_either(slx: Line) -> None:
    assert slx.typed("y\n", "up", "website", "--no-input").code == 2


def test_what_is_in_the_way_stops_up(slx: Line) -> None:
    slx.app.running = FakeRun(
        plan(step(Action.CREATE)), blockers=(Problem("bucket b exists", "not ours", "rename it"),)
    )

    ended = slx("up", "website", "--yes")

    assert ended.code == 1
    assert "bucket b exists: not ours" in ended.err
    assert "hint: rename it" in ended.err
    assert "nothing was done" in ended.err
    assert not slx.app.running.ran
    assert ended.out == ""


def test_what_is_in_the_way_is_an_error_document(slx: Line) -> None:
    slx.app.running = FakeRun(plan(step(Action.CREATE)), blockers=(Problem("bucket b exists"),))

    planned, error = slx("up", "website", "--yes", "--json").records

    assert planned["event"] == "planned"
    assert error["error"]["problems"][0]["what"] == "bucket b exists"
    assert error["error"]["exit_code"] == 1


def test_a_failed_resource_gives_exit_code_4_and_the_way_on(slx: Line) -> None:
    error = AwsError("lambda.CreateFunction", "Throttled", "slow down", hint="Wait.")
    slx.app.running = FakeRun(plan(step(Action.CREATE)), Status.FAILED, error)

    ended = slx("up", "website", "--local", "-s", "test")

    assert ended.code == 4
    assert ended.err.count("slow down") == 1
    assert "slx up website --stage test --local" in ended.err
    assert "get" not in ended.err.splitlines()[-1]
    assert ended.out == ""


def test_a_failure_is_seen_with_quiet(slx: Line) -> None:
    error = AwsError("lambda.CreateFunction", "Throttled", "slow down")
    slx.app.running = FakeRun(plan(step(Action.CREATE)), Status.FAILED, error)

    assert "slow down" in slx("up", "website", "--local", "-q").err


def test_quiet_leaves_the_data_only(slx: Line) -> None:
    ended = slx("up", "website", "--yes", "--quiet")

    assert ended.err == ""
    assert URL in ended.out


def test_a_check_that_lacks_a_secret_is_told_and_is_no_failure(slx: Line) -> None:
    slx.app.running = FakeRun(plan(step(Action.KEEP)), checks=(checked(), skipped()))

    ended = slx("up", "website", "--yes", "--quiet")

    assert ended.code == 0
    assert "skipped: it needs the secret pw: SLX_PARAM_PW=..." in ended.err


def test_a_failed_check_gives_exit_code_4_and_the_outputs_all_the_same(slx: Line) -> None:
    slx.app.running = FakeRun(plan(step(Action.CREATE)), checks=(checked(ok=False),))

    ended = slx("up", "website", "--yes")

    assert ended.code == 4
    assert "✗ get http://website.example: status 500" in ended.err
    assert URL in ended.out


@pytest.mark.parametrize(
    ("endpoint", "flags", "run"),
    [
        (False, (), True),
        (False, ("--no-checks",), False),
        (True, (), False),
        (True, ("--checks",), True),
    ],
)
def test_checks_run_unless_unwanted_or_against_an_unknown_endpoint(
    slx: Line, endpoint: bool, flags: tuple[str, ...], run: bool
) -> None:
    slx.app.running = FakeRun(plan(step(Action.CREATE)), explicit_endpoint=endpoint)

    ended = slx("up", "website", "--yes", *flags)

    assert ("✓ get" in ended.err) == run


def test_json_is_a_line_per_event_and_a_report(slx: Line) -> None:
    ended = slx("up", "website", "--yes", "--json")

    assert [record["event"] for record in ended.records] == ["planned", "started", "ended", "checked", "report"]
    assert ended.records[-1]["outputs"] == OUTPUTS
    assert ended.records[-1]["ok"] is True
    assert ended.records[-1]["checks"][0]["ok"] is True
    assert ended.err == ""


def test_json_never_asks(slx: Line) -> None:
    ended = slx.typed("y\n", "up", "website", "--json")

    assert ended.code == 2
    assert ended.document["error"]["exit_code"] == 2


def test_allowed_deletions_reach_the_application(slx: Line) -> None:
    slx("up", "website", "--yes", "--allow-delete", "a", "--allow-delete", "b")

    assert slx.app.calls == [("up", ("website", frozenset({"a", "b"})))]


def test_who_stops_the_last_steps_gets_no_checks(slx: Line) -> None:
    slx.app.running.stopped = True

    ended = slx("up", "website", "--yes")

    assert ended.code == 8
    assert "check" not in ended.err


def test_losing_data_on_a_protected_stage_takes_the_name(slx: Line) -> None:
    slx.app.project = {"protected_stages": ["prod"]}
    lossy = plan(step(Action.DELETE, "bucket", "site", loses_data=True), place=Place("website", "prod", "r", "1"))
    slx.app.running = FakeRun(lossy)

    refused = slx("up", "website", "--yes")
    agreed = slx("up", "website", "--yes", "--confirm", "website")

    assert (refused.code, agreed.code) == (2, 0)
    assert "--confirm website" in refused.err


def test_verbose_shows_what_stays(slx: Line) -> None:
    slx.app.running = FakeRun(plan(step(Action.CREATE), step(Action.KEEP, "role", "r")))

    assert "= role r" in slx("up", "website", "--yes", "-v").err


def broken(**back: object) -> FakeRun:
    """A run that fails, with a rollback that removes one function."""
    undoing = FakeRollback(plan(step(Action.DELETE)), **back)  # type: ignore[arg-type]
    error = AwsError("lambda.CreateFunction", "Throttled", "slow down", hint="Wait.")
    return FakeRun(plan(step(Action.CREATE)), Status.FAILED, error, back=undoing)


def test_rollback_undoes_a_run_that_failed_and_tells_the_cause_once(slx: Line) -> None:
    slx.app.running = broken()

    ended = slx("up", "website", "--local", "--rollback")

    assert ended.code == 4
    assert ended.err.count("slow down") == 1
    assert "Undone: 1 removed in website/dev (local)" in ended.err
    assert "all is as it was before this run" in ended.err
    assert "what is done stays" not in ended.err
    assert ended.err.splitlines()[-1].strip() == "slx up website --rollback --local"
    assert ended.out == ""


def test_rollback_of_a_run_that_goes_well_is_not_begun(slx: Line) -> None:
    slx.app.running = FakeRun(plan(step(Action.CREATE)), back=(back := FakeRollback(plan())))

    ended = slx("up", "website", "--local", "--rollback")

    assert (ended.code, back.ran) == (0, False)
    assert "Done: 1 created" in ended.err
    assert URL in ended.out


def test_a_run_that_was_stopped_in_its_last_steps_is_undone(slx: Line) -> None:
    back = FakeRollback(plan(step(Action.DELETE)))
    slx.app.running = FakeRun(plan(step(Action.CREATE)), back=back, stopped=True)

    ended = slx("up", "website", "--local", "--rollback")

    assert (ended.code, back.ran) == (8, True)
    assert "Undone: 1 removed" in ended.err


def test_what_cannot_be_undone_is_told_with_the_reason_and_the_way_on(slx: Line) -> None:
    slx.app.running = broken(left=(Problem("table t stays as it is now", "what it held is gone"),))

    ended = slx("up", "website", "--local", "--rollback", "--quiet")

    assert ended.code == 4
    assert "table t stays as it is now: what it held is gone" in ended.err
    assert "Not all undone: 1 removed" in ended.err
    assert "`slx down` removes it all" in ended.err


def test_a_rollback_that_cannot_begin_leaves_the_exit_code_of_the_failure(slx: Line) -> None:
    slx.app.running = broken(refuses=SlxError("AWS cannot be reached", exit_code=Exit.FAILED))

    ended = slx("up", "website", "--local", "--rollback")

    assert ended.code == 4
    assert "nothing is undone: AWS cannot be reached" in ended.err
    assert "go on with: slx up website --rollback --local" in ended.err


def test_json_tells_a_rollback_in_events_and_in_the_report(slx: Line) -> None:
    slx.app.running = broken(left=(Problem("table t stays", "gone"),))

    ended = slx("up", "website", "--yes", "--json", "--rollback")

    assert [one["event"] for one in ended.records] == ["planned", "started", "ended", "undoing", "ended", "report"]
    report = ended.records[-1]
    assert (report["ok"], report["exit_code"]) == (False, 4)
    assert report["rollback"]["ok"] is False
    assert [one["status"] for one in report["rollback"]["steps"]] == ["done"]
    assert [one["why"] for one in report["rollback"]["left"]] == ["gone"]


def test_timings_tell_the_phases_of_the_run_and_leave_the_data_alone(slx: Line) -> None:
    ended = slx("up", "website", "--yes", "--timings")

    story = ended.err.split("where the time went: ")[1]
    phases = ["start", "looking and planning", "asking", "making", "checking", "leaving"]
    assert [line.split(maxsplit=2)[2] for line in story.splitlines()[1 : len(phases) + 1]] == phases
    assert ended.out == slx("up", "website", "--yes").out


def test_the_report_of_a_run_that_is_undone_is_the_last_line_too(slx: Line) -> None:
    slx.app.running = broken()

    found = slx("up", "website", "--yes", "--json", "--rollback", "--timings").records

    assert [one["event"] for one in found[-2:]] == ["timings", "report"]


def test_timings_are_a_record_for_programs(slx: Line) -> None:
    *_, record, report = slx("up", "website", "--yes", "--json", "--timings").records

    assert (record["event"], report["event"]) == ("timings", "report")
    assert sum(one["seconds"] for one in record["phases"]) == pytest.approx(record["seconds"], abs=0.01)
