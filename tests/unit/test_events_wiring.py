"""Each wiring of rules and pipes both ways, planned and carried out on moto: made, changed, and removed while both
ends stay."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import boto3
import pytest
from events_fakes import HERE, PLACE, EndSpec, stack
from fakes import Held, Listener, SpyJournal
from moto import mock_aws
from moto.moto_api._internal.models import moto_api_backend

from serverless_cli import execute, plan
from serverless_cli.aws.calls import Aws
from serverless_cli.aws.clock import WallClock
from serverless_cli.aws.identity import Credentials, connect
from serverless_cli.model import Action, Change, Found, Observed, Outputs, Place, Plan, Ref, Spec, Verb
from serverless_cli.resources.admission import AdmissionKind
from serverless_cli.resources.base import Here, Kind
from serverless_cli.resources.event_bus import EventBusKind
from serverless_cli.resources.permission import PermissionSpec
from serverless_cli.resources.pipe import PipeKind
from serverless_cli.resources.queue import QueueKind
from serverless_cli.resources.role import RoleKind
from serverless_cli.resources.rule import RuleKind
from serverless_cli.resources.table_form import TableSpec
from serverless_cli.resources.topic import TopicKind


class InMemory(Kind[Any]):
    """A kind whose resources are noted down, and no more."""

    permissions: ClassVar[dict[Verb, tuple[str, ...]]] = {}

    def __init__(self, kind: str, spec: type[Spec], *, marked: bool = True) -> None:
        self.kind, self.doc, self.spec, self.marked = kind, kind, spec, marked  # type: ignore[misc]
        self.things: dict[str, Observed] = {}

    def read(self, aws: Aws, here: Here) -> Observed | None:
        return self.things.get(here.name)

    def create(self, aws: Aws, here: Here, spec: Spec) -> Outputs:
        outputs = self.outputs(here, spec)
        self.things[here.name] = Observed(spec, outputs, here.mark if self.marked else None)
        return outputs

    def outputs(self, here: Here, spec: Spec) -> Outputs:
        return {}

    def update(self, aws: Aws, here: Here, spec: Spec, changes: tuple[Change, ...]) -> Outputs:
        return self.create(aws, here, spec)

    def delete(self, aws: Aws, here: Here) -> None:
        self.things.pop(here.name, None)

    def search(self, aws: Aws, place: Place | None) -> Iterator[Found]:
        return iter(())


class Tables(InMemory):
    """Each view of a table's changes is a stream of its own."""

    create_only = frozenset({"key"})
    volatile = frozenset({"stream_arn"})

    def outputs(self, here: Here, spec: Spec) -> Outputs:
        assert isinstance(spec, TableSpec)
        return {"stream_arn": f"arn:aws:dynamodb:{HERE}:table/{here.name}/stream/{spec.stream}"}


class World:
    """A stack that is brought to one blueprint after the other."""

    def __init__(self, home: Path, aws: Aws) -> None:
        self.home = home
        self.aws = aws
        self.journal = SpyJournal()
        made_up = [InMemory(kind, EndSpec) for kind in ("function", "state-machine", "stream", "delivery-stream")]
        kinds = (EventBusKind(), RuleKind(), PipeKind(), QueueKind(), TopicKind(), AdmissionKind(), RoleKind())
        permissions = InMemory("permission", PermissionSpec, marked=False)
        others = (*made_up, permissions, Tables("table", TableSpec))
        self.kinds: dict[str, Kind[Any]] = {kind.kind: kind for kind in (*kinds, *others)}

    def plan(self, text: str) -> Plan:
        wish = stack(self.home, text)
        record = replace(self.journal.record, complete=True)
        heres = plan.heres(PLACE, self.kinds, record, (), wish)
        observed = {ref: self.kinds[ref.kind].read(self.aws, here) for ref, here in heres.items()}
        return plan.up(plan.fill_known(wish, observed, self.kinds), observed, record, self.kinds)

    def up(self, text: str) -> dict[Ref, Action]:
        """Carries it out; what was written."""
        made = self.plan(text)
        report = execute.run(
            made, kinds=self.kinds, aws=self.aws, journal=self.journal, lease=Held(), listen=Listener()
        )
        assert report.ok, [(outcome.step.ref, outcome.error) for outcome in report.outcomes.values() if outcome.error]
        return {step.ref: step.action for step in made.writes}


@pytest.fixture(scope="module")
def aws() -> Iterator[Aws]:
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        patch.setenv("MOTO_IAM_LOAD_MANAGED_POLICIES", "false")
        found = connect(region=PLACE.region, credentials=Credentials("test", "test"), clock=WallClock(0.02))
        yield found.aws
        found.close()


@pytest.fixture
def world(tmp_path: Path, aws: Aws) -> World:
    moto_api_backend.reset()
    return World(tmp_path, aws)


@cache
def client(service: str) -> Any:
    return boto3.client(service, region_name=PLACE.region, aws_access_key_id="test", aws_secret_access_key="test")


def policy(queue: str) -> list[dict[str, Any]]:
    """The statements of a queue's policy that are ours."""
    url = client("sqs").get_queue_url(QueueName=f"shop-dev-{queue}")["QueueUrl"]
    have = client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"]).get("Attributes", {})
    return json.loads(have.get("Policy") or '{"Statement": []}')["Statement"]


ACTION = {"C": Action.CREATE, "U": Action.UPDATE, "D": Action.DELETE}
RULES = {
    "jobs": "admission jobs",
    "news": "admission news",
    "worker": "permission r.worker",
    "flow": "role r",
    "clicks": "role r",
    "archive": "role r",
    "default": "role r",
}
PIPES = ("events", "jobs", "news", "worker", "flow", "clicks", "archive")


@pytest.mark.parametrize(("target", "beside"), RULES.items(), ids=RULES)
def test_a_rule_is_wired_changed_and_removed_while_both_ends_stay(world: World, target: str, beside: str):
    rule = f"r: {{type: rule, bus: events, pattern: {{source: [shop]}}, targets: [{target}]}}"
    changed = f"r: {{type: rule, bus: events, pattern: {{source: [bank]}}, targets: [{{to: {target}, retries: 3}}]}}"
    world.up("")

    made, again = world.up(rule), world.up(rule)
    edited, once_more = world.up(changed), world.up(changed)
    removed, after = world.up(""), world.up("")

    both = {"rule r", beside}
    assert {str(ref): action for ref, action in made.items()} == dict.fromkeys(both, Action.CREATE)
    assert {str(ref): action for ref, action in edited.items()} == {"rule r": Action.UPDATE}
    assert {str(ref): action for ref, action in removed.items()} == dict.fromkeys(both, Action.DELETE)
    assert (again, once_more, after) == ({}, {}, {})
    assert client("events").list_rules(EventBusName="shop-dev-events")["Rules"] == []


def test_a_queue_forgets_just_the_rule_that_is_gone(world: World):
    one = "a: {type: rule, bus: events, pattern: {source: [shop]}, targets: [jobs]}"
    two = "b: {type: rule, schedule: rate(1 day), targets: [jobs]}"

    world.up(f"{one}\n{two}")
    before = {statement["Sid"] for statement in policy("jobs")}
    written = world.up(two)

    assert (before, [one["Sid"] for one in policy("jobs")]) == ({"slx-a", "slx-b"}, ["slx-b"])
    assert {str(ref): action for ref, action in written.items()} == {
        "rule a": Action.DELETE,
        "admission jobs": Action.UPDATE,
    }


def test_a_rule_that_moves_to_another_bus_is_made_there_and_gone_here(world: World):
    rule = "r: {{type: rule, {}pattern: {{source: [shop]}}, targets: [jobs]}}"
    world.up(rule.format(""))

    world.up(rule.format("bus: events, "))

    assert client("events").list_rules()["Rules"] == []
    assert [one["Name"] for one in client("events").list_rules(EventBusName="shop-dev-events")["Rules"]] == [
        "shop-dev-r"
    ]
    assert [one["Condition"]["ArnEquals"]["aws:SourceArn"] for one in policy("jobs")] == [
        f"arn:aws:events:{HERE}:rule/shop-dev-events/shop-dev-r"
    ]
    assert world.up(rule.format("bus: events, ")) == {}


def test_what_a_function_listens_to_comes_and_goes_with_its_trigger(world: World):
    made = world.up('f: {type: function, bus: events, pattern: \'{"source":["shop"]}\'}')
    removed = world.up("f: {type: function}")

    assert {ref.kind for ref in made} >= {"rule", "permission", "function"}
    assert {ref.kind for ref in removed} == {"rule", "permission"}
    assert set(removed.values()) == {Action.DELETE}


@pytest.mark.parametrize("target", PIPES)
def test_a_pipe_is_wired_changed_and_removed_while_both_ends_stay(world: World, target: str):
    pipe = f"p: {{type: pipe, from: deposits, to: {target}}}"
    changed = f"p: {{type: pipe, from: deposits, to: {target}, filter: [{{eventName: [INSERT]}}], on_failure: dead}}"
    world.up("")

    made, again = world.up(pipe), world.up(pipe)
    edited = world.up(changed)
    filters = client("pipes").describe_pipe(Name="shop-dev-p")["SourceParameters"]["FilterCriteria"]["Filters"]
    removed, after = world.up(""), world.up("")

    both = {"pipe p", "role p"}
    assert {str(ref): action for ref, action in made.items()} == dict.fromkeys(both, Action.CREATE)
    assert {str(ref): action for ref, action in edited.items()} == dict.fromkeys(both, Action.UPDATE)
    assert filters == [{"Pattern": '{"eventName":["INSERT"]}'}]
    assert {str(ref): action for ref, action in removed.items()} == dict.fromkeys(both, Action.DELETE)
    assert (again, after) == ({}, {})
    assert client("pipes").list_pipes()["Pipes"] == []


def test_a_pipe_is_made_anew_for_a_new_stream_of_its_table(world: World):
    text = "t: {{type: table, key: id, stream: {}}}\np: {{type: pipe, from: t, to: events}}"
    world.up(text.format("new"))

    written = world.up(text.format("both"))

    assert {str(ref): action for ref, action in written.items()} == {"table t": Action.UPDATE, "pipe p": Action.REPLACE}
    assert client("pipes").describe_pipe(Name="shop-dev-p")["Source"].endswith("NEW_AND_OLD_IMAGES")
