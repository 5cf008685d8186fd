"""`slx state` and `slx unlock`: the journal and the lock, when somebody has to look."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from serverless_cli.app import stacks
from serverless_cli.app.lost import look, mine
from serverless_cli.app.session import Session, endpoint, open_session, store
from serverless_cli.app.settings import Settings
from serverless_cli.errors import Exit, SlxError
from serverless_cli.model import Action, Observed, Place, Record, Ref, Stack, Step
from serverless_cli.records import dataclass
from serverless_cli.resources import SPECS
from serverless_cli.resources.base import Here
from serverless_cli.state import history, s3_bucket
from serverless_cli.state.address import S3Address
from serverless_cli.state.history import History
from serverless_cli.state.journal import Journal
from serverless_cli.state.lease import Holder
from serverless_cli.state.lock import lock
from serverless_cli.state.store import JOURNAL, NONE_YET, FileStore, StackKey, Store


def show(settings: Settings, stack: str | None) -> History:
    """The journal of a stack. Raises SlxError (no such stack) where there is none, not even a damaged copy."""
    with open_session(settings) as session:
        place = stacks.choose(session, stack)
        found = history.look(session.store, session.key(place))
        if not (found.lines or found.size or found.copies or found.holder):
            raise unrecorded(session, place)
        return found


def unrecorded(session: Session, place: Place) -> SlxError:
    """The error for a stack without a journal; nothing was searched for."""
    name = f"{place.stack}/{place.stage}"
    return SlxError(
        f"nothing is recorded of {name}",
        f"{session.store.where} has no journal of it for {session.target}",
        f"`slx status {name}` searches for what exists, `slx state repair {name}` records it",
        exit_code=Exit.NO_STACK,
    )


# Making a bucket


def create(settings: Settings, text: str) -> bool:
    """Makes the bucket of `s3://BUCKET/PREFIX`; False when it is there already, fit and not slx's. Raises SlxError."""
    address = S3Address.parse(text)
    if address is None:
        hint = "s3://BUCKET/PREFIX; the folder .slx needs no making"
        raise SlxError(f"{text} is no place in S3", hint=hint, exit_code=Exit.USAGE)
    with open_session(settings) as session:
        tls = not settings.local and not (endpoint(settings) or "").startswith("http:")
        return s3_bucket.create(session.aws, address, session.account, session.partition, tls=tls)


# Moving


def move(settings: Settings, stack: str | None, to: str) -> tuple[str, tuple[StackKey, ...]]:
    """Moves the state of a stack, or of all on the target, into another store: where that is, and which were moved.

    What is there is never written over. May be interrupted and run again. Raises SlxError.
    """
    with open_session(settings) as session:
        there = store(settings, session.aws, session.account, to)
        if there.where == session.store.where:
            raise SlxError(f"the state is in {there.where} already", exit_code=Exit.USAGE)
        keys = [session.key(place) for place in _meant(session, stack, there)]
        for key in keys:
            _move(session.store, there, key)
        return there.where, tuple(keys)


def _meant(session: Session, stack: str | None, there: Store) -> tuple[Place, ...]:
    if stack is None:
        found = stacks.meant(session)
        if not found:
            hint = "`slx status` shows what is known here, with --state as it was until now"
            raise SlxError(f"no stack has its state in {session.store.where}", hint=hint, exit_code=Exit.NO_STACK)
        return found
    place = stacks.named(session, stack)
    if session.store.names(session.key(place)):
        return (place,)
    if there.names(session.key(place)):
        return ()
    raise unrecorded(session, place)


def _move(here: Store, there: Store, key: StackKey) -> None:
    """Copies all, reads it back, and only then removes it here: the journal last, which makes the stack known."""
    with lock(here, key, command="state move"), lock(there, key, command="state move"):
        documents = {name: here.read(key, name) for name in sorted(here.names(key), key=lambda name: name == JOURNAL)}
        for name, document in documents.items():
            _copy(there, key, name, document.content)
        for name, document in documents.items():
            here.delete(key, name, document)


def _copy(there: Store, key: StackKey, name: str, content: bytes) -> None:
    if not there.read(key, name).version:
        there.write(key, name, NONE_YET, content)
    # Equal, or gone on since a move that was interrupted.
    if not there.read(key, name).content.startswith(content):
        raise SlxError(
            f"{there.where} has another {name} of stack {key}",
            "nothing is written over, and nothing was removed",
            "choose another place; or look at both with `slx state show`, and delete the one that is wrong",
        )


# Repairing


@dataclass(frozen=True, slots=True)
class Repaired:
    """What the record says now. `forgotten` is what does not exist any more, `foreign` what is not the stack's.

    `complete` is False where no blueprint was at hand to tell what carries no marks; `copies` are damaged journals.
    """

    place: Place
    where: str
    recorded: tuple[tuple[Ref, str], ...]
    forgotten: tuple[tuple[Ref, str], ...]
    foreign: tuple[tuple[Ref, str], ...]
    complete: bool
    copies: tuple[str, ...]


def repair(settings: Settings, stack: str | None) -> Repaired:
    """Makes the journal say what exists, as far as marks, names and the blueprint tell; changes nothing on AWS.

    What was applied last stays on record; of what is found anew it is unknown until the next `up`. What is configured
    is not taken over, as it may hold secrets. Raises SlxError (no such stack) when there is no trace of it.
    """
    with open_session(settings) as session:
        place = stacks.choose(session, stack)
        key = session.key(place)
        with (
            lock(session.store, key, command=f"state repair {place.stack}/{place.stage}") as lease,
            Journal.open(session.store, key, SPECS) as journal,
        ):
            before = journal.record
            wish = stacks.wish(session.settings, place)
            heres, seen = look(session, place, before, wish)
            verdicts = {ref: mine(heres[ref], seen[ref], before) for ref in heres}
            there = {ref for ref, verdict in verdicts.items() if verdict}
            if not there and not before.entries:
                raise stacks.missing(session, place)
            if not there:
                journal.forget()
            else:
                journal.start(lease.holder)
                if wish and not before.blueprint:
                    journal.describe(wish)
                _record(journal, before, wish, {ref: (heres[ref], seen[ref]) for ref in there})
                gone = [ref for ref in before.entries if ref not in there]
                journal.gone(*gone)
                if wish:
                    journal.searched()
            complete = journal.record.complete
        foreign = tuple((ref, heres[ref].name) for ref, verdict in verdicts.items() if verdict is False)
        return Repaired(
            place,
            session.store.where,
            tuple((ref, heres[ref].name) for ref in heres if ref in there),
            tuple((ref, entry.name) for ref, entry in before.entries.items() if ref not in there),
            foreign,
            complete,
            tuple(name for name in session.store.names(key) if name != JOURNAL),
        )


def _record(
    journal: Journal, before: Record, wish: Stack | None, there: dict[Ref, tuple[Here, Observed | None]]
) -> None:
    for ref, (here, seen) in there.items():
        thing = before.entries.get(ref) or (wish and wish.resources.get(ref))
        step = Step(
            Action.KEEP,
            ref,
            here.name,
            needs=thing.needs if thing else frozenset(),
            inside=thing.inside if thing else None,
            retain=thing.retain if thing else False,
        )
        journal.finish(step, None, seen.outputs if seen else here.outputs)


# Unlocking


@dataclass(frozen=True, slots=True)
class Lock:
    """A stack's lock as it was seen; `holder` None: nobody has it."""

    place: Place
    where: str
    holder: Holder | None
    _key: StackKey
    _store: Store

    def remove(self) -> None:
        """Takes it away from that holder. Raises SlxError when somebody else has it by now."""
        if self.holder:
            self._store.unlock(self._key, self.holder)


@contextmanager
def seen_lock(settings: Settings, stack: str | None) -> Iterator[Lock]:
    """The lock of a stack. Raises SlxError (locked) for one that nobody can remove: in files it is the process's."""
    with open_session(settings) as session:
        place = stacks.choose(session, stack)
        key = session.key(place)
        found = Lock(place, session.store.where, session.store.holder(key), key, session.store)
        if isinstance(session.store, FileStore):
            found.remove()
        yield found
