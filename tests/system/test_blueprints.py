"""Every shipped blueprint, from nothing to running and back, on the local target and through the command line alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from serverless_cli.app import catalog
from tests.system.slx import Slx

pytestmark = pytest.mark.local

SHIPPED = [one.name for one in catalog.shipped()]


@pytest.fixture(params=SHIPPED)
def blueprint(request: pytest.FixtureRequest, slx: Slx) -> str:
    """One that is not up."""
    name: str = request.param
    slx.run("down", name, "--local", "--yes", expect=None)
    return name


def test_a_shipped_blueprint_comes_up_proves_itself_and_goes_without_a_trace(blueprint: str, slx: Slx) -> None:
    slx.run("up", blueprint, "--local", "--yes")

    assert slx.written(blueprint, "--local", "--yes", "--no-checks") == {}

    proof = slx.run("check", "--local", blueprint, "--json").document
    assert proof["ok"], proof
    assert proof["checks"]

    slx.run("down", blueprint, "--local", "--yes")
    left = slx.run("status", "--local", "--all", "--json").document["stacks"]
    assert [one["stack"] for one in left] == []


def test_the_checks_of_the_shipped_ones_leave_nothing_behind_in_tables(slx: Slx) -> None:
    """`down` counts what it would throw away: right after checks, that is nothing."""
    slx.run("up", "worker", "--local", "--yes")

    assert "items" not in slx.run("down", "worker", "--local", "--yes").err


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_blueprint_has_what_a_reader_needs(name: str) -> None:
    folder = catalog.shelf() / name

    assert "```mermaid" in (folder / "README.md").read_text(encoding="utf-8")
    functions = sorted(path.parent for path in folder.rglob("app.py"))
    assert functions
    assert [one for one in functions if not (one / "test-event.json").is_file()] == []


@pytest.mark.parametrize("name", SHIPPED)
def test_a_copy_of_a_shipped_blueprint_is_right_and_has_no_warnings(name: str, slx: Slx, tmp_path: Path) -> None:
    slx.run("init", name, str(tmp_path / "copy"))

    ran = slx.run("validate", str(tmp_path / "copy" / "blueprint.yaml"))

    assert "warning" not in ran.err.lower()
