"""Lines of logs: when, who (each in a colour of its own), what."""

from __future__ import annotations

import time
from typing import Protocol

from rich.text import Text

from serverless_cli.ui.documents import Document
from serverless_cli.ui.text import clean

COLORS = ("cyan", "magenta", "yellow", "green", "blue", "bright_red")


class LogLine(Protocol):
    """One event of a log."""

    @property
    def at_ms(self) -> int: ...

    @property
    def source(self) -> str: ...

    @property
    def text(self) -> str: ...


class Painter:
    """Gives each source the next colour when it first appears."""

    def __init__(self) -> None:
        self._colors: dict[str, str] = {}

    def line(self, it: LogLine) -> Text:
        color = self._colors.setdefault(it.source, COLORS[len(self._colors) % len(COLORS)])
        at = time.strftime("%H:%M:%S", time.localtime(it.at_ms / 1000))
        return Text.assemble((f"{at}.{it.at_ms % 1000:03} ", "dim"), (f"{clean(it.source)} ", color), written(it.text))


def written(text: str) -> str:
    """What a function wrote, for a terminal. Lambda indents tracebacks with blanks that do not break."""
    return clean(text.replace("\xa0", " "))


def document(it: LogLine) -> Document:
    """`{at_ms, source, text}`: milliseconds since 1970, the id of what wrote it, one event."""
    return {"at_ms": it.at_ms, "source": it.source, "text": it.text}
