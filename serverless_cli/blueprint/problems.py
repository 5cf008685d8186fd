"""Collects all that is wrong with a blueprint, so that it is reported at once."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from serverless_cli.errors import BlueprintError, Location, Problem
from serverless_cli.secret import Secret

_LIMIT = 100  # nobody reads more, and each costs a search for what was meant
_SHOWN = 60
_WORD = 64


def shown(value: object) -> str:
    """A value for a message: short, on one line, in backticks; a secret is never shown."""
    if isinstance(value, Secret):
        return "the secret"
    text = str(value)
    if len(text) > _SHOWN:
        text = text[: _SHOWN - 1] + "…"
    return "`" + "".join(c if c.isprintable() else "�" for c in text) + "`"


def listed(values: Iterable[object]) -> str:
    """`a, b, c` for a hint; long lists are cut."""
    texts = [str(value) for value in values]
    more = ["…"] if len(texts) > 30 else []
    return ", ".join(texts[:30] + more)


class Unset(Problem):
    """A parameter has no value: a blueprint may be right all the same, if its stack remembers one."""

    __slots__ = ()


class Problems:
    """What was found so far. The same thing at the same place counts once."""

    def __init__(self) -> None:
        self._found: dict[Problem, None] = {}
        self._more = 0

    def __len__(self) -> int:
        return len(self._found) + self._more

    @property
    def full(self) -> bool:
        """Enough was found: finding more is not worth the time."""
        return len(self._found) >= _LIMIT

    def add(self, what: str, where: Location | None = None, why: str = "", hint: str = "") -> None:
        self.take(Problem(what, why, hint, where))

    def take(self, problem: Problem) -> None:
        if not self.full:
            self._found[problem] = None
        elif problem not in self._found:
            self.skip()

    def skip(self) -> None:
        """Counts one more that is not worth its words, since `full`."""
        self._more += 1

    def near(self, word: str, choices: Iterable[str], *, otherwise: str = "") -> str:
        """A hint: "did you mean", or all choices after `otherwise` when none is like the word."""
        choices = list(choices)
        if self.full or not choices:
            return ""
        if len(word) <= _WORD:
            known = {choice.lower(): choice for choice in choices[:500]}
            close = difflib.get_close_matches(word.lower().replace(" ", "_"), known, n=1, cutoff=0.6)
            if close:
                return f"did you mean `{known[close[0]]}`?"
        return f"{otherwise} {listed(choices)}" if otherwise else ""

    def check(self) -> None:
        """Raises BlueprintError with all problems in the file's order, if there are any."""
        if not self._found:
            return
        found = sorted(self._found, key=_position)
        if self._more:
            found.append(Problem(f"{self._more} more problems", "only the first are shown"))
        raise BlueprintError(tuple(found))


def _position(problem: Problem) -> tuple[int, int]:
    return (problem.where.line, problem.where.column) if problem.where else (0, 0)
