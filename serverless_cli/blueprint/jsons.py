"""YAML values as canonical JSON text, with the gaps that AWS fills kept open."""

from __future__ import annotations

import json
from collections.abc import Iterator

from serverless_cli.model import Handout, Late
from serverless_cli.secret import Secret

Tree = str | int | float | bool | None | list["Tree"] | dict[str, "Tree"]


def canonical(tree: Tree) -> str:
    """JSON with sorted keys and no spaces: a Late where Late texts are in it, a Secret where secrets are; it must not
    have both."""
    parts: list[str | Handout] = []
    _write(tree, parts)
    if any(isinstance(part, Handout) for part in parts):
        return Late(_joined(parts))
    texts = [part for part in parts if isinstance(part, str)]
    return Secret.joined(texts) if any(isinstance(text, Secret) for text in texts) else "".join(texts)


def mixed(tree: Tree) -> bool:
    """Whether it has both secrets and what AWS hands out."""
    kinds = {type(leaf) for leaf in _leaves(tree)}
    return {Secret, Late} <= kinds


def _leaves(tree: Tree) -> Iterator[Tree]:
    if isinstance(tree, dict | list):
        for inner in tree.values() if isinstance(tree, dict) else tree:
            yield from _leaves(inner)
    else:
        yield tree


def _write(tree: Tree, parts: list[str | Handout]) -> None:
    if isinstance(tree, dict):
        for index, key in enumerate(sorted(tree)):
            parts.append(("," if index else "{") + json.dumps(key) + ":")
            _write(tree[key], parts)
        parts.append("}" if tree else "{}")
    elif isinstance(tree, list):
        for index, item in enumerate(tree):
            parts.append("," if index else "[")
            _write(item, parts)
        parts.append("]" if tree else "[]")
    elif isinstance(tree, Late):
        inner = (part if isinstance(part, Handout) else json.dumps(part)[1:-1] for part in tree.parts)
        parts.extend(('"', *inner, '"'))
    else:
        parts.append(tree.quoted if isinstance(tree, Secret) else json.dumps(tree))


def _joined(parts: list[str | Handout]) -> tuple[str | Handout, ...]:
    """The same with neighbouring texts made one."""
    joined: list[str | Handout] = []
    texts: list[str] = []
    for part in parts:
        if isinstance(part, Handout):
            joined.extend(("".join(texts), part))
            texts = []
        else:
            texts.append(part)
    return tuple(part for part in (*joined, "".join(texts)) if part)
