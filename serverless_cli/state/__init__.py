"""What slx remembers of a stack between runs: a cache and a crash log; losing it loses nothing."""

from serverless_cli.state.journal import Journal
from serverless_cli.state.lease import Holder, Lease
from serverless_cli.state.lock import lock
from serverless_cli.state.store import FileStore, StackKey, Store

__all__ = ["FileStore", "Holder", "Journal", "Lease", "StackKey", "Store", "lock"]
