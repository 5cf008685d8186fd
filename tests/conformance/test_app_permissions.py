"""`up` on moto: an API that comes to have many routes, and few again."""

from __future__ import annotations

import json
import threading
import urllib.request
from pathlib import Path

import pytest
from bench import Raw

from serverless_cli.app import up
from serverless_cli.app.settings import Settings
from serverless_cli.events import Event
from serverless_cli.model import Action
from serverless_cli.resources.http_api import NARROW


def nobody(event: Event) -> None:
    """Nobody watches."""


def blueprint(routes: int) -> str:
    head = "name: shop\nresources:\n  hello: {type: function, code: ./code}\n  api:\n    type: http-api\n    routes:\n"
    return head + "".join(f"      GET /{number}: hello\n" for number in range(routes))


@pytest.fixture
def settings(moto: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    urllib.request.urlopen(urllib.request.Request(f"{moto}/moto-api/reset", method="POST")).close()
    for name, value in {"ACCESS_KEY_ID": "test", "SECRET_ACCESS_KEY": "test", "ENDPOINT_URL": moto}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.setenv("SLX_TIME_SCALE", "0.02")
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "app.py").write_text("def handler(event, context):\n    return {}\n")
    return Settings(tmp_path, region="eu-central-1")


def sources(raw: Raw) -> list[str]:
    policy = json.loads(raw("lambda").get_policy(FunctionName="shop-dev-hello")["Policy"])
    return [one["Condition"]["ArnLike"]["AWS:SourceArn"].split(":")[5].partition("/")[2] for one in policy["Statement"]]


def test_permissions_become_one_and_many_again(settings: Settings, raw: Raw):
    found = {}
    for routes in (NARROW, NARROW + 1, NARROW):
        (settings.folder / "blueprint.yaml").write_text(blueprint(routes))
        with up.begin(settings, None) as begun:
            steps = [step for step in begun.plan.writes if step.ref.kind == "permission"]
            news = {step.ref for step in steps if step.action is Action.CREATE}
            assert all(step.needs >= news for step in steps if step.action is Action.DELETE)
            assert begun.run(nobody, threading.Event()).ok
        found[routes] = sorted(sources(raw))
        with up.begin(settings, None) as begun:
            assert begun.plan.writes == ()

    assert found == {NARROW: sorted(f"*/GET/{number}" for number in range(NARROW)), NARROW + 1: ["*"]}
