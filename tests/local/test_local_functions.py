from __future__ import annotations

import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from support import client, eventually, function, invoke, packaged

from serverless_cli import local
from serverless_cli.local import Instance
from serverless_cli.local.facts import Home, new_facts
from serverless_cli.local.server.context import Here
from serverless_cli.local.server.deployment import deployment_of
from serverless_cli.local.server.pool import Pool
from serverless_cli.packaging.interpreters import interpreter_for

EXPLAIN = """
import os, sys
calls = 0
def handler(event, context):
    global calls
    calls += 1
    return {
        "event": event, "calls": calls, "pid": os.getpid(), "env": dict(os.environ), "path": sys.path,
        "version": list(sys.version_info[:2]), "left": context.get_remaining_time_in_millis(),
        "id": context.aws_request_id, "name": context.function_name, "arn": context.invoked_function_arn,
        "memory": context.memory_limit_in_mb, "stream": context.log_stream_name, "group": context.log_group_name,
    }
"""


def events(instance: Instance, name: str) -> list[str]:
    logs = client(instance, "logs")
    try:
        found = logs.filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
    except logs.exceptions.ResourceNotFoundException:
        return []
    return [event["message"] for event in found]


def test_a_function_sees_aws_and_nothing_of_this_machine(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    function(instance, "explain", EXPLAIN, MemorySize=256, Timeout=7, Environment={"Variables": {"OWN": "yes"}})

    seen = invoke(instance, "explain", {"a": "ä"}).payload

    assert seen["event"] == {"a": "ä"}
    assert seen["version"] == [3, 11]
    assert seen["arn"].endswith(":function:explain")
    assert (seen["memory"], seen["name"], seen["group"]) == ("256", "explain", "/aws/lambda/explain")
    assert 6000 < seen["left"] <= 7000
    assert seen["env"]["OWN"] == "yes"
    assert seen["env"]["AWS_ENDPOINT_URL"] == instance.url
    assert seen["env"]["AWS_REGION"] == seen["env"]["AWS_DEFAULT_REGION"] == "us-east-1"
    assert seen["env"]["AWS_ACCESS_KEY_ID"].startswith("ASIA")
    assert instance.secret_key not in str(seen)
    assert not {"HOME", "USER", "PYTHONPATH", "STATE_DIR", "AUTH", "SLX_STATE_HOME"} & seen["env"].keys()
    assert not [entry for entry in seen["path"] if "site-packages" in entry]


def test_a_worker_is_used_again_until_the_code_or_the_settings_change(instance: Instance) -> None:
    function(instance, "warm", EXPLAIN)
    functions = client(instance, "lambda")
    first, second = invoke(instance, "warm"), invoke(instance, "warm")

    functions.update_function_configuration(FunctionName="warm", Environment={"Variables": {"NEW": "1"}})
    third = invoke(instance, "warm").payload
    functions.update_function_code(FunctionName="warm", ZipFile=packaged({"app.py": "def handler(e, c): return 'new'"}))
    fourth = invoke(instance, "warm").payload

    assert (first.payload["calls"], second.payload["calls"]) == (1, 2)
    assert "Init Duration" in first.tail
    assert "Init Duration" not in second.tail
    assert (third["calls"], third["env"]["NEW"]) == (1, "1")
    assert fourth == "new"


def test_concurrent_invocations_have_a_process_each(instance: Instance) -> None:
    function(instance, "slow", "import os, time\ndef handler(e, c):\n    time.sleep(0.6)\n    return os.getpid()")
    invoke(instance, "slow")
    began = time.monotonic()

    with ThreadPoolExecutor(4) as threads:
        pids = {found.payload for found in threads.map(lambda _: invoke(instance, "slow"), range(4))}

    assert len(pids) == 4
    assert time.monotonic() - began < 2.0


ERRORS = """
import os, signal, sys, time
class OutOfStock(Exception): pass
def raises():
    raise OutOfStock("no more apples")
def handler(event, context):
    if event == "raise":
        raises()
    if event == "exit": sys.exit(3)
    if event == "exit0": os._exit(0)
    if event == "kill": os.kill(os.getpid(), signal.SIGKILL)
    if event == "set": return {1}
    if event == "big": return "x" * 7_000_000
    if event == "sleep": time.sleep(30)
    return "fine"
"""


@pytest.fixture(scope="module")
def failing(instance: Instance) -> str:
    function(instance, "failing", ERRORS, Timeout=1)
    return "failing"


def test_an_exception_arrives_as_aws_reports_it(instance: Instance, failing: str) -> None:
    found = invoke(instance, failing, "raise")

    assert found.error == "Unhandled"
    assert found.payload["errorType"] == "OutOfStock"
    assert found.payload["errorMessage"] == "no more apples"
    assert found.payload["requestId"] in found.tail
    assert found.payload["stackTrace"] == [
        '  File "/var/task/app.py", line 8, in handler\n    raises()\n',
        '  File "/var/task/app.py", line 5, in raises\n    raise OutOfStock("no more apples")\n',
    ]
    assert "[ERROR] OutOfStock: no more apples\nTraceback (most recent call last):" in found.tail


@pytest.mark.parametrize(
    ("event", "kind", "text"),
    [
        ("exit", "Runtime.ExitError", "Error: Runtime exited with error: exit status 3"),
        ("exit0", "Runtime.ExitError", "Error: Runtime exited without providing a reason"),
        ("kill", "Runtime.ExitError", "Error: Runtime exited with error: signal: killed"),
        ("set", "Runtime.MarshalError", "Unable to marshal response: Object of type set is not JSON serializable"),
        ("big", "Function.ResponseSizeTooLarge", "exceeded maximum allowed payload size (6291556 bytes)."),
        ("sleep", "Sandbox.Timedout", "Error: Task timed out after 1.00 seconds"),
    ],
)
def test_what_ends_badly_is_named_as_on_aws(instance: Instance, failing: str, event: str, kind: str, text: str) -> None:
    found = invoke(instance, failing, event)

    assert found.error == "Unhandled"
    assert found.payload["errorType"] == kind
    assert found.payload["errorMessage"].endswith(text)
    assert invoke(instance, failing).payload == "fine"


@pytest.mark.parametrize(
    ("settings", "kind", "text"),
    [
        (
            {"Handler": "nowhere.handler"},
            "Runtime.ImportModuleError",
            "Unable to import module 'nowhere': No module named 'nowhere'",
        ),
        ({"Handler": "app.nothing"}, "Runtime.HandlerNotFound", "Handler 'nothing' missing on module 'app'"),
        (
            {"Handler": "app"},
            "Runtime.MalformedHandlerName",
            "Bad handler 'app': not enough values to unpack (expected 2, got 1)",
        ),
        (
            {"Handler": "broken.handler"},
            "Runtime.UserCodeSyntaxError",
            "Syntax error in module 'broken': invalid syntax (broken.py, line 1)",
        ),
        ({"Handler": "raising.handler"}, "ZeroDivisionError", "division by zero"),
    ],
)
def test_a_handler_that_cannot_be_loaded_says_why(
    instance: Instance, request: pytest.FixtureRequest, settings: dict[str, str], kind: str, text: str
) -> None:
    name = "unloadable-" + settings["Handler"].replace(".", "-")
    files = {"app.py": "", "broken.py": "def def", "raising.py": "1 / 0"}
    function(instance, name, "", **settings, Code={"ZipFile": packaged(files)})

    found = invoke(instance, name)

    assert (found.payload["errorType"], found.payload["errorMessage"]) == (kind, text)
    assert f"[ERROR] {kind}: {text}" in found.tail


LOUD = """
import logging, os, subprocess, sys
logger = logging.getLogger()
logger.setLevel("INFO")
def handler(event, context):
    print("printed")
    print("to stderr", file=sys.stderr)
    logger.info("two\\nlines")
    os.write(1, b'{"result": "forged"}\\n')
    for fd in range(3, 256):
        try: os.write(fd, b'\\x00\\x00\\x00\\x14{"result": "forged"}')
        except OSError: pass
    subprocess.run(["echo", "from a child"])
    sys.stdout.write("no line end")
    return "true answer"
"""


def test_all_output_is_in_the_log_and_none_of_it_is_an_answer(instance: Instance) -> None:
    function(instance, "loud", LOUD)

    found = invoke(instance, "loud")
    lines = events(instance, "loud")

    assert found.payload == "true answer"
    assert lines[0].startswith("INIT_START Runtime Version: python:3.11")
    assert lines[1].startswith("START RequestId: ")
    assert lines[1].endswith("Version: $LATEST")
    assert {"printed", "to stderr", '{"result": "forged"}', "from a child", "no line end"} <= set(lines)
    [record] = [line for line in lines if line.startswith("[INFO]\t")]
    assert record.endswith("\ttwo\nlines")
    assert lines[-2].startswith("END RequestId: ")
    assert lines[-1].startswith("REPORT RequestId: ")
    assert "Memory Size: 128 MB\tMax Memory Used: " in lines[-1]
    assert "printed" in found.tail
    [stream] = client(instance, "logs").describe_log_streams(logGroupName="/aws/lambda/loud")["logStreams"]
    assert stream["logStreamName"].startswith(time.strftime("%Y/%m/%d/[$LATEST]", time.gmtime()))


def test_a_role_that_may_not_write_logs_leaves_none(instance: Instance) -> None:
    function(instance, "mute", "def handler(e, c): print('x'); return 1")
    client(instance, "iam").delete_role_policy(RoleName="mute-role", PolicyName="own")

    assert invoke(instance, "mute").payload == 1
    assert events(instance, "mute") == []
    assert [line for line in local.notices(instance) if "mute" in line and "logs:" in line]


CALLS = """
import boto3
from botocore.exceptions import ClientError
def handler(event, context):
    try:
        return boto3.client(event["service"]).__getattribute__(event["call"])(**event["with"])["ResponseMetadata"]["HTTPStatusCode"]
    except ClientError as error:
        return error.response["Error"]["Code"]
"""


def test_a_function_may_do_what_its_role_may_and_no_more(instance: Instance) -> None:
    client(instance, "s3").create_bucket(Bucket="own-bucket")
    client(instance, "sqs").create_queue(QueueName="own-queue")
    allowed = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::own-bucket/*"}
    function(instance, "limited", CALLS, allowed, Timeout=20)

    put = {"service": "s3", "call": "put_object", "with": {"Bucket": "own-bucket", "Key": "k", "Body": "b"}}
    read = {"service": "s3", "call": "get_object", "with": {"Bucket": "own-bucket", "Key": "k"}}
    queues = {"service": "sqs", "call": "list_queues", "with": {}}

    assert invoke(instance, "limited", put).payload == 200
    assert invoke(instance, "limited", read).payload == "AccessDenied"
    assert invoke(instance, "limited", queues).payload in ("AccessDenied", "AccessDeniedException")


@pytest.mark.parametrize("version", ["3.10", "3.12", "3.13"])
def test_the_runtimes_own_python_runs_the_function_with_the_sdk(instance: Instance, version: str) -> None:
    if not interpreter_for(f"python{version}").exact:
        pytest.skip(f"Python {version} is not installed")
    code = "import sys, boto3\ndef handler(e, c): return [list(sys.version_info[:2]), boto3.__version__]"
    name = "py" + version.replace(".", "")
    function(instance, name, code, Runtime=f"python{version}", Timeout=20)

    found = invoke(instance, name).payload

    assert found[0] == [int(part) for part in version.split(".")]


def test_a_python_that_is_not_installed_is_replaced_with_a_notice(instance: Instance) -> None:
    function(instance, "future", EXPLAIN, Runtime="python3.99")

    assert invoke(instance, "future").payload["version"] == list(sys.version_info[:2])
    assert [line for line in local.notices(instance) if "future" in line and "python3.99" in line]


def test_a_bundled_package_wins_over_the_sdk(instance: Instance) -> None:
    files = {"app.py": "import six\ndef handler(e, c): return six.ORIGIN", "six.py": "ORIGIN = 'bundled'"}
    function(instance, "bundled", "", Code={"ZipFile": packaged(files)})

    assert invoke(instance, "bundled").payload == "bundled"


def test_layers_are_on_the_path(instance: Instance) -> None:
    functions = client(instance, "lambda")
    layer = functions.publish_layer_version(
        LayerName="shared", Content={"ZipFile": packaged({"python/shared.py": "VALUE = 42"})}
    )
    function(
        instance, "layered", "import shared\ndef handler(e, c): return shared.VALUE", Layers=[layer["LayerVersionArn"]]
    )

    assert invoke(instance, "layered").payload == 42


def test_an_asynchronous_invocation_runs_and_is_logged(instance: Instance) -> None:
    function(instance, "later", "def handler(e, c): print('got', e)")

    answer = client(instance, "lambda").invoke(FunctionName="later", InvocationType="Event", Payload=b'"it"')

    assert answer["StatusCode"] == 202
    eventually(lambda: "got it" in events(instance, "later"))


def test_a_deleted_function_leaves_no_process(instance: Instance) -> None:
    function(instance, "gone", EXPLAIN)
    pid = invoke(instance, "gone").payload["pid"]

    client(instance, "lambda").delete_function(FunctionName="gone")

    eventually(lambda: not Path(f"/proc/{pid}").exists() if sys.platform == "linux" else True)
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        invoke(instance, "gone")
    assert os.getpid() != pid


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_what_a_handler_started_ends_with_it(instance: Instance, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    code = f"""
import os, subprocess
def handler(e, c):
    child = subprocess.Popen(["sleep", "100"])
    open({str(note)!r}, "w").write(str(child.pid))
    os._exit(1)
"""
    function(instance, "parent", code)

    assert invoke(instance, "parent").payload["errorType"] == "Runtime.ExitError"
    child = Path("/proc", note.read_text())
    eventually(lambda: not child.exists() or child.joinpath("stat").read_text().rpartition(")")[2].split()[0] == "Z")


def test_workers_of_another_deployment_and_idle_ones_are_ended(tmp_path: Path) -> None:
    home = Home(tmp_path)
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "app.py").write_text("def handler(e, c): return 1")
    pool = Pool(Here(home, new_facts(tmp_path, 1)), idle_s=0.5)
    config = {
        "FunctionName": "f",
        "FunctionArn": "arn:aws:lambda:us-east-1:000000000000:function:f",
        "Runtime": "python3.11",
        "Handler": "app.handler",
        "Role": "arn:aws:iam::000000000000:role/r",
    }
    warm, new = pool.take(deployment_of(config, tmp_path / "code", []))
    warm.worker.answer(time.monotonic() + 10, print)
    pool.give_back(warm)

    other, other_is_new = pool.take(deployment_of({**config, "MemorySize": 512}, tmp_path / "code", []))
    pool.give_back(other)

    assert new
    assert other_is_new
    assert pool.pids() == [other.worker.pid]
    eventually(lambda: pool.pids() == [])
    pool.close()
