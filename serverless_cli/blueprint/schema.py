"""The blueprint language as a JSON Schema (draft 07), for completion and checks in editors.

Made from the same declarations that the reader checks by. What only the reader can know (folders, references, names)
is not in it; wherever a value may be a reference, a text with `${` in it is allowed too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from serverless_cli.blueprint.checks import DEADLINE, PROBES
from serverless_cli.blueprint.declare import BESIDE_EXISTING, ID_LENGTH, CommonKeys
from serverless_cli.blueprint.output import OUTPUT_NAME
from serverless_cli.blueprint.parameters import ParameterKeys
from serverless_cli.blueprint.shapes import Either, Form, Key, Keys, Many, Rules, Shape, Single, Table, keys_of, shape
from serverless_cli.keys import Range
from serverless_cli.names import STACK_OR_ID
from serverless_cli.resources.base import Type

Schema = dict[str, Any]

_REFERENCE: Schema = {"type": "string", "pattern": r"\$\{"}
_PLAIN = {Form.WHOLE: "integer", Form.NUMBER: "number", Form.FLAG: "boolean"}
_ID = f"^{STACK_OR_ID.pattern}$"


def schema(types: Mapping[str, Type[Any]]) -> Schema:
    """The schema of a whole blueprint with resources of these types."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "slx blueprint",
        "type": "object",
        "additionalProperties": False,
        "required": ["name", "resources"],
        "properties": {
            "name": _text("The stack's name.", pattern=_ID, maxLength=ID_LENGTH),
            "description": {"description": "What the stack is for.", "type": ["string", "null"]},
            "parameters": _section("What may differ from run to run.", {"$ref": "#/definitions/parameter"}, _ID),
            "resources": {
                **_section("What to make; each key is a resource's id.", {"$ref": "#/definitions/resource"}, _ID),
                "type": "object",
            },
            "outputs": _section("What to print at the end.", _single(Form.TEXT, Rules()), f"^{OUTPUT_NAME}$"),
            "checks": {
                "description": "Probes that prove the stack from end to end.",
                "type": ["array", "null"],
                "items": {"$ref": "#/definitions/check"},
            },
        },
        "definitions": {
            "parameter": {"anyOf": [_keys(ParameterKeys), {"type": ["string", "number", "boolean", "null"]}]},
            "resource": _resource(types),
            "check": _check(),
            **{f"type-{name}": _type(kind) for name, kind in types.items()},
        },
    }


def _resource(known: Mapping[str, Type[Any]]) -> Schema:
    """Any resource: its type first, and then what that type says; so that editors complete one type's keys only."""
    kinds = [{"const": name, "description": kind.doc} for name, kind in known.items()]
    says = keys_of(CommonKeys)["type"].doc
    return {
        "type": "object",
        "required": ["type"],
        "properties": {"type": {"description": says, "type": "string", "anyOf": kinds}},
        "allOf": [
            {
                "if": {"properties": {"type": {"const": name}}, "required": ["type"]},
                "then": {"$ref": f"#/definitions/type-{name}"},
            }
            for name in known
        ],
    }


def _type(kind: Type[Any]) -> Schema:
    common = {name: _key(key) for name, key in keys_of(CommonKeys).items()}
    common["type"] = {"description": kind.doc, "const": kind.type_name}
    own = _keys(kind.keys)
    return {
        "description": kind.doc,
        "if": {"required": ["existing"]},
        "then": {
            "properties": {name: common[name] for name in BESIDE_EXISTING},
            "additionalProperties": False,
        },
        "else": {**own, "properties": {**common, **own["properties"]}},
    }


def _check() -> Schema:
    probes: Schema = {}
    rules: list[Schema] = []
    for name, probe in PROBES.items():
        takes = _keys(probe.takes)
        short = keys_of(probe.takes).get(probe.short)
        form = {"anyOf": [_shape(short.shape), takes]} if short else takes
        probes[name] = {**form, "description": probe.doc}
        rules.append({"if": {"required": [name]}, "then": {"properties": {"expect": _keys(probe.expect)}}})
    deadline = shape(DEADLINE)
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            **probes,
            "expect": {"description": "What must be so: the answer, and what came of it.", "type": "object"},
            "deadline_s": {**_shape(deadline), "description": "Seconds to keep trying."},
        },
        "oneOf": [{"required": [name]} for name in PROBES],
        "allOf": rules,
    }


def _keys(cls: type[Any]) -> Schema:
    declared = keys_of(cls)
    found: Schema = {
        "type": "object",
        "additionalProperties": False,
        "properties": {name: _key(key) for name, key in declared.items()},
    }
    if required := [name for name, key in declared.items() if key.required]:
        found["required"] = required
    return found


def _key(key: Key) -> Schema:
    found = _shape(key.shape)
    if key.doc:
        found["description"] = key.doc
    if isinstance(key.default, str | int | float | bool) and not key.required:
        found["default"] = key.default
    return found


def _shape(form: Shape) -> Schema:
    found = _bare(form)
    return {"anyOf": [found, {"type": "null"}]} if form.none else found


def _bare(form: Shape) -> Schema:
    match form:
        case Single():
            return _single(form.form, form.rules)
        case Many():
            return {"type": "array", "items": _shape(form.item), **_bounds(form.rules.range, "Items")}
        case Table():
            found = {"type": "object", **_bounds(form.rules.range, "Properties")}
            if form.rules.keys is None:
                return {**found, "additionalProperties": _shape(form.item)}
            pattern = f"^(?:{form.rules.keys.regex})$"
            return {**found, "patternProperties": {pattern: _shape(form.item)}, "additionalProperties": False}
        case Keys():
            return _keys(form.cls)
        case Either():
            return {"anyOf": [_shape(arm) for arm in form.arms]}
    raise TypeError(form)


def _single(form: Form, rules: Rules) -> Schema:
    """A single value. Text may be written as a number, and all but folders and files as a reference."""
    if form in (Form.JSON, Form.DOCUMENT):
        return {} if form is Form.JSON else {"type": ["string", "object"]}
    if rules.one_of:
        return {"anyOf": [{"enum": list(rules.one_of)}, _REFERENCE]}
    if form in _PLAIN:
        return {"anyOf": [{"type": _PLAIN[form], **_bounds(rules.range, "imum")}, _REFERENCE]}
    if form in (Form.FOLDER, Form.FILE):
        return {"type": "string", "minLength": 1}
    bounds: Schema = _bounds(rules.range, "Length")
    if rules.pattern:
        bounds["pattern"] = f"^(?:{rules.pattern.regex})$"
    if bounds:
        return {"anyOf": [{"type": "string", **bounds}, {"type": ["number", "boolean"]}, _REFERENCE]}
    return {"type": ["string", "number", "boolean"]}


def _bounds(range_: Range | None, what: str) -> Schema:
    least, most = (range_.least, range_.most) if range_ else (None, None)
    found = {f"min{what}": least, f"max{what}": most}
    return {name: value for name, value in found.items() if value is not None}


def _text(says: str, **rules: Any) -> Schema:
    return {"description": says, "type": "string", **rules}


def _section(says: str, item: Schema, names: str) -> Schema:
    return {
        "description": says,
        "type": ["object", "null"],
        "patternProperties": {names: item},
        "additionalProperties": False,
    }
