"""The Resource of a task: what it calls, and how it waits.

AWS facts (developer guide, "Integrating services", "Service integration patterns"):
- `arn:aws:states:::service:api` is an optimized integration, `arn:aws:states:::aws-sdk:service:api` any API of AWS;
  an ARN of a function or an activity stands for itself.
- `.sync` waits for a job, `.waitForTaskToken` for somebody's answer. Express machines can do neither, nor activities.
- The SDK's integrations have no `.sync`; their services are written in lower case, their APIs begin with a small one.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Any

from serverless_cli.asl.findings import EXPRESS, Here, near
from serverless_cli.finding import called, shown
from serverless_cli.records import dataclass


class Pattern(StrEnum):
    """How a task waits for what it called."""

    REQUEST = "request"
    SYNC = ".sync"
    SYNC_2 = ".sync:2"
    TOKEN = ".waitForTaskToken"  # noqa: S105 - AWS's word


R, S, S2, T = Pattern.REQUEST, Pattern.SYNC, Pattern.SYNC_2, Pattern.TOKEN

OPTIMIZED: dict[str, dict[str, tuple[Pattern, ...]]] = {
    "lambda": {"invoke": (R, T)},
    "dynamodb": {"getItem": (R,), "putItem": (R,), "updateItem": (R,), "deleteItem": (R,)},
    "sqs": {"sendMessage": (R, T)},
    "sns": {"publish": (R, T)},
    "events": {"putEvents": (R, T)},
    "states": {"startExecution": (R, S, S2, T)},
    "apigateway": {"invoke": (R, T)},
    "http": {"invoke": (R,)},
}
"""Of the services that slx knows: the APIs with an integration of their own, and how a task may wait for them."""

_TASK = re.compile(r"arn:aws[a-z-]*:states:[a-z0-9-]*:\d*:(aws-sdk:)?([A-Za-z0-9-]+):([A-Za-z0-9]+)(\.[A-Za-z0-9:]+)?")
FUNCTION = re.compile(r"arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:function:[A-Za-z0-9_-]+(:[A-Za-z0-9_$-]+)?")
ACTIVITY = re.compile(r"arn:aws[a-z-]*:states:[a-z0-9-]+:\d{12}:activity:[^\s<>{}\[\]?*\"#%^|~`$&,;:/]{1,80}")


@dataclass(frozen=True, slots=True)
class Target:
    """An integration: `sdk` tells any API of AWS from the optimized ones. `pattern` None is one that is unknown."""

    service: str
    api: str
    pattern: Pattern | None
    sdk: bool
    suffix: str = ""


def target(resource: Any) -> Target | None:
    """What a task's Resource integrates; None for a function's or activity's ARN, or what is neither."""
    found = _TASK.fullmatch(resource) if isinstance(resource, str) and not ACTIVITY.fullmatch(resource) else None
    if found is None:
        return None
    suffix = found[4] or ""
    patterns = {str(one): one for one in (S, S2, T)}
    return Target(found[2], found[3], patterns.get(suffix) if suffix else R, bool(found[1]), suffix)


def check_resource(here: Here, value: Any) -> None:
    """The Resource of a task in a machine of that mode."""
    if not isinstance(value, str):
        here.add(f"`Resource` wants text, not {called(value)}")
        return
    if ACTIVITY.fullmatch(value):
        if here.mode == EXPRESS:
            here.add("an activity in an express machine", "only standard ones can wait for a worker", _MODE)
        return
    # The names of what AWS hands out are filled in later.
    if FUNCTION.fullmatch(value) or value.startswith("${"):
        return
    found = target(value)
    if found is None:
        here.add(f"{shown(value)} is nothing that a task can call", _FORM, "e.g. arn:aws:states:::lambda:invoke")
    elif found.pattern is None:
        here.add(f"{shown(found.suffix)} is no way to wait", "there are .sync, .sync:2 and .waitForTaskToken")
    elif found.pattern is not R and here.mode == EXPRESS:
        here.add(
            f"{found.pattern} in an express machine",
            "express executions end within five minutes and can only send a request and take its answer",
            _MODE,
        )
    elif found.sdk:
        _check_sdk(here, found)
    else:
        _check_optimized(here, found)


_MODE = "set `mode: standard`, or leave it out"
_FORM = "it wants arn:aws:states:::service:api, arn:aws:states:::aws-sdk:service:api, or a function's or activity's ARN"


def _check_sdk(here: Here, found: Target) -> None:
    if found.pattern in (S, S2):
        here.add("an aws-sdk integration with .sync", "only optimized integrations wait for a job")
    elif found.service != found.service.lower() or not found.api[0].islower():
        better = f"aws-sdk:{found.service.lower()}:{found.api[0].lower()}{found.api[1:]}"
        here.add(f"`aws-sdk:{found.service}:{found.api}` is not how AWS writes it", "", f"write {better}")


def _check_optimized(here: Here, found: Target) -> None:
    known = OPTIMIZED.get(found.service)
    if known is None:
        return  # There are more than slx knows; AWS's own validation sees those.
    if found.api not in known:
        hint = near(found.api, known) or f"try arn:aws:states:::aws-sdk:{found.service}:{found.api}"
        here.add(f"`{found.service}:{found.api}` is no integration of its own", "", hint)
    elif found.pattern not in known[found.api]:
        ways = ", ".join(str(one) for one in known[found.api] if one is not R)
        why = f"it can {'also wait by ' + ways if ways else 'only be called and answer'}"
        here.add(f"`{found.service}:{found.api}` has no {found.pattern}", why)
