"""Fields with a single value: numbers in their ranges, texts, times."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from serverless_cli.asl.findings import Here
from serverless_cli.asl.paths import check_expressions, check_path, check_template, is_expression
from serverless_cli.finding import called, shown

LONGEST_S = 99_999_999
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")

Check = Callable[[Here, Any], None]


def whole(least: int, most: int) -> Check:
    """A whole number in a range; with JSONata, also an expression."""

    def check(here: Here, value: Any) -> None:
        if here.jsonata and isinstance(value, str):
            _expression(here, value)
        elif not isinstance(value, int) or isinstance(value, bool):
            here.add(f"{_field(here)} wants a whole number, not {called(value)}")
        elif not least <= value <= most:
            here.add(f"{_field(here)} cannot be {value}", f"it takes {least} to {most}")

    return check


def number(least: float, most: float) -> Check:
    """A number in a range; with JSONata, also an expression."""

    def check(here: Here, value: Any) -> None:
        if here.jsonata and isinstance(value, str):
            _expression(here, value)
        elif not isinstance(value, int | float) or isinstance(value, bool):
            here.add(f"{_field(here)} wants a number, not {called(value)}")
        elif not least <= value <= most:
            here.add(f"{_field(here)} cannot be {value}", f"it takes {least:g} to {most:g}")

    return check


def text(here: Here, value: Any) -> None:
    """Any text; with JSONata, expressions are checked."""
    if not isinstance(value, str):
        here.add(f"{_field(here)} wants text, not {called(value)}")
    elif here.jsonata:
        check_expressions(here, value)


def comment(here: Here, value: Any) -> None:
    """Text that nobody evaluates."""
    if not isinstance(value, str):
        here.add(f"{_field(here)} wants text, not {called(value)}")


def time(here: Here, value: Any) -> None:
    """A moment as RFC 3339 has it."""
    if here.jsonata and is_expression(value):
        return
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        here.add(f"{_field(here)} cannot be {shown(value)}", "it wants a time such as 2030-01-31T09:30:00Z")


def end(here: Here, value: Any) -> None:
    if value is not True:
        here.add("`End` can only be true", "", "leave it out, and name the next state with `Next`")


def name(here: Here, value: Any) -> None:
    """The name of a state; whether it exists is the machine's to say."""
    if not isinstance(value, str):
        here.add(f"{_field(here)} wants the name of a state, not {called(value)}")


def path(here: Here, value: Any) -> None:
    check_path(here, value)


def optional_path(here: Here, value: Any) -> None:
    """A path, or null for nothing at all."""
    check_path(here, value, null=True)


def path_or_call(here: Here, value: Any) -> None:
    check_path(here, value, call=True)


def result_path(here: Here, value: Any) -> None:
    """Where a result goes: one node of the input, or null to drop it."""
    check_path(here, value, reference=True, null=True)
    if isinstance(value, str) and re.match(r"\$[$A-Za-z_]", value):
        here.add(f"{shown(value)} cannot be written", "a result goes into the input: `$.name`")


def template(here: Here, value: Any) -> None:
    """A mapping whose texts are evaluated, in the state's query language."""
    if here.jsonata:
        arguments(here, value)
    elif not isinstance(value, dict):
        here.add(f"{_field(here)} wants a mapping, not {called(value)}")
    else:
        check_template(here, value)


def arguments(here: Here, value: Any) -> None:
    """A mapping, or one expression that makes it."""
    if not isinstance(value, dict) and not is_expression(value):
        here.add(f"{_field(here)} wants a mapping or an expression, not {called(value)}")
    check_expressions(here, value)


def items(here: Here, value: Any) -> None:
    """A list, or one expression that makes it."""
    if not isinstance(value, list) and not is_expression(value):
        here.add(f"{_field(here)} wants a list or an expression, not {called(value)}")
    check_expressions(here, value)


def assign(here: Here, value: Any) -> None:
    """Variables by their names."""
    if not isinstance(value, dict):
        here.add(f"{_field(here)} wants a mapping, not {called(value)}")
        return
    for key in value:
        bare = key if here.jsonata else key.removesuffix(".$")
        if not bare.isidentifier() or len(bare) > 80 or bare == "states":
            (here / key).add(f"{shown(bare)} cannot name a variable", "letters, digits and _, up to 80, not `states`")
    template(here, value)


def label(here: Here, value: Any) -> None:
    """The name of a map run, part of ARNs."""
    if not isinstance(value, str) or not re.fullmatch(r"[^\s?*<>{}\[\]:;,\\|^~$#%&`\"/]{1,40}", value):
        here.add(f"`Label` cannot be {shown(value)}", "up to 40 characters, none of them blank or special")


def anything(here: Here, value: Any) -> None:
    """Output and the like: any value, with expressions in it."""
    if here.jsonata:
        check_expressions(here, value)


def _expression(here: Here, value: str) -> None:
    if not is_expression(value):
        here.add(f"{_field(here)} wants a number or an expression, not {shown(value)}")


def _field(here: Here) -> str:
    return shown(next((step for step in reversed(here.path) if isinstance(step, str)), "the definition"))
