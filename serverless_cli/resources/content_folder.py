"""A bucket's folder of files, looked through before anything is called."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from serverless_cli.errors import Problem
from serverless_cli.packaging.site import scan
from serverless_cli.resources.base import Declared


def content_problems(it: Declared[Any], folder: str, pages: Mapping[str, str | None]) -> Iterable[Problem]:
    """What is wrong with a content folder: empty, without one of the website's `pages` (by their keys in a blueprint),
    files that S3 would not take."""
    found = list(scan(Path(folder)))
    files = {key: entry for key, entry, stray in found if not stray}
    where = it.line("content")
    if not files:
        yield Problem(f"the content folder of {it.id} has no files", "there is nothing to upload", where=where)
    for role, key in pages.items():
        if files and key and key not in files:
            hint = "add the file, or name another one"
            yield Problem(f"the {role} page {key} is not in the content folder", "", hint, it.line("website", role))
    for key, _, stray in found:
        if stray:
            hint = "put a copy in its place, or remove it"
            yield Problem(f"{key} in the content folder of {it.id} is {stray}", "it would not be uploaded", hint, where)
    for key in files:
        if len(key.encode()) > 1024:
            yield Problem(f"the path {key[:60]}… is longer than 1024 bytes", "S3 takes no longer keys", where=where)
