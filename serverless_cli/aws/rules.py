"""The errors of AWS that pass with time: code, fragment of the message, deadline. From aws-semantics 1-12 and 16.

Never on the code alone where the same code also says something permanent. What only the caller can know to be passing
(AccessDenied in the seconds after Block Public Access was lifted, GetRole after CreateRole) comes in as `passing`.
"""

from __future__ import annotations

from enum import Enum
from fnmatch import fnmatchcase

from serverless_cli.aws.failure import Failure
from serverless_cli.records import dataclass


class Pace(Enum):
    """How pauses grow. Settling ends at a moment of AWS's own choosing, so it is worth asking often; conflicts and
    throttles are caused by calls like ours, so those are spread out by chance (full jitter)."""

    SETTLING = "settling"
    CONFLICT = "conflict"
    THROTTLE = "throttle"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Rule:
    """An error that passes: which operations (`*` at the end: any), code, fragments (none: any message) and the
    look-alikes' fragments. `hint` is for when it has not passed by the deadline."""

    where: str
    code: str
    fragments: tuple[str, ...] = ()
    deadline_s: float = 120.0
    but: tuple[str, ...] = ()
    pace: Pace = Pace.SETTLING
    hint: str = ""

    def fits(self, failure: Failure) -> bool:
        return (
            self.code == failure.code
            and fnmatchcase(failure.operation, self.where)
            and (not self.fragments or failure.says(*self.fragments))
            and not failure.says(*self.but)
        )


_TRUST = "If the role is older than a minute, its trust policy does not let {service} assume it."
_ROLE = "If the role is older than a minute, it lacks the permission or does not trust the service."
_PRINCIPAL = "A principal that the policy names does not exist."
_MANAGED = "If the role is older than a minute, it lacks events:PutTargets, PutRule or DescribeRule on that rule."
_STREAMS = "Something else makes or deletes streams all the time; run the command again when that has ended."
_BUSY = "Something else keeps changing it; run the command again when that has ended."

_IAM = (
    Rule("iam.*", "MalformedPolicyDocument", ("invalid principal",), hint=_PRINCIPAL),
    Rule("iam.*", "ConcurrentModification", deadline_s=60, pace=Pace.CONFLICT, hint=_BUSY),
    Rule("iam.*", "EntityTemporarilyUnmodifiable", deadline_s=60, pace=Pace.CONFLICT, hint=_BUSY),
    Rule("iam.DeleteRole", "DeleteConflict", deadline_s=60, hint="Something that slx did not attach is still on it."),
    Rule("iam.DeletePolicy", "DeleteConflict", deadline_s=60, hint="Something still uses it."),
    # AWS's own policies are older than any role: one that is not there is a typing error.
    Rule("iam.AttachRolePolicy", "NoSuchEntity", (), 15, ("::aws:policy/",), hint="Role or policy does not exist."),
    Rule("iam.PutRolePolicy", "NoSuchEntity", deadline_s=15, hint="The role does not exist."),
)

_LAMBDA = (
    Rule(
        "lambda.*", "ResourceConflictException",
        ("in progress", "currently in the following state", "concurrent update"), 300,
        ("already exist", "following state: failed"), hint=_BUSY,
    ),
    Rule(
        "lambda.*", "InvalidParameterValueException", ("cannot be assumed",), 150,
        hint=_TRUST.format(service="lambda.amazonaws.com"),
    ),
    Rule(
        "lambda.*", "InvalidParameterValueException",
        ("does not have permissions", "ensure the role can perform", "kms key is invalid for creategrant",
         "invalidarnexception", "throttled by ec2"),
        150, hint=_ROLE,
    ),
    # A queue can be used about a second after CreateQueue (SQS API reference).
    Rule("lambda.CreateEventSourceMapping", "InvalidParameterValueException", ("nonexistentqueue",), 15),
    Rule("lambda.UpdateEventSourceMapping", "ResourceInUseException", ("in use",), 300),
    Rule("lambda.DeleteEventSourceMapping", "ResourceInUseException", ("in use",), 300),
    Rule("lambda.AddPermission", "ResourceNotFoundException", deadline_s=15, hint="The function does not exist."),
)  # fmt: skip

_API_GATEWAY = (
    Rule(
        "apigatewayv2.*", "ConflictException", ("try again later", "concurrent modification"), 120,
        ("already exists", "conflicting variable", "referenced by"), Pace.CONFLICT, _BUSY,
    ),
)  # fmt: skip

_RECREATED = "A bucket of that name was deleted lately; AWS holds the name for up to an hour. Try again later."

_S3 = (
    Rule("s3.CreateBucket", "OperationAborted", deadline_s=300, pace=Pace.CONFLICT, hint=_RECREATED),
    Rule("s3.*", "OperationAborted", pace=Pace.CONFLICT, hint=_BUSY),
    # Another conditional write of the same object was under way: this one was neither accepted nor refused.
    Rule("s3.*", "ConditionalRequestConflict", deadline_s=60, pace=Pace.CONFLICT, hint=_BUSY),
    Rule("s3.PutBucket*", "NoSuchBucket", deadline_s=60, hint="The bucket does not exist."),
    Rule("s3.PutPublicAccessBlock", "NoSuchBucket", deadline_s=60, hint="The bucket does not exist."),
    Rule("s3.PutBucketPolicy", "MalformedPolicy", ("invalid principal",), hint=_PRINCIPAL),
    Rule(
        "s3.PutBucketNotificationConfiguration", "InvalidArgument", ("unable to validate the following destination",),
        60, hint="The destination does not exist, is in another region, or does not allow S3 to send to it.",
    ),
)  # fmt: skip

_DYNAMODB = (
    Rule(
        "dynamodb.*", "ResourceInUseException", ("being created", "being updated", "being deleted", "in use"), 600,
        ("already exists",), hint=_BUSY,
    ),
    Rule("dynamodb.*", "LimitExceededException", ("tags are being updated",), 60),
    # "Subscriber limit exceeded: ..." begins this one and the quota of tables alike.
    Rule("dynamodb.*", "LimitExceededException", ("simultaneously",), 300),
    Rule("dynamodb.*", "ContinuousBackupsUnavailableException", deadline_s=60),
    Rule("dynamodb.UpdateContinuousBackups", "TableNotFoundException", deadline_s=15),
)  # fmt: skip

_QUEUE_GONE = ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")

_SQS_SNS = (
    # 60 s is AWS's own rule; botocore keeps the old code names by a header, other endpoints may not.
    Rule("sqs.CreateQueue", "AWS.SimpleQueueService.QueueDeletedRecently", deadline_s=75),
    Rule("sqs.CreateQueue", "QueueDeletedRecently", deadline_s=75),
    Rule("sqs.*", "InvalidAttributeValue", ("parameter policy",), hint=_PRINCIPAL),
    *(Rule("sqs.SetQueueAttributes", code, deadline_s=15) for code in _QUEUE_GONE),
    # A 500 while a principal of the policy settles, seen live by cdkd (aws-semantics 1.1).
    Rule("sqs.SetQueueAttributes", "InternalFailure"),
    Rule("sns.*", "InvalidParameter", ("principalnotfound",), hint=_PRINCIPAL),
    Rule("sns.*", "InvalidParameter", ("is not a valid role",), hint=_ROLE),
    Rule("sns.*", "StaleTag", deadline_s=60),
    Rule("sns.*", "ConcurrentAccess", deadline_s=60, pace=Pace.CONFLICT, hint=_BUSY),
)

_EVENTS = (
    Rule(
        "events.*", "ValidationException", ("cannot be assumed",), hint=_TRUST.format(service="events.amazonaws.com")
    ),
    Rule("events.DeleteRule", "ValidationException", ("has targets",), 60, hint="It has targets of someone else."),
    Rule("events.DeleteEventBus", "ValidationException", ("has rules",), 60, hint="It has rules of someone else."),
    Rule("events.*", "ConcurrentModificationException", deadline_s=60, pace=Pace.CONFLICT, hint=_BUSY),
)  # fmt: skip

_WORKFLOW = (
    Rule(
        "stepfunctions.*", "AccessDeniedException", ("authorized to assume the provided role",),
        hint=_TRUST.format(service="states.amazonaws.com"),
    ),
    Rule(
        "stepfunctions.*", "AccessDeniedException", ("log destination",),
        hint="The role needs the log-delivery actions on *, or the region's Logs resource policies are full.",
    ),
    # What runs another machine to its end (.sync) has a rule of AWS's own, made under the rights of the machine's role.
    Rule("stepfunctions.*", "AccessDeniedException", ("create managed-rule",), hint=_MANAGED),
    Rule(
        "stepfunctions.CreateStateMachine", "StateMachineDeleting", deadline_s=300,
        hint="The old one is deleted once its last execution has ended.",
    ),
    Rule(
        "firehose.*", "InvalidArgumentException",
        ("unable to assume role", "not authorized", "access was denied", "verify that the iam role has access",
         "please make sure the role specified"),
        hint=_ROLE,
    ),
    Rule("firehose.DeleteDeliveryStream", "ResourceInUseException", deadline_s=300),
    # Of all but CreateStream, to which it says that the name is taken.
    Rule("kinesis.[!C]*", "ResourceInUseException", deadline_s=120, but=("consumer",)),
    # Five in all; a stream takes a minute at most to be made or deleted, however many wait for their turn.
    Rule("kinesis.*", "LimitExceededException", ("simultaneously",), 600, pace=Pace.CONFLICT, hint=_STREAMS),
    Rule("pipes.*", "ValidationException", ("role",), but=("failed to satisfy constraint",), hint=_ROLE),
    Rule(
        "scheduler.*", "ValidationException", ("assume the role",),
        hint=_TRUST.format(service="scheduler.amazonaws.com"),
    ),
)  # fmt: skip

_OTHERS = (
    Rule("logs.*", "OperationAbortedException", deadline_s=60, pace=Pace.CONFLICT, hint=_BUSY),
    # In use until the distribution is really gone, which its own read says a little too early.
    Rule("cloudfront.DeleteOriginAccessControl", "OriginAccessControlInUse", deadline_s=60),
)

RULES: tuple[Rule, ...] = (
    *_IAM, *_LAMBDA, *_API_GATEWAY, *_S3, *_DYNAMODB, *_SQS_SNS, *_EVENTS, *_WORKFLOW, *_OTHERS,
)  # fmt: skip
