"""Starts, finds, stops and resets the emulator of a workspace."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import serverless_cli
from serverless_cli.errors import SlxError
from serverless_cli.local import client, locks
from serverless_cli.local.facts import Facts, Home, Instance, home_of, new_facts, state_home

ENGINE = "1.5.33"
_INSTALL = "pip install 'serverless-cli[local]'"
_START_S = 60.0
_STOP_S = 20.0
_LOG_LIMIT = 5_000_000
# Emulators that this process started: they outlive it, and are reaped here should they end before.
_started: list[subprocess.Popen[bytes]] = []
# What the emulator inherits: nothing that could change what it does, and no credentials.
_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "PYENV_ROOT", "SYSTEMROOT", "LD_LIBRARY_PATH", "VIRTUAL_ENV")


class _PortTakenError(Exception):
    """Something else took the port between choosing and binding it."""


def find(workspace: Path) -> Instance | None:
    """The workspace's emulator if it runs and proves that it is ours."""
    home = home_of(workspace)
    facts = home.read()
    if facts is None or locks.holder(home.server_lock) is None:
        return None
    return client.instance(home, facts)


def ensure(workspace: Path) -> Instance:
    """The workspace's emulator, started and ready; safe to call from many processes at once.

    Raises SlxError when it cannot start, with the end of its log.
    """
    running = find(workspace)
    if running is not None:
        return running
    home = home_of(workspace)
    home.make()
    with locks.exclusive(home.start_lock):
        running = find(workspace) or _left_starting(workspace, home)
        if running is not None:
            return running
        _check_engine()
        for _ in range(5):
            facts = _facts_for(home, workspace)
            try:
                return _start(home, facts)
            except _PortTakenError:
                # Something else has the remembered port: the next round chooses another.
                home.write(Facts(facts.workspace, 0, facts.access_key, facts.secret_key))
    raise SlxError("the local target cannot start", "no free port was found", "try again")


def stop(workspace: Path) -> bool:
    """Stop the emulator after it has saved its state; True when one was running."""
    home = home_of(workspace)
    if locks.holder(home.server_lock) is None:
        return False
    with locks.exclusive(home.start_lock):
        return _stop(home)


def reset(workspace: Path) -> None:
    """Stop the emulator and forget all that was created in it; its port and keys stay."""
    home = home_of(workspace)
    if not home.folder.is_dir():
        return
    with locks.exclusive(home.start_lock):
        _stop(home)
        for folder in (home.data, home.scratch):
            shutil.rmtree(folder, ignore_errors=True)


def instances() -> list[Instance]:
    """The running emulators of all workspaces of this user."""
    found = []
    for file in sorted(state_home().glob("*/instance.json")):
        facts = Home(file.parent).read()
        running = find(Path(facts.workspace)) if facts else None
        if running is not None:
            found.append(running)
    return found


def _check_engine() -> None:
    try:
        version = metadata.version("ministack")
    except metadata.PackageNotFoundError:
        raise SlxError("the local target is not installed", "ministack is missing", _INSTALL) from None
    if version != ENGINE:
        raise SlxError(
            "the local target does not fit", f"ministack {version} is installed, slx needs {ENGINE}", _INSTALL
        )


def _left_starting(workspace: Path, home: Home) -> Instance | None:
    """The emulator that somebody started who did not wait for it, or None when none runs."""
    deadline = time.monotonic() + _START_S
    while locks.holder(home.server_lock) is not None:
        running = find(workspace)
        if running is not None:
            return running
        if time.monotonic() > deadline:
            pid = locks.holder(home.server_lock)
            raise SlxError("the local target does not answer", f"process {pid} hangs", "slx local stop")
        time.sleep(0.05)
    return None


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _facts_for(home: Home, workspace: Path) -> Facts:
    known = home.read()
    if known is not None and known.port:
        return known
    port = _free_port()
    resolved = workspace.resolve()
    facts = Facts(str(resolved), port, known.access_key, known.secret_key) if known else new_facts(resolved, port)
    home.write(facts)
    return facts


def _start(home: Home, facts: Facts) -> Instance:
    home.failure_file.unlink(missing_ok=True)
    if home.log.exists() and home.log.stat().st_size > _LOG_LIMIT:
        home.log.replace(home.log.with_suffix(".log.1"))
    environment = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    environment["PYTHONPATH"] = str(Path(serverless_cli.__file__).resolve().parent.parent)
    command = [sys.executable, "-P", "-m", "serverless_cli.local.server", str(home.folder)]
    log = os.open(home.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd=home.folder,
            start_new_session=True,
        )
    finally:
        os.close(log)
    _started[:] = [process, *(child for child in _started if child.poll() is None)]
    return _until_ready(home, facts, process)


def _until_ready(home: Home, facts: Facts, process: subprocess.Popen[bytes]) -> Instance:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise _failure(home, process.returncode)
        running = client.instance(home, facts)
        if running is not None:
            return running
        time.sleep(0.02)
    process.kill()
    process.wait()
    raise SlxError(
        "the local target did not become ready", f"{_START_S:.0f} s have passed; its log ends with:\n{_tail(home)}"
    )


def _failure(home: Home, code: int) -> Exception:
    """What the emulator wrote down before it gave up, or the end of its log."""
    try:
        said = json.loads(home.failure_file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        why = f"it ended with code {code}; its log ends with:\n{_tail(home)}"
        return SlxError("the local target cannot start", why, f"see {home.log}")
    if said["kind"] == "port":
        return _PortTakenError()
    return SlxError(said["what"], said["why"], said["hint"])


def _tail(home: Home, lines: int = 15) -> str:
    try:
        return "\n".join(home.log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
    except OSError:
        return "(no log)"


def _stop(home: Home) -> bool:
    pid = locks.holder(home.server_lock)
    if pid is None:
        return False
    facts = home.read()
    asked = facts is not None and client.call(facts, "POST", "/_slx/stop") is not None
    for order in (None if asked else signal.SIGTERM, signal.SIGKILL):
        # The lock is held, so the id is the emulator's own and not one that was given to another process since.
        if order is not None and locks.holder(home.server_lock) == pid:
            os.kill(pid, order)
        if _wait(lambda: locks.holder(home.server_lock) is None, _STOP_S):
            return True
    raise SlxError("the local target does not stop", f"process {pid} ignores signals", f"see {home.log}")


def _wait(condition: Callable[[], bool], within_s: float) -> bool:
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
