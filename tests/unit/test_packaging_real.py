"""Real packages from the index that pip is configured for."""

import importlib.util
import shutil
import subprocess
import sys
import zipfile

import pytest

from serverless_cli.errors import SlxError
from serverless_cli.packaging import Needs, package, pip
from serverless_cli.packaging.cache import Cache
from serverless_cli.packaging.platforms import platform

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def index(tmp_path_factory):
    folder = tmp_path_factory.mktemp("probe")
    tried = pip.run(platform("python3.13", "x86_64"), "download", "--no-deps", f"--dest={folder}", "six==1.17.0")
    if not tried.ok:
        pytest.skip("the package index cannot be reached")


@pytest.fixture
def made(tmp_path):
    def make(*requirements, runtime="python3.13", architecture="x86_64", wheels="", cache=None):
        needs = Needs(requirements, platform(runtime, architecture, wheels))
        return package(None, needs=needs, cache=cache or Cache(tmp_path / "cache/packages"))

    return make


def names(made):
    with zipfile.ZipFile(made.path) as archive:
        assert archive.testzip() is None
        return archive.namelist()


@pytest.mark.parametrize(
    ("runtime", "architecture", "ending"),
    [
        ("python3.13", "x86_64", ".cpython-313-x86_64-linux-gnu.so"),
        ("python3.13", "arm64", ".cpython-313-aarch64-linux-gnu.so"),
        ("python3.12", "arm64", ".cpython-312-aarch64-linux-gnu.so"),
        ("python3.11", "x86_64", ".cpython-311-x86_64-linux-gnu.so"),
    ],
)
def test_compiled_packages_fit_the_runtime_and_its_processor(made, runtime, architecture, ending):
    found = names(made("pillow", runtime=runtime, architecture=architecture))

    compiled = [name for name in found if name.startswith("PIL/") and ".cpython-" in name]
    assert f"PIL/_imaging{ending}" in compiled
    assert all(name.endswith(ending) for name in compiled)
    assert not any(name.endswith(("/RECORD", "/INSTALLER", "/direct_url.json", ".pyc")) for name in found)


def test_pure_packages_are_the_same_on_every_processor(made):
    one, other = made("six==1.17.0", "idna==3.10"), made("six==1.17.0", "idna==3.10", architecture="arm64")

    assert one == other
    assert {"six.py", "idna/core.py"} <= set(names(one))


def test_two_machines_make_the_same_bytes(made, tmp_path):
    one = made("pillow==12.0.0", cache=Cache(tmp_path / "a/packages"))
    other = made("pillow==12.0.0", cache=Cache(tmp_path / "b/packages"))

    assert one.path != other.path
    assert one.sha256 == other.sha256


def test_a_version_without_a_fitting_wheel_is_named_with_what_would_fit(made):
    with pytest.raises(SlxError, match=r"no wheel of pillow==9\.0\.0 fits Python 3\.13 on Lambda") as caught:
        made("pillow==9.0.0")

    assert "there are wheels that fit of: 10.4.0" in caught.value.why


def test_a_package_without_wheels_is_named(made):
    with pytest.raises(SlxError, match="no wheel of docopt fits") as caught:
        made("docopt")

    assert "published as source only" in caught.value.why


def test_a_package_that_there_is_not_is_named(made):
    with pytest.raises(SlxError, match="there is no package slx-no-such-package-at-all"):
        made("slx-no-such-package-at-all")


def test_what_is_packaged_for_this_machine_runs_on_it(made, tmp_path):
    wheels = made("markupsafe", runtime=f"python3.{sys.version_info.minor}", wheels="host")
    with zipfile.ZipFile(wheels.path) as archive:
        archive.extractall(tmp_path / "unpacked")

    code = "import sys; sys.path.insert(0, 'unpacked'); from markupsafe import _speedups; print(_speedups.__file__)"
    done = subprocess.run([sys.executable, "-I", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)

    assert "unpacked" in done.stdout


def test_uv_brings_pip_where_there_is_none(made, monkeypatch, tmp_path):
    uv = shutil.which("uv")
    if uv is None:
        pytest.skip("uv is not installed")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    pip.start.cache_clear()
    try:
        way = pip.start()
        tried = pip.run(platform("python3.13", "x86_64"), "--version")
    finally:
        pip.start.cache_clear()

    assert way.command[0] == uv
    if not tried.ok:
        pytest.skip("uv is not configured for an index that can be reached")
    assert tried.text.startswith("pip ")
