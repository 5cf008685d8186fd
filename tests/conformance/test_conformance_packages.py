"""The bucket for large packages: one resource in a stack, so it has no row of the table."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from bench import PLACE, Calls, Raw, overheard

from serverless_cli import diff
from serverless_cli.aws.actions import iam_action
from serverless_cli.aws.calls import Aws
from serverless_cli.model import Found, Verb
from serverless_cli.resources.base import Here
from serverless_cli.resources.bucket import BucketKind
from serverless_cli.resources.bundles import packages_bucket
from serverless_cli.resources.ownership import ForeignError
from serverless_cli.resources.packages import REF, PackagesKind, PackagesSpec

KIND = PackagesKind()
HERE = Here(REF, packages_bucket(PLACE), PLACE)


@pytest.fixture
def aws(moto: str, connection: Aws, calls: Calls) -> Iterator[Aws]:
    urllib.request.urlopen(urllib.request.Request(f"{moto}/moto-api/reset", method="POST")).close()
    calls.clear()
    yield connection
    declared = {one for actions in KIND.permissions.values() for one in actions}
    assert {iam_action(one) for one in calls.operations} - {"s3:ListAllMyBuckets"} <= declared


@pytest.fixture
def wish(tmp_path: Path) -> PackagesSpec:
    return of(tmp_path, a=b"one", b=b"two")


def of(folder: Path, **contents: bytes) -> PackagesSpec:
    for name, data in contents.items():
        (folder / f"{name}.zip").write_bytes(data)
    sizes = {f"{name}.zip": len(data) for name, data in contents.items()}
    return PackagesSpec(sizes, {key: str(folder / key) for key in sizes})


def update(aws: Aws, spec: PackagesSpec) -> None:
    seen = KIND.read(aws, HERE)
    assert seen is not None
    KIND.update(aws, HERE, spec, diff.changes(spec, seen.spec, frozenset()))


def test_it_is_made_with_its_packages_and_our_mark(aws: Aws, wish: PackagesSpec):
    assert KIND.read(aws, HERE) is None

    KIND.create(aws, HERE, wish)

    seen = KIND.read(aws, HERE)
    assert seen is not None
    assert (seen.spec, seen.mark) == (wish, HERE.mark)


def test_the_very_call_that_makes_it_carries_our_mark(aws: Aws, wish: PackagesSpec):
    hearing, heard = overheard(aws)

    KIND.create(hearing, HERE, wish)

    [made] = [text for operation, text in heard if operation == "s3.CreateBucket"]
    assert all(f'"{key}"' in made for key in HERE.mark.tags)


def test_making_it_again_after_a_lost_answer_uploads_what_is_missing(aws: Aws, wish: PackagesSpec, calls: Calls):
    KIND.create(aws, HERE, replace(wish, files={"a.zip": 3}))
    calls.clear()

    KIND.create(aws, HERE, wish)

    seen = KIND.read(aws, HERE)
    assert seen is not None
    assert seen.spec == wish
    assert calls.operations.count("s3.PutObject") == 1


def test_another_package_takes_the_place_of_the_old_one(aws: Aws, wish: PackagesSpec, tmp_path: Path, calls: Calls):
    KIND.create(aws, HERE, wish)
    other = of(tmp_path, b=b"two", c=b"three")
    calls.clear()

    update(aws, other)

    seen = KIND.read(aws, HERE)
    assert seen is not None
    assert seen.spec == other
    assert calls.operations.count("s3.PutObject") == 1


def test_what_was_removed_or_put_by_hand_is_repaired(aws: Aws, wish: PackagesSpec, raw: Raw):
    KIND.create(aws, HERE, wish)
    raw("s3").delete_object(Bucket=HERE.name, Key="a.zip")
    raw("s3").put_object(Bucket=HERE.name, Key="mine.txt", Body=b"x")

    update(aws, wish)

    seen = KIND.read(aws, HERE)
    assert seen is not None
    assert seen.spec == wish


def test_it_goes_with_all_that_is_in_it(aws: Aws, wish: PackagesSpec, raw: Raw):
    KIND.create(aws, HERE, wish)
    raw("s3").put_bucket_versioning(Bucket=HERE.name, VersioningConfiguration={"Status": "Enabled"})
    raw("s3").put_object(Bucket=HERE.name, Key="a.zip", Body=b"x")
    raw("s3").delete_object(Bucket=HERE.name, Key="b.zip")

    KIND.delete(aws, HERE)
    KIND.delete(aws, HERE)

    assert KIND.read(aws, HERE) is None


def test_it_is_found_by_its_mark_and_is_no_bucket_of_the_user(aws: Aws, wish: PackagesSpec):
    other = Here(REF, packages_bucket(replace(PLACE, stage="prod")), replace(PLACE, stage="prod"))
    KIND.create(aws, HERE, wish)
    KIND.create(aws, other, wish)

    assert list(KIND.search(aws, PLACE)) == [Found(REF, HERE.name, HERE.mark)]
    assert {one.mark for one in KIND.search(aws, None)} == {HERE.mark, other.mark}
    assert list(BucketKind().search(aws, PLACE)) == []


def test_somebody_elses_bucket_is_left_alone(aws: Aws, wish: PackagesSpec, raw: Raw):
    raw("s3").create_bucket(Bucket=HERE.name, CreateBucketConfiguration={"LocationConstraint": raw.region})

    with pytest.raises(ForeignError):
        KIND.create(aws, HERE, wish)

    seen = KIND.read(aws, HERE)
    assert seen is not None
    assert seen == replace(seen, spec=PackagesSpec({}), mark=None)


def test_verbs_declare_what_they_need():
    assert set(KIND.permissions) == set(Verb)
