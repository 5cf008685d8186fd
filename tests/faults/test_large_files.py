"""A file that goes into its bucket in parts: what is lost on the way is made good, and no part of it is left over."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from rig import Folder, failures

from serverless_cli.packaging.site import IN_ONE_PIECE, PART, parts

pytestmark = pytest.mark.strict

SIZE = IN_ONE_PIECE + 7
BLUEPRINT = """\
name: films
resources:
  store: {type: bucket, content: ./films}
"""


@pytest.fixture
def films(website: Folder, tmp_path: Path) -> Folder:
    folder = tmp_path / "cinema"
    (folder / "films").mkdir(parents=True)
    (folder / "blueprint.yaml").write_text(BLUEPRINT)
    with (folder / "films/one.mp4").open("wb") as file:
        for number, (start, _) in enumerate(parts(SIZE)):
            file.seek(start)
            file.write(b"part %d" % number)
        file.truncate(SIZE)
    return Folder(folder, website.aws, website.region)


def bucket(films: Folder) -> str:
    [one] = films.aws.client("s3", films.region).list_buckets()["Buckets"]
    return one["Name"]


def begun(films: Folder) -> list[Any]:
    """Uploads that were begun and neither completed nor aborted."""
    return films.aws.client("s3", films.region).list_multipart_uploads(Bucket=bucket(films)).get("Uploads", [])


def kept(films: Folder) -> bytes:
    return films.aws.client("s3", films.region).get_object(Bucket=bucket(films), Key="one.mp4")["Body"].read()


def test_it_arrives_whole_and_is_known_again(films: Folder):
    report = films.up()

    assert failures(report) == {}
    assert films.aws.since().count("s3.UploadPart") == len(parts(SIZE)) == 5
    assert kept(films) == (films.path / "films/one.mp4").read_bytes()
    mark = films.aws.mark()
    assert failures(films.up()) == {}
    assert films.aws.writes(mark) == []
    assert films.aws.violations == []


@pytest.mark.parametrize(
    "fail",
    [
        pytest.param("s3.UploadPart:drop-after:2", marks=pytest.mark.slow),
        pytest.param("s3.UploadPart:SlowDown@503:3", marks=pytest.mark.slow),
        "s3.CompleteMultipartUpload:drop-after:1",
        pytest.param("s3.CompleteMultipartUpload:after/InternalError:1", marks=pytest.mark.slow),
        pytest.param("s3.CreateMultipartUpload:after/InternalError:1", marks=pytest.mark.slow),
    ],
)
def test_an_answer_that_is_lost_costs_nothing(films: Folder, fail: str):
    films.aws.reset(fail=[fail])

    assert failures(films.up()) == {}

    assert kept(films)[PART : PART + 6] == b"part 1"
    assert failures(films.up()) == {}
    report, sweep = films.down()
    assert failures(report) == {}
    assert sweep.left == ()


def test_where_a_part_is_refused_no_other_stays_and_the_next_run_goes_on(films: Folder):
    films.aws.reset(fail=["s3.UploadPart:InvalidRequest@400:1:no such luck"])

    [failed] = failures(films.up()).values()

    assert "no such luck" in failed
    assert begun(films) == []
    assert failures(films.up()) == {}
    assert len(kept(films)) == SIZE


def test_what_a_killed_run_left_is_removed_by_the_next(films: Folder):
    films.up()
    client = films.aws.client("s3", films.region)
    client.delete_object(Bucket=bucket(films), Key="one.mp4")
    for key in ("one.mp4", "one.mp4.bak"):
        upload = client.create_multipart_upload(Bucket=bucket(films), Key=key)["UploadId"]
        client.upload_part(Bucket=bucket(films), Key=key, UploadId=upload, PartNumber=1, Body=b"half")

    assert failures(films.up()) == {}

    assert [one["Key"] for one in begun(films)] == ["one.mp4.bak"]
    assert len(kept(films)) == SIZE


BREAKS = ["s3.UploadPart:InvalidRequest@400:1", "s3.AbortMultipartUpload:AccessDenied:20"]
"""a large file of which parts stay, as of a run that is killed"""


@pytest.mark.parametrize("now", ["smaller", "gone", "as it was"])
def test_it_is_removed_too_where_the_file_does_not_go_up_in_parts_again(films: Folder, now: str):
    (films.path / "films/two.txt").write_text("two")
    films.up()
    one = films.path / "films/one.mp4"
    was = one.read_bytes()
    one.write_bytes(was[::-1])
    films.aws.disturb(fail=BREAKS)
    assert [*failures(films.up())] == ["content store"]
    films.aws.disturb(fail=[])
    films.aws.client("s3", films.region).create_multipart_upload(Bucket=bucket(films), Key="theirs.mp4")
    assert [upload["Key"] for upload in begun(films)] == ["one.mp4", "theirs.mp4"]
    if now == "gone":
        one.unlink()
    else:
        one.write_bytes(b"short" if now == "smaller" else was)

    assert failures(films.up()) == {}

    assert [upload["Key"] for upload in begun(films)] == ["theirs.mp4"]
    mark = films.aws.mark()
    assert failures(films.up()) == {}
    assert films.aws.writes(mark) == []
    assert "s3.ListMultipartUploads" not in films.aws.since(mark)


def test_one_small_file_that_changed_is_one_call_more(films: Folder):
    (films.path / "films/two.txt").write_text("two")
    assert failures(films.up()) == {}
    mark = films.aws.mark()
    assert failures(films.up()) == {}
    idle = films.aws.since(mark)
    (films.path / "films/two.txt").write_text("three")
    mark = films.aws.mark()

    assert failures(films.up()) == {}

    assert sorted(films.aws.since(mark)) == sorted([*idle, "s3.PutObject"])


@pytest.mark.parametrize("first", [True, False], ids=["on its first run", "in an update"])
def test_what_a_run_left_of_a_file_that_nobody_wants_any_more_is_removed(films: Folder, first: bool):
    (films.path / "films/two.txt").write_text("two")
    one = films.path / "films/one.mp4"
    if not first:
        one.rename(films.path / "one.mp4")
        assert failures(films.up()) == {}
        (films.path / "one.mp4").rename(one)
    films.aws.disturb(fail=BREAKS)
    assert [*failures(films.up())] == ["content store"]
    films.aws.disturb(fail=[])
    assert [upload["Key"] for upload in begun(films)] == ["one.mp4"]
    one.unlink()

    assert failures(films.up()) == {}

    assert begun(films) == []
    mark = films.aws.mark()
    assert failures(films.up()) == {}
    assert films.aws.writes(mark) == []
    assert "s3.ListMultipartUploads" not in films.aws.since(mark)
