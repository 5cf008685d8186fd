from __future__ import annotations

import os
from pathlib import Path

import pytest
from cli_fakes import Line


@pytest.fixture
def slx(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Line:
    for name in [name for name in os.environ if name.startswith(("SLX_", "AWS_")) or name in ("CI", "NO_COLOR")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "100")
    return Line(tmp_path)
