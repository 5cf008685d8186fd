"""Each wiring of a function both ways, planned and run against moto: made, changed, and removed while both ends stay."""

from __future__ import annotations

import json
import textwrap
import threading
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from bench import PLACE, Raw

from serverless_cli import execute, plan
from serverless_cli.aws.calls import Aws
from serverless_cli.blueprint.parse import parse
from serverless_cli.errors import AwsError
from serverless_cli.model import Action, Entry, Observed, Record, Ref, Stack
from serverless_cli.resources.admission import AdmissionKind, AdmissionWeaver
from serverless_cli.resources.base import Here
from serverless_cli.resources.bucket import BucketKind, BucketType
from serverless_cli.resources.delivery_stream import DeliveryStreamKind, DeliveryStreamType
from serverless_cli.resources.destination import DestinationKind, DestinationWeaver
from serverless_cli.resources.function import FunctionKind, FunctionType
from serverless_cli.resources.log_group import LogGroupKind, LogGroupWeaver
from serverless_cli.resources.mapping import MappingKind, MappingWeaver
from serverless_cli.resources.notification import NotificationKind, NotificationWeaver
from serverless_cli.resources.permission import PermissionKind, PermissionWeaver
from serverless_cli.resources.queue import QueueKind, QueueType
from serverless_cli.resources.role import RoleKind, RoleWeaver
from serverless_cli.resources.stream import StreamKind, StreamType
from serverless_cli.resources.subscription import SubscriptionKind, SubscriptionWeaver
from serverless_cli.resources.table import TableKind, TableType
from serverless_cli.resources.topic import TopicKind, TopicType

TYPES = {one.type_name: one for one in (
    FunctionType(), BucketType(), QueueType(), TableType(), TopicType(), StreamType(), DeliveryStreamType(),
)}  # fmt: skip
WEAVERS = {one.takes: one for one in (
    LogGroupWeaver(), RoleWeaver(), PermissionWeaver(), AdmissionWeaver(), SubscriptionWeaver(), MappingWeaver(),
    NotificationWeaver(), DestinationWeaver(),
)}  # fmt: skip
KINDS = {
    kind.kind: kind
    for kind in (
        AdmissionKind(), BucketKind(), DeliveryStreamKind(), DestinationKind(), FunctionKind(), LogGroupKind(),
        MappingKind(), NotificationKind(), PermissionKind(), QueueKind(), RoleKind(), StreamKind(),
        SubscriptionKind(), TableKind(), TopicKind(),
    )
}  # fmt: skip


class Silent:
    """A journal and a lease that nobody looks at."""

    def begin(self, step: Any) -> None: ...
    def finish(self, step: Any, spec: Any, outputs: Any) -> None: ...
    def fail(self, step: Any, why: str) -> None: ...
    def check(self) -> None: ...


class Wired:
    """One stack, brought to one blueprint after the other. `did` are the steps of the last run, by their refs."""

    def __init__(self, aws: Aws, raw: Raw, home: Path) -> None:
        self.aws = aws
        self.raw = raw
        self.home = home
        self.record = Record(complete=True)
        self.did: dict[str, Action] = {}
        self.ended: list[str] = []
        (home / "fn").mkdir()
        (home / "fn" / "app.py").write_text("def handler(event, context):\n    return event\n")

    def up(self, resources: str) -> Stack:
        path = self.home / "blueprint.yaml"
        path.write_text("name: shop\nresources:\n" + textwrap.indent(textwrap.dedent(resources), "  "))
        stack = parse(path, place=lambda _: PLACE, types=TYPES, weavers=WEAVERS)
        heres = plan.heres(PLACE, KINDS, self.record, (), stack)
        observed = self._look(heres)
        known = plan.fill_known(stack, observed, KINDS)
        ready = {ref: plan.replace(one, spec=KINDS[ref.kind].prepare(one.spec)) for ref, one in known.resources.items()}
        stack = plan.replace(known, resources=ready)
        self._run(plan.up(stack, observed, self.record, KINDS), stack)
        return stack

    def down(self) -> None:
        heres = plan.heres(PLACE, KINDS, self.record)
        observed = self._look(heres)
        self._run(plan.down(PLACE, self.record, observed, KINDS), None)

    def _look(self, heres: Mapping[Ref, Here]) -> dict[Ref, Observed | None]:
        found: dict[Ref, Observed | None] = {}
        for ref, here in heres.items():
            try:
                found[ref] = KINDS[ref.kind].read(self.aws, here)
            except AwsError as error:
                # What moto says of a table that is not there, asked for its time to live.
                if error.code != "ResourceNotFound":
                    raise
                found[ref] = None
        return found

    def _run(self, made: plan.Plan, stack: Stack | None) -> None:
        self.did = {str(ref): step.action for ref, step in made.steps.items() if step.action is not Action.KEEP}
        self.ended = []
        lock = threading.Lock()

        def listen(event: Any) -> None:
            if type(event).__name__ == "Ended":
                with lock:
                    self.ended.append(str(event.outcome.step.ref))

        quiet = Silent()
        report = execute.run(made, kinds=KINDS, aws=self.aws, journal=quiet, lease=quiet, listen=listen)
        assert report.ok, [(str(ref), one.error) for ref, one in report.outcomes.items() if one.error]
        entries = {
            ref: Entry(ref, one.name, one.spec, report.outcomes[ref].outputs, one.needs, one.inside, one.retain)
            for ref, one in (stack.resources if stack else {}).items()
        }
        self.record = Record(entries, complete=True)

    def changed(self, *refs: str) -> dict[str, Action]:
        """What was done to those refs, and that nothing was done to the ends of the wiring."""
        assert not [ref for ref in self.did if ref.partition(" ")[0] in ("queue", "bucket", "table", "stream", "topic")]
        return {ref: self.did[ref] for ref in refs}

    def mappings(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.raw("lambda").list_event_source_mappings()["EventSourceMappings"]
        return found

    def policy(self) -> list[dict[str, Any]]:
        try:
            found = self.raw("lambda").get_policy(FunctionName="shop-dev-fn")["Policy"]
        except self.raw("lambda").exceptions.ResourceNotFoundException:
            return []
        return list(json.loads(found)["Statement"])

    def rights(self) -> set[str]:
        role = next(
            one["RoleName"]
            for one in self.raw("iam").list_roles()["Roles"]
            if one["RoleName"].startswith("shop-dev-fn")
        )
        found = self.raw("iam").get_role_policy(RoleName=role, PolicyName="slx")["PolicyDocument"]
        lists = [one["Action"] for one in found["Statement"]]
        return {action for one in lists for action in ([one] if isinstance(one, str) else one)} - {
            "logs:CreateLogStream", "logs:PutLogEvents",
        }  # fmt: skip


@pytest.fixture
def wired(moto: str, connection: Aws, raw: Raw, tmp_path: Path) -> Wired:
    urllib.request.urlopen(urllib.request.Request(f"{moto}/moto-api/reset", method="POST")).close()
    return Wired(connection, raw, tmp_path)


def fn(trigger: str = "", more: str = "") -> str:
    triggers = f", triggers: [{trigger}]" if trigger else ""
    return f"fn: {{type: function, code: ./fn{triggers}{more}}}\n"


POLLED: dict[str, tuple[str, str, str, str]] = {
    "queue": ("jobs: {type: queue}", "queue: jobs", "fn.jobs", "sqs:ReceiveMessage"),
    "table": ("jobs: {type: table, key: id, stream: both}", "table: jobs", "fn.jobs", "dynamodb:GetRecords"),
    "stream": ("jobs: {type: stream, shards: 1}", "stream: jobs", "fn.jobs", "kinesis:GetRecords"),
}


@pytest.mark.parametrize(("source", "trigger", "id", "right"), POLLED.values(), ids=POLLED)
def test_what_is_polled(wired: Wired, source: str, trigger: str, id: str, right: str):
    wired.up(source + "\n" + fn(f"{{{trigger}}}"))
    made = wired.mappings()
    assert right in wired.rights()

    wired.up(source + "\n" + fn(f"{{{trigger}, batch_size: 7}}"))
    changed = wired.mappings()
    assert wired.changed(f"mapping {id}") == {f"mapping {id}": Action.UPDATE}

    wired.up(source + "\n" + fn())
    assert wired.changed(f"mapping {id}") == {f"mapping {id}": Action.DELETE}
    assert wired.mappings() == []
    assert wired.rights() == set()

    wired.up(source + "\n" + fn())
    assert wired.did == {}
    assert [one["BatchSize"] for one in (*made, *changed)] == [10 if "queue" in trigger else 100, 7]
    assert made[0]["UUID"] == changed[0]["UUID"]


KEY = "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
OURS = {"queue": "alias/ours", "table": KEY, "stream": KEY}


@pytest.mark.parametrize("kind", POLLED)
def test_what_is_polled_with_a_key_of_ones_own(wired: Wired, kind: str):
    """The role gets the right to the key, keeps it as IAM gives it back, and loses it with the key."""
    source, trigger, _, _ = POLLED[kind]
    kept = source.removesuffix("}") + f", encryption: '{OURS[kind]}'}}\n" + fn(f"{{{trigger}}}")
    wired.up(kept)
    assert "kms:Decrypt" in wired.rights()

    wired.up(kept)
    assert wired.did == {}

    wired.up(source + "\n" + fn(f"{{{trigger}}}"))
    assert (wired.did[f"{kind} jobs"], wired.did["role fn"]) == (Action.UPDATE, Action.UPDATE)
    assert "kms:Decrypt" not in wired.rights()


def test_what_is_sent_to_with_keys_of_ones_own(wired: Wired):
    resources = f"""
        news: {{type: topic, encryption: '{KEY}', subscriptions: [{{queue: jobs}}]}}
        jobs: {{type: queue, encryption: alias/ours, dead_letter: dead}}
        dead: {{type: queue}}
        sender: {{type: function, code: ./fn, on_failure: news}}
        fn: {{type: function, code: ./fn, triggers: [{{queue: dead}}]}}
    """
    stack = wired.up(resources)
    assert [one.what for one in stack.warnings] == [
        "the policy of the key that jobs is encrypted with must let sns.amazonaws.com in"
    ]
    assert "kms:Decrypt" in wired.rights()

    wired.up(resources)
    assert wired.did == {}


def test_a_change_of_the_table_that_leaves_its_stream_leaves_the_mapping(wired: Wired):
    wired.up("jobs: {type: table, key: id, stream: both}\n" + fn("{table: jobs}"))
    before = wired.mappings()

    wired.up("jobs: {type: table, key: id, stream: both, point_in_time_recovery: true}\n" + fn("{table: jobs}"))

    assert wired.did["table jobs"] is Action.UPDATE
    assert wired.mappings() == before


def told(wired: Wired, stack: Stack) -> list[dict[str, Any]]:
    bucket = stack.resources[Ref("bucket", "photos")].name
    found = wired.raw("s3").get_bucket_notification_configuration(Bucket=bucket)
    return list(found.get("LambdaFunctionConfigurations", []))


def test_what_a_bucket_tells(wired: Wired):
    bucket = "photos: {type: bucket}\n"
    stack = wired.up(bucket + fn("{bucket: photos, suffix: .jpg}"))
    made = told(wired, stack)
    assert wired.ended.index("permission photos.fn") < wired.ended.index("notification photos")
    assert len(wired.policy()) == 1

    stack = wired.up(bucket + fn("{bucket: photos, suffix: .png}"))
    changed = told(wired, stack)
    assert wired.changed("notification photos") == {"notification photos": Action.UPDATE}

    stack = wired.up(bucket + fn())
    assert wired.ended.index("notification photos") < wired.ended.index("permission photos.fn")
    assert wired.changed("notification photos") == {"notification photos": Action.DELETE}
    assert told(wired, stack) == []
    assert wired.policy() == []
    suffixes = [one["Filter"]["Key"]["FilterRules"][0]["Value"] for one in (*made, *changed)]
    assert suffixes == [".jpg", ".png"]


def test_what_a_topic_tells(wired: Wired):
    topic = "news: {type: topic}\n"
    sns: Callable[[], list[Any]] = lambda: wired.raw("sns").list_subscriptions()["Subscriptions"]  # noqa: E731
    wired.up(topic + fn("{topic: news}"))
    assert len(sns()) == len(wired.policy()) == 1

    wired.up(topic + fn("{topic: news, filter: {kind: [sport]}}"))
    assert wired.changed("subscription news.fn") == {"subscription news.fn": Action.UPDATE}

    wired.up(topic + fn())
    assert wired.changed("subscription news.fn") == {"subscription news.fn": Action.DELETE}
    assert sns() == wired.policy() == []


def test_where_results_go(wired: Wired):
    ends = "dead: {type: queue}\nmore: {type: queue}\n"
    wired.up(ends + fn(more=", on_failure: {to: dead, retries: 0}"))
    made = wired.raw("lambda").get_function_event_invoke_config(FunctionName="shop-dev-fn")
    assert wired.rights() == {"sqs:SendMessage"}

    wired.up(ends + fn(more=", on_failure: {to: more, retries: 1}"))
    assert wired.changed("destination fn") == {"destination fn": Action.UPDATE}

    wired.up(ends + fn())
    assert wired.changed("destination fn") == {"destination fn": Action.DELETE}
    assert wired.rights() == set()
    assert made["MaximumRetryAttempts"] == 0
    with pytest.raises(wired.raw("lambda").exceptions.ResourceNotFoundException):
        wired.raw("lambda").get_function_event_invoke_config(FunctionName="shop-dev-fn")


def test_everything_goes_in_the_order_that_aws_demands(wired: Wired):
    wired.up(
        "jobs: {type: queue}\nphotos: {type: bucket}\nclicks: {type: stream}\n"
        "out: {type: delivery-stream, from: clicks, transform: work, to: {bucket: photos, prefix: out/}}\n"
        "work: {type: function, code: ./fn}\n"
        + fn(
            "{queue: jobs}, {bucket: photos, prefix: in/}, {stream: clicks}", ", on_failure: jobs, access: {out: send}"
        )
    )

    wired.down()

    at = wired.ended.index
    assert at("mapping fn.jobs") < min(at("function fn"), at("queue jobs"))
    assert at("mapping fn.clicks") < at("stream clicks")
    assert at("notification photos") < at("bucket photos")
    assert at("notification photos") < at("function fn")
    assert at("delivery-stream out") < at("role out")
    assert at("delivery-stream out") < at("stream clicks")
    assert wired.mappings() == []
