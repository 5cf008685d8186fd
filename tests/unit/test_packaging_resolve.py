import json
import os
import shutil
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from packaging.tags import sys_tags
from wheel_fakes import Shelf

from serverless_cli.errors import SlxError
from serverless_cli.packaging import Needs, package, pip
from serverless_cli.packaging.cache import Cache
from serverless_cli.packaging.package import Limits
from serverless_cli.packaging.platforms import platform

pytestmark = pytest.mark.slow  # each of them starts pip

X86 = platform("python3.13", "x86_64")
ARM = platform("python3.13", "arm64")
OLD = platform("python3.11", "x86_64")
GLIBC = "cp313-cp313-manylinux_2_34_x86_64"
LIMITS = Limits()


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    return Shelf(tmp_path / "shelf", monkeypatch)


@pytest.fixture
def cache(tmp_path):
    return Cache(tmp_path / "cache/packages")


@pytest.fixture
def made(cache):
    def make(*requirements, on=X86, prefix="", folder=None, cache=cache, limits=LIMITS):
        return package(folder, needs=Needs(requirements, on, prefix), cache=cache, limits=limits)

    return make


@pytest.fixture
def refused(made):
    def make(*requirements, on=X86):
        with pytest.raises(SlxError) as caught:
            made(*requirements, on=on)
        return caught.value

    return make


def code(tmp_path, **files):
    folder = tmp_path / "code"
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_py", ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def names(made):
    with zipfile.ZipFile(made.path) as archive:
        assert archive.testzip() is None
        return archive.namelist()


def content(made, name):
    with zipfile.ZipFile(made.path) as archive:
        return archive.read(name)


# What is in a package


def test_packages_come_with_what_they_need(shelf, made):
    shelf.add("web", needs=("tools>=1",))
    shelf.add("tools", "1.5")
    shelf.add("other")

    assert names(made("web")) == [
        "tools-1.5.dist-info/METADATA", "tools-1.5.dist-info/WHEEL", "tools.py",
        "web-1.0.dist-info/METADATA", "web-1.0.dist-info/WHEEL", "web.py",
    ]  # fmt: skip


def test_what_an_installer_would_add_stays_out_and_data_goes_where_it_belongs(shelf, made):
    files = {
        "web.py": b"", "web.pyc": b"", "web/__pycache__/a.pyc": b"", "web-1.0.data/scripts/web": b"#!python\n",
        "web-1.0.data/headers/web.h": b"", "web-1.0.data/purelib/pure.py": b"", "web-1.0.data/platlib/plat.py": b"",
        "web-1.0.data/data/share/web.txt": b"", "web-1.0.dist-info/INSTALLER": b"pip",
        "web-1.0.dist-info/licenses/MIT": b"", "RECORD": b"the package's own",
    }  # fmt: skip
    shelf.add("web", files=files)

    assert names(made("web")) == [
        "RECORD", "plat.py", "pure.py", "share/web.txt", "web-1.0.dist-info/METADATA", "web-1.0.dist-info/WHEEL",
        "web-1.0.dist-info/licenses/MIT", "web.py",
    ]  # fmt: skip


def test_the_folders_own_files_win(shelf, made, tmp_path):
    shelf.add("web", files={"app.py": b"theirs", "web/a.py": b"", "lib": b"a file", "more/x.py": b"theirs"})
    folder = code(tmp_path, app_py="mine", web="a file", lib__b_py="", more__x_py="mine")

    package_ = made("web", folder=folder)

    assert [name for name in names(package_) if "dist-info" not in name] == ["app.py", "lib/b.py", "more/x.py", "web"]
    assert content(package_, "app.py") == b"mine"
    assert content(package_, "more/x.py") == b"mine"


def test_a_layers_packages_lie_where_python_looks(shelf, made):
    shelf.add("web")

    assert "python/web.py" in names(made("web", prefix="python/"))


def test_executables_stay_executable(shelf, made):
    wheel = shelf.add("web")
    with zipfile.ZipFile(wheel, "a") as archive:
        about = zipfile.ZipInfo("web/run")
        about.external_attr = 0o100755 << 16
        archive.writestr(about, "#!/bin/sh\n")

    with zipfile.ZipFile(made("web").path) as archive:
        assert archive.getinfo("web/run").external_attr >> 16 == 0o100755
        assert archive.getinfo("web.py").external_attr >> 16 == 0o100644


@pytest.mark.parametrize("name", ["../evil.py", "/evil.py", "a/../../evil.py", "C:evil.py", "a\\evil.py"])
def test_a_wheel_that_leads_out_of_the_package_is_refused(shelf, refused, name):
    shelf.add("web", files={name: b""})

    assert refused("web").what == "the wheel web-1.0-py3-none-any.whl cannot be used"


def test_too_much_is_refused_with_the_largest_packages(shelf, made):
    shelf.add("web", files={"a.bin": b"a" * 3_000_000, "b.bin": b"a" * 1_000_000}, needs=("tools",))
    shelf.add("tools", files={"t.bin": b"b" * 500_000})

    with pytest.raises(SlxError, match="what the requirements bring is too large") as caught:
        made("web", limits=Limits(unzipped=4_000_000))

    assert "web-1.0-py3-none-any.whl (3.8 MB), tools-1.0-py3-none-any.whl (0.5 MB)" in caught.value.why


# The same everywhere


def test_two_machines_make_the_same_bytes(shelf, made, tmp_path):
    shelf.add("web", files={"web.py": b"x" * 5_000_000}, needs=("tools",))
    shelf.add("tools", tag=GLIBC, files={"tools.so": os.urandom(3_000_000)})
    here, there = Cache(tmp_path / "here/packages"), Cache(tmp_path / "elsewhere/deep/packages")
    folder = code(tmp_path, app_py="x = 1\n")
    other = tmp_path / "copy"
    shutil.copytree(folder, other)

    first, second = made("web", folder=folder, cache=here), made("web", folder=other, cache=there)

    assert first == second
    assert Path(first.path).read_bytes() == Path(second.path).read_bytes()


def test_what_is_compressed_is_taken_over_as_it_is(shelf, made):
    wheel = shelf.add("web", files={"web.py": b"x" * 5_000_000})
    with zipfile.ZipFile(wheel) as archive:
        expected = archive.getinfo("web.py").compress_size

    with zipfile.ZipFile(made("web").path) as archive:
        assert archive.getinfo("web.py").compress_size == expected


def test_markers_are_those_of_the_runtime(shelf, made):
    shelf.add("web", needs=(
        'old; python_version < "3.13"', 'arm; platform_machine == "aarch64"', 'windows; sys_platform == "win32"',
        'linux; sys_platform == "linux"', 'full; python_full_version >= "3.13.0"',
    ))  # fmt: skip
    for name in ("linux", "arm", "full", "old"):
        shelf.add(name)

    def modules(package_):
        return {name for name in names(package_) if name.endswith(".py")}

    assert modules(made("web")) == {"web.py", "linux.py", "full.py"}
    assert modules(made("web", on=ARM)) == {"web.py", "linux.py", "full.py", "arm.py"}
    assert modules(made("web", on=OLD)) == {"web.py", "linux.py", "old.py"}


# Which wheels fit


FITTING = {
    X86: (
        "py3-none-any", GLIBC, "cp313-cp313-manylinux_2_28_x86_64", "cp39-abi3-manylinux2014_x86_64",
        "cp313-cp313-manylinux1_x86_64", "py3-none-manylinux_2_17_x86_64", "cp313-cp313-linux_x86_64",
    ),
    ARM: ("cp313-cp313-manylinux_2_34_aarch64", "cp313-cp313-manylinux2014_aarch64"),
    OLD: ("cp311-cp311-manylinux_2_26_x86_64", "cp311-cp311-manylinux2010_x86_64"),
}  # fmt: skip
OTHERS = {
    X86: (
        "cp313-cp313-manylinux_2_35_x86_64", "cp312-cp312-manylinux2014_x86_64", "cp313-cp313-musllinux_1_2_x86_64",
        "cp313-cp313-manylinux2014_aarch64", "cp313-cp313t-manylinux2014_x86_64", "cp313-cp313-win_amd64",
        "cp313-cp313-macosx_11_0_x86_64",
    ),
    ARM: ("cp313-cp313-manylinux_2_34_x86_64", "cp313-cp313-linux_x86_64"),
    OLD: ("cp311-cp311-manylinux_2_28_x86_64", "cp313-cp313-manylinux2014_x86_64"),
}  # fmt: skip


@pytest.mark.parametrize("on", [X86, ARM, OLD], ids=["x86_64", "arm64", "Amazon Linux 2"])
def test_wheels_for_the_runtime_fit_and_others_do_not(shelf, made, on):
    for number, tag in enumerate(FITTING[on]):
        shelf.add(f"fit{number}", "2.0", tag)
        shelf.add(f"fit{number}", "1.0")
    for number, tag in enumerate(OTHERS[on]):
        shelf.add(f"misfit{number}", "2.0", tag)
        shelf.add(f"misfit{number}", "1.0")
    wanted = [f"fit{n}" for n in range(len(FITTING[on]))] + [f"misfit{n}" for n in range(len(OTHERS[on]))]

    found = {name.split("/")[0] for name in names(made(*wanted, on=on)) if name.endswith("METADATA")}

    assert found == {f"{name}-{'1.0' if 'mis' in name else '2.0'}.dist-info" for name in wanted}


def test_the_newest_kind_of_wheel_is_taken(shelf, made):
    for tag in ("py3-none-any", "cp313-cp313-manylinux2014_x86_64", GLIBC):
        shelf.add("fast", tag=tag, files={"tag.txt": tag.encode()})

    assert content(made("fast"), "tag.txt") == GLIBC.encode()


# What is said when none fits


def test_wheels_for_other_systems_are_told(shelf, refused):
    shelf.add("fast", tag="cp312-cp312-macosx_11_0_arm64")
    shelf.add("fast", tag="cp311-cp311-win_amd64")

    error = refused("fast==1.0")

    assert error.what == "no wheel of fast==1.0 fits Python 3.13 on Lambda (x86_64)"
    assert error.why == "its wheels are for Windows (x86_64), macOS (arm64); Python 3.11, 3.12"


def test_another_architecture_is_proposed_where_it_fits(shelf, refused):
    shelf.add("fast", tag="cp313-cp313-manylinux2014_aarch64")

    assert refused("fast").hint == "`architecture: arm64` would fit"


def test_another_runtime_is_proposed(shelf, refused):
    shelf.add("fast", tag="cp312-cp312-manylinux2014_x86_64")

    assert refused("fast").hint == "choose a runtime or a version for which there is one"


def test_the_nearest_versions_with_a_fitting_wheel_are_told(shelf, refused):
    for version in ("1.0", "1.9", "2.1", "3.0"):
        shelf.add("fast", version, tag=GLIBC)
    shelf.add("fast", "2.0", tag="cp313-cp313-win_amd64")

    error = refused("fast==2.0")

    assert error.why == "there are wheels that fit of: 1.9, 2.1, 3.0"
    assert error.hint == "ask for one of these versions of fast"


def test_who_needs_the_misfit_is_told(shelf, refused):
    shelf.add("web", needs=("fast>=1",))
    shelf.add("fast", tag="cp313-cp313-win_amd64")

    assert refused("web").what == "no wheel of fast>=1 (needed by web) fits Python 3.13 on Lambda (x86_64)"


def test_a_package_of_sources_only_is_not_built(shelf, refused):
    (shelf.folder / "slow-1.0.tar.gz").write_bytes(b"")

    assert "it is published as source only" in refused("slow").why


def test_a_package_for_other_pythons_is_told(shelf, refused):
    shelf.add("late", python=">=3.14")

    assert "3.14" in refused("late").why


def test_an_unknown_package_is_told(shelf, refused):
    error = refused("nothing-of-that-name")

    assert (error.what, error.hint) == ("there is no package nothing-of-that-name", "check its name")


def test_a_contradiction_is_told(shelf, refused):
    shelf.add("web", needs=("tools>=2",))
    shelf.add("tools", "1.0")
    shelf.add("tools", "2.0")

    error = refused("web", "tools<2")

    assert error.what == "the requirements contradict one another"
    assert "web 1.0 depends on tools>=2" in error.why


def test_a_wrong_hash_is_told(shelf, refused):
    shelf.add("web")

    assert refused("web==1.0 --hash=sha256:" + "0" * 64).what == "a package is not the one that the requirements name"


def test_missing_hashes_are_told(shelf, refused):
    shelf.add("web")
    shelf.add("tools")

    assert refused("web==1.0 --hash=sha256:" + "0" * 64, "tools").what == "hashes are missing among the requirements"


def test_an_index_that_cannot_be_reached_is_told_without_its_password(refused, monkeypatch):
    for name, value in {
        "INDEX_URL": "https://ann:geheim@127.0.0.1:9/simple",
        "CONFIG_FILE": "/dev/null",
        "RETRIES": "0",
    }.items():
        monkeypatch.setenv(f"PIP_{name}", value)
    for name in ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)

    error = refused("web")

    assert error.what == "cannot reach the package index"
    assert "geheim" not in f"{error.what} {error.why} {error.hint}"
    assert "geheim" not in pip.run(X86, "download", "-vv", "web", *X86.options, "--only-binary=:all:").text


# The cache


def test_what_was_resolved_is_not_resolved_again(shelf, made, tmp_path):
    shelf.add("web", "1.0")
    first = made("web")
    shelf.add("web", "2.0")

    assert made("web") == first
    assert made("web>0") != first
    made("web", on=ARM)
    assert len([path for path in (tmp_path / "cache/wheels").iterdir() if path.is_dir()]) == 3


def test_requirements_that_are_for_others_need_nothing(shelf, made, tmp_path):
    folder = code(tmp_path, app_py="")
    other = 'web; sys_platform == "win32"'

    assert names(made(other, folder=folder)) == ["app.py"]
    shutil.rmtree(shelf.folder)
    assert names(made(other, folder=folder)) == ["app.py"]
    assert len(list((tmp_path / "cache/wheels").glob("*.json"))) == 1


def test_functions_side_by_side_resolve_once(shelf, made, tmp_path, monkeypatch):
    shelf.add("web")
    started = []
    run = pip.run
    monkeypatch.setattr(pip, "run", lambda *a, **k: (started.append(a), run(*a, **k))[1])

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: made("web"), range(4)))

    assert len(set(found)) == 1
    assert len(started) == 1


def test_lost_wheels_are_fetched_again_as_they_were(shelf, made, tmp_path):
    shelf.add("web", "1.0")
    first = made("web")
    shelf.add("web", "2.0")
    for path in (tmp_path / "cache/wheels").iterdir():
        if path.is_dir():
            shutil.rmtree(path)
    shutil.rmtree(tmp_path / "cache/packages")

    assert made("web") == first


def test_what_is_published_no_more_is_resolved_anew(shelf, made, tmp_path):
    wheel = shelf.add("web", "1.0")
    old = made("web")
    wheel.unlink()
    shelf.add("web", "2.0")
    for path in (tmp_path / "cache/wheels").iterdir():
        if path.is_dir():
            shutil.rmtree(path)

    assert made("web") != old


@pytest.mark.parametrize("harm", ["truncated", "deleted", "torn note"])
def test_harmed_wheels_are_fetched_again(shelf, made, tmp_path, harm):
    shelf.add("web")
    first = made("web")
    (wheel,) = (tmp_path / "cache/wheels").glob("*/web-*.whl")
    (note,) = (tmp_path / "cache/wheels").glob("*.json")
    if harm == "truncated":
        wheel.write_bytes(b"")
    elif harm == "deleted":
        wheel.unlink()
    else:
        note.write_text('{"web')

    assert made("web") == first
    assert list(json.loads(note.read_text())) == ["web-1.0-py3-none-any.whl"]


def test_wheels_that_nobody_used_for_a_month_are_removed(shelf, made, tmp_path):
    shelf.add("web")
    shelf.add("tools")
    made("web")
    (folder,) = (path for path in (tmp_path / "cache/wheels").iterdir() if path.is_dir())
    os.utime(folder, (1_000_000_000, 1_000_000_000))

    made("tools")

    assert not folder.exists()


def test_a_failure_leaves_nothing_behind(shelf, refused, tmp_path):
    refused("nothing")

    assert list((tmp_path / "cache/wheels").iterdir()) == []


def test_a_cache_that_cannot_be_written_is_named(shelf, made, tmp_path):
    (tmp_path / "cache").touch()

    with pytest.raises(SlxError, match="cannot keep wheels"):
        made("web")


# This machine


def test_the_local_target_gets_wheels_for_this_machine(shelf, made):
    own = platform(f"python3.{sys.version_info.minor}", "arm64", "host")
    shelf.add("fast", tag=f"cp3{sys.version_info.minor}-cp3{sys.version_info.minor}-{_own_tag()}")
    shelf.add("web", needs=("fast", f'gone; python_version < "3.{sys.version_info.minor}"'))

    assert own.interpreter == sys.executable
    assert "fast.py" in names(made("web", on=own))


def _own_tag():
    return next(sys_tags()).platform


# Ways to pip


def test_pip_comes_with_python_where_none_is_installed(shelf, made, monkeypatch):
    bundled = pip._bundled()
    if not bundled:
        pytest.skip("this Python has no ensurepip")
    monkeypatch.setattr(pip, "start", lambda: pip.Start((sys.executable, "-I"), bundled))
    shelf.add("web")

    assert "web.py" in names(made("web"))


def test_settings_that_change_the_result_do_not_count():
    given = {
        "PIP_INDEX_URL": "a",
        "PIP_PLATFORM": "win32",
        "PIP_REQUIRE_VIRTUALENV": "1",
        "PYTHONPATH": "x",
        "PATH": "p",
    }

    found = pip._environment(given)

    assert (found["PIP_INDEX_URL"], found["PATH"]) == ("a", "p")
    assert not {"PIP_PLATFORM", "PIP_REQUIRE_VIRTUALENV", "PYTHONPATH"} & found.keys()


def test_uvs_indexes_count_where_pip_has_none():
    assert pip._environment({"UV_DEFAULT_INDEX": "a"})["PIP_INDEX_URL"] == "a"
    assert pip._environment({"UV_INDEX_URL": "a", "PIP_INDEX_URL": "b"})["PIP_INDEX_URL"] == "b"
