"""Works on the jobs of a queue: counts the words of a text, and writes the number down.

A queue delivers a job at least once: sometimes twice, and again after a failure. So doing a job must be repeatable;
here the result has the job's own id, and a second one takes the place of the first.
"""

import json
import logging
import os
from typing import Any, TypedDict

import boto3

logger = logging.getLogger()
logger.setLevel(logging.INFO)

# Made once for each execution environment, not for each batch.
sqs = boto3.client("sqs")
results = boto3.resource("dynamodb").Table(os.environ["RESULTS"])

LONGEST_PAUSE_S = 900


class Record(TypedDict):
    """What this function uses of a message as Lambda passes it."""

    messageId: str
    receiptHandle: str
    body: str
    attributes: dict[str, str]


def handler(event: dict[str, list[Record]], context: object) -> dict[str, Any]:
    """Work on a batch, and say which of its messages must come again."""
    failed: list[Record] = []
    for record in event["Records"]:
        try:
            work(json.loads(record["body"]))
        except Exception:  # whatever is wrong with one job, the others of the batch are done
            logger.exception("message %s failed", record["messageId"])
            failed.append(record)
            come_again(record)
    # All that is not named here is deleted from the queue.
    return {"batchItemFailures": [{"itemIdentifier": record["messageId"]} for record in failed]}


def work(job: dict[str, Any]) -> None:
    """Do one job. Raise an exception to have it tried again."""
    words = len(job["text"].split())
    results.put_item(Item={"id": job["id"], "words": words})
    logger.info("job %s: %d words", job["id"], words)


def come_again(record: Record) -> None:
    """Make a failed message visible after 1 s, 2 s, 4 s ...: whatever was in its way gets time to recover."""
    tries = int(record["attributes"]["ApproximateReceiveCount"])
    pause = min(2 ** (tries - 1), LONGEST_PAUSE_S)
    try:
        sqs.change_message_visibility(
            QueueUrl=os.environ["JOBS_URL"], ReceiptHandle=record["receiptHandle"], VisibilityTimeout=pause
        )
    except sqs.exceptions.ClientError:
        logger.exception("message %s comes again after the queue's own timeout", record["messageId"])
