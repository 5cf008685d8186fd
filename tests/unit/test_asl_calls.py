from __future__ import annotations

from typing import Any

import pytest
import yaml

from serverless_cli.asl import Call, calls
from serverless_cli.model import Place

PLACE = Place("bank", "dev", "eu-central-1", "123456789012")
HERE = "eu-central-1:123456789012"
MACHINE = f"arn:aws:states:{HERE}:stateMachine:flow"
ALIASES = {"${jobs.url}": f"arn:aws:sqs:{HERE}:bank-dev-jobs"}


def found(states: str, **more: Any) -> tuple[Call, ...]:
    return calls({"StartAt": "a", "States": yaml.safe_load(states), **more}, PLACE, "flow", ALIASES)


def task(resource: str, parameters: str = "{}", name: str = "Parameters") -> list[tuple[tuple[str, ...], str | None]]:
    state = f"a: {{Type: Task, Resource: '{resource}', {name}: {parameters}, End: true}}"
    return [(call.actions, call.resource) for call in found(state)]


OPT, SDK = "arn:aws:states:::", "arn:aws:states:::aws-sdk:"
TABLE = f"arn:aws:dynamodb:{HERE}:table"


@pytest.mark.parametrize(
    ("resource", "parameters", "action", "on"),
    [
        ("lambda:invoke", "{FunctionName: f}", "lambda:InvokeFunction", f"arn:aws:lambda:{HERE}:function:f"),
        ("lambda:invoke", "{FunctionName: 'f:live'}", "lambda:InvokeFunction", f"arn:aws:lambda:{HERE}:function:f:live"),
        ("lambda:invoke", "{FunctionName: f, Qualifier: '3'}", "lambda:InvokeFunction", f"arn:aws:lambda:{HERE}:function:f:3"),
        ("lambda:invoke", "{FunctionName: '123456789012:function:f'}", "lambda:InvokeFunction", f"arn:aws:lambda:{HERE}:function:f"),
        ("lambda:invoke.waitForTaskToken", "{FunctionName: 'arn:aws:lambda:us-east-1:111122223333:function:f:$LATEST'}",
         "lambda:InvokeFunction", "arn:aws:lambda:us-east-1:111122223333:function:f:$LATEST"),
        ("dynamodb:getItem", "{TableName: t}", "dynamodb:GetItem", f"{TABLE}/t"),
        ("dynamodb:putItem", "{TableName: t}", "dynamodb:PutItem", f"{TABLE}/t"),
        ("dynamodb:updateItem", f"{{TableName: '{TABLE}/t'}}", "dynamodb:UpdateItem", f"{TABLE}/t"),
        ("dynamodb:deleteItem", "{TableName: t}", "dynamodb:DeleteItem", f"{TABLE}/t"),
        ("sqs:sendMessage", "{QueueUrl: 'https://sqs.us-east-1.amazonaws.com/111122223333/q'}", "sqs:SendMessage",
         "arn:aws:sqs:us-east-1:111122223333:q"),
        ("sqs:sendMessage.waitForTaskToken", "{QueueUrl: 'http://localhost:4566/123456789012/q'}", "sqs:SendMessage",
         f"arn:aws:sqs:{HERE}:q"),
        ("sqs:sendMessage", "{QueueUrl: '${jobs.url}'}", "sqs:SendMessage", f"arn:aws:sqs:{HERE}:bank-dev-jobs"),
        ("sns:publish", f"{{TopicArn: 'arn:aws:sns:{HERE}:t'}}", "sns:Publish", f"arn:aws:sns:{HERE}:t"),
        ("sns:publish", f"{{TargetArn: 'arn:aws:sns:{HERE}:t'}}", "sns:Publish", f"arn:aws:sns:{HERE}:t"),
        ("sns:publish", "{PhoneNumber.$: $.phone}", "sns:Publish", "*"),
        ("events:putEvents", "{Entries: [{Detail: {}}]}", "events:PutEvents", f"arn:aws:events:{HERE}:event-bus/default"),
        ("events:putEvents", "{Entries: [{EventBusName: b}, {EventBusName: b}]}", "events:PutEvents", f"arn:aws:events:{HERE}:event-bus/b"),
        ("states:startExecution", "{StateMachineArn: m}", "states:StartExecution", f"arn:aws:states:{HERE}:stateMachine:m"),
        ("states:startExecution", "{StateMachineArn.$: $$.StateMachine.Id}", "states:StartExecution", MACHINE),
        ("apigateway:invoke", "{ApiEndpoint: abc.execute-api.eu-central-1.amazonaws.com, Method: GET, Stage: prod, Path: /x, AuthType: IAM_ROLE}",
         "execute-api:Invoke", f"arn:aws:execute-api:{HERE}:abc/prod/GET/x"),
        ("apigateway:invoke", "{ApiEndpoint: '${api.id}.execute-api.x', Method: POST, Path.$: $.p, AuthType: IAM_ROLE}",
         "execute-api:Invoke", f"arn:aws:execute-api:{HERE}:${{api.id}}/$default/POST/*"),
    ],
)  # fmt: skip
def test_optimized_integrations(resource: str, parameters: str, action: str, on: str):
    assert task(OPT + resource, parameters) == [((action,), on)]


@pytest.mark.parametrize(
    ("resource", "parameters", "action", "on"),
    [
        ("dynamodb:query", "{TableName: t}", "dynamodb:Query", f"{TABLE}/t"),
        ("dynamodb:query", "{TableName: t, IndexName: i}", "dynamodb:Query", f"{TABLE}/t/index/i"),
        ("dynamodb:batchGetItem", "{RequestItems: {t: {}}}", "dynamodb:BatchGetItem", f"{TABLE}/t"),
        ("dynamodb:transactWriteItems", "{TransactItems: [{Put: {TableName: t}}]}", "dynamodb:PutItem", f"{TABLE}/t"),
        ("s3:getObject", "{Bucket: b, Key: in/x}", "s3:GetObject", "arn:aws:s3:::b/in/x"),
        ("s3:putObject", "{Bucket: b, Key.$: $.key}", "s3:PutObject", "arn:aws:s3:::b/*"),
        ("s3:headObject", "{Bucket: b, Key: x}", "s3:GetObject", "arn:aws:s3:::b/x"),
        ("s3:listObjectsV2", "{Bucket: b}", "s3:ListBucket", "arn:aws:s3:::b"),
        ("sqs:sendMessageBatch", "{QueueUrl: '${jobs.url}'}", "sqs:SendMessage", f"arn:aws:sqs:{HERE}:bank-dev-jobs"),
        ("sns:publishBatch", f"{{TopicArn: 'arn:aws:sns:{HERE}:t'}}", "sns:Publish", f"arn:aws:sns:{HERE}:t"),
        ("lambda:invoke", "{FunctionName: f}", "lambda:InvokeFunction", f"arn:aws:lambda:{HERE}:function:f"),
        ("lambda:getFunction", "{FunctionName: f}", "lambda:GetFunction", f"arn:aws:lambda:{HERE}:function:f"),
        ("eventbridge:putEvents", "{Entries: [{}]}", "events:PutEvents", f"arn:aws:events:{HERE}:event-bus/default"),
        ("kinesis:putRecord", "{StreamName: s}", "kinesis:PutRecord", f"arn:aws:kinesis:{HERE}:stream/s"),
        ("firehose:putRecord", "{DeliveryStreamName: d}", "firehose:PutRecord", f"arn:aws:firehose:{HERE}:deliverystream/d"),
        ("sfn:startSyncExecution", "{StateMachineArn: m}", "states:StartSyncExecution", f"arn:aws:states:{HERE}:stateMachine:m"),
        ("ssm:getParameter", "{Name: /a/b}", "ssm:GetParameter", f"arn:aws:ssm:{HERE}:parameter/a/b"),
        ("ssm:getParameters", "{Names: [a]}", "ssm:GetParameters", f"arn:aws:ssm:{HERE}:parameter/a"),
        ("ssm:getParametersByPath", "{Path: /a/}", "ssm:GetParametersByPath", f"arn:aws:ssm:{HERE}:parameter/a"),
        ("secretsmanager:getSecretValue", "{SecretId: s}", "secretsmanager:GetSecretValue",
         f"arn:aws:secretsmanager:{HERE}:secret:s-??????"),
    ],
)  # fmt: skip
def test_integrations_of_the_sdk(resource: str, parameters: str, action: str, on: str):
    assert task(SDK + resource, parameters) == [((action,), on)]


@pytest.mark.parametrize(
    ("resource", "parameters", "action", "why"),
    [
        ("lambda:invoke", "{FunctionName.$: $.fn}", "lambda:InvokeFunction", "`FunctionName` is known only when it runs"),
        ("lambda:invoke", "{Payload: 1}", "lambda:InvokeFunction", "it names no `FunctionName`"),
        ("events:putEvents", "{Entries.$: $.entries}", "events:PutEvents", "`Entries` is known only when it runs"),
        ("events:putEvents", "{Entries: [{EventBusName.$: $.b}]}", "events:PutEvents", "`EventBusName` is known only when it runs"),
        ("glue:startJobRun.sync", "{JobName: j}", "glue:StartJobRun", "slx does not know what it takes to wait for its end"),
    ],
)  # fmt: skip
def test_what_cannot_be_told_says_why(resource: str, parameters: str, action: str, why: str):
    (call,) = found(f"a: {{Type: Task, Resource: '{OPT}{resource}', Parameters: {parameters}, End: true}}")

    assert (call.actions, call.resource, call.why) == ((action,), None, why)


@pytest.mark.parametrize(
    ("api", "action"),
    [
        ("textract:detectDocumentText", "textract:DetectDocumentText"),
        ("cloudwatchlogs:putLogEvents", "logs:PutLogEvents"),
    ],
)
def test_of_a_service_that_is_not_known_anything_may_be_meant(api: str, action: str):
    (call,) = found(f"a: {{Type: Task, Resource: '{SDK}{api}', Parameters: {{}}, End: true}}")

    assert (call.actions, call.resource, call.why) == ((action,), "*", "slx does not know on what it works")


def test_what_cannot_be_told_is_blamed_on_its_field():
    (call,) = found(
        f"a: {{Type: Task, Resource: '{OPT}lambda:invoke', Parameters: {{FunctionName.$: $.fn}}, End: true}}"
    )

    assert call.path == ("States", "a", "Parameters", "FunctionName.$")


def test_arguments_of_jsonata_are_read_like_parameters():
    assert task(f"{OPT}lambda:invoke", "{FunctionName: f}", "Arguments") == [
        (("lambda:InvokeFunction",), f"arn:aws:lambda:{HERE}:function:f")
    ]
    assert task(f"{OPT}lambda:invoke", "{FunctionName: '{% $fn %}'}", "Arguments") == [
        (("lambda:InvokeFunction",), None)
    ]


def test_waiting_for_an_execution_takes_more():
    child = f"arn:aws:states:{HERE}:stateMachine:child"

    assert task(f"{OPT}states:startExecution.sync:2", f"{{StateMachineArn: '{child}'}}") == [
        (("states:StartExecution",), child),
        (
            ("events:DescribeRule", "events:PutRule", "events:PutTargets"),
            f"arn:aws:events:{HERE}:rule/StepFunctionsGetEventsForStepFunctionsExecutionRule",
        ),
        (("states:DescribeExecution", "states:StopExecution"), f"arn:aws:states:{HERE}:execution:child:*"),
    ]


def test_functions_by_their_arn_and_activities():
    function = f"arn:aws:lambda:{HERE}:function:f:7"

    assert task(function) == [(("lambda:InvokeFunction",), function)]
    assert task(f"arn:aws:states:{HERE}:activity:x") == []


def test_an_api_without_authorization_takes_no_permission():
    assert task(f"{OPT}apigateway:invoke", "{ApiEndpoint: abc.execute-api.x, Method: GET}") == []


def test_a_call_under_another_role_takes_that_role():
    state = f"a: {{Type: Task, Resource: '{OPT}lambda:invoke', Parameters: {{FunctionName: f}}, Credentials: {{RoleArn: r}}}}"

    assert [(call.actions, call.resource) for call in found(state)] == [(("sts:AssumeRole",), "r")]


def test_a_copy_reads_here_and_writes_there():
    assert task(f"{SDK}s3:copyObject", "{Bucket: to, Key: k, CopySource: from/x}") == [
        (("s3:PutObject",), "arn:aws:s3:::to/k"),
        (("s3:GetObject",), "arn:aws:s3:::from/x"),
    ]


def test_a_distributed_map_starts_itself_and_reads_and_writes():
    made = found("""
    a:
      Type: Map
      ItemReader: {Resource: "arn:aws:states:::s3:listObjectsV2", Parameters: {Bucket: in}}
      ResultWriter: {Resource: "arn:aws:states:::s3:putObject", Parameters: {Bucket: out, Prefix: done/}}
      ItemProcessor: {ProcessorConfig: {Mode: DISTRIBUTED, ExecutionType: STANDARD}, StartAt: b, States: {b: {Type: Succeed}}}
      End: true
    """)

    assert {(call.actions[-1], call.resource) for call in made} == {
        ("s3:ListBucket", "arn:aws:s3:::in"),
        ("s3:PutObject", "arn:aws:s3:::out/done/*"),
        ("states:StartExecution", MACHINE),
        ("states:StopExecution", f"arn:aws:states:{HERE}:execution:flow:*"),
        ("states:RedriveExecution", f"arn:aws:states:{HERE}:execution:flow/*"),
    }


def test_calls_of_inner_machines_count():
    state = f"{{Type: Task, Resource: '{OPT}lambda:invoke', Parameters: {{FunctionName: %s}}, End: true}}"
    made = found(f"""
    a: {{Type: Parallel, End: true, Branches: [{{StartAt: b, States: {{b: {state % "f"}}}}}, {{StartAt: c, States: {{c: {state % "g"}}}}}]}}
    d: {{Type: Map, End: true, Iterator: {{StartAt: e, States: {{e: {state % "h"}}}}}}}
    """)

    assert [(call.state, str(call.resource)[-1]) for call in made] == [("b", "f"), ("c", "g"), ("e", "h")]


def test_other_partitions_have_their_own_arns():
    place = Place("bank", "dev", "cn-north-1", "123456789012", "aws-cn", "amazonaws.com.cn")
    definition = {"StartAt": "a", "States": {"a": {"Type": "Task", "Resource": "arn:aws-cn:states:::dynamodb:getItem",
                                                   "Parameters": {"TableName": "t"}, "End": True}}}  # fmt: skip

    (call,) = calls(definition, place, "flow")

    assert call.resource == "arn:aws-cn:dynamodb:cn-north-1:123456789012:table/t"
