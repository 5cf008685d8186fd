"""Where every failure ends: an exit code, and words instead of a traceback."""

from __future__ import annotations

import _thread
import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from serverless_cli import __version__
from serverless_cli.cli.interrupts import heard
from serverless_cli.errors import AwsError, Exit, SlxError

# What only a failure needs is imported by it: most runs have none.
# ruff: noqa: PLC0415

if TYPE_CHECKING:
    from serverless_cli.ui.terminal import Streams


def guarded(call: Callable[[], Any], args: Sequence[str], streams: Streams | None = None) -> int:
    """Runs the command line; the exit code of whatever came of it. `args` tell how failures are to be shown."""
    before = _stop_as_interrupt()
    try:
        return int(call() or Exit.DONE)
    except (KeyboardInterrupt, EOFError, click.Abort):
        why = "the same command goes on from what there is" if _goes_on(args) else ""
        return _fail(SlxError("cancelled", why, exit_code=Exit.CANCELLED), args, streams)
    except click.ClickException as error:
        return _fail(_usage(error), args, streams)
    except SlxError as error:
        return _fail(error, args, streams)
    except Exception as error:  # noqa: BLE001 - the one place that turns a bug into words
        return _fail(_bug(error), args, streams, error)
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def _goes_on(args: Sequence[str]) -> bool:
    """Whether the command changes a stack, so that it is not in vain to run it again. Options come after its name."""
    return bool(args) and args[0] in ("up", "down", "watch")


def _stop_as_interrupt() -> dict[signal.Signals, Any]:
    """SIGTERM and a closed terminal end a command as Ctrl-C does. Only the main thread can see to that."""
    if threading.current_thread() is not threading.main_thread():
        return {}
    return {one: signal.signal(one, _interrupt) for one in heard()}


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Not while something is being imported: Python would keep the lock of all imports for ever if it were interrupted
    just after it got that, and threads that import, or the words of the error, would wait for it."""
    if frame is not None and frame.f_code.co_filename.startswith("<frozen importlib"):
        _thread.start_new_thread(_once_more, (number,))  # threading's own locks may be held by whom this interrupts
    else:
        raise KeyboardInterrupt


def _once_more(number: int) -> None:
    """Sends this process the signal again, a little later."""
    time.sleep(0.01)
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident or 0, number)  # it may be waiting, and is to wake up
    else:
        signal.raise_signal(number)


def _usage(error: click.ClickException) -> SlxError:
    """How the command was called wrongly, and where to read how it is called."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    hint = f"`{context.command_path} --help` says how it is called" if context else ""
    message = error.format_message().rstrip(".")
    if isinstance(error, click.NoSuchOption):
        near = error.possibilities or []
        message = f"there is no option {error.option_name}"
        if near:
            hint = f"did you mean {' or '.join(sorted(near))}?"
        elif context and context.parent is None:
            hint = "options come after the command: slx up --local"
    return SlxError(message[:1].lower() + message[1:], hint=hint, exit_code=Exit.USAGE)


def _fail(error: SlxError, args: Sequence[str], streams: Streams | None, cause: BaseException | None = None) -> int:
    from serverless_cli.ui import documents, errors
    from serverless_cli.ui.terminal import Look, Terminal

    if isinstance(error, AwsError) and not error.hint:
        on = ": it goes on from what exists" if _goes_on(args) else ""
        error.hint = f"run the same command again once that is put right{on}"
    terminal = Terminal(Look(json="--json" in args, color="--no-color" not in args), streams)
    if "--debug" in args or os.environ.get("SLX_DEBUG"):
        terminal.alarm(errors.trace(cause or error))
    if terminal.look.json:
        terminal.record(documents.error(error))
    else:
        terminal.alarm(errors.error(error))
    return int(error.exit_code)


def _bug(error: Exception) -> SlxError:
    """What a user is told of a bug: its kind and place. The message may hold a user's values: it goes into the
    report, which nobody else can read."""
    import traceback
    from pathlib import Path

    last = traceback.extract_tb(error.__traceback__)[-1:]
    where = f" at {Path(last[0].filename).name}:{last[0].lineno}" if last else ""
    report = _report(error)
    hint = f"what happened is written down in {report}; " if report else ""
    return SlxError("a bug in slx", f"{type(error).__name__}{where}", f"{hint}--debug prints it", exit_code=Exit.BUG)


def _report(error: Exception) -> str | None:
    """Writes the traceback where only this user can read it; without arguments and secrets."""
    import platform
    import tempfile
    import traceback

    from serverless_cli.secret import hushed
    from serverless_cli.ui.errors import credentials

    with suppress(OSError):
        handle, path = tempfile.mkstemp(prefix="slx-bug-", suffix=".txt")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(f"slx {__version__}, Python {platform.python_version()}, {platform.platform()}\n\n")
            file.write(hushed("".join(traceback.format_exception(error)), *credentials()))
        return path
    return None
