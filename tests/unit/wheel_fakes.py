"""Wheels made by hand, in a folder that pip finds them in instead of an index."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest


class Shelf:
    """A folder of wheels: the only place where pip looks."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        folder.mkdir()
        monkeypatch.setenv("PIP_NO_INDEX", "1")
        monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
        monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")

    def add(
        self,
        name: str,
        version: str = "1.0",
        tag: str = "py3-none-any",
        files: dict[str, bytes] | None = None,
        *,
        needs: tuple[str, ...] = (),
        python: str = "",
        method: int = zipfile.ZIP_DEFLATED,
    ) -> Path:
        path = self.folder / f"{name}-{version}-{tag}.whl"
        lines = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}"]
        lines += [f"Requires-Dist: {one}" for one in needs]
        lines += [f"Requires-Python: {python}"] if python else []
        info = f"{name}-{version}.dist-info"
        about = {
            f"{info}/METADATA": "\n".join(lines).encode() + b"\n",
            f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n".encode(),
            f"{info}/RECORD": b"",
        }
        with zipfile.ZipFile(path, "w", method) as archive:
            for key, value in {**(files or {f"{name}.py": b"x = 1\n"}), **about}.items():
                archive.writestr(key, value)
        return path
