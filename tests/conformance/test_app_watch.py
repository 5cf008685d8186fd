"""`watch` on moto: what is pushed of a change that also wants somebody's consent."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from bench import nobody

from serverless_cli.app import state, watch
from serverless_cli.app.settings import Settings
from serverless_cli.app.watch import Watch
from serverless_cli.errors import SlxError
from serverless_cli.model import Action

BLUEPRINT = """\
name: shop
resources:
  jobs: {type: queue}
  later: {type: queue, name: shop-later, retain: true}
  work: {type: function, code: ./work, environment: {LATER: "${later.url}"}}
  other: {type: function, code: ./work}
"""


@pytest.fixture
def settings(empty: Settings) -> Settings:
    (empty.folder / "blueprint.yaml").write_text(BLUEPRINT)
    return empty


@pytest.fixture
def watched(settings: Settings) -> Iterator[Watch]:
    """A stack that is up and watched."""
    with watch.begin(settings, None) as it:
        report = it.run.run(nobody, threading.Event())
        assert report.ok, report
        it.begin(report)
        yield it


def edit(it: Watch, *changes: tuple[str, str]) -> None:
    text = BLUEPRINT
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    it.path.write_text(text)
    code = it.path.parent / "work" / "app.py"
    code.write_text(code.read_text().replace("return event", "return 1"))


WITHOUT_JOBS = ("  jobs: {type: queue}\n", "")


def test_a_deletion_is_left_out_and_the_code_is_pushed(watched: Watch):
    edit(watched, WITHOUT_JOBS)
    stack, made = watched.plan()

    within, left = watched.within(made, creating=False)
    report = watched.push(stack, within, nobody, threading.Event())

    assert report.ok, report
    assert left == ("queue jobs would be deleted",)
    assert {str(one.ref) for one in within.writes} == {"function work", "function other"}
    [still] = watched.plan()[1].writes
    assert (str(still.ref), still.action) == ("queue jobs", Action.DELETE)


def test_what_waits_for_something_that_is_left_out_is_left_out(watched: Watch):
    edit(watched, ("name: shop-later", "name: shop-at-last"))
    _, made = watched.plan()

    within, left = watched.within(made, creating=False)

    assert {str(one.ref) for one in within.writes} == {"function other"}
    assert any(text.startswith("queue later would be") for text in left)
    assert "function work waits for that" in left


def test_what_somebody_else_has_under_a_name_is_not_taken(watched: Watch):
    watched.run.session.aws.call("sqs.CreateQueue", QueueName="shop-at-last", tags={"slx:stack": "blog"})
    edit(watched, ("name: shop-later", "name: shop-at-last"))

    [obstacle] = watched.plan()[1].obstacles

    assert "queue shop-at-last exists already and is not this stack's" in obstacle.what


def test_what_is_new_is_pushed_where_that_is_agreed_to(watched: Watch):
    edit(watched, ("  jobs: {type: queue}\n", "  jobs: {type: queue}\n  news: {type: topic}\n"))
    _, made = watched.plan()

    assert watched.within(made, creating=True)[1] == ()
    assert watched.within(made, creating=False)[1] == ("topic news would be created",)


def test_another_name_is_another_stack(watched: Watch):
    edit(watched, ("name: shop\n", "name: shop2\n"))

    with pytest.raises(SlxError) as caught:
        watched.plan()

    assert str(caught.value) == "the stack's name is shop2 now: what is watched is shop"
    assert "`slx up` makes shop2" in caught.value.hint


def test_the_lock_says_that_somebody_watches(watched: Watch, settings: Settings):
    found = state.show(settings, "shop")

    assert found.holder
    assert found.run
    assert (found.holder.command, found.run.command) == ("watch", "watch")
