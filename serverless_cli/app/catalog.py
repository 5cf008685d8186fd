"""Blueprints by path or by name: those that ship with slx, copying one to start from, checking one."""

from __future__ import annotations

import difflib
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from serverless_cli.app.settings import Settings
from serverless_cli.errors import Exit, SlxError
from serverless_cli.model import NOTHING, Place, Stack
from serverless_cli.records import dataclass

HERE = "blueprint.yaml"
NOWHERE = Place("", "", "us-east-1", "123456789012")
"""stands in while a blueprint is only checked: names and ARNs need some account and region"""


@dataclass(frozen=True, slots=True)
class Shipped:
    """A blueprint that comes with slx."""

    name: str
    description: str
    path: Path


def shelf() -> Path:
    """The folder of the shipped blueprints: in the package when installed, beside it in a checkout."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "blueprints"
    return inside if inside.is_dir() else package.parent / "blueprints"


def shipped() -> tuple[Shipped, ...]:
    """Every shipped blueprint, by name."""
    from serverless_cli.blueprint.load import first  # noqa: PLC0415 - yaml is only for those who read blueprints

    found = []
    for path in sorted(shelf().glob(f"*/{HERE}")):
        described = first(path, "description")
        found.append(Shipped(path.parent.name, described[0] if described else "", path))
    return tuple(found)


def find(blueprint: str | None, folder: Path) -> Path:
    """The file that a command's argument means: a path if it looks like one, else a shipped name, else a folder here.

    A folder means its blueprint.yaml, and no argument that of `folder`. Raises SlxError (usage) that says what there is
    instead.
    """
    if blueprint is None:
        path = Path(HERE) if folder == Path.cwd() else folder / HERE
        if path.is_file():
            return path
        hint = "name one of the shipped blueprints (`slx blueprints` lists them), or give a path"
        raise SlxError(f"there is no {HERE} in this folder", hint=hint, exit_code=Exit.USAGE)
    here = Path(blueprint) if folder == Path.cwd() else folder / blueprint
    if "/" in blueprint or "\\" in blueprint or blueprint.endswith((".yaml", ".yml")) or blueprint in (".", ".."):
        return _by_path(here)
    path = shelf() / blueprint / HERE
    if path.is_file():
        return path
    if (here / HERE).is_file():
        return here / HERE
    names = [one.parent.name for one in shelf().glob(f"*/{HERE}")]
    near = difflib.get_close_matches(blueprint, names, 1)
    hint = f"did you mean `{near[0]}`?" if near else f"shipped are: {', '.join(sorted(names))}; a path has a slash"
    raise SlxError(f"there is no shipped blueprint `{blueprint}`", hint=hint, exit_code=Exit.USAGE)


def _by_path(path: Path) -> Path:
    if path.is_dir():
        path = path / HERE
    if path.is_file():
        return path
    raise SlxError(f"there is no blueprint at {path}", hint="give the path of a YAML file", exit_code=Exit.USAGE)


def copy(name: str, folder: Path) -> Path:
    """Copies a shipped blueprint into a folder that does not exist yet or is empty; returns the blueprint's path."""
    source = find(name, Path()).parent
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise SlxError(
            f"{folder} exists already and is not empty",
            "nothing is written over",
            "name a new folder: slx init BLUEPRINT DIR",
            exit_code=Exit.USAGE,
        )
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc", ".slx", ".DS_Store")
    shutil.copytree(source, folder, ignore=ignored, dirs_exist_ok=True)
    return folder / HERE


def read(path: Path, settings: Settings, like: Place = NOWHERE, remembered: Mapping[str, str] = NOTHING) -> Stack:
    """The checked blueprint, for the account and region of `like`. `remembered` are the parameters of earlier runs.

    Raises BlueprintError with all that is wrong with it.
    """
    from serverless_cli.blueprint.parse import parse  # noqa: PLC0415 - yaml is only for those who read blueprints
    from serverless_cli.resources import TYPES, WEAVERS  # noqa: PLC0415 - as above

    return parse(
        path,
        place=lambda stack: replace(like, stack=stack, stage=settings.stage),
        types=TYPES,
        weavers=WEAVERS,
        parameters=settings.parameters,
        remembered=remembered,
        environment=settings.environment,
    )


def validate(settings: Settings, blueprint: str | None) -> Stack:
    """Checks a blueprint without any account, region or call."""
    return read(find(blueprint, settings.folder), settings)


def schema() -> dict[str, Any]:
    """The JSON Schema of blueprints, for editors."""
    from serverless_cli.blueprint.schema import schema as generate  # noqa: PLC0415 - only for `slx schema`
    from serverless_cli.resources import TYPES  # noqa: PLC0415 - as above

    return generate(TYPES)
