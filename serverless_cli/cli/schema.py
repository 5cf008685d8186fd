"""`slx schema`: what editors need to complete and check blueprints."""

from __future__ import annotations

from serverless_cli.cli import options
from serverless_cli.cli.session import Session
from serverless_cli.errors import Exit


@options.command(
    "schema",
    "slx schema > blueprint.schema.json",
    "# yaml-language-server: $schema=blueprint.schema.json   As first line of a blueprint.",
    placed=False,
)
def schema(it: Session) -> Exit:
    """Prints the JSON Schema of blueprints, for editors."""
    it.terminal.document(it.app.schema())
    return Exit.DONE
