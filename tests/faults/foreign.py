"""What somebody else puts on our things and beside them, by boto3 alone, and what of that is there later, exactly."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from account import Clients

ACCOUNT = "123456789012"
TAGS = {"cost-centre": "42", "Team": "Bread + Butter", "empty": ""}
MARK = ("slx:stack", "slx:stage", "slx:region", "slx:id")
OTHERS: Mapping[str, Mapping[str, str]] = {
    "no mark": {},
    "another stack's": {"slx:stack": "else"},
    "another stage's": {"slx:stage": "prod"},
    "another region's": {"slx:region": "us-east-1"},
}
"""what a thing of our name may carry instead of our mark"""


@dataclass(frozen=True)
class Thing:
    """Something that has tags."""

    kind: str
    name: str
    read: Callable[[], dict[str, str]]
    tag: Callable[[Mapping[str, str]], object]
    untag: Callable[[list[str]], object]

    def carry(self, other: str, mark: Mapping[str, str]) -> None:
        """Has, instead of our mark, what `OTHERS` says."""
        if OTHERS[other]:
            self.tag({**mark, **OTHERS[other]})
        else:
            self.untag(list(MARK))


def things(client: Clients) -> Iterator[Thing]:
    """Everything in the account that carries a mark of slx; layers and stages cannot be told so."""
    for one in (*_code(client), *_messages(client), *_events(client), *_stored(client)):
        if "slx:stack" in one.read():
            yield one


def pairs(tags: Mapping[str, str], key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
    return [{key: name, value: text} for name, text in tags.items()]


def unpaired(found: Iterable[Mapping[str, str]], key: str = "Key", value: str = "Value") -> dict[str, str]:
    return {one[key]: one.get(value, "") for one in found}


def _pages(service: Any, method: str, answers: str, **parameters: Any) -> Iterator[Any]:
    for page in service.get_paginator(method).paginate(**parameters):
        yield from page[answers]


def _code(client: Clients) -> Iterator[Thing]:
    iam, code, gateway = client("iam"), client("lambda"), client("apigatewayv2")
    for one in _pages(iam, "list_roles", "Roles", PathPrefix="/slx/"):
        name = one["RoleName"]
        yield Thing(
            "role", name,
            lambda name=name: unpaired(iam.list_role_tags(RoleName=name)["Tags"]),
            lambda tags, name=name: iam.tag_role(RoleName=name, Tags=pairs(tags)),
            lambda keys, name=name: iam.untag_role(RoleName=name, TagKeys=keys),
        )  # fmt: skip
    functions = [
        ("function", one["FunctionName"], one["FunctionArn"]) for one in _pages(code, "list_functions", "Functions")
    ]
    mappings = [
        ("mapping", one["UUID"], f"{one['FunctionArn'].partition(':function:')[0]}:event-source-mapping:{one['UUID']}")
        for one in _pages(code, "list_event_source_mappings", "EventSourceMappings")
    ]
    for kind, name, arn in (*functions, *mappings):
        yield Thing(
            kind, name,
            lambda arn=arn: dict(code.list_tags(Resource=arn)["Tags"]),
            lambda tags, arn=arn: code.tag_resource(Resource=arn, Tags=dict(tags)),
            lambda keys, arn=arn: code.untag_resource(Resource=arn, TagKeys=keys),
        )  # fmt: skip
    for one in gateway.get_apis()["Items"]:
        arn = f"arn:aws:apigateway:{gateway.meta.region_name}::/apis/{one['ApiId']}"
        yield Thing(
            "http-api", one["Name"],
            lambda arn=arn: dict(gateway.get_tags(ResourceArn=arn)["Tags"]),
            lambda tags, arn=arn: gateway.tag_resource(ResourceArn=arn, Tags=dict(tags)),
            lambda keys, arn=arn: gateway.untag_resource(ResourceArn=arn, TagKeys=keys),
        )  # fmt: skip


def _messages(client: Clients) -> Iterator[Thing]:
    queues, topics, logs = client("sqs"), client("sns"), client("logs")
    for url in queues.list_queues().get("QueueUrls", ()):
        yield Thing(
            "queue", url.rpartition("/")[2],
            lambda url=url: dict(queues.list_queue_tags(QueueUrl=url).get("Tags") or {}),
            lambda tags, url=url: queues.tag_queue(QueueUrl=url, Tags=dict(tags)),
            lambda keys, url=url: queues.untag_queue(QueueUrl=url, TagKeys=keys),
        )  # fmt: skip
    for one in topics.list_topics()["Topics"]:
        yield _by_arn("topic", one["TopicArn"], topics, "ResourceArn")
    for one in _pages(logs, "describe_log_groups", "logGroups"):
        yield _plain("log-group", one["logGroupName"], one["arn"].removesuffix(":*"), logs)


def _events(client: Clients) -> Iterator[Thing]:
    events, pipes, machines = client("events"), client("pipes"), client("stepfunctions")
    for bus in events.list_event_buses()["EventBuses"]:
        yield _by_arn("event-bus", bus["Arn"], events, "ResourceARN")
        for rule in events.list_rules(EventBusName=bus["Name"])["Rules"]:
            yield _by_arn("rule", rule["Arn"], events, "ResourceARN")
    for one in pipes.list_pipes()["Pipes"]:
        yield _plain("pipe", one["Name"], one["Arn"], pipes)
    for one in machines.list_state_machines()["stateMachines"]:
        arn = one["stateMachineArn"]
        yield Thing(
            "state-machine", one["name"],
            lambda arn=arn: unpaired(machines.list_tags_for_resource(resourceArn=arn)["tags"], "key", "value"),
            lambda tags, arn=arn: machines.tag_resource(resourceArn=arn, tags=pairs(tags, "key", "value")),
            lambda keys, arn=arn: machines.untag_resource(resourceArn=arn, tagKeys=keys),
        )  # fmt: skip


def _stored(client: Clients) -> Iterator[Thing]:
    buckets, tables, streams, files = (client(one) for one in ("s3", "dynamodb", "kinesis", "firehose"))
    for one in buckets.list_buckets()["Buckets"]:
        yield _bucket(one["Name"], buckets)
    for name in tables.list_tables()["TableNames"]:
        arn = tables.describe_table(TableName=name)["Table"]["TableArn"]
        yield Thing(
            "table", name,
            lambda arn=arn: unpaired(tables.list_tags_of_resource(ResourceArn=arn)["Tags"]),
            lambda tags, arn=arn: tables.tag_resource(ResourceArn=arn, Tags=pairs(tags)),
            lambda keys, arn=arn: tables.untag_resource(ResourceArn=arn, TagKeys=keys),
        )  # fmt: skip
    for name in streams.list_streams()["StreamNames"]:
        yield Thing(
            "stream", name,
            lambda name=name: unpaired(streams.list_tags_for_stream(StreamName=name)["Tags"]),
            lambda tags, name=name: streams.add_tags_to_stream(StreamName=name, Tags=dict(tags)),
            lambda keys, name=name: streams.remove_tags_from_stream(StreamName=name, TagKeys=keys),
        )  # fmt: skip
    for name in files.list_delivery_streams()["DeliveryStreamNames"]:
        yield Thing(
            "delivery-stream", name,
            lambda name=name: unpaired(files.list_tags_for_delivery_stream(DeliveryStreamName=name)["Tags"]),
            lambda tags, name=name: files.tag_delivery_stream(DeliveryStreamName=name, Tags=pairs(tags)),
            lambda keys, name=name: files.untag_delivery_stream(DeliveryStreamName=name, TagKeys=keys),
        )  # fmt: skip


def _by_arn(kind: str, arn: str, service: Any, word: str) -> Thing:
    """SNS and EventBridge: lists of pairs."""
    return Thing(
        kind,
        arn,
        lambda: unpaired(service.list_tags_for_resource(**{word: arn})["Tags"]),
        lambda tags: service.tag_resource(**{word: arn}, Tags=pairs(tags)),
        lambda keys: service.untag_resource(**{word: arn}, TagKeys=keys),
    )


def _plain(kind: str, name: str, arn: str, service: Any) -> Thing:
    """Logs and Pipes: names to values."""
    return Thing(
        kind,
        name,
        lambda: dict(service.list_tags_for_resource(resourceArn=arn)["tags"]),
        lambda tags: service.tag_resource(resourceArn=arn, tags=dict(tags)),
        lambda keys: service.untag_resource(resourceArn=arn, tagKeys=keys),
    )


def _bucket(name: str, buckets: Any) -> Thing:
    """All tags of a bucket are written at once."""

    def read() -> dict[str, str]:
        try:
            return unpaired(buckets.get_bucket_tagging(Bucket=name)["TagSet"])
        except buckets.exceptions.ClientError:
            return {}

    def put(tags: Mapping[str, str]) -> None:
        buckets.put_bucket_tagging(Bucket=name, Tagging={"TagSet": pairs(tags)})

    def untag(keys: list[str]) -> None:
        put({key: value for key, value in read().items() if key not in keys})

    return Thing("bucket", name, read, lambda tags: put({**read(), **tags}), untag)


# Beside our things

SAYS = {"Sid": "theirs", "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}}
MAY = {
    "Version": "2012-10-17",
    "Statement": [{"Sid": "theirs", "Effect": "Allow", "Action": "xray:*", "Resource": "*"}],
}
OLD_QUEUE = f"arn:aws:sqs:eu-central-1:{ACCOUNT}:every-old-queue"
FILTER = {"Key": {"FilterRules": [{"Name": "prefix", "Value": "their s/ä"}]}}


def put(client: Clients) -> None:
    """Entries of somebody else in all that the stack `every` has of lists that several may write to."""
    _put_statements(client)
    _put_events(client)
    _put_on_buckets(client)
    iam, code, logs = client("iam"), client("lambda"), client("logs")
    role = _role(client)
    iam.put_role_policy(RoleName=role, PolicyName="theirs", PolicyDocument=json.dumps(MAY))
    iam.attach_role_policy(RoleName=role, PolicyArn=f"arn:aws:iam::{ACCOUNT}:policy/every-old-policy")
    code.create_event_source_mapping(FunctionName="every-dev-work", EventSourceArn=OLD_QUEUE, BatchSize=3)
    client("sns").subscribe(TopicArn=_topic(client), Protocol="sqs", Endpoint=OLD_QUEUE)
    logs.put_metric_filter(
        logGroupName="/aws/lambda/every-dev-hear", filterName="theirs", filterPattern="ERROR",
        metricTransformations=[{"metricName": "errors", "metricNamespace": "theirs", "metricValue": "1"}],
    )  # fmt: skip
    client("apigatewayv2").create_stage(ApiId=_api(client), StageName="theirs", Tags=TAGS)
    for one in things(client):
        one.tag(TAGS)


def let_in(queues: Any) -> None:
    """Their queue lets S3 send, which S3 tries whenever the notifications are written."""
    says = {
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": OLD_QUEUE,
    }
    url = queues.get_queue_url(QueueName="every-old-queue")["QueueUrl"]
    policy = json.dumps({"Version": "2012-10-17", "Statement": [says]})
    queues.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})


def _put_statements(client: Clients) -> None:
    client("lambda").add_permission(
        FunctionName="every-dev-work", StatementId="theirs", Action="lambda:GetFunction", Principal=ACCOUNT
    )
    queues, topics = client("sqs"), client("sns")
    url = queues.get_queue_url(QueueName="every-dev-inbox")["QueueUrl"]
    had = json.loads(queues.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])["Attributes"]["Policy"])
    had["Statement"].insert(0, {**SAYS, "Action": ["sqs:GetQueueUrl"], "Resource": "*"})
    queues.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps({**had, "Id": "ours and theirs"})})
    topic = _topic(client)
    had = json.loads(topics.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"])
    had["Statement"].insert(0, {**SAYS, "Action": ["sns:Publish"], "Resource": topic})
    topics.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=json.dumps(had))


def _put_events(client: Clients) -> None:
    events = client("events")
    rule = {"Name": "theirs", "EventBusName": "every-dev-events"}
    events.put_rule(**rule, EventPattern='{"source": ["theirs"]}', Description="Ours.", Tags=pairs(TAGS))
    target = {"Id": "theirs", "Arn": OLD_QUEUE, "Input": '{"a":  1}'}
    events.put_targets(Rule="theirs", EventBusName="every-dev-events", Targets=[target])
    events.put_targets(Rule="every-dev-more", EventBusName="every-dev-events", Targets=[target])


def _put_on_buckets(client: Clients) -> None:
    s3, uploads, site = client("s3"), _named(client, "every-dev-uploads"), _named(client, "every-dev-site")
    had = s3.get_bucket_notification_configuration(Bucket=uploads)
    had.pop("ResponseMetadata")
    entry = {
        "Id": "theirs",
        "QueueArn": OLD_QUEUE,
        "Events": ["s3:ObjectTagging:*", "s3:ObjectCreated:Put"],
        "Filter": FILTER,
    }
    had["QueueConfigurations"] = [entry]
    s3.put_bucket_notification_configuration(Bucket=uploads, NotificationConfiguration=had)
    web = s3.get_bucket_website(Bucket=site)
    web.pop("ResponseMetadata")
    away = {"Condition": {"KeyPrefixEquals": "old/"}, "Redirect": {"ReplaceKeyPrefixWith": "new/"}}
    s3.put_bucket_website(Bucket=site, WebsiteConfiguration={**web, "RoutingRules": [away]})
    for bucket in (uploads, site):
        says = {**SAYS, "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
        s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [says]}))
        rule = {"ID": "theirs", "Status": "Enabled", "Filter": {"Prefix": "tmp/"}, "Expiration": {"Days": 3}}
        s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": [rule]})
        s3.put_object(Bucket=bucket, Key="theirs.txt", Body=b"theirs")


def seen(client: Clients) -> dict[str, str]:
    """All of it as it is now, as text: any other order, word or number is a difference."""
    found = {**_statements(client), **_event_parts(client), **_on_buckets(client), **_rest(client)}
    found |= {f"tags of {one.kind} {one.name}": {key: one.read().get(key) for key in TAGS} for one in things(client)}
    return {name: json.dumps(value, default=str) for name, value in found.items()}


def _theirs(entries: Iterable[Any]) -> list[Any]:
    return [
        one for one in entries if "theirs" in json.dumps(one, default=str) or OLD_QUEUE in json.dumps(one, default=str)
    ]


def _statements(client: Clients) -> dict[str, Any]:
    queues, iam, role = client("sqs"), client("iam"), _role(client)
    url = queues.get_queue_url(QueueName="every-dev-inbox")["QueueUrl"]
    queue = json.loads(queues.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])["Attributes"]["Policy"])
    topic = json.loads(client("sns").get_topic_attributes(TopicArn=_topic(client))["Attributes"]["Policy"])
    function = json.loads(client("lambda").get_policy(FunctionName="every-dev-work")["Policy"])
    return {
        "queue's policy": [queue["Id"], queue["Version"], _theirs(queue["Statement"])],
        "topic's policy": _foreign(topic["Statement"]),
        "function's policy": _foreign(function["Statement"]),
        "inline policy": iam.get_role_policy(RoleName=role, PolicyName="theirs")["PolicyDocument"],
        "managed policies": iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"],
    }


def _foreign(statements: Iterable[Mapping[str, Any]]) -> list[Any]:
    return [one for one in statements if not str(one["Sid"]).startswith("slx-")]


def _event_parts(client: Clients) -> dict[str, Any]:
    events, bus = client("events"), {"EventBusName": "every-dev-events"}
    rule = events.describe_rule(Name="theirs", **bus)
    rule.pop("ResponseMetadata")
    return {
        "rule": [rule, events.list_tags_for_resource(ResourceARN=rule["Arn"])["Tags"]],
        "targets of their rule": events.list_targets_by_rule(Rule="theirs", **bus)["Targets"],
        "target of our rule": _theirs(events.list_targets_by_rule(Rule="every-dev-more", **bus)["Targets"]),
    }


def _on_buckets(client: Clients) -> dict[str, Any]:
    s3, found = client("s3"), {}
    for name in ("every-dev-uploads", "every-dev-site"):
        bucket = _named(client, name)
        notes = s3.get_bucket_notification_configuration(Bucket=bucket)
        notes.pop("ResponseMetadata")
        notes.pop("LambdaFunctionConfigurations", None)
        found[f"{name}: notifications"] = sorted(notes.items())
        found[f"{name}: policy"] = s3.get_bucket_policy(Bucket=bucket)["Policy"]
        found[f"{name}: lifecycle"] = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
        found[f"{name}: object"] = s3.get_object(Bucket=bucket, Key="theirs.txt")["Body"].read().decode()
    found["routing rules"] = s3.get_bucket_website(Bucket=_named(client, "every-dev-site")).get("RoutingRules")
    return found


def _rest(client: Clients) -> dict[str, Any]:
    mappings = client("lambda").list_event_source_mappings(EventSourceArn=OLD_QUEUE)["EventSourceMappings"]
    group = "/aws/lambda/every-dev-hear"
    return {
        "mapping": [(one["UUID"], one["BatchSize"], one["FunctionArn"]) for one in mappings],
        "subscription": _theirs(client("sns").list_subscriptions_by_topic(TopicArn=_topic(client))["Subscriptions"]),
        "metric filter": client("logs").describe_metric_filters(logGroupName=group)["metricFilters"],
        "stage": [
            (one["StageName"], one.get("AutoDeploy"), one.get("Tags"))
            for one in client("apigatewayv2").get_stages(ApiId=_api(client))["Items"]
            if one["StageName"] == "theirs"
        ],
    }


def _role(client: Clients) -> str:
    [name] = [
        one["RoleName"]
        for one in client("iam").list_roles(PathPrefix="/slx/eu-central-1/every/dev/")["Roles"]
        if one["RoleName"].startswith("every-dev-work-")
    ]
    return str(name)


def _topic(client: Clients) -> str:
    return f"arn:aws:sns:{client('sns').meta.region_name}:{ACCOUNT}:every-dev-news"


def _api(client: Clients) -> str:
    [api] = client("apigatewayv2").get_apis()["Items"]
    return str(api["ApiId"])


def _named(client: Clients, prefix: str) -> str:
    [name] = [one["Name"] for one in client("s3").list_buckets()["Buckets"] if one["Name"].startswith(prefix)]
    return str(name)
