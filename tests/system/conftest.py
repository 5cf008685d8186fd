from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from serverless_cli import local
from tests.system.slx import Slx


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a local target of its own, which ends with the module."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLX_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        folder = tmp_path_factory.mktemp("workspace")
        yield folder
        local.stop(folder)


@pytest.fixture(scope="module")
def slx(workspace: Path) -> Slx:
    return Slx(workspace)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Headless Chromium, from the distribution."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not chromium or not driver:
        reason = "no chromium and chromedriver on PATH: install them to see the page tested"
        if os.environ.get("SLX_REQUIRE_BROWSER"):
            pytest.fail(reason)
        pytest.skip(reason)
    from selenium import webdriver
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service

    options = Options()
    options.binary_location = chromium
    quiet = ("background-networking", "component-update", "sync", "quic", "gpu", "dev-shm-usage")
    for flag in ("--headless=new", "--no-sandbox", "--no-first-run", *(f"--disable-{name}" for name in quiet)):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    chrome = webdriver.Chrome(options=options, service=Service(driver))
    chrome.set_page_load_timeout(30)
    chrome.set_script_timeout(30)
    yield chrome
    chrome.quit()
