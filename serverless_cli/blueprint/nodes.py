"""What a YAML file is read into: nodes that know where they stand in the file."""

from __future__ import annotations

import bisect
import re
from collections.abc import Mapping
from dataclasses import field

from serverless_cli.errors import Location
from serverless_cli.records import dataclass

Value = str | int | float | bool | None

_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")  # what libyaml counts as the end of a line


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """The text of a file; lines and columns count from 0 here and from 1 in locations."""

    file: str
    text: str
    lines: tuple[str, ...]
    starts: tuple[int, ...]

    @classmethod
    def of(cls, file: str, text: str) -> Source:
        starts = (0, *(found.end() for found in _BREAK.finditer(text)))
        return cls(file, text, tuple(_BREAK.split(text)), starts)

    def at(self, line: int, column: int) -> Location:
        text = self.lines[line] if line < len(self.lines) else ""
        return Location(self.file, line + 1, column + 1, text)

    def spot(self, index: int) -> Location:
        """The place of a character of the text."""
        line = bisect.bisect_right(self.starts, index) - 1
        return self.at(line, index - self.starts[line])


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """A value in the file. `size` counts it with all that is in it, aliases expanded; `height` its levels."""

    source: Source
    line: int
    column: int
    size: int = field(default=1, kw_only=True)
    height: int = field(default=0, kw_only=True)

    @property
    def where(self) -> Location:
        return self.source.at(self.line, self.column)


@dataclass(frozen=True, slots=True, eq=False)
class Broken(Node):
    """Something whose problem is reported already; nothing more is to be said about it."""


@dataclass(frozen=True, slots=True, eq=False)
class Scalar(Node):
    """A single value. `text` is what was written, without quotes; `start` and `end` lead to it in the source."""

    value: Value
    text: str
    start: int
    end: int

    @property
    def empty(self) -> bool:
        return self.value is None

    def spot(self, piece: str, offset: int) -> Location:
        """Where a piece of the text stands in the file; the scalar's own place when escapes hide it."""
        found = self.start - 1
        for _ in range(self.text.count(piece, 0, offset) + 1):
            found = self.source.text.find(piece, found + 1, self.end)
            if found < 0:
                return self.where
        return self.source.spot(found)


@dataclass(frozen=True, slots=True, eq=False)
class MappingNode(Node):
    """Keys and values in the file's order, with the place of each key."""

    items: Mapping[str, Node]
    places: Mapping[str, tuple[int, int]]

    def at(self, key: str) -> Location:
        return self.source.at(*self.places[key])


@dataclass(frozen=True, slots=True, eq=False)
class Sequence(Node):
    """A list."""

    items: tuple[Node, ...]


def called(node: Node) -> str:
    """What a node is, in a user's words."""
    match node:
        case MappingNode():
            return "a mapping"
        case Sequence():
            return "a list"
        case Scalar(value=None):
            return "nothing"
        case Scalar(value=bool()):
            return "true or false"
        case Scalar(value=int() | float()):
            return "a number"
        case _:
            return "text"
