"""`slx schema`: what editors need to complete and check blueprints."""

from __future__ import annotations

from serverless_cli.cli import options
from serverless_cli.cli.session import Session
from serverless_cli.errors import Exit


@options.command(
    "schema",
    "slx schema > blueprint.schema.json",
    placed=False,
)
def schema(it: Session) -> Exit:
    """Prints the JSON Schema of blueprints, for editors that complete and check YAML.

    Many read a blueprint's first line: # yaml-language-server: $schema=blueprint.schema.json
    """
    it.terminal.document(it.app.schema())
    return Exit.DONE
