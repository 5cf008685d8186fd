"""Secrets that are not given again, on moto: what `up`, its checks and `slx check` make of that."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from bench import nobody

from serverless_cli.app import up
from serverless_cli.app.check import check
from serverless_cli.app.settings import Settings
from serverless_cli.errors import Exit, SlxError

BLUEPRINT = """\
name: shop
parameters:
  pw: {secret: true}
  word: Hello
resources:
  work: {type: function, code: ./work, environment: {PW: "${param.pw}", WORD: "${param.word}"}}
  jobs: {type: queue}
checks:
  - send_message: {queue: jobs, body: 'plain ${check.id}'}
    expect: {message: {queue: jobs, contains: plain}}
    deadline_s: 5
  - send_message: {queue: jobs, body: {key: '<${param.pw}> ${check.id}'}}
    expect: {message: {queue: jobs, contains: '<hush'}}
    deadline_s: 5
"""
SECRET = 'hush"hush'


@pytest.fixture
def settings(empty: Settings) -> Settings:
    """A folder with a blueprint of which nothing is up."""
    (empty.folder / "blueprint.yaml").write_text(BLUEPRINT)
    return empty


@pytest.fixture
def made(settings: Settings) -> Settings:
    """The same, up, with the secret given that one time."""
    with up.begin(replace(settings, environment={"PW": SECRET}), None) as run:
        assert run.run(nobody, threading.Event()).ok
    return settings


def test_a_first_up_without_it_is_refused_before_any_write(settings: Settings):
    with up.begin(settings, None) as run:
        (blocker,) = run.blockers

    assert blocker.what == "function shop-dev-work needs the secret `pw`, which was not given"
    assert "environment.PW" in blocker.why
    assert "SLX_PARAM_PW" in blocker.hint
    assert "--params -" in blocker.hint
    assert blocker.where is not None
    assert blocker.where.line == 6


def test_an_update_without_it_keeps_it(made: Settings):
    with up.begin(replace(made, parameters={"word": "Hi"}), None) as run:
        assert run.blockers == ()
        assert [str(step.ref) for step in run.plan.writes] == ["function work"]
        assert run.run(nobody, threading.Event()).ok
    with up.begin(replace(made, environment={"PW": SECRET}), None) as again:
        assert again.nothing_to_do


def test_the_check_that_needs_it_is_skipped_and_the_others_are_run(made: Settings):
    with up.begin(made, None) as run:
        assert run.nothing_to_do
        run.run(nobody, threading.Event())
        plain, secret = run.check(nobody)

    assert (plain.ok, plain.skipped) == (True, False)
    assert (secret.ok, secret.skipped) == (False, True)
    assert "SLX_PARAM_PW" in secret.saw


@pytest.mark.parametrize("given", [{"environment": {"PW": SECRET}}, {"parameters": {"pw": SECRET}}], ids=str)
def test_check_takes_it_for_this_run(made: Settings, given: dict[str, dict[str, str]]):
    assert [one.skipped for one in check(made, None, nobody)] == [False, True]

    assert [(one.ok, one.saw) for one in check(replace(made, **given), None, nobody) if not one.ok] == []


@pytest.mark.parametrize("given", [{"word": "Hi"}, {"wrod": "Hello"}], ids=str)
def test_check_takes_nothing_else_anew(made: Settings, given: dict[str, str]):
    with pytest.raises(SlxError, match=f"`{next(iter(given))}` cannot be given to a check") as caught:
        check(replace(made, parameters=given), None, nobody)

    assert caught.value.exit_code is Exit.USAGE
    assert "pw" in caught.value.hint
