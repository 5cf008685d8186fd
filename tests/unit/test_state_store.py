import errno
import os
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from serverless_cli.errors import Exit, SlxError
from serverless_cli.state.explain import explained
from serverless_cli.state.lease import Holder
from serverless_cli.state.store import NONE_YET, ConflictError, FileStore, StackKey

KEY = StackKey("aws-123456789012-eu-west-1", "website", "dev")


@pytest.fixture
def store(tmp_path):
    return FileStore(tmp_path / ".slx")


def path_of(store, name):
    return store.root / KEY.target / KEY.stack / KEY.stage / name


def test_what_was_written_is_read_back(store):
    written = store.write(KEY, "journal", NONE_YET, b"one\n")
    longer = store.append(KEY, "journal", written, b"two\n")

    assert store.read(KEY, "journal") == longer
    assert longer.content == b"one\ntwo\n"


def test_there_is_nothing_before_the_first_write_and_reading_makes_nothing(store):
    assert store.read(KEY, "journal") == NONE_YET
    assert store.stacks() == []
    assert not store.root.exists()


def test_appending_to_nothing_makes_the_document(store):
    store.append(KEY, "journal", NONE_YET, b"one\n")

    assert store.read(KEY, "journal").content == b"one\n"


def test_files_and_folders_are_the_users_alone_and_hidden_from_git(store):
    before = os.umask(0)
    try:
        store.append(KEY, "journal", store.write(KEY, "journal", NONE_YET, b"a"), b"b")
        store.lease(KEY, Holder.me("up")).release()
    finally:
        os.umask(before)

    paths = [store.root, *store.root.rglob("*")]
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths if path.is_dir()} == {0o700}
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths if path.is_file()} == {0o600}
    assert (store.root / ".gitignore").read_text() == "*\n"


def test_a_file_that_was_opened_to_others_is_closed_again(store):
    known = store.write(KEY, "journal", NONE_YET, b"a")
    path_of(store, "journal").chmod(0o644)

    store.append(KEY, "journal", store.read(KEY, "journal"), b"b")

    assert known.version
    assert stat.S_IMODE(path_of(store, "journal").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda path: path.write_bytes(b"other content"), id="rewritten"),
        pytest.param(lambda path: path.unlink(), id="deleted"),
        pytest.param(lambda path: path.write_bytes(b""), id="cut"),
    ],
)
@pytest.mark.parametrize(
    "write",
    [
        pytest.param(lambda store, known: store.append(KEY, "journal", known, b"b"), id="append"),
        pytest.param(lambda store, known: store.write(KEY, "journal", known, b"b"), id="write"),
    ],
)
def test_nobody_writes_over_what_somebody_else_wrote(store, spoil, write):
    known = store.write(KEY, "journal", NONE_YET, b"a")
    spoil(path_of(store, "journal"))
    before = store.read(KEY, "journal").content

    with pytest.raises(ConflictError) as caught:
        write(store, known)

    assert caught.value.exit_code is Exit.LOCKED
    assert store.read(KEY, "journal").content == before


def test_what_exists_is_not_made_again(store):
    store.write(KEY, "journal", NONE_YET, b"a")

    with pytest.raises(ConflictError):
        store.write(KEY, "journal", NONE_YET, b"b")


def test_deleting_is_conditional_and_may_be_repeated(store):
    old = store.write(KEY, "journal", NONE_YET, b"a")
    new = store.append(KEY, "journal", old, b"b")

    with pytest.raises(ConflictError):
        store.delete(KEY, "journal", old)
    store.delete(KEY, "journal", new)
    store.delete(KEY, "journal", new)

    assert store.read(KEY, "journal") == NONE_YET


def test_stacks_are_those_with_a_journal(store):
    other = StackKey("local", "banking", "prod")
    store.write(other, "journal", NONE_YET, b"")
    store.write(KEY, "journal", NONE_YET, b"")
    store.write(StackKey("local", "idle", "dev"), "lock", NONE_YET, b"")

    assert store.stacks() == [KEY, other]


@pytest.mark.parametrize("part", ["", "..", "a/b", ".hidden", "a b"])
def test_a_key_cannot_lead_out_of_the_folder(part):
    with pytest.raises(ValueError):
        StackKey(part, "stack", "dev")


def test_no_temporary_file_is_left(store):
    store.write(KEY, "journal", store.write(KEY, "journal", NONE_YET, b"a"), b"b")

    assert [path.name for path in path_of(store, "journal").parent.iterdir()] == ["journal"]


# What the operating system may say


@pytest.mark.parametrize("where", [".slx", ".slx/aws-123456789012-eu-west-1"])
def test_a_file_in_the_way_is_named(tmp_path, where):
    (tmp_path / where).parent.mkdir(exist_ok=True)
    (tmp_path / where).write_text("")

    with pytest.raises(SlxError, match="something else is in its place") as caught:
        FileStore(tmp_path / ".slx").write(KEY, "journal", NONE_YET, b"a")

    assert "move that out of the way" in caught.value.hint


@pytest.mark.parametrize(
    ("number", "why"),
    [
        (errno.EROFS, "may not be written"),
        (errno.EACCES, "may not be written"),
        (errno.ENOSPC, "disk is full"),
        (errno.EDQUOT, "disk is full"),
        (errno.ENOLCK, "no locks"),
        (errno.EIO, os.strerror(errno.EIO)),
    ],
)
def test_each_failure_has_a_reason_and_a_way_on(number, why):
    with pytest.raises(SlxError, match=why) as caught, explained(Path("x"), "write"):
        raise OSError(number, os.strerror(number), "/p/.slx")

    assert "/p/.slx" in caught.value.what
    assert "run the same command again" in caught.value.hint


def in_a_process(tmp_path, code):
    """Runs code that gives something up for good: rights, room on the disk."""
    head = f"""
        import os, resource, signal, sys
        sys.path.insert(0, {str(Path(__file__).parents[2])!r})
        from pathlib import Path
        from serverless_cli.errors import SlxError
        from serverless_cli.state.store import NONE_YET, FileStore, StackKey
        KEY, store = StackKey("local", "a", "dev"), FileStore(Path(".slx"))
    """
    text = textwrap.dedent(head) + textwrap.dedent(code)
    done = subprocess.run([sys.executable, "-c", text], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_read_only_folder_is_said_to_be_one(tmp_path):
    tmp_path.chmod(0o555)

    said = in_a_process(
        tmp_path,
        """
        if os.geteuid() == 0:
            os.setuid(65534)
        try:
            store.write(KEY, "journal", NONE_YET, b"a")
        except SlxError as error:
            print(error.what, "|", error.why, "|", error.hint)
        """,
    )

    tmp_path.chmod(0o755)
    assert "cannot write the state" in said
    assert "may not be written to" in said
    assert "--state" in said


def test_a_full_disk_spoils_nothing_that_was_written(tmp_path):
    said = in_a_process(
        tmp_path,
        """
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        known = store.write(KEY, "journal", NONE_YET, b"a" * 100 + b"\\n")
        resource.setrlimit(resource.RLIMIT_FSIZE, (150, 150))
        for attempt in (store.append, store.write):
            try:
                attempt(KEY, "journal", known, b"b" * 1000)
            except SlxError as error:
                print(error.why)
            assert store.read(KEY, "journal").content == known.content
            known = store.read(KEY, "journal")
        print(store.append(KEY, "journal", known, b"b" * 10).content[-10:], len(os.listdir(".slx/local/a/dev")))
        """,
    )

    assert said.splitlines() == ["the disk is full", "the disk is full", "b'bbbbbbbbbb' 1"]
