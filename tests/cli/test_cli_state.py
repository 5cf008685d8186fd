"""`slx state` and `slx unlock`: what is asked of the application, what is shown, and what consent they want."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from cli_fakes import PLACE, FakeApp, Line

from serverless_cli.app.settings import Settings
from serverless_cli.app.state import Repaired
from serverless_cli.errors import Exit, SlxError
from serverless_cli.model import Place, Ref
from serverless_cli.state.fold import Known
from serverless_cli.state.history import Failed, History, Run
from serverless_cli.state.lease import Holder
from serverless_cli.state.store import StackKey

KEY = StackKey("aws-123456789012-eu-central-1", "website", "dev")
HOLDER = Holder("ann", "laptop", 42, "up website", "2026-01-31T12:00:00Z", "abc")
ROLE, TABLE = Ref("role", "hello"), Ref("table", "items")
RUN = Run(
    "abc", "ann@laptop", 42, "2026-01-31T12:00:00Z", "up website", "0.1.0", ended=False,
    failed=(Failed(ROLE, "create", "no such thing"),),
)  # fmt: skip


def history(**more: Any) -> History:
    given: dict[str, Any] = {
        "key": KEY, "where": "s3://acme/shop", "size": 2048, "lines": 9, "whole": True, "healthy": True,
        "blueprint": "blueprint.yaml", "entries": (), "run": RUN, "copies": (), "holder": None,
    }  # fmt: skip
    return History(**{**given, **more})


@dataclass
class FakeLock:
    """A lock that remembers whether it was taken away."""

    place: Place = PLACE
    holder: Holder | None = HOLDER
    removed: bool = False

    def remove(self) -> None:
        self.removed = True


@dataclass
class StateApp(FakeApp):
    """The part of the application that keeps states."""

    found: History = field(default_factory=history)
    made: bool = True
    moved: tuple[StackKey, ...] = (KEY,)
    repaired: Repaired = field(
        default_factory=lambda: Repaired(PLACE, "s3://acme/shop", ((ROLE, "w-hello"),), (), (), True, ())
    )
    seen: FakeLock = field(default_factory=FakeLock)

    def state_show(self, settings: Settings, stack: str | None) -> History:
        self._asked("show", stack, settings)
        return self.found

    def state_create(self, settings: Settings, address: str) -> bool:
        self._asked("create", address, settings)
        return self.made

    def state_move(self, settings: Settings, stack: str | None, to: str) -> tuple[str, tuple[StackKey, ...]]:
        self._asked("move", (stack, to), settings)
        return to, self.moved

    def state_repair(self, settings: Settings, stack: str | None) -> Repaired:
        self._asked("repair", stack, settings)
        return self.repaired

    @contextmanager
    def lock(self, settings: Settings, stack: str | None) -> Iterator[FakeLock]:
        self._asked("lock", stack, settings)
        yield self.seen


@pytest.fixture
def app() -> StateApp:
    return StateApp()


@pytest.fixture
def line(slx: Line, tmp_path: Path, app: StateApp) -> Line:
    return Line(tmp_path, app)


def test_show_says_where_what_who_and_how_it_ended(line: Line, app: StateApp) -> None:
    app.found = history(
        entries=(Known(ROLE, "w-hello", retain=True, spec={}), Known(TABLE, "w-items", expected=True)),
        holder=HOLDER,
        copies=("journal.damaged-1",),
        healthy=False,
    )

    ended = line("state", "show", "website/dev")

    assert ended.code == 0
    assert app.calls == [("show", "website/dev")]
    for text in (
        "s3://acme/shop", "9 lines, 2.0 kB", "damaged", "ann@laptop (pid 42) since 2026-01-31T12:00:00Z",
        "did not end", "w-hello", "retained", "begun, not known to be there", "journal.damaged-1",
        "create role hello: no such thing",
    ):  # fmt: skip
        assert text in " ".join(ended.out.split()), ended.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("s3://acme/x",), "--state s3://acme/x, SLX_STATE=s3://acme/x, or `state: s3://acme/x` in slx.yaml"),
        ((".slx", "--local"), "--local without --state: it takes .slx"),
        (("./.slx", "--local"), "--local without --state: it takes .slx"),
        (("kept", "--local"), "--local --state kept, each time"),
    ],
)
def test_move_says_how_the_state_is_found_from_now_on(line: Line, words: tuple[str, ...], said: str) -> None:
    told = line("state", "move", "--to", *words).err

    assert f"from now on: {said}" in told
    assert ("SLX_STATE=" in told) is ("--local" not in words)


def test_show_as_json(line: Line, app: StateApp) -> None:
    app.found = history(entries=(Known(TABLE, "w-items", expected=True),), holder=HOLDER)

    document = line("state", "show", "--json").document

    assert (document["target"], document["stack"], document["stage"]) == (KEY.target, "website", "dev")
    assert document["state"] == "s3://acme/shop"
    assert document["journal"]["complete"] is True
    assert document["entries"] == [{"kind": "table", "id": "items", "name": "w-items", "retain": False, "begun": True}]
    assert document["run"]["ended"] is False
    assert document["run"]["failed"][0]["error"] == "no such thing"
    assert document["lock"]["pid"] == 42


def test_show_of_a_stack_at_rest(line: Line, app: StateApp) -> None:
    app.found = history(run=None, size=0, lines=0)

    text = " ".join(line("state", "show").out.split())

    assert "lock free" in text
    assert "journal none" in text
    assert "last run not recorded" in text
    app.found = history(run=None)
    assert line("state", "show", "--json").document["lock"] is None


@pytest.mark.parametrize(("made", "said"), [(True, "the bucket is ready;"), (False, "nothing was changed")])
def test_create_says_how_to_use_it(line: Line, app: StateApp, made: bool, said: str) -> None:
    app.made = made

    ended = line("state", "create", "s3://acme/shop")

    assert app.calls == [("create", "s3://acme/shop")]
    assert said in ended.err
    assert "state: s3://acme/shop" in ended.err
    assert line("state", "create", "s3://acme/shop", "--json").document == {"state": "s3://acme/shop", "made": made}


def test_move_says_what_was_moved_and_what_to_set(line: Line, app: StateApp) -> None:
    ended = line("state", "move", "website", "--to", "s3://acme/shop")

    assert app.calls == [("move", ("website", "s3://acme/shop"))]
    assert f"moved {KEY}" in ended.err
    assert "from now on: --state s3://acme/shop" in ended.err
    app.moved = ()
    assert "nothing left to move" in line("state", "move", "--to", ".slx").err
    assert line("state", "move", "--to", ".slx", "--json").document == {"state": ".slx", "moved": []}


def test_move_wants_a_place(line: Line) -> None:
    assert line("state", "move").code == Exit.USAGE


def test_repair_says_what_it_found(line: Line, app: StateApp) -> None:
    app.repaired = Repaired(
        PLACE,
        "s3://acme/shop",
        ((ROLE, "w-hello"),),
        ((TABLE, "w-items"),),
        ((TABLE, "theirs"),),
        False,
        ("journal.d",),
    )

    text = line("state", "repair").out

    for said in ("1 resource of website/dev recorded", "forgotten", "not this stack's", "no blueprint", "journal.d"):
        assert said in text
    document = line("state", "repair", "--json").document
    assert document["recorded"] == [{"kind": "role", "id": "hello", "name": "w-hello"}]
    assert document["complete"] is False


def test_unlock_shows_the_holder_and_asks(line: Line, app: StateApp) -> None:
    ended = line.typed("n\n", "unlock", "website")

    assert ended.code == Exit.CANCELLED
    assert str(HOLDER) in " ".join(ended.err.split())
    assert not app.seen.removed
    assert line.typed("y\n", "unlock", "website").code == 0
    assert app.seen.removed


def test_unlock_without_a_terminal_wants_yes(line: Line, app: StateApp) -> None:
    assert line("unlock").code == Exit.USAGE
    assert not app.seen.removed

    ended = line("unlock", "--yes", "--json")

    assert app.seen.removed
    assert ended.document["removed"]["user"] == "ann"


def test_unlock_of_a_free_lock_does_nothing(line: Line, app: StateApp) -> None:
    app.seen = FakeLock(holder=None)

    ended = line("unlock")

    assert ended.code == 0
    assert "nobody has the lock of website/dev" in ended.err


def test_what_the_application_refuses_is_shown(line: Line, app: StateApp) -> None:
    app.error = SlxError("the lock cannot be removed", "it ends with its process", exit_code=Exit.LOCKED)

    ended = line("unlock", "--yes")

    assert ended.code == Exit.LOCKED
    assert "it ends with its process" in ended.err


# Where the state is


@pytest.mark.parametrize(
    ("flags", "environ", "project", "state"),
    [
        ((), {}, {}, None),
        ((), {}, {"state": "s3://file/x"}, "s3://file/x"),
        ((), {"SLX_STATE": "s3://env/x"}, {"state": "s3://file/x"}, "s3://env/x"),
        (("--state", "s3://flag/x"), {"SLX_STATE": "s3://env/x"}, {"state": "s3://file/x"}, "s3://flag/x"),
        (("--local",), {"SLX_STATE": "s3://env/x"}, {"state": "s3://file/x"}, None),
        ((), {"SLX_STATE": "s3://env/x", "SLX_LOCAL": "1"}, {"state": "s3://file/x"}, None),
        (("--local", "--state", "s3://flag/x"), {"SLX_STATE": "s3://env/x"}, {}, "s3://flag/x"),
    ],
)
def test_the_local_target_does_without_the_teams_state(
    line: Line,
    app: StateApp,
    flags: tuple[str, ...],
    environ: dict[str, str],
    project: dict[str, str],
    state: str | None,
) -> None:
    line.environ = dict(environ)
    app.project = dict(project)

    assert line("state", "show", *flags).code == 0

    assert app.settings is not None
    assert app.settings.state == state
