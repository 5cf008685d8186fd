"""The `slx` command: its subcommands, by name."""

from __future__ import annotations

import gc
import os
import sys
from contextlib import suppress

import click

from serverless_cli import __version__
from serverless_cli.cli.group import Root

_HERE = "serverless_cli.cli"
COMMANDS = {
    "up": (f"{_HERE}.up:up", "Make a stack as its blueprint says, and prove that it works."),
    "down": (f"{_HERE}.down:down", "Remove a stack, and prove that nothing is left."),
    "status": (f"{_HERE}.status:status", "Show every resource: in sync, drifted or missing."),
    "orphans": (f"{_HERE}.orphans:orphans", "List what carries slx's mark and is recorded nowhere."),
    "plan": (f"{_HERE}.plan:plan", "Show what `up` would do, field by field."),
    "outputs": (f"{_HERE}.outputs:outputs", "Print a stack's outputs, for scripts."),
    "check": (f"{_HERE}.check:check", "Run a stack's end-to-end checks."),
    "logs": (f"{_HERE}.logs:logs", "Print what the functions wrote, merged by time."),
    "invoke": (f"{_HERE}.invoke:invoke", "Call a function and print what it returned."),
    "watch": (f"{_HERE}.watch:watch", "Push code and content as files change."),
    "open": (f"{_HERE}.open:open_", "Open a stack's website in the browser."),
    "blueprints": (f"{_HERE}.blueprints:blueprints", "List the blueprints that ship with slx."),
    "init": (f"{_HERE}.init:init", "Copy a blueprint to start from."),
    "validate": (f"{_HERE}.validate:validate", "Check a blueprint without calling AWS."),
    "schema": (f"{_HERE}.schema:schema", "Print the JSON Schema of blueprints, for editors."),
    "state": (f"{_HERE}.state:state", "Look at the state, move it, or make a bucket for it."),
    "unlock": (f"{_HERE}.unlock:unlock", "Take a stack's lock away by force."),
    "local": (f"{_HERE}.local:local", "Start, stop, look at or empty the local target."),
}
_SHORT = """slx makes serverless AWS systems from blueprints, on AWS or on this machine.

  slx up website --local    a website with its API, here, without an account
  slx status --local        what there is, and whether somebody changed it
  slx down website --local  remove all of it

`slx --help` lists all commands, `slx COMMAND --help` explains one."""
_LONG = """Makes serverless AWS systems from blueprints, shows what they are, and removes them without a trace.

\b
Examples:
  slx up website --local    A website with its API on this machine; no account needed.
  slx up website            The same on AWS.
  slx init website          Copy the blueprint, to make it yours.
"""
_EPILOG = """Options come after the command. Flags go before SLX_* and AWS_* variables, and these before slx.yaml.
stdout is data, stderr is the story. slx sends nothing to anybody but AWS.

Completion: eval "$(_SLX_COMPLETE=bash_source slx)", or zsh_source, fish_source.

Exit codes: 0 done, 1 failed, 2 usage or blueprint, 3 credentials, 4 some resources or checks failed,
5 permission denied, 6 no such stack, 7 changes or drift (--exit-code), 8 cancelled, 9 timed out, 10 locked,
70 a bug in slx."""


@click.group(
    cls=Root, table=COMMANDS, invoke_without_command=True, help=_LONG, epilog=_EPILOG,
    context_settings={"help_option_names": ["--help", "-h"], "max_content_width": 100},
)  # fmt: skip
@click.version_option(__version__, "--version", "-V", prog_name="slx", message="%(prog)s %(version)s")
@click.pass_context
def cli(ctx: click.Context) -> None:
    if ctx.invoked_subcommand is None:
        click.echo(_SHORT)


_OBJECTS, _YOUNG, _OLD = 2_000_000, 2, 2
"""how many new objects, and then collections of the young, are worth a look for cycles: what a command loads at its
start is a million objects that stay, and to look through each of them once took a fourteenth of its CPU"""


def main() -> None:
    """The entry point. Leaves at once, without taking the interpreter apart: that took a fifth of a command's CPU, and
    all that matters is closed by then."""
    gc.set_threshold(_OBJECTS, _YOUNG, _OLD)
    try:
        cli.main()
    except SystemExit as end:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:  # closed by whoever started this
                with suppress(OSError, ValueError):
                    stream.flush()
        os._exit(end.code if isinstance(end.code, int) else int(end.code is not None))
