import io
import json

import pytest
from rich.console import Console
from ui_samples import Screen, outcome, plan, step

from serverless_cli.errors import SlxError
from serverless_cli.events import Ended, Note, Planned, Started
from serverless_cli.model import Action, Status
from serverless_cli.ui.live import LiveView
from serverless_cli.ui.progress import Lines, Records, watch
from serverless_cli.ui.terminal import Look, Streams, Terminal

HELLO = step(Action.CREATE, "function", "hello")
API = step(Action.DELETE, "http-api", "api")
ROLE = step(Action.KEEP, "role", "hello")
PLAN = plan(HELLO, API, ROLE)


class Clock:
    """Time that passes when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def terminal(look: Look | None = None, out: io.StringIO | None = None, err: io.StringIO | None = None) -> Terminal:
    environ = {"TERM": "xterm", "COLUMNS": "60"}
    return Terminal(look or Look(), Streams(Screen(), out or io.StringIO(), err or io.StringIO(), environ))


def picture(view: LiveView, width: int = 60) -> list[str]:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(view.picture())
    return [line.rstrip() for line in console.file.getvalue().splitlines()]  # type: ignore[attr-defined]


def test_the_listener_suits_the_console() -> None:
    assert isinstance(watch(terminal(Look(json=True)), PLAN), Records)
    assert isinstance(watch(terminal(), PLAN), Lines)
    assert isinstance(watch(terminal(err=Screen()), PLAN), LiveView)


def test_nothing_is_watched_live_where_nothing_is_done() -> None:
    assert isinstance(watch(terminal(err=Screen()), plan(ROLE)), Lines)


def test_plain_lines_are_one_per_ended_step() -> None:
    err = io.StringIO()
    with watch(terminal(err=err), PLAN) as listen:
        for event in (Planned(PLAN), Started(HELLO, 0), Ended(outcome(ROLE), 0), Ended(outcome(HELLO), 1), Note("hm")):
            listen(event)

    assert err.getvalue().splitlines() == ["created  function hello (website-dev-hello) 1.2s", "hm"]


def test_what_was_kept_is_a_line_with_verbose() -> None:
    err = io.StringIO()

    watch(terminal(Look(verbose=True), err=err), PLAN)(Ended(outcome(ROLE), 0))

    assert err.getvalue() == "unchanged role hello (website-dev-hello)\n"


def test_what_was_skipped_is_left_to_the_report() -> None:
    err = io.StringIO()

    watch(terminal(err=err), PLAN)(Ended(outcome(API, Status.SKIPPED), 0))

    assert err.getvalue() == ""


def test_json_lines_are_one_object_per_event() -> None:
    out = io.StringIO()
    failed = outcome(HELLO, Status.FAILED, error=SlxError("it broke", "why", "hint"))
    skipped = outcome(API, Status.SKIPPED, cause=HELLO.ref)
    with watch(terminal(Look(json=True), out=out), PLAN) as listen:
        for event in (Planned(PLAN), Started(HELLO, 0.25), Ended(failed, 1), Ended(skipped, 1), Note("hm")):
            listen(event)

    events = [json.loads(line) for line in out.getvalue().splitlines()]

    assert [event["event"] for event in events] == ["started", "ended", "ended", "note"]
    assert events[0] == {
        "event": "started",
        "action": "create",
        "kind": "function",
        "id": "hello",
        "name": "website-dev-hello",
        "at_s": 0.25,
    }
    assert events[1]["error"]["what"] == "it broke"
    assert events[2]["cause"] == {"kind": "function", "id": "hello"}


def test_the_live_view_shows_each_step_in_the_order_of_the_plan() -> None:
    clock = Clock()
    view = LiveView(terminal(err=Screen()), PLAN, clock)
    view(Planned(PLAN))
    view(Started(API, 0))
    clock.now += 2.5

    hello, api, total = picture(view)

    assert hello == "· function hello  waiting"
    assert "http-api api  removing" in api
    assert api.endswith("2.5s")
    assert total.split() == ["0", "of", "2", "2.5s"]


def test_the_live_view_shows_what_ended() -> None:
    view = LiveView(terminal(err=Screen()), PLAN, Clock())
    view(Ended(outcome(ROLE), 0))
    view(Ended(outcome(HELLO), 1))
    view(Ended(outcome(API, Status.FAILED), 1))

    hello, api, total = picture(view)

    assert hello.split() == ["✓", "function", "hello", "created", "1.2s"]
    assert api.split() == ["✗", "http-api", "api", "failed", "1.2s"]
    assert total.split()[:3] == ["2", "of", "2"]


def test_the_live_view_never_grows_beyond_the_screen() -> None:
    steps = [step(Action.CREATE, "queue", f"q{number:02}") for number in range(60)]
    it = terminal(err=Screen())
    it.err.height = 12
    view = LiveView(it, plan(*steps), Clock())
    for one in steps[:20]:
        view(Ended(outcome(one), 0))
    view(Ended(outcome(steps[20], Status.FAILED), 0))
    view(Started(steps[21], 0))

    found = picture(view)

    assert len(found) <= it.err.height
    assert any("q20" in line and line.startswith("✗") for line in found)
    assert any("q21" in line and "creating" in line for line in found)


def test_the_live_view_cuts_lines_on_a_narrow_screen() -> None:
    long = step(Action.CREATE, "permission", "a-very-long-id.with-much-wiring-in-it")
    view = LiveView(terminal(err=Screen()), plan(long), Clock())

    assert max(map(len, picture(view, 30))) <= 30


def test_the_live_view_leaves_a_line_per_ended_step_behind() -> None:
    err = Screen()
    with watch(terminal(err=err), PLAN) as listen:
        listen(Planned(PLAN))
        listen(Started(HELLO, 0))
        listen(Ended(outcome(HELLO), 1))

    last = err.getvalue().splitlines()[-1]
    assert "hello" in last
    assert "created" in last


def test_the_live_view_is_put_away_when_the_run_breaks() -> None:
    err = Screen()
    broken = watch(terminal(err=err), PLAN)

    with pytest.raises(SlxError), broken:
        raise SlxError("lost")

    assert "\x1b[?25h" in err.getvalue()
