"""What a command's argument BLUEPRINT means."""

from __future__ import annotations

from pathlib import Path

import pytest

from serverless_cli.app.catalog import find, shelf
from serverless_cli.errors import Exit, SlxError


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that the command runs in."""
    for file in ("blueprint.yaml", "shop.yaml", "shop/blueprint.yaml", "website/blueprint.yaml", "in/blueprint.yaml"):
        path = tmp_path / file
        path.parent.mkdir(exist_ok=True)
        path.write_text("name: x\n")
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("said", "means"),
    [
        (None, "blueprint.yaml"),
        (".", "blueprint.yaml"),
        ("./", "blueprint.yaml"),
        ("shop.yaml", "shop.yaml"),
        ("shop", "shop/blueprint.yaml"),
        ("shop/", "shop/blueprint.yaml"),
        ("./website", "website/blueprint.yaml"),
        ("website", str(shelf() / "website" / "blueprint.yaml")),
    ],
)
def test_a_blueprint_is_a_path_a_shipped_one_or_a_folder(here: Path, said: str | None, means: str):
    assert find(said, here) == Path(means)


def test_the_folder_above_means_its_blueprint(here: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(here / "in")

    assert find("..", here / "in") == Path("../blueprint.yaml")


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ("empty", "no shipped blueprint `empty`"),
        ("./empty", "no blueprint at empty/blueprint.yaml"),
        ("no.yaml", "no.yaml"),
    ],
)
def test_what_is_nothing_of_that_is_told(here: Path, said: str, says: str):
    with pytest.raises(SlxError, match=says) as caught:
        find(said, here)

    assert caught.value.exit_code is Exit.USAGE
