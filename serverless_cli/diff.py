"""The generic difference between a wish and the reality of a resource: two values of one spec type. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import Field, fields, is_dataclass
from typing import Any

from serverless_cli.model import Change, Late, Spec
from serverless_cli.secret import Secret

_ABSENT = object()


def changes(wish: Spec, reality: Spec, create_only: frozenset[str], stated: Spec | None = None) -> tuple[Change, ...]:
    """Every field of `reality` that differs from the wish, in the order of the fields.

    Nested specs and mappings are compared key by key (an absent key shows as None), tuples as a whole.
    What a Late will be is not known yet, so it always differs; a Secret that was not given never does.

    `stated` is what was wished before, as it is recorded. `before` is a Secret where either of the two has one, and in
    a private field (`Spec`) wherever it is not what was stated: somebody's secret may have got there by hand, or by a
    blueprint of which no record is left.
    """
    if type(wish) is not type(reality):
        raise TypeError(f"a {type(wish).__name__} cannot be compared with a {type(reality).__name__}")
    return tuple(
        Change(path, before, after, replaces=path[0] in create_only)
        for path, before, after in _nested((), wish, reality, stated, private=False)
    )


_Found = Iterator[tuple[tuple[str, ...], object, object]]


def _differences(path: tuple[str, ...], wish: Any, reality: Any, stated: Any, *, private: bool) -> _Found:
    if _is_spec(wish) and type(wish) is type(reality):
        yield from _nested(path, wish, reality, stated, private=private)
    elif isinstance(wish, Mapping) and isinstance(reality, Mapping):
        yield from _by_key(path, wish, reality, stated, private=private)
    elif not _same(wish, reality):
        hidden = _has_secret(wish) or _has_secret(stated) or (private and reality != stated)
        before = _hide(reality) if hidden else reality
        yield path, (None if before is _ABSENT else before), (None if wish is _ABSENT else wish)


def _nested(path: tuple[str, ...], wish: Any, reality: Any, stated: Any, *, private: bool) -> _Found:
    like = type(stated) is type(wish)
    for one in fields(wish):
        if one.compare:
            before = getattr(stated, one.name) if like else _ABSENT
            yield from _differences(
                (*path, one.name),
                getattr(wish, one.name),
                getattr(reality, one.name),
                before,
                private=private or is_private(one),
            )


def _by_key(
    path: tuple[str, ...], wish: Mapping[str, Any], reality: Mapping[str, Any], stated: Any, *, private: bool
) -> _Found:
    before = stated if isinstance(stated, Mapping) else {}
    for key in sorted({*wish, *reality}):
        one, other, said = (each.get(key, _ABSENT) for each in (wish, reality, before))
        yield from _differences((*path, key), one, other, said, private=private)


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


def is_private(field: Field[Any]) -> bool:
    """Whether a spec's field is one whose values are shown to nobody who did not state them."""
    return bool(field.metadata.get("private"))


def _has_secret(value: Any) -> bool:
    """Whether a value of a spec is a Secret, or has one in it."""
    return isinstance(value, Secret) or any(map(_has_secret, _parts(value)))


def _hide(value: Any) -> Any:
    """All text of a value as Secrets: which part of it the secret would meet is not known. Groups become
    mappings and tuples, for show only."""
    if isinstance(value, str):
        return Secret(str.__str__(value))
    if _is_spec(value):
        return {name: _hide(getattr(value, name)) for name in _compared(value)}
    if isinstance(value, Mapping):
        return {key: _hide(item) for key, item in value.items()}
    return tuple(map(_hide, value)) if isinstance(value, tuple) else value
