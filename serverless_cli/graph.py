"""Order in a graph of needs, on the standard library's graphlib. Knows no resources and no AWS."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import TypeVar

Node = TypeVar("Node", bound=Hashable)
Needs = Mapping[Node, frozenset[Node]]


def within(needs: Needs[Node]) -> dict[Node, frozenset[Node]]:
    """The same graph without needs that lead out of it."""
    return {node: frozenset(n for n in wanted if n in needs) for node, wanted in needs.items()}


def order(needs: Needs[Node]) -> tuple[Node, ...]:
    """Every node after all that it needs; nodes without order between them keep the order given.

    Raises graphlib.CycleError.
    """
    return tuple(TopologicalSorter(within(needs)).static_order())


def reverse(needs: Needs[Node]) -> dict[Node, frozenset[Node]]:
    """Who needs a node, instead of whom it needs: the order of teardown."""
    users: dict[Node, set[Node]] = {node: set() for node in needs}
    for node, wanted in within(needs).items():
        for need in wanted:
            users[need].add(node)
    return {node: frozenset(found) for node, found in users.items()}


def cycle(needs: Needs[Node]) -> tuple[Node, ...]:
    """One cycle as a closed path (first and last node are equal), or an empty tuple."""
    try:
        order(needs)
    except CycleError as error:
        return tuple(error.args[1])
    return ()


def upstream(needs: Needs[Node], start: Node) -> Iterator[Node]:
    """All that a node needs, directly or not, itself excluded."""
    seen: set[Node] = set()
    todo = list(needs.get(start, ()))
    while todo:
        node = todo.pop()
        if node not in seen:
            seen.add(node)
            yield node
            todo.extend(needs.get(node, ()))
