"""Buckets of up to a hundred thousand objects, versions and delete markers, over HTTP: emptied, gone, in flat memory."""

from __future__ import annotations

import argparse
import sys
import threading
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from matrix import Tally

from serverless_cli.aws.identity import Credentials, connect
from serverless_cli.resources.emptying import remove_bucket

PAGE = 1000
NAMESPACE = "{http://s3.amazonaws.com/doc/2006-03-01/}"
CALLER = (
    b'<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
    b"<Arn>arn:aws:iam::123456789012:user/ann</Arn><UserId>U</UserId><Account>123456789012</Account>"
    b"</GetCallerIdentityResult></GetCallerIdentityResponse>"
)


class LargeBucket(ThreadingHTTPServer):
    """S3 with one bucket, as far as emptying it goes: every key has a version, every tenth a delete marker above it.

    An emulator that sorts a whole bucket for each page takes hours for what this does in seconds.
    """

    daemon_threads = True

    def __init__(self, count: int) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.versions = dict.fromkeys(f"folder/{number:07}" for number in range(count))
        self.markers = dict.fromkeys(list(self.versions)[::10])
        self.exists = True
        self.lock = threading.Lock()

    @property
    def left(self) -> int:
        return len(self.versions) + len(self.markers)

    def page(self, after: str) -> tuple[list[tuple[str, bool]], str]:
        """The entries that come after a key, and the last key if there are more."""
        keys = sorted({key for key in (*self.versions, *self.markers) if key > after})
        found: list[tuple[str, bool]] = []
        for key in keys:
            if len(found) >= PAGE - 1:
                return found, found[-1][0]
            found += [(key, True)] * (key in self.markers) + [(key, False)] * (key in self.versions)
        return found, ""


class Answers(BaseHTTPRequestHandler):
    """The few operations that it takes."""

    protocol_version = "HTTP/1.1"
    server: LargeBucket

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query, keep_blank_values=True)
        if "uploads" in query:
            self._answer(b"<ListMultipartUploadsResult></ListMultipartUploadsResult>")
            return
        with self.server.lock:
            found, more = self.server.page(query.get("key-marker", [""])[0])
        entries = "".join(
            f"<{tag}><Key>{escape(key)}</Key><VersionId>{'m' if marker else 'v'}</VersionId></{tag}>"
            for key, marker in found
            for tag in ("DeleteMarker" if marker else "Version",)
        )
        truncated = f"<IsTruncated>{str(bool(more)).lower()}</IsTruncated>"
        following = f"<NextKeyMarker>{escape(more)}</NextKeyMarker>" if more else ""
        body = f"<ListVersionsResult>{truncated}{following}{entries}</ListVersionsResult>"
        self._answer(body.encode())

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if b"GetCallerIdentity" in body:
            self._answer(CALLER)
            return
        with self.server.lock:
            for one in ET.fromstring(body).iter(f"{NAMESPACE}Object"):
                marker = one.findtext(f"{NAMESPACE}VersionId") == "m"
                (self.server.markers if marker else self.server.versions).pop(
                    one.findtext(f"{NAMESPACE}Key") or "", None
                )
        self._answer(b"<DeleteResult></DeleteResult>")

    def do_DELETE(self) -> None:
        if self.server.left:
            self._answer(b"<Error><Code>BucketNotEmpty</Code><Message>not empty</Message></Error>", 409)
        else:
            self.server.exists = False
            self._answer(b"", 204)

    def _answer(self, body: bytes, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def served(count: int) -> Iterator[LargeBucket]:
    with LargeBucket(count) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def emptied(count: int) -> dict[str, int]:
    """Removes a bucket of so many objects; what it took, and what is left. Memory is what was held at most beyond what
    the bucket itself takes in this process."""
    operations: list[str] = []
    with served(count) as bucket:
        connection = connect(
            endpoint_url=f"http://127.0.0.1:{bucket.server_port}",
            region="us-east-1",
            credentials=Credentials("test", "test"),
            observer=lambda operation, *_: operations.append(operation),
        )
        things, began = bucket.left, time.monotonic()
        tracemalloc.start()
        remove_bucket(connection.aws, "files")
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        connection.close()
        return {
            "objects": count,
            "versions_and_markers": things,
            "calls": len(operations),
            "seconds": round(time.monotonic() - began),
            "memory_MB": peak // 1_000_000,
            "left": bucket.left + bucket.exists,
            "too_many_calls": int(
                operations.count("s3.DeleteObjects") > things / PAGE + 3 * (things // PAGE // 100 + 1)
            ),
        }


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--objects", type=int, nargs="+", default=[1_000, 10_000, 100_000], help="how many, one by one")


def run(chosen: argparse.Namespace) -> Tally:
    tally = Tally("Large buckets", ("left", "too_many_calls"))
    for count in chosen.objects:
        print(f"{count} objects", file=sys.stderr)
        tally.add(f"{count:,} objects", **emptied(count))
    return tally
