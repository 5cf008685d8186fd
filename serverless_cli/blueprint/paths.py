"""Paths that a blueprint names: relative to it, and never out of its folder, not even through links."""

from __future__ import annotations

import re
from pathlib import Path

_ABSOLUTE = re.compile(r"/|~|[A-Za-z]:|\\\\")


class PathError(ValueError):
    """Why a path cannot be used: `why` and `hint` for the user."""

    def __init__(self, why: str, hint: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.hint = hint


def inside(folder: Path, given: str, *, is_folder: bool) -> str:
    """The absolute path of a folder or file inside `folder`, links followed. Raises PathError."""
    _form(given)
    try:
        root = folder.resolve(strict=True)
        path = (root / given).resolve(strict=True)
    except FileNotFoundError:
        what = "folder" if is_folder else "file"
        raise PathError(f"there is no such {what}", f"make it, or correct the path; it counts from {folder}") from None
    except NotADirectoryError:
        raise PathError("a part of the path is a file, not a folder") from None
    except (OSError, RuntimeError, ValueError) as error:  # loops of links, names that are too long
        raise PathError(f"it cannot be followed ({getattr(error, 'strerror', None) or error})") from None
    if not path.is_relative_to(root):
        raise PathError("a link in it leads out of the blueprint's folder", "copy what it leads to")
    if is_folder and not path.is_dir():
        raise PathError("it is a file, not a folder", "name the folder that it is in")
    if not is_folder and not path.is_file():
        raise PathError("it is a folder, not a file" if path.is_dir() else "it is no regular file")
    return str(path)


def _form(given: str) -> None:
    if not given.strip():
        raise PathError("a path cannot be empty")
    if _ABSOLUTE.match(given):
        raise PathError("an absolute path differs from machine to machine", "write it relative to the blueprint")
    if "\\" in given:
        raise PathError("folders are separated by /, on every system", f"write {given.replace(chr(92), '/')}")
    if ".." in given.split("/"):
        raise PathError("`..` leaves the blueprint's folder", "move what it names below the blueprint")
