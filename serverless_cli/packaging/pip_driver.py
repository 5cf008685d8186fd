"""Runs pip with another platform's environment markers. Started as a script; imports nothing of slx.

With `--platform`, pip picks that platform's wheels, but judges `; python_version < "3.12"` and `; sys_platform == …`
by the Python that it runs on, so that the same requirements would resolve differently from machine to machine.
Arguments: the markers as JSON (or `null`), the folder or zip that has pip (or nothing), then pip's own.
"""

from __future__ import annotations

import json
import runpy
import sys


def main() -> None:
    markers, home, *arguments = sys.argv[1:]
    if home:
        sys.path.insert(0, home)
    environment = json.loads(markers)
    if environment is not None:
        from pip._vendor.packaging import markers as judge  # noqa: PLC0415 - its folder is only now on the path

        if not hasattr(judge, "default_environment"):
            sys.exit("ERROR: this release of pip judges environment markers in a way that slx does not know")
        judge.default_environment = lambda: dict(environment)
    sys.argv = ["pip", *arguments]
    runpy.run_module("pip", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
