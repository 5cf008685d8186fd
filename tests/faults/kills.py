"""One kill: a command ended by SIGKILL at one of its API calls, and what the next commands make of what it left."""

from __future__ import annotations

import signal
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import lives
from changes import CHANGES
from doubles import doubles
from rig import Aws, Folder, Story, failures

from serverless_cli.app.session import open_session
from serverless_cli.errors import Exit, SlxError
from serverless_cli.model import Action, Report

UP, UPDATE, DOWN = "up", "update", "down"
COMMANDS = {
    UP: ("up", "--yes", "--no-checks"),
    UPDATE: ("up", "--yes", "--no-checks"),
    DOWN: ("down", "--yes"),
}
WHEN = ("before", "after")
THEN = (UP, DOWN)
ALLOWED = {"banking": frozenset({"news"})}
"""what an update deletes, by the blueprint"""

NEWCOMERS = """resources:
  jobs: {type: queue, visibility_timeout_s: 60}
  seen: {type: table, key: id, ttl: expires}
"""
MORE = {
    "website": (
        ("blueprint.yaml", "      GET /hello: hello\n", "      POST /hello: hello\n      PUT /hello: hello\n"),
        ("blueprint.yaml", "timeout_s: 10\n", "timeout_s: 10\n    triggers: [{queue: jobs}]\n    access: {seen: write}\n"),
        ("blueprint.yaml", "default: Hello,", "default: Welcome,"),
        ("blueprint.yaml", ", error: error.html}", "}"),
        ("blueprint.yaml", "resources:\n", NEWCOMERS),
        ("site/index.html", "</title>", " (new)</title>"),
    ),
    "banking": (
        ("blueprint.yaml", "      POST /deposits: open_deposit\n", "      POST /deposit: open_deposit\n"),
        ("blueprint.yaml", "    key: id\n", "    key: id\n    point_in_time_recovery: true\n"),
        ("blueprint.yaml", "access: {deposits: write}", "access: {deposits: read-write}"),
        ("blueprint.yaml", 'default: "10000000"', 'default: "20000000"'),
        ("blueprint.yaml", "      - {to: news, dead_letter: undelivered}\n", "      - {to: jobs, dead_letter: undelivered}\n"),
        ("blueprint.yaml", "  news:\n    type: topic # and whoever else wants to know\n", ""),
        ("blueprint.yaml", "    code: ./functions/reject\n", "    code: ./functions/reject\n    name: banking-no\n"),
        ("blueprint.yaml", "  news: ${news.arn}\n", ""),
        ("blueprint.yaml", "resources:\n", NEWCOMERS),
    ),
}  # fmt: skip
"""what an update changes beside `CHANGES`: triggers, rights and resources that are new, routes and a topic that go"""

GAPS = {
    "admission": "moto forgets a queue's policy when other attributes of it are set, as after a killed create",
}
"""the kinds that a second `up` may write once, because the emulator lost what the first one made"""

STATE_BUCKET = "somebody-s-state"


@dataclass(frozen=True, order=True)
class Point:
    """A kill, and the command that comes after it: `website:up:37:after:down` is its text."""

    blueprint: str
    command: str
    call: int
    when: str
    then: str

    @classmethod
    def parse(cls, text: str) -> Self:
        blueprint, command, call, when, then = text.split(":")
        if command not in COMMANDS or when not in WHEN or then not in THEN:
            raise ValueError(text)
        return cls(blueprint, command, int(call), when, then)

    def __str__(self) -> str:
        return f"{self.blueprint}:{self.command}:{self.call}:{self.when}:{self.then}"

    @property
    def row(self) -> str:
        return f"{self.blueprint} {self.command} {self.when}"


@dataclass
class Seen:
    """What came of a point. `over`: the command ended in fewer calls, and nothing was killed.

    A call that AWS's rules refuse is never carried out, and so no kill `after` it; `killed` is False then, too.
    """

    point: Point
    operation: str = ""
    killed: bool = False
    over: bool = False
    made: int = 0
    """the calls of a command that nothing killed"""
    trouble: list[tuple[str, str]] = field(default_factory=list)
    """pairs of a column of the table and what was seen"""

    def wrong(self, column: str, *seen: str) -> None:
        self.trouble += [(column, one) for one in seen]


@dataclass
class Scene:
    """An account and a folder in which one point after the other is tried."""

    aws: Aws
    into: Path
    scale: float
    in_s3: bool = False
    """whether the state is in S3 and not in the folder"""
    made: dict[tuple[str, bool], Mapping[str, list[str]]] = field(default_factory=dict)
    """what an undisturbed `up` of a blueprint makes, and an update of it"""
    room: dict[str, int] = field(default_factory=lambda: {"website": 100, "banking": 190})
    """calls that bringing a stack up is given, before the command that is to be killed: polling makes them differ"""

    def folder(self, blueprint: str) -> Folder:
        folder = lives.settle(self.aws, blueprint, self.into / blueprint, scale=self.scale)
        if self.in_s3:
            make_state_bucket(self.aws)
            folder.state = f"s3://{STATE_BUCKET}/slx"
        return folder

    def wanted(self, blueprint: str, *, updated: bool) -> Mapping[str, list[str]]:
        """What an undisturbed `up` makes, or an update after it. Raises AssertionError if that fails already."""
        if (blueprint, updated) not in self.made:
            self.aws.reset()
            folder = self.folder(blueprint)
            must_go_well(folder)
            if updated:
                change(blueprint, folder)
                must_go_well(folder)
            self.made[blueprint, updated] = existing(folder)
        return self.made[blueprint, updated]

    def attempt(self, point: Point) -> Seen:
        """Tries one point."""
        wanted = self.wanted(point.blueprint, updated=point.command == UPDATE) if point.then == UP else {}
        seen = Seen(point)
        folder = self._killed(point, seen)
        if not seen.killed:
            return seen
        self.aws.mark()
        if point.then == UP:
            converge(folder, seen, wanted)
        clear(folder, seen, gone=point.command != UPDATE and point.then == DOWN)
        seen.wrong("violations", *map(str, self.aws.violations))
        seen.operation = self._operation(point)
        return seen

    def _operation(self, point: Point) -> str:
        """The call at which the command was killed."""
        number = point.call + (0 if point.command == UP else self.room[point.blueprint])
        return next(f"{one['service']}.{one['operation']}" for one in self.aws.proxy.calls() if one["n"] == number)

    def _killed(self, point: Point, seen: Seen) -> Folder:
        """Runs the command up to the kill; the stack is up before, unless it is `up` that is to be killed."""
        pid_file, first = self.into / "pid", 0 if point.command == UP else self.room[point.blueprint]
        self.aws.reset(kill_at=first + point.call, kill_when=point.when, kill_pid_file=str(pid_file))
        folder = self.folder(point.blueprint)
        if first:
            must_go_well(folder)
            spare = first - len(self.aws.proxy.calls())
            if spare < 0:  # it took unusually many calls
                self.room[point.blueprint] -= spare
                return self._killed(point, seen)
            pad(self.aws, spare)
        if point.command == UPDATE:
            change(point.blueprint, folder)
        allowed = ALLOWED.get(point.blueprint, ()) if point.command == UPDATE else ()
        words = (*COMMANDS[point.command], *(f"--allow-delete={id}" for id in allowed))
        done = folder.slx(*words, pid_file=pid_file)
        pid_file.unlink()  # whoever has that number next is not to be killed by a later call
        seen.killed = done.returncode == -signal.SIGKILL
        seen.made = len(self.aws.proxy.calls()[first:])
        seen.over = not seen.killed and seen.made < point.call
        if not seen.killed and done.returncode:
            seen.wrong("reruns_failed", f"without any kill: exit {done.returncode}: {done.stderr[-500:]}")
        return folder


def change(blueprint: str, folder: Folder) -> None:
    """Makes the edits of an update."""
    CHANGES[blueprint].make(folder)
    for file, before, after in MORE[blueprint]:
        folder.edit(file, before, after)


def pad(aws: Aws, number: int) -> None:
    """So many calls that change nothing: the proxy counts calls from its start, and the kill's is to be met."""
    ask = aws.client("sts", lives.REGION).get_caller_identity
    with ThreadPoolExecutor(8) as pool:
        for call in [pool.submit(ask) for _ in range(number)]:
            call.result()


def make_state_bucket(aws: Aws) -> None:
    """A bucket for states, as `slx state` wants it; made behind the proxy, which counts calls."""
    s3, bucket = aws.behind(lives.REGION)("s3"), {"Bucket": STATE_BUCKET}
    s3.create_bucket(**bucket, CreateBucketConfiguration={"LocationConstraint": lives.REGION})
    s3.put_bucket_versioning(**bucket, VersioningConfiguration={"Status": "Enabled"})
    flags = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
    s3.put_public_access_block(**bucket, PublicAccessBlockConfiguration=dict.fromkeys(flags, True))


def existing(folder: Folder) -> dict[str, list[str]]:
    """All that exists in the account, but for where the state is."""
    there = folder.aws.left(folder.region)
    found = {kind: sorted(name for name in names if name != STATE_BUCKET) for kind, names in there.items()}
    return {kind: names for kind, names in found.items() if names}


def run_up(folder: Folder) -> Report:
    """`up`. Raises SlxError for what is in the way."""
    with folder.planned(allow_delete=ALLOWED.get(folder.path.name, frozenset())) as begun:
        if begun.blockers:
            raise SlxError("; ".join(f"{one.what}: {one.why}" for one in begun.blockers))
        return begun.run(Story(), threading.Event())


def must_go_well(folder: Folder) -> None:
    """`up`, of which nothing is to be seen but that it works."""
    report = run_up(folder)
    assert not failures(report), failures(report)


def converge(folder: Folder, seen: Seen, wanted: Mapping[str, list[str]]) -> None:
    """`up` again: it succeeds, leaves nothing to do, and what exists is what an undisturbed `up` makes."""
    attempted(lambda: run_up(folder), seen, "up again")
    wanting = writes(folder, seen)
    if wanting and wanting <= GAPS.keys():
        wanting = writes(folder, seen)
    seen.wrong("reruns_failed", *(f"a further up has to write {kind}" for kind in sorted(wanting)))
    there = existing(folder)
    for kind in sorted({*there, *wanted}):
        more, less = (Counter(there.get(kind, ())), Counter(wanted.get(kind, ())))
        seen.wrong("orphans", *(f"{kind}: {one}" for one in more - less))
        seen.wrong("reruns_failed", *(f"is not there, {kind}: {one}" for one in less - more))
    seen.wrong("duplicates", *doubles(folder.aws.behind(folder.region)))
    folder.aws.mark()


def clear(folder: Folder, seen: Seen, *, gone: bool) -> None:
    """`down`: it succeeds, and leaves nothing in the account or in the state. `gone`: there may be no stack."""
    attempted(lambda: run_down(folder, seen), seen, "down", Exit.NO_STACK if gone else None)
    seen.wrong("orphans", *(f"after down, {kind}: {one}" for kind, many in existing(folder).items() for one in many))
    with open_session(folder.settings) as session:
        seen.wrong("orphans", *(f"state of {key}" for key in session.store.stacks()))


def run_down(folder: Folder, seen: Seen) -> Report:
    """`down`, whose sweep must find nothing."""
    report, sweep = folder.down(folder.path.name)
    seen.wrong("orphans", *(f"the sweep finds {one.ref}" for one in sweep.left))
    return report


def writes(folder: Folder, seen: Seen) -> set[str]:
    """The kinds of what one more `up` has to write."""
    folder.aws.mark()
    report = attempted(lambda: run_up(folder), seen, "a further up")
    return {ref.kind for ref, one in report.outcomes.items() if one.step.action is not Action.KEEP} if report else set()


def attempted(command: Callable[[], Report], seen: Seen, what: str, fine: Exit | None = None) -> Report | None:
    """Runs a command and tells what failed; `fine` is an exit that counts as success."""
    try:
        report = command()
    except SlxError as error:
        if error.exit_code is not fine:
            column = "stale_locks" if error.exit_code is Exit.LOCKED else "reruns_failed"
            seen.wrong(column, f"{what}: {error} ({error.why})")
    except Exception as error:  # noqa: BLE001 - a bug is a finding, and the next point is to be tried
        seen.wrong("reruns_failed", f"{what}: {error!r}")
    else:
        seen.wrong("reruns_failed", *(f"{what}: {ref}: {why}" for ref, why in failures(report).items()))
        return report
    return None
