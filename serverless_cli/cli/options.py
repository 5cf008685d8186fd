"""The options that every command takes, and the kind of command that takes them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from serverless_cli.cli.seam import Wiring
from serverless_cli.cli.session import Session
from serverless_cli.errors import Exit
from serverless_cli.records import dataclass

F = TypeVar("F", bound=Callable[..., Any])
Body = Callable[..., Exit]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What was said on the command line or in SLX_* variables; None and False: nothing was said."""

    stage: str | None = None
    profile: str | None = None
    region: str | None = None
    local: bool = False
    endpoint_url: str | None = None
    state: str | None = None
    json: bool = False
    yes: bool = False
    no_input: bool = False
    quiet: bool = False
    verbose: bool = False
    debug: bool = False
    no_color: bool = False
    param: tuple[str, ...] = ()
    params: Path | None = None
    confirm: str | None = None


class Common(click.Option):
    """An option that all commands share: listed after a command's own in its help."""


_PLACE: tuple[tuple[tuple[str, ...], dict[str, Any]], ...] = (
    (("--stage", "-s"), {"envvar": "SLX_STAGE", "help": "The stage, such as dev or prod.  [default: dev]"}),
    (("--local",), {"is_flag": True, "envvar": "SLX_LOCAL",
                    "help": "Use the local target: no account, no credentials."}),
    (("--profile",), {"envvar": "SLX_PROFILE", "help": "The AWS profile to use."}),
    (("--region",), {"envvar": "SLX_REGION", "help": "The AWS region to use."}),
    (("--endpoint-url",), {"envvar": "SLX_ENDPOINT_URL", "help": "Talk to this endpoint instead of AWS."}),
    (("--state",), {"envvar": "SLX_STATE", "help": "Where the state is kept.  [default: .slx]"}),
)  # fmt: skip
_CONSOLE: tuple[tuple[tuple[str, ...], dict[str, Any]], ...] = (
    (("--json",), {"is_flag": True, "help": "Print one JSON document, or JSON lines, on stdout."}),
    (("--yes", "-y"), {"is_flag": True, "help": "Do not ask."}),
    (("--no-input",), {"is_flag": True, "envvar": "SLX_NO_INPUT", "help": "Never ask: fail instead."}),
    (("--quiet", "-q"), {"is_flag": True, "help": "Print data and errors only."}),
    (("--verbose", "-v"), {"is_flag": True, "help": "Print more, line by line."}),
    (("--debug",), {"is_flag": True, "envvar": "SLX_DEBUG", "help": "Print calls to AWS, and tracebacks."}),
    (("--no-color",), {"is_flag": True, "help": "Print without colours or live views."}),
)  # fmt: skip


class Command(click.Command):
    """A command whose help begins with examples, and which lists what all commands share last."""

    def __init__(self, *args: Any, examples: tuple[str, ...] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.examples = examples

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        if self.examples:
            with formatter.section("Examples"):
                for example in self.examples:
                    formatter.write(f"  {example}\n")
        super().format_help_text(ctx, formatter)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for title, shared in (("Options", False), ("Options of every command", True)):
            every = [one for one in self.get_params(ctx) if isinstance(one, click.Option)]
            options = [one for one in every if isinstance(one, Common) == shared]
            records = [record for one in options if (record := one.get_help_record(ctx))]
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)


def command(name: str, *examples: str, placed: bool = True) -> Callable[[Body], click.Command]:
    """Makes a command of a function that takes a Session, then its own arguments, and returns an exit code.

    `placed` is False where stage, region and the like mean nothing: they are taken all the same, but not shown.
    """

    def decorate(body: Body) -> click.Command:
        def run(**given: Any) -> Exit:
            context = click.get_current_context()
            names = {one.name for one in fields(Options)}
            options = Options(**_one_target(context, {key: given[key] for key in names & given.keys()}))
            wiring = context.find_object(Wiring)
            assert wiring is not None
            rest = {key: value for key, value in given.items() if key not in names}
            session = Session(options, wiring)
            try:
                code = body(session, **rest)
            except KeyboardInterrupt:
                # Click would write to the terminal, which may be what is gone.
                raise click.Abort from None
            session.terminal.finish()
            return code

        function: Any = run
        function.__doc__ = body.__doc__
        for declared, settings in reversed((*_PLACE, *_CONSOLE)):
            hidden = not placed and (declared, settings) in _PLACE
            function = click.option(*declared, cls=Common, hidden=hidden, **settings)(function)
        # click keeps parameters in the order in which the decorators ran: the last comes first
        function.__click_params__ = [*function.__click_params__, *getattr(body, "__click_params__", ())]
        return click.command(name, cls=Command, examples=examples)(function)

    return decorate


def _one_target(context: click.Context, given: dict[str, Any]) -> dict[str, Any]:
    """--local or --endpoint-url on the command line wins over the other one in the environment.

    The environment's state is kept with AWS, like the project file's: only a flag moves the local target's.
    """
    if given.get("local") and context.get_parameter_source("state") is ParameterSource.ENVIRONMENT:
        given = {**given, "state": None}
    others = {"local": ("endpoint_url", None), "endpoint_url": ("local", False)}
    for name, (other, nothing) in others.items():
        said = context.get_parameter_source(name) is ParameterSource.COMMANDLINE
        if said and context.get_parameter_source(other) is ParameterSource.ENVIRONMENT:
            return {**given, other: nothing}
    return given


def blueprint(function: F) -> F:
    """The argument BLUEPRINT: a path, or the name of one that ships with slx."""
    return click.argument("blueprint", required=False)(function)


def stack(function: F) -> F:
    """The argument STACK: `name` or `name/stage`."""
    return click.argument("stack", required=False)(function)


def parameters(function: F) -> F:
    """Values for the parameters of a blueprint."""
    path = click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path)
    function = click.option(
        "--params", metavar="FILE", type=path, help="Read parameters from a YAML or JSON file; - is stdin, for secrets."
    )(function)
    return click.option(
        "--param", "-p", metavar="KEY=VALUE", multiple=True, help="Set a parameter; can be given more than once."
    )(function)


def confirm(function: F) -> F:
    """The word for protected stages."""
    return click.option("--confirm", metavar="NAME", help="The stack's name, to remove data on a protected stage.")(
        function
    )
