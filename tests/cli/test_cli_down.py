from dataclasses import replace
from pathlib import Path

import pytest
from cli_fakes import FakeRun, Line, plan, step

from serverless_cli.errors import AwsError, Problem, SlxError
from serverless_cli.events import Copying
from serverless_cli.model import Action, Found, Loss, Place, Ref, Saved, Status, Sweep

BUCKET = step(Action.DELETE, "bucket", "site", loses_data=True)


@pytest.fixture
def down(slx: Line) -> Line:
    slx.app.running = FakeRun(plan(BUCKET), losses={BUCKET.ref: (Loss("objects", 3, 12_400),)})
    return slx


def protected(down: Line) -> Line:
    down.app.project = {"protected_stages": ["prod"]}
    down.app.running.plan = plan(BUCKET, place=Place("website", "prod", "r", "1"))
    return down


def test_down_shows_what_is_lost_removes_it_and_proves_it(down: Line) -> None:
    ended = down("down", "website", "--yes")

    assert ended.code == 0
    assert ended.out == ""
    assert "3 objects, 12.4 kB in bucket site" in ended.err
    assert "removed  bucket site" in ended.err
    assert "proof: nothing left; searched" in ended.err


def test_down_without_a_terminal_fails_at_once(down: Line) -> None:
    ended = down("down", "website", "--local")

    assert ended.code == 2
    assert "--yes" in ended.err
    assert down.app.calls == []


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("no\n", 8)])
def test_down_asks(down: Line, answer: str, code: int) -> None:
    ended = down.typed(answer, "down", "website")

    assert ended.code == code
    assert ended.err.index("12.4 kB") < ended.err.index("Remove all of this?")
    assert down.app.running.ran == (code == 0)


def test_yes_is_not_enough_on_a_protected_stage(down: Line) -> None:
    ended = protected(down)("down", "website/prod", "--yes")

    assert ended.code == 2
    assert "--confirm website" in ended.err
    assert not down.app.running.ran


@pytest.mark.parametrize("name", ["website", "website/prod"])
def test_the_name_is_enough_on_a_protected_stage(down: Line, name: str) -> None:
    assert protected(down)("down", "website/prod", "--confirm", name).code == 0


def test_another_name_is_refused_on_any_stage(down: Line) -> None:
    ended = down("down", "website", "--confirm", "websit")

    assert ended.code == 2
    assert not down.app.running.ran


def test_another_name_is_refused_whatever_the_first_part_is(down: Line) -> None:
    run = protected(down).app.running
    run.later, run.plan = (run.plan,), replace(run.plan, steps={})

    ended = down("down", "website/prod", "--confirm", "websit")

    assert ended.code == 2
    assert not run.ran


def test_who_stops_the_last_steps_of_a_part_gets_no_further_one(down: Line) -> None:
    run = down.app.running
    run.stopped, run.later = True, (plan(step(Action.DELETE, "table", "stray")),)

    ended = down("down", "website", "--yes")

    assert ended.code == 8
    assert "removed  bucket site" in ended.err
    assert "stray" not in ended.err
    assert "proof" not in ended.err


@pytest.mark.parametrize(("typed", "code"), [("website\ny\n", 0), ("yes\n", 8)])
def test_the_name_is_typed_on_a_terminal(down: Line, typed: str, code: int) -> None:
    ended = protected(down).typed(typed, "down", "website/prod")

    assert ended.code == code
    assert "Type website to go on" in ended.err


def test_what_is_left_gives_exit_code_4(down: Line) -> None:
    down.app.running.left = Sweep((Found(Ref("bucket", "site"), "b-1", None),), {})

    ended = down("down", "website", "--yes", "--quiet")

    assert ended.code == 4
    assert "bucket site" in ended.err


def test_a_failure_is_not_followed_by_a_proof(down: Line) -> None:
    down.app.running.ends = Status.FAILED
    down.app.running.error = AwsError("s3.DeleteBucket", "X", "no")

    ended = down("down", "website", "--yes")

    assert ended.code == 4
    assert "proof" not in ended.err
    assert "slx down website/dev" in ended.err


def test_json_ends_with_the_proof(down: Line) -> None:
    ended = down("down", "website", "--yes", "--json")

    assert [record["event"] for record in ended.records] == ["planned", "started", "ended", "report"]
    assert ended.records[0]["losses"][0] == {
        "kind": "bucket",
        "id": "site",
        "what": "objects",
        "count": 3,
        "bytes": 12400,
    }
    assert ended.records[-1]["sweep"] == {"left": [], "looked": {"function": 0}, "unseen": []}


def test_a_stack_of_which_nothing_exists_needs_no_answer_on_a_terminal(down: Line) -> None:
    down.app.running.plan = plan()

    ended = down.typed("", "down", "website")

    assert ended.code == 0
    assert "Remove all" not in ended.err


SITE = Saved("objects", 3, 12_400, "objects.jsonl", "ab" * 32, "older versions")
SAVING = (Copying(BUCKET.ref, BUCKET.name, 1, 400), Copying(BUCKET.ref, BUCKET.name, 3, 12_400, SITE))


def test_a_backup_comes_after_the_answer_and_before_the_first_deletion(down: Line) -> None:
    down.app.running.saves = SAVING

    ended = down.typed("y\n", "down", "website", "--backup", "saved")

    assert ended.code == 0
    told = ["Remove all of this?", "1 by now", "saved    bucket site", "saved and proven in", "removed  bucket site"]
    places = [ended.err.index(one) for one in told]
    assert places == sorted(places)
    assert str(down.folder / "saved") in ended.err
    assert down.app.into == down.folder / "saved"


def test_a_backup_in_json_is_a_line_for_each_copy(down: Line) -> None:
    down.app.running.saves = SAVING

    ended = down("down", "website", "--yes", "--json", "--backup", "/elsewhere")

    assert [record["event"] for record in ended.records] == ["planned", "saving", "saved", "started", "ended", "report"]
    assert ended.records[2] == {
        "event": "saved",
        "kind": "bucket",
        "id": "site",
        "name": BUCKET.name,
        "count": 3,
        "bytes": 12_400,
        "what": "objects",
        "sha256": "ab" * 32,
        "without": "older versions",
    }
    assert down.app.into == Path("/elsewhere")


def test_a_backup_that_fails_ends_the_command_before_anything_is_removed(down: Line) -> None:
    down.app.running.breaks = SlxError("the backup failed, and nothing was removed", "the disk is full")

    ended = down("down", "website", "--yes", "--backup", "saved")

    assert ended.code == 1
    assert "the disk is full" in ended.err
    assert not down.app.running.ran


def test_nothing_is_saved_when_the_answer_is_no(down: Line) -> None:
    down.app.running.breaks = SlxError("somebody asked for a backup")

    assert down.typed("n\n", "down", "website", "--backup", "saved").code == 8


def test_what_no_backup_can_hold_is_told_before_the_question(down: Line) -> None:
    jobs = step(Action.DELETE, "queue", "jobs", loses_data=True)
    down.app.running.unsaved = (jobs,)
    down.app.running.losses = {**down.app.running.losses, jobs.ref: (Loss("messages", 2),)}

    ended = down.typed("n\n", "down", "website", "--backup", "saved")

    assert ended.err.index("not in the backup: what queue jobs may hold") < ended.err.index("Remove all of this?")


def test_what_would_make_a_removal_fail_is_told_and_nothing_is_asked(down: Line) -> None:
    problem = Problem("table items is protected", "DynamoDB refuses it", "set `protected: false`")
    down.app.running.plan = plan(BUCKET, obstacles=(problem,))

    ended = down.typed("y\n", "down", "website")

    assert ended.code == 1
    assert "table items is protected" in ended.err
    assert "set `protected: false`" in ended.err
    assert "Remove all of this?" not in ended.err
    assert not down.app.running.ran


TABLE = step(Action.DELETE, "table", "stray", loses_data=True)


def test_what_is_found_meanwhile_is_shown_and_removed_before_the_proof(down: Line) -> None:
    down.app.running.later = (plan(TABLE),)

    ended = down("down", "website", "--yes")

    assert ended.code == 0
    told = [ended.err.index(text) for text in ("removed  bucket site", "removed  table stray", "proof: nothing left")]
    assert told == sorted(told)


def test_json_has_a_plan_and_a_report_for_each_part(down: Line) -> None:
    down.app.running.later = (plan(TABLE),)

    ended = down("down", "website", "--yes", "--json")

    part = ["planned", "started", "ended", "report"]
    assert [record["event"] for record in ended.records] == part * 2
    assert [record["sweep"] for record in ended.records if record["event"] == "report"] == [
        None,
        {"left": [], "looked": {"function": 0}, "unseen": []},
    ]


def test_what_bars_a_further_part_says_that_the_first_is_gone(down: Line) -> None:
    barred = replace(plan(TABLE), obstacles=(Problem("table stray is protected", "", ""),))
    down.app.running.later = (barred,)

    ended = down("down", "website", "--yes")

    assert ended.code == 1
    assert "table stray is protected" in ended.err
    assert "what was told before was removed, and nothing else" in ended.err
    assert "proof" not in ended.err


def test_after_a_failure_nothing_further_is_removed(down: Line) -> None:
    down.app.running.ends = Status.FAILED
    down.app.running.later = (plan(TABLE),)

    ended = down("down", "website", "--yes")

    assert ended.code == 4
    assert "stray" not in ended.err


@pytest.mark.parametrize(
    ("words", "agreed"),
    [
        pytest.param(("website", "--yes"), True, id="yes"),
        pytest.param(("website/prod", "--confirm", "website"), True, id="the name was given"),
        pytest.param(("website/prod", "--yes"), False, id="the name may still be asked for"),
    ],
)
def test_only_who_is_asked_nothing_has_agreed_beforehand(down: Line, words: tuple[str, ...], agreed: bool) -> None:
    if "prod" in words[0]:
        protected(down)

    down("down", *words)

    assert down.app.agreed is agreed


def test_who_is_asked_sees_the_whole_plan(down: Line) -> None:
    down.typed("y\n", "down", "website")

    assert down.app.agreed is False
