"""`slx open`: which address of a stack a person would want to see."""

from __future__ import annotations

from serverless_cli.app.outputs import outputs
from serverless_cli.app.settings import Settings
from serverless_cli.errors import SlxError


def address(settings: Settings, stack: str | None) -> str:
    """The output `website` or `url`; else the first that is a URL. Raises SlxError when there is none."""
    known = outputs(settings, stack)
    urls = {name: value for name, value in known.items() if value.startswith(("http://", "https://"))}
    for name in ("website", "url", *urls):
        if name in urls:
            return urls[name]
    raise SlxError("this stack has no URL to open", "none of its outputs is one", "`slx outputs` lists them")
