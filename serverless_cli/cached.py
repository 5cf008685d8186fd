"""Where slx keeps what it can find out again. All of it can be deleted at any time."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Any


def cache_folder(name: str) -> Path:
    """`slx/NAME` in the user's cache folder."""
    home = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (home if home.is_absolute() else Path("~/.cache").expanduser()) / "slx" / name


def recall(file: Path) -> Any:
    """What `keep` wrote there; None if there is nothing, or nothing that can be read."""
    try:
        return json.loads(file.read_bytes())
    except (OSError, ValueError):
        return None


def keep(file: Path, content: Any) -> None:
    """Writes it as JSON, whole or not at all, whoever else writes there; what cannot be written is found out again."""
    fresh = file.with_name(f".{os.getpid()}-{os.urandom(6).hex()}")
    with contextlib.suppress(OSError):
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
                json.dump(content, out, separators=(",", ":"))
            fresh.replace(file)
        finally:
            fresh.unlink(missing_ok=True)
