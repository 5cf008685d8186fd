"""The blueprint in `every-type`: all types, triggers, targets and ends in one stack, what it refers to, and a change."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from account import Clients
from botocore.exceptions import ClientError

from serverless_cli.model import Action, Report

BLUEPRINT = Path(__file__).parent / "every-type"
PARAMETERS = {"token": "hush"}
KEPT = "every-dev-kept"

TABLE = {
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}
MADE = ("EntityAlreadyExists", "ResourceInUseException", "BucketAlreadyOwnedByYou")
"""what AWS answers to a create that was sent again after its answer was lost"""

NOT_CHANGED = (
    ("sqs.SetQueueAttributes", "moto forgets a queue's policy: queues that others send to keep their attributes"),
    ("lambda.PutFunctionEventInvokeConfig", "moto ignores a second one: destinations stay as they are"),
    ("dynamodb.UpdateTable", "moto loses the keys of other indexes: indexes stay as they are"),
)
"""what the change leaves out, and why: what moto lacks there is covered where tests/conformance/moto_gaps.py says"""

CREATE, DELETE, UPDATE = Action.CREATE, Action.DELETE, Action.UPDATE
EDITS = (
    # other settings, code, a layer, a parameter's use
    ("blueprint.yaml", "memory_mb: 256", "memory_mb: 512"),
    ("functions/hear/app.py", "return event", 'return {"heard": event}'),
    ("layer/python/shared.py", "shared", "changed"),
    ("flow.yaml", "NumericEquals: 200", "NumericEquals: 201"),
    ("blueprint.yaml", "kind: [news, {prefix: breaking}]", "kind: [news]"),
    ("blueprint.yaml", "prefix: clicks/", "prefix: clicked/"),
    ("blueprint.yaml", "retention_h: 48", "retention_h: 72"),
    ("blueprint.yaml", "ledger: {type: table, key: id}", "ledger: {type: table, key: id, stream: new}"),
    ("blueprint.yaml", "detail_type: opened, detail: {", "detail_type: deposit opened, detail: {"),
    ("blueprint.yaml", "{to: flow, retries: 5, max_age_s: 600}", "{to: flow, retries: 6}"),
    ("blueprint.yaml", "actions: [dynamodb:PutItem]", "actions: [dynamodb:PutItem, dynamodb:GetItem]"),
    ("blueprint.yaml", "POST /answers:", "POST /questions:"),
    ("site/index.html", ">echo<", ">an echo<"),
    # triggers gone, whose both ends stay
    ("blueprint.yaml", "      - {queue: jobs, batch_size: 20,", "      # - {queue: jobs, batch_size: 20,"),
    ("blueprint.yaml", "      - {bucket: uploads, events: [removed]}\n", ""),
    ("blueprint.yaml", "      - {topic: news, filter: {kind: [work]}}\n", ""),
    ("blueprint.yaml", "      - {schedule: rate(5 minutes)}\n", ""),
    # resources gone and new
    ("blueprint.yaml", "  failed:\n    type: pipe\n    from: failures\n    to: flow\n    batch_size: 1\n", ""),
    ("blueprint.yaml", '{sms: "+491511234567"}', "{email: somebody.else@example.com}"),
    (
        "blueprint.yaml",
        "  events: {type: event-bus}\n",
        "  events: {type: event-bus}\n"
        "  late: {type: queue}\n"
        "  latecomers: {type: rule, bus: events, pattern: {source: [late]}, targets: [late]}\n",
    ),
)
"""(file, before, after)"""

CHANGED = {
    CREATE: {
        "admission late",
        "queue late",
        "rule latecomers",
        "rule work.2",
        "subscription news.9f9e8ec4",
    },
    UPDATE: {
        "content site",
        "delivery-stream click_files",
        "function echo",
        "function hear",
        "function serial",
        "function work",
        "http-api api",
        "layer layer-282176",
        "notification uploads",
        "permission work.work.adb3b5d3",
        "pipe opened",
        "role runner",
        "role work",
        "rule ours",
        "rule work.1",
        "state-machine flow",
        "stream orders",
        "subscription news.inbox",
        "table ledger",
    },
    DELETE: {
        "mapping work.jobs",
        "permission news.work",
        "permission work.work.42cf3d0c",
        "pipe failed",
        "role failed",
        "rule work.2 formerly every-dev-work-2",
        "rule work.3",
        "subscription news.90f04efb",
        "subscription news.work",
    },
}
"""what the edits come to. The rules of triggers count: without the first one, the others move up."""


def copy(folder: Path) -> None:
    shutil.copytree(BLUEPRINT, folder)


def change(folder: Path) -> None:
    for file, before, after in EDITS:
        text = (folder / file).read_text()
        assert before in text, f"{file} has no {before!r}"
        (folder / file).write_text(text.replace(before, after))


def make_what_exists(client: Clients, region: str) -> None:
    """What somebody else made by hand, and the blueprint refers to. May be told of it twice, if an answer is lost."""
    elsewhere = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    may = {"Effect": "Allow", "Action": "xray:PutTraceSegments", "Resource": "*"}
    for service, method, parameters in (
        ("sqs", "create_queue", {"QueueName": "every-old-queue"}),
        ("s3", "create_bucket", {"Bucket": "every-old-bucket", **elsewhere}),
        ("dynamodb", "create_table", {"TableName": "every-old-table", **TABLE}),
        ("iam", "create_role", {"RoleName": "every-old-role", "Path": "/people/", "AssumeRolePolicyDocument": _document(trust)}),
        ("iam", "create_policy", {"PolicyName": "every-old-policy", "PolicyDocument": _document(may)}),
    ):  # fmt: skip
        try:
            getattr(client(service), method)(**parameters)
        except ClientError as error:
            if error.response["Error"]["Code"] not in MADE:
                raise


def _document(statement: dict[str, object]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def changed(report: Report) -> dict[Action, set[str]]:
    """What was written, by what was done to it."""
    found: dict[Action, set[str]] = {}
    for ref, one in report.outcomes.items():
        if one.step.action is not Action.KEEP:
            found.setdefault(one.step.action, set()).add(str(ref))
    return found
