"""Creates without a name of their own, whose answers are lost: looked for, and sent again only if nothing is there."""

from __future__ import annotations

import pytest
from aws_fakes import FakeClock, FakeTransport, lost, refused

from serverless_cli.aws.failure import Failure
from serverless_cli.aws.session import Calls
from serverless_cli.errors import AwsError
from serverless_cli.resources.http_api_parts import LOST_S, make_one

CREATE, LIST = "apigatewayv2.CreateApi", "apigatewayv2.GetApis"
NONE: dict[str, list[dict[str, str]]] = {"Items": []}
OURS = {"Items": [{"ApiId": "ours"}]}


def calls(*answers: dict | Failure) -> tuple[Calls, FakeTransport, FakeClock]:
    transport, clock = FakeTransport(*answers), FakeClock()
    return Calls(transport, "eu-central-1", clock), transport, clock


def make(aws: Calls) -> dict[str, str]:
    return make_one(aws, CREATE, lambda: aws.call(LIST)["Items"], Name="shop")


def operations(transport: FakeTransport) -> list[str]:
    return [operation for operation, _ in transport.sent]


def test_what_was_made_all_the_same_is_taken():
    aws, transport, _ = calls(lost(), OURS)
    assert make(aws) == {"ApiId": "ours"}
    assert operations(transport) == [CREATE, LIST]


def test_it_is_sent_again_when_nothing_was_made():
    failures = [answer for _ in range(12) for answer in (lost(), NONE)]
    aws, transport, clock = calls(*failures, {"ApiId": "new"})
    assert make(aws) == {"ApiId": "new"}
    assert operations(transport) == [CREATE, LIST] * 12 + [CREATE]
    assert len(clock.slept) == 12


def test_a_service_that_stays_broken_is_told_in_its_own_words():
    aws, transport, clock = calls(*[lost("We are down."), NONE] * 500)
    began = clock.now()
    with pytest.raises(AwsError, match="We are down") as raised:
        make(aws)
    assert raised.value.lost
    assert clock.now() - began >= LOST_S
    assert operations(transport)[-1] == LIST


def test_a_refusal_ends_it_at_once():
    aws, transport, _ = calls(refused("BadRequestException", "no"))
    with pytest.raises(AwsError, match="no"):
        make(aws)
    assert operations(transport) == [CREATE]
