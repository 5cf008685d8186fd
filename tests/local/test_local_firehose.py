from __future__ import annotations

import base64
import gzip
import json
import re
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError
from support import Box, client, eventually, function, permit, service_role

from serverless_cli import local
from serverless_cli.local import Instance

CODE = """
import base64, os, boto3
def handler(event, context):
    boto3.client("sqs").send_message(QueueUrl=os.environ["SEEN"], MessageBody=__import__("json").dumps(event))
    said = []
    for record in event["records"]:
        text = base64.b64decode(record["data"]).decode()
        if text.startswith("crash"): raise ValueError("no")
        if text.startswith("missing"): continue
        result = {"drop": "Dropped", "fail": "ProcessingFailed"}.get(text[:4], "Ok")
        data = base64.b64encode((text.upper() + "\\n").encode()).decode()
        said.append({"recordId": record["recordId"], "result": result, "data": data})
    return {"records": said}
"""


class Delivery:
    """A delivery stream into a bucket, with a transform that reports what it was given."""

    def __init__(self, instance: Instance, name: str, transform: bool = True, **settings: Any) -> None:
        self.instance, self.name, self.s3 = instance, name, client(instance, "s3")
        self.s3.create_bucket(Bucket=name)
        self.role = service_role(instance, f"{name}-delivery", "firehose", "*", "s3:*", "lambda:*", "kinesis:*")
        destination = {"BucketARN": f"arn:aws:s3:::{name}", "RoleARN": self.role, **settings.pop("to", {})}
        if transform:
            self.seen = Box(instance, f"{name}-seen")
            self.function = function(
                instance, f"{name}-transform", CODE, {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"},
                Environment={"Variables": {"SEEN": self.seen.url}},
            )  # fmt: skip
            parameters = [{"ParameterName": "LambdaArn", "ParameterValue": self.function}]
            destination["ProcessingConfiguration"] = {
                "Enabled": True, "Processors": [{"Type": "Lambda", "Parameters": parameters}],
            }  # fmt: skip
        self.firehose = client(instance, "firehose")
        self.arn = self.firehose.create_delivery_stream(
            DeliveryStreamName=name, ExtendedS3DestinationConfiguration=destination, **settings
        )["DeliveryStreamARN"]

    def put(self, *texts: str) -> list[str]:
        done = self.firehose.put_record_batch(
            DeliveryStreamName=self.name, Records=[{"Data": text.encode()} for text in texts]
        )
        assert done["FailedPutCount"] == 0
        return [one["RecordId"] for one in done["RequestResponses"]]

    def objects(self, count: int, within_s: float = 10.0) -> dict[str, bytes]:
        def there() -> Any:
            found = self.s3.list_objects_v2(Bucket=self.name).get("Contents", [])
            return found if len(found) >= count else None

        listed = eventually(there, within_s)
        return {found["Key"]: self.s3.get_object(Bucket=self.name, Key=found["Key"])["Body"].read() for found in listed}


def test_records_are_gathered_into_one_object_soon(instance: Instance) -> None:
    delivery = Delivery(instance, "gathered", transform=False)
    began = time.monotonic()

    delivery.put("a\n", "b\n")
    client(instance, "firehose").put_record(DeliveryStreamName="gathered", Record={"Data": b"c\n"})

    ((key, body),) = delivery.objects(1).items()
    assert body == b"a\nb\nc\n"
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/\d\d/gathered-1-\d{4}(-\d\d){5}-[0-9a-f-]{36}", key)
    assert time.monotonic() - began < 4


def test_the_transform_decides_what_becomes_of_each_record(instance: Instance) -> None:
    delivery = Delivery(
        instance, "judged",
        to={"Prefix": "data/!{timestamp:yyyy/MM/dd}/", "ErrorOutputPrefix": "errors/!{firehose:error-output-type}/!{timestamp:yyyy}/"},
    )  # fmt: skip

    ids = delivery.put("one", "drop", "fail me", "missing", "two")

    objects = delivery.objects(2)
    today = time.strftime("%Y/%m/%d", time.gmtime())
    (good,) = [body for key, body in objects.items() if key.startswith(f"data/{today}/judged-1-")]
    assert good == b"ONE\nTWO\n"
    year = time.strftime("%Y", time.gmtime())
    (bad,) = [body for key, body in objects.items() if key.startswith(f"errors/processing-failed/{year}/")]
    lines = [json.loads(line) for line in bad.splitlines()]
    assert [base64.b64decode(line["rawData"]) for line in lines] == [b"fail me", b"missing"]
    assert [line["errorCode"] for line in lines] == ["Lambda.ProcessingFailedStatus", "Lambda.MissingRecordId"]
    assert set(lines[0]) == {
        "attemptsMade", "arrivalTimestamp", "errorCode", "errorMessage", "attemptEndingTimestamp", "rawData", "lambdaArn",
    }  # fmt: skip
    assert lines[0]["lambdaArn"] == delivery.function
    (event,) = delivery.seen.wait_for(1)
    assert [record["recordId"] for record in event["records"]] == ids
    assert (event["deliveryStreamArn"], event["region"]) == (delivery.arn, "us-east-1")
    assert isinstance(event["records"][0]["approximateArrivalTimestamp"], int)


def test_a_failing_transform_is_retried_three_times_and_blocks_nothing(instance: Instance) -> None:
    delivery = Delivery(instance, "crashing", to={"ErrorOutputPrefix": "bad/"})

    delivery.put("crash")
    ((key, body),) = delivery.objects(1, 15).items()
    delivery.put("fine")

    assert key.startswith("bad/")
    line = json.loads(body)
    assert (line["attemptsMade"], line["errorCode"]) == (4, "Lambda.FunctionError")
    assert base64.b64decode(line["rawData"]) == b"crash"
    assert b"FINE\n" in delivery.objects(2).values()
    assert len([event for event in delivery.seen.look() if len(event["records"]) == 1]) == 5


def test_without_an_error_prefix_failures_have_a_folder_of_their_own(instance: Instance) -> None:
    delivery = Delivery(instance, "foldered", to={"Prefix": "p/"})

    delivery.put("fail")

    (key,) = delivery.objects(1)
    assert key.startswith(time.strftime("p/processing-failed/%Y/%m/%d/", time.gmtime()))


def test_raw_copies_are_kept_where_configured(instance: Instance) -> None:
    client(instance, "s3").create_bucket(Bucket="copies")
    role = service_role(instance, "copies", "firehose", "arn:aws:s3:::copies/*", "s3:PutObject")
    backup = {"BucketARN": "arn:aws:s3:::copies", "RoleARN": role, "Prefix": "raw/", "CompressionFormat": "GZIP"}
    delivery = Delivery(
        instance, "backed", to={"S3BackupMode": "Enabled", "S3BackupConfiguration": backup, "CompressionFormat": "GZIP"}
    )

    delivery.put("one", "drop")

    ((key, body),) = delivery.objects(1).items()
    assert (gzip.decompress(body), key.endswith(".gz")) == (b"ONE\n", True)
    s3 = client(instance, "s3")
    (raw,) = s3.list_objects_v2(Bucket="copies")["Contents"]
    assert raw["Key"].startswith("raw/")
    assert gzip.decompress(s3.get_object(Bucket="copies", Key=raw["Key"])["Body"].read()) == b"onedrop"
    described = delivery.firehose.describe_delivery_stream(DeliveryStreamName="backed")["DeliveryStreamDescription"]
    (destination,) = described["Destinations"]
    extended = destination["ExtendedS3DestinationDescription"]
    assert (extended["S3BackupMode"], extended["S3BackupDescription"]["Prefix"]) == ("Enabled", "raw/")
    assert destination["S3DestinationDescription"]["BucketARN"] == "arn:aws:s3:::backed"


def test_a_stream_is_a_source(instance: Instance) -> None:
    kinesis = client(instance, "kinesis")
    kinesis.create_stream(StreamName="feeding", ShardCount=1)
    kinesis.get_waiter("stream_exists").wait(StreamName="feeding", WaiterConfig={"Delay": 1})
    arn = kinesis.describe_stream_summary(StreamName="feeding")["StreamDescriptionSummary"]["StreamARN"]
    role = service_role(instance, "feeding", "firehose", "*", "s3:*")
    delivery = Delivery(
        instance, "fed", transform=False, DeliveryStreamType="KinesisStreamAsSource",
        KinesisStreamSourceConfiguration={"KinesisStreamARN": arn, "RoleARN": role},
    )  # fmt: skip

    kinesis.put_records(StreamName="feeding", Records=[{"Data": b"x", "PartitionKey": "p"}])
    kinesis.put_record(StreamName="feeding", Data=b"y", PartitionKey="p")
    eventually(lambda: any("its role feeding lacks kinesis:DescribeStream" in line for line in local.notices(instance)))
    permit(instance, "feeding", arn, "kinesis:*")

    assert list(delivery.objects(1).values()) == [b"xy"]


def test_records_wait_until_the_role_may_write(instance: Instance) -> None:
    delivery = Delivery(instance, "patient", transform=False)
    permit(instance, "patient-delivery", "arn:aws:s3:::patient/other/*", "s3:PutObject")

    delivery.put("kept")
    said = "delivery stream patient: its role patient-delivery lacks s3:PutObject on arn:aws:s3:::patient/"
    eventually(lambda: any(said in line for line in local.notices(instance)))
    assert "Contents" not in delivery.s3.list_objects_v2(Bucket="patient")
    permit(instance, "patient-delivery", "arn:aws:s3:::patient/20*", "s3:PutObject")

    assert list(delivery.objects(1).values()) == [b"kept"]


def test_a_transform_that_the_role_may_not_invoke_is_a_failure(instance: Instance) -> None:
    delivery = Delivery(instance, "uninvited")
    permit(instance, "uninvited-delivery", "*", "s3:*")

    delivery.put("x")

    ((_, body),) = delivery.objects(1).items()
    assert json.loads(body)["errorCode"] == "Lambda.InvokeAccessDenied"
    said = f"delivery stream uninvited: its role uninvited-delivery lacks lambda:InvokeFunction on {delivery.function}"
    assert any(said in line for line in local.notices(instance))


def test_an_update_changes_where_records_go(instance: Instance) -> None:
    delivery = Delivery(instance, "moved", transform=False, to={"Prefix": "old/"})
    described = delivery.firehose.describe_delivery_stream(DeliveryStreamName="moved")["DeliveryStreamDescription"]
    delivery.firehose.update_destination(
        DeliveryStreamName="moved",
        CurrentDeliveryStreamVersionId=described["VersionId"],
        DestinationId=described["Destinations"][0]["DestinationId"],
        ExtendedS3DestinationUpdate={"Prefix": "new/"},
    )

    delivery.put("x")

    (key,) = delivery.objects(1)
    assert key.startswith("new/")


def test_a_role_that_firehose_cannot_assume_is_refused(instance: Instance) -> None:
    client(instance, "s3").create_bucket(Bucket="unassumed")
    role = service_role(instance, "unassumed", "lambda", "*", "s3:*")

    with pytest.raises(ClientError) as refused:
        client(instance, "firehose").create_delivery_stream(
            DeliveryStreamName="unassumed",
            ExtendedS3DestinationConfiguration={"BucketARN": "arn:aws:s3:::unassumed", "RoleARN": role},
        )

    assert refused.value.response["Error"]["Code"] == "InvalidArgumentException"
    assert f"Firehose is unable to assume role {role}" in str(refused.value)
