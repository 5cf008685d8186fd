"""The project file `slx.yaml`: what is wrong in it is told with its place there."""

from __future__ import annotations

from pathlib import Path

import pytest

from serverless_cli.app.session import open_session
from serverless_cli.app.settings import Settings, project_file
from serverless_cli.errors import BlueprintError, Location, SlxError


def wrong(folder: Path, text: str) -> BlueprintError:
    (folder / "slx.yaml").write_text(text)
    with pytest.raises(BlueprintError) as caught:
        project_file(folder)
    return caught.value


def test_its_settings_come_with_their_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "slx.yaml").write_text("stage: qa\nregion: eu-central-1\nprotected_stages: [prod]\n")

    found = project_file(tmp_path)

    assert (found["stage"], found["region"], found["protected_stages"]) == ("qa", "eu-central-1", ["prod"])
    assert str(found["where"]["region"]) == "slx.yaml:2:9"


def test_no_file_says_nothing(tmp_path: Path):
    assert project_file(tmp_path) == {}


@pytest.mark.parametrize(
    ("text", "says", "line", "column"),
    [
        pytest.param("regoin: x\n", "unknown setting `regoin`", 1, 1, id="an unknown key"),
        pytest.param("region: x\nstage: Prod\n", "'Prod' cannot be a stage", 2, 8, id="a stage"),
        pytest.param("protected_stages: [prod, Live]\n", "'Live' cannot be a stage", 1, 26, id="one that it protects"),
        pytest.param("stage: [a]\n", "`stage` wants text", 1, 8, id="a list for a text"),
    ],
)
def test_what_is_wrong_is_counted_as_its_own(tmp_path: Path, text: str, says: str, line: int, column: int):
    error = wrong(tmp_path, text)

    assert error.what == f"1 problem in {tmp_path / 'slx.yaml'}"
    assert [(one.what, one.where and (one.where.line, one.where.column)) for one in error.problems] == [
        (says, (line, column))
    ]


def test_a_region_that_does_not_exist_is_told_with_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "none")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "none")
    line = Location("slx.yaml", 2, 9, "region: eu-centrl-1")
    settings = Settings(tmp_path, region="eu-centrl-1", region_where=line, endpoint_url="http://127.0.0.1:9")

    with pytest.raises(SlxError, match="no region 'eu-centrl-1'") as caught, open_session(settings):
        pass

    assert caught.value.where == line
