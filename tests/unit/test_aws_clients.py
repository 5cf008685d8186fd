"""botocore's clients: how they are made, and what its answers and exceptions become (Stubber, and a loopback server)."""

from __future__ import annotations

import io
import threading

import botocore.session
import pytest
from aws_fakes import CLOSE, HANG, RESET, WHO, Endpoint, FakeClock, certificate, free_port, sts_error
from botocore.exceptions import IncompleteReadError
from botocore.response import StreamingBody
from botocore.stub import Stubber

from serverless_cli import __version__
from serverless_cli.aws.clients import TAKEN, Clients, _take, classify, is_foreign
from serverless_cli.aws.failure import Failure, Nature
from serverless_cli.aws.profile import open_session
from serverless_cli.aws.session import Calls
from serverless_cli.errors import AwsError, Exit
from serverless_cli.secret import Secret

HELLO = WHO % b"aws"
FUNCTION = {"FunctionName": "f", "Role": "arn:aws:iam::123456789012:role/r", "Code": {"ZipFile": b"x"}}


@pytest.fixture(autouse=True)
def no_configuration(monkeypatch):
    for name in (
        "AWS_ENDPOINT_URL",
        "AWS_ENDPOINT_URL_S3",
        "AWS_PROFILE",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "AWS_MAX_ATTEMPTS",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")


def clients(url: str | None = None, timeouts_s: tuple[float, float] = (10, 10)) -> Clients:
    session = open_session(None, isolated=True)
    return Clients(session, region="eu-west-1", endpoint_url=url, keys=("AKID", "secret", None), timeouts_s=timeouts_s)


def failure_of(url: str, **options) -> Failure:
    made = clients(url, **options)
    with pytest.raises(Failure) as caught:
        made.send("sts.GetCallerIdentity", {})
    made.close()
    return caught.value


# ---------------------------------------------------------------- making clients


def test_clients_are_made_once_whoever_asks():
    made = clients()
    start, found = threading.Barrier(8), []

    def ask() -> None:
        start.wait()
        found.append(made.client("sts"))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(map(id, found))) == 1
    made.close()
    assert made.client("sts") is not found[0]


def test_nothing_is_sent_again_behind_our_back(monkeypatch):
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "5")
    with Endpoint((500, b""), (200, HELLO)) as server:
        assert failure_of(server.url).nature is Nature.LOST
        assert len(server.requests) == 1


def test_requests_say_that_they_come_from_slx():
    with Endpoint((200, HELLO)) as server:
        made = clients(server.url)
        assert made.send("sts.GetCallerIdentity", {})["Account"] == "123456789012"
        assert f"slx/{__version__}".encode() in server.requests[0]
        made.close()


@pytest.mark.parametrize(
    ("url", "foreign"),
    [
        ("", False),
        ("https://s3.eu-west-1.amazonaws.com", False),
        ("https://sts.cn-north-1.amazonaws.com.cn", False),
        ("https://x.vpce-1.s3.us-east-1.vpce.amazonaws.com/", False),
        ("https://lambda.eu-west-1.api.aws", False),
        ("http://127.0.0.1:4566", True),
        ("http://localhost:4566", True),
        ("http://emulator:4566", True),
        ("http://amazonaws.com.example.org", True),
    ],
)
def test_which_endpoints_are_emulators(url, foreign):
    assert is_foreign(url) is foreign


@pytest.mark.parametrize("variable", [None, "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"])
def test_emulators_get_buckets_in_the_path_and_no_checksums(monkeypatch, variable):
    with Endpoint((200, b"")) as server:
        url = server.url.replace("127.0.0.1", "localhost")
        if variable:
            monkeypatch.setenv(variable, url)
        made = clients(None if variable else url)
        made.send("s3.PutObject", {"Bucket": "bucket", "Key": "key", "Body": b"x"})
        made.close()
    assert server.requests[0].startswith(b"PUT /bucket/key ")
    assert b"x-amz-checksum" not in server.requests[0].lower()


def test_a_profile_can_set_the_endpoint(monkeypatch, tmp_path):
    (tmp_path / "config").write_text("[default]\nendpoint_url = http://127.0.0.1:1\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    made = Clients(botocore.session.Session(), region="eu-west-1")
    assert made.endpoint("s3") == "http://127.0.0.1:1"
    monkeypatch.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
    assert made.endpoint("s3") == ""


def test_emulators_get_no_prefix_before_their_host():
    with Endpoint((200, b"<PublicAccessBlockConfiguration/>")) as server:
        made = clients(server.url)
        made.send("s3control.GetPublicAccessBlock", {"AccountId": "123456789012"})
        made.close()
    assert b"x-amz-account-id: 123456789012" in server.requests[0].lower()


# ---------------------------------------------------------------- answers


@pytest.mark.parametrize(
    ("code", "status", "nature"),
    [
        ("ResourceConflictException", 409, Nature.REFUSED),
        ("TooManyRequestsException", 429, Nature.REFUSED),
        ("SlowDown", 503, Nature.REFUSED),
        ("ThrottlingException", 503, Nature.REFUSED),
        ("ServiceException", 500, Nature.LOST),
        ("ServiceUnavailable", 503, Nature.LOST),
    ],
)
def test_errors_of_aws(code, status, nature):
    made = clients()
    with Stubber(made.client("lambda")) as stub:
        stub.add_client_error("create_function", code, "the message", status)
        with pytest.raises(Failure) as caught:
            made.send("lambda.CreateFunction", FUNCTION)
    failure = caught.value
    assert (failure.nature, failure.code, failure.message, failure.status) == (nature, code, "the message", status)
    assert failure.__cause__ is failure.__context__ is None


def test_retries_over_a_real_client():
    made = clients()
    with Stubber(made.client("lambda")) as stub:
        for _ in range(3):
            stub.add_client_error(
                "create_function", "InvalidParameterValueException", "The role ... cannot be assumed by Lambda.", 400
            )
        stub.add_response("create_function", {"FunctionName": "f"})
        clock = FakeClock()
        assert Calls(made, "eu-west-1", clock).call("lambda.CreateFunction", **FUNCTION)["FunctionName"] == "f"
        stub.assert_no_pending_responses()
    assert clock.slept == [0.25, 0.5, 1]


def test_secrets_do_not_come_back_in_errors():
    made = clients()
    with Stubber(made.client("lambda")) as stub:
        stub.add_client_error("create_function", "InvalidParameterValueException", "bad value hunter2", 400)
        with pytest.raises(AwsError) as caught:
            Calls(made, "eu-west-1", FakeClock()).call(
                "lambda.CreateFunction", **FUNCTION, Environment={"Variables": {"K": Secret("hunter2")}}
            )
    assert "hunter2" not in f"{caught.value} {caught.value.hint} {caught.value.__context__}"


def test_parameters_that_botocore_refuses():
    with pytest.raises(AwsError, match="Missing required parameter") as caught:
        Calls(clients(), "eu-west-1", FakeClock()).call("iam.GetRole")
    assert caught.value.exit_code is Exit.USAGE
    assert not caught.value.lost


def test_pages_by_botocores_description():
    made = clients()
    with Stubber(made.client("iam")) as stub:
        names = [
            {"PolicyNames": ["a"], "IsTruncated": True, "Marker": "m"},
            {"PolicyNames": ["b"], "IsTruncated": False},
        ]
        stub.add_response("list_role_policies", names[0], {"RoleName": "r"})
        stub.add_client_error("list_role_policies", "Throttling", "Rate exceeded")
        stub.add_response("list_role_policies", names[1], {"RoleName": "r", "Marker": "m"})
        aws = Calls(made, "eu-west-1", FakeClock())
        assert list(aws.pages("iam.ListRolePolicies", "PolicyNames", RoleName="r")) == ["a", "b"]
        stub.assert_no_pending_responses()


def test_pages_without_botocores_description():
    made = clients()
    with Stubber(made.client("events")) as stub:
        stub.add_response("list_event_buses", {"EventBuses": [{"Name": "a"}], "NextToken": "t"}, {})
        stub.add_response("list_event_buses", {"EventBuses": [{"Name": "b"}]}, {"NextToken": "t"})
        found = Calls(made, "eu-west-1", FakeClock()).pages("events.ListEventBuses", "EventBuses")
        assert [bus["Name"] for bus in found] == ["a", "b"]


def test_a_token_that_leads_in_circles_ends_in_an_error():
    made = clients()
    with Stubber(made.client("iam")) as stub:
        for _ in range(2):
            stub.add_response("list_role_policies", {"PolicyNames": ["a"], "IsTruncated": True, "Marker": "m"})
        with pytest.raises(AwsError, match="token"):
            list(Calls(made, "eu-west-1", FakeClock()).pages("iam.ListRolePolicies", "PolicyNames", RoleName="r"))


# ---------------------------------------------------------------- the network


@pytest.mark.parametrize("fault", [RESET, CLOSE])
def test_connections_that_break_off_lose_the_answer(fault):
    with Endpoint(fault) as server:
        assert failure_of(server.url).nature is Nature.LOST
        assert len(server.requests) == 1


def test_no_answer_in_time_is_a_lost_one():
    with Endpoint(HANG) as server:
        failure = failure_of(server.url, timeouts_s=(5, 0.2))
    assert (failure.nature, failure.code) == (Nature.LOST, "ReadTimeoutError")


def test_an_answer_that_makes_no_sense_is_a_lost_one():
    with Endpoint((200, b"<html>Welcome to the hotel's network")) as server:
        assert failure_of(server.url).nature is Nature.LOST


def test_nobody_listening_means_never_sent():
    failure = failure_of(f"http://127.0.0.1:{free_port()}")
    assert (failure.nature, failure.code) == (Nature.UNREACHABLE, "EndpointConnectionError")
    assert "refused" in failure.message.lower()


def test_lost_answers_are_asked_for_again_unless_once():
    with Endpoint(RESET, (500, b""), CLOSE, (200, HELLO)) as server:
        made = clients(server.url)
        assert Calls(made, "eu-west-1", FakeClock()).call("sts.GetCallerIdentity")["Account"] == "123456789012"
        assert len(server.requests) == 4
        made.close()
    with Endpoint(RESET, (200, HELLO)) as server:
        made = clients(server.url)
        with pytest.raises(AwsError) as caught:
            Calls(made, "eu-west-1", FakeClock()).call("sts.GetCallerIdentity", once=True)
        assert caught.value.lost
        assert len(server.requests) == 1
        made.close()


def test_throttles_are_sent_again_even_once():
    with Endpoint((400, sts_error("Throttling", "Rate exceeded")), (200, HELLO)) as server:
        made = clients(server.url)
        assert Calls(made, "eu-west-1", FakeClock()).call("sts.GetCallerIdentity", once=True)
        made.close()


# ---------------------------------------------------------------- TLS


def test_all_connections_share_one_loaded_context(monkeypatch, tmp_path):
    file, context = certificate(tmp_path, "localhost")
    monkeypatch.setenv("AWS_CA_BUNDLE", file)
    with Endpoint((200, HELLO), tls=context) as server:
        made = clients(server.url)
        for _ in range(3):
            assert made.send("sts.GetCallerIdentity", {})["Account"] == "123456789012"
        made.client("iam")
        pools = [made.client(name)._endpoint.http_session._manager for name in ("sts", "iam")]
        assert pools[0].connection_pool_kw["ssl_context"] is pools[1].connection_pool_kw["ssl_context"]
        assert server.connections == 3
        made.close()


def test_the_shared_context_loads_no_certificates_for_each_connection(monkeypatch, tmp_path):
    """With the file gone after the first connection, a second one works only if nothing is read again."""
    file, context = certificate(tmp_path, "localhost")
    monkeypatch.setenv("AWS_CA_BUNDLE", file)
    with Endpoint((200, HELLO), tls=context) as server:
        made = clients(server.url)
        made.send("sts.GetCallerIdentity", {})
        (tmp_path / "localhost.pem").unlink()
        assert made.send("sts.GetCallerIdentity", {})
        made.close()


@pytest.mark.parametrize("shown", ["localhost", "elsewhere"])
def test_certificates_are_still_verified(monkeypatch, tmp_path, shown):
    """An unknown certificate, and a trusted one for another host."""
    trusted, _ = certificate(tmp_path, "unrelated")
    file, context = certificate(tmp_path, shown)
    monkeypatch.setenv("AWS_CA_BUNDLE", file if shown == "elsewhere" else trusted)
    with Endpoint((200, HELLO), tls=context) as server:
        failure = failure_of(server.url)
    assert (failure.nature, failure.code) == (Nature.UNTRUSTED, "SSLError")
    assert "CERTIFICATE_VERIFY_FAILED" in failure.message or "doesn't match" in failure.message


def test_plain_http_behind_an_https_url_is_permanent():
    with Endpoint((200, HELLO)) as server:
        assert failure_of(server.url.replace("http://127.0.0.1", "https://localhost")).nature is Nature.UNTRUSTED


def test_a_body_that_breaks_off_is_a_lost_answer_and_a_whole_one_is_read_at_once():
    whole = {"Body": StreamingBody(io.BytesIO(b"abc"), 3), "ContentLength": 3}
    large = {"Body": StreamingBody(io.BytesIO(b"abc"), 3), "ContentLength": TAKEN + 1}

    _take(whole)
    _take(large)

    assert isinstance(whole["Body"], io.BytesIO)
    assert whole["Body"].read() == b"abc"
    assert isinstance(large["Body"], StreamingBody)
    with pytest.raises(IncompleteReadError) as caught:
        _take({"Body": StreamingBody(io.BytesIO(b"ab"), 3), "ContentLength": 3})
    assert classify("s3.GetObject", caught.value, {}).nature is Nature.LOST
