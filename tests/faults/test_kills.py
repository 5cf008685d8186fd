"""Killed on the way, by SIGKILL at an API call: a sample of what `matrix.py kills` tries at every one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import lives
import pytest
from kills import Point, Scene, Seen
from rig import SCALE, Aws, Folder

pytestmark = pytest.mark.strict

LAST = 999
"""more calls than any command makes: polling lets their number differ from run to run"""


@pytest.fixture(scope="module")
def scene(proxy: Aws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """One for all points: an undisturbed stack is looked at once."""
    with pytest.MonkeyPatch.context() as patch:
        into = tmp_path_factory.mktemp("killed")
        for name, value in Folder(into, proxy, lives.REGION).environment.items():
            patch.setenv(name, value)
        patch.setenv("XDG_CACHE_HOME", str(into / "cache"))
        patch.delenv("AWS_PROFILE", raising=False)
        yield Scene(proxy, into, SCALE)
        proxy.reset()


@pytest.mark.parametrize(
    "point",
    [
        # The bucket is there, its mark is not: only the journal says whose it is.
        "website:up:32:before:up",
        "website:up:34:after:down",
        "website:update:44:after:down",
        "website:down:38:after:up",
        # All is gone, and that has not been proven yet: a record of nothing is left.
        f"website:down:{LAST}:before:down",
        "banking:up:120:before:up",
        "banking:update:97:after:down",
    ],
)
def test_what_a_killed_command_leaves_is_taken_up_or_down_by_the_next(scene: Scene, point: str):
    seen = killed(scene, Point.parse(point))

    assert seen.killed
    assert seen.trouble == []


def killed(scene: Scene, point: Point) -> Seen:
    """What comes of the point, or of one near it.

    What AWS's rules refuse is never carried out: then a call later. And a command may be over before: then its last one.
    """
    for _ in range(5):
        seen = scene.attempt(point)
        if seen.killed:
            break
        point = replace(point, call=seen.made if seen.over else point.call + 1)
    return seen
