"""A folder -> the zip that Lambda gets, from the cache when nothing has changed.

Packages are made of trees of files (`tree.collect`). Requirements, once they are resolved, are one more such tree, or
a package of their own for a layer.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from pathlib import Path

from serverless_cli.errors import SlxError
from serverless_cli.model import Spec
from serverless_cli.packaging.cache import Cache, Kept, default_cache, signature
from serverless_cli.packaging.patterns import DEFAULTS, IGNORE_FILE
from serverless_cli.packaging.tree import Item, collect, readable

FORMAT = 1
"""to be raised when the same files would give another zip than before"""
ZIPPED_LIMIT = 50 << 20
"""what CreateFunction takes inline: "Zipped size must be smaller than 52428800 bytes" """
UNZIPPED_LIMIT = 250 << 20
""" "Unzipped size must be smaller than 262144000 bytes" """


@dataclass(frozen=True, slots=True)
class Package(Spec):
    """A function's code. `sha256` is in the form of Lambda's CodeSha256; sizes are in bytes; `path` is the zip's."""

    sha256: str
    size: int = field(default=0, compare=False)
    path: str = field(default="", compare=False, metadata={"transient": True})
    unzipped: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Limits:
    """The largest package that Lambda takes, in bytes; it must be smaller."""

    zipped: int = ZIPPED_LIMIT
    unzipped: int = UNZIPPED_LIMIT


def package(
    folder: Path, *, exclude: tuple[str, ...] = DEFAULTS, cache: Cache | None = None, limits: Limits = Limits()
) -> Package:
    """The folder as a zip in the cache, byte for byte the same wherever it is made.

    `exclude` and the folder's `.slxignore` say what stays out. Raises SlxError for what Lambda would not take.
    """
    source = folder.resolve()
    cache = cache or Cache(default_cache())
    items = collect(source, exclude)
    _check_size(folder, items, limits)
    sign = signature(items, f"format {FORMAT}")
    kept = cache.find(source, sign)
    if kept is None:
        kept = _zip(folder, items, cache, limits)
        cache.remember(source, sign, items, kept)
    sha256 = base64.b64encode(bytes.fromhex(kept.sha256)).decode()
    return Package(sha256, kept.size, str(kept.path), kept.unzipped)


def _zip(folder: Path, items: tuple[Item, ...], cache: Cache, limits: Limits) -> Kept:
    from serverless_cli.packaging import archive  # noqa: PLC0415  (zipfile is slow to import; `status` needs none)

    with cache.writing() as (file, fresh):
        with readable(folder):
            made = archive.write(items, file, limit=limits.zipped)
        if made.size >= limits.zipped:
            raise _too_large(folder, items, "zipped", limits.zipped)
        file.close()
        return cache.keep(fresh, made.sha256.hex(), made.size, made.unzipped)


def _check_size(folder: Path, items: tuple[Item, ...], limits: Limits) -> None:
    if not items:
        raise SlxError(
            f"nothing to package in {folder}",
            "the folder is empty, or all in it is left out",
            f"put the function's code there; see also {folder / IGNORE_FILE}, if there is one",
        )
    if sum(item.size for item in items) >= limits.unzipped:
        raise _too_large(folder, items, "unzipped", limits.unzipped)


def _too_large(folder: Path, items: tuple[Item, ...], how: str, limit: int) -> SlxError:
    largest = sorted(items, key=lambda item: (-item.size, item.name))[:5]
    names = ", ".join(f"{item.name} ({_mb(item.size)})" for item in largest)
    return SlxError(
        f"the code in {folder} is too large",
        f"Lambda takes less than {_mb(limit)} {how}; the largest files are {names}",
        f"leave out what the function does not need, with lines in {folder / IGNORE_FILE}",
    )


def _mb(size: int) -> str:
    return f"{size / (1 << 20):.1f} MB"
