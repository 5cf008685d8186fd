"""`access:` of a function: what it may do with other resources of the blueprint, as statements of its role."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from serverless_cli.errors import Problem
from serverless_cli.resources.base import Declared, Scope, apart
from serverless_cli.wiring import Grant

Access = Mapping[str, str | Mapping[str, str]]
"""`{photos: read}`, or `{photos: {read: in/*}}` to narrow it to a prefix"""


VERBS = ("read", "write", "read-write", "send", "invoke", "start", "start-sync")
"""all verbs that types know, for those who looked for another one"""


def wanted(access: Access) -> Iterator[tuple[str, str, str]]:
    """Each target with a verb and the prefix that narrows it, empty for all of it."""
    for target, verbs in access.items():
        pairs = {verbs: ""} if isinstance(verbs, str) else verbs
        for verb, prefix in pairs.items():
            yield target, verb, prefix.removesuffix("*")


def problems(it: Declared[Any], scope: Scope) -> Iterator[Problem]:
    """What nobody can grant."""
    each = (_grant_problems(it, scope, *one) for one in wanted(it.keys.access))
    yield from apart(_role_problems(it), *each)


def _role_problems(it: Declared[Any]) -> Iterator[Problem]:
    if it.keys.role and it.keys.access:
        yield Problem(
            f"{it.id} has both `role` and `access`",
            "`access` becomes statements of the role that slx makes; a role of your own speaks for itself",
            "leave one of them out",
            it.line("access"),
        )


def _grant_problems(it: Declared[Any], scope: Scope, target: str, verb: str, prefix: str) -> Iterator[Problem]:
    where = it.line("access", target, verb)
    if scope.declared(target) is None:
        hint = f"there are: {', '.join(other.id for other in scope.every())}"
        yield Problem(f"`access` names {target}, which is no resource", "", hint, it.line("access", target))
    elif "*" in prefix or "?" in prefix:
        yield Problem(f"`{prefix}` is no prefix", "a * stands at its end only", where=where)
    elif not scope.grants(target, verb):
        known = [one for one in VERBS if scope.grants(target, one)]
        why = f"it can grant: {', '.join(known)}" if known else "it can grant nothing"
        yield Problem(f"`{verb}` is nothing that {target} can grant", why, where=where)
    elif not scope.grants(target, verb, prefix):
        yield Problem(f"`{verb}` of {target} cannot be narrowed to a prefix", "only a bucket's can", where=where)


def grants(it: Declared[Any], scope: Scope) -> Iterator[Grant]:
    """The statements, each with the line that asks for it."""
    for target, verb, prefix in wanted(it.keys.access):
        for statement in scope.grants(target, verb, prefix):
            reason = statement.reason or f"access to {target}: {verb}"
            yield Grant(it.id, replace(statement, reason=reason), it.line("access", target, verb))
