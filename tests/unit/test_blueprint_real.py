"""The language's own example with the real types: what it stands for, and its commonest mistakes."""

from __future__ import annotations

import shutil
from pathlib import Path

import jsonschema
import pytest
import yaml
from blueprint_fakes import marked, place

from serverless_cli.blueprint.parse import parse
from serverless_cli.blueprint.schema import schema
from serverless_cli.errors import BlueprintError
from serverless_cli.model import Late, Ref
from serverless_cli.resources import TYPES, WEAVERS

SHIPPED = Path(__file__).parents[2] / "blueprints" / "website"

WEBSITE = """\
name: website
description: A static site on S3 whose page calls a Python function through an HTTP API.

parameters:
  greeting: {default: "Hello", description: The word the API answers with.}

resources:
  hello:
    type: function
    code: ./function                    # a folder, relative to this file
    handler: app.handler
    runtime: python3.13                 # the default
    memory_mb: 128
    timeout_s: 10
    environment: {GREETING: "${param.greeting}"}

  api:
    type: http-api
    deployment_stage: prod              # "$default" when left out
    cors: {allow_origins: ["${site.origin}"], allow_methods: [GET]}
    routes:
      GET /hello: hello

  site:
    type: bucket
    access: public-read
    website: {index: index.html, error: error.html}
    content: ./site
    fill: {API_URL: "${api.url}"}       # {{API_URL}} in uploaded text files

outputs:
  website: ${site.url}
  api: ${api.url}/hello

checks:
  - get: ${site.url}
    expect: {status: 200, contains: "<title>"}
  - get: ${api.url}/hello
    expect: {status: 200, json: {message: "Hello from Lambda"}}
"""


@pytest.fixture
def home(tmp_path):
    shutil.copytree(SHIPPED, tmp_path / "website")
    return tmp_path / "website"


def read(home, text):
    path = home / "blueprint.yaml"
    path.write_text(text)
    return parse(path, place=place, types=TYPES, weavers=WEAVERS)


def test_the_website_is_what_its_page_says(home):
    stack = read(home, WEBSITE)

    kinds = {ref.kind for ref in stack.resources}
    assert {"function", "role", "log-group", "http-api", "permission", "bucket", "content"} <= kinds
    assert [check.probe for check in stack.checks] == ["get", "get"]
    assert stack.outputs["website"].startswith("http://website-dev-site-")
    assert isinstance(stack.outputs["api"], Late)
    assert stack.warnings == ()


def test_the_api_does_not_wait_for_the_site_that_it_names(home):
    resources = read(home, WEBSITE).resources

    assert Ref("bucket", "site") not in resources[Ref("http-api", "api")].needs
    assert Ref("http-api", "api") not in resources[Ref("bucket", "site")].needs
    assert Ref("http-api", "api") in resources[Ref("content", "site")].needs


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        pytest.param("handler: app", "§handlr: app", "did you mean `handler`?", id="a key"),
        pytest.param("type: function", "type: §lambda", "did you mean `function`?", id="AWS's word for a type"),
        pytest.param("type: bucket", "type: §s3", "did you mean `bucket`?", id="AWS's word for another"),
        pytest.param("memory_mb: 128", "memory_mb: §64", "it takes 128 to 10240", id="memory"),
        pytest.param("timeout_s: 10", "timeout_s: §15m", "wants a whole number", id="a unit in a number"),
        pytest.param("python3.13 ", "§python3.8 ", "python3.13", id="an old runtime"),
        pytest.param("./function ", "§./functions ", "there is no such folder", id="a folder"),
        pytest.param("[GET]", "[§GTE]", "did you mean `GET`?", id="a method"),
        pytest.param('{API_URL: "${api.url}"}', "{API_URL: $§{api.url}}", "a reference needs quotes", id="no quotes"),
        pytest.param("${site.origin}", "§${site.orgin}", "did you mean `origin`?", id="an attribute"),
        pytest.param("  website: ${site.url}", "  website: §${sites.url}", "did you mean `site`?", id="an id"),
        pytest.param("${param.greeting}", "§${param.greetings}", "did you mean `greeting`?", id="a parameter"),
        pytest.param("GET /hello: hello", "§GET hello: hello", "METHOD /path", id="a route"),
        pytest.param("outputs:", "§output:", "did you mean `outputs`?", id="a section"),
        pytest.param("access: public-read", "access: §public", "did you mean `public-read`?", id="a choice"),
    ],
)
def test_common_mistakes_are_told_with_their_place(home, old, new, says):
    assert WEBSITE.count(old) == 1
    text, places = marked(WEBSITE.replace(old, new))

    with pytest.raises(BlueprintError) as caught:
        read(home, text)

    found = caught.value.problems
    assert [(p.where.line, p.where.column) for p in found] == places
    assert says in f"{found[0].what}: {found[0].why} {found[0].hint}"


@pytest.mark.parametrize("path", sorted(SHIPPED.parent.glob("*/blueprint.yaml")), ids=lambda path: path.parent.name)
def test_every_shipped_blueprint_is_sound_and_fits_the_schema(path):
    stack = parse(path, place=place, types=TYPES, weavers=WEAVERS)

    assert stack.place.stack == path.parent.name
    assert stack.warnings == ()
    errors = jsonschema.Draft7Validator(schema(TYPES)).iter_errors(yaml.safe_load(path.read_text()))
    assert [error.message for error in errors] == []
