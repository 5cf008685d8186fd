"""What `down` says about what it finds left; a double of the emulator stands in for AWS."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from serverless_cli.app.down import Down
from serverless_cli.app.session import Session
from serverless_cli.app.settings import Settings
from serverless_cli.aws.wait import poll
from serverless_cli.model import Action, Mark, Place, Plan, Ref, Step
from serverless_cli.state.journal import Journal
from serverless_cli.state.lock import lock
from serverless_cli.state.store import FileStore
from tests.unit.aws_fakes import FakeClock

PLACE = Place("shop", "dev", "eu-central-1", "123456789012")
MARK = Mark("shop", "dev", "eu-central-1", "jobs")


THEIRS = Mark("blog", "dev", "eu-central-1", "jobs")
URL = "https://sqs/123456789012/shop-dev-jobs"


@dataclass
class OneQueue:
    """An account in which at most one queue is left; `lists` says whether lists name it, `lasts` how often reads do."""

    mark: Mark | None = None
    lists: bool = True
    lasts: int = 1000
    region: str = "eu-central-1"

    def call(self, operation: str, /, **_: Any) -> dict[str, Any]:
        return {}

    def find(self, operation: str, /, **_: Any) -> dict[str, Any] | None:
        if operation == "sqs.ListQueueTags":
            return {"Tags": self.mark.tags if self.mark else {}}
        if operation == "sqs.GetQueueUrl":
            self.lasts -= 1
            return {"QueueUrl": URL} if self.lasts >= 0 else None
        return {"Attributes": {}} if operation == "sqs.GetQueueAttributes" else None

    def pages(self, operation: str, /, *keys: str, **_: Any) -> Any:
        return iter([URL] if operation == "sqs.ListQueues" and self.lists else [])

    def map(self, work: Any, items: Any) -> list[Any]:
        return [work(item) for item in items]

    def wait(self, what: str, ask: Callable[[], Any], *, deadline_s: float) -> Any:
        return poll(what, ask, deadline_s=deadline_s, clock=FakeClock())

    def reading(self) -> OneQueue:
        return self

    def fenced(self, check: Callable[[], None]) -> OneQueue:
        return self


@pytest.fixture
def swept(tmp_path: Path, request: pytest.FixtureRequest) -> Any:
    store = FileStore(tmp_path / ".slx")
    session = Session(Settings(tmp_path), request.param, store, "local", PLACE.region, PLACE.account)
    key = session.key(PLACE)
    step = Step(Action.DELETE, Ref("queue", "jobs"), "shop-dev-jobs")
    with lock(store, key, command="down") as lease, Journal.open(store, key, {}) as journal:
        journal.start(lease.holder)
        yield (
            Down(session, PLACE, Plan(PLACE, {step.ref: step}), {}, frozenset({"queue"}), journal, lease).sweep(),
            store,
        )


LEFT = {
    "it carries our mark": OneQueue(MARK),
    "it carries our mark, and no list names it yet": OneQueue(MARK, lists=False),
    "it has the name of what was deleted, and no mark": OneQueue(None),
}
GONE = {
    "a list still names it": OneQueue(MARK, lasts=0),
    "it takes some seconds to go": OneQueue(MARK, lasts=3),
    "somebody else has made one of that name": OneQueue(THEIRS),
    "nothing names it": OneQueue(None, lists=False, lasts=0),
}


@pytest.mark.parametrize("swept", LEFT.values(), indirect=True, ids=LEFT)
def test_what_is_left_is_told_and_the_record_stays(swept: Any) -> None:
    sweep, store = swept

    assert [(one.ref, one.name) for one in sweep.left] == [(Ref("queue", "jobs"), "shop-dev-jobs")]
    assert len(store.stacks()) == 1


@pytest.mark.parametrize("swept", GONE.values(), indirect=True, ids=GONE)
def test_where_nothing_is_left_the_record_ends(swept: Any) -> None:
    sweep, store = swept

    assert (sweep.left, store.stacks()) == ((), [])
    assert sweep.looked["queue"] == 0
