from dataclasses import dataclass
from pathlib import Path

import pytest
from ui_samples import PLACE, lines, rendered

from serverless_cli.errors import Location
from serverless_cli.model import Change, Check, CheckResult, Found, Ref, ResourceState, StackState, State, Sweep
from serverless_cli.secret import Secret
from serverless_cli.ui import states

URL = "http://website-dev-site-0a1b2c3d.s3-website.eu-central-1.amazonaws.com/a/very/long/path/to/see"
STACK = StackState(
    PLACE,
    "local",
    (
        ResourceState(Ref("bucket", "site"), "website-dev-site", State.IN_SYNC),
        ResourceState(Ref("function", "hello"), "f", State.DRIFTED, (Change(("timeout_s",), 30, 10),), "pending"),
        ResourceState(Ref("http-api", "api"), "a", State.MISSING),
    ),
    {"website": URL},
)


def test_a_stack_has_a_row_per_resource_and_its_drift_below() -> None:
    found = lines(states.state(STACK))

    assert found[:6] == [
        "website/dev (local): 1 in sync, 1 drifted, 1 missing",
        "  ✓ bucket site     website-dev-site  in sync",
        "  ~ function hello  f                 drifted",
        "      timeout_s: 10 → 30 (by hand)",
        "      pending",
        "  ✗ http-api api    a                 missing",
    ]


def test_urls_are_never_wrapped() -> None:
    assert f"  website: {URL}" in lines(states.state(STACK), 40)


def test_rows_wrap_where_columns_do_not_fit() -> None:
    found = lines(states.state(STACK), 30)

    assert "  ✓ bucket site" in found[2]
    assert all(len(line) <= 30 for line in found if "http" not in line)


def test_a_stack_without_a_record_says_so() -> None:
    assert "found by its marks" in rendered(states.state(StackState(PLACE, "aws", (), known=False)))


def test_a_record_that_may_lack_something_is_a_record() -> None:
    found = rendered(states.state(StackState(PLACE, "aws", (), whole=False)), 200)

    assert "a run is under way or was interrupted" in found
    assert "nothing is recorded" not in found


def test_outputs_are_lines_for_scripts() -> None:
    assert lines(states.outputs({"website": URL, "key": Secret("hunter2")})) == [f"website: {URL}", "key: ***"]


def test_assignments_are_safe_for_a_shell() -> None:
    found = states.assignments({"api-url": "http://x/?a=1&b=$(rm)", "2nd": "it's"})

    assert found == "API_URL='http://x/?a=1&b=$(rm)'\n_2ND='it'\"'\"'s'\n"


def test_a_check_that_passed_is_one_line() -> None:
    done = CheckResult(Check("get", {"url": "http://x"}, {}), ok=True, saw="200 from http://x", attempts=1, seconds=0.1)

    assert lines(states.check(done)) == ["✓ get 200 from http://x in 0.1s"]


def test_a_check_that_failed_says_what_it_saw_and_where_it_stands() -> None:
    check = Check("get", {"url": "http://x"}, {}, where=Location("b.yaml", 40, 5))
    failed = CheckResult(check, ok=False, saw="status 500", attempts=4, seconds=30)

    assert lines(states.check(failed)) == ["✗ get http://x: status 500 in 30.0s, 4 attempts (b.yaml:40:5)"]


def test_the_proof_says_what_was_looked_through() -> None:
    found = rendered(states.sweep(Sweep((), {"function": 5, "role": 1, "bucket": 0})), 200)

    told = "proof: nothing left but what is retained: 5 functions, 1 role; searched 3 kinds of resources for its mark\n"
    assert found == told


def test_the_proof_of_a_whole_teardown_knows_no_but() -> None:
    found = rendered(states.sweep(Sweep((), {"function": 0})), 200)

    assert found == "proof: nothing left; searched 1 kind of resources for its mark\n"


def test_the_proof_says_what_could_not_be_looked_through() -> None:
    found = rendered(states.sweep(Sweep((), {"function": 0}, ("pipe", "rule"))), 200)

    assert found.endswith("for its mark; not searched, as you may not list them: pipe, rule\n")


def test_what_is_left_is_listed() -> None:
    found = lines(states.sweep(Sweep((Found(Ref("bucket", "site"), "b-1", None),), {})))

    assert found == ["1 thing still there", "  ✗ bucket site  b-1"]


@dataclass(frozen=True)
class Target:
    url: str = "http://127.0.0.1:4566"
    pid: int = 42
    uptime_s: float = 61.0
    memory_bytes: int = 62_000_000
    stacks: tuple[str, ...] = ()
    workspace: Path = Path("/home/me/shop")


@pytest.mark.parametrize(("stacks", "said"), [((), "no stacks"), (("shop/dev", "web/dev"), "shop/dev, web/dev")])
def test_a_local_target_says_what_lives_in_it(stacks: tuple[str, ...], said: str) -> None:
    assert lines(states.emulators([Target(stacks=stacks)])) == [
        "http://127.0.0.1:4566  up 1m01s, 62.0 MB, process 42",
        f"  {said} in /home/me/shop",
    ]
