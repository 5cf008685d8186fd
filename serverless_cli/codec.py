"""Specs and other frozen dataclasses to JSON and back, by their type hints. Pure; used by the journal and plan files.

A Secret becomes `{"$secret": true}`, or `{"$secret": [text or {"param": name}, ...]}` where it is known what it is made
of: its value is never written. A Late becomes `{"$late": [text or handout, ...]}`.
Keys of mappings that start with `$` get one more, so that no user's key is mistaken for either.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, NewType, TypeAlias, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from serverless_cli.model import Handout, Late, Ref
from serverless_cli.secret import Param, Secret

JsonValue: TypeAlias = str | int | float | bool | list["JsonValue"] | dict[str, "JsonValue"] | None

T = TypeVar("T")
_Decoder: TypeAlias = Callable[[JsonValue], object]
_HIDDEN: dict[str, JsonValue] = {"$secret": True}


def canonical(data: JsonValue) -> str:
    """The one text of a JSON value: keys sorted, no spaces, ASCII only."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False)


def encode(value: object) -> JsonValue:
    """The JSON form of a spec or of a part of one, without fields whose metadata says `transient`.

    Raises ValueError for what has no such form.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Enum):
        return encode(value.value)
    if isinstance(value, str):
        return _encode_text(value)
    if isinstance(value, (int, float)):
        return _encode_number(value)
    return _encode_group(value)


def decode(cls: type[T], data: JsonValue) -> T:
    """The value of the dataclass (or other hint) `cls` that `data` stands for. A field that `data` lacks takes its
    default: it was added since, or is transient. Raises ValueError for anything else that is unexpected."""
    hint: Any = cls
    return cast(T, _decoder(hint)(data))


# Encoding


def _encode_text(text: str) -> JsonValue:
    if isinstance(text, Secret):
        return {"$secret": [_encode_piece(part) for part in text.parts]} if text.parts else dict(_HIDDEN)
    if isinstance(text, Late):
        return {"$late": [_encode_part(part) for part in text.parts]}
    return str.__str__(text)


def _encode_part(part: str | Handout) -> JsonValue:
    if isinstance(part, Handout):
        return [part.ref.kind, part.ref.id, part.attribute]
    return _encode_text(part)


def _encode_piece(part: str | Param) -> JsonValue:
    if isinstance(part, Param):
        return {"param": part.name, **({"quoted": True} if part.quoted else {})}
    return str.__str__(part)


def _encode_number(number: float) -> JsonValue:
    if isinstance(number, int):
        return int(number)
    if not math.isfinite(number):
        raise ValueError(f"{number} has no JSON form")
    return float(number)


def _encode_group(value: object) -> JsonValue:
    if isinstance(value, Mapping):
        return {_escape(key): encode(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [encode(item) for item in value]
    if isinstance(value, (frozenset, set)):
        return sorted((encode(item) for item in value), key=canonical)
    if is_dataclass(value) and not isinstance(value, type):
        return {name: encode(getattr(value, name)) for name in _stored(type(value))}
    raise ValueError(f"{type(value).__name__} has no JSON form")


@cache
def _stored(cls: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(cls) if not field.metadata.get("transient"))


def _escape(key: object) -> str:
    if not isinstance(key, str) or isinstance(key, (Late, Secret)):
        raise ValueError(f"the key {key!r} is no plain text")  # noqa: TRY004  (one error for all that has no form)
    text = str.__str__(key)
    return f"${text}" if text.startswith("$") else text


# Decoding: each hint becomes a function once


@cache
def _decoder(hint: Any) -> _Decoder:
    if isinstance(hint, NewType):
        return _decoder(hint.__supertype__)
    plain = _PLAIN.get(hint)
    if plain is not None:
        return plain
    if isinstance(hint, type) and is_dataclass(hint):
        return _dataclass_decoder(hint)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _enum_decoder(hint)
    generic = _GENERIC.get(get_origin(hint))
    if generic is not None:
        return generic(get_args(hint))
    raise TypeError(f"no way to decode {hint!r}")


def _unexpected(data: JsonValue, wanted: str) -> ValueError:
    # only the JSON type is named: the value could be anything, and errors get printed
    return ValueError(f"expected {wanted}, got {type(data).__name__}")


def _decode_none(data: JsonValue) -> None:
    if data is not None:
        raise _unexpected(data, "null")


def _decode_bool(data: JsonValue) -> bool:
    if not isinstance(data, bool):
        raise _unexpected(data, "true or false")
    return data


def _decode_int(data: JsonValue) -> int:
    if not isinstance(data, int) or isinstance(data, bool):
        raise _unexpected(data, "a whole number")
    return data


def _decode_float(data: JsonValue) -> float:
    if not isinstance(data, (int, float)) or isinstance(data, bool):
        raise _unexpected(data, "a number")
    return float(data)


def _decode_text(data: JsonValue) -> str:
    if isinstance(data, str):
        return data
    special = _special(data)
    if special is None:
        raise _unexpected(data, "text")
    return special


def _special(data: JsonValue) -> str | None:
    """The Secret or Late that `data` stands for; None when it is neither."""
    if not isinstance(data, dict) or len(data) != 1:
        return None
    if "$secret" in data and (data == _HIDDEN or isinstance(data["$secret"], list)):
        return _decode_secret(data)
    parts = data.get("$late")
    return Late(tuple(map(_decode_part, parts))) if isinstance(parts, list) else None


def _decode_part(data: JsonValue) -> str | Handout:
    if not isinstance(data, list):
        return _decode_text(data)
    if len(data) != 3:
        raise _unexpected(data, "kind, id and attribute")
    kind, id, attribute = map(_decode_text, data)
    return Handout(Ref(kind, id), attribute)


def _decode_secret(data: JsonValue) -> Secret:
    parts = data.get("$secret") if isinstance(data, dict) and len(data) == 1 else None
    if isinstance(parts, list):
        return Secret("", False, tuple(map(_decode_piece, parts)))
    if data != _HIDDEN:
        raise _unexpected(data, "a secret")
    return Secret("", known=False)


def _decode_piece(data: JsonValue) -> str | Param:
    if isinstance(data, str):
        return data
    name = data.get("param") if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(name, str):
        raise _unexpected(data, "a part of a secret")
    return Param(name, data.get("quoted") is True)


def _decode_any(data: JsonValue) -> object:
    """JSON as it is, lists as lists; only Secrets and Lates come back as such."""
    if isinstance(data, list):
        return [_decode_any(item) for item in data]
    if isinstance(data, dict):
        special = _special(data)
        return special if special is not None else {_unescape(key): _decode_any(item) for key, item in data.items()}
    return data


def _unescape(key: str) -> str:
    if not key.startswith("$"):
        return key
    if not key.startswith("$$"):
        raise ValueError("unexpected key with a single $")
    return key[1:]


@cache
def _members(cls: Any) -> tuple[tuple[Field[Any], _Decoder], ...]:
    hints = get_type_hints(cls)
    return tuple((field, _decoder(hints[field.name])) for field in fields(cls) if field.init)


def _dataclass_decoder(cls: Any) -> _Decoder:
    def decode_dataclass(data: JsonValue) -> object:
        if not isinstance(data, dict):
            raise _unexpected(data, cls.__name__)
        values = {}
        for field, decoder in _members(cls):  # not before first use: a dataclass may hold its like
            if field.name in data:
                values[field.name] = _decode_field(cls, field.name, decoder, data[field.name])
            elif field.default is MISSING and field.default_factory is MISSING:
                raise ValueError(f"{cls.__name__}.{field.name} is missing")
        if len(values) != len(data):
            raise ValueError(f"{cls.__name__} has no field {', '.join(sorted(set(data) - set(values)))}")
        return cls(**values)

    return decode_dataclass


def _decode_field(cls: Any, name: str, decoder: _Decoder, data: JsonValue) -> object:
    try:
        return decoder(data)
    except ValueError as error:
        raise ValueError(f"{cls.__name__}.{name}: {error}") from None


def _enum_decoder(cls: type[Enum]) -> _Decoder:
    def decode_enum(data: JsonValue) -> object:
        return cls(data)  # raises ValueError itself

    return decode_enum


def _literal_decoder(options: tuple[Any, ...]) -> _Decoder:
    def decode_literal(data: JsonValue) -> object:
        for option in options:
            if data == option and type(data) is type(option):
                return option
        raise _unexpected(data, f"one of {options}")

    return decode_literal


def _apply(decoder: _Decoder, data: JsonValue) -> object:
    return decoder(data)


def _tuple_decoder(items: tuple[Any, ...]) -> _Decoder:
    endless = len(items) == 2 and items[1] is Ellipsis
    decoders = [_decoder(item) for item in items if item is not Ellipsis]

    def decode_tuple(data: JsonValue) -> object:
        if not isinstance(data, list) or not (endless or len(data) == len(decoders)):
            raise _unexpected(data, "a list" if endless else f"a list of {len(decoders)}")
        return tuple(
            decoder(item) for decoder, item in zip(decoders * (len(data) if endless else 1), data, strict=True)
        )

    return decode_tuple


def _set_decoder(items: tuple[Any, ...]) -> _Decoder:
    decoder = _decoder(items[0])

    def decode_set(data: JsonValue) -> object:
        if not isinstance(data, list):
            raise _unexpected(data, "a list")
        return frozenset(map(decoder, data))

    return decode_set


def _mapping_decoder(items: tuple[Any, ...]) -> _Decoder:
    if items[0] is not str:
        raise TypeError("only mappings with keys of text have a JSON form")
    decoder = _decoder(items[1])

    def decode_mapping(data: JsonValue) -> object:
        if not isinstance(data, dict):
            raise _unexpected(data, "a mapping")
        return {_unescape(key): decoder(item) for key, item in data.items()}

    return decode_mapping


def _union_decoder(options: tuple[Any, ...]) -> _Decoder:
    """Tries one after the other; JSON does not say which of several object-like options was meant, so one is the
    limit."""
    objects = [option for option in options if is_dataclass(option) or get_origin(option) in (Mapping, dict)]
    if len(objects) > 1:
        raise TypeError(f"ambiguous once it is JSON: {options}")
    decoders = [_decoder(option) for option in options]

    def decode_union(data: JsonValue) -> object:
        problems = []
        for decoder in decoders:
            try:
                return decoder(data)
            except ValueError as error:
                problems.append(str(error))
        raise ValueError("; ".join(problems))

    return decode_union


_PLAIN: Mapping[Any, _Decoder] = {
    str: _decode_text,
    bool: _decode_bool,
    int: _decode_int,
    float: _decode_float,
    None: _decode_none,
    NoneType: _decode_none,
    Secret: _decode_secret,
    Any: _decode_any,
    object: _decode_any,
}
_GENERIC: Mapping[Any, Callable[[tuple[Any, ...]], _Decoder]] = {
    tuple: _tuple_decoder,
    frozenset: _set_decoder,
    Mapping: _mapping_decoder,
    dict: _mapping_decoder,
    Union: _union_decoder,
    UnionType: _union_decoder,
    Literal: _literal_decoder,
}
