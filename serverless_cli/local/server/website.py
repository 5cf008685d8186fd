"""The website endpoint of S3, which ministack lacks: index and error documents, redirects, and S3's own error pages.

A request is anonymous, so an object is served only if everybody may read it.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from html import escape
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from serverless_cli.local.server import engine
from serverless_cli.local.server.asgi import Request, Response
from serverless_cli.local.server.website_rules import Redirect, Rule, Website, location, website_of
from serverless_cli.records import dataclass

_REGION = "us-east-1"
_CONDITIONS = ("range", "if-none-match", "if-match", "if-modified-since", "if-unmodified-since")
_MESSAGES = {
    "NoSuchBucket": "The specified bucket does not exist",
    "NoSuchWebsiteConfiguration": "The specified bucket does not have a website configuration",
    "NoSuchKey": "The specified key does not exist.",
    "AccessDenied": "Access Denied",
    "MethodNotAllowed": "The specified method is not allowed against this resource.",
}


@dataclass(frozen=True, slots=True)
class _Visit:
    """One request to one bucket's site; `base` is what its paths begin with, empty at the site's own host."""

    bucket: str
    owner: str
    key: str
    base: str
    request: Request


def serve(request: Request, bucket: str, path: str, base: str) -> Response:
    """The answer of the website of `bucket` to `path`, which begins with a slash and is decoded."""
    s3 = engine.Part("services.s3")
    owner = s3["_bucket_owner_account"](bucket)
    if owner is None:
        return _page(404, "NoSuchBucket", [("BucketName", bucket)])
    with engine.Part("core.responses")["request_scope"](owner, _REGION):
        document = s3["_bucket_websites"].get(bucket)
        if not document:
            return _page(404, "NoSuchWebsiteConfiguration", [("BucketName", bucket)])
        return _visit(_Visit(bucket, owner, path[1:], base, request), website_of(document))


def _visit(visit: _Visit, site: Website) -> Response:
    if visit.request.method not in ("GET", "HEAD"):
        rows = [("Method", visit.request.method), ("ResourceType", "OBJECT")]
        return _page(405, "MethodNotAllowed", rows, (("allow", "HEAD, GET"),))
    if site.redirect_all is not None:
        return _redirect(visit, Rule("", 0, site.redirect_all))
    early = next((rule for rule in site.rules if rule.holds(visit.key, 0)), None)
    if early is not None:
        return _redirect(visit, early)
    key = visit.key
    if not key or key.endswith("/"):
        key += site.index
    elif _reading(visit, key) != "" and _reading(visit, f"{key}/{site.index}") == "":
        return Response(302, (("location", f"{visit.base}/{quote(key)}/"), *_ids()))
    problem = _reading(visit, key)
    return _failed(visit, site, key, problem) if problem else _object(visit, key)


def _reading(visit: _Visit, key: str) -> str:
    """Why everybody may not read an object, as S3's code; empty when they may."""
    s3 = engine.Part("services.s3")
    exists = key in s3["_buckets"].get(visit.bucket)["objects"]
    open_to_all = s3["_foreign_bucket_allows"](visit.owner, visit.bucket, key, "GET", {}, "", {})
    if not exists and not open_to_all:
        # Who may list the bucket may know that an object is missing; others cannot tell that from a closed one.
        open_to_all = s3["_foreign_bucket_allows"](visit.owner, visit.bucket, "", "GET", {}, "", {})
    if not open_to_all:
        return "AccessDenied"
    return "" if exists else "NoSuchKey"


def _fetch(visit: _Visit, key: str, conditions: Mapping[str, str]) -> tuple[int, dict[str, Any], bytes]:
    s3 = engine.Part("services.s3")
    read = s3["_head_object"] if visit.request.method == "HEAD" else s3["_get_object"]
    status, headers, body = read(visit.bucket, key, dict(conditions), {})
    return int(status), dict(headers), body


def _object(visit: _Visit, key: str) -> Response:
    given = visit.request.headers
    conditions = {name: given[name] for name in _CONDITIONS if name in given}
    status, headers, body = _fetch(visit, key, conditions)
    moved = {name.lower(): value for name, value in headers.items()}.get("x-amz-website-redirect-location")
    if moved:
        return Response(301, (("location", visit.base + moved if moved.startswith("/") else moved), *_ids()))
    return Response(status, _shown(headers), body)


def _shown(headers: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return (*((name.lower(), str(value)) for name, value in headers.items()), *_ids())


def _failed(visit: _Visit, site: Website, key: str, code: str) -> Response:
    status = 404 if code == "NoSuchKey" else 403
    late = next((rule for rule in site.rules if rule.holds(visit.key, status)), None)
    if late is not None:
        return _redirect(visit, late)
    rows = [("Key", key)] if code == "NoSuchKey" else []
    if not site.error:
        return _page(status, code, rows)
    problem = _reading(visit, site.error)
    if problem:
        return _page(status, code, rows, about=(problem, site.error))
    _, headers, body = _fetch(visit, site.error, {})
    return Response(status, _shown(headers), body)


def _redirect(visit: _Visit, rule: Rule) -> Response:
    redirect: Redirect = rule.redirect
    if visit.base and not redirect.host:
        target = location(redirect, "", visit.key, rule.prefix).partition(":///")[2]
        return Response(redirect.code, (("location", f"{visit.base}/{quote(target)}"), *_ids()))
    target = location(redirect, visit.request.host, quote(visit.key), rule.prefix)
    return Response(redirect.code, (("location", target), *_ids()))


def _ids() -> tuple[tuple[str, str], ...]:
    return (("server", "AmazonS3"), ("x-amz-request-id", secrets.token_hex(8).upper()))


def _page(
    status: int,
    code: str,
    rows: list[tuple[str, str]],
    headers: tuple[tuple[str, str], ...] = (),
    about: tuple[str, str] | None = None,
) -> Response:
    """S3's own page for an error; `about` is what went wrong with the site's error document, and its key."""
    title = f"{status} {HTTPStatus(status).phrase}"
    ids = _ids()
    listed = [("Code", code), ("Message", _MESSAGES[code]), *rows, ("RequestId", ids[1][1]), ("HostId", "slx-local")]
    body = f"<h1>{title}</h1>\n{_list(listed)}"
    if about is not None:
        problem, key = about
        inner = [("Code", problem), ("Message", _MESSAGES[problem]), ("Key", key)]
        body += f"<h3>An Error Occurred While Attempting to Retrieve a Custom Error Document</h3>\n{_list(inner)}"
    page = f"<html>\n<head><title>{title}</title></head>\n<body>\n{body}<hr/>\n</body>\n</html>\n"
    shown = (("content-type", "text/html; charset=utf-8"), ("x-amz-error-code", code), *headers, *ids)
    return Response(status, shown, page.encode())


def _list(rows: list[tuple[str, str]]) -> str:
    items = "".join(f"<li>{name}: {escape(value)}</li>\n" for name, value in rows)
    return f"<ul>\n{items}</ul>\n"
