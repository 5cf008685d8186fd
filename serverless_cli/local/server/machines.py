"""State machines: their role is asked for each call, definitions are checked, and what ministack leaves out.

ministack walks the states; what a task may do, and what Step Functions refuses at once, is added here.
"""

from __future__ import annotations

import functools
import json
import threading
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from serverless_cli import asl
from serverless_cli.local.server import acting, calls, engine, permits
from serverless_cli.local.server.acting import Actor
from serverless_cli.local.server.context import Here
from serverless_cli.model import Place

_SERVICE = "states.amazonaws.com"
# The machine whose task runs in this context.
_machine: ContextVar[Mapping[str, Any] | None] = ContextVar("machine", default=None)
# What the optimized integrations call a refusal; by the SDK's services it is their own AccessDeniedException.
_REFUSALS = {
    "lambda": "Lambda.AWSLambdaException",
    "dynamodb": "DynamoDB.AmazonDynamoDBException",
    "sqs": "SQS.AmazonSQSException",
    "sns": "SNS.AmazonSNSException",
    "events": "EventBridge.AmazonEventBridgeException",
    "states": "StepFunctions.AWSStepFunctionsException",
}


def install(here: Here) -> None:
    """Put the checks around ministack's tasks and calls."""
    module = engine.Part("services.stepfunctions")
    execute, run = module["_execute_task"], module["_run_execution"]

    def task(state_def: Any, raw_input: Any, execution: Mapping[str, Any] | None, ctx: Any) -> Any:
        machines = module["_state_machines"]
        token = _machine.set(machines.get((execution or {}).get("stateMachineArn", "")))
        try:
            return execute(state_def, raw_input, execution, ctx)
        finally:
            _machine.reset(token)

    def limited(exec_arn: str) -> None:
        timer = _time_limit(exec_arn)
        try:
            run(exec_arn)
        finally:
            if timer is not None:
                timer.cancel()
            here.changed()

    module["_execute_task"] = task
    module["_run_execution"] = limited
    for name in ("_invoke_resource", "_invoke_with_callback"):
        module[name] = _permitted(here, module[name])
    module["_invoke_sns_publish"] = _publish
    module["_SERVICE_DISPATCH"]["arn:aws:states:::sns:publish"] = _publish
    put_events = module["_SERVICE_DISPATCH"]["arn:aws:states:::events:putEvents"]
    module["_SERVICE_DISPATCH"]["arn:aws:states:::events:putEvents"] = functools.partial(_put_events, put_events)
    module["_start_execution"] = _starting(module["_start_execution"], sync=False)
    module["_start_sync_execution"] = _starting(module["_start_sync_execution"], sync=True)
    for name in ("_create_state_machine", "_update_state_machine"):
        module[name] = _defining(here, module[name])
    module["_validate_state_machine_definition"] = _validate


def _permitted(here: Here, invoke: Callable[..., Any]) -> Callable[..., Any]:
    def permitted(resource: str, input_data: Any, *rest: Any) -> Any:
        machine = _machine.get()
        if machine is not None:
            _check(here, machine, resource, input_data)
        return invoke(resource, input_data, *rest)

    return permitted


def _check(here: Here, machine: Mapping[str, Any], resource: str, given: Any) -> None:
    """Raise the task's error unless the machine's role allows all that the call takes."""
    arn, where = str(machine["stateMachineArn"]), calls.place_of(str(machine["stateMachineArn"]))
    place = Place("local", "local", where.region, where.account)
    parameters = given if isinstance(given, dict) else {}
    state = {"Type": "Task", "Resource": resource, "Parameters": parameters, "End": True}
    actor = Actor(f"state machine {machine['name']}", _SERVICE, str(machine["roleArn"]), arn)
    for call in asl.calls({"StartAt": "it", "States": {"it": state}}, place, str(machine["name"])):
        for action in call.actions if call.resource is not None else ():
            try:
                acting.check(here, actor, action, str(call.resource))
            except acting.ForbiddenError as error:
                raise _failure(call.service, resource, action, str(call.resource), machine) from error


def _failure(service: str, resource: str, action: str, target: str, machine: Mapping[str, Any]) -> Exception:
    by_sdk = ":aws-sdk:" in resource
    prefixes = engine.Part("services.stepfunctions")["_AWS_SDK_ERROR_PREFIX"]
    sdk_name = resource.rpartition(":aws-sdk:")[2].partition(":")[0].lower()
    code = f"{prefixes.get(sdk_name, sdk_name)}.AccessDeniedException" if by_sdk else _REFUSALS.get(service, "")
    account, role = str(machine["roleArn"]).split(":")[4], str(machine["roleArn"]).rsplit("/", 1)[-1]
    cause = (
        f"User: arn:aws:sts::{account}:assumed-role/{role}/slx is not authorized to perform: {action} "
        f"on resource: {target} because no identity-based policy allows the {action} action"
    )
    made: Exception = engine.Part("services.stepfunctions")["_ExecutionError"](code or "States.Permissions", cause)
    return made


def _publish(_: str, given: Mapping[str, Any]) -> dict[str, str]:
    """sns:publish with its attributes, which ministack loses."""
    module, sns = engine.Part("services.stepfunctions"), engine.Part("services.sns")
    message = given.get("Message", "")
    try:
        done = sns["publish_internal"](
            str(given.get("TopicArn") or given.get("TargetArn") or ""),
            message if isinstance(message, str) else json.dumps(message),
            str(given.get("Subject") or ""),
            message_structure=str(given.get("MessageStructure") or ""),
            message_attributes=dict(given.get("MessageAttributes") or {}),
            message_group_id=str(given.get("MessageGroupId") or ""),
            message_deduplication_id=str(given.get("MessageDeduplicationId") or ""),
        )
    except sns["SnsPublishError"] as error:
        raise module["_ExecutionError"]("SNS.InvalidParameterException", str(error)) from error
    if done is None:
        raise module["_ExecutionError"]("SNS.NotFoundException", "Topic does not exist")
    answer = {"MessageId": done["message_id"]}
    return answer | ({"SequenceNumber": done["sequence_number"]} if done["sequence_number"] else {})


def _put_events(put: Callable[[str, Any], dict[str, Any]], resource: str, given: Any) -> dict[str, Any]:
    """A refused entry fails the task."""
    answer = put(resource, given)
    if answer.get("FailedEntryCount"):
        error = engine.Part("services.stepfunctions")["_ExecutionError"]
        raise error("EventBridge.FailedEntry", json.dumps(answer))
    return answer


def _time_limit(exec_arn: str) -> threading.Timer | None:
    """A timer that ends the execution when the whole machine has a TimeoutSeconds."""
    module = engine.Part("services.stepfunctions")
    execution = module["_executions"].get(exec_arn) or {}
    machine = module["_state_machines"].get(execution.get("stateMachineArn", "")) or {}
    try:
        seconds = json.loads(machine.get("definition") or "{}").get("TimeoutSeconds")
    except ValueError:
        return None
    if not isinstance(seconds, int):
        return None

    def end() -> None:
        if execution.get("status") == "RUNNING":
            execution["status"] = "TIMED_OUT"
            execution["stopDate"] = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            module["_add_event"](execution, "ExecutionTimedOut", {"executionTimedOutEventDetails": {}})

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    return timer


def _starting(start: Callable[[Mapping[str, Any]], Any], *, sync: bool) -> Callable[[Mapping[str, Any]], Any]:
    def started(data: Mapping[str, Any]) -> Any:
        module = engine.Part("services.stepfunctions")
        try:
            json.loads(data.get("input") or "{}")
        except ValueError as error:
            return _refused("InvalidExecutionInput", f"Invalid State Machine Execution Input: '{error}'")
        machine = module["_state_machines"].get(data.get("stateMachineArn", "")) or {}
        if sync and machine.get("type", "EXPRESS") != "EXPRESS":
            return _refused("StateMachineTypeNotSupported", "This operation is not supported by this type of machine")
        running = _same_running(machine, data) if not sync and data.get("name") else None
        if running is not None:
            answer = {"executionArn": running["executionArn"], "startDate": running["startDate"]}
            return engine.Part("services.lambda_svc")["json_response"](answer)
        return start(data)

    return started


def _same_running(machine: Mapping[str, Any], data: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The execution that a repeated StartExecution means: of the same name and input, and still running."""
    for execution in engine.Part("services.stepfunctions")["_executions"].values():
        same = (execution["stateMachineArn"], execution["name"], execution["input"], execution["status"])
        if same == (machine.get("stateMachineArn"), data["name"], data.get("input", "{}"), "RUNNING"):
            found: Mapping[str, Any] = execution
            return found
    return None


def _refused(code: str, message: str) -> Any:
    return engine.Part("services.lambda_svc")["error_response_json"](code, message, 400)


def _defining(here: Here, define: Callable[[Mapping[str, Any]], Any]) -> Callable[[Mapping[str, Any]], Any]:
    """Refuse a definition or a role that Step Functions refuses."""

    def defined(data: Mapping[str, Any]) -> Any:
        machines = engine.Part("services.stepfunctions")["_state_machines"]
        known = machines.get(data.get("stateMachineArn", "")) or {}
        findings = _findings(data["definition"], data.get("type") or known.get("type")) if "definition" in data else []
        if findings:
            said = "; ".join(_said(finding) for finding in findings[:5])
            return _refused("InvalidDefinition", f"Invalid State Machine Definition: '{said}'")
        place = f"{here.facts.region}:{here.facts.account}"
        arn = f"arn:aws:states:{place}:stateMachine:{data.get('name') or known.get('name')}"
        role = permits.role_of(str(data["roleArn"])) if data.get("roleArn") else None
        if data.get("roleArn") and (role is None or not permits.role_trusts(role, _SERVICE, arn)):
            return _refused(
                "AccessDeniedException",
                f"Neither the global service principal {_SERVICE}, nor the regional one is authorized to assume the "
                "provided role.",
            )
        return define(data)

    return defined


def _findings(definition: str, kind: str | None) -> list[asl.Finding]:
    try:
        parsed = json.loads(definition)
    except ValueError as error:
        return [asl.Finding((), f"INVALID_JSON_DESCRIPTION: {error}")]
    return list(asl.validate(parsed, str(kind or "STANDARD").lower()))


def _said(finding: asl.Finding) -> str:
    why = f": {finding.why}" if finding.why else ""
    return f"SCHEMA_VALIDATION_FAILED: {finding.what}{why} at {_pointer(finding)}"


def _pointer(finding: asl.Finding) -> str:
    return "/" + "/".join(str(part) for part in finding.path)


def _validate(data: Mapping[str, Any]) -> Any:
    """ValidateStateMachineDefinition, which ministack always answers with OK."""
    findings = _findings(str(data.get("definition", "")), data.get("type"))
    diagnostics = [
        {
            "severity": "ERROR",
            "code": "SCHEMA_VALIDATION_FAILED",
            "message": finding.what + (f": {finding.why}" if finding.why else ""),
            "location": _pointer(finding),
        }
        for finding in findings
    ]
    answer = {"result": "FAIL" if diagnostics else "OK", "diagnostics": diagnostics, "truncated": False}
    return engine.Part("services.lambda_svc")["json_response"](answer)
