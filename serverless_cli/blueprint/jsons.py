"""YAML values as canonical JSON text, with the gaps that AWS fills kept open."""

from __future__ import annotations

import json

from serverless_cli.model import Handout, Late, Secret

Tree = str | int | float | bool | None | list["Tree"] | dict[str, "Tree"]


def canonical(tree: Tree) -> str:
    """JSON with sorted keys and no spaces: a Late where Late texts are in it, a Secret where secrets are."""
    parts: list[str | Handout] = []
    secrets: list[Secret] = []
    _write(tree, parts, secrets)
    if any(isinstance(part, Handout) for part in parts):
        return Late(_joined(parts))
    text = "".join(map(str, parts))
    return Secret(text, all(secret.known for secret in secrets)) if secrets else text


def _write(tree: Tree, parts: list[str | Handout], secrets: list[Secret]) -> None:
    if isinstance(tree, dict):
        for index, key in enumerate(sorted(tree)):
            parts.append(("," if index else "{") + json.dumps(key) + ":")
            _write(tree[key], parts, secrets)
        parts.append("}" if tree else "{}")
    elif isinstance(tree, list):
        for index, item in enumerate(tree):
            parts.append("," if index else "[")
            _write(item, parts, secrets)
        parts.append("]" if tree else "[]")
    elif isinstance(tree, Late):
        inner = (part if isinstance(part, Handout) else json.dumps(part)[1:-1] for part in tree.parts)
        parts.extend(('"', *inner, '"'))
    else:
        if isinstance(tree, Secret):
            secrets.append(tree)
        parts.append(json.dumps(tree))


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
