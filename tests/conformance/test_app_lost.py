"""Commands on a stack whose record is lost, or which is gone but for what is retained: on moto."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from shutil import rmtree

import pytest
from bench import nobody

from serverless_cli.app import check, down, invoke, logs, outputs, state, status, up
from serverless_cli.app.settings import Settings
from serverless_cli.errors import Exit, SlxError
from serverless_cli.model import Ref
from serverless_cli.state.lease import Holder

BLUEPRINT = """\
name: shop
resources:
  jobs: {type: queue}
  goods: {type: bucket, retain: true}
  work: {type: function, code: ./work}
outputs: {queue: "${jobs.url}", bucket: "${goods.name}"}
"""


@pytest.fixture
def settings(empty: Settings) -> Settings:
    """A folder whose stack is up."""
    (empty.folder / "blueprint.yaml").write_text(BLUEPRINT)
    with up.begin(empty, None) as begun:
        report = begun.run(nobody, threading.Event())
    assert report.ok, report
    return empty


@pytest.fixture
def lost(settings: Settings) -> Settings:
    """The same, without any record."""
    rmtree(settings.folder / ".slx")
    return settings


def read(settings: Settings) -> None:
    logs.logs(settings, None, logs.Query(), lambda _: None, threading.Event())


def call(settings: Settings, function: str = "wrok") -> None:
    invoke.invoke(settings, "shop", function, "{}")


def test_logs_are_found_by_the_marks_of_what_writes_them(lost: Settings):
    told: list[str] = []

    read(replace(lost, notify=told.append))

    assert told == ["nothing is recorded of shop/dev: found by its marks; `slx state repair shop/dev` records it"]


def test_a_function_is_found_by_its_mark(lost: Settings):
    with pytest.raises(SlxError) as caught:
        call(lost)

    assert (caught.value.exit_code, caught.value.hint) == (Exit.USAGE, "did you mean work?")


def test_outputs_and_checks_are_those_of_the_blueprint(lost: Settings):
    assert outputs.outputs(lost, None).keys() == {"queue", "bucket"}
    assert check.check(lost, "shop", lambda _: None) == ()


def test_checks_that_nobody_knows_are_not_none(lost: Settings):
    (lost.folder / "blueprint.yaml").unlink()

    with pytest.raises(SlxError, match="the checks of shop/dev are not known"):
        check.check(lost, "shop", lambda _: None)


@pytest.mark.parametrize("ask", [read, call, lambda settings: check.check(settings, None, lambda _: None)])
def test_of_what_has_no_trace_it_is_said_so(settings: Settings, ask: Callable[[Settings], object]):
    (settings.folder / "blueprint.yaml").write_text(BLUEPRINT.replace("shop", "blog"))

    with pytest.raises(SlxError, match=r"there is no stack .*nothing carries its mark"):
        ask(replace(settings, state="elsewhere", stage="prod"))


def test_a_state_that_has_not_been_searched_for_is_not_said_to_have_been(lost: Settings):
    with pytest.raises(SlxError) as caught:
        state.move(lost, "shop", "elsewhere")

    assert "mark" not in str(caught.value)
    assert "slx state repair shop/dev" in caught.value.hint


def test_while_a_run_goes_on_the_stack_is_known_and_its_record_not_whole(settings: Settings):
    with up.begin(settings, None) as begun:
        begun.journal.start(Holder.me("up"))
        [going_on] = status.status(settings, None)
    [ended] = status.status(settings, None)

    assert (going_on.known, going_on.whole) == (True, False)
    assert Ref("queue", "jobs") in {one.ref for one in ended.resources}


@pytest.fixture
def retained(settings: Settings) -> Settings:
    """The same, torn down but for its bucket."""
    with down.begin(settings, None) as begun:
        assert begun.run(nobody, threading.Event()).ok
        assert begun.sweep().left == ()
    return settings


def test_outputs_of_what_is_gone_are_left_out(retained: Settings):
    assert outputs.outputs(retained, None).keys() == {"bucket"}
    [seen] = status.status(retained, None)
    assert seen.outputs.keys() == {"bucket"}


def test_what_has_no_logs_any_more_is_a_stack_all_the_same(retained: Settings):
    with pytest.raises(SlxError) as caught:
        read(retained)

    assert "nothing in shop/dev writes logs" in str(caught.value)
    assert "did you mean" not in caught.value.hint
