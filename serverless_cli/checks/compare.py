"""What is compared with what is expected: texts, JSON, pictures. Pure; each answer says where the two differ."""

from __future__ import annotations

import base64
import binascii
import gzip
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from serverless_cli.checks.image import Image


def short(text: str, most: int = 160) -> str:
    """A text on one line, cut where it is long."""
    text = " ".join(text.split())
    return text if len(text) <= most else f"{text[: most - 1]}…"


def differs(expected: Any, have: Any, path: str = "") -> str:
    """Where `have` lacks what is expected; objects may have more keys than expected, lists may not."""
    if isinstance(expected, Mapping) and isinstance(have, Mapping):
        for key, value in expected.items():
            where = f"{path}.{key}".lstrip(".")
            if key not in have:
                return f"{where} is missing in {_json(have)}"
            if wrong := differs(value, have[key], where):
                return wrong
        return ""
    if isinstance(expected, list) and isinstance(have, list) and len(expected) == len(have):
        pairs = enumerate(zip(expected, have, strict=True))
        return next((wrong for index, (a, b) in pairs if (wrong := differs(a, b, f"{path}[{index}]"))), "")
    # To Python, 1 is True.
    if expected != have or isinstance(expected, bool) != isinstance(have, bool):
        return f"{path or 'the answer'} is {_json(have)} instead of {_json(expected)}"
    return ""


def _json(value: Any) -> str:
    return short(json.dumps(value, default=str, ensure_ascii=False))


def unlike(text: str, expect: Mapping[str, Any], what: str) -> str:
    """What of `contains` and `json` a text does not meet; `what` says what the text is."""
    contains, wanted = expect.get("contains"), expect.get("json")
    if contains is not None and str(contains) not in text:
        return f"{str(contains)!r} is not in {what}: {short(text)}"
    if wanted is None:
        return ""
    try:
        have = json.loads(text)
    except ValueError:
        return f"{what} is no JSON: {short(text)}"
    return differs(json.loads(str(wanted)), have)


def layers(body: str) -> Iterator[str]:
    """A message's body as it is, and what SNS's envelope holds if it is in one."""
    yield body
    try:
        outer = json.loads(body)
    except ValueError:
        return
    if isinstance(outer, dict) and outer.get("Type") == "Notification" and isinstance(outer.get("Message"), str):
        yield outer["Message"]


def message_unlike(body: str, expect: Mapping[str, Any]) -> str:
    """What a message does not meet, inside or outside of its envelope."""
    wrong = [unlike(layer, expect, "the message") for layer in layers(body)]
    return "" if "" in wrong else wrong[-1]


def unpacked(content: bytes) -> str:
    """The text of an object as a reader means it: gzip is unpacked, and the records that Firehose could not deliver,
    which it keeps in base64 within JSON lines, follow in the clear."""
    if content.startswith(b"\x1f\x8b"):
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error):
            pass  # what only looks like gzip counts as it is
    text = content.decode("utf-8", "replace")
    return "\n".join((text, *_raw(text.splitlines())))


def _raw(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        if '"rawData"' not in line:
            continue
        try:
            yield base64.b64decode(json.loads(line)["rawData"]).decode("utf-8", "replace")
        except (ValueError, TypeError, KeyError, binascii.Error):
            continue


def picture_unlike(image: Image | None, expect: Mapping[str, Any]) -> str:
    """What of a picture is not as expected."""
    if image is None:
        return "it is no picture that slx knows (JPEG, PNG, GIF, WebP)"
    if expect.get("format") not in (None, image.format):
        return f"it is a {image.format.upper()} picture instead of {str(expect['format']).upper()}"
    for side, have in (("width", image.width), ("height", image.height)):
        wanted, most = expect.get(side), expect.get(f"max_{side}")
        if wanted is not None and have != wanted:
            return f"its {side} is {have} instead of {wanted}"
        if most is not None and have > most:
            return f"its {side} is {have}, more than {most}"
    return ""
