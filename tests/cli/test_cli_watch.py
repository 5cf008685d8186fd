"""`slx watch`: an `up`, then every change of a file that can be pushed."""

from __future__ import annotations

import pytest
from cli_fakes import URL, FakeRun, FakeWatch, Line, plan, step

from serverless_cli.errors import BlueprintError, Location, Problem
from serverless_cli.model import Action, Status

UPDATE, CREATE, DELETE = (plan(step(action)) for action in (Action.UPDATE, Action.CREATE, Action.DELETE))
NOTHING = plan()


def watching(slx: Line, *changes) -> FakeWatch:
    slx.app.watched = FakeWatch(slx.app.running, list(changes))
    return slx.app.watched


def test_it_brings_the_stack_up_and_then_pushes_each_change(slx: Line) -> None:
    watched = watching(slx, ("app.py", UPDATE), ("app.py", UPDATE))

    ended = slx("watch", "website", "--local")

    assert ended.code == 0
    assert slx.app.running.ran
    assert URL in ended.out
    assert watched.pushed == [UPDATE, UPDATE]
    assert ended.err.count("app.py changed") == 2
    assert ended.err.count("pushed in ") == 2


def test_what_nothing_deployed_comes_of_is_passed_over(slx: Line) -> None:
    watched = watching(slx, ("notes.txt", NOTHING))

    assert "notes.txt" not in slx("watch", "website", "--local").err
    assert watched.pushed == []


@pytest.mark.parametrize(
    ("made", "words", "pushed"),
    [
        (CREATE, ("--local",), True),
        (CREATE, ("--yes",), True),
        (DELETE, ("--local",), False),
        (DELETE, ("--yes",), False),
    ],
)
def test_only_what_needs_no_consent_is_pushed(slx: Line, made, words, pushed) -> None:
    watched = watching(slx, ("blueprint.yaml", made), ("app.py", UPDATE))

    ended = slx("watch", "website", *words)

    assert ended.code == 0
    assert watched.pushed == ([made, UPDATE] if pushed else [UPDATE])
    assert ("not all is pushed" in ended.err) is not pushed
    assert pushed or f"run slx up website{' --local' if '--local' in words else ''}" in ended.err


def test_a_deletion_does_not_keep_back_what_can_be_pushed_and_is_told_once(slx: Line) -> None:
    both = plan(step(Action.UPDATE), step(Action.DELETE, "queue", "jobs"))
    watched = watching(slx, ("blueprint.yaml", both), ("app.py", both), ("notes.txt", DELETE))

    ended = slx("watch", "website", "--local")

    assert watched.pushed == [UPDATE, UPDATE]
    assert ended.err.count("not all is pushed: queue jobs;") == 1
    assert ended.err.count("not all is pushed: function hello;") == 1
    assert "notes.txt" not in ended.err


def test_a_mistake_ends_one_push_and_not_the_watch(slx: Line) -> None:
    wrong = BlueprintError((Problem("unknown key `x`", where=Location("blueprint.yaml", 3, 1, "x: 1")),))
    watched = watching(slx, ("blueprint.yaml", wrong), ("blueprint.yaml", UPDATE))

    ended = slx("watch", "website", "--local")

    assert ended.code == 0
    assert "blueprint.yaml:3:1: unknown key `x`" in ended.err
    assert watched.pushed == [UPDATE]


def test_it_does_not_begin_where_the_up_fails(slx: Line) -> None:
    slx.app.running = FakeRun(CREATE, Status.FAILED, BlueprintError((Problem("no"),)))
    watched = watching(slx, ("app.py", UPDATE))

    assert slx("watch", "website", "--local").code != 0
    assert not watched.began


def test_it_asks_as_up_does(slx: Line) -> None:
    watched = watching(slx)

    assert slx.typed("n\n", "watch", "website").code == 8
    assert not slx.app.running.ran
    assert not watched.began
