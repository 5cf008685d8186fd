"""A function as it was deployed: its settings and its unpacked code."""

from __future__ import annotations

import hashlib
import json
import shutil
import stat
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4

from serverless_cli.records import dataclass


@dataclass(frozen=True, slots=True)
class Deployment:
    """What a worker is started from; two equal deployments may share warm workers."""

    name: str
    arn: str
    version: str
    runtime: str
    handler: str
    role: str
    memory_mb: int
    timeout_s: int
    log_group: str
    variables: tuple[tuple[str, str], ...]
    code: str
    layers: tuple[str, ...]

    @property
    def mark(self) -> str:
        """Differs when anything differs that a worker is started from."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()

    @property
    def account(self) -> str:
        return self.arn.split(":")[4]

    @property
    def region(self) -> str:
        return self.arn.split(":")[3]


def deployment_of(config: Mapping[str, Any], code_folder: Path, layers: Sequence[Path]) -> Deployment:
    """A deployment from what Lambda's API holds of a function."""
    name = config["FunctionName"]
    variables = (config.get("Environment") or {}).get("Variables") or {}
    return Deployment(
        name=name,
        # Without a qualifier: an alias and the version it points to share their workers.
        arn=":".join(config["FunctionArn"].split(":")[:7]),
        version=config.get("Version", "$LATEST"),
        runtime=config["Runtime"],
        handler=config.get("Handler", ""),
        role=config.get("Role", ""),
        memory_mb=int(config.get("MemorySize", 128)),
        timeout_s=int(config.get("Timeout", 3)),
        log_group=(config.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{name}",
        variables=tuple(sorted((str(key), str(value)) for key, value in variables.items())),
        code=str(code_folder),
        layers=tuple(str(layer) for layer in layers),
    )


def unpack(archive: bytes, into: Path) -> Path:
    """The folder with the archive's files, made once per content."""
    folder = into / hashlib.sha256(archive).hexdigest()[:32]
    if not folder.exists():
        fresh = into / f"{folder.name}.{uuid4().hex}"
        _extract(archive, fresh)
        try:
            fresh.rename(folder)
        except OSError:
            # Another invocation was faster.
            shutil.rmtree(fresh, ignore_errors=True)
    return folder


def _extract(archive: bytes, folder: Path) -> None:
    folder.mkdir(parents=True)
    with zipfile.ZipFile(BytesIO(archive)) as packed:
        for entry in packed.infolist():
            path = packed.extract(entry, folder)
            mode = stat.S_IMODE(entry.external_attr >> 16)
            if mode and not entry.is_dir():
                Path(path).chmod(mode | stat.S_IRUSR)


def merge(layers: Sequence[Path], into: Path) -> Path | None:
    """One folder with all layers, the last one winning, as Lambda lays them over /opt."""
    if not layers:
        return None
    if len(layers) == 1:
        return layers[0]
    folder = into / ("opt-" + hashlib.sha256("\n".join(map(str, layers)).encode()).hexdigest()[:32])
    if not folder.exists():
        fresh = into / f"{folder.name}.{uuid4().hex}"
        for layer in layers:
            shutil.copytree(layer, fresh, dirs_exist_ok=True)
        fresh.rename(folder)
    return folder
