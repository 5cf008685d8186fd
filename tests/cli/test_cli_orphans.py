"""`slx orphans`: what is listed, which command removes it, and what is never offered to be removed."""

from __future__ import annotations

from datetime import UTC, datetime

from cli_fakes import PLACE, Line

from serverless_cli.model import Found, Mark, Orphan, Orphans, Ref, Stray

MARK = Mark("website", "dev", "eu-central-1", "jobs")
LOOKED = {"function": 0, "queue": 2}
QUEUE = Found(Ref("queue", "jobs"), "website-dev-jobs", MARK)
ROLE = Found(Ref("role", "jobs"), "website-dev-jobs-ab12cd", MARK, since=datetime(2026, 1, 2, tzinfo=UTC))
BARE = Found(Ref("log-group", "/aws/lambda/website-dev-gone"), "/aws/lambda/website-dev-gone", None)

LOST = Orphans((Orphan(PLACE, (QUEUE, ROLE)),), (), LOOKED)
STRAYS = Orphans(
    (), (Stray(PLACE, QUEUE, "the record does not know it"), Stray(PLACE, BARE, "it carries no mark")), LOOKED
)


def test_a_stack_without_a_record_is_listed_with_its_age_and_the_command_that_removes_it(slx: Line) -> None:
    slx.app.lost = LOST

    ended = slx("orphans", "--region", "eu-central-1")

    assert ended.code == 0
    assert "website/dev (account 123456789012, eu-central-1): 2 resources, since 2026-01-02" in ended.out
    assert "queue jobs" in ended.out
    assert "slx down website/dev --region eu-central-1" in ended.out


def test_what_carries_no_mark_is_listed_without_a_command(slx: Line) -> None:
    slx.app.lost = STRAYS

    marked, bare = slx("orphans").out.split("log-group")

    assert "slx down website/dev removes it with its stack" in " ".join(marked.split())
    assert "slx down" not in bare
    assert "slx removes nothing without a mark" in " ".join(bare.split())


def test_where_there_are_none_it_says_how_far_it_looked(slx: Line) -> None:
    slx.app.lost = Orphans((), (), LOOKED)

    ended = slx("orphans")

    assert ended.out == ""
    assert "no orphans: 2 things of 2 kinds carry slx's mark" in ended.err


def test_the_document_has_all_of_it(slx: Line) -> None:
    slx.app.lost = Orphans(LOST.stacks, STRAYS.strays, LOOKED)

    found = slx("orphans", "--json").document

    assert found["looked"] == LOOKED
    [stack] = found["stacks"]
    assert (stack["stack"], stack["stage"], stack["since"]) == ("website", "dev", "2026-01-02T00:00:00+00:00")
    assert stack["remove"] == "slx down website/dev"
    assert [(one["kind"], one["since"]) for one in stack["resources"]] == [
        ("queue", None),
        ("role", "2026-01-02T00:00:00+00:00"),
    ]
    assert [(one["kind"], one["why"], one["remove"]) for one in found["strays"]] == [
        ("queue", "the record does not know it", "slx down website/dev"),
        ("log-group", "it carries no mark", None),
    ]


def test_status_of_all_says_how_much_was_looked_at(slx: Line) -> None:
    assert slx("status", "--all", "--json").document == {"stacks": [], "looked": {"function": 2, "bucket": 0}}
    assert slx("status", "--json").document == {"stacks": []}
