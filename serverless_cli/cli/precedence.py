"""Flags before environment before project file before defaults."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from serverless_cli.app.settings import Settings
from serverless_cli.aws.calls import Observer
from serverless_cli.cli.options import Options
from serverless_cli.errors import Exit, SlxError
from serverless_cli.ui.terminal import Terminal

_PARAMETER = "SLX_PARAM_"


def merge(
    said: Options, environ: Mapping[str, str], folder: Path, project: Mapping[str, Any], terminal: Terminal
) -> Settings:
    """The settings of a run. SLX_* variables are in `said` already. Raises SlxError (usage)."""
    if said.local and said.endpoint_url:
        raise usage("--local and --endpoint-url exclude each other", "each names another target", "leave one out")
    local = said.local
    # The environment's keys would be shadowed by a profile of the project file, so they come before it.
    keys = "AWS_ACCESS_KEY_ID" in environ
    return Settings(
        folder=folder,
        stage=said.stage or project.get("stage") or "dev",
        profile=said.profile or _first(environ, "AWS_PROFILE", "AWS_DEFAULT_PROFILE")
        or (None if keys else project.get("profile")),
        # the local target is nobody's account: what is set up for AWS does not move it
        region=said.region or (None if local else _first(environ, "AWS_REGION", "AWS_DEFAULT_REGION"))
        or project.get("region"),
        local=local,
        endpoint_url=None if local else said.endpoint_url or _first(environ, "AWS_ENDPOINT_URL"),
        state=said.state or project.get("state"),
        protected_stages=tuple(project.get("protected_stages") or ()),
        parameters=parameters(said.param, said.params, environ),
        notify=terminal.say,
        observe=_observer(terminal) if said.debug else None,
    )  # fmt: skip


def parameters(pairs: tuple[str, ...], file: Path | None, environ: Mapping[str, str]) -> dict[str, str]:
    """`-p` before `--params` before SLX_PARAM_*; a variable's name is the parameter's in capitals."""
    known = {
        key.removeprefix(_PARAMETER).lower(): value for key, value in environ.items() if key.startswith(_PARAMETER)
    }
    known |= _read(file) if file else {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            # the value may be a secret and is not repeated
            raise usage("-p wants KEY=VALUE", "there is no = in what was given", "-p greeting=Hello")
        known[key] = value
    return known


def _read(file: Path) -> dict[str, str]:
    try:
        # BaseLoader leaves every scalar the text that was written: `012`, `yes` and `1.10` stay so
        found = yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)  # noqa: S506
    except (OSError, UnicodeDecodeError) as error:
        raise usage(f"cannot read {file}", str(error)) from error
    except yaml.YAMLError as error:
        place = getattr(error, "problem_mark", None)
        where = f" in line {place.line + 1}" if place else ""
        raise usage(
            f"{file} is no YAML or JSON", f"{getattr(error, 'problem', 'it cannot be parsed')}{where}"
        ) from None
    if not isinstance(found, dict):
        raise usage(f"{file} has no parameters", "it wants a mapping of names to values", "greeting: Hello")
    for key, value in found.items():
        if not isinstance(value, str):
            raise usage(f"{file}: the parameter `{key}` is no text", "parameters are texts and numbers")
    return found


def _first(environ: Mapping[str, str], *names: str) -> str | None:
    return next((environ[name] for name in names if environ.get(name)), None)


def _observer(terminal: Terminal) -> Observer:
    def observe(operation: str, started: float, ended: float, attempt: int, error: str | None) -> None:
        again = f", attempt {attempt}" if attempt > 1 else ""
        terminal.say(f"call {operation} {ended - started:.2f}s{again}{f': {error}' if error else ''}", "dim")

    return observe


def usage(what: str, why: str = "", hint: str = "") -> SlxError:
    """An error in how the command was called."""
    return SlxError(what, why, hint, exit_code=Exit.USAGE)
