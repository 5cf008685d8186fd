"""`slx init`: a blueprint to start from."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from serverless_cli.cli import options
from serverless_cli.cli.session import Session
from serverless_cli.errors import Exit


@options.command(
    "init",
    "slx init website          Copies it into ./website.",
    "slx init website my-site  Copies it into ./my-site.",
    placed=False,
)
@click.argument("blueprint")
@click.argument("dir", required=False)
def init(it: Session, blueprint: str, dir: str | None) -> Exit:
    """Copies the shipped BLUEPRINT into DIR, with its code and files; left out, DIR has the blueprint's name.

    Nothing is written over.
    """
    folder = Path(dir or blueprint)
    made = it.app.copy(blueprint, it.folder / folder)
    if it.options.json:
        it.terminal.document({"folder": str(made.parent), "blueprint": str(made)})
    it.terminal.say(f"copied {blueprint} into {folder}")
    it.terminal.say(f"go on with: cd {shlex.quote(str(folder))} && slx up --local")
    return Exit.DONE
