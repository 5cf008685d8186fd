"""Makes the README's pictures: the page, photographed in headless Chromium, and `slx up` in a terminal, as SVG.

Brings the shipped website up on a local target of its own, in a temporary folder. Needs Chromium and tmux.
"""

from __future__ import annotations

import io
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.text import Text

from serverless_cli import local

PICTURES = Path(__file__).resolve().parent.parent / "docs" / "pictures"
QUIET = ("background-networking", "component-update", "sync", "quic", "gpu")
WIDTH = 100


def main() -> int:
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SLX_STATE_HOME"] = str(Path(folder, "state"))
        workspace = Path(folder, "demo")
        workspace.mkdir()
        try:
            photograph(terminal(workspace), PICTURES / "page.png", folder)
        finally:
            local.stop(workspace)
    return 0


def terminal(workspace: Path) -> str:
    """Runs `slx up` in a real terminal (tmux), keeps its last screen as SVG; returns the website's URL."""
    tmux = ["tmux", "-L", f"slx-pictures-{os.getpid()}"]
    command = f"PS1='$ ' PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH sh"
    subprocess.run(
        [*tmux, "new-session", "-d", "-x", str(WIDTH), "-y", "40", "-c", str(workspace), command], check=True
    )
    try:
        subprocess.run([*tmux, "send-keys", "slx up website --local", "Enter"], check=True)
        screen = capture(tmux)
    finally:
        subprocess.run([*tmux, "kill-server"], check=False)
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    console.print(Text.from_ansi(screen.rstrip()), end="")
    # rich's template loads fonts from elsewhere; a picture in a README asks nobody for anything.
    svg = re.sub(r"@font-face\s*\{.*?\}", "", console.export_svg(title="slx"), flags=re.DOTALL)
    (PICTURES / "up.svg").write_text(svg.replace("Fira Code", "DejaVu Sans Mono"), encoding="utf-8")
    found = re.search(r"website: (http\S+)", Text.from_ansi(screen).plain)
    return found[1] if found else sys.exit(f"`slx up` did not end well:\n{screen}")


def capture(tmux: list[str], within_s: float = 60.0) -> str:
    """The screen, with its colours, once the prompt is back."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        show = subprocess.run([*tmux, "capture-pane", "-p", "-e"], check=True, capture_output=True, text=True)
        lines = Text.from_ansi(show.stdout.rstrip()).plain.splitlines()
        if len(lines) > 1 and lines[-1].strip() == "$":
            return show.stdout.rstrip().rpartition("\n")[0]
        time.sleep(0.1)
    sys.exit("the prompt did not come back")


def photograph(url: str, path: Path, folder: str) -> None:
    """A screenshot of the page after its button was pressed."""
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("no chromium on PATH")
    from selenium import webdriver  # noqa: PLC0415
    from selenium.webdriver.chrome.options import Options  # noqa: PLC0415
    from selenium.webdriver.chrome.service import Service  # noqa: PLC0415
    from selenium.webdriver.support.ui import WebDriverWait  # noqa: PLC0415

    options = Options()
    options.binary_location = chromium
    flags = ("--headless=new", "--no-sandbox", "--no-first-run", "--hide-scrollbars", "--window-size=1280,1000")
    for flag in (*flags, f"--user-data-dir={folder}/profile", *(f"--disable-{name}" for name in QUIET)):
        options.add_argument(flag)
    chrome = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    try:
        chrome.get(url)
        chrome.find_element("id", "call").click()
        answered = "return document.getElementById('answer').dataset.state"
        WebDriverWait(chrome, 20).until(lambda b: b.execute_script(answered) == "ok")
        chrome.save_screenshot(str(path))
    finally:
        chrome.quit()


if __name__ == "__main__":
    sys.exit(main())
