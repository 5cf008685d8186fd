"""Checks as they are written: ids of resources, what goes together, and what is wrong with them."""

from __future__ import annotations

import textwrap

import pytest

from serverless_cli.blueprint.parse import parse
from serverless_cli.blueprint.probes import PROBES, EffectKeys
from serverless_cli.blueprint.shapes import keys_of
from serverless_cli.checks.actions import ACTIONS
from serverless_cli.checks.looks import LOOKS
from serverless_cli.errors import BlueprintError
from serverless_cli.model import Check, Place
from serverless_cli.resources.bucket import BucketType
from serverless_cli.resources.queue import QueueType
from serverless_cli.resources.state_machine import StateMachineType
from serverless_cli.resources.table import TableType
from serverless_cli.resources.topic import TopicType

HEAD = """\
name: shop
resources:
  photos: {type: bucket}
  jobs: {type: queue}
  results: {type: table, key: id}
  news: {type: topic}
  flow:
    type: state-machine
    definition: {StartAt: A, States: {A: {Type: Succeed}}}
"""


@pytest.fixture
def home(tmp_path):
    (tmp_path / "photo.jpg").write_bytes(b"x")
    return tmp_path


def checks(home, text: str) -> tuple[Check, ...]:
    path = home / "blueprint.yaml"
    path.write_text(f"{HEAD}checks:\n{textwrap.indent(textwrap.dedent(text), '  ')}")
    every = (BucketType(), QueueType(), TableType(), TopicType(), StateMachineType())
    types = {one.type_name: one for one in every}
    place = Place("", "dev", "eu-central-1", "123456789012")
    return parse(path, place=lambda name: Place(name, *_rest(place)), types=types, weavers={}).checks


def _rest(place: Place) -> tuple[str, str, str]:
    return place.stage, place.region, place.account


def refused(home, text: str) -> tuple[str, ...]:
    with pytest.raises(BlueprintError) as error:
        checks(home, text)
    return tuple(
        f"{one.what}: {one.why} {one.hint} {one.where.line}:{one.where.column}" for one in error.value.problems
    )


def test_a_check_names_resources_by_their_ids(home):
    (check,) = checks(home, """\
        - put_object: {bucket: photos, key: "${check.id}.jpg", file: photo.jpg}
          expect:
            row: {table: results, key: {id: "${check.id}"}, item: {n: 1}}
            message:
              - {queue: jobs, contains: a}
              - {queue: jobs, json: {b: "${results.name}"}}
          deadline_s: 60
        """)  # fmt: skip

    assert check.arguments["bucket"] == "photos"
    assert check.arguments["key"] == "${check.id}.jpg"
    assert check.arguments["file"] == str(home / "photo.jpg")
    names = check.arguments["names"]
    assert names.pop("photos").startswith("shop-dev-photos-")
    assert names == {"results": "shop-dev-results", "jobs": "shop-dev-jobs"}
    assert check.expect == {
        "row": {"table": "results", "key": '{"id":"${check.id}"}', "item": '{"n":1}'},
        "message": ({"queue": "jobs", "contains": "a"}, {"queue": "jobs", "json": '{"b":"shop-dev-results"}'}),
    }


def test_what_aws_knows_by_an_arn_is_named_by_it(home):
    flow, news = checks(home, """\
        - start_execution: flow
        - publish: {topic: news, message: {a: 1}, attributes: {kind: x}}
          expect: {message: {queue: jobs}}
        """)  # fmt: skip

    assert flow.arguments["names"] == {"flow": "arn:aws:states:eu-central-1:123456789012:stateMachine:shop-dev-flow"}
    assert flow.expect == {"status": "SUCCEEDED"}
    assert news.arguments["names"]["news"] == "arn:aws:sns:eu-central-1:123456789012:shop-dev-news"


def test_the_default_bus_needs_no_declaration(home):
    (check,) = checks(home, """\
        - put_event: {source: s, detail_type: t, detail: {a: 1}}
          expect: {row: {table: results, key: {id: a}}}
        """)  # fmt: skip

    assert (check.arguments["bus"], check.arguments["names"]["default"]) == ("default", "default")


def test_keep_is_part_of_what_was_said(home):
    (check,) = checks(home, """\
        - put_object: {bucket: photos, key: fixed, body: x, keep: true}
          expect: {object: {bucket: photos, key: fixed}}
        """)  # fmt: skip

    assert check.arguments["keep"] is True


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param(
            "- put_object: {bucket: photo, key: '${check.id}', body: x}\n  expect: {no_row: {table: results, key: {id: 1}}}",
            "a check wants a bucket: no resource has the id `photo` did you mean `photos`? 11:18",
            id="an id with a typo",
        ),
        pytest.param(
            "- send_message: {queue: photos, body: x}\n  expect: {message: {queue: jobs}}",
            "a check wants a queue: `photos` is a bucket there are: jobs 11:20",
            id="a resource of another type",
        ),
        pytest.param(
            "- put_record: {stream: s, data: x}\n  expect: {message: {queue: jobs}}",
            "a check wants a stream: no resource has the id `s` declare it under `resources:` as a stream 11:18",
            id="a type of which there is none",
        ),
        pytest.param(
            "- send_message: {queue: jobs, body: x}",
            "the check `send_message` expects nothing: that AWS takes it proves nothing yet",
            id="nothing expected",
        ),
        pytest.param(
            "- send_message: {queue: jobs, body: x}\n  expect: {}",
            "the check `send_message` expects nothing",
            id="an empty expectation",
        ),
        pytest.param(
            "- put_object: {bucket: photos, key: '${check.id}'}\n  expect: {message: {queue: jobs}}",
            "`put_object` wants one of file, body: it has neither file nor body",
            id="nothing to put",
        ),
        pytest.param(
            "- put_object: {bucket: photos, key: '${check.id}', file: photo.jpg, body: x}\n  expect: {message: {queue: jobs}}",
            "it has file, body",
            id="two things to put",
        ),
        pytest.param(
            "- put_object: {bucket: photos, key: fixed, body: x}\n  expect: {message: {queue: jobs}}",
            "`key` of `put_object` is the same each time: what the check puts there is removed again",
            id="a fixed key that could be somebody's",
        ),
        pytest.param(
            "- put_item: {table: results, item: [1]}\n  expect: {message: {queue: jobs}}",
            "`item` wants a mapping: it is of names and values  11:32",
            id="an item that is none",
        ),
        pytest.param(
            "- get: http://x\n  expect: {row: {table: results, key: 5}}",
            "`key` wants a mapping",
            id="a key that is none",
        ),
        pytest.param(
            "- get: http://x\n  expect: {row: [{table: resluts, key: {id: 1}}]}",
            "no resource has the id `resluts` did you mean `results`? 12:21",
            id="an id within a list",
        ),
        pytest.param(
            "- get: http://x/${check.name}",
            "unknown reference `${check.name}`: `check` (check) has no attribute `name` its attributes: id",
            id="something else of the check",
        ),
        pytest.param(
            "- put_object: {bucket: photos, key: '${check.id}', file: nothing.jpg}\n  expect: {message: {queue: jobs}}",
            "there is no such file",
            id="a file that is not there",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_check_is_told_where_it_stands(home, text, says):
    assert any(says in one for one in refused(home, text)), refused(home, text)


def test_outside_of_checks_there_is_no_id_of_one(home):
    path = home / "blueprint.yaml"
    path.write_text(HEAD + "outputs: {x: '${check.id}'}\n")
    with pytest.raises(BlueprintError) as error:
        parse(path, place=lambda name: Place(name, "dev", "r", "1"), types={"bucket": BucketType()}, weavers={})

    assert any("only a run of the checks has one" in one.why for one in error.value.problems)


def test_every_probe_and_every_effect_has_something_that_runs_it():
    assert set(PROBES) == set(ACTIONS)
    assert set(keys_of(EffectKeys)) == set(LOOKS)
