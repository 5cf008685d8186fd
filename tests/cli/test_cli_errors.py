"""Every failure ends in words and an exit code."""

import os
import re
import stat
from pathlib import Path

import pytest
from cli_fakes import FakeRun, Line, Result, plan, step

from serverless_cli.errors import AwsError, Exit, SlxError
from serverless_cli.model import Action, Status
from serverless_cli.secret import Secret


@pytest.mark.parametrize("code", [one for one in Exit if one])
def test_an_error_exits_with_its_code(slx: Line, code: Exit) -> None:
    slx.app.error = SlxError("it is so", "because", "do this", exit_code=code)

    ended = slx("status")

    assert ended.code == code
    assert ended.err == "error: it is so: because\n  hint: do this\n"
    assert ended.out == ""


def test_an_error_is_a_document_with_json(slx: Line) -> None:
    slx.app.error = SlxError("it is so", exit_code=Exit.DENIED)

    ended = slx("status", "--json")

    assert ended.document["error"] == {"what": "it is so", "why": "", "hint": "", "exit_code": 5, "where": None}
    assert ended.err == ""


def test_a_failure_of_aws_says_what_to_run_next(slx: Line) -> None:
    slx.app.error = AwsError("sqs.ListQueues", "OddException", "this is not how it is done")

    told, record = slx("status"), slx("status", "--json")
    slx.app.error = AwsError("sqs.ListQueues", "OddException", "this is not how it is done")
    made = slx("up", "website", "--yes")

    assert "hint: run the same command again once that is put right\n" in told.err
    assert "put right: it goes on from what exists" in made.err
    assert record.document["error"]["hint"] in told.err


@pytest.mark.parametrize("command", ["status", "outputs", "check", "plan", "logs"])
def test_an_interrupt_anywhere_is_one_line(slx: Line, command: str) -> None:
    slx.app.error = KeyboardInterrupt()

    ended = slx(command)

    assert (ended.code, ended.err) == (8, "error: cancelled\n")


@pytest.mark.parametrize("command", ["up", "down"])
def test_what_goes_on_when_it_is_run_again_says_so(slx: Line, command: str) -> None:
    slx.app.error = KeyboardInterrupt()

    ended = slx(command, "website", "--yes")

    assert (ended.code, ended.err) == (8, "error: cancelled: the same command goes on from what there is\n")


def test_to_follow_logs_ends_quietly(slx: Line) -> None:
    slx.app.error = KeyboardInterrupt()

    assert slx("logs", "--follow") == Result(0, "", "")


def report_of(err: str) -> Path:
    found = re.search(r"written down in (\S+);", err)
    assert found
    return Path(found[1])


def test_a_bug_is_words_and_a_private_report(slx: Line) -> None:
    slx.app.error = RuntimeError("what a user wrote")

    ended = slx("status")

    report = report_of(ended.err)
    try:
        assert ended.code == 70
        assert "a bug in slx: RuntimeError at cli_fakes.py:" in ended.err
        assert "Traceback" not in ended.err
        assert "what a user wrote" not in ended.err
        assert "what a user wrote" in report.read_text()
        if os.name == "posix":
            assert stat.S_IMODE(report.stat().st_mode) == 0o600
    finally:
        report.unlink()


@pytest.mark.parametrize("debug", [(), ("--debug",)])
def test_neither_report_nor_debug_has_a_secret(
    slx: Line, debug: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "of-the-session")
    slx.app.error = RuntimeError(f"{Secret('open sesame')!s} {['open sesame']!r} of-the-session")

    ended = slx("status", *debug)

    report = report_of(ended.err)
    said = ended.err + report.read_text()
    report.unlink()
    assert "RuntimeError: *** ['***'] ***" in said
    assert "sesame" not in said
    assert "of-the-session" not in said


def test_debug_shows_the_traceback(slx: Line) -> None:
    slx.app.error = RuntimeError("broken")

    ended = slx("status", "--debug")

    report_of(ended.err).unlink()
    assert "Traceback" in ended.err


def test_a_bug_is_a_document_with_json(slx: Line) -> None:
    slx.app.error = RuntimeError("broken")

    found = slx("status", "--json").document["error"]

    report_of(found["hint"]).unlink()
    assert (found["what"], found["exit_code"]) == ("a bug in slx", 70)


@pytest.mark.parametrize(
    ("args", "said"),
    [
        pytest.param(("ip",), "did you mean `slx up`?", id="a command, nearly"),
        pytest.param(("xyzzy",), "`slx --help` lists all", id="no command at all"),
        pytest.param(("up", "--locla"), "did you mean --local?", id="an option, nearly"),
        pytest.param(("--local", "up"), "options come after the command", id="an option too early"),
        pytest.param(("status", "a", "b"), "`slx status --help`", id="an argument too many"),
        pytest.param(("outputs", "--format", "xml"), "'xml'", id="a choice that is none"),
        pytest.param(("local", "stat"), "did you mean `slx local start`?", id="a command of a group, nearly"),
    ],
)
def test_a_wrong_call_is_usage_with_a_way_on(slx: Line, args: tuple[str, ...], said: str) -> None:
    ended = slx(*args)

    assert ended.code == 2
    assert said in ended.err
    assert ended.out == ""


def test_a_wrong_call_is_a_document_with_json(slx: Line) -> None:
    assert slx("up", "--locla", "--json").document["error"]["exit_code"] == 2


def test_debug_shows_where_the_failure_of_a_step_came_from(slx: Line) -> None:
    error = SlxError("it broke")
    error.__cause__ = KeyError("deep")
    slx.app.running = FakeRun(plan(step(Action.CREATE)), Status.FAILED, error)

    assert "KeyError" in slx("up", "website", "--local", "--debug").err
    assert "KeyError" not in slx("up", "website", "--local").err


def test_debug_prints_beside_json(slx: Line) -> None:
    ended = slx("up", "website", "--local", "--json", "--debug")

    assert "call sts.GetCallerIdentity 0.25s" in ended.err
    assert ended.records


def test_calls_are_told_with_debug_only(slx: Line) -> None:
    assert "call sts" not in slx("up", "website", "--local", "--verbose").err
