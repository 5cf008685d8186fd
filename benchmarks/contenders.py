"""Who races for the website stack: each makes it, leaves it, changes its code, looks at it, and removes it."""

from __future__ import annotations

import os
import shutil
import sys
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.emulator import RIG
from benchmarks.process import program, run, slx

PHASES = ("cold up", "no-op up", "code-only up", "status", "down")
HERE = Path(__file__).resolve().parent
SITE = RIG / "peers" / "site"
Commands = Mapping[str, list[str]]

BLUEPRINT = """name: site
resources:
  hello: {type: function, code: ./function, handler: handler.handler, runtime: python3.12, timeout_s: 10}
  api: {type: http-api, cors: {allow_origins: ["*"], allow_methods: [GET, OPTIONS]}, routes: {GET /hello: hello}}
  site: {type: bucket, access: public-read, website: {index: index.html, error: error.html}, content: ./site}
"""

CHALICE_APP = """from chalice import Chalice
from chalice.deploy.swagger import SwaggerGenerator
app = Chalice(app_name="site-fn")
generate = SwaggerGenerator.generate_swagger


def described(self, *given):
    document = generate(self, *given)
    del document["swagger"]  # moto takes OpenAPI 3 only, with a description, and no CORS
    document["info"]["description"] = ""
    return {"openapi": "3.0.1", **document}


SwaggerGenerator.generate_swagger = described


@app.route("/hello")
def hello():
    return {"message": "Hello, world!", "version": 1}
"""


@dataclass
class Contender(ABC):
    """`slow` ones run once, at the highest latency. `code` is the file, in its folder, that a code change touches."""

    name: str
    slow: bool = False
    code: str = "site/handler.py"
    env: dict[str, str] = field(default_factory=dict)

    def missing(self) -> str:
        """Why it cannot race here; empty when it can."""
        return ""

    def lay_out(self, folder: Path) -> None:
        """Puts into an empty folder what a user would have there."""
        shutil.copytree(SITE, folder / "site")
        (folder / "site").chmod(0o755)
        for file in (folder / "site").iterdir():
            file.chmod(0o644)

    def variables(self, folder: Path) -> dict[str, str]:
        return {**self.env, "SITE": str(folder / "site"), "ZIP": str(folder / "bundle.zip")}

    @abstractmethod
    def commands(self, url: str) -> Commands:
        """The command for each phase that it has."""

    def change_code(self, folder: Path, number: int) -> None:
        path = folder / self.code
        path.write_text(path.read_text() + f"\n# change {number}\n")


@dataclass
class Script(Contender):
    """A peer that takes `up`, `status` and `down`."""

    argv: tuple[str, ...] = ()
    status: bool = False

    def missing(self) -> str:
        return "" if Path(self.argv[-1]).exists() else f"there is no {self.argv[-1]}"

    def commands(self, url: str) -> Commands:
        words = {"cold up": "up", "no-op up": "up", "code-only up": "up", "status": "status", "down": "down"}
        return {phase: [*self.argv, word] for phase, word in words.items() if self.status or phase != "status"}


@dataclass
class AwsCli(Script):
    """The console's steps with the `aws` command."""

    def missing(self) -> str:
        return super().missing() if program("aws") else "the aws command is not installed"

    def lay_out(self, folder: Path) -> None:
        super().lay_out(folder)
        self.env["AWS"] = program("aws") or "aws"
        _bundle(folder)

    def change_code(self, folder: Path, number: int) -> None:
        super().change_code(folder, number)
        _bundle(folder)


@dataclass
class Slx(Contender):
    """slx with a blueprint of the very stack that the others make; `shipped`: the blueprint that comes with it."""

    shipped: str = ""

    def lay_out(self, folder: Path) -> None:
        if self.shipped:
            shutil.copytree(HERE.parent / "blueprints" / self.shipped, folder, dirs_exist_ok=True)
            return
        super().lay_out(folder)
        (folder / "function").mkdir()
        (folder / "site" / "handler.py").rename(folder / "function" / "handler.py")
        (folder / "blueprint.yaml").write_text(BLUEPRINT)

    def commands(self, url: str) -> Commands:
        up = [*slx(), "up", "--yes", "--no-checks"]
        return {"cold up": up, "no-op up": up, "code-only up": up, "status": [*slx(), "status"],
                "down": [*slx(), "down", "--yes"]}  # fmt: skip


@dataclass
class Terraform(Contender):
    """TF_PLUGINS may name a folder of the provider's files, laid out as a mirror, for machines without its registry."""

    def missing(self) -> str:
        return "" if program("terraform") else "terraform is not installed"

    def lay_out(self, folder: Path) -> None:
        super().lay_out(folder)
        _bundle(folder)
        shutil.copy(RIG / "peers" / "terraform" / "main.tf", folder / "main.tf")
        mirror = os.environ.get("TF_PLUGINS")
        source = f'filesystem_mirror {{ path = "{mirror}" }}' if mirror else "direct {}"
        (folder / "rc").write_text(f"provider_installation {{\n  {source}\n}}\n")
        self.env = {"TF_CLI_CONFIG_FILE": str(folder / "rc"), "CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1"}
        run(["terraform", "init", "-input=false"], folder, {**os.environ, **self.env})

    def commands(self, url: str) -> Commands:
        given = ["-input=false", f"-var=endpoint={url}", "-var=site=site", "-var=zip=bundle.zip"]
        up = ["terraform", "apply", "-auto-approve", *given]
        return {"cold up": up, "no-op up": up, "code-only up": up, "status": ["terraform", "plan", *given],
                "down": ["terraform", "destroy", "-auto-approve", *given]}  # fmt: skip

    def change_code(self, folder: Path, number: int) -> None:
        super().change_code(folder, number)
        _bundle(folder)


@dataclass
class Chalice(Contender):
    """The API and its function alone."""

    code: str = "app.py"

    def missing(self) -> str:
        return "" if program("chalice") else "chalice is not installed"

    def lay_out(self, folder: Path) -> None:
        (folder / ".chalice").mkdir()
        stages = '{"version": "2.0", "app_name": "site-fn", "stages": {"dev": {"api_gateway_stage": "api"}}}'
        (folder / ".chalice" / "config.json").write_text(stages)
        (folder / "app.py").write_text(CHALICE_APP)
        (folder / "requirements.txt").write_text("")

    def commands(self, url: str) -> Commands:
        chalice = program("chalice") or "chalice"
        up = [chalice, "deploy"]
        return {"cold up": up, "no-op up": up, "code-only up": up, "down": [chalice, "delete"]}


def _bundle(folder: Path) -> None:
    with zipfile.ZipFile(folder / "bundle.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        info = zipfile.ZipInfo("handler.py", (2020, 1, 1, 0, 0, 0))
        archive.writestr(info, (folder / "site" / "handler.py").read_text())


def everybody(*, quick: bool) -> list[Contender]:
    """All contenders, slx first; the quick run leaves out those that take minutes."""
    peers = RIG / "peers"
    fast: list[Contender] = [
        Slx("slx", code="function/handler.py"),
        Slx("slx website", shipped="website", code="function/app.py"),
        Script("ideal, obliged", argv=(sys.executable, str(HERE / "ideal_obliged.py")), status=True),
        Script("ideal, bare", argv=(sys.executable, str(peers / "ideal.py")), status=True),
        Script("naive boto3", argv=(sys.executable, str(peers / "naive.py"))),
        Chalice("Chalice (API only)"),
    ]
    slow = [
        AwsCli("aws CLI script", slow=True, argv=("bash", str(peers / "awscli.sh"))),
        Terraform("Terraform", slow=True),
    ]
    return fast if quick else [*fast, *slow]
