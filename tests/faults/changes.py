"""A change for each shipped blueprint, such as people make: edits of its files, and what they come to."""

from __future__ import annotations

from dataclasses import dataclass

from rig import Folder

from serverless_cli.model import Action

CODE = "lambda.UpdateFunctionCode"
MEMORY = "lambda.UpdateFunctionConfiguration"


@dataclass(frozen=True)
class Change:
    """Edits of a blueprint's files (file, before, after), what they change and the calls which that takes."""

    edits: tuple[tuple[str, str, str], ...]
    changed: dict[str, Action]
    writes: tuple[str, ...]
    met: frozenset[str]
    """rules of AWS that the whole life must have come up against, however fast the machine is"""

    def make(self, folder: Folder) -> None:
        """Edits the files."""
        for file, before, after in self.edits:
            folder.edit(file, before, after)


def function(before: str, after: str, app: str = "function/app.py") -> tuple[tuple[str, str, str], ...]:
    """Edits that give a function more memory, by a line of it in the blueprint, and other code."""
    return ("blueprint.yaml", before, after), (app, "def handler(", "NEW = True\n\n\ndef handler(")


CREATE, DELETE, UPDATE = Action.CREATE, Action.DELETE, Action.UPDATE
CHANGES = {
    "website": Change(
        (
            *function("memory_mb: 128", "memory_mb: 256"),
            ("blueprint.yaml", "allow_methods: [GET]", "allow_methods: [GET, POST]"),
            ("site/error.html", "</title>", "!</title>"),
        ),
        {"function hello": UPDATE, "http-api api": UPDATE, "content site": UPDATE},
        (CODE, MEMORY, "apigatewayv2.UpdateApi", "s3.PutObject"),
        frozenset({"LMB-02"}),
    ),
    "api": Change(
        (
            *function("    code: ./function", "    code: ./function\n    memory_mb: 256"),
            ("blueprint.yaml", "      POST /sums: handler\n", "      POST /totals: handler\n"),
        ),
        {
            "function handler": UPDATE,
            "http-api api": UPDATE,
            "permission api.handler.9a8bad67": CREATE,
            "permission api.handler.45ea81d3": DELETE,
        },
        (CODE, MEMORY, "apigatewayv2.CreateRoute", "apigatewayv2.DeleteRoute", "lambda.AddPermission", "lambda.RemovePermission"),
        frozenset({"LMB-02"}),
    ),
    "worker": Change(
        (
            *function("memory_mb: 256", "memory_mb: 512"),
            ("blueprint.yaml", "batch_size: 10", "batch_size: 5"),
            ("blueprint.yaml", "after: 2", "after: 4"),
        ),
        {"function work": UPDATE, "mapping work.jobs": UPDATE, "queue jobs": UPDATE},
        (CODE, MEMORY, "lambda.UpdateEventSourceMapping", "sqs.SetQueueAttributes"),
        frozenset({"DDB-01", "LMB-02", "LMB-10", "SQS-02", "SQS-03"}),
    ),
    "schedule": Change(
        (
            *function("    timeout_s: 60", "    timeout_s: 60\n    memory_mb: 256"),
            ("blueprint.yaml", "rate(1 hour)", "rate(2 hours)"),
            ("blueprint.yaml", "    ttl: expires", "    point_in_time_recovery: true\n    ttl: expires"),
        ),
        {"function job": UPDATE, "rule job.1": UPDATE, "table runs": UPDATE},
        (CODE, MEMORY, "events.PutRule", "dynamodb.UpdateContinuousBackups"),
        frozenset({"DDB-01", "LMB-02"}),
    ),
    "fan-out": Change(
        (
            *function("    code: ./function", "    code: ./function\n    memory_mb: 256"),
            ("blueprint.yaml", "kind: [order]", "kind: [order, refund]"),
            ("blueprint.yaml", "{queue: billing, raw: true}", "{queue: billing}"),
        ),
        {"function audit": UPDATE, "subscription orders.shipping": UPDATE, "subscription orders.billing": UPDATE},
        (CODE, MEMORY, "sns.SetSubscriptionAttributes", "sns.SetSubscriptionAttributes"),
        frozenset({"LMB-02", "SQS-02"}),
    ),
    "banking": Change(
        (
            *function(
                "    code: ./functions/approve",
                "    code: ./functions/approve\n    memory_mb: 256",
                "functions/approve/app.py",
            ),
            ("workflow.yaml", "Comment: Validates", "Comment: Looks at"),
            ("blueprint.yaml", "[Deposit created, Deposit rejected]", "[Deposit created]"),
            ("blueprint.yaml", "retries: 3", "retries: 5"),
        ),
        {"function approve": UPDATE, "state-machine open_deposit": UPDATE, "rule notify": UPDATE, "pipe created": UPDATE},
        (CODE, MEMORY, "stepfunctions.UpdateStateMachine", "events.PutRule", "pipes.UpdatePipe"),
        frozenset({"DDB-01", "LMB-02", "SFN-03", "SQS-02"}),
    ),
    "streaming": Change(
        (
            *function("memory_mb: 256", "memory_mb: 512"),
            ("blueprint.yaml", "prefix: posts/", "prefix: messages/"),
        ),
        {"function digest": UPDATE, "delivery-stream posts": UPDATE},
        (CODE, MEMORY, "firehose.UpdateDestination", "logs.CreateLogStream", "logs.CreateLogStream"),
        frozenset({"DDB-01", "FH-02", "LMB-02"}),
    ),
    "image-processing": Change(
        (
            *function("memory_mb: 1024", "memory_mb: 2048"),
            ("blueprint.yaml", "events: [created]", "events: [created], suffix: .jpg"),
        ),
        {"function thumbnail": UPDATE, "notification photos": UPDATE},
        (CODE, MEMORY, "s3.PutBucketNotificationConfiguration"),
        frozenset({"DDB-01", "LMB-02"}),
    ),
}  # fmt: skip
"""by blueprint: a function's memory and code, and what else of it people change"""
