"""The conformance suite's row of state machines, as data: rows.py appends STATE_MACHINE to ROWS."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from bench import Bench, Row

from serverless_cli.resources.state_machine import StateMachineSpec, StateMachineType

ROLES = "arn:aws:iam::123456789012:role"
GROUP = "arn:aws:logs:eu-central-1:123456789012:log-group:/aws/vendedlogs/states/shop-dev-hello:*"


def steps(**states: dict[str, Any]) -> str:
    """A definition in canonical form."""
    definition = {"StartAt": next(iter(states)), "States": states}
    return json.dumps(definition, sort_keys=True, separators=(",", ":"))


WAITS = steps(wait={"Type": "Wait", "Seconds": 5, "End": True})
ENDS = steps(end={"Type": "Succeed"})


def of(*fields: str) -> frozenset[str]:
    return frozenset(fields)


def arn(b: Bench) -> str:
    return f"arn:aws:states:eu-central-1:123456789012:stateMachine:{b.name}"


def make(b: Bench, tags: dict[str, str], definition: str = WAITS) -> None:
    pairs = [{"key": key, "value": value} for key, value in tags.items()]
    b.raw("stepfunctions").create_state_machine(
        name=b.name, definition=definition, roleArn=f"{ROLES}/worker", type="STANDARD", tags=pairs
    )


def alter(**settings: Any) -> Callable[[Bench], object]:
    return lambda b: b.raw("stepfunctions").update_state_machine(stateMachineArn=arn(b), **settings)


LOGS = {
    "level": "ALL",
    "includeExecutionData": True,
    "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": GROUP}}],
}

STATE_MACHINE = Row(
    "state-machine",
    StateMachineType.name_rule,
    lambda _: StateMachineSpec(f"{ROLES}/worker", "standard", WAITS, "error", log_group=GROUP),
    edits={
        "another role": {"role": f"{ROLES}/other"},
        "another definition": {"definition": ENDS},
        "more logs": {"level": "all"},
        "data in logs": {"include_data": True},
        "logs elsewhere": {"log_group": GROUP.replace("hello", "other")},
        "no logs": {"level": "off", "log_group": ""},
        "traces": {"tracing": True},
        "all at once": {"role": f"{ROLES}/other", "definition": ENDS, "tracing": True},
    },
    drifts={
        "role": (of("role"), alter(roleArn=f"{ROLES}/other")),
        "definition": (of("definition"), alter(definition=ENDS)),
        "logs": (of("level", "include_data"), alter(loggingConfiguration=LOGS)),
        "no logs": (of("level", "log_group"), alter(loggingConfiguration={"level": "OFF"})),
        "traces": (of("tracing"), alter(tracingConfiguration={"enabled": True})),
        "the mark": (
            of("mark"),
            lambda b: b.raw("stepfunctions").untag_resource(resourceArn=arn(b), tagKeys=list(b.here().mark.tags)),
        ),
    },
    halves={
        "made": lambda b: make(b, b.here().mark.tags),
        "made from what was before": lambda b: make(b, b.here().mark.tags, ENDS),
    },
    stranger=make,
)
