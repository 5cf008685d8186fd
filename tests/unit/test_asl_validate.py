from __future__ import annotations

from typing import Any

import pytest
import yaml

from serverless_cli.asl import validate
from serverless_cli.asl.choices import OPERATORS
from serverless_cli.asl.fields import FIELDS, TYPES
from serverless_cli.asl.findings import LIMIT
from serverless_cli.asl.paths import INTRINSICS, intrinsic_fault, path_fault, reference_fault
from serverless_cli.asl.states import CHECKS

INVOKE = "arn:aws:states:::lambda:invoke"
LAMBDA = "arn:aws:lambda:eu-central-1:123456789012:function:f"


def machine(states: str, start: str = "a", **more: Any) -> dict[str, Any]:
    return {"StartAt": start, "States": yaml.safe_load(states), **more}


def jsonata(states: str, **more: Any) -> dict[str, Any]:
    return machine(states, QueryLanguage="JSONata", **more)


BANKING = f"""
a:
  Type: Task
  Resource: {INVOKE}
  Parameters: {{FunctionName: validate, "Payload.$": $}}
  ResultSelector: {{"valid.$": $.Payload.valid, "id.$": "States.Format('{{}}-{{}}', $.Payload.id, $$.Execution.Name)"}}
  ResultPath: $.checked
  TimeoutSeconds: 20
  HeartbeatSeconds: 5
  Retry:
    - {{ErrorEquals: [Lambda.TooManyRequestsException, States.Timeout], IntervalSeconds: 1, MaxAttempts: 0,
       BackoffRate: 2.5, MaxDelaySeconds: 60, JitterStrategy: FULL}}
    - {{ErrorEquals: [States.ALL]}}
  Catch: [{{ErrorEquals: [States.ALL], ResultPath: $.error, Next: reject}}]
  Next: decide
decide:
  Type: Choice
  Choices:
    - And: [{{Variable: $.checked.valid, BooleanEquals: true}}, {{Not: {{Variable: $.amount, IsNull: true}}}}]
      Next: approve
    - {{Variable: $.amount, NumericGreaterThanPath: $.limit, Next: reject}}
    - {{Variable: "$['who']", StringMatches: "a*", Next: wait}}
  Default: reject
wait: {{Type: Wait, TimestampPath: $.when, Next: approve}}
approve: {{Type: Task, Resource: {LAMBDA}, ResultPath: null, Next: both}}
both:
  Type: Parallel
  Branches:
    - {{StartAt: save, States: {{save: {{Type: Task, Resource: "arn:aws:states:::dynamodb:putItem", End: true}}}}}}
    - {{StartAt: tell, States: {{tell: {{Type: Pass, Result: [1], End: true}}}}}}
  Next: each
each:
  Type: Map
  ItemsPath: $.items
  MaxConcurrency: 0
  ItemSelector: {{"item.$": $$.Map.Item.Value}}
  ItemProcessor:
    ProcessorConfig: {{Mode: INLINE}}
    StartAt: one
    States: {{one: {{Type: Succeed}}}}
  End: true
reject: {{Type: Fail, Error: Rejected, CausePath: "States.Format('no: {{}}', $.why)"}}
"""

DISTRIBUTED = """
a:
  Type: Map
  Label: run
  ToleratedFailurePercentage: 5.5
  ItemReader: {Resource: "arn:aws:states:::s3:getObject", ReaderConfig: {InputType: CSV}, Parameters: {Bucket: b, Key: k}}
  ItemBatcher: {MaxItemsPerBatch: 10, BatchInput: {"a.$": $.a}}
  ResultWriter: {Resource: "arn:aws:states:::s3:putObject", Parameters: {Bucket: b, Prefix: p}}
  ItemProcessor:
    ProcessorConfig: {Mode: DISTRIBUTED, ExecutionType: %s}
    StartAt: one
    States:
      one: {Type: Task, Resource: "%s", End: true}
  End: true
"""

JSONATA = """
a:
  Type: Task
  Resource: arn:aws:states:::aws-sdk:ssm:getParameter
  Arguments: {Name: "{% $states.input.name %}"}
  TimeoutSeconds: "{% $n %}"
  Assign: {x: "{% $states.result %}", y: 1}
  Output: "{% $x %}"
  Next: c
c:
  Type: Choice
  Choices: [{Condition: "{% $x = 1 %}", Assign: {z: 1}, Output: "{% $z %}", Next: w}]
  Default: m
w: {Type: Wait, Seconds: "{% $n %}", Next: m}
m:
  Type: Map
  Items: "{% $states.input.list %}"
  ItemProcessor: {StartAt: p, States: {p: {Type: Pass, Output: [1, "{% $x %}"], End: true}}}
  Catch: [{ErrorEquals: [States.ALL], Output: "{% $states.errorOutput %}", Assign: {e: 1}, Next: f}]
  End: true
f: {Type: Fail, Error: "{% $e %}"}
"""


@pytest.mark.parametrize(
    "definition",
    [
        pytest.param(machine(BANKING, Version="1.0", Comment="c", TimeoutSeconds=300), id="a bank's deposits"),
        pytest.param(machine(DISTRIBUTED % ("STANDARD", INVOKE + ".waitForTaskToken")), id="a distributed map"),
        pytest.param(jsonata(JSONATA), id="JSONata"),
        pytest.param(machine("a: {Type: Pass, QueryLanguage: JSONata, Output: 1, End: true}"), id="one state of JSONata"),
        pytest.param(machine("a: {Type: Pass, Next: b}\nb: {Type: Wait, Seconds: 0, Next: c}\nc: {Type: Succeed}"), id="a chain"),
        pytest.param(
            machine("a: {Type: Choice, Choices: [{Variable: $.n, IsPresent: true, Next: b}], Default: c}\n"
                    "b: {Type: Wait, Seconds: 5, Next: a}\nc: {Type: Succeed}"),
            id="a loop with an end",
        ),
        pytest.param(machine('a: {Type: Task, Resource: "${f.arn}", End: true}'), id="what AWS hands out later"),
        pytest.param(
            machine("a: {Type: Task, Resource: 'arn:aws:states:eu-central-1:123456789012:activity:x', End: true}"),
            id="an activity",
        ),
        pytest.param(machine("a: {Type: Map, Iterator: {StartAt: b, States: {b: {Type: Pass, End: true}}}, End: true}"), id="the old iterator"),
        pytest.param(machine("a: {Type: Task, Resource: 'arn:aws:states:::glue:startJobRun.sync', End: true}"), id="a job"),
    ],
)  # fmt: skip
def test_a_sound_definition_has_no_findings(definition: dict[str, Any]):
    assert validate(definition, "standard") == ()


def test_an_express_machine_may_do_all_but_wait():
    assert validate(machine(BANKING), "express") == ()


TIMED = f"a: {{Type: Task, Resource: '{INVOKE}', %s, End: true}}"
TASK = "a: {Type: Task, Resource: %s, End: true}"
RULE = "a: {Type: Choice, Choices: [%s]}\nb: {Type: Succeed}"
RETRY = f"a: {{Type: Task, Resource: '{INVOKE}', End: true, Retry: [%s]}}"
CATCH = f"a: {{Type: Task, Resource: '{INVOKE}', End: true, Catch: [%s]}}\nb: {{Type: Succeed}}"
A = ("States", "a")

WRONG = [
    ("no StartAt", {"States": {"a": {"Type": "Succeed"}}}, (), "`StartAt` is missing"),
    ("no States", {"StartAt": "a"}, (), "`States` is missing"),
    ("empty States", {"StartAt": "a", "States": {}}, ("States",), "at least one state"),
    ("StartAt leads nowhere", machine("a: {Type: Succeed}", "aa"), ("StartAt",), "no state here"),
    ("StartAt is no text", machine("a: {Type: Succeed}", 1), ("StartAt",), "wants text"),
    ("an unknown top-level field", machine("a: {Type: Succeed}", Sates=1), ("Sates",), "unknown field"),
    ("another version", machine("a: {Type: Succeed}", Version="2"), ("Version",), "cannot be `2`"),
    ("another query language", machine("a: {Type: Succeed}", QueryLanguage="SQL"), ("QueryLanguage",), "`SQL`"),
    ("a long name", machine(f"a: {{Type: Pass, Next: {'n' * 81}}}\n{'n' * 81}: {{Type: Succeed}}"),
     ("States", "n" * 81), "cannot be the name"),
    ("a name twice", machine("a: {Type: Parallel, End: true, Branches: [{StartAt: a, States: {a: {Type: Succeed}}}]}"),
     ("States", "a", "Branches", 0, "States", "a"), "a second state"),
    ("a state that is none", machine("a: 1"), A, "wants a mapping"),
    ("no type", machine("a: {End: true}"), A, "without `Type`"),
    ("an unknown type", machine("a: {Type: Taks}"), (*A, "Type"), "no type `Taks`"),
    ("an unknown field", machine("a: {Type: Succeed, Nxt: b}"), (*A, "Nxt"), "unknown field"),
    ("a field of another type", machine("a: {Type: Succeed, Seconds: 1}"), (*A, "Seconds"), "has no"),
    ("a field of JSONata", machine("a: {Type: Pass, Output: 1, End: true}"), (*A, "Output"), "field of JSONata"),
    ("a field of JSONPath", jsonata("a: {Type: Pass, Parameters: {}, End: true}"), (*A, "Parameters"), "field of JSONPath"),
    ("JSONPath within JSONata", jsonata("a: {Type: Succeed, QueryLanguage: JSONPath}"), (*A, "QueryLanguage"), "JSONPath in"),
    ("neither Next nor End", machine("a: {Type: Pass}"), A, "either `Next` or `End`"),
    ("both Next and End", machine("a: {Type: Pass, Next: b, End: true}\nb: {Type: Succeed}"), A, "either `Next` or `End`"),
    ("End: false", machine("a: {Type: Pass, End: false}"), (*A, "End"), "can only be true"),
    ("Next leads nowhere", machine("a: {Type: Pass, Next: bb}\nb: {Type: Succeed}"), (*A, "Next"), "no state `bb`"),
    ("Next leads out of its scope",
     machine("a: {Type: Pass, Next: p}\np: {Type: Parallel, End: true, Branches: [{StartAt: b, States: {b: {Type: Pass, Next: a}}}]}"),
     ("States", "p", "Branches", 0, "States", "b", "Next"), "no state `a`"),
    ("Default leads nowhere", machine("a: {Type: Choice, Choices: [{Variable: $.x, IsNull: true, Next: b}], Default: z}\nb: {Type: Succeed}"),
     (*A, "Default"), "no state `z`"),
    ("a rule leads nowhere", machine(RULE % "{Variable: $.x, IsNull: true, Next: z}"), (*A, "Choices", 0, "Next"), "no state `z`"),
    ("a catcher leads nowhere", machine(CATCH % "{ErrorEquals: [A], Next: z}"), (*A, "Catch", 0, "Next"), "no state `z`"),
    ("a state that nothing leads to", machine("a: {Type: Succeed}\nb: {Type: Succeed}"), ("States", "b"), "nothing leads to"),
    ("no end", machine("a: {Type: Pass, Next: b}\nb: {Type: Pass, Next: a}"), ("StartAt",), "never ends"),
    ("a task without Resource", machine("a: {Type: Task, End: true}"), A, "without `Resource`"),
    ("a Resource that is none", machine(TASK % "lambda:invoke"), (*A, "Resource"), "nothing that a task can call"),
    ("an unknown integration", machine(TASK % "'arn:aws:states:::dynamodb:query'"), (*A, "Resource"), "no integration of its own"),
    ("a way to wait that is none", machine(TASK % f"'{INVOKE}.async'"), (*A, "Resource"), "no way to wait"),
    ("a way to wait that it has not", machine(TASK % f"'{INVOKE}.sync'"), (*A, "Resource"), "has no .sync"),
    ("an SDK job", machine(TASK % "'arn:aws:states:::aws-sdk:s3:getObject.sync'"), (*A, "Resource"), "with .sync"),
    ("an SDK's capital", machine(TASK % "'arn:aws:states:::aws-sdk:S3:GetObject'"), (*A, "Resource"), "not how AWS"),
    ("a timeout of 0", machine(TIMED % "TimeoutSeconds: 0"),
     (*A, "TimeoutSeconds"), "cannot be 0"),
    ("a slow heartbeat", machine(TIMED % "TimeoutSeconds: 9, HeartbeatSeconds: 9"),
     (*A, "HeartbeatSeconds"), "not less than"),
    ("a timeout and its path", machine(TIMED % "TimeoutSeconds: 9, TimeoutSecondsPath: $.t"),
     (*A, "TimeoutSecondsPath"), "both"),
    ("a Wait for nothing", machine("a: {Type: Wait, End: true}"), A, "exactly one of"),
    ("a Wait for two", machine("a: {Type: Wait, Seconds: 1, SecondsPath: $.s, End: true}"), A, "exactly one of"),
    ("a negative Wait", machine("a: {Type: Wait, Seconds: -1, End: true}"), (*A, "Seconds"), "cannot be -1"),
    ("a Wait for a text", machine("a: {Type: Wait, Seconds: '5', End: true}"), (*A, "Seconds"), "a whole number"),
    ("a date that is none", machine("a: {Type: Wait, Timestamp: '2030-01-01', End: true}"), (*A, "Timestamp"), "wants a time"),
    ("an empty Parallel", machine("a: {Type: Parallel, Branches: [], End: true}"), (*A, "Branches"), "is empty"),
    ("a branch that is none", machine("a: {Type: Parallel, Branches: [1], End: true}"), (*A, "Branches", 0), "wants a mapping"),
    ("a branch without StartAt", machine("a: {Type: Parallel, Branches: [{States: {b: {Type: Succeed}}}], End: true}"),
     (*A, "Branches", 0), "`StartAt` is missing"),
    ("a Map without machine", machine("a: {Type: Map, End: true}"), A, "wants an `ItemProcessor`"),
    ("an inline map with a reader",
     machine("a: {Type: Map, Label: x, ItemProcessor: {StartAt: b, States: {b: {Type: Succeed}}}, End: true}"),
     (*A, "Label"), "in an inline map"),
    ("a distributed map without type", machine(DISTRIBUTED % ("", INVOKE)), (*A, "ItemProcessor", "ProcessorConfig"), "ExecutionType"),
    ("waiting within express children", machine(DISTRIBUTED % ("EXPRESS", INVOKE + ".waitForTaskToken")),
     (*A, "ItemProcessor", "States", "one", "Resource"), "in an express machine"),
    ("no rules", machine(RULE % ""), (*A, "Choices"), "is empty"),
    ("a rule without Next", machine("a: {Type: Choice, Choices: [{Variable: $.x, IsNull: true}], Default: b}\nb: {Type: Succeed}"),
     (*A, "Choices", 0), "without `Next`"),
    ("a rule without Variable", machine(RULE % "{IsNull: true, Next: b}"), (*A, "Choices", 0), "without `Variable`"),
    ("two comparisons", machine(RULE % "{Variable: $.x, IsNull: true, IsString: true, Next: b}"), (*A, "Choices", 0), "exactly one"),
    ("an unknown comparison", machine(RULE % "{Variable: $.x, StringEqual: a, Next: b}"), (*A, "Choices", 0, "StringEqual"), "unknown field"),
    ("a comparison with another type", machine(RULE % "{Variable: $.x, NumericEquals: true, Next: b}"),
     (*A, "Choices", 0, "NumericEquals"), "compares with a number"),
    ("a comparison with no path", machine(RULE % "{Variable: $.x, NumericEqualsPath: x, Next: b}"),
     (*A, "Choices", 0, "NumericEqualsPath"), "no path"),
    ("a Variable that is none", machine(RULE % "{Variable: x, IsNull: true, Next: b}"), (*A, "Choices", 0, "Variable"), "no path"),
    ("Next in a nested rule", machine(RULE % "{Not: {Variable: $.x, IsNull: true, Next: b}, Next: b}"),
     (*A, "Choices", 0, "Not", "Next"), "in a nested rule"),
    ("an empty And", machine(RULE % "{And: [], Next: b}"), (*A, "Choices", 0, "And"), "is empty"),
    ("a Condition without JSONata", machine(RULE % "{Condition: '{% $x %}', Next: b}"), (*A, "Choices", 0, "Condition"), "unknown field"),
    ("a rule of JSONPath in JSONata", jsonata(RULE % "{Variable: $.x, IsNull: true, Next: b}"), (*A, "Choices", 0, "Variable"), "unknown field"),
    ("a Condition that is none", jsonata(RULE % "{Condition: '$x', Next: b}"), (*A, "Choices", 0, "Condition"), "wants an expression"),
    ("a retrier without errors", machine(RETRY % "{MaxAttempts: 1}"), (*A, "Retry", 0), "without `ErrorEquals`"),
    ("an empty ErrorEquals", machine(RETRY % "{ErrorEquals: []}"), (*A, "Retry", 0, "ErrorEquals"), "is empty"),
    ("States.ALL beside others", machine(RETRY % "{ErrorEquals: [States.ALL, A]}"), (*A, "Retry", 0, "ErrorEquals"), "stands alone"),
    ("States.ALL before others", machine(RETRY % "{ErrorEquals: [States.ALL]}, {ErrorEquals: [A]}"),
     (*A, "Retry", 0, "ErrorEquals"), "before other"),
    ("a misspelt error", machine(RETRY % "{ErrorEquals: [States.Timout]}"), (*A, "Retry", 0, "ErrorEquals", 0), "no error"),
    ("an interval of 0", machine(RETRY % "{ErrorEquals: [A], IntervalSeconds: 0}"), (*A, "Retry", 0, "IntervalSeconds"), "cannot be 0"),
    ("negative attempts", machine(RETRY % "{ErrorEquals: [A], MaxAttempts: -1}"), (*A, "Retry", 0, "MaxAttempts"), "cannot be -1"),
    ("a shrinking delay", machine(RETRY % "{ErrorEquals: [A], BackoffRate: 0.5}"), (*A, "Retry", 0, "BackoffRate"), "cannot be 0.5"),
    ("a small longest delay", machine(RETRY % "{ErrorEquals: [A], IntervalSeconds: 9, MaxDelaySeconds: 9}"),
     (*A, "Retry", 0, "MaxDelaySeconds"), "not more than"),
    ("a jitter that is none", machine(RETRY % "{ErrorEquals: [A], JitterStrategy: SOME}"), (*A, "Retry", 0, "JitterStrategy"), "`SOME`"),
    ("an unknown retrier field", machine(RETRY % "{ErrorEquals: [A], MaxRetries: 1}"), (*A, "Retry", 0, "MaxRetries"), "unknown field"),
    ("a catcher without Next", machine(CATCH % "{ErrorEquals: [A]}"), (*A, "Catch", 0), "without `Next`"),
    ("a template's path", machine("a: {Type: Pass, Parameters: {x: [{'y.$': z}]}, End: true}"),
     (*A, "Parameters", "x", 0, "y.$"), "no path"),
    ("a template's function", machine("a: {Type: Pass, Parameters: {'y.$': States.Uuid()}, End: true}"),
     (*A, "Parameters", "y.$"), "no function States.Uuid"),
    ("a field twice", machine("a: {Type: Pass, Parameters: {y: 1, 'y.$': $.y}, End: true}"), (*A, "Parameters", "y"), "both"),
    ("a template that is none", machine("a: {Type: Pass, Parameters: $.x, End: true}"), (*A, "Parameters"), "wants a mapping"),
    ("a result into the context", machine("a: {Type: Pass, ResultPath: $$.x, End: true}"), (*A, "ResultPath"), "cannot be written"),
    ("a result to many places", machine("a: {Type: Pass, ResultPath: '$.x[*]', End: true}"), (*A, "ResultPath"), "no reference path"),
    ("an expression with blanks", jsonata("a: {Type: Pass, Output: ' {% $x %}', End: true}"), (*A, "Output"), "no expression"),
    ("an open expression", jsonata("a: {Type: Pass, Output: {x: '{% $x'}, End: true}"), (*A, "Output", "x"), "no expression"),
    ("JSONPath's keys in JSONata", jsonata("a: {Type: Pass, Output: {x.$: $.x}, End: true}"), (*A, "Output", "x.$"), "JSONPath's way"),
    ("a variable's name", machine("a: {Type: Pass, Assign: {states: 1}, End: true}"), (*A, "Assign", "states"), "cannot name a variable"),
    ("a definition that is none", [1], (), "a mapping, not a list"),
    ("infinity", machine("a: {Type: Pass, Result: .inf, End: true}"), (), "JSON cannot hold"),
    ("a large one", machine("a: {Type: Pass, Result: %s, End: true}" % ("x" * 1_100_000)), (), "at most"),
]  # fmt: skip


@pytest.mark.parametrize(("definition", "path", "what"), [pytest.param(*rest, id=id) for id, *rest in WRONG])
def test_what_is_wrong_is_found_where_it_is(definition: Any, path: tuple[str | int, ...], what: str):
    findings = validate(definition, "standard")

    assert [(one.path, what in f"{one.what} {one.why}") for one in findings][:1] == [(path, True)], findings


ONCE = {"two comparisons", "a rule of JSONPath in JSONata", "a Condition without JSONata", "no rules",
        "a slow heartbeat", "an unknown comparison", "a catcher without Next", "an unknown field", "a rule without Next"}  # fmt: skip


@pytest.mark.parametrize(
    ("definition", "path", "what"), [pytest.param(*rest, id=id) for id, *rest in WRONG if id not in ONCE]
)
def test_one_mistake_has_no_echoes(definition: Any, path: tuple[str | int, ...], what: str):
    assert len({one.path for one in validate(definition, "standard")}) == 1


@pytest.mark.parametrize("suffix", [".waitForTaskToken", ".sync", ".sync:2"])
@pytest.mark.parametrize("inside", [False, True], ids=["at the top", "in a branch"])
def test_express_machines_cannot_wait(suffix: str, inside: bool):
    state = f"{{Type: Task, Resource: 'arn:aws:states:::states:startExecution{suffix}', End: true}}"
    branch = f"a: {{Type: Parallel, End: true, Branches: [{{StartAt: b, States: {{b: {state}}}}}]}}"

    (finding,) = validate(machine(branch if inside else f"a: {state}"), "express")

    assert finding.what == f"{suffix} in an express machine"
    assert finding.path[-1] == "Resource"


def test_express_machines_have_no_activities_and_no_distributed_maps():
    activity = machine("a: {Type: Task, Resource: 'arn:aws:states:eu-central-1:123456789012:activity:x', End: true}")
    distributed = machine(DISTRIBUTED % ("STANDARD", INVOKE))

    whats = [one.what for definition in (activity, distributed) for one in validate(definition, "express")]

    assert whats == ["an activity in an express machine", "a distributed map in an express machine"]


def test_findings_come_to_an_end():
    states = {f"s{number}": {"Type": "Nothing"} for number in range(1000)}

    assert len(validate({"StartAt": "s0", "States": states})) == LIMIT


def test_depth_is_bounded():
    deep: Any = 1
    for _ in range(5000):
        deep = [deep]

    (finding,) = validate({"StartAt": "a", "States": {"a": {"Type": "Pass", "Result": deep, "End": True}}})

    assert finding.what == "too deep"


def test_every_field_has_a_check():
    assert {name for table in FIELDS.values() for fields in table.values() for name in fields} == set(CHECKS)
    assert set(TYPES) == {"Task", "Parallel", "Map", "Pass", "Wait", "Choice", "Succeed", "Fail"}


def test_all_comparisons_are_known():
    assert len(OPERATORS) == 39


@pytest.mark.parametrize("text", ["$", "$$", "$.a", "$.a.b[0]", "$['a b']", "$..a", "$.a[?(@.b > 1)].c", "$x.y", "$$.Map.Item.Value", "$.a-b"])  # fmt: skip
def test_paths(text: str):
    assert path_fault(text) == ""


@pytest.mark.parametrize("text", ["", "a", "$a b", "$.a.", "$.a[0", "$.a[]", ".a", "$1.a"])
def test_texts_that_are_no_paths(text: str):
    assert path_fault(text)


@pytest.mark.parametrize("text", ["$", "$.a", "$.a[0].b", "$['a']['b']", "$.a[-1]"])
def test_reference_paths(text: str):
    assert reference_fault(text) == ""


@pytest.mark.parametrize("text", ["$..a", "$.a[*]", "$.a[0:2]", "$.a[?(@.b)]", "$.a[0,1]"])
def test_paths_that_name_several_nodes(text: str):
    assert reference_fault(text)


@pytest.mark.parametrize(
    "text",
    [
        "States.UUID()", "States.Array()", "States.Array(1, -2.5e3, true, null, 'it\\'s', $.a)",
        "States.Format('{}, {}', $.a['x,y)'], States.JsonToString($))", "States.MathRandom(1, 5)",
        "States.JsonMerge( $.a , $.b , false )",
    ],
)  # fmt: skip
def test_intrinsic_functions(text: str):
    assert intrinsic_fault(text) == ""


@pytest.mark.parametrize(
    "text",
    [
        "States.UUID", "States.UUID(1)", "States.Nothing()", "States.Array(1 2)", "States.Array(1,)", "States.Array(,)",
        "States.Format()", "States.UUID() ", "States.Array('x)", "States.Array(" * 11 + ")" * 11, "States.Array($a b)",
    ],
)  # fmt: skip
def test_texts_that_are_no_functions(text: str):
    assert intrinsic_fault(text)


def test_functions_nest_ten_deep():
    assert intrinsic_fault("States.Array(" * 10 + ")" * 10) == ""
    assert len(INTRINSICS) == 18
