"""What an account holds, asked of every service that slx uses by the plain lists of boto3: shares no code with slx."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

Clients = Callable[[str], Any]


def contents(client: Clients) -> dict[str, list[str]]:
    """The names of everything that exists in an account and region, by kind; kinds of which there is nothing are
    left out, and so is what every account has: the default bus, and AWS's own policies."""
    found = {
        "roles": _names(client("iam"), "list_roles", "Roles", "RoleName"),
        "functions": _names(client("lambda"), "list_functions", "Functions", "FunctionName"),
        "layers": _names(client("lambda"), "list_layers", "Layers", "LayerName"),
        "mappings": _names(client("lambda"), "list_event_source_mappings", "EventSourceMappings", "EventSourceArn"),
        "buckets": _names(client("s3"), "list_buckets", "Buckets", "Name"),
        "apis": _names(client("apigatewayv2"), "get_apis", "Items", "Name"),
        "groups": _names(client("logs"), "describe_log_groups", "logGroups", "logGroupName"),
        "tables": list(client("dynamodb").list_tables()["TableNames"]),
        "queues": [url.rpartition("/")[2] for url in client("sqs").list_queues().get("QueueUrls", [])],
        "topics": _names(client("sns"), "list_topics", "Topics", "TopicArn"),
        "subscriptions": _names(client("sns"), "list_subscriptions", "Subscriptions", "Endpoint"),
        "buses": [name for name in _buses(client) if name != "default"],
        "rules": [f"{bus}/{name}" for bus, name in _rules(client)],
        "pipes": _names(client("pipes"), "list_pipes", "Pipes", "Name"),
        "machines": _names(client("stepfunctions"), "list_state_machines", "stateMachines", "name"),
        "streams": list(client("kinesis").list_streams()["StreamNames"]),
        "delivery streams": list(client("firehose").list_delivery_streams()["DeliveryStreamNames"]),
    }
    return {kind: names for kind, names in found.items() if names}


def _names(client: Any, method: str, answers: str, name: str) -> list[str]:
    call = getattr(client, method)
    pages = client.get_paginator(method).paginate() if client.can_paginate(method) else [call()]
    return [one[name] for page in pages for one in page.get(answers, ())]


def _buses(client: Clients) -> list[str]:
    return [one["Name"] for one in client("events").list_event_buses()["EventBuses"]]


def _rules(client: Clients) -> Iterator[tuple[str, str]]:
    for bus in _buses(client):
        for one in client("events").list_rules(EventBusName=bus)["Rules"]:
            yield bus, one["Name"]
