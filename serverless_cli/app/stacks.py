"""Which stack a command means: by name, by name/stage, by a blueprint, or the only one there is."""

from __future__ import annotations

import difflib
from collections.abc import Container
from dataclasses import replace

from serverless_cli.app import catalog, reality
from serverless_cli.app.reality import Search
from serverless_cli.app.session import Session
from serverless_cli.app.settings import Settings
from serverless_cli.aws.calls import Aws
from serverless_cli.errors import Exit, SlxError
from serverless_cli.model import Place, Record, Stack
from serverless_cli.names import STACK_OR_ID, STAGE
from serverless_cli.resources import KINDS, SPECS
from serverless_cli.state.journal import Journal


def recorded(session: Session) -> tuple[Place, ...]:
    """The stacks of this folder on the session's target."""
    keys = session.store.stacks()
    return tuple(session.place(key.stack, key.stage) for key in keys if key.target == session.target)


def meant(session: Session) -> tuple[Place, ...]:
    """Those of `recorded` that a command may mean: where a stage was asked for, of that one alone."""
    stage = session.settings.stage if session.settings.stage_given else None
    return tuple(place for place in recorded(session) if stage in (None, place.stage))


def choose(session: Session, stack: str | None) -> Place:
    """The one stack that is meant. Raises SlxError (usage) when that is not clear, (no such stack) when none is."""
    if stack:
        return named(session, stack)
    every = meant(session)
    known = [place for place in every if place.stage == session.settings.stage] or every
    if len(known) == 1:
        return known[0]
    if known:
        hint = "name one of: " + ", ".join(f"{place.stack}/{place.stage}" for place in every)
        raise SlxError("this folder has several stacks", hint=hint, exit_code=Exit.USAGE)
    if place := described(session):
        return place
    hint = "name it, or run this where its blueprint or the folder .slx is; `slx status --all` searches the account"
    others = ", ".join(f"{place.stack}/{place.stage}" for place in recorded(session))
    what = f"no stack of stage {session.settings.stage} is known here" if others else "no stack is known here"
    raise SlxError(what, others and f"there is {others}", hint, exit_code=Exit.NO_STACK)


def described(session: Session) -> Place | None:
    """The stack of this folder's blueprint; None where there is none, or a broken one."""
    try:
        return session.place(catalog.validate(session.settings, None).place.stack)
    except SlxError:
        return None


def named(session: Session, stack: str) -> Place:
    """`name` or `name/stage`; a name without a stage means the one that was asked for, else the only recorded one."""
    name, _, stage = stack.partition("/")
    if not STACK_OR_ID.fullmatch(name) or (stage and not STAGE.fullmatch(stage)):
        raise SlxError(f"{stack!r} cannot be a stack", "it wants NAME or NAME/STAGE", exit_code=Exit.USAGE)
    if stage:
        return session.place(name, stage)
    stages = [place.stage for place in recorded(session) if place.stack == name]
    only = len(stages) == 1 and not session.settings.stage_given
    return session.place(name, stages[0] if only else None)


def record(session: Session, place: Place) -> Record:
    """What the journal knows of a stack; incomplete when there is none."""
    return Journal.recall(session.store, session.key(place), SPECS)


def wish(settings: Settings, place: Place) -> Stack | None:
    """The blueprint of a stack whose record is lost, if it is in this folder or one of the shipped ones."""
    for blueprint in (None, place.stack):
        try:
            stack = catalog.read(catalog.find(blueprint, settings.folder), replace(settings, stage=place.stage), place)
        except SlxError:
            continue
        if stack.place.stack == place.stack:
            return stack
    return None


def missing(session: Session, place: Place) -> SlxError:
    """The error for a stack of which there is no trace: to be raised once it has been searched for."""
    known = [f"{one.stack}/{one.stage}" for one in recorded(session) if one != place]
    near = difflib.get_close_matches(f"{place.stack}/{place.stage}", known, 1)
    hint = f"did you mean {near[0]}?" if near else "`slx status --all` lists what there is"
    what = f"there is no stack {place.stack}/{place.stage} on {session.target}"
    return SlxError(what, "nothing is recorded, and nothing carries its mark", hint, exit_code=Exit.NO_STACK)


def trace(session: Session, place: Place) -> bool:
    """Whether anything is left of a stack: a record, or something with its mark.

    A record of nothing is one, too: of a `down` that was stopped before it had proven that nothing is left.
    """
    return place in recorded(session) or bool(found(session.aws, place).found)


def found(aws: Aws, place: Place, needed: Container[str] = KINDS) -> Search:
    """All that carries the stack's mark, for those without a record to go by: whatever its kind and its name, for a
    blueprint says nothing of what was in it before. `needed` as in `reality.search`."""
    return reality.found(aws, place, everywhere=True, needed=needed)
