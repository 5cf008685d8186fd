"""Puts of small files over connections of our own, against a server that keeps connections open as S3 does."""

from __future__ import annotations

import io
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from aws_fakes import certificate, free_port
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from serverless_cli.aws.clients import Clients
from serverless_cli.aws.failure import Failure, Nature
from serverless_cli.aws.profile import open_session
from serverless_cli.aws.puts import SMALL

FILE = {
    "Bucket": "shop",
    "Key": "a b/ü&.html",
    "Body": b"<h1>hello</h1>",
    "ContentType": "text/html; charset=utf-8",
    "CacheControl": "no-cache",
    "Metadata": {"slx-id": "site"},
    "ACL": "public-read",
}
DENIED = b"<?xml version='1.0'?><Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
HANGS = (0, b"")
SAME = ("content-type", "cache-control", "x-amz-meta-slx-id", "x-amz-acl", "user-agent", "content-length", "host")


@dataclass(frozen=True)
class Asked:
    """One request as it came; `peer` tells one connection from another."""

    path: str
    headers: dict[str, str]
    body: bytes
    peer: tuple[str, int]


@dataclass
class Bucket:
    """A server that answers 200, or what is next in `answers`: (status, body), None to hang up without a word, or HANGS
    to say nothing for as long as `going` is not set. While `meeting` is set, it answers only once all of its requests
    are there.

    Each new connection is shown the next of the `contexts`, as long as there are any.
    """

    answers: list[tuple[int, bytes] | None] = field(default_factory=list)
    going: threading.Event = field(default_factory=threading.Event)
    meeting: threading.Barrier | None = None
    contexts: list[ssl.SSLContext] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    it = Bucket()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            it.asked.append(Asked(self.path, headers, body, self.client_address))
            answer = it.answers.pop(0) if it.answers else (200, b"")
            if it.meeting:
                it.meeting.wait()
            if answer is HANGS:
                it.going.wait()
            if answer in (None, HANGS):
                self.close_connection = True
                return
            self.send_response(answer[0])
            self.send_header("ETag", '"0"')
            self.send_header("Content-Length", str(len(answer[1])))
            self.end_headers()
            self.wfile.write(answer[1])

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def get_request(self) -> Any:
            connection, address = super().get_request()
            return (
                it.contexts.pop(0).wrap_socket(connection, server_side=True) if it.contexts else connection
            ), address

    with Server(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        it.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield it
        it.going.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def clients(bucket: Bucket) -> Iterator[Clients]:
    session = open_session(None, isolated=True)
    made = Clients(session, region="eu-west-1", endpoint_url=bucket.url, keys=("AKID", "secret", "token"))
    yield made
    made.close()


@pytest.fixture
def impatient(bucket: Bucket) -> Iterator[Clients]:
    session = open_session(None, isolated=True)
    keys = ("AKID", "secret", None)
    made = Clients(session, region="eu-west-1", endpoint_url=bucket.url, keys=keys, timeouts_s=(5.0, 2.0))
    yield made
    made.close()


def idle(bucket: Bucket, clients: Clients, many: int) -> set[tuple[str, int]]:
    """Leaves as many connections of our own open; which."""
    bucket.meeting = threading.Barrier(many)
    with ThreadPoolExecutor(many) as pool:
        list(pool.map(lambda _: put(clients), range(many)))
    bucket.meeting = None
    peers = {one.peer for one in bucket.asked[-many:]}
    bucket.asked.clear()
    assert len(peers) == many
    return peers


def put(clients: Clients, **other: Any) -> dict[str, Any]:
    return clients.send("s3.PutObject", {**FILE, **other})


def own(asked: Asked) -> bool:
    """Whether it came by a connection of our own: botocore tells how often it has tried."""
    return "amz-sdk-invocation-id" not in asked.headers


def test_the_first_put_is_botocores_and_the_others_say_the_same_in_our_own_words(bucket, clients):
    first, second = put(clients), put(clients)

    learnt, ours = bucket.asked
    assert (own(learnt), own(ours)) == (False, True)
    assert (ours.path, ours.body) == (learnt.path, learnt.body)
    assert {name: ours.headers[name] for name in SAME} == {name: learnt.headers[name] for name in SAME}
    assert second["ETag"] == first["ETag"]


def test_its_signature_is_the_one_that_botocore_computes_for_the_request_as_it_came(bucket, clients):
    put(clients)
    put(clients, Key="other ~*'().txt")

    ours = bucket.asked[1]
    signed = {name: ours.headers[name] for name in ours.headers["authorization"].split("=")[2].split(",")[0].split(";")}
    again = AWSRequest("PUT", bucket.url + ours.path, signed, ours.body)
    again.context["timestamp"] = ours.headers["x-amz-date"]
    signer = S3SigV4Auth(Credentials("AKID", "secret", "token"), "s3", "eu-west-1")
    signature = signer.signature(signer.string_to_sign(again, signer.canonical_request(again)), again)
    assert ours.headers["authorization"].endswith(f"Signature={signature}")
    assert ours.headers["x-amz-security-token"] == "token"


def test_connections_are_used_again(bucket, clients):
    for _ in range(4):
        put(clients)

    assert len({one.peer for one in bucket.asked if own(one)}) == 1


def test_a_connection_that_the_server_has_closed_meanwhile_costs_nothing(bucket, clients):
    put(clients)
    put(clients)
    bucket.answers.append(None)

    put(clients)

    assert [own(one) for one in bucket.asked] == [False, True, True, True]


def test_after_one_that_was_closed_a_fresh_one_is_tried_and_none_of_the_other_idle_ones(bucket, clients):
    put(clients)
    kept = idle(bucket, clients, 4)
    bucket.answers.append(None)

    put(clients)

    assert [one.peer in kept for one in bucket.asked] == [True, False]


def test_one_that_is_closed_twice_is_told_as_lost(bucket, clients):
    put(clients)
    idle(bucket, clients, 4)
    bucket.answers += [None, None]

    with pytest.raises(Failure) as caught:
        put(clients)

    assert caught.value.nature is Nature.LOST
    assert len(bucket.asked) == 2


def test_where_no_answer_comes_in_time_nothing_is_sent_again_behind_the_callers_back(bucket, impatient):
    put(impatient)
    idle(bucket, impatient, 4)
    bucket.answers += [HANGS] * 6

    with pytest.raises(Failure) as caught:
        put(impatient)

    assert (caught.value.nature, caught.value.code) == (Nature.LOST, "ReadTimeoutError")
    assert len(bucket.asked) == 1


def test_a_lost_answer_is_told_as_lost(bucket, clients):
    put(clients)
    bucket.answers += [None]

    with pytest.raises(Failure) as caught:
        put(clients)

    assert caught.value.nature is Nature.LOST


@pytest.mark.parametrize("status", [403, 404, 503])
def test_a_refusal_is_the_same_failure_as_by_botocore(bucket, clients, status):
    put(clients)
    bucket.answers += [(status, DENIED), (status, DENIED)]

    seen = []
    for extra in ({}, {"StorageClass": "STANDARD"}):
        with pytest.raises(Failure) as caught:
            put(clients, **extra)
        seen.append((caught.value.nature, caught.value.code, caught.value.message, caught.value.status))

    assert [own(one) for one in bucket.asked] == [False, True, False]
    assert seen[0] == seen[1]


def test_an_answer_that_is_no_xml_is_told_by_its_status(bucket, clients):
    put(clients)
    bucket.answers.append((502, b"<html>Bad Gateway"))

    with pytest.raises(Failure) as caught:
        put(clients)

    assert (caught.value.nature, caught.value.code) == (Nature.LOST, "502")


def test_a_bucket_that_has_moved_is_learnt_anew(bucket, clients):
    put(clients)
    bucket.answers.append((307, b""))

    put(clients)
    put(clients)

    assert [own(one) for one in bucket.asked] == [False, True, False, True]


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"StorageClass": "GLACIER"}, id="settings that are not plain"),
        pytest.param({"Body": io.BytesIO(b"x" * (SMALL + 1))}, id="a large file"),
        pytest.param({"Bucket": "another"}, id="a bucket not met yet"),
    ],
)
def test_what_is_not_plain_is_left_to_botocore(bucket, clients, other):
    put(clients)

    put(clients, **other)

    assert [own(one) for one in bucket.asked] == [False, False]
    assert len(bucket.asked[1].body) == len(other.get("Body", io.BytesIO(FILE["Body"])).getvalue())


def test_a_file_is_sent_whole_from_where_it_stands(bucket, clients):
    put(clients)
    body = io.BytesIO(b"0123456789")
    body.seek(4)

    put(clients, Body=body)

    assert bucket.asked[1].body == b"456789"


def test_behind_a_proxy_all_is_left_to_botocore(bucket, monkeypatch):
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    session = open_session(None, isolated=True)
    made = Clients(session, region="eu-west-1", endpoint_url=bucket.url, keys=("AKID", "secret", None))

    with pytest.raises(Failure) as caught:
        put(made)
    made.close()

    assert caught.value.code == "ProxyConnectionError"
    assert bucket.asked == []


# ---------------------------------------------------------------- TLS


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, ssl.SSLContext]:
    """Contexts of servers with certificates for `localhost` and for another host, both of which are trusted."""
    made = {name: certificate(tmp_path, name) for name in ("localhost", "elsewhere")}
    bundle = tmp_path / "bundle.pem"
    bundle.write_text("".join(Path(file).read_text() for file, _ in made.values()))
    monkeypatch.setenv("AWS_CA_BUNDLE", str(bundle))
    return {name: context for name, (_, context) in made.items()}


def over_tls(bucket: Bucket) -> Clients:
    url = bucket.url.replace("http://127.0.0.1", "https://localhost")
    return Clients(
        open_session(None, isolated=True), region="eu-west-1", endpoint_url=url, keys=("AKID", "secret", None)
    )


def test_over_tls_a_digest_vouches_for_the_bytes_and_no_second_one_is_signed(bucket, trusted):
    bucket.contexts += [trusted["localhost"]] * 2
    made = over_tls(bucket)

    put(made)
    put(made)
    made.close()

    assert [own(one) for one in bucket.asked] == [False, True]
    assert bucket.asked[1].headers["x-amz-content-sha256"] == "UNSIGNED-PAYLOAD"
    assert bucket.asked[1].headers["content-md5"] == "oBYY/JtxTA5TD1JeG9axIw=="


def test_a_server_that_shows_the_certificate_of_another_host_is_sent_nothing(bucket, trusted):
    bucket.contexts += [trusted["localhost"], trusted["elsewhere"]]
    made = over_tls(bucket)

    put(made)
    put(made)
    made.close()

    assert [own(one) for one in bucket.asked] == [False, False]
