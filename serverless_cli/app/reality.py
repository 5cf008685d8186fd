"""Looks at what exists: every read at once, each in a thread of its own, since all of it is waiting for the network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from serverless_cli.aws.calls import Aws
from serverless_cli.errors import Problem
from serverless_cli.model import Found, Observed, Place, Ref, Stack
from serverless_cli.remains import same_stack
from serverless_cli.resources import KINDS
from serverless_cli.resources.base import Here
from serverless_cli.resources.packages import with_packages

AT_ONCE = 32


def observe(aws: Aws, heres: Mapping[Ref, Here]) -> dict[Ref, Observed | None]:
    """What each of these is like now. Raises the first error: a plan on half a look would be wrong."""
    reading = aws.reading()
    with ThreadPoolExecutor(AT_ONCE, "read") as pool:
        asked = {ref: pool.submit(KINDS[ref.kind].read, reading, here) for ref, here in heres.items()}
        return {ref: future.result() for ref, future in asked.items()}


def preflight(aws: Aws, heres: Mapping[Ref, Here]) -> tuple[Problem, ...]:
    """What would make the wish fail half-way, seen before any write."""

    def ask(here: Here) -> list[Problem]:
        return list(KINDS[here.ref.kind].preflight(aws, here, here.wish)) if here.wish else []

    with ThreadPoolExecutor(AT_ONCE, "preflight") as pool:
        found = pool.map(ask, heres.values())
        return tuple(problem for problems in found for problem in problems)


def search(aws: Aws, place: Place | None) -> dict[str, tuple[Found, ...]]:
    """Everything that carries the mark of a stack (None: of any), by kind."""
    reading = aws.reading()
    with ThreadPoolExecutor(AT_ONCE, "search") as pool:
        asked = {
            name: pool.submit(lambda kind: tuple(kind.search(reading, place)), kind)
            for name, kind in KINDS.items()
            if kind.marked
        }
        return {name: future.result() for name, future in asked.items()}


def found(aws: Aws, place: Place) -> tuple[Found, ...]:
    """Everything that carries this stack's mark."""
    return tuple(
        one for many in search(aws, place).values() for one in many if one.mark and same_stack(one.mark, place)
    )


def prepare(stack: Stack) -> Stack:
    """The stack with packages built and files digested, at once, and a bucket for packages that fit into no call.

    Raises SlxError for what cannot be read.
    """

    def one(spec: Any, kind: str) -> Any:
        return KINDS[kind].prepare(spec)

    with ThreadPoolExecutor(4, "prepare") as pool:
        mine = {ref: r for ref, r in stack.resources.items() if not r.existing}
        done = {ref: pool.submit(one, r.spec, ref.kind) for ref, r in mine.items()}
        ready = {ref: replace(mine[ref], spec=future.result()) for ref, future in done.items()}
    return with_packages(replace(stack, resources={ref: ready.get(ref, r) for ref, r in stack.resources.items()}))


def marks(found_: Iterable[Found]) -> dict[tuple[str, str], list[Found]]:
    """What was found, by the stack and stage of its mark."""
    result: dict[tuple[str, str], list[Found]] = {}
    for one in found_:
        if one.mark:
            result.setdefault((one.mark.stack, one.mark.stage), []).append(one)
    return result
