"""Whoever starts the local target and leaves no stack there stops it; else it is left alone."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from shutil import rmtree

import pytest

from serverless_cli import local
from serverless_cli.app import down, logs, outputs, preview, state, status, up
from serverless_cli.app.settings import Settings
from serverless_cli.errors import SlxError
from serverless_cli.events import Event

pytestmark = pytest.mark.local

BLUEPRINT = "name: shop\nresources: {jobs: {type: queue}}\n"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    monkeypatch.setenv("SLX_STATE_HOME", str(tmp_path / "home"))
    folder = tmp_path / "work"
    folder.mkdir()
    yield Settings(folder, local=True)
    local.stop(folder)


def tear_down(settings: Settings) -> None:
    with down.begin(settings, None, agreed=True):
        raise AssertionError("there is nothing to remove")


def planned(settings: Settings) -> None:
    (settings.folder / "blueprint.yaml").write_text(BLUEPRINT)
    assert preview.preview(settings, None)[1].writes


def made(settings: Settings) -> None:
    (settings.folder / "blueprint.yaml").write_text(BLUEPRINT)
    with up.begin(settings, None) as run:
        assert run.run(_nobody, threading.Event()).ok


def _nobody(_: Event) -> None:
    """Nobody watches."""


LOOKS = {
    "down": tear_down,
    "plan": planned,
    "status": lambda settings: status.status(settings, None),
    "logs": lambda settings: logs.logs(settings, None, logs.Query(), lambda _: None, threading.Event()),
    "outputs": lambda settings: outputs.outputs(settings, "shop"),
    "state": lambda settings: state.create(settings, "s3://acme-slx-state/shop"),
}


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_a_look_leaves_no_process_behind(settings: Settings, look: Callable[[Settings], object]):
    with suppress(SlxError):
        look(settings)

    assert local.find(settings.folder) is None


def test_what_ran_before_goes_on(settings: Settings):
    before = local.ensure(settings.folder)

    planned(settings)

    assert local.find(settings.folder) == before


def test_what_holds_a_stack_goes_on_even_if_its_record_is_lost(settings: Settings):
    made(settings)
    assert local.find(settings.folder)
    local.stop(settings.folder)
    rmtree(settings.folder / ".slx")

    [found] = status.status(settings, None)

    assert not found.known
    assert local.find(settings.folder)
