"""The long matrices: every point, seed and input, counted in a table. CI runs a sample of each as tests.

    python tests/faults/matrix.py kills      SIGKILL at every call of up, update and down
    python tests/faults/matrix.py disturbed  throttles, 500s, lost calls and lost answers, ten seeds
    python tests/faults/matrix.py rules      all rules of AWS that the strict proxy knows, all shipped blueprints
    python tests/faults/matrix.py failing    each operation in turn fails for good
    python tests/faults/matrix.py rollback   each write in turn fails, and the run is undone
    python tests/faults/matrix.py teardown   buckets of up to a hundred thousand objects, in flat memory
    python tests/faults/matrix.py together   two runs at once, on files and on S3
    python tests/faults/matrix.py broken     malformed blueprints and fuzzed ones

`--help` after a name tells its options. Ends with 1 if a count that must be 0 is not.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, cast

from rich.console import Console
from rich.table import Table

NAMES = ("kills", "disturbed", "rules", "failing", "rollback", "teardown", "together", "broken")


@dataclass
class Tally:
    """A matrix's result: one row per part, of counts by column; those in `zero` must be 0 in every row.

    `trouble` says for each count that is not 0 what was seen, with all that it takes to see it again; `notes` are
    what a reader of the table should know besides.
    """

    title: str
    zero: tuple[str, ...]
    rows: dict[str, Mapping[str, int]] = field(default_factory=dict)
    trouble: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, part: str, **counts: int) -> None:
        self.rows[part] = counts

    @property
    def bad(self) -> int:
        return sum(counts.get(column, 0) for counts in self.rows.values() for column in self.zero)

    def show(self) -> None:
        columns = list(dict.fromkeys(column for counts in self.rows.values() for column in counts))
        table = Table(title=self.title, title_justify="left")
        table.add_column("")
        for column in columns:
            table.add_column(column.replace("_", " "), justify="right")
        for part, counts in [*self.rows.items(), *self._sum(columns)]:
            table.add_row(part, *(str(counts.get(column, "")) for column in columns))
        console = Console(width=None if sys.stdout.isatty() else 160)
        console.print(table)
        for line in (*self.notes, *self.trouble):
            console.print(f"  {line}", markup=False, soft_wrap=True)

    def _sum(self, columns: Sequence[str]) -> Iterator[tuple[str, Mapping[str, int]]]:
        if len(self.rows) > 1:
            yield "in all", {one: sum(counts.get(one, 0) for counts in self.rows.values()) for one in columns}


class Matrix(Protocol):
    """What a module `matrix_NAME` offers."""

    def options(self, parser: argparse.ArgumentParser) -> None:
        """Adds the matrix's own options."""

    def run(self, chosen: argparse.Namespace) -> Tally:
        """Tries all of it, telling its progress on stderr."""


def main(words: Sequence[str]) -> int:
    name = words[0] if words else ""
    if name not in NAMES:
        print(__doc__, file=sys.stderr)
        return 0 if name in ("-h", "--help") else 2
    matrix = cast(Matrix, importlib.import_module(f"matrix_{name}"))
    parser = argparse.ArgumentParser(f"matrix.py {name}", description=matrix.__doc__)
    matrix.options(parser)
    tally = matrix.run(parser.parse_args(words[1:]))
    tally.show()
    return 1 if tally.bad or tally.trouble else 0


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    sys.exit(main(sys.argv[1:]))
