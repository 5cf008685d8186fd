"""What stays out of a package: patterns in the form that `.gitignore` made known.

Of that form: comments, `!` takes back, a trailing `/` means folders only, a pattern with any other `/` counts from the
top, one without at every depth; `*`, `?`, `[...]` stay within a name, `**` spans folders. The last match decides.
As with git, what lies in an excluded folder cannot be taken back.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable

from serverless_cli.records import dataclass

IGNORE_FILE = ".slxignore"
DEFAULTS = (
    "__pycache__/", "*.py[co]", ".git", ".hg/", ".svn/", ".venv", ".slx/", IGNORE_FILE, ".DS_Store", "Thumbs.db",
    "*.sw[a-p]", "*~", ".#*", "#*#", ".idea/", ".vscode/", ".mypy_cache/", ".pytest_cache/", ".ruff_cache/",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Pattern:
    """One line; `names` are matched against a path's names from the top."""

    names: tuple[str, ...]
    excludes: bool
    folders_only: bool

    def matches(self, path: tuple[str, ...], is_folder: bool) -> bool:
        return (is_folder or not self.folders_only) and _match(self.names, path)


def parse(lines: Iterable[str]) -> tuple[Pattern, ...]:
    """The patterns of an ignore file."""
    return tuple(pattern for line in lines if (pattern := _pattern(line.strip())))


def excluded(path: tuple[str, ...], is_folder: bool, patterns: tuple[Pattern, ...]) -> bool:
    """Whether the patterns leave the path out; its parents have been asked before."""
    for pattern in reversed(patterns):
        if pattern.matches(path, is_folder):
            return pattern.excludes
    return False


def _pattern(line: str) -> Pattern | None:
    if line.startswith("#") and not line.startswith("#*#"):
        return None
    excludes = not line.startswith("!")
    text = line.removeprefix("!").removeprefix("\\")
    names = tuple(name for name in text.split("/") if name)
    if not names:
        return None
    anywhere = "/" not in text.rstrip("/")
    return Pattern(("**", *names) if anywhere else names, excludes, text.endswith("/"))


def _match(names: tuple[str, ...], path: tuple[str, ...]) -> bool:
    """In steps that grow with both lengths, however many `**` there are."""
    end = len(path)
    rest = [False] * end + [True]  # at each place of the path: whether the names after this one match from there on
    for number, name in reversed(list(enumerate(names))):
        if name != "**":
            rest = [fnmatch.fnmatchcase(one, name) and rest[at + 1] for at, one in enumerate(path)] + [False]
        elif number == len(names) - 1:  # all that lies inside, not the folder itself
            rest = [True] * end + [False]
        else:
            rest = [any(rest[at:end]) for at in range(end)] + [False]
    return rest[0]
