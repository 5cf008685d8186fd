from dataclasses import dataclass

from serverless_cli.model import Change, Handout, Late, Ref, Secret, Spec
from serverless_cli.ui.changes import change_lines


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
