"""Every generated policy, of the shipped blueprints and of the broad one, before an independent linter.

The linter is parliament; its data are AWS's service authorization reference. It runs offline.
"""

from __future__ import annotations

import functools
import json
import re
import warnings
from typing import Any

import pytest
from expanding import CHINA, GOVCLOUD
from wired import NAMES, PLACE, Role, Wired, wired

from serverless_cli.model import Place
from serverless_cli.policy import trust_document
from serverless_cli.resources.admission import _statement

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # It leaves files open, and finds them by pkg_resources.
    import parliament

HARMLESS = {
    ("RESOURCE_MISMATCH", "states:DescribeExecution", "arn:*:states:*:*:express:*:*:*"): (
        "the reference demands both kinds of executions, but what is waited for is a standard one "
        "(developer guide, IAM policies for nested workflows)"
    ),
    ("RESOURCE_MISMATCH", "states:InvokeHTTPEndpoint", "*"): (
        "the reference knows no ARN for it, the developer guide (IAM permissions of HTTP tasks) the machine's own"
    ),
    ("RESOURCE_STAR", "sns:Publish", ""): "a phone number has no ARN (developer guide, IAM policies for SNS)",
}
"""findings that are wrong, with the reason; none of a shipped blueprint"""

NO_ARN = {
    "dynamodb:ListStreams": "reading a table's stream begins with finding it",
    "logs:CreateLogDelivery": "delivery of a state machine's log",
    "logs:DeleteLogDelivery": "delivery of a state machine's log",
    "logs:DescribeLogGroups": "delivery of a state machine's log",
    "logs:DescribeResourcePolicies": "delivery of a state machine's log",
    "logs:GetLogDelivery": "delivery of a state machine's log",
    "logs:ListLogDeliveries": "delivery of a state machine's log",
    "logs:PutResourcePolicy": "delivery of a state machine's log",
    "logs:UpdateLogDelivery": "delivery of a state machine's log",
    "xray:GetSamplingRules": "traces of a state machine",
    "xray:GetSamplingTargets": "traces of a state machine",
    "xray:PutTelemetryRecords": "traces of a state machine",
    "xray:PutTraceSegments": "traces of a state machine",
}
"""the only actions that may be allowed on `*`, with what they are for"""

TRUSTED = {
    "function": "lambda.amazonaws.com", "state-machine": "states.amazonaws.com", "pipe": "pipes.amazonaws.com",
    "rule": "events.amazonaws.com", "http-api": "apigateway.amazonaws.com",
    "delivery-stream": "firehose.amazonaws.com", "role": "lambda.amazonaws.com",
}  # fmt: skip
"""type -> the one service that works under the roles of its resources"""

CASES = [*((name, PLACE) for name in NAMES), ("broad", CHINA), ("broad", GOVCLOUD), ("locked", CHINA)]
every = pytest.mark.parametrize(("name", "place"), CASES, ids=[f"{name}-{place.partition}" for name, place in CASES])


@pytest.fixture(scope="module")
def blueprint(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Each blueprint as it expands in a place; made once."""
    return functools.cache(lambda name, place: wired(name, tmp_path_factory.mktemp(name), place))


Blueprint = Any


@every
def test_the_linter_finds_nothing(blueprint: Blueprint, name: str, place: Place) -> None:
    found = {f"{id}: {one}" for id, role in blueprint(name, place).roles.items() for one in findings(role)}

    assert found == set()


def test_the_linter_finds_what_is_wrong() -> None:
    """So that its silence means something."""

    def told(action: str, resource: str) -> set[str]:
        return {issue for issue, *_ in raw({"Effect": "Allow", "Action": action, "Resource": resource})}

    assert told("s3:GetObject", "arn:aws:s3:::files") == {"RESOURCE_MISMATCH"}
    assert told("s3:GetObjekt", "arn:aws:s3:::files/*") == {"UNKNOWN_ACTION"}
    assert told("sqs:SendMessage", "*") == {"RESOURCE_STAR"}
    assert told("sqs:SendMessage", "jobs") == {"INVALID_ARN"}
    assert told("sqs:SendMessage", "arn:aws:sqs:eu-central-1:123456789012:jobs") == set()


def test_no_shipped_blueprint_needs_an_exception(blueprint: Blueprint) -> None:
    for name in NAMES:
        if name not in ("broad", "locked"):
            assert [one for role in blueprint(name, PLACE).roles.values() for one in raw(*statements(role))] == []


def test_every_exception_is_one_still(blueprint: Blueprint) -> None:
    """Linter and data move on; what they no longer say is no exception any more."""
    told = {one for role in blueprint("broad", PLACE).roles.values() for one in raw(*statements(role))}

    assert told == set(HARMLESS)


@every
def test_every_action_exists_and_works_on_each_of_its_resources(blueprint: Blueprint, name: str, place: Place) -> None:
    """Stricter than the linter, which is content with one resource that fits."""
    wrong = {
        f"{id}: {action} on {resource}"
        for id, role in blueprint(name, place).roles.items()
        for action, resource in role.allows
        if not works_on(action, resource)
    }

    assert wrong == set()


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("dynamodb:GetItem", "arn:aws:dynamodb:eu-central-1:123456789012:table/rows/index/*"),
        ("s3:GetObject", "arn:aws:s3:::files"),
        ("s3:ListBucket", "arn:aws:s3:::files/*"),
        ("sqs:SendMessage", "arn:aws:sns:eu-central-1:123456789012:news"),
        ("dynamodb:GetItem", "*"),
        ("dynamodb:ListStreams", "arn:aws:dynamodb:eu-central-1:123456789012:table/rows/stream/*"),
        ("dynamodb:Nonsense", "arn:aws:dynamodb:eu-central-1:123456789012:table/rows"),
    ],
)
def test_what_works_on_nothing_is_noticed(action: str, resource: str) -> None:
    assert not works_on(action, resource)


@every
def test_only_what_knows_no_arns_is_allowed_on_everything(blueprint: Blueprint, name: str, place: Place) -> None:
    stack = blueprint(name, place)
    on_all = {(action, id) for id, role in stack.roles.items() for action, resource in role.allows if resource == "*"}

    assert {(action, id) for action, id in on_all if action not in NO_ARN} <= {
        ("sns:Publish", "step-text"),
        ("sns:Publish", "steps"),
    }
    assert not [action for action in NO_ARN if knows_arns(action)]


@every
def test_every_arn_names_region_account_and_what_it_is_about(blueprint: Blueprint, name: str, place: Place) -> None:
    """No wildcard is wider than what a name cannot say: objects, streams, indexes, executions."""
    for id, role in blueprint(name, place).roles.items():
        for _, resource in role.allows - {pair for pair in role.allows if pair[1] == "*"}:
            _, partition, service, region, account, what = resource.split(":", 5)
            where = (region, account) if service != "s3" else (place.region, place.account)
            assert (partition, *where) == (place.partition, place.region, place.account), f"{id}: {resource}"
            assert not re.match(r"([a-z-]+[:/])?[*?]", what), f"{id}: {resource}"
            assert "*" not in what.split("/")[0] or service in ("logs", "states"), f"{id}: {resource}"


@every
def test_roles_trust_exactly_the_service_that_works_under_them(blueprint: Blueprint, name: str, place: Place) -> None:
    stack: Wired = blueprint(name, place)
    for id, role in stack.roles.items():
        service = TRUSTED[stack.declared(id)["type"]]
        assert json.loads(trust_document(role.spec.trust)) == {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}],
        }, id


SOURCES = {
    "apigateway.amazonaws.com": "execute-api", "events.amazonaws.com": "events", "s3.amazonaws.com": "s3",
    "sns.amazonaws.com": "sns",
}  # fmt: skip
"""who is let in by policies of resources -> the service of the ARN that it acts for"""


@every
def test_functions_let_in_one_service_for_one_source(blueprint: Blueprint, name: str, place: Place) -> None:
    for one in blueprint(name, place).permissions:
        partition, service, region, account, what = one.source_arn.split(":", 5)[1:]
        assert (partition, service) == (place.partition, SOURCES[one.principal]), one
        assert (account or one.source_account) == place.account, one
        assert region == ("" if service == "s3" else place.region), one
        assert what.strip("*/"), one
        # All stages of an API, and what the methods ANY and $default stand for; nothing else is left open.
        assert "*" not in what or re.fullmatch(r"[a-z0-9]+/\*/((\*|[A-Z]+)/[^*]*|\$default)", what), one


@every
def test_queues_and_topics_let_in_one_service_for_its_sources(blueprint: Blueprint, name: str, place: Place) -> None:
    for id, spec in blueprint(name, place).admissions.items():
        service = {"queue": "sqs", "topic": "sns"}[spec.of]
        own = f"arn:{place.partition}:{service}:{place.region}:{place.account}:{blueprint(name, place).name(id)}"
        for sid, one in spec.statements.items():
            statement = _statement(own, sid, one)
            assert statement["Principal"] == {"Service": one.principal}
            assert statement["Action"] == {"queue": "sqs:SendMessage", "topic": "sns:Publish"}[spec.of]
            assert statement["Condition"] == {
                "ArnEquals": {"aws:SourceArn": statement["Condition"]["ArnEquals"]["aws:SourceArn"]}
            }
            assert one.source_arns
            for source in one.source_arns:
                begin = f"arn:{place.partition}:{SOURCES[one.principal]}:{place.region}:{place.account}:"
                assert source.startswith(begin), source
                assert "*" not in source
            # A queue's or topic's Sid may have a dash; the linter knows the rules of IAM's own policies only.
            assert raw({key: value for key, value in statement.items() if key != "Sid"}) == []


def statements(role: Role) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = role.document["Statement"]
    return found


def findings(role: Role) -> list[tuple[str, str, str]]:
    """What the linter says of a role, without what is known to be wrong."""
    return [one for one in raw(*statements(role)) if one not in HARMLESS]


def raw(*statements: dict[str, Any]) -> list[tuple[str, str, str]]:
    """All that the linter says, of any severity: issue, action, and the resource that it misses."""
    if not statements:
        return []
    policy = parliament.analyze_policy_string(json.dumps({"Version": "2012-10-17", "Statement": list(statements)}))
    told = []
    for one in policy.findings:
        details = one.detail if isinstance(one.detail, list) else [one.detail]
        for detail in details:
            told.append(
                (one.issue, detail["action"], detail["required_format"])
                if isinstance(detail, dict)
                else (one.issue, str(detail or ""), "")
            )
    return told


@functools.cache
def service(prefix: str) -> dict[str, Any]:
    return next(
        (one for one in parliament.iam_definition if one["prefix"] == prefix), {"privileges": [], "resources": []}
    )


@functools.cache
def types_of(action: str) -> frozenset[str] | None:
    """The resource types that an action works on; None where there is no such action."""
    prefix, _, name = action.partition(":")
    for one in service(prefix)["privileges"]:
        if one["privilege"] == name:
            return frozenset(each["resource_type"].rstrip("*") for each in one["resource_types"]) - {""}
    return None


def knows_arns(action: str) -> bool:
    return bool(types_of(action))


def works_on(action: str, resource: str) -> bool:
    """Whether an action can be allowed on a resource. Of several types that its ARN may be of, the narrowest counts."""
    types = types_of(action)
    if types is None:
        return False
    if resource == "*" or not types:
        return (resource == "*" and not types) or not _really_star(action, resource)
    formats = {one["resource"]: one["arn"] for one in service(resource.split(":")[2])["resources"]}
    fitting = [name for name, form in formats.items() if re.fullmatch(_pattern(form), resource)]
    narrowest = max((_fixed(formats[name]) for name in fitting), default=0)
    if any(name in types for name in fitting if _fixed(formats[name]) == narrowest):
        return True
    # What ends in a wildcard may be all of something narrower: a group's `:*` are its streams.
    within = [formats[name] for name in types if name in formats and _fixed(formats[name]) > narrowest]
    if resource.endswith("*") and any(
        parliament.is_arn_match("", re.sub(r"\$\{.*?\}", "*", form), resource) for form in within
    ):
        return True
    # The reference says `function` of a function's versions and aliases too, although their ARNs are other ones.
    return action.startswith("lambda:") and "function" in types and bool({"function version"} & set(fitting))


def _really_star(action: str, resource: str) -> bool:
    """Whether the linter's data wants `*`, or ARNs, and neither is a known exception."""
    if resource == "*":
        return ("RESOURCE_STAR", action, "") not in HARMLESS
    return ("RESOURCE_MISMATCH", action, "*") not in HARMLESS


def _pattern(form: str) -> str:
    return "".join(".+" if part.startswith("${") else re.escape(part) for part in re.split(r"(\$\{.*?\})", form))


def _fixed(form: str) -> int:
    """How much of a format is fixed."""
    return len(re.sub(r"\$\{.*?\}", "", form))
