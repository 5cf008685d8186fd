"""Runs of `up --rollback` in which one call fails: what is then there, beside what was there before."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import lives
from failing import UP, UPDATE, Fault
from lives import Count
from rig import Aws, Folder, Story, failures

from serverless_cli.app.up import Up
from serverless_cli.errors import SlxError
from serverless_cli.model import Plan, Report

COMMANDS = (UP, UPDATE)


@dataclass(frozen=True)
class Undone:
    """A run that failed, and what came of undoing it."""

    report: Report
    left: list[str]
    back: Report

    @property
    def trouble(self) -> list[str]:
        return [*self.left, *(f"{ref}: {why}" for ref, why in failures(self.back).items())]


def rolled_back(begun: Up, cancel: threading.Event | None = None) -> Undone | None:
    """Runs what was begun; None when it went well."""
    report = begun.run(Story(), cancel or threading.Event())
    if report.ok:
        return None
    back = begun.rollback(report)
    return Undone(report, [f"{one.what}: {one.why}" for one in back.left], back.run(Story(), threading.Event()))


def wanted(plan: Plan) -> list[Any]:
    """What a plan would do, field by field."""
    return [(step.action.value, str(step.ref), [one.path for one in step.changes]) for step in plan.writes]


def journals(folder: Folder) -> list[Path]:
    return list((folder.path / ".slx").glob("*/*/*/journal"))


@dataclass
class Trial:
    """A blueprint that goes up, or that is changed, in an account where everything works but one call.

    A run that was undone leaves all as it was, so that the next one starts from there.
    """

    aws: Aws
    into: Path
    name: str
    command: str
    options: dict[str, Any] = field(default_factory=dict)
    """the proxy's, beside what fails"""
    _folder: Folder | None = field(default=None)

    def operations(self) -> list[str]:
        """The writes of an undisturbed run, each once, in their order."""
        folder = self._ready()
        mark = self.aws.mark()
        folder.up()
        self._folder = None
        return list(dict.fromkeys(self.aws.writes(mark)))

    def attempt(self, operation: str, count: Count) -> None:
        """Lets one call of the operation fail for good and counts what is not as before."""
        folder, where = self._ready(), f"{self.command}, {operation}"
        before = self._picture(folder)
        count.add("points")
        with folder.planned(undoing=True) as begun:
            self.aws.disturb(**self.options, fail=[Fault(operation, "denied").option.replace(":9999:", ":1:")])
            undone = rolled_back(begun)
        self.aws.disturb(**self.options)
        if undone is None:
            count.add("did_without")
            self._folder = None
            return
        count.wrong("not_undone", undone.trouble, where)
        count.wrong("not_as_before", list(self._differences(before, self._picture(folder))), where)
        if self.command == UP:
            count.wrong("remembered", [str(one) for one in journals(folder)], where)
        else:
            count.wrong("drifted", [str(one.ref) for one in folder.status().resources if one.changes], where)
        if count.trouble:
            self._folder = None

    def finish(self, count: Count) -> None:
        """After all that was undone, the run goes well."""
        folder = self._ready()
        count.run(folder.up, f"{self.command}, in the end")
        count.run(lambda: lives.down(folder), f"{self.command}, down")

    def _ready(self) -> Folder:
        if self._folder:
            return self._folder
        self.aws.reset(**self.options)
        self._folder = folder = lives.settle(self.aws, self.name, self.into / self.name)
        lives.prepare(self.name, folder)
        if self.command == UPDATE:
            report = folder.up()
            if not report.ok:
                raise SlxError("the stack did not come up", str(failures(report)))
            lives.change(self.name, folder)
        return folder

    def _picture(self, folder: Folder) -> dict[str, Any]:
        return {"exists": folder.aws.left(folder.region), "wanted": wanted(folder.plan())}

    @staticmethod
    def _differences(before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
        for what, was in before.items():
            if was != after[what]:
                yield f"{what}: {was} before, {after[what]} after"


@contextmanager
def counted(aws: Aws, into: Path, name: str, command: str) -> Iterator[tuple[Trial, Count]]:
    trial, count = Trial(aws, into, name, command), Count(f"{name}, {command}")
    yield trial, count
    trial.finish(count)
