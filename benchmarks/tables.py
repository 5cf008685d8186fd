"""Tables that read well on a terminal and are Markdown in a file; medians and ratios."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median

NOTHING = "-"


class Table:
    """A title, a head and rows of text."""

    def __init__(self, title: str, head: Sequence[str], rows: Iterable[Sequence[str]], note: str = "") -> None:
        self.title = title
        self.head = tuple(head)
        self.rows = [tuple(row) for row in rows]
        self.note = note

    def __str__(self) -> str:
        every = [self.head, *self.rows]
        widths = [max(len(row[column]) for row in every) for column in range(len(self.head))]
        lines = [
            "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
            for row in every
        ]
        lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
        return "\n".join([f"### {self.title}", "", *lines, *(["", self.note] if self.note else [])])


def ratio(mine: Sequence[float], other: Sequence[float]) -> float:
    """The median of the rounds' ratios, as the machine's mood is the same within a round; 0 where one has none."""
    pairs = list(zip(mine, other, strict=False))
    return median(a / b for a, b in pairs) if pairs else 0.0
