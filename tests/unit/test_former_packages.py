"""The package that a function had, for a rollback: from this machine, or from where Lambda says."""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from serverless_cli.errors import SlxError
from serverless_cli.packaging import package
from serverless_cli.resources import bundles

CONTENT = b"PK a package"
SHA256 = base64.b64encode(hashlib.sha256(CONTENT).digest()).decode()


class Bucket(BaseHTTPRequestHandler):
    """Gives the package to whoever knows its address."""

    def do_GET(self) -> None:
        found = self.path == "/package?signature=secret"
        self.send_response(200 if found else 403)
        self.end_headers()
        self.wfile.write(CONTENT if found else b"<Error/>")

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = HTTPServer(("127.0.0.1", 0), Bucket)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_it_is_fetched_from_where_lambda_says(url: str, tmp_path: Path) -> None:
    held = bundles.hold("hello", SHA256, f"{url}/package?signature=secret", tmp_path)

    assert held.sha256 == SHA256
    assert Path(held.path).read_bytes() == CONTENT
    assert held.size == len(CONTENT)


def test_it_is_taken_from_this_machine_without_any_call(url: str, tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "app.py").write_text("x = 1")
    made = package(tmp_path / "code")

    held = bundles.hold("hello", made.sha256, "", tmp_path)

    assert Path(held.path).read_bytes() == Path(made.path).read_bytes()


def test_a_package_that_is_nowhere_is_told(url: str, tmp_path: Path) -> None:
    with pytest.raises(SlxError, match="the code that hello had is not on this machine"):
        bundles.hold("hello", SHA256, "", tmp_path)


@pytest.mark.parametrize("path", ["/package?signature=old", "/package?signature=secret"])
def test_another_answer_than_the_package_is_refused_without_the_address(url: str, tmp_path: Path, path: str) -> None:
    other = base64.b64encode(hashlib.sha256(b"other").digest()).decode()

    with pytest.raises(SlxError, match="could not be fetched") as raised:
        bundles.hold("hello", other, url + path, tmp_path)

    assert "signature" not in str(raised.value)
    assert list(tmp_path.glob("*.zip")) == []


def test_an_address_where_nobody_is_is_told(tmp_path: Path, url: str) -> None:
    with pytest.raises(SlxError, match="could not be fetched"):
        bundles.hold("hello", SHA256, "http://127.0.0.1:9/package", tmp_path)
