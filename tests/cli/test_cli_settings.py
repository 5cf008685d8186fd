"""Flags before environment before project file before defaults."""

from typing import Any

import pytest
from cli_fakes import Line

from serverless_cli.app.settings import Settings
from serverless_cli.errors import Location


def settings(slx: Line, *flags: str, **environ: str) -> Settings:
    slx.environ = dict(environ)
    ended = slx("up", "website", "--yes", *flags)
    assert ended.code == 0, ended.err
    assert slx.app.settings is not None
    return slx.app.settings


def test_defaults(slx: Line) -> None:
    found = settings(slx)

    assert (found.stage, found.profile, found.region, found.local, found.state) == ("dev", None, None, False, None)
    assert found.folder == slx.folder


@pytest.mark.parametrize(("flags", "told"), [((), True), (("--region", "x"), False)])
def test_a_region_from_the_project_file_comes_with_its_place(slx: Line, flags: tuple[str, ...], told: bool) -> None:
    line = Location("slx.yaml", 1, 9)
    slx.app.project = {"region": "r", "where": {"region": line}}

    slx("status", *flags)

    assert slx.app.settings is not None
    assert slx.app.settings.region_where == (line if told else None)


def test_the_project_file_comes_before_defaults(slx: Line) -> None:
    slx.app.project = {"stage": "qa", "profile": "p", "region": "r", "protected_stages": ["prod"]}

    found = settings(slx)

    assert (found.stage, found.profile, found.region, found.protected_stages) == ("qa", "p", "r", ("prod",))


PROJECT = {"stage": "file", "profile": "file", "region": "file", "state": "file"}


@pytest.mark.parametrize(
    ("environ", "field", "expected"),
    [
        ({"SLX_STAGE": "env"}, "stage", "env"),
        ({"SLX_PROFILE": "env", "AWS_PROFILE": "aws"}, "profile", "env"),
        ({"AWS_PROFILE": "aws"}, "profile", "aws"),
        ({"AWS_ACCESS_KEY_ID": "AKIA"}, "profile", None),
        ({"SLX_REGION": "env", "AWS_REGION": "aws"}, "region", "env"),
        ({"AWS_REGION": "aws", "AWS_DEFAULT_REGION": "older"}, "region", "aws"),
        ({"AWS_DEFAULT_REGION": "older"}, "region", "older"),
        ({"SLX_STATE": "env"}, "state", "env"),
        ({"AWS_ENDPOINT_URL": "http://e"}, "endpoint_url", "http://e"),
        ({"SLX_ENDPOINT_URL": "http://s", "AWS_ENDPOINT_URL": "http://e"}, "endpoint_url", "http://s"),
        ({"SLX_LOCAL": "1"}, "local", True),
    ],
)
def test_the_environment_comes_before_the_project_file(
    slx: Line, environ: dict[str, str], field: str, expected: Any
) -> None:
    slx.app.project = PROJECT

    assert getattr(settings(slx, **environ), field) == expected


@pytest.mark.parametrize(
    ("flags", "field", "expected"),
    [
        (("--stage", "flag"), "stage", "flag"),
        (("-s", "flag"), "stage", "flag"),
        (("--profile", "flag"), "profile", "flag"),
        (("--region", "flag"), "region", "flag"),
        (("--state", "flag"), "state", "flag"),
        (("--endpoint-url", "http://f"), "endpoint_url", "http://f"),
    ],
)
def test_flags_come_before_the_environment(slx: Line, flags: tuple[str, ...], field: str, expected: str) -> None:
    slx.app.project = PROJECT
    environ = {f"SLX_{name}": "env" for name in ("STAGE", "PROFILE", "REGION", "STATE", "ENDPOINT_URL")}

    assert getattr(settings(slx, *flags, **environ), field) == expected


def test_the_local_target_is_not_moved_by_what_is_set_up_for_aws(slx: Line) -> None:
    found = settings(slx, "--local", AWS_REGION="eu-west-1", AWS_ENDPOINT_URL="http://e")

    assert (found.region, found.endpoint_url, found.local) == (None, None, True)


def test_two_targets_at_once_are_refused(slx: Line) -> None:
    assert slx("status", "--local", "--endpoint-url", "http://e").code == 2


def test_a_target_on_the_command_line_wins_over_one_in_the_environment(slx: Line) -> None:
    here = settings(slx, "--local", SLX_ENDPOINT_URL="http://e")
    there = settings(slx, "--endpoint-url", "http://e", SLX_LOCAL="1")

    assert (here.local, here.endpoint_url) == (True, None)
    assert (there.local, there.endpoint_url) == (False, "http://e")


def test_an_endpoint_of_the_environment_is_told_from_one_that_was_given(slx: Line) -> None:
    assert settings(slx, AWS_ENDPOINT_URL="http://e").endpoint_ambient
    assert not settings(slx, AWS_ENDPOINT_URL="http://e", SLX_ENDPOINT_URL="http://s").endpoint_ambient


def test_a_stage_that_somebody_asked_for_is_told_from_the_default(slx: Line) -> None:
    assert not settings(slx).stage_given
    assert settings(slx, "-s", "dev").stage_given
    assert settings(slx, SLX_STAGE="dev").stage_given
    slx.app.project = {"stage": "dev"}
    assert settings(slx).stage_given


def test_a_stage_that_cannot_be_is_refused(slx: Line) -> None:
    ended = slx("status", "-s", "Not-A-Stage")

    assert ended.code == 2
    assert "Not-A-Stage" in ended.err


def test_parameters_come_from_flags_then_file_and_those_of_the_environment_apart(slx: Line) -> None:
    (slx.folder / "p.yaml").write_text("a: file\nb: file\nyes: 012\n")

    found = settings(
        slx, "-p", "a=flag", "-p", "d=x=y", "--params", str(slx.folder / "p.yaml"), SLX_PARAM_B="env", SLX_PARAM_C="env"
    )

    assert found.parameters == {"a": "flag", "b": "file", "yes": "012", "d": "x=y"}
    assert found.environment == {"B": "env", "C": "env"}


def test_parameters_may_be_in_json(slx: Line) -> None:
    (slx.folder / "p.json").write_text('{"a": "1", "b": true, "c": 1.10}')

    found = settings(slx, "--params", str(slx.folder / "p.json"))

    assert found.parameters == {"a": "1", "b": "true", "c": "1.10"}


def test_parameters_may_come_from_stdin(slx: Line) -> None:
    ended = slx("up", "website", "--yes", "-p", "a=flag", "--params", "-", stdin="a: stdin\ntoken: hunter2\n")

    assert ended.code == 0, ended.err
    assert slx.app.settings is not None
    assert slx.app.settings.parameters == {"a": "flag", "token": "hunter2"}
    assert "hunter2" not in ended.out + ended.err


def test_bad_parameters_from_stdin_are_refused_and_not_repeated(slx: Line) -> None:
    ended = slx("up", "website", "--yes", "--params", "-", stdin="token: {hunter2")

    assert ended.code == 2
    assert "stdin is no YAML or JSON" in ended.err
    assert "hunter2" not in ended.err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [1, 2]", "`a` is no text"),
        ("- a", "has no parameters"),
        ("a: {", "no YAML or JSON"),
        ("", "has no parameters"),
    ],
)
def test_a_bad_file_of_parameters_is_refused(slx: Line, text: str, said: str) -> None:
    (slx.folder / "p.yaml").write_text(text)

    ended = slx("up", "website", "--yes", "--params", str(slx.folder / "p.yaml"))

    assert ended.code == 2
    assert said in ended.err


def test_a_missing_file_of_parameters_is_refused(slx: Line) -> None:
    assert slx("up", "--yes", "--params", "nowhere.yaml").code == 2


@pytest.mark.parametrize("pair", ["hunter2", "=hunter2"])
def test_a_parameter_without_a_name_is_not_repeated_as_it_may_be_a_secret(slx: Line, pair: str) -> None:
    ended = slx("up", "website", "--yes", "-p", pair)

    assert ended.code == 2
    assert "hunter2" not in ended.err
