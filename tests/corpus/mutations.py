"""Blueprints with something wrong in them, made from good ones: lines, words and bytes that go, come or change places."""

from __future__ import annotations

import random
import re

ODD = (
    "", "null", "~", "[]", "{}", "-1", "0", "1e999", "9" * 40, "true", '"\\0"', "*x", "&x y", "!!python/object:os.system",
    "${", "${}", "${param.x}", "${slx.stage}", "$${x}", "{{ x }}", "../..", "/", "é", "\u202e", "x" * 300, "<<", "[[[[", "- -",
    "|", ">", "'", '"', "%", "@", "`", "#", ": ", "? ", "\t",
)  # fmt: skip


def mutated(good: bytes, chance: random.Random) -> bytes:
    """The file after one to three changes; the same `chance` makes the same ones."""
    made = good
    for _ in range(chance.randint(1, 3)):
        made = chance.choice((_line_gone, _line_twice, _lines_swapped, _word, _indent, _bytes, _cut))(made, chance)
    return made


def _lines(made: bytes, chance: random.Random) -> tuple[list[bytes], int]:
    lines = made.splitlines(keepends=True) or [b""]
    return lines, chance.randrange(len(lines))


def _line_gone(made: bytes, chance: random.Random) -> bytes:
    lines, at = _lines(made, chance)
    return b"".join(lines[:at] + lines[at + 1 :])


def _line_twice(made: bytes, chance: random.Random) -> bytes:
    lines, at = _lines(made, chance)
    return b"".join([*lines[: at + 1], lines[at], *lines[at + 1 :]])


def _lines_swapped(made: bytes, chance: random.Random) -> bytes:
    lines, at = _lines(made, chance)
    other = chance.randrange(len(lines))
    lines[at], lines[other] = lines[other], lines[at]
    return b"".join(lines)


def _word(made: bytes, chance: random.Random) -> bytes:
    words = list(re.finditer(rb"[\w./${}*-]+", made))
    if not words:
        return made
    word = chance.choice(words)
    return made[: word.start()] + chance.choice(ODD).encode() + made[word.end() :]


def _indent(made: bytes, chance: random.Random) -> bytes:
    lines, at = _lines(made, chance)
    lines[at] = chance.choice((b" ", b"  ", b"\t")) + lines[at] if chance.random() < 0.5 else lines[at].lstrip()
    return b"".join(lines)


def _bytes(made: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(made) + 1)
    return made[:at] + chance.randbytes(chance.randint(1, 4)) + made[at + chance.randint(0, 3) :]


def _cut(made: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(made) + 1)
    return made[:at] if chance.random() < 0.5 else made[at:]
