from __future__ import annotations

import json

import pytest
from support import Answer, client, fetch

from serverless_cli import local
from serverless_cli.local import Instance


def site(instance: Instance, name: str, config: dict[str, object] | None, *, public: str = "policy") -> str:
    s3 = client(instance, "s3")
    s3.create_bucket(Bucket=name, ObjectOwnership="BucketOwnerPreferred")
    s3.put_public_access_block(
        Bucket=name,
        PublicAccessBlockConfiguration=dict.fromkeys(
            ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), False
        ),
    )
    if public == "policy":
        allow = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{name}/*"}
        s3.put_bucket_policy(Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": [allow]}))
    if config is not None:
        s3.put_bucket_website(Bucket=name, WebsiteConfiguration=config)
    return name


FULL = {"IndexDocument": {"Suffix": "index.html"}, "ErrorDocument": {"Key": "oops.html"}}


@pytest.fixture(scope="module")
def full(instance: Instance) -> str:
    name = site(instance, "full.site", FULL)
    s3 = client(instance, "s3")
    s3.put_object(
        Bucket=name,
        Key="index.html",
        Body="<h1>home</h1>",
        ContentType="text/html; charset=utf-8",
        CacheControl="no-cache",
    )
    s3.put_object(Bucket=name, Key="folder/index.html", Body="in folder", ContentType="text/html")
    s3.put_object(Bucket=name, Key="a b+ü.txt", Body="0123456789", ContentType="text/plain")
    s3.put_object(Bucket=name, Key="oops.html", Body="own error", ContentType="text/html")
    s3.put_object(Bucket=name, Key="moved", Body="", WebsiteRedirectLocation="/folder/")
    return name


def visit(instance: Instance, bucket: str, path: str, **request: object) -> Answer:
    return fetch(instance.port, path, host=f"{bucket}.s3-website.localhost", **request)  # type: ignore[arg-type]


def test_the_index_document_is_served_with_what_it_was_stored_with(instance: Instance, full: str) -> None:
    found = visit(instance, full, "/")

    assert (found.status, found.text) == (200, "<h1>home</h1>")
    assert found.headers["content-type"] == "text/html; charset=utf-8"
    assert found.headers["cache-control"] == "no-cache"
    assert found.headers["etag"].startswith('"')
    assert local.site_url(instance.port, full) == f"http://full.site.s3-website.localhost:{instance.port}"


def test_a_folder_is_redirected_to_and_has_an_index(instance: Instance, full: str) -> None:
    redirected = visit(instance, full, "/folder")

    assert (redirected.status, redirected.headers["location"]) == (302, "/folder/")
    assert visit(instance, full, "/folder/").text == "in folder"


def test_the_same_site_is_there_by_path(instance: Instance, full: str) -> None:
    base = f"/_slx/site/{full}"

    assert fetch(instance.port, f"{base}/").text == "<h1>home</h1>"
    assert fetch(instance.port, base).headers["location"] == f"{base}/"
    assert fetch(instance.port, f"{base}/folder").headers["location"] == f"{base}/folder/"
    assert fetch(instance.port, f"{base}/nothing").status == 404
    assert local.site_path_url(instance.port, full) == f"http://127.0.0.1:{instance.port}{base}/"


def test_names_with_any_characters_are_found(instance: Instance, full: str) -> None:
    assert visit(instance, full, "/a%20b+%C3%BC.txt").text == "0123456789"


def test_conditions_ranges_and_heads_are_honoured(instance: Instance, full: str) -> None:
    etag = visit(instance, full, "/").headers["etag"]

    unchanged = visit(instance, full, "/", headers={"If-None-Match": etag})
    part = visit(instance, full, "/a%20b+%C3%BC.txt", headers={"Range": "bytes=2-4"})
    head = visit(instance, full, "/", method="HEAD")

    assert (unchanged.status, unchanged.body) == (304, b"")
    assert (part.status, part.text, part.headers["content-range"]) == (206, "234", "bytes 2-4/10")
    assert (head.status, head.body, head.headers["content-length"]) == (200, b"", "13")


def test_what_is_missing_gets_the_error_document_with_404(instance: Instance, full: str) -> None:
    found = visit(instance, full, "/nothing/here")

    assert (found.status, found.text, found.headers["content-type"]) == (404, "own error", "text/html")


def test_a_stored_redirect_and_other_methods(instance: Instance, full: str) -> None:
    moved, posted = visit(instance, full, "/moved"), visit(instance, full, "/", method="POST", body=b"x")

    assert (moved.status, moved.headers["location"]) == (301, "/folder/")
    assert posted.status == 405
    assert "Code: MethodNotAllowed" in posted.text


def test_without_an_error_document_s3s_own_page_says_what_is_wrong(instance: Instance) -> None:
    bare = site(instance, "bare-site", {"IndexDocument": {"Suffix": "index.html"}})
    lost = site(instance, "lost-error", {**FULL, "ErrorDocument": {"Key": "not-there.html"}})

    missing = visit(instance, bare, "/x<y>")

    assert missing.status == 404
    assert "<h1>404 Not Found</h1>" in missing.text
    assert "Code: NoSuchKey" in missing.text
    assert "Key: x&lt;y&gt;" in missing.text
    assert missing.headers["content-type"] == "text/html; charset=utf-8"
    assert "Attempting to Retrieve a Custom Error Document" in visit(instance, lost, "/x").text


def test_no_bucket_and_no_configuration_are_told_apart(instance: Instance) -> None:
    site(instance, "no-config", None)

    assert "Code: NoSuchBucket" in visit(instance, "no-such-bucket", "/").text
    found = visit(instance, "no-config", "/")
    assert found.status == 404
    assert "Code: NoSuchWebsiteConfiguration" in found.text


def test_only_what_everybody_may_read_is_served(instance: Instance) -> None:
    name = site(instance, "by-acl", FULL, public="acl")
    s3 = client(instance, "s3")
    s3.put_object(Bucket=name, Key="index.html", Body="open", ACL="public-read")
    s3.put_object(Bucket=name, Key="closed.html", Body="closed")

    assert visit(instance, name, "/").text == "open"
    closed = visit(instance, name, "/closed.html")
    assert closed.status == 403
    assert "Code: AccessDenied" in closed.text
    assert visit(instance, name, "/nothing").status == 403
    assert fetch(instance.port, f"/{name}/index.html").text == "open"
    assert fetch(instance.port, "/index.html", host="by-acl.s3.localhost").text == "open"
    assert fetch(instance.port, "/closed.html", host="by-acl.localhost").status == 403
    assert fetch(instance.port, f"/{name}/closed.html").status == 403


def test_block_public_access_closes_the_site(instance: Instance) -> None:
    name = site(instance, "blocked-site", FULL)
    s3 = client(instance, "s3")
    s3.put_object(Bucket=name, Key="index.html", Body="open")
    assert visit(instance, name, "/").status == 200

    s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration={"RestrictPublicBuckets": True})

    assert visit(instance, name, "/").status == 403


def test_redirect_rules(instance: Instance) -> None:
    everything = site(instance, "all-away", {"RedirectAllRequestsTo": {"HostName": "example.org", "Protocol": "https"}})
    rules = [
        {"Condition": {"KeyPrefixEquals": "docs/"}, "Redirect": {"ReplaceKeyPrefixWith": "documents/"}},
        {
            "Condition": {"HttpErrorCodeReturnedEquals": "404"},
            "Redirect": {"ReplaceKeyWith": "index.html", "HttpRedirectCode": "302"},
        },
    ]
    ruled = site(instance, "ruled", {**FULL, "RoutingRules": rules})
    host = f"http://ruled.s3-website.localhost:{instance.port}"

    away, docs, lost = (
        visit(instance, everything, "/a/b"),
        visit(instance, ruled, "/docs/x"),
        visit(instance, ruled, "/q"),
    )

    assert (away.status, away.headers["location"]) == (301, "https://example.org/a/b")
    assert (docs.status, docs.headers["location"]) == (301, f"{host}/documents/x")
    assert (lost.status, lost.headers["location"]) == (302, f"{host}/index.html")
