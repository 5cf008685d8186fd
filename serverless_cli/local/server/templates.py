"""Input templates of pipes: JSON or text with `<$.path>` and `<aws.pipes...>` in it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

_PIECE = re.compile(r'"(?:\\.|[^"\\])*"|<[^<>"]+>')
_PLACE = re.compile(r"<((?:\$|aws\.)[^<>]*)>")
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+|\*)\]")


def render(template: str, event: Mapping[str, Any], words: Mapping[str, Any]) -> str:
    """The template with its places filled: outside quotes a value keeps its type, inside it becomes text."""

    def value(name: str) -> Any:
        return at(name, event) if name.startswith("$") else words.get(name, "")

    def inside(found: re.Match[str]) -> str:
        return json.dumps(_text(value(found[1])), ensure_ascii=False)[1:-1]

    def outside(found: re.Match[str]) -> str:
        piece = found[0]
        if piece.startswith('"'):
            return _PLACE.sub(inside, piece)
        place = _PLACE.fullmatch(piece)
        return json.dumps(value(place[1]), ensure_ascii=False) if place else piece

    return _PIECE.sub(outside, template)


def at(path: str, tree: Any) -> Any:
    """What a path such as `$.a.b[0]` leads to; an empty text when it leads nowhere."""
    for name, index in _STEP.findall(path):
        if index == "*" or name == "*":
            tree = list(tree.values()) if isinstance(tree, Mapping) else tree
        elif index:
            tree = tree[int(index)] if isinstance(tree, list) and int(index) < len(tree) else None
        elif isinstance(tree, list):
            tree = [item.get(name) for item in tree if isinstance(item, Mapping)]
        else:
            tree = tree.get(name) if isinstance(tree, Mapping) else None
    return "" if tree is None else tree


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), ensure_ascii=False)
