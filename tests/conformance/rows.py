"""The table: what the conformance suite must know of each kind. A new kind is one more row."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench import ID, Bench, Row

from serverless_cli.names import ROLE_NAME, digest, role_path
from serverless_cli.packaging import Package, package
from serverless_cli.resources.bucket import BLOCKS, BucketSpec, BucketType
from serverless_cli.resources.content import MARK, ContentKind, ContentSpec
from serverless_cli.resources.function import FunctionSpec, FunctionType
from serverless_cli.resources.http_api import HttpApiType
from serverless_cli.resources.http_api_parts import Cors, HttpApiSpec, Route
from serverless_cli.resources.log_group import LogGroupSpec
from serverless_cli.resources.permission import PermissionSpec
from serverless_cli.resources.role import RoleSpec
from serverless_cli.wiring import Statement

ACCOUNT = "arn:aws:iam::123456789012"
LAMBDA = "arn:aws:lambda:eu-central-1:123456789012:function"
GATEWAY = "arn:aws:execute-api:eu-central-1:123456789012"


def of(*fields: str) -> frozenset[str]:
    return frozenset(fields)


def pairs(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def trust(*services: str) -> str:
    statement = {"Effect": "Allow", "Principal": {"Service": list(services)}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def allowing(action: str) -> str:
    statement = {"Effect": "Allow", "Action": action, "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


# Functions


def roles(b: Bench) -> None:
    for name in ("worker", "other"):
        b.raw("iam").create_role(RoleName=name, AssumeRolePolicyDocument=trust("lambda.amazonaws.com"))


LAYER = "arn:aws:lambda:eu-central-1:123456789012:layer:tools:1"


def roles_and_layers(b: Bench) -> None:
    roles(b)
    b.raw("lambda").publish_layer_version(LayerName="tools", Content={"ZipFile": zipped()})


def packed(text: str) -> Callable[[Bench], Package]:
    def make(b: Bench) -> Package:
        folder = b.folder / f"code-{len(text)}"
        folder.mkdir(exist_ok=True)
        (folder / "app.py").write_text(text)
        return package(folder)

    return make


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("app.py", "by = 'hand'\n")
    return buffer.getvalue()


def a_function(b: Bench) -> FunctionSpec:
    code = packed("def handler(event, context):\n    return {}\n")(b)
    role, names = f"{ACCOUNT}:role/worker", {"GREETING": "Hello", "EMPTY": ""}
    return FunctionSpec(role, "app.handler", "python3.13", 256, 10, "x86_64", names, None, code)


def make_function(b: Bench, tags: dict[str, str], **settings: Any) -> None:
    spec = b.wish
    assert isinstance(spec, FunctionSpec)
    defaults: dict[str, Any] = {"Handler": "main.run", "Runtime": "python3.12", "Code": {"ZipFile": zipped()}}
    b.raw("lambda").create_function(FunctionName=b.name, Role=spec.role, Tags=tags, **{**defaults, **settings})


def half_a_function(b: Bench) -> None:
    spec = b.wish
    assert isinstance(spec, FunctionSpec)
    code = {"ZipFile": Path(spec.code.path).read_bytes()}
    make_function(b, b.here().mark.tags, Handler=spec.handler, Code=code)


def configure(**settings: Any) -> Callable[[Bench], object]:
    return lambda b: b.raw("lambda").update_function_configuration(FunctionName=b.name, **settings)


FUNCTION = Row(
    "function",
    FunctionType.name_rule,
    a_function,
    before=roles_and_layers,
    edits={
        "another role": {"role": f"{ACCOUNT}:role/other"},
        "another handler": {"handler": "app.other"},
        "another runtime": {"runtime": "python3.12"},
        "more memory": {"memory_mb": 512},
        "more time": {"timeout_s": 30},
        "another processor": {"architecture": "arm64"},
        "another environment": {"environment": {"GREETING": "Hi", "NEW": "1"}},
        "no environment": {"environment": {}},
        "a layer": {"layers": (LAYER,)},
        "some concurrency reserved": {"reserved_concurrency": 5},
        "other code": {"code": packed("def handler(event, context):\n    return {'changed': True}\n")},
        "code and configuration": {"code": packed("handler = print\n"), "timeout_s": 20, "reserved_concurrency": 1},
    },
    drifts={
        "memory": (of("memory_mb"), configure(MemorySize=1024)),
        "time": (of("timeout_s"), configure(Timeout=3)),
        "handler": (of("handler"), configure(Handler="app.mine")),
        "runtime": (of("runtime"), configure(Runtime="python3.11")),
        "role": (of("role"), configure(Role=f"{ACCOUNT}:role/other")),
        "a variable": (of("environment"), configure(Environment={"Variables": {"GREETING": "Hello", "MINE": "1"}})),
        "code": (
            of("code"),
            lambda b: b.raw("lambda").update_function_code(FunctionName=b.name, ZipFile=zipped()),
        ),
        "a layer": (of("layers"), configure(Layers=[LAYER])),
        "concurrency": (
            of("reserved_concurrency"),
            lambda b: b.raw("lambda").put_function_concurrency(FunctionName=b.name, ReservedConcurrentExecutions=3),
        ),
        "the mark": (
            of("mark"),
            lambda b: b.raw("lambda").untag_resource(Resource=f"{LAMBDA}:{b.name}", TagKeys=list(b.here().mark.tags)),
        ),
    },
    halves={"made, and nothing more": half_a_function},
    stranger=make_function,
    fixed={"works": "nothing ever fails in moto: see test_resources_function.py"},
)


# Roles

WRITES = Statement(("logs:CreateLogStream", "logs:PutLogEvents"), ("arn:aws:logs:*:*:*",), reason="writes its own log")
READS = Statement(
    ("s3:GetObject",), ("arn:aws:s3:::a/*", "arn:aws:s3:::b/*"), {"StringEquals": {"aws:SourceAccount": ("1", "2")}}
)


def policies(b: Bench) -> None:
    for name in ("one", "two"):
        b.raw("iam").create_policy(PolicyName=name, PolicyDocument=allowing("s3:GetObject"))


def make_role(b: Bench, tags: dict[str, str]) -> None:
    document = trust("ec2.amazonaws.com")
    path = role_path(b.place)
    b.raw("iam").create_role(RoleName=b.name, Path=path, AssumeRolePolicyDocument=document, Tags=pairs(tags))


ROLE = Row(
    "role",
    ROLE_NAME,
    lambda b: RoleSpec(role_path(b.place), ("lambda.amazonaws.com",), (WRITES,), (f"{ACCOUNT}:policy/one",)),
    before=policies,
    edits={
        "other services": {"trust": ("events.amazonaws.com", "lambda.amazonaws.com")},
        "more statements": {"statements": (WRITES, READS)},
        "other statements": {"statements": (READS,)},
        "no statements": {"statements": ()},
        "another policy": {"policies": (f"{ACCOUNT}:policy/two",)},
        "no policies": {"policies": ()},
    },
    drifts={
        "trust": (
            of("trust"),
            lambda b: b.raw("iam").update_assume_role_policy(
                RoleName=b.name, PolicyDocument=trust("lambda.amazonaws.com", "ec2.amazonaws.com")
            ),
        ),
        "the inline policy": (
            of("statements"),
            lambda b: b.raw("iam").put_role_policy(RoleName=b.name, PolicyName="slx", PolicyDocument=allowing("s3:*")),
        ),
        "the inline policy's absence": (
            of("statements"),
            lambda b: b.raw("iam").delete_role_policy(RoleName=b.name, PolicyName="slx"),
        ),
        "a policy's absence": (
            of("policies"),
            lambda b: b.raw("iam").detach_role_policy(RoleName=b.name, PolicyArn=f"{ACCOUNT}:policy/one"),
        ),
        "the mark": (
            of("mark"),
            lambda b: b.raw("iam").untag_role(RoleName=b.name, TagKeys=list(b.here().mark.tags)),
        ),
    },
    halves={"made, without policies": lambda b: make_role(b, b.here().mark.tags)},
    stranger=make_role,
)


# Log groups


def make_group(b: Bench, tags: dict[str, str]) -> None:
    b.raw("logs").create_log_group(logGroupName=b.name, **({"tags": tags} if tags else {}))


LOG_GROUP = Row(
    "log-group",
    FunctionType.name_rule,
    lambda _: LogGroupSpec(14),
    name="/aws/lambda/{}",
    edits={"longer": {"retention_days": 30}, "for ever": {"retention_days": None}},
    drifts={
        "retention": (
            of("retention_days"),
            lambda b: b.raw("logs").put_retention_policy(logGroupName=b.name, retentionInDays=1),
        ),
        "for ever": (of("retention_days"), lambda b: b.raw("logs").delete_retention_policy(logGroupName=b.name)),
        "the mark": (
            of("mark"),
            lambda b: b.raw("logs").untag_resource(
                resourceArn=f"arn:aws:logs:eu-central-1:123456789012:log-group:{b.name}",
                tagKeys=list(b.here().mark.tags),
            ),
        ),
    },
    halves={
        "made, without retention": lambda b: make_group(b, b.here().mark.tags),
        "made by Lambda": lambda b: make_group(b, {}),
    },
    stranger=make_group,
)


# Permissions


def called(b: Bench) -> None:
    roles(b)
    settings = {"Role": f"{ACCOUNT}:role/worker", "Handler": "app.handler", "Runtime": "python3.13"}
    for each in (b, b.other_stack()):
        name = each.name.partition("/")[0]
        b.raw("lambda").create_function(FunctionName=name, Code={"ZipFile": zipped()}, **settings)


def permit(
    b: Bench, principal: str = "apigateway.amazonaws.com", source: str = f"{GATEWAY}:mine/*", **more: str
) -> None:
    function, _, statement = b.name.partition("/")
    b.raw("lambda").add_permission(
        FunctionName=function,
        StatementId=statement,
        Action="lambda:InvokeFunction",
        Principal=principal,
        SourceArn=source,
        **more,
    )


def forbid(b: Bench) -> None:
    function, _, statement = b.name.partition("/")
    b.raw("lambda").remove_permission(FunctionName=function, StatementId=statement)


def permit_other(b: Bench) -> None:
    forbid(b)
    permit(b, "s3.amazonaws.com", SourceAccount="210987654321")


PERMISSION = Row(
    "permission",
    FunctionType.name_rule,
    lambda b: PermissionSpec(b.name.partition("/")[0], "apigateway.amazonaws.com", f"{GATEWAY}:abc/*/GET/hello"),
    name="{}/slx-api-0123abcd",
    before=called,
    edits={
        "another caller": {"principal": "events.amazonaws.com"},
        "another route": {"source_arn": f"{GATEWAY}:abc/*/$default"},
        "an account, too": {"source_account": "123456789012"},
    },
    drifts={"caller and source": (of("principal", "source_arn", "source_account"), permit_other)},
    halves={
        "made": lambda b: permit(b, source=f"{GATEWAY}:abc/*/GET/hello"),
        "made for what was before": permit,
    },
)


# HTTP APIs


CORS = Cors(("http://site.example",), ("GET",), ("content-type",), (), False, 300)
ROUTES = {"GET /hello": Route(f"{LAMBDA}:hello"), "GET /items/{id}": Route(f"{LAMBDA}:items")}


def mine(b: Bench) -> str:
    return b.outputs["id"]


def half_an_api(b: Bench) -> None:
    b.raw("apigatewayv2").create_api(Name=b.name, ProtocolType="HTTP", Tags=b.here().mark.tags)


def api_without_stage(b: Bench) -> None:
    gateway = b.raw("apigatewayv2")
    api = gateway.create_api(Name=b.name, ProtocolType="HTTP", Tags=b.here().mark.tags)["ApiId"]
    uri = {"IntegrationUri": f"{LAMBDA}:hello", "PayloadFormatVersion": "2.0"}
    made = gateway.create_integration(ApiId=api, IntegrationType="AWS_PROXY", **uri)["IntegrationId"]
    gateway.create_route(ApiId=api, RouteKey="GET /hello", Target=f"integrations/{made}")


def add_route(b: Bench) -> None:
    gateway, uri = b.raw("apigatewayv2"), f"{LAMBDA}:mine"
    made = gateway.create_integration(ApiId=mine(b), IntegrationType="AWS_PROXY", IntegrationUri=uri)["IntegrationId"]
    gateway.create_route(ApiId=mine(b), RouteKey="POST /mine", Target=f"integrations/{made}")


def redirect(b: Bench) -> None:
    gateway = b.raw("apigatewayv2")
    for one in gateway.get_integrations(ApiId=mine(b))["Items"]:
        if one["IntegrationUri"].endswith(":hello"):
            gateway.update_integration(
                ApiId=mine(b), IntegrationId=one["IntegrationId"], IntegrationUri=f"{LAMBDA}:mine"
            )


def drop_routes(b: Bench) -> None:
    gateway = b.raw("apigatewayv2")
    for one in gateway.get_routes(ApiId=mine(b))["Items"]:
        gateway.delete_route(ApiId=mine(b), RouteId=one["RouteId"])


def by_hand(b: Bench) -> None:
    gateway = b.raw("apigatewayv2")
    gateway.delete_stage(ApiId=mine(b), StageName="prod")
    gateway.create_stage(ApiId=mine(b), StageName="prod", AutoDeploy=False)


def untag_api(b: Bench) -> None:
    arn = f"arn:aws:apigateway:eu-central-1::/apis/{mine(b)}"
    b.raw("apigatewayv2").untag_resource(ResourceArn=arn, TagKeys=list(b.here().mark.tags))


HTTP_API = Row(
    "http-api",
    HttpApiType.name_rule,
    lambda b: HttpApiSpec(b.name, "prod", ROUTES, CORS),
    edits={
        "another title": {"title": "Our shop"},
        "another stage": {"stage": "$default"},
        "one more route": {"routes": {**ROUTES, "POST /hello": Route(f"{LAMBDA}:hello")}},
        "one route less": {"routes": {"GET /hello": Route(f"{LAMBDA}:hello")}},
        "a route to another function": {"routes": {**ROUTES, "GET /hello": Route(f"{LAMBDA}:other")}},
        "other routes": {"routes": {"$default": Route(f"{LAMBDA}:all")}},
        "other origins": {"cors": replace(CORS, allow_origins=("https://a.example", "https://b.example"))},
        "all of CORS": {"cors": Cors(("*",), ("GET", "POST"), ("authorization", "x-id"), ("x-count",), False, 60)},
        "no CORS": {"cors": None},
    },
    fixed={
        "twins": "none are ever wished for; see test_conformance_special.py",
        "old_stages": "none are ever wished for; see test_conformance_special.py",
    },
    drifts={
        "the title": (of("title"), lambda b: b.raw("apigatewayv2").update_api(ApiId=mine(b), Name="mine")),
        "one more route": (of("routes"), add_route),
        "a route's target": (of("routes"), redirect),
        "no routes": (of("routes"), drop_routes),
        "no CORS": (of("cors"), lambda b: b.raw("apigatewayv2").delete_cors_configuration(ApiId=mine(b))),
        "no stage": (of("stage"), lambda b: b.raw("apigatewayv2").delete_stage(ApiId=mine(b), StageName="prod")),
        "a stage that waits for deployments": (of("stage"), by_hand),
    },
    halves={"made, and nothing more": half_an_api, "made, without a stage": api_without_stage},
)


# Buckets

EVERYBODY = "http://acs.amazonaws.com/groups/global/AllUsers"


def make_bucket(b: Bench, tags: dict[str, str]) -> None:
    where = {"LocationConstraint": b.raw.region}
    b.raw("s3").create_bucket(Bucket=b.name, CreateBucketConfiguration=where)
    if tags:
        b.raw("s3").put_bucket_tagging(Bucket=b.name, Tagging={"TagSet": pairs(tags)})


def block(**flags: bool) -> Callable[[Bench], object]:
    return lambda b: b.raw("s3").put_public_access_block(Bucket=b.name, PublicAccessBlockConfiguration=flags)


def index(**pages: str) -> Callable[[Bench], object]:
    settings = {"IndexDocument": {"Suffix": pages["index"]}}
    return lambda b: b.raw("s3").put_bucket_website(Bucket=b.name, WebsiteConfiguration=settings)


def own(rule: str) -> Callable[[Bench], object]:
    rules = {"Rules": [{"ObjectOwnership": rule}]}
    return lambda b: b.raw("s3").put_bucket_ownership_controls(Bucket=b.name, OwnershipControls=rules)


def version(status: str) -> Callable[[Bench], object]:
    return lambda b: b.raw("s3").put_bucket_versioning(Bucket=b.name, VersioningConfiguration={"Status": status})


BUCKET = Row(
    "bucket",
    BucketType.name_rule,
    lambda _: BucketSpec("BucketOwnerPreferred", (), "public-read", "index.html", "error.html", ""),
    edits={
        "another owner of what others put": {"ownership": "ObjectWriter"},
        "a private ACL": {"acl": "private"},
        "no ACLs": {"ownership": "BucketOwnerEnforced", "acl": "private"},
        "nothing public": {"blocked": BLOCKS},
        "another index page": {"index": "home.html"},
        "another error page": {"error": "404.html"},
        "no error page": {"error": None},
        "no website": {"index": None, "error": None},
        "versions": {"versioning": "Enabled"},
        "private": {
            "ownership": "BucketOwnerEnforced",
            "blocked": BLOCKS,
            "acl": "private",
            "index": None,
            "error": None,
        },
    },
    drifts={
        "some blocks": (of("blocked"), block(BlockPublicPolicy=True, RestrictPublicBuckets=True)),
        "ownership": (of("ownership"), own("ObjectWriter")),
        "the ACL": (of("acl"), lambda b: b.raw("s3").put_bucket_acl(Bucket=b.name, ACL="private")),
        "the ACL, for everybody to write": (
            of("acl"),
            lambda b: b.raw("s3").put_bucket_acl(Bucket=b.name, GrantWrite=f"uri={EVERYBODY}"),
        ),
        "pages": (of("index", "error"), index(index="other.html")),
        "no website": (of("index", "error"), lambda b: b.raw("s3").delete_bucket_website(Bucket=b.name)),
        "versions": (of("versioning"), version("Enabled")),
        "the mark": (of("mark"), lambda b: b.raw("s3").delete_bucket_tagging(Bucket=b.name)),
    },
    halves={
        "made, and nothing more": lambda b: make_bucket(b, b.here().mark.tags),
        "made where tags cannot be given at once": lambda b: make_bucket(b, {}),
    },
    stranger=make_bucket,
)


# Content

SITE = {"index.html": "<p>{{API_URL}}", "app.js": "let a = 1", "img/a.svg": "<svg/>"}


def site(b: Bench, files: Mapping[str, str]) -> ContentSpec:
    """A site in a folder of its own, as a wish."""
    folder = b.folder / digest(*files.values())
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    fill = {"API_URL": "https://api.example"}
    return ContentKind().prepare(ContentSpec(True, {}, str(folder), fill))


def other_site(files: Mapping[str, str]) -> dict[str, Any]:
    return {"files": lambda b: site(b, files).files, "folder": lambda b: site(b, files).folder}


def content(b: Bench) -> ContentSpec:
    return site(b, SITE)


def put(key: str, **settings: Any) -> Callable[[Bench], object]:
    return lambda b: b.raw("s3").put_object(Bucket=b.name, Key=key, **{"Body": b"by hand", **settings})


CONTENT = Row(
    "content",
    BucketType.name_rule,
    content,
    before=lambda b: (make_bucket(b, {}), make_bucket(b.other_stack(), {})),
    edits={
        "another page": other_site({**SITE, "index.html": "<p>new {{API_URL}}"}),
        "one more file": other_site({**SITE, "more/b.txt": "text"}),
        "fewer files": other_site({"index.html": "<p>{{API_URL}}"}),
        "the same bytes as another type": other_site({"index.html": "<p>{{API_URL}}", "app.mjs": "let a = 1"}),
    },
    fixed={"public": "no listing shows an object's ACL: see test_conformance_special.py"},
    drifts={
        "a file's bytes": (of("files"), put("index.html", ContentType="text/html; charset=utf-8")),
        "a file's absence": (of("files"), lambda b: b.raw("s3").delete_object(Bucket=b.name, Key="app.js")),
    },
    halves={"one file of three": put("app.js", ContentType="text/javascript", Metadata={MARK: ID})},
)


ROWS = (FUNCTION, ROLE, LOG_GROUP, PERMISSION, HTTP_API, BUCKET, CONTENT)
