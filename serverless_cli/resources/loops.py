"""Circles in which a function causes what calls it: such a loop never ends and is paid for by the call.

What is followed: `access` that does more than read, destinations, subscriptions, dead letters, delivery streams, and
triggers; a bucket only where the prefixes fit. What a function does through a role of its own is not known.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

from serverless_cli.errors import Problem
from serverless_cli.resources import access
from serverless_cli.resources.base import Declared, Scope
from serverless_cli.resources.triggers import TriggerKeys, ends

Stop = tuple[str, str]
"""an id, and of a bucket the prefix under which something is written"""

_CAUSES = {"s3:ObjectCreated": "s3:PutObject", "s3:ObjectRemoved": "s3:DeleteObject"}


def problems(it: Declared[Any], scope: Scope) -> Iterator[Problem]:
    """Buckets that call the function for what it may itself do to them."""
    for number, one in enumerate(it.keys.triggers):
        if one.bucket and not one.allow_loop and _writes_under(it, one, scope):
            below = f"{one.bucket}/{one.prefix}" if one.prefix else one.bucket
            yield Problem(
                f"{it.id} may write where it is triggered: {below}",
                "each object that it writes would call it again, without end",
                f"narrow one of the two to a prefix, as in `access: {{{one.bucket}: {{write: out/*}}}}`, "
                "or say `allow_loop: true`",
                it.line("triggers", number, "bucket"),
            )


def warnings(it: Declared[Any], scope: Scope) -> Iterator[Problem]:
    """Ways from a function back to one of its triggers; each circle is told of at its first function."""
    order = [other.id for other in scope.every()]
    for number, one in enumerate(it.keys.triggers):
        if one.allow_loop or one.sources[0] in ("schedule", "bus"):
            continue
        way = _way(it, one, scope)
        functions = [id for id in way if (found := scope.declared(id)) and found.type == "function"]
        if way and order.index(it.id) == min(map(order.index, functions)):
            yield Problem(
                f"{it.id} may call itself without end",
                " → ".join((*way, it.id)),
                "say `allow_loop: true` here if it ends by itself",
                it.line("triggers", number),
            )


def _writes_under(it: Declared[Any], one: TriggerKeys, scope: Scope) -> bool:
    causes = {action for event in one.what for group, action in _CAUSES.items() if event.startswith(group)}
    return any(
        target == one.bucket
        and _meet(prefix, one.prefix)
        and any(causes & set(statement.actions) for statement in scope.grants(target, verb, prefix))
        for target, verb, prefix in access.wanted(it.keys.access)
    )


def _meet(one: str, other: str) -> bool:
    """Whether some key begins with both."""
    return one.startswith(other) or other.startswith(one)


def _way(it: Declared[Any], one: TriggerKeys, scope: Scope) -> tuple[str, ...]:
    """The shortest way from the function to the source of its trigger; empty when there is none."""
    todo: deque[tuple[Stop, tuple[str, ...]]] = deque([((it.id, ""), (it.id,))])
    seen = {(it.id, "")}
    while todo:
        stop, way = todo.popleft()
        if stop[0] == one.names and _meet(stop[1], one.prefix):
            return () if one.bucket and len(way) == 2 else way  # the function's own writing is a problem already
        for further in _further(stop, scope):
            if further not in seen:
                seen.add(further)
                todo.append((further, (*way, further[0])))
    return ()


def _further(stop: Stop, scope: Scope) -> Iterator[Stop]:
    """What something sets in motion."""
    it = scope.declared(stop[0])
    if it is None:
        return
    yield from _called(stop, scope)
    if it.existing:
        return
    if it.type == "function":
        yield from ((target, prefix) for target, verb, prefix in access.wanted(it.keys.access) if verb != "read")
        yield from ((id, "") for id in ends(it).values())
    elif it.type == "topic":
        yield from ((id, "") for one in it.keys.subscriptions for id in (one.queue, one.function) if id)
    elif it.type == "queue" and it.keys.dead_letter:
        dead = it.keys.dead_letter
        yield (dead if isinstance(dead, str) else dead.to), ""
    elif it.type == "delivery-stream":
        transform = it.keys.transform
        if transform:
            yield (transform if isinstance(transform, str) else transform.function), ""
        yield it.keys.to.bucket, it.keys.to.prefix.partition("!{")[0]


def _called(stop: Stop, scope: Scope) -> Iterator[Stop]:
    """The functions that a source calls, and the delivery streams that read it."""
    for other in scope.every():
        if not other.existing and other.id != stop[0] and _listens(other, stop):
            yield other.id, ""


def _listens(other: Declared[Any], stop: Stop) -> bool:
    if other.type == "delivery-stream":
        return bool(other.keys.from_ == stop[0])
    return other.type == "function" and any(
        len(one.sources) == 1 and one.names == stop[0] and not one.allow_loop and _meet(stop[1], one.prefix)
        for one in other.keys.triggers
    )
