"""Keys of which some are wrong: what is right about them can be asked for, and all else raises Unsure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import MISSING, fields
from functools import cache
from typing import Any, TypeVar

from serverless_cli.resources.base import Unsure

T = TypeVar("T")


def partly(cls: type[T], values: Mapping[str, Any], lost: Collection[str]) -> T:
    """An instance of a keys class without the fields that are lost; `values` are those that the user gave."""
    known: Any = cls
    made: T = object.__new__(_doubtful(known))
    for one in fields(known):
        if one.name in lost:
            continue
        default = one.default if one.default_factory is MISSING else one.default_factory()
        object.__setattr__(made, one.name, values.get(one.name, default))
    return made


def sure(ask: Callable[[], T], otherwise: T) -> T:
    """The answer, or something else where it hangs on what is wrong."""
    try:
        return ask()
    except Unsure:
        return otherwise


@cache
def _doubtful(cls: Any) -> Any:
    """The class, for instances that lack some of their values: slots that are empty are asked for here."""
    return type(cls.__name__, (cls,), {"__slots__": (), "__getattr__": _unsure})


def _unsure(_: object, __: str) -> Any:
    raise Unsure
