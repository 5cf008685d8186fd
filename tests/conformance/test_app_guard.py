"""`up` on moto: what holds data is not deleted by it without the user's word."""

from __future__ import annotations

import threading

import pytest
from bench import nobody

from serverless_cli.app import up
from serverless_cli.app.settings import Settings
from serverless_cli.errors import Exit, SlxError

WITH = "name: shop\nresources:\n  jobs: {type: queue}\n  news: {type: topic}\n"
WITHOUT = "name: shop\nresources:\n  news: {type: topic}\n"


@pytest.fixture
def settings(empty: Settings) -> Settings:
    """A folder whose stack is up and whose blueprint has lost its queue since."""
    (empty.folder / "blueprint.yaml").write_text(WITH)
    with up.begin(empty, None) as begun:
        assert begun.run(nobody, threading.Event()).ok
    (empty.folder / "blueprint.yaml").write_text(WITHOUT)
    return empty


@pytest.mark.parametrize("allowed", [frozenset[str](), frozenset({"news"})], ids=["nothing", "something else"])
def test_what_would_lose_data_blocks_up(settings: Settings, allowed: frozenset[str]):
    with up.begin(settings, None, allow_delete=allowed) as begun:
        [blocker] = begun.blockers

    assert blocker.hint == "`--allow-delete jobs` if that is meant"


@pytest.mark.parametrize(("typo", "hint"), [("jbos", "did you mean `jobs`?"), ("zzz", "there are: jobs, news")])
def test_an_id_that_nobody_knows_is_no_word_for_anything(settings: Settings, typo: str, hint: str):
    with (
        pytest.raises(SlxError, match=f"--allow-delete names {typo}") as caught,
        up.begin(settings, None, allow_delete=frozenset({"jobs", typo})),
    ):
        pass

    assert caught.value.exit_code is Exit.USAGE
    assert caught.value.hint == hint


def test_the_same_command_goes_on_once_it_is_deleted(settings: Settings):
    with up.begin(settings, None, allow_delete=frozenset({"jobs"})) as begun:
        assert begun.run(nobody, threading.Event()).ok

    for _ in range(2):  # opening the journal makes it short
        with up.begin(settings, None, allow_delete=frozenset({"jobs"})) as again:
            assert again.nothing_to_do


def test_the_users_word_lets_it_go(settings: Settings):
    with up.begin(settings, None, allow_delete=frozenset({"jobs"})) as begun:
        assert begun.blockers == ()
        assert [str(step.ref) for step in begun.plan.writes] == ["queue jobs"]
