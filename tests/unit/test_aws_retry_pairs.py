"""One code of AWS, two meanings: what passes with time is sent again, what stays is not; told apart by its words."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from aws_fakes import FakeClock, FakeTransport, refused

from serverless_cli.aws.calls import Passing
from serverless_cli.aws.retry import Table
from serverless_cli.aws.rules import RULES, Rule
from serverless_cli.aws.session import Calls
from serverless_cli.errors import AwsError
from serverless_cli.resources.buckets import SETTLING

CALLER = "User: arn:aws:iam::123456789012:user/ann is not authorized to perform: "
CONSTRAINT = "1 validation error detected: Value 'x' at 'name' failed to satisfy constraint: Member must be shorter"
NOT_NOW = "The operation cannot be performed at this time. "
PUBLIC = "because public access control lists (ACLs) are "


@dataclass(frozen=True)
class Pair:
    """An operation's code with the words that pass and those that stay; `passing` is what the caller adds."""

    operation: str
    code: str
    passes: tuple[str, ...]
    stays: tuple[str, ...]
    passing: tuple[Passing, ...] = ()


PAIRS = (
    Pair(
        "iam.CreateRole", "MalformedPolicyDocument",
        ('Invalid principal in policy: "AWS":"arn:aws:iam::1:role/new"',),
        ("This policy contains invalid Json", "Syntax errors in policy.", "Has prohibited field Resource"),
    ),
    Pair(
        "iam.AttachRolePolicy", "NoSuchEntity",
        ("Policy arn:aws:iam::123456789012:policy/new does not exist or is not attachable.",),
        ("Policy arn:aws:iam::aws:policy/Typo does not exist or is not attachable.",),
    ),
    Pair(
        "lambda.UpdateFunctionCode", "ResourceConflictException",
        (
            NOT_NOW + "An update is in progress for resource: arn:aws:lambda:eu-central-1:1:function:f",
            NOT_NOW + "The function is currently in the following state: Pending",
            "The function could not be updated due to a concurrent update operation.",
        ),
        (
            "Function already exist: f",
            "The statement id (s) provided already exists. Please provide a new statement id",
            'An event source mapping with SQS arn (" a ") and function (" f ") already exists.',
            NOT_NOW + "The function is currently in the following state: Failed",
        ),
    ),
    Pair(
        "lambda.CreateFunction", "InvalidParameterValueException",
        (
            "The role defined for the function cannot be assumed by Lambda.",
            "The provided execution role does not have permissions to call CreateNetworkInterface on EC2",
            "Lambda was unable to configure your environment variables: the KMS key is invalid for CreateGrant.",
            "Lambda was unable to encrypt: InvalidArnException",
            "Your request has been throttled by EC2, please make sure you have enough API rate limit.",
            "Cannot access stream s. Please ensure the role can perform the GetRecords Actions",
        ),
        (
            "Could not unzip uploaded file. Please check your file, then try to upload again.",
            "The runtime parameter of python3.6 is no longer supported for creating or updating functions.",
            "Lambda was unable to configure your environment variables because they exceeded the 4KB limit.",
            "Specified ReservedConcurrentExecutions decreases account's UnreservedConcurrentExecution below 100.",
        ),
    ),
    Pair(
        "lambda.CreateEventSourceMapping", "InvalidParameterValueException",
        (
            "The function execution role does not have permissions to call ReceiveMessage on SQS",
            "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue.",
        ),
        ("Queue visibility timeout: 30 seconds is less than Function timeout: 60 seconds",),
    ),
    Pair(
        "apigatewayv2.CreateRoute", "ConflictException",
        (
            "Unable to complete operation due to concurrent modification. Please try again.",
            "Unable to complete operation. Please try again later.",
        ),
        (
            "Route with key GET /items already exists for this API",
            "Route key GET /{a} has a conflicting variable on the same hierarchical level as GET /{b}",
            "Cannot delete Integration i because it is referenced by Route r",
        ),
    ),
    Pair("s3.PutBucketPolicy", "MalformedPolicy", ("Invalid principal in policy",), ("Policies must be valid JSON",)),
    Pair(
        "s3.PutBucketAcl", "AccessDenied",
        (
            "Access Denied",
            CALLER + "s3:PutBucketAcl on resource: arn:aws:s3:::b "
            + PUBLIC + "blocked by the BlockPublicAcls block public access setting",
            CALLER + "s3:PutBucketAcl on resource: arn:aws:s3:::b "
            + PUBLIC + "prevented by the BlockPublicAcls setting in S3 Block Public Access",
        ),
        (
            CALLER + "s3:PutBucketAcl because no identity-based policy allows the s3:PutBucketAcl action",
            CALLER + "s3:PutBucketAcl with an explicit deny in a service control policy",
        ),
        SETTLING,
    ),
    Pair(
        "s3.PutBucketNotificationConfiguration", "InvalidArgument",
        ("Unable to validate the following destination configurations",),
        ("Configurations overlap. Configurations on the same bucket cannot share a common event type.",),
    ),
    Pair(
        "dynamodb.UpdateTable", "ResourceInUseException",
        (
            "Attempt to change a resource which is still in use: Table: T",
            "Table is being created: T", "Table is being updated: T", "Table is being deleted: T",
        ),
        ("Table already exists: T",),
    ),
    Pair("dynamodb.TagResource", "LimitExceededException", ("Table tags are being updated",), ("Too many tags",)),
    Pair(
        "dynamodb.CreateTable", "LimitExceededException",
        ("Subscriber limit exceeded: Only 500 tables can be created, updated, or deleted simultaneously",),
        ("Subscriber limit exceeded: There is a limit of 2500 tables per subscriber",),
    ),
    Pair(
        "sqs.SetQueueAttributes", "InvalidAttributeValue",
        ("Invalid value for the parameter Policy.",), ("Invalid value for the parameter FifoQueue.",),
    ),
    Pair(
        "sns.SetTopicAttributes", "InvalidParameter",
        (
            "Invalid parameter: Policy Error: PrincipalNotFound",
            "Invalid parameter: arn:aws:iam::1:role/r is not a valid role to allow SNS to write to Cloudwatch Logs",
        ),
        ("Invalid parameter: Attributes Reason: Topic already exists with different attributes",),
    ),
    Pair(
        "events.PutRule", "ValidationException",
        ("Provided role 'arn:aws:iam::1:role/r' cannot be assumed by principal 'events.amazonaws.com'.",),
        ("Parameter ScheduleExpression is not valid.", "ScheduleExpression is supported only on the default event bus."),
    ),
    Pair("events.DeleteRule", "ValidationException", ("Rule can't be deleted since it has targets.",), (CONSTRAINT,)),
    Pair(
        "events.DeleteEventBus", "ValidationException",
        ("EventBus can't be deleted since it has rules.",), ("Cannot delete event bus default.",),
    ),
    Pair(
        "stepfunctions.CreateStateMachine", "AccessDeniedException",
        (
            "Neither the global service principal states.amazonaws.com, nor the regional one is authorized to assume "
            "the provided role.",
            "The state machine IAM Role is not authorized to access the Log Destination",
            "'arn:aws:iam::123456789012:role/r' is not authorized to create managed-rule.",
        ),
        (
            CALLER + "events:PutRule on resource: arn:aws:events:eu-central-1:1:rule/StepFunctionsGetEvents",
            CALLER + "states:CreateStateMachine on resource: arn:aws:states:eu-central-1:1:stateMachine:m",
            CALLER + "iam:PassRole on resource: arn:aws:iam::1:role/r",
        ),
    ),
    Pair(
        "firehose.CreateDeliveryStream", "InvalidArgumentException",
        (
            "Firehose is unable to assume role arn:aws:iam::1:role/r. Please check the role provided.",
            "Role arn:aws:iam::1:role/r is not authorized to perform: glue:GetTableVersions",
            "Access was denied when calling Kinesis.",
            "Verify that the IAM role has access to the destination.",
            "Please make sure the role specified in VpcConfiguration has permissions",
        ),
        ("SizeInMBs must be between 1 and 128", "Prefix contains an invalid expression"),
    ),
    Pair(
        "kinesis.DeleteStream", "ResourceInUseException",
        ("Stream s under account 1 not ACTIVE, instead in state CREATING",), ("Stream s has a registered consumer",),
    ),
    Pair(
        "kinesis.CreateStream", "LimitExceededException",
        (
            "This request would have exceed the limit on the number of streams that can simultaneously be in CREATING "
            "or DELETING. Limit: 5",
        ),
        ("This request would exceed the shard limit for the account 123456789012 in eu-central-1. Limit: 500",),
    ),
    Pair(
        "pipes.CreatePipe", "ValidationException",
        ("Pipes is not able to assume the role arn:aws:iam::1:role/r",),
        ("Value 'x' at 'roleArn' failed to satisfy constraint: Member must be an ARN", "Invalid filter pattern"),
    ),
    Pair(
        "scheduler.CreateSchedule", "ValidationException",
        ("The execution role you provide must allow AWS EventBridge Scheduler to assume the role.",),
        ("Invalid Schedule Expression rate(1 hours).",),
    ),
)  # fmt: skip

ONE_MEANING = {
    ("lambda.UpdateEventSourceMapping", "ResourceInUseException"),
    ("lambda.DeleteEventSourceMapping", "ResourceInUseException"),
}
"""rules whose words narrow down a code that AWS documents with no second meaning"""


def cases(side: str) -> list[object]:
    return [
        pytest.param(pair, message, id=f"{pair.operation}: {message[:60]}")
        for pair in PAIRS
        for message in getattr(pair, side)
    ]


def calls(pair: Pair, message: str, *then: dict[str, int]) -> tuple[Calls, FakeTransport, FakeClock]:
    transport, clock = FakeTransport(refused(pair.code, message), *then), FakeClock()
    return Calls(transport, "eu-central-1", clock), transport, clock


@pytest.mark.parametrize(("pair", "message"), cases("passes"))
def test_what_passes_is_sent_again(pair: Pair, message: str):
    aws, transport, _ = calls(pair, message, {"done": 1})
    assert aws.call(pair.operation, passing=pair.passing) == {"done": 1}
    assert len(transport.sent) == 2


@pytest.mark.parametrize(("pair", "message"), cases("passes"))
def test_what_does_not_pass_in_time_is_told_in_its_own_words(pair: Pair, message: str):
    aws, transport, clock = calls(pair, message)
    began = clock.now()
    with pytest.raises(AwsError) as raised:
        aws.call(pair.operation, passing=pair.passing)
    assert (raised.value.code, raised.value.message) == (pair.code, message)
    assert 15 <= clock.now() - began <= 600
    assert len(transport.sent) > 5
    assert f"kept trying for {clock.now() - began:g} s" in raised.value.hint


@pytest.mark.parametrize(("pair", "message"), cases("stays"))
def test_what_stays_is_told_at_once(pair: Pair, message: str):
    aws, transport, clock = calls(pair, message)
    with pytest.raises(AwsError) as raised:
        aws.call(pair.operation, passing=pair.passing)
    assert (raised.value.code, raised.value.message) == (pair.code, message)
    assert len(transport.sent) == 1
    assert clock.slept == []


def test_what_only_the_caller_can_know_to_pass_stays_without_its_word():
    [pair] = [one for one in PAIRS if one.passing]
    assert {Table().find(refused(pair.code, message, operation=pair.operation)) for message in pair.passes} == {None}


# The table itself: a rule that is made wider, or loses one of its words, must be noticed by the tests above.


NARROWED = [rule for rule in RULES if (rule.fragments or rule.but) and (rule.where, rule.code) not in ONE_MEANING]


@pytest.mark.parametrize("rule", NARROWED)
def test_a_rule_on_its_code_alone_would_take_in_what_stays(rule: Rule):
    wide = replace(rule, fragments=(), but=())
    assert any(wide.fits(refused(one.code, message, operation=one.operation)) for one in PAIRS for message in one.stays)


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.fragments])
def test_every_word_of_a_rule_has_a_text(rule: Rule):
    texts = [text for one in PAIRS for text in one.passes if one.code == rule.code]
    if (rule.where, rule.code) in ONE_MEANING:
        texts = ["Cannot update the event source mapping because it is in use."]
    assert [word for word in rule.fragments if not any(word in text.lower() for text in texts)] == []
