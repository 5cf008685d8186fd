"""Listeners for a run: a live view on a terminal, a line per ended step elsewhere, JSON lines for programs."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Protocol, Self

from rich.text import Text

from serverless_cli.events import Ended, Event, Note
from serverless_cli.model import Plan, Status
from serverless_cli.ui import documents
from serverless_cli.ui.layout import Hang
from serverless_cli.ui.outcomes import IDLE, RUN, outcome_line
from serverless_cli.ui.terminal import Terminal
from serverless_cli.ui.text import clean


class Watch(Protocol):
    """Shows a run while the `with` lasts; called with every event of it."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def __call__(self, event: Event) -> None: ...


def watch(terminal: Terminal, plan: Plan, clock: Callable[[], float] = time.monotonic) -> Watch:
    """The listener that suits the console."""
    if terminal.look.json:
        return Records(terminal)
    if terminal.live and plan.writes:
        from serverless_cli.ui.live import LiveView  # noqa: PLC0415 - not needed for plain lines

        return LiveView(terminal, plan, clock)
    return Lines(terminal)


class _Open:
    """Nothing to set up or to tear down."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass


class Records(_Open):
    """One JSON object per event on stdout."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal

    def __call__(self, event: Event) -> None:
        document = documents.event(event)
        if document is not None:
            self._terminal.record(document)


class Lines(_Open):
    """One line of the story per step that was run; what was kept or skipped only with --verbose."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal

    def __call__(self, event: Event) -> None:
        match event:
            case Ended(outcome):
                kept = outcome.step.action in IDLE and outcome.status is Status.DONE
                told = outcome.status in RUN and not kept  # what was skipped is in the report, in few words
                if told or self._terminal.look.verbose:
                    self._terminal.story(outcome_line(outcome))
            case Note(text):
                self._terminal.story(Hang("", Text(clean(text), "yellow")))
