"""Late values, and secrets, wherever they are nested: found and filled. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from serverless_cli.model import Handout, Late, Outputs, Ref
from serverless_cli.secret import Secret

T = TypeVar("T")


def fill(value: T, outputs: Mapping[Ref, Outputs]) -> T:
    """The value with every gap filled that `outputs` knows; the very same object when there was nothing to fill."""

    def known(text: str) -> str:
        filled = text.fill(outputs) if isinstance(text, Late) else text
        return text if isinstance(text, Late) and isinstance(filled, Late) and filled.parts == text.parts else filled

    filled: T = _each(value, known)
    return filled


def reveal(value: T, parameters: Mapping[str, str]) -> T:
    """The value with what is given now in the secrets that were not known."""
    filled: T = _each(value, lambda text: text.fill(parameters) if isinstance(text, Secret) else text)
    return filled


def filled(texts: Mapping[str, str], outputs: Mapping[Ref, Outputs]) -> Mapping[str, str]:
    """Those of the texts that can be filled wholly, filled."""
    found = fill(texts, outputs)
    return {name: text for name, text in found.items() if not isinstance(text, Late)}


def gaps(value: object) -> frozenset[Handout]:
    """What a value still waits for."""
    return frozenset(part for late in _lates(value) for part in late.parts if isinstance(part, Handout))


def _each(value: Any, work: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return work(value)
    if isinstance(value, tuple | list):
        items = tuple(_each(item, work) for item in value)
        return value if _alike(items, tuple(value)) else type(value)(items)
    if isinstance(value, Mapping):
        pairs = {_each(key, work): _each(item, work) for key, item in value.items()}
        return value if _alike((*pairs, *pairs.values()), (*value, *value.values())) else pairs
    if is_dataclass(value) and not isinstance(value, type):
        old = {f.name: getattr(value, f.name) for f in fields(value)}
        new = {name: _each(item, work) for name, item in old.items()}
        changed = {name: item for name, item in new.items() if item is not old[name]}
        return replace(value, **changed) if changed else value
    return value


def _alike(new: tuple[Any, ...], old: tuple[Any, ...]) -> bool:
    return len(new) == len(old) and all(a is b for a, b in zip(new, old, strict=True))


def _lates(value: Any) -> Iterator[Late]:
    if isinstance(value, Late):
        yield value
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _lates(item)
    elif isinstance(value, Mapping):
        for pair in value.items():
            yield from _lates(pair)
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from _lates(getattr(value, field.name))
