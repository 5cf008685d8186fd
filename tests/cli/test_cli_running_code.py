"""`slx logs` and `slx invoke`: what the functions of a stack wrote and answer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli_fakes import Line

from serverless_cli.app.invoke import Answer
from serverless_cli.app.logs import LogLine, Query, since_ms
from serverless_cli.errors import SlxError

LINES = (LogLine(1_000, "hello", "START"), LogLine(2_500, "other", "one"), LogLine(2_500, "hello", "END"))


def test_logs_are_data_line_by_line(slx: Line) -> None:
    slx.app.lines = LINES

    ended = slx("logs", "--local")

    assert ended.code == 0
    assert [line.split(" ", 1)[1] for line in ended.out.splitlines()] == ["hello START", "other one", "hello END"]


def test_logs_are_a_document_a_line_for_programs(slx: Line) -> None:
    slx.app.lines = LINES

    found = [json.loads(line) for line in slx("logs", "--json").out.splitlines()]

    assert found[0] == {"at_ms": 1000, "source": "hello", "text": "START"}


TRACEBACK = "Traceback (most recent call last):\n\xa0\xa0File x\n\x1b[2J"
"""as Lambda writes one, and something that would steer a terminal"""


def test_what_lambda_indents_is_indented(slx: Line) -> None:
    slx.app.lines = (LogLine(1_000, "hello", TRACEBACK),)
    slx.app.answer = Answer("null", failed=False, log=TRACEBACK)

    for said in (slx("logs").out, slx("invoke", "hello", "--log").err):
        assert said.endswith("Traceback (most recent call last):\n  File x\n\\x1b[2J\n")
    assert json.loads(slx("logs", "--json").out)["text"] == TRACEBACK


def test_logs_ask_for_what_is_wanted(slx: Line) -> None:
    slx("logs", "a", "b", "--stack", "shop/prod", "--since", "2h", "--filter", "ERROR", "--follow")

    assert slx.app.calls == [("logs", ("shop/prod", Query(("a", "b"), "2h", "ERROR", follow=True)))]


@pytest.mark.parametrize(
    ("text", "start"),
    [("10m", 400_000), ("2s", 998_000), ("1970-01-01T00:00:05+00:00", 5_000)],
    ids=["minutes", "seconds", "a time"],
)
def test_logs_begin_where_since_says(text: str, start: int) -> None:
    assert since_ms(text, 1000.0) == start


def test_a_beginning_that_means_nothing_is_refused() -> None:
    with pytest.raises(SlxError) as refused:
        since_ms("yesterday", 1000.0)

    assert refused.value.exit_code == 2


@pytest.mark.parametrize("given", ['{"a": 1}', "event.json", "-"], ids=["JSON", "a file", "stdin"])
def test_invoke_takes_the_event_from_where_it_is(
    slx: Line, given: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "event.json").write_text('{"a": 1}')
    monkeypatch.chdir(tmp_path)

    ended = slx("invoke", "hello", "--event", given, stdin='{"a": 1}')

    assert ended.code == 0
    assert slx.app.calls == [("invoke", (None, "hello", '{"a": 1}'))]


def test_invoke_prints_the_answer_and_the_log_apart(slx: Line) -> None:
    slx.app.answer = Answer('{"ok": true}', failed=False, log="START\nEND\n")

    ended = slx("invoke", "hello", "--log")

    assert (ended.out, ended.code) == ('{"ok": true}\n', 0)
    assert "START\nEND" in ended.err


def test_a_function_that_failed_exits_1_and_its_error_is_data(slx: Line) -> None:
    slx.app.answer = Answer('{"errorType": "KeyError"}', failed=True, log="")

    ended = slx("invoke", "hello")

    assert (ended.out, ended.code) == ('{"errorType": "KeyError"}\n', 1)


@pytest.mark.parametrize("given", ["{bad", "no-such-file.json"], ids=["no JSON", "no file"])
def test_an_event_that_cannot_be_read_is_refused_before_any_call(slx: Line, given: str) -> None:
    ended = slx("invoke", "hello", "--event", given)

    assert ended.code == 2
    assert slx.app.calls == []
