"""The life of the shipped website on the local target, through the command line alone."""

from __future__ import annotations

import os
import re
import signal
import urllib.error
from collections.abc import Iterator
from pathlib import Path

import pytest

from serverless_cli import local
from tests.local.support import client
from tests.system.slx import Slx, fetch

pytestmark = pytest.mark.local


@pytest.fixture(scope="module")
def mine(slx: Slx) -> Path:
    """A copy of the blueprint, up in the stage `dev`."""
    slx.run("init", "website", "mine")
    slx.run("up", "./mine/blueprint.yaml", "--local", "--yes")
    return slx.folder / "mine"


@pytest.fixture
def restored(mine: Path, slx: Slx) -> Iterator[Path]:
    """The copy, put back and brought up again after the test has changed it."""
    before = {path: path.read_bytes() for path in mine.rglob("*") if path.is_file()}
    yield mine
    for path in mine.rglob("*"):
        if path.is_file() and path not in before:
            path.unlink()
    for path, content in before.items():
        path.write_bytes(content)
    slx.run("up", "./mine/blueprint.yaml", "--local", "--yes")


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_up_ends_with_a_url_that_works_and_all_checks_pass(mine: Path, slx: Slx) -> None:
    ran = slx.run("up", "./mine/blueprint.yaml", "--local", "--yes")

    url = slx.run("outputs", "--local", "website", "website").out.strip()
    assert url in ran.out
    assert slx.outputs("--local", "website")["api"].removesuffix("/hello") in fetch(url)
    assert slx.run("check", "--local").code == 0


def test_a_second_up_writes_nothing(mine: Path, slx: Slx) -> None:
    assert "othing to do" in slx.run("up", "./mine/blueprint.yaml", "--local", "--yes").err
    assert slx.written("./mine/blueprint.yaml", "--local", "--yes") == {}


def test_changed_code_alone_is_pushed(restored: Path, slx: Slx) -> None:
    edit(restored / "function" / "app.py", "from Lambda", "from a newer Lambda")

    assert slx.written("./mine/blueprint.yaml", "--local", "--yes", "--no-checks") == {"function hello": "update"}
    assert "from a newer Lambda" in fetch(slx.outputs("--local", "website")["api"])


def test_a_changed_page_alone_is_uploaded_and_a_removed_one_goes(restored: Path, slx: Slx) -> None:
    (restored / "site" / "extra.html").write_text("<title>extra</title>")
    edit(restored / "site" / "error.html", "<title>", "<title>My ")
    assert slx.written("./mine/blueprint.yaml", "--local", "--yes") == {"content site": "update"}
    url = slx.outputs("--local", "website")["website"]
    assert "extra" in fetch(f"{url}/extra.html")

    (restored / "site" / "extra.html").unlink()
    assert slx.written("./mine/blueprint.yaml", "--local", "--yes") == {"content site": "update"}
    with pytest.raises(urllib.error.HTTPError) as answer:
        fetch(f"{url}/extra.html")
    assert answer.value.code == 404
    answer.value.close()


def test_a_setting_a_route_and_cors_are_changed_in_place(restored: Path, slx: Slx) -> None:
    blueprint = restored / "blueprint.yaml"
    edit(blueprint, "memory_mb: 128", "memory_mb: 256")
    edit(blueprint, "GET /hello: hello", "GET /hello: hello\n      GET /hello/{name}: hello")
    edit(blueprint, "allow_methods: [GET]", "allow_methods: [GET, POST]")
    url = slx.outputs("--local", "website")["api"]

    written = slx.written("./mine/blueprint.yaml", "--local", "--yes")

    permission = next(one for one in written if one.startswith("permission"))
    assert written == {"function hello": "update", "http-api api": "update", permission: "create"}
    assert slx.outputs("--local", "website")["api"] == url
    assert "Hello from Lambda" in fetch(f"{url}/you")


def test_a_removed_resource_goes_and_the_rest_stays(restored: Path, slx: Slx) -> None:
    blueprint = restored / "blueprint.yaml"
    text = blueprint.read_text()
    extra = "  spare:\n    type: function\n    code: ./function\n\n  api:\n"
    blueprint.write_text(text.replace("  api:\n", extra, 1))
    made = slx.written("./mine/blueprint.yaml", "--local", "--yes")
    assert set(made) == {"function spare", "role spare", "log-group spare"}

    blueprint.write_text(text)
    gone = slx.written("./mine/blueprint.yaml", "--local", "--yes")
    assert gone == dict.fromkeys(made, "delete")


def test_drift_by_hand_is_seen_and_repaired(mine: Path, slx: Slx) -> None:
    instance = local.find(slx.folder)
    assert instance is not None
    functions = client(instance, "lambda")
    functions.update_function_configuration(FunctionName="website-dev-hello", Timeout=30)
    buckets = client(instance, "s3")
    bucket = re.search(r"//([^.]+)\.", slx.outputs("--local", "website")["website"])
    assert bucket
    buckets.put_object(Bucket=bucket[1], Key="index.html", Body=b"defaced", ACL="public-read")

    drifted = slx.run("status", "--local", "--exit-code", "--json", expect=7).document["stacks"][0]
    states = {f"{one['kind']} {one['id']}": one["state"] for one in drifted["resources"] if one["state"] != "in sync"}
    assert states == {"function hello": "drifted", "content site": "drifted"}

    assert slx.written("./mine/blueprint.yaml", "--local", "--yes") == dict.fromkeys(states, "update")
    assert functions.get_function_configuration(FunctionName="website-dev-hello")["Timeout"] == 10


def test_what_the_function_prints_is_in_its_log_group(mine: Path, slx: Slx) -> None:
    fetch(slx.outputs("--local", "website")["api"])
    instance = local.find(slx.folder)
    assert instance is not None

    events = client(instance, "logs").filter_log_events(logGroupName="/aws/lambda/website-dev-hello")["events"]

    lines = [event["message"] for event in events]
    assert any(line.startswith("REPORT RequestId:") for line in lines)


def test_a_killed_local_target_comes_back_with_everything(mine: Path, slx: Slx) -> None:
    instance = local.find(slx.folder)
    assert instance is not None
    url = slx.outputs("--local", "website")["website"]

    os.kill(instance.pid, signal.SIGKILL)

    assert slx.written("./mine/blueprint.yaml", "--local", "--yes") == {}
    assert slx.outputs("--local", "website")["website"] == url
    assert "<title>" in fetch(url)


def test_losing_every_local_file_loses_nothing(mine: Path, slx: Slx) -> None:
    state = slx.folder / ".slx"
    journal = next(state.rglob("journal"))
    journal.unlink()

    assert slx.run("status", "website", "--local", "--json").document["stacks"][0]["ok"] is True
    assert slx.written("./mine/blueprint.yaml", "--local", "--yes") == {}
    assert journal.exists()


def test_stages_live_side_by_side_and_go_without_a_trace(slx: Slx, mine: Path) -> None:
    slx.run("up", "./mine/blueprint.yaml", "--stage", "prod", "--local", "--yes")
    known = slx.run("status", "--local", "--json").document["stacks"]
    assert {(one["stack"], one["stage"]) for one in known} == {("website", "dev"), ("website", "prod")}
    dev, prod = slx.outputs("--local", "website/dev"), slx.outputs("--local", "website/prod")
    assert dev["website"] != prod["website"]

    slx.run("down", "website/dev", "--local", "--yes")
    assert "Hello from Lambda" in fetch(prod["api"])
    slx.run("down", "website/prod", "--local", "--yes")

    assert slx.run("status", "--local", "--all", "--json").document["stacks"] == []
    assert slx.run("outputs", "website/dev", "--local", expect=6).out == ""
