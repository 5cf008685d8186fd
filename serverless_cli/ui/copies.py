"""What a backup before a teardown comes to, and what strays about an account without a record."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from rich.console import Group
from rich.text import Text

from serverless_cli.events import Copying
from serverless_cli.model import Step
from serverless_cli.ui.layout import Hang
from serverless_cli.ui.plans import label
from serverless_cli.ui.text import clean, counted, enumerated, plural, size


def copying(it: Copying) -> Hang:
    """`saved    bucket site (shop-dev-site): 3 objects, 12.4 kB`; while it goes on, how much by now."""
    amount = f"{counted(it.count, it.saved.what) if it.saved else f'{it.count} by now'}, {size(it.bytes)}"
    word = ("saved    ", "green") if it.saved else ("saving   ", "dim")
    return Hang("", Text.assemble(word, label(it.ref), f" ({clean(it.name)}): {amount}"))


def unsaved(steps: Iterable[Step]) -> Group:
    """What a backup leaves out, told before anybody agrees."""
    names = [str(step.ref) for step in steps]
    if not names:
        return Group()
    text = f"not in the backup: what {enumerated(names, 6)} may hold; to read it would change it"
    return Group(Hang(Text("note: ", "yellow"), Text(text)))


def saved(folder: Path, parts: int) -> Hang:
    """The end of a backup."""
    text = f"{plural(parts, 'resource')} saved and proven in {clean(str(folder))}"
    return Hang(Text("backup: ", "bold green"), Text(text))
