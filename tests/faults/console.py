"""The command line, run in this process as users run it: exit code, stdout and stderr."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from typing import Any

from rig import Folder

from serverless_cli.cli.compose import Slx
from serverless_cli.cli.main import cli
from serverless_cli.cli.seam import Wiring
from serverless_cli.ui.terminal import Streams


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def last(self) -> dict[str, Any]:
        """The last JSON document on stdout."""
        lines = self.out.strip().splitlines()
        found = json.loads(lines[-1]) if lines else {}
        return found if isinstance(found, dict) else {}


def slx(folder: Folder, *words: str) -> Done:
    """Runs `slx` with these words in the folder. The environment must be the folder's."""
    out, err = io.StringIO(), io.StringIO()
    streams = Streams(io.StringIO(), out, err, folder.environment)
    try:
        cli.main(list(words), obj=Wiring(Slx(), streams, folder.path))
    except SystemExit as end:
        return Done(int(end.code or 0), out.getvalue(), err.getvalue())
    raise AssertionError("a command must end with an exit code")
