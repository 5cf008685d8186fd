"""Requirements -> the wheels that fit a platform, from pip once and from the cache ever after.

`wheels/<key>/` holds the wheels for some requirements and a platform; `wheels/<key>.json` which ones they are, by name
and digest. The latter stays when the wheels are pruned: then the very same ones are fetched again, so that what
requirements without versions meant the first time is what they mean on this machine until they are changed. All can
be deleted at any time; then what is newest counts.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from serverless_cli.errors import SlxError
from serverless_cli.names import digest
from serverless_cli.packaging import pip
from serverless_cli.packaging.explain import explain
from serverless_cli.packaging.platforms import Platform
from serverless_cli.records import dataclass

FORMAT = "1"
_KEPT_S = 30 * 24 * 3600
_locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
"""by folder: functions are packaged side by side, and those with the same requirements wait for the first"""


@dataclass(frozen=True, slots=True)
class Wheel:
    """A wheel in the cache; `sha256` is in hexadecimal."""

    path: Path
    sha256: str

    @property
    def pin(self) -> str:
        """The requirement that this very file meets, and no other."""
        name, version, *_ = self.path.name.split("-")
        return f"{name}=={version} --hash=sha256:{self.sha256}"


class Wheels:
    """The wheels in `folder`, made when first written to. Several processes may share it."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time) -> None:
        self.folder = folder
        self._clock = clock

    def get(self, requirements: tuple[str, ...], platform: Platform) -> tuple[Wheel, ...]:
        """The wheels for canonical requirements, with all that these need. Raises SlxError when some do not fit."""
        key = digest(FORMAT, platform.key, *requirements, length=32)
        with _locks[str(self.folder / key)]:
            lock = self._recall(key)
            found = None if lock is None else self._find(key, lock)
            return self._fetch(key, lock or {}, requirements, platform) if found is None else found

    def _recall(self, key: str) -> dict[str, str] | None:
        """Name -> digest of the wheels that these requirements led to; None when that is not known."""
        try:
            known = json.loads((self.folder / f"{key}.json").read_bytes())
            return {str(name): str(sha256) for name, sha256 in known.items()}
        except (OSError, ValueError, AttributeError):
            return None

    def _find(self, key: str, lock: dict[str, str]) -> tuple[Wheel, ...] | None:
        folder = self.folder / key
        wheels = tuple(Wheel(folder / name, sha256) for name, sha256 in sorted(lock.items()))
        with contextlib.suppress(OSError):
            if all(_sha256(wheel.path) == wheel.sha256 for wheel in wheels):
                os.utime(folder)
                return wheels
        return None

    def _fetch(
        self, key: str, lock: dict[str, str], requirements: tuple[str, ...], platform: Platform
    ) -> tuple[Wheel, ...]:
        with _writable(self.folder):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            fresh = Path(tempfile.mkdtemp(dir=self.folder, prefix="."))
            try:
                self._download(fresh, lock, requirements, platform)
                found = {path.name: _sha256(path) for path in sorted(fresh.glob("*.whl"))}
                shutil.rmtree(self.folder / key, ignore_errors=True)
                with contextlib.suppress(OSError):  # another process was faster
                    fresh.rename(self.folder / key)
                note = self.folder / f".{key}.{os.getpid()}"
                note.write_text(json.dumps(found, indent=1))
                note.replace(self.folder / f"{key}.json")
            finally:
                shutil.rmtree(fresh, ignore_errors=True)
            self._prune()
        return tuple(Wheel(self.folder / key / name, sha256) for name, sha256 in found.items())

    def _download(self, into: Path, lock: dict[str, str], requirements: tuple[str, ...], platform: Platform) -> None:
        if lock:
            pins = tuple(Wheel(Path(name), sha256).pin for name, sha256 in lock.items())
            if _pip(into, pins, platform, "--no-deps", "--require-hashes").ok:
                return
            for path in into.iterdir():
                path.unlink()
        done = _pip(into, requirements, platform)
        if not done.ok:
            raise explain(done.text, lambda: _pip(into, requirements, platform, "-vv").text, platform)

    def _prune(self) -> None:
        oldest = self._clock() - _KEPT_S
        for path in self.folder.iterdir():
            with contextlib.suppress(OSError):  # another process may be quicker
                if path.is_dir() and path.stat().st_mtime < oldest:
                    shutil.rmtree(path, ignore_errors=True)


def _pip(into: Path, requirements: Iterable[str], platform: Platform, *options: str) -> pip.Ran:
    """`pip download`; the requirements go through a file, so that hashes can be among them."""
    file = into / "requirements.txt"
    file.write_text("".join(f"{line}\n" for line in requirements), "utf-8")
    try:
        common = ("--only-binary=:all:", f"--dest={into}", f"--requirement={file}")
        return pip.run(platform, "download", *common, *platform.options, *options)
    finally:
        file.unlink(missing_ok=True)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def _writable(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SlxError(
            f"cannot keep wheels in {folder}",
            error.strerror or str(error),
            "make room or make it writable, or set XDG_CACHE_HOME to another folder",
        ) from error
