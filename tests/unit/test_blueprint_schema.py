"""The JSON Schema for editors agrees with the reader about what a blueprint may say."""

from __future__ import annotations

import jsonschema
import pytest
import yaml
from blueprint_fakes import TYPES, folder, read

from serverless_cli.blueprint.declare import CommonKeys
from serverless_cli.blueprint.schema import schema
from serverless_cli.blueprint.shapes import keys_of
from serverless_cli.errors import BlueprintError
from serverless_cli.resources import TYPES as REAL

SCHEMA = jsonschema.Draft7Validator(schema(TYPES))


@pytest.fixture
def home(tmp_path):
    return folder(tmp_path)


def blueprint(keys="", more=""):
    return f"name: web\n{more}resources:\n  b: {{type: thing}}\n  a: {{type: thing, {keys}}}\n"


GOOD = [
    pytest.param(blueprint(), id="the least"),
    pytest.param(blueprint("size: 10, public: true, ratio: 0.5, mode: slow, days: null, folder: code"), id="single values"),
    pytest.param(blueprint('size: "${param.p}", public: "${param.p}", mode: "${param.m}"').replace("name: web", "name: web\nparameters: {p: {default: 1}, m: fast}").replace('public: "${param.p}", ', ""), id="references"),
    pytest.param(blueprint("text: 1.5, tags: {A: true, B: 2}, links: [1]"), id="numbers as texts"),
    pytest.param(blueprint("policy: {a: [1]}, definition: {x: y}, frozen: 1"), id="JSON"),
    pytest.param(blueprint("inner: {first: x}, routes: {R: a, Q: {to: b}}"), id="short and long forms"),
    pytest.param(blueprint("triggers: [{queue: q}, {bucket: b}]"), id="several kinds of entries"),
    pytest.param(blueprint("name: own, retain: true, depends_on: b"), id="what every resource may say"),
    pytest.param("name: web\nresources: {a: {type: strict-thing, existing: x}}\n", id="existing needs no other keys"),
    pytest.param("name: web\nresources: {a: {type: strict-thing, must: x}}\n", id="a required key"),
    pytest.param(blueprint(more="description: x\nparameters: {p: {secret: true}, q: x, r: {default: 1, choices: [1]}}\noutputs: {o: 1}\n"), id="all sections"),
    pytest.param(blueprint(more="checks:\n- get: http://x\n- post: {url: '${a.url}', json: [1]}\n  expect: {status: 200, json: {}}\n  deadline_s: 5\n"), id="checks"),
]  # fmt: skip

BAD = [
    pytest.param("resources: {}\n", id="no name"),
    pytest.param("name: web\n", id="no resources"),
    pytest.param("name: Web\nresources: {}\n", id="a capital in the name"),
    pytest.param(blueprint(more="x: 1\n"), id="an unknown section"),
    pytest.param("name: web\nresources: {A: {type: thing}}\n", id="a capital in an id"),
    pytest.param("name: web\nresources: {a: {}}\n", id="no type"),
    pytest.param("name: web\nresources: {a: {type: x}}\n", id="an unknown type"),
    pytest.param("name: web\nresources: {a: {type: strict-thing}}\n", id="a required key is missing"),
    pytest.param("name: web\nresources: {a: {type: thing, existing: x, size: 1}}\n", id="a key beside existing"),
    pytest.param(blueprint("sice: 1"), id="an unknown key"),
    pytest.param(blueprint("size: 11"), id="a number out of range"),
    pytest.param(blueprint("size: x"), id="text for a number"),
    pytest.param(blueprint("public: 1"), id="a number for a boolean"),
    pytest.param(blueprint("mode: quick"), id="none of the choices"),
    pytest.param(blueprint("days: 2"), id="none of the numbers"),
    pytest.param(blueprint("label: ABC"), id="another form"),
    pytest.param(blueprint("label: abcdefghij"), id="a text that is too long"),
    pytest.param(blueprint("tags: {a: x}"), id="a key of another form"),
    pytest.param(blueprint("links: [a, b, c, d]"), id="a list that is too long"),
    pytest.param(blueprint("inner: {}"), id="a nested key is missing"),
    pytest.param(blueprint("routes: {R: [x]}"), id="neither short nor long form"),
    pytest.param(blueprint("triggers: [{queue: q, events: [created]}]"), id="a key of the other kind"),
    pytest.param(blueprint(more="checks: [{expect: {}}]\n"), id="no probe"),
    pytest.param(blueprint(more="checks: [{get: http://x, put: http://x}]\n"), id="two probes"),
    pytest.param(blueprint(more="checks: [{get: http://x, expect: {status: 9}}]\n"), id="a status that is none"),
    pytest.param(blueprint(more="parameters: {p: {x: 1}}\n"), id="an unknown key of a parameter"),
]


@pytest.mark.parametrize("text", GOOD)
def test_what_the_reader_takes_the_schema_takes(home, text):
    read(home, text, parameters={})

    assert [error.message for error in SCHEMA.iter_errors(yaml.safe_load(text))] == []


@pytest.mark.parametrize("text", BAD)
def test_what_the_schema_refuses_the_reader_refuses(home, text):
    with pytest.raises(BlueprintError):
        read(home, text)

    assert not SCHEMA.is_valid(yaml.safe_load(text))


@pytest.mark.parametrize("types", [pytest.param(TYPES, id="made-up types"), pytest.param(REAL, id="all real types")])
def test_every_key_of_every_type_is_in_it_and_described(types):
    found = schema(types)

    jsonschema.Draft7Validator.check_schema(found)
    for kind in types.values():
        keys = found["definitions"][f"type-{kind.type_name}"]["else"]["properties"]
        assert set(keys) == set(keys_of(kind.keys)) | set(keys_of(CommonKeys))
        if types is REAL:
            assert [name for name, key in keys.items() if not key.get("description")] == []


@pytest.mark.parametrize("kind", REAL.values(), ids=lambda kind: kind.type_name)
def test_no_real_type_declares_a_key_that_every_resource_has(kind):
    assert not set(keys_of(kind.keys)) & set(keys_of(CommonKeys))
