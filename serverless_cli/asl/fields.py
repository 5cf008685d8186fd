"""Which fields a state may have, by its type and query language.

From the table of the language's specification; what is only in one of the two query languages stands beside its
counterpart in the other.
"""

from __future__ import annotations

from serverless_cli.asl.findings import JSONATA, JSONPATH, Here, near
from serverless_cli.finding import shown

_BOTH: dict[str, str] = {
    "Task": "Next End Retry Catch Assign Resource TimeoutSeconds HeartbeatSeconds Credentials",
    "Parallel": "Next End Retry Catch Assign Branches",
    "Map": "Next End Retry Catch Assign ItemProcessor Iterator ItemSelector MaxConcurrency ItemReader ItemBatcher "
    "ResultWriter Label ToleratedFailureCount ToleratedFailurePercentage",
    "Pass": "Next End Assign",
    "Wait": "Next End Assign Seconds Timestamp",
    "Choice": "Choices Default Assign",
    "Succeed": "",
    "Fail": "Error Cause",
}
_OWN: dict[str, dict[str, str]] = {
    JSONPATH: {
        "Task": "InputPath OutputPath ResultPath ResultSelector Parameters TimeoutSecondsPath HeartbeatSecondsPath",
        "Parallel": "InputPath OutputPath ResultPath ResultSelector Parameters",
        "Map": "InputPath OutputPath ResultPath ResultSelector Parameters ItemsPath MaxConcurrencyPath "
        "ToleratedFailureCountPath ToleratedFailurePercentagePath",
        "Pass": "InputPath OutputPath ResultPath Parameters Result",
        "Wait": "InputPath OutputPath SecondsPath TimestampPath",
        "Choice": "InputPath OutputPath",
        "Succeed": "InputPath OutputPath",
        "Fail": "ErrorPath CausePath",
    },
    JSONATA: {
        "Task": "Arguments Output",
        "Parallel": "Arguments Output",
        "Map": "Items Output",
        "Pass": "Output",
        "Wait": "Output",
        "Choice": "Output",
        "Succeed": "Output",
        "Fail": "",
    },
}
_COMMON = "Type Comment QueryLanguage"

TYPES = tuple(_BOTH)
FLOWING = frozenset({"Task", "Parallel", "Map", "Pass", "Wait"})
"""the types with either Next or End"""


def _table(language: str) -> dict[str, frozenset[str]]:
    own = _OWN[language]
    return {type: frozenset(f"{_COMMON} {both} {own[type]}".split()) for type, both in _BOTH.items()}


FIELDS = {JSONPATH: _table(JSONPATH), JSONATA: _table(JSONATA)}

_EVERY = frozenset().union(*(fields for table in FIELDS.values() for fields in table.values()))
_INSTEAD = {
    "Parameters": "Arguments", "ResultSelector": "Output", "ResultPath": "Output or Assign", "OutputPath": "Output",
    "InputPath": "$states.input", "Result": "Output", "ItemsPath": "Items", "Arguments": "Parameters",
    "Output": "ResultSelector, ResultPath and OutputPath", "Items": "ItemsPath",
}  # fmt: skip
"""what the other query language has in place of a field"""


def check_fields(here: Here, state: dict[str, object], type_: str) -> None:
    """A finding for each field that a state of that type cannot have."""
    known = FIELDS[here.language][type_]
    other = JSONPATH if here.jsonata else JSONATA
    for name in state:
        if name in known:
            continue
        at = here / name
        if name in FIELDS[other][type_]:
            instead = _INSTEAD.get(name) or (f"{name.removesuffix('Path')} with an expression" if here.jsonata else "")
            hint = f"write {instead}" if instead else ""
            at.add(f"{shown(name)} is a field of {other}", f"this state speaks {here.language}", hint)
        elif name in _EVERY:
            at.add(f"a {type_} state has no {shown(name)}")
        else:
            at.add(f"unknown field {shown(name)}", f"a {type_} state has no such field", near(name, known))
