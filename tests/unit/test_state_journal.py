import subprocess
import sys
import textwrap
import threading
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serverless_cli.errors import Location, SlxError
from serverless_cli.model import Action, Check, Entry, Handout, Late, Place, Record, Ref, Resource, Spec, Stack, Step
from serverless_cli.secret import Secret
from serverless_cli.state import FileStore, Holder, Journal, StackKey
from serverless_cli.state import journal as journal_module
from serverless_cli.state.fold import dump, parse
from serverless_cli.state.store import JOURNAL, NONE_YET, ConflictError, Document

KEY = StackKey("local", "website", "dev")
ROLE, TABLE = Ref("role", "hello"), Ref("table", "items")


@dataclass(frozen=True, slots=True)
class Role(Spec):
    text: str = ""
    environment: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Table(Spec):
    key: str


KINDS = {"role": Role, "table": Table}
CREATE = Step(Action.CREATE, ROLE, "w-dev-hello", Role("a"), needs=frozenset({TABLE}), inside=TABLE, absent=True)
UPDATE = Step(Action.UPDATE, ROLE, "w-dev-hello", Role("b"))
REPLACE = Step(Action.REPLACE, ROLE, "w-dev-hello", Role("c"))
DELETE = Step(Action.DELETE, ROLE, "w-dev-hello")


class MemoryStore:
    """As S3 would: whole documents, conditional on a version, no append of its own."""

    def __init__(self, content=b""):
        self.documents = {JOURNAL: Document(content, "0")} if content else {}
        self.appends = []
        self.count = 0

    def read(self, key, name):
        return self.documents.get(name, NONE_YET)

    def write(self, key, name, known, content):
        if self.read(key, name).version != known.version:
            raise ConflictError(name)
        self.count += 1
        self.documents[name] = Document(content, str(self.count))
        return self.documents[name]

    def append(self, key, name, known, tail, *, durable=True):
        self.appends.append((tail, durable))
        return self.write(key, name, known, known.content + tail)

    def delete(self, key, name, known):
        self.documents.pop(name, None)

    @property
    def content(self):
        return self.read(KEY, JOURNAL).content

    @property
    def damaged(self):
        return sorted(name for name in self.documents if name.startswith("journal.damaged-"))


@pytest.fixture
def store(tmp_path):
    return FileStore(tmp_path / ".slx")


def opened(store):
    return Journal.open(store, KEY, KINDS, clock=lambda: 0.0)


def recalled(store):
    return Journal.recall(store, KEY, KINDS)


def a_full_run(store):
    """A run with something of everything, and what it leaves."""
    with opened(store) as journal:
        journal.start(Holder("me", "here", 1, "up", "1970-01-01T00:00:00Z", "run"))
        journal.describe(STACK)
        for number in range(4):
            step = replace(CREATE, ref=Ref("role", f"r{number}"), name=f"n{number}")
            journal.begin(step)
            journal.finish(step, Role(f"text {number}"), {"id": str(number)})
        journal.begin(replace(UPDATE, ref=Ref("role", "r1")))
        journal.fail(replace(UPDATE, ref=Ref("role", "r1")), "Lambda says no")
        journal.gone(Ref("role", "r2"))
        journal.searched()
        return journal.record


PLACE = Place("website", "dev", "eu-west-1", "123456789012")
LATE = Late(("https://", Handout(Ref("http-api", "api"), "id")))
STACK = Stack(
    PLACE,
    {ROLE: Resource(ROLE, "n", Role(environment={"TOKEN": Secret("hunter2-env")}))},
    outputs={"url": LATE, "token": Secret("hunter2-out")},
    checks=(
        Check(
            "get", {"url": LATE, "headers": [Secret("hunter2-check")]}, {"status": 200}, 5.0, Location("b", 3, 1, "x")
        ),
    ),
    parameters={"greeting": "Hello", "token": Secret("hunter2-param")},
    file="blueprint.yaml",
)


# What the lines add up to


def test_before_any_run_nothing_is_known_and_nothing_is_written(store):
    with opened(store) as journal:
        assert journal.record == Record()

    assert recalled(store) == Record()
    assert not store.root.exists()


def test_what_was_begun_is_expected_although_it_never_ended(store):
    opened(store).begin(CREATE)

    entry = recalled(store).entries[ROLE]

    assert entry == Entry(ROLE, "w-dev-hello", None, {}, frozenset({TABLE}), TABLE, expected=True)


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        pytest.param([("begin", CREATE)], True, id="begun after a read that found nothing"),
        pytest.param([("begin", replace(CREATE, absent=False))], False, id="begun where something may be"),
        pytest.param([("begin", CREATE), ("fail", CREATE)], True, id="failed"),
        pytest.param(
            [("begin", replace(CREATE, absent=False)), ("fail", CREATE)], False, id="failed where something may be"
        ),
        pytest.param([("begin", CREATE), ("finish", CREATE)], False, id="made by us, with its mark"),
        pytest.param(
            [("begin", CREATE), ("finish", CREATE), ("begin", UPDATE), ("finish", UPDATE)], False, id="and changed"
        ),
        pytest.param([("begin", CREATE), ("finish", CREATE), ("begin", REPLACE)], True, id="and being replaced"),
        pytest.param([("begin", CREATE), ("begin", replace(CREATE, absent=False))], True, id="begun again"),
        pytest.param([("begin", UPDATE), ("finish", UPDATE)], False, id="found with our mark"),
        pytest.param([("begin", REPLACE)], True, id="a replacement takes the place of what was ours"),
        pytest.param([("finish", replace(UPDATE, action=Action.KEEP, absent=True))], True, id="amended"),
    ],
)
def test_what_has_no_mark_is_ours_when_we_made_it(store, steps, expected):
    journal = opened(store)

    for verb, step in steps:
        arguments = {"begin": (), "fail": ("no",), "finish": (step.spec, {})}[verb]
        getattr(journal, verb)(step, *arguments)

    assert journal.record.entries[ROLE].expected is expected
    assert recalled(store).entries == journal.record.entries


@pytest.mark.parametrize(
    "step", [UPDATE, REPLACE, replace(CREATE, needs=frozenset()), DELETE], ids=lambda step: step.action
)
@pytest.mark.parametrize("failed", [False, True], ids=["interrupted", "failed"])
def test_what_was_known_stays_known_until_a_step_has_ended_well(store, step, failed):
    journal = opened(store)
    journal.begin(CREATE)
    journal.finish(CREATE, Role("applied"), {"id": "7"})

    journal.begin(step)
    if failed:
        journal.fail(step, "no")

    entry = recalled(store).entries[ROLE]
    assert (entry.spec, entry.outputs) == (Role("applied"), {"id": "7"})
    assert entry.expected is step.absent or step.action is Action.REPLACE


def test_what_a_step_may_have_put_is_remembered_until_one_has_ended_well(store):
    journal = opened(store)
    journal.begin(CREATE)
    journal.finish(CREATE, Role("applied"), {"id": "7"})

    journal.begin(replace(UPDATE, traces=("a", "b")))
    journal.fail(UPDATE, "no")
    journal.begin(replace(UPDATE, traces=("b", "c")))
    assert recalled(store).entries[ROLE].traces == ("a", "b", "c")

    journal.finish(UPDATE, Role("changed"), {"id": "7"})
    assert recalled(store).entries[ROLE].traces == ()


def test_a_deletion_that_was_begun_keeps_the_edges_for_the_next_one(store):
    journal = opened(store)
    journal.begin(CREATE)

    journal.begin(DELETE)

    assert recalled(store).entries[ROLE].needs == frozenset({TABLE})
    assert recalled(store).entries[ROLE].inside == TABLE


def test_a_finished_step_is_what_is_known(store):
    journal = opened(store)
    journal.begin(CREATE)

    journal.finish(replace(CREATE, retain=True, name="other"), Role("x", {"A": "1"}), {"arn": "arn:1"})

    assert recalled(store).entries[ROLE] == Entry(
        ROLE, "other", Role("x", {"A": "1"}), {"arn": "arn:1"}, frozenset({TABLE}), TABLE, retain=True
    )


def test_finishing_without_a_spec_keeps_the_one_that_was_applied(store):
    journal = opened(store)
    journal.finish(CREATE, Role("applied"), {"id": "7"})

    journal.finish(replace(CREATE, action=Action.KEEP), None, {"id": "8"})

    entry = recalled(store).entries[ROLE]
    assert (entry.spec, entry.outputs) == (Role("applied"), {"id": "8"})


@pytest.mark.parametrize(
    "forget",
    [
        pytest.param(lambda journal: journal.finish(DELETE, None, {}), id="a deletion that ended"),
        pytest.param(lambda journal: journal.gone(ROLE), id="gone"),
        pytest.param(
            lambda journal: journal.finish(Step(Action.DELETE, Ref("role", "unknown"), "", falls=(ROLE,)), None, {}),
            id="fallen with another",
        ),
    ],
)
def test_what_is_gone_is_forgotten(store, forget):
    journal = opened(store)
    journal.begin(CREATE)
    journal.finish(CREATE, Role(), {})

    forget(journal)

    assert recalled(store).entries == {}


def test_the_description_is_kept_without_secrets(store):
    with opened(store) as journal:
        journal.describe(STACK)

    record = recalled(store)

    assert record.outputs["url"].parts == LATE.parts
    assert not record.outputs["token"].known
    assert record.parameters == {"greeting": "Hello"}
    assert record.blueprint == "blueprint.yaml"
    (check,) = record.checks
    assert check.arguments["url"].parts == LATE.parts
    assert not check.arguments["headers"][0].known
    assert (check.expect, check.deadline_s, check.where) == ({"status": 200}, 5.0, Location("b", 3, 1))


def test_no_secret_ever_reaches_a_file(store):
    spec = Role(Secret("hunter2-text"), {"A": Secret("hunter2-environment"), "B": Secret('hunter2"\\quoted')})
    echo = "String measured: {'A': 'hunter2-environment', 'B': 'hunter2\"\\quoted'} hunter2-param {\"B\": \"hunter2\\\"\\\\quoted\"}"
    with opened(store) as journal:
        journal.describe(STACK)
        journal.begin(replace(CREATE, spec=spec))
        journal.fail(CREATE, echo)
        journal.finish(CREATE, spec, {})

    everything = b"".join(path.read_bytes() for path in store.root.rglob("*") if path.is_file())

    assert b"String measured" in everything
    assert b"hunter2" not in everything
    assert not recalled(store).entries[ROLE].spec.text.known


def test_the_stack_that_is_gone_leaves_no_journal(store):
    with opened(store) as journal:
        journal.begin(CREATE)
        journal.finish(DELETE, None, {})

        journal.forget()

    assert store.stacks() == []
    assert recalled(store) == Record()


# Completeness


def test_only_a_search_makes_a_new_record_complete(store):
    with opened(store) as journal:
        journal.begin(CREATE)
        assert not journal.record.complete
    assert not recalled(store).complete

    with opened(store) as journal:
        journal.searched()
        journal.start(Holder.me("up"))
        assert journal.record.complete
    assert recalled(store).complete


def test_a_run_that_was_killed_makes_the_record_incomplete_until_the_next_search(store):
    a_full_run(store)
    assert recalled(store).complete

    opened(store).begin(CREATE)
    assert not recalled(store).complete

    with opened(store) as journal:
        journal.begin(UPDATE)
    assert not recalled(store).complete

    with opened(store) as journal:
        journal.searched()
    assert recalled(store).complete


def test_a_run_that_ends_in_an_error_ends_in_order(store):
    a_full_run(store)

    def fail(journal):
        journal.begin(CREATE)
        raise RuntimeError

    with pytest.raises(RuntimeError), opened(store) as journal:
        fail(journal)

    assert recalled(store).complete


def test_all_that_a_killed_process_was_told_is_written_is_there(store):
    code = f"""
        import sys
        sys.path[:0] = [{str(Path(__file__).parents[2])!r}, {str(Path(__file__).parent)!r}]
        from test_state_journal import CREATE, Ref, Role, opened, replace
        from serverless_cli.state import FileStore
        from pathlib import Path
        journal = opened(FileStore(Path({str(store.root)!r})))
        for number in range(1000000):
            step = replace(CREATE, ref=Ref("role", f"r{{number}}"))
            journal.begin(step)
            journal.finish(step, Role("done"), {{}})
            print(number, flush=True)
    """
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True)
    told = [int(process.stdout.readline()) for _ in range(20)]
    process.kill()
    told += [int(line) for line in process.communicate()[0].splitlines()]

    record = recalled(store)

    assert [record.entries[Ref("role", f"r{number}")].spec for number in told] == [Role("done")] * len(told)
    assert not record.complete


# Damage


FULL = MemoryStore()
WHOLE = a_full_run(FULL)
LINES = FULL.content.splitlines(keepends=True)


@settings(deadline=None)  # a busy machine is no failure
@given(st.integers(0, len(FULL.content) - 2))
def test_a_journal_cut_at_any_byte_keeps_what_it_can_and_knows_that_it_is_cut(length):
    store = MemoryStore(FULL.content[:length])

    with opened(store) as journal:
        record = journal.record

    assert not record.complete
    assert set(record.entries) <= {*WHOLE.entries, Ref("role", "r2")}
    assert store.damaged == []


def test_a_journal_that_lacks_its_last_newline_lacks_nothing():
    store = MemoryStore(FULL.content[:-1])

    with opened(store) as journal:
        journal.begin(CREATE)

    assert recalled(store).complete
    assert not parse(store.content).damaged


@settings(deadline=None)
@given(st.integers(0, len(FULL.content) - 1))
def test_a_cut_journal_goes_on_like_any_other(length):
    store = MemoryStore(FULL.content[:length])

    with opened(store) as journal:
        before = journal.record
        journal.finish(CREATE, Role("new"), {})
        journal.searched()

    record = recalled(store)
    assert record.complete
    assert record.entries == {**before.entries, ROLE: record.entries[ROLE]}
    assert not parse(store.content).damaged


@settings(deadline=None)
@given(st.integers(0, len(FULL.content) - 1), st.integers(1, 255))
def test_a_flipped_byte_is_seen_kept_beside_and_healed(position, mask):
    content = bytearray(FULL.content)
    content[position] ^= mask
    store = MemoryStore(bytes(content))

    with opened(store) as journal:
        record = journal.record

    assert not record.complete
    assert {entry.spec for entry in record.entries.values()} <= {None, *(Role(f"text {n}") for n in range(4))}
    assert len(record.entries) >= 2
    assert [store.documents[name].content for name in store.damaged] in ([bytes(content)], [])
    assert not parse(store.content).damaged


@pytest.mark.parametrize("number", range(len(LINES) - 1))
def test_a_lost_line_is_missed(number):
    store = MemoryStore(b"".join(LINES[:number] + LINES[number + 1 :]))

    opened(store)

    assert not recalled(store).complete
    assert store.damaged == ["journal.damaged-19700101T000000Z"]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"\0" * 4096, id="zeros"),
        pytest.param(b"\0" * 10 + b"\n", id="a line of zeros"),
        pytest.param(b"{}\n" + FULL.content, id="a line that is not ours"),
        pytest.param(FULL.content + FULL.content, id="all of it twice"),
        pytest.param(FULL.content + b"\n", id="an empty line"),
        pytest.param(FULL.content + dump({"type": "dance"}, len(LINES) + 1), id="a line that says nothing"),
        pytest.param(FULL.content + dump({"type": "gone", "refs": 1}, len(LINES) + 1), id="a line that makes no sense"),
        pytest.param(FULL.content.replace(b"\n", b"\r\n"), id="an editor's line ends"),
        pytest.param(b"<<<<<<< HEAD\n" + FULL.content, id="a merge"),
    ],
)
def test_rubbish_is_put_aside(content):
    store = MemoryStore(content)

    with opened(store) as journal:
        assert not journal.record.complete

    assert not recalled(store).complete
    assert opened(store).record.entries == recalled(store).entries
    assert not parse(store.content).damaged


def test_damage_is_kept_as_often_as_it_happens():
    store = MemoryStore()
    for _ in range(3):
        store.write(KEY, JOURNAL, store.read(KEY, JOURNAL), b"rubbish\n")
        opened(store)

    assert len(store.damaged) == 3


def test_looking_heals_nothing():
    store = MemoryStore(b"rubbish\n" + FULL.content)

    assert recalled(store).entries == WHOLE.entries
    assert store.count == 0


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(FULL.content + dump({"type": "x"}, 99).replace(b'"v":1', b'"v":2'), id="damaged, not newer"),
    ],
)
def test_a_version_counts_only_where_the_checksum_is_right(content):
    assert recalled(MemoryStore(content)).entries == WHOLE.entries


def _newer_line():
    text = b'{"n":1,"type":"start","v":2'
    return text + b',"sum":"%08x"}\n' % zlib.crc32(text)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(_newer_line(), id="a newer format"),
        pytest.param(
            dump(
                {
                    "type": "entry",
                    "entry": {"ref": {"kind": "rocket", "id": "a"}, "name": "a"},
                    "spec": None,
                    "outputs": {},
                },
                1,
            ),
            id="a newer kind",
        ),
    ],
)
@pytest.mark.parametrize("read", [opened, recalled], ids=["open", "recall"])
def test_what_a_newer_slx_wrote_is_left_alone(content, read):
    store = MemoryStore(content)

    with pytest.raises(SlxError, match="newer slx") as caught:
        read(store)

    assert "update slx" in caught.value.hint
    assert store.content == content


def test_a_spec_that_another_version_wrote_is_unknown_and_stays_so_for_that_version():
    store = MemoryStore()
    with opened(store) as journal:
        journal.finish(CREATE, Role("a"), {"id": "1"})
    later = {"role": Table, "table": Table}

    journal = Journal.open(store, KEY, later)
    journal._compact()

    assert journal.record.entries[ROLE].spec is None
    assert journal.record.entries[ROLE].outputs == {"id": "1"}
    assert recalled(store).entries[ROLE].spec == Role("a")


# Writing


def test_only_what_comes_before_a_write_waits_for_the_disk():
    store = MemoryStore()
    journal = opened(store)

    journal.begin(CREATE)
    journal.fail(CREATE, "no")
    journal.finish(CREATE, Role(), {})

    assert [durable for _, durable in store.appends] == [True, False, False]


class SlowStore(MemoryStore):
    """Lets go of its first append when told to."""

    def __init__(self):
        super().__init__()
        self.entered, self.go = threading.Event(), threading.Event()

    def append(self, *arguments, **options):
        self.entered.set()
        assert self.go.wait(60)
        return super().append(*arguments, **options)


class FailingStore(SlowStore):
    def write(self, *arguments):
        raise SlxError("the disk is full")


def begin_at_once(journal, store, count):
    """One thread is in the store while the others queue up; returns what each of them met."""
    met = []

    def begin(number):
        try:
            journal.begin(replace(CREATE, ref=Ref("role", f"r{number}")))
            met.append(None)
        except SlxError as error:
            met.append(error)

    threads = [threading.Thread(target=begin, args=(number,)) for number in range(count)]
    threads[0].start()
    store.entered.wait(60)
    for thread in threads[1:]:
        thread.start()
    while len(journal._queue) < count - 1:
        time.sleep(0)
    store.go.set()
    for thread in threads:
        thread.join()
    return met


def test_threads_that_wait_together_are_written_together():
    store = SlowStore()
    journal = opened(store)

    met = begin_at_once(journal, store, 8)

    assert met == [None] * 8
    assert [tail.count(b"\n") for tail, _ in store.appends] == [1, 7]
    assert len(recalled(store).entries) == 8


def test_a_write_that_fails_fails_for_all_that_wait_for_it():
    store = FailingStore()
    journal = opened(store)

    met = begin_at_once(journal, store, 4)

    assert [error.what for error in met] == ["the disk is full"] * 4
    assert journal.record.entries == {}


def test_many_threads_lose_nothing(store):
    def work(number):
        for turn in range(10):
            step = replace(CREATE, ref=Ref("role", f"r{number}-{turn}"))
            journal.begin(step)
            journal.finish(step, Role(str(turn)), {})

    with opened(store) as journal:
        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert len(recalled(store).entries) == 80
    assert all(entry.spec for entry in recalled(store).entries.values())
    assert not parse(store.read(KEY, JOURNAL).content).damaged


@pytest.mark.parametrize(
    "harm",
    [
        pytest.param(lambda path: path.unlink(), id="deleted"),
        pytest.param(lambda path: path.write_bytes(b""), id="emptied"),
        pytest.param(lambda path: path.write_bytes(path.read_bytes()[:-5]), id="cut"),
        pytest.param(lambda path: path.touch(), id="touched"),
    ],
)
def test_a_journal_harmed_during_the_run_is_written_anew(store, harm):
    journal = opened(store)
    journal.begin(CREATE)
    harm(store.root / "local/website/dev" / JOURNAL)

    journal.begin(replace(CREATE, ref=TABLE))

    assert set(recalled(store).entries) == {ROLE, TABLE}
    assert not parse(store.read(KEY, JOURNAL).content).damaged


def test_what_somebody_else_wrote_during_the_run_stops_it(store):
    journal = opened(store)
    journal.begin(CREATE)
    with opened(store) as other:
        other.begin(DELETE)

    with pytest.raises(ConflictError):
        journal.begin(UPDATE)


class ForgetfulStore(MemoryStore):
    """Writes, but its answer is lost; the repeated request then meets its own result."""

    def append(self, key, name, known, tail, *, durable=True):
        super().append(key, name, known, tail)
        raise ConflictError(name)


def test_a_lost_answer_of_the_store_is_no_conflict():
    store = ForgetfulStore()
    journal = opened(store)

    journal.begin(CREATE)
    journal.begin(UPDATE)

    assert len(parse(store.content).lines) == 2


@pytest.mark.parametrize("when", ["close", "open"])
def test_a_long_journal_becomes_short_and_says_the_same(store, monkeypatch, when):
    record = a_full_run(store)
    with opened(store) as journal:
        for turn in range(journal_module.LIMIT):
            journal.finish(replace(CREATE, ref=Ref("role", "r0"), name="n0"), Role(str(turn)), {"id": "0"})
        if when == "open":
            journal._put({"type": "end", "whole": True}, durable=True)
            journal._dirty = False
    if when == "open":
        opened(store)

    assert len(parse(store.read(KEY, JOURNAL).content).lines) == len(record.entries) + 3
    assert recalled(store).complete
    assert set(recalled(store).entries) == set(record.entries)
    assert recalled(store).entries[Ref("role", "r0")].spec == Role(str(turn))
    assert recalled(store).parameters == record.parameters


def test_closing_twice_writes_one_end(store):
    journal = opened(store)
    journal.begin(CREATE)

    journal.close()
    journal.close()

    assert [line["type"] for line in parse(store.read(KEY, JOURNAL).content).lines] == ["begin", "end"]
