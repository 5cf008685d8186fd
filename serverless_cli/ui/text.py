"""Small pieces of text: safe for a terminal, short, with units. Pure."""

from __future__ import annotations

from collections.abc import Iterable

DASH = "\N{EN DASH}"
_BESIDE = 12
"""characters before a difference that are shown at least"""


def clean(text: str) -> str:
    """Text that cannot steer a terminal: control characters become escapes; line breaks stay."""
    if text.isprintable():
        return str.__str__(text)
    return "".join(char if char == "\n" or char.isprintable() else _escape(char) for char in text.expandtabs(4))


def _escape(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")


def line(text: str) -> str:
    """Clean text on one line."""
    return " ".join(clean(text).split())


def shorten(text: str, limit: int) -> str:
    """Text of at most `limit` characters; what is too much goes from the middle, as both ends tell things apart."""
    if len(text) <= limit:
        return text
    tail = (limit - 1) // 3
    return f"{text[: limit - 1 - tail]}…{text[len(text) - tail :]}"


def apart(one: str, other: str, limit: int) -> tuple[str, str]:
    """Two texts of at most `limit` characters each, cut so that where they begin to differ is seen in both."""
    if max(len(one), len(other)) <= limit or one == other:
        return shorten(one, limit), shorten(other, limit)
    start = _alike(one, other)
    end = _alike(one[start:][::-1], other[start:][::-1])
    return _around(one, start, len(one) - end, limit), _around(other, start, len(other) - end, limit)


def _alike(one: str, other: str) -> int:
    """How many characters both begin with."""
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _around(text: str, start: int, end: int, limit: int) -> str:
    """What lies between two places, with as much of what is beside it as there is room for."""
    if len(text) <= limit:
        return text
    beside = max(_BESIDE, (limit - 2 - (end - start)) // 2)
    first, last = max(0, start - beside), min(len(text), end + beside)
    before, after = "…" if first else "", "…" if last < len(text) else ""
    return before + shorten(text[first:last], limit - 2) + after


def plural(count: int, noun: str) -> str:
    """`1 bucket`, `2 buckets`, `3 policies`."""
    if count == 1:
        return f"1 {noun}"
    return f"{count} {many(noun)}"


def many(noun: str) -> str:
    """The plural of a regular noun."""
    if noun.endswith(("s", "x", "ch", "sh")):
        return f"{noun}es"
    if noun.endswith("y") and not noun.endswith(("ay", "ey", "oy")):
        return f"{noun[:-1]}ies"
    return f"{noun}s"


def counted(count: int, nouns: str) -> str:
    """As `plural`, for a noun that is given in the plural (`objects`)."""
    return f"{count} {nouns.removesuffix('s') if count == 1 else nouns}"


def size(count: int) -> str:
    """Bytes in decimal units: `812 B`, `12.4 kB`."""
    if count < 1000:
        return f"{count} B"
    amount = float(count)
    for unit in ("kB", "MB", "GB", "TB"):
        amount /= 1000
        if amount < 999.95:
            return f"{amount:.1f} {unit}"
    return f"{amount / 1000:.1f} PB"


def duration(seconds: float) -> str:
    """`0.4s`, `12.3s`, `2m05s`, `3h10m`."""
    if seconds < 59.95:
        return f"{max(seconds, 0.0):.1f}s"
    whole = round(seconds)
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes}m{rest:02d}s"
    return f"{minutes // 60}h{minutes % 60:02d}m"


def enumerated(items: Iterable[str], limit: int) -> str:
    """`a, b, c and 4 more`."""
    all_of_them = list(items)
    more = len(all_of_them) - limit
    return ", ".join(all_of_them[:limit]) + (f" and {more} more" if more > 0 else "")
