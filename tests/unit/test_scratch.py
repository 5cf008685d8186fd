"""Copies of what users have: they last as long as they are needed, and no longer than the process."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import cast

import pytest

from serverless_cli import scratch
from serverless_cli.app import rollback
from serverless_cli.app.session import Session
from serverless_cli.model import Place, Plan, Record


@pytest.fixture(autouse=True)
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where folders for a while are made."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_a_folder_ends_with_its_use(room: Path):
    with scratch.folder() as name:
        Path(name, "copy").write_text("a user's")
        assert Path(name).stat().st_mode & 0o077 == 0

    assert list(room.iterdir()) == []


def test_who_leaves_at_once_takes_along_what_a_rollback_has_kept(room: Path):
    plan = Plan(Place("shop", "dev", "eu-central-1", "123456789012"), {})

    with rollback.kept(cast(Session, None), plan, Record()):
        kept = list(room.iterdir())
        scratch.clear()
        left = list(room.iterdir())

    assert (len(kept), left) == (1, [])
