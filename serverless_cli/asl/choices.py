"""The rules of a Choice state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from serverless_cli.asl import scalars
from serverless_cli.asl.findings import Here, is_list, is_mapping, near
from serverless_cli.asl.paths import check_path, is_expression
from serverless_cli.finding import called, shown

_ORDERED = ("Equals", "LessThan", "GreaterThan", "LessThanEquals", "GreaterThanEquals")
_KINDS: Mapping[str, tuple[tuple[type[Any], ...], str]] = {
    "String": ((str,), "text"), "Numeric": ((int, float), "a number"), "Timestamp": ((str,), "a time"),
}  # fmt: skip
_TESTS = ("IsNull", "IsPresent", "IsNumeric", "IsString", "IsBoolean", "IsTimestamp")


def _operators() -> dict[str, tuple[tuple[type[Any], ...], str]]:
    found = {kind + order: wants for kind, wants in _KINDS.items() for order in _ORDERED}
    found["BooleanEquals"] = ((bool,), "true or false")
    found |= {f"{name}Path": ((), "a path") for name in found}
    found["StringMatches"] = ((str,), "text")
    return found | dict.fromkeys(_TESTS, ((bool,), "true or false"))


OPERATORS = _operators()
"""comparison operator -> the types that it compares with (none: a path), in words"""

_COMBINING = ("And", "Or", "Not")
_RULE = frozenset({"Next", "Comment", "Assign"})


def check_choices(here: Here, value: Any) -> None:
    """`Choices`: a list of rules, each of which leads somewhere."""
    if not is_list(here, value, "`Choices`"):
        return
    for index, rule in enumerate(value):
        at = here / index
        if is_mapping(at, rule, "a rule"):
            if "Next" not in rule:
                at.add("a rule without `Next`", "it must say which state comes next")
            (_expression_rule if here.jsonata else _rule)(at, rule)


def _fields(here: Here, rule: Mapping[str, Any]) -> None:
    for name, check in (("Next", scalars.name), ("Comment", scalars.comment), ("Assign", scalars.assign)):
        if name in rule:
            check(here / name, rule[name])


def _expression_rule(here: Here, rule: Mapping[str, Any]) -> None:
    """A rule of JSONata: its condition is one expression."""
    _fields(here, rule)
    if "Output" in rule:
        scalars.anything(here / "Output", rule["Output"])
    for name in rule:
        if name not in _RULE | {"Condition", "Output"}:
            told = "this state speaks JSONata: a rule has a `Condition`" if name in _paths() else ""
            (here / name).add(f"unknown field {shown(name)}", told, near(name, (*_RULE, "Condition", "Output")))
    if "Condition" not in rule:
        here.add("a rule without `Condition`", "it says when the rule counts", 'Condition: "{% $states.input.ok %}"')
    elif not isinstance(rule["Condition"], bool) and not is_expression(rule["Condition"]):
        (here / "Condition").add(f"`Condition` wants an expression, not {shown(rule['Condition'])}")


def _paths() -> frozenset[str]:
    return frozenset({*OPERATORS, *_COMBINING, "Variable"})


def _rule(here: Here, rule: Mapping[str, Any], *, top: bool = True) -> None:
    """A rule of JSONPath: one comparison of a variable, or And, Or, Not of such."""
    if top:
        _fields(here, rule)
    for name in rule:
        if name in _RULE and (top or name == "Comment"):
            continue
        if name in _RULE:
            (here / name).add(f"{shown(name)} in a nested rule", "only the outermost rule has it")
        elif name not in _paths():
            told = "a rule of JSONPath has a `Variable` and a comparison" if name == "Condition" else ""
            (here / name).add(f"unknown field {shown(name)}", told, near(name, _paths()))
    tests = [name for name in rule if name in OPERATORS or name in _COMBINING]
    if len(tests) != 1:
        why = f"it has {', '.join(tests)}" if tests else "it has nothing that could be true"
        here.add("a rule wants exactly one comparison, or one of And, Or and Not", why)
    for name in tests:
        _test(here, rule, name)


def _test(here: Here, rule: Mapping[str, Any], name: str) -> None:
    at, value = here / name, rule[name]
    if name == "Not":
        if is_mapping(at, value, "`Not`"):
            _rule(at, value, top=False)
    elif name in _COMBINING:
        if is_list(at, value, f"`{name}`"):
            for index, one in enumerate(value):
                if is_mapping(at / index, one, "a rule"):
                    _rule(at / index, one, top=False)
    else:
        _comparison(here, rule, name)


def _comparison(here: Here, rule: Mapping[str, Any], name: str) -> None:
    at, value = here / name, rule[name]
    if "Variable" not in rule:
        here.add("a rule without `Variable`", f"{name} needs to know what it compares")
    else:
        check_path(here / "Variable", rule["Variable"])
    types, wants = OPERATORS[name]
    if not types:
        check_path(at, value)
    elif not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
        at.add(f"{shown(name)} compares with {wants}, not {called(value)}")
    elif wants == "a time":
        scalars.time(at, value)
