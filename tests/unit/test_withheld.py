"""Secrets that were not given: what cannot be made without them, and what goes on as it is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from serverless_cli import plan, withheld
from serverless_cli.codec import canonical, decode, encode
from serverless_cli.errors import Location
from serverless_cli.fill import reveal
from serverless_cli.model import Observed, Record, Ref, Stack
from serverless_cli.secret import Param, Secret
from tests.unit.fakes import KINDS, PLACE, ThingSpec
from tests.unit.words import seen, wish

UNKNOWN = Secret("${param.pw}", False, (Param("pw"),))
KNOWN = Secret("hush", True, (Param("pw", given=True),))
LINE = Location("b.yaml", 7, 3)


def obstacles(spec: ThingSpec, there: Observed | None) -> tuple[str, ...]:
    one = wish("a", spec=spec)
    stack = Stack(PLACE, {one.ref: one})
    return tuple(
        f"{it.what}: {it.why} | {it.hint}" for it in plan.up(stack, {one.ref: there}, Record(), KINDS).obstacles
    )


LACKING = [
    pytest.param(ThingSpec(link=UNKNOWN), None, id="something new"),
    pytest.param(ThingSpec(labels={"PW": UNKNOWN}), None, id="something new, deep in it"),
    pytest.param(ThingSpec(labels={"PW": UNKNOWN}, key="new"), seen("a", ThingSpec(labels={"PW": "x"})), id="replaced"),
    pytest.param(ThingSpec(labels={"PW": UNKNOWN}, size=2), seen("a"), id="an update that brings it"),
    pytest.param(ThingSpec(labels={"PW": UNKNOWN}), seen("a"), id="nothing else to do"),
]


@pytest.mark.parametrize(("spec", "there"), LACKING)
def test_what_would_be_without_a_secret_is_in_the_way_before_any_write(spec: ThingSpec, there: Observed | None):
    (said,) = obstacles(spec, there)

    assert "needs the secret `pw`, which was not given" in said
    assert "SLX_PARAM_PW=..." in said
    assert "--params -" in said
    assert "-p " not in said


GOOD = [
    pytest.param(ThingSpec(labels={"PW": KNOWN}), None, id="given"),
    pytest.param(ThingSpec(labels={"PW": UNKNOWN}), seen("a", ThingSpec(labels={"PW": "x"})), id="left as it is"),
    pytest.param(ThingSpec(labels={"PW": UNKNOWN}, size=2), seen("a", ThingSpec(labels={"PW": "x"})), id="an update"),
]


@pytest.mark.parametrize(("spec", "there"), GOOD)
def test_what_has_its_secret_is_in_nobodys_way(spec: ThingSpec, there: Observed | None):
    assert obstacles(spec, there) == ()


def test_the_blueprints_line_and_only_the_missing_ones_are_told():
    both = Secret("x${param.b}", False, (Param("a", given=True), Param("b")))
    one = replace(wish("a", spec=ThingSpec(labels={"K": both, "L": Secret("", False, (Param("c-d"),))})), where=LINE)
    step = plan.up(Stack(PLACE, {one.ref: one}), {one.ref: None}, Record(), KINDS).steps[Ref("thing", "a")]

    (said,) = withheld.wanting([step])

    assert said.what.endswith("needs the secrets `b`, `c-d`, which were not given")
    assert "SLX_PARAM_B=... SLX_PARAM_C_D=..." in said.hint
    assert said.where == LINE


QUOTED = 'a "b" \\ ü'


@pytest.mark.parametrize(
    ("quoted", "whole"), [(False, f"Bearer {QUOTED}!"), (True, 'Bearer a \\"b\\" \\\\ \\u00fc!')], ids=["text", "JSON"]
)
def test_a_recorded_secret_is_whole_again_once_it_is_given(quoted: bool, whole: str):
    secret = Secret("x", True, ("Bearer ", Param("pw", quoted), "!"))
    recorded = decode(ThingSpec, encode(ThingSpec(labels={"KEY": secret})))

    (again,) = withheld.secrets(reveal(recorded, {"pw": QUOTED}))
    (lacking,) = withheld.secrets(reveal(recorded, {"other": "y"}))

    assert (str.__str__(again), again.known, again.missing) == (whole, True, ())
    assert (lacking.known, lacking.missing) == (False, ("pw",))


def test_no_record_has_its_value():
    given = Secret("hunter2!", True, (Param("pw", given=True), "!"))

    assert "hunter2" not in canonical(encode(ThingSpec(link=given)))
    assert "hunter2" not in canonical(encode(ThingSpec(link=given.quoted)))
