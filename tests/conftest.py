"""What all tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings

from serverless_cli import secret

# How long an example takes says more about the machine than about the code.
settings.register_profile("slx", deadline=None)
settings.load_profile("slx")


@pytest.fixture(autouse=True)
def own_secrets() -> Iterator[None]:
    """What is a secret to one test may be a common word to the next one of the same process."""
    before = set(secret._GIVEN)
    yield
    secret._GIVEN.intersection_update(before)
