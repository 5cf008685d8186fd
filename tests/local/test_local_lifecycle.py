from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support import client, eventually, fetch, function, invoke
from test_local_httpapi import ECHO, Api
from test_local_website import FULL, site

from serverless_cli import local
from serverless_cli.errors import SlxError
from serverless_cli.local import lifecycle, locks
from serverless_cli.local.facts import home_of, new_facts
from serverless_cli.local.server import engine

ROOT = Path(local.__file__).parents[2]


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SLX_STATE_HOME", str(tmp_path / "state"))
    folder = tmp_path / "workspace"
    folder.mkdir()
    yield folder
    local.stop(folder)


def test_one_instance_per_workspace_found_by_all(fresh: Path) -> None:
    assert local.find(fresh) is None
    assert local.stop(fresh) is False

    started = local.ensure(fresh)

    assert local.find(fresh) == local.ensure(fresh) == started
    assert local.instances() == [started]
    assert local.memory_bytes(started) > 20_000_000
    assert abs(started.started_at - time.time()) < 60
    assert started.secret_key not in repr(started)
    assert local.stop(fresh) is True
    assert local.find(fresh) is None
    assert local.instances() == []


def test_what_is_kept_is_private(fresh: Path) -> None:
    started = local.ensure(fresh)
    home = home_of(fresh)

    assert stat.S_IMODE(home.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(home.facts_file.stat().st_mode) == 0o600
    command = subprocess.run(["ps", "-o", "args=", "-p", str(started.pid)], capture_output=True, text=True, check=True)
    assert "serverless_cli.local.server" in command.stdout
    for secret in (started.access_key, started.secret_key):
        assert secret not in command.stdout
        assert secret not in started.log.read_text()


def test_url_and_keys_survive_a_restart(fresh: Path) -> None:
    first = local.ensure(fresh)
    local.stop(fresh)

    second = local.ensure(fresh)

    assert (first.url, first.access_key, first.secret_key) == (second.url, second.access_key, second.secret_key)
    assert first.pid != second.pid


def test_a_port_that_is_taken_is_given_up(fresh: Path) -> None:
    first = local.ensure(fresh)
    local.stop(fresh)
    with socket.create_server(("127.0.0.1", first.port)):
        second = local.ensure(fresh)

    assert second.port != first.port
    assert second.access_key == first.access_key
    assert fetch(second.port, "/").status == 403


def test_processes_that_start_it_at_once_share_one(fresh: Path) -> None:
    code = "import sys; from pathlib import Path; from serverless_cli import local; print(local.ensure(Path(sys.argv[1])).pid)"
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    running = [
        subprocess.Popen([sys.executable, "-c", code, str(fresh)], env=env, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]

    pids = {process.communicate()[0].strip() for process in running}

    found = local.find(fresh)
    assert found is not None
    assert pids == {str(found.pid)}


def test_another_process_with_the_remembered_id_or_port_is_not_taken_for_it(fresh: Path) -> None:
    home = home_of(fresh)
    home.make()
    with socket.create_server(("127.0.0.1", 0)) as other:
        home.write(new_facts(fresh, other.getsockname()[1]))
        home.server_lock.write_text(str(os.getpid()))

        assert local.find(fresh) is None
        assert local.stop(fresh) is False


def test_a_server_that_hangs_is_stopped_by_its_lock(fresh: Path) -> None:
    started = local.ensure(fresh)
    home = home_of(fresh)
    facts = home.read()
    assert facts is not None
    home.write(new_facts(fresh, facts.port))

    assert local.find(fresh) is None
    assert locks.holder(home.server_lock) == started.pid
    assert local.stop(fresh) is True


def test_a_start_that_fails_says_why(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = home_of(fresh)
    home.make()
    home.data.write_text("a file where a folder should be")

    with pytest.raises(SlxError) as failed:
        local.ensure(fresh)

    assert failed.value.what == "the local target cannot start"
    assert "FileExistsError" in failed.value.why
    assert str(home.log) in failed.value.hint


def test_another_release_of_the_engine_is_refused(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifecycle, "ENGINE", "9.9.9")

    with pytest.raises(SlxError) as failed:
        local.ensure(fresh)

    assert "slx needs 9.9.9" in failed.value.why
    assert failed.value.hint == "pip install 'serverless-cli[local]'"


def test_the_clients_side_imports_neither_the_engine_nor_boto() -> None:
    code = "import sys, serverless_cli.local; print([m for m in sys.modules if m.split('.')[0] in ('ministack', 'boto3', 'botocore', 'hypercorn')])"
    env = {**os.environ, "PYTHONPATH": str(ROOT)}

    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_all_that_is_used_of_the_engine_is_there() -> None:
    assert engine.check() == []


@pytest.mark.parametrize(
    ("need", "said"),
    [
        (engine.Need("services.s3", "_no_such_name", "()", "test"), "is gone"),
        (engine.Need("services.no_such_module", "x", "()", "test"), "cannot be imported"),
        (engine.Need("services.s3", "_get_object", "(bucket)", "test"), "slx was written for (bucket)"),
        (engine.Need("services.s3", "_buckets", "dict", "test"), "is AccountScopedDict"),
    ],
)
def test_an_engine_that_moved_is_named(need: engine.Need, said: str) -> None:
    [problem] = engine.check((need,))

    assert problem.startswith(f"ministack.{need.module}.{need.name} (used by test)")
    assert said in problem


def test_a_name_that_is_not_in_the_table_is_refused() -> None:
    with pytest.raises(LookupError, match=r"services\.s3\._dispatch is not in the table"):
        engine.Part("services.s3")["_dispatch"]


def _everything(started: local.Instance) -> Api:
    site(started, "kept-site", FULL)
    s3 = client(started, "s3")
    s3.put_object(Bucket="kept-site", Key="index.html", Body="kept", ContentType="text/html")
    site(started, "kept-acl", FULL, public="acl")
    s3.put_object(Bucket="kept-acl", Key="index.html", Body="by acl", ACL="public-read")
    s3.put_object(Bucket="kept-acl", Key="closed", Body="")
    api = Api(started, "kept", ECHO, ["GET /a"]).stage().allow()
    table = {"AttributeName": "id", "AttributeType": "S"}, {"AttributeName": "id", "KeyType": "HASH"}
    dynamodb = client(started, "dynamodb")
    dynamodb.create_table(
        TableName="kept", AttributeDefinitions=[table[0]], KeySchema=[table[1]], BillingMode="PAY_PER_REQUEST"
    )
    dynamodb.put_item(TableName="kept", Item={"id": {"S": "1"}})
    assert api.call("/a").status == 200
    return api


def _check_everything(started: local.Instance, api: Api) -> None:
    found = fetch(started.port, "/", host="kept-site.s3-website.localhost")
    assert (found.status, found.text, found.headers["content-type"]) == (200, "kept", "text/html")
    assert fetch(started.port, "/", host="kept-acl.s3-website.localhost").text == "by acl"
    assert fetch(started.port, "/closed", host="kept-acl.s3-website.localhost").status == 403
    assert fetch(started.port, "/a", host=f"{api.id}.execute-api.localhost").status == 200
    assert invoke(started, "kept", 1).payload == 1
    assert client(started, "iam").get_role_policy(RoleName="kept-role", PolicyName="own")["PolicyDocument"]
    assert client(started, "dynamodb").get_item(TableName="kept", Key={"id": {"S": "1"}})["Item"]
    logged = client(started, "logs").filter_log_events(logGroupName="/aws/lambda/kept")["events"]
    assert len([event for event in logged if event["message"].startswith("START")]) >= 3


def test_a_killed_emulator_loses_nothing_that_is_older_than_a_moment(fresh: Path) -> None:
    started = local.ensure(fresh)
    api = _everything(started)
    function(started, "last", "def handler(e, c): return 'last'")
    state = home_of(fresh).data / "state" / "lambda.json"
    eventually(lambda: state.exists() and '"last"' in state.read_text(), within_s=3)
    worker = invoke(started, "kept", 1)
    assert worker.payload == 1

    os.kill(started.pid, signal.SIGKILL)
    eventually(lambda: locks.holder(home_of(fresh).server_lock) is None)
    assert local.find(fresh) is None
    again = local.ensure(fresh)

    assert again.url == started.url
    _check_everything(again, api)
    assert invoke(again, "last").payload == "last"
    assert client(again, "lambda").get_function_configuration(FunctionName="last")["State"] == "Active"


def test_a_stopped_emulator_keeps_all_and_a_reset_one_nothing(fresh: Path) -> None:
    started = local.ensure(fresh)
    api = _everything(started)

    local.stop(fresh)
    again = local.ensure(fresh)
    _check_everything(again, api)
    local.reset(fresh)
    empty = local.ensure(fresh)

    assert (empty.url, empty.access_key) == (started.url, started.access_key)
    assert client(empty, "s3").list_buckets()["Buckets"] == []
    assert client(empty, "lambda").list_functions()["Functions"] == []


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_workers_die_with_the_server(fresh: Path) -> None:
    started = local.ensure(fresh)
    code = "import os, subprocess\ndef handler(e, c): return [os.getpid(), subprocess.Popen(['sleep', '100']).pid]"
    function(started, "child", code)
    pids = invoke(started, "child").payload
    assert all(Path(f"/proc/{pid}").exists() for pid in pids)

    os.kill(started.pid, signal.SIGKILL)

    eventually(lambda: not any(_alive(pid) for pid in pids))


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_running_function_does_not_hold_up_a_stop(fresh: Path) -> None:
    started = local.ensure(fresh)
    function(started, "endless", "import time\ndef handler(e, c): print('on'); time.sleep(60)", Timeout=60)
    client(started, "lambda").invoke(FunctionName="endless", InvocationType="Event", Payload=b"{}")
    eventually(lambda: local.memory_bytes(started) and _logged(started, "endless"))
    began = time.monotonic()

    assert local.stop(fresh) is True
    assert time.monotonic() - began < 5


def _logged(started: local.Instance, name: str) -> bool:
    logs = client(started, "logs")
    groups = logs.describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{name}")["logGroups"]
    return bool(groups) and bool(logs.filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"])


def test_the_state_is_valid_json_at_any_time(fresh: Path) -> None:
    started = local.ensure(fresh)
    client(started, "sqs").create_queue(QueueName="q")
    folder = home_of(fresh).data / "state"

    eventually((folder / "sqs.json").exists, within_s=3)

    for file in folder.glob("*.json"):
        json.loads(file.read_text())
