"""The format and size of a picture, from its first bytes; so that a check needs no library for pictures.

Formats as in ITU T.81 (JPEG), RFC 2083 (PNG), GIF89a, and RFC 9649 (WebP).
"""

from __future__ import annotations

from serverless_cli.records import dataclass

_PNG = b"\x89PNG\r\n\x1a\n"
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""JPEG's segments that begin a frame and tell its size"""
_BARE = frozenset({0x01, *range(0xD0, 0xD9)})
"""JPEG's markers without a length"""


@dataclass(frozen=True, slots=True)
class Image:
    """`format` is jpeg, png, gif or webp; sizes are pixels."""

    format: str
    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.format.upper()}, {self.width} x {self.height}"


def image(content: bytes) -> Image | None:
    """What a file is as a picture; None when it is none, or broken off before its size."""
    try:
        if content.startswith(b"\xff\xd8"):
            return _jpeg(content)
        if content.startswith(_PNG):
            return Image("png", int.from_bytes(content[16:20]), int.from_bytes(content[20:24]))
        if content.startswith((b"GIF87a", b"GIF89a")):
            return Image("gif", int.from_bytes(content[6:8], "little"), int.from_bytes(content[8:10], "little"))
        if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
            return _webp(content)
    except IndexError:
        pass
    return None


def _jpeg(content: bytes) -> Image | None:
    at = 2
    while content[at] == 0xFF:
        marker = content[at + 1]
        if marker == 0xFF:  # padding
            at += 1
        elif marker in _BARE:
            at += 2
        elif marker in _FRAMES:
            height, width = content[at + 5 : at + 7], content[at + 7 : at + 9]
            return Image("jpeg", int.from_bytes(width), int.from_bytes(height))
        else:
            at += 2 + int.from_bytes(content[at + 2 : at + 4])
    return None


def _webp(content: bytes) -> Image | None:
    kind = content[12:16]
    if kind == b"VP8 ":
        size = (int.from_bytes(content[at : at + 2], "little") & 0x3FFF for at in (26, 28))
    elif kind == b"VP8L":
        bits = int.from_bytes(content[21:25], "little")
        size = (part + 1 for part in (bits & 0x3FFF, bits >> 14 & 0x3FFF))
    elif kind == b"VP8X":
        size = (int.from_bytes(content[at : at + 3], "little") + 1 for at in (24, 27))
    else:
        return None
    width, height = size
    return Image("webp", width, height)
