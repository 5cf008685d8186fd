from dataclasses import dataclass

import pytest

from serverless_cli.model import Change, Handout, Late, Ref, Spec
from serverless_cli.secret import Secret
from serverless_cli.ui.changes import change_lines
from serverless_cli.wiring import Statement


@dataclass(frozen=True, slots=True)
class File(Spec):
    etag: str
    size: int


def texts(*changes: Change, **how: bool) -> list[str]:
    return [line.plain for line in change_lines(changes, **how)]


def test_a_field_leads_from_old_to_new() -> None:
    assert texts(Change(("memory_mb",), 128, 256)) == ["memory_mb: 128 → 256"]


def test_a_field_that_replaces_says_so() -> None:
    assert texts(Change(("key",), "a", "b", replaces=True)) == ["key: a → b (forces replacement)"]


def test_drift_leads_from_what_was_to_what_somebody_made_of_it() -> None:
    assert texts(Change(("timeout_s",), 30, 10), drift=True) == ["timeout_s: 10 → 30 (by hand)"]


def test_mappings_are_compared_by_key() -> None:
    found = texts(Change(("environment", "A"), None, "1"), Change(("environment", "B"), Secret("x"), Secret("y")))

    assert found == ["environment.A: none → 1", "environment.B: *** → ***"]


def test_what_is_not_known_yet_says_after_what_it_will_be() -> None:
    late = Late((Handout(Ref("http-api", "api"), "url"),))

    assert texts(Change(("url",), "x", late)) == ["url: x → (known after api)"]


def test_files_are_a_list_of_keys() -> None:
    found = texts(
        Change(("files", "app.js", "etag"), "1", "2"),
        Change(("files", "app.js", "size"), 1, 2),
        Change(("files", "new.css"), None, File("3", 1)),
        Change(("files", "old.css"), File("4", 1), None),
    )

    assert found == ["files:", "  ~ app.js", "  + new.css", "  - old.css"]


def test_files_of_drift_are_what_somebody_did() -> None:
    assert texts(Change(("files", "a"), None, File("3", 1)), drift=True) == ["files:", "  - a"]


def test_long_lists_of_keys_are_cut_unless_everything_is_wanted() -> None:
    many = [Change(("files", f"{number:02}", "etag"), "1", "2") for number in range(14)]

    cut, whole = texts(*many), texts(*many, everything=True)

    assert cut[-2:] == ["  ~ 09", "  and 4 more"]
    assert whole[-1] == "  ~ 13"


def test_the_digest_of_code_only_says_that_it_is_new() -> None:
    assert texts(Change(("code", "sha256"), "abc", "def")) == ["code: new content"]


def test_long_lists_show_what_came_and_what_went() -> None:
    found = texts(Change(("events",), ("a", "b", "c"), ("a", "c", "d")))

    assert found == ["events:", "  - b", "  + d"]


def test_short_lists_are_shown_whole() -> None:
    assert texts(Change(("methods",), ("GET",), ("GET", "PUT"))) == ["methods: [GET] → [GET, PUT]"]


def test_a_list_in_another_order_says_so() -> None:
    assert texts(Change(("x",), ("a", "b", "c"), ("c", "b", "a"))) == ["x:", "  in another order"]


GROUP = "arn:aws:logs:eu-central-1:123456789012:log-group:/aws/kinesisfirehose/streaming-dev-posts:log-stream"
READ = Statement(("s3:GetObject",), ("arn:aws:s3:::archive/*",))
BOTH = Statement(("logs:PutLogEvents",), (f"{GROUP}:Backup", f"{GROUP}:Destination"))
ONE = Statement(("logs:PutLogEvents",), (f"{GROUP}:Destination",))


def statements(before: tuple[Statement, ...], after: tuple[Statement, ...], **how: bool) -> list[str]:
    return texts(Change(("statements",), before, after), **how)


@pytest.mark.parametrize("how", [{}, {"everything": True}])
def test_of_a_statement_that_changes_it_is_shown_what_comes_and_goes(how: dict[str, bool]) -> None:
    assert statements((READ, BOTH), (READ, ONE), **how) == [
        "statements:",
        "  ~ actions: [logs:PutLogEvents]",
        "      resources:",
        f"        - {GROUP}:Backup",
    ]


def test_drift_of_a_statement_is_what_somebody_made_of_it() -> None:
    assert statements((READ, BOTH), (READ, ONE), drift=True) == [
        "statements: (by hand)",
        "  ~ actions: [logs:PutLogEvents]",
        "      resources:",
        f"        + {GROUP}:Backup",
    ]


def test_the_condition_of_a_statement_is_shown_by_its_keys() -> None:
    narrow = Statement(READ.actions, READ.resources, {"StringEquals": {"aws:SourceAccount": ("123456789012",)}})

    assert statements((READ,), (narrow,)) == [
        "statements:",
        "  ~ actions: [s3:GetObject], resources: [arn:aws:s3:::archive/*]",
        "      condition.StringEquals: none → {aws:SourceAccount: [123456789012]}",
    ]


def test_statements_that_have_nothing_in_common_come_and_go_whole() -> None:
    assert statements((BOTH,), (READ,)) == [
        "statements:",
        f"  - {{actions: [logs:PutLogEvents], resources: [{GROUP}:Backup, {GROUP}:Destination], condition: {{}}, "
        "effect: Allow}",
        "  + {actions: [s3:GetObject], resources: [arn:aws:s3:::archive/*], condition: {}, effect: Allow}",
    ]


def test_each_statement_changes_into_the_one_that_is_most_like_it() -> None:
    others = Statement(("logs:PutLogEvents",), ("*",))

    assert statements((BOTH, others), (others, ONE))[1:] == [
        "  ~ actions: [logs:PutLogEvents]",
        "      resources:",
        f"        - {GROUP}:Backup",
    ]


def test_many_changed_statements_are_cut_unless_everything_is_wanted() -> None:
    many = tuple(Statement((f"sqs:{number}",), ("*",)) for number in range(12))

    assert statements((), many)[-1] == "  and 2 more"
    assert statements((), many, everything=True)[-1].startswith("  + {actions: [sqs:11]")


def test_short_lists_of_long_texts_show_what_differs() -> None:
    found = texts(Change(("resources",), (f"{GROUP}:Backup",), (f"{GROUP}:Destination",)))

    assert found == ["resources:", f"  - {GROUP}:Backup", f"  + {GROUP}:Destination"]


def test_what_differs_is_never_what_is_left_out() -> None:
    before, after = f"{GROUP}:Backup{GROUP}", f"{GROUP}:Destination{GROUP}"

    [cut], [whole] = texts(Change(("arn",), before, after)), texts(Change(("arn",), before, after), everything=True)

    assert "Backup" in cut
    assert "Destination" in cut
    assert len(cut) < 150
    assert whole == f"arn: {before} → {after}"


def test_secrets_that_differ_stay_secrets() -> None:
    assert texts(Change(("key",), Secret("a" * 99), Secret("b" * 99))) == ["key: *** → ***"]
