from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serverless_cli.eventbridge.pattern import LONGEST, LONGEST_FILTER, OPERATORS, check

GOOD = {
    "values": {"source": ["shop", "bank"], "detail": {"count": [1, 2.5, -3], "done": [True, None, ""]}},
    "nested": {"detail": {"a": {"b": {"c": ["x"]}}}},
    "every event": {"source": [{"prefix": ""}]},
    "prefix": {"time": [{"prefix": "2026-"}]},
    "prefix in any case": {"source": [{"prefix": {"equals-ignore-case": "Shop"}}]},
    "suffix": {"detail": {"file": [{"suffix": ".png"}, {"suffix": {"equals-ignore-case": ".jpg"}}]}},
    "any case": {"detail-type": [{"equals-ignore-case": "order"}]},
    "wildcard": {"detail": {"path": [{"wildcard": "dir/*.png"}, {"wildcard": "a\\*b\\\\*"}]}},
    "anything but a text": {"detail": {"state": [{"anything-but": "new"}]}},
    "anything but texts": {"detail": {"state": [{"anything-but": ["new", "old"]}]}},
    "anything but numbers": {"detail": {"n": [{"anything-but": [1, 2]}, {"anything-but": 5}]}},
    "anything but a prefix": {"region": [{"anything-but": {"prefix": "us-"}}]},
    "anything but suffixes": {"region": [{"anything-but": {"suffix": ["-1", "-2"]}}]},
    "anything but in any case": {"region": [{"anything-but": {"equals-ignore-case": "X"}}]},
    "anything but a wildcard": {"region": [{"anything-but": {"wildcard": "*/lib/*"}}]},
    "one number": {"detail": {"n": [{"numeric": ["=", 100]}]}},
    "a half range": {"detail": {"n": [{"numeric": ["<", -1.5]}]}},
    "a range": {"detail": {"n": [{"numeric": [">", 0, "<=", 5_000_000_000]}]}},
    "exists": {"detail": {"a": [{"exists": True}], "b": [{"exists": False}]}},
    "addresses": {"detail": {"ip": [{"cidr": "10.0.0.0/24"}, {"cidr": "2001:db8::/32"}]}},
    "or": {"$or": [{"source": ["a"]}, {"detail": {"n": [{"numeric": [">", 1]}]}}]},
    "a nested or": {"detail": {"$or": [{"a": ["x"]}, {"b": ["y"]}], "c": ["z"]}},
}
BAD = {
    "no mapping": (["shop"], (), "not a list"),
    "a text": ("shop", (), "not text"),
    "nothing in it": ({}, (), "empty pattern"),
    "nothing in a part": ({"detail": {}}, ("detail",), "empty pattern"),
    "a bare text": ({"source": "shop"}, ("source",), "wants a list"),
    "a bare number": ({"detail": {"n": 5}}, ("detail", "n"), "not a number"),
    "an operator outside a list": ({"source": {"prefix": "a"}}, ("source", "prefix"), "wants a list"),
    "an empty list": ({"source": []}, ("source",), "empty list"),
    "a list in a list": ({"source": [["a"]]}, ("source", 0), "list in a list"),
    "an unknown operator": ({"source": ["a", {"prefx": "a"}]}, ("source", 1, "prefx"), "unknown operator"),
    "two operators in one": ({"source": [{"prefix": "a", "suffix": "b"}]}, ("source", 0), "has one key"),
    "an empty operator": ({"source": [{}]}, ("source", 0), "has one key"),
    "a prefix of numbers": ({"a": [{"prefix": 1}]}, ("a", 0, "prefix"), "wants text"),
    "a suffix with another operator": ({"a": [{"suffix": {"prefix": "x"}}]}, ("a", 0, "suffix"), "equals-ignore-case"),
    "a number in any case": (
        {"a": [{"prefix": {"equals-ignore-case": 1}}]}, ("a", 0, "prefix", "equals-ignore-case"), "wants text",
    ),
    "a list in any case": ({"a": [{"equals-ignore-case": ["x"]}]}, ("a", 0, "equals-ignore-case"), "wants text"),
    "two stars": ({"a": [{"wildcard": "a**b"}]}, ("a", 0, "wildcard"), "two `*`"),
    "a stray backslash": ({"a": [{"wildcard": "a\\b"}]}, ("a", 0, "wildcard"), "stray backslash"),
    "a wildcard of a number": ({"a": [{"wildcard": 1}]}, ("a", 0, "wildcard"), "wants text"),
    "anything but nothing": ({"a": [{"anything-but": []}]}, ("a", 0, "anything-but"), "empty list"),
    "anything but a mixture": ({"a": [{"anything-but": ["a", 1]}]}, ("a", 0, "anything-but"), "not both"),
    "anything but true": ({"a": [{"anything-but": True}]}, ("a", 0, "anything-but"), "not both"),
    "anything but null": ({"a": [{"anything-but": None}]}, ("a", 0, "anything-but"), "not both"),
    "anything but a range": ({"a": [{"anything-but": {"numeric": ["=", 1]}}]}, ("a", 0, "anything-but"), "one of"),
    "anything but all": ({"a": [{"anything-but": {"prefix": ""}}]}, ("a", 0, "anything-but", "prefix"), "empty prefix"),
    "anything but no prefix": ({"a": [{"anything-but": {"prefix": []}}]}, ("a", 0, "anything-but", "prefix"), "empty list"),
    "a number that is none": ({"a": [{"numeric": 5}]}, ("a", 0, "numeric"), "wants comparisons"),
    "a comparison too few": ({"a": [{"numeric": [">"]}]}, ("a", 0, "numeric"), "wants comparisons"),
    "an unknown comparison": ({"a": [{"numeric": ["==", 5]}]}, ("a", 0, "numeric", 0), "no comparison"),
    "a comparison with text": ({"a": [{"numeric": [">", "5"]}]}, ("a", 0, "numeric", 1), "with a number"),
    "a comparison with true": ({"a": [{"numeric": [">", True]}]}, ("a", 0, "numeric", 1), "with a number"),
    "too large a number": ({"a": [{"numeric": [">", 6e9]}]}, ("a", 0, "numeric", 1), "too large"),
    "a falling range": ({"a": [{"numeric": [">", 5, "<", 1]}]}, ("a", 0, "numeric"), "smaller to a larger"),
    "a range the wrong way": ({"a": [{"numeric": ["<", 5, ">", 1]}]}, ("a", 0, "numeric"), "smaller to a larger"),
    "exists as text": ({"a": [{"exists": "yes"}]}, ("a", 0, "exists"), "true or false"),
    "an address without range": ({"a": [{"cidr": "10.0.0.1"}]}, ("a", 0, "cidr"), "no range"),
    "an impossible address": ({"a": [{"cidr": "10.0.0.300/24"}]}, ("a", 0, "cidr"), "no range"),
    "an or of one": ({"$or": [{"a": ["x"]}]}, ("$or",), "at least two"),
    "an or of texts": ({"$or": ["a", {"b": ["x"]}]}, ("$or", 0), "wants patterns"),
    "a misspelt detail-type": ({"detailType": ["Order"]}, ("detailType",), "no event has"),
    "another one": ({"detail_type": ["Order"]}, ("detail_type",), "no event has"),
}  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from([*OPERATORS, "$or", "a", "detail"]), inner),
    max_leaves=20,
)


@pytest.mark.parametrize("tree", GOOD.values(), ids=GOOD)
def test_what_eventbridge_takes_is_right(tree: object):
    assert check(json.dumps(tree)) == []


@pytest.mark.parametrize(("tree", "path", "words"), BAD.values(), ids=BAD)
def test_what_eventbridge_refuses_is_found_at_its_place(tree: object, path: tuple[str | int, ...], words: str):
    [found] = check(json.dumps(tree))

    assert found.path == path
    assert words in found.what + found.why


def test_all_that_is_wrong_is_found_at_once():
    tree = {"source": "shop", "detail": {"n": [{"numeric": ["~", 1]}], "s": []}}

    assert [one.path for one in check(json.dumps(tree))] == [
        ("source",),
        ("detail", "n", 0, "numeric", 0),
        ("detail", "s"),
    ]


def test_a_bare_value_is_answered_with_how_to_write_it():
    [found] = check('{"source":"shop"}')

    assert found.hint == 'write ["shop"]'


@pytest.mark.parametrize(("pipe", "most"), [(False, LONGEST), (True, LONGEST_FILTER)])
def test_a_pattern_has_so_many_characters_at_most(pipe: bool, most: int):
    frame = len('{"a":[""]}')

    assert check(json.dumps({"a": ["x" * (most - frame)]}, separators=(",", ":")), pipe=pipe) == []
    assert len(check(json.dumps({"a": ["x" * (most - frame + 1)]}, separators=(",", ":")), pipe=pipe)) == 1


@pytest.mark.parametrize("operator", [{"wildcard": "a*"}, {"anything-but": {"prefix": "a"}}])
def test_a_pipe_cannot_do_all_that_a_rule_can(operator: dict[str, object]):
    text = json.dumps({"body": {"a": [operator]}})

    assert check(text) == []
    assert "only rules" in check(text, pipe=True)[0].why


def test_a_pipe_may_filter_by_a_field_of_any_name():
    assert check('{"detailType":["a"],"a":[{"anything-but":["x"]}]}', pipe=True) == []


@given(JSON)
def test_no_value_is_too_odd_to_be_judged(tree: object):
    for one in check(json.dumps(tree)):
        assert one.what
        node = tree
        for step in one.path:
            node = node[step]  # every path leads to something in the value
