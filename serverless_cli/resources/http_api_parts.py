"""What an HTTP API is made of, as slx compares it, and the calls on the parts inside one API."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import field, replace
from typing import Any

from serverless_cli.aws.calls import Aws
from serverless_cli.errors import AwsError, Exit, SlxError
from serverless_cli.model import Mark, Observed, Outputs, Place, Spec
from serverless_cli.names import api_url, arn
from serverless_cli.records import dataclass
from serverless_cli.resources.base import Here, together
from serverless_cli.resources.ownership import attempt

TAKEN = ("ConflictException", "already exists")
LOST_S = 60.0
"""how long a create is tried whose answers do not arrive"""


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
    """What answers a route: the ARN of a function in `target`, called with payloads of that version; or a service,
    called as `subtype` says with `parameters`, under the role with the ARN `role`."""

    target: str
    payload: str = "2.0"
    timeout_ms: int = 30000
    auth: str = "NONE"
    subtype: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    role: str = ""


@dataclass(frozen=True, slots=True)
class HttpApiSpec(Spec):
    """`stage` deploys by itself; it is empty where the stage is missing or waits for deployments by hand.

    `twins` are the ids of further APIs with our mark, made by a call whose answer was lost; `old_stages` are further
    stages with our mark, left by a change of the stage that was broken off. None are wanted.
    """

    title: str
    stage: str
    routes: Mapping[str, Route] = field(default_factory=dict)
    cors: Cors | None = None
    twins: tuple[str, ...] = ()
    old_stages: tuple[str, ...] = ()


def marked(aws: Aws, here: Here) -> list[dict[str, Any]]:
    """Our APIs, oldest first: more than one only after an answer was lost."""
    found = [a for a in aws.pages("apigatewayv2.GetApis", "Items") if Mark.of(a.get("Tags") or {}) == here.mark]
    return sorted(found, key=lambda api: (str(api.get("CreatedDate", "")), api["ApiId"]))


def make_one(aws: Aws, operation: str, look: Callable[[], list[dict[str, Any]]], /, **settings: Any) -> dict[str, Any]:
    """The answer of a create without any name that could be taken. After a lost answer `look` says what is there,
    and only if that is nothing it is sent again, for as long as other calls are. Raises AwsError, the last one."""
    lost: list[AwsError] = []

    def ask() -> dict[str, Any] | None:
        if lost and (found := look()):
            return found[0]
        try:
            return aws.call(operation, once=True, **settings)
        except AwsError as error:
            if not error.lost:
                raise
            lost.append(error)
        return None

    try:
        return aws.wait(f"an answer to {operation}", ask, deadline_s=LOST_S)
    except SlxError as error:
        if error.exit_code is not Exit.TIMED_OUT:
            raise
    if found := look():
        return found[0]
    raise lost[-1]


def outputs(place: Place, api_id: str, stage: str) -> Outputs:
    resource = arn(place, "apigateway", f"/apis/{api_id}", account=False)
    return {"id": api_id, "url": api_url(place, api_id, stage), "arn": resource}


def cors_settings(cors: Cors) -> dict[str, Any]:
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


def read_cors(have: Mapping[str, Any] | None) -> Cors | None:
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
class Parts:
    """The parts inside one API; every call on it comes after the one before."""

    aws: Aws
    id: str

    def observe(self, here: Here) -> Observed | None:
        api, mine, integrations, routes, stages = together(
            self.aws,
            (
                lambda: self.aws.find("apigatewayv2.GetApi", ApiId=self.id),
                lambda: marked(self.aws, here),
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
        old = tuple(one for one in _ours(stages, here.mark) if one != stage)
        twins = tuple(one["ApiId"] for one in mine if one["ApiId"] != self.id)
        have = {r["RouteKey"]: read_route(r, integrations) for r in routes if not r.get("ApiGatewayManaged")}
        spec = HttpApiSpec(api["Name"], stage, have, read_cors(api.get("CorsConfiguration")), twins, old)
        return Observed(spec, outputs(here.place, self.id, wanted or stage), Mark.of(api.get("Tags") or {}))

    def _integrations(self) -> dict[str, dict[str, Any]]:
        pages = self.aws.pages("apigatewayv2.GetIntegrations", "Items", ApiId=self.id)
        return {one["IntegrationId"]: one for one in pages}

    def set_cors(self, cors: Cors | None) -> None:
        if cors:
            self.aws.call("apigatewayv2.UpdateApi", ApiId=self.id, CorsConfiguration=cors_settings(cors))
        else:
            self.aws.remove("apigatewayv2.DeleteCorsConfiguration", ApiId=self.id)

    def set_routes(self, wanted: Mapping[str, Route], *, fresh: bool = False) -> None:
        """Makes the routes so: targets first, then routes, then what is no longer used. A fresh API has none."""
        integrations = {} if fresh else self._integrations()
        have = () if fresh else self.aws.pages("apigatewayv2.GetRoutes", "Items", ApiId=self.id)
        routes = {route["RouteKey"]: route for route in have}
        known = {id: read_integration(one) for id, one in integrations.items()}
        used: set[str] = set()
        for key, route in wanted.items():
            target = replace(route, auth="NONE")
            id = next((id for id, one in known.items() if one == target), "") or self._integrate(target)
            known[id] = target
            used.add(id)
            self._point(key, route, id, routes.get(key))
        for key in set(routes) - set(wanted):
            self.aws.remove("apigatewayv2.DeleteRoute", ApiId=self.id, RouteId=routes[key]["RouteId"])
        for id in set(integrations) - used:
            self.aws.remove("apigatewayv2.DeleteIntegration", ApiId=self.id, IntegrationId=id)

    def _integrate(self, route: Route) -> str:
        how: dict[str, Any] = {"IntegrationUri": route.target}
        if route.subtype:
            parameters = dict(route.parameters)
            how = {"IntegrationSubtype": route.subtype, "CredentialsArn": route.role, "RequestParameters": parameters}
        made = make_one(
            self.aws,
            "apigatewayv2.CreateIntegration",
            lambda: [one for one in self._integrations().values() if read_integration(one) == route],
            ApiId=self.id,
            IntegrationType="AWS_PROXY",
            PayloadFormatVersion=route.payload,
            TimeoutInMillis=route.timeout_ms,
            **how,
        )
        return str(made["IntegrationId"])

    def _point(self, key: str, route: Route, integration: str, have: Mapping[str, Any] | None) -> None:
        target = f"integrations/{integration}"
        if have is None:
            settings: dict[str, Any] = {"RouteKey": key, "Target": target, "AuthorizationType": route.auth}
            # Taken only by an earlier try of this very call, whose answer was lost.
            attempt(self.aws, "apigatewayv2.CreateRoute", *TAKEN, ApiId=self.id, **settings)
        elif (have.get("Target"), have.get("AuthorizationType", "NONE")) != (target, route.auth):
            settings = {"RouteId": have["RouteId"], "Target": target, "AuthorizationType": route.auth}
            self.aws.call("apigatewayv2.UpdateRoute", ApiId=self.id, **settings)

    def drop_stages_but(self, name: str, mark: Mark) -> None:
        """Removes the other stages that slx made: one that somebody else added carries no mark of ours."""
        for one in _ours(self.aws.pages("apigatewayv2.GetStages", "Items", ApiId=self.id), mark):
            if one != name:
                self.aws.remove("apigatewayv2.DeleteStage", ApiId=self.id, StageName=one)

    def set_stage(self, name: str, mark: Mark, *, fresh: bool = False) -> None:
        have = () if fresh else self.aws.pages("apigatewayv2.GetStages", "Items", ApiId=self.id)
        stages = {one["StageName"]: one for one in have}
        if name not in stages:
            settings: dict[str, Any] = {"StageName": name, "AutoDeploy": True, "Tags": mark.tags}
            attempt(self.aws, "apigatewayv2.CreateStage", *TAKEN, ApiId=self.id, **settings)
        elif not stages[name].get("AutoDeploy"):
            self.aws.call("apigatewayv2.UpdateStage", ApiId=self.id, StageName=name, AutoDeploy=True)


def _ours(stages: Iterable[Mapping[str, Any]], mark: Mark) -> list[str]:
    """The names of the stages that carry the mark."""
    return sorted(one["StageName"] for one in stages if Mark.of(one.get("Tags") or {}) == mark)


def read_integration(one: Mapping[str, Any]) -> Route:
    """An integration as the part of a route that it is."""
    version, timeout = one.get("PayloadFormatVersion", "1.0"), int(one.get("TimeoutInMillis") or 30000)
    subtype = one.get("IntegrationSubtype") or ""
    if not subtype:
        return Route(one.get("IntegrationUri") or "", version, timeout)
    parameters = dict(one.get("RequestParameters") or {})
    return Route("", version, timeout, subtype=subtype, parameters=parameters, role=one.get("CredentialsArn") or "")


def read_route(route: Mapping[str, Any], integrations: Mapping[str, Mapping[str, Any]]) -> Route:
    found = integrations.get(str(route.get("Target", "")).removeprefix("integrations/"), {})
    return replace(read_integration(found), auth=route.get("AuthorizationType") or "NONE")
