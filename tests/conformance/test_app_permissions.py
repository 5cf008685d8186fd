"""`up` on moto: an API that comes to have many routes, and few again."""

from __future__ import annotations

import json
import threading

from bench import Raw, nobody

from serverless_cli.app import up
from serverless_cli.app.settings import Settings
from serverless_cli.model import Action
from serverless_cli.resources.http_api import NARROW


def blueprint(routes: int) -> str:
    head = "name: shop\nresources:\n  hello: {type: function, code: ./work}\n  api:\n    type: http-api\n    routes:\n"
    return head + "".join(f"      GET /{number}: hello\n" for number in range(routes))


def sources(raw: Raw) -> list[str]:
    policy = json.loads(raw("lambda").get_policy(FunctionName="shop-dev-hello")["Policy"])
    return [one["Condition"]["ArnLike"]["AWS:SourceArn"].split(":")[5].partition("/")[2] for one in policy["Statement"]]


def test_permissions_become_one_and_many_again(empty: Settings, raw: Raw):
    found = {}
    for routes in (NARROW, NARROW + 1, NARROW):
        (empty.folder / "blueprint.yaml").write_text(blueprint(routes))
        with up.begin(empty, None) as begun:
            steps = [step for step in begun.plan.writes if step.ref.kind == "permission"]
            news = {step.ref for step in steps if step.action is Action.CREATE}
            assert all(step.needs >= news for step in steps if step.action is Action.DELETE)
            assert begun.run(nobody, threading.Event()).ok
        found[routes] = sorted(sources(raw))
        with up.begin(empty, None) as begun:
            assert begun.plan.writes == ()

    assert found == {NARROW: sorted(f"*/GET/{number}" for number in range(NARROW)), NARROW + 1: ["*"]}
