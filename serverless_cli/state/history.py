"""What a journal says to somebody who looks at it: the last run, its entries, its damaged copies, and the lock."""

from __future__ import annotations

from collections.abc import Sequence

from serverless_cli.codec import decode
from serverless_cli.model import Ref
from serverless_cli.records import dataclass
from serverless_cli.state.fold import Known, Line, fold, parse
from serverless_cli.state.lease import Holder
from serverless_cli.state.store import JOURNAL, StackKey, Store


@dataclass(frozen=True, slots=True)
class Failed:
    """A step that failed, as the run told it."""

    ref: Ref
    action: str
    error: str


@dataclass(frozen=True, slots=True)
class Run:
    """One run. `when` is its start, UTC in ISO form; `ended` is False when it was killed, or still goes on."""

    id: str
    who: str
    pid: int
    when: str
    command: str
    slx: str
    ended: bool
    failed: tuple[Failed, ...]


@dataclass(frozen=True, slots=True)
class History:
    """A stack's journal as it lies in its store. `whole`: no resource of the stack is missing in it. `healthy` is
    False when it is damaged, which the next `up` or `down` heals. `copies` are the damaged ones that were kept."""

    key: StackKey
    where: str
    size: int
    lines: int
    whole: bool
    healthy: bool
    blueprint: str
    entries: tuple[Known, ...]
    run: Run | None
    copies: tuple[str, ...]
    holder: Holder | None


def look(store: Store, key: StackKey) -> History:
    """Reads without a lock and changes nothing. Raises SlxError when a newer slx wrote it."""
    content = store.read(key, JOURNAL).content
    parsed = parse(content)
    folded = fold(parsed, str(key))
    return History(
        key,
        store.where,
        len(content),
        len(parsed.lines),
        folded.whole,
        not (folded.damaged or parsed.torn),
        folded.wished.blueprint,
        tuple(folded.entries.values()),
        _last_run(parsed.lines),
        tuple(name for name in store.names(key) if name != JOURNAL),
        store.holder(key),
    )


def _last_run(lines: Sequence[Line]) -> Run | None:
    """None where the journal begins after it: what was written anew as a sum of its lines tells of no runs."""
    start = max((number for number, line in enumerate(lines) if line["type"] == "start"), default=-1)
    if start < 0:
        return None
    about, after = lines[start], lines[start + 1 :]
    failed = (line for line in after if line["type"] == "fail")
    return Run(
        str(about.get("run", "")),
        str(about.get("who", "")),
        int(about.get("pid", 0)),
        str(about.get("when", "")),
        str(about.get("command", "")),
        str(about.get("slx", "")),
        any(line["type"] == "end" for line in after),
        tuple(Failed(decode(Ref, line["ref"]), str(line["action"]), str(line["error"])) for line in failed),
    )
