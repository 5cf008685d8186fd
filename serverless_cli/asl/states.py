"""Single states: which fields they need and what may be in these."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from serverless_cli.asl import scalars
from serverless_cli.asl.choices import check_choices
from serverless_cli.asl.fields import FIELDS, FLOWING, TYPES, check_fields
from serverless_cli.asl.findings import EXPRESS, JSONATA, JSONPATH, Here, is_list, is_mapping, near
from serverless_cli.asl.retries import check_catch, check_retry
from serverless_cli.asl.scalars import LONGEST_S, Check
from serverless_cli.asl.targets import check_resource
from serverless_cli.finding import shown

DISTRIBUTED = "DISTRIBUTED"
_DISTRIBUTED_ONLY = (
    "ItemReader", "ItemBatcher", "ResultWriter", "Label", "ToleratedFailureCount", "ToleratedFailureCountPath",
    "ToleratedFailurePercentage", "ToleratedFailurePercentagePath",
)  # fmt: skip
_NEEDED = {"Task": "Resource", "Choice": "Choices", "Parallel": "Branches"}
_READING = {"Resource", "Parameters", "Arguments", "ReaderConfig", "WriterConfig"}


def language(here: Here, owner: Mapping[str, Any]) -> str:
    """The query language of a machine or state, which may say so itself; a finding if it may not."""
    wanted = owner.get("QueryLanguage", here.language)
    at = here / "QueryLanguage"
    if wanted not in (JSONPATH, JSONATA):
        at.add(f"`QueryLanguage` cannot be {shown(wanted)}", f"it is {JSONPATH} or {JSONATA}")
        return here.language
    if here.settled and wanted == JSONPATH:
        at.add("JSONPath in a machine that speaks JSONata", "only the other way round can states differ")
    return str(wanted)


def _io(here: Here, value: Any) -> None:
    """ItemReader and ResultWriter: where a distributed map takes its items from, and puts its results."""
    if not is_mapping(here, value, shown(here.path[-1])):
        return
    for name in value:
        if name not in _READING:
            (here / name).add(f"unknown field {shown(name)}", "", near(name, _READING))
    for name in ("Parameters", "Arguments"):
        if name in value:
            scalars.template(here / name, value[name])
    if here.path[-1] == "ItemReader" and "Resource" not in value:
        here.add("`ItemReader` without `Resource`", "it says how to read", "arn:aws:states:::s3:getObject")


def _batcher(here: Here, value: Any) -> None:
    if is_mapping(here, value, "`ItemBatcher`") and "BatchInput" in value:
        scalars.template(here / "BatchInput", value["BatchInput"])


def _skip(here: Here, value: Any) -> None:
    """Checked elsewhere."""


CHECKS: Mapping[str, Check] = {
    "Type": _skip, "QueryLanguage": _skip, "Comment": scalars.comment, "Next": scalars.name, "End": scalars.end,
    "Default": scalars.name, "InputPath": scalars.optional_path, "OutputPath": scalars.optional_path,
    "ResultPath": scalars.result_path, "ItemsPath": scalars.path, "SecondsPath": scalars.path,
    "TimestampPath": scalars.path, "TimeoutSecondsPath": scalars.path, "HeartbeatSecondsPath": scalars.path,
    "MaxConcurrencyPath": scalars.path, "ToleratedFailureCountPath": scalars.path,
    "ToleratedFailurePercentagePath": scalars.path, "ErrorPath": scalars.path_or_call,
    "CausePath": scalars.path_or_call, "Parameters": scalars.template, "ResultSelector": scalars.template,
    "ItemSelector": scalars.template, "Credentials": scalars.template, "Assign": scalars.assign,
    "Arguments": scalars.arguments, "Output": scalars.anything, "Items": scalars.items, "Result": _skip,
    "TimeoutSeconds": scalars.whole(1, LONGEST_S), "HeartbeatSeconds": scalars.whole(1, LONGEST_S),
    "MaxConcurrency": scalars.whole(0, LONGEST_S), "ToleratedFailureCount": scalars.whole(0, LONGEST_S),
    "ToleratedFailurePercentage": scalars.number(0, 100), "Seconds": scalars.whole(0, LONGEST_S),
    "Timestamp": scalars.time, "Error": scalars.text, "Cause": scalars.text, "Label": scalars.label,
    "Resource": check_resource, "Retry": check_retry, "Catch": check_catch, "Choices": check_choices,
    "Branches": _skip, "ItemProcessor": _skip, "Iterator": _skip, "ItemReader": _io, "ResultWriter": _io,
    "ItemBatcher": _batcher,
}  # fmt: skip
"""what may be in each field"""

Inner = Callable[[Here, Any], None]


def check_state(here: Here, state: Any, inner: Inner) -> None:
    """One state; `inner` checks the machines inside it."""
    if not is_mapping(here, state, "a state"):
        return
    type_ = state.get("Type")
    if type_ is None:
        here.add("a state without `Type`", "", f"one of {', '.join(TYPES)}")
        return
    if type_ not in TYPES:
        hint = near(type_, TYPES, otherwise="there are:") if isinstance(type_, str) else ""
        (here / "Type").add(f"there is no type {shown(type_)}", "", hint)
        return
    here = _speaking(here, state)
    check_fields(here, state, type_)
    for name, value in state.items():
        if name in FIELDS[here.language][type_]:
            CHECKS[name](here / name, value)
    _needed(here, state, type_)
    if type_ == "Map":
        _map(here, state, inner)
    elif type_ == "Parallel" and "Branches" in state and is_list(here / "Branches", state["Branches"], "`Branches`"):
        for index, branch in enumerate(state["Branches"]):
            inner(here / "Branches" / index, branch)


def _speaking(here: Here, owner: Mapping[str, Any]) -> Here:
    return Here(here.path, here.mode, language(here, owner), here.findings, here.names, here.settled)


def _needed(here: Here, state: Mapping[str, Any], type_: str) -> None:
    if (field := _NEEDED.get(type_)) and field not in state:
        here.add(f"a {type_} state without `{field}`")
    if type_ in FLOWING and ("Next" in state) == ("End" in state):
        why = "it has both" if "Next" in state else "it has neither"
        here.add("a state wants either `Next` or `End`", why, "`Next: name of a state`, or `End: true`")
    if type_ == "Wait":
        _one_of(here, state, ("Seconds", "SecondsPath", "Timestamp", "TimestampPath"))
    for name in ("Error", "Cause", "TimeoutSeconds", "HeartbeatSeconds", "MaxConcurrency", "ToleratedFailureCount",
                 "ToleratedFailurePercentage"):  # fmt: skip
        if name in state and f"{name}Path" in state:
            (here / f"{name}Path").add(f"both `{name}` and `{name}Path`", "one of them says it")
    beat, longest = state.get("HeartbeatSeconds"), state.get("TimeoutSeconds")
    if isinstance(beat, int) and isinstance(longest, int) and beat >= longest:
        (here / "HeartbeatSeconds").add("`HeartbeatSeconds` is not less than `TimeoutSeconds`", "it would never count")


def _one_of(here: Here, state: Mapping[str, Any], names: tuple[str, ...]) -> None:
    there = [name for name in names if name in state]
    if len(there) != 1:
        wanted = [name for name in names if name in FIELDS[here.language]["Wait"]]
        here.add(f"a Wait state wants exactly one of {', '.join(wanted)}", f"it has {', '.join(there) or 'none'}")


def _map(here: Here, state: Mapping[str, Any], inner: Inner) -> None:
    there = [name for name in ("ItemProcessor", "Iterator") if name in state]
    if len(there) != 1:
        here.add("a Map state wants an `ItemProcessor`", "it has both it and `Iterator`" if there else "it has none")
    if "ItemSelector" in state and "Parameters" in state:
        (here / "Parameters").add("both `ItemSelector` and `Parameters`", "they are the new and old name of one thing")
    for name in there:
        _processor(here, state, name, inner)


def _processor(here: Here, state: Mapping[str, Any], name: str, inner: Inner) -> None:
    machine, at = state[name], here / name
    config = machine.get("ProcessorConfig") if isinstance(machine, dict) else None
    mode = here.mode
    if config is not None and is_mapping(at / "ProcessorConfig", config, "`ProcessorConfig`"):
        mode = _config(at / "ProcessorConfig", config)
    distributed = isinstance(config, dict) and config.get("Mode") == DISTRIBUTED
    for field in _DISTRIBUTED_ONLY if not distributed else ():
        if field in state:
            (here / field).add(
                f"`{field}` in an inline map",
                "only distributed ones have it",
                "ProcessorConfig: {Mode: DISTRIBUTED, ExecutionType: STANDARD}",
            )
    inner(Here(at.path, mode, at.language, at.findings, at.names, at.settled), machine)


def _config(here: Here, config: Mapping[str, Any]) -> str:
    """Checks how a map runs; returns the execution type that holds inside."""
    mode, execution = config.get("Mode", "INLINE"), config.get("ExecutionType")
    for name in config:
        if name not in ("Mode", "ExecutionType"):
            (here / name).add(f"unknown field {shown(name)}", "", near(name, ("Mode", "ExecutionType")))
    if mode not in ("INLINE", DISTRIBUTED):
        (here / "Mode").add(f"`Mode` cannot be {shown(mode)}", f"it is INLINE or {DISTRIBUTED}")
    elif mode == DISTRIBUTED and here.mode == EXPRESS:
        (here / "Mode").add(
            "a distributed map in an express machine", "only standard ones can start further executions"
        )
    elif mode == DISTRIBUTED and execution not in ("STANDARD", "EXPRESS"):
        told = f"not {shown(execution)}" if execution is not None else f"as every {DISTRIBUTED} one"
        here.add("a distributed map wants `ExecutionType: STANDARD` or `EXPRESS`", told)
    return str(execution).lower() if mode == DISTRIBUTED and execution in ("STANDARD", "EXPRESS") else here.mode
