import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any, Literal, NewType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from serverless_cli.codec import canonical, decode, encode
from serverless_cli.errors import Location
from serverless_cli.model import Check, Handout, Late, Ref, Spec
from serverless_cli.secret import Secret

Folder = NewType("Folder", str)


class Mode(StrEnum):
    FAST = "fast"
    SAFE = "safe"


@dataclass(frozen=True, slots=True)
class Rule(Spec):
    name: str
    weights: tuple[float, ...] = ()
    next: "Rule | None" = None


@dataclass(frozen=True, slots=True)
class Everything(Spec):
    text: str
    number: int
    share: float
    flag: bool
    maybe: int | None
    pair: tuple[str, int]
    rules: tuple[Rule, ...]
    tags: Mapping[str, str]
    nested: Mapping[str, Mapping[str, tuple[str, ...]]]
    mode: Mode
    size: Literal["small", 2]
    refs: frozenset[Ref]
    folder: Annotated[Folder, "told to editors"]
    anything: Mapping[str, Any]
    either: str | Rule
    steering: str = field(default="", compare=False)
    here: str = field(default="", compare=False, metadata={"transient": True})


TEXTS = st.text()
HANDOUTS = st.builds(Handout, st.builds(Ref, TEXTS, TEXTS), TEXTS)
LATES = st.lists(TEXTS | HANDOUTS, min_size=1).map(tuple).map(Late)
VALUES = TEXTS | LATES
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
RULES = st.recursive(
    st.builds(Rule, TEXTS, st.lists(FLOATS).map(tuple)), lambda inner: st.builds(Rule, TEXTS, next=inner), max_leaves=3
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | FLOATS | VALUES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
EVERYTHING = st.builds(
    Everything,
    text=VALUES,
    number=st.integers(),
    share=FLOATS,
    flag=st.booleans(),
    maybe=st.none() | st.integers(),
    pair=st.tuples(VALUES, st.integers()),
    rules=st.lists(RULES, max_size=2).map(tuple),
    tags=st.dictionaries(TEXTS | st.sampled_from(["$secret", "$late", "$$"]), VALUES, max_size=3),
    nested=st.dictionaries(TEXTS, st.dictionaries(TEXTS, st.lists(VALUES).map(tuple), max_size=2), max_size=2),
    mode=st.sampled_from(Mode),
    size=st.sampled_from(["small", 2]),
    refs=st.frozensets(st.builds(Ref, TEXTS, TEXTS), max_size=3),
    folder=TEXTS,
    anything=st.dictionaries(TEXTS | st.just("$secret"), JSON, max_size=3),
    either=VALUES | RULES,
    steering=VALUES,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a busy machine is no failure
@given(EVERYTHING)
def test_every_spec_comes_back_the_same_through_text(spec):
    text = canonical(encode(spec))

    again = decode(Everything, json.loads(text))

    assert again == spec
    assert canonical(encode(again)) == text


@settings(deadline=None)
@given(LATES)
def test_a_late_value_comes_back_with_its_gaps(late):
    again = decode(str, encode(late))

    assert isinstance(again, Late)
    assert again.parts == late.parts


@dataclass(frozen=True)
class Hiding(Spec):
    plain: str
    many: tuple[str, ...]
    by_name: Mapping[str, str]


@settings(deadline=None)
@given(st.text(st.characters(categories=["Lu"]), min_size=12))
def test_a_secret_leaves_no_trace_of_its_value_wherever_it_is(value):
    secret = Secret(value)

    text = canonical(encode((Hiding(secret, (secret, "x"), {"a": secret}), Late(("a", secret)), {"b": [secret]})))

    assert value not in text


def test_a_secret_comes_back_as_one_whose_value_is_not_known():
    again = decode(Hiding, encode(Hiding(Secret("hunter2"), (), {})))

    assert again.plain == ""
    assert isinstance(again.plain, Secret)
    assert not again.plain.known


def test_a_users_key_is_never_mistaken_for_a_secret():
    spec = {"$secret": True, "$late": [], "$$secret": 1, "$": 2}

    assert decode(Mapping[str, Any], encode(spec)) == spec


def test_transient_fields_stay_behind_and_come_back_as_their_default():
    check = Check("get", {"url": "/"}, {"status": 200}, 5, Location("b.yaml", 1, 2))
    spec = dict.fromkeys(Everything.__dataclass_fields__, "")
    spec = Everything(**spec | {"steering": "kept", "here": "/home/me", "mode": Mode.FAST})

    assert encode(spec)["steering"] == "kept"
    assert "here" not in encode(spec)
    assert decode(Check, encode(check)) == check


@pytest.mark.parametrize(
    ("hint", "data"),
    [
        pytest.param(str, 1, id="a number is no text"),
        pytest.param(str, {"$secret": False}, id="a secret that is none"),
        pytest.param(str, {"$late": [["a", "b"]]}, id="a handout without its attribute"),
        pytest.param(str, {"$late": [1]}, id="a late part that is a number"),
        pytest.param(int, True, id="true is no number"),
        pytest.param(int, 1.0, id="a fraction is no whole number"),
        pytest.param(int, "1", id="a digit is no number"),
        pytest.param(bool, 1, id="one is not true"),
        pytest.param(float, "1", id="a text is no fraction"),
        pytest.param(None, 0, id="zero is not null"),
        pytest.param(Secret, "known", id="a secret in the clear"),
        pytest.param(int | None, "x", id="neither of a union"),
        pytest.param(Mode, "slow", id="a word that the enum lacks"),
        pytest.param(Literal["a", 1], "b", id="a word that the literal lacks"),
        pytest.param(Literal["a", 1], True, id="true instead of the literal one"),
        pytest.param(tuple[str, ...], "abc", id="a text is no list"),
        pytest.param(tuple[str, int], ["a"], id="a list that is too short"),
        pytest.param(frozenset[str], {"a": 1}, id="a mapping is no set"),
        pytest.param(Mapping[str, int], {"a": "1"}, id="a mapping's wrong value"),
        pytest.param(Mapping[str, int], [], id="a list is no mapping"),
        pytest.param(Mapping[str, int], {"$x": 1}, id="a key that would have been escaped"),
        pytest.param(Rule, {"name": "a", "colour": "red"}, id="a field that does not exist"),
        pytest.param(Rule, {}, id="a required field that is missing"),
        pytest.param(Rule, [], id="a list is no spec"),
        pytest.param(Rule, {"name": "a", "next": {"name": 1}}, id="a wrong field of a nested spec"),
    ],
)
def test_anything_unexpected_is_refused(hint, data):
    with pytest.raises(ValueError):
        decode(hint, data)


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), object, b"bytes", Rule, {1: "a"}, {Secret("s"): 1}, {Late(("a",)): 1}],
    ids=repr,
)
def test_what_has_no_json_form_is_refused(value):
    with pytest.raises(ValueError):
        encode(value)


def test_a_refusal_says_where_and_not_what():
    with pytest.raises(ValueError, match=r"Rule\.next: Rule\.name: expected text, got int") as caught:
        decode(Rule, {"name": "a", "next": {"name": 31337}})

    assert "31337" not in str(caught.value)


@pytest.mark.parametrize(
    "hint", [Rule | Hiding, Rule | Mapping[str, str], Mapping[int, str], list[str], bytes], ids=str
)
def test_hints_that_json_cannot_tell_apart_are_a_bug_of_ours(hint):
    with pytest.raises(TypeError):
        decode(hint, {})


def test_a_field_added_since_takes_its_default():
    assert decode(Rule, {"name": "old"}) == Rule("old")


def test_the_canonical_text_depends_on_the_value_alone():
    assert canonical({"b": [1, 2.5, None], "a": "ä"}) == '{"a":"\\u00e4","b":[1,2.5,null]}'
    assert canonical({"b": 1, "a": 2}) == canonical({"a": 2, "b": 1})
