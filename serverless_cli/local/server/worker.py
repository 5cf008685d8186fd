"""One process that runs a function, and the line to it."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

_BOOTSTRAP = Path(__file__).with_name("bootstrap.py")
_CHUNK = 1 << 16
# How often to look whether the process still lives while a child of it keeps the pipes open.
_LOOK_S = 0.2

Sink = Callable[[str], None]


class DiedError(Exception):
    """The process ended before it answered; `reason` is in AWS's words."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class TimedOutError(Exception):
    """The time was up before the process answered."""


class Worker:
    """A function's process; used by one invocation at a time, and by one thread at a time."""

    def __init__(self, interpreter: str, arguments: list[str], environment: dict[str, str], pycache: Path) -> None:
        to_child, self._orders = os.pipe()
        self._answers, from_child = os.pipe()
        self._output, output_end = os.pipe()
        # -I and -S: nothing of this machine's Python but the standard library.
        command = [interpreter, "-I", "-S", "-X", f"pycache_prefix={pycache}", str(_BOOTSTRAP)]
        try:
            self._process = subprocess.Popen(
                [*command, str(to_child), str(from_child), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output_end,
                stderr=output_end,
                env=environment,
                cwd=arguments[0],
                pass_fds=(to_child, from_child),
                start_new_session=True,
                # The server's own files are private; what a function writes has the usual modes.
                umask=0o022,
            )
        finally:
            for handle in (to_child, from_child, output_end):
                os.close(handle)
        for handle in (self._answers, self._output):
            os.set_blocking(handle, False)
        self._received = bytearray()
        self._partial = bytearray()
        self.idle_since = time.monotonic()

    @property
    def pid(self) -> int:
        return self._process.pid

    def order(self, message: dict[str, Any]) -> None:
        """Send one message; raises DiedError when nobody reads it."""
        body = json.dumps(message).encode()
        whole = memoryview(struct.pack(">I", len(body)) + body)
        try:
            while whole:
                whole = whole[os.write(self._orders, whole) :]
        except BrokenPipeError:
            raise DiedError(self._reason()) from None

    def answer(self, deadline: float, sink: Sink) -> dict[str, Any]:
        """The next message, with all output written before it given to `sink`, line by line.

        `deadline` is on the monotonic clock. Raises TimedOutError or DiedError; `sink` has the output so far then too.
        """
        with selectors.DefaultSelector() as selector:
            selector.register(self._answers, selectors.EVENT_READ)
            selector.register(self._output, selectors.EVENT_READ)
            while True:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise TimedOutError
                for key, _ in selector.select(min(left, _LOOK_S)):
                    if not self._read(key.fd, sink):
                        selector.unregister(key.fd)
                found = self._message()
                if found is not None:
                    self.drain(sink)
                    return found
                if self._ended():
                    self.drain(sink)
                    raise DiedError(self._reason())

    def _read(self, handle: int, sink: Sink) -> bool:
        """Take what is there; False at its end."""
        try:
            chunk = os.read(handle, _CHUNK)
        except BlockingIOError:
            return True
        if handle == self._answers:
            self._received += chunk
        else:
            self._partial += chunk
            *lines, rest = self._partial.split(b"\n")
            self._partial = bytearray(rest)
            for line in lines:
                sink(line.decode("utf-8", "replace"))
        return bool(chunk)

    def _message(self) -> dict[str, Any] | None:
        if len(self._received) < 4:
            return None
        (length,) = struct.unpack(">I", self._received[:4])
        if len(self._received) < 4 + length:
            return None
        body = bytes(self._received[4 : 4 + length])
        del self._received[: 4 + length]
        try:
            found: dict[str, Any] = json.loads(body)
        except ValueError:
            return {}
        return found

    def drain(self, sink: Sink) -> None:
        """Give all output that is already written to `sink`, a last line without its end too."""
        with contextlib.suppress(BlockingIOError):
            while chunk := os.read(self._output, _CHUNK):
                self._partial += chunk
        lines, self._partial = self._partial.split(b"\n"), bytearray()
        for line in lines if lines[-1] else lines[:-1]:
            sink(line.decode("utf-8", "replace"))

    def _ended(self) -> bool:
        """Whether the process has ended; on Linux without reaping it, so that its id is still its group's."""
        if sys.platform == "linux" and self._process.returncode is None:
            return os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        return self._process.poll() is not None

    def kill(self) -> None:
        """Kill the process with all that it started, then reap it; the group's id is free for others only then."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def _reason(self) -> str:
        self.kill()
        code = self._process.returncode
        if code == 0:
            return "Runtime exited without providing a reason"
        if code < 0:
            return f"Runtime exited with error: signal: {(signal.strsignal(-code) or str(-code)).lower()}"
        return f"Runtime exited with error: exit status {code}"

    def alive(self) -> bool:
        return not self._ended()

    def close(self) -> None:
        """End the process and all that it started; closing twice is fine."""
        self.kill()
        for handle in (self._orders, self._answers, self._output):
            with contextlib.suppress(OSError):
                os.close(handle)
        self._orders = self._answers = self._output = -1
