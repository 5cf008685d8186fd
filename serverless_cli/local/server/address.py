"""Which of the emulator's endpoints a Host header names."""

from __future__ import annotations

import re
from enum import Enum

from serverless_cli.records import dataclass


class Plane(Enum):
    """The kinds of endpoints: the plain host, and the data planes that have hosts of their own."""

    PLAIN = "plain"
    SITE = "site"
    API = "api"
    BUCKET = "bucket"
    FUNCTION = "function"


@dataclass(frozen=True, slots=True)
class Address:
    """`name` is the bucket of a site or bucket host, the id of an API or of a function's URL, else empty."""

    plane: Plane
    name: str = ""


_PLAIN = {"127.0.0.1", "localhost", "[::1]"}
_HOSTS = (
    (Plane.SITE, re.compile(r"(?P<name>.+)\.s3-website([.-][a-z0-9-]+)?")),
    (Plane.API, re.compile(r"(?P<name>[a-z0-9]+)\.execute-api(\.[a-z0-9-]+)?")),
    (Plane.FUNCTION, re.compile(r"(?P<name>[a-z0-9-]+)\.lambda-url\.[a-z0-9-]+")),
    (Plane.BUCKET, re.compile(r"(?P<name>[a-z0-9][a-z0-9.-]+?)(\.s3([.-][a-z0-9-]+)?)?")),
)


def address(host: str, port: int) -> Address | None:
    """The endpoint that `host` names; None for a host that is not this instance's.

    A web page can reach a loopback port under a name of its own whose address it changes (DNS rebinding);
    the browser then sends that name as Host. So only names that always mean this machine are served.
    """
    name, _, given = host.rpartition(":") if re.search(r":\d+$", host) else (host, "", "80")
    if given != str(port):
        return None
    if name in _PLAIN:
        return Address(Plane.PLAIN)
    label, _, domain = name.rpartition(".")
    if domain != "localhost" or not label:
        return None
    for plane, pattern in _HOSTS:
        found = pattern.fullmatch(label)
        if found:
            return Address(plane, found["name"])
    return None
