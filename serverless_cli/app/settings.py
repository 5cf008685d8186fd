"""What a command was asked for, from whatever source, and the project file `slx.yaml` that gives defaults."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from pathlib import Path
from typing import Any

from serverless_cli.aws.calls import Observer
from serverless_cli.errors import Exit, Location, SlxError
from serverless_cli.names import STAGE
from serverless_cli.records import dataclass

PROJECT_FILE = "slx.yaml"


_STAGES = "a stage has small letters and digits and begins with a letter"


def _silent(_: str) -> None:
    """Tells nobody."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Flags, environment and project file, already merged. `folder` is where `.slx` lies.

    `stage_given`: somebody asked for just this stage, by whatever source; no other one is meant then.
    `region_where` is the region's place in the project file, where that names it.
    `parameters` are given for this run; `environment` has those of SLX_PARAM_*, by their names in capitals.
    `endpoint_url` is AWS_ENDPOINT_URL's where `endpoint_ambient`: then AWS_ENDPOINT_URL_S3 and its like go before it.
    `notify` is told short lines of the story (`starting the local target`); `observe` sees every call to AWS.
    """

    folder: Path
    stage: str = "dev"
    stage_given: bool = False
    profile: str | None = None
    region: str | None = None
    region_where: Location | None = None
    local: bool = False
    endpoint_url: str | None = None
    endpoint_ambient: bool = False
    state: str | None = None
    protected_stages: tuple[str, ...] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    notify: Callable[[str], None] = _silent
    observe: Observer | None = None

    def __post_init__(self) -> None:
        if not STAGE.fullmatch(self.stage):
            raise SlxError(
                f"{self.stage!r} cannot be a stage",
                _STAGES,
                "give another one with --stage",
                exit_code=Exit.USAGE,
            )


_KEYS = ("stage", "profile", "region", "state", "protected_stages")
_LISTS = frozenset({"protected_stages"})


def project_file(folder: Path) -> dict[str, Any]:
    """The settings in the folder's `slx.yaml`, and under `where` their places; empty when there is none.

    Raises BlueprintError, located.
    """
    path = Path(PROJECT_FILE) if folder == Path.cwd() else folder / PROJECT_FILE
    if not path.is_file():
        return {}
    # yaml is not loaded where there is no file
    from serverless_cli.blueprint.load import load  # noqa: PLC0415
    from serverless_cli.blueprint.nodes import Scalar, Sequence  # noqa: PLC0415
    from serverless_cli.blueprint.problems import Problems  # noqa: PLC0415

    problems = Problems()
    values: dict[str, Any] = {}
    places: dict[str, Location] = {}
    stages: list[Scalar] = []
    root = load(path, problems)
    for key, node in root.items.items():
        if key not in _KEYS:
            hint = problems.near(key, _KEYS)
            problems.add(f"unknown setting `{key}`", root.at(key), f"{PROJECT_FILE} takes {', '.join(_KEYS)}", hint)
        elif key in _LISTS and isinstance(node, Sequence):
            scalars = [item for item in node.items if isinstance(item, Scalar)]
            values[key] = [item.text for item in scalars]
            stages += scalars
        elif key not in _LISTS and isinstance(node, Scalar) and not node.empty:
            values[key], places[key] = node.text, node.where
            stages += [node] if key == "stage" else []
        else:
            problems.add(f"`{key}` wants {'a list of texts' if key in _LISTS else 'text'}", node.where)
    for one in stages:
        if not STAGE.fullmatch(one.text):
            problems.add(f"{one.text!r} cannot be a stage", one.where, _STAGES)
    problems.check()
    return {**values, "where": places}
