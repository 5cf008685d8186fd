"""Runs that are stopped from outside: signals, a terminal that is closed, a disk that is full, a folder that is not ours.

Each is the command itself, as a process, on what behaves like AWS.
"""

from __future__ import annotations

import ctypes
import os
import pty
import resource
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from rig import PATIENCE_S, Folder, failures, heeding, until

pytestmark = [
    pytest.mark.strict,
    pytest.mark.skipif(os.name == "nt", reason="signals and pseudo-terminals are POSIX's"),
]

SLOW = {"rules": "none", "latency_ms": 150.0}
"""calls that take so long that a run lasts"""
UP = ("up", "--yes", "--no-checks")


def slx(folder: Folder, *words: str, **options: Any) -> subprocess.Popen[str]:
    """The command as a process that a test talks to while it runs."""
    given: dict[str, Any] = {
        "stdin": subprocess.DEVNULL,
        "stdout": subprocess.PIPE,
        "stderr": subprocess.PIPE,
        "cwd": folder.path,
        "env": folder.environment,
        "text": True,
        "preexec_fn": heeding,
    }
    return subprocess.Popen([sys.executable, "-m", "serverless_cli", *words], **{**given, **options})


def first_write(folder: Folder, mark: int = 0) -> None:
    until(lambda: folder.aws.writes(mark), "a write")


@dataclass
class Ended:
    """What a process left."""

    code: int
    out: str
    err: str


def end(process: subprocess.Popen[str]) -> Ended:
    out, err = process.communicate(timeout=PATIENCE_S)
    assert "Traceback" not in err, err
    return Ended(process.returncode, out or "", err or "")


def journal(folder: Folder) -> str:
    [path] = (folder.path / ".slx").glob("*/*/*/journal")
    return path.read_text()


def converges(folder: Folder) -> None:
    """The next run finishes what was begun: nothing is locked, lost or made twice."""
    folder.aws.disturb(rules="none", latency_ms=0.0)
    assert failures(folder.up()) == {}
    assert folder.plan().writes == ()
    assert {kind: len(names) for kind, names in folder.aws.left(folder.region).items()} == {
        "roles": 1, "functions": 1, "buckets": 1, "apis": 1, "groups": 1,
    }  # fmt: skip


@pytest.fixture
def slow(website: Folder) -> Folder:
    website.aws.reset(**SLOW)
    return website


# Signals


@pytest.mark.parametrize(
    "order",
    [
        signal.SIGINT,
        pytest.param(signal.SIGTERM, marks=pytest.mark.slow),
        pytest.param(signal.SIGHUP, marks=pytest.mark.slow),
    ],
)
def test_the_first_signal_lets_what_runs_end_and_records_it(slow: Folder, order: signal.Signals):
    process = slx(slow, *UP)
    first_write(slow)
    process.send_signal(order)

    ended = end(process)

    assert ended.code == 8
    assert "slx up" in ended.err.splitlines()[-1]
    assert '"type":"end"' in journal(slow).splitlines()[-1]
    begun = [line for line in journal(slow).splitlines() if '"type":"begin"' in line]
    done = [line for line in journal(slow).splitlines() if '"type":"entry"' in line]
    assert len(begun) == len(done) > 0
    assert "functions" not in slow.aws.left(slow.region)
    converges(slow)


def test_the_second_signal_ends_it_at_once_and_the_next_run_goes_on(slow: Folder):
    process = slx(slow, *UP)
    first_write(slow)
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    for line in process.stderr:
        if "stopping" in line:
            break
    process.send_signal(signal.SIGINT)

    ended = end(process)

    assert ended.code == 8
    assert '"type":"end"' not in journal(slow)
    converges(slow)


@pytest.mark.slow
def test_a_hangup_that_comes_twice_is_one(slow: Folder):
    process = slx(slow, *UP)
    first_write(slow)
    process.send_signal(signal.SIGHUP)
    assert process.stderr is not None
    for line in process.stderr:
        if "stopping" in line:
            break
    process.send_signal(signal.SIGHUP)

    assert end(process).code == 8
    assert '"type":"end"' in journal(slow).splitlines()[-1]


@pytest.mark.slow
def test_a_run_that_is_to_outlive_its_terminal_does(slow: Folder):
    process = slx(slow, *UP, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    first_write(slow)
    process.send_signal(signal.SIGHUP)

    assert end(process).code == 0
    assert slow.status().ok


def test_a_signal_before_the_first_write_does_nothing(slow: Folder):
    process = slx(slow, *UP)
    until(lambda: "sts.GetCallerIdentity" in slow.aws.since(), "the first call")
    process.send_signal(signal.SIGTERM)

    ended = end(process)

    assert ended.code == 8
    assert ended.err.startswith("error: cancelled")
    assert slow.aws.writes() == []
    assert failures(slow.up()) == {}


@pytest.mark.slow
def test_a_down_that_is_stopped_is_finished_by_the_next(website: Folder):
    website.up()
    website.aws.disturb(**SLOW)
    mark = website.aws.mark()
    process = slx(website, "down", "--yes")
    first_write(website, mark)
    process.send_signal(signal.SIGINT)

    ended = end(process)

    assert ended.code == 8
    assert "slx down website/dev" in ended.err.splitlines()[-1]
    assert website.aws.left(website.region) != {}
    website.aws.disturb(rules="none", latency_ms=0.0)
    _, sweep = website.down()
    assert sweep.left == ()
    assert website.aws.left(website.region) == {}


@pytest.mark.slow
def test_a_down_that_is_stopped_while_it_proves_that_nothing_is_left_keeps_its_record(website: Folder):
    website.up()
    website.aws.disturb(rules="none", latency_ms=400.0)
    mark = website.aws.mark()
    process = slx(website, "down", "--yes")
    until(
        lambda: "s3.DeleteBucket" in website.aws.since(mark) and "iam.DeleteRole" in website.aws.since(mark), "it all"
    )
    until(lambda: "sqs.ListQueues" in website.aws.since(mark), "the sweep")
    process.send_signal(signal.SIGTERM)

    assert end(process).code == 8
    assert journal(website)
    website.aws.disturb(rules="none", latency_ms=0.0)
    _, sweep = website.down()
    assert sweep.left == ()
    assert not list((website.path / ".slx").glob("*/*/*/journal"))


def test_a_stopped_run_with_rollback_is_undone(slow: Folder):
    process = slx(slow, *UP, "--rollback")
    first_write(slow)
    process.send_signal(signal.SIGINT)

    ended = end(process)

    assert ended.code == 8
    assert "then all that this run made is undone" in ended.err
    assert "Undone:" in ended.err
    assert slow.aws.left(slow.region) == {}
    assert not list((slow.path / ".slx").glob("*/*/*/journal"))


# Terminals and pipes that close


@contextmanager
def terminal(folder: Folder, *words: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The command on a terminal of its own, in a session of its own, as in a window; and the window's side of it."""
    window, own = pty.openpty()
    process = slx(folder, *words, stdin=own, stdout=own, stderr=own, start_new_session=True, preexec_fn=_take_terminal)
    os.close(own)
    try:
        yield process, window
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(timeout=PATIENCE_S)


def _take_terminal() -> None:
    """Makes the terminal that is stdin the one that the process belongs to."""
    import fcntl
    import termios

    heeding()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class Screen(threading.Thread):
    """Reads what is shown on a terminal, until it is closed."""

    def __init__(self, window: int) -> None:
        super().__init__(daemon=True)
        self.window = window
        self.text = ""
        self.open = True
        self.start()

    def run(self) -> None:
        while self.open:
            # A window that somebody waits to read from would not be closed.
            ready, _, _ = select.select([self.window], [], [], 0.05)
            try:
                self.text += os.read(self.window, 4096).decode(errors="replace") if ready else ""
            except OSError:
                return

    def shows(self, text: str) -> None:
        until(lambda: text in self.text, f"{text!r} on the screen, which shows {self.text[-600:]!r}")

    def close(self) -> None:
        self.open = False
        self.join()
        os.close(self.window)


def test_a_question_that_is_answered_by_ctrl_c_does_nothing(slow: Folder):
    with terminal(slow, "up") as (process, window):
        screen = Screen(window)
        screen.shows("Do this? [y/N]")
        os.write(window, b"\x03")
        process.wait(timeout=PATIENCE_S)
        screen.shows("nothing was done")
        screen.close()

    assert process.returncode == 8
    assert "Traceback" not in screen.text
    assert slow.aws.writes() == []


@pytest.mark.slow
def test_a_window_that_is_closed_at_the_question_does_nothing(slow: Folder):
    with terminal(slow, "up") as (process, window):
        screen = Screen(window)
        screen.shows("Do this? [y/N]")
        screen.close()
        process.wait(timeout=PATIENCE_S)

    assert process.returncode == 8
    assert slow.aws.writes() == []
    assert failures(slow.up()) == {}


def test_a_window_that_is_closed_stops_the_run_in_good_order(slow: Folder):
    with terminal(slow, *UP) as (process, window):
        screen = Screen(window)
        screen.shows("creating")
        first_write(slow)
        screen.close()
        process.wait(timeout=PATIENCE_S)

    assert process.returncode == 8
    assert '"type":"end"' in journal(slow).splitlines()[-1]
    converges(slow)


@pytest.mark.slow
def test_output_that_nobody_reads_any_more_stops_nothing(slow: Folder):
    process = slx(slow, *UP)
    first_write(slow)
    assert process.stderr is not None
    assert process.stdout is not None
    process.stderr.close()
    process.stdout.close()

    assert process.wait(timeout=PATIENCE_S) == 0
    assert slow.status().ok


# Disks that are full, folders that are not ours


def settle_cache(folder: Folder) -> None:
    """Has the function packed, so that the cache needs no room; it remembers no folder that has just been touched."""
    cache = Path(folder.environment["XDG_CACHE_HOME"])

    def remembered() -> bool:
        folder.plan()
        return any(cache.glob("slx/packages/*.json"))

    until(remembered, "a package in the cache")


def on_disk(folder: Folder, size: int, *words: str) -> Ended:
    """What the command leaves where no file of it may become larger than that, as on a disk that is full."""
    room = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))  # noqa: E731
    # Python would leave its own files behind cut off.
    return end(slx(folder, *words, preexec_fn=room, env={**folder.environment, "PYTHONDONTWRITEBYTECODE": "1"}))


@pytest.mark.slow
def test_a_disk_that_is_full_stops_a_run_before_its_first_write(website: Folder):
    settle_cache(website)
    mark = website.aws.mark()

    ended = on_disk(website, 10, *UP)

    assert ended.code == 1
    assert "the disk is full" in ended.err
    assert "make room, then run the same command again" in ended.err
    assert website.aws.writes(mark) == []
    assert failures(website.up()) == {}


def test_a_disk_that_gets_full_during_a_run_stops_it_with_every_write_intended(website: Folder):
    settle_cache(website)

    ended = on_disk(website, 2800, *UP)

    assert ended.code == 4
    assert "the disk is full" in ended.err
    assert "make room, then run the same command again" in ended.err
    assert "error:" not in ended.err
    begun = [line for line in journal(website).splitlines() if '"type":"begin"' in line]
    made = [name for names in website.aws.left(website.region).values() for name in names]
    assert made != []
    assert all(any(name in line for line in begun) for name in made)
    converges(website)


@pytest.mark.slow
def test_a_rollback_on_a_full_disk_says_what_is_not_undone(website: Folder):
    settle_cache(website)

    ended = on_disk(website, 4000, *UP, "--rollback")

    assert ended.code == 4
    assert "Not all undone" in ended.err
    converges(website)


def without_privileges() -> None:
    """For a process: permissions count, also where the tests run as root."""
    if os.getuid() == 0:
        libc = ctypes.CDLL(None, use_errno=True)
        no_root = 1  # SECBIT_NOROOT: what is executed gets no capabilities for being root
        if libc.prctl(28, no_root, 0, 0, 0):
            raise OSError(ctypes.get_errno(), "prctl")


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """The folder and all below it may only be read until the end of the `with`."""
    every = [folder, *folder.rglob("*")]
    modes = {path: path.stat().st_mode for path in every}
    for path in every:
        path.chmod(modes[path] & ~0o222)
    try:
        yield
    finally:
        for path in every:
            path.chmod(modes[path])


def test_a_folder_that_may_not_be_written_to_stops_up_before_any_write(website: Folder):
    with read_only(website.path):
        ended = end(slx(website, *UP, preexec_fn=without_privileges))

    assert ended.code == 1
    assert "the folder may not be written to" in ended.err
    assert "--state" in ended.err
    assert website.aws.writes() == []


@pytest.mark.slow
def test_what_only_looks_needs_no_folder_to_write_to(website: Folder):
    website.up()

    with read_only(website.path):
        done = {word: end(slx(website, word, preexec_fn=without_privileges)) for word in ("status", "plan", "outputs")}
        changed = end(slx(website, *UP, preexec_fn=without_privileges))

    assert {word: one.code for word, one in done.items()} == {"status": 0, "plan": 0, "outputs": 0}
    assert "in sync" in done["status"].out
    assert "http" in done["outputs"].out
    assert changed.code == 1


def test_a_file_in_the_place_of_the_state_is_named(website: Folder):
    (website.path / ".slx").write_text("mine")

    ended = end(slx(website, *UP))

    assert ended.code == 1
    assert "something else is in its place" in ended.err
    assert website.aws.writes() == []


@pytest.mark.slow
def test_a_cache_that_cannot_be_written_is_named_with_the_way_out(website: Folder, tmp_path: Path):
    (tmp_path / "file").write_text("")
    environment = {**website.environment, "XDG_CACHE_HOME": str(tmp_path / "file")}

    ended = end(slx(website, *UP, env=environment))

    assert ended.code == 1
    assert "cannot write a package to" in ended.err
    assert "XDG_CACHE_HOME" in ended.err
    assert website.aws.writes() == []
