"""Which account an access key is of, as AWS said when the key was last used on this machine.

`accounts.json` in the user's cache folder holds digests of keys and endpoints, with the account of each. A key stays
with its account, so reads need not wait to be told again; AWS is asked all the same, and heard before any write.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from serverless_cli.cached import cache_folder, keep, recall

MOST = 100
"""so many keys are remembered: temporary ones come and go every hour"""


class Accounts:
    """Those of the keys that were used against the same endpoints; empty for AWS's own."""

    def __init__(self, folder: Path | None = None) -> None:
        self._file = (folder or cache_folder("accounts")) / "accounts.json"

    def of(self, access_key: str, endpoint: str) -> str | None:
        """The account, if it is known."""
        return self._known().get(_digest(access_key, endpoint))

    def learn(self, access_key: str, endpoint: str, account: str) -> None:
        """Remembers what AWS said."""
        key, known = _digest(access_key, endpoint), self._known()
        if known.pop(key, None) != account:
            keep(self._file, dict([*known.items(), (key, account)][-MOST:]))

    def _known(self) -> dict[str, str]:
        known = recall(self._file)
        rows = known.items() if isinstance(known, dict) else ()
        return {key: one for key, one in rows if isinstance(one, str) and one.isdigit() and len(one) == 12}


def _digest(access_key: str, endpoint: str) -> str:
    return hashlib.sha256(f"{access_key}\n{endpoint}".encode()).hexdigest()[:32]
