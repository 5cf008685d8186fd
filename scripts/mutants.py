"""Breaks the code on purpose, one small change at a time, and sees tests go red.

    python scripts/mutants.py             all mutants
    python scripts/mutants.py --list      their names
    python scripts/mutants.py NAME...     those whose names begin so, such as `mark`

Each change is made in a copy of the tree; only the tests that are to notice it run there, after they were green in the
copy without it. Ends with 1 if a mutant survives.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import rich
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[1]
TREES = ("serverless_cli", "tests", "blueprints")
UNIT, CONFORMANCE = "tests/unit", "tests/conformance"
PATIENCE_S = 600.0


@dataclass(frozen=True)
class Mutant:
    """`before` stands once in `file`, and becomes `after`; `tests` are pytest's words."""

    name: str
    file: str
    before: str
    after: str
    tests: tuple[str, ...]


def _of(file: str, tests: Sequence[str], *changes: tuple[str, str, str]) -> tuple[Mutant, ...]:
    """Several of one file, for the same tests: name, before, after."""
    return tuple(Mutant(name, f"serverless_cli/{file}", before, after, tuple(tests)) for name, before, after in changes)


def _unmarked(kind: str, file: str, before: str, after: str = "") -> Mutant:
    """The mark left out of the call that makes something of a kind."""
    tests = (f"{CONFORMANCE}/test_conformance.py", "-k", "very_call")
    return Mutant(f"mark of {kind}", f"serverless_cli/resources/{file}.py", before, after, tests)


MARKS = (
    _unmarked("function", "function", "            Tags=here.mark.tags,\n"),
    _unmarked("role", "role", "            Tags=here.mark.pairs,\n"),
    _unmarked("log-group", "log_group", "            tags=here.mark.tags,\n"),
    _unmarked("bucket", "bucket", '{"Tags": here.mark.pairs}', "{}"),
    _unmarked("http-api", "http_api", ', "ProtocolType": "HTTP", "Tags": here.mark.tags}', ', "ProtocolType": "HTTP"}'),
    _unmarked("http-api", "http_api_parts", ', "AutoDeploy": True, "Tags": mark.tags}', ', "AutoDeploy": True}'),
    _unmarked("table", "table", " Tags=here.mark.pairs, **form.definition", " **form.definition"),
    _unmarked("queue", "queue", "                tags=here.mark.tags,\n"),
    _unmarked("topic", "topic", " Attributes=attributes, Tags=here.mark.pairs,", " Attributes=attributes,"),
    _unmarked("event-bus", "event_bus", "            Tags=here.mark.pairs,\n"),
    _unmarked("rule", "rule", '"events.PutRule", Tags=here.mark.pairs, ', '"events.PutRule", '),
    _unmarked("pipe", "pipe", "                Tags=here.mark.tags,\n"),
    _unmarked("state-machine", "state_machine", "            tags=form.pairs_of(here.mark),\n"),
    _unmarked("stream", "stream", " Tags=here.mark.tags, **size", " **size"),
    _unmarked("delivery-stream", "delivery_stream", " Tags=here.mark.pairs, **form.creation", " **form.creation"),
    _unmarked("mapping", "mapping", "            Tags=here.mark.tags,\n"),
    _unmarked("layer", "layer", 'f"slx {mark.stack}/{mark.stage}/{mark.region}/{mark.id} sha256', 'f"slx sha256'),
    Mutant(
        "mark of packages", "serverless_cli/resources/packages.py", '{"Tags": here.mark.pairs}', "{}",
        (f"{CONFORMANCE}/test_conformance_packages.py", "-k", "very_call"),
    ),
)  # fmt: skip

JOURNAL = (
    *_of(
        "execute.py", (f"{UNIT}/test_execute.py", f"{UNIT}/test_execute_writes.py"),
        ("begin left out", "self.journal.begin(intent)\n", "pass\n"),
        ("lease not checked", "        self.check()\n        with self._needed():", "        with self._needed():"),
    ),
    *_of(
        "execute.py", ("tests/faults/test_broken_off.py",),
        ("traces left out", "traces=tuple(dict.fromkeys((*step.traces, *traces)))", "traces=()"),
    ),
    *_of(
        "state/journal.py", (f"{UNIT}/test_state_journal.py",),
        ("begin not written", '        self._put({"type": "begin",', '        dict({"type": "begin",'),
        ("begin not durable", '"entry": encode(known)}, durable=True)', '"entry": encode(known)}, durable=False)'),
        ("expected always", "    return step.absent or step.action", "    return True or step.action"),
        ("expected never", "    return step.absent or step.action is Action.REPLACE", "    return False"),
    ),
    *_of(
        "state/fold.py", (f"{UNIT}/test_state_journal.py", f"{UNIT}/test_state_versions.py"),
        ("checksum ignored", "not found or zlib.crc32(text[: found.start()]) != int(found[1], 16):", "not found:"),
        ("cut journal believed", "folded.whole and folded.ended and not folded.damaged", "folded.whole"),
        ("another stack's journal believed", 'folded.wished.of not in ("", of)', "False"),
        ("newer journal read", "if version > VERSION:", "if False:"),
    ),
)  # fmt: skip

LOCKS = (
    *_of(
        "state/lease.py", (f"{UNIT}/test_state_lock.py",),
        ("file lock ignored", "fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)", "pass"),
        ("lost file lock ignored", "if self._fd >= 0 and _is_at(self._fd, self._path):", "if self._fd >= 0:"),
        ("lock file of a run that ended taken again", "self._acquire(os.O_EXCL)", "self._acquire()"),
    ),
    *_of(
        "state/s3_objects.py", (f"{UNIT}/test_state_s3_lock.py",),
        ("S3 lock without If-Match", '{"IfMatch": known.version} if known.version', "{} if known.version"),
        ("S3 lock without If-None-Match", 'else {"IfNoneMatch": "*"}', "else {}"),
    ),
)  # fmt: skip

OWNERSHIP = (
    *_of(
        "remains.py", (f"{UNIT}/test_plan.py", f"{UNIT}/test_plan_deletions.py", f"{UNIT}/test_plan_down.py"),
        ("any mark is ours", "        return mark == own\n", "        return True\n"),
        ("any unmarked thing is ours", "return entry is not None and entry.expected", "return True"),
        ("any found stack is ours", "if one.mark and not same_stack(one.mark, place):", "if False:"),
        ("what is in others' things is ours", "kind.marked and entry.inside and entry.inside in left:", "True:"),
        ("retain ignored", "Action.RETAIN if retain else Action.DELETE", "Action.DELETE"),
        ("deletions lose no data", "loses_data=self.kinds[one.ref.kind].data and not retain", "loses_data=False"),
    ),
    *_of(
        "resources/ownership.py", (f"{CONFORMANCE}/test_conformance.py", "-k", "somebody_elses or another_mark"),
        ("any mark can be claimed", "found.mark == here.mark or", "found.mark is not None or"),
        ("any unmarked thing can be claimed", "(found.mark is None and here.expected)", "found.mark is None"),
    ),
    *_of(
        "plan.py", (f"{UNIT}/test_plan.py", f"{UNIT}/test_plan_deletions.py", f"{UNIT}/test_plan_down.py"),
        ("replacements lose no data", "reason=reason, loses_data=kind.data, absent=True", "reason=reason, absent=True"),
        ("loss not guarded", "        if step.ref.root not in allow_delete\n", "        if False\n"),
        ("retained things replaced", "    if step.retain:\n", "    if False:\n"),
        ("deletions not last", "    return _deletions_last(plan)\n", "    return plan\n"),
    ),
    *_of(
        "app/stacks.py", (f"{UNIT}/test_app_stacks.py",),
        ("any stage is meant", "session.settings.stage if session.settings.stage_given else None", "None"),
    ),
)  # fmt: skip

REST = (
    *_of(
        "app/up.py", (f"{CONFORMANCE}/test_app_guard.py",),
        ("up does not ask the guard", ", *plan.guard(made, allow_delete))", ")"),
    ),
    *_of(
        "app/sweep.py", (f"{UNIT}/test_app_sweep.py",),
        ("sweep always empty", "    return Sweep(left, ", "    return Sweep((), "),
    ),
    *_of(
        "app/down.py", (f"{UNIT}/test_app_fenced.py",),
        ("sweep not fenced", "        aws = self.session.aws.fenced(", "        aws = (lambda _: self.session.aws)("),
    ),
    *_of(
        "app/rollback.py", (f"{UNIT}/test_app_fenced.py",),
        ("rollback's sweep not fenced", "remains(aws, self", "remains(self.session.aws, self"),
    ),
    *_of(
        "aws/rules.py", (f"{UNIT}/test_aws_retry.py", f"{UNIT}/test_aws_retry_pairs.py"),
        ("look-alikes retried", "            and not failure.says(*self.but)\n", ""),
        ("texts not looked at", "(not self.fragments or failure.says(*self.fragments))", "True"),
    ),
    *_of(
        "aws/retry.py", (f"{UNIT}/test_aws_retry.py", f"{UNIT}/test_aws_calls.py"),
        ("no deadline", "        if left <= 0 and not owed:\n", "        if False:\n"),
        ("creates without names sent again", "if self.once and failure.nature is Nature.LOST:", "if False:"),
    ),
)  # fmt: skip

MUTANTS = (*JOURNAL, *MARKS, *LOCKS, *OWNERSHIP, *REST)


class NotRunError(Exception):
    """Pytest did not get as far as running tests."""


@dataclass
class Trial:
    """A copy of the tree, and what its tests said."""

    folder: Path
    green: dict[tuple[str, ...], bool]
    took_s: dict[tuple[str, ...], float] = field(default_factory=dict)

    def tries(self, mutant: Mutant) -> str:
        """What became of it: `red` is what should be."""
        path = self.folder / mutant.file
        text = path.read_text()
        if text.count(mutant.before) != 1:
            return f"stands {text.count(mutant.before)} times in {mutant.file}: correct scripts/mutants.py"
        if mutant.tests not in self.green:
            began = time.monotonic()
            self.green[mutant.tests] = self._passes(mutant.tests, PATIENCE_S)
            self.took_s[mutant.tests] = time.monotonic() - began
        if not self.green[mutant.tests]:
            return "red without it, too"
        path.write_text(text.replace(mutant.before, mutant.after))
        try:
            patience_s = max(60.0, 10 * self.took_s[mutant.tests])
            return "green: it survives" if self._passes(mutant.tests, patience_s) else "red"
        except NotRunError as error:
            return f"its tests did not run: {error}"
        finally:
            path.write_text(text)

    def _passes(self, tests: tuple[str, ...], patience_s: float) -> bool:
        """Whether they do; what goes on for longer than that has failed."""
        command = [sys.executable, "-B", "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
        environment = {**os.environ, "PYTHONPATH": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1"}
        try:
            done = subprocess.run(
                command, cwd=self.folder, env=environment, capture_output=True, timeout=patience_s, check=False
            )
        except subprocess.TimeoutExpired:
            return False
        if done.returncode not in (0, 1):  # 1: tests failed; else they did not run
            raise NotRunError(done.stdout.decode()[-2000:] or done.stderr.decode()[-2000:])
        return done.returncode == 0


def copy(folder: Path) -> None:
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc", ".slx", ".hypothesis")
    for tree in TREES:
        shutil.copytree(ROOT / tree, folder / tree, ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", folder)


def main(words: Sequence[str]) -> int:
    chosen = [one for one in MUTANTS if not words or one.name.startswith(tuple(words))]
    if list(words) == ["--list"] or not chosen:
        rich.print(*(one.name for one in MUTANTS), sep="\n")
        return 0 if list(words) == ["--list"] else 2
    table = Table("mutant", "tests", "", title="Mutants", title_justify="left")
    survived = 0
    with tempfile.TemporaryDirectory() as folder:
        trial = Trial(Path(folder), {})
        copy(trial.folder)
        for number, mutant in enumerate(chosen, 1):
            said = trial.tries(mutant)
            survived += said != "red"
            table.add_row(mutant.name, " ".join(mutant.tests).replace("tests/", ""), said)
            sys.stderr.write(f"{number}/{len(chosen)} {mutant.name}: {said}\n")
    Console(width=None if sys.stdout.isatty() else 160).print(table)
    rich.print(f"{len(chosen)} mutants tried, {survived} not killed")
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
