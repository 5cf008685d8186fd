"""Event patterns: whether EventBridge would take one, checked as its rule compiler does (aws/event-ruler). Pure.

AWS facts (EventBridge user guide, "Event patterns", "Comparison operators", quotas; aws/event-ruler):
- A pattern is a mapping in the form of the event; its leaves are lists of values, any of which may match.
- In such a list, a mapping is one operator: prefix, suffix, equals-ignore-case, wildcard, anything-but, numeric,
  exists, cidr. `$or` takes patterns, at least two. Empty mappings and lists are refused.
- Numbers are compared between -5e9 and 5e9 only.
- A rule's pattern has at most 2048 characters, a pipe's filter 4096. Filters of pipes know neither `wildcard` nor what
  `anything-but` takes besides values.
- Events on a bus say `detail-type`: any other spelling never matches anything.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from serverless_cli.finding import Finding, Path, called, near, shown

LONGEST, LONGEST_FILTER = 2048, 4096
BOUND = 5_000_000_000
Found = Iterator[Finding]


def check(text: str, *, pipe: bool = False) -> list[Finding]:
    """What is wrong with a pattern, given as JSON; `pipe` says that it filters what goes through a pipe."""
    return list(_check(text, pipe=pipe))


def _check(text: str, *, pipe: bool) -> Found:
    most = LONGEST_FILTER if pipe else LONGEST
    if len(text) > most:
        yield Finding((), f"an event pattern of {len(text)} characters", f"EventBridge takes {most} at most")
    tree = json.loads(text)
    if not isinstance(tree, dict):
        yield Finding((), f"an event pattern is a mapping, not {called(tree)}", hint="e.g. {source: [shop]}")
        return
    if not pipe:
        for key in tree:
            if key != "detail-type" and re.sub(r"[^a-z]", "", key.lower()) == "detailtype":
                yield Finding((key,), f"no event has a {shown(key)}", "it would never match", "write `detail-type`")
    yield from _mapping((), tree, pipe)


def _mapping(path: Path, node: Mapping[str, Any], pipe: bool) -> Found:
    if not node:
        yield Finding(path, "an empty pattern", "EventBridge refuses it", "say what must match, or leave it out")
    for key, child in node.items():
        here = (*path, key)
        if key == "$or":
            yield from _either(here, child, pipe)
        elif isinstance(child, dict):
            yield from _mapping(here, child, pipe)
        elif isinstance(child, list):
            yield from _values(here, child, pipe)
        else:
            example = f"[{{{key}: {child}}}]" if key in OPERATORS else f"[{json.dumps(child)}]"
            what = f"{shown(key)} wants a list of what may match, not {called(child)}"
            yield Finding(here, what, hint=f"write {shown(example)[1:-1]}")


def _either(path: Path, node: Any, pipe: bool) -> Found:
    if not isinstance(node, list) or len(node) < 2:
        yield Finding(path, "`$or` wants a list of at least two patterns")
        return
    for index, one in enumerate(node):
        if isinstance(one, dict):
            yield from _mapping((*path, index), one, pipe)
        else:
            yield Finding((*path, index), f"`$or` wants patterns, not {called(one)}")


def _values(path: Path, values: list[Any], pipe: bool) -> Found:
    if not values:
        yield Finding(path, f"an empty list at {shown(path[-1])}", "nothing could match it")
    for index, value in enumerate(values):
        here = (*path, index)
        if isinstance(value, list):
            yield Finding(here, "a list in a list", "a leaf is one list of values")
        elif isinstance(value, dict):
            yield from _operator(here, value, pipe)


def _operator(path: Path, node: Mapping[str, Any], pipe: bool) -> Found:
    if len(node) != 1:
        yield Finding(path, f"an operator has one key, this has {len(node)}", "each is an entry of its own in the list")
        return
    [(name, value)] = node.items()
    here = (*path, name)
    if name not in OPERATORS:
        yield Finding(here, f"unknown operator {shown(name)}", "", near(name, OPERATORS))
    elif pipe and (name == "wildcard" or (name == "anything-but" and isinstance(value, dict))):
        what = "`wildcard`" if name == "wildcard" else "`anything-but` with an operator"
        yield Finding(here, f"{what} in the filter of a pipe", "only rules of a bus can do that")
    else:
        yield from OPERATORS[name](here, value)


def _text(path: Path, value: Any) -> Found:
    if not isinstance(value, str):
        yield Finding(path, f"{shown(path[-1])} wants text, not {called(value)}")


def _end(path: Path, value: Any) -> Found:
    """A prefix or suffix, which may leave the case aside."""
    if isinstance(value, dict):
        if list(value) != ["equals-ignore-case"]:
            yield Finding(path, f"{shown(path[-1])} wants text or {{equals-ignore-case: text}}")
        else:
            yield from _text((*path, "equals-ignore-case"), value["equals-ignore-case"])
    else:
        yield from _text(path, value)


def _wildcard(path: Path, value: Any) -> Found:
    if not isinstance(value, str):
        yield from _text(path, value)
    elif not re.fullmatch(r"(?:\\[*\\]|[^\\])*", value, re.DOTALL):
        yield Finding(path, f"a stray backslash in {shown(value)}", "it stands before `*` or another backslash only")
    elif "**" in re.sub(r"\\.", "", value):
        yield Finding(path, f"two `*` in a row in {shown(value)}", "EventBridge refuses them", "one is enough")


def _exists(path: Path, value: Any) -> Found:
    if not isinstance(value, bool):
        yield Finding(path, f"`exists` is true or false, not {called(value)}")


def _cidr(path: Path, value: Any) -> Found:
    if not isinstance(value, str):
        yield from _text(path, value)
        return
    try:
        ipaddress.ip_network(value, strict=False)
    except ValueError:
        good = False
    else:
        good = value.count("/") == 1
    if not good:
        yield Finding(path, f"{shown(value)} is no range of addresses", hint="e.g. 10.0.0.0/24")


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _numeric(path: Path, value: Any) -> Found:
    form = '["=", 5], [">", 0] or [">", 0, "<=", 10]'
    if not isinstance(value, list) or len(value) not in (2, 4):
        yield Finding(path, "`numeric` wants comparisons", f"in the form {form}")
        return
    signs, numbers = value[::2], value[1::2]
    for index, (sign, number) in enumerate(zip(signs, numbers, strict=True)):
        if sign not in ("=", "<", "<=", ">", ">="):
            yield Finding((*path, 2 * index), f"{shown(sign)} is no comparison", "there are = < <= > >=")
        elif not _number(number):
            yield Finding((*path, 2 * index + 1), f"{shown(sign)} compares with a number, not {called(number)}")
        elif abs(number) > BOUND:
            yield Finding((*path, 2 * index + 1), f"{number} is too large", "EventBridge compares up to 5,000,000,000")
    if len(value) == 4 and all(map(_number, numbers)):
        rising = signs[0] in (">", ">=") and signs[1] in ("<", "<=")
        if not rising or numbers[0] >= numbers[1]:
            yield Finding(path, "a range is from a smaller to a larger number", f"in the form {form}")


def _anything_but(path: Path, value: Any) -> Found:
    if isinstance(value, dict):
        yield from _but_operator(path, value)
        return
    values = value if isinstance(value, list) else [value]
    if not values:
        yield Finding(path, "`anything-but` of an empty list", "it would say nothing")
    elif not (all(isinstance(one, str) for one in values) or all(map(_number, values))):
        yield Finding(path, "`anything-but` wants texts, or numbers, not both", "nor true, false and null")


def _but_operator(path: Path, node: Mapping[str, Any]) -> Found:
    names = ("prefix", "suffix", "equals-ignore-case", "wildcard")
    if len(node) != 1 or not set(node) <= set(names):
        yield Finding(path, f"`anything-but` takes values, or one of {', '.join(names)}")
        return
    [(name, value)] = node.items()
    here = (*path, name)
    values = value if isinstance(value, list) else [value]
    if not values:
        yield Finding(here, f"an empty list at {shown(name)}")
    for one in values:
        if name == "wildcard":
            yield from _wildcard(here, one)
        elif name in ("prefix", "suffix") and one == "":
            yield Finding(here, f"an empty {name}", "every text has it, so nothing would be left")
        else:
            yield from _text(here, one)


OPERATORS: Mapping[str, Callable[[Path, Any], Found]] = {
    "prefix": _end,
    "suffix": _end,
    "equals-ignore-case": _text,
    "wildcard": _wildcard,
    "anything-but": _anything_but,
    "numeric": _numeric,
    "exists": _exists,
    "cidr": _cidr,
}
