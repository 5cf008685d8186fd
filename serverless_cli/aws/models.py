"""botocore's models of services without what slx never asks for: a client is made in half the time.

Most of what a client costs to make is reading its service's model, making a method of each operation in it, and
looking through all services' folders for its own: 110 to 135 ms of CPU for the six of a website, 34 to 44 without.
What is left of a model is kept in the user's cache folder, under a name that changes with botocore's file and with the
list of operations. All there can be deleted at any time.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from botocore.loaders import Loader

from serverless_cli.aws.operations import OPERATIONS
from serverless_cli.cached import cache_folder, keep, recall

FORMAT = "1"
"""goes up with every change of what is kept of a model"""

_KEPT_S = 7 * 24 * 3600
"""how long the copy for another botocore is kept: two environments may take turns"""


class Models(Loader):  # type: ignore[misc]  # botocore has no types
    """In place of botocore's own; `data_path` is the user's AWS_DATA_PATH, if there is one."""

    def __init__(self, data_path: str | None = None, folder: Path | None = None) -> None:
        extra = [str(Path(os.path.expandvars(one)).expanduser()) for one in (data_path or "").split(os.pathsep) if one]
        super().__init__(extra_search_paths=extra, file_loader=Files(folder or cache_folder("models")))

    def list_available_services(self, type_name: str) -> Any:
        """Those that have models of this type. botocore walks through the folders of all its 400 services for it,
        but for each client asks of one whether it is there."""
        return _Services(self, type_name)


class _Services:
    def __init__(self, models: Models, type_name: str) -> None:
        self._models, self._type_name = models, type_name

    def __contains__(self, service: str) -> bool:
        return any(
            self._models.file_loader.exists(str(version / self._type_name))
            for path in self._models.search_paths
            for version in _folders(Path(path, service))
        )

    def __iter__(self) -> Iterator[str]:
        return iter(Loader.list_available_services(self._models, self._type_name))


def _folders(path: Path) -> list[Path]:
    try:
        return list(path.iterdir())
    except OSError:
        return []


class Files:
    """Reads the JSON files of models, and cuts those of services down. Paths are without their ending."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def exists(self, path: str) -> bool:
        return _source(path) is not None

    def load_file(self, path: str) -> Any:
        """What the file says; None when there is none."""
        source = _source(path)
        if source is None:
            return None
        *_, service, _version, name = Path(path).parts
        wanted = OPERATIONS.get(service) if name == "service-2" else None
        return _read(source) if wanted is None else self._cut(source, service, wanted)

    def _cut(self, source: str, service: str, wanted: frozenset[str]) -> Any:
        looks = Path(source).stat()
        told = "\n".join((FORMAT, source, str(looks.st_size), str(looks.st_mtime_ns), *sorted(wanted)))
        kept = self._folder / f"{service}-{hashlib.sha256(told.encode()).hexdigest()[:16]}.json"
        model = recall(kept)
        if model is None:
            model = cut(_read(source), wanted)
            keep(kept, model)
            self._prune(service)
        return model

    def _prune(self, service: str) -> None:
        for old in self._folder.glob(f"{service}-*"):
            with contextlib.suppress(OSError):  # another process may be quicker
                if time.time() - old.stat().st_mtime > _KEPT_S:
                    old.unlink()


def _source(path: str) -> str | None:
    return next((path + ending for ending in (".json", ".json.gz") if Path(path + ending).is_file()), None)


def _read(source: str) -> Any:
    content = Path(source).read_bytes()
    return json.loads(gzip.decompress(content) if source.endswith(".gz") else content)


def cut(model: Mapping[str, Any], wanted: Iterable[str]) -> dict[str, Any]:
    """A model with the wanted operations only, the shapes that they and any error need, and no documentation."""
    operations = {name: _plain(model["operations"][name]) for name in wanted if name in model["operations"]}
    shapes: dict[str, Any] = {}
    todo = [name for operation in operations.values() for name in _named(operation)]
    todo += [name for name, shape in model["shapes"].items() if shape.get("exception")]
    while todo:
        name = todo.pop()
        if name not in shapes:
            shapes[name] = _plain(model["shapes"][name])
            if members := shapes[name].get("members"):
                shapes[name]["members"] = {key: _plain(member) for key, member in members.items()}
            todo += _named(shapes[name])
    return _plain(model) | {"operations": operations, "shapes": shapes}


def _plain(described: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in described.items() if key not in ("documentation", "documentationUrl")}


def _named(described: Mapping[str, Any]) -> list[str]:
    """The shapes that an operation or a shape names."""
    parts = [described[key] for key in ("input", "output", "member", "key", "value") if key in described]
    parts += described.get("errors", ())
    parts += described.get("members", {}).values()
    return [part["shape"] for part in parts]
