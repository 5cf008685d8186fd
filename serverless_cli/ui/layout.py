"""Two shapes that fit any width: text with a hanging indent, and rows that are columns where there is room."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.console import Console, ConsoleOptions, ConsoleRenderable
from rich.segment import Segment
from rich.text import Text

from serverless_cli.records import dataclass

_GAP = 2
_LEAST = 16
"""cells for text beside an indent; with fewer, the indent is given up"""


@dataclass(frozen=True, slots=True)
class Hang:
    """A prefix and text beside it, whose further lines begin where the first began."""

    prefix: str | Text
    text: Text

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        prefix = self.prefix if isinstance(self.prefix, Text) else Text(self.prefix)
        indent = prefix.cell_len
        if options.max_width - indent < _LEAST:
            prefix, indent = Text(prefix.plain.strip() + (" " if prefix.plain.strip() else ""), prefix.style), 0
        room = options.max_width - (indent or prefix.cell_len)
        for number, part in enumerate(self.text.wrap(console, room, tab_size=4) or [Text()]):
            part.rstrip()
            yield Text.assemble(prefix if number == 0 else " " * indent, part, end="\n")


@dataclass(frozen=True, slots=True)
class Row:
    """The cells of one line; `notes` stand below it."""

    cells: tuple[Text, ...]
    notes: tuple[Text, ...] = ()


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows as aligned columns; where they do not fit, each row's cells follow one another and wrap.

    Notes are indented to the second cell and a bit more.
    """

    rows: tuple[Row, ...]
    indent: int = 2

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[ConsoleRenderable]:
        widths = self._widths(self.rows)
        fits = self.indent + sum(widths) + _GAP * (len(widths) - 1) <= options.max_width
        for row in self.rows:
            yield self._line(row, widths if fits else None)
            for note in row.notes:
                yield Hang(" " * (self.indent + 4), note)

    @staticmethod
    def _widths(rows: Iterable[Row]) -> list[int]:
        widths: list[int] = []
        for row in rows:
            for number, cell in enumerate(row.cells):
                if number == len(widths):
                    widths.append(0)
                widths[number] = max(widths[number], cell.cell_len)
        return widths

    def _line(self, row: Row, widths: list[int] | None) -> Hang:
        first, *rest = (cell.copy() for cell in row.cells)
        prefix = Text.assemble(" " * self.indent, first)
        text = Text()
        for number, cell in enumerate(rest):
            last = number == len(rest) - 1
            if widths and not last:
                cell.pad_right(widths[number + 1] - cell.cell_len + _GAP)
            elif not last and cell.cell_len:
                cell.append(" " * _GAP)
            text.append_text(cell)
        if widths:
            prefix.pad_right(widths[0] - first.cell_len)
        prefix.append(" ")
        text.rstrip()
        return Hang(prefix, text)


@dataclass(frozen=True, slots=True)
class Unbroken:
    """A line that is never cut or wrapped by us: the terminal does that itself, so that a URL can be copied."""

    text: Text

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        wide = options.update(width=max(options.max_width, self.text.cell_len), no_wrap=True, overflow="ignore")
        yield from console.render(self.text, wide)
