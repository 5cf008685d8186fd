"""Single values: from text to the form that a key declares, and whether AWS would take them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from serverless_cli.blueprint.nodes import Scalar, called
from serverless_cli.blueprint.paths import PathError, inside
from serverless_cli.blueprint.problems import listed, shown
from serverless_cli.blueprint.scalars import resolve
from serverless_cli.blueprint.shapes import Form, Rules
from serverless_cli.keys import Range


class MisfitError(ValueError):
    """Why a value is refused; `{}` in `what` stands for the key, `choices` are what could have been meant."""

    def __init__(self, what: str, why: str = "", hint: str = "", choices: Sequence[object] = ()) -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.hint = hint
        self.choices = choices


def convert(node: Scalar, text: str, form: Form, folder: Path) -> str | int | float | bool:
    """The value in its form; `text` is that of the node with references filled in. Raises MisfitError."""
    if form is Form.TEXT:
        return text
    if form in (Form.FOLDER, Form.FILE):
        try:
            return inside(folder, text, is_folder=form is Form.FOLDER)
        except PathError as problem:
            raise MisfitError(f"{{}} cannot be {shown(text)}", problem.why, problem.hint) from None
    value = resolve(text) if "${" in node.text else node.value
    if form is Form.FLAG and isinstance(value, bool):
        return value
    if form is Form.WHOLE and isinstance(value, int) and not isinstance(value, bool):
        return value
    if form is Form.NUMBER and isinstance(value, int | float) and not isinstance(value, bool):
        return value
    raise _misfit(node, text, form)


def _misfit(node: Scalar, text: str, form: Form) -> MisfitError:
    what = f"{{}} wants {form.value}, not {'' if form is Form.FLAG else called(node) + ' '}{shown(text)}"
    if form is Form.FLAG:
        word = {"yes": "true", "on": "true", "no": "false", "off": "false"}.get(text.lower(), text.lower())
        return MisfitError(what, hint=f"write {word}" if word in ("true", "false") else "")
    if re.fullmatch(r"0[0-9]+", text):
        return MisfitError(what, "a number does not begin with 0", f"write {text.lstrip('0') or '0'}")
    number = resolve(text)
    if "${" not in node.text and isinstance(node.value, str) and isinstance(number, int):
        return MisfitError(what, "quotes make it text", f"write {number} without quotes")
    if re.fullmatch(r"[0-9]{1,3}([_,' ][0-9]{3})+", text):
        return MisfitError(what, hint=f"write {re.sub('[^0-9]', '', text)}")
    plain = re.fullmatch(r"([0-9]{1,12}) ?[A-Za-z]{1,8}", text)
    return MisfitError(what, hint=f"write just the number: {plain[1]}" if plain else "")


def allowed(value: str | float | bool, rules: Rules) -> None:
    """Raises MisfitError when the value breaks a rule of its key."""
    if rules.one_of and value not in rules.one_of:
        raise MisfitError(
            f"{{}} cannot be {shown(value)}", f"it is one of {listed(rules.one_of)}", choices=rules.one_of
        )
    if rules.pattern and isinstance(value, str) and not re.fullmatch(rules.pattern.regex, value):
        raise MisfitError(f"{{}} cannot be {shown(value)}", f"wanted: {rules.pattern.says}")
    if isinstance(value, str):
        if says := outside(len(value), rules.range):
            raise MisfitError(f"{{}} is {len(value)} characters long", says)
    elif says := outside(value, rules.range):
        raise MisfitError(f"{{}} cannot be {value}", says)


def outside(value: float, range_: Range | None) -> str:
    """The rule that a number, length or count breaks, in words; empty when it fits."""
    least, most = (range_.least, range_.most) if range_ else (None, None)
    if (least is None or value >= least) and (most is None or value <= most):
        return ""
    if least is not None and most is not None:
        return f"it takes {least} to {most}"
    return f"it takes at least {least}" if most is None else f"it takes at most {most}"
