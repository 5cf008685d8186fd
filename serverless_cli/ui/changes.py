"""What differs, field by field: `memory_mb: 128 → 256`; mappings by key, files as a list of keys."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import field

from rich.text import Text

from serverless_cli.model import Change
from serverless_cli.records import dataclass
from serverless_cli.ui.text import line, plural
from serverless_cli.ui.values import is_group, shown

KEYS = 10
LINES = 20
_DIGESTS = frozenset({"etag", "sha256"})
_SIGNS = {"+": "green", "-": "red", "~": "yellow"}


@dataclass(slots=True)
class _Keys:
    """The keys of one mapping that came, went or changed inside."""

    name: str
    replaces: bool = False
    keys: dict[str, str] = field(default_factory=dict)

    def lines(self, most: int) -> list[Text]:
        head = Text(f"{self.name}:")
        if self.replaces:
            head.append(" (forces replacement)", "red")
        found = [Text.assemble("  ", (sign, _SIGNS[sign]), f" {line(key)}") for key, sign in self.keys.items()]
        more = [Text(f"  and {len(found) - most} more")] if len(found) > most else []
        return [head, *found[:most], *more]


def change_lines(changes: Iterable[Change], *, drift: bool = False, everything: bool = False) -> tuple[Text, ...]:
    """One line or more per change. For drift the wish is what was and reality what somebody made of it."""
    blocks = _blocks(tuple(changes), drift=drift)
    most = sys.maxsize if everything else KEYS
    found = [one for block in blocks for one in (block.lines(most) if isinstance(block, _Keys) else block)]
    if len(found) > LINES and not everything:
        return (*found[:LINES], Text(f"and {plural(len(found) - LINES, 'more line')}"))
    return tuple(found)


def _blocks(changes: tuple[Change, ...], *, drift: bool) -> list[_Keys | tuple[Text, ...]]:
    """The changes in their order; those that belong into the list of a mapping are in one block where its first was."""
    digests = {change.path[:-1] for change in changes if change.path[-1] in _DIGESTS}
    keys: dict[str, _Keys] = {}
    blocks: list[_Keys | tuple[Text, ...]] = []
    for change in changes:
        entry = _listed(change, digests)
        if entry is not None:
            key, sign = entry
            if change.field not in keys:
                blocks.append(keys.setdefault(change.field, _Keys(change.field)))
            keys[change.field].keys.setdefault(key, _turned(sign) if drift else sign)
            keys[change.field].replaces |= change.replaces
        else:
            blocks.append(_content(change) if change.path[:-1] in digests else _direct(change, drift=drift))
    return blocks


def _listed(change: Change, digests: set[tuple[str, ...]]) -> tuple[str, str] | None:
    """The key and sign under which a change goes into the list of its mapping; None when it stands for itself."""
    home = change.path[:-1]
    if home in digests and len(home) > 1:
        return ".".join(home[1:]), "~"
    if len(change.path) > 1 and (is_group(change.before) or is_group(change.after)):
        sign = "+" if change.before is None else "-" if change.after is None else "~"
        return ".".join(change.path[1:]), sign
    return None


def _turned(sign: str) -> str:
    return {"+": "-", "-": "+"}.get(sign, sign)


def _content(change: Change) -> tuple[Text, ...]:
    """The digest of something says only that its content differs."""
    if change.path[-1] not in _DIGESTS:
        return ()
    return (Text.assemble(f"{'.'.join(change.path[:-1])}: new content", _mark(change)),)


def _direct(change: Change, *, drift: bool) -> tuple[Text, ...]:
    before, after = (change.after, change.before) if drift else (change.before, change.after)
    name = line(".".join(change.path))
    if _long(before, after):
        assert isinstance(before, tuple)
        assert isinstance(after, tuple)
        return Text.assemble(f"{name}:", _mark(change, drift=drift)), *_items(before, after)
    arrow = Text.assemble(f"{name}: ", (shown(before), "dim"), " → ", shown(after))
    return (arrow.append_text(Text.assemble(_mark(change, drift=drift))),)


def _mark(change: Change, *, drift: bool = False) -> tuple[str, str]:
    if drift:
        return " (by hand)", "dim"
    return (" (forces replacement)", "red") if change.replaces else ("", "")


def _long(before: object, after: object) -> bool:
    """Whether two lists are better shown by what came and what went."""
    if not (isinstance(before, tuple) and isinstance(after, tuple)):
        return False
    return len(before) + len(after) > 4 or any(map(is_group, before + after))


def _items(before: tuple[object, ...], after: tuple[object, ...]) -> list[Text]:
    gone = [("-", item) for item in before if item not in after]
    come = [("+", item) for item in after if item not in before]
    both = [Text.assemble("  ", (sign, _SIGNS[sign]), f" {shown(item, 100)}") for sign, item in gone + come]
    return (both or [Text("  in another order")])[:KEYS] + (
        [Text(f"  and {len(both) - KEYS} more")] if len(both) > KEYS else []
    )
