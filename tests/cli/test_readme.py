"""The README says what the command says."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def block(language: str, begin: str) -> str:
    """The README's block of that language that begins so."""
    found = re.search(rf"```{language}\n({re.escape(begin)}.*?)```", README, re.DOTALL)
    assert found is not None
    return found[1]


def test_a_broken_blueprint_is_told_as_in_the_readme(tmp_path: Path):
    folder = tmp_path / "website"
    shutil.copytree(ROOT / "blueprints" / "website", folder)
    text = block("yaml", "name: website\n")
    for right, wrong in (("./function\n", "./function\n    handlr: app.handler\n"), (": ${site.url}", ": ${site.ulr}")):
        assert right in text
        text = text.replace(right, wrong, 1)
    (folder / "broken.yaml").write_text(text, encoding="utf-8")
    command, _, told = block("console", "$ slx validate").partition("\n")

    ran = subprocess.run(
        [sys.executable, "-m", "serverless_cli", *command.split()[2:]],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert ran.stderr == told
    assert ran.returncode == 2


def test_the_readmes_blueprint_is_right(tmp_path: Path):
    folder = tmp_path / "website"
    shutil.copytree(ROOT / "blueprints" / "website", folder)
    (folder / "blueprint.yaml").write_text(block("yaml", "name: website\n"), encoding="utf-8")

    ran = subprocess.run(
        [sys.executable, "-m", "serverless_cli", "validate"], cwd=folder, capture_output=True, text=True, check=False
    )

    assert ran.returncode == 0, ran.stderr
