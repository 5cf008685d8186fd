"""What becomes of a key of the user's own: statements for those who use what it encrypts, and words on who cannot."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from expanding import CHINA, PLACE, expand, read, spec

from serverless_cli import policy
from serverless_cli.blueprint.parse import parse
from serverless_cli.blueprint.shapes import keys_of
from serverless_cli.errors import BlueprintError
from serverless_cli.model import Place
from serverless_cli.resources import TYPES, WEAVERS
from serverless_cli.resources.customer_keys import USES
from serverless_cli.wiring import Statement

KMS = "arn:aws:kms:eu-central-1:123456789012"
KEY = f"{KMS}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
OTHER = f"{KMS}:key/ffffffff-12ab-34cd-56ef-1234567890ab"
DECRYPT, GENERATE = "kms:Decrypt", "kms:GenerateDataKey"

KINDS = {
    "queue": "thing: {{type: queue, encryption: '{}'}}",
    "topic": "thing: {{type: topic, encryption: '{}'}}",
    "stream": "thing: {{type: stream, encryption: '{}'}}",
    "table": "thing: {{type: table, key: id, stream: both, encryption: '{}'}}",
}
SERVICES = {"queue": "sqs", "topic": "sns", "stream": "kinesis", "table": "dynamodb"}
FLOW = """
type: state-machine
    definition:
      StartAt: Tell
      States:
        Tell:
          Type: Task
          Resource: arn:aws:states:::{}
          Parameters: {}
          End: true
"""
SENDS = FLOW.format("sqs:sendMessage", '{QueueUrl: "${thing.url}", MessageBody: hello}')
PUTS = FLOW.format("dynamodb:putItem", '{TableName: "${thing.name}", Item: {id: {S: "1"}}}')
FN = "type: function\n    code: ./code\n    "

USERS: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    "access to send to a queue": ("queue", f"{FN}access: {{thing: send}}", (DECRYPT, GENERATE)),
    "access to read a queue": ("queue", f"{FN}access: {{thing: read}}", (DECRYPT,)),
    "access to a topic": ("topic", f"{FN}access: {{thing: send}}", (DECRYPT, GENERATE)),
    "access to send to a stream": ("stream", f"{FN}access: {{thing: send}}", (GENERATE,)),
    "access to read a stream": ("stream", f"{FN}access: {{thing: read}}", (DECRYPT,)),
    "access to read a table": ("table", f"{FN}access: {{thing: read}}", (DECRYPT,)),
    "access to write to a table": ("table", f"{FN}access: {{thing: write}}", (DECRYPT,)),
    "access to all of a table": ("table", f"{FN}access: {{thing: read-write}}", (DECRYPT,)),
    "a queue's trigger": ("queue", f"{FN}triggers: [{{queue: thing}}]", (DECRYPT,)),
    "a stream's trigger": ("stream", f"{FN}triggers: [{{stream: thing}}]", (DECRYPT,)),
    "a table's trigger": ("table", f"{FN}triggers: [{{table: thing}}]", (DECRYPT,)),
    "a topic's trigger": ("topic", f"{FN}triggers: [{{topic: thing}}]", ()),
    "failed batches": (
        "queue", f"{FN}triggers: [{{stream: plain, on_failure: thing, retries: 1}}]", (DECRYPT, GENERATE)
    ),
    "failed calls": ("queue", f"{FN}on_failure: thing", (DECRYPT, GENERATE)),
    "calls that succeeded": ("topic", f"{FN}on_success: thing", (DECRYPT, GENERATE)),
    "a pipe from a queue": ("queue", "type: pipe\n    from: thing\n    to: default", (DECRYPT,)),
    "a pipe from a stream": ("stream", "type: pipe\n    from: thing\n    to: default", (DECRYPT,)),
    "a pipe from a table": ("table", "type: pipe\n    from: thing\n    to: default", (DECRYPT,)),
    "a pipe to a queue": ("queue", "type: pipe\n    from: plain\n    to: thing", (DECRYPT, GENERATE)),
    "a pipe to a topic": ("topic", "type: pipe\n    from: plain\n    to: thing", (DECRYPT, GENERATE)),
    "a pipe to a stream": ("stream", "type: pipe\n    from: plain\n    to: thing", (GENERATE,)),
    "a pipe's failures": (
        "queue", "type: pipe\n    from: plain\n    to: default\n    on_failure: thing", (DECRYPT, GENERATE)
    ),
    "a delivery stream": (
        "stream", "type: delivery-stream\n    from: thing\n    to: {bucket: files}", (DECRYPT,)
    ),
    "a rule's stream": (
        "stream", "type: rule\n    schedule: rate(1 hour)\n    targets: [thing]", (GENERATE,)
    ),
    "a route to a queue": ("queue", "type: http-api\n    routes: {POST /a: thing}", (DECRYPT, GENERATE)),
    "a route to a stream": ("stream", "type: http-api\n    routes: {POST /a: thing}", (GENERATE,)),
    "a state that sends": ("queue", SENDS, (DECRYPT, GENERATE)),
    "a state that puts": ("table", PUTS, (DECRYPT,)),
}  # fmt: skip


def blueprint(kind: str, encryption: str, user: str = "") -> str:
    found = f"  {KINDS[kind].format(encryption)}\n  plain: {{type: stream}}\n  files: {{type: bucket}}\n"
    return f"{found}  user:\n    {user.strip()}\n" if user else found


def on_keys(folder: Path, text: str, place: Place = PLACE, id: str = "user") -> list[Statement]:
    """The statements of a role that are about keys."""
    role = expand(folder, text, place).get(f"role {id}")
    return [one for one in spec(role).statements if any("kms" in each for each in one.actions)] if role else []


def via(service: str) -> dict[str, dict[str, tuple[str, ...]]]:
    return {"StringEquals": {"kms:ViaService": (f"{service}.eu-central-1.amazonaws.com",)}}


@pytest.mark.parametrize(("kind", "user", "actions"), USERS.values(), ids=USERS)
def test_who_uses_what_is_encrypted_may_use_its_key_through_its_service(
    tmp_path: Path, kind: str, user: str, actions: tuple[str, ...]
):
    found = on_keys(tmp_path, blueprint(kind, KEY, user))

    assert found == ([Statement(actions, (KEY,), via(SERVICES[kind]))] if actions else [])
    assert all(one.reason.startswith("the key of thing, for: ") for one in found)


KEEPERS = {
    "queue": ("managed", "none", "alias/aws/sqs", f"{KMS}:alias/aws/sqs"),
    "topic": ("none", "alias/aws/sns", f"{KMS}:alias/aws/sns"),
    "stream": ("none", "managed", "alias/aws/kinesis", f"{KMS}:alias/aws/kinesis"),
    "table": ("owned", "managed"),
}
"""what the keys of each type are minded by, when they are not the user's"""


@pytest.mark.parametrize(
    ("kind", "keeper"), [(kind, keeper) for kind, several in KEEPERS.items() for keeper in several]
)
def test_what_aws_minds_the_key_of_takes_no_more_than_what_says_nothing(tmp_path: Path, kind: str, keeper: str):
    silent = KINDS[kind].replace(", encryption: '{}'", "").format()
    for user in (user for at, user, actions in USERS.values() if at == kind and actions):
        text = blueprint(kind, keeper, user)
        plain = text.replace(KINDS[kind].format(keeper), silent)
        assert plain != text
        assert spec(expand(tmp_path, text)["role user"]) == spec(expand(tmp_path, plain)["role user"])


@pytest.mark.parametrize(
    ("alias", "home"), [("alias/ours", KMS), (f"{KMS.replace('123456789012', '210987654321')}:alias/a/b", "")]
)
def test_an_aliass_key_is_found_by_the_alias(tmp_path: Path, alias: str, home: str):
    [found] = on_keys(tmp_path, blueprint("queue", alias, f"{FN}access: {{thing: read}}"))

    before, _, name = alias.partition("alias/")
    assert found.resources == (f"{home or before.removesuffix(':')}:key/*",)
    assert found.condition == {**via("sqs"), "ForAnyValue:StringEquals": {"kms:ResourceAliases": (f"alias/{name}",)}}


def test_in_china_either_suffix_is_seen(tmp_path: Path):
    key = "arn:aws-cn:kms:cn-north-1:123456789012:key/ours"
    [found] = on_keys(tmp_path, blueprint("stream", key, f"{FN}access: {{thing: send}}"), CHINA)

    names = ("kinesis.cn-north-1.amazonaws.com", "kinesis.cn-north-1.amazonaws.com.cn")
    assert found == Statement((GENERATE,), (key,), {"StringEquals": {"kms:ViaService": names}})


def test_who_only_looks_at_a_thing_does_not_use_its_key(tmp_path: Path):
    text = FLOW.format("aws-sdk:dynamodb:describeTable", '{TableName: "${thing.name}"}')

    assert on_keys(tmp_path, blueprint("table", KEY, text)) == []


def test_actions_with_wildcards_use_the_key_as_what_they_stand_for(tmp_path: Path):
    simple = "type: state-machine\n    definition: {StartAt: E, States: {E: {Type: Succeed}}}\n    "
    more = f"{simple}statements: [{{actions: ['sqs:Rec*'], resources: ['${{thing.arn}}']}}]"

    assert on_keys(tmp_path, blueprint("queue", KEY, more)) == [Statement((DECRYPT,), (KEY,), via("sqs"))]


def test_another_thing_whose_name_begins_the_same_is_another_thing(tmp_path: Path):
    text = f"  things: {{type: queue}}\n{blueprint('queue', KEY, f'{FN}access: {{things: send}}')}"

    assert on_keys(tmp_path, text) == []


def test_one_key_of_several_things_takes_a_statement_for_each_service(tmp_path: Path):
    text = f"""\
  rows: {{type: table, key: id, encryption: '{KEY}'}}
  jobs: {{type: queue, encryption: '{KEY}'}}
  more: {{type: queue, encryption: '{KEY}'}}
  user: {{type: function, code: ./code, access: {{rows: read, jobs: send, more: read}}}}
"""

    found = on_keys(tmp_path, text)
    assert found == [
        Statement((DECRYPT,), (KEY,), via("dynamodb")),
        Statement((DECRYPT, GENERATE), (KEY,), via("sqs")),
    ]
    assert found[1].reason == "the key of jobs, for: access to jobs: send; the key of more, for: access to more: read"


@pytest.mark.parametrize("own", ["managed", OTHER])
@pytest.mark.parametrize("written", ["dead", "{to: dead, after: 2}"])
def test_dead_letters_are_encrypted_as_they_were_sent(tmp_path: Path, own: str, written: str):
    text = f"""\
  jobs: {{type: queue, encryption: '{KEY}', dead_letter: {written}}}
  dead: {{type: queue, encryption: '{own}'}}
  user: {{type: function, code: ./code, triggers: [{{queue: dead}}]}}
  sender: {{type: function, code: ./code, on_failure: dead}}
"""
    both = [Statement((DECRYPT,), tuple(key for key in (KEY, OTHER) if key in text), via("sqs"))]
    sends = [Statement((DECRYPT, GENERATE), (OTHER,), via("sqs"))] if own == OTHER else []

    assert on_keys(tmp_path, text) == both
    assert on_keys(tmp_path, text, id="sender") == sends


def test_nobody_says_what_exists_already_is_encrypted_with(tmp_path: Path):
    text = "  thing: {type: queue, existing: theirs}\n  user: {type: function, code: ./code, access: {thing: read}}\n"

    assert on_keys(tmp_path, text) == []


def test_a_role_of_ones_own_gets_what_it_says_and_no_more(tmp_path: Path):
    text = f"""\
  jobs: {{type: queue, encryption: '{KEY}'}}
  own: {{type: role, statements: [{{actions: ["sqs:SendMessage"], resources: ["${{jobs.arn}}"]}}]}}
  user: {{type: function, code: ./code, role: own}}
"""

    assert on_keys(tmp_path, text, id="own") == []


@pytest.mark.parametrize(("kind", "key"), [("table", KEY), ("queue", "alias/ours")])
def test_aws_gives_statements_back_as_they_were_written(tmp_path: Path, kind: str, key: str):
    role = spec(expand(tmp_path, blueprint(kind, key, f"{FN}access: {{thing: read}}"))["role user"])

    assert policy.read(policy.document(role.statements)) == role.statements


def test_every_type_that_takes_a_key_says_how_it_is_used():
    encrypted = {one.type_name for one in TYPES.values() if "encryption" in keys_of(one.keys)}

    assert encrypted == set(USES)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("given", [{}, {"key": KEY}], ids=["not given", "given"])
def test_a_secret_is_no_key(tmp_path: Path, kind: str, given: Mapping[str, str]):
    path = tmp_path / "blueprint.yaml"
    text = f"name: shop\nparameters: {{key: {{secret: true}}}}\nresources:\n{blueprint(kind, '${param.key}')}"
    path.write_text(text)
    with pytest.raises(BlueprintError) as caught:
        parse(path, place=lambda _: PLACE, types=TYPES, weavers=WEAVERS, parameters=given)

    assert [one.what for one in caught.value.problems] == ["a secret has no place in `encryption`"]


# ---------------------------------------------------------------- services that send in their own name

SENDERS = {
    "a subscription": ("news: {type: topic, subscriptions: [§{queue: thing}]}", "queue", "sns"),
    "a rule to a queue": ("tick: {type: rule, schedule: rate(1 hour), targets: [§thing]}", "queue", "events"),
    "a rule to a topic": ("tick: {type: rule, schedule: rate(1 hour), targets: [§thing]}", "topic", "events"),
    "a rule's dead letters": (
        "tick: {type: rule, schedule: rate(1 hour), targets: [§{to: plain, dead_letter: thing}]}", "queue", "events"
    ),
}  # fmt: skip
sender = pytest.mark.parametrize(("text", "kind", "service"), SENDERS.values(), ids=SENDERS)


def marked(text: str, kind: str, encryption: str) -> tuple[str, tuple[int, int]]:
    """A blueprint, and the place in it that is marked."""
    whole = f"{blueprint(kind, encryption)}  {text}\n"
    before = whole.partition("§")[0].split("\n")
    return whole.replace("§", ""), (len(before) + 2, len(before[-1]) + 1)


@sender
@pytest.mark.parametrize("key", [KEY, "alias/ours"])
def test_the_policy_of_the_key_must_let_the_service_in(tmp_path: Path, text: str, kind: str, service: str, key: str):
    whole, place = marked(text, kind, key)
    [found] = read(tmp_path, whole).warnings

    assert found.what == f"the policy of the key that thing is encrypted with must let {service}.amazonaws.com in"
    assert '"Action": ["kms:Decrypt", "kms:GenerateDataKey*"]' in found.hint
    assert f'"Principal": {{"Service": "{service}.amazonaws.com"}}' in found.hint
    assert found.where
    assert (found.where.line, found.where.column) == place


@sender
@pytest.mark.parametrize("key", ["alias/aws/sqs", f"{KMS}:alias/aws/sns"])
def test_no_service_can_use_a_key_of_awss_own(tmp_path: Path, text: str, kind: str, service: str, key: str):
    whole, place = marked(text, kind, key)
    with pytest.raises(BlueprintError) as caught:
        read(tmp_path, whole)

    [found] = caught.value.problems
    assert found.what == f"{service}.amazonaws.com cannot send to thing, which is encrypted with a key of AWS's own"
    assert found.where
    assert (found.where.line, found.where.column) == place


@sender
def test_of_other_encryption_nothing_is_said(tmp_path: Path, text: str, kind: str, service: str):
    assert read(tmp_path, marked(text, kind, "none")[0]).warnings == ()


def test_who_sends_by_several_ways_is_told_once(tmp_path: Path):
    text = f"""\
  thing: {{type: queue, encryption: '{KEY}'}}
  other: {{type: queue, encryption: '{KEY}'}}
  news: {{type: topic, subscriptions: [{{queue: thing}}]}}
  shouts: {{type: topic, subscriptions: [{{queue: thing}}, {{queue: other}}]}}
  tick: {{type: rule, schedule: rate(1 hour), targets: [{{to: thing, dead_letter: thing}}]}}
"""
    found = read(tmp_path, text).warnings

    assert [one.where.line for one in found if one.where] == [5, 6, 7]


def test_a_service_that_works_under_a_role_is_let_in_by_that(tmp_path: Path):
    user = "type: rule\n    schedule: rate(1 hour)\n    targets: [thing]"

    assert read(tmp_path, blueprint("stream", KEY, user)).warnings == ()
