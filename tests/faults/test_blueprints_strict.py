"""The life of each shipped blueprint on what behaves like AWS: up, nothing to do, a change, nothing to do, down."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from changes import CHANGES
from rig import Aws, Folder, failures

from serverless_cli.app import catalog
from serverless_cli.model import Action, Report, State

pytestmark = pytest.mark.strict

REGION = "eu-central-1"


@pytest.fixture
def folder(request: pytest.FixtureRequest, aws: Aws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    """The blueprint in a folder of its own, in an empty account."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    made = Folder(tmp_path / request.param, aws, REGION)
    catalog.copy(request.param, made.path)
    for name, value in made.environment.items():
        monkeypatch.setenv(name, value)
    return made


def idle(folder: Folder) -> None:
    """Nothing is left to do, so that another `up` writes nothing, and everything is as it was wished for."""
    mark = folder.aws.mark()
    report = folder.up()
    assert failures(report) == {}
    assert changed(report) == {}
    assert folder.aws.writes(mark) == []
    assert {str(one.ref): one.changes for one in folder.status().resources if one.state is not State.IN_SYNC} == {}


# Its packages come from the package index.
NAMES = sorted(CHANGES)


@pytest.mark.parametrize("folder", NAMES, indirect=True)
def test_a_blueprint_goes_up_changes_and_comes_down_as_aws_wants_it(folder: Folder):
    change = CHANGES[folder.path.name]

    assert failures(folder.up()) == {}
    idle(folder)

    shutil.rmtree(folder.path / ".slx")
    idle(folder)

    change.make(folder)
    mark = folder.aws.mark()
    report = folder.up()
    assert failures(report) == {}
    assert changed(report) == change.changed
    assert sorted(folder.aws.writes(mark)) == sorted(change.writes)
    idle(folder)

    report, sweep = folder.down()
    assert failures(report) == {}
    assert sweep.left == ()
    assert folder.aws.left(REGION) == {}
    assert folder.aws.violations == []
    assert folder.aws.rules("armed") >= change.met
    print("met:", *sorted(folder.aws.rules("armed")))


def changed(report: Report) -> dict[str, Action]:
    """What was written, by kind and id."""
    return {str(ref): one.step.action for ref, one in report.outcomes.items() if one.step.action is not Action.KEEP}


@pytest.mark.parametrize("folder", ["banking"], indirect=True)
def test_a_blueprint_lives_in_two_regions_side_by_side(folder: Folder):
    there = replace(folder, region="us-east-1")
    assert failures(folder.up()) == {}
    assert failures(there.up()) == {}
    idle(folder)
    idle(there)

    report, sweep = there.down()
    assert failures(report) == {}
    assert sweep.left == ()
    idle(folder)

    folder.down()
    assert (folder.aws.left(REGION), folder.aws.left("us-east-1")) == ({}, {})
    assert folder.aws.violations == []
