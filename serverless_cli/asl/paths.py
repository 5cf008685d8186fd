"""Paths, intrinsic functions, payload templates and JSONata expressions: the small languages inside of definitions.

AWS facts (states-language.net; developer guide, "Intrinsic functions", "Transforming data with JSONata"):
- A path begins with `$` (the input), `$$` (the context) or `$name` (a variable); a reference path names one node.
- In a template, the value of a key that ends in `.$` is a path or an intrinsic function; these nest ten deep.
- A JSONata expression is a text that begins with `{%` and ends with `%}`, without blanks around.
"""

from __future__ import annotations

import re
from typing import Any

from serverless_cli.asl.findings import Here, near, texts
from serverless_cli.finding import called, shown

MANY = 10**6
INTRINSICS: dict[str, tuple[int, int]] = {
    "Format": (1, MANY), "StringToJson": (1, 1), "JsonToString": (1, 1), "Array": (0, MANY), "ArrayPartition": (2, 2),
    "ArrayContains": (2, 2), "ArrayRange": (3, 3), "ArrayGetItem": (2, 2), "ArrayLength": (1, 1),
    "ArrayUnique": (1, 1), "Base64Encode": (1, 1), "Base64Decode": (1, 1), "Hash": (2, 2), "JsonMerge": (3, 3),
    "MathRandom": (2, 3), "MathAdd": (2, 2), "StringSplit": (2, 2), "UUID": (0, 0),
}  # fmt: skip
"""intrinsic functions, and how many arguments they take"""

_NESTED = 10
_ROOT = re.compile(r"\$(\$|[A-Za-z_]\w*)?(?=[.\[]|$)")
_STEP = re.compile(r"\.[^.\[\]()@,:?*'\"]+|\[\s*(-?\d+|'[^']+'|\"[^\"]+\")\s*\]")
_QUOTED = re.compile(r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"", re.DOTALL)
_NAME = re.compile(r"States\.([A-Za-z0-9]*)\(")
_TOKEN = re.compile(r"'(?:\\.|[^'\\])*'|-?\d+(\.\d+)?([eE][-+]?\d+)?|null|true|false", re.DOTALL)


def path_fault(text: str) -> str:
    """Why a text is no path; empty when it is one."""
    root = _ROOT.match(text)
    if root is None:
        return "a path begins with `$.`, or is `$`"
    rest = _QUOTED.sub("", text[root.end() :])
    if rest.endswith("."):
        return "nothing follows the last dot"
    for opening, closing in ("[]", "()"):
        if rest.count(opening) != rest.count(closing):
            return f"its {opening}{closing} are not balanced"
    return "" if "[]" not in _QUOTED.sub("'", text[root.end() :]) else "a [] has nothing in it"


def reference_fault(text: str) -> str:
    """Why a text is no reference path, which names exactly one node; empty when it is one."""
    if fault := path_fault(text):
        return fault
    root = _ROOT.match(text)
    at = root.end() if root else 0
    while at < len(text):
        step = _STEP.match(text, at)
        if step is None:
            return "it may only name single nodes: no @ .. , : ? *"
        at = step.end()
    return ""


def intrinsic_fault(text: str) -> str:
    """Why a text is no call of an intrinsic function; empty when it is one."""
    end, fault = _call(text, 0, 1)
    if not fault and end != len(text):
        return "something follows the closing parenthesis"
    return fault


def _call(text: str, at: int, depth: int) -> tuple[int, str]:
    """Where a function call that begins at `at` ends, and what is wrong with it."""
    head = _NAME.match(text, at)
    if head is None:
        return at, "a function is called as States.Name(...)"
    if head[1] not in INTRINSICS:
        hint = near(head[1], INTRINSICS)
        return at, f"there is no function States.{head[1]}" + (f"; {hint}" if hint else "")
    if depth > _NESTED:
        return at, f"functions nest at most {_NESTED} deep"
    at, count, fault = _arguments(text, _blank(text, head.end()), depth)
    return (at, fault) if fault else (at + 1, _arity(head[1], count))


def _arguments(text: str, at: int, depth: int) -> tuple[int, int, str]:
    """Where the arguments of a call end, how many there are, and what is wrong with them."""
    count = 0
    while text[at : at + 1] != ")":
        if count and text[at : at + 1] != ",":
            return at, count, "its arguments want commas between them and a closing parenthesis"
        at, fault = _argument(text, _blank(text, at + 1) if count else at, depth)
        if fault:
            return at, count, fault
        at, count = _blank(text, at), count + 1
    return at, count, ""


def _arity(name: str, count: int) -> str:
    least, most = INTRINSICS[name]
    if least <= count <= most:
        return ""
    takes = f"at least {least}" if most == MANY else f"{least}" if least == most else f"{least} to {most}"
    return f"States.{name} takes {takes} arguments, not {count}"


def _argument(text: str, at: int, depth: int) -> tuple[int, str]:
    if text.startswith("States.", at):
        return _call(text, at, depth + 1)
    if found := _TOKEN.match(text, at):
        return found.end(), ""
    if text[at : at + 1] == "$":
        end = _path_end(text, at)
        return end, path_fault(text[at:end].rstrip())
    return at, "an argument is a 'text', a number, true, false, null, a path or another function"


def _path_end(text: str, at: int) -> int:
    """Where a path among arguments ends: at a comma or parenthesis outside of brackets and quotes."""
    depth = 0
    while at < len(text):
        if quoted := _QUOTED.match(text, at):
            at = quoted.end()
            continue
        char = text[at]
        if not depth and char in ",)":
            break
        depth += (char in "[(") - (char in "])")
        at += 1
    return at


def _blank(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def check_path(here: Here, value: Any, *, reference: bool = False, null: bool = False, call: bool = False) -> None:
    """A field that holds a path; `null` also lets nothing be there, `call` an intrinsic function."""
    if value is None and null:
        return
    if not isinstance(value, str):
        here.add(f"a path is text, not {called(value)}")
    elif call and value.startswith("States."):
        if fault := intrinsic_fault(value):
            here.add(f"{shown(value)} cannot be evaluated", fault)
    elif fault := reference_fault(value) if reference else path_fault(value):
        here.add(f"{shown(value)} is no {'reference ' if reference else ''}path", fault)


def check_template(here: Here, value: Any) -> None:
    """A payload template of JSONPath: values of keys that end in `.$` are evaluated."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            check_template(here / index, item)
    for at, key, child in texts(here, value):
        if not key.endswith(".$"):
            check_template(at, child)
            if isinstance(value, dict) and f"{key}.$" in value:
                at.add(f"both {shown(key)} and {shown(key + '.$')}", "they would become the same field")
        elif not isinstance(child, str):
            at.add(f"{shown(key)} wants a path or a function, not {called(child)}", "its name ends in `.$`")
        elif child.startswith("States."):
            if fault := intrinsic_fault(child):
                at.add(f"{shown(child)} cannot be evaluated", fault)
        elif fault := path_fault(child):
            at.add(f"{shown(child)} is no path", fault, "without `.$` at the end of the key it would be plain text")


def is_expression(value: Any) -> bool:
    """Whether a value is a JSONata expression."""
    return isinstance(value, str) and value.startswith("{%") and value.endswith("%}")


def check_expressions(here: Here, value: Any) -> None:
    """A value of a state that speaks JSONata: texts in it may be expressions."""
    if isinstance(value, str):
        bare = value.strip()
        if (bare.startswith("{%") or bare.endswith("%}")) and not is_expression(value):
            why = "an expression begins with `{%` and ends with `%}`, without blanks before or after"
            here.add(f"{shown(value)} is no expression", why)
        elif is_expression(value) and not value[2:-2].strip():
            here.add("an empty expression")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            check_expressions(here / index, item)
    for at, key, child in texts(here, value):
        if key.endswith(".$"):
            at.add(f"{shown(key)} is JSONPath's way", "this state speaks JSONata", 'write "{% $states.input… %}"')
        check_expressions(at, child)
