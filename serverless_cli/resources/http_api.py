"""HTTP APIs of API Gateway v2: routes, their integrations, CORS, and one stage that deploys by itself.

AWS facts (API Gateway developer guide; botocore's model; the tools that code against them):
- Names are not unique and there is no token: a CreateApi sent twice makes two. Ours is the one with our mark, so
  that call is never repeated blindly.
- Two changes of one API at once answer 409 `concurrent modification`: everything in here goes one after the other.
- An integration in use cannot be deleted: routes first. DeleteApi takes everything along.
- UpdateApi with an empty CORS configuration changes nothing; clearing it is a call of its own.
- With CORS configured, API Gateway answers preflights itself and drops what the function says about CORS.
- A permission's ARN has the route's path with its {variables} as they are; `$default` has neither.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, ClassVar, Literal

from serverless_cli.aws.calls import Aws
from serverless_cli.errors import AwsError, Problem
from serverless_cli.keys import Doc, KeyPattern, LateOk, Pattern, Range
from serverless_cli.model import Change, Found, Handout, Late, Mark, Observed, Outputs, Place, Ref, Resource, Spec, Verb
from serverless_cli.names import NameRule, api_url, arn
from serverless_cli.resources.base import Attribute, Declared, Here, Kind, Scope, Type, together
from serverless_cli.wiring import Invokes, Wiring

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
class RouteKeys:
    """A route in its long form."""

    to: Annotated[str, Doc("The id of what answers: a function.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpApiKeys:
    """An HTTP API: URLs that call functions."""

    routes: Annotated[
        Mapping[str, str | RouteKeys],
        Doc("`METHOD /path: id of a function`; `/{name}` matches a segment, `/{rest+}` all, `$default` what is left."),
        KeyPattern(ROUTE_KEY, "METHOD /path, ANY /path or $default"),
        Range(1, 300),
    ]
    deployment_stage: Annotated[
        str, Doc("The deployment stage; a named one is the first segment of the URL's path."),
        Pattern(r"\$default|[a-zA-Z0-9_-]{1,128}", "letters, digits, - and _, or $default"),
    ] = "$default"  # fmt: skip
    auth: Annotated[Literal["none"], Doc("Who may call: `none` leaves it open.")] = "none"
    cors: Annotated[CorsKeys | None, Doc("Which pages of other origins may call.")] = None


@dataclass(frozen=True, slots=True)
class Cors(Spec):
    allow_origins: tuple[str, ...]
    allow_methods: tuple[str, ...]
    allow_headers: tuple[str, ...]
    expose_headers: tuple[str, ...]
    allow_credentials: bool
    max_age_s: int


@dataclass(frozen=True, slots=True)
class Route(Spec):
    """What answers a route: the ARN of a function, called with payloads of that version."""

    target: str
    payload: str = "2.0"
    timeout_ms: int = 30000
    auth: str = "NONE"


@dataclass(frozen=True, slots=True)
class HttpApiSpec(Spec):
    """`stage` deploys by itself; it is empty where the stage is missing or waits for deployments by hand.

    `twins` are the ids of further APIs with our mark, made by a call whose answer was lost; none are wanted.
    """

    title: str
    stage: str
    routes: Mapping[str, Route] = field(default_factory=dict)
    cors: Cors | None = None
    twins: tuple[str, ...] = ()


class HttpApiType(Type[HttpApiKeys]):
    type_name = "http-api"
    doc = "HTTP API (API Gateway v2): routes to functions, CORS, a deployment stage."
    keys = HttpApiKeys
    name_rule = NameRule(128, r"[^\s].{0,127}")
    attributes: ClassVar[Mapping[str, Attribute]] = {
        "id": Attribute("The API's id."),
        "url": Attribute("The base URL, deployment stage included, without a slash at the end."),
        "arn": Attribute("The API's ARN."),
    }

    def problems(self, it: Declared[HttpApiKeys], scope: Scope) -> Iterable[Problem]:
        for key, route in it.keys.routes.items():
            target = scope.declared(_to(route))
            if target is None:
                yield Problem(
                    f"route `{key}` leads to {_to(route)}, which is no resource", where=it.line("routes", key)
                )
            elif target.type != "function":
                yield Problem(
                    f"route `{key}` leads to {target.id}, a {target.type}",
                    "a route leads to a function",
                    where=it.line("routes", key),
                )
        yield from _variable_problems(it)
        cors = it.keys.cors
        if cors and cors.allow_credentials and "*" in cors.allow_origins:
            yield Problem(
                "CORS lets every origin send cookies",
                "API Gateway refuses `allow_credentials` together with the origin `*`",
                "name the origins",
                it.line("cors", "allow_origins"),
            )

    def expand(self, it: Declared[HttpApiKeys], scope: Scope) -> Iterable[Resource | Wiring]:
        keys, ref = it.keys, Ref("http-api", it.id)
        routes = {key: Route(scope.attribute(_to(route), "arn")) for key, route in keys.routes.items()}
        spec = HttpApiSpec(it.name, keys.deployment_stage, routes, _wanted_cors(keys.cors))
        yield Resource(ref, it.name, spec, where=it.where, retain=it.retain)
        before, after = arn(scope.place, "execute-api", "").rstrip(":") + ":", "/*/"
        for key, route in keys.routes.items():
            source = Late((before, Handout(ref, "id"), after + _route_arn(key)))
            yield Invokes(it.id, _to(route), "apigateway.amazonaws.com", source, key, it.line("routes", key))


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


def _to(route: str | RouteKeys) -> str:
    return route if isinstance(route, str) else route.to


def _route_arn(key: str) -> str:
    """A route's part of the ARN that its permission names: `GET/items/{id}`, `*/items` for ANY, `$default`."""
    method, _, path = key.partition(" ")
    return key if key == "$default" else f"{'*' if method == 'ANY' else method}{path.rstrip('/') or '/'}"


def _variable_problems(it: Declared[HttpApiKeys]) -> Iterable[Problem]:
    shapes: dict[str, str] = {}
    for key in it.keys.routes:
        if re.search(r"\{[^}]*\+\}(?!$)", key):
            yield Problem(
                f"route `{key}` goes on after a greedy variable", "`{name+}` takes all that is left of the path",
                where=it.line("routes", key),
            )  # fmt: skip
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
        Verb.DELETE: ("apigateway:DELETE",),
        Verb.SEARCH: ("apigateway:GET",),
    }

    def read(self, aws: Aws, here: Here) -> Observed | None:
        """The API whose id is recorded; else the first that carries our mark."""
        api_id = here.outputs.get("id")
        if api_id and (found := _Api(aws, api_id).observe(here)):
            return found
        mine = _marked(aws, here)
        return _Api(aws, mine[0]["ApiId"]).observe(here, tuple(api["ApiId"] for api in mine[1:])) if mine else None

    def create(self, aws: Aws, here: Here, spec: HttpApiSpec) -> Outputs:
        api = self._make(aws, here, spec)
        parts = _Api(aws, api["ApiId"])
        parts.set_routes(spec.routes, fresh=True)
        parts.set_stage(spec.stage, here.mark, fresh=True)
        return _outputs(here.place, parts.id, spec.stage)

    def _make(self, aws: Aws, here: Here, spec: HttpApiSpec) -> dict[str, Any]:
        settings: dict[str, Any] = {"Name": spec.title, "ProtocolType": "HTTP", "Tags": here.mark.tags}
        if spec.cors:
            settings["CorsConfiguration"] = _cors(spec.cors)
        try:
            return aws.call("apigatewayv2.CreateApi", once=True, **settings)
        except AwsError as error:
            if not error.lost:
                raise
            # The answer is lost, not necessarily the API: look before making another.
            found = _marked(aws, here)
            return found[0] if found else aws.call("apigatewayv2.CreateApi", once=True, **settings)

    def update(self, aws: Aws, here: Here, spec: HttpApiSpec, changes: tuple[Change, ...]) -> Outputs:
        parts = _Api(aws, here.outputs["id"])
        fields = {change.field for change in changes}
        if "mark" in fields:
            resource = arn(here.place, "apigateway", f"/apis/{parts.id}", account=False)
            aws.call("apigatewayv2.TagResource", ResourceArn=resource, Tags=here.mark.tags)
        if "twins" in fields:
            for twin in _marked(aws, here):
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
            old = here.recorded.stage if isinstance(here.recorded, HttpApiSpec) else spec.stage
            if old != spec.stage:
                aws.remove("apigatewayv2.DeleteStage", ApiId=parts.id, StageName=old)
        return _outputs(here.place, parts.id, spec.stage)

    def delete(self, aws: Aws, here: Here) -> None:
        if api_id := here.outputs.get("id"):
            aws.remove("apigatewayv2.DeleteApi", ApiId=api_id)
        else:
            for api in _marked(aws, here):
                aws.remove("apigatewayv2.DeleteApi", ApiId=api["ApiId"])

    def search(self, aws: Aws, place: Place | None) -> Iterator[Found]:
        for api in aws.pages("apigatewayv2.GetApis", "Items"):
            if mark := Mark.of(api.get("Tags") or {}):
                yield Found(Ref("http-api", mark.id), api["Name"], mark, {"id": api["ApiId"]})


def _marked(aws: Aws, here: Here) -> list[dict[str, Any]]:
    """Our APIs, oldest first: more than one only after an answer was lost."""
    found = [a for a in aws.pages("apigatewayv2.GetApis", "Items") if Mark.of(a.get("Tags") or {}) == here.mark]
    return sorted(found, key=lambda api: (str(api.get("CreatedDate", "")), api["ApiId"]))


def _outputs(place: Place, api_id: str, stage: str) -> Outputs:
    resource = arn(place, "apigateway", f"/apis/{api_id}", account=False)
    return {"id": api_id, "url": api_url(place, api_id, stage), "arn": resource}


def _cors(cors: Cors) -> dict[str, Any]:
    found: dict[str, Any] = {
        "AllowOrigins": list(cors.allow_origins),
        "AllowMethods": list(cors.allow_methods),
        "AllowHeaders": list(cors.allow_headers),
        "AllowCredentials": cors.allow_credentials,
        "MaxAge": cors.max_age_s,
    }
    if cors.expose_headers:
        found["ExposeHeaders"] = list(cors.expose_headers)
    return found


def _read_cors(have: Mapping[str, Any] | None) -> Cors | None:
    if not have:
        return None
    return Cors(
        tuple(sorted(have.get("AllowOrigins") or ())),
        tuple(sorted(have.get("AllowMethods") or ())),
        tuple(sorted(header.lower() for header in have.get("AllowHeaders") or ())),
        tuple(sorted(header.lower() for header in have.get("ExposeHeaders") or ())),
        bool(have.get("AllowCredentials")),
        int(have.get("MaxAge") or 0),
    )


@dataclass(frozen=True, slots=True)
class _Api:
    """The parts inside one API; every call on it comes after the one before."""

    aws: Aws
    id: str

    def observe(self, here: Here, twins: tuple[str, ...] = ()) -> Observed | None:
        api, integrations, routes, stages = together(
            self.aws,
            (
                lambda: self.aws.find("apigatewayv2.GetApi", ApiId=self.id),
                self._integrations,
                lambda: list(self.aws.pages("apigatewayv2.GetRoutes", "Items", ApiId=self.id)),
                lambda: list(self.aws.pages("apigatewayv2.GetStages", "Items", ApiId=self.id)),
            ),
        )
        if api is None:
            return None
        wish = here.wish or here.recorded
        wanted = wish.stage if isinstance(wish, HttpApiSpec) else ""
        live = sorted(one["StageName"] for one in stages if one.get("AutoDeploy"))
        stage = wanted if wanted in live else next(iter(live), "")
        have = {r["RouteKey"]: _read_route(r, integrations) for r in routes if not r.get("ApiGatewayManaged")}
        spec = HttpApiSpec(api["Name"], stage, have, _read_cors(api.get("CorsConfiguration")), twins)
        return Observed(spec, _outputs(here.place, self.id, wanted or stage), Mark.of(api.get("Tags") or {}))

    def _integrations(self) -> dict[str, dict[str, Any]]:
        pages = self.aws.pages("apigatewayv2.GetIntegrations", "Items", ApiId=self.id)
        return {one["IntegrationId"]: one for one in pages}

    def set_cors(self, cors: Cors | None) -> None:
        if cors:
            self.aws.call("apigatewayv2.UpdateApi", ApiId=self.id, CorsConfiguration=_cors(cors))
        else:
            self.aws.remove("apigatewayv2.DeleteCorsConfiguration", ApiId=self.id)

    def set_routes(self, wanted: Mapping[str, Route], *, fresh: bool = False) -> None:
        """Makes the routes so: targets first, then routes, then what is no longer used. A fresh API has none."""
        integrations = {} if fresh else self._integrations()
        by_route = {one: key for key, one in reversed([(k, _read_integration(i)) for k, i in integrations.items()])}
        have = () if fresh else self.aws.pages("apigatewayv2.GetRoutes", "Items", ApiId=self.id)
        routes = {route["RouteKey"]: route for route in have}
        for key, route in wanted.items():
            target = replace(route, auth="NONE")
            if target not in by_route:
                by_route[target] = self._integrate(target)
            self._point(key, route, by_route[target], routes.get(key))
        for key in set(routes) - set(wanted):
            self.aws.remove("apigatewayv2.DeleteRoute", ApiId=self.id, RouteId=routes[key]["RouteId"])
        used = {by_route[replace(route, auth="NONE")] for route in wanted.values()}
        for integration in set(integrations) - used:
            self.aws.remove("apigatewayv2.DeleteIntegration", ApiId=self.id, IntegrationId=integration)

    def _integrate(self, route: Route) -> str:
        made = self.aws.call(
            "apigatewayv2.CreateIntegration",
            ApiId=self.id,
            IntegrationType="AWS_PROXY",
            IntegrationUri=route.target,
            PayloadFormatVersion=route.payload,
            TimeoutInMillis=route.timeout_ms,
        )
        return str(made["IntegrationId"])

    def _point(self, key: str, route: Route, integration: str, have: Mapping[str, Any] | None) -> None:
        target = f"integrations/{integration}"
        if have is None:
            settings: dict[str, Any] = {"RouteKey": key, "Target": target, "AuthorizationType": route.auth}
            self.aws.call("apigatewayv2.CreateRoute", ApiId=self.id, **settings)
        elif (have.get("Target"), have.get("AuthorizationType", "NONE")) != (target, route.auth):
            settings = {"RouteId": have["RouteId"], "Target": target, "AuthorizationType": route.auth}
            self.aws.call("apigatewayv2.UpdateRoute", ApiId=self.id, **settings)

    def set_stage(self, name: str, mark: Mark, *, fresh: bool = False) -> None:
        have = () if fresh else self.aws.pages("apigatewayv2.GetStages", "Items", ApiId=self.id)
        stages = {one["StageName"]: one for one in have}
        if name not in stages:
            self.aws.call("apigatewayv2.CreateStage", ApiId=self.id, StageName=name, AutoDeploy=True, Tags=mark.tags)
        elif not stages[name].get("AutoDeploy"):
            self.aws.call("apigatewayv2.UpdateStage", ApiId=self.id, StageName=name, AutoDeploy=True)


def _read_integration(one: Mapping[str, Any]) -> Route:
    version, timeout = one.get("PayloadFormatVersion", "1.0"), int(one.get("TimeoutInMillis") or 30000)
    return Route(one.get("IntegrationUri", ""), version, timeout)


def _read_route(route: Mapping[str, Any], integrations: Mapping[str, Mapping[str, Any]]) -> Route:
    found = integrations.get(str(route.get("Target", "")).removeprefix("integrations/"), {})
    return replace(_read_integration(found), auth=route.get("AuthorizationType") or "NONE")
