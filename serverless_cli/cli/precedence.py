"""Flags before environment before project file before defaults."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from threading import Thread
from typing import Any

from serverless_cli.app.settings import Settings
from serverless_cli.aws.calls import Observer
from serverless_cli.cli.options import Options
from serverless_cli.errors import Exit, SlxError
from serverless_cli.ui.terminal import Terminal
from serverless_cli.withheld import VARIABLE


def merge(
    said: Options,
    environ: Mapping[str, str],
    folder: Path,
    project: Mapping[str, Any],
    terminal: Terminal,
    *,
    watch: Observer | None = None,
) -> Settings:
    """The settings of a run. SLX_* variables are in `said` already; `watch` sees every call.

    Raises SlxError (usage).
    """
    if said.local and said.endpoint_url:
        raise usage("--local and --endpoint-url exclude each other", "each names another target", "leave one out")
    given = {**_environment(environ, local=said.local), **_flags(said)}
    found = {**_defaults(project, environ, local=said.local), **given}
    return Settings(
        folder=folder,
        local=said.local,
        protected_stages=tuple(project.get("protected_stages") or ()),
        stage_given="stage" in found,
        region_where=None if "region" in given else project.get("where", {}).get("region"),
        parameters=parameters(said.param, said.params),
        endpoint_ambient=not said.endpoint_url,
        environment={k.removeprefix(VARIABLE): v for k, v in environ.items() if k.startswith(VARIABLE)},
        notify=terminal.say,
        observe=_observer(terminal, watch, debug=said.debug),
        **found,
    )


def _flags(said: Options) -> dict[str, Any]:
    names = ("stage", "profile", "region", "endpoint_url", "state")
    return {name: given for name in names if (given := getattr(said, name))}


def _environment(environ: Mapping[str, str], *, local: bool) -> dict[str, Any]:
    """What AWS's own variables say; where they are set up for AWS they do not move the local target."""
    known: dict[str, tuple[str, ...]] = {"profile": ("AWS_PROFILE", "AWS_DEFAULT_PROFILE")}
    if not local:
        known |= {"region": ("AWS_REGION", "AWS_DEFAULT_REGION"), "endpoint_url": ("AWS_ENDPOINT_URL",)}
    found = {name: next((environ[key] for key in keys if environ.get(key)), None) for name, keys in known.items()}
    return {name: value for name, value in found.items() if value}


def _defaults(project: Mapping[str, Any], environ: Mapping[str, str], *, local: bool) -> dict[str, Any]:
    """What the project file says. Its profile would shadow keys in the environment, which come before it; its state
    is one on AWS, which the local target does without."""
    ignored = {"state"} if local else set()
    if "AWS_ACCESS_KEY_ID" in environ:
        ignored.add("profile")
    names = {"stage", "region", "state", "profile"} - ignored
    return {name: project[name] for name in sorted(names) if project.get(name)}


def parameters(pairs: tuple[str, ...], file: Path | None) -> dict[str, str]:
    """`-p` before `--params`."""
    known = _read(file) if file else {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            # the value may be a secret and is not repeated
            raise usage("-p wants KEY=VALUE", "there is no = in what was given", "-p greeting=Hello")
        known[key] = value
    return known


def _read(file: Path) -> dict[str, str]:
    import yaml  # noqa: PLC0415 - for such files only

    name = "stdin" if str(file) == "-" else str(file)
    try:
        # BaseLoader leaves every scalar the text that was written: `012`, `yes` and `1.10` stay so
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
        found = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506
    except (OSError, UnicodeDecodeError) as error:
        raise usage(f"cannot read {name}", str(error)) from error
    except yaml.YAMLError as error:
        place = getattr(error, "problem_mark", None)
        where = f" in line {place.line + 1}" if place else ""
        raise usage(
            f"{name} is no YAML or JSON", f"{getattr(error, 'problem', 'it cannot be parsed')}{where}"
        ) from None
    if not isinstance(found, dict):
        raise usage(f"{name} has no parameters", "it wants a mapping of names to values", "greeting: Hello")
    for key, value in found.items():
        if not isinstance(value, str):
            raise usage(f"{name}: the parameter `{key}` is no text", "parameters are texts and numbers")
    return found


def _observer(terminal: Terminal, further: Observer | None, *, debug: bool) -> Observer:
    """Sees every call. At the first answer the others are on their way, and there is time for what tells of them."""
    answered = False

    def observe(operation: str, started: float, ended: float, attempt: int, error: str | None) -> None:
        nonlocal answered
        if not answered:
            answered = True
            Thread(target=terminal.load, daemon=True).start()
        if debug:
            again = f", attempt {attempt}" if attempt > 1 else ""
            terminal.debug(f"call {operation} {ended - started:.2f}s{again}{f': {error}' if error else ''}")
        if further:
            further(operation, started, ended, attempt, error)

    return observe


def usage(what: str, why: str = "", hint: str = "") -> SlxError:
    """An error in how the command was called."""
    return SlxError(what, why, hint, exit_code=Exit.USAGE)
