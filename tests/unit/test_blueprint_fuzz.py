"""Whatever a file holds, it is read or refused with located problems; never anything else, and not for long."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from blueprint_fakes import TYPES, WEAVERS, folder, place, write
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from serverless_cli.blueprint.parse import parse, peek
from serverless_cli.errors import BlueprintError

FUZZ = settings(
    max_examples=100, deadline=10_000, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
WORDS = (
    "name", "web", "resources", "type", "thing", "strict-thing", "existing", "depends_on", "checks", "get", "outputs",
    "parameters", "default", "secret", "size", "text", "tags", "policy", "inner", "routes", "triggers", "folder", "a",
    "b", "${a.url}", "${b.arn}", "${", "$${", "}", "${param.p}", "${slx.stage}", "{", "[", "]", ",", ": ", "- ", "\n",
    "\n  ", "\n    ", "&x ", "*x", "<<: ", "!!str ", "!x ", "|\n", ">", "'", '"', "? ", "# ", "---\n", "\t", "1", "0",
    "true", "null", "~", "%", "@", "`", "\\", "é", "\x00", "\ufeff", "\u2028", "..", "/", "code",
)  # fmt: skip
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 20),
    st.floats(allow_nan=False),
    st.sampled_from(WORDS),
    st.text(max_size=8),
)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(WORDS), inner, max_size=5)),
    max_leaves=25,
)
KEYS = st.dictionaries(
    st.sampled_from(
        ["size", "text", "tags", "policy", "inner", "routes", "triggers", "folder", "name", "depends_on", "x"]
    ),
    TREES,
    max_size=5,
)
RESOURCES = st.dictionaries(
    st.sampled_from(["a", "b", "c", "A"]),
    st.builds(lambda kind, keys: {"type": kind, **keys}, st.sampled_from(["thing", "strict-thing", "x"]), KEYS),
    max_size=4,
)


@pytest.fixture
def home(tmp_path):
    return folder(tmp_path)


def attempt(path: Path) -> None:
    for act in (lambda: parse(path, place=place, types=TYPES, weavers=WEAVERS), lambda: peek(path)):
        try:
            found, problems = act(), None
        except BlueprintError as error:
            found, problems = None, error.problems
        assert found is not None or problems
        for problem in problems or ():
            assert problem.what
            assert problem.where is None or (problem.where.line >= 1 and problem.where.column >= 1)


@FUZZ
@given(raw=st.binary(max_size=200))
def test_any_bytes(home, raw):
    attempt(write(home, raw))


@FUZZ
@given(words=st.lists(st.sampled_from(WORDS), max_size=60))
def test_anything_made_of_the_languages_words(home, words):
    attempt(write(home, "".join(words).encode()))


@FUZZ
@given(
    resources=RESOURCES,
    sections=st.dictionaries(st.sampled_from(["parameters", "outputs", "checks", "x"]), TREES, max_size=3),
)
def test_anything_in_the_shape_of_a_blueprint(home, resources, sections):

    text = json.dumps({"name": "web", "resources": resources, **sections}, ensure_ascii=False)
    attempt(write(home, text.encode("utf-8", "replace")))


@FUZZ
@given(cut=st.integers(0, 400), put=st.sampled_from(WORDS))
def test_a_good_blueprint_with_something_put_in(home, cut, put):
    text = (
        "name: web\nparameters:\n  p: {default: x}\nresources:\n  a:\n    type: thing\n    size: 3\n"
        '    tags: {A: "${b.url}"}\n    inner:\n      first: "${param.p}"\n  b: {type: thing, routes: {R: a}}\n'
        "outputs:\n  o: ${b.url}\nchecks:\n  - get: ${b.url}\n    expect: {status: 200, json: {x: 1}}\n"
    )
    attempt(write(home, (text[:cut] + put + text[cut:]).encode()))
