"""Which stack a command means: what was asked for is never taken for something else."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest

from serverless_cli.app import stacks
from serverless_cli.app.session import Session
from serverless_cli.app.settings import Settings
from serverless_cli.aws.calls import Aws
from serverless_cli.errors import Exit, SlxError
from serverless_cli.model import Place
from serverless_cli.state.store import JOURNAL, FileStore, StackKey

TARGET = "aws-123456789012-eu-central-1"


def session(folder: Path, *known: str, **settings: object) -> Session:
    """One that has these stacks on record, and no AWS."""
    store = FileStore(folder / ".slx")
    for one in known:
        stack, stage = one.split("/")
        key = StackKey(TARGET, stack, stage)
        store.write(key, JOURNAL, store.read(key, JOURNAL), b"{}\n")
    given = Settings(folder, **settings)  # type: ignore[arg-type]
    return Session(given, cast(Aws, None), store, TARGET, "eu-central-1", "123456789012")


def text(place: Place) -> str:
    return f"{place.stack}/{place.stage}"


@pytest.mark.parametrize("stack", [None, "shop"])
def test_the_only_one_is_meant_where_no_stage_was_asked_for(tmp_path: Path, stack: str | None):
    assert text(stacks.choose(session(tmp_path, "shop/prod"), stack)) == "shop/prod"


@pytest.mark.parametrize("stage", ["dev", "staging"])
def test_a_stage_that_was_asked_for_is_never_another_one(tmp_path: Path, stage: str):
    here = session(tmp_path, "shop/prod", stage=stage, stage_given=True)

    with pytest.raises(SlxError) as caught:
        stacks.choose(here, None)

    assert caught.value.exit_code is Exit.NO_STACK
    assert stage in str(caught.value)
    assert "shop/prod" in caught.value.why
    assert text(stacks.choose(here, "shop")) == f"shop/{stage}"
    assert text(stacks.choose(here, "shop/prod")) == "shop/prod"


def test_among_several_that_of_the_stage_is_meant(tmp_path: Path):
    known = ("shop/prod", "shop/dev", "bank/prod")

    assert text(stacks.choose(session(tmp_path, *known), None)) == "shop/dev"
    with pytest.raises(SlxError, match="several stacks"):
        stacks.choose(session(tmp_path, *known, stage="prod", stage_given=True), None)
    assert text(stacks.choose(session(tmp_path, *known, stage="prod", stage_given=True), "bank")) == "bank/prod"


def test_all_that_may_be_meant_is_named(tmp_path: Path):
    with pytest.raises(SlxError, match="several stacks") as caught:
        stacks.choose(session(tmp_path, "api/dev", "api/test", "worker/dev"), None)

    assert sorted(caught.value.hint.removeprefix("name one of: ").split(", ")) == ["api/dev", "api/test", "worker/dev"]


def test_what_a_command_may_mean_is_of_the_stage_that_was_asked_for(tmp_path: Path):
    known = ("shop/prod", "shop/dev")

    assert sorted(map(text, stacks.meant(session(tmp_path, *known)))) == ["shop/dev", "shop/prod"]
    assert [*map(text, stacks.meant(session(tmp_path, *known, stage="prod", stage_given=True)))] == ["shop/prod"]
    assert stacks.meant(session(tmp_path, *known, stage="test", stage_given=True)) == ()
