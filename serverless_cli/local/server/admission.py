"""Who may reach ministack: requests signed with a key of this instance, and the public part of S3.

ministack takes an unsigned request, the key `test` and any 12 digits for the account's root, and answers its own
endpoints to everyone; both are closed here, before it sees the request. The signature itself it checks later.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from serverless_cli.local.server import engine
from serverless_cli.local.server.address import Address, Plane
from serverless_cli.local.server.asgi import Request, Response

_UNKNOWN_KEY = "The security token included in the request is invalid."


def refusal(request: Request, where: Address, account: str) -> Response | None:
    """Why a request may not reach ministack, as AWS words it; None when it may."""
    query = parse_qs(request.query, keep_blank_values=True)
    router = engine.Part("core.router")
    service = str(router["detect_service"](request.method, request.path, dict(request.headers), query))
    key = str(router["extract_access_key_id"](dict(request.headers), query))
    if request.path.startswith("/_"):
        return _plain(403, "not open")
    if service == "s3" and _is_object_traffic(request, where, query, key):
        return _bucket_missing(request, where) if not key else _known(key, service, request, account)
    if _from_a_page(request):
        return _plain(403, "the AWS endpoints do not answer web pages")
    if not key and _confirms(request, query):
        return None
    if not key:
        return _error(service, request, "MissingAuthenticationToken", "Request is missing Authentication Token")
    return _known(key, service, request, account)


def _confirms(request: Request, query: Mapping[str, list[str]]) -> bool:
    """The link in SNS's message to a web page: the token in it is the permission, on AWS too."""
    return request.method == "GET" and query.get("Action") == ["ConfirmSubscription"] and bool(query.get("Token"))


def _from_a_page(request: Request) -> bool:
    # Browsers set Sec-Fetch-Site on every request; `none` is a person who typed the address.
    return "origin" in request.headers or request.headers.get("sec-fetch-site", "none") != "none"


def _bucket_and_key(request: Request, where: Address) -> tuple[str, str]:
    if where.plane is Plane.BUCKET:
        return where.name, request.path.lstrip("/")
    bucket, _, key = request.path.lstrip("/").partition("/")
    return bucket, key


def _is_object_traffic(request: Request, where: Address, query: Mapping[str, list[str]], key: str) -> bool:
    """What S3 lets a browser do: presigned URLs, signed forms, reading what is public, and asking whether it may."""
    if "authorization" in request.headers:
        return False
    bucket, _ = _bucket_and_key(request, where)
    if not bucket:
        return False
    if key:
        return "X-Amz-Signature" in query or "Signature" in query
    form = request.headers.get("content-type", "").startswith("multipart/form-data")
    return request.method in ("GET", "HEAD", "OPTIONS") or (request.method == "POST" and form)


def _bucket_missing(request: Request, where: Address) -> Response | None:
    bucket, _ = _bucket_and_key(request, where)
    if engine.Part("services.s3")["_bucket_owner_account"](bucket) is not None:
        return None
    return _error("s3", request, "NoSuchBucket", "The specified bucket does not exist", status=404)


def _known(key: str, service: str, request: Request, account: str) -> Response | None:
    evaluator = engine.Part("core.iam_evaluator")
    owner = engine.Part("core.responses")["_account_from_sts_session"](key) or account
    if isinstance(evaluator["resolve_credential"](key, owner), evaluator["ResolvedCredential"]):
        return None
    return _error(service, request, "UnrecognizedClientException", _UNKNOWN_KEY)


def _plain(status: int, text: str) -> Response:
    return Response(status, (("content-type", "application/json"),), json.dumps({"message": text}).encode())


def _error(service: str, request: Request, code: str, message: str, status: int = 403) -> Response:
    """An error in the protocol that the caller speaks, so that every SDK shows its code."""
    if service == "s3":
        if code == "UnrecognizedClientException":
            code, message = "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records."
        elif code == "MissingAuthenticationToken":
            code, message = "AccessDenied", "Access Denied"
        xml = f"<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
        return _xml(status, xml)
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        code = "InvalidClientTokenId" if code == "UnrecognizedClientException" else code
        inner = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
        return _xml(status, f"<ErrorResponse>{inner}</ErrorResponse>")
    body = json.dumps({"__type": code, "message": message}).encode()
    return Response(status, (("content-type", "application/x-amz-json-1.1"), ("x-amzn-errortype", code)), body)


def _xml(status: int, body: str) -> Response:
    document = f'<?xml version="1.0" encoding="UTF-8"?>\n{body}'.encode()
    return Response(status, (("content-type", "application/xml"),), document)
