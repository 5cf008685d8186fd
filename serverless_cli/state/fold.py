"""The journal's lines, and what they add up to. Pure.

A line is a JSON object: `v` (the format), `n` (its number, so that a lost line is missed), `type`, what the type
needs, and last `sum`, the CRC-32 of all before it. This envelope is the same in every version of the format.

Line types: `start` and `end` of a run; `describe` (the stack as wished); `begin`, before a write on AWS; `fail`; and
`entry` (a resource as it is now known) or `gone`, after one.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field, replace
from typing import Any

from serverless_cli.codec import canonical, decode, encode
from serverless_cli.errors import SlxError
from serverless_cli.model import Action, Check, Entry, Record, Ref, Spec
from serverless_cli.records import dataclass

VERSION = 1
_SUM = re.compile(rb',"sum":"([0-9a-f]{8})"}\Z')
Line = Mapping[str, Any]


class DamageError(ValueError):
    """A line is not what slx wrote."""


@dataclass(frozen=True, slots=True)
class Known:
    """An entry without what needs a kind to be understood: the spec stays JSON."""

    ref: Ref
    name: str
    needs: frozenset[Ref] = frozenset()
    inside: Ref | None = None
    retain: bool = False
    expected: bool = False
    traces: tuple[str, ...] = ()
    spec: Any = field(default=None, metadata={"transient": True})
    outputs: Mapping[str, str] = field(default_factory=dict, metadata={"transient": True})


@dataclass(frozen=True, slots=True)
class Wished:
    """What a journal keeps of a stack's description; `of` is the key of the stack, empty in older journals."""

    outputs: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    checks: tuple[Check, ...] = ()
    blueprint: str = ""
    of: str = ""


@dataclass(slots=True)
class Folded:
    """The sum of the lines so far. `whole`: no resource of the stack is missing here. `ended`: nothing came after
    the last `end`, so no line is missing at the end. `damaged`: something is missing elsewhere."""

    entries: dict[Ref, Known] = field(default_factory=dict)
    wished: Wished = field(default_factory=Wished)
    whole: bool = False
    ended: bool = False
    damaged: bool = False
    former: dict[Ref, None] = field(default_factory=dict)
    """what there was once: an `up` that allows its deletion may be run again"""

    def add(self, line: Line) -> None:
        """Takes in one line. Raises DamageError and changes nothing when it makes no sense."""
        try:
            _TAKE[line["type"]](self, line)
        except (KeyError, TypeError, ValueError) as error:
            raise DamageError(str(error)) from error
        self.ended = line["type"] == "end"

    def lines(self) -> Iterator[Line]:
        """The same in as few lines as possible."""
        yield described(self.wished)
        if self.former:
            yield {"type": "gone", "refs": encode(tuple(self.former))}
        yield from map(entry, self.entries.values())
        yield {"type": "end", "whole": self.whole}


# Making lines


def dump(line: Line, number: int) -> bytes:
    """A line as it stands in the file, newline included."""
    text = canonical({**line, "v": VERSION, "n": number})[:-1].encode()
    return text + b',"sum":"%08x"}\n' % zlib.crc32(text)


def described(wished: Wished) -> Line:
    return {"type": "describe", "stack": encode(wished)}


def entry(known: Known) -> Line:
    """What is known of a resource now."""
    return {"type": "entry", "entry": encode(known), "spec": known.spec, "outputs": encode(known.outputs)}


def numbered(lines: Iterable[Line], first: int = 1) -> bytes:
    """Lines as they stand in a file."""
    return b"".join(dump(line, number) for number, line in enumerate(lines, first))


# Reading lines


@dataclass(frozen=True, slots=True)
class Parsed:
    """`torn`: the last line is cut off, as after a crash. `damaged`: something else is wrong; then the lines are
    those that can still be read."""

    lines: tuple[Line, ...]
    torn: bool
    damaged: bool


def parse(content: bytes) -> Parsed:
    """The lines of a journal. Raises SlxError when a newer slx wrote it."""
    *texts, rest = content.split(b"\n")
    lines, damaged = [], False
    for text in texts:
        line = _load(text)
        if line is None:
            damaged = True
        else:
            lines.append(line)
    last = _load(rest) if rest else None  # all of it but the newline may have reached the disk
    if last is not None:
        lines.append(last)
    numbers = [line["n"] for line in lines]
    damaged = damaged or numbers != list(range(1, len(lines) + 1)) or not b"{".startswith(rest[:1])
    return Parsed(tuple(lines), bool(rest), damaged)


def _load(text: bytes) -> Line | None:
    found = _SUM.search(text)
    if not found or zlib.crc32(text[: found.start()]) != int(found[1], 16):
        return None
    try:
        line = json.loads(text)
        version = int(line["v"])
        if version < 1 or not isinstance(line["n"], int):
            return None
    except (ValueError, TypeError, KeyError):
        return None
    if version > VERSION:
        raise newer("its format is a later one")
    return dict(line)


def newer(why: str) -> SlxError:
    return SlxError("the state was written by a newer slx", why, "update slx: `pip install -U serverless-cli`")


def fold(parsed: Parsed, of: str) -> Folded:
    """What the lines add up to; what damage took away is simply not there, and then `whole` is False.

    `of` is the key of the stack whose journal it should be: another one's, put in its place, says nothing of this one.
    """
    folded = Folded(damaged=parsed.damaged)
    for line in parsed.lines:
        try:
            folded.add(line)
        except DamageError:
            folded.damaged = True
    if folded.wished.of not in ("", of):
        return Folded(damaged=True)
    folded.whole = folded.whole and folded.ended and not folded.damaged
    return folded


def record(folded: Folded, kinds: Mapping[str, type[Spec]]) -> Record:
    """The entries with their specs. Raises SlxError when a kind is not known: a newer slx made it."""
    entries = {known.ref: _entry(known, kinds) for known in folded.entries.values()}
    wished = folded.wished
    return Record(
        entries,
        wished.outputs,
        wished.parameters,
        wished.checks,
        wished.blueprint,
        folded.whole,
        frozenset(folded.former),
    )


def _entry(known: Known, kinds: Mapping[str, type[Spec]]) -> Entry:
    ref = known.ref
    if ref.kind not in kinds:
        raise newer(f"this slx ({ref}) knows no resources of the kind {ref.kind}")
    spec: Spec | None = None
    if known.spec is not None:
        try:
            spec = decode(kinds[ref.kind], known.spec)
        except ValueError:
            spec = None  # another version's spec: the resource is ours all the same, only its last wish is unknown
    return Entry(
        ref, known.name, spec, known.outputs, known.needs, known.inside, known.retain, known.expected, known.traces
    )


# Taking lines in


def _start(folded: Folded, _line: Line) -> None:
    """A run after one that did not end may miss that one's last lines: a crash and a cut file look the same."""
    folded.whole = folded.whole and folded.ended


def _end(folded: Folded, line: Line) -> None:
    folded.whole = bool(line["whole"])


def _describe(folded: Folded, line: Line) -> None:
    folded.wished = decode(Wished, line["stack"])


def _begin(folded: Folded, line: Line) -> None:
    """Until its end is known, a resource is both what it was and what it is to be: nothing known of it is dropped."""
    begun = decode(Known, line["entry"])
    earlier = folded.entries.get(begun.ref)
    if earlier is None:
        folded.entries[begun.ref] = begun
    elif line["action"] != Action.DELETE:
        expected = begun.expected or earlier.expected
        traces = tuple(dict.fromkeys((*earlier.traces, *begun.traces)))
        folded.entries[begun.ref] = replace(
            begun, expected=expected, traces=traces, spec=earlier.spec, outputs=earlier.outputs
        )


def _take_entry(folded: Folded, line: Line) -> None:
    known = decode(Known, line["entry"])
    folded.entries[known.ref] = replace(known, spec=line["spec"], outputs=decode(dict[str, str], line["outputs"]))


def _gone(folded: Folded, line: Line) -> None:
    for ref in decode(tuple[Ref, ...], line["refs"]):
        folded.entries.pop(ref, None)
        folded.former[ref] = None


def _fail(_folded: Folded, _line: Line) -> None:
    """Told for those who look; what the step may have done was taken in when it began."""


_TAKE = {
    "start": _start,
    "end": _end,
    "describe": _describe,
    "begin": _begin,
    "entry": _take_entry,
    "gone": _gone,
    "fail": _fail,
}
