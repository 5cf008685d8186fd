"""`slx orphans`: what carries slx's mark in an account and region, and of which nothing is recorded here.

It only lists. Whoever keeps the state somewhere else may know of it all the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from serverless_cli import local
from serverless_cli.app import reality, stacks
from serverless_cli.app.session import Session, open_session
from serverless_cli.app.settings import Settings
from serverless_cli.model import Entry, Found, Orphan, Orphans, Place, Record, Ref, Stray
from serverless_cli.remains import IDENTITY
from serverless_cli.resources import KINDS
from serverless_cli.resources.base import Here

UNKNOWN = "it carries the stack's mark, and the stack's record does not know it"
BARE_GROUP = "it carries no mark, has a name as one of the stack's, and no function writes to it"
BARE_ROLE = "it lies where slx keeps roles, and carries no mark"
LAMBDA = "/aws/lambda/"


def orphans(settings: Settings) -> Orphans:
    """All such stacks, and single things. Raises SlxError: credentials, network, denied."""
    if settings.local and local.find(settings.folder) is None:
        return Orphans((), (), {})
    with open_session(settings) as session:
        by_kind = reality.search(session.aws, None)
        every = [one for many in by_kind.values() for one in many]
        recorded = {(place.stack, place.stage): place for place in stacks.recorded(session)}
        lost, strays = [], []
        for key, found in sorted(reality.marks(every, session.region).items()):
            if place := recorded.get(key):
                strays += [Stray(place, one, UNKNOWN) for one in _unknown(found, stacks.record(session, place))]
            else:
                lost.append(Orphan(session.place(*key), tuple(found)))
        places = [*recorded.values(), *(one.place for one in lost)]
        strays += _bare(session, places, (one for one in every if one.mark is None))
        return Orphans(tuple(lost), tuple(strays), reality.looked(by_kind))


def _unknown(found: Iterable[Found], record: Record) -> Iterator[Found]:
    for one in found:
        entries = (entry for entry in record.entries.values() if entry.ref.kind == one.ref.kind)
        if not any(_same(entry, one) for entry in entries):
            yield one


def _same(entry: Entry, one: Found) -> bool:
    """Whether an entry is of what was found: by what AWS calls it, and by its name where that tells things apart."""
    named = entry.ref.current == one.ref if KINDS[one.ref.kind].renames else entry.name == one.name
    own = {key: one.outputs[key] for key in IDENTITY if key in one.outputs}
    return named and all(entry.outputs.get(key, value) == value for key, value in own.items())


def _bare(session: Session, places: list[Place], found: Iterable[Found]) -> Iterator[Stray]:
    """What has lost its mark, or never had one, as far as its name or path gives it away."""
    for one in found:
        if one.ref.kind == "role":
            if f":role/slx/{session.region}/" in one.outputs.get("arn", ""):
                yield Stray(None, one, BARE_ROLE)
        elif place := _namesake(places, one):
            known = any(entry.name == one.name for entry in stacks.record(session, place).entries.values())
            if not known and not _written(session, place, one.name):
                yield Stray(place, one, BARE_GROUP)


def _namesake(places: list[Place], one: Found) -> Place | None:
    name = one.name.rpartition("/")[2]
    fitting = [place for place in places if name.startswith(f"{place.stack}-{place.stage}-")]
    return max(fitting, key=lambda place: len(place.stack), default=None)


def _written(session: Session, place: Place, group: str) -> bool:
    """Whether there is a function that writes to the log group, whoever's it is."""
    if not group.startswith(LAMBDA):
        return False
    name = group.removeprefix(LAMBDA)
    return KINDS["function"].read(session.aws, Here(Ref("function", name), name, place)) is not None
