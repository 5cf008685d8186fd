import base64
import hashlib
import os
import random
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import textwrap
import time
import tracemalloc
import unicodedata
import zipfile
from pathlib import Path

import pytest

from serverless_cli.codec import decode, encode
from serverless_cli.errors import SlxError
from serverless_cli.packaging import Package, check_total, package
from serverless_cli.packaging.cache import Cache, default_cache
from serverless_cli.packaging.package import Limits

CODE = b"def handler(event, context):\n    return {}\n"
SMALL = {"app.py": CODE, "lib/__init__.py": b"", "lib/tool.py": b"x = 1\n"}
SMALL_SHA256 = "+FQ5w2XNY/Cwzpr7lj2XwaAVwwlU6jEAwV1yJ0w1W/c="
OLD = 1_000_000_000


@pytest.fixture
def cache(tmp_path):
    return Cache(tmp_path / "cache")


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "code"


def fill(folder, files):
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(0o644)


def names(made):
    with zipfile.ZipFile(made.path) as archive:
        assert archive.testzip() is None
        return archive.namelist()


def content(made, name):
    with zipfile.ZipFile(made.path) as archive:
        return archive.read(name)


def settle(cache):
    """As if all that was written until now were long past."""
    cache._clock = lambda: time.time() + 60


# The bytes


def test_the_same_files_are_the_same_bytes_on_every_machine(folder, cache):
    fill(folder, SMALL)

    made = package(folder, cache=cache)

    assert made.sha256 == SMALL_SHA256


def test_the_digest_and_the_sizes_are_those_of_the_zip(folder, cache):
    fill(folder, SMALL)

    made = package(folder, cache=cache)

    data = Path(made.path).read_bytes()
    assert made.sha256 == base64.b64encode(hashlib.sha256(data).digest()).decode()
    assert made.size == len(data)
    assert made.unzipped == sum(map(len, SMALL.values()))


def test_order_of_making_time_and_other_rights_do_not_matter(tmp_path, cache):
    for number, order in enumerate([sorted(SMALL), sorted(SMALL, reverse=True)]):
        folder = tmp_path / str(number)
        fill(folder, {name: SMALL[name] for name in order})
        for name in SMALL:
            os.utime(folder / name, (OLD * (number + 1), OLD))
            (folder / name).chmod([0o600, 0o666][number])

    assert package(tmp_path / "0", cache=cache).sha256 == package(tmp_path / "1", cache=cache).sha256 == SMALL_SHA256


@pytest.mark.parametrize("size", [10, 2 << 20], ids=["small, so stored", "large, so deflated"])
def test_entries_are_plain_files_of_1980_with_unix_rights(folder, cache, size):
    fill(folder, {"b.py": b"x" * size, "run.sh": b"#!/bin/sh\n", "a/c.py": b""})
    (folder / "run.sh").chmod(0o700)

    made = package(folder, cache=cache)

    with zipfile.ZipFile(made.path) as archive:
        entries = archive.infolist()
    assert [entry.filename for entry in entries] == ["a/c.py", "b.py", "run.sh"]
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
    assert {entry.create_system for entry in entries} == {3}
    assert [entry.external_attr >> 16 for entry in entries] == [
        stat.S_IFREG | 0o644,
        stat.S_IFREG | 0o644,
        stat.S_IFREG | 0o755,
    ]
    assert (made.size < made.unzipped) == (size > 1 << 20)


def test_names_are_composed_whatever_the_file_system_did(folder, cache):
    fill(folder, {unicodedata.normalize("NFD", "é.py"): CODE})

    assert names(package(folder, cache=cache)) == [unicodedata.normalize("NFC", "é.py")]


def test_two_names_that_become_one_are_refused(folder, cache):
    fill(folder, {unicodedata.normalize(form, "é.py"): CODE for form in ("NFC", "NFD")})
    if len(list(folder.iterdir())) == 1:
        pytest.skip("this file system itself takes the two names for one")

    with pytest.raises(SlxError, match="two files are called"):
        package(folder, cache=cache)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a name be no text")
def test_a_name_that_is_no_text_is_refused(folder, cache):
    fill(folder, SMALL)
    (folder / os.fsdecode(b"\xff.py")).touch()

    with pytest.raises(SlxError, match="not UTF-8"):
        package(folder, cache=cache)


def test_only_the_digest_counts_as_a_difference_and_the_path_is_not_recorded(folder, cache):
    fill(folder, SMALL)
    made = package(folder, cache=cache)

    again = decode(Package, encode(made))

    assert again == made == Package(made.sha256)
    assert (again.path, again.size) == ("", made.size)


def test_memory_does_not_grow_with_the_code(folder, cache):
    fill(folder, {f"{number}.bin": random.Random(number).randbytes(8 << 20) for number in range(3)})
    package(folder, cache=cache)
    shutil.rmtree(cache.folder)
    tracemalloc.start()

    package(folder, cache=cache)

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 << 20


# What goes in


def test_litter_stays_out(folder, cache):
    litter = [
        "__pycache__/app.cpython-311.pyc", "app.pyc", "lib/__pycache__/x.pyc", ".git/HEAD", "lib/.git", ".venv/bin/python",
        ".DS_Store", "lib/.DS_Store", ".slx/local/journal", ".app.py.swp", "app.py~", "#app.py#", ".slxignore",
    ]  # fmt: skip
    fill(folder, {**SMALL, "tests/test_app.py": b"", ".hidden": b"", **dict.fromkeys(litter, b"")})

    assert names(package(folder, cache=cache)) == sorted([*SMALL, "tests/test_app.py", ".hidden"])


def test_an_ignore_file_is_heeded(folder, cache):
    fill(
        folder,
        {**SMALL, "data/big.bin": b"", "data/keep.bin": b"", ".slxignore": b"# big ones\n*.bin\n!keep.bin\nlib/\n"},
    )

    assert names(package(folder, cache=cache)) == ["app.py", "data/keep.bin"]


@pytest.mark.parametrize("files", [{}, {"app.pyc": b""}, {".slxignore": b"*", "app.py": CODE}], ids=str)
def test_nothing_to_package_is_an_error(folder, cache, files):
    folder.mkdir()
    fill(folder, files)

    with pytest.raises(SlxError, match="nothing to package"):
        package(folder, cache=cache)


def test_a_folder_that_does_not_exist_is_an_error(folder, cache):
    with pytest.raises(SlxError, match="No such file") as caught:
        package(folder, cache=cache)

    assert str(folder) in caught.value.what


def test_links_inside_the_folder_count_as_what_they_lead_to(folder, cache):
    fill(folder, SMALL)
    (folder / "main.py").symlink_to("app.py")
    (folder / "copy").symlink_to("lib")
    (folder / "lib" / "again.py").symlink_to(folder / "app.py")

    made = package(folder, cache=cache)

    assert names(made) == [
        "app.py", "copy/__init__.py", "copy/again.py", "copy/tool.py",
        "lib/__init__.py", "lib/again.py", "lib/tool.py", "main.py",
    ]  # fmt: skip
    assert content(made, "main.py") == content(made, "copy/again.py") == CODE


def test_the_folder_itself_may_be_a_link(tmp_path, folder, cache):
    fill(folder, SMALL)
    (tmp_path / "link").symlink_to(folder)

    assert package(tmp_path / "link", cache=cache).sha256 == SMALL_SHA256


@pytest.mark.parametrize(
    ("target", "what"),
    [
        pytest.param("../secret.py", "leads out of its folder", id="to a file outside"),
        pytest.param("../code-twin", "leads out of its folder", id="to a folder whose name begins alike"),
        pytest.param("/etc", "leads out of its folder", id="to an absolute path"),
        pytest.param("hop", "leads out of its folder", id="out over another link"),
        pytest.param(".", "leads in a circle", id="to the folder itself"),
        pytest.param("lib/../lib/up", "leads in a circle", id="to a folder above over another link"),
        pytest.param("nowhere", "No such file", id="to nothing"),
        pytest.param("link", "cannot read", id="to itself"),
    ],
)
def test_links_that_lead_astray_are_refused(tmp_path, folder, cache, target, what):
    fill(folder, SMALL)
    (tmp_path / "secret.py").write_text("")
    (tmp_path / "code-twin").mkdir()
    if target == "hop":
        (folder / ".venv").symlink_to("/etc")
        target = ".venv/passwd"
    if target.endswith("up"):
        (folder / "lib" / "up").symlink_to("..")
    (folder / "link").symlink_to(target)

    with pytest.raises(SlxError, match=what) as caught:
        package(folder, cache=cache)

    assert caught.value.hint


def make_socket(path):
    here = Path.cwd()
    os.chdir(path.parent)  # the path of a socket may not be long
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path.name)
    finally:
        os.chdir(here)


@pytest.mark.parametrize("make", [os.mkfifo, make_socket], ids=["pipe", "socket"])
def test_what_is_no_file_is_refused_unless_it_is_left_out(folder, cache, make):
    fill(folder, SMALL)
    make(folder / "thing")

    with pytest.raises(SlxError, match="is no file"):
        package(folder, cache=cache)

    (folder / ".slxignore").write_text("thing\n")
    assert package(folder, cache=cache).sha256 == SMALL_SHA256


def test_a_file_that_cannot_be_read_is_named():
    code = f"""
        import os, sys
        sys.path.insert(0, {str(Path(__file__).parents[2])!r})
        from pathlib import Path
        from serverless_cli.errors import SlxError
        from serverless_cli.packaging import archive, package
        from serverless_cli.packaging.cache import Cache
        if os.geteuid() == 0:
            os.setuid(65534)
        try:
            package(Path("code"), cache=Cache(Path("cache")))
        except SlxError as error:
            print(error.what, "|", error.why, "|", error.hint)
    """
    with tempfile.TemporaryDirectory() as name:  # tmp_path lies in a folder that only its owner may enter
        home = Path(name)
        home.chmod(0o755)
        fill(home / "code", SMALL)
        (home / "code/app.py").chmod(0)
        (home / "cache").mkdir()
        (home / "cache").chmod(0o777)
        command = [sys.executable, "-c", textwrap.dedent(code)]
        done = subprocess.run(command, cwd=home, capture_output=True, text=True, check=False)

    assert "app.py | Permission denied | make it readable" in done.stdout, done.stderr


# Limits


def test_too_much_code_is_refused_with_the_largest_files(folder, cache):
    fill(folder, {f"{size}.bin": b"x" * size for size in range(100_000, 107_000, 1000)})

    with pytest.raises(SlxError, match="too large") as caught:
        package(folder, cache=cache, limits=Limits(unzipped=500_000))

    assert "106000.bin (0.1 MB), 105000.bin" in caught.value.why
    assert caught.value.why.count(".bin") == 5
    assert "102000.bin" in caught.value.why
    assert not cache.folder.exists()


def test_more_than_a_call_takes_is_large():
    assert not Package("", 52_428_799).large
    assert Package("", 52_428_800).large


def test_code_and_layers_count_together():
    limits = Limits(unzipped=100 << 20)
    layers = {"shared": Package("", unzipped=60 << 20)}
    check_total(Package("", unzipped=(40 << 20) - 1), layers, limits)

    with pytest.raises(SlxError, match="too large together") as caught:
        check_total(Package("", unzipped=40 << 20), layers, limits)

    assert "the code (40.0 MB), layer shared (60.0 MB)" in caught.value.why


def test_the_limit_is_lambdas():
    assert Limits() == Limits(262_144_000)


def test_code_of_several_megabytes_is_compressed(folder, cache):
    fill(folder, {"a.txt": b"x" * 3_000_000, "é.txt": b"y"})

    made = package(folder, cache=cache)

    assert made.size < 10_000
    assert made.unzipped == 3_000_001
    assert names(made) == ["a.txt", "é.txt"]
    assert content(made, "a.txt") == b"x" * 3_000_000


# The cache


def made_when(made):
    """A zip that is made anew replaces the old one, so it is another file."""
    return Path(made.path).stat().st_ino


def test_an_unchanged_folder_is_not_packed_again(folder, cache):
    fill(folder, SMALL)
    settle(cache)

    made = package(folder, cache=cache)
    before = made_when(made)
    again = package(folder, cache=cache)

    assert made_when(again) == before
    assert again == made
    assert (again.path, again.size, again.unzipped) == (made.path, made.size, made.unzipped)


def test_what_was_touched_just_now_is_packed_again(folder, cache):
    fill(folder, SMALL)

    before = made_when(package(folder, cache=cache))

    assert made_when(package(folder, cache=cache)) != before


def rewrite_with_the_old_time(folder):
    path = folder / "app.py"
    about = path.stat()
    path.write_bytes(CODE.replace(b"{}", b"[]"))
    os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda folder: (folder / "app.py").write_bytes(CODE + b"#"), id="a file grows"),
        pytest.param(rewrite_with_the_old_time, id="a file changes and keeps size and time"),
        pytest.param(lambda folder: (folder / "app.py").chmod(0o755), id="a file becomes executable"),
        pytest.param(lambda folder: (folder / "new.py").touch(), id="a file appears"),
        pytest.param(lambda folder: (folder / "lib/tool.py").unlink(), id="a file goes"),
        pytest.param(lambda folder: (folder / "lib/tool.py").rename(folder / "tool.py"), id="a file moves"),
        pytest.param(lambda folder: (folder / ".slxignore").write_text("lib/\n"), id="a pattern is added"),
    ],
)
def test_every_change_is_seen(folder, cache, change):
    fill(folder, SMALL)
    settle(cache)
    before = package(folder, cache=cache)

    change(folder)

    assert package(folder, cache=cache) != before


@pytest.mark.parametrize(
    "harm",
    [
        pytest.param(lambda path: path.unlink(), id="deleted"),
        pytest.param(lambda path: path.write_bytes(b"x" * path.stat().st_size), id="overwritten"),
        pytest.param(lambda path: path.write_bytes(b""), id="emptied"),
    ],
)
@pytest.mark.parametrize("ending", ["zip", "json"])
def test_a_harmed_cache_is_made_anew(folder, cache, harm, ending):
    fill(folder, SMALL)
    settle(cache)
    package(folder, cache=cache)
    for path in cache.folder.glob(f"*.{ending}"):
        harm(path)

    made = package(folder, cache=cache)

    assert made.sha256 == SMALL_SHA256
    assert content(made, "app.py") == CODE


def test_the_cache_is_the_users_alone(folder, cache):
    fill(folder, SMALL)
    settle(cache)

    package(folder, cache=cache)

    assert stat.S_IMODE(cache.folder.stat().st_mode) == 0o700
    assert [stat.S_IMODE(path.stat().st_mode) for path in cache.folder.iterdir()] == [0o600, 0o600]


def test_what_was_not_used_for_a_week_is_removed(folder, cache):
    fill(folder, SMALL)
    first = package(folder, cache=cache)
    os.utime(first.path, (OLD, OLD))
    fill(folder, {"app.py": b"new"})

    second = package(folder, cache=cache)

    assert list(cache.folder.glob("*.zip")) == [Path(second.path)]


def test_a_cache_that_cannot_be_written_is_named(tmp_path, folder):
    fill(folder, SMALL)
    (tmp_path / "file").touch()

    with pytest.raises(SlxError, match="cannot write a package") as caught:
        package(folder, cache=Cache(tmp_path / "file"))

    assert "XDG_CACHE_HOME" in caught.value.hint


@pytest.mark.parametrize(
    ("value", "expected"),
    [("/var/c", Path("/var/c/slx/packages")), ("", "home"), ("relative", "home")],
)
def test_the_cache_lies_where_the_user_wants_it(monkeypatch, tmp_path, value, expected):
    monkeypatch.setenv("XDG_CACHE_HOME", value)
    monkeypatch.setenv("HOME", str(tmp_path))

    assert default_cache() == (tmp_path / ".cache/slx/packages" if expected == "home" else expected)
