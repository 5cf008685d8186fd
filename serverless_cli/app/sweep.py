"""Looking again after deletions: by lists and marks and at every name that was deleted, not with the verbs that delete.

A list may name for a while what is gone (SQS's for a minute), so that whatever it names is looked at itself.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from collections.abc import Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor

from serverless_cli import execute
from serverless_cli.app import reality
from serverless_cli.aws.calls import Aws, NotYet
from serverless_cli.errors import Exit, SlxError
from serverless_cli.model import Found, Observed, Place, Step, Sweep
from serverless_cli.records import dataclass
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
    _clear(aws, place, _there(aws.reading(), place, _named(place, deleted)))


def remains(
    aws: Aws,
    place: Place,
    deleted: Iterable[Step],
    kept: AbstractSet[tuple[str, str]] = frozenset(),
    *,
    kinds: Container[str] = KINDS,
    unseen: AbstractSet[str] = frozenset(),
) -> Sweep:
    """What carries the stack's mark still, or is there again although it was deleted, with a mark or without.

    What came back late is cleared first. `kept` are kinds and names to pass over; `kinds` those to search through,
    where others have been searched through in vain since the stack was locked, but for the `unseen`: those that the
    caller may not list, of which only the names that were deleted can be looked at.
    """
    steps = tuple(deleted)
    reading = aws.reading()  # what is listed for the search need not be listed again to look at what was deleted
    with ThreadPoolExecutor(1, "sweep") as pool:
        searched = pool.submit(reality.search, reading, place, kinds, ())
        there = _there(reading, place, _named(place, steps))
        by_kind = searched.result()
    _clear(aws, place, there)
    marked = [one for many in by_kind.values() for one in many if one.mark and same_stack(one.mark, place)]
    mine = [one for one in marked if _thing(one) not in kept]
    strays = [one for one in mine if not any(is_of(step, one) for step in steps)]  # nothing makes these go
    listed = [_Suspect(one, Here(one.ref, one.name, place, one.outputs)) for one in mine if one not in strays]
    still = [*strays, *_still(aws, place, [*listed, *there])]
    told = {_thing(one) for one in still if one.mark}
    left = tuple(one for one in still if one.mark or _thing(one) not in told)
    known = kept | {_thing(one) for one in left}
    every = [kind for kind in KINDS if KINDS[kind].marked]
    hidden = unseen | {kind for kind in every if kind in kinds} - by_kind.keys()
    looked = {kind: sum(_thing(one) in known for one in by_kind.get(kind, ())) for kind in every if kind not in hidden}
    return Sweep(left, looked, tuple(kind for kind in every if kind in hidden))


def is_of(step: Step, found: Found) -> bool:
    """Whether what was found is what the step is about."""
    same = step.ref.kind == found.ref.kind and step.name == found.name
    return same and (not KINDS[step.ref.kind].renames or found.outputs.items() <= step.outputs.items())


def _named(place: Place, deleted: Iterable[Step]) -> list[_Suspect]:
    return [_Suspect(Found(step.ref, step.name, None), execute.here(place, step)) for step in deleted]


def _clear(aws: Aws, place: Place, late: Iterable[_Suspect]) -> None:
    for one in late:
        kind = KINDS[one.here.ref.kind]
        seen = kind.exists(aws, one.here) if kind.adopts_bare else None
        if seen and (seen.bare or (seen.mark and same_stack(seen.mark, place))):
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
    seen = reality.existing(reading, {number: one.here for number, one in enumerate(suspects)})
    return [one for number, one in enumerate(suspects) if _is_left(place, one, seen[number])]


def _is_left(place: Place, one: _Suspect, seen: Observed | None) -> bool:
    if seen is None or not _ours(place, seen):
        return False
    # A subscription that nobody confirmed cannot be removed from a topic that stays; it lapses by itself.
    return KINDS[one.here.ref.kind].marked or bool(seen.outputs) or not seen.note


def _ours(place: Place, seen: Observed) -> bool:
    """Whether it may be this stack's: what carries somebody else's mark was made since, or is another thing."""
    return seen.mark is None or same_stack(seen.mark, place)
