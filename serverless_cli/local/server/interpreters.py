"""The AWS SDK that AWS's runtimes bring along."""

from __future__ import annotations

import importlib.util
from pathlib import Path

# boto3 and all that it needs; pure Python, so any version of Python that they support can import them.
SDK = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3", "six")


def sdk_folder(scratch: Path) -> Path:
    """A folder through which a function sees boto3, in this process's version, and nothing else that is installed."""
    folder = scratch / "sdk"
    folder.mkdir(parents=True, exist_ok=True)
    for name in SDK:
        found = importlib.util.find_spec(name)
        if found is None or found.origin is None:
            continue
        source = Path(found.origin)
        source = source.parent if source.name == "__init__.py" else source
        link = folder / source.name
        if not link.is_symlink() or link.resolve() != source.resolve():
            link.unlink(missing_ok=True)
            link.symlink_to(source)
    return folder
