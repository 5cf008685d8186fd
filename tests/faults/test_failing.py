"""A sample of the matrix `failing`: one operation of each sort, in each command, and the command as a process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import lives
import pytest
from failing import DOWN, QUICK, UP, UPDATE, Attempt, Fault, Trial
from lives import Count
from rig import Aws

pytestmark = pytest.mark.strict


@pytest.fixture
def quick(proxy: Aws) -> Iterator[Aws]:
    """The proxy without AWS's own refusals."""
    options = proxy.proxy.options
    proxy.proxy.options = type(options)(**{**vars(options), **QUICK})
    yield proxy
    proxy.proxy.options = options


def trouble(attempt: Attempt) -> list[str]:
    count = Count("website")
    attempt.count(count)
    return count.trouble


SAMPLE = [
    (UP, "lambda.GetFunction", "odd"),
    (UP, "s3.PutBucketAcl", "denied"),
    (UP, "apigatewayv2.CreateRoute", "odd"),
    (UPDATE, "lambda.UpdateFunctionCode", "denied"),
    (DOWN, "s3.GetBucketTagging", "denied"),
    (DOWN, "iam.DeleteRole", "odd"),
]


@pytest.mark.parametrize(("command", "operation", "how"), SAMPLE)
def test_what_fails_is_told_once_and_the_rest_is_done(
    quick: Aws, workplace: Path, command: str, operation: str, how: str
):
    attempt = Trial(quick, workplace, "website", command).attempt(Fault(operation, how))

    assert not attempt.harmless
    assert trouble(attempt) == []


def test_what_fails_is_told_by_the_process_too(quick: Aws, workplace: Path):
    fault = Fault("lambda.CreateFunction", "denied")
    quick.reset(fail=[fault.option])
    folder = lives.settle(quick, "website", workplace / "website", scale=QUICK["time_scale"])

    told = folder.slx("up", "--yes", "--no-checks")

    assert (told.returncode, told.stdout) == (5, "")
    assert told.stderr.count(fault.cause) == 1
    assert told.stderr.endswith("go on with\n  slx up\n")
    assert "Allow lambda:CreateFunction to the caller" in told.stderr
    assert "skipped because of it: permission api.hello" in told.stderr
