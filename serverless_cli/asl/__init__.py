"""The Amazon States Language: whether a definition is sound, and which calls of AWS it makes. Pure: no input or output.

The facts are those of the language's specification (states-language.net) and of the Step Functions developer guide.
"""

from __future__ import annotations

from serverless_cli.asl.calls import Call, calls
from serverless_cli.asl.validate import validate
from serverless_cli.finding import Finding

__all__ = ["Call", "Finding", "calls", "validate"]
