"""What is wrong with a definition, pattern, schedule or template, and where in it; and words to say so."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from serverless_cli.records import dataclass

Path = tuple[str | int, ...]
"""Where something is in a value: keys and indexes from its top."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, at `path` of the value."""

    path: Path
    what: str
    why: str = ""
    hint: str = ""


def shown(value: object) -> str:
    """A value for a message: short, on one line, in backticks."""
    text = value if isinstance(value, str) else repr(value)
    text = text if len(text) <= 60 else text[:59] + "…"
    return "`" + "".join(c if c.isprintable() else "�" for c in text) + "`"


def called(value: object) -> str:
    """What a JSON value is, in a user's words."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "text"
    return "a list" if isinstance(value, list) else "a mapping"


def near(word: str, choices: Iterable[str]) -> str:
    """A hint: "did you mean", or all choices when none is like the word."""
    known = list(choices)
    close = difflib.get_close_matches(word[:80].lower(), known, n=1, cutoff=0.6)
    return f"did you mean `{close[0]}`?" if close else f"there are {', '.join(known)}"
