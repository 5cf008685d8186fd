from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serverless_cli.eventbridge.template import check, template, transformer

FORMS = {
    "a mapping": ({"id": "<$.detail.id>", "n": 1}, '{"id":<$.detail.id>,"n":1}'),
    "a path in a longer text": ({"text": "id <$.detail.id>!"}, '{"text":"id <$.detail.id>!"}'),
    "lists": (["<$.a>", "<$.b>", "x"], '[<$.a>,<$.b>,"x"]'),
    "nothing but a path": ("<$.detail>", "<$.detail>"),
    "free text": ("Hello <$.detail.name>", '"Hello <$.detail.name>"'),
    "JSON itself": ('{"id": "<$.id>", "n": <$.n>}', '{"id": "<$.id>", "n": <$.n>}'),
    "JSON text itself": ('"id <$.id>"', '"id <$.id>"'),
    "a word of AWS": ({"at": "<aws.events.event.ingestion-time>"}, '{"at":<aws.events.event.ingestion-time>}'),
    "a key that looks like a path": ({"<$.a>": "x"}, '{"<$.a>":"x"}'),
    "a text with quotes": ({"t": 'say "<$.a>"'}, '{"t":"say \\"<$.a>\\""}'),
    "a text that ends like a key": ({"t": 'x:"<$.a>",'}, '{"t":"x:\\"<$.a>\\","}'),
    "other angles": ({"t": "<b>"}, '{"t":"<b>"}'),
}
BAD = {
    "nothing": ("", "an empty template"),
    "too much": ("x" * 8191, "characters"),
    "no end": ({"a": "<$.b"}, "has no end"),
    "a filter in a path": ({"a": "<$.b[?(@.c)]>"}, "no path"),
    "a space in a path": ({"a": "<$.b c>"}, "no path"),
    "a word of pipes": ({"a": "<aws.pipes.pipe-name>"}, "knows no"),
    "too long a path": ({"a": f"<$.{'x' * 255}>"}, "too long"),
    "too many paths": ([f"<$.a{n}>" for n in range(101)], "101 paths"),
}


def canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


@pytest.mark.parametrize(("value", "wanted"), FORMS.values(), ids=FORMS)
def test_a_value_becomes_a_template(value: object, wanted: str):
    assert template(canonical(value)) == wanted


@pytest.mark.parametrize(("value", "words"), BAD.values(), ids=BAD)
def test_what_eventbridge_refuses_is_found(value: object, words: str):
    assert words in check(canonical(value))[0].what


@pytest.mark.parametrize("value", [value for value, _ in FORMS.values()], ids=FORMS)
def test_what_eventbridge_takes_is_right(value: object):
    assert check(canonical(value)) == []


def test_words_of_rules_are_none_of_pipes():
    value = canonical({"a": "<aws.events.event>"})

    assert (check(value), len(check(value, pipe=True))) == ([], 1)


def test_a_rule_names_each_path_once():
    paths, text = transformer(canonical({"a": "<$.detail.id>", "b": "<$.detail.id> of <$.detail-type>"}))

    assert paths == {"detail_id": "$.detail.id", "detail_type": "$.detail-type"}
    assert text == '{"a":<detail_id>,"b":"<detail_id> of <detail_type>"}'


def test_paths_that_would_have_one_name_get_two():
    paths, text = transformer(canonical(["<$.a.b>", "<$.a_b>", "<$.a-b>", "<$>", "<$.aws.x>"]))

    assert sorted(paths.values()) == ["$", "$.a-b", "$.a.b", "$.a_b", "$.aws.x"]
    assert len(set(re.findall("<([^>]*)>", text))) == 5
    assert not any(name.startswith("aws") for name in paths)


TREES = st.recursive(
    st.none() | st.integers() | st.text('<>$."\\:,[]{}ab') | st.sampled_from(["<$.a>", "<$.a.b>", "x <$.c>"]),
    lambda inner: st.lists(inner) | st.dictionaries(st.text('<>$.":ab'), inner),
    max_leaves=10,
)


@given(TREES)
def test_a_template_is_json_once_its_paths_are_filled(tree: object):
    text = canonical(tree)
    if isinstance(tree, str):
        assert isinstance(template(text), str)
        return

    filled = re.sub(r'(?<=[:\[,])<\$[^<>"\\]*>(?=[,\]}])', "0", template(text))

    json.loads(filled)


@given(TREES)
def test_no_value_is_too_odd_to_be_judged(tree: object):
    assert all(one.what for one in check(canonical(tree)))
    assert all(re.fullmatch(r"\$.*", path) for path in transformer(canonical(tree))[0].values())
