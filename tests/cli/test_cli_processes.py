"""What only a process of its own can show: signals, pipes that close, completion."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from cli_fakes import Line

HERE = Path(__file__).parent
STOPPABLE = f"""
import sys
sys.path.insert(0, {str(HERE)!r})
from cli_fakes import FakeApp, FakeRun, plan, step
from serverless_cli.cli.main import cli
from serverless_cli.cli.seam import Wiring
from pathlib import Path
from serverless_cli import scratch
from serverless_cli.events import Note
from serverless_cli.model import Action, Outcome, Report, Status

class Stoppable(FakeRun):
    def run(self, listen, cancel):
        if "copies" in sys.argv:
            held = scratch.folder()
            copies = held.__enter__()
            Path(copies, "code.zip").write_text("a user's")
            listen(Note(f"copies are in {{copies}}"))
        listen(Note("running"))
        cancel.wait(60)
        if "stubborn" in sys.argv:
            cancel.__class__().wait(60)
        one = step(Action.CREATE)
        return Report(self.place, {{one.ref: Outcome(one, Status.CANCELLED)}})

cli.main(["up", "website", "--local"], obj=Wiring(FakeApp(Stoppable(plan(step(Action.CREATE))))))
"""
MANY = f"""
import sys
sys.path.insert(0, {str(HERE)!r})
from cli_fakes import FakeApp
from serverless_cli.cli.main import cli
from serverless_cli.cli.seam import Wiring

cli.main(["outputs"], obj=Wiring(FakeApp(values={{f"name{{n}}": "x" * 100 for n in range(20000)}})))
"""
IMPORTING = f"""
import _imp, sys, threading, time
sys.path.insert(0, {str(HERE)!r})
from cli_fakes import FakeApp
from serverless_cli.cli.main import cli
from serverless_cli.cli.seam import Wiring

def hold(held):
    _imp.acquire_lock()
    held.set()
    print("waiting", file=sys.stderr, flush=True)
    time.sleep(1)
    _imp.release_lock()
    import wave

class Importing(FakeApp):
    def outputs(self, *args):
        held = threading.Event()
        other = threading.Thread(target=hold, args=(held,))
        other.start()
        held.wait()
        try:
            import tabnanny
            time.sleep(20)
        finally:
            other.join()

cli.main(["outputs"], obj=Wiring(Importing()))
"""
EARLY = """
import os, signal, sys

class Meanwhile:
    def find_spec(self, name, *_):
        if name == "serverless_cli.cli.main":
            os.kill(os.getpid(), signal.Signals[sys.argv[1]])

sys.meta_path.insert(0, Meanwhile())
from serverless_cli.__main__ import main

main()
"""
posix = pytest.mark.skipif(os.name == "nt", reason="signals are POSIX's")


def heeding() -> None:
    """For a process: what started the tests may have had signals ignored (nohup, a job in the background)."""
    for one in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(one, signal.SIG_DFL)


def begin(script: str, *args: str) -> subprocess.Popen[str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("SLX_", "AWS_"))}
    command = [sys.executable, "-c", script, *args]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    heeds = None if os.name == "nt" else heeding
    return subprocess.Popen(command, text=True, env=environ, preexec_fn=heeds, **pipes)  # noqa: PLW1509 - no threads here


def read_until(process: subprocess.Popen[str], said: str) -> str:
    """The line that says so."""
    assert process.stderr is not None
    for line in process.stderr:
        if said in line:
            return line
    raise AssertionError(f"it never said {said!r}")


@posix
@pytest.mark.parametrize("order", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_stops_in_good_order_and_says_how_to_go_on(order: signal.Signals) -> None:
    with begin(STOPPABLE) as process:
        read_until(process, "running")
        process.send_signal(order)
        read_until(process, "go on with: slx up website --local")
        # communicate() would pass over what has been read ahead into the stream's buffer.
        assert process.stderr
        assert process.stdout
        err, out = process.stderr.read(), process.stdout.read()

    assert process.returncode == 8
    assert "not done: function hello" in err
    assert out == ""


@posix
def test_the_second_signal_leaves_at_once() -> None:
    with begin(STOPPABLE, "stubborn") as process:
        read_until(process, "running")
        process.send_signal(signal.SIGINT)
        read_until(process, "stopping")
        process.send_signal(signal.SIGINT)
        process.communicate()

    assert process.returncode == 8


@posix
def test_the_second_signal_leaves_no_copies_behind() -> None:
    with begin(STOPPABLE, "stubborn", "copies") as process:
        folder = Path(read_until(process, "copies are in").split()[-1])
        read_until(process, "running")
        there = folder.is_dir()
        process.send_signal(signal.SIGINT)
        read_until(process, "stopping")
        process.send_signal(signal.SIGINT)
        process.communicate()

    assert (process.returncode, there, folder.exists()) == (8, True, False)


@posix
@pytest.mark.parametrize("order", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_something_is_imported_leaves_no_lock_behind(order: signal.Signals) -> None:
    """Python's lock of all imports, which another thread waits for, too."""
    with begin(IMPORTING) as process:
        read_until(process, "waiting")
        process.send_signal(order)
        _, err = process.communicate(timeout=30)

    assert process.returncode == 8
    assert "cancelled" in err


@posix
@pytest.mark.parametrize("order", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_before_anything_is_imported_is_words_too(order: str) -> None:
    with begin(EARLY, order, "--version") as process:
        out, err = process.communicate(timeout=30)

    assert (process.returncode, out, err) == (8, "", "error: cancelled\n")


@posix
def test_a_signal_before_anything_is_imported_is_a_document(slx: Line) -> None:
    slx.app.error = KeyboardInterrupt()
    with begin(EARLY, "SIGINT", "status", "--json") as process:
        out, err = process.communicate(timeout=30)

    assert (process.returncode, err) == (8, "")
    assert json.loads(out) == slx("status", "--json").document


@posix
@pytest.mark.parametrize("closed", ["1", "2"])
def test_a_stream_that_is_closed_is_no_failure(closed: str) -> None:
    ended = subprocess.run(
        ["sh", "-c", f'exec "$0" -m serverless_cli blueprints {closed}>&-', sys.executable],
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 0
    assert ended.stderr == ""


def test_a_reader_that_goes_away_is_no_failure() -> None:
    with begin(MANY) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith("name0: ")
        process.stdout.close()
        err = process.stderr.read()

    assert process.returncode == 0
    assert err == ""


def test_shells_can_complete_commands() -> None:
    environ = {**os.environ, "_SLX_COMPLETE": "bash_complete", "COMP_WORDS": "slx st", "COMP_CWORD": "1"}
    script = "from serverless_cli.__main__ import main; main()"

    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environ, check=True)

    assert set(ended.stdout.split()) == {"plain,status", "plain,state"}
