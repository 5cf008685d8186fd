"""The mutants of `scripts/mutants.py` fit the code as it is; whether tests notice them, that script tells."""

from __future__ import annotations

import ast
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from serverless_cli.resources import KINDS

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "mutants.py"


def loaded() -> ModuleType:
    spec = importlib.util.spec_from_file_location("mutants", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    sys.modules["mutants"] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MUTANTS = loaded().MUTANTS


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda one: one.name)
def test_each_changes_one_place_and_leaves_python(mutant):
    text = (SCRIPT.parents[1] / mutant.file).read_text()

    assert text.count(mutant.before) == 1
    assert mutant.after != mutant.before
    assert ast.dump(ast.parse(text.replace(mutant.before, mutant.after))) != ast.dump(ast.parse(text))


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda one: one.name)
def test_the_tests_that_are_to_notice_it_are_there(mutant):
    assert [one for one in mutant.tests if one.endswith(".py") and not (SCRIPT.parents[1] / one).is_file()] == []


def test_there_is_one_for_the_mark_of_each_kind():
    marked = {f"mark of {name}" for name, kind in KINDS.items() if kind.marked}

    assert {one.name for one in MUTANTS if one.name.startswith("mark of ")} == marked
