from __future__ import annotations

from pathlib import Path

import pytest
from events_fakes import HERE, PLACE, problems, stack, statements

from serverless_cli.model import Ref, Stack
from serverless_cli.names import listener_rule_arn, listener_rule_name
from serverless_cli.resources.admission import Admission, AdmissionSpec
from serverless_cli.resources.event_form import rule_arn, rule_name
from serverless_cli.resources.permission import PermissionSpec
from serverless_cli.resources.rule import RuleSpec, Target

ROLE = "arn:aws:iam::123456789012:role/slx/eu-central-1/shop/dev/shop-dev-r-bfec39"
BUS = f"arn:aws:events:{HERE}:event-bus"
RULES = f"arn:aws:events:{HERE}:rule"


def rule(found: Stack, id: str = "r") -> RuleSpec:
    spec = found.resources[Ref("rule", id)].spec
    assert isinstance(spec, RuleSpec)
    return spec


# ---------------------------------------------------------------- blueprints


def test_a_rule_on_a_bus_of_its_own_is_named_after_the_bus_too(tmp_path: Path):
    found = stack(tmp_path, "r: {type: rule, bus: events, pattern: {source: [shop]}, targets: [jobs]}")

    resource = found.resources[Ref("rule", "r")]
    assert resource.name == "shop-dev-events/shop-dev-r"
    assert rule(found).pattern == '{"source":["shop"]}'
    assert Ref("event-bus", "events") in resource.needs


def test_a_schedule_is_on_the_default_bus(tmp_path: Path):
    found = stack(tmp_path, "r: {type: rule, schedule: rate(5 minutes), targets: [jobs], enabled: false}")

    spec = rule(found)
    assert found.resources[Ref("rule", "r")].name == "shop-dev-r"
    assert (spec.schedule, spec.pattern, spec.enabled) == ("rate(5 minutes)", "", False)


def test_a_queue_and_a_topic_let_the_rule_in_before_it_sends(tmp_path: Path):
    found = stack(tmp_path, "r: {type: rule, bus: events, pattern: {source: [shop]}, targets: [jobs, news, jobs]}")

    own = (f"{RULES}/shop-dev-events/shop-dev-r",)
    jobs, news = (found.resources[Ref("admission", id)].spec for id in ("jobs", "news"))
    assert jobs == AdmissionSpec("queue", {"slx-r": Admission("events.amazonaws.com", ("sqs:SendMessage",), own)})
    assert news == AdmissionSpec("topic", {"slx-r": Admission("events.amazonaws.com", ("sns:Publish",), own)})
    assert {Ref("admission", "jobs"), Ref("admission", "news")} <= found.resources[Ref("rule", "r")].needs
    assert Ref("role", "r") not in found.resources


def test_a_function_lets_the_rule_in_once_however_often_it_is_a_target(tmp_path: Path):
    text = "r: {type: rule, schedule: rate(1 day), targets: [worker, {to: worker, input: {a: 1}}]}"
    found = stack(tmp_path, text)

    permission = found.resources[Ref("permission", "r.worker")]
    assert permission.spec == PermissionSpec("shop-dev-worker", "events.amazonaws.com", f"{RULES}/shop-dev-r")
    assert {Ref("permission", "r.worker"), Ref("function", "worker")} <= found.resources[Ref("rule", "r")].needs
    assert {id: one.input for id, one in rule(found).targets.items()} == {
        "slx-worker": "",
        "slx-worker.2": '{"a":1}',
    }


@pytest.mark.parametrize(
    ("target", "arn", "actions"),
    [
        ("flow", f"arn:aws:states:{HERE}:stateMachine:shop-dev-flow", ("states:StartExecution",)),
        ("clicks", f"arn:aws:kinesis:{HERE}:stream/shop-dev-clicks", ("kinesis:PutRecord", "kinesis:PutRecords")),
        (
            "archive",
            f"arn:aws:firehose:{HERE}:deliverystream/shop-dev-archive",
            ("firehose:PutRecord", "firehose:PutRecordBatch"),
        ),
        ("events", f"{BUS}/shop-dev-events", ("events:PutEvents",)),
    ],
)
def test_other_targets_are_sent_to_under_a_role_with_just_that_right(
    tmp_path: Path, target: str, arn: str, actions: tuple[str, ...]
):
    found = stack(tmp_path, f"r: {{type: rule, pattern: {{source: [shop]}}, targets: [{target}]}}")

    assert statements(found, "r") == {(arn,): actions}
    assert found.resources[Ref("role", "r")].spec.trust == ("events.amazonaws.com",)
    assert rule(found).targets == {f"slx-{target}": Target(arn, ROLE)}
    assert Ref("role", "r") in found.resources[Ref("rule", "r")].needs


def test_one_role_has_what_all_targets_need_and_nothing_for_those_with_policies(tmp_path: Path):
    text = "r: {type: rule, bus: events, pattern: {source: [shop]}, targets: [flow, default, jobs, worker]}"
    found = stack(tmp_path, text)

    assert statements(found, "r") == {
        (f"{BUS}/default",): ("events:PutEvents",),
        (f"arn:aws:states:{HERE}:stateMachine:shop-dev-flow",): ("states:StartExecution",),
    }
    assert [one.role for one in rule(found).targets.values()] == [ROLE, ROLE, "", ""]


def test_a_target_says_all_in_its_long_form(tmp_path: Path):
    found = stack(
        tmp_path,
        """
        r:
          type: rule
          pattern: {source: [shop]}
          targets:
          - {to: clicks, partition_key: $.detail.id, input_path: $.detail}
          - {to: ordered, group: all}
          - {to: news, template: {id: "<$.detail.id>", text: "Deposit <$.detail.id>"}}
          - {to: jobs, retries: 3, max_age_s: 600, dead_letter: dead}
        """,
    )

    clicks, ordered, news, jobs = rule(found).targets.values()
    dead = f"arn:aws:sqs:{HERE}:shop-dev-dead"
    assert (clicks.partition_key, clicks.input_path) == ("$.detail.id", "$.detail")
    assert (ordered.group, ordered.arn) == ("all", f"arn:aws:sqs:{HERE}:shop-dev-ordered.fifo")
    assert (news.paths, news.template) == (
        {"detail_id": "$.detail.id"},
        '{"id":<detail_id>,"text":"Deposit <detail_id>"}',
    )
    assert (jobs.retries, jobs.max_age_s, jobs.dead_letter) == (3, 600, dead)
    assert {Ref("admission", "dead"), Ref("queue", "dead")} <= found.resources[Ref("rule", "r")].needs
    assert found.resources[Ref("admission", "dead")].spec.statements["slx-r"].actions == ("sqs:SendMessage",)


def test_nothing_is_said_in_the_policies_of_what_exists_already(tmp_path: Path):
    text = """
        theirs: {type: queue, existing: their-queue}
        bus: {type: event-bus, existing: their-bus}
        r: {type: rule, bus: bus, pattern: {source: [shop]}, targets: [theirs]}
        """
    found = stack(tmp_path, text)

    resource = found.resources[Ref("rule", "r")]
    assert Ref("admission", "theirs") not in found.resources
    assert resource.needs == {Ref("event-bus", "bus"), Ref("queue", "theirs")}
    assert (resource.name, rule(found).targets["slx-theirs"].arn) == (
        "their-bus/shop-dev-r",
        f"arn:aws:sqs:{HERE}:their-queue",
    )


def test_the_arn_of_a_rule_is_handed_out_because_it_names_the_bus(tmp_path: Path):
    text = """
        r: {type: rule, bus: events, pattern: {source: [shop]}, targets: [jobs]}
        s: {type: rule, pattern: {resources: ["${r.arn}"]}, targets: [jobs]}
        """

    assert Ref("rule", "r") in stack(tmp_path, text).resources[Ref("rule", "s")].needs


# ---------------------------------------------------------------- what functions listen to


def test_each_schedule_of_a_function_is_a_rule_of_its_own(tmp_path: Path):
    found = stack(tmp_path, 'f: {type: function, schedules: [rate(1 day), "cron(0 8 * * ? *)"]}')

    first, second = (found.resources[Ref("rule", f"f.{number}")] for number in (1, 2))
    target = {"slx-f": Target(f"arn:aws:lambda:{HERE}:function:shop-dev-f")}
    assert first.spec == RuleSpec("", "rate(1 day)", True, "", target)
    assert second.spec == RuleSpec("", "cron(0 8 * * ? *)", True, "", target)
    assert first.name != second.name


def test_a_function_listens_to_a_bus_and_lets_just_that_rule_in_first(tmp_path: Path):
    found = stack(tmp_path, """f: {type: function, bus: events, pattern: '{"source":["shop"]}'}""")

    one = found.resources[Ref("rule", "f.1")]
    [permission] = [resource for ref, resource in found.resources.items() if ref.kind == "permission"]
    assert one.needs == {Ref("function", "f"), Ref("event-bus", "events"), permission.ref}
    assert permission.spec.source_arn == rule_arn(PLACE, one.name)
    assert one.name.startswith("shop-dev-events/shop-dev-f")


@pytest.mark.parametrize("bus", ["default", "shop-dev-events"])
def test_the_rule_of_a_trigger_has_the_arn_that_the_permission_names(bus: str):
    name = rule_name(bus, listener_rule_name(PLACE, "f", 1))

    assert rule_arn(PLACE, name) == listener_rule_arn(PLACE, "f", 1, bus)


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("r: {type: rule, targets: [jobs]}", 1, "neither `pattern` nor `schedule`"),
        ("r: {type: rule, schedule: rate(1 days), targets: [jobs]}", 1, "is no rate"),
        ("r:\n  type: rule\n  bus: events\n  schedule: rate(1 day)\n  targets: [jobs]", 4, "a schedule on the bus events"),
        ("r:\n  type: rule\n  targets: [jobs]\n  pattern:\n    source: shop", 5, "wants a list"),
        ("r:\n  type: rule\n  targets: [jobs]\n  pattern:\n    a: [x]\n    b:\n    - c: d", 7, "unknown operator"),
        ("r:\n  type: rule\n  bus: nowhere\n  pattern: {a: [b]}\n  targets: [jobs]", 3, "no event bus"),
        ("r:\n  type: rule\n  bus: jobs\n  pattern: {a: [b]}\n  targets: [jobs]", 3, "no event bus"),
        ("r:\n  type: rule\n  schedule: rate(1 day)\n  targets:\n  - jobs\n  - nothing", 6, "no resource"),
        ("r:\n  type: rule\n  schedule: rate(1 day)\n  targets:\n  - deposits", 5, "a table"),
        ("r: {type: rule, schedule: rate(1 day), targets: [ordered]}", 1, "without a group"),
        ("r: {type: rule, schedule: rate(1 day), targets: [{to: news, group: a}]}", 1, "message groups"),
        ("r: {type: rule, schedule: rate(1 day), targets: []}", 1, "it takes 1 to 5"),
        ("r: {type: rule, schedule: rate(1 day), targets: [jobs, jobs, jobs, jobs, jobs, jobs]}", 1, "1 to 5"),
        ("r: {type: rule, bus: events, pattern: {a: [b]}, targets: [events]}", 1, "its own bus"),
        ("r: {type: rule, pattern: {a: [b]}, targets: [default]}", 1, "its own bus"),
        ("r: {type: rule, pattern: {a: [b]}, targets: [{to: events, input: {a: 1}}]}", 1, "as they are"),
        ("r: {type: rule, pattern: {a: [b]}, targets: [{to: jobs, input: 1, input_path: $.a}]}", 1, "one of them"),
        ("r: {type: rule, pattern: {a: [b]}, targets: [{to: jobs, input_path: detail}]}", 1, "a path such as"),
        ("r: {type: rule, pattern: {a: [b]}, targets: [{to: jobs, partition_key: $.a}]}", 1, "only streams"),
        ("r: {type: rule, pattern: {a: [b]}, targets: [{to: jobs, template: {a: '<$.b'}}]}", 1, "has no end"),
        ("r: {type: rule, pattern: {a: [b]}, targets: [{to: jobs, retries: 186}]}", 1, "0 to 185"),
        ("r: {type: rule, pattern: {a: [b]}, targets: [{to: jobs, max_age_s: 59}]}", 1, "60 to 86400"),
        ("r: {type: rule, pattern: {a: [b]}, targets: [{to: jobs, dead_letter: ordered}]}", 1, "standard queues"),
        ("r: {type: rule, pattern: {a: [b]}, targets: [{to: jobs, dead_letter: news}]}", 1, "no queue"),
        ("default: {type: event-bus}", 1, "the id `default`"),
        ("b: {type: event-bus, name: default}", 1, "AWS would refuse the name"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_refused_at_its_line(tmp_path: Path, text: str, line: int, words: str):
    found = problems(tmp_path, text)

    assert [(line, True)] == [(where, words in said) for where, said in found]


def test_a_fifo_queue_must_drop_repetitions_and_a_fifo_topic_is_no_target(tmp_path: Path):
    text = """\
        q: {type: queue, fifo: true}
        t: {type: topic, fifo: true}
        r: {type: rule, schedule: rate(1 day), targets: [{to: q, group: a}, t]}
        """

    assert [said.partition(":")[0] for _, said in problems(tmp_path, text)] == [
        "the FIFO queue q does not drop repetitions by content",
        "the rule r leads to the FIFO topic t",
    ]
