from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serverless_cli.diff import changes
from serverless_cli.model import Change, Handout, Late, Ref, Spec
from serverless_cli.secret import Secret


@dataclass(frozen=True, slots=True)
class Inner(Spec):
    days: int = 1
    why: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Thing(Spec):
    name: str = "n"
    size: int = 1
    inner: Inner | None = field(default_factory=Inner)
    tags: Mapping[str, str] = field(default_factory=dict)
    rules: tuple[Inner, ...] = ()
    texts: tuple[str, ...] = ()
    deep: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    folder: str = field(default="", compare=False)
    own: Mapping[str, str] = field(default_factory=dict, metadata={"private": True})


LATE = Late(("https://", Handout(Ref("http-api", "api"), "id")))
UNKNOWN = Secret("", known=False)


@pytest.mark.parametrize(
    ("wish", "reality", "expected"),
    [
        pytest.param(Thing(), Thing(), [], id="equal specs have no difference"),
        pytest.param(Thing(size=2), Thing(), [("size", 1, 2)], id="a field differs"),
        pytest.param(Thing(folder="a"), Thing(folder="b"), [], id="fields that steer are not compared"),
        pytest.param(Thing(inner=Inner(why="a")), Thing(), [], id="nor those of nested specs"),
        pytest.param(Thing(rules=(Inner(why="a"),)), Thing(rules=(Inner(),)), [], id="nor those of specs in tuples"),
        pytest.param(Thing(inner=Inner(2)), Thing(), [("inner.days", 1, 2)], id="nested specs are descended"),
        pytest.param(Thing(inner=None), Thing(), [("inner", Inner(), None)], id="a nested spec that is not wished"),
        pytest.param(Thing(), Thing(inner=None), [("inner", None, Inner())], id="a nested spec that is missing"),
        pytest.param(
            Thing(tags={"a": "1", "b": "2"}),
            Thing(tags={"c": "3", "b": "1"}),
            [("tags.a", None, "1"), ("tags.b", "1", "2"), ("tags.c", "3", None)],
            id="mappings are compared key by key",
        ),
        pytest.param(
            Thing(deep={"x": {"y": "1"}}), Thing(deep={"x": {"y": "2"}}), [("deep.x.y", "2", "1")], id="at any depth"
        ),
        pytest.param(
            Thing(texts=("a", "b")),
            Thing(texts=("b", "a")),
            [("texts", ("b", "a"), ("a", "b"))],
            id="tuples as a whole",
        ),
        pytest.param(Thing(name=LATE), Thing(name=str(LATE)), [("name", str(LATE), LATE)], id="a late value differs"),
        pytest.param(
            Thing(texts=("a", LATE)),
            Thing(texts=("a", str(LATE))),
            [("texts", ("a", str(LATE)), ("a", LATE))],
            id="also within a tuple",
        ),
        pytest.param(Thing(name=UNKNOWN), Thing(name="x"), [], id="a secret that was not given never differs"),
        pytest.param(Thing(tags={"a": UNKNOWN}), Thing(), [], id="nor where there is nothing"),
        pytest.param(Thing(texts=(UNKNOWN,)), Thing(texts=("x",)), [], id="nor within a tuple"),
        pytest.param(Thing(name=Secret("x")), Thing(name="x"), [], id="a known secret compares by value"),
    ],
)
def test_differences(wish, reality, expected):
    found = changes(wish, reality, frozenset())

    assert [(".".join(one.path), one.before, one.after) for one in found] == expected


@pytest.mark.parametrize(
    ("wish", "reality"),
    [
        pytest.param(Thing(name=Secret("newpass")), Thing(name="oldpass"), id="as a field"),
        pytest.param(Thing(tags={"a": Secret("newpass")}), Thing(tags={"a": "oldpass"}), id="in a mapping"),
        pytest.param(Thing(texts=("x", Secret("newpass"))), Thing(texts=("oldpass",)), id="in a tuple"),
        pytest.param(
            Thing(deep={"a": {"b": Secret("newpass")}}), Thing(deep={"a": {"b": "oldpass"}}), id="in nested mappings"
        ),
    ],
)
def test_neither_side_of_a_changed_secret_can_be_read(wish, reality):
    found = changes(wish, reality, frozenset())

    assert len(found) == 1
    assert "pass" not in repr(found)


@pytest.mark.parametrize(
    ("wish", "reality", "stated"),
    [
        pytest.param(Thing(), Thing(tags={"a": "oldpass"}), Thing(tags={"a": UNKNOWN}), id="a key that is gone"),
        pytest.param(
            Thing(tags={"a": "plain"}), Thing(tags={"a": "oldpass"}), Thing(tags={"a": UNKNOWN}), id="that is plain now"
        ),
        pytest.param(
            Thing(deep={"b": {}}), Thing(deep={"a": {"b": "oldpass"}, "b": {}}), Thing(deep={"a": {"b": UNKNOWN}}),
            id="a mapping that is gone",
        ),
        pytest.param(Thing(texts=()), Thing(texts=("x", "oldpass")), Thing(texts=("x", UNKNOWN)), id="in a tuple"),
        pytest.param(
            Thing(rules=()), Thing(rules=(Inner(why="oldpass"), "oldpass")), Thing(rules=(Inner(), UNKNOWN)),
            id="beside a spec",
        ),
    ],
)  # fmt: skip
def test_a_secret_that_is_wished_for_no_more_cannot_be_read_either(wish, reality, stated):
    found = changes(wish, reality, frozenset(), stated)

    assert len(found) == 1
    assert "pass" not in repr(found)
    assert found[0].before is not None


@pytest.mark.parametrize(
    ("wish", "stated", "shown"),
    [
        pytest.param({}, None, False, id="of which nothing is recorded"),
        pytest.param({"a": "new"}, None, False, id="that is to change, of which nothing is recorded"),
        pytest.param({}, {}, False, id="that was put there by hand"),
        pytest.param({"a": "new"}, {"a": "old"}, False, id="that was changed by hand"),
        pytest.param({"a": "new"}, {"a": "value"}, True, id="that a blueprint stated"),
        pytest.param({}, {"a": "value"}, True, id="that a blueprint stated and does no more"),
    ],
)
def test_a_value_in_a_private_field_is_shown_only_if_it_was_stated(wish, stated, shown):
    record = None if stated is None else Thing(own=stated)

    [found] = changes(Thing(own=wish), Thing(own={"a": "value"}), frozenset(), record)

    assert (found.path, found.after) == (("own", "a"), wish.get("a"))
    assert found.before == "value"
    assert isinstance(found.before, Secret) is not shown


def test_what_is_missing_in_a_private_field_shows_as_nothing():
    [found] = changes(Thing(own={"a": "new"}), Thing(), frozenset())

    assert (found.before, found.after) == (None, "new")


def test_fields_that_cannot_be_changed_in_place_replace():
    found = changes(Thing(size=2, inner=Inner(2)), Thing(), frozenset({"inner"}))

    assert found == (Change(("size",), 1, 2), Change(("inner", "days"), 1, 2, replaces=True))


def test_differences_come_in_the_order_of_the_fields():
    wish = Thing("x", 9, None, {"b": "", "a": ""}, (Inner(),), ("",))

    found = [one.path for one in changes(wish, Thing(), frozenset())]

    assert found == [("name",), ("size",), ("inner",), ("tags", "a"), ("tags", "b"), ("rules",), ("texts",)]


def test_specs_of_two_kinds_cannot_be_compared():
    with pytest.raises(TypeError):
        changes(Thing(), Inner(), frozenset())


@settings(deadline=None)
@given(
    st.dictionaries(st.text(max_size=2), st.text(max_size=2)), st.dictionaries(st.text(max_size=2), st.text(max_size=2))
)
def test_taking_the_changes_over_makes_reality_the_wish(wished, real):
    wish, reality = Thing(tags=wished), Thing(tags=real)

    tags = dict(real)
    for one in changes(wish, reality, frozenset()):
        tags[one.path[1]] = one.after

    assert {key: value for key, value in tags.items() if value is not None} == wished
    assert changes(wish, replace(reality, tags=wished), frozenset()) == ()
