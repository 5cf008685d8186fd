"""What slx remembers can be lost, damaged, stale or somebody else's: all is found again, nothing is made twice."""

from __future__ import annotations

import dataclasses
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rig import Aws, Folder, failures

from serverless_cli.app import catalog, down
from serverless_cli.app.up import SPECS
from serverless_cli.errors import SlxError
from serverless_cli.model import Action, Ref, State
from serverless_cli.resources import KINDS
from serverless_cli.state import FileStore, Journal, StackKey
from serverless_cli.state.fold import numbered, parse

pytestmark = pytest.mark.strict

REGION = "eu-central-1"
EDITS = {
    "website": ("memory_mb: 128", "memory_mb: 256"),
    "banking": ("  inbox: {type: queue}", "  inbox: {type: queue}\n  later: {type: queue, name: a-name-of-its-own}"),
}
"""what was changed after the copy of the journal was made that is brought back"""


@dataclasses.dataclass
class Lived:
    """A stack that is up since its second `up`, and what its folder looked like then."""

    folder: Folder
    refs: frozenset[Ref]
    journal: Path
    content: bytes
    stale: bytes
    other: bytes = b""

    @property
    def name(self) -> str:
        return self.folder.path.name

    @property
    def kept(self) -> list[bytes]:
        """The copies of damaged journals."""
        return [path.read_bytes() for path in self.journal.parent.glob("journal.damaged-*")]

    @property
    def recalled(self) -> set[Ref]:
        """What the journal knows, if that is all."""
        record = Journal.recall(FileStore(self.folder.path / ".slx"), self.key, SPECS)
        return set(record.entries) if record.complete else set()

    @property
    def key(self) -> StackKey:
        return StackKey(*self.journal.parts[-4:-1])

    def put(self, content: bytes) -> None:
        """The state as it was, with this journal."""
        self.lose()
        self.journal.parent.mkdir(parents=True)
        self.journal.write_bytes(content)

    def lose(self) -> None:
        shutil.rmtree(self.folder.path / ".slx", ignore_errors=True)

    def empty_folder(self) -> Folder:
        """Another machine, on which there is nothing."""
        place = self.folder.path.parent / "elsewhere"
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        return dataclasses.replace(self.folder, path=place)


def live(aws: Aws, path: Path) -> Lived:
    folder = Folder(path, aws, REGION)
    catalog.copy(path.name, path)
    assert failures(folder.up()) == {}
    [journal] = path.glob(".slx/*/*/*/journal")
    stale = journal.read_bytes()
    folder.edit("blueprint.yaml", *EDITS[path.name])
    report = folder.up()
    assert failures(report) == {}
    return Lived(folder, frozenset(report.outcomes), journal, journal.read_bytes(), stale)


@pytest.fixture(scope="module")
def stacks(proxy: Aws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Lived]]:
    """Website and banking, up in one account until the end of this module."""
    root = tmp_path_factory.mktemp("lost")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(root / "cache"))
        patch.delenv("AWS_PROFILE", raising=False)
        for name, value in Folder(root, proxy, REGION).environment.items():
            patch.setenv(name, value)
        proxy.reset(latency_ms=0.0)
        website, banking = (live(proxy, root / name) for name in ("website", "banking"))
        website.other, banking.other = banking.content, website.content
        yield {"website": website, "banking": banking}


def flipped(content: bytes) -> bytes:
    at = len(content) // 2
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


def without(line: int) -> Callable[[Lived], bytes]:
    return lambda it: b"".join(text for number, text in enumerate(it.content.splitlines(True), 1) if number != line)


def cut(part: float) -> Callable[[Lived], bytes]:
    return lambda it: it.content[: int(len(it.content) * part)]


def after(line: int) -> Callable[[Lived], bytes]:
    return lambda it: b"".join(it.content.splitlines(True)[:line])


GARBAGE = random.Random(1).randbytes(5000)
DAMAGE: dict[str, Callable[[Lived], bytes]] = {
    "nothing but the folder": cut(0),
    "cut in the first line": lambda it: it.content[:40],
    "cut after the first line": after(1),
    "cut after the second line": after(2),
    "cut in the middle": cut(0.5),
    "cut near the end": cut(0.9),
    "cut before the last run's end": lambda it: b"".join(it.content.splitlines(True)[:-1]),
    "without its last newline": lambda it: it.content[:-1],
    "a line lost": without(5),
    "a bit flipped": lambda it: flipped(it.content),
    "NULs": lambda it: b"\0" * len(it.content),
    "NULs at the end": lambda it: it.content[:3000] + b"\0" * 500,
    "garbage": lambda _: GARBAGE,
    "garbage in the middle": lambda it: it.content[:2000] + GARBAGE + it.content[2000:],
    "an older copy": lambda it: it.stale,
    "another stack's": lambda it: it.other,
    "an older slx's": lambda it: unnamed(it.content),
}
WHOLE = {"nothing but the folder", "without its last newline", "NULs at the end", "an older copy", "an older slx's"}
"""what is no damage, or all that a crash may leave: nothing is to be kept beside"""
BEHIND = {"cut in the middle", "cut near the end", "NULs at the end", "an older copy"}
"""what knows, or may know (which step ended first decides), only what was applied before the last change: that one then
looks like a drift"""
FEW = ("a line lost", "an older copy", "another stack's")


def unnamed(content: bytes) -> bytes:
    """The journal as it was before it named its stack."""
    lines = [dict(line) for line in parse(content).lines]
    for line in lines:
        if line["type"] == "describe":
            line["stack"] = {key: value for key, value in line["stack"].items() if key != "of"}
    return numbered(lines)


CASES = [*(("website", what) for what in DAMAGE), *(("banking", what) for what in FEW)]


@pytest.mark.parametrize(("name", "what"), CASES)
def test_with_any_journal_all_is_found_nothing_is_done_and_the_record_heals(
    stacks: dict[str, Lived], name: str, what: str
):
    it, damaged = stacks[name], DAMAGE[what](stacks[name])
    mark = it.folder.aws.mark()

    it.put(damaged)
    told = it.folder.status(name)
    assert {one.ref for one in told.resources} == it.refs - unseen(what)
    assert {one.state for one in told.resources} <= {State.IN_SYNC, *([State.DRIFTED] if what in BEHIND else [])}
    assert removed(it.folder) == it.refs
    it.put(damaged)
    assert failures(it.folder.up()) == {}

    assert it.folder.aws.writes(mark) == []
    assert it.kept == ([] if what in WHOLE or it.content.startswith(damaged) else [damaged])
    assert it.recalled == it.refs


def unseen(what: str) -> set[Ref]:
    """What was made after the copy was: a complete record is believed by `status`, which only looks."""
    return {Ref("queue", "later")} if what == "an older copy" else set()


def removed(folder: Folder, stack: str | None = None) -> set[Ref]:
    """What `down` would remove, by steps of its own or with what it is in."""
    with down.begin(folder.settings, stack) as begun:
        steps = begun.plan.steps
        return set(steps) | {ref for step in steps.values() for ref in step.falls}


@pytest.mark.parametrize("name", EDITS)
def test_without_any_state_all_is_found_again(stacks: dict[str, Lived], name: str):
    it = stacks[name]
    it.lose()
    mark = it.folder.aws.mark()

    told = it.folder.status()
    assert ({one.ref for one in told.resources}, told.ok) == (it.refs, True)
    assert removed(it.folder) == it.refs
    it.lose()
    assert failures(it.folder.up()) == {}

    assert it.folder.aws.writes(mark) == []
    assert it.recalled == it.refs


@pytest.mark.parametrize("topic", ["  news: {type: topic}\n", "  news: {type: topic, name: a-topic-of-its-own}\n"])
@pytest.mark.parametrize("planned", [True, False])
def test_what_left_the_blueprint_after_the_state_was_lost_is_found_whatever_its_kind_and_name(
    stacks: dict[str, Lived], tmp_path: Path, topic: str, planned: bool
):
    folder = Folder(tmp_path, stacks["website"].folder.aws, REGION)
    (tmp_path / "blueprint.yaml").write_text("name: loose\nresources:\n  jobs: {type: queue}\n" + topic)
    assert failures(folder.up()) == {}
    shutil.rmtree(tmp_path / ".slx")
    folder.edit("blueprint.yaml", topic, "")

    if planned:
        assert {ref: step.action for ref, step in folder.plan().steps.items()} == {
            Ref("queue", "jobs"): Action.KEEP,
            Ref("topic", "news"): Action.DELETE,
        }
    report, sweep = folder.down()
    assert {str(ref) for ref in report.outcomes} == {"queue jobs", "topic news"}
    assert sweep.left == ()


@pytest.mark.parametrize("name", EDITS)
def test_a_machine_that_has_neither_state_nor_blueprint_finds_what_carries_marks(stacks: dict[str, Lived], name: str):
    it, elsewhere = stacks[name], stacks[name].empty_folder()
    marked = {ref for ref in it.refs if KINDS[ref.kind].marked}

    assert {one.ref for one in elsewhere.status(name).resources} >= marked
    assert removed(elsewhere, name) >= marked


@pytest.mark.parametrize("harm", ["a directory", "a newer version"])
def test_what_cannot_be_read_is_refused_with_a_word_and_left_alone(stacks: dict[str, Lived], harm: str):
    it = stacks["website"]
    it.put(it.content)
    if harm == "a directory":
        it.journal.unlink()
        it.journal.mkdir()
    else:
        it.put(newer(it.content))
    was = None if it.journal.is_dir() else it.journal.read_bytes()
    mark = it.folder.aws.mark()

    said = set()
    for command in (it.folder.plan, it.folder.status, it.folder.down, lambda: it.folder.status("website")):
        with pytest.raises(SlxError) as raised:
            command()
        said.add((raised.value.why, raised.value.hint))

    assert all(why and hint for why, hint in said)
    assert it.folder.aws.writes(mark) == []
    assert (None if it.journal.is_dir() else it.journal.read_bytes()) == was


def newer(content: bytes) -> bytes:
    """The journal with a last line of the next version, whose checksum is right."""
    import zlib

    lines = parse(content).lines
    text = b'{"n":%d,"type":"end","v":2,"whole":true' % (len(lines) + 1)
    return content + text + b',"sum":"%08x"}\n' % zlib.crc32(text)


def test_banking_is_taken_down_without_state_and_blueprint(stacks: dict[str, Lived]):
    it = stacks["banking"]
    it.lose()

    report, sweep = it.empty_folder().down("banking")

    assert failures(report) == {}
    assert sweep.left == ()
    left = [name for names in it.folder.aws.left(REGION).values() for name in names]
    assert [one for one in left if "banking" in one or "of-its-own" in one] == []


def test_the_website_is_taken_down_with_an_old_record(stacks: dict[str, Lived]):
    it = stacks["website"]
    it.put(it.stale)

    report, sweep = it.folder.down()

    assert failures(report) == {}
    assert sweep.left == ()
    assert it.folder.aws.left(REGION) == {}
    assert it.folder.aws.violations == []
