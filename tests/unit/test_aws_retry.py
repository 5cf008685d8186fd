"""Every rule of the retry table: retried until it passes, ended by its deadline, and not mistaken for its look-alike."""

from __future__ import annotations

import pytest
from aws_fakes import FakeClock, FakeTransport, lost, refused

from serverless_cli.aws.calls import Passing
from serverless_cli.aws.failure import THROTTLES, Failure, Nature
from serverless_cli.aws.retry import LEAST, Attempts, Table
from serverless_cli.aws.rules import RULES
from serverless_cli.aws.session import Calls
from serverless_cli.errors import AwsError, Exit

BUSY = "The operation cannot be performed at this time. "
S3_BUSY = "A conflicting conditional operation is currently in progress against this resource. Please try again."
CALLER = "User: arn:aws:iam::123456789012:user/ann is not authorized to perform: "
RCE, IPV, VALIDATION = "ResourceConflictException", "InvalidParameterValueException", "ValidationException"
IN_USE = "ResourceInUseException"

# (operation, code, message): AWS's own words, from aws-semantics and the localstack snapshots it quotes.
PASSING = [
    ("iam.CreateRole", "MalformedPolicyDocument", 'Invalid principal in policy: "AWS":"arn:aws:iam::1:role/new"'),
    ("iam.UpdateAssumeRolePolicy", "ConcurrentModification", "The request was rejected"),
    ("iam.TagRole", "EntityTemporarilyUnmodifiable", "try later"),
    ("iam.DeleteRole", "DeleteConflict", "Cannot delete entity, must detach all policies first."),
    ("iam.DeletePolicy", "DeleteConflict", "Cannot delete a policy attached to entities."),
    ("iam.AttachRolePolicy", "NoSuchEntity", "Policy arn:aws:iam::123:policy/p does not exist or is not attachable."),
    ("iam.PutRolePolicy", "NoSuchEntity", "The role with name r cannot be found."),
    ("lambda.UpdateFunctionCode", RCE, BUSY + "The function is currently in the following state: Pending"),
    ("lambda.PublishVersion", RCE, BUSY + "An update is in progress for resource: arn:aws:lambda:x"),
    ("lambda.AddPermission", RCE, "The function could not be updated due to a concurrent update operation."),
    ("lambda.CreateFunction", IPV, "The role defined for the function cannot be assumed by Lambda."),
    ("lambda.CreateFunction", IPV, "Lambda was unable to configure ... the KMS key is invalid for CreateGrant."),
    ("lambda.CreateFunction", IPV, "Your request has been throttled by EC2, please make sure you have enough API rate"),
    ("lambda.CreateEventSourceMapping", IPV, "The provided execution role does not have permissions to call X on SQS"),
    ("lambda.CreateEventSourceMapping", IPV, "The function execution role does not have permissions to call X on SQS"),
    ("lambda.CreateEventSourceMapping", IPV, "Cannot access stream a. Please ensure the role can perform the GetRecords"),
    ("lambda.CreateEventSourceMapping", IPV, "SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. SQS Error ..."),
    ("lambda.UpdateEventSourceMapping", IN_USE, "Cannot update the event source mapping because it is in use."),
    ("lambda.DeleteEventSourceMapping", IN_USE, "Cannot delete the event source mapping because it is in use."),
    ("lambda.AddPermission", "ResourceNotFoundException", "Function not found: arn:aws:lambda:x"),
    ("apigatewayv2.CreateRoute", "ConflictException", "Unable to complete operation due to concurrent modification."),
    ("apigatewayv2.DeleteRoute", "ConflictException", "Unable to complete operation. Please try again later."),
    ("s3.CreateBucket", "OperationAborted", S3_BUSY),
    ("s3.PutBucketVersioning", "OperationAborted", S3_BUSY),
    ("s3.PutObject", "ConditionalRequestConflict", "A conflicting operation occurred during the request"),
    ("s3.PutBucketTagging", "NoSuchBucket", "The specified bucket does not exist"),
    ("s3.PutPublicAccessBlock", "NoSuchBucket", "The specified bucket does not exist"),
    ("s3.PutBucketPolicy", "MalformedPolicy", "Invalid principal in policy"),
    ("s3.PutBucketNotificationConfiguration", "InvalidArgument", "Unable to validate the following destination conf"),
    ("dynamodb.UpdateTable", IN_USE, "Attempt to change a resource which is still in use: Table is being created: T"),
    ("dynamodb.DeleteTable", IN_USE, "Attempt to change a resource which is still in use: Table is being deleted: T"),
    ("dynamodb.TagResource", "LimitExceededException", "Table tags are being updated"),
    (
        "dynamodb.CreateTable",
        "LimitExceededException",
        "Subscriber limit exceeded: Only 10 tables can be created, updated, or deleted simultaneously",
    ),
    ("dynamodb.UpdateContinuousBackups", "ContinuousBackupsUnavailableException", "Backups are being enabled for T"),
    ("dynamodb.UpdateContinuousBackups", "TableNotFoundException", "Table not found: T"),
    ("sqs.CreateQueue", "AWS.SimpleQueueService.QueueDeletedRecently", "You must wait 60 seconds after deleting"),
    ("sqs.CreateQueue", "QueueDeletedRecently", "You must wait 60 seconds after deleting"),
    ("sqs.SetQueueAttributes", "InvalidAttributeValue", "Invalid value for the parameter Policy."),
    ("sqs.SetQueueAttributes", "AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist."),
    ("sqs.SetQueueAttributes", "QueueDoesNotExist", "The specified queue does not exist."),
    ("sns.SetTopicAttributes", "InvalidParameter", "Invalid parameter: Policy Error: PrincipalNotFound"),
    ("sns.SetTopicAttributes", "InvalidParameter", "a is not a valid role to allow SNS to write to Cloudwatch Logs"),
    ("sns.CreateTopic", "StaleTag", "stale"),
    ("sns.TagResource", "ConcurrentAccess", "concurrent"),
    ("events.PutRule", VALIDATION, "Provided role 'a' cannot be assumed by principal 'events.amazonaws.com'."),
    ("events.DeleteRule", VALIDATION, "Rule can't be deleted since it has targets."),
    ("events.DeleteEventBus", VALIDATION, "EventBus can't be deleted since it has rules."),
    ("events.PutTargets", "ConcurrentModificationException", "concurrent"),
    (
        "stepfunctions.CreateStateMachine",
        "AccessDeniedException",
        "Neither the global service principal s, nor the regional one is authorized to assume the provided role.",
    ),
    (
        "stepfunctions.CreateStateMachine",
        "AccessDeniedException",
        "The state machine IAM Role is not authorized to access the Log Destination",
    ),
    ("stepfunctions.UpdateStateMachine", "AccessDeniedException", "'r' is not authorized to create managed-rule."),
    ("stepfunctions.CreateStateMachine", "StateMachineDeleting", "State machine is being deleted: a"),
    ("firehose.CreateDeliveryStream", "InvalidArgumentException", "Firehose is unable to assume role a. Please check"),
    ("firehose.CreateDeliveryStream", "InvalidArgumentException", "Access was denied when calling Kinesis."),
    ("firehose.CreateDeliveryStream", "InvalidArgumentException", "Role a is not authorized to perform: glue:GetTable"),
    ("firehose.DeleteDeliveryStream", IN_USE, "Firehose F is in CREATING"),
    ("kinesis.DeleteStream", IN_USE, "Stream s under account 1 not ACTIVE, instead in state CREATING"),
    (
        "kinesis.CreateStream",
        "LimitExceededException",
        "This request would have exceed the limit on the number of streams that can simultaneously be in CREATING or "
        "DELETING",
    ),
    ("pipes.CreatePipe", VALIDATION, "Pipes is not able to assume the role a"),
    ("scheduler.CreateSchedule", VALIDATION, "The execution role must allow AWS EventBridge Scheduler to assume the role."),
    ("logs.CreateLogGroup", "OperationAbortedException", "A conflicting operation is currently in progress"),
    ("cloudfront.DeleteOriginAccessControl", "OriginAccessControlInUse", "in use"),
]  # fmt: skip

LOOK_ALIKES = [
    ("lambda.CreateFunction", RCE, "Function already exist: f"),
    ("lambda.AddPermission", RCE, "The statement id (s) provided already exists. Please provide a new statement id"),
    ("lambda.CreateEventSourceMapping", RCE, 'An event source mapping with SQS arn (" a ") ... already exists.'),
    ("lambda.CreateFunction", IPV, "Could not unzip uploaded file. Please check your file, then try to upload again."),
    ("lambda.CreateFunction", IPV, "The runtime parameter of python3.6 is no longer supported"),
    ("lambda.AddPermission", IPV, "The provided principal was invalid. Please check the principal and try again."),
    ("lambda.CreateEventSourceMapping", IPV, "Queue visibility timeout: 30 seconds is less than Function timeout: 60"),
    ("lambda.GetFunction", "ResourceNotFoundException", "Function not found: f"),
    ("lambda.UpdateFunctionCode", "PreconditionFailedException", "The Revision Id provided does not match"),
    ("apigatewayv2.CreateRoute", "ConflictException", "Route with key GET /items already exists for this API"),
    ("apigatewayv2.CreateRoute", "ConflictException", "has a conflicting variable on the same hierarchical level as"),
    ("apigatewayv2.DeleteIntegration", "ConflictException", "Cannot delete Integration i because it is referenced by"),
    ("apigatewayv2.CreateStage", "ConflictException", "Stage already exists"),
    ("s3.PutBucketPolicy", "AccessDenied", "Access Denied"),
    ("s3.PutBucketPolicy", "MalformedPolicy", "Policies must be valid JSON and the first byte must be '{'"),
    ("s3.PutBucketNotificationConfiguration", "InvalidArgument", "Configurations overlap."),
    ("s3.GetBucketPolicy", "NoSuchBucket", "The specified bucket does not exist"),
    ("s3.PutObject", "NoSuchBucket", "The specified bucket does not exist"),
    ("s3.CreateBucket", "BucketAlreadyExists", "The requested bucket name is not available."),
    ("dynamodb.CreateTable", IN_USE, "Table already exists: T"),
    ("dynamodb.CreateTable", "LimitExceededException", "Subscriber limit exceeded: There is a limit of 2500 tables"),
    ("iam.CreateRole", "LimitExceeded", "Cannot exceed quota for RolesPerAccount: 1000"),
    ("iam.CreateRole", "MalformedPolicyDocument", "This policy contains invalid Json"),
    ("iam.AttachRolePolicy", "NoSuchEntity", "Policy arn:aws:iam::aws:policy/Typo does not exist or is not attachable."),
    ("iam.GetRole", "NoSuchEntity", "The role with name r cannot be found."),
    ("events.PutRule", VALIDATION, "Parameter ScheduleExpression is not valid."),
    ("events.PutRule", VALIDATION, "ScheduleExpression is supported only on the default event bus."),
    ("stepfunctions.CreateStateMachine", "AccessDeniedException", CALLER + "states:CreateStateMachine on resource: a"),
    ("stepfunctions.CreateStateMachine", "AccessDeniedException", CALLER + "iam:PassRole on resource: a"),
    ("stepfunctions.CreateStateMachine", "StateMachineAlreadyExists", "State Machine Already Exists: 'a'"),
    ("sns.CreateTopic", "InvalidParameter", "Invalid parameter: Attributes Reason: Topic already exists with different"),
    ("firehose.CreateDeliveryStream", "InvalidArgumentException", "SizeInMBs must be between 1 and 128"),
    ("firehose.CreateDeliveryStream", IN_USE, "Firehose F under accountId 1 already exists"),
    ("firehose.UpdateDestination", "ConcurrentModificationException", "stale version"),
    ("kinesis.CreateStream", IN_USE, "Stream s under account 1 already exists."),
    ("pipes.CreatePipe", VALIDATION, "1 validation error detected: Value 'x' at 'roleArn' failed to satisfy constraint"),
    ("logs.PutResourcePolicy", "LimitExceededException", "Resource limit exceeded."),
    ("logs.CreateLogGroup", "ResourceAlreadyExistsException", "The specified log group already exists"),
    ("lambda.CreateFunction", "AccessDeniedException", CALLER + "iam:PassRole on resource: a because no identity-based"),
    ("sqs.SetQueueAttributes", "InvalidAttributeValue", "Invalid value for the parameter FifoQueue."),
    ("sqs.GetQueueAttributes", "AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist."),
]  # fmt: skip


def calls(*answers: dict | Failure, table: Table | None = None) -> tuple[Calls, FakeTransport, FakeClock]:
    transport, clock = FakeTransport(*answers), FakeClock()
    return Calls(transport, "us-east-1", clock, table or Table()), transport, clock


def test_every_rule_has_an_example():
    hit = {Table().find(refused(code, message, operation=operation)) for operation, code, message in PASSING}
    # The one rule that stands for a 500.
    assert set(RULES) - hit == {rule for rule in RULES if rule.code == "InternalFailure"}


@pytest.mark.parametrize(("operation", "code", "message"), PASSING)
def test_passing_error_is_retried_until_it_passes(operation, code, message):
    error = refused(code, message)
    aws, transport, clock = calls(error, error, error, {"done": True})
    assert aws.call(operation, Name="x") == {"done": True}
    assert [sent[0] for sent in transport.sent] == [operation] * 4
    assert len(clock.slept) == 3


@pytest.mark.parametrize(("operation", "code", "message"), PASSING)
def test_deadline_ends_it_with_the_original_message(operation, code, message):
    aws, _, clock = calls(refused(code, message))
    start = clock.now()
    with pytest.raises(AwsError) as caught:
        aws.call(operation)
    rule = Table().find(refused(code, message, operation=operation))
    assert clock.now() - start == pytest.approx(rule.deadline_s)
    assert (caught.value.code, caught.value.message) == (code, message)
    assert f"{rule.deadline_s:g} s" in caught.value.hint
    assert not caught.value.lost


@pytest.mark.parametrize(("operation", "code", "message"), LOOK_ALIKES)
def test_look_alike_is_not_retried(operation, code, message):
    aws, transport, clock = calls(refused(code, message))
    with pytest.raises(AwsError) as caught:
        aws.call(operation)
    assert len(transport.sent) == 1
    assert clock.slept == []
    assert caught.value.message == message


def test_settling_starts_with_short_steps():
    aws, _, clock = calls(*[refused(IPV, "cannot be assumed by Lambda")] * 6, {})
    aws.call("lambda.CreateFunction")
    assert clock.slept == [0.25, 0.5, 1, 2, 2, 2]


@pytest.mark.parametrize("code", sorted(THROTTLES))
def test_throttles_are_retried_with_full_jitter(code):
    aws, _, clock = calls(*[refused(code, "Rate exceeded")] * 7, {})
    aws.call("iam.CreateRole", once=True)
    assert clock.slept == [0.5, 1, 2, 4, 8, 10, 10]


@pytest.mark.parametrize(
    "failure",
    [
        refused("X", "Rate exceeded for stream s", 400),
        refused("X", "", 429),
        refused("TooManyRequestsException", "", 429),
    ],
)
def test_throttles_under_other_names(failure):
    aws, transport, _ = calls(failure, {})
    aws.call("kinesis.CreateStream")
    assert len(transport.sent) == 2


def test_a_throttle_without_end_says_so():
    aws, _, clock = calls(refused("Throttling", "Rate exceeded"))
    start = clock.now()
    with pytest.raises(AwsError, match="Rate exceeded") as caught:
        aws.call("iam.CreateRole")
    assert clock.now() - start == pytest.approx(300)
    assert "try again later" in caught.value.hint


def test_server_errors_are_sent_again_and_end():
    aws, _, _ = calls(lost(), lost(), {"ok": 1})
    assert aws.call("iam.GetRole") == {"ok": 1}
    aws, _, clock = calls(lost("We encountered an internal error."))
    start = clock.now()
    with pytest.raises(AwsError, match="We encountered") as caught:
        aws.call("iam.GetRole")
    assert caught.value.lost
    assert clock.now() - start == pytest.approx(60)


def test_a_queue_answers_500_while_a_principal_settles():
    aws, _, clock = calls(lost(), lost(), {})
    aws.call("sqs.SetQueueAttributes")
    assert clock.slept == [0.25, 0.5]


def test_once_never_sends_again_after_a_lost_answer():
    aws, transport, _ = calls(lost(), {})
    with pytest.raises(AwsError) as caught:
        aws.call("apigatewayv2.CreateApi", once=True, Name="x")
    assert caught.value.lost
    assert len(transport.sent) == 1
    assert "carried out" in caught.value.hint


@pytest.mark.parametrize(
    "failure",
    [
        refused("TooManyRequestsException", "Too Many Requests", 429),
        refused("ConflictException", "concurrent modification"),
        Failure("", Nature.UNREACHABLE, "EndpointConnectionError", "refused"),
    ],
)
def test_once_sends_again_what_was_certainly_not_carried_out(failure):
    aws, transport, _ = calls(failure, {"ApiId": "a"})
    assert aws.call("apigatewayv2.CreateApi", once=True, Name="x") == {"ApiId": "a"}
    assert len(transport.sent) == 2


def test_out_of_reach_is_tried_for_a_while():
    aws, _, clock = calls(Failure("", Nature.UNREACHABLE, "EndpointConnectionError", "refused"))
    start = clock.now()
    with pytest.raises(AwsError) as caught:
        aws.call("iam.GetRole")
    assert clock.now() - start == pytest.approx(30)
    assert not caught.value.lost
    assert "running at that address" in caught.value.hint


@pytest.mark.parametrize("nature", [Nature.UNTRUSTED, Nature.CREDENTIALS, Nature.INVALID])
def test_what_waiting_cannot_mend_fails_at_once(nature):
    aws, transport, _ = calls(Failure("", nature, "X", "no"))
    with pytest.raises(AwsError):
        aws.call("iam.GetRole")
    assert len(transport.sent) == 1


def test_each_rule_has_its_own_deadline():
    """A minute of throttles must not use up the time that a new role needs."""
    table = Table()
    clock = FakeClock()
    attempts = Attempts(table, clock)
    throttle, role = refused("Throttling"), refused(IPV, "cannot be assumed", operation="lambda.CreateFunction")
    assert attempts.pause(throttle) is not None
    clock.time += 290
    assert attempts.pause(role) == 0.25
    clock.time += 149
    assert attempts.pause(role) == 0.5
    clock.time += 1
    assert attempts.pause(role) is None
    assert attempts.gave_up.deadline_s == 150
    assert attempts.number == 4


@pytest.mark.parametrize("failure", [lost(), refused("Throttling")])
def test_attempts_that_take_long_do_not_use_up_all_tries(failure: Failure):
    """An upload of minutes that ends with a 500, or an answer that never comes."""
    clock = FakeClock()
    attempts = Attempts(Table(), clock)
    pauses = []
    while (pause := attempts.pause(failure)) is not None:
        pauses.append(pause)
        clock.time += 1000
    assert len(pauses) == LEAST
    assert min(pauses) > 0
    assert attempts.gave_up is not None


def test_what_settles_has_no_tries_past_its_deadline():
    clock = FakeClock()
    attempts = Attempts(Table(), clock)
    role = refused(IPV, "cannot be assumed", operation="lambda.CreateFunction")
    assert attempts.pause(role) is not None
    clock.time += 1000
    assert attempts.pause(role) is None


def test_the_last_pause_ends_at_the_deadline():
    clock = FakeClock()
    attempts = Attempts(Table(rules=()), clock, (Passing("Odd", deadline_s=3),))
    assert [attempts.pause(refused("Odd")) for _ in range(2)] == [0.25, 0.5]
    clock.time += 2.9
    assert attempts.pause(refused("Odd")) == pytest.approx(0.1)


def test_passing_of_the_caller():
    denied, lifted = refused("AccessDenied", "Access Denied", 403), Passing("AccessDenied", "denied", 60)
    aws, transport, _ = calls(denied, denied, {})
    aws.call("s3.PutBucketPolicy", passing=(lifted,))
    assert len(transport.sent) == 3
    aws, transport, clock = calls(denied)
    start = clock.now()
    with pytest.raises(AwsError) as caught:
        aws.call("s3.PutBucketPolicy", passing=(lifted,))
    assert clock.now() - start == pytest.approx(60)
    assert caught.value.exit_code is Exit.DENIED
    assert "Block Public Access" in caught.value.hint
    assert "60 s" in caught.value.hint


def test_passing_matches_any_message_without_a_fragment_and_no_other_code():
    table = Table(rules=())
    assert table.find(refused("NoSuchEntity", "whatever"), (Passing("NoSuchEntity"),))
    assert not table.find(refused("NoSuchEntity", "whatever"), (Passing("NoSuchEntity", "role"),))
    assert not table.find(refused("Other", "whatever"), (Passing("NoSuchEntity"),))


def test_a_denial_that_names_the_caller_is_permanent_even_if_said_to_pass():
    passing = (Passing("AccessDenied"),)
    named = refused("AccessDenied", CALLER + "s3:PutBucketPolicy because no identity-based policy allows it")
    blocked = refused("AccessDenied", CALLER + "s3:PutBucketPolicy because public policies are blocked by the "
                      "BlockPublicPolicy block public access setting.")  # fmt: skip
    assert Table().find(named, passing) is None
    assert Table().find(blocked, passing) is not None


def test_a_late_body_is_sent_again():
    """S3's 400 RequestTimeout: the connection was idle while it waited for the body."""
    assert Table().find(refused("RequestTimeout", "Your socket connection was not read from or written to"))
