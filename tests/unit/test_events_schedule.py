from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serverless_cli.eventbridge.schedule import check

GOOD = (
    "rate(1 minute)", "rate(5 minutes)", "rate(1 hour)", "rate(12 hours)", "rate(1 day)", "rate(7 days)",
    "rate(10 minutes)", "rate(100 days)",
    "cron(0 12 * * ? *)", "cron(15 10 ? * 6L 2022-2023)", "cron(0 18 ? * MON-FRI *)", "cron(0 8 1 * ? *)",
    "cron(0/10 * ? * MON-FRI *)", "cron(0/5 8-17 ? * MON-FRI *)", "cron(0 9 ? * 2#1 *)", "cron(0 0 L * ? *)",
    "cron(0 0 LW * ? *)", "cron(0 0 15W * ? *)", "cron(0 0 ? * THU#3 *)", "cron(0 0 ? * L *)",
    "cron(0,15,30,45 0 1,15 JAN,jul ? 2026)", "cron(*/5 * * * ? *)", "cron(59 23 31 12 ? 2199)",
    "cron(0 22-2 * * ? *)", "cron(0 0 ? * FRI-MON *)", "cron(10-50/10 * * * ? 2026-2030/2)", "cron(0 0 ? * 1 *)",
)  # fmt: skip
BAD = {
    "rate(1 minutes)": "write rate(1 minute)",
    "rate(5 minute)": "write rate(5 minutes)",
    "rate(2 day)": "write rate(2 days)",
    "rate(5 mins)": "did you mean `minutes`?",
    "rate(5 seconds)": "there are",
    "rate(0 minutes)": "",
    "rate(-1 minutes)": "a number, one space, a unit",
    "rate(1.5 hours)": "a number, one space, a unit",
    "rate(5  minutes)": "a number, one space, a unit",
    "rate( 5 minutes )": "a number, one space, a unit",
    "rate(minutes)": "a number, one space, a unit",
    "rate(5 minutes": "a number, one space, a unit",
    "cron(0 12 * * *)": "write cron(0 12 * * ? *)",
    "cron(0 12 * * MON-FRI)": "write cron(0 12 ? * MON-FRI *)",
    "cron(0 12 * * ?)": "write cron(0 12 * * ? *)",
    "cron(0 12 ? * ?)": "write cron(0 12 * * ? *)",
    "cron(0 12 ? * MON)": "write cron(0 12 ? * MON *)",
    "cron(0 12 ? * 2)": "write cron(0 12 ? * 2 *)",
    "cron(0 12 1 * ?)": "write cron(0 12 1 * ? *)",
    "cron(0 12 * * 1)": "write cron(0 12 ? * MON *)",
    "cron(0 12 * * 0,6)": "write cron(0 12 ? * SUN,SAT *)",
    "cron(0 12 * * 1-5/2)": "write cron(0 12 ? * MON-FRI/2 *)",
    "cron(0 12 1 * MON)": "make it two schedules, cron(0 12 1 * ? *)",
    "cron(0 99 * * *)": "cron(0 12 * * ? *)",
    "cron()": "cron(0 12 * * ? *)",
    "cron(0 12 * * ? *": "write cron(...)",
    "cron(0 12 * * * *)": "",
    "cron(0 12 ? * ? *)": "",
    "cron(60 12 * * ? *)": "",
    "cron(0 24 * * ? *)": "",
    "cron(0 0 0 * ? *)": "",
    "cron(0 0 32 * ? *)": "",
    "cron(0 0 1 13 ? *)": "",
    "cron(0 0 1 FOO ? *)": "",
    "cron(0 0 ? * 0 *)": "",
    "cron(0 0 ? * 8 *)": "",
    "cron(0 0 ? * MON#6 *)": "",
    "cron(0 0 * * ? 1969)": "",
    "cron(0 0 * * ? 2200)": "",
    "cron(0 0 * * ? 2030-2026)": "",
    "cron(? 0 * * ? *)": "",
    "cron(0/0 0 * * ? *)": "",
    "cron(0 0 1- * ? *)": "",
    "cron(, 0 * * ? *)": "",
    "cron(a 0 * * ? *)": "",
    "at(2026-01-01T00:00:00)": "rate(5 minutes)",
    "every 5 minutes": "rate(5 minutes)",
    "5 minutes": "rate(5 minutes)",
    "0 12 * * ? *": "rate(5 minutes)",
    "": "rate(5 minutes)",
    "RATE(5 minutes)": "rate(5 minutes)",
    " rate(5 minutes)": "rate(5 minutes)",
}


@pytest.mark.parametrize("text", GOOD)
def test_what_eventbridge_takes_is_right(text: str):
    assert check(text) == []


@pytest.mark.parametrize(("text", "hint"), BAD.items(), ids=BAD)
def test_what_eventbridge_refuses_is_found(text: str, hint: str):
    found = check(text)

    assert found
    assert hint in found[0].hint


@given(
    st.lists(st.sampled_from(["*", "?", "0", "1", "8", "MON", "1-5", "*/5", "L", "99", "x"]), min_size=5, max_size=5)
)
def test_what_is_advised_for_five_fields_is_taken(fields: list[str]):
    [found] = check(f"cron({' '.join(fields)})")

    [advised] = re.findall(r"cron\([^)]*\)", found.hint)
    assert check(advised) == []


def test_a_field_that_is_wrong_is_named():
    [found] = check("cron(0 25 * * ? *)")

    assert (found.what, "0 to 23" in found.why) == ("`25` cannot be the hours of a schedule", True)


def test_the_hint_for_a_rate_is_a_right_rate():
    assert all(check(one[0].hint.removeprefix("write ")) == [] for one in map(check, ["rate(1 days)", "rate(3 hour)"]))


def test_a_schedule_has_256_characters_at_most():
    assert "257 characters" in check("cron(" + "0" * 251 + ")")[0].what


@given(st.integers(1, 10**17), st.sampled_from(["minute", "hour", "day"]))
def test_every_rate_with_the_right_number_of_its_unit_is_right(number: int, unit: str):
    assert check(f"rate({number} {unit}{'' if number == 1 else 's'})") == []
    assert check(f"rate({number} {unit}{'s' if number == 1 else ''})") != []


@given(
    st.text()
    | st.lists(st.text("0123456789*?/,-#LW MON"), min_size=6, max_size=6).map(lambda p: f"cron({' '.join(p)})")
)
def test_no_text_is_too_odd_to_be_judged(text: str):
    assert all(one.what for one in check(text))
