"""Streams and delivery streams against answers that moto never gives: states, refusals, failures."""

from __future__ import annotations

from typing import Any

import pytest
from aws_fakes import refused
from script_fakes import GONE, Script, calls, here

from serverless_cli.errors import SlxError
from serverless_cli.model import Change
from serverless_cli.resources.delivery_stream import DeliveryStreamKind
from serverless_cli.resources.delivery_stream_form import Backup, DeliverySpec, change, creation, read
from serverless_cli.resources.stream import StreamKind, StreamSpec

FN = "arn:aws:lambda:eu-central-1:123456789012:function:fn"
STREAM = here("stream", "clicks", "shop-dev-clicks", StreamSpec(1, 24, "none"))


def described(status: str, **settings: Any) -> dict[str, Any]:
    found = {"StreamStatus": status, "StreamARN": "arn:x", "RetentionPeriodHours": 24, "OpenShardCount": 1}
    return {"StreamDescriptionSummary": {**found, **settings}}


def test_a_stream_is_waited_for_before_each_change():
    script = Script(
        kinesis__DescribeStreamSummary=[
            GONE, GONE, described("CREATING"), described("ACTIVE"), described("ACTIVE"), described("ACTIVE"),
            described("ACTIVE"), described("UPDATING"), described("ACTIVE", RetentionPeriodHours=48),
        ],
    )  # fmt: skip

    StreamKind().create(calls(script), STREAM, StreamSpec(1, 48, "none"))

    raised = script.operations.index("kinesis.IncreaseStreamRetentionPeriod")
    assert script.operations[raised + 1 :] == ["kinesis.DescribeStreamSummary"] * 3
    assert ("kinesis.AddTagsToStream", {"StreamName": STREAM.name, "Tags": STREAM.mark.tags}) in script.sent


def test_a_stream_of_that_name_that_is_being_deleted_is_waited_for():
    script = Script(
        kinesis__DescribeStreamSummary=[described("DELETING"), described("DELETING"), GONE, GONE, described("ACTIVE")]
    )

    StreamKind().create(calls(script), STREAM, StreamSpec(1, 24, "none"))

    assert script.operations.index("kinesis.CreateStream") == 4


def test_a_stream_that_is_being_deleted_is_read_as_gone():
    assert StreamKind().read(calls(Script(kinesis__DescribeStreamSummary=[described("DELETING")])), STREAM) is None


def test_consumers_do_not_keep_a_stream_from_being_deleted():
    script = Script(kinesis__DescribeStreamSummary=[described("DELETING"), GONE])

    StreamKind().delete(calls(script), STREAM)

    assert script.sent[0][1] == {"StreamName": STREAM.name, "EnforceConsumerDeletion": True}


# Delivery streams

DELIVERY = DeliverySpec("arn:r", "", "arn:b", "in/", "bad/", 5, 300, "GZIP", None, None, "/aws/kinesisfirehose/out")
OUT = here("delivery-stream", "out", "shop-dev-out", DELIVERY)


def delivering(status: str, **settings: Any) -> dict[str, Any]:
    found = {"DeliveryStreamStatus": status, "DeliveryStreamARN": "arn:x", "VersionId": "3"}
    return {"DeliveryStreamDescription": {**found, "Destinations": [{"DestinationId": "d"}], **settings}}


def test_a_delivery_stream_is_waited_for():
    script = Script(
        firehose__DescribeDeliveryStream=[GONE, delivering("CREATING"), delivering("ACTIVE")],
        firehose__CreateDeliveryStream=[{"DeliveryStreamARN": "arn:x"}],
    )

    assert DeliveryStreamKind().create(calls(script), OUT, DELIVERY) == {"arn": "arn:x"}


def test_a_role_that_firehose_cannot_assume_yet_is_tried_again():
    late = refused(
        "InvalidArgumentException", "Firehose is unable to assume role arn:r. Please check the role provided."
    )
    script = Script(
        firehose__DescribeDeliveryStream=[GONE, delivering("ACTIVE")],
        firehose__CreateDeliveryStream=[late, late, {"DeliveryStreamARN": "arn:x"}],
    )

    DeliveryStreamKind().create(calls(script), OUT, DELIVERY)

    assert script.operations.count("firehose.CreateDeliveryStream") == 3


def test_one_that_failed_says_why_and_is_made_anew_the_next_time():
    failed = delivering("CREATING_FAILED", FailureDescription={"Type": "KMS", "Details": "no key"})
    script = Script(
        firehose__DescribeDeliveryStream=[GONE, delivering("CREATING"), failed],
        firehose__CreateDeliveryStream=[{"DeliveryStreamARN": "arn:x"}],
        firehose__ListTagsForDeliveryStream=[{"Tags": OUT.mark.pairs}],
    )

    with pytest.raises(SlxError) as raised:
        DeliveryStreamKind().create(calls(script), OUT, DELIVERY)
    found = DeliveryStreamKind().read(calls(script), OUT)

    assert raised.value.why == "KMS: no key"
    assert found is not None
    assert (found.spec.works, found.note, found.mark) == (False, "KMS: no key", OUT.mark)
    assert "works" in DeliveryStreamKind.create_only


def test_an_old_one_that_is_being_deleted_is_waited_for():
    script = Script(
        firehose__DescribeDeliveryStream=[delivering("DELETING"), GONE, delivering("ACTIVE")],
        firehose__CreateDeliveryStream=[{"DeliveryStreamARN": "arn:x"}],
    )

    DeliveryStreamKind().create(calls(script), OUT, DELIVERY)

    assert script.operations[:3] == [
        "firehose.DescribeDeliveryStream", "firehose.DescribeDeliveryStream", "firehose.CreateDeliveryStream",
    ]  # fmt: skip


def test_one_that_is_being_created_is_deleted_as_soon_as_firehose_allows():
    busy = refused("ResourceInUseException", "Firehose shop-dev-out is in state CREATING")
    script = Script(firehose__DeleteDeliveryStream=[busy, busy, {}])

    DeliveryStreamKind().delete(calls(script), OUT)

    assert script.operations == ["firehose.DeleteDeliveryStream"] * 3


def test_a_change_names_the_version_that_it_is_based_on():
    script = Script(firehose__DescribeDeliveryStream=[delivering("ACTIVE")])

    DeliveryStreamKind().update(calls(script), OUT, DELIVERY, (Change(("prefix",), "a", "b"),))

    sent = dict(script.sent)["firehose.UpdateDestination"]
    assert (sent["CurrentDeliveryStreamVersionId"], sent["DestinationId"]) == ("3", "d")


def test_copies_are_made_and_changed_and_read_as_they_were_wished_for():
    spec = DeliverySpec(
        "arn:r", "", "arn:b", "", "", 5, 300, "GZIP", None, Backup("arn:c", "raw/"), "/aws/kinesisfirehose/out"
    )
    made, changed = creation(spec)["ExtendedS3DestinationConfiguration"], change(spec)
    shown = {**made, "S3BackupDescription": made["S3BackupConfiguration"]}

    found = read({"DeliveryStreamStatus": "ACTIVE", "Destinations": [{"ExtendedS3DestinationDescription": shown}]})

    assert found == spec
    assert changed["S3BackupUpdate"] == made["S3BackupConfiguration"]
    assert "S3BackupMode" not in change(DELIVERY)


def test_defaults_that_firehose_leaves_out_are_no_difference():
    parameters = [{"ParameterName": "LambdaArn", "ParameterValue": f"{FN}:$LATEST"}]
    processing = {"Enabled": True, "Processors": [{"Type": "Lambda", "Parameters": parameters}]}

    found = read({"Destinations": [{"ExtendedS3DestinationDescription": {"ProcessingConfiguration": processing}}]})

    assert found.transform is not None
    assert (found.transform.buffer_mb, found.transform.buffer_s, found.transform.retries) == (1, 60, 3)
    assert (found.buffer_mb, found.buffer_s, found.compression) == (5, 300, "UNCOMPRESSED")


def test_where_copies_go_is_taken_to_be_as_wished_where_an_endpoint_does_not_say():
    wish = Backup("arn:c", "raw/")
    have = {"Destinations": [{"ExtendedS3DestinationDescription": {"S3BackupMode": "Enabled"}}]}

    assert read(have, wish).backup == wish
    assert read(have).backup == Backup("", "")
