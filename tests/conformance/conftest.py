from __future__ import annotations

import logging
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from all_rows import ROWS
from bench import PLACE, Bench, Calls, Raw, Row
from moto.moto_server.threaded_moto_server import ThreadedMotoServer
from moto_gaps import CompletedMoto

from serverless_cli.app.settings import Settings
from serverless_cli.aws.calls import Aws
from serverless_cli.aws.clock import WallClock
from serverless_cli.aws.identity import Credentials, connect


@pytest.fixture(scope="session")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("MOTO_IAM_LOAD_MANAGED_POLICIES", "false")
        server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
        server.start()
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
        server.stop()


@pytest.fixture
def empty(moto: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A folder with the code of a function in `work`, for commands on an account in which nothing is."""
    urllib.request.urlopen(urllib.request.Request(f"{moto}/moto-api/reset", method="POST")).close()
    for name, value in {"ACCESS_KEY_ID": "test", "SECRET_ACCESS_KEY": "test", "ENDPOINT_URL": moto}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.setenv("SLX_TIME_SCALE", "0.02")
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "app.py").write_text("def handler(event, context):\n    return event\n")
    return Settings(tmp_path, region=PLACE.region)


@pytest.fixture(scope="session")
def calls() -> Calls:
    return Calls()


@pytest.fixture(scope="session")
def connection(moto: str, calls: Calls) -> Iterator[Aws]:
    found = connect(
        endpoint_url=moto,
        region=PLACE.region,
        credentials=Credentials("test", "test"),
        clock=WallClock(0.02),
        observer=calls,
    )
    assert found.clients is not None
    yield replace(found.aws, transport=CompletedMoto(found.clients))
    found.close()


@pytest.fixture(scope="session")
def raw(moto: str) -> Iterator[Raw]:
    clients = Raw(moto, PLACE.region)
    yield clients
    clients.close()


@pytest.fixture(params=ROWS, ids=str)
def row(request: pytest.FixtureRequest) -> Row:
    return request.param


@pytest.fixture
def bench(row: Row, moto: str, connection: Aws, raw: Raw, calls: Calls, tmp_path: Path) -> Iterator[Bench]:
    urllib.request.urlopen(urllib.request.Request(f"{moto}/moto-api/reset", method="POST")).close()
    it = Bench(row, connection, raw, calls, tmp_path)
    row.before(it)
    yield it
    assert not it.undeclared, "calls were made that the kind declares no permission for"
