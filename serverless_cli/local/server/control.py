"""The emulator's own endpoints, `/_slx/...`, for slx's command line alone."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable

from serverless_cli.local import proof
from serverless_cli.local.server.asgi import Request, Response
from serverless_cli.local.server.context import Here


class Control:
    """Answers health and stop to who proves to know the instance's secret, and nothing to anyone else."""

    def __init__(self, here: Here, workers: Callable[[], list[int]]) -> None:
        self._here = here
        self._workers = workers
        self.stopped = asyncio.Event()

    def answer(self, request: Request) -> Response:
        """The answer carries a proof of its own, so that the caller knows whom it talks to."""
        secret, question = self._here.facts.secret_key, request.headers.get(proof.HEADER, "")
        fetched_by_page = "origin" in request.headers or "sec-fetch-site" in request.headers
        if fetched_by_page or not proof.asked(secret, request.method, request.path, question):
            return Response(403, (("content-type", "application/json"),), b'{"message":"not open"}')
        if (request.method, request.path) == ("GET", "/_slx/health"):
            found = {
                "pid": os.getpid(),
                "started_at": self._here.started_at,
                "workers": self._workers(),
                "notices": self._here.notices,
            }
        elif (request.method, request.path) == ("GET", "/_slx/notices"):
            found = {"notices": self._here.notices}
        elif (request.method, request.path) == ("POST", "/_slx/stop"):
            self.stopped.set()
            found = {"pid": os.getpid()}
        else:
            return Response(404, (("content-type", "application/json"),), b'{"message":"no such endpoint"}')
        body = json.dumps(found).encode()
        return Response(
            200, (("content-type", "application/json"), (proof.HEADER, proof.answer(secret, question, body))), body
        )
