from graphlib import CycleError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serverless_cli import graph

SITE = {
    "api": frozenset({"function"}),
    "function": frozenset({"role", "group"}),
    "role": frozenset(),
    "group": frozenset(),
}


@st.composite
def graphs(draw):
    size = draw(st.integers(1, 12))
    return {
        node: frozenset(draw(st.sets(st.integers(0, node - 1)))) if node else frozenset[int]() for node in range(size)
    }


@given(graphs())
def test_every_node_comes_once_and_after_all_that_it_needs(needs):
    ordered = graph.order(needs)

    assert sorted(ordered) == sorted(needs)
    assert all(ordered.index(need) < ordered.index(node) for node in needs for need in needs[node])


def test_nodes_without_order_between_them_keep_the_order_given():
    assert graph.order({"c": frozenset(), "a": frozenset(), "b": frozenset()}) == ("c", "a", "b")


def test_needs_that_lead_out_of_the_graph_are_left_out():
    assert graph.order({"a": frozenset({"elsewhere"})}) == ("a",)
    assert graph.within({"a": frozenset({"b", "elsewhere"}), "b": frozenset()}) == {
        "a": frozenset({"b"}),
        "b": frozenset(),
    }


def test_order_refuses_a_cycle():
    with pytest.raises(CycleError):
        graph.order({"a": frozenset({"b"}), "b": frozenset({"a"})})


def test_reverse_tells_who_needs_a_node():
    assert graph.reverse(SITE) == {
        "api": frozenset(),
        "function": frozenset({"api"}),
        "role": frozenset({"function"}),
        "group": frozenset({"function"}),
    }


@given(graphs())
def test_reversing_twice_gives_the_same_graph(needs):
    assert graph.reverse(graph.reverse(needs)) == needs


def test_a_cycle_is_a_closed_path_along_needs():
    needs = {"a": frozenset({"b"}), "b": frozenset({"c"}), "c": frozenset({"a"}), "d": frozenset({"a"})}

    path = graph.cycle(needs)

    assert path[0] == path[-1]
    assert sorted(path[:-1]) == ["a", "b", "c"]


def test_a_graph_without_a_cycle_has_none():
    assert graph.cycle(SITE) == ()


def test_upstream_is_all_that_a_node_needs_and_not_itself():
    assert set(graph.upstream(SITE, "api")) == {"function", "role", "group"}
    assert list(graph.upstream(SITE, "role")) == []


def test_upstream_says_each_node_once():
    diamond = {"a": frozenset({"b", "c"}), "b": frozenset({"d"}), "c": frozenset({"d"}), "d": frozenset()}

    assert sorted(graph.upstream(diamond, "a")) == ["b", "c", "d"]
