from __future__ import annotations

import time
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from serverless_cli.asl import calls, validate
from serverless_cli.asl.choices import OPERATORS
from serverless_cli.asl.fields import TYPES
from serverless_cli.asl.findings import LIMIT
from serverless_cli.asl.paths import intrinsic_fault, path_fault, reference_fault
from serverless_cli.asl.states import CHECKS
from serverless_cli.asl.targets import OPTIMIZED
from serverless_cli.model import Place

PLACE = Place("bank", "dev", "eu-central-1", "123456789012")
RESOURCES = [f"arn:aws:states:::{sdk}{service}:{api}{way}" for service, apis in OPTIMIZED.items() for api in apis
             for sdk in ("", "aws-sdk:") for way in ("", ".sync", ".waitForTaskToken")]  # fmt: skip
WORDS = st.sampled_from(
    [
        "a",
        "b",
        "$",
        "$.a",
        "$$.x",
        "{% $x %}",
        "{%",
        "States.Array(1)",
        "States.",
        "",
        "JSONata",
        "DISTRIBUTED",
        *TYPES,
        *RESOURCES,
    ]
)
KEYS = st.sampled_from(
    [*CHECKS, *OPERATORS, "StartAt", "States", "And", "Or", "Not", "Variable", "ErrorEquals", "ProcessorConfig", "Mode",
     "FunctionName", "FunctionName.$", "Entries", "TransactItems", "RequestItems", "RoleArn", "Bucket", "a", "b", "a.$"]
)  # fmt: skip
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | WORDS | st.text(max_size=8)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text(max_size=3), inner, max_size=5),
    max_leaves=25,
)
STATES = st.builds(
    lambda type, rest: {**rest, "Type": type}, st.sampled_from(TYPES), st.dictionaries(KEYS, TREES, max_size=6)
)
MACHINES = st.builds(
    lambda start, states, rest: {**rest, "StartAt": start, "States": states},
    st.sampled_from(["a", "b"]),
    st.dictionaries(st.sampled_from(["a", "b", "c"]), STATES, max_size=3),
    st.dictionaries(KEYS, TREES, max_size=2),
)
QUICK = settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@QUICK
@given(MACHINES | TREES, st.sampled_from(["standard", "express"]))
def test_any_value_is_judged_and_read(definition: Any, mode: str):
    findings = validate(definition, mode)
    found = calls(definition, PLACE, "flow")

    assert len(findings) <= LIMIT
    assert all(one.what for one in findings)
    assert all(call.actions for call in found)
    assert all(call.resource or call.why for call in found)


@QUICK
@given(MACHINES)
def test_a_path_leads_to_something_that_is_there(definition: Any):
    for one in validate(definition):
        value = definition
        for step in one.path[:-1]:
            value = value[step]
        assert one.path == () or isinstance(value, dict | list)


@QUICK
@given(st.text(alphabet="$.[]()'\"a1,* \\StatesUIDry{}", max_size=60))
def test_any_text_is_judged_as_a_path_and_a_function(text: str):
    assert isinstance(path_fault(text) + reference_fault(text) + intrinsic_fault(text), str)


def test_long_texts_take_no_time():
    started = time.monotonic()

    for text in ("$." + "a." * 100_000, "$" + "[" * 100_000, "States.Array('" + "\\'" * 100_000, "$.a" + "'" * 100_000,
                 "States.Array(" + "1," * 100_000, "$" + "['a']" * 50_000):  # fmt: skip
        path_fault(text)
        reference_fault(text)
        intrinsic_fault(text)

    assert time.monotonic() - started < 5
