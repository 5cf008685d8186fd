"""What differs, field by field: `memory_mb: 128 → 256`; mappings by key, files as a list of keys."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import field, fields, is_dataclass

from rich.text import Text

from serverless_cli import diff
from serverless_cli.model import Change, Late, Spec
from serverless_cli.records import dataclass
from serverless_cli.ui.text import apart, line, plural, shorten
from serverless_cli.ui.values import LIMIT, is_group, members, shown, whole

KEYS = 10
LINES = 20
_STAYS = 100
"""characters of what stays as it is in something whose change is shown"""
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
    blocks = _blocks(tuple(changes), drift=drift, everything=everything)
    most = sys.maxsize if everything else KEYS
    found = [one for block in blocks for one in (block.lines(most) if isinstance(block, _Keys) else block)]
    if len(found) > LINES and not everything:
        return (*found[:LINES], Text(f"and {plural(len(found) - LINES, 'more line')}"))
    return tuple(found)


def _blocks(changes: tuple[Change, ...], *, drift: bool, everything: bool) -> list[_Keys | tuple[Text, ...]]:
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
        elif change.path[:-1] in digests:
            blocks.append(_content(change))
        else:
            blocks.append(_direct(change, drift=drift, everything=everything))
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


def _direct(change: Change, *, drift: bool, everything: bool) -> tuple[Text, ...]:
    before, after = (change.after, change.before) if drift else (change.before, change.after)
    name = line(".".join(change.path))
    if isinstance(before, tuple) and isinstance(after, tuple) and _long(before, after):
        return Text.assemble(f"{name}:", _mark(change, drift=drift)), *_items(before, after, everything=everything)
    was, now = _apart(before, after, sys.maxsize if everything else LIMIT)
    arrow = Text.assemble(f"{name}: ", (was, "dim"), " → ", now)
    return (arrow.append_text(Text.assemble(_mark(change, drift=drift))),)


def _apart(before: object, after: object, limit: int) -> tuple[str, str]:
    if isinstance(before, Late) or isinstance(after, Late):  # it is said of it what it will be known after
        return shown(before, limit), shown(after, limit)
    return apart(whole(before), whole(after), limit)


def _mark(change: Change, *, drift: bool = False) -> tuple[str, str]:
    if drift:
        return " (by hand)", "dim"
    return (" (forces replacement)", "red") if change.replaces else ("", "")


# Lists


def _long(before: tuple[object, ...], after: tuple[object, ...]) -> bool:
    """Whether two lists are better shown by what came and what went."""
    every = before + after
    return len(every) > 4 or any(map(is_group, every)) or max(len(whole(before)), len(whole(after))) > LIMIT


def _items(before: tuple[object, ...], after: tuple[object, ...], *, everything: bool) -> list[Text]:
    """What went, came, or changed inside; each whole, as it is itself what differs."""
    gone, come = [one for one in before if one not in after], [one for one in after if one not in before]
    blocks: list[list[Text]] = []
    for item in gone:
        kin = max(come, key=lambda one: len(_traits(item) & _traits(one)), default=None)
        if kin is not None and _traits(item) & _traits(kin):
            come.remove(kin)
            blocks.append(_inside(item, kin, everything=everything))
        else:
            blocks.append([_item("-", item)])
    blocks += [[_item("+", item)] for item in come]
    most = sys.maxsize if everything else KEYS
    lines = [one for block in blocks[:most] for one in block] or [Text("  in another order")]
    return lines + ([Text(f"  and {len(blocks) - most} more")] if len(blocks) > most else [])


def _item(sign: str, item: object) -> Text:
    return Text.assemble("  ", (sign, _SIGNS[sign]), f" {whole(item)}")


def _traits(item: object) -> frozenset[str]:
    """What tells groups of a list apart, and the same one before and after a change: all that is said outright."""
    return frozenset(
        f"{type(item).__name__}.{name}: {whole(one)}"
        for name, value in _said(item)
        for one in (value if isinstance(value, tuple) else (value,))
    )


def _said(item: object) -> list[tuple[str, object]]:
    """The members of a group that are not as they are where nothing is said."""
    return [(name, value) for name, value in members(item) if value and value != _defaults(item).get(name)]


def _defaults(item: object) -> dict[str, object]:
    return {one.name: one.default for one in fields(item)} if is_dataclass(item) else {}


def _inside(before: object, after: object, *, everything: bool) -> list[Text]:
    """One group of a list: by what stays as it is, then field by field what does not."""
    assert isinstance(before, Spec)
    assert isinstance(after, Spec)
    now = dict(members(after))
    stays = ", ".join(f"{name}: {whole(value)}" for name, value in _said(before) if value == now[name])
    head = Text.assemble("  ", ("~", _SIGNS["~"]), f" {shorten(stays, _STAYS)}")
    changes = change_lines(diff.changes(after, before, frozenset()), everything=everything)
    return [head, *(Text.assemble("      ", one) for one in changes)]
