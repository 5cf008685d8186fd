"""One stack of every type, trigger, target and end, on what behaves like AWS and on the local target."""

from __future__ import annotations

from pathlib import Path

import every
import pytest
from rig import Aws, Folder, failures

from serverless_cli.model import Plan, Report, State, Sweep
from serverless_cli.resources import KINDS, TYPES

REGION = "eu-central-1"
MET = {"DDB-01", "FH-02", "LMB-02", "LMB-10", "SFN-03", "SQS-02"}
"""states that take time and deletions that linger, however fast the machine is"""


@pytest.fixture
def folder(aws: Aws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    """The blueprint in a folder of its own, in an account with just what it refers to."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    made = Folder(tmp_path / "every", aws, REGION, parameters=every.PARAMETERS)
    every.copy(made.path)
    for name, value in made.environment.items():
        monkeypatch.setenv(name, value)
    every.make_what_exists(lambda service: aws.client(service, REGION), REGION)
    return made


def idle(folder: Folder) -> None:
    """Nothing is left to do, so that another `up` writes nothing, and everything is as it was wished for."""
    mark = folder.aws.mark()
    assert folder.plan().writes == ()
    assert failures(folder.up()) == {}
    assert folder.aws.writes(mark) == []
    assert {str(one.ref): one.changes for one in folder.status().resources if one.state is not State.IN_SYNC} == {}


def added(before: dict[str, list[str]], now: dict[str, list[str]]) -> dict[str, list[str]]:
    """What there is now and was not before."""
    more = {kind: [name for name in names if name not in before.get(kind, ())] for kind, names in now.items()}
    return {kind: names for kind, names in more.items() if names}


@pytest.mark.strict
def test_all_there_is_goes_up_changes_and_comes_down(folder: Folder):
    before = folder.aws.left(REGION)

    report = folder.up()
    assert failures(report) == {}
    assert len(report.outcomes) > 90
    assert {one.kind for one in report.outcomes} == KINDS.keys() - {"packages"}
    assert {one.kind for one in report.outcomes} >= {one.type_name for one in TYPES}
    idle(folder)

    every.change(folder.path)
    report = folder.up()
    assert failures(report) == {}
    assert every.changed(report) == every.CHANGED
    idle(folder)

    report, sweep = folder.down()
    assert failures(report) == {}
    assert sweep.left == ()
    [kept] = added(before, folder.aws.left(REGION)).pop("buckets")
    assert kept.startswith(every.KEPT)
    assert folder.aws.violations == []
    assert folder.aws.rules("armed") >= MET
    print("met:", *sorted(folder.aws.rules("armed")))


LOST = {"commit500_rate": 0.05, "drop_after_rate": 0.05, "drop_before_rate": 0.02, "error500_rate": 0.02}
"""calls that are carried out and whose answers do not arrive; and others, that are not carried out"""


@pytest.mark.strict
@pytest.mark.parametrize("seed", [1, 2])
def test_answers_that_are_lost_make_nothing_twice_and_leave_nothing(folder: Folder, seed: int):
    before = folder.aws.left(REGION)
    folder.aws.disturb(**LOST, throttle_rate=0.05, seed=seed)

    assert failures(folder.up()) == {}
    assert folder.plan().writes == ()

    every.change(folder.path)
    assert failures(folder.up()) == {}
    assert folder.plan().writes == ()

    report, sweep = folder.down()
    assert failures(report) == {}
    assert sweep.left == ()
    assert added(before, folder.aws.left(REGION)).keys() == {"buckets"}
    assert folder.aws.violations == []


@pytest.mark.strict
def test_two_regions_hold_a_stack_each_of_all_there_is(folder: Folder, tmp_path: Path):
    ...
