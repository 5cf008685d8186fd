"""Reads the corpus of malformed blueprints, makes the folder that they lie in, and judges what the command says.

A file of the corpus is a category. In it, a case is:

    === what is wrong
      jobs: {type: queue, §delay_s: 9999}
    >>> `delay_s` cannot be 9999 | it takes 0 to 900

- § stands where a problem must be located, once for each, and is taken out. One `>>>` line per problem, in their
  order, has texts that the message must hold; the number of problems counts too.
- A case that begins with blanks is what stands below `name: web` and `resources:`; any other is a whole file.
- `+++ FILE` begins another file beside the blueprint, which may have § as well. Its problems come after the
  blueprint's.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
MARK = "§"
HEAD = "name: web\nresources:\n"
BLUEPRINT = "blueprint.yaml"

_LOCATED = re.compile(r"^(?P<file>[^\s:][^:\n]*):(?P<line>\d+):(?P<column>\d+): (?P<says>.*)$")
_HINT = re.compile(r"^  hint: (.*)$")
_BUG = re.compile(r"Traceback|a bug in slx")

Place = tuple[str, int, int]


@dataclass(frozen=True, slots=True)
class Case:
    """One malformed blueprint. `files` has all its files by name, `places` where problems must be located, `says` the
    texts that each must hold."""

    category: str
    title: str
    files: Mapping[str, str]
    places: tuple[Place, ...]
    says: tuple[tuple[str, ...], ...]

    @property
    def id(self) -> str:
        return f"{self.category}: {self.title}"


@dataclass(frozen=True, slots=True)
class Told:
    """A problem as the command printed it."""

    place: Place
    text: str


@dataclass(frozen=True, slots=True)
class Said:
    """What a run of the command came to."""

    code: int
    out: str
    err: str
    problems: tuple[Told, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "problems", tuple(_told(self.err)))

    @property
    def broke(self) -> bool:
        """Whether something of slx's inside came to light."""
        return _BUG.search(self.out + self.err) is not None


def corpus() -> tuple[Case, ...]:
    """All cases of all categories."""
    return tuple(case for path in sorted(HERE.glob("*.txt")) for case in read(path))


def read(path: Path) -> Iterator[Case]:
    """The cases of one category."""
    _, *texts = re.split(r"^=== ", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    for text in texts:
        title, _, rest = text.partition("\n")
        says = tuple(tuple(line.split(" | ")) for line in re.findall(r"^>>> (.*)$", rest, re.MULTILINE))
        body = re.sub(r"^>>> .*\n", "", rest, flags=re.MULTILINE)
        first, *others = re.split(r"^\+\+\+ ", body, flags=re.MULTILINE)
        files = {BLUEPRINT: HEAD + first if first.startswith((" ", MARK + " ")) else first}
        files |= {name: content for name, _, content in (other.partition("\n") for other in others)}
        places = [(name, *spot) for name, content in files.items() for spot in _spots(content)]
        yield Case(
            path.stem, title, {name: text.replace(MARK, "") for name, text in files.items()}, tuple(places), says
        )


def _spots(text: str) -> Iterator[tuple[int, int]]:
    for number, line in enumerate(re.split("\r\n|[\n\r\x85\u2028\u2029]", text), 1):
        parts = line.split(MARK)[:-1]
        for index in range(len(parts)):
            yield number, sum(map(len, parts[: index + 1])) + 1


def folder(root: Path) -> Path:
    """A blueprint's folder with code, content, and links of all kinds; beside it, what must not be reached."""
    home, outside = root / "home", root / "outside"
    for name, text in _FILES.items():
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    for name in ("empty", "leaky", "winding", "piped"):
        (home / name).mkdir()
    outside.mkdir()
    (outside / "app.py").write_text(_FILES["code/app.py"])
    (outside / "flow.yaml").write_text(_FILES["flow.yaml"])
    (outside / "needs.txt").write_text("pillow==12.0.0\n")
    (outside / "secret.txt").write_text("hunter2\n")
    for link, to in _LINKS.items():
        (home / link).symlink_to(to)
    for name in ("leaky", "winding", "piped"):
        (home / name / "app.py").write_text(_FILES["code/app.py"])
    for pipe in ("fifo", "piped/fifo"):
        os.mkfifo(home / pipe)
    return home


_HANDLER = "def handler(event, context):\n    return event\n"
_FILES = {
    "code/app.py": _HANDLER,
    "code/slow.py": "async def handler(event, context):\n    return event\n",
    "broken/notes.txt": "no code\n",
    "node/index.js": "exports.handler = async (event) => event;\n",
    "site/index.html": "<title>web</title>\n",
    "layer/python/shared.py": "shared = 1\n",
    "photo.jpg": "no picture\n",
    "flow.yaml": "StartAt: A\nStates: {A: {Type: Succeed}}\n",
}
_LINKS = {
    "out": "../outside", "loop": "loop", "dangling": "nowhere", "leaky/secret.txt": "../../outside/secret.txt",
    "winding/again": "../winding",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Laid:
    """A case's files in the folder, until the end of the `with`."""

    home: Path
    case: Case

    def __enter__(self) -> Path:
        for name, text in self.case.files.items():
            (self.home / name).write_text(text, encoding="utf-8", newline="")
        return self.home / BLUEPRINT

    def __exit__(self, *_: object) -> None:
        for name in self.case.files:
            (self.home / name).unlink()


def listing(home: Path) -> tuple[str, ...]:
    """All that lies in a folder, to see that a run left nothing."""
    return tuple(sorted(str(path) for path in home.parent.rglob("*")))


def wrong(case: Case, said: Said) -> str:
    """In what the command's answer is not what the case demands; empty when it is."""
    if said.broke:
        return "a traceback"
    if said.code != 2:
        return f"it exits {said.code}"
    if said.out:
        return f"stdout has {said.out!r}"
    order = list(case.files)
    found = sorted(
        said.problems, key=lambda one: (order.index(one.place[0]) if one.place[0] in order else 99, *one.place)
    )
    if [one.place for one in found] != list(case.places):
        return f"located at {[one.place for one in found]}, not at {list(case.places)}"
    if len(found) != len(case.says):
        return f"{len(found)} problems, not {len(case.says)}"
    for one, wanted in zip(found, case.says, strict=True):
        for text in wanted:
            if text not in one.text:
                return f"{text!r} is not in {one.text!r}"
    return ""


def _told(err: str) -> Iterator[Told]:
    """The problems in what was printed: `file:line:column: what: why`, the line, a caret, a hint."""
    found: list[tuple[Place, str]] = []
    for line in err.splitlines():
        if located := _LOCATED.match(line):
            found.append(((located["file"], int(located["line"]), int(located["column"])), located["says"]))
        elif found and (hint := _HINT.match(line)):
            place, text = found[-1]
            found[-1] = (place, f"{text} | {hint[1]}")
    return (Told(place, text) for place, text in found)
