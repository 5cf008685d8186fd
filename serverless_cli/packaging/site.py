"""A folder of files as S3 objects: keys, content types and cache headers, the same on every machine."""

from __future__ import annotations

import fnmatch
import functools
import mimetypes
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

IN_ONE_PIECE = 64 * 1024**2
"""bytes: what is larger is uploaded in parts, several at once"""
PART, MOST_PARTS = 16 * 1024**2, 10_000
"""bytes of a part, or more where there would be too many; changing either uploads every large file once more"""
TEXT = re.compile(r"text/|application/(json|javascript|xml|xhtml|manifest|ld\+json|rss)|image/svg")
FINGERPRINT = re.compile(r"[.-](?=[0-9a-f]*\d)[0-9a-f]{8,}\.[a-z0-9]+$")
IGNORED = frozenset({".DS_Store", "Thumbs.db", ".git", ".gitignore", ".slx", "desktop.ini"})

# The types of this machine's own tables would make uploads depend on the machine.
_TYPES = mimetypes.MimeTypes(filenames=())
for _ending, _type in {
    ".js": "text/javascript", ".mjs": "text/javascript", ".json": "application/json", ".map": "application/json",
    ".svg": "image/svg+xml", ".webp": "image/webp", ".avif": "image/avif", ".ico": "image/x-icon",
    ".wasm": "application/wasm",
    ".woff": "font/woff", ".woff2": "font/woff2", ".ttf": "font/ttf", ".otf": "font/otf", ".md": "text/markdown",
    ".webmanifest": "application/manifest+json", ".xml": "application/xml", ".txt": "text/plain", ".csv": "text/csv",
}.items():  # fmt: skip
    _TYPES.add_type(_type, _ending)


def scan(folder: Path) -> Iterator[tuple[str, os.DirEntry[str], str]]:
    """Key of all below the folder that is no folder itself, sorted; what is wrong with it, if it is not uploaded."""
    return _scan(str(folder), "", str(folder.resolve()))


def _scan(folder: str, prefix: str, root: str) -> Iterator[tuple[str, os.DirEntry[str], str]]:
    for entry in _listed(folder):
        if not entry.is_dir(follow_symlinks=False):
            yield prefix + entry.name, entry, _stray(entry, root)
        elif os.access(entry.path, os.R_OK | os.X_OK):
            yield from _scan(entry.path, f"{prefix}{entry.name}/", root)
        else:
            yield prefix + entry.name, entry, "a folder that cannot be read"


def _listed(folder: str) -> list[os.DirEntry[str]]:
    """What is in a folder, sorted by name; nothing where it is gone by now, or cannot be read."""
    try:
        with os.scandir(folder) as found:
            return sorted((one for one in found if one.name not in IGNORED), key=lambda one: one.name)
    except OSError:
        return []


def _stray(entry: os.DirEntry[str], root: str) -> str:
    if entry.is_file(follow_symlinks=False):
        return ""
    if not Path(entry.path).exists():
        return "a link that leads nowhere"
    if not Path(entry.path).resolve().is_relative_to(root):
        return "a link that leads out of it"
    if entry.is_dir():
        return "a link to a folder, which is not followed"
    return "" if entry.is_file() else "a pipe, socket or device"


def walk(folder: Path) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Every file to be uploaded, by key, sorted; links that lead out of the folder are left out."""
    return ((key, entry) for key, entry, stray in scan(folder) if not stray)


def parts(size: int) -> list[tuple[int, int]]:
    """Start and length in bytes of each part that a file of this size is uploaded in; none: in one piece."""
    if size <= IN_ONE_PIECE:
        return []
    length = max(PART, -(-size // MOST_PARTS))
    return [(start, min(length, size - start)) for start in range(0, size, length)]


def content_type(key: str) -> str:
    """The MIME type for a key, with the charset for text."""
    return _with_charset(_TYPES.guess_type(key)[0] or "application/octet-stream")


@functools.cache
def _with_charset(found: str) -> str:
    """One text for all files of a type: there may be many."""
    return f"{found}; charset=utf-8" if TEXT.match(found) else found


def cache_control(key: str, rules: Mapping[str, str]) -> str:
    """Names with a content hash never change; all else is asked for anew, which costs a 304 when unchanged."""
    for pattern, value in rules.items():
        if fnmatch.fnmatch(key, pattern):
            return value
    return "public, max-age=31536000, immutable" if FINGERPRINT.search(key) else "no-cache"
