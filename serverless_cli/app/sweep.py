"""Looking again after deletions: by lists and marks and at every name that was deleted, not with the verbs that delete.

A list may name for a while what is gone (SQS's for a minute), so that whatever it names is looked at itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from serverless_cli import execute
from serverless_cli.app import reality
from serverless_cli.aws.calls import Aws, NotYet
from serverless_cli.errors import Exit, SlxError
from serverless_cli.model import Found, Observed, Place, Ref, Step, Sweep
from serverless_cli.remains import same_stack
from serverless_cli.resources import KINDS
from serverless_cli.resources.base import Here

PATIENCE_S = 20.0
"""how long what is still there may take to go: IAM, SNS and EventBridge show for some seconds what was deleted"""


@dataclass(frozen=True, slots=True)
class _Suspect:
    """Something that a list names, or that was deleted."""

    found: Found
    here: Here


def clear_late(aws: Aws, place: Place, deleted: Iterable[Step]) -> None:
    """Removes once more what came back bare after it was deleted: Lambda may write to a log group after its function
    is gone."""
    _clear(aws, _there(aws.reading(), place, _named(place, deleted)))


def remains(aws: Aws, place: Place, deleted: Iterable[Step], kept: AbstractSet[tuple[str, str]] = frozenset()) -> Sweep:
    """What carries the stack's mark still, or is there again although it was deleted, with a mark or without.

    What came back late is cleared first. `kept` are kinds and names to pass over.
    """
    with ThreadPoolExecutor(1, "sweep") as pool:
        searched = pool.submit(reality.search, aws, place)
        there = _there(aws.reading(), place, _named(place, deleted))
        by_kind = searched.result()
    _clear(aws, there)
    marked = [one for many in by_kind.values() for one in many if one.mark and same_stack(one.mark, place)]
    listed = [_Suspect(one, Here(one.ref, one.name, place, one.outputs)) for one in marked if _thing(one) not in kept]
    still = _still(aws, place, [*listed, *there])
    told = {_thing(one) for one in still if one.mark}
    left = tuple(one for one in still if one.mark or _thing(one) not in told)
    known = kept | {_thing(one) for one in left}
    return Sweep(left, {kind: sum(_thing(one) in known for one in many) for kind, many in by_kind.items()})


def _named(place: Place, deleted: Iterable[Step]) -> list[_Suspect]:
    return [_Suspect(Found(step.ref, step.name, None), execute.here(place, step)) for step in deleted]


def _clear(aws: Aws, late: Iterable[_Suspect]) -> None:
    for one in late:
        kind = KINDS[one.here.ref.kind]
        if kind.adopts_bare:
            kind.delete(aws, one.here)


def _thing(one: Found) -> tuple[str, str]:
    return one.ref.kind, one.name


def _still(aws: Aws, place: Place, suspects: list[_Suspect]) -> list[Found]:
    """Those that exist, and go on existing."""
    reading, left = aws.reading(), suspects

    def ask() -> bool:
        nonlocal left
        left = _there(reading, place, left)
        if left:
            raise NotYet(f"{len(left)} still there")
        return True

    try:
        reading.wait("nothing to be left", ask, deadline_s=PATIENCE_S)
    except SlxError as error:
        if error.exit_code is not Exit.TIMED_OUT:
            raise
    return [one.found for one in left]


def _there(reading: Aws, place: Place, suspects: Sequence[_Suspect]) -> list[_Suspect]:
    """Those that exist now."""
    seen = reality.observe(reading, {Ref("", str(n)): one.here for n, one in enumerate(suspects)})
    return [one for n, one in enumerate(suspects) if _is_left(place, one, seen[Ref("", str(n))])]


def _is_left(place: Place, one: _Suspect, seen: Observed | None) -> bool:
    if seen is None or not _ours(place, seen):
        return False
    # A subscription that nobody confirmed cannot be removed from a topic that stays; it lapses by itself.
    return KINDS[one.here.ref.kind].marked or bool(seen.outputs) or not seen.note


def _ours(place: Place, seen: Observed) -> bool:
    """Whether it may be this stack's: what carries somebody else's mark was made since, or is another thing."""
    return seen.mark is None or same_stack(seen.mark, place)
