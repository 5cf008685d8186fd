"""The life of each shipped blueprint on what behaves like AWS: up, nothing to do, a change, nothing to do, down."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from rig import Aws, Folder, failures

from serverless_cli.app import catalog
from serverless_cli.model import Action, Report, State

pytestmark = pytest.mark.strict

REGION = "eu-central-1"
CODE = "lambda.UpdateFunctionCode"
MEMORY = "lambda.UpdateFunctionConfiguration"


@dataclass(frozen=True)
class Change:
    """Edits of a blueprint's files (file, before, after), what they change and the calls which that takes."""

    edits: tuple[tuple[str, str, str], ...]
    changed: dict[str, Action]
    writes: tuple[str, ...]
    met: frozenset[str]
    """rules of AWS that the whole life must have come up against, however fast the machine is"""


def function(before: str, after: str, app: str = "function/app.py") -> tuple[tuple[str, str, str], ...]:
    """Edits that give a function more memory, by a line of it in the blueprint, and other code."""
    return ("blueprint.yaml", before, after), (app, "def handler(", "NEW = True\n\n\ndef handler(")


CREATE, DELETE, UPDATE = Action.CREATE, Action.DELETE, Action.UPDATE
CHANGES = {
    "website": Change(
        (
            *function("memory_mb: 128", "memory_mb: 256"),
            ("blueprint.yaml", "allow_methods: [GET]", "allow_methods: [GET, POST]"),
            ("site/error.html", "</title>", "!</title>"),
        ),
        {"function hello": UPDATE, "http-api api": UPDATE, "content site": UPDATE},
        (CODE, MEMORY, "apigatewayv2.UpdateApi", "s3.PutObject"),
        frozenset({"LMB-02"}),
    ),
    "api": Change(
        (
            *function("    code: ./function", "    code: ./function\n    memory_mb: 256"),
            ("blueprint.yaml", "      POST /sums: handler\n", "      POST /totals: handler\n"),
        ),
        {
            "function handler": UPDATE,
            "http-api api": UPDATE,
            "permission api.handler.9a8bad67": CREATE,
            "permission api.handler.45ea81d3": DELETE,
        },
        (CODE, MEMORY, "apigatewayv2.CreateRoute", "apigatewayv2.DeleteRoute", "lambda.AddPermission", "lambda.RemovePermission"),
        frozenset({"LMB-02"}),
    ),
    "worker": Change(
        (
            *function("memory_mb: 256", "memory_mb: 512"),
            ("blueprint.yaml", "batch_size: 10", "batch_size: 5"),
            ("blueprint.yaml", "after: 2", "after: 4"),
        ),
        {"function work": UPDATE, "mapping work.jobs": UPDATE, "queue jobs": UPDATE},
        (CODE, MEMORY, "lambda.UpdateEventSourceMapping", "sqs.SetQueueAttributes"),
        frozenset({"DDB-01", "LMB-02", "LMB-10", "SQS-02", "SQS-03"}),
    ),
    "schedule": Change(
        (
            *function("    timeout_s: 60", "    timeout_s: 60\n    memory_mb: 256"),
            ("blueprint.yaml", "rate(1 hour)", "rate(2 hours)"),
            ("blueprint.yaml", "    ttl: expires", "    point_in_time_recovery: true\n    ttl: expires"),
        ),
        {"function job": UPDATE, "rule job.1": UPDATE, "table runs": UPDATE},
        (CODE, MEMORY, "events.PutRule", "dynamodb.UpdateContinuousBackups"),
        frozenset({"DDB-01", "LMB-02"}),
    ),
    "fan-out": Change(
        (
            *function("    code: ./function", "    code: ./function\n    memory_mb: 256"),
            ("blueprint.yaml", "kind: [order]", "kind: [order, refund]"),
            ("blueprint.yaml", "{queue: billing, raw: true}", "{queue: billing}"),
        ),
        {"function audit": UPDATE, "subscription orders.shipping": UPDATE, "subscription orders.billing": UPDATE},
        (CODE, MEMORY, "sns.SetSubscriptionAttributes", "sns.SetSubscriptionAttributes"),
        frozenset({"LMB-02", "SQS-02"}),
    ),
    "banking": Change(
        (
            *function(
                "    code: ./functions/approve",
                "    code: ./functions/approve\n    memory_mb: 256",
                "functions/approve/app.py",
            ),
            ("workflow.yaml", "Comment: Validates", "Comment: Looks at"),
            ("blueprint.yaml", "[Deposit created, Deposit rejected]", "[Deposit created]"),
            ("blueprint.yaml", "retries: 3", "retries: 5"),
        ),
        {"function approve": UPDATE, "state-machine open_deposit": UPDATE, "rule notify": UPDATE, "pipe created": UPDATE},
        (CODE, MEMORY, "stepfunctions.UpdateStateMachine", "events.PutRule", "pipes.UpdatePipe"),
        frozenset({"DDB-01", "LMB-02", "SFN-03", "SQS-02"}),
    ),
    "streaming": Change(
        (
            *function("memory_mb: 256", "memory_mb: 512"),
            ("blueprint.yaml", "prefix: posts/", "prefix: messages/"),
        ),
        {"function digest": UPDATE, "delivery-stream posts": UPDATE},
        (CODE, MEMORY, "firehose.UpdateDestination", "logs.CreateLogStream", "logs.CreateLogStream"),
        frozenset({"DDB-01", "FH-02", "LMB-02"}),
    ),
    "image-processing": Change(
        (
            *function("memory_mb: 1024", "memory_mb: 2048"),
            ("blueprint.yaml", "events: [created]", "events: [created], suffix: .jpg"),
        ),
        {"function thumbnail": UPDATE, "notification photos": UPDATE},
        (CODE, MEMORY, "s3.PutBucketNotificationConfiguration"),
        frozenset({"DDB-01", "LMB-02"}),
    ),
}  # fmt: skip
"""by blueprint: a function's memory and code, and what else of it people change"""


@pytest.fixture
def folder(request: pytest.FixtureRequest, aws: Aws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    """The blueprint in a folder of its own, in an empty account."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    made = Folder(tmp_path / request.param, aws, REGION)
    catalog.copy(request.param, made.path)
    for name, value in made.environment.items():
        monkeypatch.setenv(name, value)
    return made


def idle(folder: Folder) -> None:
    """Nothing is left to do, so that another `up` writes nothing, and everything is as it was wished for."""
    mark = folder.aws.mark()
    report = folder.up()
    assert failures(report) == {}
    assert changed(report) == {}
    assert folder.aws.writes(mark) == []
    assert {str(one.ref): one.changes for one in folder.status().resources if one.state is not State.IN_SYNC} == {}


# Its packages come from the package index.
NAMES = [pytest.param(name, marks=pytest.mark.slow if name == "image-processing" else ()) for name in sorted(CHANGES)]


@pytest.mark.parametrize("folder", NAMES, indirect=True)
def test_a_blueprint_goes_up_changes_and_comes_down_as_aws_wants_it(folder: Folder):
    change = CHANGES[folder.path.name]

    assert failures(folder.up()) == {}
    idle(folder)

    shutil.rmtree(folder.path / ".slx")
    idle(folder)

    for file, before, after in change.edits:
        folder.edit(file, before, after)
    mark = folder.aws.mark()
    report = folder.up()
    assert failures(report) == {}
    assert changed(report) == change.changed
    assert sorted(folder.aws.writes(mark)) == sorted(change.writes)
    idle(folder)

    report, sweep = folder.down()
    assert failures(report) == {}
    assert sweep.left == ()
    assert folder.aws.left(REGION) == {}
    assert folder.aws.violations == []
    assert folder.aws.rules("armed") >= change.met
    print("met:", *sorted(folder.aws.rules("armed")))


def changed(report: Report) -> dict[str, Action]:
    """What was written, by kind and id."""
    return {str(ref): one.step.action for ref, one in report.outcomes.items() if one.step.action is not Action.KEEP}


@pytest.mark.parametrize("folder", ["banking"], indirect=True)
def test_a_blueprint_lives_in_two_regions_side_by_side(folder: Folder):
    there = replace(folder, region="us-east-1")
    assert failures(folder.up()) == {}
    assert failures(there.up()) == {}
    idle(folder)
    idle(there)

    report, sweep = there.down()
    assert failures(report) == {}
    assert sweep.left == ()
    idle(folder)

    folder.down()
    assert (folder.aws.left(REGION), folder.aws.left("us-east-1")) == ({}, {})
    assert folder.aws.violations == []


@pytest.mark.parametrize("folder", ["banking"], indirect=True)
@pytest.mark.parametrize("call", [80, 100, 120])
def test_a_killed_run_is_taken_up_again(folder: Folder, call: int):
    folder.killed(call, "before", "up", "--yes", "--no-checks")

    assert failures(folder.up()) == {}
    # moto forgets a queue's policy when attributes of that queue are set (every.NOT_CHANGED), as after such a kill.
    assert {ref.partition(" ")[0] for ref in changed(folder.up())} <= {"admission"}
    idle(folder)

    report, sweep = folder.down()
    assert failures(report) == {}
    assert sweep.left == ()
    assert folder.aws.left(REGION) == {}
    assert folder.aws.violations == []
