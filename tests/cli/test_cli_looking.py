"""The commands that only look: status, plan, outputs, check, validate, schema, blueprints, open."""

import dataclasses
from typing import Any

import pytest
from cli_fakes import OUTPUTS, PLACE, URL, FakeRun, Line, checked, plan, skipped, stack, step

from serverless_cli.errors import BlueprintError, Location, Problem
from serverless_cli.model import Action, Change, Ref, ResourceState, StackState, State
from serverless_cli.secret import Secret

GOOD = StackState(PLACE, "local", (ResourceState(Ref("role", "r"), "n", State.IN_SYNC),), OUTPUTS)
DRIFT = ResourceState(Ref("function", "f"), "n", State.DRIFTED, (Change(("timeout_s",), 30, 10),))
BAD = dataclasses.replace(GOOD, resources=(DRIFT,))


def test_status_is_data(slx: Line) -> None:
    slx.app.states = (GOOD, BAD)

    ended = slx("status", "--local")

    assert ended.code == 0
    assert ended.out.count("website/dev (local)") == 2
    assert "timeout_s: 10 → 30 (by hand)" in ended.out
    assert ended.err == ""


def test_status_is_a_document(slx: Line) -> None:
    slx.app.states = (GOOD,)

    found = slx("status", "--json").document

    assert [one["ok"] for one in found["stacks"]] == [True]
    assert found["stacks"][0]["outputs"] == OUTPUTS


def test_status_without_stacks_says_how_to_make_one(slx: Line) -> None:
    ended = slx("status", "--local")

    assert (ended.code, ended.out) == (0, "")
    assert "slx up" in ended.err


@pytest.mark.parametrize(
    ("states", "flags", "code"), [((BAD,), ("--exit-code",), 7), ((BAD,), (), 0), ((GOOD,), ("--exit-code",), 0)]
)
def test_status_tells_of_drift_by_exit_code_on_demand(
    slx: Line, states: Any, flags: tuple[str, ...], code: int
) -> None:
    slx.app.states = states

    assert slx("status", *flags).code == code


def test_status_passes_on_what_is_wanted(slx: Line) -> None:
    slx("status", "website/prod", "--all")

    assert slx.app.calls == [("status", ("website/prod", True))]


def test_plan_is_data(slx: Line) -> None:
    ended = slx("plan", "website", "--local")

    assert ended.code == 0
    assert "+ function hello" in ended.out
    assert ended.err == ""


@pytest.mark.parametrize(("action", "code"), [(Action.CREATE, 7), (Action.KEEP, 0)])
def test_plan_tells_of_changes_by_exit_code_on_demand(slx: Line, action: Action, code: int) -> None:
    slx.app.running = FakeRun(plan(step(action)))

    assert slx("plan", "website", "--exit-code").code == code
    assert slx("plan", "website").code == 0


def test_plan_shows_what_is_in_the_way(slx: Line) -> None:
    slx.app.running = FakeRun(plan(step(Action.CREATE), obstacles=(Problem("bucket b exists"),)))

    ended = slx("plan", "website")
    as_json = slx("plan", "website", "--json")

    assert (ended.code, as_json.code) == (1, 1)
    assert "bucket b exists" in ended.err
    assert as_json.document["obstacles"][0]["what"] == "bucket b exists"


def test_warnings_of_a_blueprint_are_story(slx: Line) -> None:
    slx.app.running = FakeRun(plan(), stack=stack(warnings=(Problem("no checks"),)))

    assert "warning: no checks" in slx("plan", "website").err
    assert "warning: no checks" in slx("validate").err


def test_outputs_are_lines(slx: Line) -> None:
    assert slx("outputs").out == f"website: {URL}\napi: {URL}/hello\n"


def test_one_output_is_its_bare_value(slx: Line) -> None:
    assert slx("outputs", "website", "api").out == f"{URL}/hello\n"


@pytest.mark.parametrize("flags", [("--json",), ("--format", "json")])
def test_outputs_are_a_document(slx: Line, flags: tuple[str, ...]) -> None:
    assert slx("outputs", *flags).document == OUTPUTS
    assert slx("outputs", "website", "api", *flags).document == {"api": f"{URL}/hello"}


def test_outputs_are_assignments(slx: Line) -> None:
    assert slx("outputs", "--format", "env").out == f"WEBSITE={URL}\nAPI={URL}/hello\n"


@pytest.mark.parametrize("flags", [(), ("website", "key"), ("--json",), ("--format", "env")])
def test_outputs_never_show_a_secret(slx: Line, flags: tuple[str, ...]) -> None:
    slx.app.values = {"key": Secret("hunter2")}

    ended = slx("outputs", *flags)

    assert ended.code == 0
    assert "hunter2" not in ended.out


def test_an_unknown_output_is_answered_with_the_near_one(slx: Line) -> None:
    ended = slx("outputs", "website", "apy")

    assert ended.code == 2
    assert "did you mean `api`?" in ended.err


def test_an_output_without_a_value_is_an_error_where_it_is_asked_for(slx: Line) -> None:
    slx.app.values = {}

    asked, all_of_them = slx("outputs", "website", "api"), slx("outputs", "website")

    assert (asked.code, asked.out) == (2, "")
    assert "no value of an output `api`" in asked.err
    assert (all_of_them.code, all_of_them.out) == (0, "")
    assert "no output of this stack has a value" in all_of_them.err


@pytest.mark.parametrize(("ok", "code"), [(True, 0), (False, 4)])
def test_check_tells_by_exit_code(slx: Line, ok: bool, code: int) -> None:
    slx.app.results = (checked(), checked(ok))

    ended = slx("check", "website")

    assert ended.code == code
    assert len(ended.out.splitlines()) == 2
    assert ended.err == ""


def test_checks_are_a_document(slx: Line) -> None:
    slx.app.results = (checked(ok=False),)

    found = slx("check", "--json").document

    assert found["ok"] is False
    assert found["checks"][0]["saw"] == "status 500"


def test_a_check_that_lacks_a_secret_is_no_proof(slx: Line) -> None:
    slx.app.results = (checked(), skipped())

    ended = slx("check", "website", "-p", "pw=hush")

    assert ended.code == 4
    assert "- get http://website.example skipped: it needs the secret pw: SLX_PARAM_PW=..." in ended.out
    assert slx.app.settings is not None
    assert slx.app.settings.parameters == {"pw": "hush"}
    assert [one["skipped"] for one in slx("check", "--json").document["checks"]] == [False, True]


def test_a_stack_without_checks_says_so(slx: Line) -> None:
    slx.app.results = ()

    ended = slx("check")

    assert (ended.code, ended.out) == (0, "")
    assert "no checks" in ended.err


def test_a_right_blueprint_is_story_and_exit_code(slx: Line) -> None:
    ended = slx("validate")

    assert (ended.code, ended.out) == (0, "")
    assert "blueprint.yaml is right: stack website, 1 resource, 0 checks" in ended.err


def test_a_right_blueprint_is_a_document(slx: Line) -> None:
    found = slx("validate", "--json").document

    assert found["valid"] is True
    assert found["resources"] == [{"kind": "function", "id": "hello", "name": "website-dev-hello"}]


BROKEN = BlueprintError((Problem("unknown type", "", "did you mean `function`?", Location("b.yaml", 3, 5, "  a: b")),))


def test_a_wrong_blueprint_is_shown_by_line(slx: Line) -> None:
    slx.app.error = BROKEN

    ended = slx("validate")

    assert ended.code == 2
    assert ended.err.splitlines()[:3] == ["b.yaml:3:5: unknown type", "    3 |   a: b", "      |     ^"]


def test_a_wrong_blueprint_is_an_error_document(slx: Line) -> None:
    slx.app.error = BROKEN

    ended = slx("validate", "--json")

    assert ended.code == 2
    assert ended.document["error"]["problems"][0]["where"]["line"] == 3
    assert ended.err == ""


def test_the_schema_is_json(slx: Line) -> None:
    assert slx("schema").document == {"title": "slx blueprint"}


def test_shipped_blueprints_are_listed(slx: Line) -> None:
    assert slx("blueprints").out == "website A static site.\n"
    assert slx("blueprints", "--json").document["blueprints"][0]["name"] == "website"


def test_open_prints_the_address_and_opens_it(slx: Line) -> None:
    ended = slx("open", "website", "--local")

    assert ended.out == f"{URL}\n"
    assert slx.app.calls == [("address", "website"), ("browse", URL)]


def test_open_says_when_there_is_no_browser(slx: Line) -> None:
    slx.app.opens = False

    ended = slx("open")

    assert ended.code == 0
    assert "no browser" in ended.err
