"""The generic difference between a wish and the reality of a resource: two values of one spec type. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from serverless_cli.model import Change, Late, Secret, Spec

_ABSENT = object()


def changes(wish: Spec, reality: Spec, create_only: frozenset[str]) -> tuple[Change, ...]:
    """Every field of `reality` that differs from the wish, in the order of the fields.

    Nested specs and mappings are compared key by key (an absent key shows as None), tuples as a whole.
    What a Late will be is not known yet, so it always differs; a Secret that was not given never does.
    """
    if type(wish) is not type(reality):
        raise TypeError(f"a {type(wish).__name__} cannot be compared with a {type(reality).__name__}")
    return tuple(
        Change(path, before, after, replaces=path[0] in create_only)
        for path, before, after in _nested((), wish, reality)
    )


_Found = Iterator[tuple[tuple[str, ...], object, object]]


def _differences(path: tuple[str, ...], wish: Any, reality: Any) -> _Found:
    if _is_spec(wish) and type(wish) is type(reality):
        yield from _nested(path, wish, reality)
    elif isinstance(wish, Mapping) and isinstance(reality, Mapping):
        yield from _by_key(path, wish, reality)
    elif not _same(wish, reality):
        before = _hide(reality) if _has_secret(wish) else reality
        yield path, (None if before is _ABSENT else before), (None if wish is _ABSENT else wish)


def _nested(path: tuple[str, ...], wish: Any, reality: Any) -> _Found:
    for name in _compared(wish):
        yield from _differences((*path, name), getattr(wish, name), getattr(reality, name))


def _by_key(path: tuple[str, ...], wish: Mapping[str, Any], reality: Mapping[str, Any]) -> _Found:
    for key in sorted({*wish, *reality}):
        yield from _differences((*path, key), wish.get(key, _ABSENT), reality.get(key, _ABSENT))


def _same(wish: Any, reality: Any) -> bool:
    if isinstance(wish, Late):
        return False
    if isinstance(wish, Secret) and not wish.known:
        return True
    if _is_spec(wish) and type(wish) is type(reality):
        return all(_same(getattr(wish, name), getattr(reality, name)) for name in _compared(wish))
    if isinstance(wish, Mapping) and isinstance(reality, Mapping):
        return all(_same(wish.get(key, _ABSENT), reality.get(key, _ABSENT)) for key in {*wish, *reality})
    if isinstance(wish, tuple) and isinstance(reality, tuple):
        return len(wish) == len(reality) and all(map(_same, wish, reality))
    return bool(wish == reality)


def _is_spec(value: object) -> bool:
    return is_dataclass(value) and not isinstance(value, type)


def _compared(spec: Any) -> Iterator[str]:
    return (field.name for field in fields(spec) if field.compare)


def _parts(value: Any) -> Iterator[Any]:
    if _is_spec(value):
        yield from (getattr(value, name) for name in _compared(value))
    elif isinstance(value, Mapping):
        yield from value.values()
    elif isinstance(value, tuple):
        yield from value


def _has_secret(value: Any) -> bool:
    return isinstance(value, Secret) or any(map(_has_secret, _parts(value)))


def _hide(value: Any) -> Any:
    """All text of a value as Secrets: which part of it the wish's secret would meet is not known. Groups become
    mappings and tuples, for show only."""
    if isinstance(value, str):
        return Secret(str.__str__(value))
    if _is_spec(value):
        return {name: _hide(getattr(value, name)) for name in _compared(value)}
    if isinstance(value, Mapping):
        return {key: _hide(item) for key, item in value.items()}
    return tuple(map(_hide, value)) if isinstance(value, tuple) else value
