"""What an account has twice that one create was to make once: told by what things do, whatever their ids are.

Shares no code with slx. AWS itself refuses a second of whatever has a name of its own.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from account import Clients


def doubles(client: Clients) -> list[str]:
    """One line for each thing that has a twin."""
    found = (*_apis(client), *_mappings(client), *_subscriptions(client), *_targets(client), *_statements(client))
    return [f"{count} x {what}" for what, count in Counter(found).items() if count > 1]


def _apis(client: Clients) -> Iterator[str]:
    gateway = client("apigatewayv2")
    for api in gateway.get_apis()["Items"]:
        yield f"api {api['Name']} {_text(api.get('Tags'))}"
        for one in gateway.get_integrations(ApiId=api["ApiId"])["Items"]:
            what = {name: value for name, value in one.items() if name != "IntegrationId"}
            yield f"integration of {api['Name']}: {_text(what)}"
        for one in gateway.get_routes(ApiId=api["ApiId"])["Items"]:
            yield f"route of {api['Name']}: {one['RouteKey']}"


def _mappings(client: Clients) -> Iterator[str]:
    for page in client("lambda").get_paginator("list_event_source_mappings").paginate():
        for one in page["EventSourceMappings"]:
            yield f"mapping of {one['EventSourceArn']} to {one['FunctionArn']}"


def _subscriptions(client: Clients) -> Iterator[str]:
    for page in client("sns").get_paginator("list_subscriptions").paginate():
        for one in page["Subscriptions"]:
            yield f"subscription of {one['Endpoint']} to {one['TopicArn']}"


def _targets(client: Clients) -> Iterator[str]:
    events = client("events")
    for bus in events.list_event_buses()["EventBuses"]:
        for rule in events.list_rules(EventBusName=bus["Name"])["Rules"]:
            for one in events.list_targets_by_rule(Rule=rule["Name"], EventBusName=bus["Name"])["Targets"]:
                yield f"target of {bus['Name']}/{rule['Name']}: {one['Arn']}"


def _statements(client: Clients) -> Iterator[str]:
    for whose, document in _policies(client):
        for one in json.loads(document)["Statement"]:
            yield f"statement of {whose}: {_text({name: value for name, value in one.items() if name != 'Sid'})}"


def _policies(client: Clients) -> Iterator[tuple[str, str]]:
    """The policies of functions, queues, topics and buckets, with whose they are."""
    code, queues, topics, buckets = (client(service) for service in ("lambda", "sqs", "sns", "s3"))
    for page in code.get_paginator("list_functions").paginate():
        for one in page["Functions"]:
            try:
                yield one["FunctionName"], code.get_policy(FunctionName=one["FunctionName"])["Policy"]
            except code.exceptions.ResourceNotFoundException:
                continue
    for url in queues.list_queues().get("QueueUrls", ()):
        if policy := queues.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"]).get("Attributes"):
            yield url, policy["Policy"]
    for one in topics.list_topics()["Topics"]:
        if policy := topics.get_topic_attributes(TopicArn=one["TopicArn"])["Attributes"].get("Policy"):
            yield one["TopicArn"], policy
    for one in buckets.list_buckets()["Buckets"]:
        try:
            yield one["Name"], buckets.get_bucket_policy(Bucket=one["Name"])["Policy"]
        except buckets.exceptions.ClientError:
            continue


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)
