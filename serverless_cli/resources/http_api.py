"""HTTP APIs of API Gateway v2: routes, their integrations, CORS, and one stage that deploys by itself.

AWS facts (API Gateway developer guide; botocore's model; the tools that code against them):
- Names are not unique and there is no token: a CreateApi sent twice makes two. Ours is the one with our mark, so
  that call is never repeated blindly.
- Two changes of one API at once answer 409 `concurrent modification`: everything in here goes one after the other.
- An integration in use cannot be deleted: routes first. DeleteApi takes everything along.
- UpdateApi with an empty CORS configuration changes nothing; clearing it is a call of its own.
- With CORS configured, API Gateway answers preflights itself and drops what the function says about CORS.
- A permission's ARN has the route's path with its {variables} as they are; `$default` has neither. `API/*` is all of
  them, in each deployment stage.
- A function's policy may have 20 KB, some sixty statements of a route each; an API may have 300 routes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Annotated, Any, ClassVar, Literal

from serverless_cli.aws.calls import Aws
from serverless_cli.diff import changes as differences
from serverless_cli.errors import Problem
from serverless_cli.keys import Doc, KeyPattern, LateOk, Pattern, Range
from serverless_cli.model import Change, Found, Handout, Late, Mark, Observed, Outputs, Place, Ref, Resource, Verb
from serverless_cli.names import NameRule, arn, role_arn, role_name
from serverless_cli.records import dataclass
from serverless_cli.resources.base import Attribute, Declared, Here, Kind, Scope, Type, apart
from serverless_cli.resources.http_api_parts import Cors, HttpApiSpec, Parts, cors_settings, make_one, marked, outputs
from serverless_cli.resources.http_api_targets import RouteKeys, route_to, target_problems, verb_for
from serverless_cli.resources.ownership import belongs
from serverless_cli.wiring import Grant, Invokes, Runs, Wiring

NARROW = 20
"""routes of an API to one function that have an invoke permission each; more have one for all, or it would not fit"""
AUTH = {"none": "NONE", "iam": "AWS_IAM"}
ROUTE_KEY = r"\$default|(GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS|ANY) /\S*"
Origin = Annotated[str, Pattern(r"\*|https?://[^/\s]+", "`*` or scheme and host, without a path or a slash at the end")]
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "*"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CorsKeys:
    """Which pages of other origins may call the API."""

    allow_origins: Annotated[
        tuple[Origin, ...], Doc("Origins of the pages, such as `${site.origin}`."), Range(1), LateOk()
    ]
    allow_methods: Annotated[tuple[Method, ...], Doc("Methods that the pages may use.")] = ("GET",)
    allow_headers: Annotated[tuple[str, ...], Doc("Request headers that the pages may set.")] = ("content-type",)
    expose_headers: Annotated[tuple[str, ...], Doc("Response headers that the pages may read.")] = ()
    allow_credentials: Annotated[bool, Doc("Whether cookies are sent along.")] = False
    max_age_s: Annotated[int, Doc("Seconds that a browser remembers the answer."), Range(0, 86400)] = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpApiKeys:
    """An HTTP API: URLs that call functions and services."""

    routes: Annotated[
        Mapping[str, str | RouteKeys],
        Doc("`METHOD /path: id of what answers`; `/{name}` is one segment, `/{rest+}` all, `$default` what is left."),
        KeyPattern(ROUTE_KEY, "METHOD /path, ANY /path or $default"),
        Range(1, 300),
    ]
    deployment_stage: Annotated[
        str, Doc("The deployment stage; a named one is the first segment of the URL's path."),
        Pattern(r"\$default|[a-zA-Z0-9_-]{1,128}", "letters, digits, - and _, or $default"),
    ] = "$default"  # fmt: skip
    auth: Annotated[
        Literal["none", "iam"],
        Doc("Who may call: `none` leaves it open, `iam` wants signed requests and `execute-api:Invoke`."),
    ] = "none"
    cors: Annotated[CorsKeys | None, Doc("Which pages of other origins may call.")] = None


class HttpApiType(Type[HttpApiKeys]):
    type_name = "http-api"
    doc = "HTTP API (API Gateway v2): routes to functions and services, CORS, a deployment stage."
    keys = HttpApiKeys
    name_rule = NameRule(128, r"[^\s].{0,127}", says="a text that does not begin with a blank")
    attributes: ClassVar[Mapping[str, Attribute]] = {
        "id": Attribute("The API's id."),
        "url": Attribute("The base URL, deployment stage included, without a slash at the end."),
        "arn": Attribute("The API's ARN."),
    }

    def problems(self, it: Declared[HttpApiKeys], scope: Scope) -> Iterable[Problem]:
        yield from apart(self._route_problems(it, scope), _variable_problems(it), self._cors_problems(it))

    def _route_problems(self, it: Declared[HttpApiKeys], scope: Scope) -> Iterable[Problem]:
        routes = it.keys.routes.items()
        yield from apart(*(target_problems(it, key, _long(route), scope) for key, route in routes))

    def _cors_problems(self, it: Declared[HttpApiKeys]) -> Iterable[Problem]:
        cors = it.keys.cors
        if cors and cors.allow_credentials and "*" in cors.allow_origins:
            yield Problem(
                "CORS lets every origin send cookies",
                "API Gateway refuses `allow_credentials` together with the origin `*`",
                "name the origins",
                it.line("cors", "allow_origins"),
            )

    def expand(self, it: Declared[HttpApiKeys], scope: Scope) -> Iterable[Resource | Wiring]:
        keys, ref, place = it.keys, Ref("http-api", it.id), scope.place
        role = role_arn(place, role_name(place, it.id))
        routes = {
            key: replace(route_to(it, key, _long(route), scope, role), auth=AUTH[keys.auth])
            for key, route in keys.routes.items()
        }
        services = any(route.subtype for route in routes.values())
        needs = frozenset({Ref("role", it.id)} if services else ())
        spec = HttpApiSpec(it.name, keys.deployment_stage, routes, _wanted_cors(keys.cors))
        yield Resource(ref, it.name, spec, needs, where=it.where, retain=it.retain)
        if services:
            yield Runs(it.id, ref, "apigateway.amazonaws.com", (), it.where)
        for key in (key for key in routes if routes[key].subtype):
            long, called = _long(keys.routes[key]), routes[key].subtype.rpartition("-")[2]
            for statement in scope.grants(long.to, verb_for(long, scope)):
                actions = tuple(one for one in statement.actions if one.endswith(f":{called}"))
                grant = replace(statement, actions=actions, reason=f"route {key}")
                yield Grant(it.id, grant, it.line("routes", key))
        yield from _invocations(it, [key for key in routes if not routes[key].subtype], place)


def _invocations(it: Declared[HttpApiKeys], keys: Iterable[str], place: Place) -> Iterator[Invokes]:
    """The permissions for the routes that call functions: as narrow as the function's policy has room for."""
    called: dict[str, list[str]] = {}
    for key in keys:
        called.setdefault(_long(it.keys.routes[key]).to, []).append(key)
    for function, mine in called.items():
        narrow = {key: f"/*/{_route_arn(key)}" for key in mine}
        for topic, part in (narrow if len(mine) <= NARROW else {"": "/*"}).items():
            source = Late((arn(place, "execute-api", ""), Handout(Ref("http-api", it.id), "id"), part))
            where = it.line("routes", *([topic] if topic else []))
            yield Invokes(it.id, function, "apigateway.amazonaws.com", source, topic, where)


def _wanted_cors(keys: CorsKeys | None) -> Cors | None:
    if keys is None:
        return None
    return Cors(
        tuple(sorted(keys.allow_origins)),
        tuple(sorted(keys.allow_methods)),
        tuple(sorted(header.lower() for header in keys.allow_headers)),
        tuple(sorted(header.lower() for header in keys.expose_headers)),
        keys.allow_credentials,
        keys.max_age_s,
    )


def _long(route: str | RouteKeys) -> RouteKeys:
    return RouteKeys(to=route) if isinstance(route, str) else route


def _route_arn(key: str) -> str:
    """A route's part of the ARN that its permission names: `GET/items/{id}`, `*/items` for ANY, `$default`."""
    method, _, path = key.partition(" ")
    return key if key == "$default" else f"{'*' if method == 'ANY' else method}{path.rstrip('/') or '/'}"


def _path_problem(key: str) -> Problem | None:
    """What is wrong with the variables in a route's path, and with what does not belong into one."""
    names = re.findall(r"\{([^}]*?)\+?\}", key)
    if re.search(r"\{[^}]*\+\}(?!$)", key):
        why = "`{name+}` takes all that is left of the path"
        return Problem(f"route `{key}` goes on after a greedy variable", why)
    if re.search(r"[{}]", re.sub(r"/\{[A-Za-z0-9._:-]+\+?\}(?=/|$)", "", key)):
        return Problem(f"route `{key}` has a broken variable", "one is a whole segment: `/items/{id}`, `/{rest+}`")
    if twice := next((name for name in names if names.count(name) > 1), ""):
        return Problem(f"route `{key}` has the variable `{twice}` twice", "each has a name of its own")
    if "?" in key or "#" in key:
        return Problem(f"route `{key}` has a query", "a route is chosen by method and path", "leave out what follows")
    if wanted := re.search(r"/:(\w+)", key):
        hint = f"write `/{{{wanted[1]}}}`"
        return Problem(f"route `{key}` has `{wanted[0]}`", "API Gateway writes variables in braces", hint)
    return None


def _variable_problems(it: Declared[HttpApiKeys]) -> Iterable[Problem]:
    shapes: dict[str, str] = {}
    for key in it.keys.routes:
        if found := _path_problem(key):
            yield replace(found, where=it.line("routes", key))
        shape = re.sub(r"\{[^}+]*\}", "{}", re.sub(r"\{[^}+]*\+\}", "{+}", key))
        if shape in shapes:
            yield Problem(
                f"route `{key}` is the same as `{shapes[shape]}`",
                "only the names of their variables differ, and API Gateway cannot tell them apart",
                where=it.line("routes", key),
            )
        shapes.setdefault(shape, key)


class HttpApiKind(Kind[HttpApiSpec]):
    kind = "http-api"
    doc = "HTTP API"
    spec = HttpApiSpec
    renames = True
    rank = 10
    permissions: ClassVar[Mapping[Verb, tuple[str, ...]]] = {
        Verb.READ: ("apigateway:GET",),
        Verb.CREATE: (
            "apigateway:POST",
            "apigateway:GET",
            "apigateway:TagResource",
            "apigateway:PATCH",
            "apigateway:DELETE",
        ),
        Verb.UPDATE: (
            "apigateway:POST",
            "apigateway:PATCH",
            "apigateway:DELETE",
            "apigateway:GET",
            "apigateway:TagResource",
        ),
        Verb.DELETE: ("apigateway:DELETE", "apigateway:GET"),
        Verb.SEARCH: ("apigateway:GET",),
    }

    def read(self, aws: Aws, here: Here) -> Observed | None:
        """The API whose id is recorded; else the first that carries our mark."""
        api_id = here.outputs.get("id")
        if api_id and (found := Parts(aws, api_id).observe(here)):
            return found
        mine = marked(aws, here)
        return Parts(aws, mine[0]["ApiId"]).observe(here) if mine else None

    def exists(self, aws: Aws, here: Here) -> Observed | None:
        found = aws.find("apigatewayv2.GetApi", ApiId=here.outputs["id"]) if "id" in here.outputs else None
        api = found or next(iter(marked(aws, here)), None)
        return Observed(HttpApiSpec("", ""), {"id": api["ApiId"]}, Mark.of(api.get("Tags") or {})) if api else None

    def create(self, aws: Aws, here: Here, spec: HttpApiSpec) -> Outputs:
        found = None if here.fresh else self.read(aws, here)
        if found is not None:
            # Left by an earlier attempt: there is no name that could be taken, so AWS would make a second one.
            todo = differences(spec, found.spec, self.create_only)
            return self.update(aws, replace(here, outputs=found.outputs), spec, todo)
        parts = Parts(aws, self._make(aws, here, spec)["ApiId"])
        here.ready(outputs(here.place, parts.id, spec.stage))
        parts.set_routes(spec.routes, fresh=True)
        parts.set_stage(spec.stage, here.mark, fresh=True)
        return outputs(here.place, parts.id, spec.stage)

    def _make(self, aws: Aws, here: Here, spec: HttpApiSpec) -> dict[str, Any]:
        settings: dict[str, Any] = {"Name": spec.title, "ProtocolType": "HTTP", "Tags": here.mark.tags}
        if spec.cors:
            settings["CorsConfiguration"] = cors_settings(spec.cors)
        return make_one(aws, "apigatewayv2.CreateApi", lambda: marked(aws, here), **settings)

    def update(self, aws: Aws, here: Here, spec: HttpApiSpec, changes: tuple[Change, ...]) -> Outputs:
        parts = Parts(aws, here.outputs["id"])
        fields = {change.field for change in changes}
        if "mark" in fields:
            resource = arn(here.place, "apigateway", f"/apis/{parts.id}", account=False)
            aws.call("apigatewayv2.TagResource", ResourceArn=resource, Tags=here.mark.tags)
        if "twins" in fields:
            for twin in marked(aws, here):
                if twin["ApiId"] != parts.id:
                    aws.remove("apigatewayv2.DeleteApi", ApiId=twin["ApiId"])
        if "title" in fields:
            aws.call("apigatewayv2.UpdateApi", ApiId=parts.id, Name=spec.title)
        if "cors" in fields:
            parts.set_cors(spec.cors)
        if "routes" in fields:
            parts.set_routes(spec.routes)
        if "stage" in fields:
            parts.set_stage(spec.stage, here.mark)
        if fields & {"stage", "old_stages"}:
            parts.drop_stages_but(spec.stage, here.mark)
        return outputs(here.place, parts.id, spec.stage)

    def delete(self, aws: Aws, here: Here) -> None:
        if api_id := here.outputs.get("id"):
            aws.remove("apigatewayv2.DeleteApi", ApiId=api_id)
        else:
            for api in marked(aws, here):
                aws.remove("apigatewayv2.DeleteApi", ApiId=api["ApiId"])

    def search(self, aws: Aws, place: Place | None) -> Iterator[Found]:
        for api in aws.pages("apigatewayv2.GetApis", "Items"):
            if (mark := Mark.of(api.get("Tags") or {})) and belongs(mark, place):
                yield Found(Ref("http-api", mark.id), api["Name"], mark, {"id": api["ApiId"]})
