from typing import Any

import pytest
from expanding import PLACE

from serverless_cli.model import Ref
from serverless_cli.packaging import Package
from serverless_cli.resources.base import Here
from serverless_cli.resources.function import FunctionKind, FunctionSpec

HERE = Here(Ref("function", "hello"), "shop-dev-hello", PLACE)


class Answering:
    """An Aws that answers one read."""

    def __init__(self, answer: dict[str, Any] | None) -> None:
        self.answer = answer

    def find(self, operation: str, /, **parameters: Any) -> dict[str, Any] | None:
        assert (operation, parameters) == ("lambda.GetFunction", {"FunctionName": HERE.name})
        return self.answer


def read(configuration: dict[str, Any], **more: Any) -> Any:
    plain = {"FunctionArn": "arn:aws:lambda:x", "Role": "arn:aws:iam::1:role/r"}
    return FunctionKind().read(Answering({"Configuration": {**plain, **configuration}, **more}), HERE)


def test_what_lambda_leaves_out_is_its_default():
    found = read({})

    assert isinstance(found.spec, FunctionSpec)
    assert (found.spec.memory_mb, found.spec.timeout_s, found.spec.architecture) == (128, 3, "x86_64")
    assert (found.spec.environment, found.spec.reserved_concurrency, found.mark) == ({}, None, None)


@pytest.mark.parametrize("reserved", [0, 7])
def test_a_reserved_concurrency_of_none_at_all_is_not_the_lack_of_one(reserved):
    found = read({}, Concurrency={"ReservedConcurrentExecutions": reserved})

    assert found.spec.reserved_concurrency == reserved


def test_why_a_function_failed_is_noted():
    found = read({"State": "Failed", "StateReason": "the image is gone"})

    assert found.note == "the image is gone"


def test_an_environment_that_lambda_cannot_decrypt_reads_as_empty():
    found = read({"Environment": {"Error": {"ErrorCode": "KMSAccessDenied"}}})

    assert found.spec.environment == {}


@pytest.mark.parametrize(
    ("need", "environment", "told"),
    [
        (Ref("role", "hello"), {"A": "1"}, True),
        (Ref("role", "hello"), {}, False),
        (Ref("log-group", "hello"), {"A": "1"}, False),
    ],
)
def test_a_function_with_an_environment_does_not_outlive_its_role_without_a_word(need, environment, told):
    spec = FunctionSpec("r", "h", "python3.13", 128, 10, "x86_64", environment, None, Package("", 0, "", 0))

    found = list(FunctionKind().outlived("f", spec, need))

    assert bool(found) is told
    assert all("delete-function --function-name f" in one.hint for one in found)
