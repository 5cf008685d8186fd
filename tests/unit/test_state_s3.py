"""The store in S3: conditional writes, what the bucket must be, what is said when it is not, and journals that heal."""

from __future__ import annotations

import json
import threading
import zlib

import pytest
from aws_fakes import FakeClock
from hypothesis import given
from hypothesis import strategies as st
from s3_fakes import OWNER, FakeBucket, MemoryS3, etag
from test_state_journal import CREATE, KEY, KINDS, Role

from serverless_cli.aws.clock import SteadyClock
from serverless_cli.aws.session import Calls
from serverless_cli.errors import AwsError, Exit, SlxError
from serverless_cli.state import Holder, Journal, lock, s3_bucket, s3_lease
from serverless_cli.state.address import S3Address
from serverless_cli.state.fold import numbered
from serverless_cli.state.history import look
from serverless_cli.state.s3 import S3Store
from serverless_cli.state.store import JOURNAL, NONE_YET, ConflictError, StackKey

BUCKET = "acme-state"
PLACE = S3Address(BUCKET, "shop")
JOURNAL_KEY = "shop/local/website/dev/journal"
LOCK_KEY = "shop/local/website/dev/lock"


class StillClock(FakeClock):
    """No heart beats in these tests: a thread that waits for it ends at once."""

    def wait(self, event: threading.Event, seconds: float) -> bool:
        event.wait()
        return True


@pytest.fixture
def s3():
    return MemoryS3({BUCKET: FakeBucket()})


@pytest.fixture
def caller(s3):
    return s3.caller()


def store_of(caller, place=PLACE, told=None):
    notify = told.append if told is not None else lambda text: None
    aws = Calls(caller, "eu-west-1", FakeClock())
    return S3Store(aws, place, caller.account, notify=notify, clock=StillClock())


@pytest.fixture
def store(caller):
    return store_of(caller)


def once(fault, when="after", operation="s3.PutObject"):
    """A hook with one fault."""
    faults = [fault]
    return lambda moment, called: faults.pop() if faults and (moment, called) == (when, operation) else None


# Documents


def test_what_was_written_is_read_back(store):
    written = store.write(KEY, JOURNAL, NONE_YET, b"one\n")
    longer = store.append(KEY, JOURNAL, written, b"two\n")

    assert store.read(KEY, JOURNAL) == longer
    assert longer.content == b"one\ntwo\n"
    assert store.read(KEY, "journal.damaged-1") == NONE_YET


@pytest.mark.parametrize("spoilt", [b"other", b"", None])
@pytest.mark.parametrize("known", ["read", "none"])
def test_nobody_writes_over_what_somebody_else_wrote(s3, store, spoilt, known):
    before = store.write(KEY, JOURNAL, NONE_YET, b"a") if known == "read" else NONE_YET
    s3.buckets[BUCKET].objects.pop(JOURNAL_KEY, None)
    if spoilt is not None:
        s3.buckets[BUCKET].objects[JOURNAL_KEY] = spoilt
    if known == "none" and spoilt is None:
        assert store.write(KEY, JOURNAL, before, b"b").content == b"b"
        return

    with pytest.raises(ConflictError) as caught:
        store.append(KEY, JOURNAL, before, b"b")

    assert caught.value.exit_code is Exit.LOCKED
    assert f"s3://{BUCKET}/{JOURNAL_KEY}" in caught.value.what
    assert s3.buckets[BUCKET].objects.get(JOURNAL_KEY) == spoilt


def test_a_write_whose_answer_was_lost_is_recognised(caller, store):
    first = store.write(KEY, JOURNAL, NONE_YET, b"a")
    caller.hook = once("lost")

    second = store.append(KEY, JOURNAL, first, b"b")

    assert second.content == b"ab"
    assert [name for name, _ in caller.wrote] == ["PutObject", "PutObject"]
    assert store.append(KEY, JOURNAL, second, b"c").content == b"abc"


def test_a_write_that_met_another_one_is_sent_again(caller, store):
    caller.hook = once("ConditionalRequestConflict", "before")

    assert store.write(KEY, JOURNAL, NONE_YET, b"a").content == b"a"


def test_deleting_is_conditional_and_may_be_repeated(s3, caller, store):
    old = store.write(KEY, JOURNAL, NONE_YET, b"a")
    new = store.append(KEY, JOURNAL, old, b"b")

    with pytest.raises(ConflictError):
        store.delete(KEY, JOURNAL, old)
    caller.hook = once("lost", operation="s3.DeleteObject")
    store.delete(KEY, JOURNAL, new)
    store.delete(KEY, JOURNAL, new)
    store.delete(KEY, JOURNAL, NONE_YET)

    assert store.read(KEY, JOURNAL) == NONE_YET


def test_stacks_are_those_with_a_journal(s3, store):
    other = StackKey("aws-1-eu", "banking", "prod")
    store.write(other, JOURNAL, NONE_YET, b"a")
    store.write(KEY, JOURNAL, NONE_YET, b"a")
    store.write(KEY, "journal.damaged-1", NONE_YET, b"a")
    for key in ("shop/readme", "shop/a/b/c/d/journal", "shop/..x/b/c/journal", "shopping/a/b/c/journal"):
        s3.buckets[BUCKET].objects[key] = b""
    store.lease(StackKey("local", "idle", "dev"), Holder.me("up"))

    assert store.stacks() == [other, KEY]
    assert store.names(KEY) == [JOURNAL, "journal.damaged-1"]


def test_a_place_without_a_prefix(s3, caller):
    store = store_of(caller, S3Address(BUCKET))
    store.write(KEY, JOURNAL, NONE_YET, b"a")

    assert list(s3.buckets[BUCKET].objects) == ["local/website/dev/journal"]
    assert store.stacks() == [KEY]


# Encryption and the owner


@pytest.mark.parametrize(
    ("algorithm", "asked"), [("AES256", "AES256"), ("", "AES256"), ("aws:kms", None), ("aws:kms:dsse", None)]
)
def test_a_bucket_keeps_its_own_key_and_others_are_told_to_encrypt(s3, caller, store, algorithm, asked):
    s3.buckets[BUCKET].algorithm = algorithm
    store.append(KEY, JOURNAL, store.write(KEY, JOURNAL, NONE_YET, b"a"), b"b")

    puts = [given for operation, given in caller.sent if operation == "s3.PutObject"]
    assert [given.get("ServerSideEncryption") for given in puts] == [asked, asked]
    assert [operation for operation, _ in caller.sent].count("s3.GetBucketEncryption") == 1


def test_whoever_may_not_see_the_encryption_leaves_it_to_the_bucket(caller, store):
    caller.hook = once("AccessDenied", "before", "s3.GetBucketEncryption")

    store.write(KEY, JOURNAL, NONE_YET, b"a")

    assert "ServerSideEncryption" not in caller.sent[-1][1]


def test_every_call_names_the_owner_of_the_bucket(caller, store):
    with lock(store, KEY, command="up"):
        store.delete(KEY, JOURNAL, store.write(KEY, JOURNAL, NONE_YET, b"a"))
        store.stacks()

    assert {given.get("ExpectedBucketOwner") for _, given in caller.sent} == {OWNER}


def test_a_bucket_of_another_account_is_used_only_if_that_is_said(s3):
    s3.buckets[BUCKET].owner = "999999999999"
    stranger = s3.caller(account="999999999999")  # may use it; its own account is another one
    aws = Calls(stranger, "eu-west-1", FakeClock())

    with pytest.raises(SlxError) as caught:
        S3Store(aws, PLACE, OWNER, notify=print, clock=StillClock()).read(KEY, JOURNAL)
    assert caught.value.exit_code is Exit.DENIED
    assert f"s3://{BUCKET}/shop?owner=ACCOUNT" in caught.value.hint

    said = S3Address.parse(f"s3://{BUCKET}/shop?owner=999999999999")
    assert S3Store(aws, said, OWNER, notify=print, clock=StillClock()).read(KEY, JOURNAL) == NONE_YET


# What the bucket must be


def test_no_bucket_is_said_with_the_command_that_makes_one(caller, s3):
    store = store_of(s3.caller(), S3Address("acme-other", "x"))

    for use in (lambda: store.read(KEY, JOURNAL), store.stacks, lambda: store.lease(KEY, Holder.me("up"))):
        with pytest.raises(SlxError, match="there is no bucket acme-other") as caught:
            use()
        assert "`slx state create s3://acme-other/x`" in caught.value.hint


@pytest.mark.parametrize(
    ("lacks", "why", "command"),
    [
        ({"versioning": ""}, "not versioned", "put-bucket-versioning"),
        ({"versioning": "Suspended"}, "not versioned", "put-bucket-versioning"),
        ({"closed": False}, "made public", "put-public-access-block"),
    ],
)
def test_a_bucket_that_is_not_fit_is_not_written_to(s3, caller, store, lacks, why, command):
    for name, value in lacks.items():
        setattr(s3.buckets[BUCKET], name, value)

    with pytest.raises(SlxError, match=why) as caught:
        store.lease(KEY, Holder.me("up"))

    assert command in caught.value.hint
    assert caller.wrote == []


@pytest.mark.parametrize(
    ("code", "exit_code", "hint"),
    [
        ("AccessDenied", Exit.DENIED, "s3:PutObject"),
        ("KMS.DisabledException", Exit.DENIED, "kms:GenerateDataKey"),
        ("PermanentRedirect", Exit.FAILED, "--region"),
        ("SomethingNew", Exit.FAILED, "run the same command again"),
        ("ExpiredToken", Exit.CREDENTIALS, "expired"),
    ],
)
def test_each_failure_names_the_state_and_leads_on(caller, store, code, exit_code, hint):
    caller.hook = lambda when, operation: code if operation == "s3.PutObject" else None

    with pytest.raises(SlxError) as caught:
        store.write(KEY, JOURNAL, NONE_YET, b"a")

    assert caught.value.exit_code is exit_code
    assert hint in caught.value.hint
    assert isinstance(caught.value, AwsError) == (exit_code is Exit.CREDENTIALS)
    assert f"s3://{BUCKET}/shop" in caught.value.what or exit_code is Exit.CREDENTIALS


def test_a_bucket_is_made_closed_versioned_encrypted_and_reachable_over_tls_alone(s3):
    caller = s3.caller()
    aws = Calls(caller, "eu-west-1", FakeClock())
    place = S3Address("acme-new", "x")

    assert s3_bucket.create(aws, place, OWNER, "aws", tls=True)

    made = s3.buckets["acme-new"]
    assert (made.versioning, made.closed, made.tags) == ("Enabled", True, [s3_bucket.MARK])
    assert made.settings["CreateBucket"]["CreateBucketConfiguration"]["LocationConstraint"] == "eu-west-1"
    assert made.settings["CreateBucket"]["ObjectOwnership"] == "BucketOwnerEnforced"
    rules = made.settings["PutBucketEncryption"]["ServerSideEncryptionConfiguration"]["Rules"]
    assert rules[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    [statement] = json.loads(made.settings["PutBucketPolicy"]["Policy"])["Statement"]
    assert statement["Effect"] == "Deny"
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert "PutBucketLifecycleConfiguration" in made.settings
    store_of(s3.caller(), place).lease(KEY, Holder.me("up")).release()

    caller.wrote.clear()
    assert s3_bucket.create(aws, place, OWNER, "aws", tls=True), "may be repeated"
    assert caller.wrote == []
    assert s3_bucket.create(aws, S3Address("acme-emulated"), OWNER, "aws", tls=False)
    assert "PutBucketPolicy" not in s3.buckets["acme-emulated"].settings


def test_a_making_that_was_cut_off_is_finished(s3):
    caller = s3.caller(once("AccessDenied", "before", "s3.PutBucketVersioning"))
    aws = Calls(caller, "us-east-1", FakeClock())
    with pytest.raises(SlxError, match="cannot make a place for the state"):
        s3_bucket.create(aws, S3Address("acme-new"), OWNER, "aws", tls=True)

    assert s3_bucket.create(aws, S3Address("acme-new"), OWNER, "aws", tls=True)
    assert s3.buckets["acme-new"].versioning == "Enabled"
    assert "LocationConstraint" not in s3.buckets["acme-new"].settings["CreateBucket"]["CreateBucketConfiguration"]


def settings(bucket):
    """What is set on a bucket as a whole, and so may be written over as a whole."""
    lifecycle = bucket.settings["PutBucketLifecycleConfiguration"]
    rules = {rule["ID"]: rule for rule in lifecycle["LifecycleConfiguration"]["Rules"]}
    policy = json.loads(bucket.settings["PutBucketPolicy"]["Policy"])
    statements = {one["Sid"]: one for one in policy.pop("Statement")}
    return bucket.tags, rules, lifecycle.get("TransitionDefaultMinimumObjectSize"), statements, policy


@pytest.mark.parametrize("lacks", ["nothing", "ours"])
def test_what_others_set_on_the_bucket_of_a_state_stays(s3, lacks):
    caller = s3.caller()
    aws = Calls(caller, "eu-west-1", FakeClock())
    place = S3Address("acme-new", "x")
    s3_bucket.create(aws, place, OWNER, "aws", tls=True)
    made = s3.buckets["acme-new"]
    rule = {"ID": "theirs", "Status": "Enabled", "Filter": {"Prefix": "other/"}, "Expiration": {"Days": 3}}
    statement = {"Sid": "Theirs", "Effect": "Deny", "Principal": "*", "Action": "s3:DeleteBucket", "Resource": "*"}
    tags, rules, _, statements, policy = settings(made)
    made.algorithm = "aws:kms"
    made.tags = [{"Key": "cost-center", "Value": "42"}, *tags]
    made.settings["PutBucketLifecycleConfiguration"] = {
        "LifecycleConfiguration": {"Rules": [rule, *(rules.values() if lacks == "nothing" else ())]},
        "TransitionDefaultMinimumObjectSize": "varies_by_storage_class",
    }
    every = [statement, *(statements.values() if lacks == "nothing" else ())]
    made.settings["PutBucketPolicy"] = {"Policy": json.dumps({**policy, "Id": "Theirs", "Statement": every})}
    caller.wrote.clear()

    s3_bucket.create(aws, place, OWNER, "aws", tls=True)

    assert settings(made) == (
        [{"Key": "cost-center", "Value": "42"}, *tags],
        {"theirs": rule, **rules},
        "varies_by_storage_class",
        {"Theirs": statement, **statements},
        {**policy, "Id": "Theirs"},
    )
    assert made.algorithm == "aws:kms"
    wanted = [] if lacks == "nothing" else ["PutBucketLifecycleConfiguration", "PutBucketPolicy"]
    assert [name for name, _ in caller.wrote] == wanted


def test_the_rule_for_old_versions_may_be_given_other_days_and_the_refusal_of_plain_http_stays_as_it_is(s3):
    aws = Calls(s3.caller(), "eu-west-1", FakeClock())
    place = S3Address("acme-new", "x")
    s3_bucket.create(aws, place, OWNER, "aws", tls=True)
    made = s3.buckets["acme-new"]
    _, rules, _, statements, policy = settings(made)
    [rule], [statement] = rules.values(), statements.values()
    rule["NoncurrentVersionExpiration"] = {"NoncurrentDays": 3650}
    loosened = {**policy, "Statement": {**statement, "Effect": "Allow"}}
    made.settings["PutBucketPolicy"] = {"Policy": json.dumps(loosened)}

    s3_bucket.create(aws, place, OWNER, "aws", tls=True)

    _, kept, _, restored, _ = settings(made)
    assert kept["slx-old-versions"]["NoncurrentVersionExpiration"] == {"NoncurrentDays": 3650}
    assert restored == statements


def test_a_bucket_that_is_not_slxs_is_left_as_it_is(s3, caller):
    aws = Calls(caller, "eu-west-1", FakeClock())

    assert not s3_bucket.create(aws, PLACE, OWNER, "aws", tls=True)
    s3.buckets[BUCKET].versioning = ""
    with pytest.raises(SlxError, match="not fit"):
        s3_bucket.create(aws, PLACE, OWNER, "aws", tls=True)

    assert caller.wrote == []


def test_somebody_elses_bucket_is_said_to_be_that(s3):
    s3.buckets["theirs"] = FakeBucket("999999999999")
    aws = Calls(s3.caller(), "eu-west-1", FakeClock())

    with pytest.raises(SlxError) as caught:
        s3_bucket.create(aws, S3Address("theirs"), OWNER, "aws", tls=True)
    assert caught.value.exit_code is Exit.DENIED

    with pytest.raises(SlxError, match="belong to account 999999999999"):
        s3_bucket.create(aws, S3Address("theirs", "", "999999999999"), OWNER, "aws", tls=True)


# Journals


def journal(store, **more):
    return Journal.open(store, KEY, KINDS, **more)


def test_a_journal_in_s3_says_what_it_says_in_a_folder(store):
    with lock(store, KEY, command="up") as lease, journal(store) as it:
        it.start(lease.holder)
        it.begin(CREATE)
        it.finish(CREATE, Role("a"), {"arn": "arn:x"})
        it.searched()

    record = Journal.recall(store, KEY, KINDS)
    assert record.complete
    assert record.entries[CREATE.ref].outputs == {"arn": "arn:x"}
    assert look(store, KEY).run.command == "up"
    assert look(store, KEY).healthy


@pytest.mark.parametrize("cut", [0, 1, 40, -2, -20])
def test_a_journal_that_was_cut_off_heals(s3, store, cut):
    with journal(store) as it:
        it.begin(CREATE)
        it.finish(CREATE, Role("a"), {})
        it.searched()
    objects = s3.buckets[BUCKET].objects
    objects[JOURNAL_KEY] = objects[JOURNAL_KEY][:cut]

    with journal(store) as it:
        assert not it.record.complete
        it.begin(CREATE)

    assert CREATE.ref in Journal.recall(store, KEY, KINDS).entries


@given(at=st.integers(0, 10_000), byte=st.integers(0, 255))
def test_a_journal_with_a_wrong_byte_is_kept_and_made_anew(at, byte):
    s3 = MemoryS3({BUCKET: FakeBucket()})
    store = store_of(s3.caller())
    with journal(store) as it:
        it.begin(CREATE)
        it.finish(CREATE, Role("a"), {})
        it.searched()
    objects = s3.buckets[BUCKET].objects
    whole = objects[JOURNAL_KEY]
    at %= len(whole)
    objects[JOURNAL_KEY] = spoilt = whole[:at] + bytes([byte]) + whole[at + 1 :]

    with journal(store) as it:
        assert it.record.complete == (spoilt == whole)

    kept = [content for key, content in objects.items() if "damaged" in key]
    assert kept in ([], [spoilt])
    assert look(store, KEY).healthy


def test_a_journal_that_is_deleted_during_the_run_is_written_anew(s3, store):
    with journal(store) as it:
        it.begin(CREATE)
        del s3.buckets[BUCKET].objects[JOURNAL_KEY]
        it.finish(CREATE, Role("a"), {"arn": "arn:x"})

    assert Journal.recall(store, KEY, KINDS).entries[CREATE.ref].outputs == {"arn": "arn:x"}


def test_a_journal_of_a_newer_slx_is_refused_and_left_as_it_is(s3, store):
    later = numbered([{"type": "end", "whole": True}]).replace(b'"v":1', b'"v":2')
    text, _, _ = later.partition(b',"sum"')
    s3.buckets[BUCKET].objects[JOURNAL_KEY] = newer = text + b',"sum":"%08x"}\n' % zlib.crc32(text)

    with pytest.raises(SlxError, match="newer slx"):
        journal(store)

    assert s3.buckets[BUCKET].objects[JOURNAL_KEY] == newer


def test_whoever_lost_the_lock_writes_no_journal_either(s3, store):
    store.lease(KEY, Holder.me("up"))
    it = journal(store)
    it.begin(CREATE)
    before = s3.buckets[BUCKET].objects[JOURNAL_KEY]
    s3.buckets[BUCKET].objects[LOCK_KEY] = Holder.me("down").dump()
    store._clock.sleep(s3_lease.LEASE_S)

    with pytest.raises(SlxError, match="lost its lock"):
        it.fail(CREATE, "too late")

    assert s3.buckets[BUCKET].objects[JOURNAL_KEY] == before


# Removing a lock by force


def test_a_lock_is_taken_away_from_the_run_that_was_shown(s3, store):
    lease = store.lease(KEY, Holder.me("up"))

    store.unlock(KEY, store.holder(KEY))

    assert store.holder(KEY) is None
    store._clock.sleep(s3_lease.LEASE_S)
    with pytest.raises(SlxError, match=r"removed by `slx unlock`"):
        lease.check()
    store.unlock(KEY, lease.holder)


def test_the_lock_of_another_run_is_left(s3, store):
    shown = Holder.me("up")
    store.lease(KEY, Holder.me("down"))

    with pytest.raises(SlxError, match="changed hands"):
        store.unlock(KEY, shown)

    assert LOCK_KEY in s3.buckets[BUCKET].objects


def test_a_heartbeat_meanwhile_saves_no_lock(s3, caller, store):
    lease = store.lease(KEY, Holder.me("up"))
    beats = [lease.renew, lease.renew]
    caller.hook = lambda when, operation: (
        beats.pop()() if beats and (when, operation) == ("before", "s3.DeleteObject") else None
    )

    store.unlock(KEY, lease.holder)

    assert LOCK_KEY not in s3.buckets[BUCKET].objects
    assert beats == []


# Addresses, clocks


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("s3://acme", S3Address("acme")),
        ("s3://acme/", S3Address("acme")),
        ("s3://acme/a/b", S3Address("acme", "a/b")),
        ("s3://acme/a/?owner=123456789012", S3Address("acme", "a", "123456789012")),
        (".slx", None),
        ("/var/state", None),
    ],
)
def test_addresses(text, address):
    assert S3Address.parse(text) == address
    assert address is None or S3Address.parse(str(address)) == address


@pytest.mark.parametrize(
    "text",
    ["s3://", "s3://UPPER/x", "s3://acme//x", "s3://acme/../x", "s3://acme/a b", "https://acme", "s3://a?owner=1"],
)
def test_what_is_no_address_is_said_to_be_none(text):
    with pytest.raises(SlxError) as caught:
        S3Address.parse(text)

    assert caught.value.exit_code is Exit.USAGE
    assert "s3://BUCKET/PREFIX" in caught.value.hint


def test_a_steady_clock_goes_forward_and_its_pauses_can_be_cut_short():
    clock, event = SteadyClock(0.001), threading.Event()
    before = clock.now()

    assert not clock.wait(event, 1)
    assert clock.now() >= before + 1
    event.set()
    assert clock.wait(event, 1e9)


def test_the_fake_tells_versions_apart():
    assert etag(b"a") != etag(b"b")
