"""The embedded local target: an AWS emulator per workspace, without account, credentials or Docker.

This side is light: it finds, starts and stops the emulator, which runs in a process of its own
(`serverless_cli.local.server`) and is the only one to import ministack.
"""

from __future__ import annotations

from serverless_cli.local.client import memory_bytes, notices
from serverless_cli.local.facts import Instance, api_path_url, api_url, site_path_url, site_url
from serverless_cli.local.lifecycle import ensure, find, instances, reset, stop

__all__ = [
    "Instance",
    "api_path_url",
    "api_url",
    "ensure",
    "find",
    "instances",
    "memory_bytes",
    "notices",
    "reset",
    "site_path_url",
    "site_url",
    "stop",
]
