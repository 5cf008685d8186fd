"""Texts that must never be printed, logged or stored. Pure, but for remembering which of this process are such."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import field, replace
from typing import Self

from serverless_cli.records import dataclass

_GIVEN: set[str] = set()
"""the texts of all Secrets of this process, for `hushed` alone"""
_LEAST = 4
"""shorter ones are no secrets, and every other word would go with them"""


def hushed(text: str, *more: str) -> str:
    """The text without any secret that this process was given, nor any of `more`: for what tells of its inside."""
    for secret in sorted({*_GIVEN, *more}, key=len, reverse=True):
        if len(secret) >= _LEAST:
            for form in (secret, repr(secret)[1:-1], json.dumps(secret)[1:-1]):
                text = text.replace(form, "***")
    return text


@dataclass(frozen=True, slots=True)
class Param:
    """Where in a text the value of a secret parameter stands. `quoted`: within JSON, so in JSON's form. `given` says
    that it was given this time; a record does not know that."""

    name: str
    quoted: bool = False
    given: bool = field(default=False, compare=False)

    def form(self, value: str) -> str:
        """The value as it stands in the text."""
        return json.dumps(value)[1:-1] if self.quoted else value


class Secret(str):
    """A value that must never be printed, logged or stored; `known` is False when it was not given this time.

    `parts` say what it is made of: texts that the blueprint shows to all, and parameters; none where nobody knows.
    """

    __slots__ = ("known", "parts")
    known: bool
    parts: tuple[str | Param, ...]

    def __new__(cls, value: str, known: bool = True, parts: tuple[str | Param, ...] = ()) -> Self:
        self = super().__new__(cls, value)
        self.known = known
        self.parts = parts
        if known:
            _GIVEN.add(str.__str__(self))
        return self

    @classmethod
    def joined(cls, texts: Iterable[str]) -> Self:
        """One text of several, of which some are Secrets."""
        texts = tuple(texts)
        secrets = [text for text in texts if isinstance(text, Secret)]
        parts = (part for text in texts for part in (text.parts if isinstance(text, Secret) else (text,)))
        return cls("".join(map(str.__str__, texts)), all(one.known for one in secrets), tuple(parts))

    @property
    def quoted(self) -> Secret:
        """It as a text within JSON."""
        parts = (replace(p, quoted=True) if isinstance(p, Param) else json.dumps(p)[1:-1] for p in self.parts)
        return Secret(json.dumps(str.__str__(self)), self.known, ('"', *parts, '"'))

    def __repr__(self) -> str:
        return "Secret('***')"

    def __reduce__(self) -> tuple[type[Secret], tuple[str, bool, tuple[str | Param, ...]]]:
        return Secret, (str.__str__(self), self.known, self.parts)

    @property
    def missing(self) -> tuple[str, ...]:
        """The parameters that it lacks, where that is known."""
        names = (part.name for part in self.parts if isinstance(part, Param) and not part.given)
        return () if self.known else tuple(dict.fromkeys(names))

    def fill(self, values: Mapping[str, str]) -> Secret:
        """It with what is given now, where it was not known; known once no parameter is missing."""
        if self.known or not self.parts:
            return self
        parts = tuple(
            replace(part, given=True) if isinstance(part, Param) and part.name in values else part
            for part in self.parts
        )
        lacks = any(isinstance(part, Param) and not part.given for part in parts)
        texts = (part if isinstance(part, str) else part.form(values.get(part.name, "")) for part in parts)
        return Secret("" if lacks else "".join(texts), not lacks, parts)
