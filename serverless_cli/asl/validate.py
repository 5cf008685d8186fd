"""Whole machines: names, transitions, and whether every state is reached and an end can be.

AWS facts (states-language.net; service quotas): names have at most 80 characters and are unique in the whole machine,
those inside of Map and Parallel included; transitions stay among the states of one scope; a definition has at most
1 MB; CreateStateMachine refuses states that nothing leads to.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from serverless_cli.asl import scalars
from serverless_cli.asl.findings import JSONATA, JSONPATH, Findings, Here, near
from serverless_cli.asl.states import check_state, language
from serverless_cli.finding import Finding, called, shown

MOST_BYTES = 1_048_576
DEEPEST = 100
LONGEST_NAME = 80
_TOP = ("Comment", "QueryLanguage", "StartAt", "States", "TimeoutSeconds", "Version")
_INNER = ("Comment", "ProcessorConfig", "QueryLanguage", "StartAt", "States", "TimeoutSeconds")


def validate(definition: Any, mode: str = "standard") -> tuple[Finding, ...]:
    """All that is wrong with a definition (parsed JSON) for a machine of that mode; at most findings.LIMIT."""
    findings = Findings()
    here = Here((), mode, JSONPATH, findings, {})
    if not isinstance(definition, dict):
        here.add(f"a definition is a mapping, not {called(definition)}", "", "StartAt: first, States: {first: ...}")
    elif _measured(here, definition):
        spoken = language(here, definition)
        here = replace(here, language=spoken, settled=spoken == JSONATA)
        if "Version" in definition and definition["Version"] != "1.0":
            (here / "Version").add(f"`Version` cannot be {shown(definition['Version'])}", 'there is only "1.0"')
        _machine(here, definition, _TOP)
    return tuple(findings.found)


def _measured(here: Here, definition: Any) -> bool:
    """Whether a definition is of a size and depth that can be looked through, and is JSON."""
    level: list[Any] = [definition]
    for _ in range(DEEPEST):
        if any(isinstance(value, float) and not math.isfinite(value) for value in level):
            here.add("a number that JSON cannot hold")
            return False
        level = [child for value in level for child in _children(value)]
        if not level:
            break
    else:
        here.add("too deep", f"a definition has at most {DEEPEST} levels here")
        return False
    size = len(json.dumps(definition, separators=(",", ":")).encode())
    if size > MOST_BYTES:
        here.add(f"the definition has {size:,} bytes", f"Step Functions takes {MOST_BYTES:,} at most")
    return size <= MOST_BYTES


def _children(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def _inner(here: Here, machine: Any) -> None:
    """A machine inside a Map or Parallel state. What it says of its language holds for its states."""
    if not isinstance(machine, dict):
        here.add(f"it wants a mapping with `StartAt` and `States`, not {called(machine)}")
    else:
        _machine(replace(here, language=language(here, machine)), machine, _INNER)


def _machine(here: Here, machine: dict[str, Any], known: tuple[str, ...]) -> None:
    for name in machine:
        if name not in known:
            (here / name).add(f"unknown field {shown(name)}", "a machine has no such field", near(name, known))
    if "Comment" in machine:
        scalars.comment(here / "Comment", machine["Comment"])
    if "TimeoutSeconds" in machine:
        scalars.whole(1, scalars.LONGEST_S)(replace(here, language=JSONPATH) / "TimeoutSeconds",
                                            machine["TimeoutSeconds"])  # fmt: skip
    states = machine.get("States")
    if not isinstance(states, dict) or not states:
        at = here / "States" if "States" in machine else here
        at.add("`States` is missing" if states is None else "`States` wants a mapping with at least one state")
        return
    for name, state in states.items():
        at = here / "States" / name
        _name(at, name)
        check_state(at, state, _inner)
    if _transitions(here, machine, states):
        _reach(here, machine["StartAt"], states)


def _name(here: Here, name: str) -> None:
    if not name or len(name) > LONGEST_NAME:
        why = f"it has 1 to {LONGEST_NAME} characters"
        here.add(f"{shown(name)} cannot be the name of a state", why)
    first = here.names.setdefault(name, here.path)
    if first != here.path:
        outer = ".".join(str(step) for step in first)
        here.add(f"a second state {shown(name)}", f"names are unique in the whole machine; the other is {outer}")


def edges(state: Any) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Where a state may lead: the path of each transition in it, and the name of the next state."""
    if not isinstance(state, dict):
        return
    for field in ("Next", "Default"):
        if isinstance(state.get(field), str):
            yield (field,), state[field]
    for field in ("Choices", "Catch"):
        entries = state.get(field)
        for index, entry in enumerate(entries if isinstance(entries, list) else ()):
            if isinstance(entry, dict) and isinstance(entry.get("Next"), str):
                yield (field, index, "Next"), entry["Next"]


def _transitions(here: Here, machine: dict[str, Any], states: dict[str, Any]) -> bool:
    """Whether the first and all next states exist in this scope; a finding for each that does not."""
    good = True
    start = machine.get("StartAt")
    if not isinstance(start, str):
        at = here / "StartAt" if "StartAt" in machine else here
        at.add("`StartAt` is missing" if start is None else f"`StartAt` wants text, not {called(start)}")
        good = False
    elif start not in states:
        (here / "StartAt").add(f"`StartAt` names {shown(start)}, which is no state here", "", near(start, states))
        good = False
    for name, state in states.items():
        for steps, next_ in edges(state):
            if next_ not in states:
                at = replace(here, path=(*here.path, "States", name, *steps))
                why = "" if next_ not in here.names else "there is one elsewhere, but transitions stay in their scope"
                at.add(f"there is no state {shown(next_)} here", why, near(next_, states))
                good = False
    return good


def _reach(here: Here, start: str, states: dict[str, Any]) -> None:
    """Findings for states that nothing leads to, and for a machine that nothing ends."""
    seen, open_ = {start}, [start]
    while open_:
        for _, next_ in edges(states[open_.pop()]):
            if next_ not in seen:
                seen.add(next_)
                open_.append(next_)
    for name in states:
        if name not in seen:
            (here / "States" / name).add(f"nothing leads to the state {shown(name)}", "AWS refuses such a definition")
    if not any(_ends(states[name]) for name in seen):
        (here / "StartAt").add(
            "the machine never ends", "no state that is reached has `End: true`, or is Succeed or Fail"
        )


def _ends(state: Any) -> bool:
    """Whether a state can be the last; one that is broken in another way counts, to spare echoes."""
    if isinstance(state, dict) and state.get("Type") == "Choice" and not list(edges(state)):
        return True
    if not isinstance(state, dict) or state.get("Type") not in ("Choice", "Task", "Map", "Parallel", "Pass", "Wait"):
        return True
    return "End" in state or (state["Type"] != "Choice" and "Next" not in state)
