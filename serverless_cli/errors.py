"""Errors as data: what happened, why, and what to run next. Only `ui/` turns them into text."""

from __future__ import annotations

from enum import IntEnum

from serverless_cli.records import dataclass


class Exit(IntEnum):
    """The exit codes of the `slx` command; scripts rely on them, so numbers never change meaning."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    CREDENTIALS = 3
    RESOURCES = 4
    DENIED = 5
    NO_STACK = 6
    CHANGES = 7
    CANCELLED = 8
    TIMED_OUT = 9
    LOCKED = 10
    BUG = 70


@dataclass(frozen=True, slots=True)
class Location:
    """A place in a blueprint; line and column count from 1. `text` is the whole offending line."""

    file: str
    line: int
    column: int
    text: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with the input, found before any call."""

    what: str
    why: str = ""
    hint: str = ""
    where: Location | None = None


class Doubt(Problem):
    """Something that may be right all the same: a warning."""

    __slots__ = ()


class SlxError(Exception):
    """Whatever slx tells a user about a failure: one sentence what, one why, one what to do."""

    def __init__(
        self,
        what: str,
        why: str = "",
        hint: str = "",
        *,
        exit_code: Exit = Exit.FAILED,
        where: Location | None = None,
    ) -> None:
        super().__init__(f"{what}: {why}" if why else what)
        self.what = what
        self.why = why
        self.hint = hint
        self.exit_code = exit_code
        self.where = where


class BlueprintError(SlxError):
    """All that is wrong with a blueprint, or another file of the user, at once; nothing has been called yet."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        files = list(dict.fromkeys(one.where.file for one in problems if one.where))
        self.count = f"{len(problems)} problem" + ("s" if len(problems) != 1 else "")
        self.count += f" in {files[0] if len(files) == 1 else 'the blueprint'}"
        super().__init__(self.count, problems[0].what, exit_code=Exit.USAGE)
        self.problems = problems


class AwsError(SlxError):
    """An answer of AWS that retrying did not change. `operation` is `service.Operation`, `code` AWS's own.

    `lost` says that the call may have been carried out all the same: its answer never arrived, or was a 5xx.
    """

    def __init__(
        self,
        operation: str,
        code: str,
        message: str,
        *,
        hint: str = "",
        lost: bool = False,
        exit_code: Exit = Exit.FAILED,
    ) -> None:
        super().__init__(f"{operation} failed", f"{message} ({code})", hint, exit_code=exit_code)
        self.operation = operation
        self.code = code
        self.message = message
        self.lost = lost
