from ui_samples import lines

from serverless_cli.errors import BlueprintError, Location, Problem, SlxError
from serverless_cli.ui import errors

LINE = "    type: functoin"


def test_an_error_says_what_why_and_what_to_do() -> None:
    found = lines(errors.error(SlxError("no credentials", "none are set", "Run `aws configure`.")))

    assert found == ["error: no credentials: none are set", "  hint: Run `aws configure`."]


def test_an_error_points_at_the_line() -> None:
    found = lines(errors.error(SlxError("it failed", where=Location("b.yaml", 12, 11, LINE))))

    assert found == ["error: it failed", "  at b.yaml:12:11", "   12 |     type: functoin", "      |           ^"]


def test_a_blueprint_shows_all_problems_and_their_count() -> None:
    where = Location("b.yaml", 12, 11, LINE)
    bad = BlueprintError((Problem("unknown type", "no such type", "did you mean `function`?", where), Problem("other")))

    found = lines(errors.error(bad))

    assert found == [
        "b.yaml:12:11: unknown type: no such type",
        "   12 |     type: functoin",
        "      |           ^",
        "  hint: did you mean `function`?",
        "other",
        "error: 2 problems in b.yaml",
    ]


def test_the_caret_stays_under_its_column_after_tabs_and_wide_characters() -> None:
    found = lines(errors.Excerpt(Location("b.yaml", 1, 6, "\t日本: x")))

    assert found == ["    1 |  日本: x", "      |        ^"]


def test_a_long_line_is_cut_around_its_column() -> None:
    where = Location("b.yaml", 1, 301, "a" * 300 + "HERE" + "b" * 300)

    text, caret = lines(errors.Excerpt(where), 60)

    assert text[caret.index("^") :].startswith("HERE")
    assert len(text) <= 60


def test_a_column_behind_the_end_of_the_line_is_at_its_end() -> None:
    assert lines(errors.Excerpt(Location("b.yaml", 1, 50, "ab")))[1] == "      |   ^"


def test_long_errors_wrap_beside_their_label() -> None:
    found = lines(errors.error(SlxError("word " * 20)), 40)

    assert len(found) > 1
    assert all(line.startswith("       word") for line in found[1:])


def test_what_aws_says_cannot_steer_the_terminal() -> None:
    assert "\x1b" not in "".join(lines(errors.error(SlxError("bad", "\x1b[2Jgone"))))
