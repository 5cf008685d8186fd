"""`slx plan`: what `up` would do. Takes no lock and writes nothing."""

from __future__ import annotations

from dataclasses import replace

from serverless_cli import plan
from serverless_cli.app import catalog
from serverless_cli.app.session import open_session
from serverless_cli.app.settings import Settings
from serverless_cli.app.up import SPECS, draft, sketch
from serverless_cli.model import Plan, Stack
from serverless_cli.state.journal import Journal


def preview(settings: Settings, blueprint: str | None) -> tuple[Stack, Plan]:
    """The stack and the plan; what is in the way is among the plan's obstacles."""
    path = catalog.find(blueprint, settings.folder)
    name = sketch(path, settings).place.stack
    with open_session(settings) as session:
        record = Journal.recall(session.store, session.key(session.place(name)), SPECS)
        stack, made, problems = draft(session, path, settings, record)
        notes = (*made.notes, *plan.guard(made, frozenset()))
        return stack, replace(made, obstacles=(*problems, *made.obstacles), notes=notes)
