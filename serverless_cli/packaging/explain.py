"""What pip said when it gave up -> what a user should know: which package, why, and what would fit."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from serverless_cli.errors import SlxError
from serverless_cli.packaging.platforms import Platform

_NONE_FITS = re.compile(
    r"Could not find a version that satisfies the requirement (.+?)(?: \(from (?!versions)(.+?)\))? "
    r"\(from versions: (.*?)\)"
)
_SKIPPED = re.compile(r"Skipping link: none of the wheel's tags .*?([^/\s#]+\.whl)")
_SOURCE = re.compile(r"Skipping link: No sources permitted for .*?([^/\s#]+\.(?:tar\.gz|zip|tar\.bz2|tgz))")
_PYTHON = re.compile(r"(?:Link|link) requires a different Python \(.+? not in: '(.+?)'\)")
_NETWORK = re.compile(
    r"Could not fetch URL \S+: (connection error|There was a problem confirming the ssl certificate|timed out)"
    r"|NewConnectionError|ConnectTimeout|NameResolutionError|Temporary failure in name resolution"
    r"|ProxyError|ReadTimeout"
)
_LOGIN = re.compile(r"(?:Could not fetch URL|ERROR: HTTP error) .*?\b(401|403)\b", re.IGNORECASE)
_CAUSE = re.compile(r"The conflict is caused by:\n((?:[ ]{4}.+\n?)+)")
_URL = re.compile(r"([a-z]+://[^/\s]*)\S*")
"""of an address only the host is shown: a path may hold a token"""
_SYSTEMS = {
    "manylinux": "Linux", "linux": "Linux", "musllinux": "Alpine Linux", "macosx": "macOS", "win": "Windows",
    "any": "any system",
}  # fmt: skip


def explain(said: str, more: Callable[[], str], platform: Platform) -> SlxError:
    """The error for a run of pip that failed; `more` runs it again with all details, when they are needed."""
    if cause := _CAUSE.search(said):
        why = "; ".join(line.strip() for line in cause[1].splitlines() if line.strip())
        return SlxError("the requirements contradict one another", why, "loosen one of them, or name another version")
    if "DO NOT MATCH THE HASHES" in said:
        why = _about_hashes(said)
        hint = "correct the hash; if it was right before, somebody may have tampered with the package"
        return SlxError("a package is not the one that the requirements name", why, hint)
    if "--require-hashes mode" in said:
        why = "one requirement has a hash, so all need a version and a hash, and so do the packages that these need"
        hint = "let a tool write them all: `uv pip compile --generate-hashes`, or `pip-compile --generate-hashes`"
        return SlxError("hashes are missing among the requirements", why, hint)
    if found := _NONE_FITS.search(said):
        return _none_fits(found, more(), platform)
    if _NETWORK.search(said):
        return _no_network()
    return SlxError("cannot resolve the requirements", _last(said), "try the same with `pip download`, to see more")


def _none_fits(found: re.Match[str], said: str, platform: Platform) -> SlxError:
    wanted, by, versions = found.groups()
    name = re.split(r"[^\w.-]", wanted, maxsplit=1)[0]
    fitting = [] if versions == "none" else versions.split(", ")
    if not fitting and _LOGIN.search(said):
        why = "the package index asks for a login, or refuses the one that it got"
        return SlxError(f"cannot look up {name}", why, "see to the index and its login in pip's configuration")
    if not fitting and _NETWORK.search(said):
        return _no_network()
    whose = f" (needed by {_parent(by)})" if by and not by.startswith("-r") else ""
    why, hint = _would_fit(name, wanted, fitting, said, platform)
    if not why:
        return SlxError(f"there is no package {name}{whose}", "the package index has nothing of that name", hint)
    return SlxError(f"no wheel of {wanted}{whose} fits {platform.label}", why, hint)


def _would_fit(name: str, wanted: str, fitting: list[str], said: str, platform: Platform) -> tuple[str, str]:
    """Why none fits, and what would; the first is empty when there is nothing of that name at all."""
    if fitting:
        versions = ", ".join(_nearest(wanted, fitting))
        return f"there are wheels that fit of: {versions}{_pre(fitting)}", f"ask for one of these versions of {name}"
    if skipped := sorted(set(_SKIPPED.findall(said))):
        return f"its wheels are for {_tags(skipped)}", _other_platform(skipped, platform)
    if _SOURCE.search(said):
        why = "it is published as source only, and what is built here would fit this machine, not Lambda"
        return why, f"look for a package like {name} that has wheels, or put its code into the folder"
    if python := _PYTHON.search(said):
        return f"it wants Python {python[1]}", "choose another runtime, or another version"
    return "", "check its name"


def _parent(chain: str) -> str:
    return chain.partition("->")[0].strip()


def _nearest(wanted: str, fitting: list[str]) -> list[str]:
    """The fitting versions around the one that was named; the newest ones if none was."""
    from packaging.version import InvalidVersion, Version  # noqa: PLC0415 - only for errors

    named = re.search(r"[=<>~]=?=?\s*([\w.!+]+)", wanted)
    try:
        ordered = sorted(fitting, key=Version)
        target = Version(named[1]) if named else None
    except InvalidVersion:
        return fitting[-3:]
    if target is None:
        return ordered[-3:]
    below = [one for one in ordered if Version(one) < target]
    above = [one for one in ordered if Version(one) > target]
    return [*below[-1:], *above[:1], *above[1:][-1:]]


def _pre(fitting: list[str]) -> str:
    return "" if all(re.fullmatch(r"[\d.!]+(\.?post\d+)?", one) for one in fitting) else "; pre-releases must be named"


def _tags(wheels: Iterable[str]) -> str:
    """For which Pythons and systems there are wheels, in words."""
    pythons: set[str] = set()
    systems: set[str] = set()
    for wheel in wheels:
        _, python, _, tags = wheel.removesuffix(".whl").rsplit("-", 3)
        pythons.update(_python(one) for one in python.split("."))
        systems.update(_system(one) for one in tags.split("."))
    ordered = sorted(pythons, key=lambda one: [int(part) if part.isdigit() else 0 for part in one.split(".")])
    return f"{', '.join(sorted(systems))}; Python {', '.join(ordered)}"


def _python(tag: str) -> str:
    found = re.fullmatch(r"[a-z]+(\d)(\d*)", tag)
    return ".".join(filter(None, found.groups())) if found else tag


def _system(tag: str) -> str:
    kind = next((name for prefix, name in _SYSTEMS.items() if tag.startswith(prefix)), tag)
    arm = re.search(r"(aarch64|arm64)$", tag)
    intel = re.search(r"(x86_64|amd64|intel)$", tag)
    return f"{kind} (arm64)" if arm else f"{kind} (x86_64)" if intel else kind


def _other_platform(wheels: list[str], platform: Platform) -> str:
    abi = f"cp{platform.python.replace('.', '')}"
    other, word = ("x86_64", "x86_64") if platform.machine == "aarch64" else ("aarch64", "arm64")
    if platform.glibc and any(abi in wheel and "manylinux" in wheel and other in wheel for wheel in wheels):
        return f"`architecture: {word}` would fit"
    if platform.glibc and any("manylinux" in wheel and platform.machine in wheel for wheel in wheels):
        return "choose a runtime or a version for which there is one"
    return "choose another version, or a package like it that has wheels for Linux"


def _about_hashes(said: str) -> str:
    lines = [line.strip() for line in said.partition("DO NOT MATCH THE HASHES")[2].splitlines()[1:6] if line.strip()]
    return _URL.sub(r"\1/…", re.sub(r"\s+", " ", " ".join(lines)))[:300]


def _no_network() -> SlxError:
    return SlxError(
        "cannot reach the package index",
        "pip could not connect",
        "check the network, and the index and proxy in pip's configuration (`pip config list`)",
    )


def _last(said: str) -> str:
    lines = [line.removeprefix("ERROR: ") for line in said.splitlines() if line.startswith("ERROR: ")]
    return _URL.sub(r"\1/…", lines[0])[:300] if lines else "pip failed without saying why"
