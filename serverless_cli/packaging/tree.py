"""The files of a folder that go into a package, in the one order and under the names that they have there."""

from __future__ import annotations

import os
import stat
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

from serverless_cli.errors import SlxError
from serverless_cli.packaging.patterns import IGNORE_FILE, Pattern, excluded, parse
from serverless_cli.records import dataclass


@dataclass(frozen=True, slots=True)
class Raw:
    """Where in a zip a file's bytes are as they were compressed there: the place of its header, their number, the
    checksum and method, and the zip's name."""

    header: int
    size: int
    crc: int
    method: int
    zip: str


@dataclass(frozen=True, slots=True)
class Item:
    """A file: its name in the package (forward slashes, NFC), where it lies, and what stat said of it.

    With `raw` it is a file inside the zip at `path`, whose own stamp is no matter: its content never changes.
    """

    name: str
    path: str
    executable: bool
    size: int
    stamp: tuple[int, ...]
    """changes whenever the file does, within the clock's resolution"""
    raw: Raw | None = None

    @property
    def touched_ns(self) -> int:
        """When the file or its attributes changed last."""
        return max(self.stamp[:2], default=0)


def collect(folder: Path, exclude: tuple[str, ...]) -> tuple[Item, ...]:
    """The files of the folder without what `exclude` and its `.slxignore` leave out, sorted by name.

    A link is followed while it stays inside the folder. Raises SlxError for links that leave it, for sockets, pipes
    and devices, and for what cannot be read.
    """
    with readable(folder):
        root = os.path.realpath(folder, strict=True)
        ignore = Path(root, IGNORE_FILE)
        own = ignore.read_text("utf-8", errors="replace").splitlines() if ignore.is_file() else []
        walk = _Walk(root, parse((*exclude, *own)))
        items = sorted(walk.files(root, (), (root,)), key=lambda item: item.name)
    for one, other in pairwise(items):
        if one.name == other.name:
            raise SlxError(
                f"two files are called {one.name}",
                "their names are different ways to write the same letters, and in the package they would be one",
                "rename one of them",
            )
    return tuple(items)


@contextmanager
def readable(folder: Path) -> Iterator[None]:
    """Turns an OSError of reading the folder into an SlxError that names the file."""
    try:
        yield
    except OSError as error:
        hint = f"make it readable, or leave it out with a line in {folder / IGNORE_FILE}"
        if isinstance(error, FileNotFoundError):
            hint = "see that it exists; a link must lead to something"
        raise SlxError(f"cannot read {error.filename or folder}", error.strerror or str(error), hint) from error


@dataclass(frozen=True, slots=True)
class _Walk:
    root: str
    patterns: tuple[Pattern, ...]

    def files(self, folder: str, names: tuple[str, ...], above: tuple[str, ...]) -> Iterator[Item]:
        """`above` are the real folders on the way, so that a link to one of them is seen."""
        with os.scandir(folder) as entries:
            found = list(entries)
        for entry in found:
            path = (*names, _portable(entry))
            if excluded(path, entry.is_dir(), self.patterns):
                continue
            real = entry.path
            if entry.is_symlink():
                real = self._inside(entry.path)
            about = Path(real).stat()
            if stat.S_ISDIR(about.st_mode):
                if real in above:
                    raise SlxError(f"the link {entry.path} leads in a circle", f"to {real}", "remove the link")
                yield from self.files(real, path, (*above, real))
            else:
                yield _item("/".join(path), real, about)

    def _inside(self, link: str) -> str:
        real = os.path.realpath(link, strict=True)
        if os.path.commonpath((self.root, real)) != self.root:
            raise SlxError(
                f"the link {link} leads out of its folder",
                f"to {real}, which does not belong to the function",
                f"put a copy in its place, or leave it out with a line in {Path(self.root, IGNORE_FILE)}",
            )
        return real


def _portable(entry: os.DirEntry[str]) -> str:
    try:
        entry.name.encode()
    except UnicodeEncodeError:
        raise SlxError(
            f"the name of {entry.path!r} is not UTF-8", "a zip could not hold it", "rename the file"
        ) from None
    return unicodedata.normalize("NFC", entry.name)


def _item(name: str, path: str, about: os.stat_result) -> Item:
    if not stat.S_ISREG(about.st_mode):
        raise SlxError(
            f"{path} is no file",
            "sockets, pipes and devices cannot be packaged",
            f"remove it, or leave it out with a line in {IGNORE_FILE}",
        )
    stamp = (about.st_mtime_ns, about.st_ctime_ns, about.st_ino, about.st_dev, about.st_size)
    return Item(name, path, bool(about.st_mode & stat.S_IXUSR), about.st_size, stamp)
