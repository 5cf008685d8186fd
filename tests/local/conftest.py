from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from serverless_cli import local


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLX_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        folder = tmp_path_factory.mktemp("workspace")
        yield folder
        local.stop(folder)


@pytest.fixture(scope="module")
def instance(workspace: Path) -> local.Instance:
    return local.ensure(workspace)
