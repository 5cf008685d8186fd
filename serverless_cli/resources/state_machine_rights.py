"""What a state machine may do: the statements of its role, from its definition and from what the user says. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Annotated, Any

from serverless_cli import asl
from serverless_cli.errors import Problem
from serverless_cli.keys import Doc, LateOk, Pattern, Range
from serverless_cli.model import Handout, Late
from serverless_cli.records import dataclass
from serverless_cli.resources import access
from serverless_cli.resources.base import Declared, Scope
from serverless_cli.wiring import Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class MayKeys:
    """One more thing that the machine may do."""

    actions: Annotated[
        tuple[Annotated[str, Pattern(r"[a-z0-9-]+:[A-Za-z*?]+", "service:Action")], ...],
        Doc("IAM actions, such as `dynamodb:GetItem`."),
        Range(1),
    ]
    resources: Annotated[tuple[str, ...], Doc("ARNs; `${table.arn}` names one of the blueprint."), LateOk(), Range(1)]


def access_problems(it: Declared[Any], scope: Scope) -> Iterator[Problem]:
    """What `access` names and nobody can grant."""
    for target, verb, prefix in access.wanted(it.keys.access):
        where = it.line("access", target, verb)
        if scope.declared(target) is None:
            yield Problem(f"`access` names {target}, which is no resource", where=where)
        elif not scope.grants(target, verb):
            yield Problem(f"`{verb}` is nothing that {target} can grant", where=where)
        elif not scope.grants(target, verb, prefix):
            yield Problem(f"`{verb}` of {target} cannot be narrowed to a prefix", "only a bucket's can", where=where)


def _gaps(definition: str) -> dict[str, Handout]:
    """What AWS hands out, by the text that stands for it in the definition."""
    parts = definition.parts if isinstance(definition, Late) else ()
    return {str(part): part for part in parts if isinstance(part, Handout)}


def _calls(it: Declared[Any], scope: Scope) -> tuple[asl.Call, ...]:
    gaps = _gaps(it.keys.definition).items()
    urls = {text: gap.ref.id for text, gap in gaps if gap.ref.kind == "queue" and gap.attribute == "url"}
    aliases = {text: scope.attribute(id, "arn") for text, id in urls.items()}
    return asl.calls(json.loads(it.keys.definition), scope.place, it.name, aliases)


def _own(it: Declared[Any]) -> tuple[Statement, ...]:
    return tuple(
        Statement(tuple(sorted(one.actions)), tuple(sorted(one.resources)), reason=f"statement of {it.id}")
        for one in it.keys.statements
    )


def statements(it: Declared[Any], scope: Scope) -> tuple[Statement, ...]:
    """What the definition takes, each with the state that takes it, and what the user adds."""
    gaps = _gaps(it.keys.definition)
    told = (
        Statement(tuple(sorted(one.actions)), (_filled(one.resource, gaps),), reason=_reason(one))
        for one in _calls(it, scope)
        if one.resource is not None and not (one.why and not _missing(one, it, scope))
    )
    return (*told, *_own(it))


def _reason(call: asl.Call) -> str:
    return f"state {call.state} calls {call.service}:{call.api}"


def _filled(text: str, gaps: Mapping[str, Handout]) -> str:
    """The text with its gaps as such again, so that they are filled in when AWS has handed them out."""
    if isinstance(text, Late) or not gaps:
        return text
    pieces = re.split("(" + "|".join(map(re.escape, gaps)) + ")", text)
    if len(pieces) == 1:
        return text
    return Late(tuple(gaps.get(piece, piece) for piece in pieces if piece))


def _missing(call: asl.Call, it: Declared[Any], scope: Scope) -> list[str]:
    """The actions of a call that the user's own words, in `access` and `statements`, do not allow."""
    given = (*(grant.statement for grant in access.grants(it, scope)), *_own(it))
    allowed = [action.lower() for one in given for action in one.actions]
    return [one for one in call.actions if not any(fnmatchcase(one.lower(), may) for may in allowed)]


def _named(actions: list[str]) -> str:
    return f"`statements: [{{actions: [{', '.join(actions)}], resources: [...]}}]`"


def problems(it: Declared[Any], scope: Scope) -> Iterator[Problem]:
    """A problem for each call whose permission can only come from the user, and does not."""
    for call in _calls(it, scope):
        if call.resource is None and (missing := _missing(call, it, scope)):
            yield Problem(
                f"what `{call.service}:{call.api}` in state {call.state} works on cannot be told",
                f"{call.why}, and its role is allowed just what is needed",
                f"allow it by `access`, or by {_named(missing)}",
                it.line("definition", *call.path),
            )


def warnings(it: Declared[Any], scope: Scope) -> Iterator[Problem]:
    """Permissions that are wider than they might be, because slx does not know the service."""
    for call in _calls(it, scope):
        if call.resource == "*" and call.why and (wide := _missing(call, it, scope)):
            yield Problem(
                f"state {call.state} may {', '.join(wide)} on everything",
                call.why,
                f"to narrow it: {_named(wide)}",
                it.line("definition", *call.path),
            )
