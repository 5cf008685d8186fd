"""What is wrong with a definition, and where in it; and what all checks carry with them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import field, replace
from typing import Any

from serverless_cli.finding import Finding, Path, called
from serverless_cli.records import dataclass

LIMIT = 100
"""nobody reads more"""

JSONPATH, JSONATA = "JSONPath", "JSONata"
STANDARD, EXPRESS = "standard", "express"


@dataclass(slots=True)
class Findings:
    """Collects findings, up to LIMIT; the same one counts once."""

    found: dict[Finding, None] = field(default_factory=dict)

    def add(self, path: Path, what: str, why: str = "", hint: str = "") -> None:
        if len(self.found) < LIMIT:
            self.found[Finding(path, what, why, hint)] = None


@dataclass(frozen=True, slots=True)
class Here:
    """Where a check stands: its path, the execution type and query language that hold there, and what was found.

    `names` maps every state's name to the path of the first one that has it: they are unique in the whole machine.
    """

    path: Path
    mode: str
    language: str
    findings: Findings
    names: dict[str, Path]
    settled: bool = False
    """the whole machine speaks JSONata: no state may go back"""

    def __truediv__(self, step: str | int) -> Here:
        return replace(self, path=(*self.path, step))

    def add(self, what: str, why: str = "", hint: str = "") -> None:
        self.findings.add(self.path, what, why, hint)

    @property
    def jsonata(self) -> bool:
        return self.language == JSONATA


def near(word: str, choices: Iterable[str], *, otherwise: str = "") -> str:
    """A hint: "did you mean", or all choices after `otherwise` when none is like the word."""
    known = {choice.lower(): choice for choice in choices}
    if len(word) <= 80 and (close := difflib.get_close_matches(word.lower(), known, n=1, cutoff=0.7)):
        return f"did you mean `{known[close[0]]}`?"
    return f"{otherwise} {', '.join(known.values())}" if otherwise and len(known) <= 30 else ""


def texts(here: Here, value: object) -> Iterator[tuple[Here, str, object]]:
    """The entries of a mapping, each with its place; nothing for anything else."""
    if isinstance(value, dict):
        for key, child in value.items():
            yield here / key, key, child


def is_list(here: Here, value: Any, what: str, *, least: int = 1) -> bool:
    """Whether a value is a list of at least that many entries; a finding if not."""
    if not isinstance(value, list):
        here.add(f"{what} wants a list, not {called(value)}")
    elif len(value) < least:
        here.add(f"{what} is empty", f"it needs at least {least}" if least > 1 else "it needs at least one entry")
    else:
        return True
    return False


def is_mapping(here: Here, value: Any, what: str) -> bool:
    """Whether a value is a mapping; a finding if not."""
    if not isinstance(value, dict):
        here.add(f"{what} wants a mapping, not {called(value)}")
    return isinstance(value, dict)
