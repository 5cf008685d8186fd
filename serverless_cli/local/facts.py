"""What is remembered of a workspace's emulator, where it is kept, and what its URLs look like."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from dataclasses import asdict, field
from pathlib import Path

from serverless_cli.records import dataclass

ACCOUNT = "000000000000"
REGION = "us-east-1"


@dataclass(frozen=True, slots=True)
class Instance:
    """A running emulator; the keys are an administrator's, valid on this machine and in this instance only.

    `started_at` is in seconds since the epoch.
    """

    workspace: Path
    url: str
    port: int
    pid: int
    access_key: str
    secret_key: str = field(repr=False)
    account: str
    region: str
    log: Path
    started_at: float


@dataclass(frozen=True, slots=True)
class Facts:
    """What survives a restart of the emulator, so that URLs and keys stay what they were."""

    workspace: str
    port: int
    access_key: str
    secret_key: str = field(repr=False)
    account: str = ACCOUNT
    region: str = REGION


def new_facts(workspace: Path, port: int) -> Facts:
    """Facts with keys that nobody can guess: 80 random bits in the id, 240 in the secret."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
    access_key = "AKIA" + "".join(secrets.choice(alphabet) for _ in range(16))
    return Facts(str(workspace), port, access_key, secrets.token_urlsafe(30))


@dataclass(frozen=True, slots=True)
class Home:
    """The folder of one workspace's emulator."""

    folder: Path

    @property
    def facts_file(self) -> Path:
        return self.folder / "instance.json"

    @property
    def log(self) -> Path:
        return self.folder / "emulator.log"

    @property
    def data(self) -> Path:
        """Everything that `reset` forgets."""
        return self.folder / "data"

    @property
    def scratch(self) -> Path:
        """What can be made again: unpacked code, compiled modules."""
        return self.folder / "scratch"

    @property
    def failure_file(self) -> Path:
        return self.folder / "failure.json"

    @property
    def server_lock(self) -> Path:
        """Locked by the emulator while it lives; holds its process id."""
        return self.folder / "server.lock"

    @property
    def start_lock(self) -> Path:
        """Locked by whoever starts, stops or resets the emulator."""
        return self.folder / "start.lock"

    def make(self) -> None:
        """Create the folder, readable by its owner alone."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.folder.chmod(0o700)

    def read(self) -> Facts | None:
        """The remembered facts, or None when there are none that can be read."""
        try:
            return Facts(**json.loads(self.facts_file.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def write(self, facts: Facts) -> None:
        """Remember `facts`, at once or not at all, readable by the owner alone."""
        fresh = self.facts_file.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(asdict(facts), file)
        fresh.replace(self.facts_file)


def state_home() -> Path:
    """The folder of all emulators of this user."""
    own = os.environ.get("SLX_STATE_HOME")
    if own:
        return Path(own).resolve() / "local"
    base = os.environ.get("XDG_STATE_HOME")
    return (Path(base) if base else Path.home() / ".local" / "state") / "slx" / "local"


def home_of(workspace: Path) -> Home:
    """The home of a workspace's emulator; the folder need not exist."""
    resolved = str(workspace.resolve())
    return Home(state_home() / hashlib.sha256(resolved.encode()).hexdigest()[:12])


def site_url(port: int, bucket: str) -> str:
    """Where a bucket's website is; curl, Chromium and Firefox resolve `*.localhost` by themselves."""
    return f"http://{bucket}.s3-website.localhost:{port}"


def site_path_url(port: int, bucket: str) -> str:
    """The same website for clients that do not resolve `*.localhost`; it is another origin."""
    return f"http://127.0.0.1:{port}/_slx/site/{bucket}/"


def api_url(port: int, api_id: str, stage: str) -> str:
    """Where a stage of an HTTP API is, without a slash at the end."""
    return f"http://{api_id}.execute-api.localhost:{port}" + ("" if stage == "$default" else f"/{stage}")


def api_path_url(port: int, api_id: str, stage: str) -> str:
    """The same stage for clients that do not resolve `*.localhost`."""
    return f"http://127.0.0.1:{port}/_slx/api/{api_id}" + ("" if stage == "$default" else f"/{stage}")
