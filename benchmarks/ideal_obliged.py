"""The yardstick for slx: the website stack by hand, as fast as boto3's own parts allow, with the obligations of slx.

`python ideal_obliged.py up|status|down`, with SITE naming the folder of handler.py and the pages. What it owes beyond
a bare script: it asks who the caller is and reads everything first, all at once; it holds a lock and puts every write
down in a journal, synced, before making it; it tags what it makes, keeps logs for 14 days, waits until the function is
active, changes one bucket and one API by one call at a time, as AWS demands; and proves after `down` that nothing is
left. It knows this one stack, and no other.
"""

# ruff: noqa: E402, SLF001
import gc

gc.disable()  # before the imports: what a process this short leaves behind is never worth a collection

import base64
import concurrent.futures as cf
import fcntl
import hashlib
import io
import json
import os
import sys
import threading
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import botocore.session
from botocore import httpsession
from botocore.config import Config
from botocore.exceptions import ClientError

SITE, NAME, BUCKET, REGION = os.environ["SITE"], "site-fn", "slx-site-bucket", "us-east-1"
GROUP, JOURNAL, LOCK = f"/aws/lambda/{NAME}", "journal.jsonl", "lock"
TRUST = {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}  # fmt: skip
CORS = {"AllowOrigins": ["*"], "AllowMethods": ["GET", "OPTIONS"], "AllowHeaders": ["content-type"], "MaxAge": 300}
WEBSITE = {"IndexDocument": {"Suffix": "index.html"}, "ErrorDocument": {"Key": "error.html"}}
OPEN = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), False)
TAGS = {"ideal:stack": "site", "ideal:stage": "dev"}
PAIRS = [{"Key": key, "Value": value} for key, value in TAGS.items()]
SETTINGS = {"Runtime": "python3.12", "Handler": "handler.handler", "MemorySize": 128, "Timeout": 10}
session, making, writing = botocore.session.get_session(), threading.Lock(), threading.Lock()
clients: dict[str, Any] = {}
contexts: dict[str, Any] = {}
pending: list[cf.Future[Any]] = []


def share_tls(client: Any) -> None:
    """One context for all connections, where botocore would read the bundle of certificates for each."""
    http = client._endpoint.http_session
    if client.meta.endpoint_url.startswith("https:"):
        if not contexts:
            contexts["one"] = httpsession.create_urllib3_context()
            contexts["one"].load_verify_locations(cafile=httpsession.get_cert_path(http._verify))
        http._manager.connection_pool_kw["ssl_context"] = contexts["one"]
        http._setup_ssl_cert = trust


def trust(pool: Any, *_: object) -> None:
    """In place of botocore's, which names the file, so that each connection loads it."""
    pool.cert_reqs, pool.ca_certs = "CERT_REQUIRED", None


def call(service: str, operation: str, **parameters: Any) -> Any:
    """The answer, or None when there is no such thing. Clients are made when first needed, one after the other."""
    if service not in clients:
        with making:
            if service not in clients:
                made = session.create_client(service, REGION, config=Config(max_pool_connections=16))
                share_tls(made)
                clients[service] = made
    try:
        return getattr(clients[service], operation)(**parameters)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if operation.startswith(("get_", "list_")) and (code.startswith("No") or "NotFound" in code):
            return None
        raise


def write(service: str, operation: str, **parameters: Any) -> Any:
    """As `call`, with its intent in the journal first, on the disk."""
    note({"begin": operation})
    return call(service, operation, **parameters)


def note(line: dict[str, Any]) -> None:
    with writing:
        os.write(journal, json.dumps(line).encode() + b"\n")
        os.fsync(journal)


def go(work: Callable[..., Any], *args: Any, **named: Any) -> "cf.Future[Any]":
    pending.append(future := pool.submit(work, *args, **named))
    return future


def drain() -> None:
    """Waits for all, for what they start, too. Raises the first error."""
    for future in pending:
        future.result()


def bundle() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("handler.py", (2020, 1, 1, 0, 0, 0)), Path(SITE, "handler.py").read_text())
    return buffer.getvalue()


def pages() -> dict[str, bytes]:
    found = [path for path in Path(SITE).iterdir() if path.suffix == ".html"]
    return {path.name: path.read_bytes() for path in found}


def remembered() -> str:
    """The API's id from the journal; empty when no stack is up."""
    lines = map(json.loads, Path(JOURNAL).read_text().splitlines())
    return next((line["api"] for line in lines if "api" in line), "")


def look(api: str) -> dict[str, "cf.Future[Any]"]:
    """Every first read at once; the caller's identity among them, its client first as its answer decides the rest."""
    asked = {"who": go(call, "sts", "get_caller_identity")}
    one, role, bucket = {"ApiId": api}, {"RoleName": NAME}, {"Bucket": BUCKET}
    reads = [
        ("iam", "get_role", role), ("iam", "list_attached_role_policies", role),
        ("iam", "get_role_policy", {**role, "PolicyName": "logs"}),
        ("logs", "describe_log_groups", {"logGroupNamePrefix": GROUP}),
        ("lambda", "get_function", {"FunctionName": NAME}), ("lambda", "get_policy", {"FunctionName": NAME}),
        *((("apigatewayv2", f"get_{part}", one) for part in ("api", "integrations", "routes", "stages")) if api
          else [("apigatewayv2", "get_apis", {})]),
        *(("s3", f"get_{part}", bucket) for part in (
            "bucket_tagging", "bucket_ownership_controls", "public_access_block", "bucket_acl", "bucket_website")),
        ("s3", "list_objects_v2", bucket),
    ]  # fmt: skip
    return asked | {operation: go(call, service, operation, **given) for service, operation, given in reads}


def changed(found: dict[str, Any]) -> set[str]:
    """What is not as wanted; a look at every setting."""
    function, route, role = found["get_function"], found["get_routes"]["Items"], found["get_role"]["Role"]
    etags = {one["Key"]: one["ETag"].strip('"') for one in (found["list_objects_v2"] or {}).get("Contents", ())}
    right = {
        "role": role["AssumeRolePolicyDocument"] == TRUST and role["Tags"] == PAIRS,
        "policy": bool(found["get_role_policy"]) and not found["list_attached_role_policies"]["AttachedPolicies"],
        "logs": any(one.get("retentionInDays") == 14 for one in found["describe_log_groups"]["logGroups"]),
        "settings": SETTINGS.items() <= function["Configuration"].items() and function["Tags"] == TAGS,
        "code": function["Configuration"]["CodeSha256"] == base64.b64encode(hashlib.sha256(bundle()).digest()).decode(),
        "permission": "execute-api" in found["get_policy"]["Policy"],
        "api": found["get_api"]["Tags"] == TAGS and found["get_api"]["CorsConfiguration"].items() >= CORS.items(),
        "route": [one["RouteKey"] for one in route] == ["GET /hello"] and len(found["get_integrations"]["Items"]) == 1,
        "stage": [one["StageName"] for one in found["get_stages"]["Items"]] == ["$default"],
        "bucket": found["get_bucket_tagging"]["TagSet"] == PAIRS and bool(found["get_bucket_acl"]["Grants"])
        and {**found["get_public_access_block"]["PublicAccessBlockConfiguration"]} == OPEN
        and WEBSITE.items() <= found["get_bucket_website"].items() and bool(found["get_bucket_ownership_controls"]),
        "pages": etags == {key: hashlib.md5(body).hexdigest() for key, body in pages().items()},
    }  # fmt: skip
    return {name for name, ok in right.items() if not ok}


def seen() -> dict[str, Any]:
    return {name: future.result() for name, future in look(remembered()).items()}


def active(function: Any) -> None:
    pause = 0.1
    while (function.get("State", "Active"), function.get("LastUpdateStatus", "Successful")) != ("Active", "Successful"):
        time.sleep(pause)
        pause = min(pause * 1.3, 1.0)
        function = call("lambda", "get_function", FunctionName=NAME)["Configuration"]


def make_role(account: str) -> None:
    write("iam", "create_role", RoleName=NAME, AssumeRolePolicyDocument=json.dumps(TRUST), Tags=PAIRS)
    allow = {"Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
             "Resource": f"arn:aws:logs:{REGION}:{account}:log-group:{GROUP}:*"}  # fmt: skip
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    go(write, "iam", "put_role_policy", RoleName=NAME, PolicyName="logs", PolicyDocument=policy)


def make_logs() -> None:
    write("logs", "create_log_group", logGroupName=GROUP, tags=TAGS)
    go(write, "logs", "put_retention_policy", logGroupName=GROUP, retentionInDays=14)


def make_function(account: str, role: Any, logs: Any, api: Any) -> None:
    blob = bundle()
    role.result(), logs.result()
    wish = {**SETTINGS, "Role": f"arn:aws:iam::{account}:role/{NAME}", "Tags": TAGS}
    made = write("lambda", "create_function", FunctionName=NAME, Code={"ZipFile": blob}, **wish)
    source = f"arn:aws:execute-api:{REGION}:{account}:{api.result()}/*/GET/hello"
    allow = go(write, "lambda", "add_permission", FunctionName=NAME, StatementId="api", SourceArn=source,
               Action="lambda:InvokeFunction", Principal="apigateway.amazonaws.com")  # fmt: skip
    active(made)
    allow.result()


def make_api() -> str:
    made = write("apigatewayv2", "create_api", Name=NAME, ProtocolType="HTTP", CorsConfiguration=CORS, Tags=TAGS)
    note({"api": made["ApiId"]})
    return str(made["ApiId"])


def fill_api(account: str, made: Any) -> None:
    api, function = made.result(), f"arn:aws:lambda:{REGION}:{account}:function:{NAME}"
    found = write("apigatewayv2", "create_integration", ApiId=api, IntegrationType="AWS_PROXY", IntegrationUri=function,
                  PayloadFormatVersion="2.0")  # fmt: skip
    target = f"integrations/{found['IntegrationId']}"
    write("apigatewayv2", "create_route", ApiId=api, RouteKey="GET /hello", Target=target)
    write("apigatewayv2", "create_stage", ApiId=api, StageName="$default", AutoDeploy=True, Tags=TAGS)


def make_bucket() -> None:
    settings = {"ObjectOwnership": "BucketOwnerPreferred", "CreateBucketConfiguration": {"Tags": PAIRS}}
    write("s3", "create_bucket", Bucket=BUCKET, **settings)
    tagged = go(call, "s3", "get_bucket_tagging", Bucket=BUCKET)
    write("s3", "put_public_access_block", Bucket=BUCKET, PublicAccessBlockConfiguration=OPEN)
    for key, body in pages().items():
        go(write, "s3", "put_object", Bucket=BUCKET, Key=key, Body=body, ContentType="text/html", ACL="public-read")
    write("s3", "put_bucket_acl", Bucket=BUCKET, ACL="public-read")
    write("s3", "put_bucket_website", Bucket=BUCKET, WebsiteConfiguration=WEBSITE)
    if not tagged.result():  # AWS takes tags at create; an emulator may drop them
        write("s3", "put_bucket_tagging", Bucket=BUCKET, Tagging={"TagSet": PAIRS})


def create(found: dict[str, Any]) -> set[str]:
    account = found["who"]["Account"]
    if any(found[one] for one in ("get_role", "get_function", "get_bucket_tagging")):
        sys.exit("something of these names exists already")
    role, logs, api = go(make_role, account), go(make_logs), go(make_api)
    go(make_bucket), go(fill_api, account, api), go(make_function, account, role, logs, api)
    drain()
    return set()


def up() -> None:
    todo = changed(seen()) if remembered() else create(seen())
    if todo == {"code"}:
        active(write("lambda", "update_function_code", FunctionName=NAME, ZipFile=bundle()))
    elif todo:
        sys.exit(f"changed: {sorted(todo)}")
    note({"end": "up"})


def status() -> None:
    print(sorted(changed(seen())) or "in sync")


def empty_bucket() -> None:
    versions = call("s3", "list_object_versions", Bucket=BUCKET)
    parts = go(call, "s3", "list_multipart_uploads", Bucket=BUCKET)
    if keys := [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in versions.get("Versions", ())]:
        write("s3", "delete_objects", Bucket=BUCKET, Delete={"Objects": keys, "Quiet": True})
    for one in parts.result().get("Uploads", ()):
        write("s3", "abort_multipart_upload", Bucket=BUCKET, Key=one["Key"], UploadId=one["UploadId"])
    write("s3", "delete_bucket", Bucket=BUCKET)


def in_turn(*calls: tuple[str, str, dict[str, str]]) -> None:
    for service, operation, given in calls:
        write(service, operation, **given)


def down() -> None:
    found, api = seen(), remembered()
    if (found["get_role"]["Role"]["Tags"], found["get_bucket_tagging"]["TagSet"]) != (PAIRS, PAIRS):
        sys.exit("not ours")
    role, function, logs = {"RoleName": NAME}, {"FunctionName": NAME}, {"logGroupName": GROUP}
    go(empty_bucket), go(in_turn, ("apigatewayv2", "delete_api", {"ApiId": api}))
    go(in_turn, ("iam", "delete_role_policy", {**role, "PolicyName": "logs"}), ("iam", "delete_role", role))
    go(in_turn, ("lambda", "delete_function", function), ("logs", "delete_log_group", logs))
    drain()
    sweep()
    Path(JOURNAL).unlink()


def sweep() -> None:
    """Lists, by means that share nothing with the deletes, what is left of the stack."""
    lists = {
        "Roles": ("iam", "list_roles", {}), "Functions": ("lambda", "list_functions", {}),
        "Items": ("apigatewayv2", "get_apis", {}), "Buckets": ("s3", "list_buckets", {}),
        "logGroups": ("logs", "describe_log_groups", {"logGroupNamePrefix": GROUP}),
    }  # fmt: skip
    found = {key: go(call, service, operation, **given) for key, (service, operation, given) in lists.items()}
    names = {NAME, BUCKET, GROUP}
    if any(names & set(map(str, one.values())) for key, answer in found.items() for one in answer.result()[key]):
        sys.exit("something is left")


if __name__ == "__main__":
    held = os.open(LOCK, os.O_CREAT | os.O_RDWR, 0o600)
    if sys.argv[1] != "status":
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        journal = os.open(JOURNAL, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    with cf.ThreadPoolExecutor(24) as pool:
        {"up": up, "status": status, "down": down}[sys.argv[1]]()
