"""Emptying buckets: as many objects as there are, in flat memory; what will not go; what comes back."""

from __future__ import annotations

import pytest

from serverless_cli.errors import AwsError, SlxError
from serverless_cli.resources.emptying import remove_bucket
from tests.unit.account_fakes import Account


def test_a_hundred_thousand_objects_go_a_thousand_at_a_time_in_flat_memory():
    account = Account(versions=100_000)

    remove_bucket(account, "files")

    sizes = [len(given["Delete"]["Objects"]) for operation, given in account.calls if operation == "s3.DeleteObjects"]
    assert not account.exists
    assert sum(sizes) == 100_000
    assert max(sizes) == 1000
    assert len(sizes) == 100
    assert account.most_ahead <= 10_000


def test_what_comes_back_is_removed_again():
    account = Account(objects={"a": b""})
    late = ["b", "c"]

    def write(operation: str) -> None:
        if operation == "s3.DeleteBucket" and late:
            account.objects[late.pop()] = b""

    account.before = write
    remove_bucket(account, "files")

    assert not account.exists
    assert account.count("s3.DeleteBucket") == 3


def test_what_fills_without_an_end_is_told_in_the_end():
    account = Account(objects={"a": b""})

    def write(operation: str) -> None:
        if operation == "s3.DeleteBucket":
            account.objects["a"] = b""

    account.before = write
    with pytest.raises(SlxError, match="fills as fast as it is emptied"):
        remove_bucket(account, "files")

    assert account.exists
    assert sum(account.clock.slept) < 150


def test_a_bucket_that_takes_long_to_empty_has_not_filled_again():
    account = Account(versions=20_000)
    late = ["a", "b"]

    def take_long(operation: str) -> None:
        if operation == "s3.DeleteObjects":
            account.clock.time += 60
        if operation == "s3.DeleteBucket" and late:
            account.objects[late.pop()] = b""

    account.before = take_long
    remove_bucket(account, "files")

    assert not account.exists


def test_what_s3_was_too_busy_for_is_no_reason_to_begin_anew():
    account = Account(versions=3_000, objects={"a": b""}, refuses={"a": "InternalError"})

    def take_long(operation: str) -> None:
        if operation == "s3.DeleteObjects":
            account.clock.time += 60
            if account.count("s3.DeleteObjects") == 1:
                account.refuses.clear()

    account.before = take_long
    remove_bucket(account, "files")

    assert (account.count("s3.ListObjectVersions"), account.count("s3.DeleteBucket")) == (1, 1)
    assert not account.exists


def test_what_s3_is_too_busy_for_without_an_end_is_named():
    account = Account(objects={"a": b""}, refuses={"a": "SlowDown"})

    with pytest.raises(SlxError, match="too busy to delete a"):
        remove_bucket(account, "files")


def test_keys_that_xml_cannot_name_go_one_by_one():
    account = Account(objects={"plain": b"", "bell\x07": b"", "last\uffff": b""})

    remove_bucket(account, "files")

    assert not account.exists
    assert account.count("s3.DeleteObject") == 2


def test_a_key_that_is_not_given_away_is_named():
    account = Account(objects={"locked": b"", "open": b""}, refuses={"locked": "AccessDenied"})

    with pytest.raises(AwsError, match="locked: no"):
        remove_bucket(account, "files")


def test_what_was_busy_is_tried_again():
    account = Account(objects={"a": b""}, refuses={"a": "SlowDown"})

    def settle(operation: str) -> None:
        if account.count("s3.DeleteObjects") == 2:
            account.refuses.clear()

    account.before = settle
    remove_bucket(account, "files")

    assert not account.exists


def test_a_bucket_that_is_gone_is_no_trouble():
    account = Account()

    remove_bucket(account, "files")

    assert account.count("s3.DeleteBucket") == 1
