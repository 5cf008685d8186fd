"""A folder and requirements -> the zip that Lambda gets, from the cache when nothing has changed.

Packages are made of lists of files: those of the folder (`tree.collect`) and those of the wheels that its requirements
resolve to (`wheels.collect`), of which the folder's own win.
"""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path, PurePosixPath

from serverless_cli.errors import Problem, SlxError
from serverless_cli.model import Spec
from serverless_cli.names import digest
from serverless_cli.packaging.cache import Cache, Kept, default_cache, signature
from serverless_cli.packaging.patterns import DEFAULTS, IGNORE_FILE
from serverless_cli.packaging.platforms import Platform
from serverless_cli.packaging.requirements import checked
from serverless_cli.packaging.resolve import Wheel, Wheels
from serverless_cli.packaging.tree import Item, collect, readable
from serverless_cli.records import dataclass

FORMAT = 2
"""to be raised when the same files would give another zip than before"""
ZIPPED_LIMIT = 50 << 20
"""what CreateFunction takes inline: "Zipped size must be smaller than 52428800 bytes"; more goes through S3"""
UNZIPPED_LIMIT = 250 << 20
""" "Unzipped size must be smaller than 262144000 bytes", layers included"""


@dataclass(frozen=True, slots=True)
class Package(Spec):
    """A function's or a layer's code. `sha256` is in the form of Lambda's CodeSha256; sizes are in bytes; `path` is
    the zip's."""

    sha256: str
    size: int = field(default=0, compare=False)
    path: str = field(default="", compare=False, metadata={"transient": True})
    unzipped: int = field(default=0, compare=False)

    @property
    def large(self) -> bool:
        """Whether it does not fit into a call, and goes through the stack's bucket."""
        return self.size >= ZIPPED_LIMIT

    @property
    def key(self) -> str:
        """Its name as an object."""
        return f"{base64.b64decode(self.sha256).hex()}.zip"


@dataclass(frozen=True, slots=True)
class Limits:
    """The largest package that Lambda takes, in bytes; it must be smaller."""

    unzipped: int = UNZIPPED_LIMIT


@dataclass(frozen=True, slots=True)
class Needs:
    """Requirements (files among them as `-r PATH`) that a package has, what they must fit, and where they go in it."""

    requirements: tuple[str, ...]
    platform: Platform
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class _Source:
    """What a package is made of. `key` names it in the cache; `wheels` are those behind some of the items."""

    key: Path
    own: tuple[Item, ...]
    items: tuple[Item, ...]
    wheels: tuple[Wheel, ...]
    folder: Path | None


def package(
    folder: Path | None,
    *,
    needs: Needs | None = None,
    exclude: tuple[str, ...] = DEFAULTS,
    cache: Cache | None = None,
    limits: Limits = Limits(),
) -> Package:
    """The folder, with what is needed beside it, as a zip in the cache: byte for byte the same wherever it is made.

    `exclude` and the folder's `.slxignore` say what stays out. Raises SlxError for what Lambda would not take.
    """
    cache = cache or Cache(default_cache())
    source = _source(folder, needs, exclude, cache)
    _check_size(source, limits)
    digests = tuple(wheel.sha256 for wheel in source.wheels)
    sign = signature(source.own, f"format {FORMAT}", needs.prefix if needs else "", *digests)
    kept = cache.find(source.key, sign)
    if kept is None:
        kept = _zip(source, cache)
        cache.remember(source.key, sign, source.own, kept)
    sha256 = base64.b64encode(bytes.fromhex(kept.sha256)).decode()
    return Package(sha256, kept.size, str(kept.path), kept.unzipped)


def packed(sha256: str, cache: Cache | None = None) -> Package | None:
    """The package of that digest (in the form of Lambda's CodeSha256), if this machine has it still."""
    path = (cache or Cache(default_cache())).hold(base64.b64decode(sha256).hex())
    return Package(sha256, path.stat().st_size, str(path)) if path else None


def check_total(code: Package, layers: Mapping[str, Package], limits: Limits = Limits()) -> None:
    """Raises SlxError when a function's code and its layers together are more than Lambda takes."""
    sizes = {"the code": code.unzipped, **{f"layer {name}": one.unzipped for name, one in layers.items()}}
    if sum(sizes.values()) < limits.unzipped:
        return
    parts = ", ".join(f"{name} ({_mb(size)})" for name, size in sizes.items())
    raise SlxError(
        "the code and its layers are too large together",
        f"Lambda takes less than {_mb(limits.unzipped)} unzipped; there are {parts}",
        "leave out what the function does not need",
    )


def _source(folder: Path | None, needs: Needs | None, exclude: tuple[str, ...], cache: Cache) -> _Source:
    place = folder.resolve() if folder else Path()
    own = collect(place, exclude) if folder else ()
    if folder and not own:
        raise SlxError(
            f"nothing to package in {folder}",
            "the folder is empty, or all in it is left out",
            f"put the function's code there; see also {folder / IGNORE_FILE}, if there is one",
        )
    if needs is None:
        return _Source(place, own, own, (), folder)
    from serverless_cli.packaging import wheels  # noqa: PLC0415 - slow to import (zipfile), and few packages need it

    lines = checked(needs.requirements)
    got = Wheels(cache.folder.with_name("wheels")).get(lines, needs.platform) if lines else ()
    theirs = wheels.collect((wheel.path for wheel in got), needs.prefix)
    # The folder's path says nothing of the requirements, and several packages may be made of one folder.
    key = Path(f"{place}\0{digest(needs.platform.key, needs.prefix, *lines)}")
    return _Source(key, own, _merged(own, theirs), got, folder)


def _merged(own: tuple[Item, ...], theirs: tuple[Item, ...]) -> tuple[Item, ...]:
    """All items, sorted; where one's own has a file or folder, theirs of that name is left out."""
    files = {item.name for item in own}
    folders = {str(parent) for name in files for parent in PurePosixPath(name).parents}
    kept = [
        item
        for item in theirs
        if item.name not in files
        and item.name not in folders
        and not any(str(parent) in files for parent in PurePosixPath(item.name).parents)
    ]
    return tuple(sorted((*own, *kept), key=lambda item: item.name))


def _zip(source: _Source, cache: Cache) -> Kept:
    from serverless_cli.packaging import archive  # noqa: PLC0415  (zipfile is slow to import; `status` needs none)

    with cache.writing() as (file, fresh):
        with readable(source.folder or cache.folder):
            made = archive.write(source.items, file)
        file.close()
        return cache.keep(fresh, made.sha256.hex(), made.size, made.unzipped)


def check_folder(folder: Path, limits: Limits = Limits()) -> Problem | None:
    """What keeps a folder from becoming a package, as far as its files' names and sizes tell: none is read."""
    try:
        own = collect(folder, DEFAULTS)
        _check_size(_Source(folder, own, own, (), folder), limits)
    except SlxError as error:
        return Problem(error.what, error.why, error.hint)
    return None


def _check_size(source: _Source, limits: Limits) -> None:
    if sum(item.size for item in source.items) < limits.unzipped:
        return
    sizes: Counter[str] = Counter()
    for item in source.items:
        sizes[item.raw.zip if item.raw else item.name] += item.size
    largest = sorted(sizes.items(), key=lambda pair: (-pair[1], pair[0]))[:5]
    names = ", ".join(f"{name} ({_mb(size)})" for name, size in largest)
    what = f"the code in {source.folder}" if source.folder else "what the requirements bring"
    raise SlxError(
        f"{what} is too large",
        f"Lambda takes less than {_mb(limits.unzipped)} unzipped; the largest are {names}",
        f"leave out what is not needed, with lines in {source.folder / IGNORE_FILE}"
        if source.folder and not source.wheels
        else "leave out what is not needed",
    )


def _mb(size: int) -> str:
    return f"{size / (1 << 20):.1f} MB"
