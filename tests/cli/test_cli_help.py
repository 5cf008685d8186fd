import subprocess
import sys

import click
import pytest
from cli_fakes import Line

from serverless_cli import __version__
from serverless_cli.cli.main import COMMANDS, cli

EVERYWHERE = ("--stage", "--profile", "--region", "--local", "--state", "--json", "--yes", "--no-input", "--quiet",
              "--verbose", "--debug", "--no-color")  # fmt: skip
NAMES = [name for name in COMMANDS if name not in ("local", "state")]
HEAVY = ("boto3", "botocore", "rich", "yaml", "serverless_cli.app", "serverless_cli.ui")


def test_without_arguments_there_is_a_short_help_with_examples(slx: Line) -> None:
    ended = slx()

    assert ended.code == 0
    assert ended.out.count("  slx ") == 3
    assert len(ended.out.splitlines()) < 10


def test_help_lists_every_command_in_a_line(slx: Line) -> None:
    ended = slx("--help")

    assert ended.code == 0
    for name, (_, text) in COMMANDS.items():
        assert f"  {name:<12}{text}" in ended.out
    assert "_SLX_COMPLETE=bash_source" in ended.out


def test_the_version_is_one_line(slx: Line) -> None:
    assert slx("--version").out == f"slx {__version__}\n"


@pytest.mark.parametrize("name", ["local", "state"])
def test_a_group_alone_is_its_help(slx: Line, name: str) -> None:
    assert slx(name) == slx(name, "--help")
    assert slx(name).code == 0


@pytest.mark.parametrize("name", NAMES)
def test_help_of_a_command_begins_with_examples(slx: Line, name: str) -> None:
    ended = slx(name, "--help")

    assert ended.code == 0
    assert ended.out.startswith(f"Usage: slx {name} ")
    assert ended.out.index("Examples:") < ended.out.index("Options:")
    assert f"slx {name}" in ended.out.split("Examples:")[1].split("Options:")[0]


@pytest.mark.parametrize("name", NAMES)
def test_every_command_takes_the_options_of_every_command(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)

    assert command is not None
    taken = {flag for parameter in command.params for flag in parameter.opts}
    assert set(EVERYWHERE) <= taken


@pytest.mark.parametrize("name", COMMANDS)
def test_help_fits_a_terminal_of_80_columns(slx: Line, name: str) -> None:
    slx.environ = {"COLUMNS": "80"}

    assert max(map(len, slx(name, "--help").out.splitlines())) <= 80


@pytest.mark.parametrize("arg", ["--version", "--help", "up --help"])
def test_help_imports_nothing_heavy(arg: str) -> None:
    script = (
        "import sys\n"
        "from serverless_cli.cli.main import cli\n"
        "try:\n    cli.main()\n"
        "except SystemExit:\n    pass\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)\n"
    )

    ended = subprocess.run([sys.executable, "-c", script, *arg.split()], capture_output=True, text=True, check=True)

    assert ended.stderr == "[]\n"
