import pytest

from serverless_cli.ui import text


@pytest.mark.parametrize(
    ("count", "expected"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (12_400, "12.4 kB"), (999_960, "1.0 MB"), (3 * 10**9, "3.0 GB")],
)
def test_bytes_have_decimal_units(count: int, expected: str) -> None:
    assert text.size(count) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(-1, "0.0s"), (0.04, "0.0s"), (12.34, "12.3s"), (59.96, "1m00s"), (125, "2m05s"), (11_400, "3h10m")],
)
def test_durations_are_short(seconds: float, expected: str) -> None:
    assert text.duration(seconds) == expected


@pytest.mark.parametrize(
    ("noun", "expected"),
    [("bucket", "2 buckets"), ("event-bus", "2 event-buses"), ("policy", "2 policies"), ("key", "2 keys")],
)
def test_nouns_have_plurals(noun: str, expected: str) -> None:
    assert text.plural(2, noun) == expected
    assert text.plural(1, noun) == f"1 {noun}"


def test_a_noun_given_in_the_plural_has_a_singular() -> None:
    assert text.counted(1, "objects") == "1 object"
    assert text.counted(3, "objects") == "3 objects"


def test_control_characters_cannot_reach_the_terminal() -> None:
    assert text.clean("a\x1b[31mb\rc\u202e") == "a\\x1b[31mb\\rc\\u202e"
    assert text.clean("two\nlines") == "two\nlines"
    assert text.line("two\nlines") == "two lines"


def test_long_text_keeps_both_ends() -> None:
    short = text.shorten("abcdefghijklmnopqrstuvwxyz", 10)

    assert len(short) == 10
    assert short.startswith("abc")
    assert short.endswith("xyz")


def test_long_lists_are_cut() -> None:
    assert text.enumerated(["a", "b", "c"], 2) == "a, b and 1 more"
    assert text.enumerated(["a", "b"], 2) == "a, b"
