"""End-to-end checks: a probe, what is expected of it, and polling until it is so or the deadline ends."""

from serverless_cli.checks.permissions import needed
from serverless_cli.checks.proof import Desk, prove

__all__ = ["Desk", "needed", "prove"]
