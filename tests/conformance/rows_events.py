"""The conformance suite's rows of buses, rules and pipes, as data: rows.py appends EVENTS to ROWS."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from bench import Bench, Row
from moto_events import keeping_the_position

from serverless_cli.resources.event_bus import EventBusSpec, EventBusType
from serverless_cli.resources.pipe import PipeSpec, PipeType
from serverless_cli.resources.rule import RuleSpec, RuleType, Target

HERE = "eu-central-1:123456789012"
ROLES = "arn:aws:iam::123456789012:role"
BUS = "their-bus"


def of(*fields: str) -> frozenset[str]:
    return frozenset(fields)


def pairs(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


# Buses


def make_bus(b: Bench, tags: dict[str, str]) -> None:
    b.raw("events").create_event_bus(Name=b.name, Tags=pairs(tags))


EVENT_BUS = Row(
    "event-bus",
    EventBusType.name_rule,
    lambda _: EventBusSpec(),
    edits={},
    drifts={
        "the mark": (
            of("mark"),
            lambda b: b.raw("events").untag_resource(
                ResourceARN=f"arn:aws:events:{HERE}:event-bus/{b.name}", TagKeys=list(b.here().mark.tags)
            ),
        ),
    },
    halves={"made": lambda b: make_bus(b, b.here().mark.tags)},
    stranger=make_bus,
)


# Rules, on a bus of their own: a call that forgets to name it is about another rule

QUEUE = Target(f"arn:aws:sqs:{HERE}:jobs")
FLOW = Target(
    f"arn:aws:states:{HERE}:stateMachine:flow", f"{ROLES}/rule", template='{"id":<id>}', paths={"id": "$.detail.id"}
)
TARGETS = {"slx-jobs": QUEUE, "slx-flow": FLOW}


def ours(b: Bench) -> str:
    return b.name.partition("/")[2]


def put_rule(b: Bench, tags: Mapping[str, str] | None = None, **settings: Any) -> None:
    defaults: dict[str, Any] = {"EventPattern": '{"source":["theirs"]}'}
    more = {"Tags": pairs(tags)} if tags else {}
    b.raw("events").put_rule(Name=ours(b), EventBusName=BUS, **{**defaults, **settings}, **more)


def put_target(id: str, **settings: Any) -> Callable[[Bench], object]:
    one = {"Id": id, "Arn": QUEUE.arn, **settings}
    return lambda b: b.raw("events").put_targets(Rule=ours(b), EventBusName=BUS, Targets=[one])


def drop_target(id: str) -> Callable[[Bench], object]:
    return lambda b: b.raw("events").remove_targets(Rule=ours(b), EventBusName=BUS, Ids=[id])


def by_hand(**settings: Any) -> Callable[[Bench], object]:
    def change(b: Bench) -> None:
        spec = b.wish
        assert isinstance(spec, RuleSpec)
        wanted: dict[str, Any] = {"EventPattern": spec.pattern, "Description": spec.description, **settings}
        put_rule(b, **{key: value for key, value in wanted.items() if value})

    return change


RULE = Row(
    "rule",
    RuleType.name_rule,
    lambda _: RuleSpec('{"source":["shop"]}', "", True, "what for", TARGETS),
    name=f"{BUS}/{{}}",
    before=lambda b: b.raw("events").create_event_bus(Name=BUS),
    edits={
        "another pattern": {"pattern": '{"detail-type":["Order"],"source":["shop"]}'},
        "off": {"enabled": False},
        "another description": {"description": "what else"},
        "no description": {"description": ""},
        "one target less": {"targets": {"slx-jobs": QUEUE}},
        "one target more": {"targets": {**TARGETS, "slx-news": Target(f"arn:aws:sns:{HERE}:news")}},
        "other targets": {"targets": {"slx-news": Target(f"arn:aws:sns:{HERE}:news")}},
        "another input": {"targets": {"slx-jobs": QUEUE, "slx-flow": replace(FLOW, input='{"a":1}', template="", paths={})}},
        "all of a target": {
            "targets": {
                "slx-jobs": replace(
                    QUEUE, input_path="$.detail", group="all", retries=3, max_age_s=600,
                    dead_letter=f"arn:aws:sqs:{HERE}:dead",
                ),
                "slx-flow": replace(FLOW, partition_key="$.detail.id"),
            }
        },
    },
    fixed={"schedule": "only on the default bus: see test_conformance_events.py"},
    drifts={
        "the pattern": (of("pattern"), by_hand(EventPattern='{"source":["mine"]}')),
        "off": (of("enabled"), lambda b: b.raw("events").disable_rule(Name=ours(b), EventBusName=BUS)),
        "the description": (of("description"), by_hand(Description="mine")),
        "a target's absence": (of("targets"), drop_target("slx-flow")),
        "a target's input": (of("targets"), put_target("slx-jobs", Input='{"by":"hand"}')),
        "one more target of ours": (of("targets"), put_target("slx-mine")),
        "the mark": (
            of("mark"),
            lambda b: b.raw("events").untag_resource(
                ResourceARN=f"arn:aws:events:{HERE}:rule/{b.name}", TagKeys=list(b.here().mark.tags)
            ),
        ),
    },
    halves={
        "made, without targets": lambda b: put_rule(b, b.here().mark.tags),
        "made, with one target": lambda b: (put_rule(b, b.here().mark.tags), put_target("slx-jobs")(b)),
    },
    stranger=put_rule,
)  # fmt: skip


# Pipes

TABLE = f"arn:aws:dynamodb:{HERE}:table/deposits/stream/2026-01-01T00:00:00.000"
TO_BUS = {"Source": "shop", "DetailType": "Deposit"}


def make_pipe(b: Bench, tags: dict[str, str], **settings: Any) -> None:
    spec = b.wish
    assert isinstance(spec, PipeSpec)
    source = {"DynamoDBStreamParameters": {"StartingPosition": spec.position, "BatchSize": 1}}
    defaults: dict[str, Any] = {"Source": spec.source, "Target": spec.target, "RoleArn": f"{ROLES}/theirs"}
    b.raw("pipes").create_pipe(
        Name=b.name, **{**defaults, **settings}, SourceParameters=source, **({"Tags": tags} if tags else {})
    )


def retarget(change: Callable[[dict[str, Any]], object]) -> Callable[[Bench], object]:
    """Changes what the target is given."""

    def by_hand(b: Bench) -> None:
        have = b.raw("pipes").describe_pipe(Name=b.name)
        parameters = have["TargetParameters"]
        change(parameters)
        b.raw("pipes").update_pipe(Name=b.name, RoleArn=have["RoleArn"], TargetParameters=parameters)

    return by_hand


def own(field: str, value: Any) -> Callable[[Bench], object]:
    """Changes something of the source's own; botocore knows no starting position here, and moto is completed for it."""

    def change(b: Bench) -> None:
        have = b.raw("pipes").describe_pipe(Name=b.name)
        settings = {**have["SourceParameters"]["DynamoDBStreamParameters"], field: value}
        settings.pop("StartingPosition")
        source = {**have["SourceParameters"], "DynamoDBStreamParameters": settings}
        complete(b, lambda: b.raw("pipes").update_pipe(Name=b.name, RoleArn=have["RoleArn"], SourceParameters=source))

    return change


def complete(b: Bench, change: Callable[[], object]) -> None:
    """What moto_events.py does for our own calls, for one by hand."""
    with keeping_the_position(b.place.region, b.name):
        change()


PIPE = Row(
    "pipe",
    PipeType.name_rule,
    lambda _: PipeSpec(
        source=TABLE,
        position="TRIM_HORIZON",
        target=f"arn:aws:events:{HERE}:event-bus/{BUS}",
        role=f"{ROLES}/pipe",
        state="RUNNING",
        description="what for",
        filters=('{"eventName":["INSERT"]}',),
        template='{"id":<$.dynamodb.Keys.id.S>}',
        parameters=TO_BUS,
        batch_size=10,
        batch_window_s=0,
    ),
    edits={
        "another target": {"target": f"arn:aws:events:{HERE}:event-bus/default"},
        "another role": {"role": f"{ROLES}/other"},
        "stopped": {"state": "STOPPED"},
        "another description": {"description": "what else"},
        "another filter": {"filters": ('{"eventName":["REMOVE"]}', '{"eventName":["MODIFY"]}')},
        "no filter": {"filters": ()},
        "another template": {"template": "<$.dynamodb>"},
        "no template": {"template": ""},
        "another detail type": {"parameters": {**TO_BUS, "DetailType": "Other"}},
        "larger batches": {"batch_size": 5},
        "a batch window": {"batch_window_s": 5},
        "few retries": {"retries": 3},
        "old records given up": {"max_age_s": 3600},
        "halves": {"bisect": True},
        "a queue for failures": {"dead_letter": f"arn:aws:sqs:{HERE}:dead"},
        "a queue as target": {
            "target": f"arn:aws:sqs:{HERE}:jobs.fifo", "parameters": {"MessageGroupId": "$.eventID"}, "template": "",
        },
    },
    drifts={
        "the target": (
            of("target"),
            lambda b: b.raw("pipes").update_pipe(
                Name=b.name, RoleArn=f"{ROLES}/pipe", Target=f"arn:aws:events:{HERE}:event-bus/mine"
            ),
        ),
        "the role": (of("role"), lambda b: b.raw("pipes").update_pipe(Name=b.name, RoleArn=f"{ROLES}/mine")),
        "stopped": (of("state"), lambda b: b.raw("pipes").stop_pipe(Name=b.name)),
        "the description": (
            of("description"),
            lambda b: b.raw("pipes").update_pipe(Name=b.name, RoleArn=f"{ROLES}/pipe", Description="mine"),
        ),
        "the filter": (
            of("filters"),
            lambda b: complete(b, lambda: b.raw("pipes").update_pipe(
                Name=b.name, RoleArn=f"{ROLES}/pipe",
                SourceParameters={
                    "FilterCriteria": {"Filters": []},
                    "DynamoDBStreamParameters": {"BatchSize": 10, "MaximumRetryAttempts": -1, "MaximumRecordAgeInSeconds": -1},
                },
            )),
        ),
        "the template": (of("template"), retarget(lambda have: have.update(InputTemplate="<$>"))),
        "the detail type": (
            of("parameters"),
            retarget(lambda have: have["EventBridgeEventBusParameters"].update(DetailType="mine")),
        ),
        "the batches": (of("batch_size"), own("BatchSize", 7)),
        "the window": (of("batch_window_s"), own("MaximumBatchingWindowInSeconds", 7)),
        "the retries": (of("retries"), own("MaximumRetryAttempts", 7)),
        "the age": (of("max_age_s"), own("MaximumRecordAgeInSeconds", 77)),
        "halves": (of("bisect"), own("OnPartialBatchItemFailure", "AUTOMATIC_BISECT")),
        "a queue for failures": (of("dead_letter"), own("DeadLetterConfig", {"Arn": f"arn:aws:sqs:{HERE}:mine"})),
        "the mark": (
            of("mark"),
            lambda b: b.raw("pipes").untag_resource(
                resourceArn=f"arn:aws:pipes:{HERE}:pipe/{b.name}", tagKeys=list(b.here().mark.tags)
            ),
        ),
    },
    halves={"made otherwise": lambda b: make_pipe(b, b.here().mark.tags)},
    stranger=make_pipe,
)  # fmt: skip

EVENTS = (EVENT_BUS, RULE, PIPE)
