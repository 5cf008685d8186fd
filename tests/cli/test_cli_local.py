"""`slx local` and `slx init`."""

from pathlib import Path

import pytest
from cli_fakes import FakeTarget, Line


def test_start_prints_the_url(slx: Line) -> None:
    ended = slx("local", "start")

    assert (ended.code, ended.out) == (0, "http://127.0.0.1:4566\n")
    assert slx.app.calls == [("start", slx.folder)]


def test_stop_says_what_happened(slx: Line) -> None:
    nothing = slx("local", "stop")
    slx.app.targets = (FakeTarget(),)
    stopped = slx("local", "stop")

    assert "no local target runs here" in nothing.err
    assert "stopped" in stopped.err
    assert slx("local", "stop", "--json").document == {"stopped": True}


def test_status_lists_what_runs(slx: Line) -> None:
    slx.app.targets = (FakeTarget(),)

    ended = slx("local", "status")

    assert "http://127.0.0.1:4566  up 1m01s, 62.0 MB, process 42" in ended.out
    assert "website/dev in /work" in ended.out


def test_status_is_a_document(slx: Line) -> None:
    slx.app.targets = (FakeTarget(),)

    assert slx("local", "status", "--json").document == {
        "targets": [
            {
                "url": "http://127.0.0.1:4566",
                "pid": 42,
                "uptime_s": 61.0,
                "memory_bytes": 62_000_000,
                "stacks": ["website/dev"],
                "workspace": str(Path("/work")),
            }
        ]
    }


def test_reset_needs_a_word(slx: Line) -> None:
    refused = slx("local", "reset")
    done = slx("local", "reset", "--yes")

    assert (refused.code, done.code) == (2, 0)
    assert slx.app.calls == [("reset", slx.folder)]


def test_reset_asks_on_a_terminal(slx: Line) -> None:
    assert slx.typed("n\n", "local", "reset").code == 8
    assert slx.typed("y\n", "local", "reset").code == 0


@pytest.mark.parametrize(("args", "folder"), [(("website",), "website"), (("website", "mine"), "mine")])
def test_init_copies_a_blueprint_and_says_how_to_go_on(slx: Line, args: tuple[str, ...], folder: str) -> None:
    ended = slx("init", *args)

    assert slx.app.calls == [("copy", ("website", slx.folder / folder))]
    assert ended.out == ""
    assert f"go on with: cd {folder} && slx up --local" in ended.err


def test_init_is_a_document(slx: Line) -> None:
    assert slx("init", "website", "--json").document["folder"] == str(slx.folder / "website")


def test_init_needs_a_name(slx: Line) -> None:
    ended = slx("init")

    assert ended.code == 2
    assert "missing argument" in ended.err
