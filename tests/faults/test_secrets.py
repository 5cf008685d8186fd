"""A secret parameter and AWS's credentials reach nothing that anybody could read: no file, no output, no child."""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from rig import PATIENCE_S, Folder, heeding, until

pytestmark = pytest.mark.strict

CANARY = 'c4n4ry"\\ü-6f1d'
"""with a quote, a backslash and a letter beyond ASCII: it looks different in JSON, in Python and in bytes"""
KEY, TOKEN = "c4n4ryKEY0123456789", "c4n4ryTOKEN0123456789"
BLUEPRINT = """\
name: hush
parameters:
  token: {secret: true}
resources:
  work:
    type: function
    code: ./code
    environment: {TOKEN: "${param.token}", MORE: "Bearer ${param.token}"}
  api: {type: http-api, routes: {GET /: work}}
outputs:
  url: ${api.url}
"""
PIP = """\
import os, sys
leaked = [name for name in os.environ if name.startswith(("AWS_", "SLX_"))]
sys.exit(f"leaked: {leaked}" if leaked else 0)
"""


def forms(secret: str) -> dict[str, bytes]:
    """How a secret may look in a file."""
    return {
        "plain": secret.encode(),
        "JSON": json.dumps(secret)[1:-1].encode(),
        "JSON with letters": json.dumps(secret, ensure_ascii=False)[1:-1].encode(),
        "Python": repr(secret)[1:-1].encode(),
        "base64": base64.b64encode(secret.encode())[:-4],
        "UTF-16": secret.encode("utf-16-le"),
    }


@dataclass
class Quiet:
    """The command as a process whose every file lies in one folder, and what it said so far."""

    folder: Folder
    root: Path
    secret: str = CANARY
    said: list[tuple[str, bytes]] = field(default_factory=list)

    def __call__(self, *words: str, given: bool = True) -> int:
        process = self.begin(*words, given=given)
        out, err = process.communicate(timeout=120)
        self.said.append((" ".join(words), out + err))
        return process.returncode

    def begin(self, *words: str, given: bool = True) -> subprocess.Popen[bytes]:
        home = {name: str(self.root / name) for name in ("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_STATE_HOME")}
        for path in home.values():
            Path(path).mkdir(exist_ok=True, mode=0o700)
        environment = {
            **self.folder.environment,
            **home,
            "AWS_SECRET_ACCESS_KEY": KEY,
            "AWS_SESSION_TOKEN": TOKEN,
            **({"SLX_PARAM_TOKEN": self.secret} if given else {}),
        }
        return subprocess.Popen(
            [sys.executable, "-m", "serverless_cli", *words],
            cwd=self.folder.path,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            preexec_fn=heeding,  # noqa: PLW1509 - no threads here
        )

    def leaks(self) -> list[str]:
        """Where any form of a secret is, in what was said and in every file, those of slx's own folders included."""
        places = [*self.said, *((str(path.relative_to(self.root)), path.read_bytes()) for path in self.files())]
        return [
            f"{place}: {form}"
            for place, content in places
            for secret in (CANARY, "second-" + CANARY, KEY, TOKEN)
            for form, text in forms(secret).items()
            if text in content
        ]

    def files(self) -> Iterator[Path]:
        return (path for path in self.root.rglob("*") if path.is_file() and not path.is_symlink())


@pytest.fixture
def quiet(website: Folder, tmp_path: Path) -> Quiet:
    folder = tmp_path / "hush"
    (folder / "code").mkdir(parents=True)
    (folder / "code" / "app.py").write_text("def handler(event, context):\n    return event\n")
    (folder / "blueprint.yaml").write_text(BLUEPRINT)
    return Quiet(Folder(folder, website.aws, website.region), tmp_path)


def test_a_whole_life_leaves_no_trace_of_it(quiet: Quiet):
    codes = [
        quiet("validate"),
        quiet("plan", "--json"),
        quiet("up", "--yes", "--no-checks", "--debug"),
        quiet("up", "--yes", "--no-checks", "--verbose"),
        quiet("status", "--json"),
        quiet("outputs"),
    ]
    quiet.secret = "second-" + CANARY
    codes += [
        quiet("plan"),
        quiet("up", "--yes", "--no-checks", "--json", "--debug"),
        quiet("up", "--yes", "--no-checks", given=False),
    ]
    functions = quiet.folder.aws.client("lambda", quiet.folder.region)
    held = functions.get_function_configuration(FunctionName="hush-dev-work")["Environment"]["Variables"]
    codes.append(quiet("down", "--yes", "--debug"))

    assert codes == [0] * len(codes), quiet.said[-1]
    assert held == {"TOKEN": quiet.secret, "MORE": f"Bearer {quiet.secret}"}
    assert quiet.leaks() == []


PLAIN = BLUEPRINT.replace(
    'environment: {TOKEN: "${param.token}", MORE: "Bearer ${param.token}"}', "environment: {OTHER: x}"
).replace("parameters:\n  token: {secret: true}\n", "")


@pytest.mark.parametrize("recorded", [True, False], ids=["recorded", "lost"])
def test_one_that_leaves_the_blueprint_is_not_told_on_its_way_out(quiet: Quiet, recorded: bool):
    codes = [quiet("up", "--yes", "--no-checks")]
    (quiet.folder.path / "blueprint.yaml").write_text(PLAIN)
    if not recorded:
        shutil.rmtree(quiet.folder.path / ".slx")

    for words in (("plan",), ("plan", "--json"), ("status",), ("status", "--json")):
        codes.append(quiet(*words, given=False))
    codes.append(quiet("up", "--yes", "--no-checks", "--verbose", "--debug", given=False))

    assert codes[0] == codes[-1] == 0, quiet.said[-1]
    assert b"environment.TOKEN: *** " in quiet.said[1][1]
    assert quiet.leaks() == []


def test_nor_is_one_that_was_put_there_by_hand(quiet: Quiet):
    (quiet.folder.path / "blueprint.yaml").write_text(PLAIN)
    codes = [quiet("up", "--yes", "--no-checks", given=False)]
    functions = quiet.folder.aws.client("lambda", quiet.folder.region)
    by_hand = {"Variables": {"OTHER": CANARY, "HAND": f"Bearer {CANARY}"}}
    functions.update_function_configuration(FunctionName="hush-dev-work", Environment=by_hand)

    for words in (("plan",), ("plan", "--json"), ("status",), ("status", "--json")):
        codes.append(quiet(*words, given=False))
    (quiet.folder.path / "blueprint.yaml").write_text(PLAIN.replace("outputs:", "  jobs: {type: queue}\noutputs:"))
    quiet.folder.aws.disturb(rules="none", fail=["sqs.CreateQueue:AccessDenied@403:9:no"])
    codes.append(quiet("up", "--yes", "--no-checks", "--rollback", "--verbose", "--debug", given=False))

    held = functions.get_function_configuration(FunctionName="hush-dev-work")["Environment"]
    assert codes[0] == 0, quiet.said[0]
    assert codes[-1] != 0, quiet.said[-1]
    assert held == by_hand, "it is there again, and told to nobody"
    assert b"environment.HAND: *** " in quiet.said[1][1]
    assert quiet.leaks() == []


ECHO = "Value '{TOKEN=" + CANARY + ", MORE=Bearer " + CANARY + "}' at 'environment.variables' failed, " + CANARY


@pytest.mark.parametrize("output", ["--debug", "--json", "--verbose"])
def test_an_answer_that_repeats_it_is_not_repeated(quiet: Quiet, output: str):
    quiet.folder.aws.reset(fail=[f"lambda.CreateFunction:InvalidParameterValueException:9:{ECHO}"])

    code = quiet("up", "--yes", "--no-checks", output)

    assert code == 4
    assert any(b"InvalidParameterValueException" in said for _, said in quiet.said)
    assert quiet.leaks() == []


@pytest.mark.parametrize("times", [1, 2])
def test_a_run_that_is_stopped_half_way_tells_nothing_of_it(quiet: Quiet, times: int):
    quiet.folder.aws.reset(latency_ms=300.0)
    process = quiet.begin("up", "--yes", "--no-checks", "--debug")
    until(lambda: "lambda.CreateFunction" in quiet.folder.aws.writes(), "the function being made")

    for _ in range(times):
        process.send_signal(signal.SIGINT)
        time.sleep(0.1)  # two signals at once are one
    out, err = process.communicate(timeout=PATIENCE_S)

    quiet.said.append(("stopped", out + err))
    assert process.returncode == 8, err
    assert quiet.leaks() == []


def test_its_files_are_the_users_alone(quiet: Quiet):
    assert quiet("up", "--yes", "--no-checks") == 0

    state = quiet.folder.path / ".slx"
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (state, *state.rglob("*"))}
    assert {path for path, mode in modes.items() if mode != (0o700 if path.is_dir() else 0o600)} == set()
    assert len(modes) > 4


def test_what_is_given_on_the_command_line_is_spread_no_further(quiet: Quiet):
    assert quiet("up", "--yes", "--no-checks", "-p", f"token={CANARY}", given=False) == 0

    quiet.said = [("up", said) for _, said in quiet.said]
    assert quiet.leaks() == []


def test_the_search_finds_what_is_there(quiet: Quiet):
    """Or else the tests above could not fail."""
    (quiet.root / "log").write_text(json.dumps({"token": CANARY}))
    quiet.said.append(("up", KEY.encode()))

    assert quiet.leaks() == ["up: plain", "up: JSON", "up: JSON with letters", "up: Python", "log: JSON"]


def test_children_are_given_neither_credentials_nor_parameters(monkeypatch: pytest.MonkeyPatch):
    from serverless_cli.packaging import pip

    given = {**os.environ, "AWS_SECRET_ACCESS_KEY": KEY, "AWS_SESSION_TOKEN": TOKEN, "SLX_PARAM_TOKEN": CANARY}

    made = pip._environment({**given, "PIP_INDEX_URL": "https://packages.example.com"})

    assert made["PIP_INDEX_URL"] == "https://packages.example.com"
    done = subprocess.run([sys.executable, "-c", PIP], env=made, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
