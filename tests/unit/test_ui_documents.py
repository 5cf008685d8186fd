import json

from ui_samples import PLACE, outcome, plan, report, step

from serverless_cli.errors import AwsError, BlueprintError, Exit, Location, Problem, SlxError
from serverless_cli.model import (
    Action,
    Change,
    Check,
    CheckResult,
    Found,
    Handout,
    Late,
    Loss,
    Ref,
    ResourceState,
    StackState,
    State,
    Sweep,
)
from serverless_cli.secret import Secret
from serverless_cli.ui import documents

HELLO = step(Action.UPDATE, "function", "hello", changes=(Change(("env", "KEY"), Secret("a"), Secret("b")),))
CHECKED = CheckResult(Check("get", {"url": "u"}, {"status": 200}), ok=True, saw="200", attempts=1, seconds=0.1234)


def test_an_error_document_has_all_that_an_error_says() -> None:
    error = SlxError("no", "why", "hint", exit_code=Exit.LOCKED, where=Location("b.yaml", 1, 2, "text"))

    assert documents.error(error) == {
        "error": {
            "what": "no",
            "why": "why",
            "hint": "hint",
            "exit_code": 10,
            "where": {"file": "b.yaml", "line": 1, "column": 2, "text": "text"},
        }
    }


def test_an_error_of_aws_names_its_operation_and_code() -> None:
    found = documents.error(AwsError("s3.PutObject", "AccessDenied", "no"))["error"]

    assert isinstance(found, dict)
    assert (found["operation"], found["code"]) == ("s3.PutObject", "AccessDenied")


def test_all_problems_of_a_blueprint_are_in_its_error() -> None:
    found = documents.error(BlueprintError((Problem("a"), Problem("b", "why"))))["error"]

    assert isinstance(found, dict)
    assert isinstance(found["problems"], list)
    assert [one["what"] for one in found["problems"] if isinstance(one, dict)] == ["a", "b"]


def test_a_plan_has_counts_and_steps_without_secrets() -> None:
    found = documents.plan(plan(HELLO), {Ref("bucket", "b"): (Loss("objects", 2, 10),)})

    assert found["counts"] == {"keep": 0, "create": 0, "update": 1, "replace": 0, "delete": 0, "retain": 0}
    assert found["steps"] == [
        {
            "action": "update",
            "kind": "function",
            "id": "hello",
            "name": "website-dev-hello",
            "reason": "",
            "loses_data": False,
            "changes": [{"path": ["env", "KEY"], "before": "***", "after": "***", "known": True, "replaces": False}],
        }
    ]
    assert found["losses"] == [{"kind": "bucket", "id": "b", "what": "objects", "count": 2, "bytes": 10}]


def test_what_is_not_known_yet_is_as_written_and_marked() -> None:
    late = Late((Handout(Ref("http-api", "api"), "url"), "/x"))

    assert documents.change(Change(("url",), "old", late)) == {
        "path": ["url"],
        "before": "old",
        "after": "${api.url}/x",
        "known": False,
        "replaces": False,
    }


def test_the_report_of_up_has_outputs_and_checks() -> None:
    found = documents.up_report(report(outcome(HELLO)), Exit.DONE, {"url": "u"}, [CHECKED])

    assert (found["event"], found["ok"], found["exit_code"], found["seconds"]) == ("report", True, 0, 4.2)
    assert found["outputs"] == {"url": "u"}
    assert found["checks"] == [documents.check(CHECKED)]
    json.dumps(found)


def test_the_report_of_down_has_the_proof() -> None:
    sweep = Sweep((Found(Ref("bucket", "b"), "b-1", None),), {"bucket": 3}, ("pipe",))

    found = documents.down_report(report(), Exit.RESOURCES, sweep)

    assert found["ok"] is False
    left = [{"kind": "bucket", "id": "b", "name": "b-1"}]
    assert found["sweep"] == {"left": left, "looked": {"bucket": 3}, "unseen": ["pipe"]}
    assert documents.down_report(report(), Exit.CANCELLED, None)["sweep"] is None


def test_a_state_has_its_resources_and_drift() -> None:
    drifted = ResourceState(Ref("function", "f"), "n", State.DRIFTED, (Change(("timeout_s",), 30, 10),), "note")

    found = documents.state(StackState(PLACE, "local", (drifted,), {"url": "u"}))

    assert (found["ok"], found["known"], found["target"], found["stack"]) == (False, True, "local", "website")
    assert found["resources"] == [
        {
            "kind": "function",
            "id": "f",
            "name": "n",
            "state": "drifted",
            "note": "note",
            "changes": [{"path": ["timeout_s"], "before": 30, "after": 10, "known": True, "replaces": False}],
        }
    ]
