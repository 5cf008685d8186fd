"""`slx plan`: what `up` would do. Takes no lock and writes nothing."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace

from serverless_cli import plan
from serverless_cli.app import catalog
from serverless_cli.app.session import Session, looking
from serverless_cli.app.settings import Settings
from serverless_cli.app.up import draft, sketch
from serverless_cli.model import Plan, Stack
from serverless_cli.resources import SPECS
from serverless_cli.state.journal import Journal


def preview(settings: Settings, blueprint: str | None) -> tuple[Stack, Plan]:
    """The stack and the plan; what is in the way is among the plan's obstacles."""
    path = catalog.find(blueprint, settings.folder)
    name, kinds = sketch(path, settings)

    def look(session: Session) -> nullcontext[tuple[Stack, Plan]]:
        record = Journal.recall(session.store, session.key(session.place(name)), SPECS)
        stack, made, problems = draft(session, path, settings, record)
        notes = (*made.notes, *plan.guard(made, frozenset()))
        return nullcontext((stack, replace(made, obstacles=(*problems, *made.obstacles), notes=notes)))

    with looking(settings, look, kinds) as found:
        return found
