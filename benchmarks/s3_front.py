"""The rig's S3 stand-in, taught what a bucket is: `python -m benchmarks.s3_front S3STUB.PY LATENCY_MS`.

The stand-in knows objects only. A tool that makes the bucket, too, needs its settings read back as they were put, and
ETags that are the MD5 of what was uploaded, or of its parts' MD5s. Prints the port that it listens on.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import sys
from pathlib import Path
from typing import Any

from benchmarks.tls_front import end_with_parent

SETTINGS = frozenset({"tagging", "ownershipControls", "publicAccessBlock", "website", "versioning", "acl", "policy"})
NONE = {"tagging": "NoSuchTagSet", "website": "NoSuchWebsiteConfiguration", "policy": "NoSuchBucketPolicy",
        "ownershipControls": "OwnershipControlsNotFoundError",
        "publicAccessBlock": "NoSuchPublicAccessBlockConfiguration"}  # fmt: skip
EMPTY = {"acl": b"<AccessControlPolicy><AccessControlList/></AccessControlPolicy>",
         "versioning": b"<VersioningConfiguration/>"}  # fmt: skip
Answer = tuple[int, dict[str, str], bytes]
buckets: dict[str, dict[str, bytes]] = {}
parts: dict[str, dict[int, bytes]] = {}
"""MD5s by key and number, of uploads that are not complete"""


def _error(code: str) -> Answer:
    return 404, {}, f"<Error><Code>{code}</Code><Message>none</Message></Error>".encode()


def _bucket(method: str, name: str, query: dict[str, Any], body: bytes) -> Answer | None:
    """The answer to a call on a bucket as such, or on none; None for a listing."""
    asked = next(iter(SETTINGS & set(query)), "")
    if method == "PUT" and not asked:
        known = buckets.setdefault(name, {})
        if tags := b"".join(re.findall(rb"<Tag>.*?</Tag>", body, re.DOTALL)):
            known["tagging"] = b"<Tagging><TagSet>" + tags + b"</TagSet></Tagging>"
        return 200, {}, b""
    if not name:
        return 200, {}, b"<ListAllMyBucketsResult><Buckets/></ListAllMyBucketsResult>"
    if name not in buckets:
        return _error("NoSuchBucket")
    return _setting(method, buckets[name], asked, body) if asked else None


def _setting(method: str, settings: dict[str, bytes], asked: str, body: bytes) -> Answer:
    if method == "PUT" and body:
        settings[asked] = body
    if method != "GET":
        return 200, {}, b""
    found = settings.get(asked) or EMPTY.get(asked)
    return (200, {}, found) if found else _error(NONE[asked])


def teach(stub: dict[str, Any]) -> None:
    """Puts this module's answers before those of the stand-in, whose module's names these are."""
    plain = stub["answer"]

    def answer(method: str, path: str, query: dict[str, Any], body: bytes) -> Answer:
        name, _, key = path.lstrip("/").partition("/")
        if not key:
            own = _bucket(method, name, query, body)
            return own if own is not None else plain(method, path, query, body)
        status, headers, text = plain(method, path, query, body)
        md5, stored = hashlib.md5(body, usedforsecurity=False), stub["unquote"](key)
        if method == "PUT" and "partNumber" in query:
            parts.setdefault(stored, {})[int(query["partNumber"][0])] = md5.digest()
        elif method == "PUT":
            stub["store"][stored] = (len(body), md5.hexdigest(), stub["store"][stored][2])
            headers = {**headers, "ETag": f'"{md5.hexdigest()}"'}
        elif method == "POST" and "uploadId" in query:
            digests = [digest for _, digest in sorted(parts.pop(stored).items())]
            whole = hashlib.md5(b"".join(digests), usedforsecurity=False).hexdigest()
            size, _, date = stub["store"][stored]
            stub["store"][stored] = (size, f"{whole}-{len(digests)}", date)
        return status, headers, text

    stub["answer"] = answer


async def _main(stub: dict[str, Any], latency_ms: float) -> None:
    stub["LATENCY"] = latency_ms / 1000
    server = await asyncio.start_server(stub["serve"], "127.0.0.1", 0, limit=1 << 20, backlog=256)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    end_with_parent()
    source = Path(sys.argv[1]).read_text().replace("asyncio.run(main())", "")
    module: dict[str, Any] = {"__name__": "s3stub"}
    exec(compile(source, sys.argv[1], "exec"), module)
    teach(module)
    asyncio.run(_main(module, float(sys.argv[2])))
