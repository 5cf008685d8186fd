"""One run of a command: its options, the console, the settings they lead to, and what the user is asked."""

from __future__ import annotations

import os
import shlex
import time
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from serverless_cli.cli.seam import App, Wiring
from serverless_cli.errors import Exit, SlxError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from serverless_cli.app.settings import Settings
    from serverless_cli.cli.options import Options
    from serverless_cli.model import Place
    from serverless_cli.timings import Watch
    from serverless_cli.ui.terminal import Terminal

# What shows help must not load rich or the application.
# ruff: noqa: PLC0415


class Session:
    """What a command works with."""

    def __init__(self, options: Options, wiring: Wiring) -> None:
        self.options = options
        self._wiring = wiring
        self._watch: Watch | None = None

    @property
    def app(self) -> App:
        return self._wiring.app

    @property
    def folder(self) -> Path:
        return self._wiring.folder or Path.cwd()

    @property
    def environ(self) -> Mapping[str, str]:
        return self._wiring.streams.environ if self._wiring.streams else os.environ

    @cached_property
    def terminal(self) -> Terminal:
        from serverless_cli.ui.terminal import Look, Terminal

        said = self.options
        look = Look(said.json, said.quiet, said.verbose or said.debug, not said.no_color, not said.no_input)
        return Terminal(look, self._wiring.streams)

    @cached_property
    def settings(self) -> Settings:
        """Flags, environment and project file merged. Raises SlxError, BlueprintError."""
        from serverless_cli.cli.precedence import merge

        project = self.app.project_file(self.folder)
        return merge(self.options, self.environ, self.folder, project, self.terminal, watch=self._watch)

    def timed(self) -> None:
        """From now on every call is timed; to be asked for before the settings. The process began when its CPU did."""
        from serverless_cli.timings import Watch

        self._watch = Watch(time.monotonic() - time.process_time())

    def phase(self, name: str) -> None:
        """A phase of that name has just ended."""
        if self._watch:
            self._watch.phase(name, time.monotonic())

    def report(self, document: object) -> None:
        """The last line of --json. Where the time went until then goes before it."""
        if self._watch:
            from serverless_cli.ui import timings

            self.terminal.record(timings.document(self._watch.result(time.monotonic())))
        self.terminal.record(document)

    def tell_times(self) -> None:
        """Says at the end where the time went, if that is timed; with --json that is said before the report."""
        if self._watch and not self.options.json:
            from serverless_cli.ui import timings

            self.terminal.alarm(timings.timings(self._watch.result(time.monotonic())))

    def target(self, place: Place) -> str:
        """Where a stack lives, in a word or two."""
        if self.settings.local:
            return "local"
        if self.settings.endpoint_url:
            return f"{self.settings.endpoint_url}, {place.region}"
        return f"account {place.account}, {place.region}"

    def again(self, *words: str | None) -> str:
        """The command to go on with: these words, and the options that say where."""
        said, line = self.options, ["slx", *(word for word in words if word)]
        for flag, given in (
            ("--stage", said.stage),
            ("--profile", said.profile),
            ("--region", said.region),
            ("--endpoint-url", said.endpoint_url),
            ("--state", said.state),
        ):
            line += [flag, given] if given else []
        return shlex.join([*line, *(["--local"] if said.local else [])])

    def must_ask(self) -> None:
        """Fails at once where a question will come up that nobody can answer. Raises SlxError (usage)."""
        if not self.options.yes and not self.terminal.asks:
            raise SlxError(
                "this needs your consent",
                "there is nobody to ask: no terminal, or --no-input, --json or CI is set",
                "give it with --yes",
                exit_code=Exit.USAGE,
            )

    def agrees(self, question: str) -> bool:
        """Whether the user wants it; --yes says so in advance."""
        if self.options.yes:
            return True
        self.must_ask()
        if self.terminal.ask(f"{question} [y/N]").lower() in ("y", "yes"):
            return True
        self.terminal.say("nothing was done")
        return False

    def names(self, place: Place) -> bool:
        """Whether the user names the stack, to remove data on a protected stage; on other stages nobody has to.

        Raises SlxError (usage) where that would have to be asked and cannot, or --confirm names another stack.
        """
        accepted = (place.stack, f"{place.stack}/{place.stage}")
        given = self.options.confirm
        if given is not None and given not in accepted:
            raise _unnamed(place, f"--confirm says {given}, and this is {accepted[1]}")
        if given is not None or place.stage not in self.settings.protected_stages:
            return True
        if not self.terminal.asks:
            raise _unnamed(place, f"slx.yaml protects stage {place.stage}")
        named = self.terminal.ask(f"Stage {place.stage} is protected. Type {place.stack} to go on:") in accepted
        if not named:
            self.terminal.say("nothing was done")
        return named


def _unnamed(place: Place, why: str) -> SlxError:
    hint = f"--confirm {place.stack} if that is meant"
    return SlxError("the stack must be named to remove data", why, hint, exit_code=Exit.USAGE)
