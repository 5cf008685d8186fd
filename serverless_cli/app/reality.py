"""Looks at what exists: every read at once, each in a thread of its own, since all of it is waiting for the network."""

from __future__ import annotations

from collections.abc import Callable, Container, Hashable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any, TypeVar

from serverless_cli.aws.calls import Aws
from serverless_cli.errors import Exit, Problem, SlxError
from serverless_cli.model import Found, Observed, Place, Ref, Stack
from serverless_cli.records import dataclass
from serverless_cli.remains import same_stack
from serverless_cli.resources import KINDS
from serverless_cli.resources.base import Here
from serverless_cli.resources.packages import with_packages

Key = TypeVar("Key", bound=Hashable)

AT_ONCE = 32


def observe(aws: Aws, heres: Mapping[Ref, Here]) -> dict[Ref, Observed | None]:
    """What each of these is like now. Raises the first error: a plan on half a look would be wrong."""
    reading = aws.reading()
    with ThreadPoolExecutor(AT_ONCE, "read") as pool:
        asked = {ref: pool.submit(_read, reading, here) for ref, here in heres.items()}
        return {ref: future.result() for ref, future in asked.items()}


def _read(reading: Aws, here: Here) -> Observed | None:
    kind = KINDS[here.ref.kind]
    # What nothing is recorded of is most likely not there, which one call tells where all of it takes several.
    if here.recorded is None and not here.outputs and kind.exists(reading, here) is None:
        return None
    return kind.read(reading, here)


def existing(aws: Aws, heres: Mapping[Key, Here]) -> dict[Key, Observed | None]:
    """Which of these are there, and whose they are: fewer calls than `observe` makes. Raises the first error."""
    reading = aws.reading()
    with ThreadPoolExecutor(AT_ONCE, "exists") as pool:
        asked = {key: pool.submit(KINDS[here.ref.kind].exists, reading, here) for key, here in heres.items()}
        return {key: future.result() for key, future in asked.items()}


def preflight(aws: Aws, heres: Mapping[Ref, Here]) -> tuple[Problem, ...]:
    """What would make the wish fail half-way, seen before any write."""

    def ask(here: Here) -> list[Problem]:
        return list(KINDS[here.ref.kind].preflight(aws, here, here.wish)) if here.wish else []

    with ThreadPoolExecutor(AT_ONCE, "preflight") as pool:
        found = pool.map(ask, heres.values())
        return tuple(problem for problems in found for problem in problems)


def standing(aws: Aws, heres: Iterable[Here]) -> tuple[tuple[Problem, ...], tuple[Problem, ...]]:
    """What would make deletions fail, and what else they do to things of others; what may not be looked at is left
    out: the deletion itself tells."""

    def ask(look: Callable[[Aws, Here], Iterable[Problem]], here: Here) -> list[Problem]:
        try:
            return list(look(aws, here))
        except SlxError:
            return []

    with ThreadPoolExecutor(AT_ONCE, "standing") as pool:
        asked = [
            (pool.submit(ask, kind.hindrances, here), pool.submit(ask, kind.loose_ends, here))
            for here in heres
            for kind in (KINDS[here.ref.kind],)
        ]
    return tuple(_all(one for one, _ in asked)), tuple(_all(one for _, one in asked))


def _all(asked: Iterable[Future[list[Problem]]]) -> Iterable[Problem]:
    return (problem for one in asked for problem in one.result())


def search(
    aws: Aws, place: Place | None, kinds: Container[str] = KINDS, needed: Container[str] = KINDS
) -> dict[str, tuple[Found, ...]]:
    """Everything of these kinds that carries the mark of a stack (None: of any), by kind.

    Kinds that the caller may not list are left out, unless they are `needed`. Raises the first other error.
    """
    reading = aws.reading()
    with ThreadPoolExecutor(AT_ONCE, "search") as pool:
        asked = {
            name: pool.submit(lambda kind: tuple(kind.search(reading, place)), kind)
            for name in KINDS
            if name in kinds and (kind := KINDS[name]).marked
        }
        results: dict[str, tuple[Found, ...]] = {}
        for name, future in asked.items():
            try:
                results[name] = future.result()
            except SlxError as error:
                if name in needed or error.exit_code is not Exit.DENIED:
                    raise
        return results


def found(
    aws: Aws, place: Place, *, everywhere: bool = False, kinds: Container[str] = KINDS, needed: Container[str] = KINDS
) -> Search:
    """Everything of these kinds that carries this stack's mark. Things that were given a name of their own are found
    only `everywhere`, which asks for the marks of all that the account has. `needed` as in `search`."""
    near = search(aws, place, kinds, needed)
    far = search(aws, None, kinds, needed) if everywhere else near
    unseen = {name for name in KINDS if name in kinds and KINDS[name].marked} - (near.keys() & far.keys())
    many = (one for by_kind in (near, far) for ones in by_kind.values() for one in ones)
    mine = (one for one in many if one.mark and same_stack(one.mark, place))
    return Search(
        tuple({(one.ref, one.name, *sorted(one.outputs.values())): one for one in mine}.values()), frozenset(unseen)
    )


@dataclass(frozen=True, slots=True)
class Search:
    """What was found, and the kinds that could not be searched through: the caller may not list them."""

    found: tuple[Found, ...]
    unseen: frozenset[str]


def looked(by_kind: Mapping[str, Iterable[Found]]) -> dict[str, int]:
    """How many of each kind a search has found to carry a mark; every kind that was searched for is there."""
    return {kind: sum(one.mark is not None for one in many) for kind, many in by_kind.items()}


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


def marks(found_: Iterable[Found], region: str) -> dict[tuple[str, str], list[Found]]:
    """What was found of the region, by the stack and stage of its mark: roles are the whole account's."""
    result: dict[tuple[str, str], list[Found]] = {}
    for one in found_:
        if one.mark and one.mark.region == region:
            result.setdefault((one.mark.stack, one.mark.stage), []).append(one)
    return result
