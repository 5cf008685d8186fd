"""Every row of the suite: rows.py has those of the website, each further file those of one family of kinds."""

from __future__ import annotations

import rows_code
from rows import ROWS as WEBSITE
from rows_events import EVENTS
from rows_messaging import MESSAGING
from rows_state_machine import STATE_MACHINE
from rows_streams import STREAM_ROWS
from rows_table import TABLE

ROWS = (*WEBSITE, *rows_code.ROWS, TABLE, *MESSAGING, STATE_MACHINE, *EVENTS, *STREAM_ROWS)

ONE_PER_STACK = frozenset({"packages"})
"""kinds that no row fits, because a stack has one or none: test_conformance_packages.py has them"""
