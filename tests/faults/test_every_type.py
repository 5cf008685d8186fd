"""One stack of every type, trigger, target and end, on what behaves like AWS and on the local target."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import every
import pytest
from account import contents
from botocore.config import Config
from rig import Aws, Folder, Story, failures

from serverless_cli import local
from serverless_cli.app import down, status, up
from serverless_cli.app.settings import Settings
from serverless_cli.model import Change, Plan, Report, StackState, State, Sweep
from serverless_cli.resources import KINDS, TYPES

REGION = "eu-central-1"
LOST = {
    "commit500_rate": 0.05,
    "drop_after_rate": 0.05,
    "drop_before_rate": 0.02,
    "error500_rate": 0.02,
    "throttle_rate": 0.05,
}
"""calls that are carried out and whose answers do not arrive, and calls that are not carried out"""
MET = {"DDB-01", "FH-02", "LMB-02", "LMB-10", "SFN-03", "SQS-02"}
"""states that take time and deletions that linger, however fast the machine is"""


@pytest.fixture
def faults() -> dict[str, float]:
    """What the proxy does to calls beside what AWS does."""
    return {}


@pytest.fixture
def folder(aws: Aws, faults: dict[str, float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    """The blueprint in a folder of its own, in an account with just what it refers to."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    aws.reset(**faults)
    made = Folder(tmp_path / "every", aws, REGION, parameters=every.PARAMETERS)
    every.copy(made.path)
    for name, value in made.environment.items():
        monkeypatch.setenv(name, value)
    every.make_what_exists(lambda service: aws.client(service, REGION), REGION)
    return made


def idle(folder: Folder) -> None:
    """Nothing is left to do, so that another `up` writes nothing, and everything is as it was wished for."""
    mark = folder.aws.mark()
    report = folder.up()
    assert failures(report) == {}
    assert every.changed(report) == {}
    assert folder.aws.writes(mark) == []
    assert drifted(folder.status()) == {}


def drifted(state: StackState) -> dict[str, tuple[Change, ...]]:
    return {str(one.ref): one.changes for one in state.resources if one.state is not State.IN_SYNC}


def added(before: dict[str, list[str]], now: dict[str, list[str]]) -> dict[str, list[str]]:
    """What there is now and was not before."""
    more = {kind: [name for name in names if name not in before.get(kind, ())] for kind, names in now.items()}
    return {kind: names for kind, names in more.items() if names}


def retained(left: dict[str, list[str]]) -> bool:
    """Whether just the bucket is left that is to outlive the stack."""
    [name] = left.get("buckets", [""])
    return left.keys() == {"buckets"} and name.startswith(every.KEPT)


@pytest.mark.strict
def test_all_there_is_goes_up_changes_and_comes_down(folder: Folder):
    before = folder.aws.left(REGION)

    report = folder.up()
    assert failures(report) == {}
    assert len(report.outcomes) > 90
    assert {one.kind for one in report.outcomes} == KINDS.keys() - {"packages"}
    assert {one.kind for one in report.outcomes} >= set(TYPES)
    idle(folder)

    every.change(folder.path)
    report = folder.up()
    assert failures(report) == {}
    assert every.changed(report) == every.CHANGED
    idle(folder)

    report, sweep = folder.down()
    assert failures(report) == {}
    assert sweep.left == ()
    assert retained(added(before, folder.aws.left(REGION)))
    assert folder.aws.violations == []
    assert folder.aws.rules("armed") >= MET
    print("met:", *sorted(folder.aws.rules("armed")))


@pytest.mark.slow
@pytest.mark.strict
@pytest.mark.parametrize("faults", [LOST])
def test_answers_that_are_lost_make_nothing_twice_and_leave_nothing(folder: Folder):
    before = folder.aws.left(REGION)

    assert failures(folder.up()) == {}
    assert folder.plan().writes == ()

    every.change(folder.path)
    assert failures(folder.up()) == {}
    assert folder.plan().writes == ()
    assert drifted(folder.status()) == {}

    report, sweep = folder.down()
    assert failures(report) == {}
    assert sweep.left == ()
    assert retained(added(before, folder.aws.left(REGION)))
    assert folder.aws.violations == []


@pytest.mark.slow
@pytest.mark.strict
def test_all_there_is_can_be_found_again_by_its_marks(folder: Folder):
    before = folder.aws.left(REGION)
    folder.up()
    shutil.rmtree(folder.path / ".slx")
    idle(folder)

    shutil.rmtree(folder.path / ".slx")
    report, sweep = folder.down("every")

    assert failures(report) == {}
    assert sweep.left == ()
    assert retained(added(before, folder.aws.left(REGION)))
    assert folder.aws.violations == []


@dataclass
class Local:
    """The local target, and the commands on it in this process."""

    settings: Settings
    instance: local.Instance

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.instance.url,
            region_name=self.instance.region,
            aws_access_key_id=self.instance.access_key,
            aws_secret_access_key=self.instance.secret_key,
            config=Config(s3={"addressing_style": "path"}, inject_host_prefix=False),
        )

    def plan(self) -> Plan:
        with up.begin(self.settings, None) as begun:
            return begun.plan

    def up(self) -> Report:
        with up.begin(self.settings, None) as begun:
            assert begun.blockers == ()
            return begun.run(Story(), threading.Event())

    def status(self) -> StackState:
        [state] = status.status(self.settings, None)
        return state

    def down(self) -> tuple[Report, Sweep]:
        with down.begin(self.settings, None) as begun:
            return begun.run(Story(), threading.Event()), begun.sweep()


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Local]:
    """A local target of its own with just what the blueprint refers to."""
    monkeypatch.setenv("SLX_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    every.copy(tmp_path / "every")
    settings = Settings(tmp_path / "every", local=True, parameters=every.PARAMETERS)
    made = Local(settings, local.ensure(settings.folder))
    every.make_what_exists(made.client, made.instance.region)
    yield made
    local.stop(settings.folder)


@pytest.mark.local
def test_all_there_is_lives_on_the_local_target_too(target: Local):
    before = contents(target.client)

    assert failures(target.up()) == {}
    assert target.plan().writes == ()
    assert drifted(target.status()) == {}

    every.change(target.settings.folder)
    report = target.up()
    assert failures(report) == {}
    assert every.changed(report) == every.CHANGED
    assert target.plan().writes == ()
    assert drifted(target.status()) == {}

    report, sweep = target.down()
    assert failures(report) == {}
    assert sweep.left == ()
    assert retained(added(before, contents(target.client)))
