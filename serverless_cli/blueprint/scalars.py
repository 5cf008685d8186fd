"""What plain text in YAML stands for, by the core schema of YAML 1.2 and with nothing lost.

YAML 1.1 turns `no`, `on`, `12:30`, `010` and dates into something else; here they stay the text that was written.
"""

from __future__ import annotations

import math
import re

from serverless_cli.blueprint.nodes import Value

_WORDS: dict[str, Value] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True,
    "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_WHOLE = re.compile(r"[-+]?(0|[1-9][0-9]{0,29})")  # a leading zero says that it is a code and no number
_HEX = re.compile(r"0x[0-9a-fA-F]{1,16}|0o[0-7]{1,16}")
_REAL = re.compile(r"[-+]?([0-9]{1,30}\.[0-9]{0,30}|\.[0-9]{1,30}|[0-9]{1,30})([eE][-+]?[0-9]{1,3})?")

STANDARD = {
    "tag:yaml.org,2002:str": str, "tag:yaml.org,2002:int": int, "tag:yaml.org,2002:float": float,
    "tag:yaml.org,2002:bool": bool, "tag:yaml.org,2002:null": type(None),
}  # fmt: skip
"""the tags of the core schema and what a text must stand for to have them"""


def resolve(text: str) -> Value:
    """The value of an unquoted text."""
    if text in _WORDS:
        return _WORDS[text]
    if _WHOLE.fullmatch(text):
        return int(text)
    if _HEX.fullmatch(text):
        return int(text, 0)
    if _REAL.fullmatch(text) and not re.match(r"[-+]?0[0-9]", text):
        number = float(text)
        return number if math.isfinite(number) else text
    return text
