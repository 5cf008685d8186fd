"""What `down` says about what it finds left; a double of the emulator stands in for AWS."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from serverless_cli.app.down import Down
from serverless_cli.app.session import Session
from serverless_cli.app.settings import Settings
from serverless_cli.model import Action, Mark, Place, Plan, Ref, Step
from serverless_cli.state.journal import Journal
from serverless_cli.state.lock import lock
from serverless_cli.state.store import FileStore

PLACE = Place("shop", "dev", "eu-central-1", "123456789012")
MARK = Mark("shop", "dev", "eu-central-1", "jobs")


class OneQueue:
    """An account in which nothing is left but one queue with our mark."""

    region = "eu-central-1"

    def __init__(self, mark: Mark | None) -> None:
        self.mark = mark

    def call(self, operation: str, /, **_: Any) -> dict[str, Any]:
        return {}

    def find(self, operation: str, /, **_: Any) -> dict[str, Any] | None:
        return {"Tags": self.mark.tags} if operation == "sqs.ListQueueTags" and self.mark else None

    def pages(self, operation: str, key: str, /, **_: Any) -> Any:
        return iter(["https://sqs/123456789012/shop-dev-jobs"] if operation == "sqs.ListQueues" else [])

    def map(self, work: Any, items: Any) -> list[Any]:
        return [work(item) for item in items]

    def reading(self) -> OneQueue:
        return self


@pytest.fixture
def swept(tmp_path: Path, request: pytest.FixtureRequest) -> Any:
    store = FileStore(tmp_path / ".slx")
    session = Session(Settings(tmp_path), OneQueue(request.param), store, "local", PLACE.region, PLACE.account)  # type: ignore[arg-type]
    key = session.key(PLACE)
    step = Step(Action.DELETE, Ref("queue", "jobs"), "shop-dev-jobs")
    with lock(store, key, command="down") as lease, Journal.open(store, key, {}) as journal:
        journal.start(lease.holder)
        yield Down(session, PLACE, Plan(PLACE, {step.ref: step}), {}, journal, lease).sweep(), store


@pytest.mark.parametrize("swept", [MARK], indirect=True, ids=["our mark"])
def test_what_is_left_is_told_and_the_record_stays(swept: Any) -> None:
    sweep, store = swept

    assert [(one.ref, one.name) for one in sweep.left] == [(Ref("queue", "jobs"), "shop-dev-jobs")]
    assert len(store.stacks()) == 1


@pytest.mark.parametrize("swept", [None], indirect=True, ids=["no mark"])
def test_where_nothing_is_left_the_record_ends(swept: Any) -> None:
    sweep, store = swept

    assert (sweep.left, store.stacks()) == ((), [])
    assert sweep.looked["queue"] == 0
