from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from rig import Aws, Folder, started

from serverless_cli.app import catalog


@pytest.fixture(scope="session")
def proxy() -> Iterator[Aws]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOTO_IAM_LOAD_MANAGED_POLICIES", "false")
        with started() as aws:
            yield aws


@pytest.fixture
def aws(proxy: Aws) -> Aws:
    proxy.reset()
    return proxy


@pytest.fixture
def region() -> str:
    return "eu-central-1"


@pytest.fixture
def website(aws: Aws, region: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    """The website blueprint in a folder of its own, in an empty account."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    folder = Folder(tmp_path / "website", aws, region)
    catalog.copy("website", folder.path)
    for name, value in folder.environment.items():
        monkeypatch.setenv(name, value)
    return folder


@pytest.fixture
def workplace(tmp_path: Path) -> Iterator[Path]:
    """A folder for runs that set the environment themselves, which is as before afterwards."""
    before = dict(os.environ)
    os.environ["XDG_CACHE_HOME"] = str(tmp_path / "cache")
    os.environ.pop("AWS_PROFILE", None)
    yield tmp_path
    os.environ.clear()
    os.environ.update(before)
