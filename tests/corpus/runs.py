"""The real command over the corpus, in this process, and what must hold after each run."""

from __future__ import annotations

import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cases import BLUEPRINT, Said
from click.testing import CliRunner

from serverless_cli.cli.compose import Slx
from serverless_cli.cli.main import cli
from serverless_cli.cli.seam import Wiring

VALIDATE = ("validate", f"./{BLUEPRINT}")
UP = ("up", f"./{BLUEPRINT}", "--yes", "--no-checks")


@dataclass
class Endpoint:
    """Something that listens where AWS would, answers nobody, and counts who came."""

    url: str
    came: list[str] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "AKIACORPUS",
            "AWS_SECRET_ACCESS_KEY": "none",
            "AWS_REGION": "eu-central-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }


@contextmanager
def counting() -> Iterator[Endpoint]:
    """An endpoint until the end of the `with`."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        found = Endpoint(f"http://127.0.0.1:{server.getsockname()[1]}")
        ended = threading.Event()

        def serve() -> None:
            while True:
                connection, address = server.accept()
                connection.close()
                if ended.is_set():
                    return
                found.came.append(str(address))

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield found
        finally:
            ended.set()
            socket.create_connection(server.getsockname()).close()
            thread.join()


def slx(endpoint: Endpoint, *words: str) -> Said:
    """Runs `slx words` here; the blueprint is that of the folder one is in."""
    ended = CliRunner(env=endpoint.environment).invoke(cli, words, obj=Wiring(Slx()))
    return Said(ended.exit_code, ended.stdout, ended.stderr)


def reports() -> set[Path]:
    """The reports of bugs that were written so far."""
    return set(Path(tempfile.gettempdir()).glob("slx-bug-*"))
