"""Where the results of a function's asynchronous calls go, and how often a failed one is tried again. Wiring; written
as `on_failure` and `on_success` of a function.

AWS facts (Lambda developer guide; botocore's model):
- One configuration for each function; putting it replaces all of it, and it goes with the function.
- Lambda checks that the function's role may send there; a policy that was put a moment ago does not count yet.
- Without one, a call is tried twice again within six hours and then dropped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import ClassVar

from serverless_cli.aws.calls import Aws
from serverless_cli.model import Change, Found, Observed, Outputs, Place, Ref, Resource, Spec, Verb
from serverless_cli.records import dataclass
from serverless_cli.resources.base import Here, Kind, Scope, Weaver
from serverless_cli.wiring import Delivers, Wiring

RETRIES, MAX_AGE_S = 2, 21600


@dataclass(frozen=True, slots=True)
class DestinationSpec(Spec):
    """`on_success` and `on_failure` are ARNs, empty for none."""

    on_success: str
    on_failure: str
    retries: int
    max_age_s: int


class DestinationWeaver(Weaver[Delivers]):
    """The configuration of each function that says what becomes of its asynchronous calls."""

    takes = Delivers

    def weave(self, wiring: tuple[Delivers, ...], every: tuple[Wiring, ...], scope: Scope) -> Iterable[Resource]:
        for one in wiring:
            function = scope.declared(one.function)
            if function is None:
                continue
            home = Ref("function", one.function)
            spec = DestinationSpec(one.on_success, one.on_failure, one.retries, one.max_age_s)
            ref = Ref("destination", one.function)
            yield Resource(ref, function.name, spec, one.needs | {home}, inside=home, where=one.where)


class DestinationKind(Kind[DestinationSpec]):
    kind = "destination"
    doc = "destinations of asynchronous calls"
    spec = DestinationSpec
    marked = False
    rank = 20
    permissions: ClassVar[Mapping[Verb, tuple[str, ...]]] = {
        Verb.READ: ("lambda:GetFunctionEventInvokeConfig",),
        Verb.CREATE: ("lambda:PutFunctionEventInvokeConfig",),
        Verb.UPDATE: ("lambda:PutFunctionEventInvokeConfig",),
        Verb.DELETE: ("lambda:DeleteFunctionEventInvokeConfig",),
        Verb.SEARCH: (),
    }

    def read(self, aws: Aws, here: Here) -> Observed | None:
        found = aws.find("lambda.GetFunctionEventInvokeConfig", FunctionName=here.name)
        if found is None:
            return None
        ends = found.get("DestinationConfig") or {}
        retries, age = found.get("MaximumRetryAttempts"), found.get("MaximumEventAgeInSeconds")
        return Observed(
            DestinationSpec(
                (ends.get("OnSuccess") or {}).get("Destination") or "",
                (ends.get("OnFailure") or {}).get("Destination") or "",
                RETRIES if retries is None else retries,
                MAX_AGE_S if age is None else age,
            )
        )

    def create(self, aws: Aws, here: Here, spec: DestinationSpec) -> Outputs:
        ends = {"OnSuccess": spec.on_success, "OnFailure": spec.on_failure}
        aws.call(
            "lambda.PutFunctionEventInvokeConfig",
            FunctionName=here.name,
            MaximumRetryAttempts=spec.retries,
            MaximumEventAgeInSeconds=spec.max_age_s,
            DestinationConfig={key: {"Destination": target} for key, target in ends.items() if target},
        )
        return {}

    def update(self, aws: Aws, here: Here, spec: DestinationSpec, changes: tuple[Change, ...]) -> Outputs:
        return self.create(aws, here, spec)

    def delete(self, aws: Aws, here: Here) -> None:
        aws.remove("lambda.DeleteFunctionEventInvokeConfig", FunctionName=here.name)

    def search(self, aws: Aws, place: Place | None) -> Iterator[Found]:
        """They go with their function."""
        return iter(())
