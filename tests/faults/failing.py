"""One operation that fails for good: what a command says and does then, and what it does once the operation works."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lives
from console import Done, slx
from lives import Count
from rig import Aws, Folder

from serverless_cli.aws.actions import iam_action
from serverless_cli.errors import Exit

UP, UPDATE, DOWN = "up", "update", "down"
COMMANDS = (UP, UPDATE, DOWN)
QUICK: dict[str, Any] = {"rules": "none", "latency_ms": 0.0, "time_scale": 0.02}
"""options of a proxy for these runs: AWS's own refusals would only make them longer"""

DENIALS = {"iam": "AccessDenied", "s3": "AccessDenied", "sns": "AuthorizationError", "sts": "AccessDenied"}
CALLER = "User: arn:aws:iam::123456789012:user/dev is not authorized to perform: {0} because no identity-based policy allows the {0} action"
IDLE = ("keep", "retain")


@dataclass(frozen=True)
class Fault:
    """How an operation fails: for lack of permission (`denied`), or with an error that nobody has heard of (`odd`)."""

    operation: str
    how: str

    @property
    def option(self) -> str:
        """For the proxy: every call from now on."""
        if self.how == "odd":
            return f"{self.operation}:OddException@400:9999:This is not how it is done"
        code = DENIALS.get(self.operation.partition(".")[0], "AccessDeniedException")
        return f"{self.operation}:{code}@403:9999:{CALLER.format(iam_action(self.operation))}"

    @property
    def cause(self) -> str:
        """The words by which a person recognises it; they stand once wherever it is told."""
        return f"{self.operation} failed: {'This is not' if self.how == 'odd' else 'User:'}"


@dataclass
class Trial:
    """A blueprint and a command, in an account where everything else works."""

    aws: Aws
    into: Path
    name: str
    command: str
    ready: tuple[Folder, dict[str, list[str]]] | None = None
    """the folder, and what there was before it: as good as new while nothing was written"""

    def record(self) -> list[str]:
        """The operations of an undisturbed run, in the order in which they first come."""
        folder, _ = self._prepared()
        mark = self.aws.mark()
        assert self._slx(folder).code == Exit.DONE
        self.ready = None
        return list(dict.fromkeys(self.aws.since(mark)))

    def attempt(self, fault: Fault) -> Attempt:
        """Runs the command twice with the fault, told to a person and to a program. Where that has changed anything,
        once more without it after a denial, and `down` from what there is then after any other failure."""
        folder, before = self.ready = self.ready or self._prepared()
        self.aws.disturb(fail=[fault.option])
        told = self._slx(folder)
        if told.code and not self.aws.writes():
            return Attempt(fault, self.command, told, self._slx(folder, "--json"))
        self.ready = None
        if told.code == Exit.DONE:
            left = lives.left(self.name, folder, before) if self.command == DOWN else []
            return Attempt(fault, self.command, told, told, left=left)
        if fault.operation == "s3.PutPublicAccessBlock":
            close_buckets(self.aws, folder.region)
        record = self._slx(folder, "--json")
        self.aws.disturb()
        if self.command != DOWN and fault.how == "odd":
            again = self._slx(folder, "--json", command=DOWN)
            return Attempt(fault, self.command, told, record, again, left=lives.left(self.name, folder, before))
        again = self._slx(folder, "--json")
        if self.command == DOWN:
            return Attempt(fault, self.command, told, record, again, left=lives.left(self.name, folder, before))
        return Attempt(fault, self.command, told, record, again, [str(step.ref) for step in folder.plan().writes])

    def _prepared(self) -> tuple[Folder, dict[str, list[str]]]:
        self.aws.reset()
        folder = lives.settle(self.aws, self.name, self.into / self.name, scale=QUICK["time_scale"])
        before = lives.prepare(self.name, folder)
        if self.command != UP:
            done = self._slx(folder, command=UP)
            assert done.code == Exit.DONE, done.err
        if self.command == UPDATE:
            lives.change(self.name, folder)
        return folder, before

    def _slx(self, folder: Folder, *more: str, command: str = "") -> Done:
        if (command or self.command) == DOWN:
            return slx(folder, "down", "--yes", *more)
        parameters = [f"--param={name}={value}" for name, value in folder.parameters.items()]
        return slx(folder, "up", "--yes", "--no-checks", *parameters, *more)


def close_buckets(aws: Aws, region: str) -> None:
    """Makes buckets as new ones are on AWS, where all public access is blocked; the emulator's are open."""
    s3 = aws.behind(region)("s3")
    flags = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
    for bucket in s3.list_buckets()["Buckets"]:
        settings = dict.fromkeys(flags, True)
        s3.put_public_access_block(Bucket=bucket["Name"], PublicAccessBlockConfiguration=settings)


@dataclass(frozen=True)
class Attempt:
    """What came of it. `told` and `record` are the runs with the fault, `again` the command after it; `idle` is what
    an `up` would still have to do after that, `left` what a `down` left."""

    fault: Fault
    command: str
    told: Done
    record: Done
    again: Done | None = None
    idle: Sequence[str] = ()
    left: Sequence[str] = ()

    @property
    def harmless(self) -> bool:
        """Whether the command can do without that operation."""
        return self.told.code == Exit.DONE

    def count(self, count: Count) -> None:
        """Adds what is wrong to a row."""
        where = f"{self.command}, {self.fault.operation} {self.fault.how}"
        count.add("operations")
        count.add("done_without", self.harmless)
        for column, seen in (
            ("exits_wrong", self.exits_wrong()),
            ("cause_not_once", self.cause_not_once()),
            ("untold", self.untold()),
            ("unfinished", self.unfinished()),
            ("tracebacks", self.tracebacks()),
            ("reruns_failed", self.reruns_failed()),
            ("left", list(self.left)),
        ):
            count.wrong(column, seen, where)

    @property
    def ran(self) -> bool:
        """Whether the plan was run: what fails before that is told in a line, and nothing was done."""
        return "Not finished: " in self.told.err

    @property
    def steps(self) -> list[dict[str, Any]]:
        """The steps of the report for programs; none if it came to no report."""
        found = self.record.last.get("steps")
        return found if isinstance(found, list) else []

    def having(self, *status: str) -> set[str]:
        return {f"{one['kind']} {one['id']}" for one in self.steps if one["status"] in status}

    def exits_wrong(self) -> list[str]:
        """Denials end with their own code, other failures with that of steps that failed, or of a look that did: the
        second run may not get past looking at what the first one made."""
        if self.harmless:
            return []
        failed = {True: Exit.RESOURCES, False: Exit.FAILED}
        wanted = (
            [Exit.DENIED] * 3 if self.fault.how == "denied" else [failed[self.ran], *[failed[bool(self.steps)]] * 2]
        )
        said = (self.record.last.get("error") or self.record.last).get("exit_code")
        codes = [self.told.code, self.record.code, said]
        return [] if codes == wanted else [f"{codes[:2]}, and {said} in JSON, not {list(map(int, wanted))}"]

    def cause_not_once(self) -> list[str]:
        """Once for each step that made the call; what only needs that step is named beside it."""
        if self.harmless:
            return []
        failed = [one for one in self.steps if one["status"] == "failed"]
        times, wanted = self.told.err.count(self.fault.cause), len(re.findall(r"^✗ ", self.told.err, re.MULTILINE)) or 1
        wrong = [f"{times} times, not {wanted}: {self.told.err}"] if times != wanted else []
        wrong += (
            [f"{len(failed)} failures in JSON, not {wanted}"]
            if self.steps and self.ran and len(failed) != wanted
            else []
        )
        wrong += [
            f"{one['id']} blames {one['error']}"
            for one in failed
            if one["error"].get("operation") != self.fault.operation
        ]
        skipped = [one for one in self.steps if one["status"] == "skipped"]
        causes = {_ref(one) for one in failed}
        return wrong + [f"{one['id']} names no cause" for one in skipped if _ref(one.get("cause")) not in causes]

    def untold(self) -> list[str]:
        """What the story leaves out: counts of what was done and skipped, the missing permission, how to go on."""
        if self.harmless:
            return []
        words = ["go on with\n  slx " + ("down" if self.command == DOWN else "up")] if self.ran else []
        words += ["again"] if not self.ran else []
        words += [f"Allow {iam_action(self.fault.operation)}"] if self.fault.how == "denied" else []
        if skipped := self.having("skipped"):
            words += ["skipped because of it: ", f"{len(skipped)} skipped"]
        if failed := self.having("failed"):
            words += [f"{len(failed)} failed"]
        return [f"{word!r} is not in: {self.told.err}" for word in words if word not in self.told.err]

    def unfinished(self) -> list[str]:
        """What the first run could have done, and the second one did; what neither has recorded."""
        if self.harmless or not self.ran or not self.steps:
            return []
        late = [one for one in self.steps if one["status"] == "done" and one["action"] not in IDLE]
        open_ = self.having("failed", "skipped")
        converges = self.command == DOWN or self.fault.how == "denied"
        steps = self.again.last.get("steps", ()) if self.again and converges else ()
        redone = [_ref(one) for one in steps if one["action"] not in IDLE and _ref(one) not in open_]
        return [f"{_ref(one)} was left to the second run" for one in late] + [f"{one} was done twice" for one in redone]

    def tracebacks(self) -> list[str]:
        runs = (self.told, self.record, *((self.again,) if self.again else ()))
        return [
            text
            for run in runs
            for text in (run.err, run.out)
            if re.search(r"Traceback|a bug in slx|Error at \w+\.py", text)
        ]

    def reruns_failed(self) -> list[str]:
        wrong = [f"{self.again.code}: {self.again.err or self.again.out}"] if self.again and self.again.code else []
        return wrong + [f"{one} is not as it should be" for one in self.idle]


def _ref(one: dict[str, Any] | None) -> str:
    return f"{one['kind']} {one['id']}" if one else ""
