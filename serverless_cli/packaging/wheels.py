"""The files that wheels bring, taken from them as they are: what is compressed there is not compressed anew.

So a package's bytes are the same on every machine: they come from the index. What an installer would add (records,
scripts, bytecode) differs from machine to machine and is left out.
"""

from __future__ import annotations

import re
import stat
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from serverless_cli.errors import SlxError
from serverless_cli.packaging.tree import Item, Raw

_RECORDS = frozenset({"RECORD", "RECORD.jws", "RECORD.p7s", "INSTALLER", "REQUESTED", "direct_url.json"})
_KEPT = ("purelib", "platlib", "data")
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def collect(wheels: Iterable[Path], prefix: str = "") -> tuple[Item, ...]:
    """The files of all wheels, each name behind `prefix`, sorted. Of two files with one name the later wheel's counts.

    Raises SlxError for a wheel that cannot be read or holds what no wheel should.
    """
    found: dict[str, Item] = {}
    for wheel in sorted(wheels, key=lambda path: path.name):
        try:
            found |= {item.name: item for item in _files(wheel, prefix)}
        except (OSError, zipfile.BadZipFile) as error:
            raise _broken(wheel, str(error)) from error
    return tuple(found[name] for name in sorted(found))


def _files(wheel: Path, prefix: str) -> Iterator[Item]:
    with zipfile.ZipFile(wheel) as archive:
        for entry in archive.infolist():
            name = None if entry.is_dir() else _installed(entry.filename)
            if name is None:
                continue
            if entry.compress_type not in _METHODS or entry.flag_bits & 1:
                raise _broken(wheel, f"{name} is compressed in a way that wheels do not use")
            if re.search(r"(^|/)\.\.(/|$)|^/|\\|\0|^[A-Za-z]:", name):
                raise _broken(wheel, f"{name!r} leads out of it")
            mode = entry.external_attr >> 16
            raw = Raw(entry.header_offset, entry.compress_size, entry.CRC, entry.compress_type, wheel.name)
            executable = bool(mode & (stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH))
            yield Item(prefix + unicodedata.normalize("NFC", name), str(wheel), executable, entry.file_size, (), raw)


def _installed(name: str) -> str | None:
    """Where a file of a wheel goes, relative to the folder of packages; None for what stays out."""
    top, _, rest = name.partition("/")
    if top.endswith(".data"):
        scheme, _, name = rest.partition("/")
        if scheme not in _KEPT:
            return None
    elif top.endswith(".dist-info") and rest in _RECORDS:
        return None
    if name.endswith((".pyc", ".pyo")) or "__pycache__/" in name:
        return None
    return name


def _broken(wheel: Path, why: str) -> SlxError:
    return SlxError(f"the wheel {wheel.name} cannot be used", why, f"delete {wheel.parent} and run the command again")
