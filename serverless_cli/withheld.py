"""Secrets that were not given this time: what cannot be made without them, and how they are given. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass

from serverless_cli.errors import Problem
from serverless_cli.model import Action, Step
from serverless_cli.secret import Secret

_NOTHING = object()
VARIABLE = "SLX_PARAM_"


def environment(parameter: str) -> str:
    """A parameter's name behind SLX_PARAM_: in capitals, `_` for `-`."""
    return parameter.upper().replace("-", "_")


def how(names: Iterable[str]) -> str:
    """How to give secrets so that no list of processes shows them."""
    variables = " ".join(f"{VARIABLE}{environment(name)}=..." for name in names) or f"{VARIABLE}NAME=..."
    return f"give it with {variables} in the environment, or with --params - on stdin"


def wanting(steps: Iterable[Step]) -> Iterator[Problem]:
    """A problem for each thing that would be without a secret: one that is to be made, or that has no such value yet.

    What has the value keeps it.
    """
    for step in steps:
        making = step.action in (Action.CREATE, Action.REPLACE)
        lacking = _lacking(step.spec, _NOTHING if making else step.reality)
        if lacking:
            names = tuple(dict.fromkeys(name for _, secret in lacking for name in secret.missing))
            which = "the secret" + ("s " if len(names) > 1 else " ") + ", ".join(f"`{name}`" for name in names)
            yield Problem(
                f"{step.ref.kind} {step.name} needs {which}, which {'were' if len(names) > 1 else 'was'} not given",
                f"{lacking[0][0]} has no value without it, and secrets are never stored",
                how(names),
                step.where,
            )


def secrets(value: object) -> Iterator[Secret]:
    """All secrets in a value, however deep they are in there."""
    return (secret for _, secret, _ in _walk("", value, _NOTHING))


def _lacking(wish: object, reality: object) -> list[tuple[str, Secret]]:
    """The secrets of a wish that were not given and that reality has no value of, each with its path."""
    found = _walk("", wish, reality)
    return [(path, secret) for path, secret, there in found if not secret.known and there is _NOTHING]


def _walk(path: str, wish: object, reality: object) -> Iterator[tuple[str, Secret, object]]:
    if isinstance(wish, Secret):
        yield path.removeprefix("."), wish, reality
    elif isinstance(wish, Mapping):
        have = reality if isinstance(reality, Mapping) else {}
        for key, one in wish.items():
            yield from _walk(f"{path}.{key}", one, have.get(key, _NOTHING))
    elif isinstance(wish, tuple | list):
        there = reality if isinstance(reality, tuple | list) else ()
        for index, one in enumerate(wish):
            yield from _walk(path, one, there[index] if index < len(there) else _NOTHING)
    elif is_dataclass(wish) and not isinstance(wish, type):
        for field in fields(wish):
            yield from _walk(f"{path}.{field.name}", getattr(wish, field.name), getattr(reality, field.name, _NOTHING))
