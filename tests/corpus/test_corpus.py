"""Every malformed blueprint of the corpus is refused by the real command: exit 2, at its place, in words, with no call."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from cases import Case, Laid, corpus, folder, listing, wrong
from hostile import HOSTILE, Hostile
from runs import UP, VALIDATE, counting, slx

CORPUS = corpus()
SAMPLED = CORPUS[::20]
"""those that go through `slx up` too; the long matrix takes all"""
MEMORY = 1 << 30
CPU_S = 120


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return folder(tmp_path_factory.mktemp("corpus"))


@pytest.fixture(scope="module")
def endpoint():
    with counting() as found:
        yield found


def test_the_corpus_is_large_and_has_no_case_twice():
    bodies = Counter(tuple(sorted(case.files.items())) for case in CORPUS)

    assert len(CORPUS) + len(HOSTILE) >= 700
    assert [files for files, count in bodies.items() if count > 1] == []
    assert [id for id, count in Counter(case.id for case in (*CORPUS, *HOSTILE)).items() if count > 1] == []
    assert [case.id for case in CORPUS if not case.says] == []


@pytest.mark.parametrize("category", sorted({case.category for case in CORPUS}))
def test_each_is_refused_at_its_place(home, endpoint, category, monkeypatch):
    monkeypatch.chdir(home)
    before = listing(home)

    found = [
        f"{case.title}: {said}"
        for case in CORPUS
        if case.category == category and (said := _validated(home, endpoint, case))
    ]

    assert found == []
    assert listing(home) == before
    assert endpoint.came == []


def _validated(home: Path, endpoint, case: Case) -> str:
    with Laid(home, case):
        return wrong(case, slx(endpoint, *VALIDATE))


def test_up_says_the_same_and_calls_nobody(home, endpoint, monkeypatch):
    monkeypatch.chdir(home)
    before = listing(home)

    for case in SAMPLED:
        with Laid(home, case):
            said = slx(endpoint, *UP)
        assert wrong(case, said) == "", case.id

    assert listing(home) == before
    assert endpoint.came == []


def test_an_endpoint_counts_who_comes(home, endpoint, monkeypatch):
    """Or else the tests above could not fail."""
    monkeypatch.chdir(home)
    good = Case("", "", {"blueprint.yaml": "name: web\nresources: {jobs: {type: queue}}\n"}, (), ())
    with counting() as another, Laid(home, good):
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
        subprocess.run(
            [sys.executable, "-m", "serverless_cli", *UP],
            env={**_environ(), **another.environment, "SLX_TIME_SCALE": "0.001"},
            cwd=home,
            capture_output=True,
            timeout=60,
            check=False,
        )

    assert another.came


def _environ() -> dict[str, str]:
    import os

    return {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}


def test_the_hostile_ones_are_refused_within_bounds_of_time_and_memory(tmp_path):
    """All in one process that the system ends when it takes too much."""

    def bounded() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))

    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("endure.py")), str(tmp_path)],
        preexec_fn=bounded,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout) == {"tried": len(HOSTILE), "came": 0, "wrong": []}


def test_a_judge_of_hostile_input_can_say_no():
    one = Hostile("", "", lambda _: None, ("blueprint.yaml", 1, 2), "too deep")

    from hostile import judge

    assert judge(one, 2, "blueprint.yaml:1:2: too deep") == ""
    assert judge(one, 2, "blueprint.yaml:1:3: too deep")
    assert judge(one, 1, "blueprint.yaml:1:2: too deep")
    assert judge(one, 2, "Traceback\nblueprint.yaml:1:2: too deep")
    assert judge(one, 2, "blueprint.yaml:1:2: too deep\n" + "x" * 200_000)
