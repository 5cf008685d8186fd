"""Talks to a running emulator's own endpoints."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
from pathlib import Path
from typing import Any

from serverless_cli.local import proof
from serverless_cli.local.facts import Facts, Home, Instance


def call(facts: Facts, method: str, path: str, timeout_s: float = 3.0) -> dict[str, Any] | None:
    """The answer of the emulator that knows the secret in `facts`; None when there is no such answer."""
    question = proof.ask(facts.secret_key, method, path)
    connection = http.client.HTTPConnection("127.0.0.1", facts.port, timeout=timeout_s)
    try:
        connection.request(method, path, headers={proof.HEADER: question})
        response = connection.getresponse()
        body = response.read()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    if not proof.answered(facts.secret_key, question, body, response.headers.get(proof.HEADER, "")):
        return None
    found: dict[str, Any] = json.loads(body)
    return found


def instance(home: Home, facts: Facts) -> Instance | None:
    """The emulator of `facts` if it runs and proves that it is ours."""
    health = call(facts, "GET", "/_slx/health")
    if health is None:
        return None
    return Instance(
        workspace=Path(facts.workspace),
        url=f"http://127.0.0.1:{facts.port}",
        port=facts.port,
        pid=int(health["pid"]),
        access_key=facts.access_key,
        secret_key=facts.secret_key,
        account=facts.account,
        region=facts.region,
        log=home.log,
        started_at=float(health["started_at"]),
    )


def _facts(found: Instance) -> Facts:
    return Facts(str(found.workspace), found.port, found.access_key, found.secret_key, found.account, found.region)


def notices(found: Instance) -> list[str]:
    """One line each of what a user should know, such as a function that runs on another Python than asked for."""
    health = call(_facts(found), "GET", "/_slx/health") or {}
    return [str(line) for line in health.get("notices", [])]


def memory_bytes(found: Instance) -> int:
    """Resident memory of the emulator and of the function processes that it keeps warm; 0 when it is gone."""
    health = call(_facts(found), "GET", "/_slx/health")
    if health is None:
        return 0
    return sum(_resident(int(pid)) for pid in (health["pid"], *health["workers"]))


def _resident(pid: int) -> int:
    table = Path(f"/proc/{pid}/statm")
    if table.parent.parent.joinpath("self").exists():
        try:
            return int(table.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        except OSError:
            return 0
    listed = subprocess.run(["/bin/ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return int(listed.stdout.strip() or 0) * 1024
