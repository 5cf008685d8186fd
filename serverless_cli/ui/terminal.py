"""Every decision about the console in one place: what is shown where, in colour or not, live or line by line."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import field
from functools import cached_property
from typing import IO, TYPE_CHECKING

from serverless_cli.errors import SlxError
from serverless_cli.records import dataclass
from serverless_cli.ui.streams import Sink
from serverless_cli.ui.text import clean

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

# rich takes 20 ms, for which no first call has to wait: it is imported when there is something to tell.
# ruff: noqa: PLC0415

ENDLESS = 100_000
"""the width of a pipe: nothing is wrapped for a reader that looks for lines"""


@dataclass(frozen=True, slots=True)
class Look:
    """What the user asked for. `ask` is False with --no-input."""

    json: bool = False
    quiet: bool = False
    verbose: bool = False
    color: bool = True
    ask: bool = True

    @property
    def moves(self) -> bool:
        """Whether lines may be drawn over: more or less than usual is wanted line by line."""
        return not (self.quiet or self.verbose)


@dataclass(frozen=True, slots=True)
class Streams:
    """Where a command reads and writes, and the environment that has a say; None is the process's own."""

    stdin: IO[str] | None = None
    stdout: IO[str] | None = None
    stderr: IO[str] | None = None
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)


class Terminal:
    """Data goes to stdout and nothing else does; everything else is the story and goes to stderr."""

    def __init__(self, look: Look | None = None, streams: Streams | None = None) -> None:
        streams = streams or Streams()
        self.look = look or Look()
        self._stdin = streams.stdin or sys.stdin
        self._environ = streams.environ
        self._out_sink = Sink(streams.stdout or sys.stdout)
        self._err_sink = err = Sink(streams.stderr or sys.stderr)
        self._color = self.look.color and _takes_color(streams.environ)
        watched = err.isatty() and not self.look.json and not _is_machine(streams.environ)
        self.live = watched and self._color and err.unicode and self.look.moves
        self.asks = watched and self.look.ask and _is_terminal(self._stdin)

    @cached_property
    def out(self) -> Console:
        """The console on stdout."""
        return _console(self._out_sink, color=self._color, environ=self._environ)

    @cached_property
    def err(self) -> Console:
        """The console on stderr."""
        return _console(self._err_sink, color=self._color, environ=self._environ)

    def load(self) -> None:
        """Imports what it takes to tell anything, which is done at the first word otherwise; any thread may."""
        if not self.look.json:
            from rich import console  # noqa: F401

            from serverless_cli.ui import layout  # noqa: F401

    def story(self, what: RenderableType) -> None:
        """Tells a person something; nobody with --quiet or --json."""
        if not self.look.quiet and not self.look.json:
            _print(self.err, what)

    def say(self, text: str, style: str = "") -> None:
        """A line of the story."""
        self.story(_line(text, style))

    def detail(self, text: str) -> None:
        """A line of the story for --verbose."""
        if self.look.verbose:
            self.say(text, "dim")

    def debug(self, text: str) -> None:
        """A line that was asked for with --debug; it goes beside JSON, too."""
        self.alarm(_line(text, "dim"))

    def alarm(self, what: RenderableType) -> None:
        """What must be seen, --quiet or not: errors, and what a question is about."""
        _print(self.err, what)

    def verdict(self, what: RenderableType, *, good: bool) -> None:
        """The end of something: what went well is story, what did not is seen with --quiet too."""
        if good or self.look.json:
            self.story(what)
        else:
            self.alarm(what)

    def data(self, what: RenderableType) -> None:
        """The answer of a command, as text."""
        self.err.file.flush()
        _print(self.out, what)
        self.out.file.flush()

    def raw(self, text: str) -> None:
        """The answer of a command, as it is, for scripts."""
        self._out_sink.write(text)
        self._out_sink.flush()

    def document(self, document: object) -> None:
        """The answer of a command as one JSON document."""
        self.raw(json.dumps(document, indent=2, ensure_ascii=not self._out_sink.unicode) + "\n")

    def record(self, document: object) -> None:
        """One JSON document on one line."""
        self.raw(json.dumps(document, ensure_ascii=not self._out_sink.unicode) + "\n")

    def finish(self) -> None:
        """At the end of a command: raises SlxError if its data could not be written."""
        if error := self._out_sink.failure:
            raise SlxError("the output could not be written", error.strerror or str(error), "what was done is done")

    def restore(self) -> None:
        """Shows the cursor again, past all locks: for a process that ends at once."""
        if self.live:
            with suppress(OSError, ValueError):
                os.write(self.err.file.fileno(), b"\x1b[?25h\n")

    def ask(self, question: str) -> str:
        """What the user answers; empty when the input ends or they stop it. Only to be called where `asks` is true."""
        from rich.text import Text

        self.err.print(Text(clean(question) + " ", "bold"), end="")
        self.err.file.flush()
        assert self._stdin is not None
        try:
            answer = self._stdin.readline()
        except (KeyboardInterrupt, OSError):  # Ctrl-C, or the terminal is gone
            answer = ""
        if not answer:
            self.err.print()
        return answer.strip()


def _line(text: str, style: str) -> RenderableType:
    from rich.text import Text

    from serverless_cli.ui.layout import Hang

    return Hang("", Text(clean(text), style))


def _takes_color(environ: Mapping[str, str]) -> bool:
    return not environ.get("NO_COLOR") and environ.get("TERM", "") not in ("dumb", "unknown")


def _is_machine(environ: Mapping[str, str]) -> bool:
    """Continuous integration: some give commands a terminal that nobody looks at."""
    return environ.get("CI", "").lower() not in ("", "0", "false")


def _is_terminal(stream: IO[str] | None) -> bool:
    """None is a closed descriptor."""
    return stream is not None and stream.isatty()


def _print(console: Console, what: RenderableType) -> None:
    """Everything fits already, but for what is meant to be longer than a line (layout.Unbroken)."""
    console.print(what, crop=False)


def _console(sink: Sink, *, color: bool, environ: Mapping[str, str]) -> Console:
    from rich.console import Console

    terminal = sink.isatty()
    columns = environ.get("COLUMNS", "")
    width = int(columns) if columns.isdigit() and int(columns) else None
    return Console(
        file=sink.stream,
        force_terminal=terminal,
        color_system="auto" if color and terminal else None,
        no_color=not color,
        width=width if terminal else ENDLESS,
        markup=False,
        emoji=False,
        highlight=False,
        soft_wrap=False,
    )
