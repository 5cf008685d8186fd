"""Which permissions an API takes, and on what: from the parameters of a call to actions and ARNs.

AWS facts (service authorization reference; developer guide, "How Step Functions generates IAM policies"):
- Most APIs take the action of their own name; S3, Lambda and batch APIs take others.
- To wait for an execution (`.sync`), Step Functions watches it by an EventBridge rule of a fixed name.
- Messages to phone numbers can only be allowed on `*`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from serverless_cli.asl.targets import Pattern
from serverless_cli.asl.values import Need, Parameters, World
from serverless_cli.model import Place
from serverless_cli.names import arn

Arn = Callable[[Place, str], str]


def simple(service: str, prefix: str = "", suffix: str = "") -> Arn:
    """From a name to an ARN; what is an ARN already stays one."""

    def make(place: Place, name: str) -> str:
        return (name if name.startswith("arn:") else arn(place, service, prefix + name)) + suffix

    return make


def function(place: Place, name: str) -> str:
    """A function by its name or ARN, in full, in part or with a qualifier."""
    if re.match(r"\d{12}:function:", name):
        return f"arn:{place.partition}:lambda:{place.region}:{name}"
    return name if name.startswith("arn:") else arn(place, "lambda", f"function:{name}")


def queue(place: Place, url: str) -> str:
    """A queue by its URL: its last two segments are account and name, its host may have the region."""
    parts = urlsplit(url)
    account, _, name = parts.path.strip("/").rpartition("/")
    region = re.match(r"sqs\.([a-z0-9-]+)\.", parts.netloc)
    whose = account if re.fullmatch(r"\d{12}", account) else place.account
    return f"arn:{place.partition}:sqs:{region[1] if region else place.region}:{whose}:{name}"


def secret(place: Place, name: str) -> str:
    """A secret by its name or ARN: AWS appends a dash and six characters to the name."""
    found = simple("secretsmanager", "secret:")(place, name)
    return found if re.search(r"-[A-Za-z0-9]{6}$", found) and name.startswith("arn:") else f"{found}-??????"


def parameter(place: Place, name: str) -> str:
    return name if name.startswith("arn:") else arn(place, "ssm", f"parameter/{name.lstrip('/')}")


LOCATED: Mapping[str, tuple[tuple[str, Arn], ...]] = {
    "lambda": (("FunctionName", function),),
    "dynamodb": (("TableName", simple("dynamodb", "table/")),),
    "sqs": (("QueueUrl", queue),),
    "sns": (("TopicArn", simple("sns")), ("TargetArn", simple("sns"))),
    "kinesis": (("StreamARN", simple("kinesis")), ("StreamName", simple("kinesis", "stream/"))),
    "firehose": (("DeliveryStreamName", simple("firehose", "deliverystream/")),),
    "states": (("StateMachineArn", simple("states", "stateMachine:")), ("ExecutionArn", simple("states"))),
    "events": (("EventBusName", simple("events", "event-bus/")),),
    "ssm": (("Name", parameter),),
    "secretsmanager": (("SecretId", secret),),
}
"""service -> the parameters that name what is worked on, and how to make its ARN"""

CANONICAL = {"eventbridge": "events", "cloudwatchevents": "events", "sfn": "states", "stepfunctions": "states"}
"""what the SDK calls services that are called otherwise elsewhere"""

PREFIXES = {
    "cloudwatchlogs": "logs", "cognitoidentity": "cognito-identity", "cognitoidentityprovider": "cognito-idp",
    "sesv2": "ses", "bedrockruntime": "bedrock", "bedrockagentruntime": "bedrock", "apigatewayv2": "apigateway",
    "elasticloadbalancingv2": "elasticloadbalancing", "efs": "elasticfilesystem", "emr": "elasticmapreduce",
    "rdsdata": "rds-data", "redshiftdata": "redshift-data", "opensearch": "es", "costexplorer": "ce",
    "emrcontainers": "emr-containers", "emrserverless": "emr-serverless", "resourcegroupstaggingapi": "tag",
    "applicationautoscaling": "application-autoscaling", "wafv2": "wafv2", "iotdataplane": "iot",
}  # fmt: skip
"""the SDK's name of a service -> its prefix in IAM, where they differ"""

_ACTIONS = {
    "lambda:invoke": "InvokeFunction", "lambda:invokeAsync": "InvokeFunction", "sqs:sendMessageBatch": "SendMessage",
    "sqs:deleteMessageBatch": "DeleteMessage", "sqs:changeMessageVisibilityBatch": "ChangeMessageVisibility",
    "sns:publishBatch": "Publish", "s3:listObjectsV2": "ListBucket", "s3:listObjects": "ListBucket",
    "s3:headBucket": "ListBucket", "s3:headObject": "GetObject", "s3:deleteObjects": "DeleteObject",
    "s3:createMultipartUpload": "PutObject", "s3:uploadPart": "PutObject", "s3:completeMultipartUpload": "PutObject",
    "s3:listObjectVersions": "ListBucketVersions", "s3:listParts": "ListMultipartUploadParts",
    "s3:listMultipartUploads": "ListBucketMultipartUploads", "s3:getBucketLifecycleConfiguration":
    "GetLifecycleConfiguration", "s3:selectObjectContent": "GetObject",
}  # fmt: skip
_OF_OBJECTS = frozenset({
    "getObject", "putObject", "deleteObject", "deleteObjects", "headObject", "getObjectTagging", "putObjectTagging",
    "deleteObjectTagging", "getObjectAttributes", "restoreObject", "createMultipartUpload", "uploadPart",
    "completeMultipartUpload", "abortMultipartUpload", "listParts", "selectObjectContent", "getObjectAcl",
    "putObjectAcl",
})  # fmt: skip


def action(service: str, api: str) -> str:
    """The IAM action of an API."""
    name = _ACTIONS.get(f"{service}:{api}") or api[:1].upper() + api[1:]
    return f"{PREFIXES.get(service, service)}:{name}"


def needs(service: str, api: str, pattern: Pattern, given: Parameters) -> tuple[Need, ...]:
    """What the role of a machine needs for a call."""
    service = CANONICAL.get(service, service)
    if special := SPECIAL.get(f"{service}:{api}"):
        return special(given)
    if (service, api) == ("states", "startExecution"):
        return _start(given, pattern)
    if service == "s3":
        return (_s3(given, api),)
    if service not in LOCATED:
        return (_unheard_of(action(service, api), pattern),)
    return (_located(service, api, given),)


def _unheard_of(name: str, pattern: Pattern) -> Need:
    """Of a service that slx does not know: many have no ARNs at all. What waiting for a job takes is never guessed."""
    if pattern in (Pattern.SYNC, Pattern.SYNC_2):
        return Need((name,), None, "slx does not know what it takes to wait for its end")
    return Need((name,), "*", "slx does not know on what it works")


def _located(service: str, api: str, given: Parameters) -> Need:
    """The usual case: the action of that name, on what a parameter names."""
    actions = (action(service, api),)
    known = LOCATED[service]
    for name, make in known:
        if given.has(name):
            found = given.text(name)
            return given.unknown(actions, name) if found is None else Need(actions, _arn(given.world, make, found))
    return given.unknown(actions, known[0][0])


def _arn(world: World, make: Arn, name: str) -> str:
    return world.aliases.get(name) or make(world.place, name)


def _s3(given: Parameters, api: str) -> Need:
    actions, bucket = (action("s3", api),), given.text("Bucket")
    if bucket is None:
        return given.unknown(actions, "Bucket")
    found = simple("s3")(given.world.place, bucket) if bucket.startswith("arn:") else _bucket(given, bucket)
    return Need(actions, f"{found}/{given.text('Key') or '*'}" if api in _OF_OBJECTS else found)


def _bucket(given: Parameters, name: str) -> str:
    return arn(given.world.place, "s3", name, region=False, account=False)


def _copy(given: Parameters) -> tuple[Need, ...]:
    put, source = _s3(given, "putObject"), given.text("CopySource")
    if source is None:
        return put, given.unknown(("s3:GetObject",), "CopySource")
    return put, Need(("s3:GetObject",), _bucket(given, source.lstrip("/").partition("?")[0]))


def _invoke(given: Parameters) -> tuple[Need, ...]:
    need = _located("lambda", "invoke", given)
    qualifier = given.text("Qualifier")
    if need.resource is None or not qualifier or need.resource.count(":") > 6:
        return (need,)
    return (Need(need.actions, f"{need.resource}:{qualifier}"),)


def _query(api: str) -> Callable[[Parameters], tuple[Need, ...]]:
    """Query and Scan, of a table or of one of its indexes."""

    def make(given: Parameters) -> tuple[Need, ...]:
        need = _located("dynamodb", api, given)
        if need.resource is None or not given.has("IndexName"):
            return (need,)
        return (Need(need.actions, f"{need.resource}/index/{given.text('IndexName') or '*'}"),)

    return make


def _batch(api: str) -> Callable[[Parameters], tuple[Need, ...]]:
    """DynamoDB's batches: the tables are the keys of RequestItems."""

    def make(given: Parameters) -> tuple[Need, ...]:
        actions = (action("dynamodb", api),)
        tables = given.inside("RequestItems").values
        if not tables or any(name.endswith(".$") for name in tables):
            return (given.unknown(actions, "RequestItems"),)
        return tuple(Need(actions, _arn(given.world, LOCATED["dynamodb"][0][1], name)) for name in tables)

    return make


_PARTS = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem",
          "Get": "GetItem"}  # fmt: skip


def _transact(given: Parameters) -> tuple[Need, ...]:
    """Transactions take the action of each of their parts, on its table."""
    items = given.items("TransactItems")
    if items is None:
        return (given.unknown(tuple(f"dynamodb:{name}" for name in _PARTS.values()), "TransactItems"),)
    found: list[Need] = []
    for index, item in enumerate(items):
        for name in item if isinstance(item, dict) else ():
            part = Parameters(given.world, (*given.path, "TransactItems", index), item).inside(name)
            table = part.text("TableName")
            actions = (f"dynamodb:{_PARTS.get(name, name)}",)
            made = None if table is None else _arn(given.world, LOCATED["dynamodb"][0][1], table)
            found.append(Need(actions, made) if made else part.unknown(actions, "TableName"))
    return tuple(found)


def _publish(given: Parameters) -> tuple[Need, ...]:
    if given.has("PhoneNumber"):
        return (Need(("sns:Publish",), "*"),)
    return (_located("sns", "publish", given),)


def _put_events(given: Parameters) -> tuple[Need, ...]:
    """The buses are named by the entries; `default` where they name none."""
    actions, entries = ("events:PutEvents",), given.items("Entries")
    if entries is None:
        return (given.unknown(actions, "Entries"),)
    found: dict[Need, None] = {}
    for index, entry in enumerate(entries):
        values = entry if isinstance(entry, dict) else {}
        one = Parameters(given.world, (*given.path, "Entries", index), values)
        name = one.text("EventBusName") if one.has("EventBusName") else "default"
        if name is None or not isinstance(entry, dict):
            found[one.unknown(actions, "EventBusName")] = None
        else:
            found[Need(actions, _arn(given.world, LOCATED["events"][0][1], name))] = None
    return tuple(found)


def _start(given: Parameters, pattern: Pattern) -> tuple[Need, ...]:
    """Starting an execution; to wait for it takes more."""
    need = _located("states", "startExecution", given)
    if pattern not in (Pattern.SYNC, Pattern.SYNC_2):
        return (need,)
    rule = arn(given.world.place, "events", "rule/StepFunctionsGetEventsForStepFunctionsExecutionRule")
    watch = Need(("events:DescribeRule", "events:PutRule", "events:PutTargets"), rule)
    actions = ("states:DescribeExecution", "states:StopExecution")
    if need.resource is None:
        return need, watch, Need(actions, None, need.why, need.at)
    return need, watch, Need(actions, given.world.execution(need.resource))


def _call_api(given: Parameters) -> tuple[Need, ...]:
    """API Gateway asks for a permission only where the call is signed with the role."""
    if given.text("AuthType") in (None, "NO_AUTH") and "AuthType.$" not in given.values:
        return ()
    actions = ("execute-api:Invoke",)
    api = re.match(r"(\$\{[^}]*\}|[^./]+)\.execute-api\.", given.text("ApiEndpoint") or "")
    if api is None:
        return (given.unknown(actions, "ApiEndpoint"),)
    stage = given.text("Stage") or ("*" if given.has("Stage") else "$default")
    path = given.text("Path") or ("/*" if given.has("Path") else "/")
    method = given.text("Method") or "*"
    return (Need(actions, arn(given.world.place, "execute-api", f"{api[1]}/{stage}/{method}/{path.lstrip('/')}")),)


def _call_http(given: Parameters) -> tuple[Need, ...]:
    """Any HTTPS endpoint, with the credentials of an EventBridge connection."""
    place, inner = given.world.place, given.inside("Authentication")
    secrets = arn(place, "secretsmanager", "secret:events!connection/*")
    calls = Need(("states:InvokeHTTPEndpoint",), given.world.machine)
    reads = Need(("secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"), secrets)
    actions = ("events:RetrieveConnectionCredentials",)
    connection = inner.text("ConnectionArn")
    if connection is None:
        return calls, reads, inner.unknown(actions, "ConnectionArn")
    return calls, reads, Need(actions, connection)


def _parameters(given: Parameters) -> tuple[Need, ...]:
    actions, names = ("ssm:GetParameters",), given.items("Names")
    if names is None or not all(isinstance(name, str) for name in names):
        return (given.unknown(actions, "Names"),)
    return tuple(Need(actions, parameter(given.world.place, name)) for name in names)


def _by_path(given: Parameters) -> tuple[Need, ...]:
    actions, path = ("ssm:GetParametersByPath",), given.text("Path")
    if path is None:
        return (given.unknown(actions, "Path"),)
    return (Need(actions, parameter(given.world.place, path).rstrip("/")),)


SPECIAL: Mapping[str, Callable[[Parameters], tuple[Need, ...]]] = {
    "lambda:invoke": _invoke,
    "dynamodb:query": _query("query"),
    "dynamodb:scan": _query("scan"),
    "dynamodb:batchGetItem": _batch("batchGetItem"),
    "dynamodb:batchWriteItem": _batch("batchWriteItem"),
    "dynamodb:transactWriteItems": _transact,
    "dynamodb:transactGetItems": _transact,
    "s3:copyObject": _copy,
    "sns:publish": _publish,
    "events:putEvents": _put_events,
    "apigateway:invoke": _call_api,
    "http:invoke": _call_http,
    "ssm:getParameters": _parameters,
    "ssm:getParametersByPath": _by_path,
}
"""the APIs whose permissions do not follow from their name and one parameter"""
