from __future__ import annotations

import json
import threading
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from support import Box, client, eventually, function, let_in

from serverless_cli import local
from serverless_cli.local import Instance


def topic(instance: Instance, name: str) -> str:
    arn: str = client(instance, "sns").create_topic(Name=name)["TopicArn"]
    return arn


def subscribed(instance: Instance, name: str, arn: str, **attributes: str) -> Box:
    box = Box(instance, name)
    let_in(instance, box.url, box.arn, "sns", arn)
    client(instance, "sns").subscribe(TopicArn=arn, Protocol="sqs", Endpoint=box.arn, Attributes=attributes)
    return box


def test_a_queue_gets_the_envelope_or_the_raw_message_as_its_filter_allows(instance: Instance) -> None:
    arn = topic(instance, "news")
    whole = subscribed(instance, "news-whole", arn)
    raw = subscribed(
        instance, "news-raw", arn, RawMessageDelivery="true", FilterPolicy='{"kind": ["a", {"prefix": "b"}]}'
    )
    body = subscribed(instance, "news-body", arn, FilterPolicyScope="MessageBody", FilterPolicy='{"n": [{"numeric": [">", 1]}]}')  # fmt: skip

    for kind, n in (("a", 1), ("c", 2), ("bc", 3)):
        client(instance, "sns").publish(
            TopicArn=arn, Message=json.dumps({"n": n}), Subject="s",
            MessageAttributes={"kind": {"DataType": "String", "StringValue": kind}},
        )  # fmt: skip

    envelopes = whole.wait_for(3)
    assert (envelopes[0]["Type"], envelopes[0]["TopicArn"], envelopes[0]["Subject"]) == ("Notification", arn, "s")
    assert json.loads(envelopes[0]["Message"]) == {"n": 1}
    assert envelopes[0]["MessageAttributes"] == {"kind": {"Type": "String", "Value": "a"}}
    assert raw.wait_for(2) == [{"n": 1}, {"n": 3}]
    assert raw.messages[0]["MessageAttributes"]["kind"]["StringValue"] == "a"
    assert [json.loads(found["Message"]) for found in body.wait_for(2)] == [{"n": 2}, {"n": 3}]


def test_a_queue_that_does_not_let_the_topic_in_gets_nothing_but_a_notice(instance: Instance) -> None:
    arn = topic(instance, "shut-out")
    box = Box(instance, "shut-out")
    let_in(instance, box.url, box.arn, "sns", arn + "-other")
    client(instance, "sns").subscribe(TopicArn=arn, Protocol="sqs", Endpoint=box.arn)

    client(instance, "sns").publish(TopicArn=arn, Message="lost")

    said = f"topic shut-out: the policy of {box.arn} does not allow sqs:SendMessage to sns.amazonaws.com for {arn}"
    eventually(lambda: any(said in line for line in local.notices(instance)))
    assert box.look() == []


def test_a_function_gets_the_event_if_it_lets_the_topic_in_and_is_retried(instance: Instance) -> None:
    arn = topic(instance, "to-function")
    box, dead = Box(instance, "function-got"), Box(instance, "function-dead")
    code = f"""
import json, boto3
def handler(event, context):
    boto3.client("sqs").send_message(QueueUrl="{box.url}", MessageBody=json.dumps(event))
    if event["Records"][0]["Sns"]["Message"] == "bad": raise ValueError("no")
"""
    grants = {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}
    target = function(instance, "hearer", code, grants, DeadLetterConfig={"TargetArn": dead.arn})
    sns = client(instance, "sns")
    subscription = sns.subscribe(TopicArn=arn, Protocol="lambda", Endpoint=target, ReturnSubscriptionArn=True)
    sns.publish(TopicArn=arn, Message="unheard")
    eventually(lambda: any("topic to-function: the policy of" in line for line in local.notices(instance)))
    client(instance, "lambda").add_permission(
        FunctionName="hearer", StatementId="sns", Action="lambda:InvokeFunction", Principal="sns.amazonaws.com",
        SourceArn=arn,
    )  # fmt: skip

    sns.publish(TopicArn=arn, Message="heard", Subject="s")
    (event,) = box.wait_for(1)
    sns.publish(TopicArn=arn, Message="bad")

    (record,) = event["Records"]
    assert (record["EventSource"], record["EventVersion"]) == ("aws:sns", "1.0")
    assert record["EventSubscriptionArn"] == subscription["SubscriptionArn"]
    assert (record["Sns"]["Message"], record["Sns"]["Subject"], record["Sns"]["MessageAttributes"]) == (
        "heard",
        "s",
        {},
    )
    assert {"SigningCertUrl", "UnsubscribeUrl"} <= set(record["Sns"])
    assert dead.wait_for(1)[0]["Records"][0]["Sns"]["Message"] == "bad"
    assert len(box.look()) == 4


class Page(BaseHTTPRequestHandler):
    seen: list[tuple[str | None, Any]]

    def do_POST(self) -> None:
        text = self.rfile.read(int(self.headers["content-length"]))
        self.seen.append((self.headers["x-amz-sns-message-type"], json.loads(text)))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def page() -> Iterator[tuple[str, list[tuple[str | None, Any]]]]:
    handler = type("Handler", (Page,), {"seen": []})
    server = HTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/hook", handler.seen
    server.shutdown()
    server.server_close()


def test_a_page_on_this_machine_confirms_and_is_called(
    instance: Instance, page: tuple[str, list[tuple[str | None, Any]]]
) -> None:
    url, seen = page
    sns, arn = client(instance, "sns"), topic(instance, "hooked")
    assert sns.subscribe(TopicArn=arn, Protocol="http", Endpoint=url)["SubscriptionArn"] == "pending confirmation"
    eventually(lambda: seen)
    listed = sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]
    assert [found["SubscriptionArn"] for found in listed] == ["PendingConfirmation"]

    assert seen[0][0] == "SubscriptionConfirmation"
    with urllib.request.urlopen(seen[0][1]["SubscribeURL"]) as answer:
        assert answer.status == 200
    sns.publish(TopicArn=arn, Message="hello")

    eventually(lambda: len(seen) == 2)
    assert (seen[1][0], seen[1][1]["Message"]) == ("Notification", "hello")


def test_nothing_outside_this_machine_is_ever_called(instance: Instance) -> None:
    arn = topic(instance, "outside")

    client(instance, "sns").subscribe(TopicArn=arn, Protocol="https", Endpoint="https://example.com/hook")

    said = "SNS calls nothing outside this machine: SubscriptionConfirmation for https://example.com/hook is not sent"
    eventually(lambda: any(said in line for line in local.notices(instance)))


def test_mail_is_never_sent_and_stays_unconfirmed(instance: Instance) -> None:
    sns, arn = client(instance, "sns"), topic(instance, "mailed")

    made = sns.subscribe(TopicArn=arn, Protocol="email", Endpoint="a@example.com")

    assert made["SubscriptionArn"] == "pending confirmation"
    (listed,) = sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]
    assert listed["SubscriptionArn"] == "PendingConfirmation"
    attributes = sns.get_topic_attributes(TopicArn=arn)["Attributes"]
    assert (attributes["SubscriptionsPending"], attributes["SubscriptionsConfirmed"]) == ("1", "0")
    assert any(
        "no email is ever sent from here, a@example.com gets nothing" in line for line in local.notices(instance)
    )


def test_a_text_message_is_never_sent(instance: Instance) -> None:
    arn = topic(instance, "texted")

    client(instance, "sns").subscribe(TopicArn=arn, Protocol="sms", Endpoint="+15550100")
    client(instance, "sns").publish(TopicArn=arn, Message="x")

    assert any("no sms is ever sent from here" in line for line in local.notices(instance))
