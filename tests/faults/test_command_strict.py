"""The command itself, as a process, against what behaves like AWS."""

from __future__ import annotations

import pytest
from rig import Folder

pytestmark = pytest.mark.strict


def test_up_and_down_as_a_user_runs_them(website: Folder):
    up = website.slx("up", "--yes", "--no-checks")
    again = website.slx("up", "--yes", "--no-checks")
    down = website.slx("down", "--yes")

    assert [up.returncode, again.returncode, down.returncode] == [0, 0, 0], up.stderr + again.stderr + down.stderr
    assert "Traceback" not in up.stderr + again.stderr + down.stderr
    assert website.aws.left(website.region) == {}
    assert website.aws.violations == []


def test_refusals_have_their_exit_codes_and_no_traceback(website: Folder):
    website.aws.reset(
        fail=["sts.GetCallerIdentity:ExpiredToken:9:The security token included in the request is expired"]
    )

    done = website.slx("plan")

    assert done.returncode == 3
    assert "expired" in done.stderr
    assert "Traceback" not in done.stderr
