"""The interface `Aws` over a fake transport: missing things, pages, several at once, remembered reads, texts."""

from __future__ import annotations

import io
import subprocess
import sys
import threading

import pytest
from aws_fakes import FakeClock, FakeTransport, lost, refused

from serverless_cli.aws.calls import Aws, Passing
from serverless_cli.aws.failure import Failure
from serverless_cli.aws.missing import gone
from serverless_cli.aws.paging import further
from serverless_cli.aws.pool import Pool
from serverless_cli.aws.retry import Table
from serverless_cli.aws.session import Calls
from serverless_cli.errors import AwsError, Exit, SlxError


def calls(*answers: dict | Failure, **options: object) -> tuple[Calls, FakeTransport]:
    transport = FakeTransport(*answers)
    return Calls(transport, "us-east-1", FakeClock(), **options), transport


def test_importing_the_interface_does_not_import_botocore():
    code = """if True:
        import sys, serverless_cli.aws.calls, serverless_cli.aws.identity, serverless_cli.aws.session
        assert not {"botocore", "boto3", "urllib3"} & sys.modules.keys()"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_calls_is_an_aws():
    aws: Aws = calls({})[0]
    assert aws.region == aws.reading().region == "us-east-1"


# ---------------------------------------------------------------- missing


@pytest.mark.parametrize(
    ("operation", "code"),
    [
        ("iam.GetRole", "NoSuchEntity"),
        ("lambda.GetFunction", "ResourceNotFoundException"),
        ("apigatewayv2.GetApi", "NotFoundException"),
        ("s3.HeadBucket", "404"),
        ("s3.HeadObject", "404"),
        ("s3.DeleteBucket", "NoSuchBucket"),
        ("s3.GetBucketPolicy", "NoSuchBucketPolicy"),
        ("s3.GetBucketWebsite", "NoSuchWebsiteConfiguration"),
        ("s3.GetPublicAccessBlock", "NoSuchPublicAccessBlockConfiguration"),
        ("s3.GetBucketOwnershipControls", "OwnershipControlsNotFoundError"),
        ("s3.GetBucketCors", "NoSuchCORSConfiguration"),
        ("s3.GetBucketLifecycleConfiguration", "NoSuchLifecycleConfiguration"),
        ("s3.GetBucketEncryption", "ServerSideEncryptionConfigurationNotFoundError"),
        ("s3.GetBucketTagging", "NoSuchTagSet"),
        ("s3.GetBucketReplication", "ReplicationConfigurationNotFoundError"),
        ("s3control.GetPublicAccessBlock", "NoSuchPublicAccessBlockConfiguration"),
        ("dynamodb.DescribeTable", "ResourceNotFoundException"),
        ("dynamodb.DescribeContinuousBackups", "TableNotFoundException"),
        ("sqs.GetQueueUrl", "AWS.SimpleQueueService.NonExistentQueue"),
        ("sqs.GetQueueUrl", "QueueDoesNotExist"),
        ("sns.GetTopicAttributes", "NotFound"),
        ("events.DescribeRule", "ResourceNotFoundException"),
        ("stepfunctions.DescribeStateMachine", "StateMachineDoesNotExist"),
        ("firehose.DescribeDeliveryStream", "ResourceNotFoundException"),
        ("kinesis.DescribeStreamSummary", "ResourceNotFoundException"),
        ("logs.ListTagsForResource", "ResourceNotFoundException"),
        ("pipes.DescribePipe", "NotFoundException"),
        ("scheduler.GetSchedule", "ResourceNotFoundException"),
        ("cloudfront.GetDistribution", "NoSuchDistribution"),
        ("cloudfront.GetOriginAccessControl", "NoSuchOriginAccessControl"),
    ],
)
def test_what_is_gone_is_found_as_none_and_removed_already(operation, code):
    assert gone(operation, code)
    aws, _ = calls(refused(code))
    assert aws.find(operation, Name="x") is None
    assert aws.remove(operation, Name="x") is False
    assert list(aws.pages(operation, "Items", Name="x")) == []


@pytest.mark.parametrize(
    ("operation", "code"),
    [
        ("s3.HeadBucket", "403"),
        ("s3.DeleteBucket", "AccessDenied"),
        ("s3.DeleteBucket", "404"),
        ("lambda.DeleteFunction", "NoSuchEntity"),
        ("unknown.DeleteThing", "ResourceNotFoundException"),
    ],
)
def test_what_may_be_there_is_no_success(operation, code):
    assert not gone(operation, code)
    aws, _ = calls(refused(code))
    for verb in (aws.find, aws.remove):
        with pytest.raises(AwsError):
            verb(operation)
    with pytest.raises(AwsError):
        list(aws.pages(operation, "Items"))


def test_what_is_there():
    aws, _ = calls({"Role": {"Arn": "a"}})
    assert aws.find("iam.GetRole", RoleName="r") == {"Role": {"Arn": "a"}}
    assert aws.remove("iam.DeleteRole", RoleName="r") is True


def test_remove_retries_as_told():
    aws, transport = calls(refused("Odd"), {})
    assert aws.remove("iam.DeleteRole", passing=(Passing("Odd"),), RoleName="r")
    assert transport.sent == [("iam.DeleteRole", {"RoleName": "r"})] * 2


# ---------------------------------------------------------------- pages


def test_pages_follow_either_token():
    for token in ("NextToken", "nextToken"):
        aws, transport = calls({"Buses": [1, 2], token: "t"}, {"Buses": [], token: "u"}, {"Buses": [3]})
        assert list(aws.pages("events.ListEventBuses", "Buses", NamePrefix="x")) == [1, 2, 3]
        assert transport.sent[2] == ("events.ListEventBuses", {"NamePrefix": "x", token: "u"})


def test_pages_after_the_last_item():
    answers = iter([
        {"DeliveryStreamNames": ["a", "b"], "HasMoreDeliveryStreams": True},
        {"DeliveryStreamNames": ["c"], "HasMoreDeliveryStreams": False},
    ])  # fmt: skip
    asked = []

    def ask(**parameters):
        asked.append(parameters)
        return next(answers)

    assert len(list(further("firehose.ListDeliveryStreams", {"Limit": 2}, ask))) == 2
    assert asked == [{"Limit": 2}, {"Limit": 2, "ExclusiveStartDeliveryStreamName": "b"}]


def test_pages_after_the_last_tag():
    aws, transport = calls({"Tags": [{"Key": "k"}], "HasMoreTags": True}, {"Tags": [], "HasMoreTags": True})
    assert len(list(aws.pages("kinesis.ListTagsForStream", "Tags"))) == 1
    assert transport.sent[1][1] == {"ExclusiveStartTagKey": "k"}


def test_pages_end_even_if_the_token_does_not_change():
    aws, _ = calls({"Items": [1], "NextToken": "t"})
    assert list(aws.pages("x.ListY", "Items")) == [1, 1]


def test_pages_of_several_lists_and_of_none():
    aws, _ = calls({"Versions": [1], "DeleteMarkers": [2], "NextToken": "t"}, {"DeleteMarkers": [3]})
    assert list(aws.pages("x.ListY", "Versions", "DeleteMarkers")) == [1, 2, 3]
    aws, _ = calls({"Versions": None})
    assert list(aws.pages("x.ListY", "Versions", "DeleteMarkers")) == []


# ---------------------------------------------------------------- map


def test_map_gives_results_in_order_and_runs_at_once():
    aws, _ = calls({})
    both = threading.Barrier(2, timeout=10)

    def work(n: int) -> int:
        both.wait()
        return n * n

    assert aws.map(work, [1, 2, 3, 4]) == [1, 4, 9, 16]
    aws.close()


@pytest.mark.parametrize("items", [[], [3]])
def test_map_of_few_needs_no_thread(items):
    pool = Pool()
    assert pool.map(lambda n: threading.current_thread(), items) == [threading.current_thread()] * len(items)


def test_map_within_map_does_not_lock_up():
    pool = Pool(size=2)
    inner = lambda n: sum(pool.map(lambda m: m * n, range(5)))  # noqa: E731
    assert pool.map(inner, range(20)) == [10 * n for n in range(20)]
    pool.close()


def test_map_works_on_all_before_it_raises_the_first():
    pool, done = Pool(size=3), []

    def work(n: int) -> int:
        done.append(n)
        if n in (2, 4):
            raise SlxError(f"no {n}")
        return n

    with pytest.raises(SlxError, match="no 2"):
        pool.map(work, range(6))
    assert sorted(done) == list(range(6))
    done.clear()
    with pytest.raises(SlxError, match="no 2"):
        pool.map(lambda _: pool.map(work, range(6)), [1])
    assert sorted(done) == list(range(6))
    pool.close()
    pool.close()


# ---------------------------------------------------------------- reading


def test_reading_remembers_answers_by_parameters():
    aws, transport = calls({"Api": 1})
    reading = aws.reading()
    for name in ("a", "b", "a"):
        assert reading.call("apigatewayv2.GetApi", ApiId=name) == {"Api": 1}
    assert len(transport.sent) == 2
    assert reading.reading() is reading


def test_reading_remembers_that_there_is_nothing_but_no_errors():
    aws, transport = calls(refused("NotFoundException"))
    reading = aws.reading()
    assert [reading.find("apigatewayv2.GetApi", ApiId="a") for _ in range(3)] == [None] * 3
    assert len(transport.sent) == 1
    aws, transport = calls(refused("AccessDenied"), {"Api": 1})
    reading = aws.reading()
    with pytest.raises(AwsError):
        reading.find("apigatewayv2.GetApi", ApiId="a")
    assert reading.find("apigatewayv2.GetApi", ApiId="a") == {"Api": 1}


def test_reading_remembers_pages():
    aws, transport = calls({"Items": [1], "NextToken": "t"}, {"Items": [2]})
    reading = aws.reading()
    for _ in range(2):
        assert list(reading.pages("events.ListRules", "Items")) == [1, 2]
    assert len(transport.sent) == 2


def test_a_write_through_reading_clears_its_memory():
    aws, transport = calls({"Api": 1})
    reading = aws.reading()
    for operation in ("GetApi", "UpdateApi", "GetApi"):
        reading.call(f"apigatewayv2.{operation}", ApiId="a")
    assert [sent[0] for sent in transport.sent] == [f"apigatewayv2.{o}" for o in ("GetApi", "UpdateApi", "GetApi")]


@pytest.mark.parametrize("operation", ["s3.GetObject", "lambda.Invoke", "kinesis.GetRecords"])
def test_what_differs_each_time_is_not_remembered(operation):
    aws, transport = calls({})
    reading = aws.reading()
    reading.call(operation)
    reading.call(operation)
    assert len(transport.sent) == 2


def test_a_read_that_awaits_something_asks_each_time():
    aws, transport = calls({})
    reading = aws.reading()
    for _ in range(2):
        reading.call("iam.GetRole", passing=(Passing("NoSuchEntity"),), RoleName="r")
    assert len(transport.sent) == 2


def test_waiting_while_reading_sees_changes():
    aws, _ = calls({"State": "Pending"}, {"State": "Pending"}, {"State": "Active"})
    reading = aws.reading()
    ask = lambda: reading.call("lambda.GetFunction")["State"] == "Active" or None  # noqa: E731
    assert reading.wait("function f", ask, deadline_s=60)


def test_threads_that_ask_the_same_share_one_call():
    class Slow(FakeTransport):
        entered, leave = threading.Event(), threading.Event()

        def send(self, operation, parameters):
            self.entered.set()
            assert self.leave.wait(10)
            return super().send(operation, parameters)

    transport = Slow({"Api": 1})
    reading = Calls(transport, "us-east-1", FakeClock()).reading()
    answers = []
    ask = lambda: answers.append(reading.call("apigatewayv2.GetApi", ApiId="a"))  # noqa: E731
    threads = [threading.Thread(target=ask) for _ in range(8)]
    threads[0].start()
    assert transport.entered.wait(10)
    for thread in threads[1:]:
        thread.start()
    transport.leave.set()
    for thread in threads:
        thread.join()
    assert answers == [{"Api": 1}] * 8
    assert len(transport.sent) == 1


# ---------------------------------------------------------------- one call


def test_bodies_are_rewound_before_they_are_sent_again():
    class Reader(FakeTransport):
        def send(self, operation, parameters):
            bodies.append(parameters["Body"].read())
            return super().send(operation, parameters)

    bodies: list[bytes] = []
    body = io.BytesIO(b"skipped text")
    body.seek(8)
    Calls(Reader(lost(), {}), "us-east-1", FakeClock()).call("s3.PutObject", Body=body)
    assert bodies == [b"text", b"text"]


def test_the_observer_sees_attempts_and_no_parameters():
    seen = []
    aws, _ = calls(refused("Throttling", "Rate exceeded"), {}, observer=lambda *what: seen.append(what))
    aws.call("iam.CreateRole", RoleName="secret")
    (first, second) = seen
    assert first[0] == second[0] == "iam.CreateRole"
    assert first[3:] == (1, "Throttling")
    assert second[3:] == (2, None)
    assert first[2] <= second[1]


def test_pauses_can_be_ended_by_the_clock():
    class Cancelled(FakeClock):
        def sleep(self, seconds):
            raise SlxError("cancelled", exit_code=Exit.CANCELLED)

    aws = Calls(FakeTransport(lost()), "us-east-1", Cancelled())
    with pytest.raises(SlxError) as caught:
        aws.call("iam.CreateRole")
    assert caught.value.exit_code is Exit.CANCELLED


def test_table_can_be_made_impatient():
    clock = FakeClock()
    aws = Calls(FakeTransport(lost()), "us-east-1", clock, Table(lost_s=1))
    with pytest.raises(AwsError):
        aws.call("sts.GetCallerIdentity")
    assert clock.now() - 1000 == pytest.approx(1)


# ---------------------------------------------------------------- fenced


def test_a_fence_is_asked_before_each_attempt_at_a_write_and_never_before_a_read():
    aws, transport = calls(lost(), {})
    asked = []
    fenced = aws.fenced(lambda: asked.append(len(transport.sent)))

    fenced.call("s3.PutObject", Bucket="b", Key="k")
    fenced.call("s3.GetObject", Bucket="b", Key="k")
    aws.call("s3.PutObject", Bucket="b", Key="k")

    assert asked == [0, 1]
    assert len(transport.sent) == 4


def test_what_a_fence_raises_ends_the_call_before_it_is_sent():
    aws, transport = calls({})

    def closed() -> None:
        raise SlxError("the lock was lost", exit_code=Exit.LOCKED)

    for fenced in (aws.fenced(closed), aws.reading().fenced(closed)):
        with pytest.raises(SlxError, match="the lock was lost"):
            fenced.call("sqs.DeleteQueue", QueueUrl="q")

    assert transport.sent == []
    assert aws.fenced(closed).paces is aws.paces
