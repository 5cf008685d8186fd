"""IAM policy documents to and from statements. Pure.

AWS keeps neither key order nor white space nor the form of single-element lists (IAM user guide), so documents are
compared as statements in canonical form, never as text.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from serverless_cli.wiring import Statement

VERSION = "2012-10-17"


def listed(value: Any) -> tuple[str, ...]:
    """A policy element, which may be one text or a list of them, as a sorted tuple."""
    if value is None:
        return ()
    return tuple(sorted(map(str, value))) if isinstance(value, list) else (str(value),)


def tidy(statements: Iterable[Statement]) -> tuple[Statement, ...]:
    """The same permissions in as few statements as that takes, sorted, whatever order and form they are given in.

    Statements with equal conditions become one where they have the same resources, then where they have the same
    actions, and so on until nothing is alike.
    """
    found, before = list(statements), -1
    while len(found) != before:
        before = len(found)
        found = _merged(_merged(found, lambda one: one.resources), lambda one: one.actions)
    return tuple(sorted(found, key=lambda one: (one.resources, *_terms(one))))


def _merged(statements: Iterable[Statement], alike: Callable[[Statement], tuple[str, ...]]) -> list[Statement]:
    merged: dict[tuple[tuple[str, ...], str, str], Statement] = {}
    for one in statements:
        key = (tuple(sorted(alike(one))), *_terms(one))
        had = merged.get(key, one)
        actions, resources = {*had.actions, *one.actions}, {*had.resources, *one.resources}
        reason = "; ".join(dict.fromkeys(filter(None, (had.reason, one.reason))))
        merged[key] = Statement(tuple(sorted(actions)), tuple(sorted(resources)), one.condition, one.effect, reason)
    return list(merged.values())


def _terms(one: Statement) -> tuple[str, str]:
    return json.dumps(one.condition, sort_keys=True), one.effect


def document(statements: Iterable[Statement]) -> str:
    """The policy document as compact JSON."""
    return _dump([_written(one) for one in statements])


def trust_document(services: Iterable[str]) -> str:
    """The trust policy that lets AWS services assume a role."""
    return _dump(
        [
            {"Effect": "Allow", "Principal": {"Service": _single(tuple(services))}, "Action": "sts:AssumeRole"},
        ]
    )


def read(policy: Mapping[str, Any] | str) -> tuple[Statement, ...]:
    """A policy document's statements. One that slx would never write keeps its whole text, so it shows as drift."""
    found = json.loads(policy) if isinstance(policy, str) else policy
    raw = found.get("Statement") or []
    return tidy(_read_one(one) for one in (raw if isinstance(raw, list) else [raw]))


def trusted_services(policy: Mapping[str, Any] | str) -> tuple[str, ...]:
    """The services that a trust policy lets in; any other kind of trust is shown by its text."""
    found = json.loads(policy) if isinstance(policy, str) else policy
    services: list[str] = []
    for one in found.get("Statement") or []:
        principal = one.get("Principal")
        plain = set(one) <= {"Sid", "Effect", "Principal", "Action"} and one.get("Effect") == "Allow"
        if (
            plain
            and isinstance(principal, dict)
            and set(principal) == {"Service"}
            and one["Action"] == "sts:AssumeRole"
        ):
            services.extend(listed(principal["Service"]))
        else:
            services.append(json.dumps(one, sort_keys=True))
    return tuple(sorted(services))


def _dump(statements: list[dict[str, Any]]) -> str:
    return json.dumps({"Version": VERSION, "Statement": statements}, separators=(",", ":"))


def _single(values: tuple[str, ...]) -> str | list[str]:
    return values[0] if len(values) == 1 else list(values)


def _written(one: Statement) -> dict[str, Any]:
    found: dict[str, Any] = {
        "Effect": one.effect,
        "Action": _single(one.actions),
        "Resource": _single(one.resources),
    }
    if one.condition:
        found["Condition"] = {
            operator: {key: _single(values) for key, values in keys.items()} for operator, keys in one.condition.items()
        }
    return found


def _read_one(one: Mapping[str, Any]) -> Statement:
    if not set(one) <= {"Sid", "Effect", "Action", "Resource", "Condition"}:
        return Statement((json.dumps(one, sort_keys=True),), ())
    condition = {
        operator: {key: listed(values) for key, values in keys.items()}
        for operator, keys in (one.get("Condition") or {}).items()
    }
    return Statement(listed(one.get("Action")), listed(one.get("Resource")), condition, str(one.get("Effect")))
