import os
import shutil
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from serverless_cli.errors import Exit, SlxError
from serverless_cli.state import FileStore, Holder, StackKey, lock

KEY = StackKey("local", "website", "dev")


@pytest.fixture
def store(tmp_path):
    return FileStore(tmp_path / ".slx")


@pytest.fixture
def elsewhere(store):
    """Another process that holds the lock until its input ends or it is killed."""
    code = f"""
        import sys
        sys.path.insert(0, {str(Path(__file__).parents[2])!r})
        from pathlib import Path
        from serverless_cli.state import FileStore, StackKey, lock
        with lock(FileStore(Path({str(store.root)!r})), StackKey("local", "website", "dev"), command="up website"):
            print("held", flush=True)
            sys.stdin.read()
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def lock_file(store):
    return store.root / KEY.target / KEY.stack / KEY.stage / "lock"


def test_the_second_is_told_who_holds_the_lock(store, elsewhere):
    with pytest.raises(SlxError) as caught, lock(store, KEY, command="down"):
        pass

    assert caught.value.exit_code is Exit.LOCKED
    assert f"(pid {elsewhere.pid}) since " in caught.value.why
    assert caught.value.why.endswith("running `slx up website`")
    assert caught.value.hint
    assert store.holder(KEY).pid == elsewhere.pid


def test_a_killed_process_holds_nothing(store, elsewhere):
    elsewhere.kill()
    elsewhere.wait()

    with lock(store, KEY, command="up") as lease:
        lease.check()

        assert store.holder(KEY) == lease.holder


def test_the_lock_is_free_after_its_with_even_when_that_fails(store):
    with pytest.raises(RuntimeError), lock(store, KEY, command="up"):
        raise RuntimeError

    assert store.holder(KEY) is None
    with lock(store, KEY, command="up"):
        pass


def test_two_stages_do_not_wait_for_each_other(store, elsewhere):
    with lock(store, StackKey("local", "website", "prod"), command="up") as lease:
        lease.check()


def test_threads_of_one_process_exclude_each_other_too(store):
    with lock(store, KEY, command="up"), pytest.raises(SlxError) as caught, lock(store, KEY, command="down"):
        pass

    assert caught.value.exit_code is Exit.LOCKED


def test_looking_at_the_lock_does_not_take_it(store):
    with lock(store, KEY, command="up") as lease:
        assert store.holder(KEY) == lease.holder
        lease.check()


def test_nobody_holds_a_lock_that_was_never_taken(store):
    assert store.holder(KEY) is None


@pytest.mark.parametrize("leftover", [b"", b"{", b"[]", b'{"user": 1}', b"\xff\xfe"])
def test_what_a_lock_file_says_does_not_matter_when_nobody_holds_it(store, leftover):
    with lock(store, KEY, command="up"):
        pass
    lock_file(store).write_bytes(leftover)

    with lock(store, KEY, command="up") as lease:
        assert Holder.parse(lock_file(store).read_bytes()) == lease.holder


def test_a_run_goes_on_when_its_folder_was_deleted(store):
    with lock(store, KEY, command="up") as lease:
        shutil.rmtree(store.root)

        lease.check()

        assert store.holder(KEY) == lease.holder
        assert lock_file(store).stat().st_mode & 0o777 == 0o600
        assert store.root.stat().st_mode & 0o777 == 0o700


def test_many_threads_may_find_the_folder_deleted_at_once(store):
    errors = []

    def check():
        barrier.wait()
        try:
            lease.check()
        except SlxError as error:
            errors.append(error)

    with lock(store, KEY, command="up") as lease:
        for _ in range(20):
            shutil.rmtree(store.root)
            barrier = threading.Barrier(4)
            threads = [threading.Thread(target=check) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

    assert errors == []


def test_a_run_stops_when_its_folder_was_deleted_and_another_run_was_quicker(store):
    with lock(store, KEY, command="up") as first:
        shutil.rmtree(store.root)
        with lock(store, KEY, command="down") as second:
            for _ in range(2):
                with pytest.raises(SlxError) as caught:
                    first.check()

                assert caught.value.exit_code is Exit.LOCKED
                assert "running `slx down`" in caught.value.why
            second.check()

        with pytest.raises(SlxError):
            first.check()


def test_a_run_stops_when_its_folder_was_deleted_and_another_run_has_begun_and_ended(store):
    with lock(store, KEY, command="up") as first:
        shutil.rmtree(store.root)
        with lock(store, KEY, command="down") as second:
            second.check()
        assert store.holder(KEY) is None

        for _ in range(2):
            with pytest.raises(SlxError) as caught:
                first.check()
            assert caught.value.exit_code is Exit.LOCKED

    with lock(store, KEY, command="up") as third:
        third.check()


def test_and_when_that_one_was_killed(store):
    with lock(store, KEY, command="up") as first:
        shutil.rmtree(store.root)
        lock_file(store).parent.mkdir(parents=True)
        lock_file(store).write_bytes(Holder.me("down").dump())

        with pytest.raises(SlxError, match="lost its lock"):
            first.check()


def test_a_lock_file_of_its_own_that_was_moved_away_and_back_is_still_held(store):
    with lock(store, KEY, command="up") as lease:
        store.root.rename(store.root.with_name("away"))
        store.root.with_name("away").rename(store.root)

        lease.check()


def test_a_released_lease_may_be_released_again(store):
    lease = store.lease(KEY, Holder.me("up"))

    lease.release()
    lease.release()

    assert store.holder(KEY) is None


def test_a_straggler_of_a_run_that_has_ended_may_not_write(store):
    with lock(store, KEY, command="up") as lease:
        pass

    with pytest.raises(SlxError):
        lease.check()

    assert store.holder(KEY) is None


def test_a_holder_is_this_process_and_now():
    holder = Holder.me("up website", clock=lambda: 0.0)

    assert holder.pid == os.getpid()
    assert holder.since == "1970-01-01T00:00:00Z"
    assert Holder.parse(holder.dump()) == holder
    assert str(holder) == (
        f"{holder.user}@{holder.host} (pid {os.getpid()}) since 1970-01-01T00:00:00Z, running `slx up website`"
    )
