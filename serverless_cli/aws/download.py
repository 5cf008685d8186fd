"""Fetches what AWS hands out by a signed address (a function's package) instead of an answer."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError
from botocore.httpsession import URLLib3Session
from botocore.utils import get_environ_proxies

from serverless_cli.errors import SlxError


def download(url: str, sha256: str, path: Path) -> None:
    """Writes what is at the address to `path`, if its digest (base64, as Lambda gives it) is right.

    Raises SlxError without the address in it: whoever has that may read the package.
    """
    session = URLLib3Session(proxies=get_environ_proxies(url))
    try:
        answer = session.send(AWSRequest("GET", url).prepare())
    except (BotoCoreError, ValueError) as error:
        raise SlxError("the package could not be fetched", type(error).__name__) from None
    finally:
        session.close()
    if answer.status_code != 200 or base64.b64encode(hashlib.sha256(answer.content).digest()).decode() != sha256:
        raise SlxError("the package could not be fetched", f"AWS answered {answer.status_code}")
    path.write_bytes(answer.content)
