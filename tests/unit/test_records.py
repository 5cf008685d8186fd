"""`records.dataclass` makes what the standard library makes, only later."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from serverless_cli.records import dataclass

LIBRARY, OURS = dataclasses.dataclass, dataclass


@dataclass(frozen=True, slots=True)
class Point:
    x: int
    y: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Named(Point):
    """Of a point."""

    name: str = "?"
    tags: dict[str, str] = dataclasses.field(default_factory=dict, hash=False)
    seen: bool = dataclasses.field(default=False, compare=False, repr=False)
    kinds: ClassVar[tuple[str, ...]] = ("a",)

    def __len__(self) -> int:
        return self.x


def both(**options: bool) -> list[Any]:
    """The same class, made by the standard library and by ours."""

    def one(make: Callable[..., Any]) -> Any:
        class Thing:
            a: int
            b: str = "b"
            c: list[int] = dataclasses.field(default_factory=list, compare=False)
            d: int = dataclasses.field(default=4, kw_only=True)

            def __post_init__(self) -> None:
                object.__setattr__(self, "d", self.d + 1)

        return make(**options)(Thing)

    return [one(make) for make in (LIBRARY, OURS)]


OPTIONS = pytest.mark.parametrize(
    "options",
    [
        {},
        {"slots": True},
        {"frozen": True},
        {"frozen": True, "slots": True},
        {"frozen": True, "slots": True, "kw_only": True},
        {"frozen": True, "slots": True, "order": True},
        {"frozen": True, "slots": True, "eq": False},
        {"eq": False, "repr": False},
    ],
    ids=lambda options: " ".join(options) or "plain",
)


@OPTIONS
def test_what_is_made_is_what_the_standard_library_makes(options: dict[str, bool]) -> None:
    def facts(cls: Any) -> list[Any]:
        one, same, other = cls(a=1), cls(a=1, c=[9]), cls(a=2, b="x", d=7)
        found = [[(field.name, field.type, field.kw_only) for field in dataclasses.fields(cls)], cls.__match_args__]
        found += [one == same, one == other, one != other, one == "else", one.c, one.d, other.b]
        found += [attempt(lambda: cls(1)), attempt(lambda: cls(1, "b", [], 5)), attempt(cls)]
        found += [attempt(lambda: setattr(one, "a", 5))]
        found += [attempt(lambda: delattr(other, "a")), attempt(lambda: one < other), attempt(lambda: one >= other)]
        found += [attempt(lambda: hash(one) == hash(same))]
        found += [attempt(lambda: dataclasses.replace(same, a=3) == cls(a=3, d=5)), dataclasses.asdict(same)]
        return found + ([repr(same)] if options.get("repr", True) else [])

    def attempt(work: Callable[[], object]) -> object:
        try:
            return type(work()).__name__
        except Exception as error:  # noqa: BLE001 - the kind of error is what is compared
            return type(error).__name__

    library, ours = both(**options)
    assert facts(ours) == facts(library)
    assert hasattr(ours(a=1), "__dict__") == hasattr(library(a=1), "__dict__")


@pytest.mark.parametrize("first", ["init", "eq", "hash", "repr"])
def test_any_method_may_be_called_first(first: str) -> None:
    ours = both(frozen=True, slots=True)[1]
    blank = object.__new__(ours)
    for name, value in {"a": 1, "b": "b", "c": [], "d": 5}.items():
        object.__setattr__(blank, name, value)
    work = {
        "init": lambda: ours(1),
        "eq": lambda: blank == blank,
        "hash": lambda: hash(blank),
        "repr": lambda: repr(blank),
    }
    work[first]()
    assert blank == ours(1)
    assert hash(blank) == hash(ours(1))
    assert repr(blank) == repr(ours(1))


def test_a_class_without_a_decorator_inherits_what_is_made_later() -> None:
    parent = both(frozen=True, slots=True)[1]

    class Child(parent):  # type: ignore[misc,valid-type]
        pass

    assert repr(Child(1)).endswith("Child(a=1, b='b', c=[], d=5)")
    assert Child(1) == Child(1)
    assert Child(1) != parent(1)


def test_fields_of_a_parent_come_first() -> None:
    one = Named(1, name="n")
    assert (one.x, one.y, one.name, len(one)) == (1, 2, "n", 1)
    assert one == Named(1, name="n", seen=True)
    assert hash(one) == hash(Named(1, name="n"))
    assert one != Point(1)
    assert repr(one) == "Named(x=1, y=2, name='n', tags={})"


def test_methods_of_the_class_are_left_alone() -> None:
    @dataclass(frozen=True, slots=True)
    class Own:
        x: int

        def __repr__(self) -> str:
            return "own"

        def __hash__(self) -> int:
            return 7

        def __eq__(self, other: object) -> bool:
            return True

    assert (repr(Own(1)), hash(Own(1)), Own(1) == Own(2)) == ("own", 7, True)


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda it: pickle.loads(pickle.dumps(it))])
def test_frozen_ones_can_be_copied(again: Callable[[Any], Any]) -> None:
    one = Named(1, name="n", tags={"a": "b"}, seen=True)
    assert again(one) == one
    assert again(one).seen
