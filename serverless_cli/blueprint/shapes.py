"""The declarations of a keys class (see keys.py) as shapes, which validation and the JSON Schema both read."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass, replace
from enum import Enum
from functools import cache
from typing import Annotated, Any, Literal

from serverless_cli.keys import (
    Doc,
    Document,
    FileName,
    Folder,
    Json,
    KeyPattern,
    LateOk,
    OneOf,
    Pattern,
    Range,
    SecretOk,
)
from serverless_cli.records import dataclass


class Form(Enum):
    """The forms of a single value; the text says what a user should write."""

    TEXT = "text"
    WHOLE = "a whole number"
    NUMBER = "a number"
    FLAG = "true or false"
    FOLDER = "a folder"
    FILE = "a file"
    JSON = "any value"
    DOCUMENT = "a mapping, or a file that holds it"


@dataclass(frozen=True, slots=True)
class Rules:
    """What the metadata of a key demands."""

    range: Range | None = None
    one_of: tuple[str | int, ...] = ()
    pattern: Pattern | None = None
    keys: KeyPattern | None = None
    late: bool = False
    secret: bool = False

    @property
    def inside(self) -> Rules:
        """What counts for the values in a list or mapping too; lengths and keys are the outer one's own."""
        return replace(self, range=None, keys=None)


@dataclass(frozen=True, slots=True)
class Shape:
    """Base of all shapes. `none` says that nothing (YAML's null) is a value."""

    rules: Rules
    none: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Single(Shape):
    """One text, number, flag, folder, file or JSON value."""

    form: Form


@dataclass(frozen=True, slots=True, kw_only=True)
class Many(Shape):
    """A list."""

    item: Shape


@dataclass(frozen=True, slots=True, kw_only=True)
class Table(Shape):
    """A mapping whose keys the user chooses."""

    item: Shape


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys(Shape):
    """A mapping whose keys a class declares."""

    cls: type[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Either(Shape):
    """Several forms of one thing: a short one and a long one."""

    arms: tuple[Shape, ...]


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a keys class; `field` is the dataclass field behind it (`from_` for the key `from`)."""

    name: str
    field: str
    shape: Shape
    required: bool
    default: object
    doc: str


def keys_of(cls: Any) -> Mapping[str, Key]:
    """The keys that a keys class declares, in their order."""
    return _declared(cls)


@cache
def _declared(cls: Any) -> Mapping[str, Key]:
    hints = typing.get_type_hints(cls, include_extras=True)
    found: dict[str, Key] = {}
    for field in fields(cls):
        required = field.default is MISSING and field.default_factory is MISSING
        default = None if field.default is MISSING else field.default
        name = field.name.rstrip("_")
        found[name] = Key(name, field.name, shape(hints[field.name]), required, default, _doc(hints[field.name]))
    return found


def shape(hint: Any, rules: Rules = Rules()) -> Shape:
    """The shape that a type hint stands for. Raises TypeError for what keys.py does not know."""
    if typing.get_origin(hint) is Annotated:
        return shape(hint.__origin__, _merged(rules, hint.__metadata__))
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin is None:
        return _plain(hint, rules)
    if origin in (typing.Union, types.UnionType):
        return _union(args, rules)
    if origin is Literal:
        return _literal(args, rules)
    if origin is tuple and len(args) == 2 and args[1] is Ellipsis:
        return Many(rules, item=shape(args[0], rules.inside))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return Table(rules, item=shape(args[1], rules.inside))
    raise TypeError(f"a key cannot be of {hint!r}; keys.py lists what it can be")


def _plain(hint: Any, rules: Rules) -> Shape:
    if hint in _SINGLE:
        return Single(rules, form=_SINGLE[hint])
    if isinstance(hint, type) and is_dataclass(hint):
        return Keys(rules, cls=hint)
    raise TypeError(f"a key cannot be of {hint!r}; keys.py lists what it can be")


_SINGLE: dict[Any, Form] = {
    str: Form.TEXT, int: Form.WHOLE, float: Form.NUMBER, bool: Form.FLAG,
    Folder: Form.FOLDER, FileName: Form.FILE, Json: Form.JSON, Document: Form.DOCUMENT,
}  # fmt: skip
_FORMS: dict[type[Any], Form] = {str: Form.TEXT, bool: Form.FLAG, int: Form.WHOLE}


def _union(args: tuple[Any, ...], rules: Rules) -> Shape:
    none = type(None) in args
    arms = tuple(shape(arg, rules) for arg in args if arg is not type(None))
    return replace(arms[0], none=none) if len(arms) == 1 else Either(rules, none, arms=arms)


def _literal(values: tuple[Any, ...], rules: Rules) -> Shape:
    real = tuple(value for value in values if value is not None)
    return Single(replace(rules, one_of=real), len(real) < len(values), form=_FORMS[type(real[0])])


def _merged(rules: Rules, metadata: tuple[Any, ...]) -> Rules:
    for item in metadata:
        match item:
            case Range():
                rules = replace(rules, range=item)
            case OneOf():
                rules = replace(rules, one_of=item.values)
            case Pattern():
                rules = replace(rules, pattern=item)
            case KeyPattern():
                rules = replace(rules, keys=item)
            case LateOk():
                rules = replace(rules, late=True)
            case SecretOk():
                rules = replace(rules, secret=True)
    return rules


def _doc(hint: Any) -> str:
    metadata = getattr(hint, "__metadata__", ())
    return next((item.text for item in metadata if isinstance(item, Doc)), "")
