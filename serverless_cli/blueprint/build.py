"""Builds nodes from YAML events, one at a time, within bounds of depth and size."""

from __future__ import annotations

from dataclasses import field
from typing import Any

from serverless_cli.blueprint.nodes import Broken, MappingNode, Node, Scalar, Sequence, Source, Value, called
from serverless_cli.blueprint.problems import Problems, shown
from serverless_cli.blueprint.scalars import STANDARD, resolve
from serverless_cli.records import dataclass

DEPTH = 50
_NODES = 100_000
_PAIR = 2


class Stop(Exception):  # noqa: N818 - a signal
    """Reading on makes no sense; why is among the problems."""


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end has not come yet; of a mapping, keys and values take turns in `nodes`."""

    event: Any
    nodes: list[Node] = field(default_factory=list)
    size: int = 1
    height: int = 0


class Builder:
    """Takes the events of a file; `root` is the tree when all were fed. Events are told apart by their names,
    so that this file needs no yaml."""

    def __init__(self, source: Source, problems: Problems) -> None:
        self.root: Node | None = None
        self._source = source
        self._problems = problems
        self._open: list[_Open] = []
        self._anchors: dict[str, Node | None] = {}
        self._documents = 0
        self._size = 0

    def feed(self, event: Any) -> None:
        match type(event).__name__:
            case "ScalarEvent":
                self._add(self._scalar(event), event.anchor)
            case "MappingStartEvent" | "SequenceStartEvent":
                self._begin(event)
            case "MappingEndEvent":
                opened = self._open.pop()
                self._add(self._tagged(self._mapping(opened), opened.event, "map"), opened.event.anchor)
            case "SequenceEndEvent":
                opened = self._open.pop()
                at = opened.event.start_mark
                node = Sequence(
                    self._source, at.line, at.column, tuple(opened.nodes), size=opened.size, height=opened.height
                )
                self._add(self._tagged(node, opened.event, "seq"), opened.event.anchor)
            case "AliasEvent":
                self._add(self._alias(event), None)
            case "DocumentStartEvent":
                self._document(event)

    def _document(self, event: Any) -> None:
        self._documents += 1
        if self._documents > 1:
            where = self._source.at(event.start_mark.line, event.start_mark.column)
            self._problems.add("a second YAML document", where, "a file is one document", "remove the `---`")
            raise Stop

    def _begin(self, event: Any) -> None:
        if event.anchor:
            self._anchors[event.anchor] = None
        self._open.append(_Open(event))
        self._bounded(len(self._open), event)

    def _bounded(self, depth: int, event: Any) -> None:
        where = self._source.at(event.start_mark.line, event.start_mark.column)
        if depth > DEPTH:
            self._problems.add("too deep", where, f"a blueprint has at most {DEPTH} levels")
            raise Stop
        if self._size > _NODES:
            why = f"a blueprint has at most {_NODES:,} values, those that aliases repeat included"
            self._problems.add("too many values", where, why)
            raise Stop

    def _add(self, node: Node, anchor: str | None) -> None:
        if anchor:
            self._anchors[anchor] = node
        if not self._open:
            self.root = node
            return
        parent = self._open[-1]
        parent.nodes.append(node)
        parent.size += node.size
        parent.height = max(parent.height, node.height + 1)

    def _alias(self, event: Any) -> Node:
        at = event.start_mark
        node = self._anchors.get(event.anchor)
        self._size += node.size if node else 1
        self._bounded(len(self._open) + (node.height if node else 0), event)
        if node is not None:
            return node
        where = self._source.at(at.line, at.column)
        if event.anchor in self._anchors:
            self._problems.add(f"the alias {shown('*' + event.anchor)} contains itself", where)
        else:
            hint = self._problems.near(event.anchor, self._anchors) or "put texts that begin with `*` in quotes"
            self._problems.add(
                f"unknown alias {shown('*' + event.anchor)}", where, "no anchor of that name is above", hint
            )
        return Broken(self._source, at.line, at.column)

    def _scalar(self, event: Any) -> Node:
        self._size += 1
        self._bounded(len(self._open), event)
        start, end, text = event.start_mark, event.end_mark, event.value
        value: Value = resolve(text) if event.implicit[0] and event.tag is None else text
        node = Scalar(self._source, start.line, start.column, value, text, start.index, end.index)
        if event.tag in (None, "!"):
            return node
        wanted = STANDARD.get(event.tag)
        if wanted is str:
            return node
        found = resolve(text)
        if wanted is not None and type(found) is wanted:
            return Scalar(self._source, start.line, start.column, found, text, start.index, end.index)
        return self._refused(event)

    def _tagged(self, node: Node, event: Any, form: str) -> Node:
        return node if event.tag in (None, "!", f"tag:yaml.org,2002:{form}") else self._refused(event)

    def _refused(self, event: Any) -> Node:
        at = event.start_mark
        tag = event.tag.replace("tag:yaml.org,2002:", "!!")
        hint = "write ${id.attribute} for a reference; YAML tags of CloudFormation are not known here"
        if tag.startswith("!!"):
            hint = "take it out: what a text, number or list is can be seen without"
        self._problems.add(f"the tag {shown(tag)}", self._source.at(at.line, at.column), "slx has no tags", hint)
        return Broken(self._source, at.line, at.column)

    def _mapping(self, opened: _Open) -> Node:
        items: dict[str, Node] = {}
        places: dict[str, tuple[int, int]] = {}
        merged: list[Node] = []
        at, good = opened.event.start_mark, True
        for key, node in zip(opened.nodes[::_PAIR], opened.nodes[1::_PAIR], strict=True):
            if isinstance(key, Scalar) and key.text == "<<" and self._source.text.startswith("<<", key.start):
                merged.append(node)
            elif isinstance(key, Scalar) and isinstance(key.value, str):
                self._key(key, places)
                items[key.value] = node
            elif not isinstance(key, Broken):
                self._odd_key(key)
                good = good and isinstance(key, Scalar)
        size = opened.size + sum(self._merge(node, items, places) for node in merged)
        parts = (part for node in merged for part in (node.items if isinstance(node, Sequence) else (node,)))
        if not good or not all(isinstance(part, MappingNode) for part in parts):
            return Broken(self._source, at.line, at.column, size=size, height=opened.height)
        return MappingNode(self._source, at.line, at.column, items, places, size=size, height=opened.height)

    def _key(self, key: Scalar, places: dict[str, tuple[int, int]]) -> None:
        if key.text in places:
            line = places[key.text][0] + 1
            why = f"it is on line {line} already"
            self._problems.add(f"the key {shown(key.text)} twice", key.where, why, "keep one of the two")
        else:
            places[key.text] = (key.line, key.column)

    def _odd_key(self, key: Node) -> None:
        if isinstance(key, Scalar):
            what = f"the key {shown(key.text)} is {called(key)}" if key.text else "a key is missing before the `:`"
            self._problems.add(what, key.where, "keys are text", f'write "{key.text}":' if key.text else "")
        else:
            hint = 'put texts with { } or [ ] in quotes: "{{NAME}}"'
            self._problems.add(f"{called(key)} as a key", key.where, "keys are text", hint)

    def _merge(self, node: Node, items: dict[str, Node], places: dict[str, tuple[int, int]]) -> int:
        """Takes over the keys of a `<<:` that are not there yet; returns what they add to the size."""
        added = 0
        for part in node.items if isinstance(node, Sequence) else (node,):
            if not isinstance(part, MappingNode):
                if not isinstance(part, Broken):
                    self._problems.add("`<<` wants a mapping", part.where, "it takes over the keys of an alias")
                continue
            for key, value in part.items.items():
                if key not in items:
                    items[key], places[key] = value, part.places[key]
                    added += value.size
        self._size += added
        return added
