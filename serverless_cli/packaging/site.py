"""A folder of files as S3 objects: keys, content types and cache headers, the same on every machine."""

from __future__ import annotations

import fnmatch
import mimetypes
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

MAX_PUT = 5 * 1024**3
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


def walk(folder: Path) -> Iterator[tuple[str, Path]]:
    """Key and path of every file below the folder, sorted; links that lead out of it are left out."""
    root = folder.resolve()
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if IGNORED.intersection(relative.parts) or not path.is_file():
            continue
        if path.resolve().is_relative_to(root):
            yield relative.as_posix(), path


def strays(folder: Path) -> Iterator[tuple[str, str]]:
    """Key of everything that `walk` leaves out although somebody put it there, and what it is."""
    root = folder.resolve()
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if IGNORED.intersection(relative.parts) or (path.is_dir() and not path.is_symlink()):
            continue
        if not path.exists():
            yield relative.as_posix(), "a link that leads nowhere"
        elif not path.resolve().is_relative_to(root):
            yield relative.as_posix(), "a link that leads out of it"
        elif path.is_symlink() and path.is_dir():
            yield relative.as_posix(), "a link to a folder, which is not followed"
        elif not path.is_file():
            yield relative.as_posix(), "a pipe, socket or device"


def content_type(key: str) -> str:
    """The MIME type for a key, with the charset for text."""
    found = _TYPES.guess_type(key)[0] or "application/octet-stream"
    return f"{found}; charset=utf-8" if TEXT.match(found) else found


def cache_control(key: str, rules: Mapping[str, str]) -> str:
    """Names with a content hash never change; all else is asked for anew, which costs a 304 when unchanged."""
    for pattern, value in rules.items():
        if fnmatch.fnmatch(key, pattern):
            return value
    return "public, max-age=31536000, immutable" if FINGERPRINT.search(key) else "no-cache"
