"""Each right that a function of the shipped systems has is taken from it once: then its system must fail.

The systems are brought up once, on the local target, where functions run under their own roles. One case after the
other of each system, all systems at once: put the role's policy without a statement, run the blueprint's checks, which
must fail (where it writes logs: there must be none), put it back, and see the checks pass.

By default each function loses each of its statements. With SLX_ALL=1 it loses each action of each by itself as well,
which takes two to three minutes:

    SLX_ALL=1 pytest tests/system/test_privileges.py

The statements of service roles are proven by tests/unit/test_policies_services.py.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from serverless_cli import local, policy
from serverless_cli.app import checking, stacks
from serverless_cli.app.session import open_session
from serverless_cli.app.settings import Settings
from serverless_cli.fill import fill
from serverless_cli.model import CheckResult, Place
from serverless_cli.wiring import Statement
from tests.local.support import client, eventually
from tests.system.slx import Slx
from tests.unit.wired import Wired, wired

pytestmark = pytest.mark.local

ALL = bool(os.environ.get("SLX_ALL"))
SYSTEMS = ("banking", "image-processing", "streaming", "worker", "website")
HERE = Place("", "dev", "us-east-1", "000000000000")

PATIENCE_S = 90.0
"""for checks that are to pass"""
SHORTEST_S, LONGEST_S = 6.0, 40.0
"""for checks that are to fail: three times as long as they take to pass, within these. A job of the worker that is not
made visible again comes after 60 s, and that must be too late."""

WRITE = "`access: write` is all that changes items, whatever the code calls today"
UNNOTICED = {
    ("banking", "create", "dynamodb:BatchWriteItem"): WRITE,
    ("banking", "create", "dynamodb:DeleteItem"): WRITE,
    ("banking", "create", "dynamodb:UpdateItem"): WRITE,
    ("image-processing", "thumbnail", "dynamodb:BatchWriteItem"): WRITE,
    ("image-processing", "thumbnail", "dynamodb:DeleteItem"): WRITE,
    ("image-processing", "thumbnail", "dynamodb:UpdateItem"): WRITE,
    ("image-processing", "thumbnail", "s3:DeleteObject"): "`access: write` includes taking an object away again",
    ("streaming", "digest", "dynamodb:DeleteItem"): WRITE,
    ("streaming", "digest", "dynamodb:PutItem"): WRITE,
    ("streaming", "digest", "dynamodb:UpdateItem"): WRITE,
    ("worker", "work", "dynamodb:BatchWriteItem"): WRITE,
    ("worker", "work", "dynamodb:DeleteItem"): WRITE,
    ("worker", "work", "dynamodb:UpdateItem"): WRITE,
}
"""the actions whose loss a system cannot notice, with the reason; all others must be noticed"""


@dataclass(frozen=True, slots=True)
class Case:
    """What a function loses: a statement, or only one action of it."""

    system: str
    function: str
    statement: Statement
    action: str = ""

    @property
    def lost(self) -> tuple[str, ...]:
        return (self.action,) if self.action else self.statement.actions

    @property
    def is_log(self) -> bool:
        return all(action.startswith("logs:") for action in self.lost)

    @property
    def noticed(self) -> bool:
        return any((self.system, self.function, action) not in UNNOTICED for action in self.lost)

    def __str__(self) -> str:
        return f"{self.system}-{self.function}-{'+'.join(self.lost)}"

    def without(self, statements: tuple[Statement, ...]) -> tuple[Statement, ...]:
        """The statements of the role without what is lost."""
        kept = tuple(action for action in self.statement.actions if action not in self.lost)
        rest = tuple(one for one in statements if one != self.statement)
        assert len(rest) == len(statements) - 1, f"{self.statement} is not in the role of {self.function}"
        return (*rest, replace(self.statement, actions=kept)) if kept else rest


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of the checks without a right, and with it again; `logged` counts log events in the meantime."""

    without: tuple[CheckResult, ...]
    logged: int
    after: tuple[CheckResult, ...]
    logs_again: bool


def cases() -> list[Case]:
    """Each statement, and with SLX_ALL each action of those that have several."""
    found: list[Case] = []
    for system in SYSTEMS:
        stack = wired(system, Path(), HERE)
        for id in stack.id_of("function"):
            statements = stack.role(id).spec.statements
            found += [Case(system, id, one) for one in statements]
            if ALL:
                several = (one for one in statements if len(one.actions) > 1)
                found += [Case(system, id, one, action) for one in several for action in one.actions]
    return found


CASES = cases()


class System:
    """A blueprint that is up, and what its functions may do."""

    def __init__(self, folder: Path, name: str) -> None:
        self._settings = Settings(folder, local=True)
        self._name = name
        self._instance = local.ensure(folder)
        self._stack: Wired = wired(name, Path(), HERE)
        self._check(PATIENCE_S)  # the first run is slower: everything starts
        intact = self._check(PATIENCE_S)
        assert [one.saw for one in intact if not one.ok] == []
        self._short_s = min(max(SHORTEST_S, 3 * max(one.seconds for one in intact)), LONGEST_S)

    def lose(self, case: Case) -> Outcome:
        """Runs the checks without the right, puts it back, and runs them again."""
        whole = self._stack.role(case.function).spec.statements
        assert self._policy(case) == whole
        began = time.time()
        self._put(case, case.without(whole))
        try:
            without = self._check(self._short_s if case.noticed and not case.is_log else PATIENCE_S)
            logged = self._logged(case, began) if case.is_log else 0
        finally:
            self._put(case, whole)
        assert self._policy(case) == whole
        again = time.time()
        after = self._check(PATIENCE_S)
        logs_again = not case.is_log or bool(eventually(lambda: self._logged(case, again)))
        return Outcome(without, logged, after, logs_again)

    def _check(self, deadline_s: float) -> tuple[CheckResult, ...]:
        with open_session(self._settings) as session:
            record = stacks.record(session, stacks.named(session, self._name))
            known = {ref: entry.outputs for ref, entry in record.entries.items()}
            checks = [replace(one, deadline_s=deadline_s) for one in fill(record.checks, known)]
            return checking.run(session.aws, checks, lambda _: None)

    def _role(self, case: Case) -> dict[str, str]:
        name = self._stack.name(case.function)
        found = client(self._instance, "lambda").get_function_configuration(FunctionName=name)
        return {"RoleName": found["Role"].rpartition("/")[2], "PolicyName": "slx"}

    def _policy(self, case: Case) -> tuple[Statement, ...]:
        found: Mapping[str, Any] = client(self._instance, "iam").get_role_policy(**self._role(case))
        return policy.read(found["PolicyDocument"])

    def _put(self, case: Case, statements: tuple[Statement, ...]) -> None:
        iam = client(self._instance, "iam")
        if statements:
            iam.put_role_policy(**self._role(case), PolicyDocument=policy.document(statements))
        else:
            iam.delete_role_policy(**self._role(case))

    def _logged(self, case: Case, since: float) -> int:
        group = f"/aws/lambda/{self._stack.name(case.function)}"
        found = client(self._instance, "logs").filter_log_events(logGroupName=group, startTime=int(since * 1000))
        return len(found["events"])


@pytest.fixture(scope="module")
def outcomes(workspace: Path, slx: Slx) -> Iterator[Mapping[str, Future[Outcome]]]:
    """The outcome of each case; all systems at once, the cases of each one after the other."""

    found: dict[str, Future[Outcome]] = {str(case): Future() for case in CASES}

    def work(name: str) -> None:
        mine = [case for case in CASES if case.system == name]
        try:
            slx.run("up", name, "--local", "--yes", "--no-checks")
            system = System(workspace, name)
        except BaseException as error:  # noqa: BLE001 - told by each test of the system
            for case in mine:
                found[str(case)].set_exception(error)
            return
        for case in mine:
            try:
                found[str(case)].set_result(system.lose(case))
            except BaseException as error:  # noqa: BLE001 - told by the test of the case
                found[str(case)].set_exception(error)

    local.ensure(workspace)
    with ThreadPoolExecutor(len(SYSTEMS), "system") as pool:
        for name in SYSTEMS:
            pool.submit(work, name)
        yield found


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_system_fails_without_a_right_and_works_again_with_it(
    case: Case, outcomes: Mapping[str, Future[Outcome]]
) -> None:
    outcome = outcomes[str(case)].result(timeout=600)

    assert [one.saw for one in outcome.after if not one.ok] == []
    assert outcome.logs_again
    passed = all(one.ok for one in outcome.without)
    if case.is_log:
        assert passed, "logs are no condition of the work itself"
        assert outcome.logged == 0
    elif case.noticed:
        assert not passed, f"nothing failed without {case.lost}: is it needed?"
    else:
        assert passed, f"{case.lost} is needed after all: take it off the list"


def test_what_cannot_be_noticed_is_still_there() -> None:
    """The list of exceptions holds nothing that no role has."""
    there = set()
    for system in SYSTEMS:
        stack = wired(system, Path(), HERE)
        there |= {(system, id, action) for id in stack.id_of("function") for action, _ in stack.role(id).allows}

    assert set(UNNOTICED) <= there
