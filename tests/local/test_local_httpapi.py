from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from support import Answer, client, fetch, function, invoke

from serverless_cli import local
from serverless_cli.local import Instance
from serverless_cli.local.server.routes import choose, match

ECHO = "def handler(event, context): return event"
SAY = """
import base64, json
def handler(event, context):
    return ANSWERS[event["rawPath"].rpartition("/")[2]]
ANSWERS = {
    "text": "plain text", "object": {"a": 1}, "list": [1, 2], "none": None,
    "full": {"statusCode": 201, "headers": {"X-Own": "1", "Content-Type": "text/html"}, "body": "<p>", "cookies": ["a=1", "b=2"]},
    "bare": {"statusCode": 200, "body": "bare"},
    "binary": {"statusCode": 200, "isBase64Encoded": True, "body": base64.b64encode(bytes(range(256))).decode()},
    "bad-body": {"statusCode": 200, "body": {"not": "text"}},
    "bad-status": {"statusCode": "many"},
    "cors": {"statusCode": 200, "headers": {"Access-Control-Allow-Origin": "https://evil.example"}, "body": ""},
}
"""


class Api:
    """An API with one function behind each of its routes."""

    def __init__(self, instance: Instance, name: str, code: str, routes: list[str], **settings: Any) -> None:
        self.instance, self.name = instance, name
        self.gateway = client(instance, "apigatewayv2")
        self.function = function(instance, name, code)
        self.id: str = self.gateway.create_api(Name=name, ProtocolType="HTTP", **settings)["ApiId"]
        integration = self.gateway.create_integration(
            ApiId=self.id,
            IntegrationType="AWS_PROXY",
            IntegrationUri=self.function,
            PayloadFormatVersion="2.0",
        )["IntegrationId"]
        for route in routes:
            self.gateway.create_route(ApiId=self.id, RouteKey=route, Target=f"integrations/{integration}")

    def stage(self, name: str = "$default", **settings: Any) -> Api:
        self.gateway.create_stage(ApiId=self.id, StageName=name, AutoDeploy=True, **settings)
        return self

    def allow(self, source: str = "*") -> Api:
        client(self.instance, "lambda").add_permission(
            FunctionName=self.name,
            StatementId="api-" + base64.b16encode(source.encode()).decode()[:80],
            Action="lambda:InvokeFunction",
            Principal="apigateway.amazonaws.com",
            SourceArn=f"arn:aws:execute-api:us-east-1:{self.instance.account}:{self.id}/{source}",
        )
        return self

    def call(self, path: str, **request: Any) -> Answer:
        return fetch(self.instance.port, path, host=f"{self.id}.execute-api.localhost", **request)


@pytest.fixture(scope="module")
def echo(instance: Instance) -> Api:
    api = Api(instance, "echo", ECHO, ["GET /items/{id}", "ANY /any/{proxy+}", "POST /items"])
    return api.stage().stage("beta", StageVariables={"colour": "blue"}).allow()


@pytest.fixture(scope="module")
def say(instance: Instance) -> Api:
    return Api(instance, "say", SAY, ["GET /{what}", "$default"]).stage().allow()


def test_the_event_is_payload_2(instance: Instance, echo: Api) -> None:
    found = echo.call(
        "/items/a%20b?x=1&x=2&y=&z=%C3%A4",
        headers={"Cookie": "one=1; two=2", "X-Mixed-Case": "kept", "User-Agent": "test"},
    )

    event = found.json
    assert found.headers["content-type"] == "application/json"
    assert found.headers["apigw-requestid"]
    assert (event["version"], event["routeKey"], event["rawPath"]) == ("2.0", "GET /items/{id}", "/items/a b")
    assert event["rawQueryString"] == "x=1&x=2&y=&z=%C3%A4"
    assert event["queryStringParameters"] == {"x": "1,2", "y": "", "z": "ä"}
    assert event["cookies"] == ["one=1", "two=2"]
    assert event["headers"]["x-mixed-case"] == "kept"
    assert "cookie" not in event["headers"]
    assert event["headers"]["x-forwarded-proto"] == "http"
    assert event["pathParameters"] == {"id": "a b"}
    assert event["isBase64Encoded"] is False
    assert not {"body", "stageVariables"} & event.keys()
    context = event["requestContext"]
    assert (context["apiId"], context["stage"], context["accountId"]) == (echo.id, "$default", instance.account)
    assert context["http"]["method"] == "GET"
    assert context["http"]["path"] == "/items/a b"
    assert (context["http"]["sourceIp"], context["http"]["userAgent"]) == ("127.0.0.1", "test")
    assert context["domainPrefix"] == echo.id


def test_a_named_stage_is_in_the_path_and_has_its_variables(echo: Api) -> None:
    event = echo.call("/beta/any/a/b").json

    assert (event["rawPath"], event["routeKey"]) == ("/beta/any/a/b", "ANY /any/{proxy+}")
    assert event["pathParameters"] == {"proxy": "a/b"}
    assert event["stageVariables"] == {"colour": "blue"}
    assert event["requestContext"]["stage"] == "beta"


def test_bodies_are_text_or_base64_by_their_media_type(echo: Api) -> None:
    text = echo.call("/items", method="POST", body="ä".encode(), headers={"Content-Type": "application/json"}).json
    form = echo.call(
        "/items", method="POST", body=b"a=1", headers={"Content-Type": "application/x-www-form-urlencoded"}
    ).json

    assert (text["body"], text["isBase64Encoded"]) == ("ä", False)
    assert (base64.b64decode(form["body"]), form["isBase64Encoded"]) == (b"a=1", True)


@pytest.mark.parametrize(
    ("what", "status", "media", "body"),
    [
        ("text", 200, "application/json", b"plain text"),
        ("object", 200, "application/json", b'{"a": 1}'),
        ("list", 200, "application/json", b"[1, 2]"),
        ("full", 201, "text/html", b"<p>"),
        ("bare", 200, "text/plain;charset=UTF-8", b"bare"),
        ("binary", 200, "text/plain;charset=UTF-8", bytes(range(256))),
        ("bad-body", 500, "application/json", b'{"message":"Internal Server Error"}'),
        ("bad-status", 500, "application/json", b'{"message":"Internal Server Error"}'),
        ("raises", 500, "application/json", b'{"message":"Internal Server Error"}'),
    ],
)
def test_answers_are_inferred_as_aws_does(say: Api, what: str, status: int, media: str, body: bytes) -> None:
    found = say.call(f"/{what}")

    assert (found.status, found.headers["content-type"], found.body) == (status, media, body)


def test_headers_and_cookies_of_the_function_arrive(say: Api) -> None:
    found = say.call("/full")

    assert found.headers["x-own"] == "1"
    assert found.headers.get_all("set-cookie") == ["a=1", "b=2"]


def test_no_route_no_stage_no_api(instance: Instance, echo: Api) -> None:
    nowhere = fetch(instance.port, "/_slx/api/nothing/x")

    for found in (echo.call("/nothing"), echo.call("/items/1", method="DELETE"), nowhere):
        assert (found.status, found.text) == (404, '{"message":"Not Found"}')


def test_the_api_is_there_by_path(instance: Instance, echo: Api) -> None:
    url = local.api_path_url(instance.port, echo.id, "beta")

    event = fetch(instance.port, url.partition(str(instance.port))[2] + "/items/7").json

    assert (event["rawPath"], event["pathParameters"]) == ("/beta/items/7", {"id": "7"})
    assert (
        local.api_url(instance.port, echo.id, "$default") == f"http://{echo.id}.execute-api.localhost:{instance.port}"
    )
    assert local.api_url(instance.port, echo.id, "beta").endswith("/beta")


@pytest.mark.parametrize(
    ("name", "route", "source", "path", "status"),
    [
        ("none", "GET /a", None, "/a", 500),
        ("right", "GET /a", "*/GET/a", "/a", 200),
        ("method", "GET /a", "*/POST/a", "/a", 500),
        ("path", "GET /a/{id}", "*/GET/a/*", "/a/1", 200),
        ("literal", "GET /a/{id}", "$default/GET/a/{id}", "/a/1", 200),
        ("stage", "GET /a", "beta/*", "/a", 500),
        ("default", "$default", "*/$default", "/x", 200),
        ("three", "$default", "*/*/$default", "/x", 500),
    ],
)
def test_the_functions_policy_must_allow_the_route(
    instance: Instance, name: str, route: str, source: str | None, path: str, status: int
) -> None:
    api = Api(instance, f"policy-{name}", ECHO, [route]).stage()
    if source:
        api.allow(source)

    assert api.call(path).status == status


def test_a_deleted_function_is_a_500(instance: Instance) -> None:
    api = Api(instance, "vanished", ECHO, ["GET /a"]).stage().allow()
    client(instance, "lambda").delete_function(FunctionName="vanished")

    assert (api.call("/a").status, api.call("/a").text) == (500, '{"message":"Internal Server Error"}')


@pytest.fixture(scope="module")
def shared(instance: Instance) -> Api:
    cors = {
        "AllowOrigins": [f"http://my.s3-website.localhost:{instance.port}", "https://page.example"],
        "AllowMethods": ["GET", "PUT"],
        "AllowHeaders": ["content-type"],
        "ExposeHeaders": ["x-own"],
        "MaxAge": 60,
        "AllowCredentials": True,
    }
    return Api(instance, "shared", SAY, ["GET /{what}"], CorsConfiguration=cors).stage().allow()


def preflight(api: Api, origin: str) -> Answer:
    return api.call("/cors", method="OPTIONS", headers={"Origin": origin, "Access-Control-Request-Method": "PUT"})


def test_preflights_are_answered_by_the_api(shared: Api) -> None:
    granted, refused = preflight(shared, "https://page.example"), preflight(shared, "https://evil.example")

    assert granted.status == refused.status == 204
    assert granted.headers["access-control-allow-origin"] == "https://page.example"
    assert granted.headers["access-control-allow-methods"] == "GET,PUT"
    assert granted.headers["access-control-allow-headers"] == "content-type"
    assert granted.headers["access-control-max-age"] == "60"
    assert not [name for name in refused.headers if name.lower().startswith("access-control-")]


def test_only_the_apis_configuration_decides_who_may_read(shared: Api, say: Api) -> None:
    good = shared.call("/cors", headers={"Origin": "https://page.example"})
    evil = shared.call("/cors", headers={"Origin": "https://evil.example"})
    unconfigured = say.call("/cors", headers={"Origin": "https://evil.example"})

    assert good.headers["access-control-allow-origin"] == "https://page.example"
    assert good.headers["access-control-allow-credentials"] == "true"
    assert good.headers["access-control-expose-headers"] == "x-own"
    assert evil.status == 200
    assert "access-control-allow-origin" not in evil.headers
    assert unconfigured.headers["access-control-allow-origin"] == "https://evil.example"


def test_both_local_origins_of_a_site_are_allowed(instance: Instance, shared: Api) -> None:
    for origin in (f"http://my.s3-website.localhost:{instance.port}", f"http://127.0.0.1:{instance.port}"):
        assert preflight(shared, origin).headers["access-control-allow-origin"] == origin
    assert "access-control-allow-origin" not in preflight(shared, "http://127.0.0.1:1").headers


def test_options_without_a_configuration_reaches_the_function(instance: Instance) -> None:
    api = Api(instance, "options", ECHO, ["ANY /a"]).stage().allow()

    found = api.call(
        "/a", method="OPTIONS", headers={"Origin": "https://x.example", "Access-Control-Request-Method": "GET"}
    )

    assert found.json["requestContext"]["http"]["method"] == "OPTIONS"


def test_a_direct_invocation_is_not_the_apis_business(instance: Instance, echo: Api) -> None:
    assert invoke(instance, "echo", {"direct": True}).payload == {"direct": True}
    assert json.loads(client(instance, "lambda").get_policy(FunctionName="echo")["Policy"])["Statement"]


@pytest.mark.parametrize(
    ("method", "path", "wanted"),
    [
        ("GET", "/pets/dog/1", "GET /pets/dog/1"),
        ("GET", "/pets/dog/2", "GET /pets/dog/{id}"),
        ("GET", "/pets/cat/1", "GET /pets/{kind}/1"),
        ("POST", "/pets/dog/1", "ANY /pets/{proxy+}"),
        ("GET", "/other", "ANY /{proxy+}"),
        ("GET", "/", "$default"),
        ("GET", "/pets", "ANY /{proxy+}"),
    ],
)
def test_the_most_specific_route_wins(method: str, path: str, wanted: str) -> None:
    keys = (
        "$default", "ANY /{proxy+}", "ANY /pets/{proxy+}", "GET /pets/{kind}/1", "GET /pets/dog/{id}", "GET /pets/dog/1",
        "ANY /pets/dog/{id+}",
    )  # fmt: skip

    found = choose(({"routeKey": key} for key in keys if key != "ANY /pets/dog/{id+}"), method, path)

    assert found is not None
    assert found.key == wanted


def test_an_empty_segment_is_no_value() -> None:
    assert match("/items/{id}", "/items/") is None
    assert match("/items", "/items/") is None
    assert match("/{proxy+}", "/") is None


def test_a_lambda_authorizer_decides_and_tells(instance: Instance) -> None:
    api = Api(instance, "guarded", ECHO, []).stage().allow()
    guard = function(
        instance,
        "guard",
        "def handler(e, c): return {'isAuthorized': e['headers'].get('x-key') == 'yes', 'context': {'who': 'me'}}",
    )
    authorizer = api.gateway.create_authorizer(
        ApiId=api.id,
        Name="guard",
        AuthorizerType="REQUEST",
        AuthorizerUri=f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{guard}/invocations",
        AuthorizerPayloadFormatVersion="2.0",
        EnableSimpleResponses=True,
        IdentitySource=["$request.header.x-key"],
    )["AuthorizerId"]
    [integration] = api.gateway.get_integrations(ApiId=api.id)["Items"]
    api.gateway.create_route(
        ApiId=api.id,
        RouteKey="GET /a",
        Target=f"integrations/{integration['IntegrationId']}",
        AuthorizationType="CUSTOM",
        AuthorizerId=authorizer,
    )

    assert api.call("/a").status == 401
    assert api.call("/a", headers={"X-Key": "no"}).status == 403
    told = api.call("/a", headers={"X-Key": "yes"}).json["requestContext"]["authorizer"]
    assert told == {"lambda": {"who": "me"}}


def test_a_route_for_signed_requests_refuses_others(instance: Instance) -> None:
    api = Api(instance, "signed", ECHO, ["GET /a"]).stage().allow()
    [route] = api.gateway.get_routes(ApiId=api.id)["Items"]
    api.gateway.update_route(ApiId=api.id, RouteId=route["RouteId"], AuthorizationType="AWS_IAM")
    request = AWSRequest("GET", f"{local.api_url(instance.port, api.id, '$default')}/a")
    SigV4Auth(Credentials(instance.access_key, instance.secret_key), "execute-api", "us-east-1").add_auth(request)
    good = dict(request.headers)
    bad = {**good, "Authorization": good["Authorization"][:-4] + "0000"}

    assert api.call("/a").status == 403
    assert api.call("/a", headers=bad).status == 403
    told = api.call("/a", headers=good)
    assert told.json["requestContext"]["authorizer"]["iam"]["userArn"].endswith(":root")


def test_a_function_that_takes_longer_than_the_integration_waits_is_a_503(instance: Instance) -> None:
    api = Api(instance, "late", "import time\ndef handler(e, c): time.sleep(2)", ["GET /a"]).stage().allow()
    [integration] = api.gateway.get_integrations(ApiId=api.id)["Items"]
    api.gateway.update_integration(ApiId=api.id, IntegrationId=integration["IntegrationId"], TimeoutInMillis=200)

    found = api.call("/a")

    assert (found.status, found.text) == (503, '{"message":"Service Unavailable"}')


def test_functions_have_urls_of_their_own(instance: Instance) -> None:
    function(instance, "by-url", ECHO)
    functions = client(instance, "lambda")
    url = functions.create_function_url_config(FunctionName="by-url", AuthType="NONE")["FunctionUrl"]
    functions.add_permission(
        FunctionName="by-url",
        StatementId="open",
        Action="lambda:InvokeFunctionUrl",
        Principal="*",
        FunctionUrlAuthType="NONE",
    )
    host = url.removeprefix("https://").split(".")[0] + ".lambda-url.us-east-1.localhost"

    assert fetch(instance.port, "/x", host=host).json["rawPath"] == "/x"
    assert fetch(instance.port, "/x", host="other.lambda-url.us-east-1.localhost").status == 404
