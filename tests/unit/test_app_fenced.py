"""What looks once more after deletions, and removes what came back late, writes nothing without the lock."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from serverless_cli.app.down import Down
from serverless_cli.app.rollback import Rollback
from serverless_cli.app.session import Session
from serverless_cli.app.settings import Settings
from serverless_cli.aws.session import Calls
from serverless_cli.errors import Exit, SlxError
from serverless_cli.model import Action, Place, Plan, Ref, Step
from serverless_cli.state.journal import Journal
from serverless_cli.state.lease import Holder, Lease
from serverless_cli.state.lock import lock
from serverless_cli.state.store import FileStore
from serverless_cli.undo import Former, Undo
from tests.unit.aws_fakes import FakeClock

PLACE = Place("shop", "dev", "eu-central-1", "123456789012")
GROUP = "/aws/lambda/shop-dev-hello"
STEP = Step(Action.DELETE, Ref("log-group", "hello"), GROUP)


@dataclass
class LateLogs:
    """An account in which Lambda makes a log group again, bare, however often it is deleted. `hook` hears of each
    deletion before it is carried out."""

    hook: Callable[[int], None] = lambda number: None
    deleted: int = 0

    def send(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        if operation == "logs.DeleteLogGroup":
            self.deleted += 1
            self.hook(self.deleted)
        groups = [{"logGroupName": GROUP, "arn": f"arn:aws:logs:eu-central-1:123456789012:log-group:{GROUP}:*"}]
        return {"logGroups": groups} if operation == "logs.DescribeLogGroups" else {}

    def pages(self, operation: str, parameters: Mapping[str, Any], call: Callable[..., Any]) -> Iterable[Any]:
        yield call(operation, **parameters)


@dataclass
class Run:
    """A command that holds the lock of a stack, of which it has deleted a log group."""

    folder: Path
    logs: LateLogs = field(default_factory=LateLogs)

    def __post_init__(self) -> None:
        self.store = FileStore(self.folder / ".slx")
        aws = Calls(self.logs, PLACE.region, FakeClock())
        self.session = Session(Settings(self.folder), aws, self.store, "local", PLACE.region, PLACE.account)
        self.key = self.session.key(PLACE)
        self.plan = Plan(PLACE, {STEP.ref: STEP})
        self.quicker: list[Lease] = []

    def lose(self) -> None:
        """Somebody deletes the state and begins another run."""
        shutil.rmtree(self.store.root)
        self.quicker.append(self.store.lease(self.key, Holder.me("up")))

    def end(self) -> None:
        for lease in self.quicker:
            lease.release()


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    made = Run(tmp_path)
    yield made
    made.end()


def test_the_sweep_of_down_removes_nothing_once_the_lock_is_lost(run: Run) -> None:
    with lock(run.store, run.key, command="down") as lease, Journal.open(run.store, run.key, {}) as journal:
        down = Down(run.session, PLACE, run.plan, {}, frozenset({"log-group"}), journal, lease)
        down.sweep()
        assert run.logs.deleted == 1, "while it is held, what came back late is removed"
        run.lose()

        with pytest.raises(SlxError) as caught:
            down.sweep()

    assert caught.value.exit_code is Exit.LOCKED
    assert run.logs.deleted == 1


def test_nor_does_a_rollback_look_on_for_more_to_remove(run: Run) -> None:
    lost_at = 2
    """the step itself is the first, what came back after it the second"""
    run.logs.hook = lambda number: run.lose() if number == lost_at else None
    with lock(run.store, run.key, command="up") as lease, Journal.open(run.store, run.key, {}) as journal:
        rollback = Rollback(run.session, Former(), Undo(run.plan, (), {}), journal, lease)

        with pytest.raises(SlxError) as caught:
            rollback.run(lambda event: None, threading.Event())

    assert caught.value.exit_code is Exit.LOCKED
    assert run.logs.deleted == lost_at
