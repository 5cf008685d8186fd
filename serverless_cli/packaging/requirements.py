"""Requirements as users write them (PEP 508 lines, or a requirements file) -> checked lines in one canonical form.

Of a requirements file: comments, lines continued with a backslash, `-r FILE`, `--hash=…`. What depends on the machine
(indexes, editable installs, paths, URLs) is refused: a package must come out the same everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from serverless_cli.errors import Location, Problem, SlxError
from serverless_cli.records import dataclass

FILE = "-r "
"""begins a requirement that stands for a file's lines; its absolute path follows"""
_BYTES = 1_000_000
_COMMENT = re.compile(r"(^|\s+)#.*$")
_HASH = re.compile(r"\s--hash[= ](\w+:[0-9a-f]+)(?=\s|$)")
_INCLUDE = re.compile(r"(?:-r|--requirement)[= ]?\s*(.+)")
_PLACE = re.compile(r"[a-z][a-z0-9+.-]*://|git\+|\.{0,2}/|file:|[A-Za-z]:\\|.*\.(whl|tar\.gz|zip)$")
_LOGIN = re.compile(r"://[^/@\s]+@")
_NEEDLESS = ("--only-binary", "--prefer-binary", "--require-hashes")
_ELSEWHERE = (
    "where packages come from differs from machine to machine, and may hold a password",
    "set it in pip's configuration: `pip config set global.index-url URL`",
)
_REFUSED = {
    "-e": ("an editable install is a link into this machine", "put that code into the function's folder or a layer"),
    "--editable": ("an editable install is a link into this machine", "put that code into the function's folder"),
    "-c": ("constraints are not supported", "write the versions into the requirements themselves"),
    "--constraint": ("constraints are not supported", "write the versions into the requirements themselves"),
    "--no-binary": ("nothing is built here: what is built fits this machine, not Lambda", "leave it out"),
    "--pre": ("it would let every package be a pre-release", "name the version of the pre-release that you want"),
    **dict.fromkeys(
        ("-i", "--index-url", "--extra-index-url", "-f", "--find-links", "--no-index", "--trusted-host"), _ELSEWHERE
    ),
}


@dataclass(frozen=True, slots=True)
class Read:
    """Canonical requirements, sorted, and what is wrong with them."""

    lines: tuple[str, ...]
    problems: tuple[Problem, ...]

    @property
    def loose(self) -> tuple[str, ...]:
        """Those that do not name one version: what they mean changes when a new one is published."""
        return tuple(line for line in self.lines if not re.search(r"===?[^*,;]+(;|$| --hash)", line))


def read(requirements: Iterable[str], where: Iterable[Location | None] = (), root: Path | None = None) -> Read:
    """Reads requirements, files among them (`-r PATH`). `where` are their places; files must lie inside `root`."""
    reader = _Reader(root)
    places = iter(where)
    for text in requirements:
        place = next(places, None)
        if text.startswith(FILE):
            reader.file(Path(text.removeprefix(FILE)), place)
        else:
            reader.line(text, place)
    return Read(tuple(sorted(set(reader.lines))), tuple(reader.problems))


def checked(requirements: Iterable[str]) -> tuple[str, ...]:
    """As `read`, for what has been read before; raises SlxError for the first problem."""
    found = read(requirements)
    for one in found.problems:
        raise SlxError(one.what, one.why, one.hint, where=one.where)
    return found.lines


def _text(path: Path) -> str:
    """Raises OSError, ValueError with the reason for a user."""
    if not path.is_file():
        raise ValueError("it is no file")
    with path.open("rb") as stream:
        raw = stream.read(_BYTES + 1)
    if len(raw) > _BYTES:
        raise ValueError(f"a requirements file has at most {_BYTES:,} bytes")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8 text") from None


class _Reader:
    def __init__(self, root: Path | None) -> None:
        self.lines: list[str] = []
        self.problems: list[Problem] = []
        self._root = root
        self._open: list[Path] = []

    def file(self, path: Path, where: Location | None) -> None:
        try:
            path = path.resolve(strict=True)
            # before anything is read: what lies outside is nobody's business, and a device has no end
            if self._root and not path.is_relative_to(self._root.resolve()):
                self._add(f"{path.name} is outside of the blueprint's folder", "", "put a copy inside", where)
                return
            text = _text(path)
        except (OSError, ValueError, RuntimeError) as error:
            why = error.strerror if isinstance(error, OSError) else str(error)
            self._add(f"cannot read the requirements in {path.name}", why or str(error), where=where)
            return
        if path in self._open:
            self._add(f"{path.name} includes itself", where=where)
        else:
            self._open.append(path)
            for number, line in _logical(text):
                place = Location(str(path), number, 1, _LOGIN.sub("://…@", line))
                include = _INCLUDE.fullmatch(line)
                if include:
                    self.file(path.parent / include[1], place)
                else:
                    self.line(line, place)
            self._open.pop()

    def line(self, text: str, where: Location | None) -> None:
        """One requirement, or one option of a requirements file."""
        from packaging.requirements import InvalidRequirement, Requirement  # noqa: PLC0415 - few blueprints need it
        from packaging.utils import canonicalize_name  # noqa: PLC0415 - as above

        text = text.strip()
        if text.startswith("-"):
            self._option(text, where)
            return
        hashes = sorted(set(_HASH.findall(text)))
        bare = _HASH.sub("", text).strip()
        try:
            found = Requirement(bare)
        except InvalidRequirement as error:
            self._invalid(bare, str(error).partition("\n")[0], where)
            return
        if found.url is not None:
            self._url(found.name, where)
            return
        found.name = canonicalize_name(found.name)
        self.lines.append(" ".join((str(found), *(f"--hash={one}" for one in hashes))))

    def _option(self, text: str, where: Location | None) -> None:
        option = re.split(r"[= ]", text, maxsplit=1)[0]
        known = option if option in _REFUSED or option in _NEEDLESS else option[:2]
        if known in _NEEDLESS:
            return
        why, hint = _REFUSED.get(known, ("slx knows no such option", "leave it out"))
        self._add(f"`{option}` has no place in requirements", why, hint, where)

    def _invalid(self, text: str, why: str, where: Location | None) -> None:
        if _PLACE.match(text):
            self._url(_LOGIN.sub("://…@", text), where)
        elif " --" in text:
            self._add(f"{_shown(text)} has an option that slx does not know", "only --hash is", "leave it out", where)
        else:
            self._add(f"{_shown(text)} is no requirement", why, "NAME, NAME==1.2.3, NAME[EXTRA]>=1,<2", where)

    def _url(self, name: str, where: Location | None) -> None:
        hint = "name a version that is published, or put the code into the function's folder or a layer"
        self._add(f"{_shown(name)} is a place, not a version", "what lies there may change any time", hint, where)

    def _add(self, what: str, why: str = "", hint: str = "", where: Location | None = None) -> None:
        self.problems.append(Problem(what, why, hint, where))


def _logical(text: str) -> Iterator[tuple[int, str]]:
    """The lines of a file without comments, continued ones as one, each with its first number."""
    begun, parts = 0, list[str]()
    for number, raw in enumerate(text.splitlines(), 1):
        line = _COMMENT.sub("", raw)
        begun = begun or number
        parts.append(line.rstrip().removesuffix("\\").strip())
        if not line.rstrip().endswith("\\"):
            whole = " ".join(filter(None, parts))
            if whole:
                yield begun, whole
            begun, parts = 0, []
    if whole := " ".join(filter(None, parts)):
        yield begun, whole


def _shown(text: str) -> str:
    return f"`{text if len(text) <= 60 else text[:59] + '…'}`"
