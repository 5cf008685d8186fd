"""What stands beside the resources: parameters, outputs and checks."""

from __future__ import annotations

import json

import pytest
from blueprint_fakes import folder, read, refused, thing

from serverless_cli.fill import reveal
from serverless_cli.model import Late
from serverless_cli.secret import Secret


@pytest.fixture
def home(tmp_path):
    return folder(tmp_path)


PARAMETERS = """\
name: web
parameters:
  greeting: Hello
  size: {default: 2, choices: [1, 2, 3]}
  pw: {secret: true, description: A password.}
  where: {default: "${slx.region}"}
resources:
  a: {type: thing, text: "${param.greeting} ${param.where}", size: "${param.size}", links: ["${param.pw}"]}
"""


@pytest.mark.parametrize(
    ("given", "remembered", "text", "size", "kept"),
    [
        pytest.param({}, {}, "Hello eu-central-1", 2, {}, id="defaults, which are not remembered"),
        pytest.param({"size": "3"}, {}, "Hello eu-central-1", 3, {"size": "3"}, id="given now"),
        pytest.param({}, {"greeting": "Hi"}, "Hi eu-central-1", 2, {"greeting": "Hi"}, id="remembered"),
        pytest.param({"greeting": "Yo"}, {"greeting": "Hi"}, "Yo eu-central-1", 2, {"greeting": "Yo"}, id="given over remembered"),
        pytest.param({}, {"gone": "x"}, "Hello eu-central-1", 2, {}, id="remembered, but no longer declared"),
        pytest.param({}, {"pw": "x"}, "Hello eu-central-1", 2, {}, id="secrets are not remembered"),
        pytest.param({"greeting": ""}, {}, " eu-central-1", 2, {"greeting": ""}, id="an empty value"),
    ],
)  # fmt: skip
def test_parameters_are_given_remembered_or_default(home, given, remembered, text, size, kept):
    stack = read(home, PARAMETERS, parameters=given, remembered=remembered)

    assert (thing(stack).text, thing(stack).size, stack.parameters) == (text, size, kept)
    assert not thing(stack).links[0].known


def test_a_secret_that_is_given_stays_one(home):
    stack = read(home, PARAMETERS, parameters={"pw": "s3cret"})

    assert isinstance(stack.parameters["pw"], Secret)
    assert thing(stack).links[0] == "s3cret"


def test_the_environment_gives_declared_parameters_and_may_hold_others(home):
    environment = {"GREETING": "Hey", "SIZE": "3", "OF_ANOTHER_BLUEPRINT": "x"}

    stack = read(home, PARAMETERS, parameters={"size": "1"}, remembered={"greeting": "Hi"}, environment=environment)

    assert stack.parameters == {"greeting": "Hey", "size": "1"}


@pytest.mark.parametrize(
    ("given", "remembered", "says"),
    [
        pytest.param({"greting": "x"}, {}, "did you mean `greeting`?", id="a name with a typo"),
        pytest.param({"zzzzzzzz": "x"}, {}, "its parameters: greeting, size, pw", id="an unknown name"),
        pytest.param({"size": "4"}, {}, "the choices are 1, 2, 3", id="not among the choices"),
        pytest.param({}, {"size": "4"}, "remembered from the last `up`", id="remembered, no longer among the choices"),
    ],
)
def test_wrong_parameters_are_told(home, given, remembered, says):
    (found,) = refused(home, PARAMETERS, parameters=given, remembered=remembered)

    assert says in f"{found.what}: {found.why} {found.hint}"


def test_a_parameter_that_nobody_uses_is_warned_of(home):
    stack = read(home, "name: web\nparameters: {p: x, q: y}\nresources: {a: {type: thing, name: 'n-${param.q}'}}\n")

    (warning,) = stack.warnings
    assert (warning.what, warning.where.line) == ("the parameter `p` is not used", 2)


def test_outputs_are_texts_with_references(home):
    text = """\
        name: web
        resources: {a: {type: thing}}
        outputs: {Name: "${a.name}", url: "${a.url}/x", n: 5}
        """

    found = read(home, text).outputs

    assert found == {"Name": "web-dev-a", "url": "${a.url}/x", "n": "5"}
    assert isinstance(found["url"], Late)


def test_a_check_may_hold_secrets_anywhere_and_tells_where_they_stand(home):
    text = (
        "name: web\nparameters: {pw: {secret: true}}\nresources: {a: {type: thing}}\nchecks:\n"
        '  - post: {url: http://x, json: {a: [1, "k-${param.pw}"]}, headers: {X: "${param.pw}"}}\n'
    )

    (given,) = read(home, text, parameters={"pw": 's"x'}).checks
    (lacking,) = read(home, text).checks

    body = given.arguments["json"]
    assert isinstance(body, Secret)
    assert json.loads(body) == {"a": [1, 'k-s"x']}
    assert reveal(lacking, {"pw": 's"x'}).arguments == given.arguments
    assert lacking.arguments["json"].missing == ("pw",)


@pytest.mark.parametrize(
    ("text", "probe", "arguments", "expect", "deadline"),
    [
        pytest.param("get: http://x", "get", {"url": "http://x"}, {}, 30.0, id="the short form"),
        pytest.param(
            'get: "${a.url}/y"\n    expect: {status: 200, contains: "<t>", json: {b: 1, a: [x]}, header: {A: b}}\n    deadline_s: 90',
            "get",
            {"url": "${a.url}/y"},
            {"status": 200, "contains": "<t>", "json": '{"a":["x"],"b":1}', "header": {"A": "b"}},
            90.0,
            id="all expectations",
        ),
        pytest.param(
            'post: {url: http://x, json: {id: "${a.name}"}, headers: {X: "${param.pw}"}}',
            "post",
            {"url": "http://x", "json": '{"id":"web-dev-a"}', "headers": {"X": "s3cret"}},
            {},
            30.0,
            id="JSON to send",
        ),
        pytest.param("put: {url: http://x, body: ''}", "put", {"url": "http://x", "body": ""}, {}, 30.0, id="an empty body"),
        pytest.param("delete: http://x", "delete", {"url": "http://x"}, {}, 30.0, id="a delete"),
    ],
)  # fmt: skip
def test_checks_keep_what_was_said(home, text, probe, arguments, expect, deadline):
    text = f"name: web\nparameters: {{pw: {{secret: true}}}}\nresources: {{a: {{type: thing}}}}\nchecks:\n  - {text}\n"

    (check,) = read(home, text, parameters={"pw": "s3cret"}).checks

    assert (check.probe, check.arguments, check.expect, check.deadline_s) == (probe, arguments, expect, deadline)
    assert (check.where.line, check.where.column) == (5, 5)
