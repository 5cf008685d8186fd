"""Event source mappings: Lambda polls a queue or stream for a function. Wiring; nobody writes it as a type.

AWS facts (Lambda developer guide; botocore's model; recorded answers; the tools that code against them):
- One mapping for each pair of function and source: a second one answers 409 with the first one's UUID, also while
  that is still being deleted. Emulators take a pair twice, so that a create looks first.
- Creating checks that the function's role can read the source; a policy that was put a moment ago does not count yet.
- Creating, Updating, Enabling, Disabling, Deleting: meanwhile every other change answers 400 ResourceInUseException.
- Deleting goes on after its answer. A mapping outlives its function, blocks another one of the pair and cannot be
  seen under the function any more: it must be gone before the function is deleted.
- A queue takes none of a stream's settings, not even at their defaults; a mapping shows the function's ARN only.
- Filters and scaling are cleared by empty mappings, a destination by an empty ARN.
- A table's stream that is switched off and on is another source: the mapping is another one then.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar

from serverless_cli.aws.calls import Aws, NotYet
from serverless_cli.model import Change, Found, Late, Mark, Observed, Outputs, Place, Ref, Resource, Spec, Verb
from serverless_cli.names import arn
from serverless_cli.records import dataclass
from serverless_cli.resources.base import Here, Kind, Scope, Weaver, marked
from serverless_cli.resources.ownership import attempt, belongs, claim
from serverless_cli.resources.triggers import canonical
from serverless_cli.wiring import Maps, Wiring

READY_S = 600.0
NEVER = -1


@dataclass(frozen=True, slots=True)
class MappingSpec(Spec):
    """`source` and `on_failure` are ARNs; what a queue has no setting for is empty, or as here."""

    source: str
    function: str
    batch_size: int
    batch_window_s: int = 0
    filters: tuple[str, ...] = ()
    partial_failures: bool = False
    max_concurrency: int | None = None
    enabled: bool = True
    starting_position: str = ""
    retries: int = NEVER
    max_age_s: int = NEVER
    bisect: bool = False
    parallel: int = 1
    on_failure: str = ""


class MappingWeaver(Weaver[Maps]):
    """The mapping for each queue or stream that calls a function."""

    takes = Maps

    def weave(self, wiring: tuple[Maps, ...], every: tuple[Wiring, ...], scope: Scope) -> Iterable[Resource]:
        for one in wiring:
            function, source = scope.declared(one.function), scope.declared(one.from_)
            if function is None or source is None:
                continue
            settings: dict[str, Any] = dict(one.settings)
            ends = {Ref("function", one.function), Ref(source.type, one.from_)}
            yield Resource(
                Ref("mapping", f"{one.function}.{one.from_}"),
                f"{function.name}/{source.type}/{source.name}",
                MappingSpec(one.source, function.name, **settings),
                one.needs | ends,
                where=one.where,
            )


class MappingKind(Kind[MappingSpec]):
    kind = "mapping"
    doc = "event source mapping"
    spec = MappingSpec
    create_only = frozenset({"source", "function", "starting_position"})
    rank = 20
    permissions: ClassVar[Mapping[Verb, tuple[str, ...]]] = {
        Verb.READ: ("lambda:ListEventSourceMappings", "lambda:ListTags"),
        Verb.CREATE: ("lambda:CreateEventSourceMapping", "lambda:ListEventSourceMappings", "lambda:TagResource",
                      "lambda:GetEventSourceMapping", "lambda:UpdateEventSourceMapping", "lambda:ListTags",
                      "lambda:DeleteEventSourceMapping"),
        Verb.UPDATE: ("lambda:UpdateEventSourceMapping", "lambda:GetEventSourceMapping", "lambda:TagResource"),
        Verb.DELETE: ("lambda:DeleteEventSourceMapping", "lambda:GetEventSourceMapping",
                      "lambda:ListEventSourceMappings"),
        Verb.SEARCH: ("lambda:ListEventSourceMappings", "lambda:ListTags"),
    }  # fmt: skip

    def read(self, aws: Aws, here: Here) -> Observed | None:
        found = _find(aws, here)
        if found is None or found.get("State") == "Deleting":
            return None
        return self._seen(aws, here, found)

    def create(self, aws: Aws, here: Here, spec: MappingSpec) -> Outputs:
        found, uuid = aws.wait(
            f"mapping {here.name} to be made", lambda: self._take(aws, here, spec), deadline_s=READY_S
        )
        if found is None:
            _settled(aws, uuid)
            return {"uuid": uuid}
        unmarked = (Change(("mark",), None, here.mark),) if found.mark is None else ()
        todo = (*unmarked, Change(("batch_size",), None, spec.batch_size))
        return self.update(aws, replace(here, outputs=found.outputs), spec, todo)

    def _take(self, aws: Aws, here: Here, spec: MappingSpec) -> tuple[Observed | None, str]:
        """The mapping as it is wished for that is there already, or the id of a new one.

        Raises NotYet while an old one has to go first.
        """
        for one in _pair(aws, here):
            if one.get("State") == "Deleting":
                raise NotYet("an old one is still being deleted")
            found, same = self._seen(aws, here, one), one["EventSourceArn"] == spec.source
            if same and claim(here, found) and _spec(one).starting_position == spec.starting_position:
                return found, str(one["UUID"])
            if same or found.mark == here.mark:
                # Ours, of a stream that was made anew or from another place in it: neither can be changed.
                aws.remove("lambda.DeleteEventSourceMapping", UUID=one["UUID"])
                raise NotYet("an old one is being deleted")
        made = attempt(
            aws,
            "lambda.CreateEventSourceMapping",
            "ResourceConflictException",
            "already exists",
            FunctionName=spec.function,
            EventSourceArn=spec.source,
            Tags=here.mark.tags,
            **_settings(spec, anew=True),
        )
        if made is None:
            raise NotYet("there is one that is not listed yet, or is just going")
        return None, str(made["UUID"])

    def _seen(self, aws: Aws, here: Here, one: Mapping[str, Any]) -> Observed:
        tags = aws.find("lambda.ListTags", Resource=_arn(here.place, one["UUID"])) or {}
        return Observed(_spec(one), {"uuid": one["UUID"]}, Mark.of(tags.get("Tags") or {}))

    def update(self, aws: Aws, here: Here, spec: MappingSpec, changes: tuple[Change, ...]) -> Outputs:
        uuid = here.outputs["uuid"]
        fields = {change.field for change in changes}
        if "mark" in fields:
            aws.call("lambda.TagResource", Resource=_arn(here.place, uuid), Tags=here.mark.tags)
        if fields - {"mark"}:
            aws.call("lambda.UpdateEventSourceMapping", UUID=uuid, **_settings(spec, anew=False))
            _settled(aws, uuid)
        return {"uuid": uuid}

    def delete(self, aws: Aws, here: Here) -> None:
        found = _find(aws, here)
        uuid = found["UUID"] if found else here.outputs.get("uuid")
        if uuid is None:
            return
        aws.remove("lambda.DeleteEventSourceMapping", UUID=uuid)
        aws.wait(
            f"mapping {here.name} to be gone",
            lambda: aws.find("lambda.GetEventSourceMapping", UUID=uuid) is None or None,
            deadline_s=READY_S,
        )

    def search(self, aws: Aws, place: Place | None) -> Iterator[Found]:
        prefix = f"{place.stack}-{place.stage}-" if place else ""

        def standing(one: Any) -> bool:
            return _function(one).startswith(prefix) and one.get("State") != "Deleting" and "EventSourceArn" in one

        mine = filter(standing, aws.pages("lambda.ListEventSourceMappings", "EventSourceMappings"))
        asked = marked(aws, mine, lambda one: (aws.find("lambda.ListTags", Resource=_own(one)) or {}).get("Tags"))
        for one, mark in asked:
            if mark and belongs(mark, place):
                type_, name = _named(one["EventSourceArn"])
                yield Found(Ref("mapping", mark.id), f"{_function(one)}/{type_}/{name}", mark, {"uuid": one["UUID"]})


def _arn(place: Place, uuid: str) -> str:
    return arn(place, "lambda", f"event-source-mapping:{uuid}")


def _own(one: Mapping[str, Any]) -> str:
    """The ARN of a mapping, made of its function's: older answers do not have it."""
    return f"{str(one['FunctionArn']).partition(':function:')[0]}:event-source-mapping:{one['UUID']}"


def _function(one: Mapping[str, Any]) -> str:
    return str(one["FunctionArn"]).split(":")[6]


def _named(source: str) -> tuple[str, str]:
    """The type and the name of the resource behind the ARN of a source."""
    _, _, service, _, _, rest = source.split(":", 5)
    if service == "sqs":
        return "queue", rest
    return ("table" if service == "dynamodb" else "stream"), rest.split("/")[1]


def _pair(aws: Aws, here: Here) -> list[dict[str, Any]]:
    """The mappings from the source of that name to the function. A table whose stream was made anew may have two."""
    function, type_, name = here.name.split("/", 2)
    return [
        one
        for one in aws.pages("lambda.ListEventSourceMappings", "EventSourceMappings", FunctionName=function)
        if one.get("EventSourceArn") and _named(one["EventSourceArn"]) == (type_, name)
    ]


def _find(aws: Aws, here: Here) -> dict[str, Any] | None:
    """The mapping of this pair: of several the wished one counts, else the recorded one, else the latest."""
    wish = here.wish.source if isinstance(here.wish, MappingSpec) and not isinstance(here.wish.source, Late) else ""

    def likely(one: dict[str, Any]) -> tuple[bool, bool, str]:
        return one["EventSourceArn"] == wish, one["UUID"] == here.outputs.get("uuid"), str(one.get("LastModified", ""))

    return max(_pair(aws, here), key=likely, default=None)


def _spec(one: Mapping[str, Any]) -> MappingSpec:
    filters = (one.get("FilterCriteria") or {}).get("Filters") or ()
    failure = (one.get("DestinationConfig") or {}).get("OnFailure") or {}
    queue = _named(one["EventSourceArn"])[0] == "queue"
    return MappingSpec(
        source=one["EventSourceArn"],
        function=_function(one),
        batch_size=one.get("BatchSize", 10 if queue else 100),
        batch_window_s=one.get("MaximumBatchingWindowInSeconds") or 0,
        filters=tuple(canonical(json.loads(each["Pattern"])) for each in filters),
        partial_failures="ReportBatchItemFailures" in (one.get("FunctionResponseTypes") or ()),
        max_concurrency=(one.get("ScalingConfig") or {}).get("MaximumConcurrency"),
        enabled=one.get("State") not in ("Disabled", "Disabling"),
        starting_position="" if queue else one.get("StartingPosition", ""),
        retries=_or_never(one.get("MaximumRetryAttempts")),
        max_age_s=_or_never(one.get("MaximumRecordAgeInSeconds")),
        bisect=bool(one.get("BisectBatchOnFunctionError")),
        parallel=one.get("ParallelizationFactor") or 1,
        on_failure=failure.get("Destination") or "",
    )


def _or_never(value: int | None) -> int:
    return NEVER if value is None else value


def _settings(spec: MappingSpec, *, anew: bool) -> dict[str, Any]:
    """All settings as calls want them; what is unset is cleared only where it may have been set before."""
    found: dict[str, Any] = {
        "BatchSize": spec.batch_size,
        "MaximumBatchingWindowInSeconds": spec.batch_window_s,
        "Enabled": spec.enabled,
        "FunctionResponseTypes": ["ReportBatchItemFailures"] if spec.partial_failures else [],
        "FilterCriteria": {"Filters": [{"Pattern": each} for each in spec.filters]} if spec.filters else {},
    }
    if not spec.starting_position:
        limit = spec.max_concurrency
        found["ScalingConfig"] = {"MaximumConcurrency": limit} if limit else {}
    else:
        found |= {
            "MaximumRetryAttempts": spec.retries,
            "MaximumRecordAgeInSeconds": spec.max_age_s,
            "BisectBatchOnFunctionError": spec.bisect,
            "ParallelizationFactor": spec.parallel,
            "DestinationConfig": {"OnFailure": {"Destination": spec.on_failure}},
        }
    if anew and spec.starting_position:
        found["StartingPosition"] = spec.starting_position
    clearing = {"FilterCriteria": spec.filters, "ScalingConfig": spec.max_concurrency,
                "DestinationConfig": spec.on_failure}  # fmt: skip
    return {key: value for key, value in found.items() if not anew or clearing.get(key, True)}


def _settled(aws: Aws, uuid: str) -> None:
    """Waits until Lambda polls, or has stopped to: what comes before that may be lost to `LATEST`."""

    def ask() -> bool | None:
        found = aws.find("lambda.GetEventSourceMapping", UUID=uuid)
        state = str((found or {}).get("State", "Enabled"))
        if state.endswith("ing"):
            raise NotYet(state)
        return True

    aws.wait(f"mapping {uuid} to be enabled", ask, deadline_s=READY_S)
