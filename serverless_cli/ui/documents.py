"""The JSON documents of `--json`: their fields are a promise; new ones may come, none changes its meaning.

Every place is `stack, stage, region, account`, every resource `kind, id, name`. Secrets are `"***"`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from serverless_cli.errors import AwsError, BlueprintError, Location, Problem, SlxError
from serverless_cli.events import Copying, Ended, Event, Note, Started
from serverless_cli.model import (
    Action,
    Change,
    CheckResult,
    Found,
    Late,
    Loss,
    Orphans,
    Outcome,
    Overview,
    Place,
    Plan,
    Ref,
    Report,
    ResourceState,
    Stack,
    StackState,
    Step,
    Sweep,
)
from serverless_cli.ui.states import Emulator
from serverless_cli.ui.values import Json, plain

Document = dict[str, Json]


def place(it: Place) -> Document:
    """`{stack, stage, region, account}`."""
    return {"stack": it.stack, "stage": it.stage, "region": it.region, "account": it.account}


def thing(ref: Ref, name: str) -> Document:
    """`{kind, id, name}`; `name` is physical."""
    return {"kind": ref.kind, "id": ref.id, "name": plain(name)}


def outputs(values: Mapping[str, str]) -> Document:
    """Output name to value."""
    return {name: plain(value) for name, value in values.items()}


def problem(it: Problem) -> Document:
    """`{what, why, hint, where}`; `where` is null or `{file, line, column, text}`."""
    return {"what": it.what, "why": it.why, "hint": it.hint, "where": _where(it.where)}


def _where(it: Location | None) -> Document | None:
    return {"file": it.file, "line": it.line, "column": it.column, "text": it.text} if it else None


def error(it: SlxError, problems: Iterable[Problem] = ()) -> Document:
    """`{"error": {what, why, hint, exit_code, where}}`; `problems` for blueprints, `operation` and `code` for AWS."""
    if isinstance(it, BlueprintError):
        problems = it.problems
    found: Document = {
        "what": it.what,
        "why": it.why,
        "hint": it.hint,
        "exit_code": int(it.exit_code),
        "where": _where(it.where),
    }
    if isinstance(it, AwsError):
        found |= {"operation": it.operation, "code": it.code}
    if listed := [problem(one) for one in problems]:
        found["problems"] = list(listed)
    return {"error": found}


def change(it: Change) -> Document:
    """`{path, before, after, known, replaces}`; `known` is false while `after` is as written and not yet a value."""
    return {
        "path": list(it.path),
        "before": plain(it.before),
        "after": plain(it.after),
        "known": not isinstance(it.after, Late),
        "replaces": it.replaces,
    }


def step(it: Step) -> Document:
    """`{action, kind, id, name, reason, loses_data, changes}`."""
    return {
        "action": it.action.value,
        **thing(it.ref, it.name),
        "reason": it.reason,
        "loses_data": it.loses_data,
        "changes": [change(one) for one in it.changes],
    }


def plan(it: Plan, losses: Mapping[Ref, tuple[Loss, ...]] | None = None) -> Document:
    """`{stack, stage, region, account, counts, steps, obstacles, notes}`; `losses` for a teardown."""
    found: Document = {
        **place(it.place),
        "counts": {action.value: sum(one.action is action for one in it.steps.values()) for action in Action},
        "steps": [step(one) for one in it.steps.values()],
        "obstacles": [problem(one) for one in it.obstacles],
        "notes": [problem(one) for one in it.notes],
    }
    if losses is not None:
        found["losses"] = [
            {"kind": ref.kind, "id": ref.id, "what": one.what, "count": one.count, "bytes": one.bytes}
            for ref, many in losses.items()
            for one in many
        ]
    return found


def event(it: Event) -> Document | None:
    """One line of `--json`; None for the start of a run, as the plan has been shown already."""
    match it:
        case Started(one, at_s):
            return {"event": "started", **_act(one), "at_s": round(at_s, 3)}
        case Ended(outcome, at_s):
            return {"event": "ended", **outcome_of(outcome), "at_s": round(at_s, 3)}
        case Note(text):
            return {"event": "note", "text": text}
    return None


def copying(it: Copying) -> Document:
    """`{"event": "saving"|"saved", kind, id, name, count, bytes}`; `what`, `sha256` and `without` once it is whole."""
    found: Document = {"event": "saving", **thing(it.ref, it.name), "count": it.count, "bytes": it.bytes}
    if it.saved:
        found |= {"event": "saved", "what": it.saved.what, "sha256": it.saved.sha256, "without": it.saved.without}
    return found


def _act(it: Step) -> Document:
    return {"action": it.action.value, **thing(it.ref, it.name)}


def outcome_of(it: Outcome) -> Document:
    """`{action, kind, id, name, status, seconds}`; `error` where it failed, `cause` where it was skipped for one."""
    found: Document = {**_act(it.step), "status": it.status.value, "seconds": round(it.seconds, 3)}
    if it.error:
        found |= error(it.error)
    if it.cause:
        found["cause"] = {"kind": it.cause.kind, "id": it.cause.id}
    return found


def problems(many: Iterable[Problem]) -> list[Json]:
    """A list of `{what, why, hint, where}`."""
    return [problem(one) for one in many]


def up_report(
    it: Report,
    exit_code: int,
    values: Mapping[str, str],
    checks: Iterable[CheckResult],
    undone: tuple[Report, Iterable[Problem]] | None = None,
) -> Document:
    """The last line of `up`: `{"event": "report", ok, exit_code, stack..., seconds, steps, outputs, checks}`.

    After a rollback also `rollback`: `{ok, seconds, steps, left}`; `ok` when all is as it was before the run.
    """
    found: Document = {**_report(it, exit_code), "outputs": outputs(values), "checks": [check(one) for one in checks]}
    if undone:
        back, left = undone[0], problems(undone[1])
        steps: list[Json] = [outcome_of(one) for one in back.outcomes.values()]
        found["rollback"] = {
            "ok": back.ok and not left,
            "seconds": round(back.seconds, 3),
            "steps": steps,
            "left": left,
        }
    return found


def down_report(it: Report, exit_code: int, proof: Sweep | None) -> Document:
    """The last line of `down`: as that of `up`, but with `sweep`, which is null when it was not reached."""
    return {**_report(it, exit_code), "sweep": sweep(proof) if proof else None}


def _report(it: Report, exit_code: int) -> Document:
    return {
        "event": "report",
        "ok": exit_code == 0,
        "exit_code": int(exit_code),
        **place(it.place),
        "seconds": round(it.seconds, 3),
        "steps": [outcome_of(one) for one in it.outcomes.values()],
    }


def check(it: CheckResult) -> Document:
    """`{probe, arguments, expect, ok, skipped, saw, attempts, seconds}`; a skipped one is not ok."""
    return {
        "probe": it.check.probe,
        "arguments": plain(it.check.arguments),
        "expect": plain(it.check.expect),
        "ok": it.ok,
        "skipped": it.skipped,
        "saw": it.saw,
        "attempts": it.attempts,
        "seconds": round(it.seconds, 3),
    }


def sweep(it: Sweep) -> Document:
    """`{left, looked, unseen}`: what is still there, how many of each kind were looked at, and the kinds that may not
    be listed."""
    return {"left": [_found(one) for one in it.left], "looked": dict(it.looked), "unseen": list(it.unseen)}


def _found(it: Found) -> Document:
    return thing(it.ref, it.name)


def overview(it: Overview) -> Document:
    """`slx status --json`: `{"stacks": [...]}`; with `--all` also `looked`, how many of each kind carry a mark."""
    found: Document = {"stacks": [state(one) for one in it.stacks]}
    if it.looked is not None:
        found["looked"] = dict(it.looked)
    return found


def orphans(it: Orphans, remove: Callable[[Place], str]) -> Document:
    """`slx orphans --json`: `{stacks, strays, looked}`. `remove` gives the command that removes a stack."""
    return {
        "stacks": [
            {
                **place(one.place),
                "since": _moment(one.since),
                "resources": [{**_found(found), "since": _moment(found.since)} for found in one.resources],
                "remove": remove(one.place),
            }
            for one in it.stacks
        ],
        "strays": [
            {
                **_found(one.found),
                "since": _moment(one.found.since),
                "why": one.why,
                "stack": one.place.stack if one.place else None,
                "stage": one.place.stage if one.place else None,
                "remove": remove(one.place) if one.place and one.found.mark else None,
            }
            for one in it.strays
        ],
        "looked": dict(it.looked),
    }


def _moment(when: datetime | None) -> str | None:
    return when.isoformat(timespec="seconds") if when else None


def state(it: StackState) -> Document:
    """One stack of `slx status --json`."""
    return {
        **place(it.place),
        "target": it.target,
        "ok": it.ok,
        "known": it.known,
        "whole": it.known and it.whole,
        "resources": [_resource(one) for one in it.resources],
        "outputs": outputs(it.outputs),
    }


def _resource(it: ResourceState) -> Document:
    """`changes` lead from reality (`before`) back to the wish (`after`)."""
    found = thing(it.ref, it.name)
    return {**found, "state": it.state.value, "note": it.note, "changes": [change(one) for one in it.changes]}


def stack(it: Stack) -> Document:
    """What `slx validate --json` says of a blueprint that is right."""
    return {
        "valid": True,
        "stack": it.place.stack,
        "description": it.description,
        "resources": [thing(one.ref, one.name) for one in it.resources.values()],
        "outputs": list(it.outputs),
        "checks": len(it.checks),
        "warnings": [problem(one) for one in it.warnings],
    }


def emulator(it: Emulator) -> Document:
    """One local target of `slx local status --json`, which is `{"targets": [...]}`."""
    return {
        "url": it.url,
        "pid": it.pid,
        "uptime_s": round(it.uptime_s, 1),
        "memory_bytes": it.memory_bytes,
        "stacks": list(it.stacks),
        "workspace": str(it.workspace),
    }
