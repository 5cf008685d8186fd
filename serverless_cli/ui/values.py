"""Values of specs for people and for JSON. A secret never gets past here."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import TypeAlias

from serverless_cli.model import Handout, Late, Mark
from serverless_cli.secret import Secret
from serverless_cli.ui.text import clean, line, shorten

Json: TypeAlias = str | int | float | bool | list["Json"] | dict[str, "Json"] | None

HIDDEN = "***"
LIMIT = 60


def shown(value: object, limit: int = LIMIT) -> str:
    """A value on one line, shortened; `***` for a secret, and who will hand it out for what is not known yet."""
    if isinstance(value, Late):
        return _late(value, limit)
    return shorten(whole(value), limit)


def whole(value: object) -> str:
    """A value on one line, however long that is."""
    if isinstance(value, str):
        return _string(value)
    pairs = _pairs(value)
    if pairs is not None:
        return "{" + ", ".join(f"{line(key)}: {whole(item)}" for key, item in pairs) + "}"
    match value:
        case None | bool():
            return str(value).lower()
        case tuple() | list():
            return "[" + ", ".join(map(whole, value)) + "]"
        case Mark():
            return f"{value.stack}/{value.stage} {value.id}"
    return line(str(value))


def _string(value: str) -> str:
    if isinstance(value, Secret):
        return HIDDEN
    if isinstance(value, Late):
        return _late(value, sys.maxsize)
    return _text(value.value if isinstance(value, Enum) else value)


def _pairs(value: object) -> Iterable[tuple[str, object]] | None:
    """The members of a mapping or a spec; None for anything else."""
    if isinstance(value, Mapping):
        return [(str(key), item) for key, item in value.items()]
    return members(value) if is_group(value) else None


def _text(value: str) -> str:
    text = str.__str__(value)
    if text and text == text.strip():
        return line(text)
    return '"' + clean(text).replace("\n", "\\n") + '"'


def _late(value: Late, limit: int) -> str:
    """`${api.url}/hello (known after api)`; only the latter where the parts are no text that a user wrote."""
    after = f"(known after {', '.join(dict.fromkeys(sorted(ref.root for ref in value.needs)))})"
    if all(isinstance(part, Handout) for part in value.parts):
        return after
    return f"{shorten(line(_written(value)), limit)} {after}"


def is_group(value: object) -> bool:
    """Whether a value is a spec or another dataclass: something with fields."""
    return is_dataclass(value) and not isinstance(value, type | Mark)


def members(value: object) -> Iterator[tuple[str, object]]:
    """The fields of a spec that count as what it is; those that only steer how it is made are left out."""
    if is_dataclass(value):
        yield from ((field.name, getattr(value, field.name)) for field in fields(value) if field.compare)


def plain(value: object) -> Json:
    """A value for a JSON document; what is not known yet stays as the user wrote it."""
    if isinstance(value, str):
        return _plain_text(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    pairs = members(value) if isinstance(value, Mark) else _pairs(value)
    return str(value) if pairs is None else {key: plain(item) for key, item in pairs}


def _plain_text(value: str) -> str:
    if isinstance(value, Secret):
        return HIDDEN
    if isinstance(value, Late):
        return _written(value)
    return str.__str__(value.value if isinstance(value, Enum) else value)


def _written(value: Late) -> str:
    return "".join(HIDDEN if isinstance(part, Secret) else str(part) for part in value.parts)
