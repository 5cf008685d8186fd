"""Which route of an HTTP API a request takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from serverless_cli.records import dataclass


@dataclass(frozen=True, slots=True)
class Match:
    """A route with the values of its path parameters."""

    route: Mapping[str, Any]
    parameters: Mapping[str, str]

    @property
    def key(self) -> str:
        return str(self.route["routeKey"])


def choose(routes: Iterable[Mapping[str, Any]], method: str, path: str) -> Match | None:
    """The route for a request, by AWS's order: whole paths, then greedy ones, then `$default`.

    Among equals the path with the earlier fixed segments wins, then a method before ANY.
    """
    best: tuple[tuple[Any, ...], Match] | None = None
    default = None
    for route in routes:
        if route["routeKey"] == "$default":
            default = Match(route, {})
            continue
        verb, _, template = route["routeKey"].partition(" ")
        if verb not in (method, "ANY"):
            continue
        parameters = match(template, path)
        if parameters is None:
            continue
        rank = (*_rank(template), verb != "ANY")
        if best is None or rank > best[0]:
            best = (rank, Match(route, parameters))
    return best[1] if best else default


def match(template: str, path: str) -> dict[str, str] | None:
    """The parameters with which a template becomes the path; None when it cannot."""
    wanted, given = template.split("/"), path.split("/")
    found: dict[str, str] = {}
    for index, segment in enumerate(wanted):
        if segment.startswith("{") and segment.endswith("+}"):
            rest = "/".join(given[index:])
            return found | {segment[1:-2]: rest} if rest else None
        if index >= len(given):
            return None
        if segment.startswith("{") and segment.endswith("}"):
            if not given[index]:
                return None
            found[segment[1:-1]] = given[index]
        elif segment != given[index]:
            return None
    return found if len(wanted) == len(given) else None


def _rank(template: str) -> tuple[bool, tuple[bool, ...]]:
    segments = template.split("/")
    return not segments[-1].endswith("+}"), tuple(not segment.startswith("{") for segment in segments)
