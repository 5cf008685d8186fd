"""Small values to render, and consoles that remember."""

import errno
import io

from rich.console import Console

from serverless_cli.model import Action, Outcome, Place, Plan, Ref, Report, Status, Step

PLACE = Place("website", "dev", "eu-central-1", "123456789012")


class Screen(io.StringIO):
    """A terminal that only remembers what was written."""

    def isatty(self) -> bool:
        return True


class Latin(io.TextIOWrapper):
    """A stream that cannot write our symbols."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), encoding="latin-1", write_through=True)

    def text(self) -> str:
        return self.buffer.getvalue().decode("latin-1")  # type: ignore[attr-defined]


class Broken(io.StringIO):
    """A pipe whose reader went away."""

    def write(self, text: str) -> int:
        raise BrokenPipeError


class Full(io.StringIO):
    """A file on a disk without room."""

    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def rendered(what: object, width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width, markup=False, highlight=False, emoji=False, color_system=None)
    console.print(what, crop=False)
    return console.file.getvalue()  # type: ignore[attr-defined]


def lines(what: object, width: int = 80) -> list[str]:
    return [line.rstrip() for line in rendered(what, width).splitlines()]


def step(action: Action, kind: str, id: str, **more: object) -> Step:
    return Step(action, Ref(kind, id), f"website-dev-{id}", **more)  # type: ignore[arg-type]


def plan(*steps: Step, **more: object) -> Plan:
    return Plan(PLACE, {one.ref: one for one in steps}, **more)  # type: ignore[arg-type]


def outcome(one: Step, status: Status = Status.DONE, **more: object) -> Outcome:
    return Outcome(one, status, seconds=1.2, **more)  # type: ignore[arg-type]


def report(*outcomes: Outcome) -> Report:
    return Report(PLACE, {one.step.ref: one for one in outcomes}, 4.2)
