"""References: `${id.attribute}`, `${param.x}`, `${slx.stage}`; `$${` is a literal `${`.

What can be computed is filled in while reading; what AWS hands out becomes a gap in a Late text, and an edge.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field

from serverless_cli.blueprint.nodes import Scalar
from serverless_cli.blueprint.problems import Problems, listed, shown
from serverless_cli.errors import Location
from serverless_cli.model import Handout, Late, Place, Ref
from serverless_cli.records import dataclass
from serverless_cli.resources.base import Attribute
from serverless_cli.secret import Secret

RESERVED = ("param", "slx", "check")
CHECKS = "checks"
RUN = ("stage", "region", "account", "stack")

_FORM = re.compile(r"\$\$\{|\$\{([^}$\n]*)(\}?)")
_BODY = re.compile(r"([A-Za-z][A-Za-z0-9_-]*)\.([A-Za-z][A-Za-z0-9_-]*)")


@dataclass(frozen=True, slots=True)
class Reference:
    """`${owner.name}` as it stands at `offset` of a text."""

    owner: str
    name: str
    text: str
    offset: int


@dataclass(frozen=True, slots=True)
class Malformed:
    """Something that begins like a reference and is none."""

    text: str
    offset: int
    why: str
    hint: str


Piece = str | Reference | Malformed


def split(text: str) -> tuple[Piece, ...]:
    """A text in pieces, `$${` already undone."""
    pieces: list[Piece] = []
    end = 0
    for found in _FORM.finditer(text):
        if found.start() > end:
            pieces.append(text[end : found.start()])
        end = found.end()
        if found[0] == "$${":
            pieces.append("${")
        elif (body := _BODY.fullmatch(found[1])) and found[2]:
            pieces.append(Reference(body[1], body[2], found[0], found.start()))
        else:
            pieces.append(_malformed(found))
    if end < len(text):
        pieces.append(text[end:])
    return tuple(pieces)


def _malformed(found: re.Match[str]) -> Malformed:
    body, closed = found[1], found[2]
    inner = _BODY.fullmatch(body.strip(" {"))
    if inner and (closed or body != inner[0]):
        return Malformed(found[0], found.start(), "a reference has no blanks or braces in it", f"write ${{{inner[0]}}}")
    hint = "write $${ for a literal ${"
    if closed and re.fullmatch(r"[a-z][a-z0-9_-]*", body):
        return Malformed(found[0], found.start(), "a reference is ${id.attribute}", f"such as ${{{body}.name}}; {hint}")
    if not closed:
        return Malformed(found[0], found.start(), "it has no closing }", hint)
    return Malformed(found[0], found.start(), "a reference is ${id.attribute}, ${param.name} or ${slx.stage}", hint)


@dataclass(frozen=True, slots=True)
class Target:
    """What `${id....}` may refer to. `attributes` is None when the resource's type is unknown, `name` when its
    name is: that is reported already."""

    id: str
    type: str
    attributes: Mapping[str, Attribute] | None
    name: str | None
    existing: bool = False

    def value(self, attribute: str, place: Place) -> str | Handout | None:
        """The attribute, or the gap where AWS hands it out; None when the target is broken.

        Raises KeyError when there is no such attribute."""
        if self.attributes is None:
            return None
        known = self.attributes[attribute]
        if known.predict is None or (self.existing and known.ours):
            return Handout(Ref(self.type, self.id), attribute)
        return known.predict(place, self.name) if self.name is not None else None


@dataclass(slots=True)
class Resolver:
    """Fills in references. `parameters` maps to None where a value is missing, which is reported already.

    `targets` None: only parameters and the run may be referred to, and `subject` says where that is.
    `uses` remembers who refers to what handed-out attribute where; `used` the parameters.
    """

    place: Place
    problems: Problems
    parameters: Mapping[str, str | None]
    targets: Mapping[str, Target] | None = None
    subject: str = ""
    uses: dict[tuple[str, str], Location] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)

    def text(self, scalar: Scalar, user: str = "") -> str | None:
        """The text with all references filled in: a str, Late or Secret; None when that cannot be (reported)."""
        if "${" not in scalar.text:
            return scalar.text
        values: list[str | Handout | None] = []
        for piece in split(scalar.text):
            match piece:
                case str():
                    values.append(piece)
                case Malformed():
                    self._complain(scalar, piece, f"{shown(piece.text)} is no reference", piece.why, piece.hint)
                    values.append(None)
                case Reference():
                    values.append(self._value(piece, scalar, user))
        return self._joined(values, scalar)

    def _joined(self, values: list[str | Handout | None], scalar: Scalar) -> str | None:
        good = [value for value in values if value is not None]
        if len(good) < len(values):
            return None
        late = any(isinstance(value, Handout) for value in good)
        secrets = [value for value in good if isinstance(value, Secret)]
        if late and secrets:
            why = "what AWS hands out is recorded, a secret never is"
            self.problems.add("a secret and what AWS hands out in one text", scalar.where, why, "use two values")
            return None
        if late:
            return Late(tuple(good))
        return (
            Secret.joined([value for value in good if isinstance(value, str)])
            if secrets
            else "".join(str(value) for value in good)
        )

    def _value(self, ref: Reference, scalar: Scalar, user: str) -> str | Handout | None:
        if ref.owner == "slx":
            return self._of_run(ref, scalar)
        if ref.owner == "param":
            return self._parameter(ref, scalar)
        if self.targets is not None:
            return self._attribute(ref, scalar, user, self.targets)
        why = f"{self.subject} may only use ${{param.name}} and {listed('${slx.' + name + '}' for name in RUN)}"
        self._complain(scalar, ref, f"{shown(ref.text)} has no place here", why)
        return None

    def _of_run(self, ref: Reference, scalar: Scalar) -> str | None:
        if ref.name in RUN:
            return str(getattr(self.place, ref.name))
        near = self.problems.near(ref.name, RUN, otherwise="there are:")
        self._complain(scalar, ref, f"unknown reference {shown(ref.text)}", "slx knows no such thing of a run", near)
        return None

    def _parameter(self, ref: Reference, scalar: Scalar) -> str | None:
        if ref.name in self.parameters:
            self.used.add(ref.name)
            return self.parameters[ref.name]
        near = self.problems.near(ref.name, self.parameters) or "declare it under `parameters:`"
        self._complain(scalar, ref, f"unknown reference {shown(ref.text)}", "no such parameter is declared", near)
        return None

    def _attribute(
        self, ref: Reference, scalar: Scalar, user: str, targets: Mapping[str, Target]
    ) -> str | Handout | None:
        what = f"unknown reference {shown(ref.text)}"
        target = targets.get(ref.owner)
        if target is None:
            why = f"no resource has the id {shown(ref.owner)}"
            if ref.owner == "check":
                why, near = "only a run of the checks has one", f"it stands under `{CHECKS}:` alone"
            else:
                near = self.problems.near(ref.owner, (*targets, "param", "slx"), otherwise="there are:")
            self._complain(scalar, ref, what, why, near)
            return None
        try:
            value = target.value(ref.name, self.place)
        except KeyError:
            why = f"{shown(target.id)} ({target.type}) has no attribute {shown(ref.name)}"
            near = self.problems.near(ref.name, target.attributes or {}, otherwise="its attributes:")
            self._complain(scalar, ref, what, why, near)
            return None
        if isinstance(value, Handout) and (user, target.id) not in self.uses:
            self.uses[user, target.id] = scalar.spot(ref.text, ref.offset)
        return value

    def _complain(self, scalar: Scalar, piece: Reference | Malformed, what: str, why: str = "", hint: str = "") -> None:
        if self.problems.full:
            self.problems.skip()
        else:
            self.problems.add(what, scalar.spot(piece.text, piece.offset), why, hint)
