"""SNS's deliveries: functions are asked for permission and retried, pages outside this machine are never called,
and mail and text messages are never sent."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from serverless_cli.local.server import acting, calls, engine
from serverless_cli.local.server.acting import Actor
from serverless_cli.local.server.context import Here

_UNCONFIRMED = ("email", "email-json")
_PENDING = "<SubscriptionArn>PendingConfirmation</SubscriptionArn>"


def install(here: Here) -> None:
    """Put the checks around ministack's deliveries."""
    sns = engine.Part("services.sns")
    sns["_deliver_to_lambda"] = _to_functions(here)
    sns["_deliver_to_sqs"] = _to_queues(here, sns["_deliver_to_sqs"])
    sns["_http_post_sync"] = _to_loopback(here, sns["_http_post_sync"])
    sns["_subscribe"] = _subscribing(here, sns["_subscribe"])
    for name in ("_list_subscriptions", "_list_subscriptions_by_topic"):
        sns[name] = _listing(sns[name])


def _actor(topic_arn: str) -> Actor:
    return Actor(f"topic {topic_arn.rpartition(':')[2]}", "sns.amazonaws.com", "", topic_arn)


def _to_functions(here: Here) -> Callable[..., None]:
    def deliver(endpoint: str, envelope: str, topic_arn: str, sub_arn: str, *_: Any) -> None:
        try:
            acting.check_resource_policy(here, _actor(topic_arn), "lambda:InvokeFunction", endpoint)
            event = _event(json.loads(envelope), sub_arn)
            calls.invoke_later(endpoint, event)
        except acting.ForbiddenError:
            return
        except calls.CallError as error:
            here.notice(f"{_actor(topic_arn).who}: {error}")

    return deliver


def _event(envelope: Mapping[str, Any], subscription: str) -> dict[str, Any]:
    """The event of a function, which spells two of the envelope's names otherwise."""
    spelled = {"SigningCertURL": "SigningCertUrl", "UnsubscribeURL": "UnsubscribeUrl"}
    message = {"Subject": None, "MessageAttributes": {}} | {spelled.get(k, k): v for k, v in envelope.items()}
    return {
        "Records": [
            {"EventVersion": "1.0", "EventSubscriptionArn": subscription, "EventSource": "aws:sns", "Sns": message}
        ]
    }


def _to_queues(here: Here, deliver: Callable[..., None]) -> Callable[..., None]:
    def checked(endpoint: str, *rest: Any, topic_arn: str = "", **named: Any) -> None:
        try:
            acting.check_resource_policy(here, _actor(topic_arn), "sqs:SendMessage", endpoint)
        except acting.ForbiddenError:
            return
        deliver(endpoint, *rest, topic_arn=topic_arn, **named)
        here.changed()

    return checked


def _to_loopback(here: Here, post: Callable[..., int]) -> Callable[..., int]:
    def checked(endpoint: str, payload: str, sns_message_type: str) -> int:
        if not _is_loopback(urlsplit(endpoint).hostname or ""):
            here.notice(f"SNS calls nothing outside this machine: {sns_message_type} for {endpoint} is not sent")
            raise OSError("not on this machine")
        return post(endpoint, payload, sns_message_type)

    return checked


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _subscribing(here: Here, subscribe: Callable[[Mapping[str, Any]], Any]) -> Callable[[Mapping[str, Any]], Any]:
    def subscribed(params: Mapping[str, Any]) -> Any:
        status, headers, body = subscribe(params)
        protocol, endpoint = _first(params, "Protocol"), _first(params, "Endpoint")
        if status != 200:
            return status, headers, body
        topic_arn = _first(params, "TopicArn")
        topic = engine.Part("services.sns")["_topic_by_arn_any_scope"](topic_arn)
        found = [one for one in topic["subscriptions"] if (one["protocol"], one["endpoint"]) == (protocol, endpoint)]
        if protocol in _UNCONFIRMED or protocol == "sms":
            here.notice(f"{_actor(topic_arn).who}: no {protocol} is ever sent from here, {endpoint} gets nothing")
        for one in found:
            if protocol in _UNCONFIRMED:
                one["confirmed"] = False
                one["attributes"].update(PendingConfirmation="true", ConfirmationWasAuthenticated="false")
        engine.Part("services.sns")["_refresh_subscription_counts"](topic)
        shown = found[0]["arn"] if found else ""
        if found and not found[0]["confirmed"] and _first(params, "ReturnSubscriptionArn").lower() != "true":
            shown = "pending confirmation"
        inner = f"<SubscribeResult><SubscriptionArn>{shown}</SubscriptionArn></SubscribeResult>"
        return engine.Part("services.sns")["_xml"](200, "SubscribeResponse", inner)

    return subscribed


def _first(params: Mapping[str, Any], name: str) -> str:
    value = params.get(name, "")
    return str(value[0] if isinstance(value, list) else value)


def _listing(listed: Callable[[Mapping[str, Any]], Any]) -> Callable[[Mapping[str, Any]], Any]:
    def listing(params: Mapping[str, Any]) -> Any:
        status, headers, body = listed(params)
        for topic in engine.Part("services.sns")["_topics"].values():
            for one in topic["subscriptions"]:
                if not one["confirmed"]:
                    body = body.replace(f"<SubscriptionArn>{one['arn']}</SubscriptionArn>".encode(), _PENDING.encode())
        return status, headers, body

    return listing
