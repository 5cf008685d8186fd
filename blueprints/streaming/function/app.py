"""Works on a batch of social-media posts on their way through Firehose.

Firehose gives every record an id, and wants each back with a verdict: Ok and what to archive, Dropped, or
ProcessingFailed, which sends the record as it came to the error prefix. It tries a batch again when the function fails
or takes too long, and whoever puts records may put one twice: so each result is saved under the post's own id, and
saving it again changes nothing.
"""

import base64
import json
import os
import re
from typing import Any, Literal, NotRequired, TypedDict

import boto3

results = boto3.resource("dynamodb").Table(os.environ["POSTS"])

HASHTAG = re.compile(r"#(\w+)")
MENTION = re.compile(r"@(\w+)")


class Record(TypedDict):
    """A record as it comes; `data` is base64."""

    recordId: str
    data: str


class Verdict(TypedDict):
    """A record as it goes on."""

    recordId: str
    result: Literal["Ok", "Dropped", "ProcessingFailed"]
    data: NotRequired[str]


def handler(event: dict[str, Any], context: object) -> dict[str, list[Verdict]]:
    """Digest a batch. The results are saved before Firehose hears that they are."""
    digests: list[dict[str, Any]] = []
    verdicts: list[Verdict] = []
    for record in event["records"]:
        try:
            digest = digested(json.loads(base64.b64decode(record["data"])))
        except (ValueError, TypeError, KeyError) as error:
            # Only this record fails. An exception would make Firehose try the whole batch again, in vain.
            print(f"record {record['recordId']} is no post: {error!r}")
            verdicts.append({"recordId": record["recordId"], "result": "ProcessingFailed", "data": record["data"]})
            continue
        digests.append(digest)
        verdicts.append({"recordId": record["recordId"], "result": "Ok", "data": line(digest)})
    save(digests)
    print(f"{len(digests)} of {len(verdicts)} records digested")
    return {"records": verdicts}


def digested(post: dict[str, Any]) -> dict[str, Any]:
    """What is worth knowing of a post."""
    text = post["text"]
    return {
        "id": str(post["id"]),
        "author": str(post["author"]),
        "text": text,
        "hashtags": sorted({tag.lower() for tag in HASHTAG.findall(text)}),
        "mentions": sorted(set(MENTION.findall(text))),
    }


def save(digests: list[dict[str, Any]]) -> None:
    """Save all of a batch: 25 in a call, what DynamoDB did not take once more. Of one id the last one counts."""
    with results.batch_writer(overwrite_by_pkeys=["id"]) as batch:
        for digest in digests:
            batch.put_item(Item=digest)


def line(digest: dict[str, Any]) -> str:
    """What is archived: Firehose puts records together as they are, so each ends its own line."""
    return base64.b64encode(f"{json.dumps(digest, ensure_ascii=False)}\n".encode()).decode()
