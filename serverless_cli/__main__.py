"""`python -m serverless_cli` is `slx`: a signal is heeded from the first moment on, while all else is imported."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType

_CANCELLED = 8
"""errors.Exit.CANCELLED: what that is in is not imported yet"""


def _leave(_number: int, _frame: FrameType | None) -> None:
    """Nothing has been begun, or all has ended: there is nothing to put in order, and nothing that could do so."""
    if "--json" in sys.argv:
        said, where = '{"error": {"what": "cancelled", "why": "", "hint": "", "exit_code": 8, "where": null}}', 1
    else:
        said, where = "error: cancelled", 2
    try:
        os.write(where, f"{said}\n".encode())
    except OSError:  # nobody reads it
        pass
    os._exit(_CANCELLED)


for _name in ("SIGINT", "SIGTERM", "SIGHUP"):  # now, as the script that imports this has something to do before `main`
    _one = getattr(signal, _name, None)
    if _one is not None and signal.getsignal(_one) is not signal.SIG_IGN:  # as nohup wants it
        signal.signal(_one, _leave)


def main() -> None:
    """The entry point. Whoever handles signals later puts these handlers back, for the time until the process ends."""
    from serverless_cli.cli.main import main as run  # noqa: PLC0415 - it takes as long as most of what comes after

    run()


if __name__ == "__main__":
    main()
