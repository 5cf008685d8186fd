"""`up` on moto: what holds data is not deleted by it without the user's word."""

from __future__ import annotations

import threading
import urllib.request
from pathlib import Path

import pytest

from serverless_cli.app import up
from serverless_cli.app.settings import Settings
from serverless_cli.events import Event

WITH = "name: shop\nresources:\n  jobs: {type: queue}\n  news: {type: topic}\n"
WITHOUT = "name: shop\nresources:\n  news: {type: topic}\n"


def nobody(event: Event) -> None:
    """Nobody watches."""


@pytest.fixture
def settings(moto: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A folder whose stack is up and whose blueprint has lost its queue since."""
    urllib.request.urlopen(urllib.request.Request(f"{moto}/moto-api/reset", method="POST")).close()
    for name, value in {"ACCESS_KEY_ID": "test", "SECRET_ACCESS_KEY": "test", "ENDPOINT_URL": moto}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.setenv("SLX_TIME_SCALE", "0.02")
    found = Settings(tmp_path, region="eu-central-1")
    (tmp_path / "blueprint.yaml").write_text(WITH)
    with up.begin(found, None) as begun:
        assert begun.run(nobody, threading.Event()).ok
    (tmp_path / "blueprint.yaml").write_text(WITHOUT)
    return found


@pytest.mark.parametrize("allowed", [frozenset[str](), frozenset({"news"})], ids=["nothing", "something else"])
def test_what_would_lose_data_blocks_up(settings: Settings, allowed: frozenset[str]):
    with up.begin(settings, None, allow_delete=allowed) as begun:
        [blocker] = begun.blockers

    assert blocker.hint == "`--allow-delete jobs` if that is meant"


def test_the_users_word_lets_it_go(settings: Settings):
    with up.begin(settings, None, allow_delete=frozenset({"jobs"})) as begun:
        assert begun.blockers == ()
        assert [str(step.ref) for step in begun.plan.writes] == ["queue jobs"]
