"""What wheels must fit: a runtime of Lambda on its processor, or this machine for the local target."""

from __future__ import annotations

import platform as machine
import sys

from serverless_cli.packaging.interpreters import interpreter_for
from serverless_cli.records import dataclass

HOST = "host"
"""the value of `Place.wheels` on the local target; empty: wheels for Lambda"""
_AMAZON_LINUX_2 = ("3.8", "3.9", "3.10", "3.11")
_OLDEST = {"x86_64": 5, "aarch64": 17}
_ALIASES = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}


@dataclass(frozen=True, slots=True)
class Platform:
    """A Python version and what it runs on. `glibc` is the minor version of Lambda's; 0 on this machine, where
    `interpreter` is the path of that Python."""

    python: str
    machine: str
    glibc: int = 0
    interpreter: str = ""

    @property
    def key(self) -> str:
        """The same for platforms that take the same wheels."""
        return f"{self.machine} {self.glibc or sys.platform} {self.python}"

    @property
    def label(self) -> str:
        """In words, for messages."""
        if not self.glibc:
            return f"Python {self.python} on this machine"
        return f"Python {self.python} on Lambda ({'arm64' if self.machine == 'aarch64' else self.machine})"

    @property
    def options(self) -> list[str]:
        """What tells pip to look for these wheels and no others, the newest form of manylinux first."""
        if not self.glibc:
            return []
        steps = range(self.glibc, _OLDEST[self.machine] - 1, -1)
        names = [name for step in steps for name in (f"manylinux_2_{step}", _ALIASES.get(step)) if name]
        tags = [f"--platform={name}_{self.machine}" for name in (*names, "linux")]
        abi = f"cp{self.python.replace('.', '')}"
        return [*tags, f"--python-version={self.python}", "--implementation=cp", f"--abi={abi}"]

    @property
    def markers(self) -> dict[str, str] | None:
        """What `; python_version < …` and the like are judged by; None where the interpreter itself knows."""
        if not self.glibc:
            return None
        return {
            "implementation_name": "cpython",
            "implementation_version": f"{self.python}.0",
            "os_name": "posix",
            "platform_machine": self.machine,
            "platform_python_implementation": "CPython",
            "platform_release": "",
            "platform_system": "Linux",
            "platform_version": "",
            "python_full_version": f"{self.python}.0",
            "python_version": self.python,
            "sys_platform": "linux",
        }


def platform(runtime: str, architecture: str, wheels: str = "") -> Platform:
    """The platform of a Python runtime; `wheels` is that of the Place."""
    if wheels == HOST:
        found = interpreter_for(runtime)
        return Platform(found.version, machine.machine().lower(), interpreter=found.path)
    python = runtime.removeprefix("python")
    # Python 3.12 and newer run on Amazon Linux 2023.
    glibc = 26 if python in _AMAZON_LINUX_2 else 34
    return Platform(python, "aarch64" if architecture == "arm64" else "x86_64", glibc)
