from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aws_fakes import refused
from expanding import PLACE
from script_fakes import Script, calls

from serverless_cli.diff import changes
from serverless_cli.errors import SlxError
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


# Functions that failed

ROLE = "arn:aws:iam::1:role/r"
CONFIGURE, UPLOAD, CREATE = (
    "lambda.UpdateFunctionConfiguration", "lambda.UpdateFunctionCode", "lambda.CreateFunction",
)  # fmt: skip


@pytest.fixture
def wish(tmp_path: Path) -> FunctionSpec:
    path = tmp_path / "code.zip"
    path.write_bytes(b"code")
    return FunctionSpec(ROLE, "app.handler", "python3.13", 128, 10, "x86_64", {}, None, Package("c", 4, str(path)))


def told(state: str = "Active", update: str = "Successful", *, mark: bool = True, **more: Any) -> dict[str, Any]:
    """What GetFunction says of the wish."""
    configuration = {
        "FunctionArn": "arn:aws:lambda:x", "Role": ROLE, "Handler": "app.handler", "Runtime": "python3.13",
        "Timeout": 10, "CodeSha256": "c", "State": state, "LastUpdateStatus": update, **more,
    }  # fmt: skip
    return {"Configuration": configuration, "Tags": HERE.mark.tags if mark else {}}


def sent(script: Script) -> list[str]:
    return [one for one in script.operations if not one.startswith("lambda.Get")]


@pytest.mark.parametrize(
    ("state", "update", "why"),
    [("Failed", "Successful", "no key"), ("Active", "Failed", "no network")],
)
def test_one_that_failed_differs_from_the_wish_and_is_tried_again(
    wish: FunctionSpec, state: str, update: str, why: str
):
    said = told(state, update, StateReason="no key", LastUpdateStatusReason="no network")
    script = Script(
        lambda__GetFunction=[
            said,
            told(state, "InProgress"),
            told(state, update),
            told("Active", "InProgress"),
            told(),
        ],
        lambda__UpdateFunctionConfiguration=[told(state, "InProgress")["Configuration"]],
        lambda__UpdateFunctionCode=[told("Active", "InProgress")["Configuration"]],
    )
    kind, aws = FunctionKind(), calls(script)

    found = kind.read(aws, HERE)
    assert found is not None
    todo = changes(wish, found.spec, kind.create_only)
    kind.update(aws, HERE, wish, todo)

    assert [(one.path, one.replaces) for one in todo] == [(("works",), False)]
    assert found.note == why
    assert sent(script) == [CONFIGURE, UPLOAD]
    assert script.operations[-1] == "lambda.GetFunction"


def test_one_that_fails_again_is_an_error_with_its_reason(wish: FunctionSpec):
    script = Script(lambda__GetFunction=[told("Failed", StateReason="no key")])
    todo = changes(wish, replace(wish, works=False), frozenset())

    with pytest.raises(SlxError, match="no key"):
        FunctionKind().update(calls(script), HERE, wish, todo)

    assert sent(script) == [CONFIGURE, UPLOAD]


def test_one_that_takes_no_change_any_more_says_what_to_do(wish: FunctionSpec):
    no = "The operation cannot be performed at this time. The function is currently in the following state: Failed"
    script = Script(lambda__UpdateFunctionConfiguration=[refused("ResourceConflictException", no, 409)])
    todo = changes(wish, replace(wish, works=False), frozenset())

    with pytest.raises(SlxError) as raised:
        FunctionKind().update(calls(script), HERE, wish, todo)

    assert f"aws lambda delete-function --function-name {HERE.name}" in raised.value.hint
    assert script.operations == [CONFIGURE]


TAKEN = refused("ResourceConflictException", "Function already exist: shop-dev-hello", 409)


@pytest.mark.parametrize("mark", [True, False], ids=["as it should be", "without its mark"])
def test_one_of_an_earlier_attempt_is_waited_for(wish: FunctionSpec, *, mark: bool):
    pending = told("Pending", mark=mark)
    script = Script(lambda__CreateFunction=[TAKEN], lambda__GetFunction=[pending, pending, pending, told()])

    FunctionKind().create(calls(script), replace(HERE, expected=True), wish)

    assert script.operations.count("lambda.GetFunction") == 4
    assert sent(script) == [CREATE, *([] if mark else ["lambda.TagResource"])]


def test_one_of_an_earlier_attempt_that_failed_is_tried_again(wish: FunctionSpec):
    script = Script(
        lambda__CreateFunction=[TAKEN],
        lambda__GetFunction=[told("Failed"), told()],
        lambda__UpdateFunctionConfiguration=[told()["Configuration"]],
        lambda__UpdateFunctionCode=[told()["Configuration"]],
    )

    FunctionKind().create(calls(script), HERE, wish)

    assert sent(script) == [CREATE, CONFIGURE, UPLOAD]
