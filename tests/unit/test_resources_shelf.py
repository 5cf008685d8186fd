"""The tables of types, weavers and kinds: each line leads to the class that it says, and only what is asked for loads."""

from __future__ import annotations

import subprocess
import sys

from serverless_cli.resources import KINDS, SPECS, TYPES, WEAVERS

LOADED = """
import sys
from serverless_cli.resources import KINDS
assert KINDS["queue"].kind == "queue" and "table" in KINDS and "nonsense" not in KINDS
names = {name.rpartition(".")[2] for name in sys.modules if name.startswith("serverless_cli.resources.")}
print("queue" in names, "table" in names)
"""


def test_every_line_leads_to_the_class_that_it_says():
    assert [one.type_name for one in TYPES.values()] == list(TYPES)
    assert [one.kind for one in KINDS.values()] == list(KINDS)
    assert [one.takes for one in WEAVERS.values()] == list(WEAVERS)
    assert {name: kind.spec for name, kind in KINDS.items()} == dict(SPECS)


def test_only_what_is_asked_for_is_loaded():
    done = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["True", "False"]
