"""Takes secrets out of what AWS and botocore say: both echo what they were sent."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from serverless_cli.secret import Secret, hushed

_MASK = "***"

_ECHOES = (
    # Lambda's answer to an environment of more than 4 KB repeats all of it (aws-semantics 3.1).
    (re.compile(r"String measured:.*", re.DOTALL), f"String measured: {_MASK}"),
    # AWS's validation: Value '{KEY=value}' at 'environment.variables' failed to satisfy constraint ...
    (re.compile(r"Value '.*?' (?=at '[^']*environment)", re.DOTALL | re.IGNORECASE), f"Value '{_MASK}' "),
    # botocore's own: Invalid type for parameter Environment.Variables.KEY, value: 5, type: ...
    (
        re.compile(
            r"(parameter \S*(?:environment|secret|password|token)\S*, value: ).*?(?=, type:|\n|$)", re.IGNORECASE
        ),
        rf"\g<1>{_MASK}",
    ),
)  # fmt: skip


def scrub(message: str, parameters: Mapping[str, Any]) -> str:
    """The message without any Secret among the parameters, and without the parts that are known to echo values."""
    for pattern, instead in _ECHOES:
        message = pattern.sub(instead, message)
    # The longest first: one secret may be the beginning of another.
    for secret in sorted(set(_secrets(parameters)), key=len, reverse=True):
        message = message.replace(secret, _MASK)
    # What was put together on the way to the call is no Secret any more; the process still knows what it was given.
    return hushed(message)


def _secrets(value: object) -> Iterator[str]:
    """The texts of all Secrets in a value, as they are and as they look inside JSON."""
    if isinstance(value, Secret) and value:
        yield str.__str__(value)
        yield json.dumps(str.__str__(value))[1:-1]
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _secrets(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _secrets(inner)
